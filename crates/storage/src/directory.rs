//! A real directory.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use crate::blocks::{BLOCK, BlockBuffer};
use crate::direct::{BlockFile, DirectSegment};
use crate::error::Named;
use crate::file::{DirectFile, FileSegment};
use crate::{Disk, MappedSegment, Operation, Pace, Pacer, ReadAt, StorageError, Writer};

/// Zeros are written in pieces of one page, so that the page cache keeps them in single-page folios: a store
/// through a mapping dirties the whole folio, and a 1 MiB folio would be written back for 64 bytes.
const ZEROS: [u8; 4096] = [0; 4096];

/// Zeros are made durable after so many bytes: a large flush at once would stall the journal's small ones.
const ZERO_CHUNK: u64 = 1 << 20;

/// Zeros around the page cache are written in pieces of this size: larger ones delay the journal's own.
const DIRECT_ZERO_CHUNK: usize = 256 << 10;

/// Ending of a file that is not whole yet.
const UNFINISHED: &str = ".tmp";

/// Bytes an unprivileged process may still write on the file system that holds `path`.
pub fn free_space(path: &Path) -> Result<u64, StorageError> {
    let figures = statvfs(path).named(Operation::FreeSpace, path)?;
    Ok(figures.f_bavail.saturating_mul(figures.f_frsize))
}

/// A directory of the file system.
#[derive(Clone, Debug)]
pub struct Directory {
    path: PathBuf,
    writer: Writer,
}

impl Directory {
    /// An existing directory.
    pub fn open(path: &Path) -> Result<Directory, StorageError> {
        let found = fs::metadata(path).named(Operation::Open, path)?;
        if !found.is_dir() {
            let error = io::Error::from(io::ErrorKind::NotADirectory);
            return Err(StorageError::new(Operation::Open, path, &error));
        }
        Ok(Directory { path: path.to_owned(), writer: Writer::Mapped })
    }

