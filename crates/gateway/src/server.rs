//! The poll loop of the gateway: accept, read, publish, deliver, write. One thread, no lock, no wait but epoll.
//!
//! Sockets are edge-triggered: a connection stays on the ready list until a read or write says "would block".
//! Turns are bounded, so that a flooder delays the others by one turn at most.

mod roll;

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use ringside_domain::{Action, Command, Event, LoginId, Text, TimeNs, Username};
use ringside_wire::soup::{self, FrameError, LoginAccepted, LoginRejected, LoginRequest, kind};
use slab::Slab;
use thiserror::Error;
use tracing::{info, warn};

use crate::CommandSink;
use crate::auth::{Job, Secret, Ticket, Verdict};
use crate::limits::{
    CONNECTIONS_MAX, INPUT_BYTES, LAG_MAX, PAYLOAD_MAX, TURN_COMMANDS, TURN_WRITES, WRITE_BYTES,
};
use crate::outbound::{Outbound, OutboundError};
use crate::session::{CloseReason, Due, Input, Phase, Session};
use crate::translate;

const LISTENER: Token = Token(usize::MAX);
const WAKER: Token = Token(usize::MAX - 1);
/// How often timers of all connections are looked at.
const TIMER_STEP: Duration = Duration::from_millis(50);
/// Longest time between two turns that counts.
const TURN_MAX: Duration = Duration::from_secs(1);

/// The gateway cannot go on.
#[derive(Debug, Error)]
pub enum GatewayError {
    /// A socket call that must not fail has failed.
    #[error("gateway: {0}")]
    Io(#[from] io::Error),
    /// A stream could not be kept.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
}

/// What a gateway needs at start.
#[derive(Debug)]
pub struct GatewayOptions {
    /// Where to listen; port 0: any.
    pub listen: SocketAddr,
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
    /// Connections at once, at most [`CONNECTIONS_MAX`]: what the process has file descriptors for.
    pub connections_max: usize,
}

/// A login and its stream.
#[derive(Debug)]
pub struct LoginEntry {
    /// Name, for logs.
    pub username: Username,
    /// Its sequenced stream.
    pub stream: Outbound,
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
    /// Connections closed, by reason (index in [`CloseReason::ALL`]).
    pub closed: [u64; CloseReason::ALL.len()],
}

#[derive(Debug)]
struct LoginState {
    username: Username,
    stream: Outbound,
    /// The connection that acts for the login.
    holder: Option<usize>,
    /// Connect was handed over, Disconnect was not.
    connected: bool,
    /// On the dirty list.
    dirty: bool,
}

#[derive(Debug)]
struct Connection {
    socket: TcpStream,
    peer: SocketAddr,
    generation: u64,
    session: Session,
    /// Kept between login request and verdict.
    pending_login: Option<LoginRequest>,
    input: Box<[u8]>,
    filled: usize,
    /// Whole small packets that go out before the stream.
    control: Vec<u8>,
    /// Next byte of the login's stream to send.
    position: u64,
    /// Has once read up to the end of the stream.
    caught_up: bool,
    /// The socket may have more to read.
    readable: bool,
    /// The peer has ended its side. No further edge comes: reading goes on until the read that says 0.
    ending: bool,
    /// That read has happened: what is buffered is all there will be.
    ended: bool,
    /// A write has failed: nothing goes out any more. What came in before counts, so reading finds the end.
    deaf: bool,
    /// Bytes still to come of a debug packet that is longer than the buffer.
    skip: usize,
    /// The socket may take more.
    writable: bool,
    /// On the ready list.
    queued: bool,
    /// Its session has ended: the rest of the stream of then.
    farewell: Option<roll::Farewell>,
}

/// The gateway.
#[derive(Debug)]
pub struct Gateway {
    poll: Poll,
    events: Events,
    waker: std::sync::Arc<Waker>,
    listener: Option<TcpListener>,
    local: SocketAddr,
    session: Text<10>,
    outbound: PathBuf,
    /// Rolls that are in the sink and not delivered yet: nothing is read, nobody is let in meanwhile.
    rolls: u32,
    connections: Slab<Connection>,
    /// By login id - 1.
    logins: Vec<LoginState>,
    /// Connections with something to read.
    ready: VecDeque<usize>,
    /// Logins with something to send.
    dirty: Vec<LoginId>,
    /// Commands of the gateway's own that found no room.
    owed: VecDeque<Command>,
    jobs: Sender<Job>,
    verdicts: Receiver<Verdict>,
    scratch: Box<[u8]>,
    started: Instant,
    /// Time that did not count.
    away: Duration,
    /// Time that counts, since `started`.
    now: Duration,
    next_timers: Duration,
    generation: u64,
    connections_max: usize,
    accepting: bool,
    /// The listener had an error in passing: it is looked at again without a new edge.
    accept_again: bool,
    stats: Stats,
}

impl Gateway {
    /// Binds the listener.
    pub fn new(options: GatewayOptions) -> Result<Self, GatewayError> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(options.listen)?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let waker = std::sync::Arc::new(Waker::new(poll.registry(), WAKER)?);
        let logins = options.logins.into_iter().map(LoginState::new).collect();
        Ok(Gateway {
            local: listener.local_addr()?,
            poll,
            events: Events::with_capacity(1_024),
            waker,
            listener: Some(listener),
            session: roll::session_name(options.session),
            outbound: options.outbound,
            rolls: 0,
            connections: Slab::with_capacity(64),
            logins,
            ready: VecDeque::with_capacity(CONNECTIONS_MAX),
            dirty: Vec::with_capacity(1_024),
            owed: VecDeque::with_capacity(64),
            jobs: options.jobs,
            verdicts: options.verdicts,
            scratch: vec![0; WRITE_BYTES].into_boxed_slice(),
            started: Instant::now(),
            away: Duration::ZERO,
            now: Duration::ZERO,
            next_timers: Duration::ZERO,
            generation: 0,
            connections_max: options.connections_max.min(CONNECTIONS_MAX),
            accepting: true,
            accept_again: false,
            stats: Stats::default(),
        })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Wakes [`Gateway::poll`] from another thread.
    pub fn waker(&self) -> std::sync::Arc<Waker> {
        self.waker.clone()
    }

