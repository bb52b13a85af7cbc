//! Requests that the venue has not acknowledged, in the order they were sent.
//!
//! ```text
//! oldest | handed to this connection .. | handed .. not yet handed | newest
//! ```
//!
//! Refuses to know: connections. A new one starts with `handed = 0`, so everything is sent again, in order.
//!
//! Invariant: what is removed as acknowledged is a prefix. The venue takes a login's requests in order, so an
//! answer to one of them proves that all before it were taken.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use ringside_domain::UserRefNum;
use ringside_wire::ouch::{Reply, Request};
use ringside_wire::soup::PAYLOAD_MAX;

use crate::doubt::{Fate, Resolved};
use crate::error::ClientError;

/// UserRefIdx values of fences: one fence each, until it is answered.
pub(crate) const FENCES: RangeInclusive<u8> = 191..=254;

/// Most fences at once.
pub(crate) const FENCES_MAX: usize = 64;

const _: () = assert!(*FENCES.end() as usize - *FENCES.start() as usize + 1 == FENCES_MAX);
const _: () = assert!(*FENCES.end() < ringside_domain::limits::USER_REF_IDX_CARRIED);

/// What would prove that the venue has taken a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Proof {
    /// A reply that consumes this UserRefNum on this channel.
    UserRefNum(u8, UserRefNum),
    /// The answer to this fence.
    Fence(u8),
    /// An Account Query Response of this channel, which proves nothing about its neighbours: the answer may
    /// belong to an earlier copy of the query.
    Query(u8),
    /// Nothing of its own: it may be answered by silence.
    Later,
    /// The Account Query was answered.
    Answered,
}

impl Proof {
    /// What a reply proves.
    fn by(reply: &Reply<'_>) -> Option<Proof> {
        let channel = reply.user_ref_idx();
        match reply {
            Reply::Accepted(_)
            | Reply::Replaced(_)
            | Reply::Rejected(_)
            | Reply::MassCancelResponse(_)
            | Reply::DisableResponse(_)
            | Reply::EnableResponse(_) => {
                reply.user_ref_num().map(|number| Proof::UserRefNum(channel, number))
            }
            Reply::AccountQueryResponse(_) if FENCES.contains(&channel) => Some(Proof::Fence(channel)),
            Reply::AccountQueryResponse(_) => Some(Proof::Query(channel)),
            _ => None,
        }
    }

    pub(crate) fn of(request: &Request<'_>) -> Self {
        let channel = request.tags().user_ref_idx();
        match request {
            Request::Enter(m) => Proof::UserRefNum(channel, m.user_ref_num),
            Request::Replace(m) => Proof::UserRefNum(channel, m.user_ref_num),
            Request::MassCancel(m) => Proof::UserRefNum(channel, m.user_ref_num),
            Request::Disable(m) | Request::Enable(m) => Proof::UserRefNum(channel, m.user_ref_num),
            Request::Cancel(_) | Request::Modify(_) => Proof::Later,
            Request::AccountQuery(_) => Proof::Query(channel),
        }
    }
}

/// A request.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) proof: Proof,
    bytes: Vec<u8>,
}

impl Entry {
    /// Not a question.
    pub(crate) fn is_request(&self) -> bool {
        matches!(self.proof, Proof::UserRefNum(..) | Proof::Later)
    }

    /// The venue answers it when it takes it for the first time. A Replace of a dead order is ignored.
    pub(crate) fn is_always_answered(&self) -> bool {
        matches!(self.proof, Proof::UserRefNum(..)) && self.bytes.first() != Some(&b'U')
    }

    pub(crate) fn resolved(self, fate: Fate) -> Resolved {
        Resolved { request: self.bytes, fate }
    }
}

/// The queue of unacknowledged requests.
#[derive(Debug)]
pub(crate) struct Unacknowledged {
    entries: VecDeque<Entry>,
    /// Buffers of acknowledged requests, to be used again.
    spare: Vec<Vec<u8>>,
    handed: usize,
    fences: usize,
    next_fence: u8,
}

impl Unacknowledged {
    pub(crate) fn new() -> Self {
        let (entries, spare) = (VecDeque::new(), Vec::new());
        Unacknowledged { entries, spare, handed: 0, fences: 0, next_fence: *FENCES.start() }
    }

