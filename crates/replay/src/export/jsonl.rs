//! Rows as JSON lines. What is empty is left out.

use std::io::{self, Write};

use super::{Cell, Rows, Table};

/// A file of JSON objects.
pub(super) struct JsonRows {
    table: &'static Table,
    out: Box<dyn Write + Send>,
    line: Vec<u8>,
}

impl JsonRows {
    pub(super) fn new(table: &'static Table, out: Box<dyn Write + Send>) -> JsonRows {
        JsonRows { table, out, line: Vec::new() }
    }
}

impl Rows for JsonRows {
    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        self.line.clear();
        for (column, cell) in self.table.columns.iter().zip(cells) {
            if matches!(cell, Cell::Empty) {
                continue;
            }
            self.line.push(if self.line.is_empty() { b'{' } else { b',' });
            write!(self.line, "\"{}\":", column.name)?;
            match cell {
                Cell::Empty => {}
                Cell::Number(number) => write!(self.line, "{number}")?,
                Cell::Text(text) => serde_json::to_writer(&mut self.line, text)?,
            }
        }
        self.line.extend_from_slice(b"}\n");
        self.out.write_all(&self.line)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.out.flush()
    }
}