    /// A directory that is created, durably, if missing. Its parent must exist.
    pub fn create(path: &Path) -> Result<Directory, StorageError> {
        match fs::create_dir(path) {
            Ok(()) => {
                sync_directory(path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")))?
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(StorageError::new(Operation::Create, path, &error)),
        }
        Directory::open(path)
    }

    /// The same directory, its segments written in this way. For [`Writer::Direct`] the file system is asked
    /// whether it can, with a file that is removed again.
    pub fn with_writer(self, writer: Writer) -> Result<Directory, StorageError> {
        if writer == Writer::Direct {
            let probe = self.unfinished("direct-probe");
            let tried = new_file(&probe).and_then(|file| {
                file.set_len(BLOCK as u64).named(Operation::Create, &probe)?;
                DirectFile::open(&probe)?.write_durable(0, BlockBuffer::new(BLOCK).bytes())
            });
            let removed = fs::remove_file(&probe).named(Operation::Remove, &probe);
            tried.and(removed)?;
        }
        Ok(Directory { writer, ..self })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn unfinished(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}{UNFINISHED}"))
    }

    /// Gives a finished, durable file its name, durably.
    fn publish(&self, unfinished: &Path, name: &str) -> Result<(), StorageError> {
        fs::rename(unfinished, self.path.join(name)).named(Operation::Rename, unfinished)?;
        self.sync_directory()
    }

    /// A whole file, ready to be written.
    fn segment(&self, file: &File, path: &Path) -> Result<FileSegment, StorageError> {
        match self.writer {
            Writer::Mapped => MappedSegment::new(file, path).map(FileSegment::Mapped),
            Writer::Direct => DirectFile::open(path).map(DirectSegment::new).map(FileSegment::Direct),
        }
    }

    fn fill(&self, file: &File, length: u64, pacer: &impl Pacer, path: &Path) -> Result<(), StorageError> {
        match self.writer {
            Writer::Mapped => write_zeros(file, 0, length, pacer, path),
            Writer::Direct => write_zeros_direct(length, pacer, path),
        }
    }
}

impl Disk for Directory {
    type Segment = FileSegment;
    type Reader = FileReader;

    fn list(&self) -> Result<Vec<String>, StorageError> {
        let entries = fs::read_dir(&self.path).named(Operation::List, &self.path)?;
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.named(Operation::List, &self.path)?.file_name();
            // A name that is not UTF-8 is not ours.
            names.extend(name.into_string().ok().filter(|name| !name.ends_with(UNFINISHED)));
        }
        Ok(names)
    }

    fn create(&self, name: &str, length: u64, pacer: impl Pacer) -> Result<FileSegment, StorageError> {
        let path = self.unfinished(name);
        let created = new_file(&path).and_then(|file| {
            reserve(&file, length, &path)?;
            self.fill(&file, length, &pacer, &path)?;
            file.sync_all().named(Operation::Sync, &path)?;
            self.publish(&path, name)?;
            self.segment(&file, &self.path.join(name))
        });
        if created.is_err() {
            // Gives the blocks of a file that did not fit back; the first error is the one to report.
            let _ = fs::remove_file(&path);
        }
        created
    }

    fn recycle(&self, from: &str, name: &str, pacer: impl Pacer) -> Result<FileSegment, StorageError> {
        // Zeroed under a name that nothing reads: whenever the power goes, no half of it is taken for a segment.
        let path = self.unfinished(name);
        fs::rename(self.path.join(from), &path).named(Operation::Rename, &self.path.join(from))?;
        let file = open_writable(&path)?;
        let length = file.metadata().named(Operation::Read, &path)?.len();
        self.fill(&file, length, &pacer, &path)?;
        file.sync_all().named(Operation::Sync, &path)?;
        self.publish(&path, name)?;
        self.segment(&file, &self.path.join(name))
    }

    fn open(&self, name: &str) -> Result<FileSegment, StorageError> {
        let path = self.path.join(name);
        self.segment(&open_writable(&path)?, &path)
    }

    fn read(&self, name: &str) -> Result<FileReader, StorageError> {
        let path = self.path.join(name);
        check_is_file(&path)?;
        let file = File::open(&path).named(Operation::Open, &path)?;
        Ok(FileReader { file, path })
    }

    fn extend(&self, name: &str, length: u64) -> Result<(), StorageError> {
        let path = self.path.join(name);
        let file = open_writable(&path)?;
        let found = file.metadata().named(Operation::Read, &path)?.len();
        if found < length {
            write_zeros(&file, found, length, &Pace::Unpaced, &path)?;
            file.sync_all().named(Operation::Sync, &path)?;
        }
        Ok(())
    }

    fn copy_range(&self, name: &str, from: u64, to: u64, copy: &str) -> Result<(), StorageError> {
        let source = self.read(name)?;
        let path = self.unfinished(copy);
        let file = new_file(&path)?;
        let mut buffer = vec![0; 1 << 16];
        let mut offset = from;
        while offset < to {
            let wanted = buffer.len().min((to - offset) as usize);
            let count = source.read_at(offset, &mut buffer[..wanted])?;
            if count == 0 {
                break;
            }
            file.write_all_at(&buffer[..count], offset - from).named(Operation::Write, &path)?;
            offset += count as u64;
        }
        file.sync_all().named(Operation::Sync, &path)?;
        self.publish(&path, copy)
    }

    fn sync_file(&self, name: &str) -> Result<(), StorageError> {
        let path = self.path.join(name);
        open_writable(&path)?.sync_all().named(Operation::Sync, &path)
    }

    fn sync_directory(&self) -> Result<(), StorageError> {
        sync_directory(&self.path)
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        let path = self.path.join(from);
        fs::rename(&path, self.path.join(to)).named(Operation::Rename, &path)
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        let path = self.path.join(name);
        fs::remove_file(&path).named(Operation::Remove, &path)
    }
}

fn sync_directory(path: &Path) -> Result<(), StorageError> {
    let directory = File::open(path).named(Operation::Open, path)?;
    directory.sync_all().named(Operation::SyncDirectory, path)
}

fn new_file(path: &Path) -> Result<File, StorageError> {
    let options = OpenOptions::new().read(true).write(true).create(true).truncate(true).clone();
    options.open(path).named(Operation::Create, path)
}

/// What is no regular file is refused before it is opened: opening a pipe waits for its other end, for ever.
fn check_is_file(path: &Path) -> Result<(), StorageError> {
    match fs::metadata(path).named(Operation::Open, path)?.is_file() {
        true => Ok(()),
        false => {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
            Err(StorageError::new(Operation::Open, path, &error))
        }
    }
}

fn open_writable(path: &Path) -> Result<File, StorageError> {
    check_is_file(path)?;
    OpenOptions::new().read(true).write(true).open(path).named(Operation::Open, path)
}

/// Reserves the blocks in one extent and learns of a full disk at once. Some file systems cannot; the zeros
/// that follow reserve them there.
fn reserve(file: &File, length: u64, path: &Path) -> Result<(), StorageError> {
    use rustix::io::Errno;
    match fallocate(file, FallocateFlags::empty(), 0, length) {
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        Err(error) => Err(StorageError::new(Operation::Create, path, &error.into())),
    }
}

/// Real zeros: blocks that are only reserved would be converted by the first sync that reaches them, at
/// twice its latency.
fn write_zeros(file: &File, from: u64, to: u64, pacer: &impl Pacer, path: &Path) -> Result<(), StorageError> {
    let started = Instant::now();
    let mut offset = from;
    while offset < to {
        let chunk_end = to.min(offset + ZERO_CHUNK);
        while offset < chunk_end {
            // Up to the next page boundary, so that an odd start does not leave every write straddling two pages.
            let step = (chunk_end - offset).min(ZEROS.len() as u64 - offset % ZEROS.len() as u64);
            file.write_all_at(&ZEROS[..step as usize], offset).named(Operation::Write, path)?;
            offset += step;
        }
        file.sync_data().named(Operation::Sync, path)?;
        keep_pace(pacer, offset - from, started);
    }
    Ok(())
}

/// Real zeros around the page cache, which the writes that follow would only have to empty again. `length` is a
/// multiple of a block.
fn write_zeros_direct(length: u64, pacer: &impl Pacer, path: &Path) -> Result<(), StorageError> {
    let mut file = DirectFile::open(path)?;
    let mut zeros = BlockBuffer::new(DIRECT_ZERO_CHUNK);
    let started = Instant::now();
    let mut offset = 0;
    while offset < length {
        let step = (length - offset).min(DIRECT_ZERO_CHUNK as u64);
        file.write(offset, &zeros.bytes()[..step as usize])?;
        offset += step;
        keep_pace(pacer, offset, started);
    }
    file.sync()
}

/// Sleeps until `bytes` were allowed to be written, or until the pace is another.
pub(crate) fn keep_pace(pacer: &impl Pacer, bytes: u64, started: Instant) {
    const NAP: Duration = Duration::from_millis(2);
    while let Pace::BytesPerSecond(rate) = pacer.pace() {
        let due = Duration::from_secs_f64(bytes as f64 / rate.get() as f64);
        let left = due.saturating_sub(started.elapsed());
        if left.is_zero() {
            return;
        }
        std::thread::sleep(left.min(NAP));
    }
}

/// A file of a [`Directory`], read with `pread`.
#[derive(Debug)]
pub struct FileReader {
    file: File,
    path: PathBuf,
}

impl ReadAt for FileReader {
    fn length(&self) -> Result<u64, StorageError> {
        Ok(self.file.metadata().named(Operation::Read, &self.path)?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, StorageError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.file.read_at(&mut buffer[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(StorageError::new(Operation::Read, &self.path, &error)),
            }
        }
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Segment;

    fn directory() -> (tempfile::TempDir, Directory) {
        let temporary = tempfile::tempdir().unwrap();
        let directory = Directory::create(&temporary.path().join("journal")).unwrap();
        (temporary, directory)
    }

    /// One of each writer.
    fn directories() -> [(tempfile::TempDir, Directory); 2] {
        [Writer::Mapped, Writer::Direct].map(|writer| {
            let (temporary, directory) = directory();
            (temporary, directory.with_writer(writer).unwrap())
        })
    }

    fn read_all(directory: &Directory, name: &str) -> Vec<u8> {
        let reader = directory.read(name).unwrap();
        let mut bytes = vec![0xff; reader.length().unwrap() as usize + 1];
        let count = reader.read_at(0, &mut bytes).unwrap();
        bytes.truncate(count);
        bytes
    }

    #[test]
    fn a_created_segment_is_whole_zero_and_listed_once() {
        for (_temporary, directory) in directories() {
            let segment = directory.create("a.seg", (3 << 20) + 4096, Pace::Unpaced).unwrap();
            assert_eq!(segment.length(), (3 << 20) + 4096);
            assert_eq!(read_all(&directory, "a.seg"), vec![0; (3 << 20) + 4096]);
            assert_eq!(directory.list().unwrap(), ["a.seg"]);
        }
    }

    #[test]
    fn a_recycled_file_is_all_zeros_under_its_new_name_only() {
        for (_temporary, directory) in directories() {
            let mut old = directory.create("a.free", 3 << 20, Pace::Unpaced).unwrap();
            old.write(0, &vec![7; 3 << 20]).unwrap();
            old.sync(0, 3 << 20).unwrap();
            drop(old);
            let mut segment = directory.recycle("a.free", "b.seg", Pace::Unpaced).unwrap();
            assert_eq!(directory.list().unwrap(), ["b.seg"]);
            assert_eq!(read_all(&directory, "b.seg"), vec![0; 3 << 20]);
            segment.write(0, b"new").unwrap();
            segment.sync(0, 3).unwrap();
            assert_eq!(&read_all(&directory, "b.seg")[..4], b"new\0");
        }
    }

    #[test]
    fn written_bytes_are_read_back_by_others_before_and_after_the_sync() {
        for (_temporary, directory) in directories() {
            let mut segment = directory.create("a.seg", 8192, Pace::Unpaced).unwrap();
            segment.write(4090, b"across a page").unwrap();
            segment.hand_over().unwrap();
            assert_eq!(&read_all(&directory, "a.seg")[4090..4103], b"across a page");
            segment.write(4103, b" and on").unwrap();
            segment.sync(4090, 4110).unwrap();
            drop(segment);
            let mut again = directory.open("a.seg").unwrap();
            again.write(4110, b".").unwrap();
            again.write(8190, b"ok").unwrap();
            again.sync(4110, 8192).unwrap();
            let bytes = read_all(&directory, "a.seg");
            assert!(&bytes[4090..4111] == b"across a page and on." && bytes.ends_with(b"ok"));
        }
    }

    #[test]
    fn the_question_whether_direct_writes_are_possible_leaves_no_file() {
        let (_temporary, directory) = directories().into_iter().next_back().unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        let gone = Directory { path: "/nonexistent/ringside".into(), writer: Writer::Mapped };
        assert!(gone.with_writer(Writer::Direct).unwrap_err().is_not_found());
    }

    #[test]
    #[should_panic(expected = "range end index")]
    fn a_write_beyond_the_end_panics_instead_of_growing_the_file() {
        let (_temporary, directory) = directory();
        directory.create("a.seg", 4096, Pace::Unpaced).unwrap().write(4095, b"xx").unwrap();
    }

    #[test]
    fn extend_only_lengthens_and_copy_range_copies_what_is_there() {
        let (_temporary, directory) = directory();
        directory.create("a.seg", 5000, Pace::Unpaced).unwrap().write(4998, b"zz").unwrap();
        directory.extend("a.seg", 4000).unwrap();
        assert_eq!(read_all(&directory, "a.seg").len(), 5000);
        directory.extend("a.seg", 9000).unwrap();
        assert_eq!(read_all(&directory, "a.seg").len(), 9000);
        directory.copy_range("a.seg", 4997, 5001, "a.seg.torn").unwrap();
        assert_eq!(read_all(&directory, "a.seg.torn"), b"\0zz\0");
    }

    #[test]
    fn a_refusal_names_operation_and_path() {
        let (_temporary, directory) = directory();
        let error = directory.open("missing.seg").unwrap_err();
        assert_eq!(error.operation, Operation::Open);
        assert!(error.is_not_found() && error.path.ends_with("missing.seg"));
        // Linux: ENOENT is 2.
        assert_eq!(error.errno, 2);
    }

    #[test]
    fn a_file_that_does_not_fit_leaves_nothing_behind() {
        let (_temporary, directory) = directory();
        let free = free_space(directory.path()).unwrap();
        assert!(free > 0);
        // Larger than any file can be, so it fails before anything is written.
        directory.create("a.seg", 1 << 62, Pace::Unpaced).unwrap_err();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn who_is_needed_sooner_hurries_in_the_middle_of_a_file() {
        let (_temporary, directory) = directory();
        let started = Instant::now();
        let slow = Pace::BytesPerSecond(std::num::NonZeroU64::new(1 << 20).unwrap());
        let pacer = || if started.elapsed() > Duration::from_millis(50) { Pace::Unpaced } else { slow };
        directory.create("a.seg", 4 << 20, pacer).unwrap();
        assert!(started.elapsed() < Duration::from_secs(2), "four seconds at the first pace");
    }

    #[test]
    fn pacing_takes_its_time() {
        let (_temporary, directory) = directory();
        let started = Instant::now();
        let pace = Pace::BytesPerSecond(std::num::NonZeroU64::new(20 << 20).unwrap());
        directory.create("a.seg", 2 << 20, pace).unwrap();
        assert!(started.elapsed() >= Duration::from_millis(100));
    }
}
