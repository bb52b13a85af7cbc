//! A running venue: recovered, wired, started; later stopped in order.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, bounded};
use ringside_domain::{Event, Sequence, Symbol};
use ringside_engine::Engine;
use ringside_gateway::limits::VERIFICATIONS_MAX;
use ringside_gateway::{
    Addresses, Gateway, GatewayError, GatewayOptions, ListenOptions, LoginEntry, Verifier,
};
use ringside_journal::RecoverError;
use ringside_storage::{DirectoryLock, LockError, StorageError};
use serde_json::json;
use thiserror::Error;
use tracing::{error, info};

use crate::admin::{self, Directory, EventJson, FindTrade, Identity, Operator, TradeError};
use crate::archive;
use crate::budget::RateTable;
use crate::clock::VenueClock;
use crate::config::{Config, ConfigError, Sync};
use crate::desk::{Desk, desk};
use crate::entry;
use crate::files::{self, create_durable};
use crate::layout::{self, Plan, StageName};
use crate::recovery::{self, Progress, Recovered, VenueJournal};
use crate::ring::{self, InputPoller};
use crate::scheduling::{self, Held};
use crate::shared::Shared;
use crate::snapshots::{BARRIERS_MAX, Figures, SnapshotTask};
use crate::stages::{
    Barriers, Duties, EngineStage, GatewayStage, Inlet, JournalStage, Stage, StageError, StorageWatch,
    SyncPolicy,
};
use crate::stall::SyncWatch;
use crate::threads::{StageThread, ThreadBell, bell, wakes_poll};
use crate::timing::Timing;

/// Why a venue did not start, or did not stay up.
#[derive(Debug, Error)]
pub enum VenueError {
    /// The configuration is wrong, or what it asks for cannot be had.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Another venue has the data directory.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The journal cannot be trusted.
    #[error(transparent)]
    Recover(#[from] RecoverError),
    /// Storage failed at start.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The journal begins in the middle, and no snapshot leads there.
    #[error(
        "the journal begins with sequence {first}, and there is no snapshot to begin with; broken: {}",
        if broken.is_empty() { "none".into() } else { broken.join(", ") }
    )]
    NoBeginning {
        /// First command of the journal.
        first: Sequence,
        /// Files of snapshots that cannot be used.
        broken: Vec<String>,
    },
    /// The journal tells another state hash than the snapshot has.
    #[error("snapshot {sequence:020}.snap has state hash {expected:016x}, the journal says {found:016x}")]
    StateHash {
        /// Of the snapshot.
        sequence: Sequence,
        /// In the snapshot.
        expected: u64,
        /// In the journal.
        found: u64,
    },
    /// The gateway could not be opened or its streams not be rebuilt.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// A stage failed while running.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// A thread could not be started.
    #[error("thread: {0}")]
    Thread(std::io::Error),
}

/// What the ready line says.
#[derive(Clone, Debug)]
pub struct Ready {
    /// Where orders are taken.
    pub order_entry: Addresses,
    /// Admin address.
    pub admin: SocketAddr,
    /// SoupBinTCP session.
    pub session: String,
    /// Journal sequence of the next command.
    pub next_sequence: Sequence,
}

/// What a venue can do only with the help of rooms that it does not know.
#[derive(Clone)]
pub struct Tools {
    /// Finds a trade that shall be broken.
    pub find_trade: Arc<FindTrade>,
    /// Tells the operator what a command has caused.
    pub event_json: Arc<EventJson>,
    /// Shows how far recovery is.
    pub progress: Arc<Progress>,
}

impl Default for Tools {
    /// A venue that cannot break trades and has no words for events.
    fn default() -> Self {
        let find_trade = |_: &Path, _, _| Err(TradeError::Failed("this venue cannot look trades up".into()));
        let event_json = |_: &Directory, _: &Event| serde_json::Value::Null;
        Tools {
            find_trade: Arc::new(find_trade),
            event_json: Arc::new(event_json),
            progress: Arc::new(|_| ()),
        }
    }
}

