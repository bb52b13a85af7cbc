//! What the kernel does on its own: memory, clocks, scheduling, distances.

use std::collections::BTreeSet;

use super::finding::{Finding, Status};
use super::wanted::Wanted;
use crate::host::Host;

/// Clock sources that are read without a system call, on the machines we know.
const FAST_CLOCKS: [&str; 4] = ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"];

/// Transparent huge pages.
pub fn thp(host: &Host, wanted: &Wanted) -> Finding {
    const CHECK: &str = "thp";
    let path = "sys/kernel/mm/transparent_hugepage/enabled";
    let Some(text) = host.read(path) else { return Finding::unknown(CHECK, "no huge pages in this kernel") };
    let chosen = text.split(['[', ']']).nth(1).unwrap_or_default().to_string();
    match chosen.as_str() {
        "never" | "madvise" => Finding::ok(CHECK, chosen),
        _ => Finding::bad(
            CHECK,
            wanted.latency(),
            chosen,
            "the kernel gathers pages in the background, and stops whoever touches them",
            format!("echo madvise > /{path}"),
        ),
    }
}

/// Swap space.
pub fn swap(host: &Host, wanted: &Wanted) -> Finding {
    const CHECK: &str = "swap";
    let Some(table) = host.read("proc/swaps") else { return Finding::unknown(CHECK, "no /proc/swaps") };
    let areas: Vec<&str> = table.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    if areas.is_empty() {
        return Finding::ok(CHECK, "none");
    }
    if wanted.lock_memory {
        return Finding::ok(CHECK, format!("{}; the venue's memory is locked", areas.join(" ")));
    }
    let why = "a page of the book that was swapped out costs a disk read";
    let command = "swapoff -a, and its line out of /etc/fstab; or [pipeline] lock_memory = true";
    Finding::bad(CHECK, wanted.latency(), areas.join(" "), why, command)
}

/// The clock that all stamps come from.
pub fn clocksource(host: &Host, wanted: &Wanted) -> Finding {
    const CHECK: &str = "clocksource";
    let base = "sys/devices/system/clocksource/clocksource0";
    let Some(source) = host.read(&format!("{base}/current_clocksource")) else {
        return Finding::unknown(CHECK, "the kernel does not tell");
    };
    if FAST_CLOCKS.contains(&source.as_str()) {
        return Finding::ok(CHECK, source);
    }
    let why = "each look at the clock is a system call of a microsecond";
    Finding::bad(CHECK, wanted.latency(), source, why, format!("echo tsc > /{base}/current_clocksource"))
}

/// How much of a second real-time threads may have.
pub fn rt_throttling(host: &Host, wanted: &Wanted) -> Finding {
    const CHECK: &str = "rt_throttling";
    let Some(runtime) = host.number("proc/sys/kernel/sched_rt_runtime_us") else {
        return Finding::unknown(CHECK, "the kernel does not tell");
    };
    let period = host.number("proc/sys/kernel/sched_rt_period_us").unwrap_or(1_000_000);
    if runtime < 0 {
        return Finding::ok(CHECK, "off");
    }
    let value = format!("{runtime} of {period} us");
    if wanted.fifo.is_none() {
        return Finding::ok(CHECK, format!("{value}; no stage runs SCHED_FIFO"));
    }
    let status = if wanted.spins { Status::Fix } else { Status::Warn };
    let why = format!("a spinning SCHED_FIFO stage is stopped for {} us each period", period - runtime);
    Finding::bad(CHECK, status, value, why, "sysctl -w kernel.sched_rt_runtime_us=-1")
}

/// Stage cores, disk and network cards on one node.
pub fn numa(host: &Host, wanted: &Wanted) -> Finding {
    const CHECK: &str = "numa";
    let Some(nodes) = host.cores("sys/devices/system/node/online") else {
        return Finding::unknown(CHECK, "the kernel does not tell");
    };
    if nodes.len() <= 1 {
        return Finding::ok(CHECK, "one node");
    }
    let mut used: BTreeSet<i64> = BTreeSet::new();
    for node in &nodes {
        let cores = host.cores(&format!("sys/devices/system/node/node{node}/cpulist")).unwrap_or_default();
        if !cores.is_disjoint(&wanted.stage_cores) {
            used.insert(*node as i64);
        }
    }
    let disk = disk_node(host, wanted);
    let cards = host.names("sys/class/net").into_iter();
    let cards: BTreeSet<i64> =
        cards.filter_map(|card| host.number(&format!("sys/class/net/{card}/device/numa_node"))).collect();
    let show = |nodes: &BTreeSet<i64>| match nodes.is_empty() {
        true => "?".into(),
        false => nodes.iter().map(i64::to_string).collect::<Vec<_>>().join(","),
    };
    let disk: BTreeSet<i64> = disk.into_iter().collect();
    let value = format!("stages on {}, disk on {}, network on {}", show(&used), show(&disk), show(&cards));
    // -1: the firmware does not say.
    let together: BTreeSet<i64> =
        used.iter().chain(&disk).chain(&cards).copied().filter(|n| *n >= 0).collect();
    match together.len() {
        1 if !used.is_empty() => Finding::ok(CHECK, value),
        0 => Finding::unknown(CHECK, value),
        _ => Finding::bad(
            CHECK,
            wanted.latency(),
            value,
            "memory and devices of another node are further away",
            "[pipeline.cores] on the node of disk and network card: ringside doctor --suggest",
        ),
    }
}

/// Node of the data directory's disk, where the firmware says.
pub fn disk_node(host: &Host, wanted: &Wanted) -> Option<i64> {
    let device = host.mount(&wanted.data_dir)?.device;
    let of = |path| host.of_disk(&device, path).and_then(|text| text.parse().ok());
    of("device/numa_node").or_else(|| of("device/device/numa_node")).filter(|node| *node >= 0)
}
