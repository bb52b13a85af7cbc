//! What can be wrong with a snapshot.

use ringside_engine::restore::RestoreError;
use ringside_storage::StorageError;

/// Why a snapshot could not be written or read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The device does not answer, or has no room.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The file is not what was written, or not for this program.
    #[error("snapshot {file}, offset {offset}: {damage}")]
    Damaged {
        /// Name of the file.
        file: String,
        /// Where in the file.
        offset: u64,
        /// What is wrong there.
        damage: Damage,
    },
}

/// What is wrong at a place of a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Damage {
    /// Too short or too long.
    #[error("the file has {found} bytes, expected {expected}")]
    Length {
        /// Length in the header, or that of the header.
        expected: u64,
        /// Length of the file.
        found: u64,
    },
    /// Not a snapshot.
    #[error("this is no snapshot")]
    Magic,
    /// A checksum does not match.
    #[error("checksum {found:#010x} found, {expected:#010x} computed")]
    Checksum {
        /// Computed over the bytes.
        expected: u32,
        /// Stored.
        found: u32,
    },
    /// Of a newer program.
    #[error("snapshot format version {found} is not known to this program")]
    Version {
        /// The version found.
        found: u16,
    },
    /// Of a machine with the other byte order.
    #[error("the snapshot has the other byte order")]
    ByteOrder,
    /// Made under other rules than this program carries out.
    #[error("rules version {found} is not known to this program")]
    Rules {
        /// The version found.
        found: u32,
    },
    /// Intact, but its fields contradict each other or the name of the file.
    #[error("the header contradicts itself or the name of the file")]
    Senseless,
    /// An intact record with contents that are never written.
    #[error("record {record} of section {section} is not valid")]
    Record {
        /// Section number.
        section: u32,
        /// From 0.
        record: u64,
    },
    /// Intact records that are no engine.
    #[error("{0}")]
    State(RestoreError),
    /// The engine has another state than the header says.
    #[error("state hash {found:016x} found, {expected:016x} computed")]
    StateHash {
        /// Computed.
        expected: u64,
        /// Stored.
        found: u64,
    },
}

impl Damage {
    /// The damage at a place.
    pub(crate) fn at(self, file: &str, offset: u64) -> SnapshotError {
        SnapshotError::Damaged { file: file.to_owned(), offset, damage: self }
    }
}
