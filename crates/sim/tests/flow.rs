//! Order-flow files: what is read, what is refused, and a real hour of ES through the reference.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ringside_domain::{
    Action, AuctionKind, Command, Event, Fact, Firm, InstrumentId, InstrumentTerms, LoginId, LoginTerms,
    MarketFact, MarketState, Reason, SetState, Symbol, Username,
};
use ringside_sim::flow::{Agreement, NamedFill, agreement, parse_fills};
use ringside_sim::flow::{FlowAction, FlowCommands, FlowError, FlowItem, FlowReader, FlowRow, fills_digest};
use ringside_sim::reference::Reference;

const HEADER: &str = "time_ns,action,order_id,symbol,side,price,quantity,tif,new_order_id\n";
const LOGIN: LoginId = LoginId(1);

fn rows(lines: &str) -> Result<Vec<FlowRow>, FlowError> {
    FlowReader::from_reader(format!("{HEADER}{lines}").as_bytes())?.collect()
}

fn commands(lines: &str) -> Result<Vec<Command>, FlowError> {
    let mut commands = FlowCommands::new(LOGIN);
    rows(lines)?.iter().map(|row| commands.command(row)).collect()
}

#[test]
fn user_ref_nums_count_new_and_replace_from_one() {
    let lines =
        "1,new,a7,X,B,1.5,10,day,\n2,reduce,a7,X,B,,4,,\n3,replace,a7,X,B,2,9,ioc,b\n4,cancel,b,X,B,,,,\n";
    let commands = commands(lines).unwrap();
    let [Action::Enter(enter), Action::Cancel(reduce), Action::Replace(replace), Action::Cancel(cancel)] =
        [0, 1, 2, 3].map(|index: usize| commands[index].action)
    else {
        panic!("other actions: {commands:?}")
    };
    assert_eq!((enter.user_ref_num, enter.price, enter.side, enter.time_in_force), (1, 15_000, b'B', b'0'));
    assert_eq!((reduce.user_ref_num, reduce.quantity), (1, 4));
    assert_eq!((replace.original, replace.user_ref_num, replace.price), (1, 2, 20_000));
    assert_eq!((replace.quantity, replace.time_in_force), (9, b'3'));
    assert_eq!((cancel.user_ref_num, cancel.quantity), (2, 0));
}

#[test]
fn what_is_wrong_is_named_by_line_and_column() {
    let good = "1,new,a,X,B,1.5,10,day,\n";
    for (column, bad) in [
        ("action", "1,auction,a,X,B,1,1,day,"),
        ("time_ns", "x,new,a,X,B,1,1,day,"),
        ("order_id", "1,new,,X,B,1,1,day,"),
        ("symbol", "1,new,a,NINELONGX,B,1,1,day,"),
        ("side", "1,new,a,X,b,1,1,day,"),
        ("price", "1,new,a,X,B,1.00001,1,day,"),
        ("quantity", "1,new,a,X,B,1,-1,day,"),
        ("quantity", "1,reduce,a,X,B,1,,day,"),
        ("tif", "1,new,a,X,B,1,1,gtc,"),
        ("new_order_id", "1,replace,a,X,B,1,1,day,"),
    ] {
        let error = rows(&format!("{good}{bad}\n")).unwrap_err();
        let FlowError::Value { line, column: found, .. } = error else { panic!("{bad}: {error}") };
        assert_eq!((line, found), (3, column), "{bad}");
    }
}

