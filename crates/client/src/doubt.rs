//! What became of requests that were under way when the link was lost, for those who do not want them sent again unasked.
//!
//! The venue takes a login's requests in order and answers every Enter, Mass Cancel, Disable and Enable that it takes for the
//! first time. So a request with an answer in the rewind was received, and so were all before it; an Enter without one by
//! the time a query behind the rewind is answered was not, and neither was anything after it. Between the two may stand
//! requests that have no answer of their own.
//!
//! Refuses to know: connections, and what a caller makes of the answer.

use std::collections::VecDeque;

use crate::unacknowledged::{Entry, Proof};

/// What became of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// The venue has taken it: its answer, or that of a later request, is in the stream.
    Received,
    /// The venue has never seen it.
    NeverReceived,
    /// A Replace, Cancel or Modify: received and ignored, or never received. The order's events tell what is left of it, and
    /// the same request sent again changes nothing that is not changed yet.
    Unclear,
}

/// A request whose fate is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolved {
    /// The OUCH request as it was sent.
    pub request: Vec<u8>,
    /// What became of it.
    pub fate: Fate,
}

/// Requests in doubt, oldest first, and those that were.
#[derive(Debug, Default)]
pub(crate) struct Doubt {
    doubtful: VecDeque<Entry>,
    resolved: VecDeque<Resolved>,
    /// The query whose answer ends the doubt.
    question: Option<u8>,
}

impl Doubt {
    /// The link was lost with these under way. Questions of the program are not repeated.
    pub(crate) fn add(&mut self, entries: impl Iterator<Item = Entry>) {
        self.doubtful.extend(entries.filter(|entry| entry.is_request()));
    }

    /// Requests in doubt.
    pub(crate) fn len(&self) -> usize {
        self.doubtful.len()
    }

    /// The answer to a query on this fence channel will end the doubt.
    pub(crate) fn ask(&mut self, channel: u8) {
        self.question = Some(channel);
    }

    /// A reply that proves that a request was taken proves it of all before it.
    pub(crate) fn prove(&mut self, proof: Proof) {
        match proof {
            Proof::Fence(channel) if self.question == Some(channel) => self.end(),
            proof => {
                let last = self.doubtful.iter().position(|entry| entry.proof == proof);
                let received = self.doubtful.drain(..last.map_or(0, |last| last + 1));
                self.resolved.extend(received.map(|entry| entry.resolved(Fate::Received)));
            }
        }
    }

    /// Everything that was received has been answered by now.
    pub(crate) fn end(&mut self) {
        self.question = None;
        let mut fate = Fate::Unclear;
        for entry in self.doubtful.drain(..) {
            if entry.is_always_answered() {
                fate = Fate::NeverReceived;
            }
            self.resolved.push_back(entry.resolved(fate));
        }
    }

    /// The answer will never come: the session ended unseen.
    pub(crate) fn give_up(&mut self) {
        self.question = None;
        self.resolved.extend(self.doubtful.drain(..).map(|entry| entry.resolved(Fate::Unclear)));
    }

    /// The next request whose fate is known, oldest first.
    pub(crate) fn take(&mut self) -> Option<Resolved> {
        self.resolved.pop_front()
    }
}
