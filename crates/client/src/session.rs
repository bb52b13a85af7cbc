//! A login's session over as many connections as it takes.
//!
//! Invariant: every sequenced message is handed out exactly once, in order, whatever happens to the link.

use std::ops::RangeInclusive;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ringside_wire::ouch::Request;

use crate::address::Address;
use crate::backoff::Backoff;
use crate::client::{Client, Message, Received};
use crate::doubt::Resolved;
use crate::error::{ClientError, ConnectError, SessionError};
use crate::options::{Credentials, SessionOptions};
use crate::pending::Pending;
use crate::unacknowledged::FENCES;

/// UserRefIdx values that [`Session::fence`] uses. Orders may use them too, Account Queries may not.
pub const FENCE_CHANNELS: RangeInclusive<u8> = FENCES;

/// Longest wait for data while requests wait for room in the connection's buffer.
const HAND_OVER_RETRY: Duration = Duration::from_millis(1);

/// A session that connects again when the link is lost.
///
/// # What happens when the link is lost
///
/// Inside the call that notices (any but the getters), the session waits (exponential backoff with full
/// jitter), connects, logs in with its session id and the number after the last message it has handed out,
/// and sends again, in the original order and before anything new, **every request that is not acknowledged**.
/// A call may therefore take longer than its timeout. A refused login, another session id or another sequence
/// than asked for are errors: trying again would not help. A taken-over login looks like a lost link; two
/// sessions of one username take turns for ever.
///
/// # What acknowledges a request
///
/// The venue takes the requests of a login one after the other, so what proves that a request was taken proves
/// it of all requests sent before it:
///
/// - `A`, `U`, `J`, `X`, `G` or `K` with the UserRefNum and UserRefIdx of an Enter, Replace, Mass Cancel,
///   Disable or Enable;
/// - the answer to a fence.
///
/// `C`, `D`, `E`, `M`, `R`, `T` and `B` acknowledge nothing: they do not tell which request caused them, if any. An
/// Account Query Response acknowledges its query alone.
///
/// # Why sending again is safe
///
/// - Enter, Replace, Mass Cancel, Disable and Enable carry a UserRefNum of their own. When the venue has taken
///   the first copy, the second one is stale, and **a stale UserRefNum is answered by silence**; the answer to
///   the first copy comes with the rewind. When it has consumed no UserRefNum (a Replace of a dead order, or an
///   invalid one that has killed its order), the order is dead for the second copy as well: silence again.
/// - Cancel and Modify state the intended total, not a difference. A second copy finds the total reached, or
///   the order gone, and is ignored. Modify `T`, then `S`, sent again, says `T` and `S` once more: two more
///   messages, the same order.
/// - An Account Query is answered twice.
///
/// This needs the requests in order (they are) and a venue that takes nothing from an old connection once it
/// has accepted a new one (Ringside does not).
///
/// # Fences
///
/// Silence can not be told from delay. A fence is an Account Query sent behind everything else: its answer
/// proves that everything before it was taken, and that whatever has no answer was ignored. After a lost link
/// an unanswered fence is sent again like any request, behind the others. Every fence asks about a UserRefIdx
/// of its own ([`FENCE_CHANNELS`]), which its answer repeats: the answer to a copy is not mistaken for that
/// to a later fence, as long as channels are not used up (see *Limits*).
///
/// # Programs that come after others
///
/// A program that is started anew does not know what an earlier one of its login has asked: it may have used the same fence channels,
/// and its answers may come in the rewind, or after the login when the venue was slow. They would acknowledge what the venue has never
/// read. [`Session::catch_up`] asks on four channels drawn at random; what comes behind these answers in a row is this program's.
/// The answers are messages of the stream like others.
///
/// # Asking instead
///
/// With [`crate::AfterLoss::Ask`] nothing is sent again. The rewind and a fence behind it tell what became of every request that was
/// not acknowledged: [`Session::take_resolved`], once [`Session::doubtful`] is 0. New requests may be sent meanwhile.
///
/// # When the session rolls
///
/// The stream ends with [`Message::EndOfSession`] (or a login is refused, when the roll happened while the link was lost).
/// [`Session::begin_next`] then joins the session that follows, from its first message on: orders that were carried over
/// are told there, under UserRefIdx 255. Requests that the old session did not acknowledge are never sent again, but resolved.
///
/// # Limits
///
/// `requests_max` unacknowledged requests: more are refused with [`SessionError::Full`] and nothing is lost;
/// a fence is always possible then (there are 64), and its answer makes room. When a link is lost with most of the 64 out, and as many
/// more are sent before a message is read, the answer to a copy may be taken for that to a later fence: keep them few.
#[derive(Debug)]
pub struct Session {
    addr: Address,
    credentials: Credentials,
    options: SessionOptions,
    client: Option<Client>,
    session: String,
    next_sequence: u64,
    pending: Pending,
    /// The stream of the session was read to its end.
    has_ended: bool,
    backoff: Backoff,
    reconnects: u64,
}

