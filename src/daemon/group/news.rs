//! What the others are to know of what became true here: who was served, and who is not to be called. It is read from the feed.

use crate::store::feed::{Behind, Change, ChangedRow, Cursor, Feed};
use crate::store::{self, Reader};
use callbackd_core::callbacks::group::entry::Service;
use callbackd_core::callbacks::restore::Served;
use callbackd_core::millis::Millis;
use callbackd_core::model::{ChangeKind, E164};
use serde_json::Value;
use std::ops::ControlFlow;

/// Changes that are read at once.
const CHANGES: usize = 500;

const KINDS: [ChangeKind; 4] =
    [ChangeKind::CallEnded, ChangeKind::CallUpdated, ChangeKind::DncAdded, ChangeKind::DncRemoved];

/// One of these.
#[derive(Debug, PartialEq)]
pub(super) enum News {
    /// A customer was served; times are of this machine's clock.
    Served(E164, Service),
    /// A number was put on the do-not-call list by an order of this site, or taken off it (`None`); the number of the change.
    Dnc(E164, Option<Value>, i64),
}

/// What comes after a change, and up to which it was read; or why the feed does not go on from there, and its end.
pub(super) struct Read {
    pub(super) reader: Reader,
    pub(super) news: Result<Vec<News>, Behind>,
    pub(super) to: i64,
    pub(super) is_all: bool,
}

/// Reads on. `min_talk_ms`: a call outward that was shorter served nobody.
pub(super) fn read(reader: Reader, after: i64, min_talk_ms: Millis) -> Result<Read, store::Error> {
    let cursor = Cursor { db: reader.feed()?.db, seq: after };
    let mut news = Vec::new();
    let (feed, read): (Feed, _) = reader.each_change(Some(&cursor), CHANGES, &KINDS, |_, change| {
        news.extend(news_of(change, min_talk_ms));
        ControlFlow::Continue(())
    })?;
    let end = feed.end().seq;
    let (news, to) = match read {
        Ok(cursor) => (Ok(news), cursor.seq),
        Err(behind) => (Err(behind), end),
    };
    Ok(Read { reader, news, to, is_all: to >= end })
}

fn news_of(change: Change, min_talk_ms: Millis) -> Option<News> {
    match (change.kind, change.row) {
        (ChangeKind::DncAdded | ChangeKind::DncRemoved, _) => {
            // What another site has ordered is there already.
            let is_elsewhere = change.payload.as_ref().is_some_and(|payload| payload["site"].is_string());
            let number = E164::new(&change.key).ok().filter(|_| !is_elsewhere)?;
            Some(News::Dnc(number, change.payload.filter(|_| change.kind == ChangeKind::DncAdded), change.seq))
        }
        (_, Some(ChangedRow::Call(stored))) if !change.late => {
            let Served { by, began_ms, ended_ms, .. } = Served::of(&stored.call, min_talk_ms)?;
            Some(News::Served(stored.call.number_e164?, Service { by, began_ms, ended_ms }))
        }
        _ => None,
    }
}
