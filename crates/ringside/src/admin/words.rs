//! The operator's words on the command line, and the JSON that they stand for.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

#[derive(Subcommand)]
pub enum AdminCommand {
    /// Puts an instrument into another state
    SetState(SetState),
    /// Ends the call of an instrument: the auction trades
    Uncross { symbol: String },
    /// Lists a new instrument, or one that was removed
    AddInstrument(Box<Instrument>),
    /// Gives an instrument new terms: all of them, what is not given has its default
    ChangeInstrument(Box<Instrument>),
    /// Removes an instrument without live orders
    RemoveInstrument { symbol: String },
    /// Sets the limits of a scope: all of them, what is not given is not limited
    Limits(Limits),
    /// Kill switch: no new orders, and live ones are cancelled
    Kill(Target),
    /// Ends a kill switch
    Unkill(Target),
    /// Forbids an instrument
    Restrict(Restriction),
    /// Allows an instrument again
    Allow(Restriction),
    /// Cancels live orders
    CancelOrders(CancelOrders),
    /// Breaks a trade
    Bust {
        /// Match number of the trade
        match_number: u64,
        /// E erroneous, C consent, S supervisory, X external
        #[arg(long, default_value = "S")]
        reason: String,
    },
    /// Money or goods arrive in an account
    Deposit(Transfer),
    /// Money or goods leave an account
    Withdraw(Transfer),
    /// Ends the day orders of all instruments
    EndOfDay,
    /// Lets happen what is due
    Tick,
    /// Makes a snapshot: answers once its barrier is released, the file follows
    Snapshot,
    /// Ends the session: day orders end, everybody is seen off, the next session begins
    RollSession,
    /// Sends JSON as it is
    Raw { json: String },
}

#[derive(Args)]
pub struct SetState {
    symbol: String,
    /// pre-open, auction, continuous, halted, cancel-only or closed
    state: String,
    /// Which auction: opening, closing or volatility
    #[arg(long)]
    kind: Option<String>,
    /// Why; the first four letters are told to the public
    #[arg(long)]
    reason: Option<String>,
    /// The call ends by itself after this many milliseconds
    #[arg(long, value_name = "MS")]
    call_ms: Option<u32>,
    /// ... and up to this many later, at random
    #[arg(long, value_name = "MS")]
    random_ms: Option<u32>,
}

/// The keys of `[[instrument]]`.
#[derive(Args)]
pub struct Instrument {
    symbol: String,
    #[arg(long)]
    tick_size: String,
    #[arg(long)]
    lot_size: Option<u32>,
    #[arg(long)]
    price_decimals: Option<u8>,
    #[arg(long)]
    quantity_decimals: Option<u8>,
    /// price-time or pro-rata
    #[arg(long)]
    allocation: Option<String>,
    /// From this price on another tick; may be given three times
    #[arg(long, value_name = "PRICE:TICK", value_parser = tick_range)]
    tick_range: Vec<(String, String)>,
    #[arg(long, value_name = "PRICE")]
    collar_low: Option<String>,
    #[arg(long, value_name = "PRICE")]
    collar_high: Option<String>,
    /// Like 5%
    #[arg(long, value_name = "PERCENT")]
    band: Option<String>,
    /// Like 5s
    #[arg(long, value_name = "TIME")]
    volatility_call: Option<String>,
    /// Like 1s
    #[arg(long, value_name = "TIME")]
    random_end: Option<String>,
    #[arg(long, value_name = "PRICE")]
    reference_price: Option<String>,
    #[arg(long, value_name = "ASSET")]
    base: Option<String>,
    #[arg(long, value_name = "ASSET")]
    quote: Option<String>,
    /// Like 0.01%
    #[arg(long, value_name = "PERCENT")]
    maker_fee: Option<String>,
    /// Like 0.01%
    #[arg(long, value_name = "PERCENT")]
    taker_fee: Option<String>,
}

/// The keys of `[[limits]]`.
#[derive(Args)]
pub struct Limits {
    /// login:NAME, firm:NAME or account:NAME
    scope: String,
    #[arg(long)]
    max_quantity: Option<u32>,
    #[arg(long)]
    max_orders: Option<u32>,
    /// Price × quantity in wire units
    #[arg(long)]
    max_notional: Option<u64>,
    #[arg(long)]
    max_position: Option<u64>,
    /// New orders and replacements a second
    #[arg(long)]
    rate: Option<u32>,
    #[arg(long)]
    burst: Option<u32>,
    /// Like 5%
    #[arg(long, value_name = "PERCENT")]
    fat_finger: Option<String>,
}

#[derive(Args)]
pub struct Target {
    kind: Kind,
    name: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Login,
    Firm,
    Account,
    Symbol,
}

#[derive(Args)]
pub struct Restriction {
    /// Not a symbol
    kind: Kind,
    name: String,
    symbol: String,
}

#[derive(Args)]
pub struct CancelOrders {
    kind: Kind,
    name: String,
    /// Only in this instrument
    #[arg(long)]
    symbol: Option<String>,
    /// Only this side: B or S
    #[arg(long)]
    side: Option<String>,
}

