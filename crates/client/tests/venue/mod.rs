//! A small venue on a thread: logs in, takes requests by the rules of UserRefNums, keeps one sequenced stream.
//! It knows no prices: an Enter is accepted and rests until it is cancelled.

use std::collections::{HashMap, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ringside_domain::{ClientOrderId, Firm, Symbol, Text};
use ringside_wire::ouch::{
    Accepted, AccountQueryResponse, Canceled, Enter, EntrySwitchResponse, MassCancelResponse, Reply, Request,
    Tag, TagBuffer, Tags, decode_request,
};
use ringside_wire::soup::{self, LoginAccepted, LoginRejected, LoginRequest, kind, next_packet};

/// An order to buy 1 ESH4.
pub fn enter(user_ref_num: u32) -> Request<'static> {
    Request::Enter(Enter {
        user_ref_num,
        side: b'B',
        quantity: 1,
        symbol: Symbol::new("ESH4").unwrap(),
        price: 48_000_000,
        time_in_force: b'0',
        display: b'Y',
        capacity: b'P',
        intermarket_sweep: b'N',
        cross_type: b'N',
        client_order_id: ClientOrderId::BLANK,
        tags: Tags::EMPTY,
    })
}

/// How one connection misbehaves. The default one does not.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Closes after this many requests were taken (whatever else was read is thrown away).
    pub requests: usize,
    /// Sends no more than this many messages.
    pub messages: usize,
    /// Bytes per write.
    pub chunk: usize,
    /// Sends nothing at all after the login.
    pub is_mute: bool,
    /// Sends End of Session behind this many messages, then closes.
    pub end_after: usize,
    /// Another session than the one asked for.
    pub session: Option<&'static str>,
}

impl Default for Plan {
    fn default() -> Self {
        Plan {
            requests: usize::MAX,
            messages: usize::MAX,
            chunk: usize::MAX,
            is_mute: false,
            end_after: usize::MAX,
            session: None,
        }
    }
}

/// What the venue has seen and said.
#[derive(Default)]
pub struct State {
    /// The sequenced stream: message 1 first.
    pub stream: Vec<Vec<u8>>,
    /// Every request taken, in order, copies included.
    pub requests: Vec<Vec<u8>>,
    /// UserRefNums of orders that came to life.
    pub entered: Vec<u32>,
    /// Logins as they came: session and sequence asked for.
    pub logins: Vec<(String, u64)>,
    /// Client heartbeats.
    pub heartbeats: usize,
    /// Logout requests.
    pub logouts: usize,
    last: HashMap<u8, u32>,
    live: HashMap<u32, u32>,
    plans: VecDeque<Plan>,
}

/// A running venue. Its thread ends with the test process.
pub struct Venue {
    pub addr: String,
    pub state: Arc<Mutex<State>>,
}

impl Venue {
    /// One plan per connection; the connections after them behave.
    pub fn start(plans: impl IntoIterator<Item = Plan>) -> Venue {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap().to_string();
        let state = State { plans: plans.into_iter().collect(), ..State::default() };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let (came, coming) = channel();
        thread::spawn(move || listener.incoming().map_while(Result::ok).try_for_each(|it| came.send(it)));
        thread::spawn(move || {
            // One connection at a time: nothing is taken from an old one once a new one is in.
            let mut newer = None;
            while let Some(stream) = newer.take().or_else(|| coming.recv().ok()) {
                let plan = shared.lock().unwrap().plans.pop_front().unwrap_or_default();
                newer = Connection::new(stream, plan, &shared).run(&coming);
            }
        });
        Venue { addr, state }
    }

    pub fn see<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.lock().unwrap())
    }
}

struct Connection<'a> {
    stream: TcpStream,
    plan: Plan,
    state: &'a Mutex<State>,
    input: Vec<u8>,
    /// Messages sent on this connection.
    messages: usize,
    requests: usize,
    /// Number of the next message, 0 before login.
    next: usize,
    sent_at: Instant,
    is_over: bool,
}

impl<'a> Connection<'a> {
    fn new(stream: TcpStream, plan: Plan, state: &'a Mutex<State>) -> Self {
        stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        stream.set_nodelay(true).unwrap();
        let (input, sent_at) = (Vec::new(), Instant::now());
        Connection { stream, plan, state, input, messages: 0, requests: 0, next: 0, sent_at, is_over: false }
    }

