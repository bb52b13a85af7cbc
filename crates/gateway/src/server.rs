//! The poll loop of the gateway: accept, read, publish, deliver, write. One thread, no lock, no wait but epoll.
//!
//! Sockets are edge-triggered: a connection stays on the ready list until a read or write says "would block".
//! Turns are bounded, so that a flooder delays the others by one turn at most.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use mio::{Events, Poll, Token, Waker};
use ringside_domain::{Action, Command, LoginId, Text};
use slab::Slab;
use thiserror::Error;
use tracing::info;

use crate::CommandSink;
use crate::auth::{Job, Verdict};
use crate::caps::{Caps, Crowd};
use crate::limits::{CONNECTIONS_MAX, WRITE_BYTES};
use crate::lockout::LockoutPolicy;
use crate::outbound::{Outbound, OutboundError};
use crate::session::CloseReason;
use crate::transport::TransportKind;

mod connection;
mod delivery;
mod input;
mod listeners;
mod login;
mod reception;
mod roll;
#[cfg(test)]
mod tests;
mod timers;

use connection::Connection;
pub use delivery::{append_event, encode_event};
pub use listeners::{Addresses, ListenOptions};
use listeners::{LISTENERS_MAX, Listeners};
use login::Checks;
use reception::{Entrance, Reception, place_of};
use timers::{TIMER_STEP, Timers};

const WAKER: Token = Token(usize::MAX);
/// Longest time between two turns that counts.
const TURN_MAX: Duration = Duration::from_secs(1);

/// The gateway cannot go on.
#[derive(Debug, Error)]
pub enum GatewayError {
    /// A socket call that must not fail has failed.
    #[error("gateway: {0}")]
    Io(#[from] io::Error),
    /// It cannot listen where it shall.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which listener.
        listener: TransportKind,
        /// Address or path.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// A stream could not be kept.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
}

/// What a gateway needs at start.
#[derive(Debug)]
pub struct GatewayOptions {
    /// Where to listen.
    pub listen: ListenOptions,
    /// SoupBinTCP session.
    pub session: u32,
    /// Directory of the streams.
    pub outbound: PathBuf,
    /// All logins by id, with their streams as recovered.
    pub logins: Vec<LoginEntry>,
    /// Password checks out.
    pub jobs: Sender<Job>,
    /// Verdicts in.
    pub verdicts: Receiver<Verdict>,
    /// Connections at once, at most [`CONNECTIONS_MAX`] and what the process has file descriptors for.
    pub caps: Caps,
    /// When failures lock a username out.
    pub lockout: LockoutPolicy,
}

/// A login and its stream.
#[derive(Debug)]
pub struct LoginEntry {
    /// Its sequenced stream.
    pub stream: Outbound,
    /// It must come over a TLS connection whose client certificate has this name.
    pub certificate_name: Option<String>,
    /// The journal has it as connected.
    pub connected: bool,
}

/// Counters of a gateway, read by its owner.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    /// Connections open now.
    pub connections: u64,
    /// Connections logged in now.
    pub logged_in: u64,
    /// Connections ever accepted.
    pub accepted: u64,
    /// Logins that were let in.
    pub logins: u64,
    /// Commands handed to the sink.
    pub commands: u64,
    /// Messages added to streams.
    pub messages: u64,
    /// Bytes written to sockets.
    pub bytes_out: u64,
    /// Times the sink had no room.
    pub sink_full: u64,
    /// Times a connection was left unread because its login had no budget.
    pub throttled: u64,
    /// Connections closed, by reason (index in [`CloseReason::ALL`]).
    pub closed: [u64; CloseReason::ALL.len()],
}

#[derive(Debug)]
struct LoginState {
    stream: Outbound,
    /// The connection that acts for the login.
    holder: Option<usize>,
    /// Connect was handed over, Disconnect was not.
    connected: bool,
    /// On the dirty list.
    dirty: bool,
}

/// The gateway.
#[derive(Debug)]
pub struct Gateway {
    poll: Poll,
    events: Events,
    waker: Arc<Waker>,
    entrance: Entrance,
    addresses: Addresses,
    session: Text<10>,
    outbound: PathBuf,
    /// Rolls that are in the sink and not delivered yet: nothing is read, nobody is let in meanwhile.
    rolls: u32,
    connections: Slab<Connection>,
    /// By login id - 1; `None`: with another gateway.
    logins: Vec<Option<LoginState>>,
    /// Connections with something to read.
    ready: VecDeque<usize>,
    /// Logins with something to send.
    dirty: Vec<LoginId>,
    /// Commands of the gateway's own that found no room.
    owed: VecDeque<Command>,
    scratch: Box<[u8]>,
    started: Instant,
    /// Time that did not count.
    away: Duration,
    /// Time that counts, since `started`.
    now: Duration,
    timers: Timers,
    generation: u64,
    accepting: bool,
    stats: Stats,
}

