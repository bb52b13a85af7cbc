//! A file written in whole blocks around the page cache: one system call per batch writes it and makes it durable.
//!
//! ```text
//!            base                     dirty                  end        whole
//!  file  ... | block of the last batch | records of this batch | zeros  |
//!            +-------------------------+-----------------------+--------+
//!            already durable, rewritten with the same bytes
//! ```
//!
//! # Invariants
//! - The buffer holds what the file holds, or shall hold, from `base` up to `whole`; both are multiples of a block.
//! - A block that is already durable is rewritten with the same bytes in front of the new ones. Whichever of its
//!   sectors a power cut keeps old or new, the durable bytes are there.
//!
//! # Known limits
//! - A disk that leaves a sector unreadable when the power goes while it is rewritten can take durable bytes along.
//!   The same holds for the mapped writer: there the kernel rewrites the page.

use crate::StorageError;
use crate::blocks::{BLOCK, BlockBuffer};
use crate::disk::Segment;

/// Bytes that are collected before they are handed over without being asked: more than the longest batch.
const BUFFER: usize = 1 << 20;

/// A file that is read and written in whole blocks at multiples of a block.
pub trait BlockFile: Send {
    /// Length of the file in bytes.
    fn length(&self) -> u64;

    /// Fills `blocks` from `offset` on. Bytes beyond the end of the file are zero.
    fn read(&self, offset: u64, blocks: &mut [u8]) -> Result<(), StorageError>;

    /// Hands blocks to the kernel.
    fn write(&mut self, offset: u64, blocks: &[u8]) -> Result<(), StorageError>;

    /// Writes blocks; they are durable when this returns. Says nothing about blocks written before.
    fn write_durable(&mut self, offset: u64, blocks: &[u8]) -> Result<(), StorageError>;

    /// Makes everything written so far durable.
    fn sync(&mut self) -> Result<(), StorageError>;
}

/// A [`Segment`] that collects a batch in memory and writes it in one piece.
#[derive(Debug)]
pub struct DirectSegment<F> {
    file: F,
    buffer: BlockBuffer,
    /// Place of the buffer in the file.
    base: u64,
    /// Bytes of the buffer that the file already has.
    dirty: usize,
    /// Bytes of the buffer in use.
    end: usize,
    /// Up to here the buffer says what the file shall hold.
    whole: usize,
    /// Blocks were handed over and are not durable yet.
    unsynced: bool,
}

impl<F: BlockFile> DirectSegment<F> {
    /// A segment over a file that was opened for writing.
    pub fn new(file: F) -> DirectSegment<F> {
        let buffer = BlockBuffer::new(BUFFER);
        DirectSegment { file, buffer, base: 0, dirty: 0, end: 0, whole: 0, unsynced: false }
    }

    /// Goes on at `offset` instead of behind the last byte written.
    #[cold]
    fn seek(&mut self, offset: u64) -> Result<(), StorageError> {
        self.hand_over()?;
        self.base = offset - offset % BLOCK as u64;
        self.end = (offset - self.base) as usize;
        (self.dirty, self.whole) = (self.end, 0);
        if self.end > 0 {
            self.file.read(self.base, &mut self.buffer.bytes()[..BLOCK])?;
            self.whole = BLOCK;
        }
        Ok(())
    }

    /// Adds as much as there is room for.
    #[inline]
    fn push(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(BUFFER - self.end);
        let new_end = self.end + count;
        let buffer = self.buffer.bytes();
        buffer[self.end..new_end].copy_from_slice(&bytes[..count]);
        if new_end > self.whole {
            let whole = new_end.next_multiple_of(BLOCK);
            buffer[new_end..whole].fill(0);
            self.whole = whole;
        }
        self.end = new_end;
        count
    }

    fn is_dirty(&self) -> bool {
        self.dirty < self.end
    }

    /// The blocks with bytes that the file does not have yet, and their place.
    fn dirty_blocks(&mut self) -> (&mut F, u64, &[u8]) {
        let from = self.dirty - self.dirty % BLOCK;
        let to = self.end.next_multiple_of(BLOCK);
        debug_assert!(to <= self.whole, "Invariant: only defined bytes are written");
        (&mut self.file, self.base + from as u64, &self.buffer.bytes()[from..to])
    }

    /// The file has everything: only the block that is not full stays, to be written again with what follows.
    fn advance(&mut self) {
        let full = self.end - self.end % BLOCK;
        self.base += full as u64;
        self.end -= full;
        if full > 0 && self.end > 0 {
            self.buffer.bytes().copy_within(full..full + BLOCK, 0);
        }
        (self.dirty, self.whole) = (self.end, if self.end > 0 { BLOCK } else { 0 });
    }
}

impl<F: BlockFile> Segment for DirectSegment<F> {
    fn length(&self) -> u64 {
        self.file.length()
    }

    #[inline]
    fn write(&mut self, offset: u64, mut bytes: &[u8]) -> Result<(), StorageError> {
        assert!(offset + bytes.len() as u64 <= self.length(), "Invariant: a segment never grows");
        if offset != self.base + self.end as u64 {
            self.seek(offset)?;
        }
        loop {
            let taken = self.push(bytes);
            bytes = &bytes[taken..];
            if bytes.is_empty() {
                return Ok(());
            }
            self.hand_over()?;
        }
    }

    fn hand_over(&mut self) -> Result<(), StorageError> {
        if self.is_dirty() {
            let (file, offset, blocks) = self.dirty_blocks();
            file.write(offset, blocks)?;
            self.unsynced = true;
            self.advance();
        }
        Ok(())
    }

