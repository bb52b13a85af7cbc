//! A blocking client without comfort: what is sent are the bytes a test wants, what came is kept as it came.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use ringside_domain::Text;
use ringside_wire::ouch::{AccountQuery, Cancel, Enter, Reply, Request, Tags, decode_reply};
use ringside_wire::soup::{self, LoginAccepted, LoginRequest, kind};

use super::PATIENCE;

/// A price on both instruments' ticks: 100.00.
pub const PRICE: u64 = 1_000_000;
/// Prices from here on are market.
pub const MARKET: u64 = 2_000_000_000;

/// What came next.
#[derive(Debug, PartialEq, Eq)]
pub enum Got {
    /// A packet other than a heartbeat.
    Packet(u8, Vec<u8>),
    /// The other side closed.
    Closed,
    /// Nothing in the time given.
    Nothing,
}

/// A connection to the order entry port.
pub struct Client {
    socket: TcpStream,
    input: Vec<u8>,
    used: usize,
    last_sent: Instant,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Client {
        let socket = TcpStream::connect(address).expect("the venue accepts connections");
        socket.set_nodelay(true).expect("a TCP socket");
        Client { socket, input: Vec::new(), used: 0, last_sent: Instant::now() }
    }

    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Sends bytes as they are. A venue that has closed meanwhile is seen at the next read.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.last_sent = Instant::now();
        let _ = self.socket.write_all(bytes);
    }

    /// Sends one packet.
    pub fn send_packet(&mut self, kind: u8, payload: &[u8]) {
        let mut packet = Vec::new();
        soup::put_packet(kind, payload, &mut packet);
        self.send_bytes(&packet);
    }

    /// Sends one OUCH message.
    pub fn send(&mut self, message: &[u8]) {
        self.send_packet(kind::UNSEQUENCED, message);
    }

    /// Logs in; what came instead of the acceptance otherwise.
    pub fn login(&mut self, name: &str, sequence: u64) -> Result<LoginAccepted, Got> {
        self.login_with(name, &format!("pw-{}", name.to_lowercase()), "", sequence)
    }

    pub fn login_with(
        &mut self,
        name: &str,
        password: &str,
        session: &str,
        sequence: u64,
    ) -> Result<LoginAccepted, Got> {
        self.send_bytes(&login_request(name, password, session, sequence));
        match self.next(PATIENCE) {
            Got::Packet(kind::LOGIN_ACCEPTED, payload) => {
                Ok(LoginAccepted::decode(&payload).expect("well-formed"))
            }
            other => Err(other),
        }
    }

    /// The next packet that is no heartbeat. Heartbeats go out meanwhile.
    pub fn next(&mut self, patience: Duration) -> Got {
        let since = Instant::now();
        loop {
            while let Some((kind, payload)) = self.buffered() {
                if kind != kind::SERVER_HEARTBEAT {
                    return Got::Packet(kind, payload);
                }
            }
            let left = patience.saturating_sub(since.elapsed());
            if left.is_zero() {
                return Got::Nothing;
            }
            if !self.read_more(left.min(Duration::from_millis(500))) {
                return Got::Closed;
            }
        }
    }

    fn buffered(&mut self) -> Option<(u8, Vec<u8>)> {
        let packet = soup::next_packet(&self.input[self.used..], soup::PAYLOAD_MAX);
        let Some((packet, used)) = packet.expect("the venue sends packets") else {
            self.input.drain(..self.used);
            self.used = 0;
            return None;
        };
        let taken = (packet.kind, packet.payload.to_vec());
        self.used += used;
        Some(taken)
    }

    /// One read. False: closed.
    fn read_more(&mut self, patience: Duration) -> bool {
        if self.last_sent.elapsed() > Duration::from_secs(1) {
            self.send_packet(kind::CLIENT_HEARTBEAT, &[]);
        }
        self.socket.set_read_timeout(Some(patience)).expect("not zero");
        let mut chunk = [0; 65_536];
        match self.socket.read(&mut chunk) {
            Ok(0) => false,
            Ok(count) => {
                self.input.extend_from_slice(&chunk[..count]);
                true
            }
            Err(error) => {
                matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
            }
        }
    }

    /// The next sequenced message.
    pub fn message(&mut self) -> Vec<u8> {
        match self.next(PATIENCE) {
            Got::Packet(kind::SEQUENCED, payload) => payload,
            other => panic!("a sequenced message was due, got {other:?}"),
        }
    }

    /// The letters of the next messages, which must be these.
    pub fn expect(&mut self, letters: &str) -> Vec<Vec<u8>> {
        let messages: Vec<_> = letters.bytes().map(|_| self.message()).collect();
        let found: String = messages.iter().map(|message| char::from(message[0])).collect();
        assert_eq!(found, letters, "messages {messages:02x?}");
        messages
    }

    /// Sends an order and expects these letters.
    pub fn trade(&mut self, message: &[u8], letters: &str) -> Vec<Vec<u8>> {
        self.send(message);
        self.expect(letters)
    }

    /// Proves that nothing was said before now: the next message is the answer to a question. Journals one command.
    pub fn assert_silent(&mut self, next_user_ref_num: u32) {
        let answers = self.trade(&query(), "Q");
        let Reply::AccountQueryResponse(answer) = reply(&answers[0]) else { panic!("expected Q") };
        assert_eq!(answer.next_user_ref_num, next_user_ref_num, "next usable UserRefNum");
    }

    /// Waits until the venue closes, reading past whatever comes; how long that took.
    pub fn closed_within(&mut self, patience: Duration) -> Option<Duration> {
        let since = Instant::now();
        self.socket.set_read_timeout(Some(Duration::from_millis(20))).expect("not zero");
        let mut chunk = [0; 4096];
        while since.elapsed() < patience {
            match self.socket.read(&mut chunk) {
                Ok(0) => return Some(since.elapsed()),
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => return Some(since.elapsed()),
            }
        }
        None
    }

    /// The next `count` sequenced messages into `stream`. False: closed before that.
    pub fn read_into(&mut self, stream: &mut Stream, count: u64) -> bool {
        let end = stream.count + count;
        while stream.count < end {
            match self.next(PATIENCE) {
                Got::Packet(kind::SEQUENCED, payload) => stream.push(&payload),
                Got::Closed => return false,
                other => panic!("{} messages are missing, got {other:?}", end - stream.count),
            }
        }
        true
    }
}

