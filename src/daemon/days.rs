//! Days that are over are counted for the report, one after the other, beside everything else.

use crate::background::background;
use crate::store::{DayToKeep, Error, NotTaken, Note, Notes, Reader};
use crate::timing::Timing;
use callbackd_core::millis::Millis;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// From one look for such days to the next.
const EVERY: Duration = Duration::from_secs(3_600);

/// After a day it rests so many times as long as the day took.
const REST: u32 = 3;

/// Counts them, until the writer ends.
pub(crate) fn start(db: &Path, notes: Notes) {
    let db = db.to_owned();
    drop(background(async move {
        // The rules of counting are in the database then.
        while !written(&db).await {}
        while count(&db, &notes).await {
            tokio::time::sleep(EVERY).await;
        }
    }));
}

/// After a moment: whether the calendar has been written.
async fn written(db: &Path) -> bool {
    tokio::time::sleep(Timing::get().days).await;
    let db = db.to_owned();
    let look = move || Reader::open(&db)?.has_calendar();
    matches!(tokio::task::spawn_blocking(look).await, Ok(Ok(true)))
}

/// Counts all that can be counted now. False if the writer has ended.
async fn count(db: &Path, notes: &Notes) -> bool {
    let mut counted = 0_u32;
    let goes_on = each_day(db, notes, &mut counted).await;
    if counted > 0 {
        tracing::info!(target: "store", days = counted, "Days that are over were counted for the report");
    }
    goes_on
}

async fn each_day(db: &Path, notes: &Notes, counted: &mut u32) -> bool {
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
        let is_day = matches!(what, DayToKeep::Day(_));
        let (reply, kept) = oneshot::channel();
        match notes.send(Note::Day(what, reply)) {
            Ok(()) => {}
            Err(NotTaken::Busy) => return true,
            Err(NotTaken::Ended) => return false,
        }
        match kept.await {
            // One that was changed meanwhile is not kept: it is there for the next look.
            Ok(Ok(kept)) => *counted += u32::from(is_day && kept),
            Ok(Err(err)) => {
                tracing::debug!(target: "store", err, "A day cannot be kept for the report now");
                return true;
            }
            Err(_) => return false,
        }
        tokio::time::sleep(begun.elapsed() * REST).await;
    }
}

fn look(db: PathBuf, behind_ms: Millis) -> impl FnOnce() -> Result<Option<DayToKeep>, Error> {
    move || Reader::open(&db)?.day_to_keep(behind_ms)
}
