//! Roll-ups of windows: what of them is over and kept in `report_days` is added up, the rest is read call by call.

use super::facts::{Counting, as_of};
use super::questions::{KEPT_DAYS, KEPT_FROM, NEXT_KEPT, TAKE_OUT};
use super::{Chosen, Depth, Error, Reader, Store};
use crate::report::calendar::{day_begins, day_of};
use crate::report::facts::Frame;
use crate::report::figures::totals::TotalsPart;
use crate::report::figures::{By, slices_of};
use crate::report::rollup::Rollup;
use crate::report::rollup::part::{Part as _, Table};
use crate::report::thresholds::Thresholds;
use callbackd_core::millis::Millis;
use callbackd_core::model::Record;
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

/// So many days are read call by call at once: what they need of memory is what a report needs, however long it is.
const DAYS_AT_ONCE: i64 = 7;

/// ms.
const DAY_MS: Millis = 86_400_000;

/// Changes with what a roll-up holds, so that those of another program are counted anew.
const FORM: u32 = 1;

/// What a window comes to.
#[derive(Debug, Default)]
pub(crate) struct Rolled {
    /// Of all its calls.
    pub(crate) rollup: Rollup,
    /// Of its slices, where they were asked for.
    pub(crate) slices: Table<TotalsPart>,
    /// What is said beside it.
    pub(crate) frame: Frame,
    /// Up to here events were seen, ms since 1970 UTC.
    pub(crate) as_of_ms: Millis,
}

/// A day that is over, with what it comes to: for `report_days`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptDay {
    from_ms: Millis,
    to_ms: Millis,
    rules: String,
    rollup: Vec<u8>,
    /// How often something had been changed when it was counted.
    changes: i64,
}

/// What is to be done next for `report_days`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DayToKeep {
    /// From now on whoever changes what began before this moment (ms since 1970 UTC) is to take out the days for which it counts; those of other rules go.
    Before(Millis, String),
    /// A day was counted.
    Day(KeptDay),
}

impl DayToKeep {
    /// The moment behind which to look for the next one, ms since 1970 UTC.
    #[must_use]
    pub fn behind_ms(&self) -> Millis {
        match self {
            Self::Before(..) => Millis::MIN,
            Self::Day(day) => day.to_ms,
        }
    }
}

/// What a roll-up depends on beside the rows; `None` in a zone without a name, of which nobody knows whether it is the same.
fn rules(t: &Thresholds, zone: &TimeZone) -> Option<String> {
    let Thresholds {
        service_level_ms, callback_target_ms, fcr_window_ms, too_short_ms, too_long_ms, good_score, ..
    } = t;
    let (zone, reasons, lines) = (zone.iana_name()?, &t.acw_reasons, &t.trunk_lines);
    Some(format!(
        "{FORM} {zone} {service_level_ms} {callback_target_ms} {fcr_window_ms} {too_short_ms} {too_long_ms} {good_score} {reasons:?} {lines:?}"
    ))
}

/// The whole local days from one moment up to another, several at once; the last ends at that moment, wherever that is.
fn spans(from_ms: Millis, to_ms: Millis, days: i64, zone: &TimeZone) -> Vec<(Millis, Millis)> {
    let mut spans = Vec::new();
    let mut from = from_ms;
    while from < to_ms {
        let next = day_of(from, zone).and_then(|day| day_begins(day.checked_add(days.days()).ok()?, zone));
        let to = next.filter(|next| *next > from).map_or(to_ms, |next| next.min(to_ms));
        spans.push((from, to));
        from = to;
    }
    spans
}