#[test]
fn other_files_and_torn_rows_are_refused() {
    let header = FlowReader::from_reader("a,b\n".as_bytes()).err().unwrap();
    assert_eq!(header.to_string(), "line 1: not an order-flow file, the header is \"a,b\"");
    assert!(matches!(rows("1,cancel\n"), Err(FlowError::Columns { line: 2, found: 2 })));
    assert!(matches!(commands("1,cancel,a,,,,,,\n"), Err(FlowError::UnknownOrder { line: 2, .. })));
    assert!(matches!(FlowReader::open(Path::new("/nowhere.csv")), Err(FlowError::Open { .. })));
    let latin = [HEADER.as_bytes(), b"1,new,\xe9,X,B,1,1,day,\n"].concat();
    let mut reader = FlowReader::from_reader(latin.as_slice()).unwrap();
    assert!(matches!(reader.next(), Some(Err(FlowError::Read { line: 2, .. }))));
    assert!(reader.next().is_none(), "after an error the iteration is over");
}

#[test]
fn a_windows_file_is_read_like_any_other() {
    let text = format!("\u{feff}{}", HEADER.replace('\n', "\r\n")) + "1,cancel,a,,,,,,\r\n";
    let rows: Vec<_> = FlowReader::from_reader(text.as_bytes()).unwrap().map(Result::unwrap).collect();
    assert_eq!((rows[0].line, &rows[0].action), (2, &FlowAction::Cancel));
}

#[test]
fn an_uncross_row_names_a_symbol_and_is_the_operators() {
    let rows = rows("1,new,a,X,B,1,1,day,\n2,uncross,,X,,,,,\n").unwrap();
    let mut commands = FlowCommands::new(LOGIN);
    assert!(matches!(commands.item(&rows[0]), Ok(FlowItem::Command(_))));
    let symbol = Symbol::new("X").unwrap();
    assert_eq!(rows[1].action, FlowAction::Uncross { symbol });
    assert_eq!(commands.item(&rows[1]).unwrap(), FlowItem::Uncross(symbol));
    assert!(matches!(commands.command(&rows[1]), Err(FlowError::NeedsAdmin { line: 3 })));
}

/// A file of the shared test data, or the reason to skip.
fn data(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("RINGSIDE_DATA").map_or(beside, PathBuf::from);
    let file = folder.join(name);
    if !file.exists() {
        println!("skipped: no {} (set RINGSIDE_DATA to the folder of the test data)", file.display());
        return None;
    }
    Some(file)
}

fn venue() -> Reference {
    let mut reference = Reference::new(1 << 20);
    let instrument = InstrumentTerms {
        instrument: InstrumentId(1),
        symbol: Symbol::new("ESH4").unwrap(),
        tick: 2_500,
        lot: 1,
        price_decimals: 4,
        quantity_decimals: 0,
        ..InstrumentTerms::plain(InstrumentId(0), Symbol::BLANK, 1, 1)
    };
    let login = LoginTerms {
        login: LOGIN,
        username: Username::new("FLOW").unwrap(),
        firm: Firm::new("FLOW").unwrap(),
        cancel_on_disconnect: false,
        ..LoginTerms::plain(LoginId(0), Username::BLANK, Firm::BLANK)
    };
    for action in [Action::AddInstrument(instrument), Action::AddLogin(login)] {
        reference.apply(0, &Command { login: LoginId::VENUE, action });
    }
    reference
}

fn unzip(file: &Path) -> String {
    let file = std::fs::File::open(file).unwrap();
    std::io::read_to_string(flate2::read::MultiGzDecoder::new(file)).unwrap()
}

type Ids = NamedFill;

/// Runs a flow through the reference: commands sent, fills by order id.
fn run(file: &Path) -> (usize, Vec<Ids>) {
    let (mut reference, mut commands, mut sent) = (venue(), FlowCommands::new(LOGIN), 0);
    for row in FlowReader::open(file).unwrap() {
        let row = row.unwrap();
        reference.apply(row.time_ns, &commands.command(&row).unwrap());
        sent += 1;
    }
    let id = |user_ref_num| commands.order_id(user_ref_num).unwrap().to_owned();
    let fills = reference.fills().iter();
    (sent, fills.map(|fill| (id(fill.taker.1), id(fill.maker.1), fill.price, fill.quantity)).collect())
}

