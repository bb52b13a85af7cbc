//! Copies sealed segments to the archive, on a thread that gives way to all others. The venue does not depend on it:
//! what fails is told and tried again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringside_journal::{ArchiveError, archive_file_name, archive_segment, next_to_archive};
use ringside_storage::Directory;
use tracing::{info, warn};

use crate::scheduling::lower_priority;
use crate::shared::Shared;

/// How often it looks for a sealed segment.
const LOOK: Duration = Duration::from_secs(1);
/// How often the venue's end is looked for.
const NAP: Duration = Duration::from_millis(50);
/// How long a failure is left alone: the log must not fill with it.
const RETRY: Duration = Duration::from_secs(60);

/// Archives until the venue ends.
pub fn run(disk: Directory, archive: PathBuf, shared: Arc<Shared>) {
    lower_priority("segments are archived");
    while !shared.is_over() {
        let pause = match look(&disk, &archive) {
            Ok(true) => continue,
            Ok(false) => LOOK,
            Err(error) => {
                warn!(%error, "segment not archived, tried again later");
                RETRY
            }
        };
        let since = Instant::now();
        while since.elapsed() < pause && !shared.is_over() {
            std::thread::sleep(NAP);
        }
    }
}

/// One segment. False: there is none.
fn look(disk: &Directory, archive: &Path) -> Result<bool, ArchiveError> {
    let Some(number) = next_to_archive(disk, archive)? else { return Ok(false) };
    let bytes = archive_segment(disk, number, archive)?;
    info!(file = archive_file_name(number), bytes, "segment archived");
    Ok(true)
}
