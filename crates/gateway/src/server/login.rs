//! Login requests: to the verifier, back with a verdict, into the session or out.

use std::time::Duration;

use crossbeam_channel::{Sender, TrySendError};
use ringside_domain::{Action, Command, LoginId};
use ringside_wire::soup::{LoginAccepted, LoginRejected, LoginRequest};

use super::connection::Connection;
use super::reception::Entrance;
use super::{Gateway, LoginState, state, state_mut};
use crate::CommandSink;
use crate::audit::{Attempt, Refusal};
use crate::auth::{Job, Outcome, Secret, Ticket, Verdict};
use crate::lockout::{Admission, Lockout, LockoutPolicy};
use crate::session::CloseReason;

/// The way to the verifier, and who has lost his right to it for a while.
#[derive(Debug)]
pub(super) struct Checks {
    jobs: Sender<Job>,
    lockout: Lockout,
}

impl Checks {
    pub(super) fn new(jobs: Sender<Job>, policy: LockoutPolicy) -> Self {
        Checks { jobs, lockout: Lockout::new(policy) }
    }

    /// Sends a login request to the verifier, unless the username is locked out or too many wait.
    pub(super) fn ask(
        &mut self,
        key: usize,
        connection: &mut Connection,
        request: LoginRequest,
        now: Duration,
    ) -> Result<(), CloseReason> {
        let attempt = attempt(connection, &request);
        let (origin, username) = (attempt.peer.origin(), attempt.username);
        match self.lockout.ask(origin, username, now) {
            Admission::Check => {}
            Admission::Locked => {
                attempt.refused(Refusal::LockedOut);
                connection.answer(LoginRejected::NotAuthorized, now);
                return Err(CloseReason::LockedOut);
            }
            Admission::Busy => {
                attempt.refused(Refusal::Busy);
                return Err(CloseReason::VerifierBusy);
            }
        }
        let ticket = Ticket { key, generation: connection.generation };
        let job = Job { ticket, attempt, password: Secret(request.password) };
        match self.jobs.try_send(job) {
            Ok(()) => {
                connection.pending_login = Some(request);
                Ok(())
            }
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.lockout.forgive(origin, username, now);
                attempt.refused(Refusal::Busy);
                Err(CloseReason::VerifierBusy)
            }
        }
    }

    /// What became of an attempt, whatever has become of its connection. Who was not checked has not failed.
    fn settle(&mut self, attempt: Attempt, judged: Result<LoginId, Refusal>, now: Duration) {
        let (origin, username) = (attempt.peer.origin(), attempt.username);
        if judged == Err(Refusal::Busy) {
            return self.lockout.forgive(origin, username, now);
        }
        if let Some(time) = self.lockout.settle(origin, username, judged.is_ok(), now) {
            attempt.locked_out(time.as_secs_f64());
        }
    }
}

fn attempt(connection: &Connection, request: &LoginRequest) -> Attempt {
    Attempt { username: request.username, peer: connection.peer, transport: connection.transport.kind() }
}

impl Gateway {
    /// What the verifier says of an attempt.
    pub(super) fn take_verdict(&mut self, verdict: &Verdict, sink: &mut impl CommandSink) {
        let Ticket { key, generation } = verdict.ticket;
        let asker = self.connections.get_mut(key).filter(|asker| asker.generation == generation);
        let request = asker.and_then(|asker| asker.pending_login.take());
        let judged = self.judge(verdict, request.is_some().then_some(key));
        match (&judged, request) {
            (Ok(login), Some(request)) => self.show_in((key, verdict.attempt), *login, request, sink),
            (Err(refusal), Some(_)) => self.refuse((key, &verdict.attempt), *refusal, sink),
            (judged, None) => verdict.attempt.refused(judged.err().unwrap_or(Refusal::Gone)),
        }
        if let Entrance::Reception(reception) = &mut self.entrance {
            reception.checks.settle(verdict.attempt, judged, self.now);
        }
    }

    /// Who it is: the password is right and, for a login that is bound to one, so is the certificate.
    fn judge(&self, verdict: &Verdict, key: Option<usize>) -> Result<LoginId, Refusal> {
        let Entrance::Reception(reception) = &self.entrance else {
            unreachable!("verdicts come to the reception");
        };
        let login = match verdict.outcome {
            Outcome::Right(login) if login.0 as usize <= reception.certificates.len() => login,
            Outcome::Right(_) | Outcome::Wrong => return Err(Refusal::Credentials),
            Outcome::Unchecked => return Err(Refusal::Busy),
        };
        match (&reception.certificates[login.0 as usize - 1], key) {
            (Some(name), Some(key)) if !self.connections[key].transport.is_certified_as(name) => {
                Err(Refusal::Certificate)
            }
            _ => Ok(login),
        }
    }

    /// The password was right: find the place in the stream, take over from an older connection, answer.
    pub(super) fn enter_session(
        &mut self,
        (key, attempt): (usize, &Attempt),
        login: LoginId,
        request: &LoginRequest,
        sink: &mut impl CommandSink,
    ) {
        let LoginState { stream, holder, .. } = state(&self.logins, login);
        let known_session = request.session.is_blank() || request.session == self.session;
        let wanted = match request.sequence {
            Some(0) => Some(stream.next_sequence()),
            other => other.filter(|sequence| *sequence <= stream.next_sequence()),
        };
        let Some(sequence) = wanted.filter(|_| known_session) else {
            return self.refuse((key, attempt), Refusal::Session, sink);
        };
        let Ok(position) = stream.locate(sequence) else {
            return self.close(key, CloseReason::PeerClosed, sink);
        };
        if let Some(older) = *holder {
            self.take_over(older, sink);
        }
        self.open(key, login, position, sink);
        LoginAccepted { session: self.session, sequence }.encode(&mut self.connections[key].control);
        attempt.accepted(sequence);
    }

    fn open(&mut self, key: usize, login: LoginId, position: u64, sink: &mut impl CommandSink) {
        let connection = &mut self.connections[key];
        connection.session.accept(login);
        connection.position = position;
        // The answer goes out in this turn, like what connections send that have more to send.
        connection.queue(key, &mut self.ready);
        let state = state_mut(&mut self.logins, login);
        state.holder = Some(key);
        if !std::mem::replace(&mut state.connected, true) {
            self.offer_own(Command { login, action: Action::Connect }, sink);
        }
        self.stats.logins += 1;
        self.stats.logged_in += 1;
        self.entrance.logged_in();
    }

    fn refuse(&mut self, (key, attempt): (usize, &Attempt), refusal: Refusal, sink: &mut impl CommandSink) {
        attempt.refused(refusal);
        if refusal == Refusal::Busy {
            // SoupBinTCP has no word for it, and `J` would tell a client that its password is wrong.
            return self.close(key, CloseReason::VerifierBusy, sink);
        }
        let answer = match refusal {
            Refusal::Session => LoginRejected::SessionNotAvailable,
            _ => LoginRejected::NotAuthorized,
        };
        self.connections[key].answer(answer, self.now);
        self.close(key, CloseReason::LoginRejected, sink);
    }

    /// The older connection goes, the login stays connected: a takeover is no disconnect.
    pub(super) fn take_over(&mut self, key: usize, sink: &mut impl CommandSink) {
        if let Some(login) = self.connections[key].session.login() {
            state_mut(&mut self.logins, login).holder = None;
        }
        self.close(key, CloseReason::TakenOver, sink);
    }
}
