//! Where connections come in, and how they get to the gateway of their login.
//!
//! The gateways of a venue share its logins: login *n* is with gateway (*n* − 1) mod their number, for good, so that a stream
//! has one writer and a takeover happens in one place. The first gateway is the reception as well: it accepts, counts, has
//! passwords checked, and then takes a connection in itself or sends it, socket and buffered bytes and all, to the gateway
//! of its login. What comes from there is only that a connection has gone.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, unbounded};
use mio::{Token, Waker};
use ringside_domain::LoginId;
use ringside_wire::soup::LoginRequest;
use tracing::warn;

use super::Gateway;
use super::connection::Connection;
use super::listeners::Listeners;
use super::login::Checks;
use crate::CommandSink;
use crate::audit::Attempt;
use crate::auth::Verdict;
use crate::caps::Crowd;
use crate::limits::TURN_VERDICTS;
use crate::origin::Origin;
use crate::session::CloseReason;

/// How a gateway comes by its connections.
#[derive(Debug)]
pub(super) enum Entrance {
    /// From its listeners.
    Reception(Box<Reception>),
    /// From the reception.
    Room(Corridor),
}

/// What only the first gateway has.
#[derive(Debug)]
pub(super) struct Reception {
    pub(super) listeners: Listeners,
    pub(super) checks: Checks,
    pub(super) verdicts: Receiver<Verdict>,
    pub(super) crowd: Crowd,
    /// Name in the certificate that a login is bound to, by login id - 1.
    pub(super) certificates: Vec<Option<String>>,
    /// The ways to the other gateways.
    rooms: Vec<Door>,
    /// Connections of theirs that have gone.
    gone: Receiver<Origin>,
}

/// The way from the reception to another gateway.
#[derive(Debug)]
pub(super) struct Door {
    /// Never more than there may be connections ([`Crowd`]).
    guests: Sender<Guest>,
    waker: Arc<Waker>,
}

/// The same way, seen from there.
#[derive(Debug)]
pub(super) struct Corridor {
    guests: Receiver<Guest>,
    gone: Sender<Origin>,
}

/// A connection whose password was right.
#[derive(Debug)]
struct Guest {
    connection: Connection,
    attempt: Attempt,
    login: LoginId,
    request: LoginRequest,
}

impl Reception {
    pub(super) fn new(
        listeners: Listeners,
        (checks, verdicts): (Checks, Receiver<Verdict>),
        crowd: Crowd,
        certificates: Vec<Option<String>>,
    ) -> (Reception, Sender<Origin>) {
        let (leaving, gone) = unbounded();
        let rooms = Vec::new();
        (Reception { listeners, checks, verdicts, crowd, certificates, rooms, gone }, leaving)
    }

    /// Another gateway, which `waker` wakes. Returns its side of the way there.
    pub(super) fn add_room(&mut self, waker: Arc<Waker>, gone: Sender<Origin>) -> Corridor {
        let (guests, arriving) = unbounded();
        self.rooms.push(Door { guests, waker });
        Corridor { guests: arriving, gone }
    }

    /// The other gateway that a login is with; `None`: it is with this one.
    fn room_of(&self, login: LoginId) -> Option<&Door> {
        let place = place_of(login, self.rooms.len() + 1);
        self.rooms.get(place.checked_sub(1)?)
    }

    /// Takes note of who has gone from the other gateways: they were logged in.
    fn see_off(&mut self) {
        if self.rooms.is_empty() {
            return;
        }
        while let Ok(origin) = self.gone.try_recv() {
            self.crowd.went(origin, true);
        }
    }
}

/// Which of so many gateways a login is with.
pub(super) fn place_of(login: LoginId, gateways: usize) -> usize {
    (login.0 as usize - 1) % gateways
}

impl Door {
    /// Sends a guest through. `false`: the gateway behind it has ended, because the venue stops.
    fn take(&self, guest: Guest) -> bool {
        let taken = self.guests.send(guest).is_ok();
        // An eventfd write; if it fails the guest is found at the next timer.
        let _ = self.waker.wake();
        taken
    }
}

