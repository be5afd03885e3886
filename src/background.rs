//! Work beside that of whoever began it.

use std::future::Future;
use std::pin::Pin;
use tokio::task::JoinHandle;

/// Has something done beside. It is of one kind for the runtime, whatever it is: else each would have a task's code of its own, some kilobytes.
pub(crate) fn background(work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let work: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(work);
    tokio::spawn(work)
}
