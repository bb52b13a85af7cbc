//! Orders that rest where the past of a pruned journal begins.

mod common;

use std::path::Path;

use common::*;
use ringside_domain::Sequence;
use ringside_domain::state::OrderState;
use ringside_replay::{Export, Format, Life, Past, Step, TABLES, Wanted, login_name};

const BARRIER: Sequence = 1_200;

/// A whole journal, and the same one without its beginning.
fn both() -> [tempfile::TempDir; 2] {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for dir in &dirs {
        write_with_barriers(dir.path(), 7, 3_000, &[BARRIER]);
    }
    snapshot(dirs[1].path(), BARRIER);
    prune_before(dirs[1].path(), BARRIER);
    dirs
}

/// Rows of the table of trades behind the barrier, without the labels.
fn trades(data_dir: &Path) -> Vec<Vec<String>> {
    let out = tempfile::tempdir().unwrap();
    let mut export = Export::new(Past::open(data_dir).unwrap(), BARRIER + 1);
    let table = TABLES.iter().find(|table| table.name == "trades").unwrap();
    let path = export.add_file(table, Format::Csv, out.path()).unwrap();
    export.run_to(Sequence::MAX).unwrap();
    export.finish().unwrap();
    let is_known = |(at, _): &(usize, &str)| !table.columns[*at].name.ends_with("client_order_id");
    let mut rows = csv::Reader::from_path(path).unwrap();
    let rows = rows.records().map(Result::unwrap);
    rows.map(|row| row.iter().enumerate().filter(is_known).map(|(_, cell)| cell.to_owned()).collect())
        .collect()
}

#[test]
fn their_trades_are_exported() {
    let [whole, pruned] = both();
    let expected = trades(whole.path());
    assert!(expected.len() > 50, "{}", expected.len());
    assert_eq!(trades(pruned.path()), expected);
}

/// Steps behind the barrier.
fn life(data_dir: &Path, login: &str, order: &OrderState) -> Option<Vec<Step>> {
    let wanted = Wanted { login, user_ref_idx: order.user_ref_idx, user_ref_num: order.user_ref_num };
    let mut life = Life::find(data_dir, &wanted).unwrap()?;
    let mut steps = Vec::new();
    life.run_to(Sequence::MAX, |step| steps.push(step)).unwrap();
    assert_eq!(steps.last().map_or(order.open, |step| step.leaves), life.whole().leaves);
    steps.retain(|step| step.sequence > BARRIER);
    Some(steps)
}

#[test]
fn their_lives_are_told_from_there_on() {
    let [whole, pruned] = both();
    let past = Past::open(pruned.path()).unwrap();
    let engine = past.engine();
    let lists = engine.instruments().iter().map(|found| engine.order_states(found.terms.instrument));
    let orders: Vec<OrderState> = lists.flatten().flatten().collect();
    let mut told = 0;
    for order in orders.iter().step_by(3) {
        let login = login_name(engine, order.login);
        let steps = life(pruned.path(), &login, order).unwrap();
        assert_eq!(Some(&steps), life(whole.path(), &login, order).as_ref(), "{login}: {order:?}");
        told += steps.len();
    }
    assert!(told > 5, "{told} of {}", orders.len());
}
