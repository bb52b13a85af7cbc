//! Where the journal of a venue is.

use std::path::{Path, PathBuf};

use ringside_storage::Directory;

use crate::past::ReplayError;

/// Directory of the journal inside a data directory.
pub const JOURNAL: &str = "journal";

/// Directory of the snapshots inside a data directory.
pub(crate) const SNAPSHOTS: &str = "snapshots";

/// The journal of `place`: a data directory, or the directory of the segments itself.
///
/// # Errors
/// [`ReplayError::NoJournal`] when it is neither.
pub fn journal_of(place: &Path) -> Result<PathBuf, ReplayError> {
    let inside = place.join(JOURNAL);
    if inside.is_dir() {
        return Ok(inside);
    }
    if holds_segments(place) {
        return Ok(place.to_owned());
    }
    Err(ReplayError::NoJournal(inside.display().to_string()))
}

/// The data directory that `place` is, or is the journal of.
pub fn data_dir_of(place: &Path) -> PathBuf {
    if place.join(JOURNAL).is_dir() || !holds_segments(place) {
        return place.to_owned();
    }
    place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

/// Opens the journal for reading.
pub(crate) fn open(place: &Path) -> Result<Directory, ReplayError> {
    Ok(Directory::open(&journal_of(place)?)?)
}

fn holds_segments(place: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(place) else { return false };
    entries.filter_map(Result::ok).any(|entry| {
        let name = entry.file_name();
        name.to_str().is_some_and(|name| ringside_journal::format::segment_number(name).is_some())
    })
}
