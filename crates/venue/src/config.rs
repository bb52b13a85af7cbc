//! The configuration file: what may be said, what it means, and what is wrong with it in one line.
//!
//! Two layers: `raw` mirrors the TOML (unknown keys are errors), [`Config`] holds only what has been checked.

use std::fmt;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ringside_domain::{Account, Firm, InstrumentTerms, LoginTerms, RiskLimits, Username};
use ringside_gateway::Password;
use ringside_gateway::limits::GATEWAYS_MAX;
use ringside_storage::Writer;

use crate::roll::RollAt;
use crate::timing::TimingOptions;

mod demo;
mod instrument;
mod limits;
mod login;
mod number;
mod order_entry;
mod pipeline;
mod raw;

pub use demo::DEMO;
pub use instrument::RawInstrument;
pub use limits::{RawLimits, scope_name};
pub use number::scaled;
pub use order_entry::{OrderEntry, TlsEntry};
pub(crate) use raw::text;

/// What is wrong with the configuration: one line that names file and key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, or "embedded demo configuration".
    pub file: String,
    /// The key, like `instrument[0].tick_size`.
    pub key: String,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.file, self.key, self.problem)
    }
}

impl std::error::Error for ConfigError {}

/// What an acknowledgement promises.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sync {
    /// The command is on stable storage.
    Always,
    /// The kernel has the command; stable storage follows within the interval.
    Interval(Duration),
    /// The kernel has the command.
    Never,
}

/// What an idle stage thread does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// `park`, or `spin` when every stage thread has a core of its own.
    Auto,
    /// Never gives the core away.
    Spin,
    /// Lets others run between looks.
    Yield,
    /// Spins briefly, yields briefly, then sleeps until woken.
    Park,
}

/// When the engine may apply a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Apply {
    /// At once; answers wait for the journal.
    Ahead,
    /// Once it is released by the journal.
    AfterDurable,
}

/// Which stages share a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layout {
    /// By the number of cores.
    Auto,
    /// One thread: gateway, journal, engine, egress. The other core is the kernel's and the clients'.
    TwoCores,
    /// Two threads: gateway, engine and egress; journal.
    ThreeCores,
    /// Three threads: gateway and egress; journal; engine.
    FourCores,
    /// As `FourCores`, pinned and spinning.
    Host,
}

/// How the kernel schedules stage threads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheduling {
    /// As any thread.
    Normal,
    /// `SCHED_FIFO` with this priority, 1 to 99: before any normal thread of the core, the kernel's own included.
    Fifo(u8),
}

/// Core of each stage, where given.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cores {
    /// Sockets.
    pub gateway: Option<usize>,
    /// Sockets of the second gateway, the third, and so on.
    pub further_gateways: [Option<usize>; GATEWAYS_MAX - 1],
    /// Journaler.
    pub journal: Option<usize>,
    /// Matching.
    pub engine: Option<usize>,
    /// Streams; runs on the gateway's thread.
    pub egress: Option<usize>,
    /// HTTP.
    pub admin: Option<usize>,
    /// Snapshots.
    pub snapshot: Option<usize>,
    /// Archive, preparation of segments, password checks.
    pub helpers: Option<usize>,
}

impl Cores {
    /// Those of stages.
    pub fn of_stages(&self) -> impl Iterator<Item = usize> {
        let others = [self.gateway, self.journal, self.engine];
        others.into_iter().chain(self.further_gateways).flatten()
    }
}

/// `[pipeline]`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pipeline {
    /// When the engine may apply.
    pub apply: Apply,
    /// What an idle thread does.
    pub wait: Wait,
    /// Stages per thread.
    pub layout: Layout,
    /// Gateways that share the logins, 1 to [`GATEWAYS_MAX`]; all but the first have a thread of their own.
    pub gateways: usize,
    /// Pins.
    pub cores: Cores,
    /// How the kernel schedules stage threads.
    pub scheduling: Scheduling,
    /// Nothing of the process is paged out.
    pub lock_memory: bool,
    /// Longest time that a core may take to wake up, microseconds; `None`: as the host is set.
    pub cpu_dma_latency_us: Option<u32>,
    /// What is timed.
    pub timing: TimingOptions,
}

/// `[snapshot]`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SnapshotConfig {
    /// After so many commands.
    pub every_commands: u64,
    /// After so much time, if there was any command; `None` = never.
    pub every: Option<Duration>,
    /// Segments of earlier SoupBinTCP sessions are removed once two snapshots stand for them.
    pub prune_sessions: bool,
}

/// `[[login]]`
#[derive(Clone, Debug)]
pub struct LoginConfig {
    /// What is part of the state. The id is 0: the state gives it.
    pub terms: LoginTerms,
    /// Proof.
    pub password: Password,
    /// Comes over a TLS connection whose client certificate has this name, or not at all.
    pub certificate_name: Option<String>,
}

