//! Which stages share a thread, where it is pinned, and what it does when idle.

use crate::config::{Cores, Layout, Pipeline, Wait};
use crate::threads::IdleStrategy;

/// A stage by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StageName {
    /// Sockets, streams, egress.
    Gateway,
    /// Journaler.
    Journal,
    /// Matching.
    Engine,
}

/// A thread of the layout.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ThreadPlan {
    /// Thread name.
    pub name: &'static str,
    /// Its stages, in the order in which they are driven.
    pub stages: Vec<StageName>,
    /// Core to pin to.
    pub core: Option<usize>,
}

/// The whole plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Stage threads.
    pub threads: Vec<ThreadPlan>,
    /// What they do when idle.
    pub idle: IdleStrategy,
}

/// Resolves `auto` for a machine with `available` cores. The error is `(key, problem)`.
pub fn plan(pipeline: &Pipeline, available: usize) -> Result<Plan, (String, String)> {
    use StageName::{Engine, Gateway, Journal};
    let layout = match pipeline.layout {
        Layout::Auto if available <= 2 => Layout::TwoCores,
        Layout::Auto if available == 3 => Layout::ThreeCores,
        Layout::Auto => Layout::FourCores,
        given => given,
    };
    let groups: Vec<(&'static str, Vec<StageName>)> = match layout {
        // Journal before engine: what was just published is durable and applied when the gateway polls again.
        Layout::TwoCores | Layout::Auto => vec![("ringside-core", vec![Gateway, Journal, Engine])],
        Layout::ThreeCores => vec![("ringside-core", vec![Gateway, Engine]), ("ringside-log", vec![Journal])],
        Layout::FourCores | Layout::Host => vec![
            ("ringside-gate", vec![Gateway]),
            ("ringside-log", vec![Journal]),
            ("ringside-book", vec![Engine]),
        ],
    };
    let mut threads = Vec::with_capacity(groups.len());
    for (name, stages) in groups {
        let core = core_of(&pipeline.cores, &stages)?;
        threads.push(ThreadPlan { name, stages, core });
    }
    let idle = idle_strategy(pipeline.wait, layout, &threads, available)?;
    Ok(Plan { threads, idle })
}

/// The core that all pinned stages of a thread agree on.
fn core_of(cores: &Cores, stages: &[StageName]) -> Result<Option<usize>, (String, String)> {
    let mut found: Option<usize> = None;
    for stage in stages {
        let (key, core) = match stage {
            StageName::Gateway => ("gateway", cores.gateway),
            StageName::Journal => ("journal", cores.journal),
            StageName::Engine => ("engine", cores.engine),
        };
        match (found, core) {
            (Some(one), Some(other)) if one != other => {
                let problem =
                    format!("core {other} and core {one}: these stages share a thread in this layout");
                return Err((format!("pipeline.cores.{key}"), problem));
            }
            _ => found = found.or(core),
        }
    }
    Ok(found)
}

fn idle_strategy(
    wait: Wait,
    layout: Layout,
    threads: &[ThreadPlan],
    available: usize,
) -> Result<IdleStrategy, (String, String)> {
    let own_cores = threads.iter().all(|thread| {
        thread.core.is_some_and(|core| threads.iter().filter(|other| other.core == Some(core)).count() == 1)
    });
    if layout == Layout::Host && !own_cores {
        let problem = "needs a core of its own for each of gateway, journal and engine in pipeline.cores";
        return Err(("pipeline.layout".into(), problem.into()));
    }
    match wait {
        Wait::Yield => Ok(IdleStrategy::Yield),
        Wait::Park => Ok(IdleStrategy::Park),
        Wait::Spin if threads.len() > available => {
            let problem =
                format!("{} spinning threads on {available} cores would starve each other", threads.len());
            Err(("pipeline.wait".into(), problem))
        }
        Wait::Spin => Ok(IdleStrategy::Spin),
        // One core stays free for the kernel, the clients and the admin thread.
        Wait::Auto if own_cores && threads.len() < available => Ok(IdleStrategy::Spin),
        Wait::Auto => Ok(IdleStrategy::Park),
    }
}

/// Tries every pin on a short-lived thread. Isolated cores are not in the process's mask, but can be pinned to,
/// so trying is the only honest check.
pub fn check_pins(cores: &Cores) -> Result<(), (String, String)> {
    let wanted = [
        ("gateway", cores.gateway),
        ("journal", cores.journal),
        ("engine", cores.engine),
        ("egress", cores.egress),
        ("admin", cores.admin),
        ("snapshot", cores.snapshot),
        ("helpers", cores.helpers),
    ];
    for (key, core) in wanted {
        let Some(id) = core else { continue };
        let pin = std::thread::spawn(move || core_affinity::set_for_current(core_affinity::CoreId { id }));
        if !pin.join().unwrap_or(false) {
            let list: Vec<_> =
                core_affinity::get_core_ids().unwrap_or_default().iter().map(|core| core.id).collect();
            let problem = format!("core {id} cannot be pinned to; this process may use cores {list:?}");
            return Err((format!("pipeline.cores.{key}"), problem));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Apply, Scheduling};
    use crate::timing::TimingOptions;

    fn pipeline(layout: Layout, wait: Wait, cores: Cores) -> Pipeline {
        let (scheduling, timing) = (Scheduling::Normal, TimingOptions::default());
        let (lock_memory, cpu_dma_latency_us) = (false, None);
        Pipeline {
            apply: Apply::Ahead,
            wait,
            layout,
            cores,
            scheduling,
            lock_memory,
            cpu_dma_latency_us,
            timing,
        }
    }

    #[test]
    fn auto_never_starts_more_spinning_threads_than_there_are_cores() {
        for available in 1..=16 {
            let plan = plan(&pipeline(Layout::Auto, Wait::Auto, Cores::default()), available).unwrap();
            assert!(plan.idle == IdleStrategy::Park || plan.threads.len() < available, "{available} cores");
            let stages: usize = plan.threads.iter().map(|thread| thread.stages.len()).sum();
            assert_eq!(stages, 3, "every stage runs once");
        }
    }

    #[test]
    fn stages_of_one_thread_must_agree_on_their_core() {
        let cores = Cores { gateway: Some(0), journal: Some(1), ..Cores::default() };
        let (key, _) = plan(&pipeline(Layout::TwoCores, Wait::Auto, cores), 2).unwrap_err();
        assert_eq!(key, "pipeline.cores.journal");
    }

    #[test]
    fn the_host_layout_spins_on_cores_of_its_own() {
        let cores = Cores { gateway: Some(1), journal: Some(2), engine: Some(3), ..Cores::default() };
        let planned = plan(&pipeline(Layout::Host, Wait::Auto, cores), 8).unwrap();
        assert_eq!(planned.idle, IdleStrategy::Spin);
        assert!(plan(&pipeline(Layout::Host, Wait::Auto, Cores::default()), 8).is_err());
    }

    #[test]
    fn a_pin_to_a_core_that_is_not_there_is_an_error_that_names_it() {
        let cores = Cores { engine: Some(1_000), ..Cores::default() };
        let (key, problem) = check_pins(&cores).unwrap_err();
        assert_eq!(key, "pipeline.cores.engine");
        assert!(problem.contains("1000"));
    }
}
