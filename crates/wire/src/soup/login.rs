//! The login packets: fixed text fields, padded with spaces.
//!
//! ```text
//! L: | 0 username 6 | 6 password 10 | 16 session 10 | 26 sequence 20 |     46 bytes of payload
//! A: | 0 session 10 | 10 sequence 20 |                                     30 bytes
//! J: | 0 reason 1 |                                                         1 byte
//! ```
//!
//! Written as the specification has it: names left-justified, session and number right-justified. Read with
//! spaces stripped on both sides, because clients in the wild justify either way. Case is kept.
//!
//! Refuses to know: which names, passwords and sessions exist.

use alloc::vec::Vec;
use core::fmt;

use ringside_domain::text::{Text, Username};

use super::{kind, put_packet};

const REQUEST_BYTES: usize = 46;
const ACCEPTED_BYTES: usize = 30;
const NUMBER_BYTES: usize = 20;

/// Login Request `L`.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginRequest {
    /// Name, spaces stripped, left-justified.
    pub username: Username,
    /// Password, spaces stripped, left-justified. Never shown by `Debug`.
    pub password: Text<10>,
    /// Session asked for, spaces stripped, left-justified; blank = the current one.
    pub session: Text<10>,
    /// Next sequence number wanted, from 1; 0 = only new messages. `None`: blank, not decimal digits, or
    /// above `u64::MAX`.
    pub sequence: Option<u64>,
}

impl LoginRequest {
    /// Reads a payload; `None` when it is not 46 bytes long.
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let payload: &[u8; REQUEST_BYTES] = payload.try_into().ok()?;
        Some(LoginRequest {
            username: left_justified(&payload[..6]),
            password: left_justified(&payload[6..16]),
            session: left_justified(&payload[16..26]),
            sequence: number(&payload[26..]),
        })
    }

    /// Appends the whole packet. A `sequence` of `None` is written as a blank.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut payload = [b' '; REQUEST_BYTES];
        payload[..6].copy_from_slice(&self.username.0);
        payload[6..16].copy_from_slice(&self.password.0);
        put_right_justified(self.session.trimmed(), &mut payload[16..26]);
        if let Some(sequence) = self.sequence {
            put_number(sequence, &mut payload[26..]);
        }
        put_packet(kind::LOGIN_REQUEST, &payload, out);
    }
}

// By hand, so that no log line ever holds a password.
impl fmt::Debug for LoginRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginRequest")
            .field("username", &self.username)
            .field("password", &format_args!("(hidden)"))
            .field("session", &self.session)
            .field("sequence", &self.sequence)
            .finish()
    }
}

/// Login Accepted `A`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoginAccepted {
    /// The session joined, left-justified here, right-justified on the wire.
    pub session: Text<10>,
    /// Sequence number of the next Sequenced Data packet, from 1.
    pub sequence: u64,
}

impl LoginAccepted {
    /// Reads a payload; `None` when it is not 30 bytes long or its sequence is not a number.
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let payload: &[u8; ACCEPTED_BYTES] = payload.try_into().ok()?;
        Some(LoginAccepted { session: left_justified(&payload[..10]), sequence: number(&payload[10..])? })
    }

    /// Appends the whole packet.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut payload = [b' '; ACCEPTED_BYTES];
        put_right_justified(self.session.trimmed(), &mut payload[..10]);
        put_number(self.sequence, &mut payload[10..]);
        put_packet(kind::LOGIN_ACCEPTED, &payload, out);
    }
}

/// Login Rejected `J`: its reason. The server closes the connection after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoginRejected {
    /// `A`: wrong username or password.
    NotAuthorized,
    /// `S`: unknown session, or a sequence the session does not have.
    SessionNotAvailable,
}

impl LoginRejected {
    /// The reason of a letter; `None` for any other byte.
    pub const fn from_letter(letter: u8) -> Option<Self> {
        match letter {
            b'A' => Some(LoginRejected::NotAuthorized),
            b'S' => Some(LoginRejected::SessionNotAvailable),
            _ => None,
        }
    }

    /// The reason's letter.
    pub const fn letter(self) -> u8 {
        match self {
            LoginRejected::NotAuthorized => b'A',
            LoginRejected::SessionNotAvailable => b'S',
        }
    }

    /// Appends the whole packet.
    pub fn encode(self, out: &mut Vec<u8>) {
        put_packet(kind::LOGIN_REJECTED, &[self.letter()], out);
    }
}

/// `field` without spaces on either side; at most as long as the text it is read into.
fn stripped(field: &[u8]) -> &[u8] {
    let start = field.iter().position(|b| *b != b' ').unwrap_or(field.len());
    let end = field.iter().rposition(|b| *b != b' ').map_or(start, |last| last + 1);
    &field[start..end]
}

fn left_justified<const N: usize>(field: &[u8]) -> Text<N> {
    debug_assert_eq!(field.len(), N, "Invariant: a field is as wide as its text");
    let mut text = Text::BLANK;
    for (to, from) in text.0.iter_mut().zip(stripped(field)) {
        *to = *from;
    }
    text
}

/// Writes `text` at the end of `field`; what does not fit is cut off at its start.
fn put_right_justified(text: &[u8], field: &mut [u8]) {
    for (to, from) in field.iter_mut().rev().zip(text.iter().rev()) {
        *to = *from;
    }
}

fn number(field: &[u8]) -> Option<u64> {
    let digits = stripped(field);
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// Writes decimal digits at the end of `field`, at least one.
fn put_number(mut number: u64, field: &mut [u8]) {
    debug_assert_eq!(field.len(), NUMBER_BYTES, "Invariant: u64::MAX has 20 digits");
    for to in field.iter_mut().rev() {
        // Cannot truncate because a remainder of 10 is below 10.
        *to = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits_on_either_side_of_the_field_and_nothing_else() {
        assert_eq!(number(b"                  42"), Some(42));
        assert_eq!(number(b"42                  "), Some(42));
        assert_eq!(number(b"00000000000000000000"), Some(0));
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(number(b"18446744073709551616"), None);
        for garbage in [b"                    ", b"                  +1", b"4 2                 "] {
            assert_eq!(number(garbage), None);
        }
    }

    #[test]
    fn the_longest_number_fills_its_field() {
        let mut field = [b' '; NUMBER_BYTES];
        put_number(u64::MAX, &mut field);
        assert_eq!(&field, b"18446744073709551615");
    }
}
