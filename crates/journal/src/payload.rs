//! Stored twins of the commands: frozen plain structs, converted by hand.
//!
//! Each is its own rkyv archive: fixed layout, little-endian, no padding, no enum, no `Option`, no `bool`.
//! A new field is a new struct with a new version beside the old one, which stays readable for ever.
//! Renaming a domain type never changes a byte here; reordering a struct here fails to compile.
//!
//! A command is written in the oldest version that can say it: what an older venue understood it goes on
//! understanding, and plain orders stay short. An old record goes on meaning what it meant: a version 1 order that asks for
//! what was not offered then is refused when it is replayed, too.
#![allow(
    unsafe_code,
    reason = "rkyv's derives implement its unsafe marker traits; nothing is written by hand"
)]

use std::mem::size_of;

use ringside_domain::{Action, Command, InstrumentId, InstrumentTerms, LoginId, LoginTerms, Rules};
use rkyv::Portable;
use rkyv::api::low;
use rkyv::bytecheck::CheckBytes;
use rkyv::rancor::Failure;
use rkyv::rend::u32_le;
use zerocopy::{Immutable, IntoBytes};

/// Declares frozen payload structs: size, offsets and the absence of padding are asserted.
macro_rules! stored {
    ($($(#[$doc:meta])* $name:ident: $size:literal { $($field:ident: $type:ty = $offset:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[derive(rkyv::Portable, rkyv::bytecheck::CheckBytes, rkyv::Archive, rkyv::Serialize)]
        #[derive(zerocopy::IntoBytes, zerocopy::Immutable)]
        #[bytecheck(crate = rkyv::bytecheck)]
        #[rkyv(as = $name)]
        #[repr(C)]
        pub(super) struct $name { $($field: $type,)* }

        impl $name {
            pub(super) const LAYOUT: &[super::Field] =
                &[$((stringify!($field), $offset, size_of::<$type>()),)*];
        }

        const _: () = {
            assert!(size_of::<$name>() == $size && $size <= super::PAYLOAD_LENGTH_MAX, "frozen size");
            assert!(0 $(+ size_of::<$type>())* == $size, "no padding");
            $(assert!(std::mem::offset_of!($name, $field) == $offset, "frozen offset");)*
        };
    )*};
}

mod operator;
mod orders;
mod requests;
mod terms;
#[cfg(test)]
mod tests;

use operator::*;
use orders::*;
use requests::*;
use terms::*;

/// Largest payload of a command.
pub const PAYLOAD_LENGTH_MAX: usize = size_of::<EnterV2>();

/// Every kind of command record in every version: number, version, name, payload length. Numbers are never
/// reused, versions neither.
pub const KINDS: [(u8, u8, &str, usize); 43] = [
    (1, 1, "Enter", size_of::<EnterV1>()),
    (1, 2, "Enter", size_of::<EnterV2>()),
    (2, 1, "Replace", size_of::<ReplaceV1>()),
    (2, 2, "Replace", size_of::<ReplaceV2>()),
    (3, 1, "Cancel", size_of::<CancelV1>()),
    (4, 1, "Modify", size_of::<ModifyV1>()),
    (5, 1, "MassCancel", size_of::<MassCancelV1>()),
    (6, 1, "DisableEntry", size_of::<EntrySwitchV1>()),
    (7, 1, "EnableEntry", size_of::<EntrySwitchV1>()),
    (8, 1, "AccountQuery", size_of::<AccountQueryV1>()),
    (9, 1, "Connect", size_of::<BareV1>()),
    (10, 1, "Disconnect", size_of::<BareV1>()),
    (11, 1, "StartSession", size_of::<NumberV1>()),
    (12, 1, "AddInstrument", size_of::<InstrumentTermsV1>()),
    (12, 2, "AddInstrument", size_of::<InstrumentTermsV2>()),
    (13, 1, "ChangeInstrument", size_of::<InstrumentTermsV1>()),
    (13, 2, "ChangeInstrument", size_of::<InstrumentTermsV2>()),
    (14, 1, "RemoveInstrument", size_of::<NumberV1>()),
    (15, 1, "AddLogin", size_of::<LoginTermsV1>()),
    (15, 2, "AddLogin", size_of::<LoginTermsV2>()),
    (15, 3, "AddLogin", size_of::<LoginTermsV3>()),
    (16, 1, "ChangeLogin", size_of::<LoginTermsV1>()),
    (16, 2, "ChangeLogin", size_of::<LoginTermsV2>()),
    (16, 3, "ChangeLogin", size_of::<LoginTermsV3>()),
    (17, 1, "RemoveLogin", size_of::<NumberV1>()),
    (18, 1, "StorageFull", size_of::<NumberV1>()),
    (19, 1, "Tick", size_of::<BareV1>()),
    (20, 1, "SetSeed", size_of::<SeedV1>()),
    (20, 2, "SetSeed", size_of::<SeedV2>()),
    (21, 1, "SetState", size_of::<SetStateV1>()),
    (22, 1, "Uncross", size_of::<NumberV1>()),
    (23, 1, "EndOfDay", size_of::<BareV1>()),
    (24, 1, "SetLimits", size_of::<SetLimitsV1>()),
    (25, 1, "Restrict", size_of::<RestrictV1>()),
    (26, 1, "Kill", size_of::<KillV1>()),
    (27, 1, "CancelOrders", size_of::<CancelOrdersV1>()),
    (28, 1, "Deposit", size_of::<TransferV1>()),
    (29, 1, "Withdraw", size_of::<TransferV1>()),
    (30, 1, "Bust", size_of::<BustV1>()),
    (31, 1, "Snapshot", size_of::<BareV1>()),
    (32, 1, "StateHash", size_of::<StateHashV1>()),
    (33, 1, "SetRules", size_of::<NumberV1>()),
    (34, 1, "RollSession", size_of::<BareV1>()),
];

/// One field of a payload: name, offset, bytes.
pub type Field = (&'static str, usize, usize);

/// Every payload struct with its fields, as the document lists them.
pub const LAYOUTS: [(&str, &[Field]); 30] = [
    ("EnterV1", EnterV1::LAYOUT),
    ("EnterV2", EnterV2::LAYOUT),
    ("ReplaceV1", ReplaceV1::LAYOUT),
    ("ReplaceV2", ReplaceV2::LAYOUT),
    ("OrderOptionsV2", OrderOptionsV2::LAYOUT),
    ("CancelV1", CancelV1::LAYOUT),
    ("ModifyV1", ModifyV1::LAYOUT),
    ("MassCancelV1", MassCancelV1::LAYOUT),
    ("EntrySwitchV1", EntrySwitchV1::LAYOUT),
    ("AccountQueryV1", AccountQueryV1::LAYOUT),
    ("BareV1", BareV1::LAYOUT),
    ("NumberV1", NumberV1::LAYOUT),
    ("InstrumentTermsV1", InstrumentTermsV1::LAYOUT),
    ("InstrumentTermsV2", InstrumentTermsV2::LAYOUT),
    ("TickRangeV2", TickRangeV2::LAYOUT),
    ("LoginTermsV1", LoginTermsV1::LAYOUT),
    ("LoginTermsV2", LoginTermsV2::LAYOUT),
    ("LoginTermsV3", LoginTermsV3::LAYOUT),
    ("SeedV1", SeedV1::LAYOUT),
    ("SeedV2", SeedV2::LAYOUT),
    ("SetStateV1", SetStateV1::LAYOUT),
    ("ScopeV1", ScopeV1::LAYOUT),
    ("SetLimitsV1", SetLimitsV1::LAYOUT),
    ("RestrictV1", RestrictV1::LAYOUT),
    ("KillV1", KillV1::LAYOUT),
    ("CancelOrdersV1", CancelOrdersV1::LAYOUT),
    ("TransferV1", TransferV1::LAYOUT),
    ("BustSideV1", BustSideV1::LAYOUT),
    ("BustV1", BustV1::LAYOUT),
    ("StateHashV1", StateHashV1::LAYOUT),
];

/// Why an intact record is not a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PayloadFault {
    UnknownKind,
    NewerVersion,
    NewerRules,
    Length,
    Content,
}

/// What a payload is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Encoded {
    pub(crate) kind: u8,
    pub(crate) version: u8,
    /// Bytes without padding.
    pub(crate) length: usize,
}

