//! What the venue asks of the kernel for its threads: `SCHED_FIFO`, memory that stays, cores that wake up fast. Everything
//! is tried at the start; what cannot be had is an error that names the key and what is missing.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::linux::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{Resource, getrlimit};
use thread_priority::{
    Error, NormalThreadSchedulePolicy, RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};
use tracing::warn;

use crate::config::{Pipeline, Scheduling};
use crate::tasks::{cores_of, own_capabilities};

/// The kernel keeps its promise about wake-ups while this file is open (`Documentation/power/pm_qos_interface`).
const DMA_LATENCY: &str = "/dev/cpu_dma_latency";
/// May lock any amount of memory (capabilities(7)).
const CAP_IPC_LOCK: u32 = 14;

/// Key and problem.
type Refused = (String, String);

/// What is held while the venue runs.
#[derive(Debug, Default)]
pub struct Held {
    /// Closing it takes the request back.
    _dma_latency: Option<File>,
}

/// Tries the scheduling on a thread that ends at once, locks memory, asks for fast wake-ups.
pub fn request(pipeline: &Pipeline) -> Result<Held, Refused> {
    try_scheduling(pipeline.scheduling)?;
    if pipeline.lock_memory {
        lock_memory()?;
    }
    let dma_latency = pipeline.cpu_dma_latency_us.map(|us| hold_latency(Path::new(DMA_LATENCY), us));
    Ok(Held { _dma_latency: dma_latency.transpose()? })
}

/// Schedules the calling thread.
pub fn schedule(scheduling: Scheduling) -> Result<(), Error> {
    let Scheduling::Fifo(priority) = scheduling else { return Ok(()) };
    let priority = priority.try_into().map_err(|_| Error::Priority("not 1 to 99"))?;
    let priority = ThreadPriority::Crossplatform(priority);
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    set_thread_priority_and_policy(thread_native_id(), priority, policy)
}

/// The stages come first. Of a thread of policy `SCHED_IDLE` whoever wakes up takes the processor at once; of one that only
/// has the lowest nice value, sometimes at the end of its slice, 3 ms later.
pub(crate) fn lower_priority(what: &str) {
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    if let Err(problem) = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle) {
        warn!(?problem, "{what} at normal priority");
    }
}

/// A slice as short as the kernel has them (`sched_setattr(2)`, from Linux 6.12 on; older ones take their own).
const SHORT_SLICE_NS: u64 = 100_000;
/// A tenth of a processor that somebody else wants, all of one that nobody does.
const LOW_NICE: i32 = 10;

/// The stages come first, but who logs in waits for this thread: it must go on where every processor is busy for ever, as it
/// would not under [`lower_priority`] (which a thread without rights could not take back either). At a low nice value a thread
/// keeps a processor to the end of its slice when somebody wakes up, hence a short one.
pub(crate) fn give_way(what: &str) {
    // An operator may have given the whole venue less than that.
    let nice = rustix::process::getpriority_process(None).map_or(LOW_NICE, |own| own.max(LOW_NICE));
    let attributes = libc::sched_attr {
        size: size_of::<libc::sched_attr>() as u32,
        sched_policy: libc::SCHED_OTHER as u32,
        sched_flags: 0,
        sched_nice: nice,
        sched_priority: 0,
        sched_runtime: SHORT_SLICE_NS,
        sched_deadline: 0,
        sched_period: 0,
    };
    // SAFETY: thread 0 is the calling one; the kernel reads `size` bytes of a structure that lives across the call, and keeps
    // no pointer to it.
    let refused = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) } != 0;
    if refused {
        warn!(error = %std::io::Error::last_os_error(), "{what} at the priority of the venue");
    }
}

fn try_scheduling(scheduling: Scheduling) -> Result<(), Refused> {
    let tried = std::thread::spawn(move || schedule(scheduling)).join();
    let problem = match (tried, scheduling) {
        (Ok(Ok(())), _) => return Ok(()),
        (Ok(Err(Error::OS(code))), Scheduling::Fifo(priority)) if code == Errno::PERM.raw_os_error() => {
            let limit =
                getrlimit(Resource::Rtprio).current.map_or("unlimited".into(), |limit| limit.to_string());
            format!(
                "SCHED_FIFO at priority {priority} is not allowed: needs CAP_SYS_NICE, or ulimit -r {priority} (now {limit})"
            )
        }
        (Ok(Err(error)), _) => format!("SCHED_FIFO cannot be had: {error}"),
        (Err(_), _) => "SCHED_FIFO cannot be tried".into(),
    };
    Err(("pipeline.scheduling".into(), problem))
}

/// Everything there is and everything that comes: with a limit on it a later segment could not be mapped, so a limit
/// is refused here and not hours later.
fn lock_memory() -> Result<(), Refused> {
    let refused = |problem: String| Err(("pipeline.lock_memory".into(), problem));
    let limit = getrlimit(Resource::Memlock).current;
    if let (Some(bytes), false) = (limit, own_capabilities().is_some_and(|set| set >> CAP_IPC_LOCK & 1 == 1))
    {
        return refused(format!("needs CAP_IPC_LOCK, or ulimit -l unlimited (now {} KiB)", bytes / 1024));
    }
    match mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE) {
        Ok(()) => Ok(()),
        Err(error) => refused(format!("memory cannot be locked: {error}")),
    }
}

