//! Released events into the streams of their logins, and streams into sockets.

use ringside_domain::{Event, TimeNs};
use ringside_wire::soup::{self, kind};

use super::{Gateway, GatewayError, state, state_mut};
use crate::CommandSink;
use crate::limits::LAG_MAX;
use crate::outbound::{Outbound, OutboundError};
use crate::session::CloseReason;
use crate::translate;

impl Gateway {
    /// Adds a released event to its login's stream. What is for the public or the operator is nobody's, and passed over.
    pub fn deliver(&mut self, time_ns: TimeNs, event: &Event) {
        // The venue's id 0 wraps to an index that no login has.
        let index = (event.login.0 as usize).wrapping_sub(1);
        let Some(login) = self.logins.get_mut(index).and_then(Option::as_mut) else { return };
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
            let login = state_mut(&mut self.logins, id);
            login.dirty = false;
            if let Some(key) = login.holder {
                self.send(key, sink)?;
            }
            state_mut(&mut self.logins, id).stream.store_if_long()?;
        }
        Ok(())
    }

    /// Moves what is in memory of some streams to their files: of `count` logins from index `from` on. Returns the index of
    /// the next one, or `None` when the disk is full.
    pub fn store_streams(&mut self, from: usize, count: usize) -> Result<Option<usize>, GatewayError> {
        let to = self.logins.len().min(from + count);
        for login in self.logins[from..to].iter_mut().flatten() {
            if !login.stream.store()? {
                return Ok(None);
            }
        }
        Ok(Some(to))
    }

    /// Logins there are; their streams are counted with them, wherever they are.
    pub fn streams(&self) -> usize {
        self.logins.len()
    }

    /// True when every open connection has been sent its whole stream.
    pub fn is_drained(&self) -> bool {
        self.connections.iter().all(|(_, connection)| match connection.session.login() {
            None => connection.is_seen_off(),
            Some(_) if connection.deaf => true,
            Some(login) => {
                connection.position == state(&self.logins, login).stream.end()
                    && connection.transport.is_flushed()
            }
        })
    }

    /// Writes control packets, then the stream, until all is sent or the socket is full.
    pub(super) fn send(&mut self, key: usize, sink: &mut impl CommandSink) -> Result<(), OutboundError> {
        let Some(connection) = self.connections.get_mut(key) else { return Ok(()) };
        if connection.farewell.is_some() {
            return self.see_off(key, sink);
        }
        let Some(login) = connection.session.login() else {
            if let Err(reason) = connection.flush().and_then(|()| connection.write_control(self.now)) {
                connection.stop_writing(reason, key, &mut self.ready);
            }
            return Ok(());
        };
        let (stream, before) = (&state(&self.logins, login).stream, connection.position);
        let result = connection.write_turn(stream, &mut self.scratch, self.now)?;
        self.stats.bytes_out += connection.position - before;
        if connection.writable && connection.position < stream.end() {
            // A long rewind goes on in the next turn, after everybody else's.
            connection.queue(key, &mut self.ready);
        }
        connection.caught_up |= connection.position == stream.end();
        if let Err(reason) = result {
            connection.stop_writing(reason, key, &mut self.ready);
        } else if connection.caught_up && stream.end() - connection.position > LAG_MAX {
            self.close(key, CloseReason::SlowReader, sink);
        }
        Ok(())
    }

    /// Only between messages: with bytes still to send there is no silence to break.
    pub(super) fn heartbeat(&mut self, key: usize, sink: &mut impl CommandSink) {
        let connection = &mut self.connections[key];
        let Some(login) = connection.session.login() else { return };
        if connection.position == state(&self.logins, login).stream.end() && connection.control.is_empty() {
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
