//! The tags of one message, as their bytes.
//!
//! ```text
//! | length = 1 + value | tag | value |  | length | tag | value |  ...
//! ```
//!
//! Invariant: never longer than [`APPENDAGE_MAX`], so the length always fits its u16.

use core::fmt;

use super::tag::{Tag, TagError, TagProblem};
use super::tag_set::TagSet;

/// Most bytes of tags that one message can carry.
pub const APPENDAGE_MAX: usize = u16::MAX as usize;

/// Stands for the number of a tag whose bytes end, or close, before one. No tag has it.
pub const NO_TAG_NUMBER: u8 = 255;

const TAG_USER_REF_IDX: u8 = 28;

/// Tagged values in wire form, unchecked until they are iterated.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Tags<'a>(&'a [u8]);

impl<'a> Tags<'a> {
    /// No tags.
    pub const EMPTY: Tags<'static> = Tags(&[]);

    /// Takes the bytes after an appendage length as they are; `None` when longer than [`APPENDAGE_MAX`].
    pub const fn new(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() <= APPENDAGE_MAX { Some(Tags(bytes)) } else { None }
    }

    /// The bytes, without the appendage length.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// True when there is not a single byte.
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The appendage length.
    pub(super) const fn length(self) -> u16 {
        // Cannot truncate because of the type's invariant.
        self.0.len() as u16
    }

    /// The tags in the order sent. After an error the iterator ends.
    pub const fn iter(self) -> TagIter<'a> {
        TagIter { rest: self.0 }
    }

    /// Value of the first well-formed tag 28; 0 when there is none.
    ///
    /// Tags that cannot be read are stepped over as long as their lengths can be followed: a request with an
    /// unknown tag is answered on the channel that it named.
    pub fn user_ref_idx(self) -> u8 {
        let mut rest = self.0;
        while let Ok((number, value, after)) = split_element(rest) {
            if let (TAG_USER_REF_IDX, [user_ref_idx]) = (number, value) {
                return *user_ref_idx;
            }
            rest = after;
        }
        0
    }

    /// Number of the first tag that is unknown, misshapen, truncated, repeated or not allowed in message
    /// `kind` of that direction; `None` when all are fine. [`NO_TAG_NUMBER`] when it has no number.
    pub fn first_problem(self, kind: u8, from_client: bool) -> Option<u8> {
        let mut open = TagSet::of_message(kind, from_client);
        for tag in self.iter() {
            match tag {
                // A tag that was taken is not open a second time.
                Ok(tag) if open.holds(tag.number()) => open = open.without(tag.number()),
                Ok(tag) => return Some(tag.number()),
                Err(error) => return Some(error.tag),
            }
        }
        None
    }
}

impl<'a> IntoIterator for Tags<'a> {
    type Item = Result<Tag, TagError>;
    type IntoIter = TagIter<'a>;

    fn into_iter(self) -> TagIter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Tags<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Reads tags one by one; ends after the first error.
#[derive(Clone, Debug)]
pub struct TagIter<'a> {
    rest: &'a [u8],
}

impl Iterator for TagIter<'_> {
    type Item = Result<Tag, TagError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let tag = split_tag(self.rest);
        self.rest = tag.map_or(&[], |(_, rest)| rest);
        Some(tag.map(|(tag, _)| tag))
    }
}

impl core::iter::FusedIterator for TagIter<'_> {}

fn split_tag(bytes: &[u8]) -> Result<(Tag, &[u8]), TagError> {
    let (number, value, rest) = split_element(bytes)?;
    match Tag::decode(number, value) {
        Ok(tag) => Ok((tag, rest)),
        Err(problem) => Err(TagError { tag: number, problem }),
    }
}

/// Number and value of the first element, and the bytes after it.
fn split_element(bytes: &[u8]) -> Result<(u8, &[u8], &[u8]), TagError> {
    let [length, number, after @ ..] = bytes else {
        return Err(TagError { tag: NO_TAG_NUMBER, problem: TagProblem::Truncated });
    };
    // The length counts the number: an element of length 0 has none.
    let Some(value_length) = usize::from(*length).checked_sub(1) else {
        return Err(TagError { tag: NO_TAG_NUMBER, problem: TagProblem::Misshapen });
    };
    match after.split_at_checked(value_length) {
        Some((value, rest)) => Ok((*number, value, rest)),
        None => Err(TagError { tag: *number, problem: TagProblem::Truncated }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(bytes: &[u8]) -> Option<u8> {
        Tags::new(bytes).unwrap().first_problem(b'O', true)
    }

    fn last(bytes: &[u8]) -> Result<Tag, TagError> {
        Tags::new(bytes).unwrap().iter().last().unwrap()
    }

    #[test]
    fn a_repeated_or_disallowed_or_unknown_tag_is_named() {
        assert_eq!(problem(&[2, 28, 7]), None);
        assert_eq!(problem(&[2, 28, 7, 2, 28, 7]), Some(28));
        assert_eq!(problem(&[2, 28, 7, 2, 27, b'B']), Some(27));
        assert_eq!(problem(&[2, 8, 0, 2, 28, 7]), Some(8));
    }

    #[test]
    fn an_element_without_a_tag_number_is_named_255() {
        assert_eq!(problem(&[2]), Some(NO_TAG_NUMBER));
        assert_eq!(problem(&[0, 28, 7]), Some(NO_TAG_NUMBER));
    }

    #[test]
    fn iteration_ends_at_the_first_error() {
        let bytes = [2, 28, 7, 3, 28, 1, 1, 2, 28, 9];
        let mut tags = Tags::new(&bytes).unwrap().iter();
        assert_eq!(tags.next(), Some(Ok(Tag::UserRefIdx(7))));
        assert_eq!(tags.next(), Some(Err(TagError { tag: 28, problem: TagProblem::Misshapen })));
        assert_eq!(tags.next(), None);
    }

    #[test]
    fn a_value_past_the_end_is_truncated() {
        assert_eq!(last(&[9, 129, 0, 0]), Err(TagError { tag: 129, problem: TagProblem::Truncated }));
        assert_eq!(last(&[2, 99, 0]), Err(TagError { tag: 99, problem: TagProblem::Unknown }));
    }

    #[test]
    fn the_channel_is_found_behind_an_unreadable_tag() {
        assert_eq!(Tags::new(&[3, 99, 0, 0, 2, 28, 7]).unwrap().user_ref_idx(), 7);
        assert_eq!(Tags::new(&[3, 28, 1, 1, 2, 28, 7]).unwrap().user_ref_idx(), 7);
        assert_eq!(Tags::new(&[9, 99, 0, 0, 2, 28, 7]).unwrap().user_ref_idx(), 0);
        assert_eq!(Tags::EMPTY.user_ref_idx(), 0);
    }
}
