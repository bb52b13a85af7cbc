//! Tags of a message to be sent, built on the stack.

use core::fmt;

use super::tag::{Tag, VALUE_MAX};
use super::tags::Tags;

/// Capacity of a [`TagBuffer`] in bytes.
pub const TAG_BUFFER_BYTES: usize = 192;

const ELEMENT_HEADER_BYTES: usize = 2;

/// Sum of all values: 5 of 8 bytes, 10 of 4, 1 of 2, 11 of 1.
const EVERY_TAG_BYTES: usize = 27 * ELEMENT_HEADER_BYTES + 5 * VALUE_MAX + 10 * 4 + 2 + 11;

const _: () = assert!(EVERY_TAG_BYTES <= TAG_BUFFER_BYTES, "a message with every tag once fits");

/// Tags in wire form, in the order pushed.
#[derive(Clone)]
pub struct TagBuffer {
    bytes: [u8; TAG_BUFFER_BYTES],
    length: usize,
}

impl TagBuffer {
    /// A buffer without tags.
    pub const fn new() -> Self {
        TagBuffer { bytes: [0; TAG_BUFFER_BYTES], length: 0 }
    }

    /// Appends a tag. Panics when [`TAG_BUFFER_BYTES`] are used up, which takes a repeated tag.
    pub fn push(&mut self, tag: Tag) {
        let (value, length) = tag.value();
        let end = self.length + ELEMENT_HEADER_BYTES + length;
        assert!(end <= TAG_BUFFER_BYTES, "Invariant: the tags of one message fit its buffer");
        let element = &mut self.bytes[self.length..end];
        // Cannot truncate because length <= VALUE_MAX.
        element[0] = 1 + length as u8;
        element[1] = tag.number();
        element[ELEMENT_HEADER_BYTES..].copy_from_slice(&value[..length]);
        self.length = end;
    }

    /// The tags pushed so far.
    pub fn as_tags(&self) -> Tags<'_> {
        Tags::new(&self.bytes[..self.length]).unwrap_or(Tags::EMPTY)
    }
}

impl Default for TagBuffer {
    fn default() -> Self {
        TagBuffer::new()
    }
}

impl fmt::Debug for TagBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_tags().fmt(f)
    }
}
