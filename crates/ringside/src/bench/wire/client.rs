//! A raw client: bytes out, answers counted and checked. Every command has exactly one answer (enter far from the touch, then
//! cancel it), so the place of an answer names its command; and an answer that is not the expected one is an error.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use ringside_domain::Text;
use ringside_gateway::translate;
use ringside_sim::steady::enter;
use ringside_wire::ouch::{self, Request, Tags};
use ringside_wire::soup::{self, LoginRequest, kind};

use super::super::open_loop::Counts;
use super::super::probe::{Frame, Waiting};
use super::super::recorder::Recorder;
use super::Clock;

/// Bytes of commands that wait for the socket. An open loop sends no more into a full one: those count as unsent.
const WAITING_MAX: usize = 256 * 1024;
/// Bytes read at once.
const INPUT_BYTES: usize = 256 * 1024;
/// Longest wait for a connection, and for the answer to a login. A venue closes who is not in after five seconds.
pub const LOGIN_MAX: Duration = Duration::from_secs(10);
/// UserRefNum of an answer: after letter and time.
const USER_REF_NUM: std::ops::Range<usize> = 9..13;

/// A command that has no answer yet.
#[derive(Clone, Copy)]
struct InFlight {
    /// From when its time counts.
    moment_ns: u64,
    user_ref_num: u32,
    is_cancel: bool,
}

/// What became of everything that a client sent.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Tally {
    /// Commands that the venue took and journaled, answered or not.
    pub commands: u64,
    /// Orders accepted.
    pub accepted: u64,
    /// Orders canceled.
    pub canceled: u64,
    /// Orders refused by name of a reason.
    pub rejected: u64,
    /// Cancels of refused orders: nobody answers those.
    pub void: u64,
    /// Times the socket took no more.
    pub socket_full: u64,
}

impl Tally {
    /// Of two together.
    pub fn plus(self, other: Tally) -> Tally {
        Tally {
            commands: self.commands + other.commands,
            accepted: self.accepted + other.accepted,
            canceled: self.canceled + other.canceled,
            rejected: self.rejected + other.rejected,
            void: self.void + other.void,
            socket_full: self.socket_full + other.socket_full,
        }
    }
}

/// One connection.
pub struct Client {
    socket: TcpStream,
    waiting: Waiting,
    next: u32,
    /// The order to cancel next, when there is one.
    resting: bool,
    out: Vec<u8>,
    /// Bytes of `out` that the socket has.
    written: usize,
    input: Vec<u8>,
    filled: usize,
    in_flight: VecDeque<InFlight>,
    tally: Tally,
    /// Bytes of the last acceptance and of the last cancellation, packet included.
    answer_lengths: [usize; 2],
}

impl Client {
    /// Logs in as the `n`-th login.
    pub fn connect(address: SocketAddr, n: usize) -> io::Result<Self> {
        let socket = ask(address, n)?;
        let mut client = Client {
            socket,
            waiting: Waiting::Blocking,
            next: 0,
            resting: false,
            out: Vec::with_capacity(WAITING_MAX + soup::PAYLOAD_MAX),
            written: 0,
            input: vec![0; INPUT_BYTES],
            filled: 0,
            in_flight: VecDeque::with_capacity(1 << 16),
            tally: Tally::default(),
            answer_lengths: [0; 2],
        };
        while client.read_packet()? != kind::LOGIN_ACCEPTED {}
        client.socket.set_read_timeout(None)?;
        client.socket.set_write_timeout(None)?;
        Ok(client)
    }

    /// Waits like this for the answer to its one command.
    pub fn waiting(self, waiting: Waiting) -> Self {
        Client { waiting, ..self }
    }

    /// What became of everything so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Lengths of the two commands and their answers, as far as they have been seen: what an echo of them exchanges.
    pub fn frames(&self) -> [Frame; 2] {
        [false, true].map(|cancel| (command_length(cancel), self.answer_lengths[usize::from(cancel)]))
    }

    /// Commands without an answer.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// The socket, to be waited on.
    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Whether another command may wait for the socket.
    pub fn has_room(&self) -> bool {
        self.out.len() - self.written < WAITING_MAX
    }

