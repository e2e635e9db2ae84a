//! What a thread has allocated, and the most that it had at one time.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static NOW: Cell<usize> = const { Cell::new(0) };
    static MOST: Cell<usize> = const { Cell::new(0) };
}

#[derive(Debug)]
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn grown(by: usize) {
    // A thread that ends has no counters any more.
    let _gone = NOW.try_with(|now| {
        now.set(now.get().saturating_add(by));
        let _gone = MOST.try_with(|most| most.set(most.get().max(now.get())));
    });
}

fn shrunk(by: usize) {
    let _gone = NOW.try_with(|now| now.set(now.get().saturating_sub(by)));
}

#[allow(
    unsafe_code,
    reason = "an allocator can't be made without; each call is handed on as it came"
)]
// SAFETY: every call goes to the system's allocator with the arguments that it came with.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        shrunk(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        shrunk(layout.size());
        grown(size);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// What `run` gives, and the most bytes that it held at one time beyond what there was before.
pub(crate) fn most_of<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = NOW.get();
    MOST.set(before);
    let out = run();
    (out, MOST.get().saturating_sub(before))
}
