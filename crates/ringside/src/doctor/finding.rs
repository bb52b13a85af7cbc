//! What a check has found: one line for a person, one object for a script.

use std::fmt;

use serde_json::{Value, json};

/// How it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// As it should be.
    Ok,
    /// Costs latency, or may do so one day; what the configuration asks for works.
    Warn,
    /// The configuration relies on it, or a promise does.
    Fix,
    /// The host does not tell. Never taken for good.
    Unknown,
}

impl Status {
    /// Name in the table and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Warn => "warn",
            Status::Fix => "fix",
            Status::Unknown => "unknown",
        }
    }
}

/// One check's answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Name of the check, a word.
    pub check: &'static str,
    /// How it stands.
    pub status: Status,
    /// What was found.
    pub value: String,
    /// Why it matters; empty when all is well.
    pub why: String,
    /// What to run or to write; empty when there is nothing.
    pub command: String,
}

impl Finding {
    /// All is well.
    pub fn ok(check: &'static str, value: impl Into<String>) -> Self {
        let (why, command) = (String::new(), String::new());
        Finding { check, status: Status::Ok, value: value.into(), why, command }
    }

    /// The host does not tell.
    pub fn unknown(check: &'static str, why: impl Into<String>) -> Self {
        let (value, command) = (String::new(), String::new());
        Finding { check, status: Status::Unknown, value, why: why.into(), command }
    }

    /// Something to do.
    pub fn bad(
        check: &'static str,
        status: Status,
        value: impl Into<String>,
        why: impl Into<String>,
        command: impl Into<String>,
    ) -> Self {
        Finding { check, status, value: value.into(), why: why.into(), command: command.into() }
    }

    /// `{check,status,value,why,command}`
    pub fn json(&self) -> Value {
        json!({
            "check": self.check,
            "status": self.status.name(),
            "value": self.value,
            "why": self.why,
            "command": self.command,
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<8}{:<15}", self.status.name(), self.check)?;
        let parts = [&self.value, &self.why].into_iter().filter(|part| !part.is_empty());
        write!(f, "{}", parts.map(String::as_str).collect::<Vec<_>>().join(": "))?;
        if !self.command.is_empty() {
            write!(f, " -> {}", self.command)?;
        }
        Ok(())
    }
}
