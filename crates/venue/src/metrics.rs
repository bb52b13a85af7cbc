//! Prometheus text of the shared state, gathered on each scrape. Costs the stages nothing.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use ringside_gateway::CloseReason;

use crate::ring::{INPUT_SLOTS, OUTPUT_SLOTS};
use crate::shared::{GatewayCounters, SYNC_BOUNDS_S, Shared};
use crate::timing::QUANTILES;

/// OUCH 5.0 reject reasons that the engine gives, with their label.
pub const REJECT_NAMES: [(u16, &str); 21] = [
    (0x02, "closed"),
    (0x03, "display"),
    (0x04, "max_floor"),
    (0x05, "peg_type"),
    (0x07, "halted"),
    (0x09, "side"),
    (0x0A, "capacity"),
    (0x0C, "entry_disabled"),
    (0x0D, "min_quantity"),
    (0x0F, "other"),
    (0x13, "quantity"),
    (0x14, "cross_order"),
    (0x17, "symbol"),
    (0x1D, "price"),
    (0x20, "exposure"),
    (0x22, "restricted"),
    (0x26, "fat_finger"),
    (0x29, "message_rate"),
    (0x2C, "market_order"),
    (0x30, "notional"),
    (0x31, "max_quantity"),
];

/// A registry over the shared state.
pub fn registry(shared: Arc<Shared>) -> Registry {
    let mut registry = Registry::with_prefix("ringside");
    registry.register_collector(Box::new(Gauges(shared)));
    registry
}

#[derive(Debug)]
struct Gauges(Arc<Shared>);

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let shared = &self.0;
        sequences(shared, &mut encoder)?;
        rings(shared, &mut encoder)?;
        sync_times(shared, &mut encoder)?;
        traffic(shared, &mut encoder)?;
        clock(shared, &mut encoder)?;
        snapshots(shared, &mut encoder)?;
        timing(shared, &mut encoder)?;
        labelled(shared, &mut encoder)
    }
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    // Sequences stay far below 2^63.
    let gauge = ConstGauge::new(value as i64);
    gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

fn counter(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let counter = ConstCounter::new(value);
    counter.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)
}

fn sequences(shared: &Shared, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let rows = [
        ("published_sequence", "Last command handed to the input ring", shared.published.get()),
        ("written_sequence", "Last command in the journal, durable or not", shared.written.get()),
        ("durable_sequence", "Last command on stable storage", shared.durable.get()),
        ("released_sequence", "Last command that may be answered", shared.released.get()),
        ("applied_sequence", "Last command carried out by the engine", shared.applied.get()),
        ("delivered_sequence", "Last command whose events are in the streams", shared.delivered()),
    ];
    rows.into_iter().try_for_each(|(name, help, mark)| gauge(encoder, name, help, mark))
}

fn rings(shared: &Shared, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let published = shared.published.get();
    let slowest = shared.written.get().min(shared.applied.get());
    gauge(encoder, "input_ring_slots", "Slots of the input ring", INPUT_SLOTS as u64)?;
    gauge(
        encoder,
        "input_ring_used",
        "Commands not yet taken by all readers",
        published.saturating_sub(slowest),
    )?;
    gauge(encoder, "output_ring_slots", "Slots of the output ring", OUTPUT_SLOTS as u64)?;
    let (applied, delivered) = (shared.applied.get(), shared.delivered());
    gauge(encoder, "egress_lag", "Commands applied but not delivered", applied.saturating_sub(delivered))?;
    let written = shared.written.get();
    gauge(
        encoder,
        "durable_lag",
        "Commands written but not durable",
        written.saturating_sub(shared.durable.get()),
    )
}

fn sync_times(shared: &Shared, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let bounds = SYNC_BOUNDS_S.iter().copied().chain([f64::MAX]);
    let buckets: Vec<(f64, u64)> = bounds.zip(shared.sync_times.buckets.iter().map(load)).collect();
    let count = buckets.iter().map(|(_, count)| count).sum();
    let sum = load(&shared.sync_times.sum_ns) as f64 / 1e9;
    let help = "Time of one journal sync";
    let mut metric = encoder.encode_descriptor("sync", help, Some(&Unit::Seconds), MetricType::Histogram)?;
    metric.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
    stalls(shared, encoder)
}

fn stalls(shared: &Shared, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let watch = &shared.sync_watch;
    let help = "1 while the journal takes longer than max_sync_ms and nothing is acknowledged";
    gauge(encoder, "journal_stalled", help, u64::from(watch.is_stalled()))?;
    let running = ConstGauge::new(watch.running().as_secs_f64());
    let help = "Time of the batch that the journal is busy with";
    let kind = MetricType::Gauge;
    running.encode(encoder.encode_descriptor("journal_busy", help, Some(&Unit::Seconds), kind)?)?;
    let count = ConstCounter::new(watch.stalls());
    let help = "Times the journal took longer than max_sync_ms";
    count.encode(encoder.encode_descriptor("journal_stalls", help, None, MetricType::Counter)?)
}