/// Writes the payload of `command` to the start of `payload`.
#[inline]
pub(crate) fn encode(command: &Command, payload: &mut [u8; PAYLOAD_LENGTH_MAX]) -> Encoded {
    let login = command.login.0;
    let (kind, version, length) = match &command.action {
        Action::Enter(enter) if fit_v1(&enter.options) && !is_new_enter(enter) => {
            (1, 1, put(&EnterV1::from_domain(login, enter), payload))
        }
        Action::Enter(enter) => (1, 2, put(&EnterV2::from_domain(login, enter), payload)),
        Action::Replace(replace) if fit_v1(&replace.options) && !is_new_replace(replace) => {
            (2, 1, put(&ReplaceV1::from_domain(login, replace), payload))
        }
        Action::Replace(replace) => (2, 2, put(&ReplaceV2::from_domain(login, replace), payload)),
        Action::Cancel(cancel) => (3, 1, put(&CancelV1::from_domain(login, cancel), payload)),
        Action::Modify(modify) => (4, 1, put(&ModifyV1::from_domain(login, modify), payload)),
        Action::MassCancel(mass) => (5, 1, put(&MassCancelV1::from_domain(login, mass), payload)),
        Action::DisableEntry(switch) => (6, 1, put(&EntrySwitchV1::from_domain(login, switch), payload)),
        Action::EnableEntry(switch) => (7, 1, put(&EntrySwitchV1::from_domain(login, switch), payload)),
        Action::AccountQuery(query) => (8, 1, put(&AccountQueryV1::from_domain(login, query), payload)),
        Action::Connect => (9, 1, put(&BareV1::new(login), payload)),
        Action::Disconnect => (10, 1, put(&BareV1::new(login), payload)),
        Action::StartSession(session) => (11, 1, put(&NumberV1::new(login, *session), payload)),
        Action::AddInstrument(terms) => put_instrument(12, login, terms, payload),
        Action::ChangeInstrument(terms) => put_instrument(13, login, terms, payload),
        Action::RemoveInstrument(instrument) => (14, 1, put(&NumberV1::new(login, instrument.0), payload)),
        Action::AddLogin(terms) => put_login(15, login, terms, payload),
        Action::ChangeLogin(terms) => put_login(16, login, terms, payload),
        Action::RemoveLogin(removed) => (17, 1, put(&NumberV1::new(login, removed.0), payload)),
        Action::StorageFull(full) => (18, 1, put(&NumberV1::new(login, u32::from(*full)), payload)),
        Action::Tick => (19, 1, put(&BareV1::new(login), payload)),
        Action::SetSeed(seed) => (20, 1, put(&SeedV1::new(login, *seed), payload)),
        Action::SetKey(key) => (20, 2, put(&SeedV2::new(login, *key), payload)),
        Action::SetState(set) => (21, 1, put(&SetStateV1::from_domain(login, set), payload)),
        Action::Uncross(instrument) => (22, 1, put(&NumberV1::new(login, instrument.0), payload)),
        Action::EndOfDay => (23, 1, put(&BareV1::new(login), payload)),
        Action::SetLimits(set) => (24, 1, put(&SetLimitsV1::from_domain(login, set), payload)),
        Action::Restrict(restrict) => (25, 1, put(&RestrictV1::from_domain(login, restrict), payload)),
        Action::Kill(kill) => (26, 1, put(&KillV1::from_domain(login, kill), payload)),
        Action::CancelOrders(cancel) => (27, 1, put(&CancelOrdersV1::from_domain(login, cancel), payload)),
        Action::Deposit(transfer) => (28, 1, put(&TransferV1::from_domain(login, transfer), payload)),
        Action::Withdraw(transfer) => (29, 1, put(&TransferV1::from_domain(login, transfer), payload)),
        Action::Bust(bust) => (30, 1, put(&BustV1::from_domain(login, bust), payload)),
        Action::Snapshot => (31, 1, put(&BareV1::new(login), payload)),
        Action::StateHash(hash) => (32, 1, put(&StateHashV1::from_domain(login, hash), payload)),
        Action::SetRules(rules) => (33, 1, put(&NumberV1::new(login, rules.version()), payload)),
        Action::RollSession => (34, 1, put(&BareV1::new(login), payload)),
    };
    Encoded { kind, version, length }
}

