//! Passwords, checked away from the I/O thread: one argon2id check costs milliseconds by design.
//!
//! The gateway sends a [`Job`] over a bounded channel and goes on; the verdict comes back over another one and
//! wakes its poll. Comparison takes the same time wherever the passwords differ, and an unknown user costs the
//! same check as a known one. Who would wait for a check beyond the login deadline is told so at once.

mod line;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use crossbeam_channel::{Receiver, Sender};
use ringside_domain::{LoginId, Text, Username};
use subtle::ConstantTimeEq;

use self::line::{Cost, Line};
use crate::audit::Attempt;

/// How a login proves itself.
#[derive(Clone)]
pub enum Password {
    /// In the clear, for demonstrations.
    Plain(String),
    /// PHC string, `$argon2id$...`.
    Hash(String),
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Password::Plain(_) => "Plain(..)",
            Password::Hash(_) => "Hash(..)",
        })
    }
}

/// A login that may connect.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Name.
    pub username: Username,
    /// Id.
    pub login: LoginId,
    /// Proof.
    pub password: Password,
}

/// A login request to check.
#[derive(Debug)]
pub struct Job {
    /// The connection that asks.
    pub ticket: Ticket,
    /// Who asks, and from where.
    pub attempt: Attempt,
    /// Password sent.
    pub password: Secret,
}

/// Names a connection across threads; a later connection in the same place has another generation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ticket {
    /// Place in the connection table.
    pub key: usize,
    /// Number of the connection since start.
    pub generation: u64,
}

/// Ten bytes that must not be printed.
#[derive(Clone, Copy)]
pub struct Secret(pub Text<10>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("..")
    }
}

/// The answer to a [`Job`].
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    /// The connection that asked.
    pub ticket: Ticket,
    /// Who asked, and from where.
    pub attempt: Attempt,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a [`Job`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The password is right, and this is who it is.
    Right(LoginId),
    /// No such user, or another password.
    Wrong,
    /// Not checked: there were more before it than can be checked before its connection is closed.
    Unchecked,
}

/// Checks passwords until the gateway hangs up. Runs on a thread of its own.
#[derive(Debug)]
pub struct Verifier {
    credentials: HashMap<Username, Credential>,
    /// Checked in the place of a password that nobody has, never right.
    decoy: Option<Password>,
    jobs: Receiver<Job>,
    verdicts: Sender<Verdict>,
}

impl Verifier {
    /// A verifier for these logins.
    pub fn new(credentials: Vec<Credential>, jobs: Receiver<Job>, verdicts: Sender<Verdict>) -> Self {
        let hashed = |credential: &&Credential| matches!(credential.password, Password::Hash(_));
        let dearest = credentials.iter().find(hashed).or(credentials.first());
        let decoy = dearest.map(|credential| credential.password.clone());
        let credentials =
            credentials.into_iter().map(|credential| (credential.username, credential)).collect();
        Verifier { credentials, decoy, jobs, verdicts }
    }

    /// Works until the other side is gone. `wake` tells the gateway that a verdict waits; `busy` is true while this thread wants
    /// a processor for milliseconds.
    pub fn run(self, wake: impl Fn(), busy: &AtomicBool) {
        let begin = Instant::now();
        let mut line = Line::new(self.trial());
        while let Some(job) = self.next(&mut line, begin, &wake) {
            let (cost, begun) = (self.cost(&job), Instant::now());
            // Relaxed: a hint.
            busy.store(cost == Cost::Dear, Ordering::Relaxed);
            let login = self.check(job.attempt.username, &job.password);
            busy.store(false, Ordering::Relaxed);
            line.checked(cost, begun.elapsed());
            if !self.tell(&job, login.map_or(Outcome::Wrong, Outcome::Right), &wake) {
                return;
            }
            while let Some(job) = line.shed() {
                self.tell(&job, Outcome::Unchecked, &wake);
            }
        }
    }

