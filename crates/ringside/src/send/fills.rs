//! The fills of a flow as CSV: taker, maker, price with four decimals, quantity.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use ringside_sim::flow::decimal;

use super::SendError;

const HEADER: &str = "taker_order_id,maker_order_id,price,quantity";

/// A file that fills are written to.
#[derive(Debug)]
pub struct FillsFile {
    path: String,
    file: BufWriter<File>,
}

impl FillsFile {
    /// Creates the file, or empties it.
    pub fn create(path: &Path) -> Result<FillsFile, SendError> {
        let named = path.display().to_string();
        let file = File::create(path).and_then(|file| {
            let mut file = BufWriter::new(file);
            writeln!(file, "{HEADER}").map(|()| file)
        });
        match file {
            Ok(file) => Ok(FillsFile { path: named, file }),
            Err(source) => Err(SendError::Fills { path: named, source }),
        }
    }

    /// Appends one fill; the price is in wire units.
    pub fn write(&mut self, taker: &str, maker: &str, price: u64, quantity: u32) -> Result<(), SendError> {
        let written = put_line(&mut self.file, taker, maker, price, quantity);
        written.map_err(|source| self.failed(source))
    }

    /// Writes what is left.
    pub fn finish(mut self) -> Result<(), SendError> {
        self.file.flush().map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> SendError {
        SendError::Fills { path: self.path.clone(), source }
    }
}

fn put_line(out: &mut impl Write, taker: &str, maker: &str, price: u64, quantity: u32) -> io::Result<()> {
    put_id(out, taker)?;
    put_id(out, maker)?;
    writeln!(out, "{},{quantity}", decimal(price))
}

/// An id and a comma, quoted when CSV needs it.
fn put_id(out: &mut impl Write, id: &str) -> io::Result<()> {
    match id.contains([',', '"', '\n', '\r']) {
        false => write!(out, "{id},"),
        true => write!(out, "\"{}\",", id.replace('"', "\"\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_four_decimals_and_quotes_only_where_needed() {
        let mut out = Vec::new();
        put_line(&mut out, "9", "7", 48_002_500, 5).unwrap();
        put_line(&mut out, "a,b", "say \"x\"", 1, 2).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "9,7,4800.2500,5\n\"a,b\",\"say \"\"x\"\"\",0.0001,2\n");
    }
}
