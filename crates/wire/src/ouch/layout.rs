//! The two parts of a message: fixed fields at the specification's offsets, then the appendage.
//!
//! `FIXED` is the size the specification gives a message: with the appendage length where the appendage is
//! mandatory, without it where it is optional. Every offset handed to the readers and writers below is a
//! constant inside `FIXED`, so no input can make them panic, and the bounds checks compile away.
//!
//! Writers start from an array full of the type letter and put every other byte after it.

use alloc::vec::Vec;

use ringside_domain::text::Text;

use super::malformed::Malformed;
use super::tags::Tags;

const LENGTH_BYTES: usize = 2;

/// Splits a message whose appendage is mandatory: its length is the end of the fixed part.
#[inline]
pub(super) fn mandatory<const FIXED: usize>(bytes: &[u8]) -> Result<(&[u8; FIXED], Tags<'_>), Malformed> {
    let (fixed, rest) = split::<FIXED>(bytes)?;
    let declared = u16_at(fixed, FIXED - LENGTH_BYTES);
    Ok((fixed, appendage(fixed[0], declared, rest)?))
}

/// Splits a message whose appendage may be missing, length and all.
#[inline]
pub(super) fn optional<const FIXED: usize>(bytes: &[u8]) -> Result<(&[u8; FIXED], Tags<'_>), Malformed> {
    let (fixed, rest) = split::<FIXED>(bytes)?;
    if rest.is_empty() {
        return Ok((fixed, Tags::EMPTY));
    }
    let Some((declared, rest)) = rest.split_first_chunk::<LENGTH_BYTES>() else {
        return Err(too_short(bytes, FIXED + LENGTH_BYTES));
    };
    Ok((fixed, appendage(fixed[0], u16::from_be_bytes(*declared), rest)?))
}

/// The bytes of a message that has no appendage.
#[inline]
pub(super) fn whole<const FIXED: usize>(bytes: &[u8]) -> Result<&[u8; FIXED], Malformed> {
    let (fixed, rest) = split::<FIXED>(bytes)?;
    appendage(fixed[0], 0, rest)?;
    Ok(fixed)
}

#[inline]
fn split<const FIXED: usize>(bytes: &[u8]) -> Result<(&[u8; FIXED], &[u8]), Malformed> {
    bytes.split_first_chunk::<FIXED>().ok_or_else(|| too_short(bytes, FIXED))
}

#[cold]
fn too_short(bytes: &[u8], expected_min: usize) -> Malformed {
    match bytes.first() {
        None => Malformed::Empty,
        Some(kind) => Malformed::WrongLength { kind: *kind, length: bytes.len(), expected_min },
    }
}

#[inline]
fn appendage(kind: u8, declared: u16, rest: &[u8]) -> Result<Tags<'_>, Malformed> {
    let declared = usize::from(declared);
    match Tags::new(rest) {
        Some(tags) if rest.len() == declared => Ok(tags),
        _ => Err(Malformed::AppendageLength { kind, declared, present: rest.len() }),
    }
}

/// Appends a message whose appendage is mandatory; the last two bytes of `fixed` become its length.
#[inline]
pub(super) fn put_mandatory<const FIXED: usize>(mut fixed: [u8; FIXED], tags: Tags<'_>, out: &mut Vec<u8>) {
    put(&mut fixed, FIXED - LENGTH_BYTES, tags.length().to_be_bytes());
    out.reserve(FIXED + tags.as_bytes().len());
    out.extend_from_slice(&fixed);
    out.extend_from_slice(tags.as_bytes());
}

/// Appends a message whose appendage is left out when it holds no tags.
#[inline]
pub(super) fn put_optional(fixed: &[u8], tags: Tags<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(fixed);
    if !tags.is_empty() {
        out.extend_from_slice(&tags.length().to_be_bytes());
        out.extend_from_slice(tags.as_bytes());
    }
}

/// Writes `value` at offset `at` of a fixed part.
#[inline(always)]
pub(super) fn put<const N: usize>(fixed: &mut [u8], at: usize, value: [u8; N]) {
    fixed[at..at + N].copy_from_slice(&value);
}

#[inline(always)]
fn array_at<const N: usize>(fixed: &[u8], at: usize) -> [u8; N] {
    let mut value = [0; N];
    value.copy_from_slice(&fixed[at..at + N]);
    value
}

/// Reads an integer of 2 bytes at offset `at`.
#[inline(always)]
pub(super) fn u16_at(fixed: &[u8], at: usize) -> u16 {
    u16::from_be_bytes(array_at(fixed, at))
}

/// Reads an integer of 4 bytes at offset `at`.
#[inline(always)]
pub(super) fn u32_at(fixed: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(array_at(fixed, at))
}

/// Reads an integer of 8 bytes at offset `at`.
#[inline(always)]
pub(super) fn u64_at(fixed: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(array_at(fixed, at))
}

/// Reads text at offset `at`, byte by byte as sent.
#[inline(always)]
pub(super) fn text_at<const N: usize>(fixed: &[u8], at: usize) -> Text<N> {
    Text(array_at(fixed, at))
}
