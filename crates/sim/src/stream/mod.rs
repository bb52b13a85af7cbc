//! Binary benchmark streams: 32-byte records, their `meta.json`, and the digest of their trades.
//!
//! - [`StreamReader`] reads records, [`StreamMeta`] tells what to expect of them.
//! - [`Translator`] turns records into commands of one login on channel 0. Order ids serve as UserRefNums,
//!   since they ascend.
//! - [`TradeDigest`] sums trades up.
//!
//! ```text
//!  0      1      2     3     4         8            16           24       28      32
//!  | type | side | tif | pad | symbol  | order_id   | price      | qty    | new_id |   little endian
//! ```
//!
//! Refuses the record type EXEC of `*.book.bin`: an engine makes its own executions.

mod packed;
mod translate;

pub use packed::{Packed, Symbols};
pub use translate::{LOGIN, Translator, setup, symbol};

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;

use ringside_domain::limits::INSTRUMENTS_MAX;
use serde::Deserialize;
use thiserror::Error;

/// Bytes of a record.
pub const RECORD_SIZE: usize = 32;

/// Why a stream can not be read on.
#[derive(Debug, Error)]
pub enum StreamError {
    /// The system refused.
    #[error("record {record}: {source}")]
    Read {
        /// 0-based number of the record.
        record: u64,
        /// What the system said.
        source: io::Error,
    },
    /// A file can not be opened.
    #[error("{path}: {source}")]
    Open {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The file ends inside a record.
    #[error("record {record}: only {found} of 32 bytes")]
    Torn {
        /// 0-based number of the record.
        record: u64,
        /// Bytes that are there.
        found: usize,
    },
    /// A field holds what the format does not allow.
    #[error("record {record}: {field} is {found}")]
    Value {
        /// 0-based number of the record.
        record: u64,
        /// Name of the field.
        field: &'static str,
        /// What is there.
        found: u64,
    },
    /// The meta file is not what the format says.
    #[error("{path}: {source}")]
    Meta {
        /// The file.
        path: String,
        /// What the JSON reader said.
        source: serde_json::Error,
    },
}

/// One record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record {
    /// What is done.
    pub kind: RecordKind,
    /// 0-based instrument.
    pub symbol: u32,
    /// The new order for [`RecordKind::New`], else the target.
    pub order_id: u32,
    /// Ticks, ≥ 1 for new and replace.
    pub price: u64,
    /// New and replace: size of the new order; reduce: amount to take off.
    pub quantity: u32,
    /// Replace: id of the replacement; else 0.
    pub new_id: u32,
}

/// What a record does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordKind {
    /// A new order.
    New {
        /// Buy instead of sell.
        buy: bool,
        /// Immediate or cancel instead of resting.
        immediate: bool,
    },
    /// Cancel whole.
    Cancel,
    /// Take an amount off, keep priority.
    Reduce,
    /// Cancel and enter anew under another id.
    Replace,
}

impl Record {
    /// Decodes record number `record` of a stream.
    pub fn decode(record: u64, bytes: &[u8; RECORD_SIZE]) -> Result<Record, StreamError> {
        let refuse = |field, found| StreamError::Value { record, field, found };
        let (word, long) = (|at: usize| word_at(bytes, at), |at: usize| long_at(bytes, at));
        Ok(Record {
            kind: kind_of(bytes).map_err(|(field, found)| refuse(field, u64::from(found)))?,
            symbol: Some(word(4)).filter(|n| *n < INSTRUMENTS_MAX).ok_or(refuse("symbol", word(4).into()))?,
            order_id: u32::try_from(long(8)).map_err(|_| refuse("order_id", long(8)))?,
            price: long(16),
            quantity: word(24),
            new_id: word(28),
        })
    }
}

fn kind_of(bytes: &[u8; RECORD_SIZE]) -> Result<RecordKind, (&'static str, u8)> {
    match bytes[0] {
        1 if bytes[1] > 1 => Err(("side", bytes[1])),
        1 if bytes[2] > 1 => Err(("tif", bytes[2])),
        1 => Ok(RecordKind::New { buy: bytes[1] == 0, immediate: bytes[2] == 1 }),
        2 => Ok(RecordKind::Cancel),
        3 => Ok(RecordKind::Reduce),
        4 => Ok(RecordKind::Replace),
        other => Err(("type", other)),
    }
}

