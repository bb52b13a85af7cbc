//! The TOML as written. Every key of every table is here; anything else is an error.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use ringside_domain::{InstrumentTerms, Text};
use ringside_storage::Writer;
use serde::Deserialize;

use super::instrument::{self, RawInstrument};
use super::limits::{self, RawLimits};
use super::login::RawLogin;
use super::order_entry::RawOrderEntry;
use super::pipeline::RawPipeline;
use super::{AdminToken, Config, ConfigError, LoginConfig, OrderEntry, Overrides, SnapshotConfig, Sync};
use crate::roll::RollAt;
use crate::stall::SYNC_MAX;

/// Smallest segment: a few thousand commands.
const SEGMENT_MIN: u64 = 1 << 20;
/// Largest segment.
const SEGMENT_MAX: u64 = 1 << 30;
/// Shortest patience with the journal.
const SYNC_LIMIT_MIN: Duration = Duration::from_millis(1);
/// Longest patience with the journal.
const SYNC_LIMIT_MAX: Duration = Duration::from_secs(60);

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    data_dir: Option<PathBuf>,
    order_entry: RawOrderEntry,
    admin: RawAdmin,
    journal: RawJournal,
    pipeline: RawPipeline,
    session: RawSession,
    snapshot: RawSnapshot,
    instrument: Vec<RawInstrument>,
    login: Vec<RawLogin>,
    limits: Vec<RawLimits>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawAdmin {
    listen: Option<String>,
    token: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawJournal {
    sync: Option<String>,
    sync_interval: Option<String>,
    max_sync_ms: Option<u64>,
    writer: Option<String>,
    archive: Option<PathBuf>,
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
struct RawSession {
    roll_at: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawSnapshot {
    every_commands: Option<u64>,
    every: Option<String>,
    prune_sessions: bool,
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
pub(crate) type Checked<T> = Result<T, (String, String)>;

pub(super) fn wrong<T>(key: impl Into<String>, problem: impl Into<String>) -> Checked<T> {
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
        let logins = logins(self.login)?;
        let order_entry = self.order_entry.checked()?;
        certificate_names(&logins, &order_entry)?;
        Ok(Config {
            file,
            data_dir: self.data_dir.unwrap_or_else(|| "data".into()),
            order_entry,
            admin: address("admin.listen", self.admin.listen, "127.0.0.1:9002")?,
            admin_token: self.admin.token.map(token).transpose()?,
            sync: self.journal.sync()?,
            max_sync: self.journal.max_sync()?,
            writer: self.journal.writer()?,
            archive: self.journal.archive.clone(),
            segment_size: self.journal.segment_size()?,
            pipeline: self.pipeline.checked()?,
            roll_at: self.session.roll_at()?,
            snapshot: self.snapshot.checked()?,
            instruments: instruments(self.instrument)?,
            limits: limits::limits(&self.limits, &logins)?,
            logins,
            exposed: false,
        })
    }
}

impl RawSession {
    fn roll_at(&self) -> Checked<Option<RollAt>> {
        match self.roll_at.as_deref().unwrap_or("never") {
            "never" => Ok(None),
            text => match RollAt::parse(text) {
                None => {
                    wrong("session.roll_at", format!("{text:?} is neither \"never\" nor \"HH:MM\" (UTC)"))
                }
                found => Ok(found),
            },
        }
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
        match self.sync.as_deref().unwrap_or("always") {
            "always" => Ok(Sync::Always),
            "interval" => Ok(Sync::Interval(interval)),
            "never" => Ok(Sync::Never),
            other => wrong("journal.sync", format!("{other:?} is none of always, interval, never")),
        }
    }

    fn max_sync(&self) -> Checked<Duration> {
        match self.max_sync_ms.map(Duration::from_millis).unwrap_or(SYNC_MAX) {
            limit if (SYNC_LIMIT_MIN..=SYNC_LIMIT_MAX).contains(&limit) => Ok(limit),
            limit => wrong("journal.max_sync_ms", format!("{} is not 1 to 60000", limit.as_millis())),
        }
    }

    fn writer(&self) -> Checked<Writer> {
        match self.writer.as_deref().unwrap_or("mmap") {
            "mmap" => Ok(Writer::Mapped),
            "direct" => Ok(Writer::Direct),
            other => wrong("journal.writer", format!("{other:?} is none of mmap, direct")),
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

impl RawSnapshot {
    fn checked(self) -> Checked<SnapshotConfig> {
        let every_commands = self.every_commands.unwrap_or(1_000_000);
        if every_commands == 0 {
            return wrong("snapshot.every_commands", "must be at least 1");
        }
        let every = match self.every.as_deref().unwrap_or("10m") {
            "never" => None,
            text => match humantime::parse_duration(text) {
                Ok(every) if !every.is_zero() => Some(every),
                _ => {
                    let problem =
                        format!("{text:?} is neither \"never\" nor a duration like \"10m\" or \"30s\"");
                    return wrong("snapshot.every", problem);
                }
            },
        };
        Ok(SnapshotConfig { every_commands, every, prune_sessions: self.prune_sessions })
    }
}

pub(super) fn address(key: &str, text: Option<String>, default: &str) -> Checked<SocketAddr> {
    let text = text.as_deref().unwrap_or(default);
    match text.to_socket_addrs().ok().and_then(|mut found| found.next()) {
        Some(address) => Ok(address),
        None => wrong(key, format!("{text:?} is not an address like 127.0.0.1:9001")),
    }
}

fn token(token: String) -> Checked<AdminToken> {
    match !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic()) {
        true => Ok(AdminToken(token)),
        false => wrong("admin.token", "must be printable ASCII characters without spaces"),
    }
}

pub(crate) fn text<const N: usize>(key: &str, value: &str) -> Checked<Text<N>> {
    let plain = value.bytes().all(|b| b.is_ascii_graphic());
    match Text::new(value) {
        Some(text) if plain && !text.is_blank() => Ok(text),
        _ => wrong(key, format!("{value:?} must be 1 to {N} printable ASCII characters without spaces")),
    }
}

fn instruments(raw: Vec<RawInstrument>) -> Checked<Vec<InstrumentTerms>> {
    let mut symbols = BTreeSet::new();
    let mut decimals = BTreeMap::new();
    let mut instruments = Vec::with_capacity(raw.len());
    for (n, raw) in raw.iter().enumerate() {
        let located = |(key, problem)| (format!("instrument[{n}].{key}"), problem);
        let terms = raw.checked().map_err(located)?;
        if !symbols.insert(terms.symbol) {
            return wrong(format!("instrument[{n}].symbol"), format!("{:?} is there twice", terms.symbol));
        }
        for (key, asset, has) in instrument::assets(&terms) {
            let before = *decimals.entry(asset).or_insert(has);
            if before != has {
                let problem = format!("{asset} has {has} decimals here and {before} in an instrument before");
                return wrong(format!("instrument[{n}].{key}"), problem);
            }
        }
        instruments.push(terms);
    }
    Ok(instruments)
}

/// A login that is bound to a certificate needs a listener that asks for one.
fn certificate_names(logins: &[LoginConfig], order_entry: &OrderEntry) -> Checked<()> {
    let asks = order_entry.tls.as_ref().is_some_and(|tls| tls.files.client_ca.is_some());
    match logins.iter().position(|login| login.certificate_name.is_some()) {
        Some(n) if !asks => {
            wrong(format!("login[{n}].certificate_name"), "needs client_ca in [order_entry.tls]")
        }
        _ => Ok(()),
    }
}

fn logins(raw: Vec<RawLogin>) -> Checked<Vec<LoginConfig>> {
    let mut usernames = BTreeSet::new();
    let mut logins = Vec::with_capacity(raw.len());
    for (n, raw) in raw.into_iter().enumerate() {
        let located = |(key, problem)| (format!("login[{n}].{key}"), problem);
        let login = raw.checked().map_err(located)?;
        if !usernames.insert(login.terms.username) {
            return wrong(
                format!("login[{n}].username"),
                format!("{:?} is there twice", login.terms.username),
            );
        }
        logins.push(login);
    }
    Ok(logins)
}
