//! How a SoupBinTCP session ends at the sockets, and the next one begins.
//!
//! 1. A roll is in the sink: from then on no bytes of a client are read, so that nothing meant for the old session is
//!    carried out in the new one ([`Gateway::hold_input`]).
//! 2. Its events were delivered up to the end of the old session: streams change, and every connection gets the old one to
//!    read to its end, then End of Session ([`Gateway::roll`]).
//! 3. The connection is closed once the client has: a socket that is closed with unread bytes in it is reset, and what was
//!    sent last could be lost on the way. The next roll does not wait for it: who has two sessions to read to their end is
//!    closed with what he has of the first.

use std::time::Duration;

use ringside_domain::{LoginId, Text};
use ringside_wire::soup;

use super::connection::Connection;
use super::{Gateway, GatewayError, stream_path};
use crate::CommandSink;
use crate::outbound::{Outbound, OutboundError};
use crate::session::CloseReason;

/// What a connection still gets.
#[derive(Debug)]
pub(super) struct Farewell {
    stream: Outbound,
    /// End of Session is among the control bytes, or sent.
    told: bool,
    /// Everything was sent, and our side of the connection is closed.
    shut: bool,
}

/// A session as the wire has it.
pub(super) fn session_name(session: u32) -> Text<10> {
    Text::new(&format!("{session:010}")).expect("Invariant: ten digits fit")
}

impl Gateway {
    /// A roll was handed over. What clients send from now on belongs to no session.
    pub fn hold_input(&mut self) {
        self.rolls += 1;
        // Connects and disconnects of the old session: the roll disconnects everybody.
        self.owed.clear();
    }

    /// All events of the old session were delivered: the streams of `session` begin, and everybody is seen off.
    pub fn roll(&mut self, session: u32) -> Result<(), GatewayError> {
        self.rolls = self.rolls.saturating_sub(1);
        self.session = session_name(session);
        self.end_farewells();
        for index in 0..self.logins.len() {
            let Some(login) = &mut self.logins[index] else { continue };
            let path = stream_path(&self.outbound, LoginId(index as u32 + 1), session);
            login.connected = false;
            let old = login.stream.succeed(&path)?;
            if let Some(key) = login.holder.take() {
                self.begin_farewell(key, old);
            }
        }
        Ok(())
    }

    /// Those who still read the session before the one that ends now are closed, so that a login has two streams open at
    /// most: that is what file descriptors are counted for.
    fn end_farewells(&mut self) {
        let is_leaving = |(key, connection): (usize, &Connection)| connection.farewell.as_ref().map(|_| key);
        let leaving: Vec<usize> = self.connections.iter().filter_map(is_leaving).collect();
        for key in leaving {
            let connection = &mut self.connections[key];
            // Rolls that come together leave no turn between them: who reads gets his End of Session all the same.
            if let Some(mut farewell) = connection.farewell.take() {
                let _ = connection.say(&mut farewell, &mut self.scratch, self.now);
                connection.farewell = Some(farewell);
            }
            self.forget(key, CloseReason::SessionEnded);
        }
    }

    fn begin_farewell(&mut self, key: usize, stream: Outbound) {
        let connection = &mut self.connections[key];
        connection.session.end(self.now);
        connection.farewell = Some(Farewell { stream, told: false, shut: false });
        self.stats.logged_in -= 1;
        connection.queue(key, &mut self.ready);
    }

    /// Sends the rest of the old stream, then End of Session, as far as the socket takes it.
    pub(super) fn see_off(&mut self, key: usize, sink: &mut impl CommandSink) -> Result<(), OutboundError> {
        let connection = &mut self.connections[key];
        let Some(mut farewell) = connection.farewell.take() else { return Ok(()) };
        let before = connection.position;
        let result = connection.say(&mut farewell, &mut self.scratch, self.now);
        self.stats.bytes_out += connection.position - before;
        let all_sent = connection.position == farewell.stream.end();
        connection.farewell = Some(farewell);
        let result = result?;
        let more = connection.writable && !all_sent;
        if let Err(reason) = result {
            self.close(key, reason, sink);
        } else if more {
            // A long rewind goes on in the next turn, after everybody else's.
            connection.queue(key, &mut self.ready);
        }
        Ok(())
    }

    /// Reads and forgets what a client of an ended session sends, until it closes.
    pub(super) fn hear_out(&mut self, key: usize, sink: &mut impl CommandSink) {
        let connection = &mut self.connections[key];
        if connection.readable {
            connection.fill(self.now);
            connection.filled = 0;
        }
        if connection.ended || connection.broken.is_some() {
            return self.close(key, CloseReason::SessionEnded, sink);
        }
        if connection.readable {
            connection.queue(key, &mut self.ready);
        }
    }
}

impl Connection {
    /// As much of a farewell as the socket takes in a turn. The outer error is the stream's, the inner one the socket's.
    fn say(
        &mut self,
        farewell: &mut Farewell,
        scratch: &mut [u8],
        now: Duration,
    ) -> Result<Result<(), CloseReason>, OutboundError> {
        let mut result = self.write_turn(&farewell.stream, scratch, now)?;
        if result.is_ok() && self.position == farewell.stream.end() && !farewell.told {
            farewell.told = true;
            soup::put_end_of_session(&mut self.control);
            result = self.write_control(now);
        }
        if farewell.told && self.control.is_empty() && self.transport.is_flushed() && !farewell.shut {
            farewell.shut = true;
            self.transport.shut();
        }
        Ok(result)
    }

    /// Nothing is left to be sent.
    pub(super) fn is_seen_off(&self) -> bool {
        self.farewell.as_ref().is_none_or(|farewell| farewell.shut)
    }
}
