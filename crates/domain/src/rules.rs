//! Versions of the rules: what a command meant when it was journaled it means for ever.
//!
//! A venue begins with [`Rules::FIRST`]. A program that knows newer ones journals [`crate::Action::SetRules`] at its start; what is
//! journaled after that is carried out by the new rules, also by every later replay, and what was before by the old ones. Rules never go
//! back. Each version that changes something has a question here, so that the places that differ can be found; rules.md §19 says
//! what the versions are.

use core::hash::Hasher;

/// Rules that this program knows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Rules(u32);

impl Rules {
    /// In force until the journal says otherwise.
    pub const FIRST: Rules = Rules(1);
    /// What a venue sets at its start.
    pub const NEWEST: Rules = Rules(2);

    /// `None`: no such rules, or newer ones than this program knows.
    pub const fn new(version: u32) -> Option<Rules> {
        if version >= Self::FIRST.0 && version <= Self::NEWEST.0 { Some(Rules(version)) } else { None }
    }

    /// 1 and up.
    pub const fn version(self) -> u32 {
        self.0
    }

    /// From 2 on: limits that are set anew do not refill a bucket. Before, who changed a limit gave everybody it was for a
    /// new burst.
    pub const fn buckets_survive_new_limits(self) -> bool {
        self.0 >= 2
    }

    /// Adds the version to a hash. Not that of the first rules: under them nobody hashed it, and hashes in journals stay.
    pub fn add_to(self, hash: &mut impl Hasher) {
        if self != Rules::FIRST {
            hash.write(&self.0.to_le_bytes());
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Rules::FIRST
    }
}
