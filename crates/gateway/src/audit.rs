//! One line in the log for every attempt to log in. Never a password, nor anything made of one.

use ringside_domain::Username;
use tracing::{info, warn};

use crate::origin::Peer;
use crate::transport::TransportKind;

/// Target of these lines: they are written whatever the log level is.
pub const TARGET: &str = "ringside_audit";

/// Somebody who tried to log in.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// Name sent.
    pub username: Username,
    /// Where from.
    pub peer: Peer,
    /// Over what.
    pub transport: TransportKind,
}

/// Why somebody was not let in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    /// No such user, or another password: the log does not tell which either.
    Credentials,
    /// The right password over a connection without the login's certificate.
    Certificate,
    /// No such session, or a sequence beyond its end.
    Session,
    /// Too many failures before.
    LockedOut,
    /// Too many checks under way.
    Busy,
    /// The password was right, but the connection had ended by then.
    Gone,
}

impl Refusal {
    const fn name(self) -> &'static str {
        match self {
            Refusal::Credentials => "credentials",
            Refusal::Certificate => "certificate",
            Refusal::Session => "session",
            Refusal::LockedOut => "locked_out",
            Refusal::Busy => "busy",
            Refusal::Gone => "gone",
        }
    }
}

impl Attempt {
    /// At most six bytes, each as itself or as an escape of four characters.
    fn username(&self) -> String {
        self.username.trimmed().escape_ascii().to_string()
    }

    pub(crate) fn accepted(self, sequence: u64) {
        info!(
            target: TARGET, event = "login", username = self.username(), address = %self.peer,
            transport = self.transport.name(), outcome = "accepted", sequence, "login accepted"
        );
    }

    pub(crate) fn refused(self, refusal: Refusal) {
        info!(
            target: TARGET, event = "login", username = self.username(), address = %self.peer,
            transport = self.transport.name(), outcome = "rejected", reason = refusal.name(), "login rejected"
        );
    }

    pub(crate) fn locked_out(self, seconds: f64) {
        warn!(
            target: TARGET, event = "lockout", username = self.username(), address = %self.peer,
            transport = self.transport.name(), seconds, "too many failed logins: locked out for this address"
        );
    }
}
