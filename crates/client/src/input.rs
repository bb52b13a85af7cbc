//! Bytes received, cut into packets. One buffer of fixed size.
//!
//! ```text
//! | consumed | start .. packets not yet taken .. end | room |
//! ```

use std::ops::Range;

use ringside_wire::soup::{FrameError, HEADER_BYTES, PAYLOAD_MAX, next_packet};

const CAPACITY: usize = 256 * 1024;

const _: () =
    assert!(CAPACITY >= 2 * (HEADER_BYTES + PAYLOAD_MAX), "the longest packet fits, with room to read");

/// The read buffer of a connection.
#[derive(Debug)]
pub(crate) struct Input {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Input {
    pub(crate) fn new() -> Self {
        Input { bytes: vec![0; CAPACITY].into_boxed_slice(), start: 0, end: 0 }
    }

    /// Where the next bytes go. Never empty once [`Input::take`] has returned `None`.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end > CAPACITY / 2 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        debug_assert!(self.end < CAPACITY, "Invariant: an incomplete packet leaves room for its rest");
        &mut self.bytes[self.end..]
    }

    /// `length` bytes were written into the room.
    pub(crate) fn filled(&mut self, length: usize) {
        assert!(length <= CAPACITY - self.end, "Invariant: nobody fills more than the room");
        self.end += length;
    }

    /// Type and payload of the next whole packet. The payload stays in place until [`Input::room`].
    pub(crate) fn take(&mut self) -> Result<Option<(u8, Range<usize>)>, FrameError> {
        let Some((packet, length)) = next_packet(&self.bytes[self.start..self.end], PAYLOAD_MAX)? else {
            return Ok(None);
        };
        let kind = packet.kind;
        let payload = self.start + HEADER_BYTES..self.start + length;
        self.start += length;
        Ok(Some((kind, payload)))
    }

    /// Bytes of a payload that [`Input::take`] named.
    pub(crate) fn payload(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringside_wire::soup::{kind, put_packet};

    /// Feeds `stream` in parts and returns the payloads.
    fn payloads(stream: &[u8], part: usize) -> Vec<Vec<u8>> {
        let (mut input, mut payloads) = (Input::new(), Vec::new());
        for part in stream.chunks(part) {
            input.room()[..part.len()].copy_from_slice(part);
            input.filled(part.len());
            while let Some((kind, range)) = input.take().unwrap() {
                assert_eq!(kind, kind::SEQUENCED);
                payloads.push(input.payload(range).to_vec());
            }
        }
        payloads
    }

    #[test]
    fn packets_are_the_same_however_the_stream_is_cut() {
        let sent: Vec<Vec<u8>> = [0, 1, 17, PAYLOAD_MAX, 3, PAYLOAD_MAX].map(|n| vec![n as u8; n]).to_vec();
        let mut stream = Vec::new();
        sent.iter().for_each(|payload| put_packet(kind::SEQUENCED, payload, &mut stream));
        for part in [1, 2, 3, 1000, 100_000] {
            assert_eq!(payloads(&stream, part), sent, "in parts of {part}");
        }
    }

    #[test]
    fn a_length_of_zero_ends_the_stream() {
        let mut input = Input::new();
        input.room()[..2].copy_from_slice(&[0, 0]);
        input.filled(2);
        assert_eq!(input.take(), Err(FrameError::LengthZero));
    }
}
