//! Why bytes are not an OUCH message.

use core::fmt;

/// The bytes are no message of their direction. The sender cannot be understood any further.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Malformed {
    /// No bytes at all.
    Empty,
    /// No message of this direction has this letter.
    UnknownType(u8),
    /// Shorter than the fixed part, or an appendage length cut in half.
    WrongLength {
        /// Type letter.
        kind: u8,
        /// Bytes found, the letter included.
        length: usize,
        /// Fewest bytes that this message could have had.
        expected_min: usize,
    },
    /// The appendage is not as long as its length field says; 0 is declared where none is allowed.
    AppendageLength {
        /// Type letter.
        kind: u8,
        /// Bytes declared.
        declared: usize,
        /// Bytes found.
        present: usize,
    },
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Malformed::Empty => write!(f, "OUCH message is empty"),
            Malformed::UnknownType(kind) => write!(f, "OUCH message type 0x{kind:02x} is unknown"),
            Malformed::WrongLength { kind, length, expected_min } => {
                let kind = char::from(kind);
                write!(f, "OUCH message {kind}: {length} bytes, expected at least {expected_min}")
            }
            Malformed::AppendageLength { kind, declared, present } => {
                let kind = char::from(kind);
                write!(f, "OUCH message {kind}: appendage of {present} bytes, declared {declared}")
            }
        }
    }
}

impl core::error::Error for Malformed {}
