//! A login's session without I/O, for programs with a poll loop of their own.
//!
//! The caller owns the socket, its readiness and the clock: bytes and moments go in, bytes to be written, messages and the time of
//! the next call come out. What happens to requests is the rule of [`crate::Session`].
//!
//! Invariant: every sequenced message is handed out exactly once, in order, whatever happens to the link.
//!
//! ```text
//! Down { connect_at } ──connected──▶ LoggingIn ──accepted──▶ Open ──End of Session──▶ Ended
//!          ▲                             │                    │
//!          └───────────── lost ──────────┴────────────────────┘
//! ```

use std::ops::Range;
use std::time::Instant;

use ringside_domain::Text;
use ringside_wire::ouch::Request;
use ringside_wire::soup::{LoginAccepted, LoginRequest, kind};

use crate::backoff::Backoff;
use crate::client::{Message, login_answer, login_request};
use crate::doubt::Resolved;
use crate::error::{ClientError, ConnectError, SessionError};
use crate::input::Input;
use crate::options::{Credentials, SessionOptions};
use crate::output::Output;
use crate::pending::Pending;
use crate::session::goes_on;

/// Where a driver stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DriverState {
    /// There is no connection. Open one at this time, and tell [`Driver::connected`]; drop the old socket.
    Down {
        /// Not before.
        connect_at: Instant,
    },
    /// The login was written, or waits to be.
    LoggingIn,
    /// Logged in.
    Open,
    /// The stream of the session is complete. [`Driver::begin_next`] goes on in the one that follows.
    Ended,
}

/// A session driven by its caller.
#[derive(Debug)]
pub struct Driver {
    credentials: Credentials,
    options: SessionOptions,
    state: DriverState,
    input: Input,
    output: Output,
    pending: Pending,
    backoff: Backoff,
    /// Attempts since the link was lost.
    attempt: u32,
    /// Joined, or asked for; blank: the present one.
    session: Text<10>,
    /// 0 = new messages only, before the first login.
    next_sequence: u64,
    received_at: Instant,
    sent_at: Instant,
    /// It has logged in to this session before.
    has_joined: bool,
}

impl Driver {
    /// A driver that wants a connection at once. `session` and `next_sequence` as for [`crate::Client::connect`].
    pub fn new(
        credentials: &Credentials,
        session: Option<&str>,
        next_sequence: u64,
        options: SessionOptions,
        now: Instant,
    ) -> Result<Driver, ConnectError> {
        let session = login_request(credentials, session, next_sequence)?.session;
        Ok(Driver {
            credentials: *credentials,
            options,
            state: DriverState::Down { connect_at: now },
            input: Input::new(),
            output: Output::default(),
            pending: Pending::new(options.requests_max, options.after_loss),
            backoff: Backoff::new(options.backoff_base, options.backoff_max, options.seed),
            attempt: 0,
            session,
            next_sequence,
            received_at: now,
            sent_at: now,
            has_joined: false,
        })
    }

    /// Where it stands.
    pub fn state(&self) -> DriverState {
        self.state
    }

    /// The SoupBinTCP session, blank before the first login.
    pub fn session(&self) -> &str {
        self.session.as_str()
    }

    /// Number of the next sequenced message, from 1.
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Requests that nothing acknowledges yet. Fences do not count.
    pub fn unacknowledged(&self) -> usize {
        self.pending.requests()
    }

    /// Fences that are not answered yet.
    pub fn fences(&self) -> usize {
        self.pending.fences()
    }

    /// Requests whose fate is not known yet after a lost link.
    pub fn doubtful(&self) -> usize {
        self.pending.doubtful()
    }

    /// The next request of which it is known what became of it, see [`crate::Session::take_resolved`].
    pub fn take_resolved(&mut self) -> Option<Resolved> {
        self.pending.take_resolved()
    }

    /// A new connection is open: the login is the first to be written to it.
    pub fn connected(&mut self, now: Instant) {
        (self.input, self.output) = (Input::new(), Output::default());
        (self.received_at, self.sent_at) = (now, now);
        self.state = DriverState::LoggingIn;
        self.output.put_login(&LoginRequest {
            username: self.credentials.username,
            password: self.credentials.password,
            session: self.session,
            sequence: Some(self.next_sequence),
        });
    }

    /// The connection could not be opened, or is lost: the next one after a wait that grows with every attempt.
    pub fn lost(&mut self, now: Instant) {
        if self.state != DriverState::Ended {
            let connect_at = now + self.backoff.wait(self.attempt);
            self.attempt = self.attempt.saturating_add(1);
            self.state = DriverState::Down { connect_at };
        }
    }

    /// Leaves a session that has ended, or that the venue does not have any more, for the present one, from its first message
    /// on: see [`crate::Session::begin_next`]. A new connection is wanted at once.
    pub fn begin_next(&mut self, now: Instant) {
        self.pending.begin_next(self.state == DriverState::Ended);
        (self.session, self.next_sequence) = (Text::BLANK, 1);
        (self.has_joined, self.attempt) = (false, 0);
        self.state = DriverState::Down { connect_at: now };
    }

    /// Where to read the next bytes of the socket into. Take all messages first ([`Driver::next_message`]).
    pub fn room(&mut self) -> &mut [u8] {
        self.input.room()
    }

    /// So many bytes were read into the room, at least one. A read of 0 bytes is [`Driver::lost`].
    pub fn filled(&mut self, length: usize, now: Instant) {
        self.input.filled(length);
        self.received_at = now;
    }

