//! `ringside bench` from the outside: the names of figures that scripts rely on, and the files that it leaves.

mod support;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use support::binary;

fn bench(arguments: &[&str], out: &Path) -> Output {
    let mut command = Command::new(binary());
    command.arg("bench").args(arguments).arg("--out").arg(out).arg("--json");
    command.output().expect("the program is built")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn an_open_loop_over_the_wire_leaves_every_figure_and_every_file() {
    let directory = tempfile::tempdir().expect("a scratch directory");
    let (data, out) = (directory.path(), directory.path().join("out"));
    let data = data.to_str().expect("a plain path");
    let arguments = ["wire", "--sync", "never", "--rate", "2000", "--duration", "1", "--dir", data];
    let output = bench(&arguments, &out);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let line: Value =
        serde_json::from_str(text(&output.stdout).lines().last().expect("a line")).expect("JSON");
    let numbers = [
        "commands_per_s",
        "p50_us",
        "p99_us",
        "p999_us",
        "raw_echo_p50_us",
        "raw_p50_us",
        "raw_p99_us",
        "raw_echo_busy_p50_us",
        "p50_per_echo_p50",
        "closed_p50_us",
        "late_sends",
        "unsent",
        "unacknowledged",
    ];
    for name in numbers {
        assert!(line[name].is_number(), "{name}: {line}");
    }
    assert_eq!(line["sent"], 2_000, "{line}");
    let mut files: Vec<String> = std::fs::read_dir(&out)
        .expect("made")
        .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    let expected = [
        "report.html",
        "result.json",
        "wire-closed.hgrm",
        "wire-device.hgrm",
        "wire-echo-busy.hgrm",
        "wire-echo-polled.hgrm",
        "wire-echo.hgrm",
        "wire.hgrm",
        "wire.hlog",
        "wire.svg",
    ];
    assert_eq!(files, expected);
    let read = |name: &str| std::fs::read_to_string(out.join(name)).expect(name);
    let result: Value = serde_json::from_str(&read("result.json")).expect("JSON");
    assert_eq!(result["benches"]["wire"]["p50_us"], line["p50_us"]);
    assert!(result["machine"]["commit"].is_string() && result["machine"]["rustc"].is_string());
    assert!(read("report.html").contains("<svg") && read("wire.svg").contains("99.9%"));
    assert!(read("wire.hgrm").contains("Total count    =         2000"), "{}", read("wire.hgrm"));
}

#[test]
fn a_small_crowd_is_measured_scene_by_scene_and_everybody_is_accounted_for() {
    let directory = tempfile::tempdir().expect("a scratch directory");
    let (data, out) = (directory.path(), directory.path().join("out"));
    let mut arguments = vec!["crowd", "--sync", "never", "--dir", data.to_str().expect("a plain path")];
    arguments.extend(["--active", "5", "--rate", "500", "--idle", "20", "--logins", "4", "--rounds", "1"]);
    arguments.extend(["--duration", "0.5", "--scene", "idle", "--scene", "flood", "--scene", "logins"]);
    let output = bench(&arguments, &out);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let line: Value =
        serde_json::from_str(text(&output.stdout).lines().last().expect("a line")).expect("JSON");
    for name in ["idle_p99_ratio", "flood_with_p999_us", "logins_without_p99_us", "idle_latest_send_ms"] {
        assert!(line[name].is_number(), "{name}: {line}");
    }
    assert_eq!(line["storm_connects"], Value::Null, "not asked for");
    assert_eq!(line["flood_answered"], line["flood_sent"]);
    let logins: u64 = ["accepted", "refused_as_busy", "too_late"]
        .iter()
        .map(|end| line[format!("logins_{end}")].as_u64().expect("a count"))
        .sum();
    assert_eq!(logins, 4, "{line}");
}

#[test]
fn a_directory_that_cannot_be_made_is_refused_before_anything_is_measured() {
    let output = bench(&["wire", "--duration", "600"], Path::new("/dev/null/out"));
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--out /dev/null/out"), "{}", text(&output.stderr));
}

#[test]
fn rates_and_lengths_that_cannot_be_measured_are_refused_by_name() {
    let directory = tempfile::tempdir().expect("a scratch directory");
    for (bench_name, flag, value) in [
        ("wire", "--rate", "0"),
        ("wire", "--duration", "-1"),
        ("journal", "--duration", "NaN"),
        ("pipeline", "--commands", "0"),
        ("snapshot", "--rate", "0"),
    ] {
        let output = bench(&[bench_name, &format!("{flag}={value}")], directory.path());
        assert_eq!(output.status.code(), Some(2), "{bench_name} {flag} {value}");
        assert!(text(&output.stderr).contains(flag), "{}", text(&output.stderr));
    }
}
