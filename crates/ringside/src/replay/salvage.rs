//! `replay salvage`: what is valid of a damaged journal, in a new data directory.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use ringside_replay::{Salvage, SalvageError, Salvaged, command_json, salvage};
use serde_json::{Value, json};

use super::progress::Progress;
use super::{Output, Source, Style, put_line};
use crate::failure::{CORRUPT, Failure, STORAGE, USAGE};

/// Arguments of `replay salvage`.
#[derive(Args)]
pub struct SalvageArgs {
    #[command(flatten)]
    source: Source,
    /// New data directory for the valid prefix
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// New file for a list of the commands behind the damage whose checksum is right, one JSON object a line
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// How the report is written
    #[arg(long, value_enum, default_value_t = Style::Json)]
    format: Style,
}

/// Runs it.
pub fn run(args: &SalvageArgs) -> Result<(), Failure> {
    let what = Salvage { source: &args.source.data_dir, target: &args.to };
    let mut list = args.list.as_deref().map(create).transpose()?;
    let progress = Progress::waiting("reading, copying, reading the copy");
    let salvaged = salvage(&what, |engine, entry| {
        let Some(list) = &mut list else { return Ok(()) };
        let line = json!({"segment": entry.segment, "offset": entry.offset, "sequence": entry.sequence,
            "time_ns": entry.time_ns, "command": command_json(engine, &entry.command)});
        writeln!(list, "{line}")
    })?;
    drop(progress);
    if let (Some(mut list), Some(path)) = (list, &args.list) {
        list.flush().map_err(|error| Failure::new(STORAGE, format!("{}: {error}", path.display())))?;
    }
    match args.format {
        Style::Json => put_line(&report(args, &salvaged)),
        Style::Text => put_text(args, &salvaged),
    }
}

fn create(path: &Path) -> Result<BufWriter<File>, Failure> {
    let file = File::create_new(path);
    let code = |error: &std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => USAGE,
        _ => STORAGE,
    };
    file.map(BufWriter::new)
        .map_err(|error| Failure::new(code(&error), format!("{}: {error}", path.display())))
}

fn report(args: &SalvageArgs, salvaged: &Salvaged) -> Value {
    let damage = salvaged.damage.as_ref().map(|damage| {
        json!({"segment": damage.segment, "offset": damage.offset, "sequence": damage.sequence,
            "reason": damage.reason.to_string()})
    });
    let lost = salvaged.damage.as_ref().map(|_| {
        json!({"from_sequence": salvaged.last_sequence + 1, "bytes": salvaged.lost_bytes,
            "intact_bytes": salvaged.intact_bytes, "intact_commands": salvaged.intact_commands,
            "intact_first_sequence": salvaged.intact_sequences.map(|(first, _)| first),
            "intact_last_sequence": salvaged.intact_sequences.map(|(_, last)| last)})
    });
    json!({"to": args.to.display().to_string(), "first_sequence": salvaged.first_sequence,
        "last_sequence": salvaged.last_sequence, "state_hash": format!("{:016x}", salvaged.state_hash),
        "saved_bytes": salvaged.saved_bytes, "torn_tail_bytes": salvaged.torn_tail_bytes, "damage": damage,
        "lost": lost})
}

fn put_text(args: &SalvageArgs, salvaged: &Salvaged) -> Result<(), Failure> {
    let mut output = Output::new();
    let Salvaged { first_sequence, last_sequence, saved_bytes, state_hash, .. } = salvaged;
    output.line(&format!(
        "saved: sequences {first_sequence} to {last_sequence}, {saved_bytes} bytes, state hash {state_hash:016x}, in {}",
        args.to.display()
    ))?;
    match &salvaged.damage {
        None => output.line(&"nothing is damaged")?,
        Some(damage) => {
            output.line(damage)?;
            output.line(&format!(
                "lost: everything from sequence {} on, {} bytes",
                last_sequence + 1,
                salvaged.lost_bytes
            ))?
        }
    };
    if salvaged.torn_tail_bytes > 0 {
        output.line(&format!(
            "not saved: {} bytes at the end that nobody was told about",
            salvaged.torn_tail_bytes
        ))?;
    }
    if let Some((first, last)) = salvaged.intact_sequences.filter(|_| salvaged.damage.is_some()) {
        output.line(&format!(
            "of these, {} commands ({} bytes) have a right checksum: sequences {first} to {last}",
            salvaged.intact_commands, salvaged.intact_bytes
        ))?;
    }
    output.end()
}

impl From<SalvageError> for Failure {
    fn from(error: SalvageError) -> Self {
        let code = match error {
            SalvageError::Replay(error) => return error.into(),
            SalvageError::Live(_) | SalvageError::Target(_) => USAGE,
            SalvageError::Newer(_) | SalvageError::Nothing(_) | SalvageError::NoBeginning { .. } => CORRUPT,
            SalvageError::File { .. } => STORAGE,
        };
        Failure::new(code, error)
    }
}