/// `taker_order_id,maker_order_id,price,quantity`
fn real_fills(file: &Path) -> Vec<Ids> {
    parse_fills(&unzip(file)).unwrap()
}

#[test]
fn a_real_hour_of_es_gives_the_fills_of_the_python_reference() {
    let Some(flow) = data("es_20231225.flow.csv.gz") else { return };
    let (sent, fills) = run(&flow);
    let volume: u64 = fills.iter().map(|fill| u64::from(fill.3)).sum();
    assert_eq!((sent, fills.len(), volume), (55_265, 6_230, 9_655));
    let digest = fills_digest(fills.iter().map(|(t, m, p, q)| (t.as_str(), m.as_str(), *p, *q)));
    assert_eq!(digest, "3e327283eb46e02ce9130ab32967cfe3a0ff810062d1be15cee346c33d8df9f7");
}

#[test]
fn a_real_hour_of_es_agrees_with_the_exchange() {
    let Some(flow) = data("es_20231225.flow.csv.gz") else { return };
    let Some(real) = data("es_20231225.fills.csv.gz") else { return };
    let found = agreement(&run(&flow).1, &real_fills(&real));
    let expected = Agreement { aggressive: 2_933, identical: 2_867, same_quantity: 2_906, only_here: 1 };
    assert_eq!(found, expected, "97.75 % of the aggressive orders");
}

/// Shares by order id.
type Shares = BTreeMap<String, u32>;

/// Everything up to the last line, which says `uncross`, in a venue that is not open yet; then the auction.
fn open_the_day(text: &str) -> (Reference, FlowCommands, Vec<Event>) {
    let (rows, last) = text.trim_end().rsplit_once('\n').unwrap();
    assert_eq!(last.split(',').nth(1), Some("uncross"));
    let (mut reference, mut commands) = (venue(), FlowCommands::new(LOGIN));
    let venue = |action| Command { login: LoginId::VENUE, action };
    reference.apply(0, &venue(Action::SetState(pre_open())));
    for row in FlowReader::from_reader(rows.as_bytes()).unwrap() {
        let row = row.unwrap();
        reference.apply(row.time_ns, &commands.command(&row).unwrap());
    }
    assert!(reference.fills().is_empty(), "nothing trades before the auction");
    let time_ns = reference.venue_state().time_ns;
    let events = reference.apply(time_ns, &venue(Action::Uncross(InstrumentId(1))));
    reference.check();
    (reference, commands, events)
}

fn pre_open() -> SetState {
    SetState {
        instrument: InstrumentId(1),
        state: MarketState::PreOpen,
        auction: AuctionKind::Opening,
        call_ns: 0,
        random_ns: 0,
        reason: Reason::BLANK,
    }
}

#[test]
fn the_opening_of_es_is_that_of_the_exchange() {
    let Some(flow) = data("es_20231225_open.flow.csv.gz") else { return };
    let Some(real) = data("es_20231225_open.fills.csv.gz") else { return };
    let (reference, commands, events) = open_the_day(&unzip(&flow));
    let crossed = events.iter().find_map(|event| match event.fact {
        Fact::Market { fact: MarketFact::Crossed { auction, price, quantity }, .. } => {
            Some((auction, price, quantity))
        }
        _ => None,
    });
    assert_eq!(crossed, Some((AuctionKind::Opening, 48_002_500, 44)));
    let mut shares = Shares::new();
    for fill in reference.fills() {
        for user_ref_num in [fill.taker.1, fill.maker.1] {
            *shares.entry(commands.order_id(user_ref_num).unwrap().to_owned()).or_default() += fill.quantity;
        }
    }
    let real: Shares = unzip(&real).lines().skip(1).map(real_share).collect();
    assert_eq!((shares.len(), &shares), (35, &real));
}

/// `order_id,side,price,quantity`
fn real_share(line: &str) -> (String, u32) {
    let columns: Vec<_> = line.split(',').collect();
    (columns[0].to_owned(), columns[3].parse().unwrap())
}
