//! The threads of this process as the kernel reports them (proc(5)): what was asked for is one thing, what holds another.

use std::collections::BTreeSet;

/// A thread.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Task {
    /// Name, 15 bytes of it.
    pub name: String,
    /// Cores it may run on, as the kernel writes them.
    pub allowed: String,
    /// Core it last ran on.
    pub last_core: usize,
    /// Scheduling policy.
    pub policy: &'static str,
    /// Real-time priority; 0 under `normal`, `batch` and `idle`.
    pub priority: u32,
}

impl Task {
    /// The core it is pinned to.
    pub fn core(&self) -> Option<usize> {
        self.allowed.parse().ok()
    }
}

/// All threads of this process. Those that end meanwhile are left out.
pub fn tasks() -> Vec<Task> {
    let entries = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let read = |entry: std::fs::DirEntry| {
        let of = |file| std::fs::read_to_string(entry.path().join(file)).ok();
        task(&of("comm")?, &of("stat")?, &of("status")?)
    };
    entries.filter_map(read).collect()
}

fn task(comm: &str, stat: &str, status: &str) -> Option<Task> {
    // The name may hold spaces and brackets; behind its last bracket come fields 3 and on.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).copied();
    Some(Task {
        name: comm.trim_end().to_string(),
        allowed: line_of(status, "Cpus_allowed_list:")?.to_string(),
        last_core: field(39)?.parse().ok()?,
        priority: field(40)?.parse().ok()?,
        policy: match field(41)? {
            "0" => "normal",
            "1" => "fifo",
            "2" => "round-robin",
            "3" => "batch",
            "5" => "idle",
            "6" => "deadline",
            _ => "unknown",
        },
    })
}

/// Effective capabilities of this process, a bit each.
pub(crate) fn own_capabilities() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    u64::from_str_radix(line_of(&status, "CapEff:")?, 16).ok()
}

fn line_of<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// A list of cores as the kernel writes it, like `0-2,5`. `None`: it is none.
pub fn cores_of(list: &str) -> Option<BTreeSet<usize>> {
    let mut found = BTreeSet::new();
    for part in list.trim().split(',').filter(|part| !part.is_empty()) {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        found.extend(from.parse::<usize>().ok()?..=to.parse::<usize>().ok()?);
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_read_from_its_files() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 -11 0 3 0 99 1 1 18446744073709551615 1 1 0 0 0 0 0 \
            4096 0 0 0 0 -1 3 10 1 0 0 0";
        let found = task("a) b\n", stat, "Name:\ta) b\nCpus_allowed_list:\t3\n").unwrap();
        assert_eq!((found.name.as_str(), found.core(), found.last_core), ("a) b", Some(3), 3));
        assert_eq!((found.policy, found.priority), ("fifo", 10));
        assert_eq!(task("x", "no bracket", ""), None);
    }

    #[test]
    fn this_thread_is_among_them() {
        let named = std::thread::Builder::new().name("seen-by-kernel".into());
        let seen = named.spawn(|| tasks().iter().any(|task| task.name == "seen-by-kernel")).unwrap();
        assert!(seen.join().unwrap());
    }
}
