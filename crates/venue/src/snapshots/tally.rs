//! A sequenced stream that is only counted: what its file must be like at a barrier.

use crc32fast::Hasher;
use ringside_domain::{Event, TimeNs};
use ringside_gateway::server::encode_event;
use ringside_snapshot::StreamImage;

/// Messages, bytes and checksum of a stream so far.
#[derive(Clone, Debug, Default)]
pub struct StreamTally {
    messages: u64,
    bytes: u64,
    crc: Hasher,
}

impl StreamTally {
    /// Goes on where a snapshot was.
    pub fn of(image: &StreamImage) -> StreamTally {
        let crc = Hasher::new_with_initial_len(image.crc, image.bytes);
        StreamTally { messages: image.messages, bytes: image.bytes, crc }
    }

    /// Counts an event, if its login is told of it. `scratch` is empty before and after.
    pub fn add(&mut self, time_ns: TimeNs, event: &Event, scratch: &mut Vec<u8>) {
        if encode_event(time_ns, event, scratch) {
            self.messages += 1;
            self.bytes += scratch.len() as u64;
            self.crc.update(scratch);
            scratch.clear();
        }
    }

    /// What was counted.
    pub fn image(&self) -> StreamImage {
        StreamImage { messages: self.messages, bytes: self.bytes, crc: self.crc.clone().finalize() }
    }
}