impl Gateway {
    /// Binds the listeners. The only gateway of a venue.
    pub fn new(options: GatewayOptions) -> Result<Self, GatewayError> {
        let mut all = Gateway::several(options, 1)?;
        Ok(all.remove(0))
    }

    /// Binds the listeners. So many gateways that share the logins, each for a thread of its own; the first one accepts
    /// connections for all of them.
    pub fn several(options: GatewayOptions, count: usize) -> Result<Vec<Self>, GatewayError> {
        assert!(count > 0, "Invariant: somebody accepts connections");
        let GatewayOptions { listen, session, outbound, logins, jobs, verdicts, caps, lockout } = options;
        let mut shares: Vec<Vec<Option<LoginState>>> = (0..count).map(|_| Vec::new()).collect();
        let mut certificates = Vec::with_capacity(logins.len());
        for (entry, id) in logins.into_iter().zip(1..) {
            let LoginEntry { stream, certificate_name, connected } = entry;
            certificates.push(certificate_name);
            shares.iter_mut().for_each(|share| share.push(None));
            shares[place_of(LoginId(id), count)][id as usize - 1] = Some(LoginState::new(stream, connected));
        }
        let poll = Poll::new()?;
        let listeners = Listeners::open(&listen, poll.registry())?;
        let addresses = listeners.addresses().clone();
        let checks = (Checks::new(jobs, lockout), verdicts);
        let crowd = Crowd::new(caps.within(CONNECTIONS_MAX));
        let (mut reception, gone) = Reception::new(listeners, checks, crowd, certificates);
        let mut shares = shares.into_iter();
        let own = shares.next().unwrap_or_default();
        let mut rooms = Vec::with_capacity(count);
        for share in shares {
            let poll = Poll::new()?;
            let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
            let entrance = Entrance::Room(reception.add_room(waker.clone(), gone.clone()));
            rooms.push(Gateway::over(
                (poll, waker),
                entrance,
                addresses.clone(),
                (session, &outbound),
                share,
            ));
        }
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let entrance = Entrance::Reception(Box::new(reception));
        let first = Gateway::over((poll, waker), entrance, addresses, (session, &outbound), own);
        Ok(std::iter::once(first).chain(rooms).collect())
    }

    fn over(
        (poll, waker): (Poll, Arc<Waker>),
        entrance: Entrance,
        addresses: Addresses,
        (session, outbound): (u32, &Path),
        logins: Vec<Option<LoginState>>,
    ) -> Self {
        Gateway {
            poll,
            events: Events::with_capacity(1_024),
            waker,
            entrance,
            addresses,
            session: roll::session_name(session),
            outbound: outbound.into(),
            rolls: 0,
            connections: Slab::with_capacity(64),
            logins,
            ready: VecDeque::with_capacity(CONNECTIONS_MAX),
            dirty: Vec::with_capacity(1_024),
            owed: VecDeque::with_capacity(64),
            scratch: vec![0; WRITE_BYTES].into_boxed_slice(),
            started: Instant::now(),
            away: Duration::ZERO,
            now: Duration::ZERO,
            timers: Timers::default(),
            generation: 0,
            accepting: true,
            stats: Stats::default(),
        }
    }

    /// Where it listens.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Wakes [`Gateway::poll`] from another thread.
    pub fn waker(&self) -> Arc<Waker> {
        self.waker.clone()
    }

    /// True when the login's stream is here.
    pub fn serves(&self, login: LoginId) -> bool {
        // The venue's id 0 wraps to an index that no login has.
        self.logins.get((login.0 as usize).wrapping_sub(1)).is_some_and(Option::is_some)
    }

    /// Counters.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// One turn: waits at most `timeout` for sockets, then reads and publishes. Returns the commands handed over.
    pub fn poll(&mut self, timeout: Duration, sink: &mut impl CommandSink) -> Result<u64, GatewayError> {
        let accept = self.wait(timeout)?;
        self.tell_time();
        sink.begin_turn();
        self.see_off_guests();
        for at in accept.into_iter().enumerate().filter_map(|(at, is_due)| is_due.then_some(at)) {
            self.accept_all(at, sink)?;
        }
        self.let_in(sink);
        self.pay_owed(sink);
        let commands = self.serve_ready(sink);
        if self.timers.begin(self.now)
            && let Entrance::Reception(reception) = &mut self.entrance
        {
            reception.listeners.retry();
        }
        self.run_timers(sink);
        Ok(commands)
    }

    /// While the thread is held up, by a disk that does not answer, nobody is heard: that time counts against nobody.
    fn tell_time(&mut self) {
        let elapsed = self.started.elapsed() - self.away;
        let away = (elapsed - self.now).saturating_sub(TURN_MAX);
        self.away += away;
        self.now = elapsed - away;
    }

