//! What a login has asked for and does not know the outcome of: requests without an acknowledgement, and requests in doubt
//! after a lost link.
//!
//! Refuses to know: connections and time.

use ringside_wire::ouch::{AccountQuery, Request, Tag, TagBuffer, decode_reply};

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
}

impl Pending {
    pub(crate) fn new(requests_max: usize, after_loss: AfterLoss) -> Self {
        Pending { unacknowledged: Unacknowledged::new(), doubt: Doubt::default(), requests_max, after_loss }
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

    /// Takes the acknowledgement in a sequenced message. Bytes that are no reply acknowledge nothing; they are the caller's
    /// to judge.
    pub(crate) fn acknowledge(&mut self, payload: &[u8]) {
        if let Ok(reply) = decode_reply(payload)
            && let Some(proof) = self.unacknowledged.acknowledge(&reply)
        {
            self.doubt.prove(proof);
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
