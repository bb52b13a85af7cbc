//! What happens when a mapped segment loses its bytes under the venue: somebody truncates the file, or the disk cannot
//! give back a page. The kernel answers the store with SIGBUS. There is no going on after that, only an end that says
//! why.

use std::io;
use std::path::Path;

use signal_hook::consts::SIGBUS;
use signal_hook::low_level::{exit, register};

use crate::failure::STORAGE;

/// From now on SIGBUS ends the process with one line and the exit code of a failed storage.
pub fn ends_with_a_message(journal: &Path) -> io::Result<()> {
    let what = "a mapped segment was cut short or its disk failed (SIGBUS)";
    let line =
        format!("ringside: {}: {what}; nothing acknowledged before is lost by this\n", journal.display());
    // Written by a handler, which must not allocate: it lives as long as the process.
    let line: &'static [u8] = Box::leak(line.into_bytes().into_boxed_slice());
    let end = move || {
        // Nothing can be done about a stderr that is closed.
        let _ = rustix::io::write(rustix::stdio::stderr(), line);
        exit(i32::from(STORAGE));
    };
    // SAFETY: the action is async-signal-safe. It makes two system calls, write(2) and _exit(2), reads memory that is
    // never freed, takes no lock, does not allocate and does not panic.
    unsafe { register(SIGBUS, end) }.map(drop)
}