    /// True when a turn would find work at once.
    pub fn has_ready(&self) -> bool {
        let is_idle = self.ready.is_empty() && self.owed.is_empty() && self.dirty.is_empty();
        let is_awaited = self.entrance.has_arrivals() || (self.rolls == 0 && self.entrance.has_more());
        !is_idle || self.timers.are_due() || is_awaited
    }

    /// Longest wait after which a timer may be due.
    pub fn timer_step(&self) -> Duration {
        TIMER_STEP
    }

    /// Stops accepting connections and reading from them. What is under way is still delivered.
    pub fn stop_input(&mut self) {
        self.accepting = false;
        if let Entrance::Reception(reception) = &mut self.entrance {
            reception.listeners.close();
        }
        // The next start finds who was connected in the state and disconnects them.
        self.owed.clear();
    }

    /// Waits for sockets. Returns which listeners have connections.
    fn wait(&mut self, timeout: Duration) -> io::Result<[bool; LISTENERS_MAX]> {
        let timeout = if self.has_ready() { Duration::ZERO } else { timeout };
        let mut accept = match &mut self.entrance {
            Entrance::Reception(reception) => reception.listeners.take_more(),
            Entrance::Room(_) => [false; LISTENERS_MAX],
        };
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(accept),
            other => other?,
        }
        for event in self.events.iter() {
            match event.token() {
                WAKER => {}
                Token(key) => {
                    if let Some(at) = Listeners::place_of(key) {
                        accept[at] = true;
                        continue;
                    }
                    let Some(connection) = self.connections.get_mut(key) else { continue };
                    connection.ending |= event.is_read_closed() || event.is_error();
                    connection.readable |= event.is_readable() || connection.ending;
                    connection.writable |= event.is_writable() && !connection.deaf;
                    connection.queue(key, &mut self.ready);
                }
            }
        }
        Ok(accept)
    }

    fn close(&mut self, key: usize, reason: CloseReason, sink: &mut impl CommandSink) {
        let Some(login) = self.forget(key, reason) else { return };
        self.stats.logged_in -= 1;
        let state = state_mut(&mut self.logins, login);
        if state.holder == Some(key) {
            state.holder = None;
            state.connected = false;
            self.offer_own(Command { login, action: Action::Disconnect }, sink);
        }
    }

    /// Ends a connection, whose login is told.
    fn forget(&mut self, key: usize, reason: CloseReason) -> Option<LoginId> {
        let mut connection = self.connections.try_remove(key)?;
        connection.transport.end();
        // A socket that is closed leaves the poll by itself.
        let _ = connection.transport.deregister(self.poll.registry());
        self.stats.connections -= 1;
        self.count_close(reason);
        info!(peer = %connection.peer, reason = reason.name(), "connection closed");
        self.entrance.went(connection.peer.origin(), connection.session.has_logged_in());
        connection.session.login()
    }

    fn count_close(&mut self, reason: CloseReason) {
        let at = CloseReason::ALL.iter().position(|other| *other == reason).expect("ALL lists every reason");
        self.stats.closed[at] += 1;
    }

    /// Connects and disconnects keep their order, with and without room.
    fn offer_own(&mut self, command: Command, sink: &mut impl CommandSink) {
        // A roll disconnects everybody by itself.
        if self.accepting && self.rolls == 0 {
            self.owed.push_back(command);
            self.pay_owed(sink);
        }
    }

    fn pay_owed(&mut self, sink: &mut impl CommandSink) {
        while let Some(command) = self.owed.front() {
            if !sink.offer(command) {
                return;
            }
            self.owed.pop_front();
        }
    }
}

/// State of a login whose connection is here: so is its stream.
fn state(logins: &[Option<LoginState>], login: LoginId) -> &LoginState {
    let state = logins.get(login.0 as usize - 1).and_then(Option::as_ref);
    state.expect("Invariant: connections are with the gateway of their login")
}

fn state_mut(logins: &mut [Option<LoginState>], login: LoginId) -> &mut LoginState {
    let state = logins.get_mut(login.0 as usize - 1).and_then(Option::as_mut);
    state.expect("Invariant: connections are with the gateway of their login")
}

impl LoginState {
    fn new(stream: Outbound, connected: bool) -> Self {
        LoginState { stream, holder: None, connected, dirty: false }
    }
}

/// File of a login's stream in a session, inside the outbound directory.
pub fn stream_path(directory: &Path, login: LoginId, session: u32) -> PathBuf {
    directory.join(format!("{:010}.{session:010}.out", login.0))
}

/// The session whose stream a file of the outbound directory has; `None` for other files.
pub fn session_of_stream(file_name: &str) -> Option<u32> {
    let mut parts = file_name.split('.');
    let (_login, session) = (parts.next()?, parts.next()?.parse().ok()?);
    (parts.next() == Some("out") && parts.next().is_none()).then_some(session)
}