/// A venue whose threads run.
#[derive(Debug)]
pub struct Venue {
    shared: Arc<Shared>,
    stages: Vec<JoinHandle<Result<(), StageError>>>,
    /// Admin, verifier, segment preparer, snapshots: they end when the stages hang up.
    helpers: Vec<JoinHandle<()>>,
    /// Held until everything has ended.
    _lock: DirectoryLock,
    _held: Held,
}

impl Venue {
    /// Recovers the data directory and starts the venue. When this returns, logins are accepted.
    pub fn start(config: &Config, tools: Tools) -> Result<(Venue, Ready), VenueError> {
        let (plan, held) = plan(config)?;
        let admin_listener = bind(config, "admin.listen", config.admin)?;
        let listen = entry::listen_options(config)?;
        let lock = lock(config)?;
        let recovered = recovery::recover(config, &*tools.progress)?;
        Wiring::new(config, plan, (listen, admin_listener), recovered, tools)?.start(lock, held)
    }

    /// Asks for an orderly end. May be called from any thread.
    pub fn stopper(&self) -> impl Fn() + Send + 'static {
        let shared = self.shared.clone();
        // Relaxed: a request that is seen within one sleep.
        move || shared.stop.store(true, Ordering::Relaxed)
    }

    /// The state that the stages share.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Waits for the end. An error is the first stage's that failed.
    pub fn join(self) -> Result<(), VenueError> {
        let mut result = Ok(());
        for stage in self.stages {
            let ended = stage.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            if let (true, Err(error)) = (result.is_ok(), ended) {
                result = Err(VenueError::Stage(error));
            }
        }
        self.shared.stop.store(true, Ordering::Relaxed);
        // Release: whoever sees it sees the last watermarks of the stages.
        self.shared.stages_ended.store(true, Ordering::Release);
        for helper in self.helpers {
            helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
        result
    }
}

fn plan(config: &Config) -> Result<(Plan, Held), ConfigError> {
    let pipeline = &config.pipeline;
    let located = |(key, problem)| ConfigError { file: config.file.clone(), key, problem };
    layout::check_pins(&pipeline.cores).map_err(located)?;
    let usable = layout::usable_cores(&pipeline.cores);
    let plan = layout::plan(pipeline, usable.len().max(1)).map_err(located)?;
    let disk = scheduling::disk_cores(&config.data_dir);
    layout::check_starvation(&plan, pipeline.scheduling, &usable, &disk).map_err(located)?;
    let held = scheduling::request(pipeline).map_err(located)?;
    Ok((plan, held))
}

fn bind(config: &Config, key: &str, address: SocketAddr) -> Result<TcpListener, ConfigError> {
    TcpListener::bind(address).map_err(|error| ConfigError {
        file: config.file.clone(),
        key: key.into(),
        problem: format!("cannot listen on {address}: {error}"),
    })
}

fn lock(config: &Config) -> Result<DirectoryLock, VenueError> {
    let create = |path: PathBuf| {
        create_durable(&path).map_err(|error| ConfigError {
            file: config.file.clone(),
            key: "data_dir".into(),
            problem: format!("{} cannot be created: {error}", path.display()),
        })
    };
    create(config.data_dir.clone())?;
    create(config.data_dir.join("outbound"))?;
    if let Some(archive) = &config.archive {
        create_durable(archive).map_err(|error| ConfigError {
            file: config.file.clone(),
            key: "journal.archive".into(),
            problem: format!("{} cannot be created: {error}", archive.display()),
        })?;
    }
    Ok(DirectoryLock::acquire(&config.data_dir)?)
}

/// Everything that is decided before threads start.
struct Wiring<'a> {
    config: &'a Config,
    plan: Plan,
    shared: Arc<Shared>,
    admin_listener: TcpListener,
    /// The first one first.
    gateways: Vec<Gateway>,
    verifier: Verifier,
    engine: Engine,
    journal: VenueJournal,
    session: u32,
    operator: Operator,
    desk: Desk,
    kept: Vec<Symbol>,
    barriers: Barriers,
    told: Sender<Figures>,
    snapshots: SnapshotTask,
}