impl Session {
    /// Connects and logs in, once: a venue that is not there is an error at once. Arguments as for
    /// [`Client::connect`]; `addr` is resolved again for every connection.
    pub fn connect(
        addr: impl Into<Address>,
        credentials: &Credentials,
        session: Option<&str>,
        next_sequence: u64,
        options: SessionOptions,
    ) -> Result<Session, SessionError> {
        let addr = addr.into();
        let client = Client::connect(addr.clone(), credentials, session, next_sequence, options.client)?;
        Ok(Session {
            addr,
            credentials: *credentials,
            options,
            session: client.session().to_owned(),
            next_sequence: client.next_sequence(),
            client: Some(client),
            pending: Pending::new(options.requests_max, options.after_loss),
            has_ended: false,
            backoff: Backoff::new(options.backoff_base, options.backoff_max, options.seed),
            reconnects: 0,
        })
    }

    /// The SoupBinTCP session.
    pub fn session(&self) -> &str {
        &self.session
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

    /// Connections after the first.
    pub fn reconnects(&self) -> u64 {
        self.reconnects
    }

    /// Requests whose fate is not known yet, after a lost link ([`crate::AfterLoss::Ask`]).
    pub fn doubtful(&self) -> usize {
        self.pending.doubtful()
    }

    /// The next request of which it is known what became of it, oldest first ([`crate::AfterLoss::Ask`], and after a roll).
    pub fn take_resolved(&mut self) -> Option<Resolved> {
        self.pending.take_resolved()
    }

    /// Leaves a session that has ended, and joins the present one from its first message on. Requests without an
    /// acknowledgement are resolved: when the old stream was read to its end, what has no answer in it was never
    /// received; else nobody here can tell.
    ///
    /// # Errors
    /// As [`Session::connect`]. The old session stays then, and this may be called again.
    pub fn begin_next(&mut self) -> Result<(), SessionError> {
        let options = self.options.client;
        let client = Client::connect(self.addr.clone(), &self.credentials, None, 1, options)?;
        self.pending.begin_next(self.has_ended);
        client.session().clone_into(&mut self.session);
        self.next_sequence = client.next_sequence();
        (self.client, self.has_ended) = (Some(client), false);
        Ok(())
    }

    /// For a program whose login an earlier program has used in this SoupBinTCP session, before its first request: finds out which
    /// answers are its own. Sends a few Account Queries; what is sent after this goes out once they are answered, so receive until
    /// [`Session::is_catching_up`] is false. See *Programs that come after others*.
    pub fn catch_up(&mut self) -> Result<(), SessionError> {
        self.check_open()?;
        self.pending.catch_up()?;
        self.hand_over_or_mend()
    }

    /// What comes may still be answers to an earlier program.
    pub fn is_catching_up(&self) -> bool {
        self.pending.is_catching_up()
    }

    /// Takes a request for sending, and remembers it until it is acknowledged. After the end of the session nothing is taken.
    pub fn send(&mut self, request: &Request<'_>) -> Result<(), SessionError> {
        self.check_open()?;
        self.pending.add(request)?;
        self.hand_over_or_mend()
    }

    /// Sends an Account Query whose answer acknowledges everything sent before it.
    pub fn fence(&mut self) -> Result<(), SessionError> {
        self.check_open()?;
        self.pending.add_fence()?;
        self.hand_over_or_mend()
    }

    /// Hands waiting bytes to the kernel without waiting for it. True: none are left.
    pub fn flush(&mut self) -> Result<bool, SessionError> {
        loop {
            let flushed = self.hand_over().and_then(|all| Ok(self.open_client()?.flush()? && all));
            match flushed {
                Err(error) => self.mend(error)?,
                Ok(all) => return Ok(all),
            }
        }
    }

    /// The next message, waiting up to `timeout` for it. Flushes. `None`: nothing in time.
    pub fn recv(&mut self, timeout: Duration) -> Result<Option<Message<'_>>, SessionError> {
        let deadline = Instant::now().checked_add(timeout);
        let received = loop {
            let left = deadline.map_or(timeout, |at| at.saturating_duration_since(Instant::now()));
            match self.advance(left) {
                Ok(None) if !left.is_zero() => {}
                Ok(received) => break received,
                Err(error) => self.mend(error)?,
            }
        };
        Ok(received.and_then(|received| self.note(received)))
    }