    /// Requests waiting, fences left out.
    pub(crate) fn requests(&self) -> usize {
        self.entries.len() - self.fences
    }

    /// Fences waiting.
    pub(crate) fn fences(&self) -> usize {
        self.fences
    }

    /// Adds a request as the newest. One that no packet can carry is refused: it would block all behind it.
    pub(crate) fn push(&mut self, proof: Proof, request: &Request<'_>) -> Result<(), ClientError> {
        let mut bytes = self.spare.pop().unwrap_or_default();
        request.encode(&mut bytes);
        let length = bytes.len();
        if length > PAYLOAD_MAX {
            return Err(ClientError::TooLong { length });
        }
        self.fences += usize::from(matches!(proof, Proof::Fence(_)));
        self.entries.push_back(Entry { proof, bytes });
        Ok(())
    }

    /// A channel for the next fence; `None` when all are out.
    pub(crate) fn take_fence_channel(&mut self) -> Option<u8> {
        if self.fences == FENCES_MAX {
            return None;
        }
        let channel = self.next_fence;
        self.next_fence = if channel == *FENCES.end() { *FENCES.start() } else { channel + 1 };
        Some(channel)
    }

    /// A new connection: everything has to be handed over again.
    pub(crate) fn hand_again(&mut self) {
        self.handed = 0;
    }