    /// To its end, or until another one takes over.
    fn run(mut self, coming: &Receiver<TcpStream>) -> Option<TcpStream> {
        while !self.is_over {
            let mut part = [0; 4096];
            match self.stream.read(&mut part) {
                Ok(0) => return None,
                Ok(length) => self.input.extend_from_slice(&part[..length]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => return None,
            }
            self.read_packets();
            self.send_messages();
            self.beat();
            // Who has not logged in is not taken over.
            if self.next != 0
                && let Ok(newer) = coming.try_recv()
            {
                return Some(newer);
            }
        }
        None
    }

    fn read_packets(&mut self) {
        let input = std::mem::take(&mut self.input);
        let mut at = 0;
        while let Some((packet, length)) = next_packet(&input[at..], 70_000).unwrap() {
            at += length;
            match packet.kind {
                kind::LOGIN_REQUEST => self.log_in(&LoginRequest::decode(packet.payload).unwrap()),
                kind::UNSEQUENCED => self.request(packet.payload),
                kind::CLIENT_HEARTBEAT => self.state.lock().unwrap().heartbeats += 1,
                kind::LOGOUT_REQUEST => {
                    self.state.lock().unwrap().logouts += 1;
                    self.is_over = true;
                }
                other => panic!("packet {other} from a client"),
            }
            if self.is_over {
                return;
            }
        }
        self.input = input[at..].to_vec();
    }

    fn log_in(&mut self, request: &LoginRequest) {
        let mut state = self.state.lock().unwrap();
        let sequence = request.sequence.unwrap();
        state.logins.push((request.session.to_string(), sequence));
        let end = state.stream.len() as u64 + 1;
        drop(state);
        let mut bytes = Vec::new();
        soup::put_packet(kind::DEBUG, b"hello", &mut bytes);
        if request.password != Text::new("pw").unwrap() {
            LoginRejected::NotAuthorized.encode(&mut bytes);
            self.is_over = true;
        } else if sequence > end {
            LoginRejected::SessionNotAvailable.encode(&mut bytes);
            self.is_over = true;
        } else {
            let sequence = if sequence == 0 { end } else { sequence };
            let session = Text::new(self.plan.session.unwrap_or("0000000001")).unwrap();
            LoginAccepted { session, sequence }.encode(&mut bytes);
            self.next = sequence as usize;
        }
        self.write(&bytes);
    }

    fn request(&mut self, payload: &[u8]) {
        assert_ne!(self.next, 0, "requests come after the login");
        self.state.lock().unwrap().take(payload);
        self.requests += 1;
        if self.requests == self.plan.requests {
            self.send_messages();
            self.is_over = true;
        }
    }

    fn send_messages(&mut self) {
        while self.next > 0 && self.messages < self.plan.messages && !self.plan.is_mute {
            if self.messages == self.plan.end_after {
                let mut bytes = Vec::new();
                soup::put_end_of_session(&mut bytes);
                self.write(&bytes);
                self.is_over = true;
                return;
            }
            let message = self.state.lock().unwrap().stream.get(self.next - 1).cloned();
            let Some(message) = message else { return };
            let mut bytes = Vec::new();
            soup::put_packet(kind::SEQUENCED, &message, &mut bytes);
            self.write(&bytes);
            (self.next, self.messages) = (self.next + 1, self.messages + 1);
        }
    }

    fn beat(&mut self) {
        if self.next > 0 && !self.plan.is_mute && self.sent_at.elapsed() >= Duration::from_millis(50) {
            let mut bytes = Vec::new();
            soup::put_server_heartbeat(&mut bytes);
            self.write(&bytes);
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(self.plan.chunk) {
            self.is_over |= self.stream.write_all(part).is_err();
            if self.plan.chunk != usize::MAX {
                thread::sleep(Duration::from_micros(200));
            }
        }
        self.sent_at = Instant::now();
    }
}

impl State {
    fn take(&mut self, payload: &[u8]) {
        self.requests.push(payload.to_vec());
        let request = decode_request(payload).unwrap();
        let channel = request.tags().user_ref_idx();
        let firm = Firm::BLANK;
        match request {
            Request::Enter(m) if self.consumes(channel, m.user_ref_num) => {
                self.entered.push(m.user_ref_num);
                self.live.insert(m.user_ref_num, m.quantity);
                self.say(&accepted(m.user_ref_num, m.quantity));
            }
            Request::Cancel(m) => {
                if let Some(quantity) = self.live.remove(&m.user_ref_num) {
                    self.say(&Reply::Canceled(Canceled {
                        timestamp: 0,
                        user_ref_num: m.user_ref_num,
                        quantity,
                        reason: b'U',
                        tags: Tags::EMPTY,
                    }));
                }
            }
            Request::MassCancel(m) if self.consumes(channel, m.user_ref_num) => {
                let (user_ref_num, symbol) = (m.user_ref_num, Symbol::BLANK);
                let tags = Tags::EMPTY;
                let response = MassCancelResponse { timestamp: 0, user_ref_num, firm, symbol, tags };
                self.say(&Reply::MassCancelResponse(response));
            }
            Request::Disable(m) if self.consumes(channel, m.user_ref_num) => {
                let (user_ref_num, tags) = (m.user_ref_num, Tags::EMPTY);
                let response = EntrySwitchResponse { timestamp: 0, user_ref_num, firm, tags };
                self.say(&Reply::DisableResponse(response));
            }
            Request::AccountQuery(_) => {
                let mut tags = TagBuffer::new();
                if channel != 0 {
                    tags.push(Tag::UserRefIdx(channel));
                }
                let next_user_ref_num = self.last.get(&channel).copied().unwrap_or(0) + 1;
                let tags = tags.as_tags();
                let response = AccountQueryResponse { timestamp: 0, next_user_ref_num, tags };
                self.say(&Reply::AccountQueryResponse(response));
            }
            _ => {}
        }
    }

    fn consumes(&mut self, channel: u8, user_ref_num: u32) -> bool {
        let last = self.last.entry(channel).or_default();
        let is_new = user_ref_num > *last;
        *last = user_ref_num.max(*last);
        is_new
    }

    fn say(&mut self, reply: &Reply<'_>) {
        let mut bytes = Vec::new();
        reply.encode(&mut bytes);
        self.stream.push(bytes);
    }
}

fn accepted(user_ref_num: u32, quantity: u32) -> Reply<'static> {
    Reply::Accepted(Accepted {
        timestamp: 0,
        user_ref_num,
        side: b'B',
        quantity,
        symbol: Symbol::new("ESH4").unwrap(),
        price: 48_000_000,
        time_in_force: b'0',
        display: b'Y',
        order_ref: u64::from(user_ref_num),
        capacity: b'P',
        intermarket_sweep: b'N',
        cross_type: b'N',
        state: b'L',
        client_order_id: ringside_domain::ClientOrderId::BLANK,
        tags: Tags::EMPTY,
    })
}
