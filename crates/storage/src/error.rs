//! What can go wrong with a file: the operation, the path and the kernel's answer.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What was asked of the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// List a directory.
    List,
    /// Create a file, or reserve its blocks.
    Create,
    /// Open an existing file.
    Open,
    /// Open an existing file around the page cache (`O_DIRECT`).
    OpenDirect,
    /// Read bytes or a length.
    Read,
    /// Write bytes.
    Write,
    /// Map a file.
    Map,
    /// Make bytes of a file durable.
    Sync,
    /// Make the names of a directory durable.
    SyncDirectory,
    /// Rename a file.
    Rename,
    /// Remove a file.
    Remove,
    /// Lock a directory.
    Lock,
    /// Ask for the free space.
    FreeSpace,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operation::List => "list",
            Operation::Create => "create",
            Operation::Open => "open",
            Operation::OpenDirect => "open (O_DIRECT)",
            Operation::Read => "read",
            Operation::Write => "write",
            Operation::Map => "map",
            Operation::Sync => "sync",
            Operation::SyncDirectory => "sync directory",
            Operation::Rename => "rename",
            Operation::Remove => "remove",
            Operation::Lock => "lock",
            Operation::FreeSpace => "free space",
        })
    }
}

/// A refused operation. Plain data: it can be kept, compared and sent to another thread.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{operation} {}: {kind} (errno {errno})", path.display())]
pub struct StorageError {
    /// What was asked.
    pub operation: Operation,
    /// Of which file or directory.
    pub path: PathBuf,
    /// The kind of the refusal.
    pub kind: io::ErrorKind,
    /// The kernel's number; 0 when the refusal is not the kernel's.
    pub errno: i32,
}

impl StorageError {
    /// The error `error` of `operation` on `path`.
    pub fn new(operation: Operation, path: &Path, error: &io::Error) -> StorageError {
        let errno = error.raw_os_error().unwrap_or(0);
        StorageError { operation, path: path.to_owned(), kind: error.kind(), errno }
    }

    /// True when there was no room: full disk or quota.
    pub fn is_full(&self) -> bool {
        matches!(self.kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }

    /// True when there is no such file.
    pub fn is_not_found(&self) -> bool {
        self.kind == io::ErrorKind::NotFound
    }
}

/// Names the operation and the path of an [`io::Error`].
pub(crate) trait Named<T> {
    fn named(self, operation: Operation, path: &Path) -> Result<T, StorageError>;
}

impl<T, E: Into<io::Error>> Named<T> for Result<T, E> {
    fn named(self, operation: Operation, path: &Path) -> Result<T, StorageError> {
        self.map_err(|error| StorageError::new(operation, path, &error.into()))
    }
}
