//! Numbers that name things. All start at 1; 0 is "none", so a zeroed page never names anything.

/// Position of a command in the journal: dense, from 1, never reset.
pub type Sequence = u64;

/// Unix time in nanoseconds, as journaled with a command. Never decreasing along the journal.
pub type TimeNs = u64;

/// The client's idempotency key (OUCH 5.0 UserRefNum): strictly increasing per login and UserRefIdx.
pub type UserRefNum = u32;

/// Venue-unique order number, ascending: `shard << 56 | counter`.
pub type OrderRef = u64;

/// Venue-unique number of a match, ascending; the same for both sides.
pub type MatchNumber = u64;

/// A login (one username). Given by the venue when the login is first configured, never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct LoginId(pub u32);

impl LoginId {
    /// The venue itself: sender of configuration commands.
    pub const VENUE: LoginId = LoginId(0);
}

/// An instrument. Given by the venue when the symbol is first configured, never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct InstrumentId(pub u32);
