//! Threads: how the work of one step is shared, and why it changes no bit of a result.
//!
//! There is one tape, and what runs on it runs in order. Threads share the work *inside* a fused
//! operation: rows of its products, pieces of its elementwise loops, rows of the weights' gradients. Every entry is
//! still computed by one thread, in the same order as by one thread alone.
//!
//! Where the batch is large, the parts are columns, which threads take through all steps.
//!
//! [`with_threads`] runs a program with helpers that wait for work. Outside of it, and without the
//! crate's feature `threads`, everything runs on the thread that it is called from.

use std::cell::Cell;
#[cfg(feature = "threads")]
use std::sync::atomic::{
    AtomicBool,
    Ordering::{Acquire, Release},
};

/// Runs `program` with `threads` threads to share its work.
///
/// ```
/// let sum = models::threads::with_threads(2, || {
///     let (a, b) = models::threads::join(|| 1, || 2);
///     a + b
/// });
/// assert_eq!(sum, Ok(3));
/// ```
///
/// # Errors
/// If the system does not give so many threads.
#[cfg(feature = "threads")]
pub fn with_threads<R: Send>(
    threads: usize,
    program: impl FnOnce() -> R + Send,
) -> Result<R, crate::choice::Invalid> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|e| crate::choice::Invalid(format!("cannot start {threads} threads: {e}")))?;
    Ok(pool.install(program))
}