impl<'a> Wiring<'a> {
    fn new(
        config: &'a Config,
        plan: Plan,
        (listen, admin_listener): (ListenOptions, TcpListener),
        recovered: Recovered,
        tools: Tools,
    ) -> Result<Self, VenueError> {
        let Recovered { engine, journal, streams, sequence, kept, snapshot, barrier } = recovered;
        let session = engine.counters().session;
        let (jobs, job_queue) = bounded(VERIFICATIONS_MAX);
        let (verdict_queue, verdicts) = bounded(VERIFICATIONS_MAX);
        let mut certificates = entry::certificate_names(config);
        let logins = engine.logins().iter().zip(streams).map(|(login, stream)| LoginEntry {
            stream,
            certificate_name: certificates.remove(&login.terms.username),
            connected: login.connected,
        });
        let options = GatewayOptions {
            listen,
            session,
            outbound: config.data_dir.join("outbound"),
            logins: logins.collect(),
            jobs,
            verdicts,
            caps: config.order_entry.caps.within(connections_max(config, engine.logins().len())?),
            lockout: config.order_entry.lockout,
        };
        let gateways = entry::open_gateways(config, options)?;
        let verifier = Verifier::new(entry::credentials(config, &engine), job_queue, verdict_queue);
        let timing = Timing::new(config.pipeline.timing, gateways.len());
        let watched = Shared::watched(sequence, SyncWatch::new(config.max_sync), gateways.len());
        let shared = Arc::new(Shared { timing, rates: RateTable::of(&engine), ..watched });
        // Relaxed: nobody else runs yet.
        shared.snapshots.sequence.store(snapshot, Ordering::Relaxed);
        shared.session.store(session, Ordering::Relaxed);
        let (hash_sender, hashes) = bounded(BARRIERS_MAX);
        let (told, waiting) = bounded(BARRIERS_MAX);
        let base = (snapshot > 0).then_some(snapshot);
        let snapshots = SnapshotTask::new(&config.data_dir, base, shared.clone(), waiting, hash_sender)?
            .with_pruning(config.snapshot.prune_sessions, config.archive.clone());
        let barriers = Barriers::new(config.snapshot, hashes, barrier);
        let (client, desk) = desk(gateways[0].waker());
        let operator = Operator {
            token: config.admin_token.clone(),
            directory: Arc::new(tokio::sync::Mutex::new(Directory::new(&engine))),
            desk: Arc::new(client),
            tools,
            data_dir: config.data_dir.clone(),
        };
        Ok(Wiring {
            config,
            plan,
            shared,
            admin_listener,
            gateways,
            verifier,
            engine,
            journal,
            session,
            operator,
            desk,
            kept,
            barriers,
            told,
            snapshots,
        })
    }

    fn start(self, lock: DirectoryLock, held: Held) -> Result<(Venue, Ready), VenueError> {
        let ready = Ready {
            order_entry: self.gateways[0].addresses().clone(),
            admin: self.admin_listener.local_addr().map_err(VenueError::Thread)?,
            session: format!("{:010}", self.session),
            next_sequence: self.shared.published.get() + 1,
        };
        let identity = self.identity(ready.order_entry.clone());
        let Wiring {
            config,
            plan,
            shared,
            admin_listener,
            gateways,
            verifier,
            engine,
            journal,
            operator,
            desk,
            barriers,
            told,
            snapshots,
            ..
        } = self;
        let mut helpers = vec![journal.preparer];
        let cores = config.pipeline.cores;
        helpers.push(spawn_verifier(verifier, &gateways[0], shared.clone(), cores.helpers)?);
        if let Some(path) = config.archive.clone() {
            let (disk, shared) =
                (ringside_storage::Directory::open(&config.data_dir.join("journal"))?, shared.clone());
            let run = move || archive::run(disk, path, shared);
            helpers.push(spawn("ringside-archive", cores.helpers, run)?);
        }
        let serve = (admin_listener, shared.clone(), identity, operator);
        helpers.push(spawn_admin(serve, cores.admin)?);
        helpers.push(spawn("ringside-snap", cores.snapshot, move || snapshots.run())?);
        let (desk, time_ns, clock) = ((desk, barriers), journal.time_ns, journal.clock);
        let parts = Parts { gateways, journal: journal.journal, engine, desk, told, time_ns, clock };
        let stages = start_stages(config, &plan, &shared, parts)?;
        Ok((Venue { shared, stages, helpers, _lock: lock, _held: held }, ready))
    }