#[derive(Args)]
pub struct Transfer {
    account: String,
    asset: String,
    /// In the asset's smallest unit
    amount: u64,
}

fn tick_range(text: &str) -> Result<(String, String), String> {
    let (from, tick) = text.split_once(':').ok_or("must be PRICE:TICK, like 100:0.05")?;
    Ok((from.into(), tick.into()))
}

impl AdminCommand {
    /// The request's body.
    pub fn body(&self) -> String {
        match self {
            AdminCommand::Raw { json } => json.clone(),
            other => other.json().to_string(),
        }
    }

    fn json(&self) -> Value {
        match self {
            AdminCommand::SetState(m) => command(
                "set_state",
                [
                    ("symbol", json!(m.symbol)),
                    ("state", json!(m.state)),
                    ("kind", json!(m.kind)),
                    ("reason", json!(m.reason)),
                    ("call_ms", json!(m.call_ms)),
                    ("random_ms", json!(m.random_ms)),
                ],
            ),
            AdminCommand::Uncross { symbol } => command("uncross", [("symbol", json!(symbol))]),
            AdminCommand::AddInstrument(m) => m.json("add_instrument"),
            AdminCommand::ChangeInstrument(m) => m.json("change_instrument"),
            AdminCommand::RemoveInstrument { symbol } => {
                command("remove_instrument", [("symbol", json!(symbol))])
            }
            AdminCommand::Limits(m) => m.json(),
            AdminCommand::Kill(m) => command("kill", [m.kind.named(&m.name)]),
            AdminCommand::Unkill(m) => command("unkill", [m.kind.named(&m.name)]),
            AdminCommand::Restrict(m) => {
                command("restrict", [m.kind.named(&m.name), ("symbol", json!(m.symbol))])
            }
            AdminCommand::Allow(m) => command("allow", [m.kind.named(&m.name), ("symbol", json!(m.symbol))]),
            AdminCommand::CancelOrders(m) => {
                let side = ("side", json!(m.side));
                command("cancel_orders", [("symbol", json!(m.symbol)), side, m.kind.named(&m.name)])
            }
            AdminCommand::Bust { match_number, reason } => {
                command("bust", [("match_number", json!(match_number)), ("reason", json!(reason))])
            }
            AdminCommand::Deposit(m) => m.json("deposit"),
            AdminCommand::Withdraw(m) => m.json("withdraw"),
            AdminCommand::EndOfDay => command("end_of_day", []),
            AdminCommand::Tick => command("tick", []),
            AdminCommand::Snapshot => command("snapshot", []),
            AdminCommand::RollSession => command("roll_session", []),
            AdminCommand::Raw { json } => json!(json),
        }
    }
}

/// A command with the fields that were given.
fn command<const N: usize>(name: &str, fields: [(&str, Value); N]) -> Value {
    let mut object = given(fields);
    object.insert("command".into(), json!(name));
    Value::Object(object)
}

/// The fields that were given. Later ones count.
fn given<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.into(), value)).collect()
}

impl Instrument {
    fn json(&self, name: &str) -> Value {
        let collar = given([("low", json!(self.collar_low)), ("high", json!(self.collar_high))]);
        let ranges: Vec<Value> =
            self.tick_range.iter().map(|(from, tick)| json!({"from": from, "tick": tick})).collect();
        command(
            name,
            [
                ("symbol", json!(self.symbol)),
                ("tick_size", json!(self.tick_size)),
                ("lot_size", json!(self.lot_size)),
                ("price_decimals", json!(self.price_decimals)),
                ("quantity_decimals", json!(self.quantity_decimals)),
                ("allocation", json!(self.allocation)),
                ("tick_table", json!(ranges)),
                ("collar", json!(collar)),
                ("band", json!(self.band)),
                ("volatility_call", json!(self.volatility_call)),
                ("random_end", json!(self.random_end)),
                ("reference_price", json!(self.reference_price)),
                ("base", json!(self.base)),
                ("quote", json!(self.quote)),
                ("maker_fee", json!(self.maker_fee)),
                ("taker_fee", json!(self.taker_fee)),
            ],
        )
    }
}

impl Limits {
    fn json(&self) -> Value {
        command(
            "set_limits",
            [
                ("scope", json!(self.scope)),
                ("max_quantity", json!(self.max_quantity)),
                ("max_orders", json!(self.max_orders)),
                ("max_notional", json!(self.max_notional)),
                ("max_position", json!(self.max_position)),
                ("rate", json!(self.rate)),
                ("burst", json!(self.burst)),
                ("fat_finger", json!(self.fat_finger)),
            ],
        )
    }
}

impl Transfer {
    fn json(&self, name: &str) -> Value {
        let fields =
            [("account", json!(self.account)), ("asset", json!(self.asset)), ("amount", json!(self.amount))];
        command(name, fields)
    }
}

impl Kind {
    fn named(self, name: &str) -> (&'static str, Value) {
        let key = match self {
            Kind::Login => "login",
            Kind::Firm => "firm",
            Kind::Account => "account",
            Kind::Symbol => "symbol",
        };
        (key, json!(name))
    }
}
