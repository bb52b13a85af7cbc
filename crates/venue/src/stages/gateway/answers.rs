//! When answers went to the sockets, and which of them too late, for [`crate::timing`].

use ringside_domain::{Sequence, TimeNs};

use crate::ring::OutputSlot;
use crate::shared::Shared;
use crate::timing::Timing;

/// Sampled commands between two writes to the sockets. At one in 1,024 an output ring holds eight; where more are sampled,
/// those beyond this number are not timed.
const SAMPLES_MAX: usize = 256;

/// What a gateway has delivered since it last wrote to its sockets.
#[derive(Debug)]
pub(super) struct Answers {
    /// The last command whose answers are in the streams.
    told: Sequence,
    /// The next command that is sampled, whoever's it is.
    next_sample: Sequence,
    /// Those that were told here.
    samples: Vec<Sequence>,
    /// What was journaled before this is late.
    late_before: TimeNs,
    /// Late ones, and the first of them.
    late: u64,
    first_late: (Sequence, TimeNs),
}

impl Answers {
    pub(super) fn new(shared: &Shared) -> Self {
        let told = shared.delivered();
        let next_sample = shared.timing.next_sample(told);
        let samples = Vec::with_capacity(SAMPLES_MAX);
        Answers { told, next_sample, samples, late_before: 0, late: 0, first_late: (0, 0) }
    }

    /// From this age on answers are late.
    pub(super) fn late_before(&mut self, time_ns: TimeNs) {
        self.late_before = time_ns;
    }

    /// An event goes into its stream.
    #[inline]
    pub(super) fn note(&mut self, slot: &OutputSlot, timing: &Timing) {
        if slot.sequence == self.told {
            return;
        }
        if slot.time_ns < self.late_before {
            if self.late == 0 {
                self.first_late = (slot.sequence, slot.time_ns);
            }
            self.late += 1;
        }
        self.told = slot.sequence;
        if self.told >= self.next_sample {
            self.sample(timing);
        }
    }

    #[cold]
    fn sample(&mut self, timing: &Timing) {
        if timing.next_sample(self.told - 1) == self.told && self.samples.len() < SAMPLES_MAX {
            self.samples.push(self.told);
        }
        self.next_sample = timing.next_sample(self.told);
    }

    /// All that was noted has just been given to the sockets of this gateway.
    pub(super) fn answered(&mut self, gateway: usize, timing: &Timing, venue_time: impl Fn(u64) -> TimeNs) {
        if self.samples.is_empty() && self.late == 0 {
            return;
        }
        let now = timing.now();
        self.samples.drain(..).for_each(|sequence| timing.answered(sequence, now));
        let late = std::mem::take(&mut self.late);
        if late > 0 {
            let total_ns = venue_time(now).saturating_sub(self.first_late.1);
            timing.late((gateway, late), self.first_late, total_ns, now);
        }
    }
}
