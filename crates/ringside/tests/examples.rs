//! The examples of the client, run against the real venue.

mod support;

#[path = "../../client/examples/first_order.rs"]
mod first_order;
#[path = "../../client/examples/poll_loop.rs"]
mod poll_loop;
#[path = "../../client/examples/survivor.rs"]
mod survivor;

use support::*;

fn arguments(venue: &Running, more: &[&str]) -> Vec<String> {
    let address = venue.order_entry().to_string();
    let common = [address.as_str(), "ALICE", "pw-alice"];
    common.iter().chain(more).map(|argument| (*argument).to_owned()).collect()
}

#[test]
fn the_first_order_is_answered() {
    let site = Site::new(CONFIG);
    let venue = site.start();
    assert_eq!(first_order::run(&arguments(&venue, &[])).expect("it runs"), 1);
    assert_eq!(venue.status()["orders_live"], 1);
}

#[test]
fn the_survivor_knows_what_became_of_its_orders() {
    let site = Site::new(CONFIG);
    let venue = site.start();
    for _ in 0..2 {
        let said = survivor::run(&arguments(&venue, &["500"])).expect("it runs");
        assert_eq!(said, "500 sent, 500 accepted, 0 never received, 0 reconnects");
    }
    assert_eq!(venue.status()["orders_live"], 1_000);
}

#[test]
fn the_poll_loop_gets_its_answer() {
    let site = Site::new(CONFIG);
    let venue = site.start();
    venue.login("ALICE").trade(&enter(7, b'B', 1, "ESH4"), "A");
    let said = poll_loop::run(&arguments(&venue, &[])).expect("it runs");
    assert!(said.contains("next_user_ref_num: 8"), "{said}");
}
