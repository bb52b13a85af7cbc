//! Stored twins of the commands: frozen plain structs, converted by hand.
//!
//! Each is its own rkyv archive: fixed layout, little-endian, no padding, no enum, no `Option`, no `bool`.
//! A new field is a new struct with a new version beside the old one, which stays readable for ever.
//! Renaming a domain type never changes a byte here; reordering a struct here fails to compile.
#![allow(
    unsafe_code,
    reason = "rkyv's derives implement its unsafe marker traits; nothing is written by hand"
)]

use std::mem::{offset_of, size_of};

use ringside_domain::{
    AccountQuery, Action, Cancel, Command, Enter, EntrySwitch, Firm, InstrumentId, InstrumentTerms, LoginId,
    LoginTerms, MassCancel, Modify, OrderOptions, Replace, Symbol, Text, Username,
};
use rkyv::api::low;
use rkyv::bytecheck::CheckBytes;
use rkyv::rancor::Failure;
use rkyv::rend::{u16_le, u32_le, u64_le};
use rkyv::ser::{allocator::SubAllocator, writer::Buffer};
use rkyv::{Archive, Portable, Serialize};

/// Version of every payload so far.
pub const PAYLOAD_VERSION: u8 = 1;

/// Largest payload of a command.
pub const PAYLOAD_LENGTH_MAX: usize = size_of::<EnterV1>();

/// Every kind of command record: number, name, payload length. Numbers are never reused.
pub const KINDS: [(u8, &str, usize); 18] = [
    (1, "Enter", size_of::<EnterV1>()),
    (2, "Replace", size_of::<ReplaceV1>()),
    (3, "Cancel", size_of::<CancelV1>()),
    (4, "Modify", size_of::<ModifyV1>()),
    (5, "MassCancel", size_of::<MassCancelV1>()),
    (6, "DisableEntry", size_of::<EntrySwitchV1>()),
    (7, "EnableEntry", size_of::<EntrySwitchV1>()),
    (8, "AccountQuery", size_of::<AccountQueryV1>()),
    (9, "Connect", size_of::<BareV1>()),
    (10, "Disconnect", size_of::<BareV1>()),
    (11, "StartSession", size_of::<NumberV1>()),
    (12, "AddInstrument", size_of::<InstrumentTermsV1>()),
    (13, "ChangeInstrument", size_of::<InstrumentTermsV1>()),
    (14, "RemoveInstrument", size_of::<NumberV1>()),
    (15, "AddLogin", size_of::<LoginTermsV1>()),
    (16, "ChangeLogin", size_of::<LoginTermsV1>()),
    (17, "RemoveLogin", size_of::<NumberV1>()),
    (18, "StorageFull", size_of::<NumberV1>()),
];

/// One field of a payload: name, offset, bytes.
pub type Field = (&'static str, usize, usize);

/// Every payload struct with its fields, as the document lists them.
pub const LAYOUTS: [(&str, &[Field]); 11] = [
    ("EnterV1", EnterV1::LAYOUT),
    ("ReplaceV1", ReplaceV1::LAYOUT),
    ("CancelV1", CancelV1::LAYOUT),
    ("ModifyV1", ModifyV1::LAYOUT),
    ("MassCancelV1", MassCancelV1::LAYOUT),
    ("EntrySwitchV1", EntrySwitchV1::LAYOUT),
    ("AccountQueryV1", AccountQueryV1::LAYOUT),
    ("BareV1", BareV1::LAYOUT),
    ("NumberV1", NumberV1::LAYOUT),
    ("InstrumentTermsV1", InstrumentTermsV1::LAYOUT),
    ("LoginTermsV1", LoginTermsV1::LAYOUT),
];

/// Why an intact record is not a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PayloadFault {
    UnknownKind,
    NewerVersion,
    Length,
    Content,
}