    /// What a check takes here, before anybody has come who could tell: the best of three.
    fn trial(&self) -> Duration {
        let trials = (0..3).map(|_| {
            let begin = Instant::now();
            self.check(Username::BLANK, &Secret(Text::BLANK));
            begin.elapsed()
        });
        trials.min().unwrap_or_default()
    }

    /// The next one to check; `None` when the other side is gone. Waits for one when there is none.
    fn next(&self, line: &mut Line<Job>, begin: Instant, wake: &impl Fn()) -> Option<Job> {
        loop {
            let first = if line.is_empty() { Some(self.jobs.recv().ok()?) } else { None };
            for job in first.into_iter().chain(self.jobs.try_iter()) {
                let (cost, from) = (self.cost(&job), job.attempt.peer.origin());
                if let Some(job) = line.join(job, cost, from, begin.elapsed()) {
                    // Whether anybody listens is told by the next job.
                    self.tell(&job, Outcome::Unchecked, wake);
                }
            }
            match line.next(begin.elapsed()) {
                Some(Ok(job)) => return Some(job),
                Some(Err(job)) => {
                    self.tell(&job, Outcome::Unchecked, wake);
                }
                None => {}
            }
        }
    }

    fn cost(&self, job: &Job) -> Cost {
        match self.password(job.attempt.username) {
            Some(Password::Hash(_)) => Cost::Dear,
            Some(Password::Plain(_)) | None => Cost::Cheap,
        }
    }

    /// What is checked, whoever asks.
    fn password(&self, username: Username) -> Option<&Password> {
        let known = self.credentials.get(&username);
        known.map(|credential| &credential.password).or(self.decoy.as_ref())
    }

    /// False: nobody listens any more.
    fn tell(&self, job: &Job, outcome: Outcome, wake: &impl Fn()) -> bool {
        let told = self.verdicts.send(Verdict { ticket: job.ticket, attempt: job.attempt, outcome });
        wake();
        told.is_ok()
    }

    /// One password check, whoever asks: the answer's time does not tell who exists.
    fn check(&self, username: Username, password: &Secret) -> Option<LoginId> {
        let right = self.password(username)?.matches(&password.0);
        let known = self.credentials.get(&username);
        known.filter(|_| right).map(|credential| credential.login)
    }
}

impl Password {
    fn matches(&self, sent: &Text<10>) -> bool {
        #[cfg(test)]
        tests::CHECKS.with(|checks| checks.set(checks.get() + 1));
        match self {
            // Padded, so that not even the length is told by the time.
            Password::Plain(password) => {
                Text::<10>::new(password).is_some_and(|password| bool::from(password.0.ct_eq(&sent.0)))
            }
            Password::Hash(hash) => match PasswordHash::new(hash) {
                Ok(hash) => Argon2::default().verify_password(sent.trimmed(), &hash).is_ok(),
                Err(_) => false,
            },
        }
    }
}

