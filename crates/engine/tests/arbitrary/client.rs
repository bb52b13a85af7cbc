//! Bytes → commands of clients.

use ringside_domain::*;

use super::bytes::{Bytes, FIRMS, LABELS, SYMBOLS};

impl Bytes<'_> {
    fn options(&mut self) -> OrderOptions {
        OrderOptions {
            user_ref_idx: self.rare(|b| b.byte().into()) as u8,
            refused_tag: self.rare(|b| b.rare(Self::number)) as u8,
            customer_type: self.rare_letter(b"RN "),
            post_only: self.rare_letter(b"PN"),
            shares_located: self.rare_letter(b"YN"),
            side: self.rare_letter(b"BSTE"),
            group_id: self.rare(Self::number) as u16,
            firm: self.text(&FIRMS),
            locate_broker: self.text(&FIRMS),
            min_quantity: self.rare(Self::number),
            max_floor: self.rare(Self::number),
            random_reserves: self.rare(Self::number),
            price_type: self.rare_letter(b"LPMR"),
            peg_offset: self.rare(Self::number).cast_signed(),
            discretion_price: self.rare(Self::number),
            expire_seconds: self.rare(Self::number),
            expire_at: self.time(),
            trigger_price: self.rare(Self::number),
            execution: self.rare_letter(b"FM"),
        }
    }

    fn enter(&mut self) -> Enter {
        Enter {
            user_ref_num: self.fresh(),
            quantity: self.number(),
            price: self.long(),
            symbol: self.text(&SYMBOLS),
            client_order_id: self.text(&LABELS),
            side: self.letter(b"BSTE"),
            time_in_force: self.letter(b"00035E6"),
            display: self.letter(b"YYYAN"),
            capacity: self.letter(b"APRO"),
            intermarket_sweep: self.letter(b"YN"),
            cross_type: self.letter(b"NNNNNNOCH"),
            options: self.options(),
        }
    }

    fn replace(&mut self) -> Replace {
        Replace {
            original: self.recent(),
            user_ref_num: self.fresh(),
            quantity: self.number(),
            price: self.long(),
            client_order_id: self.text(&LABELS),
            time_in_force: self.letter(b"000356"),
            display: self.letter(b"YYYAN"),
            intermarket_sweep: self.letter(b"YN"),
            options: self.options(),
        }
    }

    pub(super) fn client_action(&mut self) -> Action {
        match self.byte() % 16 {
            0..=6 => Action::Enter(self.enter()),
            7..=8 => Action::Replace(self.replace()),
            9 => Action::Cancel(Cancel {
                user_ref_num: self.recent(),
                quantity: self.number(),
                user_ref_idx: self.byte() % 2,
            }),
            10 => Action::Modify(Modify {
                user_ref_num: self.recent(),
                quantity: self.number(),
                side: self.letter(b"STE"),
                user_ref_idx: self.byte() % 2,
            }),
            11 => Action::MassCancel(MassCancel {
                user_ref_num: self.fresh(),
                firm: self.text(&FIRMS),
                symbol: self.text(&SYMBOLS),
                side: self.rare_letter(b"BSTE"),
                group_id: (self.byte() > 128).then_some(0),
                user_ref_idx: (self.byte() > 128).then_some(0),
            }),
            12 => Action::DisableEntry(self.switch()),
            13 => Action::EnableEntry(self.switch()),
            14 => Action::AccountQuery(AccountQuery { user_ref_idx: self.byte() }),
            _ if self.byte() > 128 => Action::Connect,
            _ => Action::Disconnect,
        }
    }

    fn switch(&mut self) -> EntrySwitch {
        EntrySwitch { user_ref_num: self.fresh(), firm: self.text(&FIRMS), user_ref_idx: self.byte() % 2 }
    }
}
