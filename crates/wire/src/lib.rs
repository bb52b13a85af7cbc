//! SoupBinTCP 3.00 and OUCH 5.0: bytes to messages and back.
//!
//! [`soup`] cuts a byte stream into packets, [`ouch`] reads what is inside the data packets. Both follow the
//! published layouts of Nasdaq (SoupBinTCP 3.00, OUCH 5.0 revision 1.04) offset by offset; the only additions
//! are the venue's private tags 128 to 130.
//!
//! What this crate refuses to know: sockets, sessions, sequence numbers, who is logged in, which letters the
//! venue accepts. A letter stays the byte that was sent; the engine decides what is valid.
//!
//! **Architecture Invariant:** decoding borrows from the caller's bytes, allocates nothing and never panics,
//! whatever the bytes are. Encoding appends to the caller's buffer and touches nothing before its end.
//!
//! **Architecture Invariant:** a decoded message encodes to the same bytes, except that an empty optional
//! appendage is left out, as the host itself does.
//!
//! Known limits: SoupBinTCP 4 is not spoken; OUCH messages removed before revision 1.02 are unknown types.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod ouch;
pub mod soup;
