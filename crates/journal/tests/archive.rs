//! Sealed segments go to the archive once, whole, and come back byte for byte.

mod common;

use common::*;
use ringside_journal::format::segment_file_name;
use ringside_journal::{archive_file_name, archive_segment, archived, next_to_archive, recover};
use ringside_storage::{Disk, MemoryDisk};

const SHORT: u64 = 8192;

fn three_segments() -> MemoryDisk {
    let disk = MemoryDisk::default();
    let mut journal = create(&disk, SHORT);
    while journal.segment() < 3 {
        append_one(&mut journal);
    }
    journal.close().unwrap();
    disk
}

#[test]
fn only_sealed_segments_are_archived_in_order_and_each_once() {
    let (disk, archive) = (three_segments(), tempfile::tempdir().unwrap());
    for number in [1, 2] {
        assert_eq!(next_to_archive(&disk, archive.path()), Ok(Some(number)));
        let bytes = archive_segment(&disk, number, archive.path()).unwrap();
        assert!(bytes > 0 && bytes < SHORT, "{bytes}");
    }
    assert_eq!(next_to_archive(&disk, archive.path()), Ok(None), "segment 3 is in use");
    let mut files: Vec<_> =
        std::fs::read_dir(archive.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["0000000001.seg.zst", "0000000002.seg.zst"], "and nothing unfinished");
}

#[test]
fn only_whole_segments_count_as_archived() {
    let (disk, archive) = (three_segments(), tempfile::tempdir().unwrap());
    assert!(archived(archive.path()).unwrap().is_empty());
    archive_segment(&disk, 2, archive.path()).unwrap();
    std::fs::write(archive.path().join("0000000001.seg.zst.tmp"), "half").unwrap();
    std::fs::write(archive.path().join("0000000003.seg"), "no archive's name").unwrap();
    assert_eq!(archived(archive.path()).unwrap(), [2].into());
    assert!(archived(&archive.path().join("gone")).is_err());
}

#[test]
fn a_journal_is_whole_again_with_segments_from_the_archive() {
    let (disk, archive) = (three_segments(), tempfile::tempdir().unwrap());
    let last = recover(&disk).unwrap().last_sequence();
    archive_segment(&disk, 2, archive.path()).unwrap();
    let original = disk.contents(&segment_file_name(2)).unwrap();
    disk.remove(&segment_file_name(2)).unwrap();
    recover(&disk).unwrap_err();
    let file = std::fs::File::open(archive.path().join(archive_file_name(2))).unwrap();
    let restored = zstd::decode_all(file).unwrap();
    assert!(restored == original);
    disk.put(&segment_file_name(2), restored);
    assert_eq!(recovered_last(&disk), Ok(last));
}

#[test]
fn a_damaged_archive_is_noticed_by_whoever_decompresses_it() {
    let (disk, archive) = (three_segments(), tempfile::tempdir().unwrap());
    archive_segment(&disk, 1, archive.path()).unwrap();
    let path = archive.path().join(archive_file_name(1));
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let original = disk.contents(&segment_file_name(1)).unwrap();
    assert!(zstd::decode_all(&bytes[..]).map_or(true, |decoded| decoded == original), "never other bytes");
}

#[test]
fn an_archive_that_cannot_be_written_is_an_error_with_its_path() {
    let error = archive_segment(&three_segments(), 1, "/nonexistent/archive".as_ref()).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/archive/0000000001.seg.zst"), "{error}");
}
