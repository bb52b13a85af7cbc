//! Records → commands.
//!
//! Records say how much to take off and how big the replacement is; OUCH says what the total of the chain
//! becomes, executed shares included. So the translator must know what every order has executed, and keeps
//! a small model of the market: per side a sorted set of (rank of the price, order id). Ids ascend with
//! time, so the set is in price-time priority by itself.

use std::collections::{BTreeSet, HashMap};

use ringside_domain::{
    Action, Cancel, ClientOrderId, Command, Enter, Firm, InstrumentId, InstrumentTerms, LoginId, LoginTerms,
    OrderOptions, Replace, Symbol, Username,
};

use super::{Record, RecordKind, TradeDigest};

/// The one login of every stream.
pub const LOGIN: LoginId = LoginId(1);

/// Text symbol of instrument `n`: 0 → `S000`.
pub fn symbol(n: u32) -> Symbol {
    Symbol::new(&format!("S{n:03}")).expect("Invariant: S and at most 7 digits fit a symbol")
}

/// The configuration a stream needs: one login, `symbols` instruments with tick 1 and lot 1.
pub fn setup(symbols: u32) -> Vec<Command> {
    let login = Action::AddLogin(LoginTerms {
        login: LOGIN,
        username: Username::new("STREAM").expect("Invariant: six letters fit"),
        firm: Firm::new("FLOW").expect("Invariant: four letters fit"),
        cancel_on_disconnect: false,
        ..LoginTerms::plain(LoginId(0), Username::BLANK, Firm::BLANK)
    });
    let instrument = |n| {
        Action::AddInstrument(InstrumentTerms {
            instrument: InstrumentId(n + 1),
            symbol: symbol(n),
            tick: 1,
            lot: 1,
            price_decimals: 4,
            quantity_decimals: 0,
            ..InstrumentTerms::plain(InstrumentId(0), Symbol::BLANK, 1, 1)
        })
    };
    let actions = std::iter::once(login).chain((0..symbols).map(instrument));
    actions.map(|action| Command { login: LoginId::VENUE, action }).collect()
}

/// What the model knows of a live order.
#[derive(Clone, Copy)]
struct Live {
    symbol: u32,
    buy: bool,
    price: u64,
    open: u32,
    executed: u32,
}

/// Resting orders of one instrument, best first.
#[derive(Default)]
struct Market {
    bids: BTreeSet<(u64, u32)>,
    asks: BTreeSet<(u64, u32)>,
}

impl Market {
    fn side(&mut self, buy: bool) -> &mut BTreeSet<(u64, u32)> {
        if buy { &mut self.bids } else { &mut self.asks }
    }
}

/// Lower is better: high prices for buyers, low ones for sellers.
fn rank(buy: bool, price: u64) -> u64 {
    if buy { u64::MAX - price } else { price }
}

/// The memory of a stream that is being translated. It counts and sums the trades it expects, which
/// checks the stream against its meta file before any engine runs.
#[derive(Default)]
pub struct Translator {
    markets: Vec<Market>,
    live: HashMap<u32, Live>,
    digest: TradeDigest,
    trades: u64,
    volume: u64,
}

impl Translator {
    /// Before the first record.
    pub fn new() -> Self {
        Self::default()
    }

    /// The command that says what the record says.
    pub fn translate(&mut self, record: &Record) -> Command {
        let action = match record.kind {
            RecordKind::New { buy, immediate } => Action::Enter(self.enter(record, buy, immediate)),
            RecordKind::Cancel => Action::Cancel(self.cancel(record.order_id, u32::MAX)),
            RecordKind::Reduce => Action::Cancel(self.cancel(record.order_id, record.quantity)),
            RecordKind::Replace => Action::Replace(self.replace(record)),
        };
        Command { login: LOGIN, action }
    }

    /// Trades so far.
    pub fn trades(&self) -> u64 {
        self.trades
    }

    /// Shares traded so far.
    pub fn volume(&self) -> u64 {
        self.volume
    }