fn word_at(bytes: &[u8; RECORD_SIZE], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn long_at(bytes: &[u8; RECORD_SIZE], at: usize) -> u64 {
    u64::from(word_at(bytes, at)) | u64::from(word_at(bytes, at + 4)) << 32
}

/// Records of a stream, one at a time. After an error the iteration is over.
pub struct StreamReader<R: Read> {
    reader: R,
    record: u64,
    finished: bool,
}

impl StreamReader<BufReader<File>> {
    /// Opens `X.bin`.
    pub fn open(path: &Path) -> Result<Self, StreamError> {
        let named = |source| StreamError::Open { path: path.display().to_string(), source };
        Ok(Self::from_reader(BufReader::with_capacity(1 << 20, File::open(path).map_err(named)?)))
    }
}

impl<R: Read> StreamReader<R> {
    /// Reads records from anything; buffering is the caller's.
    pub fn from_reader(reader: R) -> Self {
        StreamReader { reader, record: 0, finished: false }
    }

    fn read_record(&mut self) -> Result<Option<Record>, StreamError> {
        let mut bytes = [0; RECORD_SIZE];
        let record = self.record;
        match self.fill(&mut bytes).map_err(|source| StreamError::Read { record, source })? {
            0 => Ok(None),
            RECORD_SIZE => Record::decode(record, &bytes).map(Some),
            found => Err(StreamError::Torn { record, found }),
        }
    }

    /// Bytes read: fewer than asked only at the end of the file.
    fn fill(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut found = 0;
        while found < bytes.len() {
            match self.reader.read(&mut bytes[found..]) {
                Ok(0) => break,
                Ok(more) => found += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}

impl<R: Read> Iterator for StreamReader<R> {
    type Item = Result<Record, StreamError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        let record = self.read_record().transpose();
        self.finished = !matches!(record, Some(Ok(_)));
        self.record += 1;
        record
    }
}

/// What `X.meta.json` promises about `X.bin`. Counts and sums cover the whole file, prefill included.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct StreamMeta {
    /// Records that only build the book, not timed.
    pub prefill: u64,
    /// Records of the file.
    pub records: u64,
    /// Instruments.
    pub symbols: u32,
    /// Matches.
    pub trades: u64,
    /// Shares matched.
    pub volume: u64,
    /// Trade digest, 16 hexadecimal digits.
    pub hash: String,
}

impl StreamMeta {
    /// Reads a meta file.
    pub fn open(path: &Path) -> Result<Self, StreamError> {
        let name = || path.display().to_string();
        let text = std::fs::read(path).map_err(|source| StreamError::Open { path: name(), source })?;
        serde_json::from_slice(&text).map_err(|source| StreamError::Meta { path: name(), source })
    }

    /// Reads `X.meta.json` beside the stream `X.bin`.
    pub fn beside(stream: &Path) -> Result<Self, StreamError> {
        Self::open(&stream.with_extension("meta.json"))
    }
}

/// One step of the trade digest (flowgen/FORMAT.md).
pub fn mix(digest: u64, value: u64) -> u64 {
    let mixed = (digest ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ (mixed >> 32)
}

/// 64-bit digest over trades in order of occurrence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TradeDigest(u64);

impl TradeDigest {
    /// Digest of no trades.
    pub const fn new() -> Self {
        TradeDigest(0xcbf2_9ce4_8422_2325)
    }

    /// Adds the next trade.
    pub fn add(&mut self, maker_id: u64, taker_id: u64, price: u64, quantity: u32) {
        for value in [maker_id, taker_id, price, u64::from(quantity)] {
            self.0 = mix(self.0, value);
        }
    }

    /// The digest so far.
    pub const fn value(self) -> u64 {
        self.0
    }
}

impl Default for TradeDigest {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Display for TradeDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
