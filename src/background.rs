//! Work beside that of whoever began it.

use std::future::Future;
use std::pin::Pin;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// Has something done beside. It is of one kind for the runtime, whatever it is: else each would have a task's code of its own, some kilobytes.
pub(crate) fn background(work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let work: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(work);
    tokio::spawn(work)
}

/// Waits until work is done. It is of one kind for the runtime too.
pub(crate) fn block_on<T>(runtime: &Runtime, work: impl Future<Output = T>) -> T {
    let mut done = None;
    let work: Pin<Box<dyn Future<Output = ()> + '_>> = Box::pin(async { done = Some(work.await) });
    runtime.block_on(work);
    done.expect("a runtime returns when the work is done")
}
