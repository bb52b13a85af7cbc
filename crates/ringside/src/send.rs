//! `ringside send`: an order-flow file to a running venue, its fills back.
//!
//! Commands are pipelined: at most `--window` of them are unanswered. Many a command is answered by silence (a
//! cancel of a dead order), so nothing waits for an answer per command: a fence is sent every half window, and
//! its answer proves that everything before it was taken ([`Session::fence`]). With `--rate` every command has
//! an intended time, counted from the start; one that is late is sent at once, and the next ones keep theirs.
//!
//! The login may have a past: only new messages are asked for, and the flow's UserRefNums go on behind the last
//! one that the venue knows. A lost link is mended by the session; the fills stay complete.
//!
//! A row `uncross` is the operator's: it waits until everything before it is answered, then goes to the admin port.
//!
//! Refuses to know: books, what should have traded. It reports what the venue says.

mod answers;
mod fills;
mod pace;
mod source;
mod target;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use ringside_client::{
    Credentials, CredentialsError, Message, Session, SessionError, SessionOptions, TlsError,
};
use ringside_domain::Symbol;
use ringside_sim::flow::FlowError;
use ringside_wire::ouch::{AccountQuery, Malformed, Reply, Request, Tags, decode_reply};
use serde_json::json;
use thiserror::Error;

use answers::Answers;
use fills::FillsFile;
use pace::Pace;
use source::{Source, Step};
use target::TlsArgs;

use crate::admin::{Operator, OperatorError};

/// Commands sent before answers are looked at.
const TURN_COMMANDS: usize = 256;
/// Longest wait for an answer before the clock is looked at.
const WAIT: Duration = Duration::from_millis(100);
/// The kernel's socket timeouts may be late by as much; shorter waits are slept.
const WAIT_LATE: Duration = Duration::from_millis(10);
/// Longest sleep between two looks at the socket.
const SLEEP: Duration = Duration::from_micros(500);
/// A venue that keeps the link alive but answers nothing for this long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends an order-flow file to a venue.
#[derive(clap::Args, Debug)]
pub struct SendArgs {
    /// Order entry address of the venue: HOST:PORT, or unix:PATH
    #[arg(long, value_name = "ADDR")]
    to: String,
    #[command(flatten)]
    tls: TlsArgs,
    /// Login name
    #[arg(long)]
    username: String,
    /// Password of the login
    #[arg(long)]
    password: Password,
    /// Commands per second, by intended send times [default: as fast as the window allows]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    rate: Option<u64>,
    /// Most commands without an answer
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(1..=65_536))]
    window: u64,
    /// Writes every match to this file: taker_order_id,maker_order_id,price,quantity
    #[arg(long, value_name = "FILE")]
    fills: Option<PathBuf>,
    /// Admin address of the venue, for flows with uncross rows
    #[arg(long, value_name = "ADDR")]
    admin: Option<String>,
    /// Token of `[admin]` in the venue's configuration [default: $RINGSIDE_ADMIN_TOKEN]
    #[arg(long, requires = "admin")]
    token: Option<Password>,
    /// Order-flow file, unzipped when its name ends in .gz; - reads plain CSV from standard input
    #[arg(value_name = "FLOW.csv[.gz]|-")]
    flow: PathBuf,
}

/// A password that `Debug` does not show.
#[derive(Clone)]
struct Password(String);

impl From<String> for Password {
    fn from(password: String) -> Self {
        Password(password)
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hidden)")
    }
}

