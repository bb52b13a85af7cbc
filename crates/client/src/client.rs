//! One connection: login, heartbeats, packets in and out.
//!
//! Sending never waits: requests collect in a buffer that [`Client::flush`] hands to the kernel as far as it
//! takes them. Receiving flushes, beats the heart and watches the silence while it waits. So two full sockets
//! can not lock each other up, and a program that only ever receives stays connected.
//!
//! Invariant: `next_sequence` counts every Sequenced Data packet handed out, and no other.

use std::ops::Range;
use std::time::{Duration, Instant};

use ringside_domain::Text;
use ringside_wire::ouch::Request;
use ringside_wire::soup::{LoginAccepted, LoginRejected, LoginRequest, kind};

use crate::address::Address;
use crate::error::{ClientError, ConnectError};
use crate::input::Input;
use crate::link::{Arrival, Link};
use crate::options::{ClientOptions, Credentials};
use crate::output::Output;

/// A send hands its bytes to the kernel from here on without being told.
const FLUSH_BYTES: usize = 64 * 1024;

/// Longest wait for data while bytes wait to be sent.
const WRITE_RETRY: Duration = Duration::from_millis(1);

/// What the venue sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Message<'a> {
    /// One message of the login's numbered stream.
    Sequenced {
        /// Its number, from 1.
        sequence: u64,
        /// An OUCH reply, see `ringside_wire::ouch::decode_reply`.
        payload: &'a [u8],
    },
    /// The numbered stream of this session is complete.
    EndOfSession,
}

/// A message before its payload is borrowed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Received {
    Sequenced { sequence: u64, payload: Range<usize> },
    EndOfSession,
}

/// A logged-in connection.
#[derive(Debug)]
pub struct Client {
    link: Link,
    input: Input,
    output: Output,
    options: ClientOptions,
    session: Text<10>,
    next_sequence: u64,
    received_at: Instant,
    sent_at: Instant,
    has_ended: bool,
}

impl Client {
    /// Connects and logs in.
    ///
    /// `session`: the one to go on with, `None` for the current one. `next_sequence`: the first message wanted,
    /// from 1; 0 for new messages only.
    pub fn connect(
        addr: impl Into<Address>,
        credentials: &Credentials,
        session: Option<&str>,
        next_sequence: u64,
        options: ClientOptions,
    ) -> Result<Client, ConnectError> {
        let request = login_request(credentials, session, next_sequence)?;
        let link = Link::connect(&addr.into(), options.connect_timeout)?;
        let now = Instant::now();
        let mut client = Client {
            link,
            input: Input::new(),
            output: Output::default(),
            options,
            session: Text::BLANK,
            next_sequence: 0,
            received_at: now,
            sent_at: now,
            has_ended: false,
        };
        client.log_in(&request)?;
        Ok(client)
    }

    /// The SoupBinTCP session joined.
    pub fn session(&self) -> &str {
        self.session.as_str()
    }

    /// Number of the next sequenced message, from 1.
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Bytes that wait for a flush, or for the kernel.
    pub fn unsent_bytes(&self) -> usize {
        self.output.waiting().len()
    }

    /// Takes a request for sending. [`ClientError::Backlog`]: nothing was taken, receive first.
    pub fn send(&mut self, request: &Request<'_>) -> Result<(), ClientError> {
        self.make_room()?;
        self.output.put_request(request)
    }

    /// Takes raw bytes as one Unsequenced Data packet, right or wrong. Else like [`Client::send`].
    pub fn send_payload(&mut self, payload: &[u8]) -> Result<(), ClientError> {
        self.make_room()?;
        self.output.put_payload(payload)
    }

