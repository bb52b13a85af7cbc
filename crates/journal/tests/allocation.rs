//! Neither `append` nor `flush` allocates.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::*;
use ringside_storage::{Directory, Writer};

/// Counts what the current thread allocates.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system allocator unchanged; counting touches a plain thread-local number,
// which allocates nothing and needs no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `alloc`, that is from the system allocator, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn append_flush_and_close_do_not_allocate() {
    WRITERS.into_iter().for_each(do_not_allocate);
}

fn do_not_allocate(writer: Writer) {
    let temporary = tempfile::tempdir().unwrap();
    let disk = Directory::create(&temporary.path().join("journal")).unwrap().with_writer(writer).unwrap();
    let mut journal = create(&disk, 1 << 20);
    let commands = every_command();
    let before = ALLOCATIONS.with(Cell::get);
    for sequence in 1..=5000 {
        journal.append(sequence, START_NS + sequence, &commands[sequence as usize % commands.len()]).unwrap();
        if sequence % 500 == 0 {
            journal.flush().unwrap();
        }
    }
    journal.close().unwrap();
    assert_eq!(ALLOCATIONS.with(Cell::get) - before, 0);
    assert_eq!(journal.segment(), 1, "a rotation may allocate");
}
