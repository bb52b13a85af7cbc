//! Engines in the middle of a day, and their snapshots.
#![allow(dead_code, reason = "each test file uses its part")]

use ringside_domain::{Command, Event, TimeNs};
use ringside_engine::{Engine, Limits};
use ringside_sim::random::{RandomFlow, RandomShape};
use ringside_snapshot::{Content, Generations, Header, Position, StreamImage};
use ringside_storage::{Drafts, Pace};

/// An engine with its flow.
pub struct Day {
    pub engine: Engine,
    pub flow: RandomFlow,
    pub limits: Limits,
}

impl Day {
    /// After so many commands, and then until some orders live if they do at all.
    pub fn after(commands: usize, seed: u64, shape: RandomShape) -> Day {
        let limits = Limits { orders_max: shape.orders_max as u32 };
        let mut day = Day { engine: Engine::new(limits), flow: RandomFlow::new(seed, shape), limits };
        (0..commands).for_each(|_| _ = day.step());
        for _ in 0..2_000 {
            if day.engine.live_orders() >= 12 {
                break;
            }
            day.step();
        }
        day
    }

    pub fn next(&mut self) -> (TimeNs, Command) {
        let (time_ns, command, _) = self.flow.next().expect("the flow is endless");
        (time_ns, command)
    }

    pub fn step(&mut self) -> Vec<Event> {
        let (time_ns, command) = self.next();
        apply(&mut self.engine, time_ns, &command)
    }

    pub fn streams(&self) -> Vec<StreamImage> {
        (0..self.engine.logins().len() as u64)
            .map(|n| StreamImage { messages: 3 * n, bytes: 100 * n, crc: 7 * n as u32 })
            .collect()
    }

    /// Writes and publishes it as the snapshot after `sequence`.
    pub fn publish<D: Drafts>(&self, generations: &Generations<D>, sequence: u64) -> Header {
        let header = self.draft(generations, sequence).unwrap();
        generations.publish(&header, self.limits).unwrap();
        header
    }

    pub fn draft<D: Drafts>(
        &self,
        generations: &Generations<D>,
        sequence: u64,
    ) -> Result<Header, ringside_storage::StorageError> {
        let streams = self.streams();
        let content = Content {
            engine: &self.engine,
            state_hash: self.engine.state_hash(),
            position: position(&self.engine, sequence),
            session_sequence: 1,
            streams: &streams,
        };
        generations.draft(&content, Pace::Unpaced)
    }
}

pub fn position(engine: &Engine, sequence: u64) -> Position {
    Position {
        epoch: 0x0123_4567_89ab_cdef,
        sequence,
        segment: 3,
        offset: 4096,
        chain: 0x1112_1314_1516_1718,
        time_ns: engine.venue_state().time_ns,
    }
}

pub fn apply(engine: &mut Engine, time_ns: TimeNs, command: &Command) -> Vec<Event> {
    let mut events = Vec::new();
    engine.apply(time_ns, command, &mut |event| events.push(event));
    events
}
