//! One connection: its socket, its buffers and how far it is in its login's stream.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use ringside_wire::soup::{self, LoginRejected, LoginRequest};
use tracing::info;

use super::roll::Farewell;
use crate::limits::{INPUT_BYTES, PAYLOAD_MAX, TURN_WRITES};
use crate::origin::Peer;
use crate::outbound::{Outbound, OutboundError};
use crate::session::{CloseReason, Session};
use crate::transport::{Arrival, Transport, end_by};

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) transport: Transport,
    pub(super) peer: Peer,
    pub(super) generation: u64,
    pub(super) session: Session,
    /// Kept between login request and verdict.
    pub(super) pending_login: Option<LoginRequest>,
    pub(super) input: Box<[u8]>,
    pub(super) filled: usize,
    /// Whole small packets that go out before the stream.
    pub(super) control: Vec<u8>,
    /// Next byte of the login's stream to send.
    pub(super) position: u64,
    /// Has once read up to the end of the stream.
    pub(super) caught_up: bool,
    /// The socket may have more to read.
    pub(super) readable: bool,
    /// The peer has ended its side. No further edge comes: reading goes on until the read that says 0.
    pub(super) ending: bool,
    /// That read has happened: what is buffered is all there will be.
    pub(super) ended: bool,
    /// How, as far as reads and writes have told.
    pub(super) end: CloseReason,
    /// What came is not what may come on this transport: closed for this reason, whatever is buffered.
    pub(super) broken: Option<CloseReason>,
    /// A write has failed: nothing goes out any more. What came in before counts, so reading finds the end.
    pub(super) deaf: bool,
    /// Bytes still to come of a debug packet that is longer than the buffer.
    pub(super) skip: usize,
    /// The socket may take more.
    pub(super) writable: bool,
    /// On the ready list.
    pub(super) queued: bool,
    /// Left unread until its login has budget again.
    pub(super) throttled: bool,
    /// Its session has ended: the rest of the stream of then.
    pub(super) farewell: Option<Farewell>,
}

impl Connection {
    pub(super) fn new(transport: Transport, peer: Peer, generation: u64, now: Duration) -> Self {
        Connection {
            transport,
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
            end: CloseReason::PeerClosed,
            broken: None,
            deaf: false,
            skip: 0,
            writable: true,
            queued: true,
            throttled: false,
            farewell: None,
        }
    }

    /// It is another gateway's from now on, under this number, and nothing is known of its socket there.
    pub(super) fn moved(&mut self, generation: u64, now: Duration) {
        self.generation = generation;
        self.session.moved(now);
        (self.readable, self.writable, self.queued) = (true, true, true);
    }

    /// One read into the room that is left.
    pub(super) fn fill(&mut self, now: Duration) {
        let room = &mut self.input[self.filled..];
        if room.is_empty() {
            return;
        }
        match self.transport.read(room) {
            Arrival::Bytes { count, more } => {
                self.discard(count);
                self.readable = more || self.ending;
                self.session.received(now);
            }
            Arrival::Nothing => self.readable = false,
            Arrival::Again => {}
            Arrival::Ended(reason) => {
                (self.ended, self.readable) = (true, false);
                self.note_end(reason);
            }
            Arrival::Broken(reason, error) => {
                info!(peer = %self.peer, %error, "tls");
                self.broken = Some(reason);
            }
        }
    }

    /// Takes `count` bytes that were just read, less those of a debug packet that is being skipped.
    pub(super) fn discard(&mut self, count: usize) {
        let skipped = self.skip.min(count);
        self.skip -= skipped;
        self.input.copy_within(self.filled + skipped..self.filled + count, self.filled);
        self.filled += count - skipped;
    }

    /// True when a length that only a debug packet may have has come without its type. Looked at by the timer: the
    /// type travels with the length, unless somebody plays games.
    pub(super) fn is_stuck(&self) -> bool {
        let input = &self.input[..self.filled];
        input.len() < soup::HEADER_BYTES && soup::next_packet(input, PAYLOAD_MAX).is_err()
    }

    /// True when the buffer holds something to act on: a whole packet, or bytes that are none.
    pub(super) fn has_packet(&self) -> bool {
        match soup::next_packet(&self.input[..self.filled], PAYLOAD_MAX) {
            Ok(found) => found.is_some(),
            Err(_) => self.filled >= soup::HEADER_BYTES,
        }
    }

    /// On the ready list, once.
    pub(super) fn queue(&mut self, key: usize, ready: &mut VecDeque<usize>) {
        if !std::mem::replace(&mut self.queued, true) {
            ready.push_back(key);
        }
    }

    pub(super) fn consume(&mut self, used: usize) {
        self.input.copy_within(used..self.filled, 0);
        self.filled -= used;
    }

    /// A socket tells its error once, to whoever asks first.
    fn note_end(&mut self, reason: CloseReason) {
        if reason != CloseReason::PeerClosed {
            self.end = reason;
        }
    }

    /// Nothing goes out any more. What came in before is still read, to its end.
    pub(super) fn stop_writing(&mut self, reason: CloseReason, key: usize, ready: &mut VecDeque<usize>) {
        self.note_end(reason);
        (self.deaf, self.writable) = (true, false);
        (self.ending, self.readable) = (true, true);
        self.queue(key, ready);
    }

    /// Sends what the transport has taken before.
    pub(super) fn flush(&mut self) -> Result<(), CloseReason> {
        match self.transport.flush() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.writable = false;
                Ok(())
            }
            other => other.map_err(|error| end_by(&error)),
        }
    }

    pub(super) fn write_control(&mut self, now: Duration) -> Result<(), CloseReason> {
        while self.writable && !self.control.is_empty() {
            let count = write_some(&mut self.transport, &self.control, &mut self.writable)?;
            self.control.drain(..count);
            if count > 0 {
                self.session.sent(now);
            }
        }
        Ok(())
    }

    /// Control packets, then as much of a stream as the socket takes in a turn. The outer error is the stream's, the inner one
    /// the socket's.
    pub(super) fn write_turn(
        &mut self,
        stream: &Outbound,
        scratch: &mut [u8],
        now: Duration,
    ) -> Result<Result<(), CloseReason>, OutboundError> {
        let mut result = self.flush().and_then(|()| self.write_control(now));
        for _ in 0..TURN_WRITES {
            if result.is_err() || !self.writable || self.position == stream.end() {
                break;
            }
            let bytes = stream.bytes(self.position, scratch)?;
            result = self.write_stream(bytes, now);
        }
        Ok(result)
    }

    /// Refuses the login: best effort, a few bytes into an empty socket buffer.
    pub(super) fn answer(&mut self, answer: LoginRejected, now: Duration) {
        answer.encode(&mut self.control);
        let _ = self.write_control(now);
    }

    fn write_stream(&mut self, bytes: &[u8], now: Duration) -> Result<(), CloseReason> {
        if !self.control.is_empty() {
            return Ok(());
        }
        let count = write_some(&mut self.transport, bytes, &mut self.writable)?;
        self.position += count as u64;
        if count > 0 {
            self.session.sent(now);
        }
        Ok(())
    }
}

/// One write. A full socket clears `writable`; epoll sets it again.
fn write_some(transport: &mut Transport, bytes: &[u8], writable: &mut bool) -> Result<usize, CloseReason> {
    match transport.write(bytes) {
        Ok(0) => Err(CloseReason::PeerClosed),
        Ok(count) => Ok(count),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            *writable = false;
            Ok(0)
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
        Err(error) => Err(end_by(&error)),
    }
}
