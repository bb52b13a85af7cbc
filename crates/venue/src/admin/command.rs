//! The operator's commands as JSON, and what they mean to the venue.

use ringside_domain::{
    Account, Action, AuctionKind, CancelOrders, InstrumentId, InstrumentTerms, Kill, MarketState,
    MatchNumber, Reason, Restrict, Scope, SetLimits, SetState, Symbol, Transfer,
};
use serde::Deserialize;
use thiserror::Error;

use super::directory::Directory;
use crate::config::{RawInstrument, RawLimits, ScopeName, scope_name, text};

/// Why a command was not sent.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum CommandError {
    /// It cannot be understood.
    #[error("{0}")]
    Malformed(String),
    /// It names something that is not there.
    #[error("{0}")]
    Unknown(String),
    /// It contradicts what is there.
    #[error("{0}")]
    Conflict(String),
}

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// Send this.
    Send(Action),
    /// Look the trade up, then break it.
    Bust(MatchNumber, u8),
}

/// `{"command": "...", ...}`
#[derive(Deserialize, Debug)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
enum RawCommand {
    SetState(RawSetState),
    Uncross { symbol: String },
    AddInstrument(RawInstrument),
    ChangeInstrument(RawInstrument),
    RemoveInstrument { symbol: String },
    SetLimits(RawLimits),
    Kill(RawTarget),
    Unkill(RawTarget),
    Restrict(RawTarget),
    Allow(RawTarget),
    CancelOrders(RawTarget),
    Bust { match_number: MatchNumber, reason: Option<RawBustReason> },
    Deposit(RawTransfer),
    Withdraw(RawTransfer),
    EndOfDay {},
    Tick {},
    Snapshot {},
    RollSession {},
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct RawSetState {
    symbol: String,
    state: RawState,
    reason: Option<String>,
    kind: Option<RawAuction>,
    #[serde(default)]
    call_ms: u32,
    #[serde(default)]
    random_ms: u32,
}

#[derive(Deserialize, Clone, Copy, Debug)]
#[serde(rename_all = "kebab-case")]
enum RawState {
    PreOpen,
    Auction,
    Continuous,
    Halted,
    CancelOnly,
    Closed,
}

#[derive(Deserialize, Clone, Copy, Debug)]
#[serde(rename_all = "kebab-case")]
enum RawAuction {
    Opening,
    Closing,
    Volatility,
}

#[derive(Deserialize, Clone, Copy, Debug)]
enum RawBustReason {
    #[serde(alias = "erroneous")]
    E,
    #[serde(alias = "consent")]
    C,
    #[serde(alias = "supervisory")]
    S,
    #[serde(alias = "external")]
    X,
}

#[derive(Deserialize, Clone, Copy, Debug)]
enum RawSide {
    #[serde(alias = "buy")]
    B,
    #[serde(alias = "sell")]
    S,
}

/// Whom or what a command is about: at most one of login, firm and account.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct RawTarget {
    login: Option<String>,
    firm: Option<String>,
    account: Option<String>,
    symbol: Option<String>,
    side: Option<RawSide>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct RawTransfer {
    account: String,
    asset: String,
    amount: u64,
}

/// Reads a request.
pub fn parse(body: &[u8], directory: &Directory) -> Result<Request, CommandError> {
    let raw: RawCommand =
        serde_json::from_slice(body).map_err(|error| CommandError::Malformed(error.to_string()))?;
    let action = match raw {
        RawCommand::SetState(raw) => Action::SetState(raw.checked(directory)?),
        RawCommand::Uncross { symbol } => Action::Uncross(instrument(directory, &symbol)?),
        RawCommand::AddInstrument(raw) => add_instrument(directory, &raw)?,
        RawCommand::ChangeInstrument(raw) => change_instrument(directory, &raw)?,
        RawCommand::RemoveInstrument { symbol } => Action::RemoveInstrument(instrument(directory, &symbol)?),
        RawCommand::SetLimits(raw) => set_limits(directory, &raw)?,
        RawCommand::Kill(raw) => Action::Kill(raw.kill(directory, true)?),
        RawCommand::Unkill(raw) => Action::Kill(raw.kill(directory, false)?),
        RawCommand::Restrict(raw) => Action::Restrict(raw.restrict(directory, true)?),
        RawCommand::Allow(raw) => Action::Restrict(raw.restrict(directory, false)?),
        RawCommand::CancelOrders(raw) => Action::CancelOrders(raw.cancel_orders(directory)?),
        RawCommand::Bust { match_number, reason } => {
            return Ok(Request::Bust(match_number, reason.unwrap_or(RawBustReason::S).letter()));
        }
        RawCommand::Deposit(raw) => Action::Deposit(raw.checked()?),
        RawCommand::Withdraw(raw) => Action::Withdraw(raw.checked()?),
        RawCommand::EndOfDay {} => Action::EndOfDay,
        RawCommand::Tick {} => Action::Tick,
        RawCommand::Snapshot {} => Action::Snapshot,
        RawCommand::RollSession {} => Action::RollSession,
    };
    Ok(Request::Send(action))
}

fn malformed((key, problem): (String, String)) -> CommandError {
    CommandError::Malformed(format!("{key}: {problem}"))
}

fn instrument(directory: &Directory, name: &str) -> Result<InstrumentId, CommandError> {
    let symbol: Symbol = text("symbol", name).map_err(malformed)?;
    directory.instrument(symbol).ok_or_else(|| CommandError::Unknown(format!("symbol: no instrument {name}")))
}

fn add_instrument(directory: &Directory, raw: &RawInstrument) -> Result<Action, CommandError> {
    let terms = raw.checked().map_err(malformed)?;
    match directory.any_instrument(terms.symbol) {
        None => {
            let instrument = directory.next_instrument();
            Ok(Action::AddInstrument(InstrumentTerms { instrument, ..terms }))
        }
        // Ids are never reused, but a symbol that comes back gets its old one.
        Some((instrument, false)) => Ok(Action::ChangeInstrument(InstrumentTerms { instrument, ..terms })),
        Some((_, true)) => Err(CommandError::Conflict(format!("{} is listed already", terms.symbol))),
    }
}

fn change_instrument(directory: &Directory, raw: &RawInstrument) -> Result<Action, CommandError> {
    let terms = raw.checked().map_err(malformed)?;
    let instrument = instrument(directory, terms.symbol.as_str())?;
    Ok(Action::ChangeInstrument(InstrumentTerms { instrument, ..terms }))
}

fn set_limits(directory: &Directory, raw: &RawLimits) -> Result<Action, CommandError> {
    let found = raw.checked().map_err(malformed)?;
    Ok(Action::SetLimits(SetLimits { scope: scope(directory, found.scope)?, limits: found.limits }))
}

fn scope(directory: &Directory, name: ScopeName) -> Result<Scope, CommandError> {
    directory.scope(name).ok_or_else(|| CommandError::Unknown(format!("no login is in {name}")))
}

impl RawSetState {
    fn checked(self, directory: &Directory) -> Result<SetState, CommandError> {
        let state = self.state.state();
        let wrong = |problem: &str| Err(CommandError::Malformed(problem.into()));
        if self.kind.is_some() && state != MarketState::Auction {
            return wrong("kind: only an auction has one");
        }
        if !state.is_call() && (self.call_ms, self.random_ms) != (0, 0) {
            return wrong("call_ms, random_ms: only a call ends by itself");
        }
        if self.call_ms == 0 && self.random_ms != 0 {
            return wrong("random_ms: needs call_ms");
        }
        Ok(SetState {
            instrument: instrument(directory, &self.symbol)?,
            state,
            auction: self.kind.unwrap_or(RawAuction::Opening).kind(),
            call_ns: u64::from(self.call_ms) * 1_000_000,
            random_ns: u64::from(self.random_ms) * 1_000_000,
            reason: reason(self.reason.as_deref().unwrap_or_default())?,
        })
    }
}

/// The first four letters: market data has no room for more.
fn reason(given: &str) -> Result<Reason, CommandError> {
    let wrong = || CommandError::Malformed(format!("reason: {given:?} is not printable ASCII"));
    if !given.is_ascii() {
        return Err(wrong());
    }
    Reason::new(&given[..given.len().min(4)]).ok_or_else(wrong)
}

impl RawState {
    fn state(self) -> MarketState {
        match self {
            RawState::PreOpen => MarketState::PreOpen,
            RawState::Auction => MarketState::Auction,
            RawState::Continuous => MarketState::Continuous,
            RawState::Halted => MarketState::Halted,
            RawState::CancelOnly => MarketState::CancelOnly,
            RawState::Closed => MarketState::Closed,
        }
    }
}

impl RawAuction {
    fn kind(self) -> AuctionKind {
        match self {
            RawAuction::Opening => AuctionKind::Opening,
            RawAuction::Closing => AuctionKind::Closing,
            RawAuction::Volatility => AuctionKind::Volatility,
        }
    }
}

impl RawBustReason {
    fn letter(self) -> u8 {
        match self {
            RawBustReason::E => b'E',
            RawBustReason::C => b'C',
            RawBustReason::S => b'S',
            RawBustReason::X => b'X',
        }
    }
}

impl RawTarget {
    /// The login, firm or account; `None` when none is given.
    fn scope(&self, directory: &Directory) -> Result<Option<Scope>, CommandError> {
        let given: Vec<String> = [("login", &self.login), ("firm", &self.firm), ("account", &self.account)]
            .into_iter()
            .filter_map(|(kind, name)| Some(format!("{kind}:{}", name.as_ref()?)))
            .collect();
        match &given[..] {
            [] => Ok(None),
            [one] => {
                scope(directory, scope_name("login, firm or account", one).map_err(malformed)?).map(Some)
            }
            _ => Err(CommandError::Malformed("login, firm, account: only one can be given".into())),
        }
    }

