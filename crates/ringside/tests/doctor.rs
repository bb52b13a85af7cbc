//! `ringside doctor` as an operator or a script meets it: exit codes, lines, JSON, a suggestion that starts; and what a
//! running venue says about its own threads and times.

mod support;

use serde_json::Value;
use support::*;

fn doctor(site: &Site, arguments: &[&str]) -> Exit {
    let config = site.config();
    let config = ["doctor", "--config", config.to_str().expect("temporary paths are ASCII")];
    site.run(&[&config, arguments].concat())
}

#[test]
fn a_file_with_passwords_that_others_may_read_is_a_fix() {
    let site = Site::new(CONFIG);
    let mode = |bits| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(site.config(), std::fs::Permissions::from_mode(bits)).unwrap();
    };
    mode(0o644);
    let open = doctor(&site, &[]);
    assert_eq!(open.code, Some(1), "{}", open.stdout);
    let line = open.stdout.lines().find(|line| line.contains("secrets")).expect("a line a check");
    assert!(line.starts_with("fix") && line.contains("chmod 600"), "{line}");
    assert_eq!(open.stderr.lines().count(), 1, "{}", open.stderr);
    mode(0o600);
    let closed = doctor(&site, &["--json"]);
    let checks: Vec<Value> = serde_json::from_str(&closed.stdout).expect("one array");
    assert_eq!(checks.len(), open.stdout.lines().count());
    let fixes = checks.iter().filter(|check| check["status"] == "fix").count();
    assert_eq!(closed.code, Some(i32::from(fixes > 0)), "{}", closed.stdout);
    for check in &checks {
        let of = |key: &str| check[key].as_str().unwrap_or_else(|| panic!("{key} is text: {check}"));
        assert!(["ok", "warn", "fix", "unknown"].contains(&of("status")), "{check}");
        assert_eq!(of("status") == "ok", of("why").is_empty(), "{check}");
        assert_eq!(["warn", "fix"].contains(&of("status")), !of("command").is_empty(), "{check}");
    }
    assert!(!site.data_dir.exists(), "it changes nothing");
}

#[test]
fn a_wrong_file_and_wrong_words_are_exit_2() {
    let site = Site::new(&CONFIG.replacen("layout = \"auto\"", "layout = \"heap\"", 1));
    let exit = doctor(&site, &[]);
    assert_eq!(exit.code, Some(2), "{}", exit.stderr);
    assert!(exit.stderr.contains("pipeline.layout"), "{}", exit.stderr);
    assert_eq!(site.run(&["doctor", "--json", "--suggest"]).code, Some(2));
}

#[test]
fn a_suggestion_starts_here() {
    let site = Site::new(CONFIG);
    let exit = doctor(&site, &["--suggest"]);
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    // Spinning is for a host of its own, not for a machine full of tests.
    std::fs::write(site.config(), exit.stdout.replace("wait = \"spin\"", "wait = \"park\"")).unwrap();
    let venue = site.start();
    let threads = venue.status()["threads"].as_array().cloned().unwrap_or_default();
    let staged: Vec<&Value> = threads.iter().filter(|thread| thread["stages"].is_array()).collect();
    assert!(!staged.is_empty(), "{threads:?}");
    assert!(staged.iter().all(|thread| thread["policy"] == "normal"), "{staged:?}");
    assert!(threads.iter().any(|thread| thread["name"] == "ringside-prep"), "{threads:?}");
    assert_eq!(venue.terminate(), Some(0));
}

#[test]
fn a_running_venue_tells_where_time_goes() {
    let text = CONFIG.replacen("[pipeline]", "[pipeline]\nsample_every = 1\noutlier = \"100us\"", 1);
    let site = Site::new(&text);
    let venue = site.start();
    let mut client = venue.login("ALICE");
    for n in 1..=50 {
        client.send(&enter(n, b'B', 1, "ESH4"));
        client.message();
    }
    let timing = eventually("all samples are collected", || {
        let timing = venue.status()["timing"].take();
        (timing["since_start"]["total"]["count"].as_u64() >= Some(50)).then_some(timing)
    });
    let of = |part: &str| timing["since_start"][part]["p50_us"].as_f64().unwrap_or(-1.0);
    for part in ["decode", "ring", "append", "sync", "match", "egress"] {
        assert!(of(part) > 0.0 && of(part) <= of("total"), "{part}: {timing}");
    }
    // An answer that waited for a disk takes longer than 100 us on any but the best.
    for outlier in timing["latest_outliers"].as_array().expect("a list") {
        assert!(outlier["total_us"].as_f64() >= Some(100.0), "{outlier}");
    }
    let (_, metrics) = venue.http("/metrics");
    assert!(metrics.contains("ringside_stage_seconds{stage=\"sync\",quantile=\"0.99\"}"), "{metrics}");
    assert_eq!(venue.terminate(), Some(0));
}

fn pipeline(keys: &str) -> Site {
    Site::new(&CONFIG.replacen("[pipeline]", &format!("[pipeline]\n{keys}"), 1))
}

#[test]
fn fifo_threads_that_never_sleep_need_pins() {
    let site = pipeline("scheduling = \"fifo\"");
    let text = std::fs::read_to_string(site.config()).unwrap();
    std::fs::write(site.config(), text.replace("wait = \"auto\"", "wait = \"yield\"")).unwrap();
    let exit = site.refused();
    assert_eq!(exit.code, Some(2), "{}", exit.stderr);
    assert!(exit.stderr.contains("pipeline.scheduling") && exit.stderr.contains("pins"), "{}", exit.stderr);
    assert!(!site.data_dir.exists(), "refused before anything is created");
}

#[test]
fn fifo_and_locked_memory_hold_in_the_kernel_or_the_missing_right_is_named() {
    for (keys, right) in [("scheduling = \"fifo\"", "CAP_SYS_NICE"), ("lock_memory = true", "CAP_IPC_LOCK")] {
        let site = pipeline(keys);
        let mut venue = site.spawn_under(&[]);
        if !venue.becomes_ready() {
            assert_eq!(venue.wait_exit(PATIENCE), Some(2), "{}", venue.stderr());
            assert!(venue.stderr().contains(right), "{}", venue.stderr());
            continue;
        }
        let status = venue.status();
        let threads = status["threads"].as_array().expect("a list");
        let fifo = threads.iter().filter(|thread| thread["policy"] == "fifo" && thread["priority"] == 10);
        let staged = threads.iter().filter(|thread| thread["stages"].is_array());
        let expected = if right == "CAP_SYS_NICE" { staged.count() } else { 0 };
        assert_eq!(fifo.count(), expected, "{threads:?}");
        let kernel = std::fs::read_to_string(format!("/proc/{}/status", venue.pid())).unwrap();
        let locked = kernel.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap().trim() != "0 kB";
        assert_eq!(locked, right == "CAP_IPC_LOCK", "{kernel}");
        assert_eq!(status["memory_locked"], locked);
        assert_eq!(venue.terminate(), Some(0));
    }
}
