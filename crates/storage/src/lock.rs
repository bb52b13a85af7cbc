//! One venue per data directory.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::error::Named;
use crate::{Operation, StorageError};

/// Why a directory could not be locked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LockError {
    /// Another process (or another lock of this one) has it.
    #[error("data directory {} is in use by another venue", directory.display())]
    InUse {
        /// The directory.
        directory: PathBuf,
    },
    /// The lock file could not be opened or locked.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Exclusive ownership of a data directory, until dropped or until the process dies in any way.
///
/// `flock` on `LOCK`: unlike `fcntl` locks it excludes a second opener in the same process and survives the
/// closing of other descriptors. The descriptor is close-on-exec, so a child program does not keep it.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Name of the lock file.
    pub const FILE_NAME: &str = "LOCK";

    /// Locks an existing directory, or says that it is in use; never waits.
    pub fn acquire(directory: &Path) -> Result<DirectoryLock, LockError> {
        let path = directory.join(Self::FILE_NAME);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .named(Operation::Lock, &path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(DirectoryLock { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(LockError::InUse { directory: directory.to_owned() }),
            Err(error) => Err(LockError::Storage(StorageError::new(Operation::Lock, &path, &error.into()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lock_is_refused_until_the_first_is_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let first = DirectoryLock::acquire(directory.path()).unwrap();
        let second = DirectoryLock::acquire(directory.path());
        assert_eq!(second.unwrap_err(), LockError::InUse { directory: directory.path().to_owned() });
        drop(first);
        DirectoryLock::acquire(directory.path()).unwrap();
    }

    #[test]
    fn a_missing_directory_is_a_storage_error() {
        let error = DirectoryLock::acquire(Path::new("/nonexistent/ringside")).unwrap_err();
        assert!(matches!(error, LockError::Storage(error) if error.is_not_found()));
    }
}
