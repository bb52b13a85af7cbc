//! What the figures were measured on. Everything is read from the system; what it does not tell is null.

use std::path::Path;

use serde_json::{Value, json};

use crate::host::Host;

/// Describes this machine, the disk behind a directory, and the program.
pub fn describe(directory: &Path) -> Value {
    let host = Host::at("/");
    let line = |path| host.read(path).filter(|text| !text.is_empty());
    json!({
        "cpu": field(&host, "proc/cpuinfo", "model name"),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "isolated_cores": line("sys/devices/system/cpu/isolated"),
        "governor": line("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "clocksource": line("sys/devices/system/clocksource/clocksource0/current_clocksource"),
        "kernel": line("proc/sys/kernel/osrelease"),
        "memory_kib": field(&host, "proc/meminfo", "MemTotal").and_then(|text| number(&text)),
        "load_average": line("proc/loadavg"),
        "file_system": file_system(&host, directory),
        "commit": env!("RINGSIDE_COMMIT"),
        "rustc": env!("RINGSIDE_RUSTC"),
        "profile": if cfg!(debug_assertions) { "debug" } else { "release" },
    })
}

/// The first `name: value` of a file of the system.
fn field(host: &Host, path: &str, name: &str) -> Option<String> {
    let text = host.read(path)?;
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(value.trim_start_matches([' ', '\t', ':']).trim().into())
}

fn number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

/// Type and source of the file system that a directory is in.
fn file_system(host: &Host, directory: &Path) -> Option<Value> {
    let mount = host.mount(&directory.canonicalize().ok()?)?;
    let (kind, source, point, options) = (mount.kind, mount.source, mount.point, mount.options);
    Some(json!({"type": kind, "source": source, "mounted_at": point, "options": options}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_cores_a_kernel_and_a_file_system() {
        let machine = describe(Path::new("."));
        assert!(machine["cores"].as_u64() > Some(0));
        assert!(machine["kernel"].is_string() && machine["file_system"]["type"].is_string());
    }
}
