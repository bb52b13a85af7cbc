//! What clients ask besides new orders, and payloads of a number or of nothing.

use ringside_domain::{AccountQuery, Action, Cancel, Command, EntrySwitch, MassCancel, Modify, Rules, Text};
use rkyv::rend::{u16_le, u32_le};

use super::{flag, is_zero, sent};

stored! {
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
    /// Kinds 9, 10, 19 and 23.
    BareV1: 4 { login: u32_le = 0, }
    /// Kinds 11, 14, 17, 18 and 22.
    NumberV1: 8 { login: u32_le = 0, number: u32_le = 4, }
}

/// An optional number: flag 1 and a value, or flag 0 and 0.
fn optional<T: Default + PartialEq>(flag: u8, value: T) -> Option<Option<T>> {
    match flag {
        0 if value == T::default() => Some(None),
        1 => Some(Some(value)),
        _ => None,
    }
}

impl BareV1 {
    pub(super) fn new(login: u32) -> BareV1 {
        BareV1 { login: login.into() }
    }

    pub(super) fn to_domain(self, action: Action) -> Command {
        sent(self.login, action)
    }
}

impl CancelV1 {
    pub(super) fn from_domain(login: u32, cancel: &Cancel) -> CancelV1 {
        CancelV1 {
            login: login.into(),
            user_ref_num: cancel.user_ref_num.into(),
            quantity: cancel.quantity.into(),
            user_ref_idx: cancel.user_ref_idx,
            reserved: [0; 3],
        }
    }

    pub(super) fn to_domain(self) -> Option<Command> {
        let cancel = Cancel {
            user_ref_num: self.user_ref_num.to_native(),
            quantity: self.quantity.to_native(),
            user_ref_idx: self.user_ref_idx,
        };
        is_zero(&self.reserved).then(|| sent(self.login, Action::Cancel(cancel)))
    }
}

impl ModifyV1 {
    pub(super) fn from_domain(login: u32, modify: &Modify) -> ModifyV1 {
        ModifyV1 {
            login: login.into(),
            user_ref_num: modify.user_ref_num.into(),
            quantity: modify.quantity.into(),
            side: modify.side,
            user_ref_idx: modify.user_ref_idx,
            reserved: [0; 2],
        }
    }

    pub(super) fn to_domain(self) -> Option<Command> {
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
    pub(super) fn from_domain(login: u32, mass: &MassCancel) -> MassCancelV1 {
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

    pub(super) fn to_domain(self) -> Option<Command> {
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
    pub(super) fn from_domain(login: u32, switch: &EntrySwitch) -> EntrySwitchV1 {
        EntrySwitchV1 {
            login: login.into(),
            user_ref_num: switch.user_ref_num.into(),
            firm: switch.firm.0,
            user_ref_idx: switch.user_ref_idx,
            reserved: [0; 3],
        }
    }

    pub(super) fn to_domain(self, action: fn(EntrySwitch) -> Action) -> Option<Command> {
        let switch = EntrySwitch {
            user_ref_num: self.user_ref_num.to_native(),
            firm: Text(self.firm),
            user_ref_idx: self.user_ref_idx,
        };
        is_zero(&self.reserved).then(|| sent(self.login, action(switch)))
    }
}

impl AccountQueryV1 {
    pub(super) fn from_domain(login: u32, query: &AccountQuery) -> AccountQueryV1 {
        AccountQueryV1 { login: login.into(), user_ref_idx: query.user_ref_idx, reserved: [0; 3] }
    }

    pub(super) fn to_domain(self) -> Option<Command> {
        let query = AccountQuery { user_ref_idx: self.user_ref_idx };
        is_zero(&self.reserved).then(|| sent(self.login, Action::AccountQuery(query)))
    }
}

impl NumberV1 {
    pub(super) fn new(login: u32, number: u32) -> NumberV1 {
        NumberV1 { login: login.into(), number: number.into() }
    }

    pub(super) fn to_domain(self, action: fn(u32) -> Action) -> Command {
        sent(self.login, action(self.number.to_native()))
    }

    pub(super) fn is_beyond(&self, newest: Rules) -> bool {
        self.number.to_native() > newest.version()
    }

    pub(super) fn to_rules(self) -> Option<Command> {
        Some(sent(self.login, Action::SetRules(Rules::new(self.number.to_native())?)))
    }

    /// 0 and 1 alone are a switch.
    pub(super) fn to_switch(self, action: fn(bool) -> Action) -> Option<Command> {
        let on = flag(u8::try_from(self.number.to_native()).ok()?)?;
        Some(sent(self.login, action(on)))
    }
}
