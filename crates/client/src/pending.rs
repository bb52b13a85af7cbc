//! What a login has asked for and does not know the outcome of: requests without an acknowledgement, and requests in doubt
//! after a lost link.
//!
//! Refuses to know: connections and time.

use ringside_wire::ouch::{AccountQuery, Reply, Request, Tag, TagBuffer, decode_reply};

use crate::doubt::{Doubt, Resolved};
use crate::error::{ClientError, SessionError};
use crate::options::AfterLoss;
use crate::unacknowledged::{FENCES, Proof, Unacknowledged};

/// The books of a session.
#[derive(Debug)]
pub(crate) struct Pending {
    unacknowledged: Unacknowledged,
    doubt: Doubt,
    requests_max: usize,
    after_loss: AfterLoss,
    /// Messages before this one answer what the login asked before this program joined.
    own_from: u64,
}

impl Pending {
    pub(crate) fn new(requests_max: usize, after_loss: AfterLoss) -> Self {
        let (unacknowledged, doubt) = (Unacknowledged::new(), Doubt::default());
        Pending { unacknowledged, doubt, requests_max, after_loss, own_from: 0 }
    }

    /// Requests that nothing acknowledges yet.
    pub(crate) fn requests(&self) -> usize {
        self.unacknowledged.requests()
    }

    /// Fences that are not answered yet.
    pub(crate) fn fences(&self) -> usize {
        self.unacknowledged.fences()
    }

    /// Requests whose fate is not known yet.
    pub(crate) fn doubtful(&self) -> usize {
        self.doubt.len()
    }

    /// The next request whose fate is known.
    pub(crate) fn take_resolved(&mut self) -> Option<Resolved> {
        self.doubt.take()
    }

    /// Takes a request in, as the newest.
    pub(crate) fn add(&mut self, request: &Request<'_>) -> Result<(), SessionError> {
        let requests = self.unacknowledged.requests();
        if requests >= self.requests_max {
            return Err(SessionError::Full { requests });
        }
        match Proof::of(request) {
            Proof::Query(channel) if FENCES.contains(&channel) => Err(SessionError::FenceChannel { channel }),
            proof => self.unacknowledged.push(proof, request).map_err(SessionError::Client),
        }
    }

    /// Takes a fence in behind everything else; its channel.
    pub(crate) fn add_fence(&mut self) -> Result<u8, SessionError> {
        let Some(channel) = self.unacknowledged.take_fence_channel() else {
            return Err(SessionError::TooManyFences { fences: self.unacknowledged.fences() });
        };
        let mut tags = TagBuffer::new();
        tags.push(Tag::UserRefIdx(channel));
        let query = Request::AccountQuery(AccountQuery { tags: tags.as_tags() });
        self.unacknowledged.push(Proof::Fence(channel), &query).map_err(SessionError::Client)?;
        Ok(channel)
    }

    /// Hands requests to the present connection, oldest first, while it has room. True: all of them are there.
    pub(crate) fn hand_over(
        &mut self,
        mut put: impl FnMut(&[u8]) -> Result<(), ClientError>,
    ) -> Result<bool, ClientError> {
        while let Some(bytes) = self.unacknowledged.next_to_hand() {
            match put(bytes) {
                Ok(()) => self.unacknowledged.handed(),
                Err(ClientError::Backlog { .. }) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// The stream had all messages before this one when the program joined: none of them answers a question of its own.
    pub(crate) fn joined(&mut self, own_from: u64) {
        self.own_from = own_from;
    }

    /// Takes the acknowledgement in a sequenced message. Bytes that are no reply acknowledge nothing; they are the caller's
    /// to judge.
    pub(crate) fn acknowledge(&mut self, sequence: u64, payload: &[u8]) {
        let Ok(reply) = decode_reply(payload) else { return };
        if sequence < self.own_from {
            self.recognise(&reply);
        } else if let Some(proof) = self.unacknowledged.acknowledge(&reply) {
            self.doubt.prove(proof);
        }
    }

    /// An answer from before this program says that a UserRefNum is taken, so that a copy need not be sent, and nothing of
    /// what was sent around the copy.
    fn recognise(&mut self, reply: &Reply<'_>) {
        if let Some(proof @ Proof::UserRefNum(..)) = Proof::by(reply) {
            self.unacknowledged.answered(proof);
            self.doubt.recognise(proof);
        }
    }

    /// A new connection goes on where the last one stopped.
    pub(crate) fn go_on(&mut self) -> Result<(), SessionError> {
        match self.after_loss {
            AfterLoss::SendAgain => self.unacknowledged.hand_again(),
            AfterLoss::Ask => {
                // Whatever was under way is in doubt until a question behind the rewind is answered.
                self.doubt.add(self.unacknowledged.take_all());
                let channel = self.add_fence()?;
                self.doubt.ask(channel);
            }
        }
        Ok(())
    }

    /// Another session begins. When the old stream was read to its end, what has no answer in it was never received.
    pub(crate) fn begin_next(&mut self, has_ended: bool) {
        self.doubt.add(self.unacknowledged.take_all());
        match has_ended {
            true => self.doubt.end(),
            false => self.doubt.give_up(),
        }
    }
}