/// Why a flow was not sent, or not to its end. One line each.
#[derive(Debug, Error)]
pub enum SendError {
    /// Username or password that no login can have.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// A certificate, a key or a name that cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// TLS where there is none.
    #[error("--to {to}: --tls is for HOST:PORT")]
    NoTls {
        /// The venue.
        to: String,
    },
    /// The flow can not be read on. Commands before that line may have been sent.
    #[error("{flow}: {source}")]
    Flow {
        /// The file.
        flow: String,
        /// What is wrong with it.
        source: FlowError,
    },
    /// No connection, or none any more.
    #[error("{to}: {source}")]
    Session {
        /// The venue.
        to: String,
        /// What the session said.
        source: SessionError,
    },
    /// A message that is no OUCH reply.
    #[error("{to}: message {sequence}: {source}")]
    Reply {
        /// The venue.
        to: String,
        /// Number of the message.
        sequence: u64,
        /// What is wrong with it.
        source: Malformed,
    },
    /// The venue closed the session.
    #[error("{to}: the session ended after {sent} commands, {unanswered} of them unanswered")]
    SessionEnded {
        /// The venue.
        to: String,
        /// Commands sent.
        sent: u64,
        /// Commands without an answer.
        unanswered: u64,
    },
    /// The venue lives, but does not answer.
    #[error("{to}: no answer for {} s, {unanswered} commands unanswered", PATIENCE.as_secs())]
    Stalled {
        /// The venue.
        to: String,
        /// Commands without an answer.
        unanswered: u64,
    },
    /// The login's UserRefNums are used up.
    #[error("line {line}: the login has no UserRefNum left, its last one before the flow was {last}")]
    UserRefNumsUsedUp {
        /// 1-based line of the flow.
        line: u64,
        /// Last UserRefNum before the flow.
        last: u32,
    },
    /// The operator's command was not carried out.
    #[error("uncross {symbol}: {problem}")]
    Uncross {
        /// Of which instrument.
        symbol: Symbol,
        /// What the venue said.
        problem: String,
    },
    /// No answer from the admin port.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The fills can not be written.
    #[error("{path}: {source}")]
    Fills {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The summary can not be written.
    #[error("standard output: {0}")]
    Output(io::Error),
}

impl SendError {
    /// Exit code of the process: 2 for what is wrong with the command line or the flow, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            SendError::Credentials(_) | SendError::Flow { .. } => 2,
            SendError::Tls(_) | SendError::NoTls { .. } => 2,
            SendError::Operator(OperatorError::NoToken) => 2,
            _ => 1,
        }
    }
}

/// Sends the flow, waits for the last answer, prints the summary.
pub fn run(args: SendArgs) -> Result<(), SendError> {
    let credentials = Credentials::new(&args.username, &args.password.0)?;
    let mut source = Source::open(&args.flow)?;
    let token = args.token.as_ref().map(|token| token.0.as_str());
    let operator = args.admin.as_deref().map(|admin| Operator::new(admin, token)).transpose()?;
    if operator.is_some() {
        source.allow_operator();
    }
    let mut sender = Sender::connect(&args, &credentials, source)?;
    sender.operator = operator;
    let start = Instant::now();
    sender.pace = Pace::new(start, args.rate);
    let sent = sender.send_all();
    sender.bar.finish_and_clear();
    sent?;
    let seconds = start.elapsed().as_secs_f64();
    sender.finish(seconds)
}

/// A flow on its way.
struct Sender {
    to: String,
    session: Session,
    source: Source,
    answers: Answers,
    fills: Option<FillsFile>,
    pace: Pace,
    bar: ProgressBar,
    window: usize,
    sent: u64,
    /// Commands behind the last fence.
    unfenced: usize,
    operator: Option<Operator>,
    /// Ends a call once everything before is answered; nothing is sent until then.
    uncross: Option<Symbol>,
    /// The flow is sent, and a fence behind it.
    is_sent: bool,
    /// The last moment when no fence was out, or an answer came.
    answered_at: Instant,
}

