//! Segments made ready ahead of time, so that the journal never waits for zeros to be written.
//!
//! A [`PreparerTask`] runs wherever the caller wants it (this crate starts no thread) and passes finished
//! segments through a bounded channel to the [`SegmentSource`] of the journal. When the disk is full the task
//! keeps trying: the journal goes on in the segment it has and fails only when it needs the next one.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use ringside_storage::{Disk, Operation, Pace, Pacer, ReadAt, Segment, StorageError};

use crate::error::JournalError;
use crate::format::{SEGMENT_LENGTH_MIN, is_segment_length, segment_file_name};

/// How long a failed preparation waits before it is tried again.
const RETRY: Duration = Duration::from_millis(50);

/// How the segments to come are made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SegmentOptions {
    /// Length of each file: a multiple of 4096, at least 8192.
    pub length: u64,
    /// Segments ready beyond the one in use, at least 1.
    pub ahead: usize,
    /// How fast zeros are written while others are ready: a segment that the journal may be waiting for is not paced.
    pub pace: Pace,
}

/// A blank segment with its number.
#[derive(Debug)]
pub struct Prepared<S> {
    /// Its number.
    pub number: u64,
    /// The file.
    pub segment: S,
}

/// What other threads may know about the preparation.
#[derive(Debug, Default)]
struct Shared {
    ready: AtomicU64,
    closed: AtomicBool,
    failure: Mutex<Option<StorageError>>,
}

impl Shared {
    fn failure(&self) -> Option<StorageError> {
        self.failure.lock().expect("no holder of this lock panics").clone()
    }

    fn set_failure(&self, failure: Option<StorageError>) {
        *self.failure.lock().expect("no holder of this lock panics") = failure;
    }
}

/// The view of any thread on the preparation: is there room for what is to come?
#[derive(Clone, Debug)]
pub struct PreparerStatus {
    shared: Arc<Shared>,
}

impl PreparerStatus {
    /// Segments ready now.
    pub fn ready(&self) -> u64 {
        // Relaxed: a figure for decisions that are late anyway; nothing is published through it.
        self.shared.ready.load(Ordering::Relaxed)
    }

    /// Why the last attempt failed; `None` when it did not.
    pub fn failure(&self) -> Option<StorageError> {
        self.shared.failure()
    }
}

/// The receiving end: what the journal takes its segments from.
pub struct SegmentSource<D: Disk> {
    kind: Kind<D>,
    shared: Arc<Shared>,
}

enum Kind<D: Disk> {
    Channel(Receiver<Prepared<D::Segment>>),
    Inline(Box<PreparerTask<D>>),
}

/// The sending end: prepares one segment after the other.
pub struct PreparerTask<D: Disk> {
    disk: D,
    options: SegmentOptions,
    first: u64,
    next: u64,
    sender: Option<Sender<Prepared<D::Segment>>>,
    held: Option<Prepared<D::Segment>>,
    shared: Arc<Shared>,
}

/// Both ends of the preparation of segments from `first_number` on.
pub fn preparer<D: Disk>(
    disk: D,
    options: SegmentOptions,
    first_number: u64,
) -> (SegmentSource<D>, PreparerTask<D>) {
    assert!(options.ahead > 0, "Invariant: a journal needs a next segment");
    // One finished segment waits in the task's hand, the others in the channel.
    let (sender, receiver) = bounded(options.ahead - 1);
    let task = PreparerTask::new(disk, options, first_number, Some(sender));
    (SegmentSource { shared: Arc::clone(&task.shared), kind: Kind::Channel(receiver) }, task)
}

impl<D: Disk> SegmentSource<D> {
    /// A source that makes each segment when it is asked for: for tools, tests and simulations, where waiting
    /// for zeros does no harm.
    pub fn inline(disk: D, options: SegmentOptions, first_number: u64) -> SegmentSource<D> {
        let task = Box::new(PreparerTask::new(disk, options, first_number, None));
        SegmentSource { shared: Arc::clone(&task.shared), kind: Kind::Inline(task) }
    }

    /// A view on the preparation for other threads.
    pub fn status(&self) -> PreparerStatus {
        PreparerStatus { shared: Arc::clone(&self.shared) }
    }

    /// The next segment and whether it had to be waited for.
    pub(crate) fn take(&mut self) -> Result<(Prepared<D::Segment>, bool), JournalError> {
        match &mut self.kind {
            Kind::Inline(task) => {
                task.prepare().map_err(JournalError::NoSegment)?;
                let prepared = task.held.take().expect("Invariant: a prepared segment is held");
                Ok((prepared, true))
            }
            Kind::Channel(receiver) => {
                let taken = wait_for(receiver, &self.shared);
                if taken.is_ok() {
                    self.shared.ready.fetch_sub(1, Ordering::Relaxed);
                }
                taken
            }
        }
    }
}

