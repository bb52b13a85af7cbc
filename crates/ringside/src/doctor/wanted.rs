//! What a configuration asks of its host.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ringside_venue::Config;
use ringside_venue::config::{Layout, Scheduling, Sync, Wait};

use super::finding::Status;

/// What the checks need of a configuration.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Cores that stage threads are pinned to.
    pub stage_cores: BTreeSet<usize>,
    /// The configuration is a trading host's: stages spin on cores of their own.
    pub host: bool,
    /// Priority of stage threads.
    pub fifo: Option<u8>,
    /// Stage threads spin, or may.
    pub spins: bool,
    /// Nothing may be paged out.
    pub lock_memory: bool,
    /// Longest wake-up of a core that the venue asks for, microseconds.
    pub dma_latency_us: Option<u32>,
    /// An answer promises stable storage.
    pub sync_always: bool,
    /// Longest sync before the venue is not ready.
    pub max_sync: Duration,
    /// Segments are written around the page cache.
    pub direct: bool,
    /// Bytes of a segment; `None` = by free space.
    pub segment_size: Option<u64>,
    /// Logins that may be connected.
    pub logins: usize,
    /// Threads that share them.
    pub gateways: usize,
    /// The file holds passwords or a token.
    pub secrets: bool,
    /// Where the journal is or will be, absolute.
    pub data_dir: PathBuf,
}

impl Wanted {
    /// Of a configuration whose data directory is `data_dir`, absolute.
    pub fn of(config: &Config, data_dir: &Path) -> Self {
        let pipeline = &config.pipeline;
        let fifo = match pipeline.scheduling {
            Scheduling::Normal => None,
            Scheduling::Fifo(priority) => Some(priority),
        };
        let host = pipeline.layout == Layout::Host || pipeline.wait == Wait::Spin;
        Wanted {
            stage_cores: pipeline.cores.of_stages().collect(),
            host,
            fifo,
            spins: host || pipeline.wait != Wait::Park,
            lock_memory: pipeline.lock_memory,
            dma_latency_us: pipeline.cpu_dma_latency_us,
            sync_always: config.sync == Sync::Always,
            max_sync: config.max_sync,
            direct: config.writer == ringside_storage::Writer::Direct,
            segment_size: config.segment_size,
            logins: config.logins.len(),
            gateways: pipeline.gateways,
            secrets: config.admin_token.is_some() || !config.logins.is_empty(),
            data_dir: data_dir.to_path_buf(),
        }
    }

    /// What costs latency: a trading host relies on it, others only gain.
    pub fn latency(&self) -> Status {
        if self.host { Status::Fix } else { Status::Warn }
    }
}