impl Reader {
    /// What a window (ms since 1970 UTC, the second not in it) comes to, as far as it is chosen; all of one moment. With [`Depth::Calls`] only its totals are
    /// worked out.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn rolled_up(
        &self,
        window: (Millis, Millis),
        (chosen, by): (&Chosen, Option<By>),
        depth: Depth,
        thresholds: &Thresholds,
        zone: &TimeZone,
    ) -> Result<Rolled, Error> {
        self.read(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            let as_of_ms = as_of(&snapshot)?.unwrap_or(0);
            let counting = Counting { chosen, thresholds, zone, as_of_ms };
            let mut rolled = Rolled { as_of_ms, ..Rolled::default() };
            let mut from = window.0;
            let kept = rules(thresholds, zone).filter(|_| *chosen == Chosen::default() && by.is_none());
            if let Some(rules) = kept {
                let mut statement = snapshot.prepare(KEPT_DAYS)?;
                let mut rows = statement.query(params![window.0, window.1, rules])?;
                while let Some(row) = rows.next()? {
                    let (day, to): (Millis, Millis) = (row.get(0)?, row.get(1)?);
                    let Some(rollup) = read(row.get_ref(2)?.as_blob()?, depth).filter(|_| day >= from) else {
                        continue;
                    };
                    rolled.count(&snapshot, counting, (from, day), depth, by)?;
                    rolled.rollup.add(rollup);
                    from = to;
                }
            }
            rolled.count(&snapshot, counting, (from, window.1), depth, by)?;
            if depth == Depth::All {
                rolled.frame = counting.frame(&snapshot, window)?;
            }
            Ok(rolled)
        })
    }

    /// What is to be done next for the days that are kept, behind this moment (ms since 1970 UTC): by the rules that the daemon keeps in the database.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn day_to_keep(&self, behind_ms: Millis) -> Result<Option<DayToKeep>, Error> {
        let (thresholds, zone) = self.thresholds()?;
        let Some((zone, rules)) = zone.and_then(|zone| Some((zone.clone(), rules(&thresholds, &zone)?))) else {
            return Ok(None);
        };
        self.read(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            let as_of_ms = as_of(&snapshot)?.unwrap_or(0);
            let first: Option<Millis> =
                snapshot.query_row("SELECT min(started_ms) FROM calls", [], |row| row.get(0))?;
            // Who called again is known by then.
            let over = day_of(as_of_ms - thresholds.fcr_window_ms, &zone).and_then(|day| day_begins(day, &zone));
            let begins = first.and_then(|first| day_begins(day_of(first.max(behind_ms), &zone)?, &zone));
            let (Some(begins), Some(over)) = (begins, over) else { return Ok(None) };
            let (before_ms, changes, others): (Millis, i64, bool) =
                snapshot.query_row(KEPT_FROM, [&rules], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            // A call that comes, or goes, later than the last of them says whether customers of theirs called again.
            let counts_ms = over.saturating_add(thresholds.fcr_window_ms);
            if before_ms < counts_ms || others {
                return Ok(Some(DayToKeep::Before(counts_ms, rules)));
            }
            let mut kept = snapshot.prepare(NEXT_KEPT)?;
            for (from_ms, to_ms) in spans(begins, over, 1, &zone) {
                if from_ms < behind_ms || kept.query_row([from_ms], |_| Ok(())).optional()?.is_some() {
                    continue;
                }
                let chosen = Chosen::default();
                let counting = Counting { chosen: &chosen, thresholds: &thresholds, zone: &zone, as_of_ms };
                let mut rollup = Vec::new();
                Rollup::of(&counting.facts(&snapshot, (from_ms, to_ms), Depth::All)?).write(&mut rollup);
                return Ok(Some(DayToKeep::Day(KeptDay { from_ms, to_ms, rules, rollup, changes })));
            }
            Ok(None)
        })
    }
}

fn read(mut bytes: &[u8], depth: Depth) -> Option<Rollup> {
    match depth {
        Depth::All => Rollup::read(&mut bytes).filter(|_| bytes.is_empty()),
        // They come first.
        Depth::Calls => TotalsPart::read(&mut bytes).map(|totals| Rollup { totals, ..Rollup::default() }),
    }
}

impl Rolled {
    /// Adds what is read call by call.
    fn count(
        &mut self,
        connection: &Connection,
        counting: Counting<'_>,
        window: (Millis, Millis),
        depth: Depth,
        by: Option<By>,
    ) -> rusqlite::Result<()> {
        for span in spans(window.0, window.1, DAYS_AT_ONCE, counting.zone) {
            let facts = counting.facts(connection, span, depth)?;
            self.rollup.add(match depth {
                Depth::All => Rollup::of(&facts),
                Depth::Calls => {
                    Rollup { totals: TotalsPart::of(&facts.calls, counting.thresholds), ..Rollup::default() }
                }
            });
            if let Some(by) = by {
                self.slices.add(slices_of(&facts, by));
            }
        }
        Ok(())
    }
}

