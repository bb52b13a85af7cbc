//! The tables of the OUCH 5.0 specification, written down a second time for the tests.
#![allow(dead_code)]

use ringside_wire::ouch::{Malformed, Tags, decode_reply, decode_request};

/// Whether a message always has an appendage length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Appendage {
    None,
    Optional,
    Mandatory,
}

/// One message of the specification.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub from_client: bool,
    pub kind: u8,
    /// As the specification counts: with the appendage length where that is mandatory.
    pub fixed: usize,
    pub appendage: Appendage,
    pub tags: &'static [u8],
}

const fn inbound(kind: u8, fixed: usize, appendage: Appendage, tags: &'static [u8]) -> Row {
    Row { from_client: true, kind, fixed, appendage, tags }
}

const fn outbound(kind: u8, fixed: usize, appendage: Appendage, tags: &'static [u8]) -> Row {
    Row { from_client: false, kind, fixed, appendage, tags }
}

use Appendage::{Mandatory, Optional};

pub const ROWS: [Row; 25] = [
    inbound(
        b'O',
        47,
        Mandatory,
        &[2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 15, 16, 17, 24, 25, 26, 28, 128, 129, 130],
    ),
    inbound(b'U', 40, Mandatory, &[3, 5, 6, 7, 9, 10, 11, 12, 13, 15, 16, 17, 25, 26, 27, 28, 128, 129, 130]),
    inbound(b'X', 9, Optional, &[28]),
    inbound(b'M', 10, Optional, &[25, 26, 28]),
    inbound(b'C', 19, Mandatory, &[27, 24, 28]),
    inbound(b'D', 11, Mandatory, &[28]),
    inbound(b'E', 11, Mandatory, &[28]),
    inbound(b'Q', 1, Optional, &[28]),
    outbound(b'S', 10, Appendage::None, &[]),
    outbound(b'A', 64, Mandatory, &[2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 24, 25, 28]),
    outbound(b'U', 68, Mandatory, &[2, 3, 5, 6, 12, 15, 16, 17, 18, 28]),
    outbound(b'C', 18, Optional, &[28]),
    outbound(b'D', 32, Optional, &[28]),
    outbound(b'E', 36, Mandatory, &[28]),
    outbound(b'B', 36, Optional, &[28]),
    outbound(b'J', 29, Optional, &[28]),
    outbound(b'P', 13, Optional, &[28]),
    outbound(b'I', 13, Optional, &[28]),
    outbound(b'T', 30, Optional, &[28]),
    outbound(b'M', 18, Optional, &[25, 26, 28]),
    outbound(b'R', 16, Mandatory, &[22, 23, 1, 28]),
    outbound(b'X', 27, Mandatory, &[27, 24, 28]),
    outbound(b'G', 19, Mandatory, &[28]),
    outbound(b'K', 19, Mandatory, &[28]),
    outbound(b'Q', 13, Optional, &[28]),
];

/// Bytes of a tag's value; `None` for numbers that no tag has.
pub fn value_bytes(tag: u8) -> Option<usize> {
    match tag {
        1 | 9 | 23 | 128 | 129 => Some(8),
        2 | 3 | 5 | 7 | 11 | 13 | 14 | 15 | 22 | 26 => Some(4),
        24 => Some(2),
        4 | 6 | 10 | 12 | 16 | 17 | 18 | 25 | 27 | 28 | 130 => Some(1),
        _ => None,
    }
}

/// A tagged value whose bytes are taken from `filler` round and round.
pub fn element(tag: u8, filler: &[u8]) -> Vec<u8> {
    let value_length = value_bytes(tag).expect("a known tag");
    let mut bytes = vec![1 + value_length as u8, tag];
    bytes.extend(filler.iter().cycle().take(value_length));
    bytes
}

/// A message of `row` with arbitrary fields; the appendage is left out only where the host does so.
pub fn message(row: &Row, filler: &[u8], elements: &[u8]) -> Vec<u8> {
    let fields = row.fixed - if row.appendage == Mandatory { 2 } else { 0 };
    let mut bytes = vec![row.kind];
    bytes.extend(filler.iter().cycle().take(fields - 1));
    if row.appendage == Mandatory || !elements.is_empty() {
        bytes.extend_from_slice(&(elements.len() as u16).to_be_bytes());
        bytes.extend_from_slice(elements);
    }
    bytes
}

/// Decodes in the row's direction and encodes again, after `look` has seen the tags.
pub fn encoded_again(row: &Row, bytes: &[u8], look: impl FnOnce(u8, Tags<'_>)) -> Result<Vec<u8>, Malformed> {
    let mut out = Vec::new();
    if row.from_client {
        let request = decode_request(bytes)?;
        look(request.kind(), request.tags());
        request.encode(&mut out);
    } else {
        let reply = decode_reply(bytes)?;
        look(reply.kind(), reply.tags());
        reply.encode(&mut out);
    }
    Ok(out)
}

/// Bytes of hexadecimal digits; spaces are for the reader.
pub fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(|b| *b != b' ').collect();
    let digit = |b: u8| char::from(b).to_digit(16).expect("a hexadecimal digit") as u8;
    digits.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}
