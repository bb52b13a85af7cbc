//! Where results go: a table or a JSON line to stdout, and files to a directory.

mod hgrm;
mod interval_log;
mod page;
pub mod plot;
mod table;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use serde_json::{Map, Value, json};

use super::machine;
use super::report::Report;
use crate::failure::{Failure, STORAGE, USAGE};

/// Where results go.
#[derive(Args)]
pub struct Output {
    /// One JSON line instead of a table.
    #[arg(long, global = true)]
    pub json: bool,
    /// Writes result.json, report.html, and for each bench NAME.hlog, NAME.hgrm and NAME.svg into this directory.
    #[arg(long, global = true, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

impl Output {
    /// Makes the directory, before minutes are spent on measuring.
    pub fn prepare(&self) -> Result<(), Failure> {
        let Some(directory) = &self.out else { return Ok(()) };
        std::fs::create_dir_all(directory)
            .map_err(|error| Failure::new(USAGE, format!("--out {}: {error}", directory.display())))
    }

    /// Writes the files, then prints: the table, or one JSON line as the last of stdout. `begun`: when the bench was started.
    pub fn deliver(&self, reports: &[Report], begun: SystemTime) -> Result<(), Failure> {
        let machine = machine::describe(&directory_of(reports));
        if let Some(directory) = &self.out {
            let result = result(reports, &machine);
            write_files(directory, reports, &result, begun).map_err(|problem| {
                let named = format!("{}: {}", directory.join(problem.file).display(), problem.source);
                Failure::new(STORAGE, named)
            })?;
        }
        match self.json {
            true => println!("{}", line(reports, machine)),
            false => print!("{}", table::render(reports)),
        }
        Ok(())
    }
}

/// A file that could not be written.
struct FileProblem {
    file: String,
    source: Box<dyn std::error::Error>,
}

/// What `--json` prints: the figures of a bench, or of each by name.
fn line(reports: &[Report], machine: Value) -> Value {
    let mut line: Map<String, Value> = match reports {
        [one] => one.object(),
        many => many.iter().map(|report| (report.name.into(), report.object().into())).collect(),
    };
    line.insert("machine".into(), machine);
    line.insert("version".into(), env!("CARGO_PKG_VERSION").into());
    line.into()
}

/// All figures, the machine and the command line.
fn result(reports: &[Report], machine: &Value) -> Value {
    let benches: Map<String, Value> =
        reports.iter().map(|report| (report.name.into(), report.object().into())).collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "machine": machine,
        "command": std::env::args().skip(1).collect::<Vec<_>>(),
        "benches": benches,
    })
}

fn directory_of(reports: &[Report]) -> PathBuf {
    reports.first().map_or_else(|| ".".into(), |report| report.directory.clone())
}

fn write_files(
    directory: &Path,
    reports: &[Report],
    result: &Value,
    begun: SystemTime,
) -> Result<(), FileProblem> {
    let write = |file: String, bytes: Vec<u8>| {
        std::fs::write(directory.join(&file), bytes)
            .map_err(|source| FileProblem { file, source: source.into() })
    };
    write("result.json".into(), format!("{result:#}\n").into_bytes())?;
    for report in reports.iter().filter(|report| !report.series.is_empty()) {
        let name = report.name;
        let failed = |kind: &'static str| {
            move |source: Box<dyn std::error::Error>| FileProblem { file: format!("{name}.{kind}"), source }
        };
        write(format!("{name}.hlog"), interval_log::render(report, begun).map_err(failed("hlog"))?)?;
        for (at, (series, times)) in report.series.iter().enumerate() {
            // The first series is the bench's own and has its name.
            let file = if at == 0 { format!("{name}.hgrm") } else { format!("{name}-{series}.hgrm") };
            write(file, hgrm::render(&times.total).into_bytes())?;
        }
        write(format!("{name}.svg"), plot::percentiles(report).map_err(failed("svg"))?.into_bytes())?;
    }
    let page = page::render(reports, result);
    let page = page.map_err(|source| FileProblem { file: "report.html".into(), source })?;
    write("report.html".into(), page.into_bytes())
}