/// Sequenced messages as received, from sequence 1.
#[derive(Clone, Default, Debug)]
pub struct Stream {
    /// Framed, so that a prefix is a prefix of messages.
    pub bytes: Vec<u8>,
    pub count: u64,
}

impl Stream {
    pub fn push(&mut self, message: &[u8]) {
        soup::put_packet(kind::SEQUENCED, message, &mut self.bytes);
        self.count += 1;
    }

    pub fn messages(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.bytes[..];
        std::iter::from_fn(move || {
            let (packet, used) = soup::next_packet(rest, soup::PAYLOAD_MAX).expect("framed by push")?;
            rest = &rest[used..];
            Some(packet.payload)
        })
    }

    /// True when everything in `self` is the beginning of `other`, byte for byte.
    pub fn is_prefix_of(&self, other: &Stream) -> bool {
        other.bytes.starts_with(&self.bytes)
    }

    /// The whole stream of a login as the venue has it now.
    pub fn rewind(venue: &super::Running, name: &str) -> Stream {
        // Held until it is taken over, which is no disconnect: reading a stream must not add to it.
        let mut first = Client::connect(venue.order_entry());
        let next = first.login(name, 0).expect("a login").sequence;
        let mut stream = Stream::default();
        let mut client = venue.login_from(name, 1);
        assert!(client.read_into(&mut stream, next - 1), "the venue stays open during a rewind");
        stream
    }
}

/// A login request as it is on the wire.
pub fn login_request(name: &str, password: &str, session: &str, sequence: u64) -> Vec<u8> {
    let mut packet = Vec::new();
    let request = LoginRequest {
        username: Text::new(name).expect("a name"),
        password: Text::new(password).expect("a password"),
        session: Text::new(session).expect("a session"),
        sequence: Some(sequence),
    };
    request.encode(&mut packet);
    packet
}

/// A login request with the name's own password, and what is sent without waiting for its answer: orders from `first` on.
pub fn login_and_orders(name: &str, first: u32, count: u32) -> Vec<u8> {
    let mut bytes = login_request(name, &format!("pw-{}", name.to_lowercase()), "", 0);
    for n in first..first + count {
        soup::put_packet(kind::UNSEQUENCED, &enter(n, b'B', 1, "AAPL"), &mut bytes);
    }
    bytes
}

/// An order that rests or trades at [`PRICE`].
pub fn enter(user_ref_num: u32, side: u8, quantity: u32, symbol: &str) -> Vec<u8> {
    encode(&Request::Enter(order(user_ref_num, side, quantity, symbol)))
}

/// The fields of such an order, to be changed by a test.
pub fn order(user_ref_num: u32, side: u8, quantity: u32, symbol: &str) -> Enter<'static> {
    Enter {
        user_ref_num,
        side,
        quantity,
        symbol: Text::new(symbol).expect("a symbol"),
        price: PRICE,
        time_in_force: b'0',
        display: b'Y',
        capacity: b'P',
        intermarket_sweep: b'N',
        cross_type: b'N',
        client_order_id: Text::BLANK,
        tags: Tags::EMPTY,
    }
}

/// Cancels an order whole.
pub fn cancel(user_ref_num: u32) -> Vec<u8> {
    encode(&Request::Cancel(Cancel { user_ref_num, quantity: 0, tags: Tags::EMPTY }))
}

/// Asks for the next usable UserRefNum.
pub fn query() -> Vec<u8> {
    encode(&Request::AccountQuery(AccountQuery { tags: Tags::EMPTY }))
}

/// The bytes of a request.
pub fn encode(request: &Request<'_>) -> Vec<u8> {
    let mut message = Vec::new();
    request.encode(&mut message);
    message
}

/// Reads a message of the venue.
pub fn reply(message: &[u8]) -> Reply<'_> {
    decode_reply(message).unwrap_or_else(|error| panic!("{error}: {message:02x?}"))
}
