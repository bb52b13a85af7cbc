//! OUCH messages to commands, events to OUCH messages. Field by field, nothing is judged but the form of tags.

mod reply;
#[cfg(test)]
mod tests;

use ringside_domain::{
    AccountQuery, Action, Cancel, Enter, EntrySwitch, MassCancel, Modify, NO_EXPIRE_AT, OrderOptions, Replace,
};
use ringside_wire::ouch::{self, Malformed, Request, Tag, Tags};
use thiserror::Error;

pub use reply::{has_reply, put_reply};

/// Why bytes are not a command.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NotACommand {
    /// Not an OUCH message.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A tag that has no business here, in a message that OUCH has no refusal for.
    #[error("message {kind}: tag {tag} is unknown, repeated, misshapen or not allowed", kind = char::from(*kind))]
    Tag {
        /// Message type.
        kind: u8,
        /// Tag number; 255 when the appendage ends inside a tag.
        tag: u8,
    },
}

/// The command that an OUCH request asks for.
pub fn action(bytes: &[u8]) -> Result<Action, NotACommand> {
    match ouch::decode_request(bytes)? {
        Request::Enter(enter) => Ok(Action::Enter(enter_action(&enter))),
        Request::Replace(replace) => Ok(Action::Replace(replace_action(&replace))),
        request => plain_action(&request),
    }
}

/// Requests whose only refusal is a closed connection.
fn plain_action(request: &Request<'_>) -> Result<Action, NotACommand> {
    let kind = request.kind();
    Ok(match request {
        Request::Cancel(m) => Action::Cancel(Cancel {
            user_ref_num: m.user_ref_num,
            quantity: m.quantity,
            user_ref_idx: channel(kind, m.tags)?.unwrap_or(0),
        }),
        Request::Modify(m) => Action::Modify(Modify {
            user_ref_num: m.user_ref_num,
            quantity: m.quantity,
            side: m.side,
            user_ref_idx: channel(kind, m.tags)?.unwrap_or(0),
        }),
        Request::MassCancel(m) => Action::MassCancel(mass_cancel(m)?),
        Request::Disable(m) => Action::DisableEntry(switch(kind, m)?),
        Request::Enable(m) => Action::EnableEntry(switch(kind, m)?),
        Request::AccountQuery(m) => {
            Action::AccountQuery(AccountQuery { user_ref_idx: channel(kind, m.tags)?.unwrap_or(0) })
        }
        Request::Enter(_) | Request::Replace(_) => unreachable!("handled by action()"),
    })
}

/// The OUCH request for a new order without tags; for those who send.
pub fn enter_request(enter: &Enter) -> Request<'static> {
    Request::Enter(ouch::Enter {
        user_ref_num: enter.user_ref_num,
        side: enter.side,
        quantity: enter.quantity,
        symbol: enter.symbol,
        price: enter.price,
        time_in_force: enter.time_in_force,
        display: enter.display,
        capacity: enter.capacity,
        intermarket_sweep: enter.intermarket_sweep,
        cross_type: enter.cross_type,
        client_order_id: enter.client_order_id,
        tags: Tags::EMPTY,
    })
}

fn enter_action(m: &ouch::Enter<'_>) -> Enter {
    Enter {
        user_ref_num: m.user_ref_num,
        quantity: m.quantity,
        price: m.price,
        symbol: m.symbol,
        client_order_id: m.client_order_id,
        side: m.side,
        time_in_force: m.time_in_force,
        display: m.display,
        capacity: m.capacity,
        intermarket_sweep: m.intermarket_sweep,
        cross_type: m.cross_type,
        options: options(b'O', m.tags),
    }
}

fn replace_action(m: &ouch::Replace<'_>) -> Replace {
    Replace {
        original: m.original,
        user_ref_num: m.user_ref_num,
        quantity: m.quantity,
        price: m.price,
        client_order_id: m.client_order_id,
        time_in_force: m.time_in_force,
        display: m.display,
        intermarket_sweep: m.intermarket_sweep,
        options: options(b'U', m.tags),
    }
}

/// The tags of an Enter or Replace. What this venue does not offer is named in `refused_tag`: never ignored.
fn options(kind: u8, tags: Tags<'_>) -> OrderOptions {
    let mut options = OrderOptions::default();
    if tags.is_empty() {
        return options;
    }
    options.refused_tag = tags.first_problem(kind, true).unwrap_or(0);
    // Also behind a tag that cannot be read: the refusal goes to the right channel.
    options.user_ref_idx = tags.user_ref_idx();
    for tag in tags.iter().flatten() {
        if !set_option(&mut options, &tag) && options.refused_tag == 0 {
            options.refused_tag = tag.number();
        }
    }
    options
}

