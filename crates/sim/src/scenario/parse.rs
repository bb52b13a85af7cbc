//! Lines → commands. Words only; nothing here knows what a command does.

use ringside_domain::limits::{ORDERS_MAX_DEFAULT, PRICE_MARKET};
use ringside_domain::{
    AccountQuery, Action, Cancel, ClientOrderId, Command, Enter, EntrySwitch, Firm, InstrumentId,
    InstrumentTerms, LoginId, LoginTerms, MassCancel, Modify, OrderOptions, Replace, Symbol, Username,
};
use thiserror::Error;

use super::words::{Parsed, Words, letter, number, side, text, wrong};
use super::{Expected, Names, Scenario, Step};

/// A line that is not a command.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("line {line}: {found:?}, expected {expected}")]
pub struct ParseError {
    /// 1-based line.
    pub line: usize,
    /// What is there.
    pub found: String,
    /// What should be there.
    pub expected: &'static str,
}

pub(super) fn parse(text: &str) -> Result<Scenario, ParseError> {
    let mut scenario =
        Scenario { orders_max: ORDERS_MAX_DEFAULT, names: Names::default(), steps: Vec::new() };
    for (index, raw) in text.lines().enumerate() {
        let content = raw.split('#').next().unwrap_or("").trim();
        let line = index + 1;
        if !content.is_empty() {
            let wrong = |(found, expected)| ParseError { line, found, expected };
            scenario.read(line, content).map_err(wrong)?;
        }
    }
    Ok(scenario)
}

impl Scenario {
    fn read(&mut self, line: usize, content: &str) -> Parsed<()> {
        if let Some(event) = content.strip_prefix('>') {
            return self.expect(line, event);
        }
        let mut words = Words::new(content);
        if words.next_is("orders-max") {
            self.orders_max = words.number("a number of orders")?;
        } else {
            let command = self.command(&mut words)?;
            self.steps.push(Step { line, text: content.to_owned(), command, expected: Vec::new() });
        }
        words.end()
    }

    fn expect(&mut self, line: usize, event: &str) -> Parsed<()> {
        let text = event.split_whitespace().collect::<Vec<_>>().join(" ");
        let step = self.steps.last_mut().ok_or((text.clone(), "a command above its events"))?;
        step.expected.push(Expected { line, text });
        Ok(())
    }

    fn command(&mut self, words: &mut Words<'_>) -> Parsed<Command> {
        let first = words.next("a command")?;
        let action = match first {
            "instrument" => Action::AddInstrument(self.instrument(words, true)?),
            "login" => Action::AddLogin(self.login(words, true)?),
            "change" if words.next_is("instrument") => {
                Action::ChangeInstrument(self.instrument(words, false)?)
            }
            "change" if words.next_is("login") => Action::ChangeLogin(self.login(words, false)?),
            "remove" if words.next_is("instrument") => {
                let symbol = words.next("a symbol")?;
                Action::RemoveInstrument(self.names.instrument(symbol).ok_or(wrong(symbol, "a symbol"))?)
            }
            "remove" if words.next_is("login") => Action::RemoveLogin(self.known_login(words)?),
            "storage" if words.next_is("full") => Action::StorageFull(true),
            "storage" if words.next_is("free") => Action::StorageFull(false),
            "session" => Action::StartSession(words.number("a session number")?),
            name => {
                let login = self.names.login(name).ok_or(wrong(name, "a login named before"))?;
                return Ok(Command { login, action: client_action(words)? });
            }
        };
        Ok(Command { login: LoginId::VENUE, action })
    }

    fn known_login(&self, words: &mut Words<'_>) -> Parsed<LoginId> {
        let name = words.next("a login")?;
        self.names.login(name).ok_or(wrong(name, "a login named before"))
    }

