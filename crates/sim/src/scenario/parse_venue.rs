//! Lines → commands of the operator.

use ringside_domain::{
    Action, AuctionKind, Bust, BustSide, CancelOrders, ClientOrderId, InstrumentId, Kill, LoginId, Reason,
    Restrict, RiskLimits, Rules, Scope, SetLimits, SetState, Transfer,
};

use super::Names;
use super::spell::{BUST_REASONS, KINDS, STATES};
use super::words::{Parsed, Words, letter_of, nanoseconds, number, one_of, side, text, wrong};

impl Names {
    pub(super) fn venue_action(&self, first: &str, words: &mut Words<'_>) -> Parsed<Option<Action>> {
        Ok(Some(match first {
            "tick" => Action::Tick,
            "seed" => Action::SetSeed(words.number("a seed")?),
            "key" => Action::SetKey([words.number("half a key")?, words.number("the other half of it")?]),
            "state" => Action::SetState(self.set_state(words)?),
            "uncross" => Action::Uncross(self.known_instrument(words)?),
            "end-of-day" => Action::EndOfDay,
            "roll-session" => Action::RollSession,
            "snapshot" => Action::Snapshot,
            "rules" => Action::SetRules(rules(words)?),
            "limits" => Action::SetLimits(self.set_limits(words)?),
            "restrict" => Action::Restrict(self.restrict(words, true)?),
            "allow" => Action::Restrict(self.restrict(words, false)?),
            "kill" => Action::Kill(Kill { scope: self.scope(words)?, killed: true }),
            "unkill" => Action::Kill(Kill { scope: self.scope(words)?, killed: false }),
            "cancel-orders" => Action::CancelOrders(self.cancel_orders(words)?),
            "deposit" => Action::Deposit(transfer(words)?),
            "withdraw" => Action::Withdraw(transfer(words)?),
            "bust" => Action::Bust(self.bust(words)?),
            _ => return Ok(None),
        }))
    }

    fn set_state(&self, words: &mut Words<'_>) -> Parsed<SetState> {
        let mut set = SetState {
            instrument: self.known_instrument(words)?,
            state: one_of(&STATES, words.next("a state")?, "a state")?,
            auction: AuctionKind::Opening,
            call_ns: 0,
            random_ns: 0,
            reason: Reason::BLANK,
        };
        while let Some((key, value)) = words.option()? {
            match key {
                "kind" => set.auction = one_of(&KINDS, value, "opening, closing or volatility")?,
                "call" => set.call_ns = nanoseconds(value)?,
                "random" => set.random_ns = nanoseconds(value)?,
                "reason" => set.reason = text(value)?,
                _ => return Err(wrong(key, "kind=, call=, random= or reason=")),
            }
        }
        Ok(set)
    }

    fn scope(&self, words: &mut Words<'_>) -> Parsed<Scope> {
        Ok(match words.next("a scope")? {
            "login" => Scope::Login(self.known_login(words)?),
            "firm" => Scope::Firm(text(words.next("a firm")?)?),
            "account" => Scope::Account(text(words.next("an account")?)?),
            "instrument" => Scope::Instrument(self.known_instrument(words)?),
            other => return Err(wrong(other, "login, firm, account or instrument")),
        })
    }

    fn set_limits(&self, words: &mut Words<'_>) -> Parsed<SetLimits> {
        let scope = self.scope(words)?;
        let mut limits = RiskLimits::default();
        while let Some((key, value)) = words.option()? {
            match key {
                "quantity" => limits.quantity_max = number(value)?,
                "orders" => limits.orders_max = number(value)?,
                "notional" => limits.notional_max = number(value)?,
                "position" => limits.position_max = number(value)?,
                "rate" => limits.rate_per_second = number(value)?,
                "burst" => limits.rate_burst = number(value)?,
                "fat-finger" => limits.fat_finger_bps = number(value)?,
                _ => return Err(wrong(key, "a limit")),
            }
        }
        Ok(SetLimits { scope, limits })
    }

    fn restrict(&self, words: &mut Words<'_>, restricted: bool) -> Parsed<Restrict> {
        let scope = self.scope(words)?;
        Ok(Restrict { scope, instrument: self.known_instrument(words)?, restricted })
    }

    fn cancel_orders(&self, words: &mut Words<'_>) -> Parsed<CancelOrders> {
        let mut orders = CancelOrders { scope: self.scope(words)?, instrument: InstrumentId(0), side: 0 };
        while let Some((key, value)) = words.option()? {
            match key {
                "symbol" => {
                    let known = self.instrument(value);
                    orders.instrument = known.ok_or_else(|| wrong(value, "an instrument named before"))?;
                }
                "side" => orders.side = side(value)?,
                _ => return Err(wrong(key, "symbol= or side=")),
            }
        }
        Ok(orders)
    }

    /// `bust MATCH SYMBOL QUANTITY @ PRICE buyer=LOGIN:URN seller=LOGIN:URN`
    fn bust(&self, words: &mut Words<'_>) -> Parsed<Bust> {
        let match_number = words.number("a match number")?;
        let instrument = self.known_instrument(words)?;
        let quantity = words.number("a quantity")?;
        words.must_be("@")?;
        let price = words.number("a price")?;
        let nobody = BustSide {
            login: LoginId::VENUE,
            user_ref_num: 0,
            user_ref_idx: 0,
            client_order_id: ClientOrderId::BLANK,
            fee: 0,
        };
        let (reason, buyer, seller) = (b'E', nobody, nobody);
        let mut bust = Bust { match_number, instrument, price, quantity, reason, buyer, seller };
        while let Some((key, value)) = words.option()? {
            match key.split_once('-').unwrap_or((key, "")) {
                ("reason", "") => bust.reason = letter_of(&BUST_REASONS, value)?,
                ("buyer", field) => self.bust_side(&mut bust.buyer, field, value)?,
                ("seller", field) => self.bust_side(&mut bust.seller, field, value)?,
                _ => return Err(wrong(key, "reason=, buyer= or seller=")),
            }
        }
        Ok(bust)
    }

    fn bust_side(&self, side: &mut BustSide, field: &str, value: &str) -> Parsed<()> {
        match field {
            "" => {
                let (name, number_text) = value.rsplit_once(':').ok_or_else(|| wrong(value, "LOGIN:URN"))?;
                side.login = self.login(name).ok_or_else(|| wrong(name, "a login named before"))?;
                side.user_ref_num = number(number_text)?;
            }
            "channel" => side.user_ref_idx = number(value)?,
            "label" => side.client_order_id = text(value)?,
            "fee" => side.fee = number(value)?,
            _ => return Err(wrong(field, "-channel=, -label= or -fee=")),
        }
        Ok(())
    }
}

fn rules(words: &mut Words<'_>) -> Parsed<Rules> {
    let found = words.next("a version of the rules")?;
    let version = number(found)?;
    Rules::new(version).ok_or_else(|| wrong(found, "a version of the rules"))
}

fn transfer(words: &mut Words<'_>) -> Parsed<Transfer> {
    Ok(Transfer {
        account: text(words.next("an account")?)?,
        asset: text(words.next("an asset")?)?,
        amount: words.number("an amount")?,
    })
}