    /// Counters.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// One turn: waits at most `timeout` for sockets, then reads and publishes. Returns the commands handed over.
    pub fn poll(&mut self, timeout: Duration, sink: &mut impl CommandSink) -> Result<u64, GatewayError> {
        self.wait(timeout)?;
        self.tell_time();
        sink.begin_turn();
        self.take_verdicts(sink);
        self.pay_owed(sink);
        let commands = self.serve_ready(sink);
        if self.now >= self.next_timers {
            self.next_timers = self.now + TIMER_STEP;
            self.run_timers(sink);
            if std::mem::take(&mut self.accept_again) {
                self.accept_all()?;
            }
        }
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
        !self.ready.is_empty() || !self.owed.is_empty() || !self.dirty.is_empty()
    }

    /// Longest wait after which a timer may be due.
    pub fn timer_step(&self) -> Duration {
        TIMER_STEP
    }

    /// Adds a released event to its login's stream. What is for the public or the operator is nobody's, and passed over.
    pub fn deliver(&mut self, time_ns: TimeNs, event: &Event) {
        // The venue's id 0 wraps to an index that no login has.
        let Some(login) = self.logins.get_mut((event.login.0 as usize).wrapping_sub(1)) else { return };
        if !append_event(&mut login.stream, time_ns, event) {
            return;
        }
        self.stats.messages += 1;
        if !login.dirty {
            login.dirty = true;
            self.dirty.push(event.login);
        }
    }

    /// Sends what was delivered since the last call.
    pub fn flush(&mut self, sink: &mut impl CommandSink) -> Result<(), GatewayError> {
        while let Some(id) = self.dirty.pop() {
            let login = &mut self.logins[id.0 as usize - 1];
            login.dirty = false;
            if let Some(key) = login.holder {
                self.send(key, sink)?;
            }
            self.logins[id.0 as usize - 1].stream.store_if_long()?;
        }
        Ok(())
    }

