//! The checks against two hosts as text, and against none.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use ringside_venue::Config;

use super::disk::{Flush, Space};
use super::finding::{Finding, Status};
use super::process::WallClock;
use super::suggest::{Machine, rewritten};
use super::wanted::Wanted;
use super::{Measured, disk, examine, process};
use crate::host::Host;

const TUNED: &str = include_str!("fixtures/tuned.host");
const UNTUNED: &str = include_str!("fixtures/untuned.host");
/// What a trading host would ask for.
const HOST: &str = "[pipeline]\nlayout = \"host\"\nscheduling = \"fifo\"\nfifo_priority = 20\nlock_memory = true\n\
    [pipeline.cores]\ngateway = 2\njournal = 3\nengine = 4\n\
    [[login]]\nusername = \"A\"\npassword = \"x\"\nfirm = \"F\"\n";

/// A host's files, laid out below a directory that goes with it.
fn host(fixture: &str) -> (Host, tempfile::TempDir) {
    let scratch = tempfile::tempdir().unwrap();
    for file in fixture.split("== ").skip(1) {
        let (path, text) = file.split_once('\n').unwrap();
        let path = scratch.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    (Host::at(scratch.path()), scratch)
}

fn wanted(text: &str, data_dir: &str) -> Wanted {
    Wanted::of(&Config::parse("test.toml", text).unwrap(), Path::new(data_dir))
}

fn well_measured() -> Measured {
    let day = Duration::from_secs(86_400);
    Measured {
        flush: Ok(Flush { p50_us: 40.0, p99_us: 90.0 }),
        preallocation: Ok(()),
        space: Ok(Space { free: 500 << 30, journal: 10 << 30, age: day, snapshot: 1 << 30 }),
        clock: Some(WallClock { synchronised: true, max_error_us: 80 }),
        mode: Some(("ringside.toml".into(), Ok(0o100600))),
    }
}

fn badly_measured() -> Measured {
    let day = Duration::from_secs(86_400);
    Measured {
        flush: Ok(Flush { p50_us: 8_000.0, p99_us: 900_000.0 }),
        preallocation: Err("fallocate: Operation not supported".into()),
        space: Ok(Space { free: 12 << 30, journal: 10 << 30, age: day, snapshot: 1 << 30 }),
        clock: Some(WallClock { synchronised: false, max_error_us: 16_000_000 }),
        mode: Some(("ringside.toml".into(), Ok(0o100644))),
    }
}

fn by_name(findings: Vec<Finding>) -> BTreeMap<&'static str, Finding> {
    findings.into_iter().map(|finding| (finding.check, finding)).collect()
}

#[test]
fn a_tuned_host_is_ok_throughout() {
    let (host, _files) = host(TUNED);
    let findings = examine(&host, &wanted(HOST, "/srv/venue/data"), well_measured());
    for finding in &findings {
        assert_eq!(finding.status, Status::Ok, "{finding}");
        assert!(finding.command.is_empty() && !finding.value.is_empty(), "{finding}");
    }
    assert_eq!(by_name(findings).len(), 24, "each check has a name of its own");
}

#[test]
fn an_untuned_host_is_told_what_to_run() {
    let (host, _files) = host(UNTUNED);
    let found = by_name(examine(&host, &wanted(HOST, "/srv/venue/data"), badly_measured()));
    let fixes = [
        ("isolcpus", "isolcpus=managed_irq,domain,2-4"),
        ("nohz_full", "nohz_full=2-4"),
        ("irq_affinity", "for n in 24 25; do echo 0-1 >"),
        ("governor", "cpupower frequency-set -g performance"),
        ("c_states", "cpu_dma_latency_us = 0"),
        ("thp", "echo madvise >"),
        ("swap", "swapoff"),
        ("clocksource", "echo tsc >"),
        ("rt_throttling", "sched_rt_runtime_us=-1"),
        ("numa", "--suggest"),
        ("file_system", "ext4 or xfs"),
        ("flush", "faster disk"),
        ("disk_space", "larger disk"),
        ("nofile", "ulimit -n"),
        ("memlock", "ulimit -l unlimited"),
        ("rtprio", "ulimit -r 20"),
        ("clock_sync", "chrony"),
        ("secrets", "chmod 600 ringside.toml"),
    ];
    for (check, command) in fixes {
        let finding = &found[check];
        // Locked memory is not swapped out, whatever areas there are.
        let expected = if check == "swap" { Status::Ok } else { Status::Fix };
        assert_eq!(finding.status, expected, "{finding}");
        assert!(check == "swap" || finding.command.contains(command), "{finding}");
        assert!(check == "swap" || !finding.why.is_empty(), "{finding}");
    }
    for check in ["smt", "preallocation", "socket_buffers", "somaxconn"] {
        assert_eq!(found[check].status, Status::Warn, "{}", found[check]);
    }
}

