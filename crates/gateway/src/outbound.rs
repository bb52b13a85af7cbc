//! The sequenced stream of one login in one SoupBinTCP session: framed packets, in order, from sequence 1.
//!
//! Derived data: it can be rebuilt from the journal, so it is never synced, and its file may be deleted while the venue is
//! down. A snapshot knows how the stream was at its barrier; a start goes on from there if the file still is like that. The youngest bytes are in memory, the rest is in the file; a reader asks for
//! bytes at a position and does not care which.
//!
//! Memory per login: at most [`TAIL_BYTES`] plus one write, and 32 KiB of positions however long the stream is.

mod index;

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use self::index::Index;

/// Bytes kept in memory before they go to the file.
pub const TAIL_BYTES: usize = 256 * 1024;
/// Bytes kept in memory at most, when the disk is full. Beyond, the venue stops.
const TAIL_MAX: usize = 64 * 1024 * 1024;
/// Length field of a SoupBinTCP packet.
const LENGTH_BYTES: u64 = 2;
/// Bytes that are read at once to find a message behind another one.
const PASS_BYTES: usize = 16 * 1024;

/// The file of a stream could not be written or read.
#[derive(Debug, Error)]
#[error("outbound stream {path}: {source}")]
pub struct OutboundError {
    /// The file.
    path: PathBuf,
    /// What the system said.
    source: io::Error,
}

/// The stream.
#[derive(Debug)]
pub struct Outbound {
    path: PathBuf,
    file: File,
    /// Bytes that are in the file.
    stored: u64,
    /// Bytes after those.
    tail: Vec<u8>,
    /// Messages in the stream.
    messages: u64,
    /// Where they begin.
    index: Index,
}

impl Outbound {
    /// An empty stream in a new file; an older file of that name is overwritten.
    pub fn create(path: &Path) -> Result<Self, OutboundError> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path);
        let file = file.map_err(|source| OutboundError { path: path.into(), source })?;
        let tail = Vec::with_capacity(TAIL_BYTES + TAIL_BYTES / 4);
        Ok(Outbound { path: path.into(), file, stored: 0, tail, messages: 0, index: Index::default() })
    }

    /// The stream as it was once: `None` when the file does not begin with so many messages in so many bytes with this
    /// CRC-32. What the file has behind them is cut off.
    pub fn resume(
        path: &Path,
        (messages, bytes, crc): (u64, u64, u32),
    ) -> Result<Option<Self>, OutboundError> {
        let failed = |source| OutboundError { path: path.into(), source };
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(failed)?,
        };
        let Some(found) = Walk::over(&file, bytes).map_err(failed)? else { return Ok(None) };
        if (found.messages, found.crc.finalize()) != (messages, crc) {
            return Ok(None);
        }
        file.set_len(bytes).map_err(failed)?;
        let tail = Vec::with_capacity(TAIL_BYTES + TAIL_BYTES / 4);
        Ok(Some(Outbound { path: path.into(), file, stored: bytes, tail, messages, index: found.index }))
    }

    /// The session is over: an empty stream at `path` takes the place of this one, which goes to its file as far as the disk
    /// has room, and is returned for those who have not read all of it.
    pub fn succeed(&mut self, path: &Path) -> Result<Outbound, OutboundError> {
        self.store()?;
        Ok(std::mem::replace(self, Outbound::create(path)?))
    }

    /// Sequence number of the next message.
    pub fn next_sequence(&self) -> u64 {
        self.messages + 1
    }

    /// Position after the last message.
    pub fn end(&self) -> u64 {
        self.stored + self.tail.len() as u64
    }

    /// Adds one message: `write` appends exactly one framed packet.
    pub fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.index.note(self.messages, self.end());
        self.messages += 1;
        let before = self.tail.len();
        write(&mut self.tail);
        debug_assert!(self.tail.len() >= before + 3, "Invariant: a message is one framed packet");
    }

    /// Moves the bytes in memory to the file when there are many. Call between batches.
    pub fn store_if_long(&mut self) -> Result<(), OutboundError> {
        if self.tail.len() < TAIL_BYTES {
            return Ok(());
        }
        self.store().map(|_| ())
    }

    /// Moves all bytes in memory to the file. False: the disk is full, they stay where they are.
    pub fn store(&mut self) -> Result<bool, OutboundError> {
        match self.file.write_all_at(&self.tail, self.stored) {
            Ok(()) => {
                self.stored += self.tail.len() as u64;
                self.tail.clear();
                Ok(true)
            }
            // The stream is derived data: while the disk is full it grows in memory, and the journal's reserve
            // decides how long the venue goes on.
            Err(error) if error.kind() == io::ErrorKind::StorageFull && self.tail.len() < TAIL_MAX => {
                Ok(false)
            }
            Err(source) => Err(self.failed(source)),
        }
    }

    /// Position of the message with this sequence number, 1..=next_sequence.
    pub fn locate(&self, sequence: u64) -> Result<u64, OutboundError> {
        assert!((1..=self.next_sequence()).contains(&sequence), "the session layer has checked the number");
        if sequence == self.next_sequence() {
            return Ok(self.end());
        }
        let (position, between) = self.index.nearest(sequence - 1);
        self.pass(position, between)
    }

    /// Position behind `count` messages of which the first begins at `position`.
    fn pass(&self, mut position: u64, mut count: u64) -> Result<u64, OutboundError> {
        let mut scratch = [0; PASS_BYTES];
        while count > 0 {
            let bytes = self.bytes(position, &mut scratch)?;
            // The last message of these may go on beyond them; a length field that does is read again.
            let mut at = 0;
            while count > 0
                && let Some(length) = bytes.get(at..).and_then(|rest| rest.first_chunk())
            {
                at += LENGTH_BYTES as usize + usize::from(u16::from_be_bytes(*length));
                count -= 1;
            }
            assert!(at > 0, "Invariant: a message that was counted is in the stream");
            position += at as u64;
        }
        Ok(position)
    }

    /// Up to `scratch.len()` bytes from a position: from memory as they are, from the file through `scratch`.
    pub fn bytes<'a>(&'a self, position: u64, scratch: &'a mut [u8]) -> Result<&'a [u8], OutboundError> {
        if position >= self.stored {
            let tail = &self.tail[(position - self.stored) as usize..];
            return Ok(&tail[..tail.len().min(scratch.len())]);
        }
        let wanted = scratch.len().min((self.stored - position) as usize);
        self.file.read_exact_at(&mut scratch[..wanted], position).map_err(|source| self.failed(source))?;
        Ok(&scratch[..wanted])
    }

    fn failed(&self, source: io::Error) -> OutboundError {
        OutboundError { path: self.path.clone(), source }
    }
}

