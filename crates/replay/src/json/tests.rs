use std::collections::BTreeSet;

use ringside_domain::{
    Account, Action, AuctionKind, Bust, BustSide, CancelOrders, ClientOrderId, Command, Enter, Event, Fact,
    InstrumentTerms, Kill, Liquidity, LoginTerms, MarketFact, MarketState, OrderOptions, Restrict,
    RiskLimits, Rules, SelfTradePrevention, SetLimits, SetState, StateHash, Symbol, TickRange, Transfer,
    VenueRefusal,
};
use ringside_engine::Limits;

use super::*;

/// A venue with instrument 1, ESH4, and login 1, ALICE.
pub(super) fn venue() -> Engine {
    let mut engine = Engine::new(Limits::default());
    let terms = InstrumentTerms::plain(InstrumentId(1), Text(*b"ESH4    "), 2500, 1);
    let alice = LoginTerms::plain(LoginId(1), Text(*b"ALICE "), Text(*b"ALCE"));
    for action in [Action::AddInstrument(terms), Action::AddLogin(alice)] {
        engine.apply(1, &Command { login: LoginId::VENUE, action }, &mut |_: Event| ());
    }
    engine
}

fn command(action: Action) -> Value {
    command_json(&venue(), &Command { login: LoginId::VENUE, action })
}

fn event(fact: Fact) -> Value {
    event_json(&venue(), &Event { login: LoginId(1), user_ref_idx: 0, fact })
}

fn market(fact: MarketFact) -> Value {
    let fact = Fact::Market { instrument: InstrumentId(1), fact };
    event_json(&venue(), &Event { login: LoginId::VENUE, user_ref_idx: 0, fact })
}

fn enter(options: OrderOptions) -> Action {
    Action::Enter(Enter {
        user_ref_num: 1,
        quantity: 2,
        price: 3,
        symbol: Symbol::BLANK,
        client_order_id: ClientOrderId::BLANK,
        side: b'B',
        time_in_force: b'0',
        display: b'Y',
        capacity: b'A',
        intermarket_sweep: b'N',
        cross_type: b'N',
        options,
    })
}

#[test]
fn an_order_names_the_options_that_were_given_and_no_others() {
    let plain = command(enter(OrderOptions::default()));
    let options = OrderOptions {
        max_floor: 10,
        price_type: b'R',
        peg_offset: -5,
        expire_at: 0,
        trigger_price: 7,
        execution: b'F',
        ..OrderOptions::default()
    };
    let mut rich = command(enter(options));
    let expected = [
        ("max_floor", json!(10)),
        ("price_type", json!("R")),
        ("peg_offset", json!(-5)),
        ("expire_at", json!(0)),
        ("trigger_price", json!(7)),
        ("execution", json!("F")),
    ];
    for (name, value) in expected {
        assert_eq!(rich.as_object_mut().unwrap().remove(name), Some(value), "{name}");
    }
    assert_eq!(rich, plain);
}

#[test]
fn terms_name_what_is_set() {
    let plain = InstrumentTerms::plain(InstrumentId(1), Text(*b"ESH4    "), 2500, 1);
    assert_eq!(
        command(Action::AddInstrument(plain)),
        json!({"type": "add_instrument", "instrument": 1, "symbol": "ESH4", "tick": 2500, "lot": 1,
            "price_decimals": 4, "quantity_decimals": 0, "allocation": "F"})
    );
    let mut ranges = plain.tick_ranges;
    ranges[0] = TickRange { from: 10, tick: 5000 };
    let rich = InstrumentTerms {
        tick_ranges: ranges,
        collar_low: 3,
        base: Text(*b"BTC "),
        maker_fee_ppm: 9,
        ..plain
    };
    let rich = command(Action::ChangeInstrument(rich));
    assert_eq!(rich["tick_ranges"], json!([{"from": 10, "tick": 5000}]));
    assert_eq!(
        (&rich["collar_low"], &rich["base"], &rich["maker_fee_ppm"]),
        (&json!(3), &json!("BTC"), &json!(9))
    );
    let alice = LoginTerms {
        account: Text(*b"ACCOUNT1"),
        self_trade_prevention: SelfTradePrevention::Decrement,
        ..LoginTerms::plain(LoginId(1), Text(*b"ALICE "), Text(*b"ALCE"))
    };
    let alice = command(Action::ChangeLogin(alice));
    assert_eq!((&alice["account"], &alice["self_trade_prevention"]), (&json!("ACCOUNT1"), &json!("D")));
}

