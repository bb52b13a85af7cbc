//! Wrong answers have no latency: what a bench has measured counts only if a second engine, carrying the journal out on its
//! own, comes to the same state.

use std::path::Path;

use ringside_domain::{Action, Event, LoginId};
use ringside_engine::{Engine, Limits};
use ringside_journal::Reader;
use ringside_storage::Directory;
use ringside_venue::snapshots::generations;

use crate::failure::{Failure, STORAGE};

/// Exit code of a bench whose answers are wrong.
const WRONG: u8 = 1;

/// A state, as far as it is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct State {
    /// Matches so far.
    pub trades: u64,
    /// Shares matched so far.
    pub volume: u64,
    /// Orders that rest.
    pub live_orders: u64,
    /// Hash of all books, logins and limits.
    pub state_hash: u64,
}

impl State {
    /// The state of an engine. Costs a walk over all orders.
    pub fn of(engine: &Engine) -> State {
        let counters = engine.counters();
        State {
            trades: counters.trades,
            volume: counters.volume,
            live_orders: engine.live_orders().into(),
            state_hash: engine.state_hash(),
        }
    }

    /// Refuses another state than the reference has.
    pub fn must_be(&self, reference: &State) -> Result<(), Failure> {
        match self == reference {
            true => Ok(()),
            false => Err(wrong(format!("the state is {self:?}, the reference has {reference:?}"))),
        }
    }
}

/// A failure of a bench whose answers are wrong.
pub fn wrong(message: impl std::fmt::Display) -> Failure {
    Failure::new(WRONG, format!("wrong answers have no latency: {message}"))
}

/// What a journal comes to.
pub struct Replayed {
    /// After its last command, or the last that was asked for.
    pub engine: Engine,
    /// Commands carried out.
    pub commands: u64,
    /// New orders and cancels among them that traders sent.
    pub orders: u64,
}

/// Carries out the journal of a data directory, up to a sequence, on this thread alone.
pub fn replay(data_dir: &Path, to: u64) -> Result<Replayed, Failure> {
    let disk = Directory::open(&data_dir.join("journal"))?;
    let mut replayed = Replayed { engine: Engine::new(Limits::default()), commands: 0, orders: 0 };
    for entry in Reader::open(disk) {
        let entry = entry.map_err(|error| Failure::new(STORAGE, error))?;
        if entry.sequence > to {
            break;
        }
        let is_order = matches!(entry.command.action, Action::Enter(_) | Action::Cancel(_));
        replayed.orders += u64::from(is_order && entry.command.login != LoginId::VENUE);
        replayed.engine.apply(entry.time_ns, &entry.command, &mut |_: Event| {});
        replayed.commands += 1;
    }
    Ok(replayed)
}

/// Checks a venue that has ended: its last snapshot, made from the log and compared with the engine that answered, has the
/// state that the journal comes to, and the journal has `orders` commands of traders. The state.
pub fn check_venue(data_dir: &Path, orders: u64) -> Result<State, Failure> {
    let generations = generations(data_dir)?;
    let newest = generations.list()?.first().copied();
    let newest = newest.ok_or_else(|| wrong("the venue ended without a snapshot"))?;
    let loaded = generations.load(newest, Limits::default()).map_err(|error| Failure::new(STORAGE, error))?;
    let replayed = replay(data_dir, newest)?;
    let state = State::of(&loaded.engine);
    state.must_be(&State::of(&replayed.engine))?;
    if replayed.orders != orders {
        return Err(wrong(format!("{orders} commands were sent, the journal has {}", replayed.orders)));
    }
    Ok(state)
}
