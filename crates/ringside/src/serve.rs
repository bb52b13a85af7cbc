//! `ringside serve`: a venue until SIGTERM. The ready line is all that goes to stdout; logs are JSON on stderr.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use ringside_domain::{InstrumentId, LoginId, Symbol, Username};
use ringside_gateway::AUDIT_TARGET;
use ringside_replay::{Names, event_json, find_trade};
use ringside_venue::recovery::{Progress, ReplayProgress};
use ringside_venue::{Config, Directory, Overrides, Ready, Tools, TradeError, Venue, VenueError};
use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tracing::info;
use tracing_subscriber::EnvFilter;

use crate::failure::{Failure, USAGE};
use crate::sigbus;

/// Arguments of `serve`.
#[derive(Args)]
pub struct ServeArgs {
    /// Configuration file (TOML). Without it: an embedded demo venue on loopback.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Directory of journal, streams and lock. Overrides the file.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Address for order entry; port 0 lets the system pick. Overrides the file.
    #[arg(long, value_name = "ADDR")]
    order_entry: Option<String>,
    /// Address for /metrics, /livez, /readyz, /status. Overrides the file.
    #[arg(long, value_name = "ADDR")]
    admin: Option<String>,
}

/// Runs until a signal or a failure.
pub fn run(args: &ServeArgs) -> Result<(), Failure> {
    let overrides = Overrides {
        data_dir: args.data_dir.clone(),
        order_entry: args.order_entry.clone(),
        admin: args.admin.clone(),
    };
    let config =
        Config::load(args.config.as_deref(), overrides).map_err(|error| Failure::new(USAGE, error))?;
    start_logging();
    // Before any thread: all of them inherit the mask of the handler's pipe, none is killed by a signal.
    let mut signals = Signals::new([SIGTERM, SIGINT]).map_err(|error| Failure::new(USAGE, error))?;
    sigbus::ends_with_a_message(&config.data_dir.join("journal"))
        .map_err(|error| Failure::new(USAGE, error))?;
    let (venue, ready) = Venue::start(&config, tools())?;
    announce(&config, &ready, args.config.is_none());
    let (stop, handle) = (venue.stopper(), signals.handle());
    let waiter = std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            info!(signal, "stopping");
            stop();
        }
    });
    let result = venue.join().map_err(VenueError::into);
    handle.close();
    // Ends with the handle; a panic in it cannot be told from a signal and changes nothing.
    let _ = waiter.join();
    result
}

/// The past and its words, which the venue itself does not know.
fn tools() -> Tools {
    Tools {
        find_trade: Arc::new(|data_dir, match_number, reason| {
            let found = find_trade(data_dir, match_number, reason);
            found.map_err(|error| TradeError::Failed(error.to_string()))?.ok_or(TradeError::Unknown)
        }),
        event_json: Arc::new(|directory, event| event_json(&Known(directory), event)),
        progress: recovery_bar(),
    }
}

/// A bar with the time left, on a terminal.
fn recovery_bar() -> Arc<Progress> {
    if !std::io::stderr().is_terminal() {
        return Arc::new(|_| ());
    }
    let style = "recovering {bar:40} {bytes}/{total_bytes} {msg} commands, {eta} left";
    let style = ProgressStyle::with_template(style).expect("a valid template");
    let bar = ProgressBar::new(0).with_style(style);
    Arc::new(move |at: ReplayProgress| {
        bar.set_length(at.bytes_total);
        bar.set_position(at.bytes);
        bar.set_message(at.sequence.to_string());
        if at.bytes >= at.bytes_total {
            bar.finish_and_clear();
        }
    })
}

/// The names that a running venue knows.
struct Known<'a>(&'a Directory);

impl Names for Known<'_> {
    fn username(&self, login: LoginId) -> Option<Username> {
        self.0.username(login)
    }

    fn symbol(&self, instrument: InstrumentId) -> Option<Symbol> {
        self.0.symbol(instrument)
    }
}

fn start_logging() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // Who logged in, or tried, is told at any level.
    let audit = format!("{AUDIT_TARGET}=info").parse().expect("a valid directive");
    let filter = filter.add_directive(audit);
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}

/// One JSON line on stdout, as soon as logins are accepted.
fn announce(config: &Config, ready: &Ready, demo: bool) {
    if demo {
        for login in &config.logins {
            let password = login.demo_password().unwrap_or("(hashed)");
            info!(username = %login.terms.username, password, "demo login");
        }
    }
    let at = &ready.order_entry;
    let mut line = json!({
        "event": "ready",
        "order_entry": at.tcp.map(|address| address.to_string()),
        "admin": ready.admin.to_string(),
        "session": ready.session,
        "next_sequence": ready.next_sequence,
    });
    // Only where they are configured: the line is as it was for everybody else.
    if let Some(address) = at.tls {
        line["order_entry_tls"] = address.to_string().into();
    }
    if let Some(path) = &at.unix {
        line["order_entry_unix"] = path.display().to_string().into();
    }
    let mut stdout = std::io::stdout().lock();
    // A closed stdout is no reason to stop a venue.
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