    /// Digest of the trades so far.
    pub fn digest(&self) -> TradeDigest {
        self.digest
    }

    /// Orders resting now.
    pub fn resting(&self) -> usize {
        self.live.len()
    }

    fn enter(&mut self, record: &Record, buy: bool, immediate: bool) -> Enter {
        let Record { symbol: n, order_id, price, quantity, .. } = *record;
        self.submit(order_id, Live { symbol: n, buy, price, open: quantity, executed: 0 }, immediate);
        Enter {
            user_ref_num: order_id,
            quantity,
            price,
            symbol: symbol(n),
            client_order_id: ClientOrderId::BLANK,
            side: if buy { b'B' } else { b'S' },
            time_in_force: if immediate { b'3' } else { b'0' },
            display: b'Y',
            capacity: b'P',
            intermarket_sweep: b'N',
            cross_type: b'N',
            options: OrderOptions::default(),
        }
    }

    fn cancel(&mut self, order_id: u32, amount: u32) -> Cancel {
        let mut total = 0;
        if let Some(order) = self.live.get_mut(&order_id) {
            order.open = order.open.saturating_sub(amount);
            if order.open == 0 {
                self.take_out(order_id);
            } else {
                total = order.executed.saturating_add(order.open);
            }
        }
        Cancel { user_ref_num: order_id, quantity: total, user_ref_idx: 0 }
    }

    fn replace(&mut self, record: &Record) -> Replace {
        let mut total = record.quantity;
        if let Some(old) = self.take_out(record.order_id) {
            total = total.saturating_add(old.executed);
            let new = Live { price: record.price, open: record.quantity, ..old };
            self.submit(record.new_id, new, false);
        }
        Replace {
            original: record.order_id,
            user_ref_num: record.new_id,
            quantity: total,
            price: record.price,
            client_order_id: ClientOrderId::BLANK,
            time_in_force: b'0',
            display: b'Y',
            intermarket_sweep: b'N',
            options: OrderOptions::default(),
        }
    }

    fn submit(&mut self, order_id: u32, mut order: Live, immediate: bool) {
        while order.open > 0 {
            let Some(maker_id) = self.first_contra(&order) else { break };
            self.trade(order_id, &mut order, maker_id);
        }
        if order.open > 0 && !immediate {
            self.market(order.symbol).side(order.buy).insert((rank(order.buy, order.price), order_id));
            self.live.insert(order_id, order);
        }
    }

    fn first_contra(&mut self, order: &Live) -> Option<u32> {
        let limit = rank(!order.buy, order.price);
        let first = self.market(order.symbol).side(!order.buy).first().copied();
        first.filter(|(rank, _)| *rank <= limit).map(|(_, maker_id)| maker_id)
    }

    fn trade(&mut self, taker_id: u32, taker: &mut Live, maker_id: u32) {
        let maker = self.live.get_mut(&maker_id).expect("Invariant: queues hold live orders");
        let quantity = taker.open.min(maker.open);
        for order in [&mut *maker, taker] {
            order.open -= quantity;
            order.executed += quantity;
        }
        let maker = *maker;
        self.digest.add(u64::from(maker_id), u64::from(taker_id), maker.price, quantity);
        self.trades += 1;
        self.volume += u64::from(quantity);
        if maker.open == 0 {
            self.take_out(maker_id);
        }
    }

    fn take_out(&mut self, order_id: u32) -> Option<Live> {
        let order = self.live.remove(&order_id)?;
        let found =
            self.market(order.symbol).side(order.buy).remove(&(rank(order.buy, order.price), order_id));
        assert!(found, "Invariant: a live order is in its queue");
        Some(order)
    }

    fn market(&mut self, symbol: u32) -> &mut Market {
        let index = symbol as usize;
        if index >= self.markets.len() {
            self.markets.resize_with(index + 1, Market::default);
        }
        &mut self.markets[index]
    }
}
