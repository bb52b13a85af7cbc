//! Order-flow files: CSV rows of `time_ns,action,order_id,symbol,side,price,quantity,tif,new_order_id`.
//!
//! - [`FlowReader`] streams rows out of a file, plain or gzipped by name, or out of any reader.
//! - [`FlowCommands`] turns rows into commands: UserRefNums count `new` and `replace` from 1.
//! - [`FillsDigest`] sums a list of fills up, so that two of them can be compared in one line.
//!
//! Actions: `new`, `cancel`, `reduce`, `replace` of the flow's login, and `uncross`, which only the operator can do:
//! it names a symbol and nothing else.
//!
//! Order ids are text that is compared and printed back, never computed with. Prices have at most four
//! decimals and become wire units. Whether an order is *acceptable* is the venue's business: quantity 0 or
//! an off-tick price are rows like any other.
//!
//! Known limit: [`FlowCommands`] keeps every order id of the flow, because a cancel may name a dead order.

mod agreement;
mod commands;
mod digest;
mod row;

pub use agreement::{Agreement, NamedFill, agreement, parse_fills};
pub use commands::{FlowCommands, FlowItem};
pub use digest::{FillsDigest, decimal, fills_digest};
pub use row::{FlowAction, FlowRow};

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use csv::{StringRecord, Terminator, Trim};
use flate2::read::MultiGzDecoder;
use thiserror::Error;

/// First line of every order-flow file.
pub const HEADER: [&str; 9] =
    ["time_ns", "action", "order_id", "symbol", "side", "price", "quantity", "tif", "new_order_id"];

/// Why a flow can not be read on.
#[derive(Debug, Error)]
pub enum FlowError {
    /// The file can not be opened.
    #[error("{path}: {source}")]
    Open {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Bytes can not be read, unzipped or split into columns.
    #[error("line {line}: {source}")]
    Read {
        /// 1-based line of the file, 0 when unknown.
        line: u64,
        /// What the CSV reader said.
        source: csv::Error,
    },
    /// The first line is not [`HEADER`].
    #[error("line 1: not an order-flow file, the header is {found:?}")]
    Header {
        /// What is there.
        found: String,
    },
    /// A row has too few or too many columns.
    #[error("line {line}: {found} columns, expected 9")]
    Columns {
        /// 1-based line of the file.
        line: u64,
        /// Columns found.
        found: usize,
    },
    /// A column does not hold what it should.
    #[error("line {line}, column {column}: {found:?} is not {expected}")]
    Value {
        /// 1-based line of the file.
        line: u64,
        /// Name of the column.
        column: &'static str,
        /// What is there.
        found: String,
        /// What should be there.
        expected: &'static str,
    },
    /// A row names an order that no row before it made.
    #[error("line {line}, column order_id: no order {order_id:?} before this line")]
    UnknownOrder {
        /// 1-based line of the file.
        line: u64,
        /// The id.
        order_id: String,
    },
    /// A row that no login can send.
    #[error("line {line}, column action: uncross needs --admin")]
    NeedsAdmin {
        /// 1-based line of the file.
        line: u64,
    },
    /// More orders than UserRefNums.
    #[error("line {line}: more than 4294967295 orders in one flow")]
    TooManyOrders {
        /// 1-based line of the file.
        line: u64,
    },
}

/// Rows of a flow, one at a time. After an error the iteration is over.
pub struct FlowReader<R: Read> {
    csv: csv::Reader<R>,
    record: StringRecord,
    finished: bool,
}

impl FlowReader<Box<dyn Read + Send>> {
    /// Opens a file; a name ending in `.gz` is unzipped on the way.
    pub fn open(path: &Path) -> Result<Self, FlowError> {
        let named = |source| FlowError::Open { path: path.display().to_string(), source };
        let file = BufReader::with_capacity(1 << 16, File::open(path).map_err(named)?);
        if path.extension().is_some_and(|extension| extension == "gz") {
            Self::from_reader(Box::new(MultiGzDecoder::new(file)))
        } else {
            Self::from_reader(Box::new(file))
        }
    }
}

impl<R: Read> FlowReader<R> {
    /// Reads plain CSV, for example standard input. The header is checked at once.
    pub fn from_reader(reader: R) -> Result<Self, FlowError> {
        // Lines end at the line feed, so that lines count right; trimming takes the carriage return off.
        let mut csv = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .terminator(Terminator::Any(b'\n'))
            .trim(Trim::All)
            .from_reader(reader);
        let mut record = StringRecord::new();
        let line = |source| FlowError::Read { line: 1, source };
        csv.read_record(&mut record).map_err(line)?;
        if !record.iter().eq(HEADER) {
            return Err(FlowError::Header { found: record.iter().collect::<Vec<_>>().join(",") });
        }
        Ok(FlowReader { csv, record, finished: false })
    }

    fn read_row(&mut self) -> Option<Result<FlowRow, FlowError>> {
        match self.csv.read_record(&mut self.record) {
            Ok(false) => None,
            Ok(true) => Some(FlowRow::parse(&self.record)),
            Err(source) => {
                let line = source.position().map_or(0, |position| position.line());
                Some(Err(FlowError::Read { line, source }))
            }
        }
    }
}

impl<R: Read> Iterator for FlowReader<R> {
    type Item = Result<FlowRow, FlowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        let row = self.read_row();
        self.finished = !matches!(row, Some(Ok(_)));
        row
    }
}