    /// Bytes to be written to the socket.
    pub fn outgoing(&self) -> &[u8] {
        if matches!(self.state, DriverState::Down { .. }) { &[] } else { self.output.waiting() }
    }

    /// So many of them were written.
    pub fn written(&mut self, length: usize, now: Instant) {
        self.output.sent(length);
        self.sent_at = now;
    }

    /// Finds out which answers are this program's own, before its first request: see [`crate::Session::catch_up`].
    pub fn catch_up(&mut self) -> Result<(), SessionError> {
        if self.state == DriverState::Ended {
            return Err(SessionError::Client(ClientError::Ended));
        }
        self.pending.catch_up()?;
        self.hand_over()
    }

    /// What comes may still be answers to an earlier program.
    pub fn is_catching_up(&self) -> bool {
        self.pending.is_catching_up()
    }

    /// Takes a request, to be written as soon as there is a login; limits as [`crate::Session::send`].
    pub fn send(&mut self, request: &Request<'_>) -> Result<(), SessionError> {
        if self.state == DriverState::Ended {
            return Err(SessionError::Client(ClientError::Ended));
        }
        self.pending.add(request)?;
        self.hand_over()
    }

    /// Takes an Account Query whose answer acknowledges everything sent before it.
    pub fn fence(&mut self) -> Result<(), SessionError> {
        if self.state == DriverState::Ended {
            return Err(SessionError::Client(ClientError::Ended));
        }
        self.pending.add_fence()?;
        self.hand_over()
    }

    /// When to call [`Driver::next_message`] even if no bytes have come: for a heartbeat, a dead link, or a new connection.
    /// `None`: never, the session has ended.
    pub fn wakes_at(&self) -> Option<Instant> {
        match self.state {
            DriverState::Down { connect_at } => Some(connect_at),
            DriverState::LoggingIn => Some(self.received_at + self.options.client.login_timeout),
            DriverState::Open => {
                let dead = self.dead_at();
                Some(self.heartbeat_at().map_or(dead, |at| at.min(dead)))
            }
            DriverState::Ended => None,
        }
    }

    /// The next message among the bytes that were read. `None`: there is none yet; look at [`Driver::state`], the link may be
    /// lost, and write what is [`Driver::outgoing`].
    ///
    /// # Errors
    /// A refused login, another session or sequence than asked for, bytes that are no packets: connecting again would not
    /// help. After a roll, [`Driver::begin_next`] does.
    pub fn next_message(&mut self, now: Instant) -> Result<Option<Message<'_>>, SessionError> {
        while let Some((kind, payload)) = self.take()? {
            match (self.state, kind) {
                (DriverState::LoggingIn, kind) => {
                    if let Some(accepted) = login_answer(kind, self.input.payload(payload))? {
                        self.log_in(&accepted)?;
                    }
                }
                (_, kind::SERVER_HEARTBEAT | kind::DEBUG) => {}
                (DriverState::Open, kind::SEQUENCED) => return Ok(Some(self.note(payload))),
                (DriverState::Open, kind::END_OF_SESSION) => {
                    self.state = DriverState::Ended;
                    return Ok(Some(Message::EndOfSession));
                }
                (_, kind) => return Err(SessionError::Client(ClientError::UnexpectedPacket { kind })),
            }
        }
        self.keep_alive(now);
        self.hand_over()?;
        Ok(None)
    }

    fn take(&mut self) -> Result<Option<(u8, Range<usize>)>, SessionError> {
        match self.state {
            DriverState::LoggingIn | DriverState::Open => {
                self.input.take().map_err(|error| SessionError::Client(ClientError::Frame(error)))
            }
            DriverState::Down { .. } | DriverState::Ended => Ok(None),
        }
    }

    fn log_in(&mut self, accepted: &LoginAccepted) -> Result<(), SessionError> {
        if self.has_joined {
            let stopped = (self.session.as_str(), self.next_sequence);
            goes_on(stopped, (accepted.session.as_str(), accepted.sequence))?;
            self.pending.go_on()?;
        }
        (self.session, self.next_sequence) = (accepted.session, accepted.sequence);
        (self.state, self.attempt) = (DriverState::Open, 0);
        self.has_joined = true;
        Ok(())
    }

    /// Counts a message and takes its acknowledgement.
    fn note(&mut self, payload: Range<usize>) -> Message<'_> {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let payload = self.input.payload(payload);
        self.pending.acknowledge(payload);
        Message::Sequenced { sequence, payload }
    }

    /// Moves requests to the bytes to be written while there is room.
    fn hand_over(&mut self) -> Result<(), SessionError> {
        if self.state != DriverState::Open {
            return Ok(());
        }
        let output = &mut self.output;
        self.pending.hand_over(|bytes| output.put_payload(bytes)).map_err(SessionError::Client)?;
        Ok(())
    }

    /// Judges the silence, beats the heart.
    fn keep_alive(&mut self, now: Instant) {
        match self.state {
            DriverState::LoggingIn if now >= self.received_at + self.options.client.login_timeout => {
                self.lost(now);
            }
            DriverState::Open if now >= self.dead_at() => self.lost(now),
            DriverState::Open if self.heartbeat_at().is_some_and(|at| now >= at) => {
                self.output.put_heartbeat();
                self.sent_at = now;
            }
            _ => {}
        }
    }

    /// `None`: bytes wait to be written, there is no silence to break.
    fn heartbeat_at(&self) -> Option<Instant> {
        self.output.waiting().is_empty().then(|| self.sent_at + self.options.client.heartbeat)
    }

    fn dead_at(&self) -> Instant {
        self.received_at + self.options.client.silence
    }
}