    /// Adds the next command: an order far below the touch, then its cancel, in turn.
    pub fn push_command(&mut self, moment_ns: u64) {
        let is_cancel = self.resting;
        if !is_cancel {
            self.next += 1;
        }
        put_command(self.next, is_cancel, &mut self.out);
        self.resting = !is_cancel;
        self.tally.commands += 1;
        self.in_flight.push_back(InFlight { moment_ns, user_ref_num: self.next, is_cancel });
    }

    /// Adds a heartbeat: whoever has nothing to say for 15 s is closed.
    pub fn push_heartbeat(&mut self) {
        soup::put_packet(kind::CLIENT_HEARTBEAT, &[], &mut self.out);
    }

    /// One command at a time: the round trip.
    pub fn one_by_one(&mut self, slice: Duration, clock: &Clock, trips: &mut Recorder) -> io::Result<u64> {
        self.socket.set_nonblocking(self.waiting == Waiting::Polling)?;
        let (end, mut count) = (clock.now() + slice.as_nanos() as u64, 0);
        while clock.now() < end {
            self.push_command(clock.now());
            self.flush()?;
            while self.in_flight() > 0 {
                match self.read_some() {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
                    read => count += read.and_then(|_| self.take_answers(clock.now(), trips))?,
                }
            }
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.write_all(&self.out[self.written..])?;
        self.out.clear();
        self.written = 0;
        Ok(())
    }

    /// Blocks until a packet has come; its kind.
    fn read_packet(&mut self) -> io::Result<u8> {
        loop {
            let found = soup::next_packet(&self.input[..self.filled], soup::PAYLOAD_MAX).map_err(broken)?;
            if let Some((kind, length)) = found.map(|(packet, length)| (packet.kind, length)) {
                self.consume(length);
                return Ok(kind);
            }
            self.read_some()?;
        }
    }

    fn read_some(&mut self) -> io::Result<usize> {
        match self.socket.read(&mut self.input[self.filled..]) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                self.filled += count;
                Ok(count)
            }
            // This process was stopped and goes on: a read with a time limit does not begin anew by itself (signal(7)).
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(0),
            Err(error) => Err(error),
        }
    }

    fn consume(&mut self, length: usize) {
        self.input.copy_within(length..self.filled, 0);
        self.filled -= length;
    }

    /// Reads what is there and notes the answers.
    pub fn drain(&mut self, clock: &Clock, trips: &mut Recorder) -> io::Result<u64> {
        let mut answers = 0;
        loop {
            match self.read_some() {
                Ok(_) => answers += self.take_answers(clock.now(), trips)?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(answers),
                Err(error) => return Err(error),
            }
        }
    }

    /// Notes the answers that have been read.
    fn take_answers(&mut self, now_ns: u64, trips: &mut Recorder) -> io::Result<u64> {
        let (mut used, mut answers) = (0, 0);
        while let Some((packet, length)) =
            soup::next_packet(&self.input[used..self.filled], soup::PAYLOAD_MAX).map_err(broken)?
        {
            if packet.kind == kind::SEQUENCED {
                let answer = Answer::of(packet.payload)?;
                self.answer_lengths[usize::from(answer.letter == b'C')] = length;
                trips.record(now_ns, now_ns.saturating_sub(self.match_answer(answer)?));
                answers += 1;
            }
            used += length;
        }
        self.consume(used);
        Ok(answers)
    }

    /// The moment of the command that this answers; an error when it answers another one, or otherwise.
    fn match_answer(&mut self, answer: Answer) -> io::Result<u64> {
        let unexpected = |expected| io::Error::other(format!("{answer:?} where {expected} was expected"));
        let command = self.in_flight.pop_front().ok_or_else(|| unexpected("nothing".into()))?;
        let InFlight { user_ref_num, is_cancel, moment_ns } = command;
        match answer.letter {
            b'A' if !is_cancel => self.tally.accepted += 1,
            b'C' if is_cancel => self.tally.canceled += 1,
            b'J' if !is_cancel => {
                self.tally.rejected += 1;
                self.forget_cancel(user_ref_num);
            }
            _ => return Err(unexpected(format!("an answer to {user_ref_num}, cancel {is_cancel}"))),
        }
        match answer.user_ref_num == user_ref_num {
            true => Ok(moment_ns),
            false => Err(unexpected(format!("{user_ref_num}"))),
        }
    }

    /// A refused order needs no cancel; one that is under way will not be answered.
    fn forget_cancel(&mut self, user_ref_num: u32) {
        if self.resting && self.next == user_ref_num {
            self.resting = false;
        } else {
            let cancel = self.in_flight.pop_front();
            debug_assert!(
                cancel.is_some_and(|cancel| cancel.is_cancel && cancel.user_ref_num == user_ref_num)
            );
            self.tally.void += 1;
        }
    }

    /// Fills the window and writes what the socket takes.
    pub fn fill(&mut self, window: usize, clock: &Clock) -> io::Result<()> {
        // Half a window at a time: commands travel in company, as they do behind a busy client.
        if self.in_flight.len() <= window / 2 {
            let now = clock.now();
            while self.in_flight.len() < window {
                self.push_command(now);
            }
        }
        self.write_some()
    }

    /// Writes what the socket takes.
    pub fn write_some(&mut self) -> io::Result<()> {
        while self.written < self.out.len() {
            match self.socket.write(&self.out[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.tally.socket_full += 1;
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        self.out.clear();
        self.written = 0;
        Ok(())
    }

    /// Takes back what has not begun to leave, last first. It counts as unsent instead of sent.
    pub fn take_back(&mut self, counts: &mut Counts) {
        while let Some(command) = self.in_flight.back() {
            let length = command_length(command.is_cancel);
            if self.out.len() - self.written < length {
                return;
            }
            self.out.truncate(self.out.len() - length);
            self.resting = command.is_cancel;
            self.next = command.user_ref_num - u32::from(!command.is_cancel);
            self.in_flight.pop_back();
            self.tally.commands -= 1;
            counts.sent -= 1;
            counts.unsent += 1;
        }
    }
}

/// A connection that has asked to be the `n`-th login, and waits for its answer no longer than [`LOGIN_MAX`].
pub fn ask(address: SocketAddr, n: usize) -> io::Result<TcpStream> {
    let mut socket = TcpStream::connect_timeout(&address, LOGIN_MAX)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(LOGIN_MAX))?;
    socket.set_write_timeout(Some(LOGIN_MAX))?;
    let (username, password) = (Text::new(&format!("C{n}")), Text::new("pw"));
    let (username, password) = (username.expect("short"), password.expect("short"));
    let mut request = Vec::new();
    LoginRequest { username, password, session: Text::BLANK, sequence: Some(1) }.encode(&mut request);
    socket.write_all(&request)?;
    Ok(socket)
}

fn broken(error: soup::FrameError) -> io::Error {
    io::Error::other(error.to_string())
}

/// What an answer says, as far as it is checked.
#[derive(Clone, Copy, Debug)]
struct Answer {
    letter: u8,
    user_ref_num: u32,
}

impl Answer {
    fn of(payload: &[u8]) -> io::Result<Answer> {
        let number = payload.get(USER_REF_NUM).and_then(|bytes| bytes.try_into().ok());
        let number: [u8; 4] = number.ok_or_else(|| io::Error::other("an answer without a UserRefNum"))?;
        Ok(Answer { letter: payload[0], user_ref_num: u32::from_be_bytes(number) })
    }
}

/// Appends an order far below the touch, or its cancel, as a packet.
fn put_command(user_ref_num: u32, is_cancel: bool, out: &mut Vec<u8>) {
    let mark = soup::begin_packet(kind::UNSEQUENCED, out);
    if is_cancel {
        let cancel = ouch::Cancel { user_ref_num, quantity: 0, tags: Tags::EMPTY };
        Request::Cancel(cancel).encode(out);
    } else {
        let order = enter(user_ref_num, b'B', 10, 40_000_000, b'0');
        translate::enter_request(&order).encode(out);
    }
    soup::finish_packet(mark, out);
}

/// Bytes of a packet that [`put_command`] appends.
pub fn command_length(is_cancel: bool) -> usize {
    // Both lengths are fixed: no command has an appendage.
    use std::sync::OnceLock;
    static LENGTHS: OnceLock<[usize; 2]> = OnceLock::new();
    LENGTHS.get_or_init(|| {
        [false, true].map(|is_cancel| {
            let mut bytes = Vec::new();
            put_command(1, is_cancel, &mut bytes);
            bytes.len()
        })
    })[usize::from(is_cancel)]
}