    /// Moves what is in memory of some streams to their files: of `count` logins from index `from` on. Returns the index of
    /// the next one, or `None` when the disk is full.
    pub fn store_streams(&mut self, from: usize, count: usize) -> Result<Option<usize>, GatewayError> {
        let to = self.logins.len().min(from + count);
        for login in &mut self.logins[from..to] {
            if !login.stream.store()? {
                return Ok(None);
            }
        }
        Ok(Some(to))
    }

    /// Streams there are.
    pub fn streams(&self) -> usize {
        self.logins.len()
    }

    /// Stops accepting connections and reading from them. What is under way is still delivered.
    pub fn stop_input(&mut self) {
        self.accepting = false;
        self.listener = None;
        // The next start finds who was connected in the state and disconnects them.
        self.owed.clear();
    }

    /// True when every open connection has been sent its whole stream.
    pub fn is_drained(&self) -> bool {
        self.connections.iter().all(|(_, connection)| match connection.session.login() {
            None if connection.farewell.is_some() => connection.is_seen_off(),
            Some(_) if connection.deaf => true,
            Some(login) => connection.position == self.logins[login.0 as usize - 1].stream.end(),
            None => true,
        })
    }

    fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        let timeout = if self.has_ready() { Duration::ZERO } else { timeout };
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        let mut accept = false;
        for event in self.events.iter() {
            match event.token() {
                LISTENER => accept = true,
                WAKER => {}
                Token(key) => {
                    let Some(connection) = self.connections.get_mut(key) else { continue };
                    connection.ending |= event.is_read_closed() || event.is_error();
                    connection.readable |= event.is_readable() || connection.ending;
                    connection.writable |= event.is_writable() && !connection.deaf;
                    if !connection.queued {
                        connection.queued = true;
                        self.ready.push_back(key);
                    }
                }
            }
        }
        if accept { self.accept_all() } else { Ok(()) }
    }