    /// Hands waiting bytes to the kernel without waiting for it. True: none are left.
    pub fn flush(&mut self) -> Result<bool, ClientError> {
        self.refuse_after_end()?;
        if !self.link.flush_now()? {
            return Ok(false);
        }
        while !self.output.waiting().is_empty() {
            let length = self.link.write_now(self.output.waiting())?;
            if length == 0 {
                return Ok(false);
            }
            self.output.sent(length);
            self.sent_at = Instant::now();
        }
        Ok(self.link.is_flushed())
    }

    /// The next message, waiting up to `timeout` for it. Flushes. `None`: nothing in time.
    pub fn recv(&mut self, timeout: Duration) -> Result<Option<Message<'_>>, ClientError> {
        let received = self.advance(timeout)?;
        Ok(received.map(|received| self.message(received)))
    }

    /// The next message if it is here already. Flushes, never waits.
    pub fn try_recv(&mut self) -> Result<Option<Message<'_>>, ClientError> {
        let received = self.advance_now()?;
        Ok(received.map(|received| self.message(received)))
    }

    /// Sends what waits and a Logout Request, then closes.
    pub fn logout(mut self) -> Result<(), ClientError> {
        self.output.put_logout();
        self.link.write_within(self.options.silence, self.output.waiting())?;
        Ok(())
    }

    /// Like [`Client::recv`], before the payload is borrowed.
    pub(crate) fn advance(&mut self, timeout: Duration) -> Result<Option<Received>, ClientError> {
        if let Some(received) = self.advance_now()? {
            return Ok(Some(received));
        }
        let deadline = Instant::now().checked_add(timeout);
        loop {
            let wait = self.longest_wait(deadline);
            if wait.is_zero() && deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Ok(None);
            }
            let arrival = self.link.read_within(wait, self.input.room())?;
            self.arrived(arrival)?;
            if let Some(received) = self.advance_now()? {
                return Ok(Some(received));
            }
        }
    }

    /// Like [`Client::try_recv`], before the payload is borrowed.
    ///
    /// What has arrived is taken before anything is sent: a farewell is read even when the link is broken.
    pub(crate) fn advance_now(&mut self) -> Result<Option<Received>, ClientError> {
        loop {
            if let Some(received) = self.take()? {
                return Ok(Some(received));
            }
            self.refuse_after_end()?;
            let arrival = self.link.read_now(self.input.room())?;
            self.arrived(arrival)?;
            if arrival == Arrival::Nothing {
                self.keep_alive()?;
                return Ok(None);
            }
        }
    }

    pub(crate) fn message(&self, received: Received) -> Message<'_> {
        match received {
            Received::Sequenced { sequence, payload } => {
                Message::Sequenced { sequence, payload: self.input.payload(payload) }
            }
            Received::EndOfSession => Message::EndOfSession,
        }
    }

    /// The next message among the bytes received.
    fn take(&mut self) -> Result<Option<Received>, ClientError> {
        while let Some((kind, payload)) = self.input.take()? {
            match kind {
                kind::SEQUENCED if !self.has_ended => {
                    let sequence = self.next_sequence;
                    // Cannot overflow in practice: 2^64 messages take centuries.
                    self.next_sequence += 1;
                    return Ok(Some(Received::Sequenced { sequence, payload }));
                }
                kind::END_OF_SESSION if !self.has_ended => {
                    self.has_ended = true;
                    return Ok(Some(Received::EndOfSession));
                }
                kind::SERVER_HEARTBEAT | kind::DEBUG => {}
                kind => return Err(ClientError::UnexpectedPacket { kind }),
            }
        }
        Ok(None)
    }

    fn arrived(&mut self, arrival: Arrival) -> Result<(), ClientError> {
        match arrival {
            Arrival::Bytes(length) => {
                self.input.filled(length);
                self.received_at = Instant::now();
                Ok(())
            }
            Arrival::Nothing => Ok(()),
            Arrival::Closed => Err(ClientError::Closed),
        }
    }

    /// Called when nothing has arrived: judges the silence, beats the heart, flushes.
    fn keep_alive(&mut self) -> Result<(), ClientError> {
        let now = Instant::now();
        let silence = now.saturating_duration_since(self.received_at);
        if silence >= self.options.silence {
            return Err(ClientError::Dead { silence });
        }
        let is_due = now.saturating_duration_since(self.sent_at) >= self.options.heartbeat;
        if is_due && self.output.waiting().is_empty() {
            self.output.put_heartbeat();
        }
        self.flush().map(drop)
    }

    /// Until the deadline, or something else to do.
    fn longest_wait(&self, deadline: Option<Instant>) -> Duration {
        let now = Instant::now();
        let until = |at: Option<Instant>| at.map_or(Duration::MAX, |at| at.saturating_duration_since(now));
        let send = match self.output.waiting().is_empty() && self.link.is_flushed() {
            true => until(self.sent_at.checked_add(self.options.heartbeat)),
            false => WRITE_RETRY,
        };
        let dead = until(self.received_at.checked_add(self.options.silence));
        until(deadline).min(send).min(dead)
    }

    /// Before a send: bytes leave when there are many of them, or when nothing has left for long.
    fn make_room(&mut self) -> Result<(), ClientError> {
        self.refuse_after_end()?;
        if self.output.waiting().len() >= FLUSH_BYTES || self.sent_at.elapsed() >= self.options.heartbeat {
            self.flush()?;
        }
        Ok(())
    }

    fn refuse_after_end(&self) -> Result<(), ClientError> {
        if self.has_ended { Err(ClientError::Ended) } else { Ok(()) }
    }

    fn log_in(&mut self, request: &LoginRequest) -> Result<(), ConnectError> {
        let deadline = Instant::now() + self.options.login_timeout;
        let mut bytes = Vec::new();
        request.encode(&mut bytes);
        self.link.write_within(self.options.login_timeout, &bytes)?;
        loop {
            if let Some(accepted) = self.login_answer()? {
                (self.session, self.next_sequence) = (accepted.session, accepted.sequence);
                self.received_at = Instant::now();
                self.sent_at = self.received_at;
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ConnectError::Timeout { after: self.options.login_timeout });
            }
            match self.link.read_within(left, self.input.room())? {
                Arrival::Bytes(length) => self.input.filled(length),
                Arrival::Nothing => {}
                Arrival::Closed => return Err(ConnectError::Closed),
            }
        }
    }

    /// The answer to the login among the bytes received. The messages behind it stay where they are.
    fn login_answer(&mut self) -> Result<Option<LoginAccepted>, ConnectError> {
        while let Some((kind, range)) = self.input.take()? {
            if let Some(accepted) = login_answer(kind, self.input.payload(range))? {
                return Ok(Some(accepted));
            }
        }
        Ok(None)
    }
}

/// What a packet says to a login. `None`: nothing yet.
pub(crate) fn login_answer(kind: u8, payload: &[u8]) -> Result<Option<LoginAccepted>, ConnectError> {
    let unexpected = ConnectError::UnexpectedPacket { kind, length: payload.len() };
    match kind {
        kind::DEBUG | kind::SERVER_HEARTBEAT => Ok(None),
        kind::LOGIN_ACCEPTED => LoginAccepted::decode(payload).ok_or(unexpected).map(Some),
        kind::LOGIN_REJECTED => {
            let reason = payload.first().copied().and_then(LoginRejected::from_letter);
            Err(reason.map_or(unexpected, ConnectError::Refused))
        }
        _ => Err(unexpected),
    }
}

pub(crate) fn login_request(
    credentials: &Credentials,
    session: Option<&str>,
    next_sequence: u64,
) -> Result<LoginRequest, ConnectError> {
    let name = session.unwrap_or("");
    let session = Text::new(name).ok_or_else(|| ConnectError::SessionName { found: name.to_owned() })?;
    Ok(LoginRequest {
        username: credentials.username,
        password: credentials.password,
        session,
        sequence: Some(next_sequence),
    })
}