    fn instrument(&mut self, words: &mut Words<'_>, new: bool) -> Parsed<InstrumentTerms> {
        let symbol = words.next("a symbol")?;
        let known = self.names.instrument(symbol).filter(|_| !new);
        let mut terms = InstrumentTerms {
            instrument: known.unwrap_or_else(|| self.names.add_instrument(symbol)),
            symbol: text(symbol)?,
            tick: 1,
            lot: 1,
            price_decimals: 4,
            quantity_decimals: 0,
            ..InstrumentTerms::plain(InstrumentId(0), Symbol::BLANK, 1, 1)
        };
        while let Some((key, value)) = words.option()? {
            match key {
                "tick" => terms.tick = number(value)?,
                "lot" => terms.lot = number(value)?,
                "decimals" => terms.price_decimals = number(value)?,
                _ => return Err(wrong(key, "tick=, lot= or decimals=")),
            }
        }
        Ok(terms)
    }

    fn login(&mut self, words: &mut Words<'_>, new: bool) -> Parsed<LoginTerms> {
        let name = words.next("a login")?;
        let known = self.names.login(name).filter(|_| !new);
        let mut terms = LoginTerms {
            login: known.unwrap_or_else(|| self.names.add_login(name)),
            username: text(name)?,
            firm: Firm::BLANK,
            cancel_on_disconnect: false,
            ..LoginTerms::plain(LoginId(0), Username::BLANK, Firm::BLANK)
        };
        while let Some((key, value)) = words.option()? {
            match key {
                "firm" => terms.firm = text(value)?,
                "cancel-on-disconnect" => terms.cancel_on_disconnect = true,
                _ => return Err(wrong(key, "firm= or cancel-on-disconnect")),
            }
        }
        Ok(terms)
    }
}

fn client_action(words: &mut Words<'_>) -> Parsed<Action> {
    match words.next("a verb")? {
        "enter" => enter(words).map(Action::Enter),
        "replace" => replace(words).map(Action::Replace),
        "cancel" => cancel(words).map(Action::Cancel),
        "modify" => modify(words).map(Action::Modify),
        "mass-cancel" => mass_cancel(words).map(Action::MassCancel),
        "disable" => switch(words).map(Action::DisableEntry),
        "enable" => switch(words).map(Action::EnableEntry),
        "query" => channel(words).map(|user_ref_idx| Action::AccountQuery(AccountQuery { user_ref_idx })),
        "connect" => Ok(Action::Connect),
        "disconnect" => Ok(Action::Disconnect),
        verb => Err(wrong(verb, "enter, replace, cancel, modify, mass-cancel, disable, enable, query, …")),
    }
}

fn enter(words: &mut Words<'_>) -> Parsed<Enter> {
    let mut enter = Enter {
        user_ref_num: words.number("a UserRefNum")?,
        side: side(words.next("a side")?)?,
        quantity: words.number("a quantity")?,
        symbol: text(words.next("a symbol")?)?,
        price: price(words)?,
        client_order_id: ClientOrderId::BLANK,
        time_in_force: b'0',
        display: b'Y',
        capacity: b'P',
        intermarket_sweep: b'N',
        cross_type: b'N',
        options: OrderOptions::default(),
    };
    while let Some((key, value)) = words.option()? {
        match key {
            "ioc" => enter.time_in_force = b'3',
            "tif" => enter.time_in_force = letter(value)?,
            "display" => enter.display = letter(value)?,
            "capacity" => enter.capacity = letter(value)?,
            "sweep" => enter.intermarket_sweep = letter(value)?,
            "cross" => enter.cross_type = letter(value)?,
            "label" => enter.client_order_id = text(value)?,
            _ => set_option(&mut enter.options, key, value)?,
        }
    }
    Ok(enter)
}

