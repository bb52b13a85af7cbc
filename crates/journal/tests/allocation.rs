//! Neither `append` nor `flush` allocates.

mod common;
mod counting;

use common::*;
use ringside_storage::{Directory, Writer};

#[test]
fn append_flush_and_close_do_not_allocate() {
    WRITERS.into_iter().for_each(do_not_allocate);
}

fn do_not_allocate(writer: Writer) {
    let temporary = tempfile::tempdir().unwrap();
    let disk = Directory::create(&temporary.path().join("journal")).unwrap().with_writer(writer).unwrap();
    let mut journal = create(&disk, 1 << 20);
    let commands = every_command();
    let before = counting::allocations();
    for sequence in 1..=5000 {
        journal.append(sequence, START_NS + sequence, &commands[sequence as usize % commands.len()]).unwrap();
        if sequence % 500 == 0 {
            journal.flush().unwrap();
        }
    }
    journal.close().unwrap();
    assert_eq!(counting::allocations() - before, 0);
    assert_eq!(journal.segment(), 1, "a rotation may allocate");
}