    fn instrument(&self, directory: &Directory) -> Result<Option<InstrumentId>, CommandError> {
        self.symbol.as_ref().map(|symbol| instrument(directory, symbol)).transpose()
    }

    fn without_side(&self) -> Result<(), CommandError> {
        match self.side {
            None => Ok(()),
            Some(_) => Err(CommandError::Malformed("side: only for cancel_orders".into())),
        }
    }

    fn kill(&self, directory: &Directory, killed: bool) -> Result<Kill, CommandError> {
        self.without_side()?;
        match (self.scope(directory)?, self.instrument(directory)?) {
            (Some(scope), None) => Ok(Kill { scope, killed }),
            (None, Some(instrument)) => Ok(Kill { scope: Scope::Instrument(instrument), killed }),
            _ => Err(CommandError::Malformed("exactly one of login, firm, account, symbol is needed".into())),
        }
    }

    fn restrict(&self, directory: &Directory, restricted: bool) -> Result<Restrict, CommandError> {
        self.without_side()?;
        match (self.scope(directory)?, self.instrument(directory)?) {
            (Some(scope), Some(instrument)) => Ok(Restrict { scope, instrument, restricted }),
            _ => Err(CommandError::Malformed("symbol and one of login, firm, account are needed".into())),
        }
    }

