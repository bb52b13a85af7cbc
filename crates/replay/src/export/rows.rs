//! How a command, an event, a trade becomes a row.

use std::borrow::Cow;

use ringside_domain::{Action, Event, Fact, LoginId, MarketFact, OrderOptions, Symbol};
use ringside_engine::Engine;

use super::tables::{COMMANDS, EVENTS, TRADES};
use super::{Cell, Table};
use crate::json::{Names, command_json, event_json, login_name};
use crate::matches::{Trade, TradeSide};
use crate::orders::Change;
use crate::past::Turn;

/// A row under way; cells that nobody sets stay empty.
struct Row<'a, const N: usize> {
    table: &'static Table,
    cells: [Cell<'a>; N],
}

impl<'a, const N: usize> Row<'a, N> {
    fn new(table: &'static Table) -> Row<'a, N> {
        assert_eq!(table.columns.len(), N, "Invariant: a row has a cell for each column");
        Row { table, cells: std::array::from_fn(|_| Cell::Empty) }
    }

    fn put(&mut self, name: &str, cell: Cell<'a>) {
        let at = self.table.columns.iter().position(|column| column.name == name);
        self.cells[at.expect("Invariant: the column is in the table")] = cell;
    }

    fn number(&mut self, name: &str, number: impl Into<u64>) {
        self.put(name, Cell::Number(number.into()));
    }

    fn text(&mut self, name: &str, text: impl Into<Cow<'a, str>>) {
        let text = text.into();
        if !text.is_empty() {
            self.put(name, Cell::Text(text));
        }
    }

    /// A letter, whatever the client sent.
    fn letter(&mut self, name: &str, byte: u8) {
        match byte {
            0 => {}
            b' '..=b'~' => self.text(name, char::from(byte).to_string()),
            other => self.text(name, format!("#{other}")),
        }
    }
}

/// The row of a command.
pub(super) fn command<'a>(turn: &Turn<'a>) -> [Cell<'a>; 16] {
    let mut row = Row::<16>::new(&COMMANDS);
    let detail = command_json(turn.engine, &turn.command);
    row.number("sequence", turn.sequence);
    row.number("time_ns", turn.time_ns);
    row.number("segment", turn.segment);
    row.number("offset", turn.offset);
    row.text("type", detail["type"].as_str().unwrap_or_default().to_owned());
    if turn.command.login != LoginId::VENUE {
        row.text("login", login_name(turn.engine, turn.command.login));
    }
    if let Some(symbol) = detail["symbol"].as_str() {
        row.text("symbol", symbol.to_owned());
    }
    put_request(&mut row, &turn.command.action);
    row.text("detail", detail.to_string());
    row.cells
}

/// What a client's request says.
fn put_request(row: &mut Row<'_, 16>, action: &Action) {
    match action {
        Action::Enter(m) => {
            row.number("user_ref_num", m.user_ref_num);
            put_order(row, (m.quantity, m.price, m.time_in_force), &m.options, m.client_order_id.as_str());
            row.letter("side", m.side);
        }
        Action::Replace(m) => {
            row.number("user_ref_num", m.user_ref_num);
            row.number("original", m.original);
            put_order(row, (m.quantity, m.price, m.time_in_force), &m.options, m.client_order_id.as_str());
            row.letter("side", m.options.side);
        }
        Action::Cancel(m) => put_reference(row, m.user_ref_num, m.user_ref_idx, Some(m.quantity)),
        Action::Modify(m) => {
            put_reference(row, m.user_ref_num, m.user_ref_idx, Some(m.quantity));
            row.letter("side", m.side);
        }
        Action::MassCancel(m) => {
            put_reference(row, m.user_ref_num, m.user_ref_idx.unwrap_or(0), None);
            row.letter("side", m.side);
        }
        Action::DisableEntry(m) | Action::EnableEntry(m) => {
            put_reference(row, m.user_ref_num, m.user_ref_idx, None);
        }
        Action::AccountQuery(m) => row.number("user_ref_idx", m.user_ref_idx),
        _ => {}
    }
}

fn put_order(row: &mut Row<'_, 16>, terms: (u32, u64, u8), options: &OrderOptions, label: &str) {
    let (quantity, price, time_in_force) = terms;
    row.number("user_ref_idx", options.user_ref_idx);
    row.number("quantity", quantity);
    row.number("price", price);
    row.letter("time_in_force", time_in_force);
    row.text("client_order_id", label.to_owned());
}

fn put_reference(row: &mut Row<'_, 16>, user_ref_num: u32, user_ref_idx: u8, quantity: Option<u32>) {
    row.number("user_ref_num", user_ref_num);
    row.number("user_ref_idx", user_ref_idx);
    if let Some(quantity) = quantity {
        row.number("quantity", quantity);
    }
}

