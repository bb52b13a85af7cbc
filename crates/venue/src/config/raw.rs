//! The TOML as written. Every key of every table is here; anything else is an error.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use ringside_domain::{Firm, Symbol, Text, Username};
use ringside_gateway::Password;
use ringside_gateway::auth::is_password_hash;
use serde::Deserialize;

use super::{
    Apply, Config, ConfigError, Cores, InstrumentConfig, Layout, LoginConfig, Overrides, Pipeline, Sync,
    Wait, scaled,
};

/// Smallest segment: a few thousand commands.
const SEGMENT_MIN: u64 = 1 << 20;
/// Largest segment.
const SEGMENT_MAX: u64 = 1 << 30;
/// Decimals that leave room for at least one digit before the point.
const DECIMALS_MAX: u8 = 8;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    data_dir: Option<PathBuf>,
    order_entry: RawListen,
    admin: RawListen,
    journal: RawJournal,
    pipeline: RawPipeline,
    session: RawSession,
    snapshot: RawSnapshot,
    instrument: Vec<RawInstrument>,
    login: Vec<RawLogin>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawListen {
    listen: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawJournal {
    sync: Option<String>,
    sync_interval: Option<String>,
    writer: Option<String>,
    segment_size: Option<RawSize>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawSize {
    Bytes(u64),
    Text(String),
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawPipeline {
    apply: Option<String>,
    wait: Option<String>,
    layout: Option<String>,
    cores: RawCores,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawCores {
    gateway: Option<usize>,
    journal: Option<usize>,
    engine: Option<usize>,
    egress: Option<usize>,
    admin: Option<usize>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawSession {
    roll_at: Option<String>,
}

/// Known so that configurations for later versions load; nothing is taken yet and the start says so.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawSnapshot {
    every_commands: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawInstrument {
    symbol: String,
    tick_size: String,
    #[serde(default = "one")]
    lot_size: u32,
    #[serde(default = "four")]
    price_decimals: u8,
    #[serde(default)]
    quantity_decimals: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLogin {
    username: String,
    password: Option<String>,
    password_hash: Option<String>,
    firm: String,
    #[serde(default)]
    cancel_on_disconnect: bool,
    self_trade_prevention: Option<String>,
}

fn one() -> u32 {
    1
}

fn four() -> u8 {
    4
}

/// TOML to tables. The message is folded into one line with the line number of the file.
pub(super) fn parse(name: &str, text: &str) -> Result<Raw, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
        let problem = error.message().replace('\n', " ");
        ConfigError { file: name.into(), key: format!("line {line}"), problem }
    })
}

/// Names the key of a finding; the file is added at the end.
type Checked<T> = Result<T, (String, String)>;

fn wrong<T>(key: impl Into<String>, problem: impl Into<String>) -> Checked<T> {
    Err((key.into(), problem.into()))
}

impl Raw {
    pub(super) fn apply(&mut self, overrides: Overrides) {
        self.data_dir = overrides.data_dir.or(self.data_dir.take());
        self.order_entry.listen = overrides.order_entry.or(self.order_entry.listen.take());
        self.admin.listen = overrides.admin.or(self.admin.listen.take());
    }

    pub(super) fn check(self, file: String) -> Result<Config, ConfigError> {
        self.checked(file.clone()).map_err(|(key, problem)| ConfigError { file, key, problem })
    }

    fn checked(self, file: String) -> Checked<Config> {
        if let Some(roll_at) = self.session.roll_at.filter(|at| at != "never") {
            return wrong("session.roll_at", format!("{roll_at:?} is not built yet; only \"never\""));
        }
        if self.snapshot.every_commands == Some(0) {
            return wrong("snapshot.every_commands", "must be at least 1");
        }
        Ok(Config {
            file,
            data_dir: self.data_dir.unwrap_or_else(|| "data".into()),
            order_entry: address("order_entry.listen", self.order_entry.listen, "127.0.0.1:9001")?,
            admin: address("admin.listen", self.admin.listen, "127.0.0.1:9002")?,
            sync: self.journal.sync()?,
            segment_size: self.journal.segment_size()?,
            pipeline: self.pipeline.checked()?,
            instruments: instruments(self.instrument)?,
            logins: logins(self.login)?,
        })
    }
}

impl RawJournal {
    fn sync(&self) -> Checked<Sync> {
        let text = self.sync_interval.as_deref().unwrap_or("1s");
        let interval: Duration = match humantime::parse_duration(text) {
            Ok(interval) if !interval.is_zero() => interval,
            _ => {
                return wrong(
                    "journal.sync_interval",
                    format!("{text:?} is not a duration like \"1s\" or \"50ms\""),
                );
            }
        };
        if let Some(writer) = self.writer.as_deref().filter(|writer| *writer != "mmap") {
            return wrong("journal.writer", format!("{writer:?} is not built yet; only \"mmap\""));
        }
        match self.sync.as_deref().unwrap_or("always") {
            "always" => Ok(Sync::Always),
            "interval" => Ok(Sync::Interval(interval)),
            "never" => Ok(Sync::Never),
            other => wrong("journal.sync", format!("{other:?} is none of always, interval, never")),
        }
    }

    fn segment_size(&self) -> Checked<Option<u64>> {
        let bytes = match &self.segment_size {
            None => return Ok(None),
            Some(RawSize::Text(text)) if text == "auto" => return Ok(None),
            Some(RawSize::Bytes(bytes)) => *bytes,
            Some(RawSize::Text(text)) => match mebibytes(text) {
                Some(bytes) => bytes,
                None => {
                    return wrong(
                        "journal.segment_size",
                        format!("{text:?} is none of \"auto\", \"64MiB\", bytes"),
                    );
                }
            },
        };
        if !(SEGMENT_MIN..=SEGMENT_MAX).contains(&bytes) || !bytes.is_multiple_of(4096) {
            return wrong("journal.segment_size", "must be 1 MiB to 1 GiB, in multiples of 4096 bytes");
        }
        Ok(Some(bytes))
    }
}

fn mebibytes(text: &str) -> Option<u64> {
    text.strip_suffix("MiB")?.trim().parse::<u64>().ok()?.checked_mul(1 << 20)
}

impl RawPipeline {
    fn checked(self) -> Checked<Pipeline> {
        let RawCores { gateway, journal, engine, egress, admin } = self.cores;
        if egress.is_some() && egress != gateway {
            return wrong(
                "pipeline.cores.egress",
                "egress runs on the gateway's thread; give both the same core",
            );
        }
        Ok(Pipeline {
            apply: match self.apply.as_deref().unwrap_or("ahead") {
                "ahead" => Apply::Ahead,
                "after-durable" => Apply::AfterDurable,
                other => {
                    return wrong("pipeline.apply", format!("{other:?} is none of ahead, after-durable"));
                }
            },
            wait: match self.wait.as_deref().unwrap_or("auto") {
                "auto" => Wait::Auto,
                "spin" => Wait::Spin,
                "yield" => Wait::Yield,
                "park" => Wait::Park,
                other => {
                    return wrong("pipeline.wait", format!("{other:?} is none of auto, spin, yield, park"));
                }
            },
            layout: layout(self.layout.as_deref().unwrap_or("auto"))?,
            cores: Cores { gateway, journal, engine, egress, admin },
        })
    }
}

fn layout(text: &str) -> Checked<Layout> {
    match text {
        "auto" => Ok(Layout::Auto),
        "two-cores" => Ok(Layout::TwoCores),
        "three-cores" => Ok(Layout::ThreeCores),
        "four-cores" => Ok(Layout::FourCores),
        "host" => Ok(Layout::Host),
        other => wrong(
            "pipeline.layout",
            format!("{other:?} is none of auto, two-cores, three-cores, four-cores, host"),
        ),
    }
}

fn address(key: &str, text: Option<String>, default: &str) -> Checked<SocketAddr> {
    let text = text.as_deref().unwrap_or(default);
    match text.to_socket_addrs().ok().and_then(|mut found| found.next()) {
        Some(address) => Ok(address),
        None => wrong(key, format!("{text:?} is not an address like 127.0.0.1:9001")),
    }
}

fn text<const N: usize>(key: String, value: &str) -> Checked<Text<N>> {
    let plain = value.bytes().all(|b| b.is_ascii_graphic());
    match Text::new(value) {
        Some(text) if plain && !text.is_blank() => Ok(text),
        _ => wrong(key, format!("{value:?} must be 1 to {N} printable ASCII characters without spaces")),
    }
}

fn instruments(raw: Vec<RawInstrument>) -> Checked<Vec<InstrumentConfig>> {
    let mut instruments: Vec<InstrumentConfig> = Vec::with_capacity(raw.len());
    for (n, raw) in raw.iter().enumerate() {
        let instrument = instrument(n, raw)?;
        if instruments.iter().any(|other| other.symbol == instrument.symbol) {
            return wrong(format!("instrument[{n}].symbol"), format!("{:?} is there twice", raw.symbol));
        }
        instruments.push(instrument);
    }
    Ok(instruments)
}

fn instrument(n: usize, raw: &RawInstrument) -> Checked<InstrumentConfig> {
    let key = |name: &str| format!("instrument[{n}].{name}");
    let symbol: Symbol = text(key("symbol"), &raw.symbol)?;
    if raw.price_decimals > DECIMALS_MAX || raw.quantity_decimals > DECIMALS_MAX {
        return wrong(key("price_decimals"), format!("at most {DECIMALS_MAX} decimals"));
    }
    let tick =
        scaled(&raw.tick_size, raw.price_decimals).or_else(|problem| wrong(key("tick_size"), problem))?;
    if tick == 0 {
        return wrong(key("tick_size"), "must be above 0");
    }
    if !(1..=ringside_domain::limits::QUANTITY_MAX).contains(&raw.lot_size) {
        return wrong(key("lot_size"), "must be 1 to 999999");
    }
    Ok(InstrumentConfig {
        symbol,
        // Fits: scaled() stays below the market sentinel, which fits u32.
        tick: tick as u32,
        lot: raw.lot_size,
        price_decimals: raw.price_decimals,
        quantity_decimals: raw.quantity_decimals,
    })
}

fn logins(raw: Vec<RawLogin>) -> Checked<Vec<LoginConfig>> {
    let mut logins: Vec<LoginConfig> = Vec::with_capacity(raw.len());
    for (n, raw) in raw.into_iter().enumerate() {
        let login = login(n, raw)?;
        if logins.iter().any(|other| other.username == login.username) {
            return wrong(
                format!("login[{n}].username"),
                format!("{:?} is there twice", login.username.as_str()),
            );
        }
        logins.push(login);
    }
    Ok(logins)
}

fn login(n: usize, raw: RawLogin) -> Checked<LoginConfig> {
    let key = |name: &str| format!("login[{n}].{name}");
    let username: Username = text(key("username"), &raw.username)?;
    let firm: Firm = text(key("firm"), &raw.firm)?;
    if let Some(mode) = raw.self_trade_prevention.filter(|mode| mode != "none") {
        return wrong(key("self_trade_prevention"), format!("{mode:?} is not built yet; only \"none\""));
    }
    let password = match (raw.password, raw.password_hash) {
        (Some(password), None) if !password.is_empty() && password.len() <= 10 && password.is_ascii() => {
            Password::Plain(password)
        }
        (Some(_), None) => return wrong(key("password"), "must be 1 to 10 ASCII characters (SoupBinTCP)"),
        (None, Some(hash)) if is_password_hash(&hash) => Password::Hash(hash),
        (None, Some(_)) => return wrong(key("password_hash"), "is not an $argon2id$ string"),
        _ => return wrong(key("password"), "exactly one of password and password_hash is needed"),
    };
    Ok(LoginConfig { username, password, firm, cancel_on_disconnect: raw.cancel_on_disconnect })
}
