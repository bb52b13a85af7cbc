//! Benchmark streams: translation by hand, against the reference, and against a real stream.

use std::path::PathBuf;

use ringside_domain::{Action, UserRefNum};
use ringside_sim::random::Prng;
use ringside_sim::reference::Reference;
use ringside_sim::stream::{
    Record, RecordKind, StreamError, StreamMeta, StreamReader, TradeDigest, Translator, mix, setup, symbol,
};

const BUY: RecordKind = RecordKind::New { buy: true, immediate: false };
const SELL: RecordKind = RecordKind::New { buy: false, immediate: false };

fn record(kind: RecordKind, order_id: u32, price: u64, quantity: u32, new_id: u32) -> Record {
    Record { kind, symbol: 0, order_id, price, quantity, new_id }
}

fn bytes(kind: u8, side: u8, order_id: u64, symbol: u32) -> Vec<u8> {
    let mut bytes = vec![kind, side, 1, 0];
    bytes.extend(symbol.to_le_bytes());
    bytes.extend(order_id.to_le_bytes());
    bytes.extend(1_500_000_u64.to_le_bytes());
    bytes.extend(700_u32.to_le_bytes());
    bytes.extend(9_u32.to_le_bytes());
    bytes
}

#[test]
fn records_are_read_as_the_format_says() {
    let records: Result<Vec<_>, _> = StreamReader::from_reader(bytes(1, 1, 8, 99).as_slice()).collect();
    let kind = RecordKind::New { buy: false, immediate: true };
    let expected = Record { kind, symbol: 99, order_id: 8, price: 1_500_000, quantity: 700, new_id: 9 };
    assert_eq!(records.unwrap(), [expected]);
    assert_eq!(symbol(99).as_str(), "S099");
}

#[test]
fn what_the_format_does_not_allow_is_refused() {
    let first = |bytes: Vec<u8>| StreamReader::from_reader(bytes.as_slice()).next().unwrap().unwrap_err();
    let refused =
        [("type", bytes(5, 0, 1, 0)), ("side", bytes(1, 2, 1, 0)), ("order_id", bytes(2, 0, 1 << 32, 0))];
    for (name, bytes) in refused.into_iter().chain([("symbol", bytes(1, 0, 1, 70_000))]) {
        assert!(
            matches!(first(bytes), StreamError::Value { record: 0, field, .. } if field == name),
            "{name}"
        );
    }
    let torn = bytes(1, 0, 1, 0)[..31].to_vec();
    assert!(matches!(first(torn), StreamError::Torn { record: 0, found: 31 }));
}

#[test]
fn totals_of_a_chain_count_what_is_executed() {
    let mut translator = Translator::new();
    translator.translate(&record(BUY, 1, 10, 100, 0));
    translator.translate(&record(SELL, 2, 10, 30, 0));
    let reduce = translator.translate(&record(RecordKind::Reduce, 1, 0, 20, 0));
    assert!(matches!(reduce.action, Action::Cancel(cancel) if cancel.quantity == 80), "30 executed, 50 open");
    let replace = translator.translate(&record(RecordKind::Replace, 1, 9, 60, 3));
    assert!(
        matches!(replace.action, Action::Replace(replace) if replace.quantity == 90),
        "30 executed, 60 open"
    );
    let dead = translator.translate(&record(RecordKind::Cancel, 1, 0, 0, 0));
    assert!(matches!(dead.action, Action::Cancel(cancel) if cancel.quantity == 0));
    let mut digest = TradeDigest::new();
    digest.add(1, 2, 10, 30);
    assert_eq!((translator.trades(), translator.volume(), translator.digest()), (1, 30, digest));
}

#[test]
fn the_digest_mixes_maker_taker_price_quantity() {
    let by_hand = [1, 2, 10, 30].into_iter().fold(0xcbf2_9ce4_8422_2325, mix);
    let mut digest = TradeDigest::new();
    digest.add(1, 2, 10, 30);
    assert_eq!(digest.value(), by_hand);
    assert_eq!(digest.to_string(), format!("{by_hand:016x}"));
}

/// A small stream of everything: live, dead and unknown targets, two instruments.
fn random_records(seed: u64, count: usize) -> Vec<Record> {
    let (mut prng, mut next_id) = (Prng::new(seed), 1_u32);
    let mut record = || {
        let target = 1 + prng.below(u64::from(next_id)) as u32;
        let kind = match prng.below(10) {
            0 => RecordKind::Cancel,
            1 => RecordKind::Reduce,
            2 => RecordKind::Replace,
            _ => RecordKind::New { buy: prng.chance(50), immediate: prng.chance(10) },
        };
        let (is_new, is_replace) = (matches!(kind, RecordKind::New { .. }), kind == RecordKind::Replace);
        let id = next_id;
        next_id += u32::from(is_new || is_replace);
        Record {
            kind,
            symbol: prng.below(2) as u32,
            order_id: if is_new { id } else { target },
            price: 100 + prng.below(20),
            quantity: 1 + prng.below(50) as u32,
            new_id: if is_replace { id } else { 0 },
        }
    };
    (0..count).map(|_| record()).collect()
}

/// Digest of the reference's fills.
fn digest(reference: &Reference) -> TradeDigest {
    let id = |(_, user_ref_num): (_, UserRefNum)| u64::from(user_ref_num);
    let mut digest = TradeDigest::new();
    reference
        .fills()
        .iter()
        .for_each(|fill| digest.add(id(fill.maker), id(fill.taker), fill.price, fill.quantity));
    digest
}

#[test]
fn the_translators_market_is_the_reference() {
    for seed in 0..10 {
        let (mut translator, mut reference) = (Translator::new(), Reference::new(1 << 20));
        setup(2).iter().for_each(|command| drop(reference.apply(0, command)));
        for (time_ns, record) in (1..).zip(random_records(seed, 5_000)) {
            reference.apply(time_ns, &translator.translate(&record));
            assert_eq!(translator.resting(), reference.orders().count(), "seed {seed}: {record:?}");
        }
        assert_eq!(translator.digest(), digest(&reference), "seed {seed}");
        assert!(translator.trades() > 1_000, "seed {seed}");
    }
}

#[test]
fn a_generated_stream_gives_the_trades_of_its_meta_file() {
    let Some(folder) = std::env::var_os("RINGSIDE_STREAMS").map(PathBuf::from) else {
        return println!("skipped: RINGSIDE_STREAMS does not name the folder of flowgen's streams");
    };
    for name in ["s1k", "s100k", "m100", "deep"] {
        let file = folder.join(format!("{name}.bin"));
        if !file.exists() {
            println!("skipped: no {}", file.display());
            continue;
        }
        let meta = StreamMeta::beside(&file).unwrap();
        let mut translator = Translator::new();
        let read = StreamReader::open(&file).unwrap().map(|record| translator.translate(&record.unwrap()));
        assert_eq!(read.count() as u64, meta.records, "{name}");
        assert_eq!((translator.trades(), translator.volume()), (meta.trades, meta.volume), "{name}");
        assert_eq!(translator.digest().to_string(), meta.hash, "{name}");
    }
}
