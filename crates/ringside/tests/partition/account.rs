//! What a trader sent, what it was told, and what it was told became of the rest.
//!
//! Refuses to know: connections, and what the venue thinks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use ringside_client::Fate;
use ringside_wire::ouch::Reply;

use crate::support::reply;

/// What a trader did and heard.
#[derive(Default)]
pub struct Account {
    /// Payloads of the stream, from sequence 1.
    pub told: Vec<Vec<u8>>,
    /// UserRefNums of Enters that were sent.
    pub entered: BTreeSet<u32>,
    /// UserRefNums of Enters and Replaces that were accepted.
    pub accepted: BTreeSet<u32>,
    /// UserRefNums of Enters that were rejected.
    pub rejected: BTreeSet<u32>,
    /// What a session that asks was told of its Enters.
    pub fates: BTreeMap<u32, Fate>,
    pub reconnects: u64,
    /// Enters that were accepted after the fault was over.
    pub accepted_after: u64,
    /// When all was done, before the link was closed.
    pub ended: Option<SystemTime>,
}

impl Account {
    /// Takes the next message of the stream.
    pub fn note(&mut self, sequence: u64, payload: &[u8]) {
        assert_eq!(sequence, self.told.len() as u64 + 1, "the stream has no gap and no repetition");
        self.told.push(payload.to_vec());
        match reply(payload) {
            Reply::Accepted(m) => assert!(self.accepted.insert(m.user_ref_num), "accepted twice: {m:?}"),
            Reply::Replaced(m) => assert!(self.accepted.insert(m.user_ref_num), "replaced twice: {m:?}"),
            Reply::Rejected(m) => assert!(self.rejected.insert(m.user_ref_num), "rejected twice: {m:?}"),
            _ => {}
        }
    }

    /// Enters that the venue was said to have never received.
    pub fn never_received(&self) -> BTreeSet<u32> {
        let fates = self.fates.iter().filter(|(_, fate)| **fate == Fate::NeverReceived);
        fates.map(|(number, _)| *number).collect()
    }

    /// Enters with an answer.
    pub fn answered(&self) -> BTreeSet<u32> {
        self.entered
            .iter()
            .filter(|n| self.accepted.contains(n) || self.rejected.contains(n))
            .copied()
            .collect()
    }
}
