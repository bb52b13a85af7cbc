//! SoupBinTCP 3.00 framing: a length, a type letter, a payload.
//!
//! ```text
//! | 0        2      | 3 ...                 |
//! | length   | type | payload (length - 1)  |     length: u16 big-endian, counts the type and the payload
//! ```
//!
//! Refuses to know: what a payload means, which side it is on, how many packets were sent.
//!
//! Invariant: a length field is judged as soon as its two bytes are there, so nobody buffers for a lying one.

mod login;

use alloc::vec::Vec;
use core::fmt;

pub use login::{LoginAccepted, LoginRejected, LoginRequest};

/// Bytes before the payload: the length field and the type letter.
pub const HEADER_BYTES: usize = 3;

/// Longest payload that the length field can tell.
pub const PAYLOAD_MAX: usize = u16::MAX as usize - 1;

const LENGTH_BYTES: usize = 2;

const _: () = assert!(HEADER_BYTES == LENGTH_BYTES + 1, "the type letter is counted by the length field");

/// Packet types (SoupBinTCP 3.00, "Logical Packets").
pub mod kind {
    /// Either side: free text, to be ignored.
    pub const DEBUG: u8 = b'+';
    /// Server: the login is good, see [`super::LoginAccepted`].
    pub const LOGIN_ACCEPTED: u8 = b'A';
    /// Server: the login is refused, see [`super::LoginRejected`].
    pub const LOGIN_REJECTED: u8 = b'J';
    /// Server: one message of the session's numbered stream.
    pub const SEQUENCED: u8 = b'S';
    /// Server: nothing else was sent for a second.
    pub const SERVER_HEARTBEAT: u8 = b'H';
    /// Server: the numbered stream of this session is complete.
    pub const END_OF_SESSION: u8 = b'Z';
    /// Client: see [`super::LoginRequest`].
    pub const LOGIN_REQUEST: u8 = b'L';
    /// Client: one message, neither numbered nor repeated.
    pub const UNSEQUENCED: u8 = b'U';
    /// Client: nothing else was sent for a second.
    pub const CLIENT_HEARTBEAT: u8 = b'R';
    /// Client: close the connection.
    pub const LOGOUT_REQUEST: u8 = b'O';
}

/// One packet, borrowed from the stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packet<'a> {
    /// Type letter, unchecked; see [`kind`].
    pub kind: u8,
    /// What follows the letter, 0 to [`PAYLOAD_MAX`] bytes.
    pub payload: &'a [u8],
}

/// The stream cannot be cut into packets any more; the connection is lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameError {
    /// The length field is 0, but it counts the type letter.
    LengthZero,
    /// The length field is above what the caller takes.
    TooLong {
        /// Length field found.
        length: usize,
        /// Largest length field taken: the caller's payload limit and the type letter.
        max: usize,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::LengthZero => write!(f, "packet length 0, expected at least 1"),
            FrameError::TooLong { length, max } => {
                write!(f, "packet length {length}, expected at most {max}")
            }
        }
    }
}

impl core::error::Error for FrameError {}

/// The first packet of `bytes` and the bytes it takes up; `Ok(None)` when more bytes are needed.
///
/// `payload_max` is the longest payload the caller takes, in bytes.
pub fn next_packet(bytes: &[u8], payload_max: usize) -> Result<Option<(Packet<'_>, usize)>, FrameError> {
    let Some((length, after)) = bytes.split_first_chunk::<LENGTH_BYTES>() else {
        return Ok(None);
    };
    let length = checked_length(u16::from_be_bytes(*length), payload_max)?;
    let Some((kind, payload)) = after.get(..length).and_then(|packet| packet.split_first()) else {
        return Ok(None);
    };
    Ok(Some((Packet { kind: *kind, payload }, LENGTH_BYTES + length)))
}

fn checked_length(length: u16, payload_max: usize) -> Result<usize, FrameError> {
    let length = usize::from(length);
    // Saturating: "no limit" is a payload_max of usize::MAX.
    let max = payload_max.saturating_add(1);
    match length {
        0 => Err(FrameError::LengthZero),
        _ if length > max => Err(FrameError::TooLong { length, max }),
        _ => Ok(length),
    }
}

/// Appends one packet. Panics when `payload` is longer than [`PAYLOAD_MAX`].
pub fn put_packet(kind: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.reserve(HEADER_BYTES + payload.len());
    let mark = begin_packet(kind, out);
    out.extend_from_slice(payload);
    finish_packet(mark, out);
}

/// Where an unfinished packet starts in its buffer.
#[derive(Debug)]
#[must_use = "a packet without finish_packet has length 0"]
pub struct PacketMark {
    start: usize,
}

/// Appends a packet's header; the payload is appended by the caller, then comes [`finish_packet`].
pub fn begin_packet(kind: u8, out: &mut Vec<u8>) -> PacketMark {
    let start = out.len();
    out.extend_from_slice(&[0, 0, kind]);
    PacketMark { start }
}

/// Writes the length of the packet begun at `mark`: everything appended since is its payload.
///
/// Panics when that is more than [`PAYLOAD_MAX`] bytes, or when `out` was cut back since.
pub fn finish_packet(mark: PacketMark, out: &mut [u8]) {
    let packet = &mut out[mark.start..];
    assert!(packet.len() >= HEADER_BYTES, "Invariant: the header of an unfinished packet stays in place");
    assert!(packet.len() <= HEADER_BYTES + PAYLOAD_MAX, "Invariant: a payload fits its length field");
    // Cannot truncate because of the assertion above.
    let length = (packet.len() - LENGTH_BYTES) as u16;
    packet[..LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
}

/// Appends a Server Heartbeat `H`.
pub fn put_server_heartbeat(out: &mut Vec<u8>) {
    put_packet(kind::SERVER_HEARTBEAT, &[], out);
}

/// Appends a Client Heartbeat `R`.
pub fn put_client_heartbeat(out: &mut Vec<u8>) {
    put_packet(kind::CLIENT_HEARTBEAT, &[], out);
}

/// Appends an End of Session `Z`.
pub fn put_end_of_session(out: &mut Vec<u8>) {
    put_packet(kind::END_OF_SESSION, &[], out);
}

/// Appends a Logout Request `O`.
pub fn put_logout(out: &mut Vec<u8>) {
    put_packet(kind::LOGOUT_REQUEST, &[], out);
}