/// Whom limits are for, by name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ScopeName {
    /// `login:NAME`
    Login(Username),
    /// `firm:NAME`
    Firm(Firm),
    /// `account:NAME`
    Account(Account),
}

impl fmt::Display for ScopeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScopeName::Login(name) => write!(f, "login:{name}"),
            ScopeName::Firm(name) => write!(f, "firm:{name}"),
            ScopeName::Account(name) => write!(f, "account:{name}"),
        }
    }
}

/// `[[limits]]`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LimitsConfig {
    /// Whose.
    pub scope: ScopeName,
    /// The limits.
    pub limits: RiskLimits,
}

/// What authorises `POST /command`. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminToken(pub String);

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl LoginConfig {
    /// The password, when the file has it in the clear. For the start message of the demo venue only.
    pub fn demo_password(&self) -> Option<&str> {
        match &self.password {
            Password::Plain(password) => Some(password),
            Password::Hash(_) => None,
        }
    }
}

/// A configuration that has been checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it came from, for messages.
    pub file: String,
    /// Journal, streams, lock.
    pub data_dir: PathBuf,
    /// Order entry: listeners, lockout, caps.
    pub order_entry: OrderEntry,
    /// Admin HTTP address.
    pub admin: SocketAddr,
    /// Bearer token of `POST /command`; `None`: no commands over HTTP.
    pub admin_token: Option<AdminToken>,
    /// Promise of an acknowledgement.
    pub sync: Sync,
    /// A batch that takes the journal longer makes the venue not ready.
    pub max_sync: Duration,
    /// How segments are written.
    pub writer: Writer,
    /// Where sealed segments are copied to, compressed; `None` = nowhere.
    pub archive: Option<PathBuf>,
    /// Bytes of a segment; `None` = by free space.
    pub segment_size: Option<u64>,
    /// Threads.
    pub pipeline: Pipeline,
    /// When the session rolls by itself; `None` = never.
    pub roll_at: Option<RollAt>,
    /// When snapshots are made.
    pub snapshot: SnapshotConfig,
    /// Instruments, in file order. Their ids are 0: the state gives them.
    pub instruments: Vec<InstrumentTerms>,
    /// Logins, in file order.
    pub logins: Vec<LoginConfig>,
    /// Limits, in file order.
    pub limits: Vec<LimitsConfig>,
    /// The file holds secrets in the clear, and others may read it.
    pub exposed: bool,
}

/// Flags of the command line that override the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--data-dir`
    pub data_dir: Option<PathBuf>,
    /// `--order-entry`
    pub order_entry: Option<String>,
    /// `--admin`
    pub admin: Option<String>,
}

impl Config {
    /// Reads a file, or takes the embedded demo venue.
    pub fn load(file: Option<&Path>, overrides: Overrides) -> Result<Config, ConfigError> {
        let (name, text, open) = match file {
            None => ("embedded demo configuration".to_string(), DEMO.to_string(), false),
            Some(path) => {
                let name = path.display().to_string();
                let text = std::fs::read_to_string(path).map_err(|error| ConfigError {
                    file: name.clone(),
                    key: "(file)".into(),
                    problem: format!("cannot be read: {error}"),
                })?;
                (name, text, is_readable_by_others(path))
            }
        };
        let mut raw = raw::parse(&name, &text)?;
        raw.apply(overrides);
        let mut config = raw.check(name)?;
        config.exposed = open && config.has_plain_secrets();
        Ok(config)
    }

    fn has_plain_secrets(&self) -> bool {
        self.admin_token.is_some() || self.logins.iter().any(|login| login.demo_password().is_some())
    }

    /// Parses text as if it were a file; for tests and tools.
    pub fn parse(name: &str, text: &str) -> Result<Config, ConfigError> {
        raw::parse(name, text)?.check(name.into())
    }
}

fn is_readable_by_others(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o004 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_configuration_is_one() {
        let page = include_str!("../../../docs/configuration.md");
        let example = page.split("```").nth(1).and_then(|block| block.strip_prefix("toml")).unwrap();
        let example = example.replace("password_hash = \"$argon2id$...\"", "password = \"x\"");
        let config = Config::parse("configuration.md", &example).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((config.instruments.len(), config.logins.len(), config.limits.len()), (1, 1, 1));
        assert_eq!((config.instruments[0].band_bps, config.instruments[0].taker_fee_ppm), (500, 200));
        assert_eq!(config.limits[0].limits.fat_finger_bps, 500);
    }

    #[test]
    fn the_demo_is_a_configuration() {
        Config::load(None, Overrides::default()).unwrap();
    }
}
