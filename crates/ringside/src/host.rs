//! The files in which Linux tells about itself, below a root: `/`, or a copy of another host's.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub use ringside_venue::tasks::cores_of as cores;

/// A host as its files tell.
pub struct Host {
    root: PathBuf,
}

/// Where a directory's file system comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mount {
    /// Block device, like `8:1`.
    pub device: String,
    /// Type, like `ext4`.
    pub kind: String,
    /// What it was mounted from, like `/dev/sda1`.
    pub source: String,
    /// Mount point, for commands.
    pub point: String,
    /// Options of the mount, like `rw,relatime`.
    pub options: String,
    /// Options of the file system, which all its mounts share.
    pub shared_options: String,
}

impl Mount {
    /// Options of mount and file system, one by one.
    pub fn each_option(&self) -> impl Iterator<Item = &str> {
        self.options.split(',').chain(self.shared_options.split(','))
    }
}

impl Host {
    /// A host whose files are below `root`.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Host { root: root.into() }
    }

    /// A file's text without its line end. `None`: it is not there, or cannot be read.
    pub fn read(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.root.join(path)).ok().map(|text| text.trim_end().to_string())
    }

    /// Names in a directory, in order; none when it is not there.
    pub fn names(&self, path: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.root.join(path)).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// A number in a file.
    pub fn number(&self, path: &str) -> Option<i64> {
        self.read(path)?.trim().parse().ok()
    }

    /// A list of cores in a file, like `0-3,6`. An empty file is an empty list.
    pub fn cores(&self, path: &str) -> Option<BTreeSet<usize>> {
        cores(&self.read(path)?)
    }

    /// Cores that are switched on.
    pub fn online(&self) -> BTreeSet<usize> {
        self.cores("sys/devices/system/cpu/online").unwrap_or_default()
    }

    /// Cores that the scheduler leaves alone.
    pub fn isolated(&self) -> BTreeSet<usize> {
        self.cores("sys/devices/system/cpu/isolated").unwrap_or_default()
    }

    /// Cores that this process may use without asking.
    pub fn allowed(&self) -> BTreeSet<usize> {
        let status = self.read("proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        line.and_then(|list| cores(list.trim())).unwrap_or_else(|| self.online())
    }

    /// Soft and hard limit of this process, by the words of `/proc/self/limits`; `u64::MAX` = unlimited.
    pub fn limit(&self, name: &str) -> Option<(u64, u64)> {
        let limits = self.read("proc/self/limits")?;
        let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
        let mut columns = line.split_whitespace().map(|text| match text {
            "unlimited" => Some(u64::MAX),
            number => number.parse().ok(),
        });
        Some((columns.next()??, columns.next()??))
    }

    /// True when this process has an effective capability, by its bit (capability.h).
    pub fn has_capability(&self, bit: u32) -> bool {
        let status = self.read("proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).is_some_and(|bits| bits >> bit & 1 == 1)
    }

    /// The mount that an absolute path is on.
    pub fn mount(&self, path: &Path) -> Option<Mount> {
        nearest(&self.read("proc/self/mountinfo")?, path)
    }

    /// A property of a block device, of the whole disk when the device is a partition.
    pub fn of_disk(&self, device: &str, path: &str) -> Option<String> {
        let base = format!("sys/dev/block/{device}");
        self.read(&format!("{base}/{path}")).or_else(|| self.read(&format!("{base}/../{path}")))
    }
}

/// The mount of a table with the longest point above an absolute path.
fn nearest(table: &str, path: &Path) -> Option<Mount> {
    let mounts = table.lines().filter_map(mount);
    // Of two mounts on one point the later one hides the other: max_by_key takes the last.
    mounts.filter(|mount| path.starts_with(&mount.point)).max_by_key(|mount| mount.point.len())
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue` (proc(5)).
fn mount(line: &str) -> Option<Mount> {
    let (left, right) = line.split_once(" - ")?;
    let left: Vec<&str> = left.split(' ').collect();
    let right: Vec<&str> = right.split(' ').collect();
    let (device, point, options) = (left.get(2)?, left.get(4)?, left.get(5)?);
    let (kind, source, shared_options) = (right.first()?, right.get(1)?, right.get(2)?);
    Some(Mount {
        device: device.to_string(),
        kind: kind.to_string(),
        source: source.to_string(),
        point: point.replace("\\040", " "),
        options: options.to_string(),
        shared_options: shared_options.to_string(),
    })
}

/// A list as the kernel reads them.
pub fn list(cores: &BTreeSet<usize>) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for core in cores {
        match runs.last_mut() {
            Some((_, to)) if *to + 1 == *core => *to = *core,
            _ => runs.push((*core, *core)),
        }
    }
    let run = |(from, to): &(usize, usize)| match from == to {
        true => from.to_string(),
        false => format!("{from}-{to}"),
    };
    runs.iter().map(run).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_cores_are_read_and_written_as_the_kernel_does() {
        let some = cores("0-2,5,7-8\n").unwrap();
        assert_eq!(some, BTreeSet::from([0, 1, 2, 5, 7, 8]));
        assert_eq!(list(&some), "0-2,5,7-8");
        assert_eq!((cores(""), cores("x")), (Some(BTreeSet::new()), None));
    }

    #[test]
    fn a_mount_is_read_from_its_line() {
        let found = mount("27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard").unwrap();
        assert_eq!(
            (found.device.as_str(), found.kind.as_str(), found.point.as_str()),
            ("254:0", "ext4", "/")
        );
        assert!(found.each_option().any(|option| option == "discard"));
    }

    #[test]
    fn the_nearest_mount_above_a_directory_is_its_file_system() {
        let mounts = "22 1 253:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
                      30 22 0:27 / /tmp rw,nosuid shared:2 - tmpfs tmpfs rw,size=1\n";
        let kind = |path| nearest(mounts, Path::new(path)).map(|found| found.kind);
        assert_eq!(kind("/tmp/data").as_deref(), Some("tmpfs"));
        assert_eq!(kind("/tmpdata").as_deref(), Some("ext4"));
    }
}
