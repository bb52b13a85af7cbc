//! The tables and their columns. Names and meanings stay; new columns come at the end.

use super::Kind::{Number, Text};
use super::{Column, Kind, Table};

const fn column(name: &'static str, kind: Kind, about: &'static str) -> Column {
    Column { name, kind, about }
}

/// One row for each command.
pub static COMMANDS: Table = Table {
    name: "commands",
    columns: &[
        column("sequence", Number, "place in the journal"),
        column("time_ns", Number, "journaled time, Unix ns"),
        column("segment", Number, "number of the segment that holds the record"),
        column("offset", Number, "offset of the record in the segment file"),
        column("type", Text, "kind of command"),
        column("login", Text, "who asked; empty for the venue"),
        column("user_ref_idx", Number, "channel of the order or request"),
        column("user_ref_num", Number, "the client's number of the order or request"),
        column("original", Number, "replace: the order to be replaced"),
        column(
            "symbol",
            Text,
            "enter, mass cancel: symbol as sent; venue's commands: that of the instrument",
        ),
        column("side", Text, "letter as sent"),
        column("quantity", Number, "shares as sent"),
        column("price", Number, "wire price as sent"),
        column("time_in_force", Text, "letter as sent"),
        column("client_order_id", Text, "the client's label"),
        column("detail", Text, "the whole command as JSON, as in `print`"),
    ],
};

/// One row for each event.
pub static EVENTS: Table = Table {
    name: "events",
    columns: &[
        column("sequence", Number, "the command that caused it"),
        column("time_ns", Number, "journaled time, Unix ns"),
        column("event", Number, "its number among the events of the command, from 0"),
        column("type", Text, "kind of event"),
        column("login", Text, "whose stream; empty: for the public or the operator"),
        column("user_ref_idx", Number, "channel of the order or request"),
        column("user_ref_num", Number, "the client's number of the order or request"),
        column("original", Number, "replaced: the order whose place it took"),
        column("order_ref", Number, "the venue's number of the order; on public events the public one"),
        column("symbol", Text, "of the order or instrument"),
        column("side", Text, "of the order"),
        column("quantity", Number, "shares of this event"),
        column("price", Number, "wire price"),
        column("leaves", Number, "shares open right after it"),
        column("match_number", Number, "of the trade"),
        column("liquidity", Text, "letter: A resting, R incoming, O C H auctions"),
        column("reason", Text, "canceled, broken: letter; rejected, refused: number"),
        column("client_order_id", Text, "the client's label, where the event says it"),
        column("detail", Text, "the whole event as JSON, as in `print`"),
    ],
};

/// One row for each match.
pub static TRADES: Table = Table {
    name: "trades",
    columns: &[
        column("sequence", Number, "the command that caused it"),
        column("time_ns", Number, "journaled time, Unix ns"),
        column("match_number", Number, "number of the match"),
        column("symbol", Text, "symbol"),
        column("price", Number, "wire price: value × 10^price_decimals"),
        column("price_decimals", Number, "decimals of the wire price"),
        column("quantity", Number, "shares"),
        column("taker_side", Text, "B or S: the side that came in; empty in an auction"),
        column("buyer", Text, "login"),
        column("buyer_user_ref_idx", Number, "channel"),
        column("buyer_user_ref_num", Number, "the buyer's number of the order"),
        column("buyer_order_ref", Number, "the venue's number of the order"),
        column("buyer_client_order_id", Text, "the buyer's label"),
        column("buyer_leaves", Number, "shares open right after it"),
        column("buyer_liquidity", Text, "letter"),
        column("seller", Text, "login"),
        column("seller_user_ref_idx", Number, "channel"),
        column("seller_user_ref_num", Number, "the seller's number of the order"),
        column("seller_order_ref", Number, "the venue's number of the order"),
        column("seller_client_order_id", Text, "the seller's label"),
        column("seller_leaves", Number, "shares open right after it"),
        column("seller_liquidity", Text, "letter"),
    ],
};

/// All tables.
pub static TABLES: [&Table; 3] = [&COMMANDS, &EVENTS, &TRADES];

#[cfg(test)]
mod tests {
    use super::*;

    /// The columns are a promise: the document lists exactly those of the code.
    #[test]
    fn the_document_lists_the_columns_of_the_code() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/replay.md");
        let document = std::fs::read_to_string(path).unwrap();
        for table in TABLES {
            let heading = format!("### Table `{}`", table.name);
            let rows = document
                .lines()
                .skip_while(|line| *line != heading)
                .skip_while(|line| !line.starts_with('|'));
            let listed: Vec<&str> = rows.skip(2).take_while(|line| line.starts_with('|')).collect();
            let row = |column: &Column| {
                let kind = format!("{:?}", column.kind).to_lowercase();
                format!("| `{}` | {kind} | {} |", column.name, column.about)
            };
            assert_eq!(listed, table.columns.iter().map(row).collect::<Vec<_>>(), "{}", table.name);
        }
    }
}
