//! Lines → commands of clients.

use ringside_domain::limits::PRICE_MARKET;
use ringside_domain::{
    AccountQuery, Action, Cancel, ClientOrderId, Enter, EntrySwitch, Firm, MassCancel, Modify, OrderOptions,
    Replace, Symbol,
};

use super::parse_order::set_option;
use super::words::{Parsed, Words, letter, number, side, text, wrong};

pub(super) fn client_action(words: &mut Words<'_>) -> Parsed<Action> {
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
            "hidden" => enter.display = b'N',
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
            "hidden" => replace.display = b'N',
            "display" => replace.display = letter(value)?,
            "sweep" => replace.intermarket_sweep = letter(value)?,
            "label" => replace.client_order_id = text(value)?,
            _ => set_option(&mut replace.options, key, value)?,
        }
    }
    Ok(replace)
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