    fn cancel_orders(&self, directory: &Directory) -> Result<CancelOrders, CommandError> {
        let (scope, instrument) = match (self.scope(directory)?, self.instrument(directory)?) {
            (Some(scope), instrument) => (scope, instrument.unwrap_or_default()),
            (None, Some(instrument)) => (Scope::Instrument(instrument), InstrumentId::default()),
            (None, None) => {
                return Err(CommandError::Malformed("one of login, firm, account, symbol is needed".into()));
            }
        };
        let side = self.side.map_or(0, |side| match side {
            RawSide::B => b'B',
            RawSide::S => b'S',
        });
        Ok(CancelOrders { scope, instrument, side })
    }
}

impl RawTransfer {
    fn checked(&self) -> Result<Transfer, CommandError> {
        let account: Account = text("account", &self.account).map_err(malformed)?;
        Ok(Transfer { account, asset: text("asset", &self.asset).map_err(malformed)?, amount: self.amount })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::{boot, named::Named};
    use ringside_domain::{Event, Fact, Firm, LoginId, VenueRefusal};
    use ringside_engine::{Engine, Limits};

    fn directory() -> Directory {
        let text = "[[instrument]]\nsymbol = \"ESH4\"\ntick_size = \"0.25\"\n[[login]]\nusername = \"ALICE\"\n\
            password = \"x\"\nfirm = \"ALCE\"\n[[login]]\nusername = \"BOB\"\npassword = \"x\"\nfirm = \"BOBB\"\n\
            account = \"HOUSE\"\n";
        let config = Config::parse("test.toml", text).unwrap();
        let mut engine = Engine::new(Limits { orders_max: 10 });
        let commands = boot::reconcile_configuration(&engine, &config, &Named::Everything).unwrap();
        commands.iter().for_each(|command| engine.apply(1, command, &mut |_: Event| {}));
        Directory::new(&engine)
    }

    fn read(body: &str) -> Result<Request, CommandError> {
        parse(body.as_bytes(), &directory())
    }

    fn problem(body: &str) -> String {
        match read(body) {
            Err(CommandError::Malformed(problem)) => problem,
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn a_state_with_a_call_is_read() {
        let body = r#"{"command":"set_state","symbol":"ESH4","state":"auction","kind":"closing",
            "reason":"operator","call_ms":5000,"random_ms":1000}"#;
        let expected = SetState {
            instrument: InstrumentId(1),
            state: MarketState::Auction,
            auction: AuctionKind::Closing,
            call_ns: 5_000_000_000,
            random_ns: 1_000_000_000,
            reason: Reason::new("oper").unwrap(),
        };
        assert_eq!(read(body), Ok(Request::Send(Action::SetState(expected))));
    }

    #[test]
    fn scopes_are_found_by_name() {
        let kill = |scope| Ok(Request::Send(Action::Kill(Kill { scope, killed: true })));
        assert_eq!(read(r#"{"command":"kill","login":"BOB"}"#), kill(Scope::Login(LoginId(2))));
        assert_eq!(
            read(r#"{"command":"kill","firm":"ALCE"}"#),
            kill(Scope::Firm(Firm::new("ALCE").unwrap()))
        );
        assert_eq!(read(r#"{"command":"kill","symbol":"ESH4"}"#), kill(Scope::Instrument(InstrumentId(1))));
        for account in ["ALICE", "HOUSE"] {
            let body = format!(r#"{{"command":"kill","account":"{account}"}}"#);
            assert_eq!(read(&body), kill(Scope::Account(Account::new(account).unwrap())));
        }
        // BOB trades for HOUSE, so nobody trades for an account BOB.
        for body in [r#"{"command":"kill","account":"BOB"}"#, r#"{"command":"kill","login":"CAROL"}"#] {
            assert!(matches!(read(body), Err(CommandError::Unknown(_))), "{body}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(problem("{").contains("EOF"));
        assert!(problem(r#"{"symbol":"ESH4"}"#).contains("command"));
        assert!(problem(r#"{"command":"explode"}"#).contains("explode"));
        assert!(problem(r#"{"command":"uncross"}"#).contains("symbol"));
        assert!(problem(r#"{"command":"uncross","symbol":"ESH4","when":1}"#).contains("when"));
        assert!(problem(r#"{"command":"end_of_day","when":1}"#).contains("when"));
        assert!(problem(r#"{"command":"kill","login":"ALICE","force":true}"#).contains("force"));
        assert!(problem(r#"{"command":"kill","login":"ALICE","firm":"ALCE"}"#).contains("only one"));
        assert!(problem(r#"{"command":"kill"}"#).contains("needed"));
        assert!(problem(r#"{"command":"bust","match_number":-1}"#).contains("-1"));
        assert!(problem(r#"{"command":"bust","match_number":1,"reason":"Q"}"#).contains('Q'));
        assert!(
            problem(r#"{"command":"set_state","symbol":"ESH4","state":"halted","call_ms":5}"#)
                .contains("call_ms")
        );
        assert!(
            problem(r#"{"command":"add_instrument","symbol":"X","tick_size":"0.00001"}"#)
                .contains("tick_size")
        );
        assert!(problem(r#"{"command":"set_limits","scope":"ALICE"}"#).contains("scope"));
    }

    #[test]
    fn what_is_not_there_and_what_is_not_offered() {
        assert!(matches!(read(r#"{"command":"uncross","symbol":"NONE"}"#), Err(CommandError::Unknown(_))));
        assert_eq!(read(r#"{"command":"roll_session"}"#), Ok(Request::Send(Action::RollSession)));
        assert_eq!(read(r#"{"command":"snapshot"}"#), Ok(Request::Send(Action::Snapshot)));
        let twice = r#"{"command":"add_instrument","symbol":"ESH4","tick_size":"0.25"}"#;
        assert!(matches!(read(twice), Err(CommandError::Conflict(_))));
    }

    #[test]
    fn the_directory_follows_what_was_carried_out_and_nothing_else() {
        let mut directory = directory();
        let body = br#"{"command":"add_instrument","symbol":"NEW","tick_size":"0.01"}"#;
        let Ok(Request::Send(action)) = parse(body, &directory) else { panic!("a command") };
        let refused = Fact::Refused(VenueRefusal::Capacity);
        directory.learn(&action, &[Event { login: LoginId::VENUE, user_ref_idx: 0, fact: refused }]);
        let symbol = Symbol::new("NEW").unwrap();
        assert_eq!(directory.any_instrument(symbol), None);
        directory.learn(&action, &[]);
        assert_eq!(directory.instrument(symbol), Some(InstrumentId(2)));
        directory.learn(&Action::RemoveInstrument(InstrumentId(2)), &[]);
        assert_eq!(directory.any_instrument(symbol), Some((InstrumentId(2), false)));
        let Ok(Request::Send(Action::ChangeInstrument(terms))) = parse(body, &directory) else { panic!() };
        assert_eq!(terms.instrument, InstrumentId(2), "a symbol that comes back gets its old id");
    }
}
