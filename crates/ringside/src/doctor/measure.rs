//! What no file tells: the disk is asked, and the kernel. Whatever is written is removed again.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{FallocateFlags, fallocate};

use super::disk::{Flush, Space};
use super::process::WallClock;
use crate::bench::probe::RawDevice;
use crate::bench::report::{histogram, us};

/// Writes of the sample: a tenth of a second on a fast disk, some seconds on a spinning one.
const WRITES: u32 = 500;
/// Bytes that are asked for to see whether asking works.
const FALLOCATED: u64 = 1 << 20;

/// The nearest directory above a path that exists: the data directory before its first start.
pub fn existing(path: &Path) -> PathBuf {
    path.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/")).to_path_buf()
}

/// Times some durable writes of 4 KiB.
pub fn flush(directory: &Path) -> Result<Flush, String> {
    let told = |error: std::io::Error| format!("{}: {error}", directory.display());
    let scratch = tempfile::tempdir_in(directory).map_err(told)?;
    let mut device = RawDevice::new(scratch.path()).map_err(told)?;
    let mut times = histogram();
    device.probe(WRITES, &mut times).map_err(told)?;
    Ok(Flush { p50_us: us(&times, 0.5), p99_us: us(&times, 0.99) })
}

/// Asks for a mebibyte.
pub fn preallocation(directory: &Path) -> Result<(), String> {
    let file =
        tempfile::tempfile_in(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    fallocate(&file, FallocateFlags::empty(), 0, FALLOCATED).map_err(|error| format!("fallocate: {error}"))
}

/// Room of a data directory, and what takes it.
pub fn space(data_dir: &Path) -> Result<Space, String> {
    let free = ringside_storage::free_space(&existing(data_dir)).map_err(|error| error.to_string())?;
    let mut space = Space { free, journal: 0, age: Duration::ZERO, snapshot: 0 };
    let now = SystemTime::now();
    for file in files(&data_dir.join("journal"), "seg") {
        space.journal += file.len();
        let age = file.created().ok().and_then(|created| now.duration_since(created).ok());
        space.age = space.age.max(age.unwrap_or_default());
    }
    let snapshots = files(&data_dir.join("snapshots"), "snap");
    space.snapshot = snapshots.iter().map(std::fs::Metadata::len).max().unwrap_or(0);
    Ok(space)
}

fn files(directory: &Path, extension: &str) -> Vec<std::fs::Metadata> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let wanted = entries.filter(|entry| entry.path().extension().is_some_and(|found| found == extension));
    wanted.filter_map(|entry| entry.metadata().ok()).collect()
}

/// Permission bits of a file.
pub fn mode(path: &Path) -> Result<u32, String> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = File::open(path).and_then(|file| file.metadata());
    metadata.map(|found| found.permissions().mode()).map_err(|error| format!("{}: {error}", path.display()))
}

/// State of the wall clock. `None`: the kernel refuses to tell.
pub fn wall_clock() -> Option<WallClock> {
    // SAFETY: a `timex` is plain numbers, for which all zeros are values; modes 0 asks and changes nothing.
    let mut timex: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a `timex` of our own, which the call fills in.
    let state = unsafe { libc::adjtimex(&mut timex) };
    let synchronised = state != libc::TIME_ERROR && timex.status & libc::STA_UNSYNC == 0;
    (state >= 0).then_some(WallClock { synchronised, max_error_us: timex.maxerror })
}
