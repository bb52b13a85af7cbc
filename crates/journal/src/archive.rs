//! Sealed segments, compressed, in another directory: what a site wants to keep although the venue may prune it.
//!
//! `0000000001.seg` becomes `0000000001.seg.zst`, one zstd frame with its checksum. The file has its name only when it
//! is whole, durable, and was read back. `zstd -d` makes the segment again, byte for byte.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use ringside_storage::{Disk, ReadAt, StorageError};

use crate::format::{SEGMENT_HEADER_LENGTH, SegmentHeader, segment_file_name, segment_number};

/// Bytes read at once.
const PIECE: usize = 1 << 18;
/// zstd's own default: beyond it records hardly get smaller.
const LEVEL: i32 = 3;

/// Why a segment could not be archived. It may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The segment could not be read.
    #[error(transparent)]
    Segment(#[from] StorageError),
    /// The archive could not be written or read back.
    #[error("archive {}: {error}", path.display())]
    Archive {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The file does not decompress to the segment.
    #[error("archive {}: differs from segment {segment}", path.display())]
    Differs {
        /// Which file.
        path: PathBuf,
        /// Name of the segment.
        segment: String,
    },
}

/// Name of the archived segment `number`.
pub fn archive_file_name(number: u64) -> String {
    format!("{}.zst", segment_file_name(number))
}

/// Numbers of the segments that are in the archive whole. Their names are durable when this returns: the segments may go.
pub fn archived(archive: &Path) -> Result<BTreeSet<u64>, ArchiveError> {
    let failed = |error| ArchiveError::Archive { path: archive.into(), error };
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(archive).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        found.extend(name.to_str().and_then(|name| name.strip_suffix(".zst")).and_then(segment_number));
    }
    // A name that was seen may still be only in memory: its writer renames first and syncs then.
    File::open(archive).and_then(|directory| directory.sync_all()).map_err(failed)?;
    Ok(found)
}

/// The lowest-numbered segment that is sealed and not in the archive yet.
pub fn next_to_archive<D: Disk>(disk: &D, archive: &Path) -> Result<Option<u64>, StorageError> {
    let mut numbers: Vec<u64> = disk.list()?.iter().filter_map(|name| segment_number(name)).collect();
    numbers.sort_unstable();
    for number in numbers {
        if !archive.join(archive_file_name(number)).exists() {
            // All before it were begun earlier, so the first one without a successor ends the search.
            return Ok(is_begun(disk, number + 1)?.then_some(number));
        }
    }
    Ok(None)
}

/// A segment is begun only after its predecessor was sealed and synced.
fn is_begun<D: Disk>(disk: &D, number: u64) -> Result<bool, StorageError> {
    let file = match disk.read(&segment_file_name(number)) {
        Err(error) if error.is_not_found() => return Ok(false),
        other => other?,
    };
    let mut page = [0; SEGMENT_HEADER_LENGTH as usize];
    file.read_at(0, &mut page)?;
    Ok(SegmentHeader::decode(&page).is_ok_and(|header| header.number == number))
}

/// Archives a sealed segment. The directory must exist; returns the bytes of the new file.
pub fn archive_segment<D: Disk>(disk: &D, number: u64, archive: &Path) -> Result<u64, ArchiveError> {
    let segment = segment_file_name(number);
    let path = archive.join(archive_file_name(number));
    let unfinished = archive.join(format!("{}.tmp", archive_file_name(number)));
    let failed = |error| ArchiveError::Archive { path: unfinished.clone(), error };
    compress(&disk.read(&segment)?, &unfinished, failed)?;
    if !same(&disk.read(&segment)?, &unfinished, failed)? {
        return Err(ArchiveError::Differs { path: unfinished, segment });
    }
    let published = fs::rename(&unfinished, &path).and_then(|()| File::open(archive)?.sync_all());
    published.map_err(failed)?;
    fs::metadata(&path).map(|found| found.len()).map_err(failed)
}

fn compress<R: ReadAt>(
    segment: &R,
    path: &Path,
    failed: impl Fn(io::Error) -> ArchiveError,
) -> Result<(), ArchiveError> {
    let length = segment.length()?;
    let encoder = File::create(path).and_then(|file| {
        let mut encoder = zstd::Encoder::new(file, LEVEL)?;
        encoder.include_checksum(true)?;
        encoder.set_pledged_src_size(Some(length))?;
        Ok(encoder)
    });
    let mut encoder = encoder.map_err(&failed)?;
    let mut piece = vec![0; PIECE];
    let mut offset = 0;
    while offset < length {
        let count = segment.read_at(offset, &mut piece)?;
        encoder.write_all(&piece[..count]).map_err(&failed)?;
        offset += count as u64;
    }
    encoder.finish().and_then(|file| file.sync_all()).map_err(failed)
}

/// True when a file decompresses to the segment.
fn same<R: ReadAt>(
    segment: &R,
    path: &Path,
    failed: impl Fn(io::Error) -> ArchiveError,
) -> Result<bool, ArchiveError> {
    let mut decoder = File::open(path).and_then(zstd::Decoder::new).map_err(&failed)?;
    let (mut piece, mut original) = (vec![0; PIECE], vec![0; PIECE]);
    let mut offset = 0;
    loop {
        let count = decoder.read(&mut piece).map_err(&failed)?;
        let read = segment.read_at(offset, &mut original[..count])?;
        if count == 0 {
            return Ok(offset == segment.length()?);
        }
        if read != count || piece[..count] != original[..count] {
            return Ok(false);
        }
        offset += count as u64;
    }
}