    fn identity(&self, order_entry: Addresses) -> Identity {
        let threads = self.plan.threads.iter().map(|thread| {
            let stages: Vec<_> =
                thread.stages.iter().map(|stage| format!("{stage:?}").to_lowercase()).collect();
            json!({"name": thread.name, "stages": stages, "core": thread.core})
        });
        Identity {
            sync: format!("{:?}", self.config.sync).to_lowercase(),
            threads: threads.collect(),
            idle: format!("{:?}", self.plan.idle).to_lowercase(),
            order_entry,
            kept: self.kept.iter().map(Symbol::to_string).collect(),
            lock_memory: self.config.pipeline.lock_memory,
            cpu_dma_latency_us: self.config.pipeline.cpu_dma_latency_us,
        }
    }
}

fn connections_max(config: &Config, logins: usize) -> Result<usize, ConfigError> {
    files::connections_max(logins, config.pipeline.gateways).map_err(|needed| ConfigError {
        file: config.file.clone(),
        key: "login".into(),
        problem: format!("{logins} logins need {needed} open files; raise the limit (ulimit -n)"),
    })
}

fn spawn_verifier(
    verifier: Verifier,
    gateway: &Gateway,
    shared: Arc<Shared>,
    core: Option<usize>,
) -> Result<JoinHandle<()>, VenueError> {
    let waker = gateway.waker();
    let wake = move || {
        // An eventfd write; if it fails the verdict is found at the next timer.
        let _ = waker.wake();
    };
    spawn("ringside-auth", core, move || {
        scheduling::give_way("passwords are checked");
        verifier.run(wake, &shared.checking);
    })
}

fn spawn_admin(
    (listener, shared, identity, operator): (TcpListener, Arc<Shared>, Identity, Operator),
    core: Option<usize>,
) -> Result<JoinHandle<()>, VenueError> {
    spawn("ringside-admin", core, move || {
        if let Err(error) = admin::serve(listener, shared, identity, operator) {
            error!(%error, "admin HTTP ended");
        }
    })
}

