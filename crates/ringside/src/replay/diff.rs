//! `replay diff A B`: where two journals, or two files of printed lines, part.

use std::path::PathBuf;

use clap::Args;
use ringside_domain::Sequence;
use ringside_replay::{Comparison, Difference, Divergence, Finding, LineDivergence, Lines, LinesError};
use serde_json::{Value, json};

use super::progress::Progress;
use super::{Output, Style, put_line};
use crate::failure::{Failure, REFUSED, STORAGE, USAGE};

/// Arguments of `replay diff`.
#[derive(Args)]
pub struct DiffArgs {
    /// A data directory, or the journal in one; with --events a file
    a: PathBuf,
    /// The same of the other side
    b: PathBuf,
    /// A and B are files of JSON lines, as `print` and `export --format jsonl` write them
    #[arg(long, conflicts_with_all = ["ignore_time", "state_hash_every"])]
    events: bool,
    /// Times do not count, and neither do the state hashes that they are part of
    #[arg(long)]
    ignore_time: bool,
    /// Compares the states after every N sequences, not only at the end
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    state_hash_every: u64,
    /// How the report is written
    #[arg(long, value_enum, default_value_t = Style::Json)]
    format: Style,
}

/// What was compared, and the first difference.
struct Report {
    compared: u64,
    different: Option<Different>,
}

struct Different {
    sequence: Option<u64>,
    line: Option<u64>,
    aspect: String,
    sides: [Value; 2],
}

/// Runs it. Exit code 1 when there is a difference.
pub fn run(args: &DiffArgs) -> Result<(), Failure> {
    let report = if args.events { compare_lines(args)? } else { compare_journals(args)? };
    match args.format {
        Style::Json => put_line(&report.json(args))?,
        Style::Text => report.put_text(args)?,
    }
    match &report.different {
        None => Ok(()),
        Some(different) => Err(Failure::new(REFUSED, different.headline())),
    }
}

fn compare_journals(args: &DiffArgs) -> Result<Report, Failure> {
    let comparison = Comparison { state_hash_every: args.state_hash_every, ignore_time: args.ignore_time };
    let mut difference = Difference::open(&args.a, &args.b, comparison)?;
    let progress = Progress::new(&difference.pasts()[0], Sequence::MAX);
    let mut found = None;
    progress.drive(0, Sequence::MAX, |to| {
        Ok::<bool, Failure>(match difference.run_to(to)? {
            Finding::More => true,
            Finding::Same => false,
            Finding::Different(divergence) => {
                found = Some(*divergence);
                false
            }
        })
    })?;
    Ok(Report { compared: difference.compared(), different: found.map(Different::from) })
}

fn compare_lines(args: &DiffArgs) -> Result<Report, Failure> {
    let mut lines = Lines::open(&args.a, &args.b)?;
    let _progress = Progress::waiting("comparing lines");
    let found = lines.first_difference()?;
    let compared = lines.compared() - u64::from(found.is_some());
    Ok(Report { compared, different: found.map(Different::from) })
}

impl From<Divergence> for Different {
    fn from(found: Divergence) -> Self {
        let Divergence { sequence, aspect, sides } = found;
        Different { sequence: Some(sequence), line: None, aspect: aspect.name().into(), sides }
    }
}

impl From<LineDivergence> for Different {
    fn from(found: LineDivergence) -> Self {
        let LineDivergence { line, sequence, fields, sides } = found;
        let aspect = if fields.is_empty() { "length".into() } else { fields.join(", ") };
        Different { sequence, line: Some(line), aspect, sides }
    }
}

impl Different {
    fn headline(&self) -> String {
        let line = self.line.map_or(String::new(), |line| format!(" (line {line})"));
        match self.sequence {
            Some(sequence) => format!("first difference at sequence {sequence}{line}: {}", self.aspect),
            None => format!("first difference{line}: {}", self.aspect),
        }
    }
}

impl Report {
    fn json(&self, args: &DiffArgs) -> Value {
        let side =
            |path: &PathBuf, value: &Value| json!({"source": path.display().to_string(), "found": value});
        let mut value = json!({"same": self.different.is_none(), "compared": self.compared});
        if let Some(different) = &self.different {
            value["first_divergent_sequence"] = json!(different.sequence);
            value["in"] = json!(different.aspect);
            value["a"] = side(&args.a, &different.sides[0]);
            value["b"] = side(&args.b, &different.sides[1]);
            if let Some(line) = different.line {
                value["line"] = json!(line);
            }
        }
        value
    }

    fn put_text(&self, args: &DiffArgs) -> Result<(), Failure> {
        let mut output = Output::new();
        let unit = if args.events { "lines" } else { "commands" };
        let Some(different) = &self.different else {
            output.line(&format!("the same: {} {unit}", self.compared))?;
            return output.end();
        };
        output.line(&format!("the same: {} {unit}, then the {}", self.compared, different.headline()))?;
        for (path, side) in [&args.a, &args.b].into_iter().zip(&different.sides) {
            output.line(&format!("\n{}", path.display()))?;
            match side {
                Value::Null => output.line(&"ends before it")?,
                side => output.line(&format!("{side:#}"))?,
            };
        }
        output.end()
    }
}

impl From<LinesError> for Failure {
    fn from(error: LinesError) -> Self {
        let code = match &error {
            LinesError::Read { error, .. } if error.kind() != std::io::ErrorKind::NotFound => STORAGE,
            LinesError::Read { .. } | LinesError::Json { .. } => USAGE,
        };
        Failure::new(code, error)
    }
}
