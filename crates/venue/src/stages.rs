//! The stages: journal, engine, gateway with egress. Each is `poll() -> worked?`.

mod barriers;
mod engine;
mod gateway;
mod journal;

use std::time::Duration;

use thiserror::Error;

pub use barriers::Barriers;
pub use engine::EngineStage;
pub use gateway::{Duties, GatewayStage, Inlet, StorageWatch};
pub use journal::{CommandLog, JournalStage, SyncPolicy};

/// A piece of the pipeline that some thread drives.
pub trait Stage: Send {
    /// Does what can be done now, without waiting. True: something was done.
    fn poll(&mut self) -> Result<bool, StageError>;

    /// Waits for outside work, for at most `timeout`. Only stages that sit on sockets can.
    fn wait(&mut self, timeout: Duration) -> Result<Waited, StageError> {
        let _ = timeout;
        Ok(Waited::CannotWait)
    }

    /// Called once after an orderly end.
    fn finish(&mut self) -> Result<(), StageError> {
        Ok(())
    }

    /// True when nothing is under way any more in this stage. Asked at an orderly end.
    fn is_drained(&self) -> bool {
        true
    }
}

/// What [`Stage::wait`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Waited {
    /// It waited; the next poll looks at what came.
    Waited,
    /// This stage has nothing to wait on.
    CannotWait,
}

/// Why the pipeline stops.
#[derive(Debug, Error)]
pub enum StageError {
    /// The journal cannot keep its promise.
    #[error("journal: {0}")]
    Journal(Box<dyn std::error::Error + Send + Sync>),
    /// The gateway cannot go on.
    #[error(transparent)]
    Gateway(#[from] ringside_gateway::GatewayError),
}