/// What of the kept days a record changes (ms since 1970 UTC), beside what triggers of the table `calls` see: a row that was there is changed, or removed. The first
/// moment says whether any are changed: it is later than all that are kept, most of the time.
fn changed_by(record: &Record) -> Option<(Millis, [Millis; 2])> {
    match record {
        Record::Call(call) => Some((call.started_ms, [call.started_ms, call.ended_ms + 1])),
        // One that goes on was counted as one that does.
        Record::Interval(interval) => interval.to_ms.map(|to_ms| (to_ms, [interval.from_ms, to_ms])),
        // Its misses are counted by its state.
        Record::Callback(change) => {
            let missed_ms = change.row.first_missed_ms;
            Some((missed_ms, [missed_ms - DAY_MS, Millis::MAX]))
        }
        Record::Attempt(attempt) => Some((attempt.intended_ms, [attempt.intended_ms, attempt.intended_ms + 1])),
        _ => None,
    }
}

/// Takes out the days that these records change: in the transaction in which they are written.
pub(super) fn take_out<'r>(connection: &Connection, records: impl Iterator<Item = &'r Record>) -> rusqlite::Result<()> {
    let mut records = records.filter_map(changed_by).peekable();
    if records.peek().is_none() {
        return Ok(());
    }
    let before_ms: Millis =
        connection.prepare_cached("SELECT before_ms FROM report_days_kept")?.query_row([], |row| row.get(0))?;
    for (_, span) in records.filter(|(at_ms, _)| *at_ms < before_ms) {
        connection.prepare_cached(TAKE_OUT)?.execute(span)?;
    }
    Ok(())
}

/// Takes out all days before a moment, ms since 1970 UTC: rows of theirs are removed.
pub(super) fn take_out_before(connection: &Connection, before_ms: Millis) -> rusqlite::Result<()> {
    connection.prepare_cached(TAKE_OUT)?.execute([Millis::MIN, before_ms]).map(drop)
}

impl Store {
    /// Counts all days that are over and are not kept yet, at once: where nobody waits for the database. How many.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn keep_days(&mut self) -> Result<u32, Error> {
        let reader = Reader::open(self.path())?;
        let (mut behind_ms, mut days) = (Millis::MIN, 0);
        while let Some(what) = reader.day_to_keep(behind_ms)? {
            behind_ms = what.behind_ms();
            days += u32::from(self.keep_day(&what)? && matches!(what, DayToKeep::Day(_)));
        }
        Ok(days)
    }

    /// Does what [`Reader::day_to_keep`] has found. A day is not kept if something of those that are over has been changed since it was counted: false.
    ///
    /// # Errors
    /// The database cannot be written now: nothing was changed.
    pub fn keep_day(&mut self, what: &DayToKeep) -> Result<bool, Error> {
        self.is_where_it_was()?;
        let path = self.path().to_owned();
        let mut keep = || {
            let transaction = self.connection_mut().transaction_with_behavior(TransactionBehavior::Immediate)?;
            let kept = match what {
                DayToKeep::Before(before_ms, rules) => {
                    transaction.execute("DELETE FROM report_days WHERE rules <> ?", [rules])?;
                    transaction.execute("UPDATE report_days_kept SET before_ms = max(before_ms, ?)", [before_ms])?
                }
                DayToKeep::Day(KeptDay { from_ms, to_ms, rules, rollup, changes }) => transaction.execute(
                    "INSERT OR REPLACE INTO report_days SELECT ?, ?, ?, ? FROM report_days_kept WHERE changes = ?",
                    params![from_ms, to_ms, rules, rollup, changes],
                )?,
            };
            transaction.commit()?;
            Ok(kept > 0)
        };
        keep().map_err(|error| Error::sqlite(&path, error))
    }
}
