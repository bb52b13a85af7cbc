//! The engine against the naive reference venue: same commands, same events, same state.
use ringside_domain::Event;
use ringside_engine::{Engine, Limits};
use ringside_sim::random::{RandomFlow, RandomShape};

#[test]
fn quick() {
    let shape = std::env::var("SHAPE").unwrap_or("everything".into());
    let shape = match shape.as_str() {
        "plain" => RandomShape::plain(),
        "auctions" => RandomShape::auctions(),
        "stops" => RandomShape::stops_and_pegs(),
        "balances" => RandomShape::balances(),
        "prorata" => RandomShape::prorata(),
        "risk" => RandomShape::risk(),
        _ => RandomShape::everything(),
    };
    let from: u64 = std::env::var("FROM").ok().and_then(|t| t.parse().ok()).unwrap_or(1);
    let seeds: u64 = std::env::var("SEEDS").ok().and_then(|t| t.parse().ok()).unwrap_or(5);
    let n: usize = std::env::var("N").ok().and_then(|t| t.parse().ok()).unwrap_or(3000);
    for seed in from..from + seeds {
        let mut flow = RandomFlow::new(seed, shape);
        let mut engine = Engine::new(Limits { orders_max: shape.orders_max as u32 });
        let mut log = std::collections::VecDeque::new();
        for k in 1..=n {
            let (time, command, expected) = flow.next().unwrap();
            let mut events: Vec<Event> = Vec::new();
            engine.apply(time, &command, &mut |e| events.push(e));
            log.push_back(format!("{k} t={time} {command:?}\n     -> {expected:?}"));
            if log.len() > 6 {
                log.pop_front();
            }
            let r = flow.reference();
            let ok = events == expected && (k % 20 != 0 || engine.state_hash() == r.state_hash());
            if !ok {
                for l in &log {
                    println!("{l}");
                }
                println!("seed {seed} command {k} FOUND {events:?}");
                let at = events.iter().zip(&expected).position(|(a, b)| a != b);
                println!(
                    "first difference {at:?}: found {:?}\n expected {:?}",
                    at.map(|a| events[a]),
                    at.map(|a| expected[a])
                );
                for s in r.instrument_states() {
                    let id = s.terms.instrument;
                    if engine.instrument_state(id) != s {
                        println!("INSTR\n{:?}\n expected\n{:?}", engine.instrument_state(id), s);
                    }
                    let (a, b) = (engine.order_states(id), r.order_states(id));
                    for q in 0..5 {
                        if a[q] != b[q] {
                            println!("ORDERS {q} len {} expected {}", a[q].len(), b[q].len());
                            for (x, y) in a[q].iter().zip(&b[q]) {
                                if x != y {
                                    println!("{x:?}\n expected\n{y:?}");
                                    break;
                                }
                            }
                        }
                    }
                }
                if engine.venue_state() != r.venue_state() {
                    println!("VENUE {:?} {:?}", engine.venue_state(), r.venue_state());
                }
                for (a, b) in engine.login_states().iter().zip(&r.login_states()) {
                    if a != b {
                        println!("LOGIN {a:?} {b:?}");
                    }
                }
                let (a, b): (Vec<_>, Vec<_>) =
                    (engine.limits_states().collect(), r.limits_states().into_iter().collect());
                if a != b {
                    println!("LIMITS {a:?}\n{b:?}");
                }
                let (a, b): (Vec<_>, Vec<_>) =
                    (engine.exposure_states().collect(), r.exposure_states().into_iter().collect());
                if a != b {
                    println!("EXPO {a:?}\n{b:?}");
                }
                let (a, b): (Vec<_>, Vec<_>) =
                    (engine.balance_states().collect(), r.balance_states().into_iter().collect());
                if a != b {
                    println!("BAL {a:?}\n{b:?}");
                }
                panic!("seed {seed} command {k}");
            }
            engine.assert_consistent();
        }
    }
}
