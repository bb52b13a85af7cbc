//! What the passing of time means for connections: heartbeats, deadlines, budgets.
//!
//! Two thousand connections that have logged in together are silent together: their heartbeats are sent over some turns, so
//! that nobody waits for all of them.

use std::time::Duration;

use super::Gateway;
use crate::CommandSink;
use crate::limits::TURN_TIMERS;
use crate::session::{CloseReason, Due};

/// How often timers of all connections are looked at.
pub(super) const TIMER_STEP: Duration = Duration::from_millis(50);

/// Where the look at all connections is.
#[derive(Debug, Default)]
pub(super) struct Timers {
    next: Duration,
    /// The next connection of this look; `None` between two.
    at: Option<usize>,
}

impl Timers {
    /// Begins a look at all connections, if it is time and the one before has ended.
    pub(super) fn begin(&mut self, now: Duration) -> bool {
        let begins = self.at.is_none() && now >= self.next;
        if begins {
            (self.next, self.at) = (now + TIMER_STEP, Some(0));
        }
        begins
    }

    /// A look has not ended.
    pub(super) fn are_due(&self) -> bool {
        self.at.is_some()
    }
}

impl Gateway {
    /// Goes on with the look at all connections, as far as one turn may.
    pub(super) fn run_timers(&mut self, sink: &mut impl CommandSink) {
        let Some(begin) = self.timers.at else { return };
        let mut acts = 0;
        for key in begin..self.connections.capacity() {
            if acts == TURN_TIMERS {
                self.timers.at = Some(key);
                return;
            }
            acts += u32::from(self.run_timer(key, sink));
        }
        self.timers.at = None;
    }

    /// True: something was due.
    fn run_timer(&mut self, key: usize, sink: &mut impl CommandSink) -> bool {
        let Some(connection) = self.connections.get_mut(key) else { return false };
        if self.rolls > 0 {
            // A roll may wait for a disk that does not answer, and those it holds up have to wait with it.
            connection.session.excuse(self.now);
        }
        if connection.throttled {
            self.hear_again(key, sink);
        }
        let connection = &self.connections[key];
        match connection.session.due(self.now) {
            Due::Nothing if connection.is_stuck() => self.close(key, CloseReason::BadFrame, sink),
            Due::Nothing => return false,
            Due::Heartbeat => self.heartbeat(key, sink),
            Due::Close(reason) => self.close(key, reason, sink),
        }
        true
    }
}
