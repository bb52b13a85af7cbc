//! Cores: who else runs on them, how fast they are, how fast they wake up.

use std::collections::BTreeSet;

use super::finding::{Finding, Status};
use super::wanted::Wanted;
use crate::host::{Host, cores, list};

/// A sleeping core may take this long to wake up, microseconds: a tenth of a fast device's sync.
const WAKE_MAX_US: i64 = 10;
/// Interrupts that are named in a finding.
const NAMED_MAX: usize = 6;

const CPU: &str = "sys/devices/system/cpu";

/// Cores the stages should have to themselves: where they are pinned, or all but the first.
fn to_isolate(host: &Host, wanted: &Wanted) -> BTreeSet<usize> {
    match wanted.stage_cores.is_empty() {
        false => wanted.stage_cores.clone(),
        true => host.online().into_iter().skip(1).take(3).collect(),
    }
}

/// A list of cores that the kernel command line sets, and that the stages' cores should be in.
fn boot_list(
    check: &'static str,
    found: Option<BTreeSet<usize>>,
    why: &str,
    host: &Host,
    wanted: &Wanted,
) -> Finding {
    let Some(found) = found else {
        return Finding::unknown(check, format!("{CPU} has no such file on this kernel"));
    };
    if !wanted.stage_cores.is_empty() && wanted.stage_cores.is_subset(&found) {
        return Finding::ok(check, list(&found));
    }
    let value = match found.is_empty() {
        true => "none".to_string(),
        false => list(&found),
    };
    let cores = list(&to_isolate(host, wanted));
    let command = match host.online().len() {
        0..=3 => "four cores or more, then: ringside doctor --suggest".to_string(),
        _ => format!(
            "kernel command line: isolcpus=managed_irq,domain,{cores} nohz_full={cores} rcu_nocbs={cores}"
        ),
    };
    Finding::bad(check, wanted.latency(), value, why, command)
}

/// `isolcpus`
pub fn isolcpus(host: &Host, wanted: &Wanted) -> Finding {
    let why = "the scheduler puts other threads on the stages' cores";
    boot_list("isolcpus", host.cores(&format!("{CPU}/isolated")), why, host, wanted)
}

/// `nohz_full`
pub fn nohz_full(host: &Host, wanted: &Wanted) -> Finding {
    let why = "the timer tick interrupts the stages 100 to 1000 times a second";
    // "(null)" is how some kernels write an empty list.
    let text = host.read(&format!("{CPU}/nohz_full")).map(|text| text.replace("(null)", ""));
    let found = text.and_then(|text| cores(text.trim()));
    boot_list("nohz_full", found, why, host, wanted)
}

/// Interrupts that may come to the stages' cores.
pub fn irq_affinity(host: &Host, wanted: &Wanted) -> Finding {
    const CHECK: &str = "irq_affinity";
    let numbers: Vec<String> =
        host.names("proc/irq").into_iter().filter(|name| name.parse::<u32>().is_ok()).collect();
    if numbers.is_empty() {
        return Finding::unknown(CHECK, "/proc/irq tells of none");
    }
    if wanted.stage_cores.is_empty() {
        let why = "no stage is pinned, so any interrupt may hit one";
        return Finding::bad(CHECK, wanted.latency(), "any core", why, "ringside doctor --suggest");
    }
    let hits = |number: &&String| {
        let of = |file| host.cores(&format!("proc/irq/{number}/{file}"));
        let cores = of("effective_affinity_list").filter(|cores| !cores.is_empty());
        cores.or_else(|| of("smp_affinity_list")).is_some_and(|cores| !cores.is_disjoint(&wanted.stage_cores))
    };
    let hitting: Vec<&str> = numbers.iter().filter(hits).map(String::as_str).collect();
    if hitting.is_empty() {
        return Finding::ok(CHECK, format!("none on cores {}", list(&wanted.stage_cores)));
    }
    let named = hitting.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(" ");
    let value = format!(
        "{} on cores {} ({named}{})",
        hitting.len(),
        list(&wanted.stage_cores),
        if hitting.len() > NAMED_MAX { " ..." } else { "" }
    );
    let rest: BTreeSet<usize> = host.online().difference(&wanted.stage_cores).copied().collect();
    let command = format!(
        "systemctl disable --now irqbalance; for n in {named}; do echo {} > /proc/irq/$n/smp_affinity_list; done",
        list(&rest)
    );
    Finding::bad(CHECK, wanted.latency(), value, "an interrupt stops a stage for microseconds", command)
}

/// Frequency governor of all cores.
pub fn governor(host: &Host, wanted: &Wanted) -> Finding {
    const CHECK: &str = "governor";
    let of = |core: usize| host.read(&format!("{CPU}/cpu{core}/cpufreq/scaling_governor"));
    let found: BTreeSet<String> = host.online().into_iter().filter_map(of).collect();
    let value = found.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    match found.len() {
        0 => Finding::unknown(CHECK, "no cpufreq here: the hypervisor or the firmware decides"),
        1 if found.contains("performance") => Finding::ok(CHECK, value),
        _ => Finding::bad(
            CHECK,
            wanted.latency(),
            value,
            "cores run slower while there is little to do, and take milliseconds to speed up",
            "cpupower frequency-set -g performance",
        ),
    }
}

/// Idle states that take long to leave.
pub fn c_states(host: &Host, wanted: &Wanted) -> Finding {
    const CHECK: &str = "c_states";
    if let Some(us) = wanted.dma_latency_us.filter(|us| i64::from(*us) <= WAKE_MAX_US) {
        return Finding::ok(CHECK, format!("the venue asks for {us} us (pipeline.cpu_dma_latency_us)"));
    }
    let base = format!("{CPU}/cpu0/cpuidle");
    let states: Vec<String> =
        host.names(&base).into_iter().filter(|name| name.starts_with("state")).collect();
    if states.is_empty() {
        return Finding::unknown(CHECK, "no cpuidle states here: the hypervisor or the firmware decides");
    }
    let enabled = states.iter().filter(|state| host.number(&format!("{base}/{state}/disable")) != Some(1));
    let latency = |state: &String| host.number(&format!("{base}/{state}/latency")).unwrap_or(0);
    let slowest = enabled.map(latency).max().unwrap_or(0);
    let value = format!("up to {slowest} us to wake up");
    if slowest <= WAKE_MAX_US {
        return Finding::ok(CHECK, value);
    }
    let why = "a core that sleeps deeply answers late";
    Finding::bad(CHECK, wanted.latency(), value, why, "[pipeline] cpu_dma_latency_us = 0")
}

/// Two threads on one core.
pub fn smt(host: &Host, _: &Wanted) -> Finding {
    const CHECK: &str = "smt";
    match host.number(&format!("{CPU}/smt/active")) {
        Some(0) => Finding::ok(CHECK, "off"),
        Some(_) => Finding::bad(
            CHECK,
            Status::Warn,
            "on",
            "a stage shares its core's caches and units with a neighbour",
            "echo off > /sys/devices/system/cpu/smt/control",
        ),
        None => Finding::unknown(CHECK, "the kernel does not tell"),
    }
}
