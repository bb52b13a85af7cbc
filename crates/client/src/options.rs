//! Who logs in, and how patient a client is.

use std::fmt;
use std::time::Duration;

use ringside_domain::{Text, Username};

use crate::error::CredentialsError;

/// Username and password of a login, as the wire carries them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// At most 6 bytes, case-sensitive.
    pub username: Username,
    /// At most 10 bytes, case-sensitive. Never shown by `Debug`.
    pub password: Text<10>,
}

impl Credentials {
    /// Credentials that fit their fields; anything longer, or not printable ASCII, could never log in.
    pub fn new(username: &str, password: &str) -> Result<Self, CredentialsError> {
        let username = Username::new(username)
            .filter(|name| !name.is_blank())
            .ok_or_else(|| CredentialsError::Username { found: username.to_owned() })?;
        let password = Text::new(password).ok_or(CredentialsError::Password { length: password.len() })?;
        Ok(Credentials { username, password })
    }
}

// By hand, so that no log line ever holds a password.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = format_args!("(hidden)");
        f.debug_struct("Credentials").field("username", &self.username).field("password", &hidden).finish()
    }
}

/// Patience of one connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClientOptions {
    /// For the TCP connection, per address tried.
    pub connect_timeout: Duration,
    /// For the answer to the login request.
    pub login_timeout: Duration,
    /// A heartbeat goes out after this long without any other byte.
    pub heartbeat: Duration,
    /// The link is dead after this long without a byte.
    pub silence: Duration,
}

impl Default for ClientOptions {
    /// SoupBinTCP 3.00: heartbeat after 1 s, dead after 15 s. The waits for connection and login are ours.
    fn default() -> Self {
        ClientOptions {
            connect_timeout: Duration::from_secs(5),
            login_timeout: Duration::from_secs(10),
            heartbeat: Duration::from_secs(1),
            silence: Duration::from_secs(15),
        }
    }
}

/// What a session does with unacknowledged requests once it has a new connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum AfterLoss {
    /// Sends them again: what was taken the first time is answered by silence.
    #[default]
    SendAgain,
    /// Sends nothing but a question, and tells the caller of each one what became of it
    /// ([`crate::Session::take_resolved`]).
    Ask,
}

/// Limits of a [`crate::Session`]; a [`crate::Driver`] takes them too, but for what its caller does: opening connections
/// (`client.connect_timeout`) and giving up (`attempts_max`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionOptions {
    /// Patience of each of its connections.
    pub client: ClientOptions,
    /// Most requests that may wait for an acknowledgement. Fences do not count.
    pub requests_max: usize,
    /// What happens to unacknowledged requests after a lost link.
    pub after_loss: AfterLoss,
    /// Attempts to connect again before giving up.
    pub attempts_max: u32,
    /// Longest wait before the first attempt; doubles with every attempt.
    pub backoff_base: Duration,
    /// Longest wait before any attempt.
    pub backoff_max: Duration,
    /// Seed of the jitter: clients with different seeds do not come back in step.
    pub seed: u64,
}

impl Default for SessionOptions {
    /// 65,536 requests; 12 attempts within 50 ms, 100 ms, ... 5 s: 13 s on average, 27 s at most.
    fn default() -> Self {
        SessionOptions {
            client: ClientOptions::default(),
            requests_max: 65_536,
            after_loss: AfterLoss::SendAgain,
            attempts_max: 12,
            backoff_base: Duration::from_millis(50),
            backoff_max: Duration::from_secs(5),
            seed: u64::from(std::process::id()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_that_do_not_fit_their_fields_are_refused() {
        assert!(Credentials::new("ALICE", "pw-alice").is_ok());
        assert!(matches!(Credentials::new("TOOLONG", "x"), Err(CredentialsError::Username { .. })));
        assert!(matches!(Credentials::new("", "x"), Err(CredentialsError::Username { .. })));
        assert!(matches!(
            Credentials::new("A", "elevenchars"),
            Err(CredentialsError::Password { length: 11 })
        ));
    }

    #[test]
    fn a_password_is_never_shown() {
        let shown = format!("{:?}", Credentials::new("ALICE", "pw-alice").unwrap());
        assert!(shown.contains("ALICE") && !shown.contains("pw-alice"), "{shown}");
    }
}
