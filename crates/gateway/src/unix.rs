//! The Unix socket for clients of the same host: its file, from the start to the end.
//!
//! The file has mode 0660 from its first moment. A file that a dead process left is replaced; one that a live process
//! listens on is not, nor anything that is no socket.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, fchmod};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with};

use crate::limits::LISTEN_QUEUE;

/// Owner and group may connect.
const MODE: u32 = 0o660;

/// The file of a listening socket, removed when dropped.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and inode: the name may stand for somebody else's socket by then.
    identity: (u64, u64),
}

/// Listens at a path.
pub(crate) fn open(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    remove_stale(path)?;
    let socket = listening(path)?;
    // The umask may have taken something away; nothing was given that MODE does not give.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE))?;
    let found = std::fs::symlink_metadata(path)?;
    let file = SocketFile { path: path.into(), identity: (found.dev(), found.ino()) };
    Ok((UnixListener::from(socket), file))
}

fn listening(path: &Path) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    // Linux gives the file the mode of the unbound socket (unix(7)), so there is no moment at which others may connect.
    fchmod(&socket, Mode::from_raw_mode(MODE))?;
    bind(&socket, &SocketAddrUnix::new(path)?)?;
    listen(&socket, LISTEN_QUEUE)?;
    Ok(socket)
}

fn remove_stale(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file that is no socket"));
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        Err(error) => Err(error),
        Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "a live process listens there")),
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = |found: std::fs::Metadata| (found.dev(), found.ino()) == self.identity;
        if std::fs::symlink_metadata(&self.path).is_ok_and(ours) {
            // One that stays is stale, and replaced by the next start.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("oe.sock");
        (directory, path)
    }

    #[test]
    fn the_file_is_for_owner_and_group_and_goes_with_its_listener() {
        let (_directory, path) = scratch();
        let opened = open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, MODE);
        drop(opened);
        assert!(!path.exists());
    }

    #[test]
    fn a_stale_file_is_replaced_and_a_live_one_is_not() {
        let (_directory, path) = scratch();
        let (listener, file) = open(&path).unwrap();
        assert_eq!(open(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(listener);
        std::mem::forget(file);
        assert!(path.exists(), "as a killed process leaves it");
        open(&path).unwrap();
    }

    #[test]
    fn what_is_no_socket_stays() {
        let (_directory, path) = scratch();
        std::fs::write(&path, "somebody's").unwrap();
        assert_eq!(open(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "somebody's");
    }

    #[test]
    fn a_name_that_became_somebody_elses_is_left_alone() {
        let (_directory, path) = scratch();
        let opened = open(&path).unwrap();
        std::fs::rename(&path, path.with_extension("old")).unwrap();
        let _other = UnixListener::bind(&path).unwrap();
        drop(opened);
        assert!(path.exists());
    }
}