fn wait_for<S>(
    receiver: &Receiver<Prepared<S>>,
    shared: &Shared,
) -> Result<(Prepared<S>, bool), JournalError> {
    let mut waited = false;
    loop {
        let patience = if waited { Duration::from_millis(2) } else { Duration::ZERO };
        match receiver.recv_timeout(patience) {
            Ok(prepared) => return Ok((prepared, waited)),
            Err(RecvTimeoutError::Disconnected) => return Err(JournalError::PreparerGone),
            Err(RecvTimeoutError::Timeout) => waited = true,
        }
        // A finished segment in the task's hand is delivered first: failure means the one after it.
        if let (Some(failure), 0) = (shared.failure(), shared.ready.load(Ordering::Relaxed)) {
            return Err(JournalError::NoSegment(failure));
        }
    }
}

impl<D: Disk> Drop for SegmentSource<D> {
    fn drop(&mut self) {
        // Relaxed: only ends a wait early; the hung-up channel is the truth.
        self.shared.closed.store(true, Ordering::Relaxed);
    }
}

impl<D: Disk> PreparerTask<D> {
    fn new(
        disk: D,
        options: SegmentOptions,
        first: u64,
        sender: Option<Sender<Prepared<D::Segment>>>,
    ) -> PreparerTask<D> {
        assert!(
            is_segment_length(options.length),
            "a segment has whole pages, at least {SEGMENT_LENGTH_MIN} bytes"
        );
        assert!(first > 0, "Invariant: segments are numbered from 1");
        PreparerTask { disk, options, first, next: first, sender, held: None, shared: Arc::default() }
    }