    /// Everything that waits, fences included. They are forgotten here.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = Entry> + '_ {
        (self.handed, self.fences) = (0, 0);
        self.entries.drain(..)
    }

    /// The oldest request not yet handed to this connection.
    pub(crate) fn next_to_hand(&mut self) -> Option<&[u8]> {
        while self.entries.get(self.handed).is_some_and(|entry| entry.proof == Proof::Answered) {
            self.handed += 1;
        }
        self.entries.get(self.handed).map(|entry| entry.bytes.as_slice())
    }

    /// That request was handed over.
    pub(crate) fn handed(&mut self) {
        self.handed += 1;
        debug_assert!(self.handed <= self.entries.len(), "Invariant: only what is here is handed over");
    }

    /// A reply came in. Returns what it proves, if anything.
    pub(crate) fn acknowledge(&mut self, reply: &Reply<'_>) -> Option<Proof> {
        let proof = Proof::by(reply)?;
        match proof {
            Proof::Query(channel) => self.answered(channel),
            proof => self.remove_through(proof),
        }
        Some(proof)
    }

    /// Removes the request with this proof and all before it.
    fn remove_through(&mut self, proof: Proof) {
        let Some(last) = self.entries.iter().position(|entry| entry.proof == proof) else { return };
        for mut entry in self.entries.drain(..=last) {
            self.fences -= usize::from(matches!(entry.proof, Proof::Fence(_)));
            entry.bytes.clear();
            self.spare.push(entry.bytes);
        }
        // Acknowledged by an earlier connection before this one has repeated them: then they need not be.
        self.handed = self.handed.saturating_sub(last + 1);
    }

    fn answered(&mut self, channel: u8) {
        let query = self.entries.iter_mut().find(|entry| entry.proof == Proof::Query(channel));
        query.into_iter().for_each(|entry| entry.proof = Proof::Answered);
        while self.entries.front().is_some_and(|entry| entry.proof == Proof::Answered) {
            let Some(mut entry) = self.entries.pop_front() else { break };
            entry.bytes.clear();
            self.spare.push(entry.bytes);
            self.handed = self.handed.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringside_domain::{ClientOrderId, Symbol};
    use ringside_wire::ouch::{AccountQuery, AccountQueryResponse, Cancel, Rejected, Tag, TagBuffer, Tags};

    fn cancel(user_ref_num: u32) -> Request<'static> {
        Request::Cancel(Cancel { user_ref_num, quantity: 0, tags: Tags::EMPTY })
    }

    fn mass_cancel(user_ref_num: u32) -> Request<'static> {
        let firm = ringside_domain::Firm::BLANK;
        let symbol = Symbol::BLANK;
        Request::MassCancel(ringside_wire::ouch::MassCancel { user_ref_num, firm, symbol, tags: Tags::EMPTY })
    }

    fn push(queue: &mut Unacknowledged, request: Request<'_>) {
        queue.push(Proof::of(&request), &request).unwrap();
    }

    fn push_fence(queue: &mut Unacknowledged) -> u8 {
        let channel = queue.take_fence_channel().unwrap();
        let query = Request::AccountQuery(AccountQuery { tags: Tags::EMPTY });
        queue.push(Proof::Fence(channel), &query).unwrap();
        channel
    }

    fn reject(user_ref_num: u32) -> Reply<'static> {
        let client_order_id = ClientOrderId::BLANK;
        Reply::Rejected(Rejected {
            timestamp: 0,
            user_ref_num,
            reason: 1,
            client_order_id,
            tags: Tags::EMPTY,
        })
    }

    fn answer(queue: &mut Unacknowledged, channel: u8) {
        let mut tags = TagBuffer::new();
        tags.push(Tag::UserRefIdx(channel));
        let tags = if channel == 0 { Tags::EMPTY } else { tags.as_tags() };
        let response = AccountQueryResponse { timestamp: 0, next_user_ref_num: 1, tags };
        queue.acknowledge(&Reply::AccountQueryResponse(response));
    }

    #[test]
    fn an_answer_acknowledges_everything_before_it_and_nothing_behind() {
        let mut queue = Unacknowledged::new();
        for request in [cancel(1), mass_cancel(2), cancel(1), mass_cancel(3), cancel(1)] {
            push(&mut queue, request);
        }
        queue.acknowledge(&reject(3));
        assert_eq!(queue.requests(), 1);
        queue.acknowledge(&reject(3));
        assert_eq!(queue.requests(), 1, "the same answer again says nothing new");
    }

    #[test]
    fn a_fence_acknowledges_what_is_answered_by_silence() {
        let mut queue = Unacknowledged::new();
        push(&mut queue, cancel(1));
        let (first, second) = (push_fence(&mut queue), push_fence(&mut queue));
        push(&mut queue, cancel(1));
        answer(&mut queue, first);
        assert_eq!((queue.requests(), queue.fences()), (1, 1));
        answer(&mut queue, first);
        assert_eq!((queue.requests(), queue.fences()), (1, 1), "the answer to a repeated fence is its own");
        answer(&mut queue, second);
        assert_eq!((queue.requests(), queue.fences()), (1, 0));
    }

    #[test]
    fn a_query_of_the_caller_acknowledges_itself_alone() {
        let mut queue = Unacknowledged::new();
        push(&mut queue, cancel(1));
        push(&mut queue, Request::AccountQuery(AccountQuery { tags: Tags::EMPTY }));
        answer(&mut queue, 0);
        assert_eq!(
            queue.requests(),
            2,
            "the cancel keeps its place, the query too, but never again on the wire"
        );
        assert!(queue.next_to_hand().is_some());
        queue.handed();
        assert!(queue.next_to_hand().is_none());
    }

    #[test]
    fn what_happens_to_an_order_acknowledges_nothing() {
        let mut queue = Unacknowledged::new();
        push(&mut queue, mass_cancel(2));
        // D, R, T and B, each about UserRefNum 2.
        let bodies: [(u8, usize); 4] = [(b'D', 32), (b'R', 16), (b'T', 30), (b'B', 36)];
        for (letter, length) in bodies {
            let mut bytes = vec![0; length];
            (bytes[0], bytes[12]) = (letter, 2);
            let reply = ringside_wire::ouch::decode_reply(&bytes).unwrap();
            assert_eq!((reply.kind(), reply.user_ref_num()), (letter, Some(2)));
            queue.acknowledge(&reply);
            assert_eq!(queue.requests(), 1, "{reply:?}");
        }
    }

    #[test]
    fn fences_are_bounded_by_their_channels() {
        let mut queue = Unacknowledged::new();
        let channels: Vec<u8> = (0..FENCES_MAX).map(|_| push_fence(&mut queue)).collect();
        assert_eq!(queue.take_fence_channel(), None);
        answer(&mut queue, channels[0]);
        assert_eq!(queue.take_fence_channel(), Some(channels[0]));
    }

    #[test]
    fn a_request_acknowledged_before_it_is_repeated_is_not_repeated() {
        let mut queue = Unacknowledged::new();
        (1..=3).for_each(|number| push(&mut queue, mass_cancel(number)));
        (0..3).for_each(|_| queue.handed());
        queue.hand_again();
        queue.handed();
        queue.acknowledge(&reject(2));
        assert_eq!(queue.next_to_hand().map(|bytes| bytes[4]), Some(3));
    }
}
