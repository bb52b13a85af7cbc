//! Stored twins of what an engine is made of: frozen plain structs, converted by hand.
//!
//! Each record is its own rkyv archive: fixed layout, little-endian, no padding, no enum, no `Option`, no `bool`. A new
//! field is a new struct and a new format version; renaming a domain type never changes a byte here, and reordering a
//! struct here fails to compile.
#![allow(
    unsafe_code,
    reason = "rkyv's derives implement its unsafe marker traits; nothing is written by hand"
)]

use rkyv::api::low;
use rkyv::bytecheck::CheckBytes;
use rkyv::rancor::Failure;
use rkyv::ser::{allocator::SubAllocator, writer::Buffer};
use rkyv::{Portable, Serialize};

/// One field of a record: name, offset, bytes.
pub type Field = (&'static str, usize, usize);

/// Declares frozen records: size, offsets and the absence of padding are asserted.
macro_rules! stored {
    ($($(#[$doc:meta])* $name:ident: $size:literal { $($field:ident: $type:ty = $offset:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[derive(rkyv::Portable, rkyv::bytecheck::CheckBytes, rkyv::Archive, rkyv::Serialize)]
        #[bytecheck(crate = rkyv::bytecheck)]
        #[rkyv(as = $name)]
        #[repr(C)]
        pub(crate) struct $name { $($field: $type,)* }

        impl $name {
            pub(crate) const LAYOUT: &[super::Field] =
                &[$((stringify!($field), $offset, size_of::<$type>()),)*];
        }

        impl super::Record for $name {}

        const _: () = {
            assert!(size_of::<$name>() == $size && $size <= super::RECORD_LENGTH_MAX, "frozen size");
            assert!(0 $(+ size_of::<$type>())* == $size, "no padding");
            $(assert!(std::mem::offset_of!($name, $field) == $offset, "frozen offset");)*
        };
    )*};
}

mod configuration;
mod orders;
mod risk;

pub(crate) use configuration::*;
pub(crate) use orders::*;
pub(crate) use risk::*;

/// Longest record.
pub(crate) const RECORD_LENGTH_MAX: usize = 256;

/// Records are aligned to at most this.
pub(crate) const RECORD_ALIGN: usize = 16;

/// Every record struct with its fields, as the document lists them.
pub const LAYOUTS: [(&str, &[Field]); 18] = [
    ("VenueV1", VenueV1::LAYOUT),
    ("InstrumentV1", InstrumentV1::LAYOUT),
    ("LoginV1", LoginV1::LAYOUT),
    ("LoginV2", LoginV2::LAYOUT),
    ("ChannelV1", ChannelV1::LAYOUT),
    ("OrderV1", OrderV1::LAYOUT),
    ("SpecialV1", SpecialV1::LAYOUT),
    ("ScopeV1", ScopeV1::LAYOUT),
    ("LimitsV1", LimitsV1::LAYOUT),
    ("ExposureV1", ExposureV1::LAYOUT),
    ("RestrictionV1", RestrictionV1::LAYOUT),
    ("BalanceV1", BalanceV1::LAYOUT),
    ("BustedV1", BustedV1::LAYOUT),
    ("StreamV1", StreamV1::LAYOUT),
    ("AssetV1", AssetV1::LAYOUT),
    ("PastOwnerV1", PastOwnerV1::LAYOUT),
    ("PastAssetsV1", PastAssetsV1::LAYOUT),
    ("WideV1", WideV1::LAYOUT),
];

/// A struct that is stored.
pub(crate) trait Record:
    Portable
    + Copy
    + for<'a> CheckBytes<low::LowValidator<'a, Failure>>
    + for<'a> Serialize<low::LowSerializer<Buffer<'a>, SubAllocator<'a>, Failure>>
{
    /// The record in its bytes, which are aligned to [`RECORD_ALIGN`] or to a record before them.
    #[inline(always)]
    fn get(bytes: &[u8]) -> Option<&Self> {
        low::access::<Self, Failure>(bytes).ok()
    }

    /// Writes the record over `into`, which has its size.
    #[inline]
    fn put(&self, into: &mut [u8]) {
        let written = low::to_bytes_in_with_alloc(self, Buffer::from(into), SubAllocator::empty());
        written.expect("Invariant: a record fits its own size");
    }
}

/// The sequenced stream of a login, up to a barrier.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StreamImage {
    /// Messages in it.
    pub messages: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// CRC-32 (IEEE) of those.
    pub crc: u32,
}

pub(crate) fn is_zero(reserved: &[u8]) -> bool {
    reserved.iter().all(|byte| *byte == 0)
}

pub(crate) fn flag(byte: u8) -> Option<bool> {
    match byte {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}
