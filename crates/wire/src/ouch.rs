//! OUCH 5.0 (Nasdaq, revision 1.04): requests of a client, replies of the host.
//!
//! A message is a type letter, fixed fields at fixed offsets, then the appendage: a u16 length and a row of
//! tagged values. All integers are big-endian and unsigned unless a field says otherwise, text is
//! left-justified and padded with spaces.
//!
//! Units: prices are wire integers (four implied decimals on Nasdaq, per instrument here), quantities shares,
//! timestamps nanoseconds since midnight.
//!
//! Refuses to know: what a letter means to the venue, whether a UserRefNum is stale, which orders live.
//! [`decode_request`] and [`decode_reply`] judge lengths alone; [`Tags::first_problem`] judges the appendage,
//! because a bad tag is answered while a bad length closes the connection.

mod layout;
mod malformed;
mod reply;
mod request;
mod tag;
mod tag_buffer;
mod tag_set;
mod tags;

pub use malformed::Malformed;
pub use reply::{
    Accepted, AccountQueryResponse, AiqCanceled, BrokenTrade, CancelNotice, Canceled, EntrySwitchResponse,
    Executed, MassCancelResponse, Modified, PriorityUpdate, Rejected, Replaced, Reply, Restated, SystemEvent,
    decode_reply,
};
pub use request::{
    AccountQuery, Cancel, Enter, EntrySwitch, MassCancel, Modify, Replace, Request, decode_request,
};
pub use tag::{Tag, TagError, TagProblem};
pub use tag_buffer::{TAG_BUFFER_BYTES, TagBuffer};
pub use tag_set::allowed;
pub use tags::{APPENDAGE_MAX, NO_TAG_NUMBER, TagIter, Tags};