/// A look at all messages of a file.
#[derive(Default)]
struct Walk {
    messages: u64,
    index: Index,
    crc: crc32fast::Hasher,
    /// Where the next message begins.
    next: u64,
}

impl Walk {
    /// Over the first `bytes` of a file; `None` when they are not there, or end within a message.
    fn over(file: &File, bytes: u64) -> io::Result<Option<Walk>> {
        let mut walk = Walk::default();
        let mut chunk = vec![0; 1 << 20];
        let (mut filled, mut offset) = (0, 0);
        while offset < bytes {
            let wanted = chunk.len().min(filled + (bytes - offset) as usize);
            let read = file.read_at(&mut chunk[filled..wanted], offset)?;
            if read == 0 {
                return Ok(None);
            }
            walk.crc.update(&chunk[filled..filled + read]);
            (offset, filled) = (offset + read as u64, filled + read);
            let begin = offset - filled as u64;
            walk.messages_of(&chunk[..filled], begin);
            // Half a length waits for its other half.
            let kept = walk.next.saturating_sub(begin).min(filled as u64) as usize;
            chunk.copy_within(kept..filled, 0);
            filled -= kept;
        }
        Ok((walk.next == bytes).then_some(walk))
    }

    /// Messages whose length field is in `bytes`, which begin at `begin`.
    fn messages_of(&mut self, bytes: &[u8], begin: u64) {
        while let Some(length) = bytes.get((self.next - begin) as usize..).and_then(|rest| rest.first_chunk())
        {
            self.index.note(self.messages, self.next);
            self.messages += 1;
            self.next += LENGTH_BYTES + u64::from(u16::from_be_bytes(*length));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(n: u64) -> Vec<u8> {
        let payload = vec![n as u8; 1 + (n % 70) as usize];
        let mut packet = (payload.len() as u16 + 1).to_be_bytes().to_vec();
        packet.push(b'S');
        packet.extend_from_slice(&payload);
        packet
    }

    fn stream(messages: u64) -> (tempfile::TempDir, Outbound, Vec<Vec<u8>>) {
        let dir = tempfile::tempdir().unwrap();
        let mut outbound = Outbound::create(&dir.path().join("1.out")).unwrap();
        let packets: Vec<_> = (1..=messages).map(packet).collect();
        for packet in &packets {
            outbound.append(|out| out.extend_from_slice(packet));
            outbound.store_if_long().unwrap();
        }
        (dir, outbound, packets)
    }

    fn read_all(outbound: &Outbound, mut position: u64, chunk: usize) -> Vec<u8> {
        let mut all = Vec::new();
        let mut scratch = vec![0; chunk];
        while position < outbound.end() {
            let bytes = outbound.bytes(position, &mut scratch).unwrap();
            all.extend_from_slice(bytes);
            position += bytes.len() as u64;
        }
        all
    }

    #[test]
    fn every_sequence_is_found_in_the_file_and_in_memory() {
        let (_dir, outbound, packets) = stream(20_000);
        assert!(outbound.stored > 0 && !outbound.tail.is_empty(), "both homes are in use");
        let mut position = 0;
        for (n, packet) in packets.iter().enumerate() {
            assert_eq!(outbound.locate(n as u64 + 1).unwrap(), position);
            position += packet.len() as u64;
        }
        assert_eq!(outbound.locate(20_001).unwrap(), outbound.end());
    }

    #[test]
    fn a_message_of_a_stream_with_few_marks_is_found_across_many_reads() {
        let (_dir, outbound, packets) = stream(600_000);
        let mut positions = vec![0];
        packets
            .iter()
            .for_each(|packet| positions.push(positions[positions.len() - 1] + packet.len() as u64));
        for before in (0..=packets.len()).step_by(997).chain([packets.len() - 1, packets.len()]) {
            assert_eq!(outbound.locate(before as u64 + 1).unwrap(), positions[before]);
        }
    }

    #[test]
    fn reading_from_any_message_gives_the_rest_of_the_stream() {
        let (_dir, outbound, packets) = stream(9_000);
        for from in [1, 2, 64, 65, 4_500, 8_999, 9_000] {
            let position = outbound.locate(from).unwrap();
            assert_eq!(read_all(&outbound, position, 777), packets[from as usize - 1..].concat());
        }
    }

    /// What a snapshot would know of the first messages.
    fn image(packets: &[Vec<u8>]) -> (u64, u64, u32) {
        let bytes = packets.concat();
        (packets.len() as u64, bytes.len() as u64, crc32fast::hash(&bytes))
    }

    #[test]
    fn a_stream_goes_on_from_any_message_and_is_the_same_again() {
        for kept in [0, 1, 63, 64, 65, 20_000, 30_000] {
            let (_dir, mut outbound, packets) = stream(30_000);
            assert!(outbound.store().unwrap() && outbound.tail.is_empty());
            let path = outbound.path.clone();
            drop(outbound);
            let resumed = Outbound::resume(&path, image(&packets[..kept])).unwrap();
            let mut resumed = resumed.unwrap_or_else(|| panic!("{kept} messages are there"));
            assert_eq!(resumed.next_sequence(), kept as u64 + 1);
            for packet in &packets[kept..] {
                resumed.append(|out| out.extend_from_slice(packet));
                resumed.store_if_long().unwrap();
            }
            assert_eq!(read_all(&resumed, 0, 5_000), packets.concat());
            let mut position = 0;
            for (n, packet) in packets.iter().enumerate() {
                assert_eq!(resumed.locate(n as u64 + 1).unwrap(), position);
                position += packet.len() as u64;
            }
        }
    }

    #[test]
    fn a_file_that_is_not_the_stream_is_no_stream() {
        let (_dir, mut outbound, packets) = stream(3_000);
        outbound.store().unwrap();
        let path = outbound.path.clone();
        let (messages, bytes, crc) = image(&packets);
        let resumed = |image| Outbound::resume(&path, image).unwrap().is_some();
        for other in [(messages - 1, bytes, crc), (messages, bytes, !crc), (messages, bytes + 1, crc)] {
            assert!(!resumed(other), "{other:?}");
        }
        assert!(!resumed((messages, bytes - 1, crc32fast::hash(&packets.concat()[..bytes as usize - 1]))));
        assert_eq!(
            std::fs::metadata(&path).unwrap().len(),
            bytes,
            "a file that is not the stream stays as it is"
        );
        outbound.file.write_all_at(&[0xff], bytes / 2).unwrap();
        assert!(!resumed((messages, bytes, crc)));
        std::fs::remove_file(&path).unwrap();
        assert!(!resumed((0, 0, 0)));
    }
}
