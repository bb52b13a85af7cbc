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
use std::time::{Duration, Instant};

use ringside_domain::Text;
use ringside_wire::ouch::Request;
use ringside_wire::soup::{LoginAccepted, LoginRejected, LoginRequest, kind};

use crate::backoff::Backoff;
use crate::client::Message;
use crate::doubt::Resolved;
use crate::error::{ClientError, ConnectError, SessionError};
use crate::input::Input;
use crate::options::{Credentials, SessionOptions};
use crate::output::Output;
use crate::pending::Pending;

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
    logins: u64,
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
        let name = session.unwrap_or("");
        let session = Text::new(name).ok_or_else(|| ConnectError::SessionName { found: name.to_owned() })?;
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
            logins: 0,
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
        (self.session, self.next_sequence, self.logins, self.attempt) = (Text::BLANK, 1, 0, 0);
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
        self.pending.add_fence()?;
        self.hand_over()
    }

    /// When to call [`Driver::next_message`] even if no bytes have come: for a heartbeat, a dead link, or a new connection.
    /// `None`: never, the session has ended.
    pub fn wakes_at(&self) -> Option<Instant> {
        match self.state {
            DriverState::Down { connect_at } => Some(connect_at),
            DriverState::LoggingIn => Some(self.received_at + self.options.client.login_timeout),
            DriverState::Open => Some(self.heartbeat_at().min(self.dead_at())),
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
                (_, kind::SERVER_HEARTBEAT | kind::DEBUG) => {}
                (DriverState::LoggingIn, kind::LOGIN_ACCEPTED) => self.log_in(payload)?,
                (DriverState::LoggingIn, kind::LOGIN_REJECTED) => return Err(self.refused(payload)),
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

    fn log_in(&mut self, payload: Range<usize>) -> Result<(), SessionError> {
        let bytes = self.input.payload(payload);
        let length = bytes.len();
        let Some(accepted) = LoginAccepted::decode(bytes) else {
            return Err(ConnectError::UnexpectedPacket { kind: kind::LOGIN_ACCEPTED, length }.into());
        };
        if self.logins > 0 {
            self.check(&accepted)?;
            self.pending.go_on()?;
        }
        (self.session, self.next_sequence) = (accepted.session, accepted.sequence);
        (self.state, self.attempt) = (DriverState::Open, 0);
        self.logins += 1;
        Ok(())
    }

    /// A later login goes on where the last one stopped.
    fn check(&self, accepted: &LoginAccepted) -> Result<(), SessionError> {
        if accepted.session != self.session {
            let (expected, found) = (self.session.to_string(), accepted.session.to_string());
            return Err(SessionError::Rolled { expected, found });
        }
        if accepted.sequence != self.next_sequence {
            return Err(SessionError::Gap { expected: self.next_sequence, found: accepted.sequence });
        }
        Ok(())
    }

    fn refused(&self, payload: Range<usize>) -> SessionError {
        let bytes = self.input.payload(payload);
        let reason = bytes.first().copied().and_then(LoginRejected::from_letter);
        let unexpected = ConnectError::UnexpectedPacket { kind: kind::LOGIN_REJECTED, length: bytes.len() };
        reason.map_or(unexpected, ConnectError::Refused).into()
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
        while let Some(bytes) = self.pending.next_to_hand() {
            match self.output.put_payload(bytes) {
                Ok(()) => self.pending.handed(),
                Err(ClientError::Backlog { .. }) => return Ok(()),
                Err(error) => return Err(SessionError::Client(error)),
            }
        }
        Ok(())
    }

    /// Judges the silence, beats the heart.
    fn keep_alive(&mut self, now: Instant) {
        match self.state {
            DriverState::LoggingIn if now >= self.received_at + self.options.client.login_timeout => {
                self.lost(now);
            }
            DriverState::Open if now >= self.dead_at() => self.lost(now),
            DriverState::Open if now >= self.heartbeat_at() && self.output.waiting().is_empty() => {
                self.output.put_heartbeat();
                self.sent_at = now;
            }
            _ => {}
        }
    }

    fn heartbeat_at(&self) -> Instant {
        // With bytes that wait to be written there is no silence to break.
        let pause =
            if self.output.waiting().is_empty() { Duration::ZERO } else { self.options.client.silence };
        self.sent_at + self.options.client.heartbeat + pause
    }

    fn dead_at(&self) -> Instant {
        self.received_at + self.options.client.silence
    }
}