#[test]
fn what_only_costs_latency_is_a_warning_where_no_stage_spins() {
    let (host, _files) = host(UNTUNED);
    let found = by_name(examine(&host, &wanted("", "/home/me/data"), well_measured()));
    for check in
        ["isolcpus", "governor", "c_states", "thp", "swap", "clocksource", "journal_mode", "write_cache"]
    {
        assert_eq!(found[check].status, Status::Warn, "{}", found[check]);
    }
    assert_eq!(found["rt_throttling"].status, Status::Ok, "no stage runs SCHED_FIFO");
    assert!(found["file_system"].why.contains("discard"), "{}", found["file_system"]);
    assert!(found["journal_mode"].value.contains("data=journal"));
}

#[test]
fn what_a_host_does_not_tell_is_unknown_and_never_ok() {
    let (host, _files) = host("");
    let measured = Measured {
        flush: Err("no O_DIRECT".into()),
        preallocation: Ok(()),
        space: Err("no such directory".into()),
        clock: None,
        mode: Some(("x".into(), Err("no such file".into()))),
    };
    for finding in examine(&host, &wanted(HOST, "/srv/venue/data"), measured) {
        let expected = if finding.check == "preallocation" { Status::Ok } else { Status::Unknown };
        assert_eq!(finding.status, expected, "{finding}");
        assert!(finding.check == "preallocation" || !finding.why.is_empty(), "{finding}");
    }
}

#[test]
fn a_capability_stands_for_a_limit() {
    let (host, _files) = host(&UNTUNED.replace("CapEff:\t0000000000000000", "CapEff:\t000001ffffffffff"));
    let wanted = wanted(HOST, "/srv/venue/data");
    assert_eq!(process::memlock(&host, &wanted).status, Status::Ok);
    assert_eq!(process::rtprio(&host, &wanted).status, Status::Ok);
}

#[test]
fn a_disk_is_full_in_days_as_its_journal_grows() {
    let wanted = wanted("", "/");
    let space = |free: u64| {
        let age = Duration::from_secs(86_400);
        disk::disk_space(Ok(Space { free: free << 30, journal: 10 << 30, age, snapshot: 0 }), &wanted).status
    };
    assert_eq!([15, 100, 500].map(space), [Status::Fix, Status::Warn, Status::Ok]);
    let young = Space { free: 15 << 30, journal: 10 << 30, age: Duration::from_secs(60), snapshot: 0 };
    assert_eq!(disk::disk_space(Ok(young), &wanted).status, Status::Ok, "a minute says nothing about a day");
    let full = Space { free: 1 << 20, ..young };
    let fixed = Wanted { segment_size: Some(64 << 20), ..wanted };
    assert_eq!(disk::disk_space(Ok(full), &fixed).status, Status::Fix);
}

#[test]
fn there_is_room_for_two_snapshots_their_base_and_the_next() {
    let wanted = Wanted { segment_size: Some(64 << 20), ..wanted("", "/") };
    let status = |free_mib: u64| {
        let space = Space { free: free_mib << 20, journal: 0, age: Duration::ZERO, snapshot: 1 << 30 };
        disk::disk_space(Ok(space), &wanted).status
    };
    assert_eq!([status(4 * 64 + 4 * 1_024 - 1), status(4 * 64 + 4 * 1_024)], [Status::Fix, Status::Ok]);
}

#[test]
fn a_sync_that_is_too_fast_to_be_true_is_a_warning() {
    let wanted = wanted("", "/");
    let status = |p50_us, p99_us| disk::flush(Ok(Flush { p50_us, p99_us }), &wanted).status;
    assert_eq!([status(5.0, 9.0), status(110.0, 300.0)], [Status::Warn, Status::Ok]);
    let never = Wanted { sync_always: false, ..wanted.clone() };
    let slow = Flush { p50_us: 900_000.0, p99_us: 900_000.0 };
    assert_eq!(disk::flush(Ok(slow), &never).status, Status::Warn, "no answer waits for it");
}

#[test]
fn a_suggestion_keeps_to_the_nodes_and_siblings_of_the_host() {
    let mut fixture =
        TUNED.replace("2-4\n== sys/devices/system/cpu/nohz_full", "\n== sys/devices/system/cpu/nohz_full");
    fixture = fixture.replace("Cpus_allowed_list:\t0-1,5-7", "Cpus_allowed_list:\t0-7");
    fixture += "== sys/devices/system/cpu/cpu0/topology/thread_siblings_list\n0-1\n\
        == sys/devices/system/cpu/cpu1/topology/thread_siblings_list\n0-1\n";
    let (host, _files) = host(&fixture);
    let suggestion = Machine::of(&host, &wanted("", "/srv/venue/data")).suggestion(1);
    let cores: Vec<usize> = suggestion.cores.iter().map(|(_, core)| *core).collect();
    assert_eq!(cores[..3], [2, 3, 4], "not 1, the sibling of 0; not node 1's");
    let text = rewritten("test.toml", HOST, &suggestion).unwrap();
    assert_eq!(Config::parse("test.toml", &text).unwrap().pipeline.cores.engine, Some(4));
}
