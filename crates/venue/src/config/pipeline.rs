//! `[pipeline]`: threads, their cores, how the kernel treats them, and what of their work is timed.

use std::time::Duration;

use ringside_gateway::limits::GATEWAYS_MAX;
use serde::Deserialize;

use super::raw::{Checked, wrong};
use super::{Apply, Cores, Layout, Pipeline, Scheduling, Wait};
use crate::timing::{OUTLIER, SAMPLE_EVERY, SAMPLE_EVERY_MAX, TimingOptions};

/// `fifo_priority` unless configured: above all normal threads, below what the kernel runs for interrupts (50).
const FIFO_PRIORITY: u8 = 10;
/// Shortest bound of an outlier: below it most answers of a slow disk would be.
const OUTLIER_MIN: Duration = Duration::from_micros(100);
/// Longest.
const OUTLIER_MAX: Duration = Duration::from_secs(60);
/// The kernel's own default of `/dev/cpu_dma_latency`: more asks for nothing.
const DMA_LATENCY_MAX_US: u32 = 2_000_000_000;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawPipeline {
    apply: Option<String>,
    wait: Option<String>,
    layout: Option<String>,
    gateways: Option<usize>,
    scheduling: Option<String>,
    fifo_priority: Option<u8>,
    lock_memory: bool,
    cpu_dma_latency_us: Option<u32>,
    sample_every: Option<u64>,
    outlier: Option<String>,
    cores: RawCores,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawCores {
    gateway: Option<usize>,
    further_gateways: Vec<usize>,
    journal: Option<usize>,
    engine: Option<usize>,
    egress: Option<usize>,
    admin: Option<usize>,
    snapshot: Option<usize>,
    helpers: Option<usize>,
}

impl RawPipeline {
    pub(super) fn checked(self) -> Checked<Pipeline> {
        let gateways = gateways(self.gateways.unwrap_or(1))?;
        Ok(Pipeline {
            apply: apply(self.apply.as_deref().unwrap_or("ahead"))?,
            wait: wait(self.wait.as_deref().unwrap_or("auto"))?,
            layout: layout(self.layout.as_deref().unwrap_or("auto"))?,
            gateways,
            scheduling: scheduling(self.scheduling.as_deref().unwrap_or("normal"), self.fifo_priority)?,
            lock_memory: self.lock_memory,
            cpu_dma_latency_us: self.cpu_dma_latency_us.map(dma_latency).transpose()?,
            timing: TimingOptions {
                sample_every: sample_every(self.sample_every.unwrap_or(SAMPLE_EVERY))?,
                outlier: self.outlier.as_deref().map_or(Ok(OUTLIER), outlier)?,
            },
            cores: self.cores.checked(gateways)?,
        })
    }
}

impl RawCores {
    fn checked(self, gateways: usize) -> Checked<Cores> {
        let RawCores {
            gateway,
            further_gateways: further,
            journal,
            engine,
            egress,
            admin,
            snapshot,
            helpers,
        } = self;
        if egress.is_some() && egress != gateway {
            return wrong(
                "pipeline.cores.egress",
                "egress runs on the gateway's thread; give both the same core",
            );
        }
        if !further.is_empty() && further.len() != gateways - 1 {
            let count = gateways - 1;
            let problem = format!("{} cores for {count} gateways besides the first", further.len());
            return wrong("pipeline.cores.further_gateways", problem);
        }
        let mut further_gateways = [None; GATEWAYS_MAX - 1];
        further_gateways.iter_mut().zip(further).for_each(|(place, core)| *place = Some(core));
        Ok(Cores { gateway, further_gateways, journal, engine, egress, admin, snapshot, helpers })
    }
}

fn apply(text: &str) -> Checked<Apply> {
    match text {
        "ahead" => Ok(Apply::Ahead),
        "after-durable" => Ok(Apply::AfterDurable),
        other => wrong("pipeline.apply", format!("{other:?} is none of ahead, after-durable")),
    }
}

fn wait(text: &str) -> Checked<Wait> {
    match text {
        "auto" => Ok(Wait::Auto),
        "spin" => Ok(Wait::Spin),
        "yield" => Ok(Wait::Yield),
        "park" => Ok(Wait::Park),
        other => wrong("pipeline.wait", format!("{other:?} is none of auto, spin, yield, park")),
    }
}

fn layout(text: &str) -> Checked<Layout> {
    match text {
        "auto" => Ok(Layout::Auto),
        "two-cores" => Ok(Layout::TwoCores),
        "three-cores" => Ok(Layout::ThreeCores),
        "four-cores" => Ok(Layout::FourCores),
        "host" => Ok(Layout::Host),
        other => wrong(
            "pipeline.layout",
            format!("{other:?} is none of auto, two-cores, three-cores, four-cores, host"),
        ),
    }
}

fn gateways(count: usize) -> Checked<usize> {
    match count {
        1..=GATEWAYS_MAX => Ok(count),
        _ => wrong("pipeline.gateways", format!("{count} is not 1 to {GATEWAYS_MAX}")),
    }
}

fn scheduling(text: &str, priority: Option<u8>) -> Checked<Scheduling> {
    let key = "pipeline.fifo_priority";
    match (text, priority) {
        ("normal", None) => Ok(Scheduling::Normal),
        ("normal", Some(_)) => wrong(key, "means nothing without scheduling = \"fifo\""),
        ("fifo", given) => match given.unwrap_or(FIFO_PRIORITY) {
            priority @ 1..=99 => Ok(Scheduling::Fifo(priority)),
            other => wrong(key, format!("{other} is not 1 to 99")),
        },
        (other, _) => wrong("pipeline.scheduling", format!("{other:?} is none of normal, fifo")),
    }
}

fn dma_latency(us: u32) -> Checked<u32> {
    match us {
        0..=DMA_LATENCY_MAX_US => Ok(us),
        _ => wrong("pipeline.cpu_dma_latency_us", format!("{us} is not 0 to {DMA_LATENCY_MAX_US}")),
    }
}

fn sample_every(every: u64) -> Checked<u64> {
    match every {
        0 => Ok(0),
        n if n.is_power_of_two() && n <= SAMPLE_EVERY_MAX => Ok(n),
        n => wrong(
            "pipeline.sample_every",
            format!("{n} is neither 0 (off) nor a power of two up to {SAMPLE_EVERY_MAX}"),
        ),
    }
}

fn outlier(text: &str) -> Checked<Duration> {
    match humantime::parse_duration(text) {
        Ok(bound) if (OUTLIER_MIN..=OUTLIER_MAX).contains(&bound) => Ok(bound),
        _ => wrong("pipeline.outlier", format!("{text:?} is not a duration of 100us to 60s, like \"10ms\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn parsed(keys: &str) -> Result<Pipeline, String> {
        let parsed = Config::parse("test.toml", &format!("[pipeline]\n{keys}"));
        parsed.map(|config| config.pipeline).map_err(|error| error.key)
    }

    #[test]
    fn threads_are_scheduled_as_any_other_unless_told() {
        let plain = parsed("").unwrap();
        assert_eq!((plain.scheduling, plain.lock_memory), (Scheduling::Normal, false));
        assert_eq!((plain.cpu_dma_latency_us, plain.timing), (None, TimingOptions::default()));
        assert_eq!(parsed("scheduling = \"fifo\"").unwrap().scheduling, Scheduling::Fifo(10));
        let told = parsed("scheduling = \"fifo\"\nfifo_priority = 99").unwrap();
        assert_eq!(told.scheduling, Scheduling::Fifo(99));
    }

    #[test]
    fn there_is_one_gateway_unless_told_and_each_may_have_a_core() {
        assert_eq!(parsed("").unwrap().gateways, 1);
        let told = parsed("gateways = 3\n[pipeline.cores]\ngateway = 1\nfurther_gateways = [4, 5]").unwrap();
        assert_eq!((told.gateways, told.cores.gateway), (3, Some(1)));
        assert_eq!(told.cores.further_gateways[..3], [Some(4), Some(5), None]);
    }

    #[test]
    fn what_cannot_be_is_named_by_its_key() {
        let cases = [
            ("scheduling = \"rr\"", "pipeline.scheduling"),
            ("scheduling = \"fifo\"\nfifo_priority = 0", "pipeline.fifo_priority"),
            ("scheduling = \"fifo\"\nfifo_priority = 100", "pipeline.fifo_priority"),
            ("fifo_priority = 10", "pipeline.fifo_priority"),
            ("cpu_dma_latency_us = 2_000_000_001", "pipeline.cpu_dma_latency_us"),
            ("gateways = 0", "pipeline.gateways"),
            ("gateways = 9", "pipeline.gateways"),
            ("gateways = 3\ncores.further_gateways = [1]", "pipeline.cores.further_gateways"),
            ("cores.further_gateways = [1]", "pipeline.cores.further_gateways"),
            ("sample_every = 1000", "pipeline.sample_every"),
            ("sample_every = 2_097_152", "pipeline.sample_every"),
            ("outlier = \"10\"", "pipeline.outlier"),
            ("outlier = \"99us\"", "pipeline.outlier"),
        ];
        for (keys, key) in cases {
            assert_eq!(parsed(keys).err().as_deref(), Some(key), "{keys}");
        }
        assert_eq!(parsed("sample_every = 0").unwrap().timing.sample_every, 0);
    }
}