/// The row of an event.
pub(super) fn event<'a>(
    turn: &Turn<'a>,
    at: usize,
    event: &Event,
    change: Option<&Change>,
) -> [Cell<'a>; 19] {
    let mut row = Row::<19>::new(&EVENTS);
    let detail = event_json(turn.engine, event);
    row.number("sequence", turn.sequence);
    row.number("time_ns", turn.time_ns);
    row.number("event", at as u64);
    row.text("type", detail["type"].as_str().unwrap_or_default().to_owned());
    if event.login != LoginId::VENUE {
        row.text("login", login_name(turn.engine, event.login));
        row.number("user_ref_idx", event.user_ref_idx);
    }
    if let Some(Change { order, .. }) = change {
        row.number("order_ref", order.order_ref);
        row.text("symbol", order.symbol.as_str().to_owned());
        row.letter("side", order.side.letter());
        row.number("leaves", order.leaves);
    }
    for name in ["user_ref_num", "original", "quantity", "price", "match_number"] {
        if let Some(number) = detail[name].as_u64() {
            row.number(name, number);
        }
    }
    put_words(&mut row, event, &detail);
    row.text("detail", detail.to_string());
    row.cells
}

/// What some events say besides.
fn put_words(row: &mut Row<'_, 19>, event: &Event, detail: &serde_json::Value) {
    match &event.fact {
        Fact::Rejected { reason, .. } => row.text("reason", (*reason as u16).to_string()),
        Fact::Refused(refusal) => row.text("reason", (*refusal as u8).to_string()),
        Fact::Canceled { reason, .. } => row.letter("reason", *reason as u8),
        Fact::Broken { reason, .. } => row.letter("reason", *reason),
        Fact::Executed { liquidity, .. } | Fact::Prevented { liquidity, .. } => {
            row.letter("liquidity", *liquidity as u8);
        }
        Fact::Triggered { order_ref, .. } => row.number("order_ref", *order_ref),
        Fact::Market { fact, .. } => {
            put_public(row, fact);
            row.text("symbol", detail["symbol"].as_str().unwrap_or_default().to_owned());
        }
        _ => {}
    }
    if let Some(label) = detail["client_order_id"].as_str() {
        row.text("client_order_id", label.to_owned());
    }
}

fn put_public(row: &mut Row<'_, 19>, fact: &MarketFact) {
    match *fact {
        MarketFact::Added { public_ref, buy, .. } => {
            row.number("order_ref", public_ref);
            row.letter("side", if buy { b'B' } else { b'S' });
        }
        MarketFact::Traded { buy, .. } => row.letter("side", if buy { b'B' } else { b'S' }),
        MarketFact::Executed { public_ref, .. }
        | MarketFact::Reduced { public_ref, .. }
        | MarketFact::Deleted { public_ref } => row.number("order_ref", public_ref),
        MarketFact::Replaced { new, .. } => row.number("order_ref", new),
        _ => {}
    }
}

/// The row of a trade.
pub(super) fn trade<'a>(turn: &Turn<'a>, trade: &Trade) -> [Cell<'a>; 22] {
    let mut row = Row::<22>::new(&TRADES);
    row.number("sequence", turn.sequence);
    row.number("time_ns", turn.time_ns);
    row.number("match_number", trade.match_number);
    row.text("symbol", trade.symbol.as_str().to_owned());
    row.number("price", trade.price);
    if let Some(decimals) = price_decimals(turn.engine, trade.symbol) {
        row.number("price_decimals", decimals);
    }
    row.number("quantity", trade.quantity);
    let taker = ringside_domain::Liquidity::Removed;
    if trade.buyer.liquidity == taker {
        row.text("taker_side", "B");
    } else if trade.seller.liquidity == taker {
        row.text("taker_side", "S");
    }
    put_side(&mut row, turn.engine, &BUYER, &trade.buyer);
    put_side(&mut row, turn.engine, &SELLER, &trade.seller);
    row.cells
}

/// The columns of a side.
type SideColumns = [&'static str; 7];

const BUYER: SideColumns = [
    "buyer",
    "buyer_user_ref_idx",
    "buyer_user_ref_num",
    "buyer_order_ref",
    "buyer_client_order_id",
    "buyer_leaves",
    "buyer_liquidity",
];
const SELLER: SideColumns = [
    "seller",
    "seller_user_ref_idx",
    "seller_user_ref_num",
    "seller_order_ref",
    "seller_client_order_id",
    "seller_leaves",
    "seller_liquidity",
];

fn put_side(row: &mut Row<'_, 22>, names: &Engine, columns: &SideColumns, side: &TradeSide) {
    let [login, user_ref_idx, user_ref_num, order_ref, label, leaves, liquidity] = *columns;
    row.text(login, login_name(names, side.name.login));
    row.number(user_ref_idx, side.name.user_ref_idx);
    row.number(user_ref_num, side.name.user_ref_num);
    row.number(order_ref, side.order.order_ref);
    row.text(label, side.order.client_order_id.as_str().to_owned());
    row.number(leaves, side.order.leaves);
    row.letter(liquidity, side.liquidity as u8);
}

fn price_decimals(engine: &Engine, symbol: Symbol) -> Option<u64> {
    // Instruments that were removed may have had the symbol before: the latest has it now.
    let found = engine.instruments().iter().rev().find(|found| found.terms.symbol == symbol);
    debug_assert!(found.is_none_or(|found| engine.symbol(found.terms.instrument) == Some(symbol)));
    found.map(|found| found.terms.price_decimals.into())
}
