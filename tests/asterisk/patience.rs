//! Waiting for what sends no event: a condition is looked at again and again until a deadline.

use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// The first `Some` of `look`, or `None` when the deadline has passed.
pub fn until<T>(deadline: Instant, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let (never, nothing) = (Condvar::new(), Mutex::new(()));
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= deadline {
            return None;
        }
        drop(never.wait_timeout(nothing.lock().expect("nobody panics here"), PAUSE));
    }
}
