//! Lines → commands. Words only; nothing here knows what a command does.

use ringside_domain::limits::ORDERS_MAX_DEFAULT;
use ringside_domain::{Action, Command, LoginId, TimeNs};
use thiserror::Error;

use super::parse_client::client_action;
use super::words::{Parsed, Words, nanoseconds, wrong};
use super::{Expected, Names, Scenario, Step};

/// A line that is not a command.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("line {line}: {found:?}, expected {expected}")]
pub struct ParseError {
    /// 1-based line.
    pub line: usize,
    /// What is there.
    pub found: String,
    /// What should be there.
    pub expected: &'static str,
}

/// What the lines so far say about the ones to come.
struct Parser {
    scenario: Scenario,
    /// Time of the next command.
    time_ns: TimeNs,
    public: bool,
}

pub(super) fn parse(text: &str) -> Result<Scenario, ParseError> {
    let scenario = Scenario { orders_max: ORDERS_MAX_DEFAULT, names: Names::default(), steps: Vec::new() };
    let mut parser = Parser { scenario, time_ns: 1, public: false };
    for (index, raw) in text.lines().enumerate() {
        let content = without_comment(raw).trim();
        let line = index + 1;
        if !content.is_empty() {
            let wrong = |(found, expected)| ParseError { line, found, expected };
            parser.read(line, content).map_err(wrong)?;
        }
    }
    Ok(parser.scenario)
}

/// A comment starts at a hash that starts a word.
fn without_comment(line: &str) -> &str {
    let starts_word = |at: usize| line[..at].chars().next_back().is_none_or(char::is_whitespace);
    let comment = line.match_indices('#').map(|(at, _)| at).find(|at| starts_word(*at));
    comment.map_or(line, |at| &line[..at])
}

impl Parser {
    fn read(&mut self, line: usize, content: &str) -> Parsed<()> {
        if let Some(event) = content.strip_prefix('>') {
            return self.expect(line, event);
        }
        let mut words = Words::new(content);
        if words.next_is("orders-max") {
            self.scenario.orders_max = words.number("a number of orders")?;
        } else if words.next_is("at") {
            self.time_ns = nanoseconds(words.next("a time")?)?;
        } else if words.next_is("public") {
            self.public = words.next_is("on");
            if !self.public {
                words.must_be("off")?;
            }
        } else {
            let command = self.scenario.names.command(&mut words)?;
            self.push(line, content, command);
        }
        words.end()
    }

    fn push(&mut self, line: usize, content: &str, command: Command) {
        let (time_ns, public, expected) = (self.time_ns, self.public, Vec::new());
        let text = content.to_owned();
        self.scenario.steps.push(Step { line, text, time_ns, command, public, expected });
        self.time_ns = time_ns.saturating_add(1);
    }

    fn expect(&mut self, line: usize, event: &str) -> Parsed<()> {
        let text = event.split_whitespace().collect::<Vec<_>>().join(" ");
        let step = self.scenario.steps.last_mut().ok_or((text.clone(), "a command above its events"))?;
        step.expected.push(Expected { line, text });
        Ok(())
    }
}

impl Names {
    fn command(&mut self, words: &mut Words<'_>) -> Parsed<Command> {
        let first = words.next("a command")?;
        if let Some(action) = self.configuration(first, words)? {
            return Ok(Command { login: LoginId::VENUE, action });
        }
        if let Some(action) = self.venue_action(first, words)? {
            return Ok(Command { login: LoginId::VENUE, action });
        }
        let login = self.login(first).ok_or_else(|| wrong(first, "a login named before"))?;
        Ok(Command { login, action: client_action(words)? })
    }

    /// Instruments and logins that come, change and go, and what the machine does.
    fn configuration(&mut self, first: &str, words: &mut Words<'_>) -> Parsed<Option<Action>> {
        Ok(Some(match first {
            "instrument" => Action::AddInstrument(self.instrument_terms(words, true)?),
            "login" => Action::AddLogin(self.login_terms(words, true)?),
            "change" if words.next_is("instrument") => {
                Action::ChangeInstrument(self.instrument_terms(words, false)?)
            }
            "change" if words.next_is("login") => Action::ChangeLogin(self.login_terms(words, false)?),
            "remove" if words.next_is("instrument") => {
                Action::RemoveInstrument(self.known_instrument(words)?)
            }
            "remove" if words.next_is("login") => Action::RemoveLogin(self.known_login(words)?),
            "storage" if words.next_is("full") => Action::StorageFull(true),
            "storage" if words.next_is("free") => Action::StorageFull(false),
            "session" => Action::StartSession(words.number("a session number")?),
            _ => return Ok(None),
        }))
    }
}

/// First words of lines that are no client's command: a login of this name goes by its number.
pub(super) const KEYWORDS: [&str; 26] = [
    "orders-max",
    "at",
    "public",
    "instrument",
    "login",
    "change",
    "remove",
    "storage",
    "session",
    "tick",
    "seed",
    "key",
    "state",
    "uncross",
    "end-of-day",
    "roll-session",
    "limits",
    "restrict",
    "allow",
    "kill",
    "unkill",
    "cancel-orders",
    "deposit",
    "withdraw",
    "bust",
    "market",
];
