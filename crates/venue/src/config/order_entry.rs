//! `[order_entry]` as written: listeners, lockout, caps.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ringside_gateway::limits::CONNECTIONS_MAX;
use ringside_gateway::{Caps, LockoutPolicy, TlsFiles};
use serde::Deserialize;

use super::number::milliseconds;
use super::raw::{Checked, address, wrong};

/// Where plaintext is spoken when nothing is said.
const LISTEN: &str = "127.0.0.1:9001";
/// Most failures before a lockout: more is no protection.
const LOCKOUT_FAILURES_MAX: u32 = 1_000;

/// `[order_entry]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderEntry {
    /// Plaintext; `None`: TLS is configured, and nothing else was asked for.
    pub listen: Option<SocketAddr>,
    /// TLS.
    pub tls: Option<TlsEntry>,
    /// Path of the Unix socket.
    pub unix: Option<PathBuf>,
    /// When failures lock a username out.
    pub lockout: LockoutPolicy,
    /// Most connections.
    pub caps: Caps,
}

/// `[order_entry.tls]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsEntry {
    /// Address.
    pub listen: SocketAddr,
    /// Certificate, key, authority of clients.
    pub files: TlsFiles,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawOrderEntry {
    pub(super) listen: Option<String>,
    tls: Option<RawTls>,
    unix: Option<PathBuf>,
    lockout_failures: Option<u32>,
    lockout: Option<String>,
    connections_max: Option<usize>,
    per_address_max: Option<usize>,
    unauthenticated_max: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTls {
    listen: String,
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
}

impl RawOrderEntry {
    pub(super) fn checked(self) -> Checked<OrderEntry> {
        let (lockout, caps) = (self.lockout_policy()?, self.caps()?);
        let listen = match (self.listen, &self.tls) {
            (None, Some(_)) => None,
            (text, _) => Some(address("order_entry.listen", text, LISTEN)?),
        };
        Ok(OrderEntry {
            listen,
            tls: self.tls.map(RawTls::checked).transpose()?,
            unix: self.unix.map(unix).transpose()?,
            lockout,
            caps,
        })
    }

    fn lockout_policy(&self) -> Checked<LockoutPolicy> {
        let default = LockoutPolicy::default();
        let failures = self.lockout_failures.unwrap_or(default.failures);
        if failures > LOCKOUT_FAILURES_MAX {
            let problem = format!("{failures} is not 0 (never) to {LOCKOUT_FAILURES_MAX}");
            return wrong("order_entry.lockout_failures", problem);
        }
        // Who is locked out for longer than a day calls the operator.
        let time = match self.lockout.as_deref().map(milliseconds) {
            None => default.time,
            Some(Ok(0)) => return wrong("order_entry.lockout", "must be above 0"),
            Some(Ok(ms)) => Duration::from_millis(ms.into()),
            Some(Err(problem)) => return wrong("order_entry.lockout", problem),
        };
        Ok(LockoutPolicy { failures, time })
    }

    fn caps(&self) -> Checked<Caps> {
        let total = cap("connections_max", self.connections_max, CONNECTIONS_MAX, CONNECTIONS_MAX)?;
        let default = Caps::of(total);
        Ok(Caps {
            connections_max: total,
            per_address_max: cap("per_address_max", self.per_address_max, default.per_address_max, total)?,
            // A tenth stays for those who have logged in: more would be cut down to that without a word.
            unauthenticated_max: cap(
                "unauthenticated_max",
                self.unauthenticated_max,
                default.unauthenticated_max,
                default.unauthenticated_max,
            )?,
        })
    }
}

impl RawTls {
    fn checked(self) -> Checked<TlsEntry> {
        let RawTls { listen, certificate, key, client_ca } = self;
        let listen = address("order_entry.tls.listen", Some(listen), "")?;
        Ok(TlsEntry { listen, files: TlsFiles { certificate, key, client_ca } })
    }
}

fn cap(key: &str, value: Option<usize>, default: usize, most: usize) -> Checked<usize> {
    match value.unwrap_or(default) {
        value if (1..=most).contains(&value) => Ok(value),
        value => wrong(format!("order_entry.{key}"), format!("{value} is not 1 to {most}")),
    }
}

fn unix(path: PathBuf) -> Checked<PathBuf> {
    match path.as_os_str().is_empty() {
        true => wrong("order_entry.unix", "is empty; give the path of a socket"),
        false => Ok(path),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, ConfigError};

    const TLS: &str =
        "[order_entry.tls]\nlisten = \"127.0.0.1:0\"\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n";

    fn parse(order_entry: &str) -> Result<Config, ConfigError> {
        Config::parse("test", &format!("[order_entry]\n{order_entry}\n"))
    }

    #[test]
    fn plaintext_is_the_default_and_with_tls_only_where_it_is_asked_for() {
        let config = parse("").unwrap();
        assert_eq!(config.order_entry.listen.unwrap().port(), 9001);
        assert!(parse("unix = \"oe.sock\"").unwrap().order_entry.listen.is_some());
        let config = parse(TLS).unwrap();
        assert!(config.order_entry.listen.is_none() && config.order_entry.tls.is_some());
        let config = parse(&format!("listen = \"127.0.0.1:7\"\n{TLS}")).unwrap();
        assert_eq!(config.order_entry.listen.unwrap().port(), 7);
    }

    #[test]
    fn what_is_out_of_range_is_named_by_key() {
        let cases = [
            ("lockout_failures = 1001", "order_entry.lockout_failures"),
            ("lockout = \"0s\"", "order_entry.lockout"),
            ("lockout = \"2days\"", "order_entry.lockout"),
            ("connections_max = 0", "order_entry.connections_max"),
            ("connections_max = 10001", "order_entry.connections_max"),
            ("connections_max = 10\nper_address_max = 11", "order_entry.per_address_max"),
            ("connections_max = 10\nunauthenticated_max = 0", "order_entry.unauthenticated_max"),
            ("connections_max = 50\nunauthenticated_max = 46", "order_entry.unauthenticated_max"),
            ("unix = \"\"", "order_entry.unix"),
            ("[order_entry.tls]\nlisten = \"x\"\ncertificate = \"c\"\nkey = \"k\"", "order_entry.tls.listen"),
        ];
        for (text, key) in cases {
            assert_eq!(parse(text).unwrap_err().key, key, "{text}");
        }
        assert!(parse(&format!("{TLS}client_cas = \"c\"")).unwrap_err().problem.contains("client_cas"));
    }

    #[test]
    fn the_caps_follow_the_total() {
        let caps = parse("connections_max = 50").unwrap().order_entry.caps;
        assert_eq!((caps.connections_max, caps.per_address_max, caps.unauthenticated_max), (50, 50, 45));
    }
}