#[test]
fn what_the_operator_asks_names_whom_and_where() {
    let set = SetState {
        instrument: InstrumentId(1),
        state: MarketState::Auction,
        auction: AuctionKind::Closing,
        call_ns: 5,
        random_ns: 6,
        reason: Text(*b"OPER"),
    };
    assert_eq!(
        command(Action::SetState(set)),
        json!({"type": "set_state", "instrument": 1, "symbol": "ESH4", "state": "A", "auction": "C", "call_ns": 5,
            "random_ns": 6, "reason": "OPER"})
    );
    assert_eq!(
        command(Action::Kill(Kill { scope: Scope::Instrument(InstrumentId(1)), killed: true })),
        json!({"type": "kill", "scope": {"instrument": 1, "symbol": "ESH4"}, "killed": true})
    );
    let scope = Scope::Login(LoginId(1));
    assert_eq!(
        command(Action::Restrict(Restrict { scope, instrument: InstrumentId(9), restricted: true })),
        json!({"type": "restrict", "scope": {"login": "ALICE"}, "instrument": 9, "restricted": true}),
        "there is no instrument 9"
    );
    let scope = Scope::Account(Account::new("ACCOUNT1").unwrap());
    assert_eq!(
        command(Action::CancelOrders(CancelOrders { scope, instrument: InstrumentId(0), side: b'S' })),
        json!({"type": "cancel_orders", "scope": {"account": "ACCOUNT1"}, "side": "S"}),
        "instrument 0 is all"
    );
    let transfer = Transfer { account: Text(*b"ACCOUNT1"), asset: Text(*b"EUR "), amount: 7 };
    assert_eq!(
        command(Action::Withdraw(transfer)),
        json!({"type": "withdraw", "account": "ACCOUNT1", "asset": "EUR", "amount": 7})
    );
    assert_eq!(
        event(Fact::Refused(VenueRefusal::Match)),
        json!({"type": "refused", "reason": 6, "reason_name": "Match", "login": "ALICE"})
    );
}

#[test]
fn a_broken_trade_is_told_with_both_sides() {
    let side = |user_ref_num| BustSide {
        login: LoginId(1),
        user_ref_num,
        user_ref_idx: 2,
        client_order_id: Text(*b"client order 1"),
        fee: 4,
    };
    let (instrument, buyer, seller) = (InstrumentId(1), side(8), side(9));
    let bust = Bust { match_number: 3, instrument, price: 5, quantity: 6, reason: b'E', buyer, seller };
    let told = |user_ref_num: u32| {
        json!({"login": "ALICE", "user_ref_num": user_ref_num, "user_ref_idx": 2,
            "client_order_id": "client order 1", "fee": 4})
    };
    assert_eq!(
        command(Action::Bust(bust)),
        json!({"type": "bust", "match_number": 3, "instrument": 1, "symbol": "ESH4", "price": 5, "quantity": 6,
            "reason": "E", "buyer": told(8), "seller": told(9)})
    );
}

#[test]
fn every_command_of_the_operator_has_a_name_of_its_own() {
    let (scope, instrument) = (Scope::Login(LoginId(1)), InstrumentId(1));
    let transfer = Transfer { account: Account::BLANK, asset: Text(*b"EUR "), amount: 7 };
    let actions = [
        Action::Tick,
        Action::SetSeed(u64::MAX),
        Action::SetKey([1, 2]),
        Action::Uncross(instrument),
        Action::EndOfDay,
        Action::RollSession,
        Action::Snapshot,
        Action::SetRules(Rules::NEWEST),
        Action::StateHash(StateHash { sequence: 7, hash: 8 }),
        Action::SetLimits(SetLimits {
            scope,
            limits: RiskLimits { notional_max: 5, ..RiskLimits::default() },
        }),
        Action::Deposit(transfer),
        Action::Withdraw(transfer),
    ];
    let names: Vec<_> = actions.map(|action| command(action)["type"].as_str().unwrap().to_owned()).into();
    assert_eq!(
        names,
        [
            "tick",
            "set_seed",
            "set_key",
            "uncross",
            "end_of_day",
            "roll_session",
            "snapshot",
            "set_rules",
            "state_hash",
            "set_limits",
            "deposit",
            "withdraw"
        ]
    );
    assert_eq!(command(actions[1])["seed"], json!(u64::MAX));
    assert_eq!(command(actions[7])["rules"], Rules::NEWEST.version());
    assert_eq!(command(actions[9])["limits"]["notional_max"], 5);
}