fn put_instrument(
    kind: u8,
    login: u32,
    terms: &InstrumentTerms,
    payload: &mut [u8; PAYLOAD_LENGTH_MAX],
) -> (u8, u8, usize) {
    if *terms == plain_instrument(terms) {
        return (kind, 1, put(&InstrumentTermsV1::from_domain(login, terms), payload));
    }
    (kind, 2, put(&InstrumentTermsV2::from_domain(login, terms), payload))
}

fn put_login(
    kind: u8,
    login: u32,
    terms: &LoginTerms,
    payload: &mut [u8; PAYLOAD_LENGTH_MAX],
) -> (u8, u8, usize) {
    if *terms == plain_login(terms) {
        return (kind, 1, put(&LoginTermsV1::from_domain(login, terms), payload));
    }
    if terms.disconnect_grace_ms == 0 {
        return (kind, 2, put(&LoginTermsV2::from_domain(login, terms), payload));
    }
    (kind, 3, put(&LoginTermsV3::from_domain(login, terms), payload))
}

/// The command in a payload with its padding, as found behind an intact record header.
pub(crate) fn decode(kind: u8, version: u8, padded: &[u8]) -> Result<Command, PayloadFault> {
    let length = payload_length(kind, version)?;
    if crate::format::record_length(length) != crate::format::RECORD_HEADER_LENGTH + padded.len() {
        return Err(PayloadFault::Length);
    }
    let (payload, padding) = padded.split_at(length);
    if padding.iter().any(|byte| *byte != 0) {
        return Err(PayloadFault::Content);
    }
    command(kind, version, payload).ok_or_else(|| fault(kind, payload))
}

