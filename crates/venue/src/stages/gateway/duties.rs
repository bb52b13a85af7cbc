//! What a venue does by itself: ticks, barriers, rolls, the operator's orders, the watch over its storage. The first gateway's
//! stage does it, because it is awake whenever anything happens.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ringside_domain::{Action, Command, Fact, LoginId, Sequence};
use ringside_gateway::CommandSink;
use ringside_journal::PreparerStatus;
use tracing::{info, warn};

use super::Inlet;
use crate::desk::Desk;
use crate::ring::OutputSlot;
use crate::shared::Shared;
use crate::stages::Barriers;

/// How often the preparation of segments is looked at.
const STORAGE_LOOK: Duration = Duration::from_millis(20);

/// The venue's own commands, and the answers to the operator's.
pub struct Duties {
    desk: Desk,
    barriers: Barriers,
    storage: StorageWatch,
    closing: bool,
}

/// Tells the engine, by a journaled command, when the journal has no segments left to take new orders.
pub struct StorageWatch {
    segments: PreparerStatus,
    /// What the engine was told last.
    told_full: bool,
    next_look: Instant,
}

impl StorageWatch {
    /// A watch over the segments to come. `full` is what the state says.
    pub fn new(segments: PreparerStatus, full: bool) -> Self {
        StorageWatch { segments, told_full: full, next_look: Instant::now() }
    }

    /// A command when things have changed. One segment stays in reserve for cancels.
    fn look(&mut self) -> Option<Command> {
        let now = Instant::now();
        if now < self.next_look {
            return None;
        }
        self.next_look = now + STORAGE_LOOK;
        let full = self.segments.ready() <= 1 && self.segments.failure().is_some_and(|error| error.is_full());
        (full != self.told_full)
            .then_some(Command { login: LoginId::VENUE, action: Action::StorageFull(full) })
    }

    fn told(&mut self) {
        self.told_full = !self.told_full;
        match self.told_full {
            true => warn!("storage is full: new orders are refused, cancels go on"),
            false => info!("there is storage again: new orders are taken"),
        }
    }
}

impl Duties {
    /// All of them.
    pub fn new(desk: Desk, barriers: Barriers, storage: StorageWatch) -> Self {
        Duties { desk, barriers, storage, closing: false }
    }

    /// Commands that no login sends.
    pub(super) fn perform(&mut self, inlet: &mut Inlet, shared: &Shared) {
        if inlet.is_roll_due() && !inlet.roll() {
            return;
        }
        if let Some(command) = self.storage.look()
            && inlet.offer(&command)
        {
            self.storage.told();
        }
        self.desk.submit(inlet);
        if let Some(hash) = self.barriers.hash()
            && inlet.offer(&hash)
        {
            self.barriers.told();
        }
        if let Some(barrier) = self.barriers.due(inlet.published(), shared)
            && inlet.offer(&barrier)
        {
            self.barriers.put(inlet.last());
        }
        if is_tick_due(inlet, shared) {
            inlet.offer(&Command { login: LoginId::VENUE, action: Action::Tick });
        }
    }

    /// An event is told to whom it concerns.
    #[inline]
    pub(super) fn note(&mut self, slot: &OutputSlot, shared: &Shared) {
        match slot.event.fact {
            Fact::Rejected { reason, .. } => shared.rejected.record(reason as u16),
            Fact::SessionBegan(session) => {
                // Relaxed: a figure.
                shared.session.store(session, Ordering::Relaxed);
                info!(session, sequence = slot.sequence, "session rolled");
            }
            _ => {}
        }
        self.desk.note(slot);
    }

    /// All events up to here were noted.
    pub(super) fn settle(&mut self, delivered: Sequence) {
        self.desk.settle(delivered);
    }

    /// The venue stops. True: every gateway has put its last command into the ring, and a last barrier is behind them.
    pub(super) fn close(&mut self, inlet: &mut Inlet, shared: &Shared) -> bool {
        if !std::mem::replace(&mut self.closing, true) {
            self.desk.close();
        }
        // Acquire: pairs with the Release of a gateway that has nothing more to say.
        if !shared.gateways.iter().all(|gateway| gateway.closed.load(Ordering::Acquire)) {
            return false;
        }
        if let Some(barrier) = self.barriers.last(inlet.published(), shared) {
            if !inlet.offer(&barrier) {
                // No room yet: at the next turn.
                return false;
            }
            self.barriers.put(inlet.last());
        }
        true
    }
}

/// Something is due and no command that was announced is under way that would let it happen, a tick included. One of another
/// gateway's that was not may be, and then the tick finds nothing to do.
fn is_tick_due(inlet: &Inlet, shared: &Shared) -> bool {
    // `applied` is read first: what is due is at least as new, and with nothing under way exactly that.
    shared.applied.get() >= inlet.published() && inlet.time_ns() >= shared.next_due.get()
}
