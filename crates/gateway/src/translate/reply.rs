//! Events to OUCH messages.
//!
//! An order is echoed with the tags that were given, as far as the specification allows them in `A` and `U`. The private
//! tags 128 to 130 are never echoed: a strict client knows no such tag of a host.

use ringside_domain::limits::DAY_NS;
use ringside_domain::{Accepted, Event, Fact, Firm, LoginId, MassCancelAccepted, TimeNs, UserRefNum};
use ringside_wire::ouch::{self, Reply, Tag, TagBuffer, Tags};

/// True when an event becomes a message: it is a login's, and not for the public or the operator.
pub fn has_reply(event: &Event) -> bool {
    event.login != LoginId::VENUE
        && !matches!(event.fact, Fact::Market { .. } | Fact::Refused(_) | Fact::SessionBegan(_))
}

/// Appends the OUCH message of an event that [`has_reply`]. On the wire, time is journaled time modulo one day.
pub fn put_reply(time_ns: TimeNs, event: &Event, out: &mut Vec<u8>) {
    debug_assert!(has_reply(event), "Invariant: what is nobody's is in nobody's stream");
    let timestamp = time_ns % DAY_NS;
    match event.fact {
        Fact::Refreshed { user_ref_num, displayed, public_ref } => {
            let tags = [Tag::DisplayQuantity(displayed), Tag::SecondaryOrderRef(public_ref)];
            return put_restated(timestamp, user_ref_num, b'R', &tags, event.user_ref_idx, out);
        }
        Fact::Repriced { user_ref_num, price } => {
            let tags = [Tag::DisplayPrice(price)];
            return put_restated(timestamp, user_ref_num, b'P', &tags, event.user_ref_idx, out);
        }
        _ => {}
    }
    let mut buffer = TagBuffer::new();
    push_channel(&mut buffer, event.user_ref_idx);
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
        Fact::Prevented { user_ref_num, quantity, prevented, price, liquidity, mode } => {
            let (liquidity, strategy) = (liquidity as u8, mode as u8);
            Reply::AiqCanceled(ouch::AiqCanceled {
                timestamp,
                user_ref_num,
                quantity,
                reason: b'Q',
                prevented,
                price,
                liquidity,
                strategy,
                tags,
            })
        }
        Fact::Triggered { user_ref_num, price, display, order_ref } => {
            let update = ouch::PriorityUpdate { timestamp, user_ref_num, price, display, order_ref, tags };
            Reply::PriorityUpdate(update)
        }
        Fact::Broken { user_ref_num, match_number, reason, client_order_id } => {
            Reply::BrokenTrade(ouch::BrokenTrade {
                timestamp,
                user_ref_num,
                match_number,
                reason,
                client_order_id,
                tags,
            })
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
        Fact::Accepted(_)
        | Fact::MassCancelAccepted(_)
        | Fact::Refreshed { .. }
        | Fact::Repriced { .. }
        | Fact::Market { .. }
        | Fact::Refused(_)
        | Fact::SessionBegan(_) => unreachable!("handled by put_reply(), or no reply at all"),
    }
}

fn put_accepted(timestamp: u64, order: &Accepted, mut buffer: TagBuffer, out: &mut Vec<u8>) {
    push_firm(&mut buffer, order.firm);
    push_number(&mut buffer, order.min_quantity, Tag::MinQuantity);
    push_letter(&mut buffer, order.customer_type, Tag::CustomerType);
    push_number(&mut buffer, order.max_floor, Tag::MaxFloor);
    push_letter(&mut buffer, order.price_type, Tag::PriceType);
    push_number(&mut buffer, order.peg_offset, Tag::PegOffset);
    push_number(&mut buffer, u64::from(order.discretion_price), Tag::DiscretionPrice);
    push_letter(&mut buffer, order.post_only, Tag::PostOnly);
    push_number(&mut buffer, order.random_reserves, Tag::RandomReserves);
    push_number(&mut buffer, order.expire_seconds, Tag::ExpireTime);
    push_letter(&mut buffer, order.shares_located, Tag::SharesLocated);
    push_number(&mut buffer, order.group_id, Tag::GroupId);
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
    push_firm(&mut buffer, order.firm);
    push_number(&mut buffer, order.min_quantity, Tag::MinQuantity);
    push_number(&mut buffer, order.max_floor, Tag::MaxFloor);
    push_letter(&mut buffer, order.price_type, Tag::PriceType);
    push_letter(&mut buffer, order.post_only, Tag::PostOnly);
    push_number(&mut buffer, order.expire_seconds, Tag::ExpireTime);
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

fn put_mass_cancel(timestamp: u64, request: &MassCancelAccepted, mut buffer: TagBuffer, out: &mut Vec<u8>) {
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

/// A restatement: its tags in the order of the specification, the channel last.
fn put_restated(
    timestamp: u64,
    user_ref_num: UserRefNum,
    reason: u8,
    tags: &[Tag],
    user_ref_idx: u8,
    out: &mut Vec<u8>,
) {
    let mut buffer = TagBuffer::new();
    tags.iter().for_each(|tag| buffer.push(*tag));
    push_channel(&mut buffer, user_ref_idx);
    let tags = buffer.as_tags();
    Reply::Restated(ouch::Restated { timestamp, user_ref_num, reason, tags }).encode(out);
}

fn push_channel(buffer: &mut TagBuffer, user_ref_idx: u8) {
    if user_ref_idx != 0 {
        buffer.push(Tag::UserRefIdx(user_ref_idx));
    }
}

fn push_firm(buffer: &mut TagBuffer, firm: Firm) {
    if !firm.is_blank() {
        buffer.push(Tag::Firm(firm));
    }
}

fn push_number<N: Default + PartialEq>(buffer: &mut TagBuffer, number: N, tag: fn(N) -> Tag) {
    if number != N::default() {
        buffer.push(tag(number));
    }
}

/// A letter that was given.
fn push_letter(buffer: &mut TagBuffer, letter: u8, tag: fn(u8) -> Tag) {
    if letter != 0 {
        buffer.push(tag(letter));
    }
}