/// Declares frozen payload structs: size, offsets and the absence of padding are asserted.
macro_rules! stored {
    ($($(#[$doc:meta])* $name:ident: $size:literal { $($field:ident: $type:ty = $offset:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Portable, CheckBytes, Archive, Serialize)]
        #[bytecheck(crate = rkyv::bytecheck)]
        #[rkyv(as = $name)]
        #[repr(C)]
        struct $name { $($field: $type,)* }

        impl $name {
            const LAYOUT: &[Field] = &[$((stringify!($field), $offset, size_of::<$type>()),)*];
        }

        const _: () = {
            assert!(size_of::<$name>() == $size && size_of::<$name>() <= PAYLOAD_LENGTH_MAX, "frozen size");
            assert!(0 $(+ size_of::<$type>())* == $size, "no padding");
            $(assert!(offset_of!($name, $field) == $offset, "frozen offset");)*
        };
    )*};
}

stored! {
    /// Kind 1.
    EnterV1: 72 {
        price: u64_le = 0, login: u32_le = 8, user_ref_num: u32_le = 12, quantity: u32_le = 16,
        min_quantity: u32_le = 20, symbol: [u8; 8] = 24, client_order_id: [u8; 14] = 32, group_id: u16_le = 46,
        firm: [u8; 4] = 48, locate_broker: [u8; 4] = 52, side: u8 = 56, time_in_force: u8 = 57, display: u8 = 58,
        capacity: u8 = 59, intermarket_sweep: u8 = 60, cross_type: u8 = 61, user_ref_idx: u8 = 62,
        refused_tag: u8 = 63, customer_type: u8 = 64, post_only: u8 = 65, shares_located: u8 = 66,
        option_side: u8 = 67, reserved: [u8; 4] = 68,
    }
    /// Kind 2.
    ReplaceV1: 64 {
        price: u64_le = 0, login: u32_le = 8, original: u32_le = 12, user_ref_num: u32_le = 16,
        quantity: u32_le = 20, min_quantity: u32_le = 24, client_order_id: [u8; 14] = 28, group_id: u16_le = 42,
        firm: [u8; 4] = 44, locate_broker: [u8; 4] = 48, time_in_force: u8 = 52, display: u8 = 53,
        intermarket_sweep: u8 = 54, user_ref_idx: u8 = 55, refused_tag: u8 = 56, customer_type: u8 = 57,
        post_only: u8 = 58, shares_located: u8 = 59, option_side: u8 = 60, reserved: [u8; 3] = 61,
    }
    /// Kind 3.
    CancelV1: 16 {
        login: u32_le = 0, user_ref_num: u32_le = 4, quantity: u32_le = 8, user_ref_idx: u8 = 12,
        reserved: [u8; 3] = 13,
    }
    /// Kind 4.
    ModifyV1: 16 {
        login: u32_le = 0, user_ref_num: u32_le = 4, quantity: u32_le = 8, side: u8 = 12, user_ref_idx: u8 = 13,
        reserved: [u8; 2] = 14,
    }
    /// Kind 5.
    MassCancelV1: 28 {
        login: u32_le = 0, user_ref_num: u32_le = 4, firm: [u8; 4] = 8, symbol: [u8; 8] = 12,
        group_id: u16_le = 20, side: u8 = 22, has_group_id: u8 = 23, user_ref_idx: u8 = 24,
        has_user_ref_idx: u8 = 25, reserved: [u8; 2] = 26,
    }
    /// Kinds 6 and 7.
    EntrySwitchV1: 16 {
        login: u32_le = 0, user_ref_num: u32_le = 4, firm: [u8; 4] = 8, user_ref_idx: u8 = 12,
        reserved: [u8; 3] = 13,
    }
    /// Kind 8.
    AccountQueryV1: 8 { login: u32_le = 0, user_ref_idx: u8 = 4, reserved: [u8; 3] = 5, }
    /// Kinds 9 and 10.
    BareV1: 4 { login: u32_le = 0, }
    /// Kinds 11, 14, 17 and 18.
    NumberV1: 8 { login: u32_le = 0, number: u32_le = 4, }
    /// Kinds 12 and 13.
    InstrumentTermsV1: 28 {
        login: u32_le = 0, instrument: u32_le = 4, symbol: [u8; 8] = 8, tick: u32_le = 16, lot: u32_le = 20,
        price_decimals: u8 = 24, quantity_decimals: u8 = 25, reserved: [u8; 2] = 26,
    }
    /// Kinds 15 and 16.
    LoginTermsV1: 20 {
        login: u32_le = 0, subject: u32_le = 4, username: [u8; 6] = 8, firm: [u8; 4] = 14,
        cancel_on_disconnect: u8 = 18, reserved: u8 = 19,
    }
}

/// Writes the payload of `command` to the start of `payload`; its kind and length.
#[inline]
pub(crate) fn encode(command: &Command, payload: &mut [u8; PAYLOAD_LENGTH_MAX]) -> (u8, usize) {
    let login = command.login.0;
    match &command.action {
        Action::Enter(enter) => (1, put(&EnterV1::from_domain(login, enter), payload)),
        Action::Replace(replace) => (2, put(&ReplaceV1::from_domain(login, replace), payload)),
        Action::Cancel(cancel) => (3, put(&CancelV1::from_domain(login, cancel), payload)),
        Action::Modify(modify) => (4, put(&ModifyV1::from_domain(login, modify), payload)),
        Action::MassCancel(mass) => (5, put(&MassCancelV1::from_domain(login, mass), payload)),
        Action::DisableEntry(switch) => (6, put(&EntrySwitchV1::from_domain(login, switch), payload)),
        Action::EnableEntry(switch) => (7, put(&EntrySwitchV1::from_domain(login, switch), payload)),
        Action::AccountQuery(query) => (8, put(&AccountQueryV1::from_domain(login, query), payload)),
        Action::Connect => (9, put(&BareV1 { login: login.into() }, payload)),
        Action::Disconnect => (10, put(&BareV1 { login: login.into() }, payload)),
        Action::StartSession(session) => (11, put(&NumberV1::new(login, *session), payload)),
        Action::AddInstrument(terms) => (12, put(&InstrumentTermsV1::from_domain(login, terms), payload)),
        Action::ChangeInstrument(terms) => (13, put(&InstrumentTermsV1::from_domain(login, terms), payload)),
        Action::RemoveInstrument(instrument) => (14, put(&NumberV1::new(login, instrument.0), payload)),
        Action::AddLogin(terms) => (15, put(&LoginTermsV1::from_domain(login, terms), payload)),
        Action::ChangeLogin(terms) => (16, put(&LoginTermsV1::from_domain(login, terms), payload)),
        Action::RemoveLogin(removed) => (17, put(&NumberV1::new(login, removed.0), payload)),
        Action::StorageFull(full) => (18, put(&NumberV1::new(login, u32::from(*full)), payload)),
        _ => todo!("the next kinds"),
    }
}

/// The command in a payload with its padding, as found behind an intact record header.
pub(crate) fn decode(kind: u8, version: u8, padded: &[u8]) -> Result<Command, PayloadFault> {
    let known = KINDS.iter().find(|known| known.0 == kind).ok_or(PayloadFault::UnknownKind)?;
    if version != PAYLOAD_VERSION {
        return Err(PayloadFault::NewerVersion);
    }
    if crate::format::record_length(known.2) != crate::format::RECORD_HEADER_LENGTH + padded.len() {
        return Err(PayloadFault::Length);
    }
    let (payload, padding) = padded.split_at(known.2);
    if padding.iter().any(|byte| *byte != 0) {
        return Err(PayloadFault::Content);
    }
    command(kind, payload).ok_or(PayloadFault::Content)
}

/// The command in a payload of the right length; `None` when a flag or reserved byte is not as written.
fn command(kind: u8, payload: &[u8]) -> Option<Command> {
    match kind {
        1 => get::<EnterV1>(payload)?.to_domain(),
        2 => get::<ReplaceV1>(payload)?.to_domain(),
        3 => get::<CancelV1>(payload)?.to_domain(),
        4 => get::<ModifyV1>(payload)?.to_domain(),
        5 => get::<MassCancelV1>(payload)?.to_domain(),
        6 => get::<EntrySwitchV1>(payload)?.to_domain(Action::DisableEntry),
        7 => get::<EntrySwitchV1>(payload)?.to_domain(Action::EnableEntry),
        8 => get::<AccountQueryV1>(payload)?.to_domain(),
        9 => Some(sent(get::<BareV1>(payload)?.login, Action::Connect)),
        10 => Some(sent(get::<BareV1>(payload)?.login, Action::Disconnect)),
        11 => Some(get::<NumberV1>(payload)?.to_domain(Action::StartSession)),
        12 => get::<InstrumentTermsV1>(payload)?.to_domain(Action::AddInstrument),
        13 => get::<InstrumentTermsV1>(payload)?.to_domain(Action::ChangeInstrument),
        14 => Some(get::<NumberV1>(payload)?.to_domain(|id| Action::RemoveInstrument(InstrumentId(id)))),
        15 => get::<LoginTermsV1>(payload)?.to_domain(Action::AddLogin),
        16 => get::<LoginTermsV1>(payload)?.to_domain(Action::ChangeLogin),
        17 => Some(get::<NumberV1>(payload)?.to_domain(|id| Action::RemoveLogin(LoginId(id)))),
        18 => {
            let stored = get::<NumberV1>(payload)?;
            (stored.number.to_native() <= 1).then(|| stored.to_domain(|full| Action::StorageFull(full == 1)))
        }
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

/// Writes a stored struct; its length.
#[inline]
fn put<T>(stored: &T, payload: &mut [u8; PAYLOAD_LENGTH_MAX]) -> usize
where
    T: for<'a> Serialize<low::LowSerializer<Buffer<'a>, SubAllocator<'a>, Failure>>,
{
    let allocator = SubAllocator::empty();
    let written = low::to_bytes_in_with_alloc(stored, Buffer::from(&mut payload[..]), allocator);
    written.expect("Invariant: every payload fits PAYLOAD_LENGTH_MAX").len()
}

fn sent(login: u32_le, action: Action) -> Command {
    Command { login: LoginId(login.to_native()), action }
}

fn is_zero(reserved: &[u8]) -> bool {
    reserved.iter().all(|byte| *byte == 0)
}

/// An optional number: flag 1 and a value, or flag 0 and 0.
fn optional<T: Default + PartialEq>(flag: u8, value: T) -> Option<Option<T>> {
    match flag {
        0 if value == T::default() => Some(None),
        1 => Some(Some(value)),
        _ => None,
    }
}

impl EnterV1 {
    fn from_domain(login: u32, enter: &Enter) -> EnterV1 {
        let options = &enter.options;
        EnterV1 {
            price: enter.price.into(),
            login: login.into(),
            user_ref_num: enter.user_ref_num.into(),
            quantity: enter.quantity.into(),
            min_quantity: options.min_quantity.into(),
            symbol: enter.symbol.0,
            client_order_id: enter.client_order_id.0,
            group_id: options.group_id.into(),
            firm: options.firm.0,
            locate_broker: options.locate_broker.0,
            side: enter.side,
            time_in_force: enter.time_in_force,
            display: enter.display,
            capacity: enter.capacity,
            intermarket_sweep: enter.intermarket_sweep,
            cross_type: enter.cross_type,
            user_ref_idx: options.user_ref_idx,
            refused_tag: options.refused_tag,
            customer_type: options.customer_type,
            post_only: options.post_only,
            shares_located: options.shares_located,
            option_side: options.side,
            reserved: [0; 4],
        }
    }

    fn to_domain(self) -> Option<Command> {
        let options = OrderOptions {
            user_ref_idx: self.user_ref_idx,
            refused_tag: self.refused_tag,
            customer_type: self.customer_type,
            post_only: self.post_only,
            shares_located: self.shares_located,
            side: self.option_side,
            group_id: self.group_id.to_native(),
            firm: Text(self.firm),
            locate_broker: Text(self.locate_broker),
            min_quantity: self.min_quantity.to_native(),
            ..OrderOptions::default()
        };
        let enter = Enter {
            user_ref_num: self.user_ref_num.to_native(),
            quantity: self.quantity.to_native(),
            price: self.price.to_native(),
            symbol: Text(self.symbol),
            client_order_id: Text(self.client_order_id),
            side: self.side,
            time_in_force: self.time_in_force,
            display: self.display,
            capacity: self.capacity,
            intermarket_sweep: self.intermarket_sweep,
            cross_type: self.cross_type,
            options,
        };
        is_zero(&self.reserved).then(|| sent(self.login, Action::Enter(enter)))
    }
}

impl ReplaceV1 {
    fn from_domain(login: u32, replace: &Replace) -> ReplaceV1 {
        let options = &replace.options;
        ReplaceV1 {
            price: replace.price.into(),
            login: login.into(),
            original: replace.original.into(),
            user_ref_num: replace.user_ref_num.into(),
            quantity: replace.quantity.into(),
            min_quantity: options.min_quantity.into(),
            client_order_id: replace.client_order_id.0,
            group_id: options.group_id.into(),
            firm: options.firm.0,
            locate_broker: options.locate_broker.0,
            time_in_force: replace.time_in_force,
            display: replace.display,
            intermarket_sweep: replace.intermarket_sweep,
            user_ref_idx: options.user_ref_idx,
            refused_tag: options.refused_tag,
            customer_type: options.customer_type,
            post_only: options.post_only,
            shares_located: options.shares_located,
            option_side: options.side,
            reserved: [0; 3],
        }
    }

    fn to_domain(self) -> Option<Command> {
        let options = OrderOptions {
            user_ref_idx: self.user_ref_idx,
            refused_tag: self.refused_tag,
            customer_type: self.customer_type,
            post_only: self.post_only,
            shares_located: self.shares_located,
            side: self.option_side,
            group_id: self.group_id.to_native(),
            firm: Text(self.firm),
            locate_broker: Text(self.locate_broker),
            min_quantity: self.min_quantity.to_native(),
            ..OrderOptions::default()
        };
        let replace = Replace {
            original: self.original.to_native(),
            user_ref_num: self.user_ref_num.to_native(),
            quantity: self.quantity.to_native(),
            price: self.price.to_native(),
            client_order_id: Text(self.client_order_id),
            time_in_force: self.time_in_force,
            display: self.display,
            intermarket_sweep: self.intermarket_sweep,
            options,
        };
        is_zero(&self.reserved).then(|| sent(self.login, Action::Replace(replace)))
    }
}

impl CancelV1 {
    fn from_domain(login: u32, cancel: &Cancel) -> CancelV1 {
        CancelV1 {
            login: login.into(),
            user_ref_num: cancel.user_ref_num.into(),
            quantity: cancel.quantity.into(),
            user_ref_idx: cancel.user_ref_idx,
            reserved: [0; 3],
        }
    }

    fn to_domain(self) -> Option<Command> {
        let cancel = Cancel {
            user_ref_num: self.user_ref_num.to_native(),
            quantity: self.quantity.to_native(),
            user_ref_idx: self.user_ref_idx,
        };
        is_zero(&self.reserved).then(|| sent(self.login, Action::Cancel(cancel)))
    }
}

impl ModifyV1 {
    fn from_domain(login: u32, modify: &Modify) -> ModifyV1 {
        ModifyV1 {
            login: login.into(),
            user_ref_num: modify.user_ref_num.into(),
            quantity: modify.quantity.into(),
            side: modify.side,
            user_ref_idx: modify.user_ref_idx,
            reserved: [0; 2],
        }
    }

    fn to_domain(self) -> Option<Command> {
        let modify = Modify {
            user_ref_num: self.user_ref_num.to_native(),
            quantity: self.quantity.to_native(),
            side: self.side,
            user_ref_idx: self.user_ref_idx,
        };
        is_zero(&self.reserved).then(|| sent(self.login, Action::Modify(modify)))
    }
}

impl MassCancelV1 {
    fn from_domain(login: u32, mass: &MassCancel) -> MassCancelV1 {
        MassCancelV1 {
            login: login.into(),
            user_ref_num: mass.user_ref_num.into(),
            firm: mass.firm.0,
            symbol: mass.symbol.0,
            group_id: mass.group_id.unwrap_or(0).into(),
            side: mass.side,
            has_group_id: mass.group_id.is_some().into(),
            user_ref_idx: mass.user_ref_idx.unwrap_or(0),
            has_user_ref_idx: mass.user_ref_idx.is_some().into(),
            reserved: [0; 2],
        }
    }

    fn to_domain(self) -> Option<Command> {
        let mass = MassCancel {
            user_ref_num: self.user_ref_num.to_native(),
            firm: Text(self.firm),
            symbol: Text(self.symbol),
            side: self.side,
            group_id: optional(self.has_group_id, self.group_id.to_native())?,
            user_ref_idx: optional(self.has_user_ref_idx, self.user_ref_idx)?,
        };
        is_zero(&self.reserved).then(|| sent(self.login, Action::MassCancel(mass)))
    }
}

impl EntrySwitchV1 {
    fn from_domain(login: u32, switch: &EntrySwitch) -> EntrySwitchV1 {
        EntrySwitchV1 {
            login: login.into(),
            user_ref_num: switch.user_ref_num.into(),
            firm: switch.firm.0,
            user_ref_idx: switch.user_ref_idx,
            reserved: [0; 3],
        }
    }

    fn to_domain(self, action: fn(EntrySwitch) -> Action) -> Option<Command> {
        let switch = EntrySwitch {
            user_ref_num: self.user_ref_num.to_native(),
            firm: Text(self.firm),
            user_ref_idx: self.user_ref_idx,
        };
        is_zero(&self.reserved).then(|| sent(self.login, action(switch)))
    }
}

impl AccountQueryV1 {
    fn from_domain(login: u32, query: &AccountQuery) -> AccountQueryV1 {
        AccountQueryV1 { login: login.into(), user_ref_idx: query.user_ref_idx, reserved: [0; 3] }
    }

    fn to_domain(self) -> Option<Command> {
        let query = AccountQuery { user_ref_idx: self.user_ref_idx };
        is_zero(&self.reserved).then(|| sent(self.login, Action::AccountQuery(query)))
    }
}

impl NumberV1 {
    fn new(login: u32, number: u32) -> NumberV1 {
        NumberV1 { login: login.into(), number: number.into() }
    }

    fn to_domain(self, action: fn(u32) -> Action) -> Command {
        sent(self.login, action(self.number.to_native()))
    }
}

impl InstrumentTermsV1 {
    fn from_domain(login: u32, terms: &InstrumentTerms) -> InstrumentTermsV1 {
        InstrumentTermsV1 {
            login: login.into(),
            instrument: terms.instrument.0.into(),
            symbol: terms.symbol.0,
            tick: terms.tick.into(),
            lot: terms.lot.into(),
            price_decimals: terms.price_decimals,
            quantity_decimals: terms.quantity_decimals,
            reserved: [0; 2],
        }
    }

    fn to_domain(self, action: fn(InstrumentTerms) -> Action) -> Option<Command> {
        let terms = InstrumentTerms {
            instrument: InstrumentId(self.instrument.to_native()),
            symbol: Text(self.symbol),
            tick: self.tick.to_native(),
            lot: self.lot.to_native(),
            price_decimals: self.price_decimals,
            quantity_decimals: self.quantity_decimals,
            ..InstrumentTerms::plain(InstrumentId(0), Symbol::BLANK, 1, 1)
        };
        is_zero(&self.reserved).then(|| sent(self.login, action(terms)))
    }
}

impl LoginTermsV1 {
    fn from_domain(login: u32, terms: &LoginTerms) -> LoginTermsV1 {
        LoginTermsV1 {
            login: login.into(),
            subject: terms.login.0.into(),
            username: terms.username.0,
            firm: terms.firm.0,
            cancel_on_disconnect: terms.cancel_on_disconnect.into(),
            reserved: 0,
        }
    }

    fn to_domain(self, action: fn(LoginTerms) -> Action) -> Option<Command> {
        let terms = LoginTerms {
            login: LoginId(self.subject.to_native()),
            username: Text(self.username),
            firm: Text(self.firm),
            cancel_on_disconnect: match self.cancel_on_disconnect {
                0 => false,
                1 => true,
                _ => return None,
            },
            ..LoginTerms::plain(LoginId(0), Username::BLANK, Firm::BLANK)
        };
        (self.reserved == 0).then(|| sent(self.login, action(terms)))
    }
}
