//! File descriptors and directories: what a venue needs of them before it starts.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use rustix::process::{Resource, getrlimit, setrlimit};

/// Descriptors for everything but connections and streams: segments in use and prepared, polls and wake-ups, up to
/// four listeners, the lock, a few admin requests. An idle venue has 15 of them open.
const RESERVED: u64 = 32;
/// Poll and wake-up of each gateway but the first.
const PER_GATEWAY: u64 = 2;

/// Raises the soft limit of open files to the hard one, and tells how many connections fit beside the streams of
/// `logins` and the polls of `gateways`. `Err` holds the number that would be needed at least.
pub fn connections_max(logins: usize, gateways: usize) -> Result<usize, u64> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        // Not being allowed leaves the limit as it was; what counts is read again.
        let _ = setrlimit(Resource::Nofile, limit);
    }
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    // A stream each; at a roll the one of the session before stays open until its reader has it.
    let taken = RESERVED + PER_GATEWAY * (gateways as u64 - 1) + 2 * logins as u64;
    // At least one connection for every login, and one to take over with.
    let least = taken + logins as u64 + 1;
    if files < least { Err(least) } else { Ok(usize::try_from(files - taken).unwrap_or(usize::MAX)) }
}

/// Creates a directory and makes its name durable in every parent that was created with it.
pub fn create_durable(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_durable(parent)?;
    match std::fs::create_dir(path) {
        // Somebody else may have created it meanwhile; a file of that name is no directory.
        Err(_) if path.is_dir() => {}
        other => other?,
    }
    File::open(parent)?.sync_all()
}

/// Puts a small file into a directory, in place of the one of that name: the old text or the new one is found whenever the
/// power goes. Durable when this returns.
pub fn replace_durable(directory: &Path, name: &str, text: &str) -> io::Result<()> {
    let draft = directory.join(format!("{name}.new"));
    let mut file = File::create(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(draft, directory.join(name))?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_created_with_their_parents_and_found_again() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("a/b/c");
        create_durable(&path).unwrap();
        create_durable(&path).unwrap();
        assert!(path.is_dir());
        std::fs::write(path.join("file"), "").unwrap();
        assert!(create_durable(&path.join("file")).is_err());
    }

    #[test]
    fn more_logins_than_files_are_refused_with_the_number_needed() {
        assert!(connections_max(1, 1).unwrap() > 0);
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        if let Ok(logins) = usize::try_from(files.min(1 << 40)) {
            assert!(connections_max(logins, 1).unwrap_err() > files);
        }
    }
}
