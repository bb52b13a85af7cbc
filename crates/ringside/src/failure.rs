//! How a command ends when it ends badly: one message for a person, one exit code for a script.

use std::{fmt, io};

use ringside_journal::{JournalError, RecoverError};
use ringside_storage::StorageError;
use ringside_venue::VenueError;
use ringside_venue::stages::StageError;

/// The venue has refused, or does not answer; or there is a difference, or no such order.
pub const REFUSED: u8 = 1;
/// Wrong configuration or usage, or the data directory is in use.
pub const USAGE: u8 = 2;
/// A corrupted journal or snapshot.
pub const CORRUPT: u8 = 3;
/// Storage failed while running.
pub const STORAGE: u8 = 4;

/// A message and an exit code.
#[derive(Debug)]
pub struct Failure {
    /// Exit code of the process.
    pub exit_code: u8,
    /// At most three lines.
    message: String,
}

impl Failure {
    /// A failure with this code.
    pub fn new(exit_code: u8, message: impl fmt::Display) -> Self {
        Failure { exit_code, message: message.to_string() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ringside: {}", self.message)
    }
}

impl From<VenueError> for Failure {
    fn from(error: VenueError) -> Self {
        let exit_code = match &error {
            VenueError::Config(_) | VenueError::Lock(_) | VenueError::Thread(_) => USAGE,
            VenueError::Recover(error) => recover_code(error),
            VenueError::NoBeginning { .. } | VenueError::StateHash { .. } => CORRUPT,
            VenueError::Storage(_) | VenueError::Gateway(_) | VenueError::Stage(_) => STORAGE,
        };
        Failure::new(exit_code, error)
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Failure::new(STORAGE, error)
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Failure::new(STORAGE, error)
    }
}

impl From<StageError> for Failure {
    fn from(error: StageError) -> Self {
        Failure::new(STORAGE, error)
    }
}

/// A file or a socket. Who knows which one says so in a message of its own.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::new(STORAGE, error)
    }
}

/// Damage is 3; a device that does not answer is 4.
pub fn recover_code(error: &RecoverError) -> u8 {
    match error {
        RecoverError::Storage(_) => STORAGE,
        _ => CORRUPT,
    }
}
