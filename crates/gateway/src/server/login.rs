//! Login requests: to the verifier, back with a verdict, into the session or out.

use crossbeam_channel::{Sender, TrySendError};
use ringside_domain::{Action, Command, LoginId};
use ringside_wire::soup::{LoginAccepted, LoginRejected, LoginRequest};
use tracing::info;

use super::Gateway;
use super::connection::Connection;
use crate::CommandSink;
use crate::auth::{Job, Secret, Ticket, Verdict};
use crate::session::CloseReason;

impl Gateway {
    pub(super) fn ask_verifier(
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

    pub(super) fn take_verdicts(&mut self, sink: &mut impl CommandSink) {
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
    pub(super) fn enter_session(
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

    pub(super) fn open(
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

    pub(super) fn refuse(
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
    pub(super) fn take_over(&mut self, key: usize, sink: &mut impl CommandSink) {
        if let Some(login) = self.connections[key].session.login() {
            self.logins[login.0 as usize - 1].holder = None;
        }
        self.close(key, CloseReason::TakenOver, sink);
    }
}