/// Rules of which this program has not heard are a later program's, not damage.
fn fault(kind: u8, payload: &[u8]) -> PayloadFault {
    match get::<NumberV1>(payload) {
        Some(number) if kind == 33 && number.is_beyond(Rules::NEWEST) => PayloadFault::NewerRules,
        _ => PayloadFault::Content,
    }
}

fn payload_length(kind: u8, version: u8) -> Result<usize, PayloadFault> {
    let mut versions = KINDS.iter().filter(|known| known.0 == kind).peekable();
    versions.peek().ok_or(PayloadFault::UnknownKind)?;
    versions.find(|known| known.1 == version).map(|known| known.3).ok_or(PayloadFault::NewerVersion)
}

/// The command in a payload of the right length; `None` when a flag, a letter of the venue or a reserved byte is
/// not as written.
fn command(kind: u8, version: u8, payload: &[u8]) -> Option<Command> {
    match (kind, version) {
        (1, 1) => get::<EnterV1>(payload)?.to_domain(),
        (1, _) => get::<EnterV2>(payload)?.to_domain(),
        (2, 1) => get::<ReplaceV1>(payload)?.to_domain(),
        (2, _) => get::<ReplaceV2>(payload)?.to_domain(),
        (3, _) => get::<CancelV1>(payload)?.to_domain(),
        (4, _) => get::<ModifyV1>(payload)?.to_domain(),
        (5, _) => get::<MassCancelV1>(payload)?.to_domain(),
        (6, _) => get::<EntrySwitchV1>(payload)?.to_domain(Action::DisableEntry),
        (7, _) => get::<EntrySwitchV1>(payload)?.to_domain(Action::EnableEntry),
        (8, _) => get::<AccountQueryV1>(payload)?.to_domain(),
        (9, _) => Some(get::<BareV1>(payload)?.to_domain(Action::Connect)),
        (10, _) => Some(get::<BareV1>(payload)?.to_domain(Action::Disconnect)),
        _ => rare_command(kind, version, payload),
    }
}

