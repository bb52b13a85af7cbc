//! Records of a section, one behind the other: through a buffer, with a checksum on the way.

use std::mem::size_of;

use crc32fast::Hasher;
use ringside_storage::{Draft, ReadAt, StorageError};

use crate::error::{Damage, SnapshotError};
use crate::format::{Extent, SECTION_ALIGN, Section};
use crate::records::{RECORD_ALIGN, RECORD_LENGTH_MAX, Record};

/// Bytes that are read or written at once.
const CHUNK: usize = 256 * 1024;

/// Writes sections to a draft.
pub(crate) struct SectionWriter<'a, F> {
    draft: &'a mut F,
    buffer: Vec<u8>,
    crc: Hasher,
    /// Where the section begins.
    begin: u64,
    /// Where the buffer goes.
    offset: u64,
    records: u64,
}

impl<'a, F: Draft> SectionWriter<'a, F> {
    /// Writes from `offset` on, where a section may begin.
    pub(crate) fn new(draft: &'a mut F, offset: u64) -> Self {
        let buffer = Vec::with_capacity(CHUNK);
        SectionWriter { draft, buffer, crc: Hasher::new(), begin: offset, offset, records: 0 }
    }

    /// Adds a record.
    #[inline]
    pub(crate) fn put<T: Record>(&mut self, record: &T) -> Result<(), StorageError> {
        if self.buffer.len() + RECORD_LENGTH_MAX > CHUNK {
            self.flush()?;
        }
        let from = self.buffer.len();
        self.buffer.resize(from + size_of::<T>(), 0);
        record.put(&mut self.buffer[from..]);
        self.records += 1;
        Ok(())
    }

    /// Ends the section; the next one begins behind it.
    pub(crate) fn finish(&mut self) -> Result<Extent, StorageError> {
        let written = self.offset + self.buffer.len() as u64 - self.begin;
        let padding = written.next_multiple_of(SECTION_ALIGN) - written;
        self.buffer.resize(self.buffer.len() + padding as usize, 0);
        self.flush()?;
        let crc = std::mem::take(&mut self.crc).finalize();
        let extent = Extent { crc, offset: self.begin, records: self.records };
        (self.begin, self.records) = (self.offset, 0);
        Ok(extent)
    }

    /// Where the last section ended.
    pub(crate) fn end(&self) -> u64 {
        self.offset
    }

    fn flush(&mut self) -> Result<(), StorageError> {
        self.crc.update(&self.buffer);
        self.draft.write(&self.buffer)?;
        self.offset += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// Memory in which records are aligned.
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    skip: usize,
}

impl Buffer {
    pub(crate) fn new() -> Self {
        let bytes = vec![0; CHUNK + RECORD_ALIGN];
        let skip = bytes.as_ptr().align_offset(RECORD_ALIGN);
        Buffer { bytes, skip }
    }

    fn first(&mut self, length: usize) -> &mut [u8] {
        &mut self.bytes[self.skip..self.skip + length]
    }
}

/// A file that is read.
pub(crate) struct Source<'a, R> {
    pub(crate) reader: &'a R,
    /// Its name, for complaints.
    pub(crate) file: &'a str,
}

impl<R: ReadAt> Source<'_, R> {
    /// Gives every record of a section to `each`, which answers `None` for one that cannot be. The checksum is known only
    /// after the last one: until then nothing is to be believed.
    pub(crate) fn each<T: Record>(
        &self,
        (section, extent): (Section, Extent),
        buffer: &mut Buffer,
        mut each: impl FnMut(u64, &T) -> Option<()>,
    ) -> Result<(), SnapshotError> {
        let size = size_of::<T>();
        let per_chunk = (CHUNK / size) as u64;
        let (mut crc, mut offset, mut record) = (Hasher::new(), extent.offset, 0);
        let mut invalid = None;
        while record < extent.records {
            let count = per_chunk.min(extent.records - record);
            let bytes = buffer.first(count as usize * size);
            self.read(offset, bytes)?;
            crc.update(bytes);
            for (n, bytes) in bytes.chunks_exact(size).enumerate() {
                let number = record + n as u64;
                if invalid.is_none() && T::get(bytes).and_then(|found| each(number, found)).is_none() {
                    invalid = Some((offset + (n * size) as u64, number));
                }
            }
            (offset, record) = (offset + (count as usize * size) as u64, record + count);
        }
        self.padding(extent.offset, &mut offset, &mut crc)?;
        let expected = crc.finalize();
        if expected != extent.crc {
            let found = extent.crc;
            return Err(Damage::Checksum { expected, found }.at(self.file, extent.offset));
        }
        match invalid {
            Some((at, record)) => Err(Damage::Record { section: section as u32, record }.at(self.file, at)),
            None => Ok(()),
        }
    }

    fn padding(&self, begin: u64, offset: &mut u64, crc: &mut Hasher) -> Result<(), SnapshotError> {
        let length = (*offset - begin).next_multiple_of(SECTION_ALIGN) - (*offset - begin);
        let mut zeros = [0; SECTION_ALIGN as usize];
        self.read(*offset, &mut zeros[..length as usize])?;
        crc.update(&zeros[..length as usize]);
        *offset += length;
        Ok(())
    }

    /// Reads exactly these bytes.
    pub(crate) fn read(&self, offset: u64, into: &mut [u8]) -> Result<(), SnapshotError> {
        let count = self.reader.read_at(offset, into)?;
        if count < into.len() {
            let (expected, found) = (offset + into.len() as u64, offset + count as u64);
            return Err(Damage::Length { expected, found }.at(self.file, found));
        }
        Ok(())
    }
}
