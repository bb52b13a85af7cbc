//! Old segments go, once a snapshot stands for them. Which ones may is the caller's decision: this knows only which
//! segments lie wholly before a command, and asks for each whether it may go.

use ringside_domain::Sequence;
use ringside_storage::{Disk, ReadAt, StorageError};

use crate::format::{SEGMENT_HEADER_LENGTH, SegmentHeader, segment_file_name, segment_number};

/// Removes the segments whose commands are all before `sequence`, oldest first, durably; the segment that holds `sequence`
/// stays, and so do the first one that `may_go` says no to (there is no copy of it yet) and all behind it. Returns their
/// numbers. A journal that lost its beginning this way can be read from a snapshot on only.
pub fn prune<D: Disk>(
    disk: &D,
    sequence: Sequence,
    may_go: impl Fn(u64) -> bool,
) -> Result<Vec<u64>, StorageError> {
    let mut numbers: Vec<u64> = disk.list()?.iter().filter_map(|name| segment_number(name)).collect();
    numbers.sort_unstable();
    let mut removed = Vec::new();
    for pair in numbers.windows(2) {
        if !may_go(pair[0]) {
            break;
        }
        // A segment is begun only after its predecessor was sealed: its header tells where that one ended.
        match header(disk, pair[1])? {
            Some(next) if next.number == pair[0] + 1 && next.previous_last_sequence < sequence => {
                disk.remove(&segment_file_name(pair[0]))?;
                removed.push(pair[0]);
            }
            _ => break,
        }
    }
    if !removed.is_empty() {
        disk.sync_directory()?;
    }
    Ok(removed)
}

/// The header of a segment; `None` when it was not begun, or cannot be read: then nothing is known about its predecessor.
fn header<D: Disk>(disk: &D, number: u64) -> Result<Option<SegmentHeader>, StorageError> {
    let mut page = [0; SEGMENT_HEADER_LENGTH as usize];
    disk.read(&segment_file_name(number))?.read_at(0, &mut page)?;
    Ok(SegmentHeader::decode(&page).ok())
}
