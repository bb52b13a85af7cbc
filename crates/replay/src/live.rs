//! Is a venue running on this data directory? Asked without touching its lock.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{major, minor};

/// True when some process holds the lock file: `/proc/locks` lists it by device and inode.
pub fn is_live(data_dir: &Path) -> bool {
    let (Ok(meta), Ok(locks)) = (fs::metadata(data_dir.join("LOCK")), fs::read_to_string("/proc/locks"))
    else {
        return false;
    };
    let id = format!("{:02x}:{:02x}:{}", major(meta.dev()), minor(meta.dev()), meta.ino());
    locks.lines().any(|line| line.contains("FLOCK") && line.split_whitespace().any(|word| word == id))
}
