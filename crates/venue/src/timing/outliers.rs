//! Commands that took too long: each is counted, and of those answered in one turn the oldest is kept with its parts.
//! The others of a turn have mostly waited for the same thing.
//!
//! No command carries stamps for this. The gateway sees how old an answer is by its journaled time; the journal leaves
//! its moments once a batch, the engine only when a batch of its own was slow.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ringside_domain::{Sequence, TimeNs};

use super::lane::Lane;
use super::{BatchTimes, Part};
use crate::shared::bump;

/// Batches of the journal that are remembered: answers follow their batch within a few turns.
const BATCHES: usize = 256;
/// Slow batches of the engine that are remembered.
const SLOW_BATCHES: usize = 64;
/// Outliers that are kept.
const KEPT: usize = 16;
/// A batch of the engine is slow from this fraction of the bound on: less cannot be what an outlier waited for.
const SLOW_PART: u64 = 16;
/// Stands for a time that is not known any more.
const UNKNOWN: u64 = u64::MAX;
/// Parts of an outlier: `Decode` is within `Ring` here.
const PARTS: [Part; 5] = [Part::Ring, Part::Append, Part::Sync, Part::Match, Part::Egress];

/// A command that took too long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outlier {
    /// Which.
    pub sequence: Sequence,
    /// Its journaled time, Unix ns.
    pub time_ns: TimeNs,
    /// From the turn that read it to its answer, ns.
    pub total_ns: u64,
    parts_ns: [u64; PARTS.len()],
}

impl Outlier {
    /// Time of a part, ns; `Ring` includes decoding. `None`: not told, or not known any more.
    pub fn part_ns(&self, part: Part) -> Option<u64> {
        let at = PARTS.iter().position(|known| *known == part)?;
        Some(self.parts_ns[at]).filter(|ns| *ns != UNKNOWN)
    }

    /// The longest part.
    pub fn cause(&self) -> Option<Part> {
        PARTS.into_iter().filter(|part| self.part_ns(*part).is_some()).max_by_key(|part| self.part_ns(*part))
    }
}

#[derive(Debug)]
pub(super) struct Outliers {
    bound_ns: u64,
    /// Key: last sequence. Words: last sequence before it, taken, appended, kept. Writer: journal.
    batches: Lane<4>,
    batches_written: AtomicU64,
    /// Key: last sequence. Words: last sequence before it, begun, done. Writer: engine.
    slow: Lane<3>,
    slow_written: AtomicU64,
    /// By gateway.
    late: Box<[Late]>,
}

/// What one gateway has answered too late. Writer: its stage.
#[derive(Debug)]
struct Late {
    /// Key: sequence. Words: time, total, parts.
    kept: Lane<{ 2 + PARTS.len() }>,
    kept_written: AtomicU64,
    count: AtomicU64,
}

impl Outliers {
    pub(super) fn new(on: bool, bound: Duration, gateways: usize) -> Self {
        let cells = |count: usize| if on { count } else { 0 };
        Outliers {
            // Fits: the configuration allows a minute.
            bound_ns: bound.as_nanos() as u64,
            batches: Lane::new(cells(BATCHES)),
            batches_written: AtomicU64::new(0),
            slow: Lane::new(cells(SLOW_BATCHES)),
            slow_written: AtomicU64::new(0),
            late: (0..gateways).map(|_| Late::new(cells(KEPT))).collect(),
        }
    }

    pub(super) fn bound_ns(&self) -> u64 {
        self.bound_ns
    }

    pub(super) fn journaled(&self, (after, upto): (Sequence, Sequence), times: BatchTimes) {
        let BatchTimes { taken, appended, kept } = times;
        push(&self.batches, &self.batches_written, upto, [after, taken, appended, kept]);
    }

    #[inline]
    pub(super) fn applied(&self, (after, upto): (Sequence, Sequence), begun: u64, done: u64) {
        if done.saturating_sub(begun) > self.bound_ns / SLOW_PART {
            push(&self.slow, &self.slow_written, upto, [after, begun, done]);
        }
    }

    pub(super) fn late(
        &self,
        (gateway, count): (usize, u64),
        (sequence, time_ns): (Sequence, TimeNs),
        total_ns: u64,
        now: u64,
    ) {
        let late = &self.late[gateway];
        bump(&late.count, count);
        let read = now.saturating_sub(total_ns);
        let covers = |(upto, after): (u64, u64)| (after + 1..=upto).contains(&sequence);
        let batch = all(&self.batches).find(|(upto, words)| covers((*upto, words[0])));
        let slow = all(&self.slow).find(|(upto, words)| covers((*upto, words[0])));
        let matched = slow.map_or(0, |(_, [_, begun, done])| done - begun);
        let parts = match batch {
            Some((_, [_, taken, appended, kept])) => [
                taken.saturating_sub(read),
                appended - taken,
                kept - appended,
                matched,
                now.saturating_sub(kept),
            ],
            None => [UNKNOWN, UNKNOWN, UNKNOWN, matched, UNKNOWN],
        };
        let [ring, append, sync, matched, egress] = parts;
        let words = [time_ns, total_ns, ring, append, sync, matched, egress];
        push(&late.kept, &late.kept_written, sequence, words);
    }

    pub(super) fn count(&self) -> u64 {
        // Relaxed: figures.
        self.late.iter().map(|late| late.count.load(Ordering::Relaxed)).sum()
    }

    pub(super) fn latest(&self) -> Vec<Outlier> {
        let kept = self.late.iter().flat_map(|late| all(&late.kept));
        let mut found: Vec<Outlier> = kept
            .map(|(sequence, [time_ns, total_ns, parts_ns @ ..])| Outlier {
                sequence,
                time_ns,
                total_ns,
                parts_ns,
            })
            .collect();
        found.sort_by_key(|outlier| outlier.sequence);
        // A trade may have been told too late by the gateways of both its sides.
        found.dedup_by_key(|outlier| outlier.sequence);
        found.split_off(found.len().saturating_sub(KEPT))
    }
}

impl Late {
    fn new(cells: usize) -> Self {
        Late { kept: Lane::new(cells), kept_written: AtomicU64::new(0), count: AtomicU64::new(0) }
    }
}

/// Writes over the oldest cell. `written` has the lane's one writer.
fn push<const WORDS: usize>(lane: &Lane<WORDS>, written: &AtomicU64, key: u64, words: [u64; WORDS]) {
    // Relaxed: nobody else writes it.
    let at = written.load(Ordering::Relaxed) as usize % lane.len();
    lane.put(at, key, words);
    bump(written, 1);
}

fn all<const WORDS: usize>(lane: &Lane<WORDS>) -> impl Iterator<Item = (u64, [u64; WORDS])> {
    (0..lane.len()).filter_map(|cell| lane.read(cell))
}