/// Notes one tag. False: it says something that this venue does not offer, or that the options have no word for.
fn set_option(options: &mut OrderOptions, tag: &Tag) -> bool {
    match *tag {
        Tag::Firm(firm) => options.firm = firm,
        Tag::MinQuantity(quantity) => options.min_quantity = quantity,
        Tag::MaxFloor(quantity) => options.max_floor = quantity,
        Tag::PegOffset(offset) => options.peg_offset = offset,
        Tag::DiscretionPrice(price) => options.discretion_price = narrow(price),
        Tag::RandomReserves(quantity) => options.random_reserves = quantity,
        Tag::ExpireTime(seconds) => options.expire_seconds = seconds,
        Tag::GroupId(group) => options.group_id = group,
        Tag::LocateBroker(broker) => options.locate_broker = broker,
        Tag::UserRefIdx(_) => {}
        Tag::CustomerType(letter) => return set_letter(&mut options.customer_type, letter),
        Tag::PostOnly(letter) => return set_letter(&mut options.post_only, letter),
        Tag::SharesLocated(letter) => return set_letter(&mut options.shares_located, letter),
        Tag::Side(letter) => return set_letter(&mut options.side, letter),
        Tag::Execution(letter) => return set_letter(&mut options.execution, letter),
        Tag::PriceType(letter) => {
            options.price_type = letter;
            return matches!(letter, b'L' | b'P' | b'M' | b'R');
        }
        Tag::ExpireAt(time_ns) => {
            options.expire_at = time_ns;
            return time_ns != NO_EXPIRE_AT;
        }
        Tag::TriggerPrice(price) => {
            options.trigger_price = narrow(price);
            return price != 0;
        }
        ref other => return is_default(other),
    }
    true
}

/// Notes a letter. The byte 0 is none: in the options it would say that the tag is absent.
fn set_letter(option: &mut u8, letter: u8) -> bool {
    *option = letter;
    letter != 0
}

/// A price as the options keep it: beyond their range it becomes their largest value, which is no price.
fn narrow(price: u64) -> u32 {
    u32::try_from(price).unwrap_or(u32::MAX)
}

/// A tag that is not offered, and says what is true without it (OUCH 5.0, column "default").
fn is_default(tag: &Tag) -> bool {
    match *tag {
        Tag::DiscretionPriceType(letter) => letter == b'L',
        Tag::DiscretionPegOffset(offset) => offset == 0,
        Tag::TradeNow(letter) => matches!(letter, b' ' | b'N'),
        Tag::HandleInst(letter) => letter == b' ',
        _ => false,
    }
}

fn checked(kind: u8, tags: Tags<'_>) -> Result<Tags<'_>, NotACommand> {
    match tags.first_problem(kind, true) {
        None => Ok(tags),
        Some(tag) => Err(NotACommand::Tag { kind, tag }),
    }
}

fn channel(kind: u8, tags: Tags<'_>) -> Result<Option<u8>, NotACommand> {
    if tags.is_empty() {
        return Ok(None);
    }
    Ok(checked(kind, tags)?.iter().flatten().find_map(|tag| match tag {
        Tag::UserRefIdx(idx) => Some(idx),
        _ => None,
    }))
}

fn mass_cancel(m: &ouch::MassCancel<'_>) -> Result<MassCancel, NotACommand> {
    let mut request = MassCancel {
        user_ref_num: m.user_ref_num,
        firm: m.firm,
        symbol: m.symbol,
        side: 0,
        group_id: None,
        user_ref_idx: None,
    };
    for tag in checked(b'C', m.tags)?.iter().flatten() {
        match tag {
            Tag::Side(letter) => request.side = letter,
            Tag::GroupId(group) => request.group_id = Some(group),
            Tag::UserRefIdx(idx) => request.user_ref_idx = Some(idx),
            _ => {}
        }
    }
    Ok(request)
}

fn switch(kind: u8, m: &ouch::EntrySwitch<'_>) -> Result<EntrySwitch, NotACommand> {
    let user_ref_idx = channel(kind, m.tags)?.unwrap_or(0);
    Ok(EntrySwitch { user_ref_num: m.user_ref_num, firm: m.firm, user_ref_idx })
}
