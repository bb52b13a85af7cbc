//! The data directory's file system and device: whether a sync means what it says, what it costs, and for how long
//! there is room.

use std::time::Duration;

use super::finding::{Finding, Status};
use super::wanted::Wanted;
use crate::host::{Host, Mount};

/// A sync that is faster than this probably ends in a cache (a write to flash with power-loss protection takes about 20 us).
const FLUSH_TOO_FAST_US: f64 = 20.0;
/// Answers wait for a sync and half of another: more than this at p50 is a slow venue.
const FLUSH_P50_US: f64 = 1_000.0;
/// The same at p99.
const FLUSH_P99_US: f64 = 5_000.0;
/// Segments that exist at once before any is archived: one in use, two ahead, one of reserve.
const SEGMENTS: u64 = 4;
/// Snapshots that exist at once: those that are kept, the one that the session has begun with, one in the making.
const SNAPSHOTS: u64 = ringside_snapshot::KEPT as u64 + 2;
/// Days until the disk is full from which on somebody should act.
const DAYS_WARN: f64 = 14.0;
/// Days from which on somebody must.
const DAYS_FIX: f64 = 2.0;
/// A journal younger than this says nothing about its growth.
const GROWTH_AFTER: Duration = Duration::from_secs(3_600);

/// Times of single durable writes.
#[derive(Clone, Copy, Debug)]
pub struct Flush {
    /// Median, microseconds.
    pub p50_us: f64,
    /// 99th percentile, microseconds.
    pub p99_us: f64,
}

/// Room, and what takes it.
#[derive(Clone, Copy, Debug)]
pub struct Space {
    /// Bytes that an ordinary user may still take.
    pub free: u64,
    /// Bytes of all segments.
    pub journal: u64,
    /// Since the oldest segment.
    pub age: Duration,
    /// Bytes of the largest snapshot; 0 = none yet.
    pub snapshot: u64,
}

fn mount(host: &Host, wanted: &Wanted, check: &'static str) -> Result<Mount, Finding> {
    host.mount(&wanted.data_dir).ok_or_else(|| {
        Finding::unknown(check, "/proc/self/mountinfo does not tell where the data directory is")
    })
}

/// What promises break on.
fn durable(wanted: &Wanted) -> Status {
    if wanted.sync_always { Status::Fix } else { Status::Warn }
}

/// Type and mount options.
pub fn file_system(host: &Host, wanted: &Wanted) -> Finding {
    const CHECK: &str = "file_system";
    let mount = match mount(host, wanted, CHECK) {
        Ok(mount) => mount,
        Err(finding) => return finding,
    };
    let value = format!("{} on {}", mount.kind, mount.point);
    let has = |option: &str| mount.each_option().any(|found| found == option);
    let another = "data_dir on ext4 or xfs of a local disk";
    match mount.kind.as_str() {
        "ext4" | "xfs" if has("nobarrier") || has("barrier=0") => {
            let why = "without barriers a sync does not reach the medium";
            let command = format!("mount -o remount,barrier=1 {}", mount.point);
            Finding::bad(CHECK, durable(wanted), value, why, command)
        }
        "ext4" | "xfs" if has("discard") => {
            let why =
                "mounted with discard: removing a segment holds up the device (11 ms for 64 MiB on ours)";
            let command =
                format!("mount -o remount,nodiscard {}; systemctl enable --now fstrim.timer", mount.point);
            Finding::bad(CHECK, Status::Warn, value, why, command)
        }
        "ext4" | "xfs" => Finding::ok(CHECK, value),
        "tmpfs" | "ramfs" => {
            Finding::bad(CHECK, durable(wanted), value, "memory is not stable storage", another)
        }
        "nfs" | "nfs4" | "cifs" | "9p" | "overlay" => Finding::bad(
            CHECK,
            durable(wanted),
            value,
            "what a sync means here is up to somebody else",
            another,
        ),
        _ => Finding::bad(
            CHECK,
            Status::Warn,
            value,
            "not measured by us; copy on write costs latency",
            another,
        ),
    }
}

/// Whether names of new files survive in order.
pub fn journal_mode(host: &Host, wanted: &Wanted) -> Finding {
    const CHECK: &str = "journal_mode";
    let mount = match mount(host, wanted, CHECK) {
        Ok(mount) => mount,
        Err(finding) => return finding,
    };
    let data = mount.each_option().find_map(|option| option.strip_prefix("data="));
    match mount.kind.as_str() {
        "xfs" => return Finding::ok(CHECK, "xfs journals its metadata"),
        "ext4" => {}
        other => return Finding::unknown(CHECK, format!("{other} is not looked into")),
    }
    let uevent = host.read(&format!("sys/dev/block/{}/uevent", mount.device)).unwrap_or_default();
    let name = uevent.lines().find_map(|line| line.strip_prefix("DEVNAME=")).unwrap_or("?");
    match (host.read(&format!("sys/fs/ext4/{name}/journal_task")).as_deref(), data) {
        (None, _) => Finding::unknown(CHECK, format!("no /sys/fs/ext4/{name}/journal_task")),
        (Some("<none>"), _) => Finding::bad(
            CHECK,
            Status::Warn,
            "ext4 without a journal",
            "after a power cut the file system needs a check, and names may be lost with it",
            format!("umount {}; tune2fs -O has_journal /dev/{name}", mount.point),
        ),
        (Some(_), Some("journal")) => Finding::bad(
            CHECK,
            Status::Warn,
            "data=journal",
            "every byte is written twice",
            format!("data=ordered for {} in /etc/fstab", mount.point),
        ),
        (Some(_), mode) => Finding::ok(CHECK, format!("data={}", mode.unwrap_or("ordered"))),
    }
}