/// Starts a helper thread, on a core of its own where one is given.
pub(crate) fn spawn(
    name: &str,
    core: Option<usize>,
    run: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, VenueError> {
    let pinned = move || {
        if let Some(id) = core
            && !core_affinity::set_for_current(core_affinity::CoreId { id })
        {
            // As for stages: pins were tried before the start.
            error!(core = id, "helper cannot be pinned");
        }
        run();
    };
    std::thread::Builder::new().name(name.into()).spawn(pinned).map_err(VenueError::Thread)
}

/// What the stages are made of.
struct Parts {
    gateways: Vec<Gateway>,
    journal: recovery::Log,
    engine: Engine,
    desk: (Desk, Barriers),
    told: Sender<Figures>,
    time_ns: u64,
    clock: VenueClock,
}

/// Bells of the threads that run each stage.
struct Bells {
    /// By number.
    gateways: Vec<Arc<ThreadBell>>,
    journal: Arc<ThreadBell>,
    engine: Arc<ThreadBell>,
}

impl Bells {
    fn of(&self, stage: StageName) -> Arc<ThreadBell> {
        match stage {
            StageName::Gateway(number) => self.gateways[number].clone(),
            StageName::Journal => self.journal.clone(),
            StageName::Engine => self.engine.clone(),
        }
    }

    fn new(plan: &Plan, gateways: usize) -> Self {
        let threads: Vec<_> = plan.threads.iter().map(|thread| (thread, bell())).collect();
        let of = |stage| {
            let found = threads.iter().find(|(thread, _)| thread.stages.contains(&stage));
            found.expect("every stage runs on a thread").1.clone()
        };
        Bells {
            gateways: (0..gateways).map(|number| of(StageName::Gateway(number))).collect(),
            journal: of(StageName::Journal),
            engine: of(StageName::Engine),
        }
    }
}

fn start_stages(
    config: &Config,
    plan: &Plan,
    shared: &Arc<Shared>,
    parts: Parts,
) -> Result<Vec<JoinHandle<Result<(), StageError>>>, VenueError> {
    let bells = Bells::new(plan, parts.gateways.len());
    let (producers, journal_input, engine_input) = ring::input_ring_of(parts.gateways.len());
    let (events, egress) = ring::output_ring_for(parts.gateways.len());
    let storage = StorageWatch::new(parts.journal.preparer_status(), parts.engine.counters().storage_full);
    let (desk, barriers) = parts.desk;
    let mut duties = Some(Duties::new(desk, barriers, storage));
    let consumers = [&bells.journal, &bells.engine];
    let mut stages: Vec<(StageName, Box<dyn Stage>)> = Vec::new();
    for (number, ((gateway, producer), egress)) in
        parts.gateways.into_iter().zip(producers).zip(egress).enumerate()
    {
        wakes_poll(&bells.gateways[number], gateway.waker());
        let consumers = consumers.map(Arc::clone).to_vec();
        let inlet = |clock| Inlet::new(producer, shared.clone(), clock, consumers);
        let duties = duties.take();
        let inlet = match duties {
            Some(_) => inlet(parts.clock).beside(&bells.gateways[1..]).rolling_at(config.roll_at),
            None => inlet(parts.clock.silent()).beside(&bells.gateways[..1]),
        };
        let (shared, engine) = (shared.clone(), bells.engine.clone());
        let stage = GatewayStage::new((number, gateway), inlet, egress, shared, duties, engine);
        stages.push((StageName::Gateway(number), Box::new(stage)));
    }
    let journal = journal_stage(config, shared, &bells, parts.journal, parts.time_ns, journal_input);
    let start = (shared.published.get(), parts.time_ns);
    let (apply, egress_bells) = (config.pipeline.apply, bells.gateways.clone());
    let engine =
        EngineStage::new(parts.engine, engine_input, events, apply, shared.clone(), start, egress_bells)
            .with_barriers(parts.told);
    stages.push((StageName::Journal, Box::new(journal)));
    stages.push((StageName::Engine, Box::new(engine)));
    let mut threads = Vec::with_capacity(plan.threads.len());
    for planned in &plan.threads {
        let mine = planned.stages.iter().map(|name| {
            let at = stages.iter().position(|(stage, _)| stage == name).expect("a stage runs on one thread");
            stages.remove(at).1
        });
        let thread = StageThread {
            name: planned.name.clone(),
            core: planned.core,
            stages: mine.collect(),
            idle: plan.idle,
            bell: bells.of(planned.stages[0]),
            shared: shared.clone(),
        };
        let builder = std::thread::Builder::new().name(planned.name.clone());
        let scheduling = config.pipeline.scheduling;
        let run = move || {
            if let Err(problem) = scheduling::schedule(scheduling) {
                // It was tried before the start: the limits have changed since.
                error!(%problem, "stage at normal priority");
            }
            thread.run()
        };
        threads.push(builder.spawn(run).map_err(VenueError::Thread)?);
        info!(thread = %planned.name, core = ?planned.core, stages = ?planned.stages, "started");
    }
    Ok(threads)
}

fn journal_stage(
    config: &Config,
    shared: &Arc<Shared>,
    bells: &Bells,
    log: recovery::Log,
    time_ns: u64,
    input: InputPoller,
) -> JournalStage<recovery::Log> {
    let policy = match config.sync {
        Sync::Always => SyncPolicy::Always,
        Sync::Interval(interval) => SyncPolicy::Interval(interval),
        Sync::Never => SyncPolicy::Never,
    };
    let mut waiters = bells.gateways.clone();
    waiters.push(bells.engine.clone());
    JournalStage::new(log, input, policy, shared.clone(), (shared.published.get(), time_ns), waiters)
}
