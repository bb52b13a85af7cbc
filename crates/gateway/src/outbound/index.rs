//! Where some messages of a stream begin: one in so many, and never more than [`MARKS_MAX`]. When there would be more, every
//! other one is forgotten, so that a stream may be as long as it likes.

/// Every how many messages the position is remembered, to begin with.
const STRIDE: u64 = 64;
/// Positions that are remembered: 32 KiB a login. A hundred million messages then have one in 32,768, some 2 MB apart: well below
/// a millisecond of reading for whoever asks for a message in between.
pub(super) const MARKS_MAX: usize = 4_096;

#[derive(Debug)]
pub(super) struct Index {
    stride: u64,
    /// Positions of messages 1, 1 + stride, ...
    marks: Vec<u64>,
}

impl Default for Index {
    fn default() -> Self {
        Index { stride: STRIDE, marks: Vec::new() }
    }
}

impl Index {
    /// The message that comes after `before` others begins at this position. Called for every message, in order.
    #[inline]
    pub(super) fn note(&mut self, before: u64, position: u64) {
        if before.is_multiple_of(self.stride) {
            self.mark(position);
        }
    }

    fn mark(&mut self, position: u64) {
        if self.marks.len() == MARKS_MAX {
            let mut keep = false;
            self.marks.retain(|_| {
                keep = !keep;
                keep
            });
            // An even number of marks has gone by, so this message has one under the new stride, too.
            self.stride *= 2;
        }
        self.marks.push(position);
    }

    /// The last remembered message among the first `before` + 1: its position, and how many messages lie between it and the one
    /// that comes after `before` others.
    pub(super) fn nearest(&self, before: u64) -> (u64, u64) {
        (self.marks[(before / self.stride) as usize], before % self.stride)
    }
}

const _: () = assert!(MARKS_MAX.is_multiple_of(2), "after thinning the next message has a mark");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_stream_has_few_marks_and_they_are_where_its_messages_are() {
        let mut index = Index::default();
        let position = |before: u64| before * 7;
        let messages = 5 * STRIDE * MARKS_MAX as u64;
        for before in 0..messages {
            index.note(before, position(before));
            assert!(index.marks.len() <= MARKS_MAX);
        }
        assert_eq!(index.stride, 8 * STRIDE);
        for before in (0..messages).step_by(1_001).chain([messages - 1]) {
            let (found, between) = index.nearest(before);
            assert_eq!(found, position(before - between));
            assert!(between < index.stride);
        }
    }
}