/// Whether the device has a cache that a sync must flush.
pub fn write_cache(host: &Host, wanted: &Wanted) -> Finding {
    const CHECK: &str = "write_cache";
    let mount = match mount(host, wanted, CHECK) {
        Ok(mount) => mount,
        Err(finding) => return finding,
    };
    match host.of_disk(&mount.device, "queue/write_cache").as_deref() {
        Some("write through") => Finding::ok(CHECK, "write through"),
        Some("write back") => Finding::bad(
            CHECK,
            Status::Warn,
            "write back",
            "each sync waits for a flush of the device's cache",
            "a device with power-loss protection (reports write through), or hdparm -W 0",
        ),
        _ => Finding::unknown(CHECK, format!("no write_cache for device {}", mount.device)),
    }
}

/// What a durable write of 4 KiB costs. `Err`: why it could not be measured.
pub fn flush(found: Result<Flush, String>, wanted: &Wanted) -> Finding {
    const CHECK: &str = "flush";
    let flush = match found {
        Ok(flush) => flush,
        Err(why) if wanted.direct => {
            return Finding::bad(CHECK, Status::Fix, "not measured", why, "[journal] writer = \"mmap\"");
        }
        Err(why) => return Finding::unknown(CHECK, why),
    };
    let value = format!("p50 {:.0} us, p99 {:.0} us (4 KiB, O_DIRECT, O_DSYNC)", flush.p50_us, flush.p99_us);
    let bound_us = wanted.max_sync.as_secs_f64() * 1e6;
    if flush.p99_us > bound_us {
        let why = format!("above max_sync_ms = {:.0}: the venue is not ready while it waits", bound_us / 1e3);
        return Finding::bad(
            CHECK,
            durable(wanted),
            value,
            why,
            "a faster disk, or one that nobody else uses",
        );
    }
    if flush.p50_us < FLUSH_TOO_FAST_US {
        let why = "faster than flash: the write probably ends in a cache";
        return Finding::bad(CHECK, Status::Warn, value, why, "ask who made the disk what a flush does");
    }
    if flush.p50_us > FLUSH_P50_US || flush.p99_us > FLUSH_P99_US {
        let why = "an answer takes one and a half of these";
        return Finding::bad(
            CHECK,
            Status::Warn,
            value,
            why,
            "a disk of its own, NVMe with power-loss protection",
        );
    }
    Finding::ok(CHECK, value)
}

/// Whether room for a segment can be had before it is written.
pub fn preallocation(found: Result<(), String>, _: &Wanted) -> Finding {
    const CHECK: &str = "preallocation";
    match found {
        Ok(()) => Finding::ok(CHECK, "fallocate works"),
        Err(why) => Finding::bad(
            CHECK,
            Status::Warn,
            why,
            "segments are then filled with zeros without knowing that there is room",
            "data_dir on ext4 or xfs of a local disk",
        ),
    }
}

/// Room for what must exist at once, and for how long what is kept will fit.
pub fn disk_space(found: Result<Space, String>, wanted: &Wanted) -> Finding {
    const CHECK: &str = "disk_space";
    let space = match found {
        Ok(space) => space,
        Err(why) => return Finding::unknown(CHECK, why),
    };
    let segment =
        wanted.segment_size.unwrap_or_else(|| ringside_journal::format::segment_length_auto(space.free));
    let needed = SEGMENTS * segment + SNAPSHOTS * space.snapshot;
    let free = format!("{} free", bytes(space.free));
    if space.free < needed {
        let why = format!("{SEGMENTS} segments and {SNAPSHOTS} snapshots need {}", bytes(needed));
        return Finding::bad(
            CHECK,
            Status::Fix,
            free,
            why,
            "a larger disk, or a smaller journal.segment_size",
        );
    }
    if space.age < GROWTH_AFTER || space.journal == 0 {
        return Finding::ok(CHECK, format!("{free}; how fast the journal grows is not known yet"));
    }
    let a_day = space.journal as f64 / space.age.as_secs_f64() * 86_400.0;
    let days = (space.free - needed) as f64 / a_day;
    let value = format!("{free}, {} a day: {days:.0} days", bytes(a_day as u64));
    let status = match days {
        days if days < DAYS_FIX => Status::Fix,
        days if days < DAYS_WARN => Status::Warn,
        _ => return Finding::ok(CHECK, value),
    };
    let why = "segments of the present session are never removed";
    Finding::bad(
        CHECK,
        status,
        value,
        why,
        "[snapshot] prune_sessions = true with an archive, or a larger disk",
    )
}

/// A number of bytes for people.
pub fn bytes(count: u64) -> String {
    match count {
        0..=1_073_741_823 => format!("{} MiB", count >> 20),
        _ => format!("{:.1} GiB", count as f64 / f64::from(1 << 30)),
    }
}
