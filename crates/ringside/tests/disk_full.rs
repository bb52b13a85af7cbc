//! A disk that runs full: new orders are refused with a code, cancels go on, and room again means orders again.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use ringside_wire::ouch::Reply;
use ringside_wire::soup::{self, kind};
use support::{CONFIG, Client, Got, PATIENCE, Site, cancel, enter, eventually, reply};

/// Processing error: the code of a capacity limit.
const CAPACITY: u16 = 0x0A;

/// A small file system in memory. `None` where mounting is not allowed.
struct SmallDisk {
    directory: tempfile::TempDir,
}

impl SmallDisk {
    fn new(megabytes: u32) -> Option<SmallDisk> {
        let disk = SmallDisk { directory: tempfile::tempdir().expect("a temporary directory") };
        let size = format!("size={megabytes}m");
        let mounted = run("mount", &["-t", "tmpfs", "-o", &size, "tmpfs", disk.path().to_str()?]);
        if !mounted {
            println!("skipped: tmpfs cannot be mounted here");
            // Nothing was mounted: the drop below must not unmount.
            std::mem::forget(disk);
            return None;
        }
        Some(disk)
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A file that takes room until it is removed.
    fn ballast(&self, bytes: usize) -> PathBuf {
        let path = self.path().join("ballast");
        std::fs::write(&path, vec![1; bytes]).expect("room for the ballast");
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        run("umount", &["-l", self.path().to_str().expect("ASCII")]);
    }
}

fn run(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

/// The next answer's type and, for a refusal, its reason.
fn answer(client: &mut Client) -> (u8, u16) {
    let Got::Packet(kind::SEQUENCED, payload) = client.next(PATIENCE) else { panic!("an answer was due") };
    match reply(&payload) {
        Reply::Rejected(rejected) => (b'J', rejected.reason),
        other => (other.kind(), 0),
    }
}

/// Sends orders in batches until one is refused for capacity. Returns the last UserRefNum used.
fn fill(client: &mut Client, mut last: u32) -> u32 {
    for _ in 0..10_000 {
        let mut batch = Vec::new();
        for n in 1..=100 {
            soup::put_packet(kind::UNSEQUENCED, &enter(last + n, b'B', 1, "ESH4"), &mut batch);
        }
        client.send_bytes(&batch);
        last += 100;
        let answers: Vec<_> = (0..100).map(|_| answer(client)).collect();
        if let Some(refused) = answers.iter().find(|answer| answer.0 == b'J') {
            assert_eq!(*refused, (b'J', CAPACITY));
            return last;
        }
        assert!(answers.iter().all(|answer| answer.0 == b'A'));
    }
    panic!("the disk did not run full");
}

#[test]
fn a_full_disk_refuses_orders_lets_cancels_through_and_recovers_by_itself() {
    let Some(disk) = SmallDisk::new(28) else { return };
    let ballast = disk.ballast(8 << 20);
    let config = CONFIG.replace("segment_size = 4194304", "segment_size = 2097152");
    let site = Site::with_data_dir(&config, &disk.path().join("data"));
    let venue = site.start();
    let mut alice = venue.login("ALICE");
    let mut bystander = venue.login("BOB");
    let mut last = fill(&mut alice, 0);

    alice.send(&cancel(1));
    assert_eq!(answer(&mut alice).0, b'C', "cancels still work");
    bystander.send(&enter(1, b'S', 1, "ESH4"));
    assert_eq!(answer(&mut bystander), (b'J', CAPACITY), "everybody is told the same");

    std::fs::remove_file(ballast).expect("the ballast");
    eventually("orders are taken again", || {
        last += 1;
        alice.send(&enter(last, b'B', 1, "ESH4"));
        let taken = answer(&mut alice).0 == b'A';
        if !taken {
            std::thread::sleep(Duration::from_millis(20));
        }
        taken.then_some(())
    });
    venue.kill();
    let verified = site.verify();
    let again = site.start();
    assert!(again.next_sequence() > verified["last_sequence"].as_u64().expect("a number"));
}