/// True for a PHC string that [`Password::Hash`] can check.
pub fn is_password_hash(text: &str) -> bool {
    PasswordHash::new(text).is_ok_and(|hash| hash.algorithm.as_str() == "argon2id")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    use crate::limits::VERIFICATIONS_MAX;
    use crate::origin::Peer;
    use crate::transport::TransportKind;

    thread_local! {
        /// Password checks of this thread.
        pub(super) static CHECKS: Cell<u64> = const { Cell::new(0) };
    }

    fn verifier(password: Password) -> Verifier {
        let credential = Credential { username: Text::new("ALICE").unwrap(), login: LoginId(1), password };
        Verifier::new(vec![credential], crossbeam_channel::bounded(1).1, crossbeam_channel::bounded(1).0)
    }

    fn check(verifier: &Verifier, username: &str, password: &str) -> Option<LoginId> {
        verifier.check(Text::new(username).unwrap(), &Secret(Text::new(password).unwrap()))
    }

    #[test]
    fn only_the_right_user_with_the_right_password_is_let_in() {
        let verifier = verifier(Password::Plain("pw-alice".into()));
        assert_eq!(check(&verifier, "ALICE", "pw-alice"), Some(LoginId(1)));
        for (username, password) in
            [("ALICE", "pw-alic"), ("ALICE", ""), ("alice", "pw-alice"), ("BOB", "pw-alice")]
        {
            assert_eq!(check(&verifier, username, password), None, "{username} {password}");
        }
    }

    #[test]
    fn a_hashed_password_is_checked_without_being_known() {
        use argon2::password_hash::PasswordHasher;
        let salt = b"ringside-salt-16";
        let hash = Argon2::default().hash_password_with_salt(b"pw-alice", salt).unwrap().to_string();
        assert!(is_password_hash(&hash) && !is_password_hash("pw-alice"));
        let verifier = verifier(Password::Hash(hash));
        assert_eq!(check(&verifier, "ALICE", "pw-alice"), Some(LoginId(1)));
        assert_eq!(check(&verifier, "ALICE", "pw-alicf"), None);
        assert_eq!(check(&verifier, "NOBODY", "pw-alice"), None);
    }

    #[test]
    fn an_unknown_user_costs_as_many_checks_of_the_same_kind_as_a_wrong_password() {
        let credential = |name, id, password| Credential {
            username: Text::new(name).unwrap(),
            login: LoginId(id),
            password,
        };
        let hash = "$argon2id$v=19$m=8,t=1,p=1$cmluZ3NpZGUtc2FsdA$AAAAAAAAAAAAAAAAAAAAAA";
        assert!(is_password_hash(hash));
        let credentials = vec![
            credential("DEMO", 1, Password::Plain("pw-demo".into())),
            credential("ALICE", 2, Password::Hash(hash.into())),
        ];
        let verifier =
            Verifier::new(credentials, crossbeam_channel::bounded(1).1, crossbeam_channel::bounded(1).0);
        assert!(matches!(verifier.decoy, Some(Password::Hash(_))), "the dear check, not the cheap one");
        for username in ["ALICE", "NOBODY", "", "DEMO"] {
            let before = CHECKS.with(Cell::get);
            assert_eq!(check(&verifier, username, "wrong"), None);
            assert_eq!(CHECKS.with(Cell::get) - before, 1, "{username:?}");
        }
        assert_eq!(check(&verifier, "NOBODY", "pw-demo"), None, "the decoy lets nobody in");
    }

    #[test]
    fn every_job_gets_its_verdict_checked_or_not() {
        const JOBS: usize = 3 * VERIFICATIONS_MAX;
        let ((ask, jobs), (verdicts, told)) =
            (crossbeam_channel::bounded(JOBS), crossbeam_channel::bounded(JOBS));
        let attempt = Attempt {
            username: Text::new("ALICE").unwrap(),
            peer: Peer::Local { uid: None },
            transport: TransportKind::Unix,
        };
        for key in 0..JOBS {
            let ticket = Ticket { key, generation: 1 };
            ask.send(Job { ticket, attempt, password: Secret(Text::new("pw").unwrap()) }).unwrap();
        }
        drop(ask);
        let alice = verifier(Password::Plain("pw".into()));
        Verifier { jobs, verdicts, ..alice }.run(|| (), &AtomicBool::new(false));
        let verdicts: Vec<Verdict> = told.iter().collect();
        let count = |outcome| verdicts.iter().filter(|verdict| verdict.outcome == outcome).count();
        assert_eq!(count(Outcome::Right(LoginId(1))), VERIFICATIONS_MAX, "as many as may wait");
        assert_eq!(count(Outcome::Unchecked), JOBS - VERIFICATIONS_MAX);
        assert_eq!(verdicts[0].ticket.key, VERIFICATIONS_MAX, "who cannot be checked is told first");
    }

    #[test]
    fn secrets_are_never_printed() {
        let text =
            format!("{:?} {:?}", Secret(Text::new("hunter2").unwrap()), Password::Plain("hunter2".into()));
        assert!(!text.contains("hunter2"));
    }
}
