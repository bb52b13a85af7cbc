//! Admin HTTP on a thread of its own: `/metrics`, `/livez`, `/readyz`, `/status`, and `POST /command`. Reads shared
//! state; commands go to the gateway stage over a bounded channel and come back with what they caused.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use prometheus_client::registry::Registry;
use ringside_gateway::Addresses;
use serde_json::json;

use crate::metrics;
use crate::shared::Shared;
use crate::stall::Breaker;
use crate::tasks::{Task, tasks};
use crate::timing::{self, Part};

mod command;
mod directory;
mod post;

pub use directory::Directory;
pub(crate) use directory::trades_for;
pub use post::{EventJson, FindTrade, Operator, TradeError};

/// What `/status` tells besides the watermarks.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Sync mode as configured.
    pub sync: String,
    /// Stage threads: name, stages, core.
    pub threads: serde_json::Value,
    /// Idle strategy.
    pub idle: String,
    /// Where orders are taken.
    pub order_entry: Addresses,
    /// Instruments whose terms in the file this start could not bring into force.
    pub kept: Vec<String>,
    /// Memory is locked.
    pub lock_memory: bool,
    /// The wake-up time that is asked for.
    pub cpu_dma_latency_us: Option<u32>,
}

struct Admin {
    shared: Arc<Shared>,
    operator: Operator,
    registry: Registry,
    identity: Identity,
}

/// Serves until the venue stops. The listener is bound by the caller, so that a bad address is a start-up error.
pub fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    identity: Identity,
    operator: Operator,
) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let over = until_over(shared.clone());
    let server = runtime.spawn(async move {
        let registry = metrics::registry(shared.clone());
        let admin = Arc::new(Admin { shared, operator, registry, identity });
        let router = Router::new()
            .route("/metrics", get(metrics_text))
            .route("/livez", get(livez))
            .route("/readyz", get(readyz))
            .route("/status", get(status))
            .route("/command", post(post::command))
            .with_state(admin);
        let listener = tokio::net::TcpListener::from_std(listener)?;
        axum::serve(listener, router).await
    });
    runtime.block_on(over);
    // A client that sends half a request must not hold the venue: whatever is under way is dropped.
    server.abort();
    runtime.shutdown_background();
    Ok(())
}

async fn until_over(shared: Arc<Shared>) {
    let mut breaker = Breaker::default();
    while !shared.is_over() {
        breaker.look(&shared.sync_watch);
        shared.timing.collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn metrics_text(State(admin): State<Arc<Admin>>) -> Result<String, StatusCode> {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &admin.registry)
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(text)
}

async fn livez(State(admin): State<Arc<Admin>>) -> (StatusCode, &'static str) {
    match admin.shared.fatal.load(Ordering::Relaxed) {
        false => (StatusCode::OK, "ok\n"),
        true => (StatusCode::SERVICE_UNAVAILABLE, "a stage has failed\n"),
    }
}

async fn readyz(State(admin): State<Arc<Admin>>) -> (StatusCode, &'static str) {
    match admin.obstacle() {
        None => (StatusCode::OK, "ok\n"),
        Some(obstacle) => (StatusCode::SERVICE_UNAVAILABLE, obstacle),
    }
}

async fn status(State(admin): State<Arc<Admin>>) -> (StatusCode, String) {
    let shared = &admin.shared;
    let body = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "ready": admin.obstacle().is_none(),
        "session": format!("{:010}", shared.session.load(Ordering::Relaxed)),
        "sync": admin.identity.sync,
        "order_entry": admin.identity.order_entry.tcp.map(|address| address.to_string()),
        "order_entry_tls": admin.identity.order_entry.tls.map(|address| address.to_string()),
        "order_entry_unix": admin.identity.order_entry.unix.as_ref().map(|path| path.display().to_string()),
        "threads": threads(&admin.identity),
        "memory_locked": admin.identity.lock_memory,
        "cpu_dma_latency_us": admin.identity.cpu_dma_latency_us,
        "idle": admin.identity.idle,
        "terms_kept": admin.identity.kept,
        "next_sequence": shared.published.get() + 1,
        "published_sequence": shared.published.get(),
        "written_sequence": shared.written.get(),
        "durable_sequence": shared.durable.get(),
        "released_sequence": shared.released.get(),
        "applied_sequence": shared.applied.get(),
        "delivered_sequence": shared.delivered(),
        "clock_ahead_seconds": metrics::clock_ahead_seconds(shared),
        "trades": shared.trades.load(Ordering::Relaxed),
        "orders_live": shared.live_orders.load(Ordering::Relaxed),
        "snapshot": snapshot(shared),
        "timing": timing_of(shared),
        "connections": shared.total(|of| &of.connections),
        "logged_in": shared.total(|of| &of.logged_in),
    });
    (StatusCode::OK, format!("{body}\n"))
}

fn snapshot(shared: &Shared) -> serde_json::Value {
    let of = &shared.snapshots;
    json!({
        "sequence": of.sequence.load(Ordering::Relaxed),
        "time_ns": of.time_ns.load(Ordering::Relaxed),
        "seconds": of.micros.load(Ordering::Relaxed) as f64 / 1e6,
        "bytes": of.bytes.load(Ordering::Relaxed),
        "made": of.made.load(Ordering::Relaxed),
        "failures": of.failures.load(Ordering::Relaxed),
        "divergences": of.diverged.load(Ordering::Relaxed),
        "busy": of.busy.load(Ordering::Relaxed),
    })
}

/// All threads as the kernel reports them; of stage threads also what runs there.
fn threads(identity: &Identity) -> serde_json::Value {
    let planned = identity.threads.as_array().map(Vec::as_slice).unwrap_or_default();
    let row = |task: Task| {
        let stages =
            planned.iter().find(|plan| plan["name"] == task.name.as_str()).map(|plan| &plan["stages"]);
        json!({
            "name": task.name,
            "stages": stages,
            "core": task.core(),
            "cores_allowed": task.allowed,
            "last_core": task.last_core,
            "policy": task.policy,
            "priority": task.priority,
        })
    };
    tasks().into_iter().map(row).collect()
}

fn timing_of(shared: &Shared) -> serde_json::Value {
    let (of, options) = (&shared.timing, shared.timing.options());
    let outliers = of.latest_outliers().into_iter().map(|outlier| {
        let us = |part| outlier.part_ns(part).map(|ns| ns as f64 / 1e3);
        json!({
            "sequence": outlier.sequence,
            "time_ns": outlier.time_ns,
            "total_us": outlier.total_ns as f64 / 1e3,
            "cause": outlier.cause().map(Part::name),
            "ring_us": us(Part::Ring),
            "append_us": us(Part::Append),
            "sync_us": us(Part::Sync),
            "match_us": us(Part::Match),
            "egress_us": us(Part::Egress),
        })
    });
    json!({
        "sample_every": options.sample_every,
        "since_start": timing::json(&of.since_start()),
        "last_minutes": timing::json(&of.recent()),
        "outlier_ms": options.outlier.as_secs_f64() * 1e3,
        "outliers": of.outliers(),
        "latest_outliers": outliers.collect::<Vec<_>>(),
    })
}

impl Admin {
    /// Why the venue does not take orders right now.
    fn obstacle(&self) -> Option<&'static str> {
        if self.shared.fatal.load(Ordering::Relaxed) {
            return Some("a stage has failed\n");
        }
        if self.shared.stop.load(Ordering::Relaxed) {
            return Some("stopping\n");
        }
        self.shared.sync_watch.is_stalled().then_some("journal sync is stalled\n")
    }
}
