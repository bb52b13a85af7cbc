//! Rows as Parquet: numbers as UINT64, text as UTF-8 strings, all optional, snappy.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as PhysicalType};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

use super::{Cell, Column, Kind, Rows, Table};

/// Rows held in memory before they are written as a group.
const GROUP: usize = 65_536;

/// The cells of a column since the last group.
enum Cells {
    Numbers(Vec<i64>),
    Texts(Vec<ByteArray>),
}

/// A column of the group under way.
struct Gathered {
    cells: Cells,
    /// 1 where there is a cell, 0 where it is empty.
    levels: Vec<i16>,
}

impl Gathered {
    fn new(column: &Column) -> Gathered {
        let cells = match column.kind {
            Kind::Number => Cells::Numbers(Vec::new()),
            Kind::Text => Cells::Texts(Vec::new()),
        };
        Gathered { cells, levels: Vec::new() }
    }

    fn push(&mut self, cell: &Cell<'_>) {
        self.levels.push(i16::from(*cell != Cell::Empty));
        match (&mut self.cells, cell) {
            (_, Cell::Empty) => {}
            // The bits of a UINT64.
            (Cells::Numbers(numbers), Cell::Number(number)) => numbers.push(*number as i64),
            (Cells::Texts(texts), Cell::Text(text)) => texts.push(ByteArray::from(text.as_bytes().to_vec())),
            _ => unreachable!("Invariant: a cell fits its column"),
        }
    }

    fn write(&mut self, mut column: SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        match &mut self.cells {
            Cells::Numbers(numbers) => {
                column.typed::<Int64Type>().write_batch(numbers, Some(&self.levels), None)?;
                numbers.clear();
            }
            Cells::Texts(texts) => {
                column.typed::<ByteArrayType>().write_batch(texts, Some(&self.levels), None)?;
                texts.clear();
            }
        }
        self.levels.clear();
        column.close()
    }
}

/// A Parquet file.
pub(super) struct ParquetRows {
    writer: SerializedFileWriter<Box<dyn Write + Send>>,
    columns: Vec<Gathered>,
}

impl ParquetRows {
    pub(super) fn new(table: &Table, out: Box<dyn Write + Send>) -> io::Result<ParquetRows> {
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let schema = schema(table).map_err(io::Error::other)?;
        let writer =
            SerializedFileWriter::new(out, schema, Arc::new(properties)).map_err(io::Error::other)?;
        Ok(ParquetRows { writer, columns: table.columns.iter().map(Gathered::new).collect() })
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for gathered in &mut self.columns {
            let column = group.next_column()?.expect("Invariant: a column for each of the schema");
            gathered.write(column)?;
        }
        group.close().map(|_| ())
    }
}

impl Rows for ParquetRows {
    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        self.columns.iter_mut().zip(cells).for_each(|(column, cell)| column.push(cell));
        if self.columns[0].levels.len() < GROUP {
            return Ok(());
        }
        self.write_group().map_err(io::Error::other)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        if !self.columns[0].levels.is_empty() {
            self.write_group().map_err(io::Error::other)?;
        }
        let mut out = self.writer.into_inner().map_err(io::Error::other)?;
        out.flush()
    }
}

fn schema(table: &Table) -> Result<TypePtr, ParquetError> {
    let column = |column: &Column| {
        let (physical, logical) = match column.kind {
            Kind::Number => (PhysicalType::INT64, LogicalType::integer(64, false)),
            Kind::Text => (PhysicalType::BYTE_ARRAY, LogicalType::String),
        };
        let kind = Type::primitive_type_builder(column.name, physical)
            .with_logical_type(Some(logical))
            .with_repetition(Repetition::OPTIONAL);
        kind.build().map(Arc::new)
    };
    let columns = table.columns.iter().map(column).collect::<Result<Vec<_>, _>>()?;
    Type::group_type_builder(table.name).with_fields(columns).build().map(Arc::new)
}
