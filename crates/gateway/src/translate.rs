//! OUCH messages to commands, events to OUCH messages. Field by field, nothing is judged but the form of tags.

use ringside_domain::limits::DAY_NS;
use ringside_domain::{
    Accepted, AccountQuery, Action, Cancel, Enter, EntrySwitch, Event, Fact, MassCancel, Modify,
    OrderOptions, Replace, TimeNs,
};
use ringside_wire::ouch::{self, Malformed, Reply, Request, Tag, TagBuffer, Tags};
use thiserror::Error;

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

/// Notes one tag. False: known to OUCH, not offered here, and not at its default value.
fn set_option(options: &mut OrderOptions, tag: &Tag) -> bool {
    match *tag {
        Tag::Firm(firm) => options.firm = firm,
        Tag::MinQuantity(quantity) => options.min_quantity = quantity,
        Tag::CustomerType(letter) => options.customer_type = letter,
        Tag::PostOnly(letter) => options.post_only = letter,
        Tag::GroupId(group) => options.group_id = group,
        Tag::SharesLocated(letter) => options.shares_located = letter,
        Tag::LocateBroker(broker) => options.locate_broker = broker,
        Tag::Side(letter) => options.side = letter,
        Tag::UserRefIdx(_) => {}
        ref other => return is_default(other),
    }
    true
}

/// A tag that says what is true without it (OUCH 5.0, column "default").
fn is_default(tag: &Tag) -> bool {
    match *tag {
        Tag::MaxFloor(0) | Tag::PegOffset(0) | Tag::DiscretionPrice(0) | Tag::DiscretionPegOffset(0) => true,
        Tag::RandomReserves(0) | Tag::ExpireTime(0) => true,
        Tag::PriceType(letter) | Tag::DiscretionPriceType(letter) => letter == b'L',
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

/// Appends the OUCH message of an event. On the wire, time is journaled time modulo one day.
pub fn put_reply(time_ns: TimeNs, event: &Event, out: &mut Vec<u8>) {
    let timestamp = time_ns % DAY_NS;
    let mut buffer = TagBuffer::new();
    if event.user_ref_idx != 0 {
        buffer.push(Tag::UserRefIdx(event.user_ref_idx));
    }
    match event.fact {
        Fact::Accepted(ref order) if order.original == 0 => put_accepted(timestamp, order, buffer, out),
        Fact::Accepted(ref order) => put_replaced(timestamp, order, buffer, out),
        Fact::MassCancelAccepted(ref request) => put_mass_cancel(timestamp, request, buffer, out),
        ref fact => plain_reply(timestamp, fact, buffer.as_tags()).encode(out),
    }
}

/// Replies whose only tag is the channel.
fn plain_reply<'a>(timestamp: u64, fact: &Fact, tags: Tags<'a>) -> Reply<'a> {
    match *fact {
        Fact::Executed { user_ref_num, quantity, price, liquidity, match_number } => {
            let liquidity = liquidity as u8;
            Reply::Executed(ouch::Executed {
                timestamp,
                user_ref_num,
                quantity,
                price,
                liquidity,
                match_number,
                tags,
            })
        }
        Fact::Canceled { user_ref_num, quantity, reason } => {
            Reply::Canceled(ouch::Canceled { timestamp, user_ref_num, quantity, reason: reason as u8, tags })
        }
        Fact::Rejected { user_ref_num, reason, client_order_id } => Reply::Rejected(ouch::Rejected {
            timestamp,
            user_ref_num,
            reason: reason as u16,
            client_order_id,
            tags,
        }),
        Fact::Modified { user_ref_num, side, quantity } => {
            Reply::Modified(ouch::Modified { timestamp, user_ref_num, side: side.letter(), quantity, tags })
        }
        Fact::EntryDisabled { user_ref_num, firm } => {
            Reply::DisableResponse(ouch::EntrySwitchResponse { timestamp, user_ref_num, firm, tags })
        }
        Fact::EntryEnabled { user_ref_num, firm } => {
            Reply::EnableResponse(ouch::EntrySwitchResponse { timestamp, user_ref_num, firm, tags })
        }
        Fact::NextUserRefNum { user_ref_num } => Reply::AccountQueryResponse(ouch::AccountQueryResponse {
            timestamp,
            next_user_ref_num: user_ref_num,
            tags,
        }),
        _ => unreachable!("handled by put_reply()"),
    }
}

fn put_accepted(timestamp: u64, order: &Accepted, mut buffer: TagBuffer, out: &mut Vec<u8>) {
    if !order.firm.is_blank() {
        buffer.push(Tag::Firm(order.firm));
    }
    push_letter(&mut buffer, order.customer_type, Tag::CustomerType);
    push_letter(&mut buffer, order.post_only, Tag::PostOnly);
    push_letter(&mut buffer, order.shares_located, Tag::SharesLocated);
    if order.group_id != 0 {
        buffer.push(Tag::GroupId(order.group_id));
    }
    let reply = ouch::Accepted {
        timestamp,
        user_ref_num: order.user_ref_num,
        side: order.side.letter(),
        quantity: order.quantity,
        symbol: order.symbol,
        price: order.price,
        time_in_force: order.time_in_force,
        display: order.display,
        order_ref: order.order_ref,
        capacity: order.capacity,
        intermarket_sweep: order.intermarket_sweep,
        cross_type: order.cross_type,
        state: b'L',
        client_order_id: order.client_order_id,
        tags: buffer.as_tags(),
    };
    Reply::Accepted(reply).encode(out);
}

fn put_replaced(timestamp: u64, order: &Accepted, mut buffer: TagBuffer, out: &mut Vec<u8>) {
    push_letter(&mut buffer, order.post_only, Tag::PostOnly);
    let reply = ouch::Replaced {
        timestamp,
        original: order.original,
        user_ref_num: order.user_ref_num,
        side: order.side.letter(),
        quantity: order.quantity,
        symbol: order.symbol,
        price: order.price,
        time_in_force: order.time_in_force,
        display: order.display,
        order_ref: order.order_ref,
        capacity: order.capacity,
        intermarket_sweep: order.intermarket_sweep,
        cross_type: order.cross_type,
        state: b'L',
        client_order_id: order.client_order_id,
        tags: buffer.as_tags(),
    };
    Reply::Replaced(reply).encode(out);
}

fn put_mass_cancel(
    timestamp: u64,
    request: &ringside_domain::MassCancelAccepted,
    mut buffer: TagBuffer,
    out: &mut Vec<u8>,
) {
    push_letter(&mut buffer, request.side, Tag::Side);
    if let Some(group) = request.group_id {
        buffer.push(Tag::GroupId(group));
    }
    let reply = ouch::MassCancelResponse {
        timestamp,
        user_ref_num: request.user_ref_num,
        firm: request.firm,
        symbol: request.symbol,
        tags: buffer.as_tags(),
    };
    Reply::MassCancelResponse(reply).encode(out);
}

/// A letter that was given and says more than the default.
fn push_letter(buffer: &mut TagBuffer, letter: u8, tag: fn(u8) -> Tag) {
    if letter != 0 {
        buffer.push(tag(letter));
    }
}
