//! A real hour of CME order flow through TCP into a running venue: every fill equals the reference venue's.

mod support;

use std::io::Read;
use std::path::{Path, PathBuf};

use ringside_domain::{Action, Command, InstrumentId, InstrumentTerms, LoginId, LoginTerms, Text};
use ringside_sim::flow::{FlowCommands, FlowReader, NamedFill, agreement, fills_digest, parse_fills};
use ringside_sim::reference::Reference;
use serde_json::Value;
use support::Site;

const FLOW_SITE: &str = r#"
[order_entry]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[journal]
sync = "always"
[[instrument]]
symbol = "ESH4"
tick_size = "0.25"
[[login]]
username = "FLOW"
password = "pw-flow"
firm = "FLOW"
"#;

/// A file of the test data, or the reason to skip.
fn data(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let file = std::env::var_os("RINGSIDE_DATA").map_or(beside, PathBuf::from).join(name);
    if !file.exists() {
        eprintln!("skipped: no {} (set RINGSIDE_DATA to the folder of the test data)", file.display());
        return None;
    }
    Some(file)
}

/// The same flow through the naive reference venue.
fn reference_fills(flow: &Path) -> Vec<NamedFill> {
    let text = |name: &str| Text::new(name).expect("short");
    let instrument = InstrumentTerms {
        instrument: InstrumentId(1),
        symbol: Text::new("ESH4").expect("short"),
        tick: 2_500,
        lot: 1,
        price_decimals: 4,
        quantity_decimals: 0,
        ..InstrumentTerms::plain(InstrumentId(0), ringside_domain::Symbol::BLANK, 1, 1)
    };
    let login = LoginId(1);
    let username = Text::new("FLOW").expect("short");
    let terms = LoginTerms {
        login,
        username,
        firm: text("FLOW"),
        cancel_on_disconnect: false,
        ..LoginTerms::plain(LoginId(0), ringside_domain::Username::BLANK, ringside_domain::Firm::BLANK)
    };
    let mut reference = Reference::new(1 << 20);
    for action in [Action::AddInstrument(instrument), Action::AddLogin(terms)] {
        reference.apply(0, &Command { login: LoginId::VENUE, action });
    }
    let mut commands = FlowCommands::new(login);
    for row in FlowReader::open(flow).expect("a flow file") {
        let row = row.expect("a row");
        reference.apply(row.time_ns, &commands.command(&row).expect("a command"));
    }
    let id = |user_ref_num| commands.order_id(user_ref_num).expect("an order of the flow").to_owned();
    let fills = reference.fills().iter();
    fills.map(|fill| (id(fill.taker.1), id(fill.maker.1), fill.price, fill.quantity)).collect()
}

fn gunzip(file: &Path) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(file).expect("a file");
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).expect("gzip");
    text
}

#[test]
fn a_real_hour_of_es_trades_as_in_the_reference_venue_and_survives_a_restart() {
    let Some(flow) = data("es_20231225.flow.csv.gz") else { return };
    let site = Site::new(FLOW_SITE);
    let venue = site.start();
    let (to, fills_file) = (venue.order_entry().to_string(), site.path().join("fills.csv"));
    let (flow_name, fills_name) = (flow.to_str().expect("ASCII"), fills_file.to_str().expect("ASCII"));
    let credentials = ["--username", "FLOW", "--password", "pw-flow"];
    let sent =
        site.run(&[&["send", "--to", &to, "--fills", fills_name], &credentials[..], &[flow_name]].concat());
    assert_eq!(sent.code, Some(0), "send: {}", sent.stderr);
    let summary: Value =
        serde_json::from_str(sent.stdout.trim().lines().last().expect("a summary")).expect("JSON");

    let fills = parse_fills(&std::fs::read_to_string(&fills_file).expect("fills")).expect("fills");
    let expected = reference_fills(&flow);
    let differs = fills.iter().zip(&expected).position(|(ours, theirs)| ours != theirs);
    assert_eq!((fills.len(), differs), (expected.len(), None), "every fill equals the reference's");
    let digest = fills_digest(expected.iter().map(|(t, m, p, q)| (t.as_str(), m.as_str(), *p, *q)));
    assert_eq!(summary["fills_digest"], digest.as_str());
    compare_with_the_exchange(&fills, &digest);

    venue.kill();
    let verified = site.verify();
    assert_eq!((&verified["trades"], verified["volume"].as_u64()), (&summary["fills"], Some(9_655)));
    let again = site.start();
    assert_eq!(again.terminate(), Some(0));
}

/// What an independent book found, and what share equals the exchange's own fills.
fn compare_with_the_exchange(fills: &[NamedFill], digest: &str) {
    if let Some(file) = data("es_20231225.reference.json") {
        let text = std::fs::read_to_string(file).expect("a file");
        let reference: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(reference["digest"], digest);
    }
    if let Some(file) = data("es_20231225.fills.csv.gz") {
        let found = agreement(fills, &parse_fills(&gunzip(&file)).expect("fills"));
        println!(
            "{:.2} % of {} aggressive orders have exactly the real fills",
            found.share(),
            found.aggressive
        );
        assert_eq!((found.aggressive, found.identical), (2_933, 2_867));
    }
}
