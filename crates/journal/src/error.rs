//! What can go wrong: fields, not strings, so that a caller can act and a log line can be complete.

use ringside_domain::{Rules, Sequence};
use ringside_storage::StorageError;

/// Why the journal takes no more commands.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JournalError {
    /// The first failure. What was not durable before it may be lost; nothing is retried.
    #[error("the journal failed: {0}")]
    Storage(#[from] StorageError),
    /// No prepared segment is left and none can be made (a full disk, for example).
    #[error("no journal segment could be prepared: {0}")]
    NoSegment(StorageError),
    /// No prepared segment is left and nobody prepares any.
    #[error("the segment preparer is gone")]
    PreparerGone,
    /// An earlier call failed; the file is not touched any more.
    #[error("the journal failed earlier; durable up to sequence {durable_sequence}")]
    Failed {
        /// What the journal still promises.
        durable_sequence: Sequence,
    },
}

/// Why a journal could not be read or recovered.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RecoverError {
    /// The files could not be read (or, in recovery, made durable and repaired).
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The bytes are not those that were written. Never repaired, never skipped.
    #[error(transparent)]
    Corrupt(#[from] Corruption),
}

/// Damage that no crash explains.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("corrupt journal: segment {segment}, offset {offset}, sequence {sequence}: {reason}")]
pub struct Corruption {
    /// File name.
    pub segment: String,
    /// Where in the file.
    pub offset: u64,
    /// The sequence that should be there.
    pub sequence: Sequence,
    /// What is there instead.
    pub reason: Reason,
}

/// What is wrong at a place of the journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Reason {
    /// Zeros where a record should be.
    #[error("a record is missing")]
    RecordMissing,
    /// The length is no length of a record.
    #[error("record length {found} is impossible")]
    RecordLength {
        /// The length found.
        found: u32,
    },
    /// The checksum does not match.
    #[error("checksum {found:#010x} found, {expected:#010x} computed")]
    Checksum {
        /// Computed over the bytes.
        expected: u32,
        /// Stored.
        found: u32,
    },
    /// An intact record with another sequence.
    #[error("record of sequence {found} is out of place")]
    Sequence {
        /// The sequence found.
        found: Sequence,
    },
    /// An intact record whose time is before that of its predecessor.
    #[error("journal time {found} runs backwards from {previous}")]
    Time {
        /// Time of the record before.
        previous: u64,
        /// Time found.
        found: u64,
    },
    /// An intact record of a kind nobody knows.
    #[error("record kind {kind} is unknown")]
    UnknownKind {
        /// The kind found.
        kind: u8,
    },
    /// An intact record of a version this program cannot read.
    #[error("version {version} of record kind {kind} is not known to this program")]
    RecordVersion {
        /// The kind found.
        kind: u8,
        /// The version found.
        version: u8,
    },
    /// An intact record that puts newer rules in force than this program can carry out.
    #[error("the rules that this record puts in force are newer than this program's, version {}", Rules::NEWEST.version())]
    Rules,
    /// An intact record with contents that are never written.
    #[error("contents of record kind {kind} are not valid")]
    Payload {
        /// The kind found.
        kind: u8,
    },
    /// An intact footer or seal that contradicts the records before it.
    #[error("footer or seal does not match the records before it")]
    MarkMismatch,
    /// Bytes, or zeros, behind which there are later records of a segment that was sealed.
    #[error("the segment does not end with a seal although segment {next} follows")]
    Unsealed {
        /// The segment that follows.
        next: u64,
    },
    /// Both copies of the segment header are unreadable.
    #[error("both copies of the segment header are damaged or blank")]
    SegmentHeader,
    /// A segment of a newer format.
    #[error("journal format version {found} is not known to this program")]
    FormatVersion {
        /// The version found.
        found: u16,
    },
    /// A segment written with the other byte order.
    #[error("the segment has the other byte order")]
    ByteOrder,
    /// A segment of another journal.
    #[error("the segment belongs to journal {found:016x}, not to {expected:016x}")]
    ForeignEpoch {
        /// Epoch of this journal.
        expected: u64,
        /// Epoch found.
        found: u64,
    },
    /// A segment under the name of another.
    #[error("the file holds segment {found}")]
    SegmentNumber {
        /// The number found.
        found: u64,
    },
    /// No file where one must be.
    #[error("the segment is missing although segment {next} exists")]
    SegmentMissing {
        /// A later segment.
        next: u64,
    },
    /// A segment that does not continue its predecessor.
    #[error("the segment does not continue its predecessor")]
    ChainBroken,
    /// Another command, or another past, than the one after which a snapshot was made.
    #[error("a snapshot was made of another past at sequence {sequence}")]
    OffTheWay {
        /// Of the snapshot.
        sequence: Sequence,
    },
    /// Commands that a snapshot proves durable are not there.
    #[error("commands up to sequence {known} are missing, which a snapshot proves were durable")]
    Missing {
        /// Of the snapshot.
        known: Sequence,
    },
    /// The file is longer, or much shorter, than its header says.
    #[error("the file has {found} bytes, expected {expected}")]
    SegmentLength {
        /// Length in the header, or the least length of any segment.
        expected: u64,
        /// Length of the file.
        found: u64,
    },
}
