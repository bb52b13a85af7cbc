//! Words → tags of an order.

use ringside_domain::OrderOptions;

use super::spell::PEGS;
use super::words::{Parsed, letter, letter_of, nanoseconds, number, side, text, wrong};

pub(super) fn set_option(options: &mut OrderOptions, key: &str, value: &str) -> Parsed<()> {
    match key {
        "post-only" => options.post_only = b'P',
        "post" => options.post_only = letter(value)?,
        "located" => options.shares_located = letter(value)?,
        "customer" => options.customer_type = letter(value)?,
        "side" => options.side = side(value)?,
        "group" => options.group_id = number(value)?,
        "channel" => options.user_ref_idx = number(value)?,
        "refused" => options.refused_tag = number(value)?,
        "firm" => options.firm = text(value)?,
        "broker" => options.locate_broker = text(value)?,
        _ => return set_trading_option(options, key, value),
    }
    Ok(())
}

/// Tags that change how the order trades.
fn set_trading_option(options: &mut OrderOptions, key: &str, value: &str) -> Parsed<()> {
    match key {
        "min" => options.min_quantity = number(value)?,
        "iceberg" => options.max_floor = number(value)?,
        "random" => options.random_reserves = number(value)?,
        "peg" => options.price_type = letter_of(&PEGS, value)?,
        "offset" => options.peg_offset = number(value)?,
        "discretion" => options.discretion_price = number(value)?,
        "seconds" => options.expire_seconds = number(value)?,
        "gtc" => options.expire_at = 0,
        "until" => options.expire_at = nanoseconds(value)?,
        "trigger" => options.trigger_price = number(value)?,
        "fok" => options.execution = b'F',
        "mtl" => options.execution = b'M',
        "execution" => options.execution = letter(value)?,
        _ => return Err(wrong(key, "an option of an order")),
    }
    Ok(())
}