    fn sync(&mut self, from: u64, to: u64) -> Result<(), StorageError> {
        assert!(from <= to && to <= self.length(), "Invariant: only bytes of the segment are synced");
        if self.unsynced {
            // A durable write covers its own blocks only.
            self.hand_over()?;
            self.file.sync()?;
            self.unsynced = false;
        } else if self.is_dirty() {
            let (file, offset, blocks) = self.dirty_blocks();
            file.write_durable(offset, blocks)?;
            self.advance();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::{Dice, Disk, MemoryDisk, Pace, Writer};

    fn disk() -> MemoryDisk {
        MemoryDisk::default().with_writer(Writer::Direct)
    }

    #[test]
    fn random_writes_end_up_where_they_were_put() {
        const LENGTH: usize = 4 << 20;
        for seed in 0..20 {
            let (disk, mut dice) = (disk(), Dice::new(seed));
            let mut segment = disk.create("a", LENGTH as u64, Pace::Unpaced).unwrap();
            let mut expected = vec![0; LENGTH];
            let mut offset = 0;
            while offset < LENGTH {
                let most = if dice.below(20) == 0 { 2 << 20 } else { 9_000 };
                let length = (dice.below(most) as usize).min(LENGTH - offset);
                let bytes = vec![dice.roll() as u8 | 1; length];
                segment.write(offset as u64, &bytes).unwrap();
                expected[offset..offset + length].copy_from_slice(&bytes);
                offset += length;
                match dice.below(8) {
                    0 => segment.hand_over().unwrap(),
                    1..4 => segment.sync(0, offset as u64).unwrap(),
                    // Opened again in the middle of a block.
                    4 => {
                        segment.sync(0, offset as u64).unwrap();
                        segment = disk.open("a").unwrap();
                    }
                    _ => {}
                }
            }
            segment.sync(0, LENGTH as u64).unwrap();
            disk.crash(&mut dice);
            assert!(disk.contents("a").unwrap() == expected, "seed {seed}");
        }
    }

    #[test]
    fn bytes_outlive_the_process_once_handed_over_and_the_power_once_synced() {
        let disk = disk();
        let mut segment = disk.create("a", 8192, Pace::Unpaced).unwrap();
        segment.write(0, b"first").unwrap();
        assert_eq!(disk.contents("a").unwrap()[..5], [0; 5], "not even the kernel has it");
        segment.hand_over().unwrap();
        assert_eq!(&disk.contents("a").unwrap()[..5], b"first");
        segment.write(5, b"second").unwrap();
        segment.sync(0, 11).unwrap();
        disk.crash(&mut Dice::new(1));
        assert_eq!(&disk.contents("a").unwrap()[..11], b"firstsecond", "what was handed over before as well");
    }

    /// What was asked, where, for how many bytes.
    type Call = (&'static str, u64, usize);

    /// Notes what is asked of it.
    #[derive(Clone, Default)]
    struct Recorder(Arc<Mutex<Vec<Call>>>);

    impl Recorder {
        fn note(&self, what: &'static str, offset: u64, length: usize) -> Result<(), StorageError> {
            self.0.lock().unwrap().push((what, offset, length));
            Ok(())
        }

        fn taken(&self) -> Vec<Call> {
            std::mem::take(&mut *self.0.lock().unwrap())
        }
    }

    impl BlockFile for Recorder {
        fn length(&self) -> u64 {
            4 << 20
        }

        fn read(&self, offset: u64, blocks: &mut [u8]) -> Result<(), StorageError> {
            self.note("read", offset, blocks.len())
        }

        fn write(&mut self, offset: u64, blocks: &[u8]) -> Result<(), StorageError> {
            self.note("write", offset, blocks.len())
        }

        fn write_durable(&mut self, offset: u64, blocks: &[u8]) -> Result<(), StorageError> {
            self.note("durable", offset, blocks.len())
        }

        fn sync(&mut self) -> Result<(), StorageError> {
            self.note("sync", 0, 0)
        }
    }

    #[test]
    fn a_batch_is_one_write_of_the_blocks_that_changed() {
        let recorder = Recorder::default();
        let mut segment = DirectSegment::new(recorder.clone());
        segment.write(0, &[1; 5000]).unwrap();
        segment.sync(0, 5000).unwrap();
        segment.write(5000, &[2; 10]).unwrap();
        segment.sync(5000, 5010).unwrap();
        segment.write(5010, &[3; 8192 - 5010]).unwrap();
        segment.sync(5010, 8192).unwrap();
        segment.write(8192, &[4; 16]).unwrap();
        segment.sync(8192, 8208).unwrap();
        segment.sync(8192, 8208).unwrap();
        let durable = |offset, length| ("durable", offset, length);
        let expected = [durable(0, 8192), durable(4096, 4096), durable(4096, 4096), durable(8192, 4096)];
        assert_eq!(recorder.taken(), expected, "a block boundary starts anew, and nothing new is no write");
    }

    #[test]
    fn what_was_handed_over_takes_a_sync_of_its_own() {
        let recorder = Recorder::default();
        let mut segment = DirectSegment::new(recorder.clone());
        segment.write(4096 + 100, &[1; 10]).unwrap();
        segment.hand_over().unwrap();
        segment.hand_over().unwrap();
        segment.write(4096 + 110, &[1; 10]).unwrap();
        segment.sync(4096, 4216).unwrap();
        let expected = [("read", 4096, 4096), ("write", 4096, 4096), ("write", 4096, 4096), ("sync", 0, 0)];
        assert_eq!(recorder.taken(), expected);
        segment.write(4216, &vec![2; BUFFER + 1]).unwrap();
        segment.sync(4216, 4216 + BUFFER as u64 + 1).unwrap();
        let taken = recorder.taken();
        assert_eq!(
            taken.iter().map(|call| call.0).collect::<Vec<_>>(),
            ["write", "write", "sync"],
            "{taken:?}"
        );
    }
}