impl Entrance {
    /// Somebody waits at a listener.
    pub(super) fn has_arrivals(&self) -> bool {
        matches!(self, Entrance::Reception(reception) if reception.listeners.has_more())
    }

    /// Somebody waits to be let in.
    pub(super) fn has_more(&self) -> bool {
        match self {
            Entrance::Reception(reception) => !reception.verdicts.is_empty(),
            Entrance::Room(corridor) => !corridor.guests.is_empty(),
        }
    }

    /// A connection is no more.
    pub(super) fn went(&mut self, origin: Origin, was_logged_in: bool) {
        match self {
            Entrance::Reception(reception) => reception.crowd.went(origin, was_logged_in),
            // The reception ends with the venue, and then nobody counts.
            Entrance::Room(corridor) => drop(corridor.gone.send(origin)),
        }
    }

    /// A connection that came in here has logged in here.
    pub(super) fn logged_in(&mut self) {
        if let Entrance::Reception(reception) = self {
            reception.crowd.logged_in();
        }
    }
}

impl Gateway {
    /// Before anybody new is counted, those who have gone from the other gateways are not.
    pub(super) fn see_off_guests(&mut self) {
        if let Entrance::Reception(reception) = &mut self.entrance {
            reception.see_off();
        }
    }

    /// Lets in who waits, as far as one turn may.
    pub(super) fn let_in(&mut self, sink: &mut impl CommandSink) {
        // While a roll is under way nobody is let in: neither session is theirs.
        if self.rolls > 0 {
            return;
        }
        for _ in 0..TURN_VERDICTS {
            match &self.entrance {
                Entrance::Reception(reception) => match reception.verdicts.try_recv() {
                    Ok(verdict) => self.take_verdict(&verdict, sink),
                    Err(_) => return,
                },
                Entrance::Room(corridor) => match corridor.guests.try_recv() {
                    Ok(guest) => self.take_guest(guest, sink),
                    Err(_) => return,
                },
            }
        }
    }

    /// The password was right: the connection begins its session here, or goes to the gateway of its login.
    pub(super) fn show_in(
        &mut self,
        (key, attempt): (usize, Attempt),
        login: LoginId,
        request: LoginRequest,
        sink: &mut impl CommandSink,
    ) {
        let Entrance::Reception(reception) = &mut self.entrance else {
            unreachable!("verdicts come to the reception");
        };
        let Some(door) = reception.room_of(login) else {
            return self.enter_session((key, &attempt), login, &request, sink);
        };
        let mut connection = self.connections.remove(key);
        // It leaves this poll; whatever the other one has to say about the socket comes anew.
        let _ = connection.transport.deregister(self.poll.registry());
        self.stats.connections -= 1;
        if door.take(Guest { connection, attempt, login, request }) {
            reception.crowd.logged_in();
        } else {
            reception.crowd.went(attempt.peer.origin(), false);
            self.count_close(CloseReason::Shutdown);
        }
    }

    /// A connection from the reception: edges and clock are this gateway's from now on.
    fn take_guest(&mut self, guest: Guest, sink: &mut impl CommandSink) {
        let Guest { mut connection, attempt, login, request } = guest;
        self.generation += 1;
        connection.moved(self.generation, self.now);
        let entry = self.connections.vacant_entry();
        let key = entry.key();
        if let Err(error) = connection.transport.register(self.poll.registry(), Token(key)) {
            // The kernel has no memory for it: it goes, and the others do not notice.
            warn!(peer = %attempt.peer, %error, "connection cannot be polled");
            self.entrance.went(attempt.peer.origin(), true);
            return self.count_close(CloseReason::PeerClosed);
        }
        entry.insert(connection);
        self.ready.push_back(key);
        self.stats.connections += 1;
        self.enter_session((key, &attempt), login, &request, sink);
    }
}
