//! `POST /command`, blocking: one request, one JSON answer.

use std::time::Duration;

use serde_json::Value;
use thiserror::Error;

/// A bust reads the whole journal first.
const PATIENCE: Duration = Duration::from_secs(150);
/// Where the token is when it is not on the command line, which other users of the machine can read.
const TOKEN_VARIABLE: &str = "RINGSIDE_ADMIN_TOKEN";

/// The way to a venue's admin port.
pub struct Operator {
    to: String,
    token: String,
    agent: ureq::Agent,
}

/// What the venue says.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `{"sequence": ..., "events": [...]}` or `{"error": ...}`.
    pub body: Value,
}

impl Answer {
    /// True when the command was carried out.
    pub fn is_done(&self) -> bool {
        self.status == 200
    }
}

/// Why there is no answer, or none that can be read.
#[derive(Debug, Error)]
pub enum OperatorError {
    /// Neither flag nor environment has a token.
    #[error("no token: give --token, or set {TOKEN_VARIABLE}")]
    NoToken,
    /// No connection, or it broke.
    #[error("{to}: {source}")]
    Http {
        /// The venue.
        to: String,
        /// What went wrong.
        source: Box<ureq::Error>,
    },
    /// Whoever listens there is no venue.
    #[error("{to}: HTTP status {status}, and not a JSON answer")]
    NotJson {
        /// The venue.
        to: String,
        /// HTTP status.
        status: u16,
    },
}

impl Operator {
    /// `token`: from the command line; otherwise the environment has it.
    pub fn new(to: &str, token: Option<&str>) -> Result<Operator, OperatorError> {
        let token = match token {
            Some(token) => token.to_owned(),
            None => std::env::var(TOKEN_VARIABLE).map_err(|_| OperatorError::NoToken)?,
        };
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .proxy(None)
            .build();
        Ok(Operator { to: to.to_owned(), token, agent: config.new_agent() })
    }

    /// Sends one command and waits for its answer.
    pub fn post(&self, body: &str) -> Result<Answer, OperatorError> {
        let failed = |source| OperatorError::Http { to: self.to.clone(), source: Box::new(source) };
        let mut response = self
            .agent
            .post(format!("http://{}/command", self.to))
            .header("Authorization", format!("Bearer {}", self.token))
            .header("Content-Type", "application/json")
            .send(body)
            .map_err(failed)?;
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string().map_err(failed)?;
        let body = serde_json::from_str(&text)
            .map_err(|_| OperatorError::NotJson { to: self.to.clone(), status })?;
        Ok(Answer { status, body })
    }
}
