//! Which tags each message may carry (OUCH 5.0, the "Optional Appendage" list of every message).

/// A set of tag numbers. Bits 1 to 28 are the published tags, bits 32 to 34 the private ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TagSet(u64);

/// Private tags, for Enter and Replace.
const PRIVATE: [u8; 3] = [128, 129, 130];

/// Of a message that concerns a channel and nothing else.
const CHANNEL: TagSet = TagSet::of(&[28]);
const LOCATE: TagSet = TagSet::of(&[25, 26, 28]);
const MASS_CANCEL: TagSet = TagSet::of(&[24, 27, 28]);

const ENTER: TagSet =
    TagSet::of(&[2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 15, 16, 17, 24, 25, 26, 28]).with(&PRIVATE);
const REPLACE: TagSet =
    TagSet::of(&[3, 5, 6, 7, 9, 10, 11, 12, 13, 15, 16, 17, 25, 26, 27, 28]).with(&PRIVATE);
const ACCEPTED: TagSet = TagSet::of(&[2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 24, 25, 28]);
const REPLACED: TagSet = TagSet::of(&[2, 3, 5, 6, 12, 15, 16, 17, 18, 28]);
const RESTATED: TagSet = TagSet::of(&[1, 22, 23, 28]);

/// True when message `kind` (its letter) of that direction may carry tag number `tag`.
///
/// The private tags 128 to 130 are for the client's Enter and Replace. Unknown messages carry nothing.
pub const fn allowed(kind: u8, from_client: bool, tag: u8) -> bool {
    TagSet::of_message(kind, from_client).holds(tag)
}

impl TagSet {
    const NONE: TagSet = TagSet(0);

    const fn of(tags: &[u8]) -> Self {
        TagSet::NONE.with(tags)
    }

    const fn with(self, tags: &[u8]) -> Self {
        let mut set = self.0;
        let mut at = 0;
        while at < tags.len() {
            assert!(bit(tags[at]) != 0, "every tag of a set has a bit");
            set |= bit(tags[at]);
            at += 1;
        }
        TagSet(set)
    }

    /// The tags that message `kind` of that direction may carry.
    pub(super) const fn of_message(kind: u8, from_client: bool) -> Self {
        if from_client { of_request(kind) } else { of_reply(kind) }
    }

    pub(super) const fn holds(self, tag: u8) -> bool {
        self.0 & bit(tag) != 0
    }

    pub(super) const fn without(self, tag: u8) -> Self {
        TagSet(self.0 & !bit(tag))
    }
}

const fn of_request(kind: u8) -> TagSet {
    match kind {
        b'O' => ENTER,
        b'U' => REPLACE,
        b'M' => LOCATE,
        b'C' => MASS_CANCEL,
        b'X' | b'D' | b'E' | b'Q' => CHANNEL,
        _ => TagSet::NONE,
    }
}

const fn of_reply(kind: u8) -> TagSet {
    match kind {
        b'A' => ACCEPTED,
        b'U' => REPLACED,
        b'M' => LOCATE,
        b'R' => RESTATED,
        b'X' => MASS_CANCEL,
        b'C' | b'D' | b'E' | b'B' | b'J' | b'P' | b'I' | b'T' | b'G' | b'K' | b'Q' => CHANNEL,
        _ => TagSet::NONE,
    }
}

/// The bit of a tag; 0 for numbers that no tag has.
const fn bit(tag: u8) -> u64 {
    match tag {
        1..=28 => 1 << tag,
        128..=130 => 1 << (tag - 96),
        _ => 0,
    }
}
