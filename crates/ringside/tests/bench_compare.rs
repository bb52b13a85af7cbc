//! `scripts/bench-compare` with programs that print the same JSON again and again.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A program that prints these lines in turn, one a run.
fn program(directory: &Path, name: &str, lines: &[&str]) -> PathBuf {
    let path = directory.join(name);
    let cases: String = lines.iter().enumerate().map(|(n, line)| format!("{n}) echo '{line}';;\n")).collect();
    let script = format!(
        "#!/bin/sh\necho noise\nn=$(cat \"$0.n\" 2>/dev/null || echo 0)\necho $((n + 1)) >\"$0.n\"\n\
         case $((n % {})) in\n{cases}esac\n",
        lines.len()
    );
    std::fs::write(&path, script).expect("a scratch directory");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("our own file");
    path
}

fn compare(a: &Path, b: &Path, more: &[&str]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/bench-compare");
    Command::new(script).args([a, b]).args(more).output().expect("python3 is on the machine")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

const A: [&str; 2] = [
    r#"{"p50_us": 100, "commands_per_s": 1000000, "raw_p50_us": 50, "p50_per_raw_p50": 2, "rate": 7}"#,
    r#"{"p50_us": 102, "commands_per_s": 1010000, "raw_p50_us": 51, "p50_per_raw_p50": 2, "rate": 7}"#,
];

#[test]
fn two_programs_of_one_speed_are_not_worse() {
    let directory = tempfile::tempdir().expect("a scratch directory");
    let (a, b) = (program(directory.path(), "a", &A), program(directory.path(), "b", &A));
    let output = compare(&a, &b, &["--pairs", "5"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("nothing is worse"), "{}", text(&output));
    // How the run was configured is no figure.
    assert!(!text(&output).contains("\nrate "), "{}", text(&output));
}

#[test]
fn a_slower_program_is_worse_in_time_and_in_rate_but_not_in_its_floor() {
    let directory = tempfile::tempdir().expect("a scratch directory");
    let slower = [
        r#"{"p50_us": 120, "commands_per_s": 800000, "raw_p50_us": 90, "p50_per_raw_p50": 3, "rate": 7}"#,
        r#"{"p50_us": 121, "commands_per_s": 810000, "raw_p50_us": 91, "p50_per_raw_p50": 3, "rate": 7}"#,
    ];
    let (a, b) = (program(directory.path(), "a", &A), program(directory.path(), "b", &slower));
    let output = compare(&a, &b, &["--pairs", "5", "--threshold", "10%"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(
        text(&output).contains("worse by more than 10.0%: p50_us, commands_per_s\n"),
        "{}",
        text(&output)
    );
    // The other way round it is better, and within a generous threshold neither.
    assert_eq!(compare(&b, &a, &["--pairs", "5"]).status.code(), Some(0));
    assert_eq!(compare(&a, &b, &["--pairs", "5", "--threshold", "50%"]).status.code(), Some(0));
}

#[test]
fn a_count_that_grows_with_the_speed_is_no_time() {
    let directory = tempfile::tempdir().expect("a scratch directory");
    let line = |p50: u32, count: u32| {
        format!(
            "{{\"p50_us\": {p50}, \"seconds\": {p50}, \"rejects\": {count}, \"storm_connects\": {count}, \
             \"overload\": {{\"socket_full\": {count}}}, \"disk_bytes_per_log_byte\": {count}, \
             \"stages\": {{\"ring\": {{\"count\": {count}, \"p50_us\": {p50}}}}}}}"
        )
    };
    let (slow, fast) = (line(100, 1_000), line(50, 2_000));
    let (a, b) = (program(directory.path(), "a", &[&slow]), program(directory.path(), "b", &[&fast]));
    let output = compare(&a, &b, &["--pairs", "3"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("nothing is worse"), "{}", text(&output));
    // The times are judged wherever they are nested.
    let output = compare(&b, &a, &["--pairs", "3"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let expected = "worse by more than 5.0%: p50_us, seconds, stages.ring.p50_us\n";
    assert!(text(&output).contains(expected), "{}", text(&output));
    // Who asks for a count is shown it.
    let output = compare(&a, &b, &["--pairs", "3", "--figure", "rejects"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("\nrejects "), "{}", text(&output));
}

#[test]
fn noise_that_is_wider_than_the_difference_is_not_worse() {
    let directory = tempfile::tempdir().expect("a scratch directory");
    let lines = |times: [u32; 5]| times.map(|us| format!("{{\"p50_us\": {us}}}"));
    let noisy = |name, times| {
        let lines = lines(times);
        program(directory.path(), name, &lines.each_ref().map(String::as_str))
    };
    let (a, b) = (noisy("a", [100, 300, 90, 250, 110]), noisy("b", [120, 80, 310, 95, 240]));
    let output = compare(&a, &b, &["--pairs", "5"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
}

#[test]
fn what_is_no_program_no_commit_and_no_json_is_refused_by_name() {
    let directory = tempfile::tempdir().expect("a scratch directory");
    let (a, silent) = (program(directory.path(), "a", &A), program(directory.path(), "silent", &["oh"]));
    let output = compare(&a, Path::new("no-such-thing"), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("no-such-thing is neither a program nor a commit"), "{}", text(&output));
    let output = compare(&a, &silent, &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("the last line is not JSON"), "{}", text(&output));
    assert_eq!(compare(&a, &a, &["--figure", "p98_us"]).status.code(), Some(2));
}
