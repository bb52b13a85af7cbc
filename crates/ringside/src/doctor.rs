//! `ringside doctor`: whether this host is fit for a configuration, one line a check, with what to do about it. It looks
//! and measures, and changes nothing.
//!
//! Every check is a function of texts below a root directory, or of values that `measure` has found: the tests have a
//! tuned host and an untuned one as text. What a check cannot see is `unknown`, never ok. Guide: docs/tuning.md.

mod disk;
mod finding;
mod kernel;
mod measure;
mod process;
mod processor;
mod suggest;
#[cfg(test)]
mod tests;
mod wanted;

use std::path::{Path, PathBuf};

use clap::Args;
use ringside_venue::config::DEMO;
use ringside_venue::{Config, Overrides};
use serde_json::Value;

use crate::failure::{Failure, REFUSED, USAGE};
use crate::host::Host;
use finding::{Finding, Status};
use wanted::Wanted;

/// Arguments of `doctor`.
#[derive(Args)]
pub struct DoctorArgs {
    /// Configuration file (TOML). Without it: the embedded demo venue's.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One JSON array instead of lines.
    #[arg(long, conflicts_with = "suggest")]
    json: bool,
    /// Prints the configuration with cores, layout and waiting for this host, and checks nothing.
    #[arg(long)]
    suggest: bool,
}

/// What was measured, for the checks that no file answers.
struct Measured {
    flush: Result<disk::Flush, String>,
    preallocation: Result<(), String>,
    space: Result<disk::Space, String>,
    clock: Option<process::WallClock>,
    mode: Option<(String, Result<u32, String>)>,
}

/// Looks, prints, and fails when something must be fixed.
pub fn run(args: &DoctorArgs) -> Result<(), Failure> {
    let usage = |error: &dyn std::fmt::Display| Failure::new(USAGE, error);
    let config = Config::load(args.config.as_deref(), Overrides::default()).map_err(|error| usage(&error))?;
    let data_dir = std::path::absolute(&config.data_dir).map_err(|error| usage(&error))?;
    // A link is where it leads to.
    let data_dir = std::fs::canonicalize(measure::existing(&data_dir)).map_err(|error| usage(&error))?;
    let (host, wanted) = (Host::at("/"), Wanted::of(&config, &data_dir));
    if args.suggest {
        print!("{}", suggested(args.config.as_deref(), &host, &wanted)?);
        return Ok(());
    }
    let findings = examine(&host, &wanted, Measured::now(args.config.as_deref(), &config, &data_dir));
    show(&findings, args.json);
    match findings.iter().filter(|finding| finding.status == Status::Fix).count() {
        0 => Ok(()),
        count => Err(Failure::new(REFUSED, format!("{count} of {} checks ask for a fix", findings.len()))),
    }
}

fn suggested(file: Option<&Path>, host: &Host, wanted: &Wanted) -> Result<String, Failure> {
    let (name, text) = match file {
        None => ("demo".to_string(), Ok(DEMO.to_string())),
        Some(path) => (path.display().to_string(), std::fs::read_to_string(path)),
    };
    let text = text.map_err(|error| Failure::new(USAGE, format!("{name}: {error}")))?;
    let suggestion = suggest::Machine::of(host, wanted).suggestion(wanted.gateways);
    suggest::rewritten(&name, &text, &suggestion).map_err(|error| Failure::new(USAGE, error))
}

impl Measured {
    fn now(file: Option<&Path>, config: &Config, existing: &Path) -> Self {
        Measured {
            flush: measure::flush(existing),
            preallocation: measure::preallocation(existing),
            space: measure::space(&config.data_dir),
            clock: measure::wall_clock(),
            mode: file.map(|path| (path.display().to_string(), measure::mode(path))),
        }
    }
}

/// All checks in the order in which they are shown: cores, kernel, disk, limits, network, clock, file.
fn examine(host: &Host, wanted: &Wanted, measured: Measured) -> Vec<Finding> {
    let of_files: [fn(&Host, &Wanted) -> Finding; 14] = [
        processor::isolcpus,
        processor::nohz_full,
        processor::irq_affinity,
        processor::governor,
        processor::c_states,
        processor::smt,
        kernel::thp,
        kernel::swap,
        kernel::clocksource,
        kernel::rt_throttling,
        kernel::numa,
        disk::file_system,
        disk::journal_mode,
        disk::write_cache,
    ];
    let limits: [fn(&Host, &Wanted) -> Finding; 5] =
        [process::nofile, process::memlock, process::rtprio, process::socket_buffers, process::somaxconn];
    let mode = measured.mode.as_ref().map(|(path, mode)| (path.as_str(), mode.clone()));
    let mut findings: Vec<Finding> = of_files.iter().map(|check| check(host, wanted)).collect();
    findings.push(disk::flush(measured.flush, wanted));
    findings.push(disk::preallocation(measured.preallocation, wanted));
    findings.push(disk::disk_space(measured.space, wanted));
    findings.extend(limits.iter().map(|check| check(host, wanted)));
    findings.push(process::clock_sync(measured.clock, wanted));
    findings.push(process::secrets(mode, wanted));
    findings
}

fn show(findings: &[Finding], as_json: bool) {
    if as_json {
        println!("{}", Value::Array(findings.iter().map(Finding::json).collect()));
        return;
    }
    findings.iter().for_each(|finding| println!("{finding}"));
}