    fn accept_all(&mut self) -> io::Result<()> {
        while let Some(listener) = &self.listener {
            match listener.accept() {
                Ok((socket, peer)) => self.admit(socket, peer)?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => {
                    // Out of file descriptors or memory, or the peer's network is gone (accept(2)): it passes, and
                    // the others must not notice. The listener is edge-triggered, so it is looked at again later.
                    warn!(%error, "accept failed");
                    self.accept_again = true;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn admit(&mut self, mut socket: TcpStream, peer: SocketAddr) -> io::Result<()> {
        self.stats.accepted += 1;
        if self.connections.len() >= self.connections_max || !self.accepting {
            self.count_close(CloseReason::TooMany);
            warn!(%peer, "connection refused: too many");
            return Ok(());
        }
        // Failing here means that the peer has gone already; the first read will tell.
        let _ = socket.set_nodelay(true);
        self.generation += 1;
        let entry = self.connections.vacant_entry();
        let token = Token(entry.key());
        self.poll.registry().register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
        let key = token.0;
        entry.insert(Connection::new(socket, peer, self.generation, self.now));
        self.ready.push_back(key);
        self.stats.connections += 1;
        Ok(())
    }

    /// Gives each ready connection one turn.
    fn serve_ready(&mut self, sink: &mut impl CommandSink) -> u64 {
        let mut commands = 0;
        for _ in 0..self.ready.len() {
            let Some(key) = self.ready.pop_front() else { break };
            if !self.connections.contains(key) {
                continue;
            }
            self.connections[key].queued = false;
            if self.connections[key].writable && self.send(key, sink).is_err() {
                self.close(key, CloseReason::PeerClosed, sink);
                continue;
            }
            commands += self.turn(key, sink);
        }
        commands
    }

    /// One turn of one connection: what is buffered, then one read.
    fn turn(&mut self, key: usize, sink: &mut impl CommandSink) -> u64 {
        let Some(connection) = self.connections.get_mut(key) else { return 0 };
        if connection.farewell.is_some() {
            self.hear_out(key, sink);
            return 0;
        }
        let held = self.rolls > 0 && connection.session.login().is_some();
        if !self.accepting || held || connection.session.phase() == Phase::Verifying {
            // Left in the socket: read after the verdict, or not at all.
            return 0;
        }
        sink.begin_read();
        if connection.readable {
            connection.fill(self.now);
        }
        let (commands, parsed) = self.parse(key, sink);
        // Bytes that came before the end of a connection count: they are carried out first, over as many turns
        // as they need.
        if let Err(reason) = parsed {
            self.close(key, reason, sink);
            return commands;
        }
        let Some(connection) = self.connections.get_mut(key) else { return commands };
        let more = connection.readable || connection.has_packet();
        if connection.ended && !more {
            self.close(key, CloseReason::PeerClosed, sink);
            return commands;
        }
        if more && !connection.queued && connection.session.phase() != Phase::Verifying {
            connection.queued = true;
            self.ready.push_back(key);
        }
        commands
    }

    /// Carries out the packets in the input buffer, as far as turn and sink allow.
    fn parse(&mut self, key: usize, sink: &mut impl CommandSink) -> (u64, Result<(), CloseReason>) {
        let (mut commands, mut used) = (0, 0);
        // The gateway's own connects and disconnects come first, or a new connection's orders could overtake the
        // disconnect of the old one.
        let room = self.owed.is_empty();
        let connection = &mut self.connections[key];
        let result = loop {
            if commands >= u64::from(TURN_COMMANDS) {
                break Ok(());
            }
            let input = &connection.input[used..connection.filled];
            let (packet, length) = match soup::next_packet(input, PAYLOAD_MAX) {
                Ok(Some(found)) => found,
                Ok(None) => break Ok(()),
                // Debug packets are ignored at any length; the third byte tells.
                Err(FrameError::TooLong { .. }) if input.len() < soup::HEADER_BYTES => break Ok(()),
                Err(FrameError::TooLong { length, .. }) if input[2] == kind::DEBUG => {
                    let whole = length + 2;
                    connection.skip = whole.saturating_sub(input.len());
                    used += whole.min(input.len());
                    continue;
                }
                Err(error) => {
                    info!(peer = %connection.peer, %error, "frame");
                    break Err(CloseReason::BadFrame);
                }
            };
            match connection.session.packet(packet) {
                Input::Ignore => {}
                Input::Request(login, payload) => match offer(login, payload, room.then_some(&mut *sink)) {
                    Ok(true) => commands += 1,
                    Ok(false) => {
                        // Back-pressure: the packet stays in the buffer, the socket is not read.
                        self.stats.sink_full += 1;
                        // Nor can it be called silent.
                        connection.session.received(self.now);
                        break Ok(());
                    }
                    Err(error) => {
                        info!(peer = %connection.peer, %error, "message");
                        break Err(CloseReason::MalformedMessage);
                    }
                },
                Input::Login(request) => {
                    used += length;
                    break Self::ask_verifier(&self.jobs, key, connection, request);
                }
                Input::Close(reason) => break Err(reason),
            }
            used += length;
        };
        connection.consume(used);
        self.stats.commands += commands;
        (commands, result)
    }

    fn ask_verifier(
        jobs: &Sender<Job>,
        key: usize,
        connection: &mut Connection,
        request: LoginRequest,
    ) -> Result<(), CloseReason> {
        let ticket = Ticket { key, generation: connection.generation };
        let job = Job { ticket, username: request.username, password: Secret(request.password) };
        connection.pending_login = Some(request);
        match jobs.try_send(job) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(CloseReason::VerifierBusy),
        }
    }

    fn take_verdicts(&mut self, sink: &mut impl CommandSink) {
        if self.rolls > 0 {
            return;
        }
        while let Ok(verdict) = self.verdicts.try_recv() {
            let Verdict { ticket: Ticket { key, generation }, login } = verdict;
            let Some(connection) = self.connections.get_mut(key) else { continue };
            if connection.generation != generation {
                continue;
            }
            let Some(request) = connection.pending_login.take() else { continue };
            match login.filter(|login| login.0 as usize <= self.logins.len()) {
                Some(login) => self.enter_session(key, login, &request, sink),
                None => self.refuse(key, &request, LoginRejected::NotAuthorized, sink),
            }
        }
    }

    /// The password was right: find the place in the stream, take over from an older connection, answer.
    fn enter_session(
        &mut self,
        key: usize,
        login: LoginId,
        request: &LoginRequest,
        sink: &mut impl CommandSink,
    ) {
        let stream = &self.logins[login.0 as usize - 1].stream;
        let known_session = request.session.is_blank() || request.session == self.session;
        let wanted = match request.sequence {
            Some(0) => Some(stream.next_sequence()),
            other => other.filter(|sequence| *sequence <= stream.next_sequence()),
        };
        let Some(sequence) = wanted.filter(|_| known_session) else {
            return self.refuse(key, request, LoginRejected::SessionNotAvailable, sink);
        };
        let Ok(position) = stream.locate(sequence) else {
            return self.close(key, CloseReason::PeerClosed, sink);
        };
        if let Some(older) = self.logins[login.0 as usize - 1].holder {
            self.take_over(older, sink);
        }
        self.open(key, login, sequence, position, sink);
    }

    fn open(
        &mut self,
        key: usize,
        login: LoginId,
        sequence: u64,
        position: u64,
        sink: &mut impl CommandSink,
    ) {
        let connection = &mut self.connections[key];
        connection.session.accept(login);
        connection.position = position;
        LoginAccepted { session: self.session, sequence }.encode(&mut connection.control);
        if !connection.queued {
            connection.queued = true;
            self.ready.push_back(key);
        }
        let state = &mut self.logins[login.0 as usize - 1];
        state.holder = Some(key);
        info!(login = %state.username, peer = %self.connections[key].peer, sequence, "login accepted");
        if !state.connected {
            state.connected = true;
            self.offer_own(Command { login, action: Action::Connect }, sink);
        }
        self.stats.logins += 1;
        self.stats.logged_in += 1;
        if self.send(key, sink).is_err() {
            self.close(key, CloseReason::PeerClosed, sink);
        }
    }

    fn refuse(
        &mut self,
        key: usize,
        request: &LoginRequest,
        answer: LoginRejected,
        sink: &mut impl CommandSink,
    ) {
        let connection = &mut self.connections[key];
        info!(login = %request.username, peer = %connection.peer, ?answer, "login rejected");
        answer.encode(&mut connection.control);
        // Best effort: four bytes into an empty socket buffer.
        let _ = connection.write_control(self.now);
        self.close(key, CloseReason::LoginRejected, sink);
    }

    /// The older connection goes, the login stays connected: a takeover is no disconnect.
    fn take_over(&mut self, key: usize, sink: &mut impl CommandSink) {
        if let Some(login) = self.connections[key].session.login() {
            self.logins[login.0 as usize - 1].holder = None;
        }
        self.close(key, CloseReason::TakenOver, sink);
    }

    fn close(&mut self, key: usize, reason: CloseReason, sink: &mut impl CommandSink) {
        let Some(mut connection) = self.connections.try_remove(key) else { return };
        let _ = self.poll.registry().deregister(&mut connection.socket);
        self.stats.connections -= 1;
        self.count_close(reason);
        info!(peer = %connection.peer, reason = reason.name(), "connection closed");
        let Some(login) = connection.session.login() else { return };
        self.stats.logged_in -= 1;
        let state = &mut self.logins[login.0 as usize - 1];
        if state.holder == Some(key) {
            state.holder = None;
            state.connected = false;
            self.offer_own(Command { login, action: Action::Disconnect }, sink);
        }
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

    /// Writes control packets, then the stream, until all is sent or the socket is full.
    fn send(&mut self, key: usize, sink: &mut impl CommandSink) -> Result<(), OutboundError> {
        let Some(connection) = self.connections.get_mut(key) else { return Ok(()) };
        if connection.farewell.is_some() {
            return self.see_off(key, sink);
        }
        let mut result = connection.write_control(self.now);
        if let Some(login) = connection.session.login() {
            let stream = &self.logins[login.0 as usize - 1].stream;
            for _ in 0..TURN_WRITES {
                if result.is_err() || !connection.writable || connection.position == stream.end() {
                    break;
                }
                let bytes = stream.bytes(connection.position, &mut self.scratch)?;
                result = connection.write_stream(bytes, self.now).map(|written| {
                    self.stats.bytes_out += written as u64;
                });
            }
            if connection.writable && connection.position < stream.end() && !connection.queued {
                // A long rewind goes on in the next turn, after everybody else's.
                connection.queued = true;
                self.ready.push_back(key);
            }
            connection.caught_up |= connection.position == stream.end();
            if result.is_ok() && connection.caught_up && stream.end() - connection.position > LAG_MAX {
                self.close(key, CloseReason::SlowReader, sink);
                return Ok(());
            }
        }
        if result.is_err() {
            connection.stop_writing();
            if !connection.queued {
                connection.queued = true;
                self.ready.push_back(key);
            }
        }
        Ok(())
    }

    fn run_timers(&mut self, sink: &mut impl CommandSink) {
        for key in 0..self.connections.capacity() {
            let Some(connection) = self.connections.get_mut(key) else { continue };
            match connection.session.due(self.now) {
                Due::Nothing if connection.is_stuck() => self.close(key, CloseReason::BadFrame, sink),
                Due::Nothing => {}
                Due::Heartbeat => self.heartbeat(key, sink),
                Due::Close(reason) => self.close(key, reason, sink),
            }
        }
    }

    /// Only between messages: with bytes still to send there is no silence to break.
    fn heartbeat(&mut self, key: usize, sink: &mut impl CommandSink) {
        let connection = &mut self.connections[key];
        let Some(login) = connection.session.login() else { return };
        if connection.position == self.logins[login.0 as usize - 1].stream.end()
            && connection.control.is_empty()
        {
            soup::put_packet(kind::SERVER_HEARTBEAT, &[], &mut connection.control);
        }
        if self.send(key, sink).is_err() {
            self.close(key, CloseReason::PeerClosed, sink);
        }
    }
}

/// Adds an event to a stream as one sequenced packet. False: it is nobody's, and the stream is as it was.
pub fn append_event(stream: &mut Outbound, time_ns: TimeNs, event: &Event) -> bool {
    if !translate::has_reply(event) {
        return false;
    }
    stream.append(|out| put_event(time_ns, event, out));
    true
}

/// Adds an event to `out` as it stands in its login's stream. False: it is told to nobody, nothing was added.
pub fn encode_event(time_ns: TimeNs, event: &Event, out: &mut Vec<u8>) -> bool {
    let told = translate::has_reply(event);
    if told {
        put_event(time_ns, event, out);
    }
    told
}

fn put_event(time_ns: TimeNs, event: &Event, out: &mut Vec<u8>) {
    let mark = soup::begin_packet(kind::SEQUENCED, out);
    translate::put_reply(time_ns, event, out);
    soup::finish_packet(mark, out);
}

/// Hands a request over; `false` without a sink or without room in it.
fn offer<S: CommandSink>(
    login: LoginId,
    payload: &[u8],
    sink: Option<&mut S>,
) -> Result<bool, translate::NotACommand> {
    let action = translate::action(payload)?;
    Ok(sink.is_some_and(|sink| sink.offer(&Command { login, action })))
}

impl LoginState {
    fn new(entry: LoginEntry) -> Self {
        let LoginEntry { username, stream, connected } = entry;
        LoginState { username, stream, holder: None, connected, dirty: false }
    }
}

impl Connection {
    fn new(socket: TcpStream, peer: SocketAddr, generation: u64, now: Duration) -> Self {
        Connection {
            socket,
            peer,
            generation,
            session: Session::new(now),
            pending_login: None,
            input: vec![0; INPUT_BYTES].into_boxed_slice(),
            filled: 0,
            control: Vec::with_capacity(64),
            position: 0,
            caught_up: false,
            readable: true,
            ending: false,
            ended: false,
            deaf: false,
            skip: 0,
            writable: true,
            queued: true,
            farewell: None,
        }
    }

    /// One read into the room that is left.
    fn fill(&mut self, now: Duration) {
        let room = &mut self.input[self.filled..];
        if room.is_empty() {
            return;
        }
        let wanted = room.len();
        match self.socket.read(room) {
            Ok(0) => (self.ended, self.readable) = (true, false),
            Ok(count) => {
                self.discard(count);
                // A short read empties the socket; epoll tells when there is more.
                self.readable = count == wanted || self.ending;
                self.session.received(now);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.readable = false,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // A reset: what came before it counts all the same.
            Err(_) => (self.ended, self.readable) = (true, false),
        }
    }

    /// Takes `count` bytes that were just read, less those of a debug packet that is being skipped.
    fn discard(&mut self, count: usize) {
        let skipped = self.skip.min(count);
        self.skip -= skipped;
        self.input.copy_within(self.filled + skipped..self.filled + count, self.filled);
        self.filled += count - skipped;
    }

    /// True when a length that only a debug packet may have has come without its type. Looked at by the timer: the
    /// type travels with the length, unless somebody plays games.
    fn is_stuck(&self) -> bool {
        let input = &self.input[..self.filled];
        input.len() < soup::HEADER_BYTES && soup::next_packet(input, PAYLOAD_MAX).is_err()
    }

    /// True when the buffer holds something to act on: a whole packet, or bytes that are none.
    fn has_packet(&self) -> bool {
        match soup::next_packet(&self.input[..self.filled], PAYLOAD_MAX) {
            Ok(found) => found.is_some(),
            Err(_) => self.filled >= soup::HEADER_BYTES,
        }
    }

    fn consume(&mut self, used: usize) {
        self.input.copy_within(used..self.filled, 0);
        self.filled -= used;
    }

    fn stop_writing(&mut self) {
        (self.deaf, self.writable) = (true, false);
        (self.ending, self.readable) = (true, true);
    }

    fn write_control(&mut self, now: Duration) -> Result<(), CloseReason> {
        while self.writable && !self.control.is_empty() {
            let count = write_some(&mut self.socket, &self.control, &mut self.writable)?;
            self.control.drain(..count);
            if count > 0 {
                self.session.sent(now);
            }
        }
        Ok(())
    }

    fn write_stream(&mut self, bytes: &[u8], now: Duration) -> Result<usize, CloseReason> {
        if !self.control.is_empty() {
            return Ok(0);
        }
        let count = write_some(&mut self.socket, bytes, &mut self.writable)?;
        self.position += count as u64;
        if count > 0 {
            self.session.sent(now);
        }
        Ok(count)
    }
}

/// One write. A full socket clears `writable`; epoll sets it again.
fn write_some(socket: &mut TcpStream, bytes: &[u8], writable: &mut bool) -> Result<usize, CloseReason> {
    match socket.write(bytes) {
        Ok(0) => Err(CloseReason::PeerClosed),
        Ok(count) => Ok(count),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            *writable = false;
            Ok(0)
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
        Err(_) => Err(CloseReason::PeerClosed),
    }
}

/// File of a login's stream in a session, inside the outbound directory.
pub fn stream_path(directory: &std::path::Path, login: LoginId, session: u32) -> PathBuf {
    directory.join(format!("{:010}.{session:010}.out", login.0))
}

/// The session whose stream a file of the outbound directory has; `None` for other files.
pub fn session_of_stream(file_name: &str) -> Option<u32> {
    let mut parts = file_name.split('.');
    let (_login, session) = (parts.next()?, parts.next()?.parse().ok()?);
    (parts.next() == Some("out") && parts.next().is_none()).then_some(session)
}