thread_local! {
    /// Among how many parts the threads are shared that run at the same time as this one.
    static PARTS: Cell<usize> = const { Cell::new(1) };
    /// Whether helpers watch for what this thread hands to them.
    static WATCHED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f`, one of so many parts of a work that run at the same time: it has its share of the threads.
pub(crate) fn with_share<R>(parts: usize, f: impl FnOnce() -> R) -> R {
    let before = PARTS.replace(parts);
    let result = f();
    PARTS.set(before);
    result
}

/// How many threads share the work here.
pub fn count() -> usize {
    #[cfg(feature = "threads")]
    if rayon::current_thread_index().is_some() {
        return (rayon::current_num_threads() / PARTS.get()).max(1);
    }
    1
}

/// Runs `a` and `b`, at the same time if there are threads to share them.
pub fn join<A: Send, B: Send>(a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    #[cfg(feature = "threads")]
    if count() > 1 {
        let (mut todo_a, mut todo_b, mut done_a, mut done_b) = (Some(a), Some(b), None, None);
        at_once(&mut || done_a = todo_a.take().map(|a| a()), &mut || done_b = todo_b.take().map(|b| b()));
        return done_a.zip(done_b).expect("both have run");
    }
    (a(), b())
}

/// What rayon needs for a join is much code: it is compiled once, not for every pair of closures.
#[cfg(feature = "threads")]
fn at_once(a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send)) {
    rayon::join(|| at_work(a), || at_work(b));
}

/// Runs `program`, whose pieces of work are of that many multiplications, while the helpers watch for them if they are
/// [`worth`] sharing then.
///
/// A helper that finds nothing to do for some microseconds goes to sleep, and to wake it takes longer than many a piece
/// of work. So it does not sleep until the program is over.
pub fn awake<R: Send>(multiplications: usize, program: impl FnOnce() -> R + Send) -> R {
    #[cfg(feature = "threads")]
    if count() > 1 && multiplications >= 2 * WATCHING {
        let (mut todo, mut done) = (Some(program), None);
        watched(count() - 1, &AtomicBool::new(false), &mut || done = todo.take().map(|program| program()));
        return done.expect("it has run");
    }
    #[cfg(not(feature = "threads"))]
    let _ = multiplications; // there are no helpers
    program()
}

/// Runs `program` while so many helpers watch.
#[cfg(feature = "threads")]
fn watched(helpers: usize, over: &AtomicBool, program: &mut (dyn FnMut() + Send)) {
    /// Says that it is over, even if a panic ends it.
    struct Over<'a>(&'a AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Release);
        }
    }
    if helpers > 0 {
        rayon::join(|| watched(helpers - 1, over, program), || watch(over));
    } else {
        let _over = Over(over);
        let before = WATCHED.replace(true);
        at_work(program);
        WATCHED.set(before);
    }
}

#[cfg(feature = "threads")]
thread_local! {
    /// Whether this thread is in the middle of a piece of work.
    static AT_WORK: Cell<bool> = const { Cell::new(false) };
}

#[cfg(feature = "threads")]
fn at_work(work: &mut (dyn FnMut() + Send)) {
    let before = AT_WORK.replace(true);
    work();
    AT_WORK.set(before);
}

// ANCHOR: watch
/// Does what work there is, until all is over. Not in the middle of other work, which somebody may wait for.
#[cfg(feature = "threads")]
fn watch(over: &AtomicBool) {
    while !AT_WORK.get() && !over.load(Acquire) {
        if rayon::yield_now() != Some(rayon::Yield::Executed) {
            std::thread::yield_now();
        }
    }
}
// ANCHOR_END: watch

// ANCHOR: worth
/// How many threads work of that many multiplications is worth. A quarter of a million of
/// them take five microseconds. To hand work to a thread that watches takes about one, but
/// to wake one that sleeps takes tens.
pub fn worth(multiplications: usize) -> usize {
    let each = if WATCHED.get() { WATCHING } else { SLEEPING };
    count().min(multiplications / each).max(1)
}

/// Multiplications that a thread is asked to do, at least, if it watches and if it sleeps.
const WATCHING: usize = 1 << 18;
const SLEEPING: usize = 1 << 22;
// ANCHOR_END: worth

/// Calls `f` with `n` and these outputs and inputs, which have `n` entries or, of the outputs, none. So many threads share the
/// entries, and each calls `f` with how many it has.
pub fn share_entries<T: Send + Sync, const O: usize, const I: usize>(
    n: usize,
    threads: usize,
    outputs: [&mut [T]; O],
    inputs: [&[T]; I],
    f: &(impl Fn(usize, [&mut [T]; O], [&[T]; I]) + Sync),
) {
    if threads < 2 {
        return f(n, outputs, inputs);
    }
    // Whole cache lines for each.
    let (first, at) = (threads / 2, (n * (threads / 2) / threads).next_multiple_of(512).min(n));
    let mut halves = outputs.map(|y| {
        let (above, below) = y.split_at_mut(at.min(y.len()));
        [above, below]
    });
    let [y_above, y_below] = [0, 1].map(|half| halves.each_mut().map(|y| std::mem::take(&mut y[half])));
    let halves = inputs.map(|x| x.split_at(at));
    join(
        || share_entries(at, first, y_above, halves.map(|(above, _)| above), f),
        || share_entries(n - at, threads - first, y_below, halves.map(|(_, below)| below), f),
    );
}

/// Calls `f` with step after step of `y` and of `x`, each of which lies in so many blocks of one size. So many threads share
/// the steps.
pub(crate) fn share_steps<T: Send + Sync>(
    steps: usize,
    threads: usize,
    y: &mut [T],
    x: &[T],
    f: &(impl Fn(&mut [T], &[T]) + Sync),
) {
    let [size_y, size_x] = [y.len(), x.len()].map(|size| size / steps);
    let (first, here) = (threads / 2, steps * (threads / 2) / threads);
    if here == 0 {
        let steps = y.chunks_exact_mut(size_y.max(1)).zip(x.chunks_exact(size_x.max(1)));
        return steps.for_each(|(y, x)| f(y, x));
    }
    let ((y, y_after), (x, x_after)) = (y.split_at_mut(here * size_y), x.split_at(here * size_x));
    join(
        || share_steps(here, first, y, x, f),
        || share_steps(steps - here, threads - first, y_after, x_after, f),
    );
}