impl Sender {
    fn connect(args: &SendArgs, credentials: &Credentials, source: Source) -> Result<Sender, SendError> {
        // Cannot truncate because the argument is at most 65,536.
        let window = args.window as usize;
        let to = args.to.clone();
        let failed = |source| SendError::Session { to: args.to.clone(), source };
        // Room for the account query below, whatever the window.
        let options = SessionOptions { requests_max: window + 1, ..SessionOptions::default() };
        let session =
            Session::connect(args.tls.address(&to)?, credentials, None, 0, options).map_err(failed)?;
        let fills = args.fills.as_deref().map(FillsFile::create).transpose()?;
        let mut sender = Sender {
            to,
            session,
            source,
            answers: Answers::default(),
            fills,
            pace: Pace::new(Instant::now(), None),
            bar: progress_bar(args),
            window,
            sent: 0,
            unfenced: 0,
            operator: None,
            uncross: None,
            is_sent: false,
            answered_at: Instant::now(),
        };
        sender.go_on_behind_the_past()?;
        Ok(sender)
    }

    /// Asks for the login's next UserRefNum: the flow's first order gets it.
    fn go_on_behind_the_past(&mut self) -> Result<(), SendError> {
        let query = Request::AccountQuery(AccountQuery { tags: Tags::EMPTY });
        self.session.send(&query).map_err(|source| failed(&self.to, source))?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let message = self.session.recv(WAIT).map_err(|source| failed(&self.to, source))?;
            let Some(message) = message else { continue };
            if let Reply::AccountQueryResponse(answer) = reply(&self.to, message)?
                && Reply::AccountQueryResponse(answer).user_ref_idx() == 0
            {
                self.source.start_behind(answer.next_user_ref_num.saturating_sub(1));
                return Ok(());
            }
        }
        Err(SendError::Stalled { to: self.to.clone(), unanswered: 1 })
    }

    fn send_all(&mut self) -> Result<(), SendError> {
        loop {
            let sent = self.send_due()?;
            let answered = self.receive()?;
            if self.is_settled() {
                match self.uncross.take() {
                    Some(symbol) => self.uncross(symbol)?,
                    None if self.is_sent => return Ok(()),
                    None => {}
                }
            }
            if !sent && !answered {
                self.wait()?;
            }
            self.check_patience()?;
        }
    }

    /// Sends what is due and fits the window. True: something was sent.
    fn send_due(&mut self) -> Result<bool, SendError> {
        let before = self.sent;
        for _ in 0..TURN_COMMANDS {
            if !self.may_send() || !self.pace.until(self.sent).is_zero() {
                break;
            }
            self.send_next()?;
        }
        self.session.flush().map_err(|source| failed(&self.to, source))?;
        self.bar.set_position(self.sent);
        Ok(self.sent > before)
    }

    fn send_next(&mut self) -> Result<(), SendError> {
        match self.source.next_step()? {
            None => self.is_sent = true,
            Some(Step::Uncross(symbol)) => self.uncross = Some(symbol),
            Some(Step::Request(request)) => {
                self.session.send(&request).map_err(|source| failed(&self.to, source))?;
                self.sent += 1;
                self.unfenced += 1;
            }
        }
        // Half a window: while the answer to a fence travels, the other half is filled.
        if self.is_sent || self.uncross.is_some() || self.unfenced >= (self.window / 2).max(1) {
            self.session.fence().map_err(|source| failed(&self.to, source))?;
            self.unfenced = 0;
        }
        Ok(())
    }

    /// Takes what is here. True: something was.
    fn receive(&mut self) -> Result<bool, SendError> {
        let mut any = false;
        while self.receive_within(Duration::ZERO)? {
            any = true;
        }
        Ok(any)
    }

    /// Takes one message. False: none in time.
    fn receive_within(&mut self, timeout: Duration) -> Result<bool, SendError> {
        let unanswered = self.session.unacknowledged() as u64;
        let message = self.session.recv(timeout).map_err(|source| failed(&self.to, source))?;
        let Some(message) = message else { return Ok(false) };
        if message == Message::EndOfSession {
            return Err(SendError::SessionEnded { to: self.to.clone(), sent: self.sent, unanswered });
        }
        self.answered_at = Instant::now();
        let fill = self.answers.take(&reply(&self.to, message)?, &self.source);
        if let (Some(fill), Some(fills)) = (fill, &mut self.fills) {
            let (taker, maker) = (self.source.order_id(fill.taker), self.source.order_id(fill.maker));
            fills.write(taker, maker, fill.price, fill.quantity)?;
        }
        Ok(true)
    }

    /// Waits for an answer, or for the next command's time.
    fn wait(&mut self) -> Result<(), SendError> {
        let until = if self.may_send() { self.pace.until(self.sent) } else { WAIT };
        if until > WAIT_LATE {
            self.receive_within((until - WAIT_LATE).min(WAIT)).map(drop)
        } else {
            sleep(until.min(SLEEP));
            Ok(())
        }
    }

    fn check_patience(&mut self) -> Result<(), SendError> {
        if self.session.fences() == 0 {
            self.answered_at = Instant::now();
        }
        if self.answered_at.elapsed() < PATIENCE {
            return Ok(());
        }
        Err(SendError::Stalled { to: self.to.clone(), unanswered: self.unanswered() as u64 })
    }

    /// Ends a call. What it causes comes over the session like everything else.
    fn uncross(&mut self, symbol: Symbol) -> Result<(), SendError> {
        let operator = self.operator.as_ref().expect("Invariant: the source gives no such step without");
        let body = json!({"command": "uncross", "symbol": symbol.as_str()}).to_string();
        let answer = operator.post(&body)?;
        if !answer.is_done() {
            let problem = answer.body["error"].as_str().unwrap_or("no reason given").to_owned();
            return Err(SendError::Uncross { symbol, problem });
        }
        self.sent += 1;
        // The fills of the auction are in the stream before the answer to this.
        self.session.fence().map_err(|source| failed(&self.to, source))
    }

    /// Nothing is under way.
    fn is_settled(&self) -> bool {
        self.unanswered() == 0 && self.session.fences() == 0
    }

    fn may_send(&self) -> bool {
        !self.is_sent && self.uncross.is_none() && self.unanswered() < self.window
    }

    fn unanswered(&self) -> usize {
        self.session.unacknowledged()
    }

    /// Everything is answered: says so.
    fn finish(mut self, seconds: f64) -> Result<(), SendError> {
        self.answers.finish();
        self.fills.take().map(FillsFile::finish).transpose()?;
        let mut summary = self.answers.summary();
        summary["sent"] = self.sent.into();
        summary["seconds"] = seconds.into();
        // Saturates, never negative; a flow of nothing in no time is no rate.
        summary["commands_per_s"] = ((self.sent as f64 / seconds.max(1e-9)) as u64).into();
        summary["reconnects"] = self.session.reconnects().into();
        // Everything was answered: a link that breaks only now takes nothing along.
        let _ = self.session.logout();
        writeln!(io::stdout(), "{summary}").map_err(SendError::Output)
    }
}

fn failed(to: &str, source: SessionError) -> SendError {
    SendError::Session { to: to.to_owned(), source }
}

fn reply<'a>(to: &str, message: Message<'a>) -> Result<Reply<'a>, SendError> {
    match message {
        Message::Sequenced { sequence, payload } => {
            decode_reply(payload).map_err(|source| SendError::Reply { to: to.to_owned(), sequence, source })
        }
        Message::EndOfSession => Err(SendError::SessionEnded { to: to.to_owned(), sent: 0, unanswered: 0 }),
    }
}

/// A bar on a terminal, nothing elsewhere. Its length takes a first pass over the file.
fn progress_bar(args: &SendArgs) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    match Source::count(&args.flow) {
        Some(commands) => ProgressBar::new(commands).with_style(style(
            "{elapsed_precise} [{wide_bar}] {human_pos}/{human_len} commands, {per_sec}, {eta} left",
        )),
        None => ProgressBar::new_spinner()
            .with_style(style("{elapsed_precise} {spinner} {human_pos} commands, {per_sec}")),
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
