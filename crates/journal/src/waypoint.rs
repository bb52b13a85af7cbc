//! A place that a journal is known to pass through, because a snapshot was made there: reading may begin in its segment.

use ringside_domain::Sequence;

use crate::decode::Cursor;
use crate::error::{Corruption, Reason, RecoverError};
use crate::format::segment_file_name;

/// The place behind a command that was durable once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Waypoint {
    /// Name of the journal.
    pub epoch: u64,
    /// The command.
    pub sequence: Sequence,
    /// Segment that holds it.
    pub segment: u64,
    /// End of its record in the segment file.
    pub offset: u64,
    /// Running chain over all records up to there.
    pub chain: u64,
}

impl Waypoint {
    /// Where a walk stands.
    pub(crate) fn of(cursor: &Cursor) -> Waypoint {
        Waypoint {
            epoch: cursor.header.epoch,
            sequence: cursor.last_sequence,
            segment: cursor.header.number,
            offset: cursor.offset,
            chain: cursor.chain,
        }
    }

    /// The walk has just met a command with this sequence.
    pub(crate) fn check(&self, cursor: &Cursor) -> Result<(), RecoverError> {
        let found = Waypoint::of(cursor);
        if found == *self {
            return Ok(());
        }
        let reason = match found.epoch == self.epoch {
            true => Reason::OffTheWay { sequence: self.sequence },
            false => Reason::ForeignEpoch { expected: self.epoch, found: found.epoch },
        };
        let (segment, offset) = (segment_file_name(found.segment), found.offset);
        Err(Corruption { segment, offset, sequence: found.sequence, reason }.into())
    }

    /// The walk has ended, or begun, without meeting it.
    pub(crate) fn missed(&self, cursor: Option<&Cursor>) -> RecoverError {
        let reason = Reason::Missing { known: self.sequence };
        let (segment, offset, sequence) = match cursor {
            Some(cursor) if cursor.last_sequence < self.sequence => {
                (segment_file_name(cursor.header.number), cursor.offset, cursor.last_sequence + 1)
            }
            _ => (segment_file_name(self.segment), self.offset, self.sequence),
        };
        Corruption { segment, offset, sequence, reason }.into()
    }
}
