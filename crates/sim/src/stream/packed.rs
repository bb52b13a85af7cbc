//! Commands of a stream in 24 bytes, so that five million of them do not push the books out of the cache.
//!
//! A venue reads its commands from a ring that stays in the cache. A benchmark that reads them from half a gigabyte would
//! measure the memory instead. So a stream is translated and packed once, and unpacked batch by batch into a small buffer
//! beside the clock.

use ringside_domain::{Action, Cancel, ClientOrderId, Command, Enter, OrderOptions, Replace, Symbol};

use super::LOGIN;

/// A command of a [`super::Translator`], packed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packed {
    kind: u8,
    side: u8,
    time_in_force: u8,
    symbol: u32,
    user_ref_num: u32,
    original: u32,
    price: u32,
    quantity: u32,
}

/// Symbols by number, written out once.
#[derive(Debug)]
pub struct Symbols(Vec<Symbol>);

impl Symbols {
    /// The first `count` symbols.
    pub fn new(count: u32) -> Self {
        Symbols((0..count).map(super::symbol).collect())
    }
}

impl Packed {
    /// Packs what [`super::Translator::translate`] made of a record of instrument `symbol`.
    pub fn pack(symbol: u32, command: &Command) -> Self {
        let none = Packed {
            kind: 0,
            side: 0,
            time_in_force: 0,
            symbol,
            user_ref_num: 0,
            original: 0,
            price: 0,
            quantity: 0,
        };
        let price = |price: u64| u32::try_from(price).expect("Invariant: prices of streams fit 32 bits");
        match command.action {
            Action::Enter(enter) => Packed {
                kind: b'O',
                side: enter.side,
                time_in_force: enter.time_in_force,
                user_ref_num: enter.user_ref_num,
                price: price(enter.price),
                quantity: enter.quantity,
                ..none
            },
            Action::Replace(replace) => Packed {
                kind: b'U',
                user_ref_num: replace.user_ref_num,
                original: replace.original,
                price: price(replace.price),
                quantity: replace.quantity,
                ..none
            },
            Action::Cancel(cancel) => {
                Packed { kind: b'X', user_ref_num: cancel.user_ref_num, quantity: cancel.quantity, ..none }
            }
            _ => unreachable!("Invariant: streams enter, replace and cancel"),
        }
    }

    /// The command again.
    #[inline]
    pub fn unpack(&self, symbols: &Symbols) -> Command {
        let action = match self.kind {
            b'O' => Action::Enter(Enter {
                user_ref_num: self.user_ref_num,
                quantity: self.quantity,
                price: self.price.into(),
                symbol: symbols.0[self.symbol as usize],
                client_order_id: ClientOrderId::BLANK,
                side: self.side,
                time_in_force: self.time_in_force,
                display: b'Y',
                capacity: b'P',
                intermarket_sweep: b'N',
                cross_type: b'N',
                options: OrderOptions::default(),
            }),
            b'U' => Action::Replace(Replace {
                original: self.original,
                user_ref_num: self.user_ref_num,
                quantity: self.quantity,
                price: self.price.into(),
                client_order_id: ClientOrderId::BLANK,
                time_in_force: b'0',
                display: b'Y',
                intermarket_sweep: b'N',
                options: OrderOptions::default(),
            }),
            _ => Action::Cancel(Cancel {
                user_ref_num: self.user_ref_num,
                quantity: self.quantity,
                user_ref_idx: 0,
            }),
        };
        Command { login: LOGIN, action }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::{Record, RecordKind, Translator};

    #[test]
    fn packed_commands_are_the_same_again() {
        let (mut translator, symbols) = (Translator::new(), Symbols::new(3));
        let new = |buy| RecordKind::New { buy, immediate: !buy };
        let kinds = [new(true), new(false), RecordKind::Replace, RecordKind::Reduce, RecordKind::Cancel];
        for (n, kind) in kinds.into_iter().enumerate() {
            let (order_id, new_id) = if n < 2 { (n as u32 + 1, 0) } else { (1 + 6 * u32::from(n > 2), 7) };
            let record = Record { kind, symbol: 2, order_id, price: 77, quantity: 9, new_id };
            let command = translator.translate(&record);
            assert_eq!(Packed::pack(2, &command).unpack(&symbols), command);
        }
    }
}
