//! Which stages share a thread, where it is pinned, and what it does when idle.

use std::collections::BTreeSet;

use crate::config::{Cores, Layout, Pipeline, Scheduling, Wait};
use crate::threads::IdleStrategy;

/// A stage by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StageName {
    /// Sockets, streams, egress; the first one is number 0.
    Gateway(usize),
    /// Journaler.
    Journal,
    /// Matching.
    Engine,
}

/// A thread of the layout.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ThreadPlan {
    /// Thread name.
    pub name: String,
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
        // Further gateways have a thread each, whatever the layout.
        Layout::Auto if available < pipeline.gateways + 2 => Layout::TwoCores,
        Layout::Auto if available == pipeline.gateways + 2 => Layout::ThreeCores,
        Layout::Auto => Layout::FourCores,
        given => given,
    };
    let groups: Vec<(&'static str, Vec<StageName>)> = match layout {
        // Journal before engine: what was just published is durable and applied when the gateway polls again.
        Layout::TwoCores | Layout::Auto => vec![("ringside-core", vec![Gateway(0), Journal, Engine])],
        Layout::ThreeCores => {
            vec![("ringside-core", vec![Gateway(0), Engine]), ("ringside-log", vec![Journal])]
        }
        Layout::FourCores | Layout::Host => vec![
            ("ringside-gate", vec![Gateway(0)]),
            ("ringside-log", vec![Journal]),
            ("ringside-book", vec![Engine]),
        ],
    };
    let mut threads = Vec::with_capacity(groups.len());
    let further = (1..pipeline.gateways).map(|n| (format!("ringside-gate-{n}"), vec![Gateway(n)]));
    let groups = groups.into_iter().map(|(name, stages)| (name.to_string(), stages));
    for (name, stages) in groups.chain(further) {
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
            StageName::Gateway(0) => ("gateway", cores.gateway),
            StageName::Gateway(n) => ("further_gateways", cores.further_gateways[n - 1]),
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
        let problem = "needs a core of its own for each gateway, journal and engine in pipeline.cores";
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

/// Cores there are for stages: those of the process, and those that are pinned to. Isolated ones are not in the
/// process's mask, and nobody else runs on them.
pub fn usable_cores(cores: &Cores) -> BTreeSet<usize> {
    let mask = core_affinity::get_core_ids().unwrap_or_default().into_iter().map(|core| core.id);
    mask.chain(cores.of_stages()).collect()
}

/// Refuses `SCHED_FIFO` threads that never sleep where the kernel's own threads must run: a sync cannot end until they
/// do (measured: 0.01 million commands a second instead of 0.4, answers after 1 to 11 s). Yielding is no better: at that
/// priority it lets nobody else run. The journal's thread sleeps in its syncs, so it may have the disk's core.
pub fn check_starvation(
    plan: &Plan,
    scheduling: Scheduling,
    usable: &BTreeSet<usize>,
    disk: &BTreeSet<usize>,
) -> Result<(), (String, String)> {
    if scheduling == Scheduling::Normal || plan.idle == IdleStrategy::Park {
        return Ok(());
    }
    let refused = |problem: String| Err(("pipeline.scheduling".into(), problem));
    let mut taken = BTreeSet::new();
    let mut beside_journal = BTreeSet::new();
    for thread in &plan.threads {
        let Some(core) = thread.core else {
            return refused(format!(
                "\"fifo\" threads that spin or yield need pins, or they may take every core; {} has none",
                thread.name
            ));
        };
        taken.insert(core);
        if !thread.stages.contains(&StageName::Journal) {
            beside_journal.insert(core);
        }
    }
    if usable.is_subset(&taken) {
        return refused(format!(
            "\"fifo\" threads that spin or yield would take all cores {usable:?}: the kernel needs one for the disk's work"
        ));
    }
    if !disk.is_empty() && disk.is_subset(&beside_journal) {
        return refused(format!(
            "\"fifo\" threads that spin or yield would take cores {disk:?}, where the interrupts of data_dir's disk come"
        ));
    }
    Ok(())
}

/// Tries every pin on a short-lived thread. Isolated cores are not in the process's mask, but can be pinned to,
/// so trying is the only honest check.
pub fn check_pins(cores: &Cores) -> Result<(), (String, String)> {
    let further = cores.further_gateways.map(|core| ("further_gateways", core));
    let wanted = [
        ("gateway", cores.gateway),
        ("journal", cores.journal),
        ("engine", cores.engine),
        ("egress", cores.egress),
        ("admin", cores.admin),
        ("snapshot", cores.snapshot),
        ("helpers", cores.helpers),
    ];
    for (key, core) in wanted.into_iter().chain(further) {
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
    use crate::config::Apply;
    use crate::timing::TimingOptions;

    fn pipeline(layout: Layout, wait: Wait, cores: Cores) -> Pipeline {
        let (scheduling, timing) = (Scheduling::Normal, TimingOptions::default());
        let (lock_memory, cpu_dma_latency_us) = (false, None);
        Pipeline {
            apply: Apply::Ahead,
            wait,
            layout,
            gateways: 1,
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
    fn further_gateways_have_threads_and_cores_of_their_own() {
        for (available, stages_of_first) in [(2, 3), (4, 3), (5, 2), (6, 1)] {
            let three = Pipeline { gateways: 3, ..pipeline(Layout::Auto, Wait::Auto, Cores::default()) };
            let plan = plan(&three, available).unwrap();
            assert_eq!(plan.threads[0].stages.len(), stages_of_first, "{available} cores");
            let names: Vec<_> =
                plan.threads.iter().rev().take(2).map(|thread| thread.name.as_str()).collect();
            assert_eq!(names, ["ringside-gate-2", "ringside-gate-1"]);
            assert!(plan.idle == IdleStrategy::Park || plan.threads.len() < available);
        }
        let mut cores = Cores { gateway: Some(1), journal: Some(2), engine: Some(3), ..Cores::default() };
        let host = |cores| Pipeline { gateways: 2, ..pipeline(Layout::Host, Wait::Auto, cores) };
        assert!(plan(&host(cores), 8).is_err(), "the second gateway has no core");
        cores.further_gateways[0] = Some(4);
        assert_eq!(plan(&host(cores), 8).unwrap().threads[3].core, Some(4));
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

    /// Spinning threads on cores 1, 2 and 3, as `SCHED_FIFO`.
    fn starves(usable: &[usize], disk: &[usize]) -> bool {
        let cores = Cores { gateway: Some(1), journal: Some(2), engine: Some(3), ..Cores::default() };
        let plan = plan(&pipeline(Layout::Host, Wait::Spin, cores), 8).unwrap();
        let sets = [usable, disk].map(|cores| cores.iter().copied().collect::<BTreeSet<_>>());
        check_starvation(&plan, Scheduling::Fifo(10), &sets[0], &sets[1]).is_err()
    }

    #[test]
    fn spinning_fifo_threads_leave_a_core_to_the_kernel_and_one_to_the_disk() {
        assert!(!starves(&[0, 1, 2, 3], &[0]));
        assert!(starves(&[1, 2, 3], &[]), "all cores taken");
        assert!(starves(&[0, 1, 2, 3], &[3]), "the engine spins where the disk's interrupts come");
        assert!(!starves(&[0, 1, 2, 3], &[2]), "the journal sleeps while it waits for the disk");
        assert!(!starves(&[0, 1, 2, 3], &[0, 3]), "the disk has another queue");
        assert!(!starves(&[0, 1, 2, 3], &[]), "the host does not tell");
    }

    #[test]
    fn fifo_threads_need_pins_unless_they_sleep() {
        let usable: BTreeSet<usize> = (0..8).collect();
        let check = |wait, layout| {
            let plan = plan(&pipeline(layout, wait, Cores::default()), 8).unwrap();
            check_starvation(&plan, Scheduling::Fifo(10), &usable, &BTreeSet::new())
        };
        for wait in [Wait::Spin, Wait::Yield] {
            let (key, problem) = check(wait, Layout::FourCores).unwrap_err();
            assert_eq!(key, "pipeline.scheduling");
            assert!(problem.contains("ringside-gate"), "{problem}");
        }
        assert_eq!(check(Wait::Park, Layout::FourCores), Ok(()));
        assert_eq!(check(Wait::Auto, Layout::TwoCores), Ok(()));
    }

    #[test]
    fn the_only_core_is_not_for_a_spinning_fifo_thread() {
        let cores = Cores { engine: Some(0), ..Cores::default() };
        let plan = plan(&pipeline(Layout::TwoCores, Wait::Spin, cores), 1).unwrap();
        let only = BTreeSet::from([0]);
        assert!(check_starvation(&plan, Scheduling::Fifo(1), &only, &BTreeSet::new()).is_err());
        assert!(check_starvation(&plan, Scheduling::Normal, &only, &BTreeSet::new()).is_ok());
    }

    #[test]
    fn a_core_that_is_pinned_to_counts_though_it_is_not_in_the_mask() {
        let cores = Cores { engine: Some(1_000), ..Cores::default() };
        assert!(usable_cores(&cores).contains(&1_000) && usable_cores(&cores).len() > 1);
    }

    #[test]
    fn a_pin_to_a_core_that_is_not_there_is_an_error_that_names_it() {
        let cores = Cores { engine: Some(1_000), ..Cores::default() };
        let (key, problem) = check_pins(&cores).unwrap_err();
        assert_eq!(key, "pipeline.cores.engine");
        assert!(problem.contains("1000"));
    }
}
