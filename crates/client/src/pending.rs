//! What a login has asked for and does not know the outcome of: requests without an acknowledgement, and requests in doubt
//! after a lost link.
//!
//! Refuses to know: connections and time.

use ringside_wire::ouch::{AccountQuery, Reply, Request, Tag, TagBuffer, decode_reply};

use crate::doubt::{Doubt, Resolved};
use crate::error::{ClientError, SessionError};
use crate::options::AfterLoss;
use crate::row::Row;
use crate::unacknowledged::{FENCES, Proof, Unacknowledged};

/// The books of a session.
#[derive(Debug)]
pub(crate) struct Pending {
    unacknowledged: Unacknowledged,
    doubt: Doubt,
    requests_max: usize,
    after_loss: AfterLoss,
    /// Until it is answered nothing else is handed over, and nothing that comes is an answer to this program.
    row: Option<Row>,
}

impl Pending {
    pub(crate) fn new(requests_max: usize, after_loss: AfterLoss) -> Self {
        Pending {
            unacknowledged: Unacknowledged::new(),
            doubt: Doubt::default(),
            requests_max,
            after_loss,
            row: None,
        }
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
        self.unacknowledged
            .push(Proof::Fence(channel), &query(channel, &mut tags))
            .map_err(SessionError::Client)?;
        Ok(channel)
    }

    /// Wants to know which answers are this program's before anything else is handed over.
    pub(crate) fn catch_up(&mut self) -> Result<(), SessionError> {
        let requests = self.requests() + self.fences() + self.doubtful();
        if requests > 0 {
            return Err(SessionError::NotFirst { requests });
        }
        self.row = Some(Row::draw());
        Ok(())
    }

    /// That is not known yet.
    pub(crate) fn is_catching_up(&self) -> bool {
        self.row.is_some()
    }

    /// Hands requests to the present connection, oldest first, while it has room. True: all of them are there, or have to wait
    /// for an answer.
    pub(crate) fn hand_over(
        &mut self,
        mut put: impl FnMut(&[u8]) -> Result<(), ClientError>,
    ) -> Result<bool, ClientError> {
        if let Some(row) = &mut self.row {
            return ask(row, put);
        }
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
        let Ok(reply) = decode_reply(payload) else { return };
        if let Some(row) = &mut self.row {
            if matches!(reply, Reply::AccountQueryResponse(_)) && row.answered(reply.user_ref_idx()) {
                self.row = None;
            }
        } else if let Some(proof) = self.unacknowledged.acknowledge(&reply) {
            self.doubt.prove(proof);
        }
    }

    /// A new connection goes on where the last one stopped.
    pub(crate) fn go_on(&mut self) -> Result<(), SessionError> {
        if self.row.is_some() {
            // Nothing else was handed over. Answers to the old row may still come: the new one is another.
            self.row = Some(Row::draw());
            return Ok(());
        }
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
        self.row = None;
        self.doubt.add(self.unacknowledged.take_all());
        match has_ended {
            true => self.doubt.end(),
            false => self.doubt.give_up(),
        }
    }
}

/// Hands the rest of a row over.
fn ask(row: &mut Row, mut put: impl FnMut(&[u8]) -> Result<(), ClientError>) -> Result<bool, ClientError> {
    while let Some(channel) = row.next_to_hand() {
        let (mut tags, mut bytes) = (TagBuffer::new(), Vec::new());
        query(channel, &mut tags).encode(&mut bytes);
        match put(&bytes) {
            Ok(()) => row.handed(),
            Err(ClientError::Backlog { .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// An Account Query on a channel of the fences.
fn query(channel: u8, tags: &mut TagBuffer) -> Request<'_> {
    tags.push(Tag::UserRefIdx(channel));
    Request::AccountQuery(AccountQuery { tags: tags.as_tags() })
}
