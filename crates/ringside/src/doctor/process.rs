//! What this process may have, the network's limits, the wall clock, and who may read the configuration.

use super::disk::bytes;
use super::finding::{Finding, Status};
use super::wanted::Wanted;
use crate::host::Host;

/// Files of a venue beside connections and streams, and a connection to take over with.
const FILES_RESERVED: u64 = 64;
/// Sockets of busy clients fill a read of 16 KiB and a write of 256 KiB many times over.
const SOCKET_BUFFER: i64 = 4 << 20;
/// Clients that come back at once after a restart.
const BACKLOG: i64 = 1_024;
/// The capability to lock memory (capabilities(7)).
const CAP_IPC_LOCK: u32 = 14;
/// The capability to schedule as one likes.
const CAP_SYS_NICE: u32 = 23;
/// Wall clocks of a trading host agree within this (MiFID II, RTS 25: 100 us for fast members, 1 ms for others).
const CLOCK_ERROR_US: i64 = 1_000;

/// What the kernel knows of the wall clock (adjtimex(2)).
#[derive(Clone, Copy, Debug)]
pub struct WallClock {
    /// Somebody keeps it right.
    pub synchronised: bool,
    /// It is at most this far off, microseconds.
    pub max_error_us: i64,
}

/// Open files.
pub fn nofile(host: &Host, wanted: &Wanted) -> Finding {
    const CHECK: &str = "nofile";
    // A stream and a connection for each login, and one that takes over.
    let needed = FILES_RESERVED + 3 * wanted.logins as u64;
    match host.limit("Max open files") {
        None => Finding::unknown(CHECK, "no /proc/self/limits"),
        // The venue raises the soft limit to the hard one by itself.
        Some((_, files)) if files >= needed => Finding::ok(CHECK, number(files)),
        Some((_, files)) => Finding::bad(
            CHECK,
            Status::Fix,
            files.to_string(),
            format!("{} logins need {needed}", wanted.logins),
            format!("ulimit -n {needed}, or LimitNOFILE={needed} in the unit"),
        ),
    }
}

/// Memory that may be locked.
pub fn memlock(host: &Host, wanted: &Wanted) -> Finding {
    const CHECK: &str = "memlock";
    let limit = match host.limit("Max locked memory") {
        None => return Finding::unknown(CHECK, "no /proc/self/limits"),
        Some((u64::MAX, _)) => return Finding::ok(CHECK, "unlimited"),
        Some((limit, _)) => bytes(limit),
    };
    if host.has_capability(CAP_IPC_LOCK) {
        return Finding::ok(CHECK, format!("{limit}, but this process has CAP_IPC_LOCK"));
    }
    let (status, why) = match wanted.lock_memory {
        true => (Status::Fix, "lock_memory = true locks all of it, and what comes later"),
        false => (Status::Warn, "not enough for lock_memory = true"),
    };
    Finding::bad(CHECK, status, limit, why, "ulimit -l unlimited, or LimitMEMLOCK=infinity in the unit")
}

/// Highest real-time priority.
pub fn rtprio(host: &Host, wanted: &Wanted) -> Finding {
    const CHECK: &str = "rtprio";
    let needed = u64::from(wanted.fifo.unwrap_or(1));
    let limit = match host.limit("Max realtime priority") {
        None => return Finding::unknown(CHECK, "no /proc/self/limits"),
        Some((limit, _)) if limit >= needed => return Finding::ok(CHECK, number(limit)),
        Some((limit, _)) => limit,
    };
    if host.has_capability(CAP_SYS_NICE) {
        return Finding::ok(CHECK, format!("{limit}, but this process has CAP_SYS_NICE"));
    }
    let (status, why) = match wanted.fifo {
        Some(priority) => (Status::Fix, format!("fifo_priority = {priority}")),
        None => (Status::Warn, "scheduling = \"fifo\" is out of reach".to_string()),
    };
    let command = format!("ulimit -r {needed}, or LimitRTPRIO={needed} in the unit");
    Finding::bad(CHECK, status, limit.to_string(), why, command)
}

/// Sizes that sockets may ask for.
pub fn socket_buffers(host: &Host, _: &Wanted) -> Finding {
    const CHECK: &str = "socket_buffers";
    let of = |name| host.number(&format!("proc/sys/net/core/{name}"));
    let (Some(read), Some(write)) = (of("rmem_max"), of("wmem_max")) else {
        return Finding::unknown(CHECK, "no /proc/sys/net/core here (a container's network)");
    };
    let value = format!("rmem_max {read}, wmem_max {write}");
    if read.min(write) >= SOCKET_BUFFER {
        return Finding::ok(CHECK, value);
    }
    let command = format!("sysctl -w net.core.rmem_max={SOCKET_BUFFER} net.core.wmem_max={SOCKET_BUFFER}");
    Finding::bad(CHECK, Status::Warn, value, "a burst of answers fills a client's socket sooner", command)
}

/// Connections that may wait to be accepted.
pub fn somaxconn(host: &Host, _: &Wanted) -> Finding {
    const CHECK: &str = "somaxconn";
    match host.number("proc/sys/net/core/somaxconn") {
        None => Finding::unknown(CHECK, "no /proc/sys/net/core here (a container's network)"),
        Some(backlog) if backlog >= BACKLOG => Finding::ok(CHECK, backlog.to_string()),
        Some(backlog) => Finding::bad(
            CHECK,
            Status::Warn,
            backlog.to_string(),
            "clients that all come back at once are turned away",
            format!("sysctl -w net.core.somaxconn={BACKLOG}"),
        ),
    }
}

/// The wall clock, which journaled time follows.
pub fn clock_sync(found: Option<WallClock>, _: &Wanted) -> Finding {
    const CHECK: &str = "clock_sync";
    let Some(clock) = found else { return Finding::unknown(CHECK, "the kernel does not tell") };
    let value = match clock.synchronised {
        true => format!("synchronised, at most {} us off", clock.max_error_us),
        false => "not synchronised".to_string(),
    };
    let command = "systemctl enable --now chrony (or ptp4l and phc2sys)";
    if !clock.synchronised {
        let why = "journaled time and every expiry follow this clock, and it never goes back";
        return Finding::bad(CHECK, Status::Fix, value, why, command);
    }
    if clock.max_error_us > CLOCK_ERROR_US {
        let why = "trading hosts are held to 1 ms or 100 us (MiFID II, RTS 25)";
        return Finding::bad(CHECK, Status::Warn, value, why, command);
    }
    Finding::ok(CHECK, value)
}

/// Who may read a file with passwords in it. `None`: the embedded configuration.
pub fn secrets(file: Option<(&str, Result<u32, String>)>, wanted: &Wanted) -> Finding {
    const CHECK: &str = "secrets";
    let Some((path, mode)) = file else { return Finding::ok(CHECK, "no configuration file") };
    if !wanted.secrets {
        return Finding::ok(CHECK, "the file holds none");
    }
    match mode {
        Err(why) => Finding::unknown(CHECK, why),
        Ok(mode) if mode & 0o077 == 0 => Finding::ok(CHECK, format!("{path} has mode {:03o}", mode & 0o777)),
        Ok(mode) => Finding::bad(
            CHECK,
            Status::Fix,
            format!("{path} has mode {:03o}", mode & 0o777),
            "passwords and tokens are for the venue's user alone",
            format!("chmod 600 {path}"),
        ),
    }
}

fn number(limit: u64) -> String {
    match limit {
        u64::MAX => "unlimited".into(),
        limit => limit.to_string(),
    }
}