#[test]
fn every_fact_about_an_order_has_its_name() {
    let (user_ref_num, price, quantity) = (1, 2, 3);
    let prevented = Fact::Prevented {
        user_ref_num,
        quantity,
        prevented: 4,
        price,
        liquidity: Liquidity::Added,
        mode: SelfTradePrevention::CancelOldest,
    };
    assert_eq!(
        event(prevented),
        json!({"type": "prevented", "user_ref_num": 1, "quantity": 3, "prevented": 4, "price": 2, "liquidity": "A",
            "mode": "O", "login": "ALICE"})
    );
    assert_eq!(
        event(Fact::Refreshed { user_ref_num, displayed: 5, public_ref: 6 }),
        json!({"type": "refreshed", "user_ref_num": 1, "displayed": 5, "public_ref": 6, "login": "ALICE"})
    );
    assert_eq!(
        event(Fact::Repriced { user_ref_num, price }),
        json!({"type": "repriced", "user_ref_num": 1, "price": 2, "login": "ALICE"})
    );
    assert_eq!(
        event(Fact::Triggered { user_ref_num, price, display: b'N', order_ref: 7 }),
        json!({"type": "triggered", "user_ref_num": 1, "price": 2, "display": "N", "order_ref": 7,
            "login": "ALICE"})
    );
    let client_order_id = Text(*b"client order 1");
    assert_eq!(
        event(Fact::Broken { user_ref_num, match_number: 8, reason: b'C', client_order_id }),
        json!({"type": "broken", "user_ref_num": 1, "match_number": 8, "reason": "C",
            "client_order_id": "client order 1", "login": "ALICE"})
    );
}

#[test]
fn what_the_public_is_told_names_the_instrument_and_no_login() {
    let (public_ref, quantity, price, match_number, buy) = (1, 2, 3, 4, true);
    let auction = AuctionKind::Opening;
    let facts = [
        MarketFact::Added { public_ref, buy, quantity, price },
        MarketFact::Executed { public_ref, quantity, price, match_number },
        MarketFact::Reduced { public_ref, quantity },
        MarketFact::Deleted { public_ref },
        MarketFact::Replaced { old: 1, new: 2, quantity, price },
        MarketFact::Traded { match_number, quantity, price, buy: false },
        MarketFact::Crossed { auction, price, quantity: 9 },
        MarketFact::Indicative { price, quantity: 9, surplus: 0, surplus_buy: true },
        MarketFact::State { state: MarketState::Halted, auction, reason: Text(*b"OPER") },
        MarketFact::Broken { match_number },
    ];
    let told = facts.map(market);
    for value in &told {
        assert!(value["type"].as_str().unwrap().starts_with("market_"), "{value}");
        assert_eq!((&value["instrument"], &value["symbol"]), (&json!(1), &json!("ESH4")));
        assert_eq!(value.get("login"), None);
    }
    let names: BTreeSet<_> = told.iter().map(|value| value["type"].to_string()).collect();
    assert_eq!(names.len(), facts.len());
    assert_eq!((&told[0]["side"], &told[5]["side"]), (&json!("B"), &json!("S")));
    assert_eq!(told[7]["surplus_side"], Value::Null);
    assert_eq!((&told[8]["state"], &told[8]["auction"]), (&json!("H"), &json!("O")));
}

#[test]
fn the_state_lists_levels_best_first_with_their_orders() {
    let mut engine = venue();
    let order = |user_ref_num, side, price| {
        let Action::Enter(order) = enter(OrderOptions::default()) else { unreachable!("an Enter") };
        let order = Enter { user_ref_num, side, price, symbol: Text(*b"ESH4    "), ..order };
        Command { login: LoginId(1), action: Action::Enter(order) }
    };
    let orders = [order(1, b'B', 2500), order(2, b'B', 5000), order(3, b'B', 5000), order(4, b'S', 7500)];
    for command in orders {
        engine.apply(2, &command, &mut |_: Event| ());
    }
    let state = state_json(&engine, 6);
    assert_eq!((&state["sequence"], &state["time_ns"], &state["trades"]), (&json!(6), &json!(2), &json!(0)));
    assert_eq!(state["state_hash"], format!("{:016x}", engine.state_hash()));
    let book = &state["books"][0];
    assert_eq!(
        (&book["symbol"], &book["state"], &book["killed"]),
        (&json!("ESH4"), &json!("T"), &json!(false))
    );
    let levels = |side: &str| -> Vec<_> {
        let levels = book[side].as_array().unwrap().iter();
        levels.map(|level| (level["price"].clone(), level["quantity"].clone(), numbers(level))).collect()
    };
    assert_eq!(levels("bids"), [(json!(5000), json!(4), vec![2, 3]), (json!(2500), json!(2), vec![1])]);
    assert_eq!(levels("asks"), [(json!(7500), json!(2), vec![4])]);
    for empty in ["hidden_bids", "hidden_asks", "parked"] {
        assert_eq!(book[empty], json!([]), "{empty}");
    }
    for empty in ["limits", "exposures", "killed", "restrictions", "balances", "busted"] {
        assert_eq!(state[empty], json!([]), "{empty}");
    }
    let login = &state["logins"][0];
    assert_eq!((&login["username"], &login["live_orders"]), (&json!("ALICE"), &json!(4)));
    assert_eq!(login["last_user_ref_num"], json!([[0, 4]]));
}

/// UserRefNums of the orders of a level.
fn numbers(level: &Value) -> Vec<u64> {
    let orders = level["orders"].as_array().unwrap().iter();
    orders.map(|order| order["user_ref_num"].as_u64().unwrap()).collect()
}
