//! Rows as CSV.

use std::io::{self, Write};

use super::{Cell, Rows, Table};

/// A CSV file with a header.
pub(super) struct CsvRows {
    writer: csv::Writer<Box<dyn Write + Send>>,
}

impl CsvRows {
    pub(super) fn new(table: &Table, out: Box<dyn Write + Send>) -> io::Result<CsvRows> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(table.columns.iter().map(|column| column.name))?;
        Ok(CsvRows { writer })
    }
}

impl Rows for CsvRows {
    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        for cell in cells {
            match cell {
                Cell::Empty => self.writer.write_field("")?,
                Cell::Number(number) => self.writer.write_field(number.to_string())?,
                Cell::Text(text) => self.writer.write_field(text.as_ref())?,
            }
        }
        Ok(self.writer.write_record(None::<&[u8]>)?)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.writer.flush()
    }
}
