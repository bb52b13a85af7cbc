//! The real opening of E-mini S&P 500 futures through the engine: 35 orders, 44 contracts, one price.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ringside_domain::{
    Action, AuctionKind, Command, Event, Fact, Firm, InstrumentId, InstrumentTerms, LoginId, LoginTerms,
    MarketFact, MarketState, Reason, SetState, Symbol, Username,
};
use ringside_engine::{Engine, Limits};
use ringside_sim::flow::{FlowCommands, FlowItem, FlowReader};

const LOGIN: LoginId = LoginId(1);
const ES: InstrumentId = InstrumentId(1);

/// A file of the shared test data, or the reason to skip.
fn data(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let file = std::env::var_os("RINGSIDE_DATA").map_or(beside, PathBuf::from).join(name);
    if !file.exists() {
        println!("skipped: no {} (set RINGSIDE_DATA to the folder of the test data)", file.display());
        return None;
    }
    Some(file)
}

fn venue(action: Action) -> Command {
    Command { login: LoginId::VENUE, action }
}

/// An engine in pre-open.
fn engine() -> Engine {
    let mut engine = Engine::new(Limits { orders_max: 1 << 16 });
    let terms = InstrumentTerms::plain(ES, Symbol::new("ESH4").unwrap(), 2_500, 1);
    let login = LoginTerms::plain(LOGIN, Username::new("FLOW").unwrap(), Firm::new("FLOW").unwrap());
    let pre_open = SetState {
        instrument: ES,
        state: MarketState::PreOpen,
        auction: AuctionKind::Opening,
        call_ns: 0,
        random_ns: 0,
        reason: Reason::BLANK,
    };
    for action in [Action::AddInstrument(terms), Action::AddLogin(login), Action::SetState(pre_open)] {
        engine.apply(0, &venue(action), &mut |_: Event| {});
    }
    engine
}

/// `order_id,side,price,quantity`
fn real_shares(file: &Path) -> BTreeMap<String, u32> {
    let file = flate2::read::MultiGzDecoder::new(std::fs::File::open(file).unwrap());
    let text = std::io::read_to_string(file).unwrap();
    let share = |line: &str| {
        let columns: Vec<_> = line.split(',').collect();
        (columns[0].to_owned(), columns[3].parse().unwrap())
    };
    text.lines().skip(1).map(share).collect()
}

#[test]
fn the_opening_of_es_is_that_of_the_exchange() {
    let Some(flow) = data("es_20231225_open.flow.csv.gz") else { return };
    let Some(real) = data("es_20231225_open.fills.csv.gz") else { return };
    let (mut engine, mut commands, mut events) = (engine(), FlowCommands::new(LOGIN), Vec::new());
    for row in FlowReader::open(&flow).unwrap() {
        let row = row.unwrap();
        let command = match commands.item(&row).unwrap() {
            FlowItem::Command(command) => command,
            FlowItem::Uncross(_) => venue(Action::Uncross(ES)),
        };
        let time_ns = row.time_ns.max(engine.venue_state().time_ns);
        engine.apply(time_ns, &command, &mut |event| events.push(event));
    }
    engine.assert_consistent();
    let mut shares: BTreeMap<String, u32> = BTreeMap::new();
    let mut crossed = None;
    for event in &events {
        match event.fact {
            Fact::Executed { user_ref_num, quantity, price, .. } => {
                assert_eq!(price, 48_002_500);
                *shares.entry(commands.order_id(user_ref_num).unwrap().to_owned()).or_default() += quantity;
            }
            Fact::Market { fact: MarketFact::Crossed { auction, price, quantity }, .. } => {
                crossed = Some((auction, price, quantity));
            }
            _ => {}
        }
    }
    assert_eq!(crossed, Some((AuctionKind::Opening, 48_002_500, 44)));
    assert_eq!((shares.len(), &shares), (35, &real_shares(&real)));
}