fn traffic(shared: &Shared, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let total = |of: fn(&GatewayCounters) -> &AtomicU64| shared.total(of);
    gauge(encoder, "connections", "Connections open", total(|of| &of.connections))?;
    gauge(encoder, "connections_logged_in", "Connections logged in", total(|of| &of.logged_in))?;
    gauge(encoder, "orders_live", "Orders resting", load(&shared.live_orders))?;
    counter(encoder, "connections_accepted", "Connections ever accepted", total(|of| &of.accepted))?;
    counter(encoder, "logins", "Logins let in", total(|of| &of.logins))?;
    counter(encoder, "messages", "Messages added to streams", total(|of| &of.messages))?;
    counter(encoder, "socket_bytes", "Bytes written to sockets", total(|of| &of.bytes_out))?;
    counter(
        encoder,
        "input_ring_full",
        "Times a socket was not read because the ring was full",
        total(|of| &of.ring_full),
    )?;
    counter(
        encoder,
        "throttled",
        "Times a socket was not read because its login had sent ten times what its rate allows",
        total(|of| &of.throttled),
    )?;
    counter(encoder, "trades", "Matches", load(&shared.trades))
}

fn load(value: &AtomicU64) -> u64 {
    // Relaxed: a figure.
    value.load(Ordering::Relaxed)
}

/// Seconds by which stamps are ahead of the wall clock; negative when behind.
pub fn clock_ahead_seconds(shared: &Shared) -> f64 {
    // Relaxed: a figure.
    shared.clock_ahead_ns.load(Ordering::Relaxed) as f64 / 1e9
}

fn clock(shared: &Shared, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "How far journaled time is ahead of the wall clock";
    let ahead = ConstGauge::new(clock_ahead_seconds(shared));
    ahead.encode(encoder.encode_descriptor(
        "clock_ahead",
        help,
        Some(&Unit::Seconds),
        MetricType::Gauge,
    )?)?;
    counter(encoder, "clock_steps", "Steps of the wall clock", load(&shared.clock_steps))
}

fn snapshots(shared: &Shared, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let of = &shared.snapshots;
    gauge(encoder, "snapshot_sequence", "Command of the newest snapshot; 0 = none", load(&of.sequence))?;
    gauge(
        encoder,
        "snapshot_lag",
        "Commands since the newest snapshot",
        shared.applied.get() - load(&of.sequence),
    )?;
    let seconds = load(&of.time_ns) as f64 / 1e9;
    let help = "When the newest snapshot was made, Unix time; 0 = before this start";
    let unit = Some(&Unit::Seconds);
    let metric = encoder.encode_descriptor("snapshot_time", help, unit, MetricType::Gauge)?;
    ConstGauge::new(seconds).encode(metric)?;
    let help = "How long the newest snapshot took";
    let metric = encoder.encode_descriptor("snapshot_duration", help, unit, MetricType::Gauge)?;
    ConstGauge::new(load(&of.micros) as f64 / 1e6).encode(metric)?;
    let help = "Most CPU time that a barrier has cost the engine's thread";
    let metric = encoder.encode_descriptor("snapshot_engine_max", help, unit, MetricType::Gauge)?;
    ConstGauge::new(load(&of.engine_ns_max) as f64 / 1e9).encode(metric)?;
    gauge(encoder, "snapshot_bytes", "Bytes of the newest snapshot", load(&of.bytes))?;
    counter(encoder, "snapshots", "Snapshots made", load(&of.made))?;
    counter(encoder, "snapshot_failures", "Barriers that got no snapshot", load(&of.failures))?;
    let help = "Snapshots thrown away because the journal, carried out again, led to another state";
    counter(encoder, "snapshot_divergences", help, load(&of.diverged))
}

/// A summary in all but name: the library has none.
fn timing(shared: &Shared, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let recent = shared.timing.recent();
    let help = "Time of sampled commands in each stage, last one to two minutes";
    let mut family = encoder.encode_descriptor("stage", help, Some(&Unit::Seconds), MetricType::Gauge)?;
    for times in recent.iter().filter(|times| times.count > 0) {
        for ((quantile, _), ns) in QUANTILES.iter().zip(times.quantiles_ns) {
            let labels = [("stage", times.part.name().to_string()), ("quantile", quantile.to_string())];
            ConstGauge::new(ns as f64 / 1e9).encode(family.encode_family(&labels)?)?;
        }
    }
    let help = "Sampled commands in the figures of each stage";
    let mut family = encoder.encode_descriptor("stage_samples", help, None, MetricType::Gauge)?;
    for times in &recent {
        // Far below 2^63.
        let count = ConstGauge::new(times.count as i64);
        count.encode(family.encode_family(&[("stage", times.part.name())])?)?;
    }
    let count = ConstCounter::new(shared.timing.outliers());
    let help = "Commands whose answer took longer than pipeline.outlier";
    count.encode(encoder.encode_descriptor("outliers", help, None, MetricType::Counter)?)
}

fn labelled(shared: &Shared, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "Orders refused, by reason";
    let mut family = encoder.encode_descriptor("rejects", help, None, MetricType::Counter)?;
    for (code, name) in REJECT_NAMES {
        let count = ConstCounter::new(shared.rejected.get(code));
        count.encode(family.encode_family(&[("reason", name)])?)?;
    }
    let help = "Connections closed, by reason";
    let mut family = encoder.encode_descriptor("disconnects", help, None, MetricType::Counter)?;
    for reason in CloseReason::ALL {
        let count = ConstCounter::new(shared.closed(reason));
        count.encode(family.encode_family(&[("reason", reason.name())])?)?;
    }
    Ok(())
}