    /// The next message if it is here already. Flushes, waits for nothing but a new connection.
    pub fn try_recv(&mut self) -> Result<Option<Message<'_>>, SessionError> {
        self.recv(Duration::ZERO)
    }

    /// Sends what waits and a Logout Request, then closes. Does not wait for acknowledgements: send a fence
    /// and receive until nothing is unacknowledged first.
    pub fn logout(mut self) -> Result<(), SessionError> {
        self.flush()?;
        match self.client.take() {
            Some(client) => client.logout().map_err(SessionError::Client),
            None => Ok(()),
        }
    }

    fn hand_over_or_mend(&mut self) -> Result<(), SessionError> {
        match self.hand_over() {
            Ok(_) => Ok(()),
            Err(error) => self.mend(error),
        }
    }

    /// One wait, at most `timeout` long.
    fn advance(&mut self, timeout: Duration) -> Result<Option<Received>, ClientError> {
        let timeout = if self.hand_over()? { timeout } else { timeout.min(HAND_OVER_RETRY) };
        let client = self.open_client()?;
        if timeout.is_zero() { client.advance_now() } else { client.advance(timeout) }
    }

    /// Moves requests into the connection's buffer while there is room. True: all of them are there.
    fn hand_over(&mut self) -> Result<bool, ClientError> {
        let client = self.client.as_mut().ok_or(ClientError::Closed)?;
        self.pending.hand_over(|bytes| client.send_payload(bytes))
    }

    fn check_open(&self) -> Result<(), SessionError> {
        if self.has_ended { Err(SessionError::Client(ClientError::Ended)) } else { Ok(()) }
    }

    fn open_client(&mut self) -> Result<&mut Client, ClientError> {
        self.client.as_mut().ok_or(ClientError::Closed)
    }

    /// Counts a message and takes its acknowledgement.
    fn note(&mut self, received: Received) -> Option<Message<'_>> {
        let message = self.client.as_ref()?.message(received);
        if let Message::Sequenced { sequence, payload } = message {
            debug_assert_eq!(sequence, self.next_sequence, "Invariant: no message is lost or repeated");
            self.next_sequence = sequence + 1;
            self.pending.acknowledge(payload);
        }
        self.has_ended |= message == Message::EndOfSession;
        Some(message)
    }

    /// Connects again if the link is lost; any other error is the caller's.
    fn mend(&mut self, error: ClientError) -> Result<(), SessionError> {
        if !error.is_link_loss() {
            return Err(SessionError::Client(error));
        }
        self.client = None;
        let mut last = ConnectError::Closed;
        for attempt in 0..self.options.attempts_max {
            sleep(self.backoff.wait(attempt));
            match self.connect_again() {
                Ok(client) => return self.resume(client),
                Err(error) if error.is_transient() => last = error,
                Err(error) => return Err(error.into()),
            }
        }
        Err(SessionError::GaveUp { attempts: self.options.attempts_max, last })
    }

    fn connect_again(&self) -> Result<Client, ConnectError> {
        let session = Some(self.session.as_str());
        let options = self.options.client;
        Client::connect(self.addr.clone(), &self.credentials, session, self.next_sequence, options)
    }

    /// Goes on with a new connection, if it goes on where the last one stopped.
    fn resume(&mut self, client: Client) -> Result<(), SessionError> {
        goes_on((&self.session, self.next_sequence), (client.session(), client.next_sequence()))?;
        self.client = Some(client);
        self.reconnects += 1;
        self.pending.go_on()
    }
}

/// A later login goes on where the last one stopped: in the same session, with the next message.
pub(crate) fn goes_on(stopped: (&str, u64), joined: (&str, u64)) -> Result<(), SessionError> {
    if joined.0 != stopped.0 {
        let (expected, found) = (stopped.0.to_owned(), joined.0.to_owned());
        return Err(SessionError::Rolled { expected, found });
    }
    if joined.1 != stopped.1 {
        return Err(SessionError::Gap { expected: stopped.1, found: joined.1 });
    }
    Ok(())
}