fn hold_latency(device: &Path, us: u32) -> Result<File, Refused> {
    let asked = OpenOptions::new().write(true).open(device).and_then(|mut file| {
        // A number of 32 bits in the machine's own order; the configuration keeps it positive.
        file.write_all(&(us as i32).to_ne_bytes())?;
        Ok(file)
    });
    asked.map_err(|error| {
        let needs = match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                "; needs root, or a udev rule that gives the device to this user"
            }
            std::io::ErrorKind::NotFound => "; this kernel or container has no such device",
            _ => "",
        };
        ("pipeline.cpu_dma_latency_us".into(), format!("{}: {error}{needs}", device.display()))
    })
}

/// Cores that interrupts of a directory's disk come to; none when the host does not tell (a loop device, a network).
pub fn disk_cores(directory: &Path) -> BTreeSet<usize> {
    let known = || {
        let existing = directory.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
        let device = std::fs::metadata(existing).ok()?.st_dev();
        let link = format!("/sys/dev/block/{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
        interrupt_cores(&std::fs::canonicalize(link).ok()?, Path::new("/proc/irq"))
    };
    known().unwrap_or_default()
}

/// The interrupts are the device's that the disk hangs on, a few directories above it.
fn interrupt_cores(disk: &Path, interrupts: &Path) -> Option<BTreeSet<usize>> {
    let lists = disk.ancestors().map(|path| path.join("msi_irqs"));
    let numbers = lists.filter_map(|list| std::fs::read_dir(list).ok()).next()?;
    let of = |number: &std::ffi::OsStr| -> Option<BTreeSet<usize>> {
        let path: PathBuf = interrupts.join(number).join("effective_affinity_list");
        cores_of(&std::fs::read_to_string(path).ok()?)
    };
    Some(numbers.flatten().filter_map(|entry| of(&entry.file_name())).flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_of_lower_priority_gets_what_nobody_else_wants() {
        let policy = std::thread::spawn(|| {
            lower_priority("a test runs");
            thread_priority::thread_schedule_policy().unwrap()
        });
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        assert_eq!(policy.join().unwrap(), idle);
    }

    #[test]
    fn a_thread_that_gives_way_is_no_idle_one() {
        let (policy, nice) = std::thread::spawn(|| {
            give_way("a test runs");
            let nice = rustix::process::getpriority_process(None).unwrap();
            (thread_priority::thread_schedule_policy().unwrap(), nice)
        })
        .join()
        .unwrap();
        assert_eq!(policy, ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other));
        assert!(nice >= LOW_NICE, "{nice}");
    }

    #[test]
    fn normal_scheduling_needs_nothing() {
        assert_eq!(try_scheduling(Scheduling::Normal), Ok(()));
    }

    #[test]
    fn fifo_is_had_or_the_missing_right_is_named() {
        match try_scheduling(Scheduling::Fifo(10)) {
            Ok(()) => {
                let policy = std::thread::Builder::new().name("fifo-ten".into()).spawn(|| {
                    schedule(Scheduling::Fifo(10)).unwrap();
                    let seen = crate::tasks::tasks();
                    seen.into_iter().find(|task| task.name == "fifo-ten").unwrap()
                });
                let task = policy.unwrap().join().unwrap();
                assert_eq!((task.policy, task.priority), ("fifo", 10));
            }
            Err((key, problem)) => {
                assert_eq!(key, "pipeline.scheduling");
                assert!(problem.contains("CAP_SYS_NICE") || problem.contains("cannot be had"), "{problem}");
            }
        }
    }

    #[test]
    fn a_wake_up_time_is_written_as_the_kernel_reads_it_and_a_missing_device_is_named() {
        let scratch = tempfile::tempdir().unwrap();
        let device = scratch.path().join("cpu_dma_latency");
        let (key, problem) = hold_latency(&device, 0).unwrap_err();
        assert_eq!(key, "pipeline.cpu_dma_latency_us");
        assert!(problem.contains("no such device"), "{problem}");
        std::fs::write(&device, "").unwrap();
        drop(hold_latency(&device, 7).unwrap());
        assert_eq!(std::fs::read(&device).unwrap(), 7_i32.to_ne_bytes());
    }

    #[test]
    fn a_disks_interrupts_are_found_above_it() {
        let scratch = tempfile::tempdir().unwrap();
        let disk = scratch.path().join("pci/virtio1/block/vda");
        std::fs::create_dir_all(&disk).unwrap();
        std::fs::create_dir_all(scratch.path().join("pci/msi_irqs")).unwrap();
        for (number, cores) in [("35", "1\n"), ("36", "2-3\n")] {
            std::fs::write(scratch.path().join("pci/msi_irqs").join(number), "msix\n").unwrap();
            std::fs::create_dir_all(scratch.path().join(number)).unwrap();
            std::fs::write(scratch.path().join(number).join("effective_affinity_list"), cores).unwrap();
        }
        assert_eq!(interrupt_cores(&disk, scratch.path()), Some(BTreeSet::from([1, 2, 3])));
        assert_eq!(interrupt_cores(Path::new("/nowhere"), scratch.path()), None);
    }
}
