//! What the figures were measured on. Everything is read from the system; what it does not tell is null.

use std::fs::read_to_string;
use std::path::Path;

use serde_json::{Value, json};

/// Describes this machine, the disk behind a directory, and the program.
pub fn describe(directory: &Path) -> Value {
    json!({
        "cpu": field("/proc/cpuinfo", "model name"),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "isolated_cores": line("/sys/devices/system/cpu/isolated"),
        "governor": line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "clocksource": line("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        "kernel": line("/proc/sys/kernel/osrelease"),
        "memory_kib": field("/proc/meminfo", "MemTotal").and_then(|text| number(&text)),
        "load_average": line("/proc/loadavg"),
        "file_system": file_system(directory),
        "commit": env!("RINGSIDE_COMMIT"),
        "rustc": env!("RINGSIDE_RUSTC"),
        "profile": if cfg!(debug_assertions) { "debug" } else { "release" },
    })
}

/// The one line of a file of the system.
fn line(path: &str) -> Option<String> {
    let text = read_to_string(path).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.into())
}

/// The first `name: value` of a file of the system.
fn field(path: &str, name: &str) -> Option<String> {
    let text = read_to_string(path).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(value.trim_start_matches([' ', '\t', ':']).trim().into())
}

fn number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

/// Type and source of the file system that a directory is in.
fn file_system(directory: &Path) -> Option<Value> {
    let directory = directory.canonicalize().ok()?;
    mounted_at(&read_to_string("/proc/self/mountinfo").ok()?, &directory)
}

/// The mount with the longest path above a directory (proc(5), `/proc/pid/mountinfo`). Of two at one place the later one is on
/// top.
fn mounted_at(mounts: &str, directory: &Path) -> Option<Value> {
    let parsed = mounts.lines().filter_map(|line| {
        let (mount, device) = line.split_once(" - ")?;
        let (mut mount, mut device) = (mount.split(' '), device.split(' '));
        let (point, options) = (mount.nth(4)?, mount.next()?);
        Some((point, options, device.next()?, device.next()?))
    });
    let above = parsed.filter(|(point, ..)| directory.starts_with(point));
    let (point, options, kind, source) = above.max_by_key(|(point, ..)| point.len())?;
    Some(json!({"type": kind, "source": source, "mounted_at": point, "options": options}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_above_a_directory_is_its_file_system() {
        let mounts = "22 1 253:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
                      30 22 0:27 / /tmp rw,nosuid shared:2 - tmpfs tmpfs rw,size=1\n";
        let kind = |path| mounted_at(mounts, Path::new(path)).map(|found| found["type"].clone());
        assert_eq!(kind("/tmp/data"), Some("tmpfs".into()));
        assert_eq!(kind("/tmpdata"), Some("ext4".into()));
    }

    #[test]
    fn this_machine_has_cores_a_kernel_and_a_file_system() {
        let machine = describe(Path::new("."));
        assert!(machine["cores"].as_u64() > Some(0));
        assert!(machine["kernel"].is_string() && machine["file_system"]["type"].is_string());
    }
}