fn replace(words: &mut Words<'_>) -> Parsed<Replace> {
    let original = words.number("a UserRefNum")?;
    words.must_be("->")?;
    let user_ref_num = words.number("a UserRefNum")?;
    words.must_be("total")?;
    let mut replace = Replace {
        original,
        user_ref_num,
        quantity: words.number("a quantity")?,
        price: price(words)?,
        client_order_id: ClientOrderId::BLANK,
        time_in_force: b'0',
        display: b'Y',
        intermarket_sweep: b'N',
        options: OrderOptions::default(),
    };
    while let Some((key, value)) = words.option()? {
        match key {
            "ioc" => replace.time_in_force = b'3',
            "tif" => replace.time_in_force = letter(value)?,
            "display" => replace.display = letter(value)?,
            "sweep" => replace.intermarket_sweep = letter(value)?,
            "label" => replace.client_order_id = text(value)?,
            _ => set_option(&mut replace.options, key, value)?,
        }
    }
    Ok(replace)
}

fn set_option(options: &mut OrderOptions, key: &str, value: &str) -> Parsed<()> {
    match key {
        "post-only" => options.post_only = b'P',
        "post" => options.post_only = letter(value)?,
        "located" => options.shares_located = letter(value)?,
        "customer" => options.customer_type = letter(value)?,
        "side" => options.side = side(value)?,
        "group" => options.group_id = number(value)?,
        "min" => options.min_quantity = number(value)?,
        "channel" => options.user_ref_idx = number(value)?,
        "refused" => options.refused_tag = number(value)?,
        "firm" => options.firm = text(value)?,
        "broker" => options.locate_broker = text(value)?,
        _ => return Err(wrong(key, "an option of an order")),
    }
    Ok(())
}

fn cancel(words: &mut Words<'_>) -> Parsed<Cancel> {
    let user_ref_num = words.number("a UserRefNum")?;
    words.must_be("to")?;
    let quantity = words.number("a quantity")?;
    Ok(Cancel { user_ref_num, quantity, user_ref_idx: channel(words)? })
}

fn modify(words: &mut Words<'_>) -> Parsed<Modify> {
    let user_ref_num = words.number("a UserRefNum")?;
    let side = side(words.next("a side")?)?;
    words.must_be("to")?;
    let quantity = words.number("a quantity")?;
    Ok(Modify { user_ref_num, quantity, side, user_ref_idx: channel(words)? })
}

fn mass_cancel(words: &mut Words<'_>) -> Parsed<MassCancel> {
    let mut request = MassCancel {
        user_ref_num: words.number("a UserRefNum")?,
        firm: Firm::BLANK,
        symbol: Symbol::BLANK,
        side: 0,
        group_id: None,
        user_ref_idx: None,
    };
    while let Some((key, value)) = words.option()? {
        match key {
            "firm" => request.firm = text(value)?,
            "symbol" => request.symbol = text(value)?,
            "side" => request.side = side(value)?,
            "group" => request.group_id = Some(number(value)?),
            "channel" => request.user_ref_idx = Some(number(value)?),
            _ => return Err(wrong(key, "firm=, symbol=, side=, group= or channel=")),
        }
    }
    Ok(request)
}

fn switch(words: &mut Words<'_>) -> Parsed<EntrySwitch> {
    let user_ref_num = words.number("a UserRefNum")?;
    let mut switch = EntrySwitch { user_ref_num, firm: Firm::BLANK, user_ref_idx: 0 };
    while let Some((key, value)) = words.option()? {
        match key {
            "firm" => switch.firm = text(value)?,
            "channel" => switch.user_ref_idx = number(value)?,
            _ => return Err(wrong(key, "firm= or channel=")),
        }
    }
    Ok(switch)
}

fn channel(words: &mut Words<'_>) -> Parsed<u8> {
    match words.option()? {
        None => Ok(0),
        Some(("channel", value)) => number(value),
        Some((key, _)) => Err(wrong(key, "channel=")),
    }
}

fn price(words: &mut Words<'_>) -> Parsed<u64> {
    words.must_be("@")?;
    match words.next("a price")? {
        "market" => Ok(PRICE_MARKET),
        digits => number(digits),
    }
}
