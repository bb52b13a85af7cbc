//! Bytes of a connection become commands: a bounded turn for each connection that has something to read.

use ringside_domain::{Command, LoginId};
use ringside_wire::soup::{self, FrameError, kind};
use tracing::info;

use super::Gateway;
use super::reception::Entrance;
use crate::CommandSink;
use crate::limits::{PAYLOAD_MAX, TURN_COMMANDS};
use crate::session::{CloseReason, Input, Phase};
use crate::translate;

impl Gateway {
    /// Gives each ready connection one turn.
    pub(super) fn serve_ready(&mut self, sink: &mut impl CommandSink) -> u64 {
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
    pub(super) fn turn(&mut self, key: usize, sink: &mut impl CommandSink) -> u64 {
        let Some(connection) = self.connections.get_mut(key) else { return 0 };
        if connection.farewell.is_some() {
            self.hear_out(key, sink);
            return 0;
        }
        let held = self.rolls > 0 && connection.session.login().is_some();
        let unheard = connection.throttled || connection.session.phase() == Phase::Verifying;
        if !self.accepting || held || unheard {
            // Left in the socket: read with new budget, after the verdict, or not at all.
            return 0;
        }
        sink.begin_read();
        if connection.readable {
            connection.fill(self.now);
        }
        if let Some(reason) = connection.broken {
            self.close(key, reason, sink);
            return 0;
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
            let reason = connection.end;
            self.close(key, reason, sink);
            return commands;
        }
        let heard = !connection.throttled && connection.session.phase() != Phase::Verifying;
        if more && heard {
            connection.queue(key, &mut self.ready);
        }
        commands
    }

    /// Time in which nobody listened is no silence. With budget for another command the connection is read again.
    pub(super) fn hear_again(&mut self, key: usize, sink: &mut impl CommandSink) {
        let connection = &mut self.connections[key];
        connection.session.received(self.now);
        connection.throttled = connection.session.login().is_some_and(|login| !sink.has_budget(login));
        if !connection.throttled {
            connection.queue(key, &mut self.ready);
        }
    }

    /// Carries out the packets in the input buffer, as far as turn and sink allow.
    pub(super) fn parse(
        &mut self,
        key: usize,
        sink: &mut impl CommandSink,
    ) -> (u64, Result<(), CloseReason>) {
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
                Input::Request(login, _) if !sink.has_budget(login) => {
                    // Cancels wait as well: a TCP stream has one order.
                    self.stats.throttled += 1;
                    connection.throttled = true;
                    break Ok(());
                }
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
                    let Entrance::Reception(reception) = &mut self.entrance else {
                        unreachable!("whoever comes from the reception has asked for a login");
                    };
                    break reception.checks.ask(key, connection, request, self.now);
                }
                Input::Close(reason) => break Err(reason),
            }
            used += length;
        };
        connection.consume(used);
        self.stats.commands += commands;
        (commands, result)
    }
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
