//! `replay export`: commands, events and trades as tables.

use std::io::{self, BufWriter};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ringside_domain::Sequence;
use ringside_replay::{Export, ExportError, Format, Past, TABLES, Table};
use serde_json::json;

use super::progress::Progress;
use super::{Source, put_line};
use crate::failure::{Failure, STORAGE, USAGE};

/// Arguments of `replay export`.
#[derive(Args)]
pub struct ExportArgs {
    #[command(flatten)]
    source: Source,
    /// File format
    #[arg(long, value_enum, default_value_t = FormatName::Csv)]
    format: FormatName,
    /// Tables to write; without it all, or with no --out the one for stdout
    #[arg(long, value_enum, value_delimiter = ',')]
    table: Vec<TableName>,
    /// Directory for the files; without it one table goes to stdout
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// First sequence to write
    #[arg(long, default_value_t = 1)]
    from: Sequence,
    /// Last sequence to write
    #[arg(long, default_value_t = Sequence::MAX, hide_default_value = true)]
    to: Sequence,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum FormatName {
    Csv,
    Jsonl,
    Parquet,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum TableName {
    Commands,
    Events,
    Trades,
}

/// Runs it. With `--out`, prints one JSON line that names the files.
pub fn run(args: &ExportArgs) -> Result<(), Failure> {
    let format = format(args.format)?;
    let past = Past::open(&args.source.data_dir)?;
    let progress = Progress::new(&past, args.to);
    let mut export = Export::new(past, args.from);
    let files = match &args.out {
        Some(_) => add_files(args, format, &mut export)?,
        None => add_stdout(args, format, &mut export)?,
    };
    let written = progress
        .drive(0, args.to, |to| export.run_to(to))
        .and_then(|()| Ok((export.past().last_sequence(), export.finish()?)));
    drop(progress);
    match written {
        // Somebody who has seen enough is no failure.
        Err(ExportError::Write { error, .. }) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) if files.is_empty() => Ok(()),
        Ok((last, ())) => put_line(&json!({"last_sequence": last, "files": files})),
    }
}

fn format(name: FormatName) -> Result<Format, Failure> {
    match name {
        FormatName::Csv => Ok(Format::Csv),
        FormatName::Jsonl => Ok(Format::Jsonl),
        #[cfg(feature = "parquet")]
        FormatName::Parquet => Ok(Format::Parquet),
        #[cfg(not(feature = "parquet"))]
        FormatName::Parquet => {
            let problem =
                "--format parquet: this program was built without it (cargo build --features parquet)";
            Err(Failure::new(USAGE, problem))
        }
    }
}

fn table(name: TableName) -> &'static Table {
    TABLES[name as usize]
}

fn add_files(args: &ExportArgs, format: Format, export: &mut Export) -> Result<Vec<String>, Failure> {
    let directory = args.out.as_ref().expect("Invariant: files go to a directory");
    std::fs::create_dir_all(directory)
        .map_err(|error| Failure::new(STORAGE, format!("{}: {error}", directory.display())))?;
    let wanted = if args.table.is_empty() { TableName::value_variants() } else { &args.table };
    let mut files = Vec::new();
    for name in wanted {
        files.push(export.add_file(table(*name), format, directory)?.display().to_string());
    }
    Ok(files)
}

fn add_stdout(args: &ExportArgs, format: Format, export: &mut Export) -> Result<Vec<String>, Failure> {
    let [name] = args.table[..] else {
        let problem = "which table? --table commands, events or trades for stdout, or --out DIR for files";
        return Err(Failure::new(USAGE, problem));
    };
    let out = BufWriter::with_capacity(1 << 18, io::stdout());
    export.add(table(name), format, Box::new(out), "stdout".into())?;
    Ok(Vec::new())
}
