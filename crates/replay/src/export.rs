//! Commands, events and trades as tables, for pandas, DuckDB and spreadsheets.
//!
//! One pass over the journal, one row at a time: memory is that of the engine and one entry for each live order. The
//! columns are a promise (docs/replay.md): names and meanings stay, new ones are added at the end.

mod csv;
mod jsonl;
#[cfg(feature = "parquet")]
mod parquet;
mod rows;
mod tables;

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use ringside_domain::Sequence;
use thiserror::Error;

use crate::matches::Market;
use crate::past::{Past, ReplayError};

pub use tables::TABLES;

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A whole number from 0 to 2^64 - 1.
    Number,
    /// Text.
    Text,
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What it means.
    pub about: &'static str,
}

/// A table.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its name, also that of its file.
    pub name: &'static str,
    /// Its columns, in order.
    pub columns: &'static [Column],
}

/// A field of a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cell<'a> {
    /// Nothing to say.
    Empty,
    /// In a column of numbers.
    Number(u64),
    /// In a column of text.
    Text(Cow<'a, str>),
}

/// File formats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Comma-separated, with a header, RFC 4180.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// Apache Parquet, snappy.
    #[cfg(feature = "parquet")]
    Parquet,
}

impl Format {
    /// The ending of its files.
    pub const fn extension(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Jsonl => "jsonl",
            #[cfg(feature = "parquet")]
            Format::Parquet => "parquet",
        }
    }
}

/// Why an export ended early.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The past cannot be told.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// A file cannot be written.
    #[error("{}: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

/// Where the rows of one table go.
pub trait Rows {
    /// Takes a row: one cell for each column.
    fn row(&mut self, cells: &[Cell<'_>]) -> std::io::Result<()>;

    /// Everything is written, or this is the error.
    fn finish(self: Box<Self>) -> std::io::Result<()>;
}

/// A table on its way into a file.
struct Sink {
    path: PathBuf,
    rows: Box<dyn Rows>,
}

impl Sink {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), ExportError> {
        self.rows.row(cells).map_err(|error| ExportError::Write { path: self.path.clone(), error })
    }

    fn finish(self) -> Result<(), ExportError> {
        self.rows.finish().map_err(|error| ExportError::Write { path: self.path, error })
    }
}

/// An export under way.
pub struct Export {
    past: Past,
    market: Market,
    from: Sequence,
    /// By position in [`TABLES`].
    sinks: [Option<Sink>; 3],
}

impl Export {
    /// Of the commands from `from` on.
    pub fn new(past: Past, from: Sequence) -> Export {
        let market = Market::of(past.engine());
        Export { past, market, from, sinks: [None, None, None] }
    }

    /// The past that is exported.
    pub fn past(&self) -> &Past {
        &self.past
    }

    /// Also writes this table, into a new file of `directory`.
    ///
    /// # Errors
    /// When the file is there already: an export never replaces one.
    pub fn add_file(
        &mut self,
        table: &'static Table,
        format: Format,
        directory: &Path,
    ) -> Result<PathBuf, ExportError> {
        let path = directory.join(format!("{}.{}", table.name, format.extension()));
        let named = |error| ExportError::Write { path: path.clone(), error };
        let file = BufWriter::with_capacity(1 << 18, File::create_new(&path).map_err(named)?);
        self.add(table, format, Box::new(file), path.clone())?;
        Ok(path)
    }

    /// Also writes this table, into `out`, which is called `path` in errors.
    pub fn add(
        &mut self,
        table: &'static Table,
        format: Format,
        out: Box<dyn Write + Send>,
        path: PathBuf,
    ) -> Result<(), ExportError> {
        let rows =
            rows_of(table, format, out).map_err(|error| ExportError::Write { path: path.clone(), error })?;
        let at = TABLES.iter().position(|found| found.name == table.name);
        self.sinks[at.expect("Invariant: a table is one of TABLES")] = Some(Sink { path, rows });
        Ok(())
    }

    /// Writes the rows of all commands up to `to`. True when there may be more.
    pub fn run_to(&mut self, to: Sequence) -> Result<bool, ExportError> {
        while self.past.last_sequence() < to {
            let Some(turn) = self.past.turn()? else { return Ok(false) };
            let wanted = turn.sequence >= self.from;
            let [commands, events, trades] = &mut self.sinks;
            if let (Some(sink), true) = (commands, wanted) {
                sink.row(&rows::command(&turn))?;
            }
            for (at, event) in turn.events.iter().enumerate() {
                let (change, trade) = self.market.follow(event);
                if !wanted {
                    continue;
                }
                if let Some(sink) = events {
                    sink.row(&rows::event(&turn, at, event, change.as_ref()))?;
                }
                if let (Some(sink), Some(trade)) = (&mut *trades, trade) {
                    sink.row(&rows::trade(&turn, &trade))?;
                }
            }
        }
        Ok(true)
    }

    /// Ends all files.
    pub fn finish(self) -> Result<(), ExportError> {
        self.sinks.into_iter().flatten().try_for_each(Sink::finish)
    }
}

fn rows_of(
    table: &'static Table,
    format: Format,
    out: Box<dyn Write + Send>,
) -> std::io::Result<Box<dyn Rows>> {
    Ok(match format {
        Format::Csv => Box::new(csv::CsvRows::new(table, out)?),
        Format::Jsonl => Box::new(jsonl::JsonRows::new(table, out)),
        #[cfg(feature = "parquet")]
        Format::Parquet => Box::new(parquet::ParquetRows::new(table, out)?),
    })
}