    /// One piece of work, never waiting for the journal: true when something was done.
    /// An error is remembered for [`PreparerStatus::failure`] and may be tried again.
    pub fn poll(&mut self) -> Result<bool, StorageError> {
        let prepared = self.held.is_none();
        if prepared {
            self.prepare()?;
        }
        let (Some(sender), Some(held)) = (&self.sender, self.held.take()) else {
            return Ok(prepared);
        };
        match sender.try_send(held) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => Ok(true),
            Err(TrySendError::Full(held)) => {
                self.held = Some(held);
                Ok(prepared)
            }
        }
    }

    /// Prepares segments until the journal hangs up. Errors are waited out: space may come back.
    pub fn run(mut self) {
        // Relaxed: see Drop of SegmentSource.
        while !self.shared.closed.load(Ordering::Relaxed) {
            if self.held.is_none() && self.prepare().is_err() {
                std::thread::sleep(RETRY);
                continue;
            }
            let (Some(sender), Some(held)) = (&self.sender, self.held.take()) else {
                return;
            };
            if sender.send(held).is_err() {
                return;
            }
        }
    }

    fn prepare(&mut self) -> Result<(), StorageError> {
        debug_assert!(self.held.is_none(), "Invariant: one segment is prepared at a time");
        let (shared, options, first) = (&self.shared, self.options, self.next == self.first);
        // Relaxed: a figure. With none ready the journal may be waiting for this one.
        let needed = || first || shared.ready.load(Ordering::Relaxed) == 0;
        let pacer = || if needed() { Pace::Unpaced } else { options.pace };
        let prepared = prepare(&self.disk, self.next, options.length, pacer);
        self.shared.set_failure(prepared.as_ref().err().cloned());
        self.held = Some(Prepared { number: self.next, segment: prepared? });
        self.next += 1;
        // Relaxed: a figure, see PreparerStatus::ready.
        self.shared.ready.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// A blank segment: one left by an earlier run if it has the right length, else a new one.
fn prepare<D: Disk>(
    disk: &D,
    number: u64,
    length: u64,
    pacer: impl Pacer,
) -> Result<D::Segment, StorageError> {
    let name = segment_file_name(number);
    match disk.read(&name) {
        Err(error) if error.is_not_found() => {
            return match retired(disk, length)? {
                Some(old) => disk.recycle(&old, &name, pacer),
                None => disk.create(&name, length, pacer),
            };
        }
        Err(error) => return Err(error),
        Ok(file) => {
            if !is_blank(&file)? {
                // Recovery saw no segment here; whatever it is, it is not ours to overwrite.
                let exists = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
                return Err(StorageError::new(Operation::Create, name.as_ref(), &exists));
            }
        }
    }
    let segment = disk.open(&name)?;
    if segment.length() == length {
        return Ok(segment);
    }
    drop(segment);
    disk.remove(&name)?;
    disk.create(&name, length, pacer)
}

/// Ending of a segment that nobody needs any more and whose blocks wait for their next use.
const RETIRED: &str = ".free";
/// So many retired segments are kept; more would only take room.
const RETIRED_MAX: usize = 2;

/// Takes a segment out of the journal, durably. The caller has made sure that nobody needs it: a verified snapshot
/// stands for it, or an archive holds it. Its file is used again for a segment to come, or removed when enough of them wait.
///
/// What was in it cannot come back: it is zeroed under a name that nothing reads, and even bytes that stayed would not
/// match the checksums of another segment number.
pub fn retire_segment<D: Disk>(disk: &D, number: u64) -> Result<(), StorageError> {
    let name = segment_file_name(number);
    if disk.list()?.iter().filter(|name| name.ends_with(RETIRED)).count() < RETIRED_MAX {
        disk.rename(&name, &format!("{name}{RETIRED}"))?;
    } else {
        disk.remove(&name)?;
    }
    disk.sync_directory()
}

/// A retired file of the right length. Others are of no use.
fn retired<D: Disk>(disk: &D, length: u64) -> Result<Option<String>, StorageError> {
    for name in disk.list()?.into_iter().filter(|name| name.ends_with(RETIRED)) {
        if disk.read(&name)?.length()? == length {
            return Ok(Some(name));
        }
        disk.remove(&name)?;
    }
    Ok(None)
}

fn is_blank<R: ReadAt>(file: &R) -> Result<bool, StorageError> {
    let mut buffer = vec![0; 1 << 20];
    let mut offset = 0;
    loop {
        let read = file.read_at(offset, &mut buffer)?;
        if read == 0 || buffer[..read].iter().any(|byte| *byte != 0) {
            return Ok(read == 0);
        }
        offset += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringside_storage::MemoryDisk;

    const OPTIONS: SegmentOptions = SegmentOptions { length: 8192, ahead: 2, pace: Pace::Unpaced };

    #[test]
    fn a_task_prepares_as_many_segments_ahead_as_asked_for_and_then_idles() {
        let disk = MemoryDisk::default();
        let (mut source, mut task) = preparer(disk.clone(), OPTIONS, 4);
        while task.poll().unwrap() {}
        assert_eq!(source.status().ready(), 2);
        let mut names = disk.list().unwrap();
        names.sort();
        assert_eq!(names, ["0000000004.seg", "0000000005.seg"]);
        let (prepared, waited) = source.take().unwrap();
        assert_eq!((prepared.number, waited), (4, false));
        assert!(task.poll().unwrap());
    }

    #[test]
    fn a_blank_file_of_the_right_length_is_used_again_and_others_are_replaced() {
        let disk = MemoryDisk::default();
        disk.put("0000000001.seg", vec![0; 8192]);
        disk.put("0000000002.seg", vec![0; 4096]);
        disk.put("0000000003.seg", vec![1; 8192]);
        let mut source = SegmentSource::inline(disk.clone(), OPTIONS, 1);
        disk.set_free_bytes(8192);
        assert_eq!(source.take().unwrap().0.number, 1);
        assert_eq!(source.take().unwrap().0.segment.length(), 8192);
        let Err(JournalError::NoSegment(error)) = source.take() else { panic!("a used file was taken") };
        assert_eq!(error.kind, std::io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn retired_segments_are_used_again_and_surplus_ones_removed() {
        let disk = MemoryDisk::default();
        for number in 1..=4 {
            disk.put(&segment_file_name(number), vec![9; if number == 1 { 4096 } else { 8192 }]);
            retire_segment(&disk, number).unwrap();
        }
        let mut names = disk.list().unwrap();
        names.sort();
        assert_eq!(names, ["0000000001.seg.free", "0000000002.seg.free"]);
        let mut source = SegmentSource::inline(disk.clone(), OPTIONS, 5);
        disk.set_free_bytes(0);
        let segment = source.take().unwrap().0;
        assert_eq!((segment.number, segment.segment.length()), (5, 8192));
        assert_eq!(disk.contents(&segment_file_name(5)).unwrap(), vec![0; 8192]);
        assert_eq!(disk.list().unwrap(), [segment_file_name(5)], "one of another length was of no use");
    }

    #[test]
    fn a_full_disk_is_told_only_when_a_segment_is_needed_and_healed_by_space() {
        let disk = MemoryDisk::default();
        disk.set_free_bytes(8192);
        let (mut source, task) = preparer(disk.clone(), OPTIONS, 1);
        let thread = std::thread::spawn(move || task.run());
        source.take().unwrap();
        let Err(JournalError::NoSegment(error)) = source.take() else { panic!("there is no room") };
        assert!(error.is_full() && source.status().failure().is_some());
        disk.set_free_bytes(8192);
        while source.status().ready() == 0 {
            std::thread::yield_now();
        }
        assert_eq!(source.take().unwrap().0.number, 2);
        drop(source);
        thread.join().unwrap();
    }

    #[test]
    fn a_preparer_that_is_gone_is_an_error_not_a_wait() {
        let (mut source, task) = preparer(MemoryDisk::default(), OPTIONS, 1);
        drop(task);
        assert!(matches!(source.take(), Err(JournalError::PreparerGone)));
    }
}
