//! The check of the database for damage goes on when the daemon is ready: calls are recorded meanwhile, and nobody is dialled.

use crate::store;
use std::path::Path;
use tokio::task::JoinHandle;

/// How far it is.
#[derive(Debug)]
pub(crate) enum Check {
    /// Not begun: the daemon is not ready yet.
    Awaited,
    /// On a thread of its own.
    Running(JoinHandle<Result<(), store::Error>>),
    /// The database is sound, as far as there was time to look.
    Done,
}

impl Check {
    /// Begins it, once.
    pub(crate) fn begin(&mut self, database: &Path) {
        if matches!(self, Self::Awaited) {
            let path = database.to_owned();
            *self = Self::Running(tokio::task::spawn_blocking(move || store::check_again(&path)));
        }
    }

    /// Waits for its end; for ever if none is running. It is not lost if it is not waited for to the end.
    ///
    /// # Errors
    /// The database is damaged, or cannot be read.
    pub(crate) async fn ended(&mut self) -> Result<(), store::Error> {
        let Self::Running(task) = self else { return std::future::pending().await };
        let checked = task.await;
        *self = Self::Done;
        match checked {
            Ok(checked) => checked,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
}