fn rare_command(kind: u8, version: u8, payload: &[u8]) -> Option<Command> {
    match (kind, version) {
        (11, _) => Some(get::<NumberV1>(payload)?.to_domain(Action::StartSession)),
        (12, 1) => get::<InstrumentTermsV1>(payload)?.to_domain(Action::AddInstrument),
        (12, _) => get::<InstrumentTermsV2>(payload)?.to_domain(Action::AddInstrument),
        (13, 1) => get::<InstrumentTermsV1>(payload)?.to_domain(Action::ChangeInstrument),
        (13, _) => get::<InstrumentTermsV2>(payload)?.to_domain(Action::ChangeInstrument),
        (14, _) => Some(get::<NumberV1>(payload)?.to_domain(|id| Action::RemoveInstrument(InstrumentId(id)))),
        (15, 1) => get::<LoginTermsV1>(payload)?.to_domain(Action::AddLogin),
        (15, 2) => get::<LoginTermsV2>(payload)?.to_domain(Action::AddLogin),
        (15, _) => get::<LoginTermsV3>(payload)?.to_domain(Action::AddLogin),
        (16, 1) => get::<LoginTermsV1>(payload)?.to_domain(Action::ChangeLogin),
        (16, 2) => get::<LoginTermsV2>(payload)?.to_domain(Action::ChangeLogin),
        (16, _) => get::<LoginTermsV3>(payload)?.to_domain(Action::ChangeLogin),
        (17, _) => Some(get::<NumberV1>(payload)?.to_domain(|id| Action::RemoveLogin(LoginId(id)))),
        (18, _) => get::<NumberV1>(payload)?.to_switch(Action::StorageFull),
        (19, _) => Some(get::<BareV1>(payload)?.to_domain(Action::Tick)),
        (20, 1) => get::<SeedV1>(payload)?.to_domain(),
        (20, _) => get::<SeedV2>(payload)?.to_domain(),
        (21, _) => get::<SetStateV1>(payload)?.to_domain(),
        (22, _) => Some(get::<NumberV1>(payload)?.to_domain(|id| Action::Uncross(InstrumentId(id)))),
        (23, _) => Some(get::<BareV1>(payload)?.to_domain(Action::EndOfDay)),
        (24, _) => get::<SetLimitsV1>(payload)?.to_domain(),
        (25, _) => get::<RestrictV1>(payload)?.to_domain(),
        (26, _) => get::<KillV1>(payload)?.to_domain(),
        (27, _) => get::<CancelOrdersV1>(payload)?.to_domain(),
        (28, _) => Some(get::<TransferV1>(payload)?.to_domain(Action::Deposit)),
        (29, _) => Some(get::<TransferV1>(payload)?.to_domain(Action::Withdraw)),
        (30, _) => get::<BustV1>(payload)?.to_domain(),
        (31, _) => Some(get::<BareV1>(payload)?.to_domain(Action::Snapshot)),
        (32, _) => get::<StateHashV1>(payload)?.to_domain(),
        (33, _) => get::<NumberV1>(payload)?.to_rules(),
        (34, _) => Some(get::<BareV1>(payload)?.to_domain(Action::RollSession)),
        _ => None,
    }
}

/// Memory in which every stored struct is aligned.
#[repr(align(16))]
struct Aligned([u8; PAYLOAD_LENGTH_MAX]);

/// The stored struct in `payload`, checked by bytecheck.
#[inline]
fn get<T>(payload: &[u8]) -> Option<T>
where
    T: Portable + Copy + for<'a> CheckBytes<low::LowValidator<'a, Failure>>,
{
    let mut aligned = Aligned([0; PAYLOAD_LENGTH_MAX]);
    aligned.0[..payload.len()].copy_from_slice(payload);
    low::access::<T, Failure>(&aligned.0[..payload.len()]).ok().copied()
}

/// Writes a stored struct; its length. A stored struct is its own archive, so its bytes are what rkyv would write, at
/// the cost of a copy.
#[inline]
fn put<T: IntoBytes + Immutable>(stored: &T, payload: &mut [u8; PAYLOAD_LENGTH_MAX]) -> usize {
    let bytes = stored.as_bytes();
    payload[..bytes.len()].copy_from_slice(bytes);
    bytes.len()
}

/// A command of the sender that a payload names.
fn sent(login: u32_le, action: Action) -> Command {
    Command { login: LoginId(login.to_native()), action }
}

fn is_zero(reserved: &[u8]) -> bool {
    reserved.iter().all(|byte| *byte == 0)
}

fn flag(byte: u8) -> Option<bool> {
    match byte {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}
