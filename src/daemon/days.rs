//! Days that are over are counted for the report, one after the other, beside everything else.

use crate::background::background;
use crate::store::{DayToKeep, Error, Note, Notes, Reader};
use crate::timing::Timing;
use callbackd_core::millis::Millis;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// From one look for such days to the next.
const EVERY: Duration = Duration::from_secs(3_600);

/// After a day it rests so many times as long as the day took.
const REST: u32 = 9;

/// Counts them until the writer ends.
pub(crate) fn start(db: &Path, notes: Notes) {
    let db = db.to_owned();
    drop(background(async move {
        tokio::time::sleep(Timing::get().days).await;
        while count(&db, &notes).await {
            tokio::time::sleep(EVERY).await;
        }
    }));
}

/// Counts all that can be counted now. False if the writer has ended.
async fn count(db: &Path, notes: &Notes) -> bool {
    let mut behind_ms = Millis::MIN;
    loop {
        let begun = Instant::now();
        let look = look(db.to_owned(), behind_ms);
        let what = match tokio::task::spawn_blocking(look).await {
            Ok(Ok(Some(what))) => what,
            Ok(Ok(None)) => return true,
            Ok(Err(err)) => {
                tracing::debug!(target: "store", %err, "Days cannot be counted for the report now");
                return true;
            }
            Err(_) => return false,
        };
        behind_ms = what.behind_ms();
        let (reply, kept) = oneshot::channel();
        if let Err(why) = notes.send(Note::Day(what, reply)) {
            return why == crate::store::NotTaken::Busy;
        }
        // One that was not taken has been changed meanwhile: it is there for the next look.
        match kept.await {
            Ok(Ok(_)) => tokio::time::sleep(begun.elapsed() * REST).await,
            Ok(Err(err)) => {
                tracing::debug!(target: "store", err, "A day cannot be kept for the report now");
                return true;
            }
            Err(_) => return false,
        }
    }
}

fn look(db: PathBuf, behind_ms: Millis) -> impl FnOnce() -> Result<Option<DayToKeep>, Error> {
    move || Reader::open(&db)?.day_to_keep(behind_ms)
}
