//! The tables that the views of figures join: the thresholds, the codes, and the hours of the zone in which days are meant. The daemon keeps them.

use super::{Error, Reader, Store, codes};
use crate::report::Thresholds;
use crate::report::calendar::{Hour, hours};
use callbackd_core::millis::Millis;
use callbackd_core::model::codes::Codes;
use jiff::tz::TimeZone;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use std::collections::{BTreeMap, BTreeSet};

/// So far ahead the calendar goes: a database whose daemon stands still for a day has today all the same.
const AHEAD_MS: Millis = 3 * 86_400_000;

/// A zone without a name in the IANA database: a file that TZ names, for example.
const NAMELESS: &str = "local";

/// What is written into the tables.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// The thresholds.
    pub thresholds: Thresholds,
    /// What can be said of calls.
    pub codes: Codes,
    /// In which days and hours are meant.
    pub zone: TimeZone,
    /// The moment of asking, ms since 1970 UTC.
    pub now_ms: Millis,
}

impl Store {
    /// Writes thresholds, codes and calendar, as far as they differ from what is there.
    ///
    /// # Errors
    /// The database cannot be written now: nothing was changed.
    pub fn keep_calendar(&mut self, calendar: &Calendar) -> Result<(), Error> {
        self.is_where_it_was()?;
        let path = self.path().to_owned();
        let mut keep = || {
            if kept(self.connection(), calendar)? {
                return Ok(());
            }
            let transaction = self.connection_mut().transaction_with_behavior(TransactionBehavior::Immediate)?;
            write_thresholds(&transaction, calendar)?;
            write_hours(&transaction, calendar)?;
            codes::write(&transaction, &calendar.codes)?;
            transaction.commit()
        };
        keep().map_err(|error| Error::sqlite(&path, error))
    }
}

impl Reader {
    /// The thresholds and the zone that the daemon keeps in this database.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn thresholds(&self) -> Result<(Thresholds, Option<TimeZone>), Error> {
        self.read(|connection| {
            let (thresholds, zone) = stored(connection)?;
            // What migrations have put there is no choice of the operator's.
            let kept = has_calendar(connection)?;
            Ok((thresholds, TimeZone::get(&zone).ok().filter(|_| kept)))
        })
    }

    /// Whether a daemon has written its calendar already.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn has_calendar(&self) -> Result<bool, Error> {
        self.read(has_calendar)
    }
}

fn has_calendar(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(connection.query_row("SELECT 1 FROM calendar LIMIT 1", [], |_| Ok(())).optional()?.is_some())
}

fn name(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or(NAMELESS)
}

fn stored(connection: &Connection) -> rusqlite::Result<(Thresholds, String)> {
    let (mut found, zone) = connection.query_row("SELECT * FROM report_settings", [], |row| {
        let thresholds = Thresholds {
            service_level_ms: row.get("service_level_ms")?,
            service_level_target: row.get("service_level_target")?,
            callback_target_ms: row.get("callback_target_ms")?,
            fcr_window_ms: row.get("fcr_window_ms")?,
            alarm_wait_ms: row.get("alarm_wait_ms")?,
            too_short_ms: row.get("too_short_ms")?,
            too_long_ms: row.get("too_long_ms")?,
            good_score: row.get("good_score")?,
            acw_reasons: BTreeSet::new(),
            dids: BTreeMap::new(),
            trunk_lines: BTreeMap::new(),
        };
        Ok((thresholds, row.get("zone")?))
    })?;
    let mut names = connection.prepare("SELECT kind, name, label, lines FROM report_names")?;
    let mut rows = names.query([])?;
    while let Some(row) = rows.next()? {
        let (kind, name): (String, String) = (row.get(0)?, row.get(1)?);
        match kind.as_str() {
            "did" => drop(found.dids.insert(name, row.get::<_, Option<String>>(2)?.unwrap_or_default())),
            "trunk_lines" => drop(found.trunk_lines.insert(name, row.get::<_, Option<u32>>(3)?.unwrap_or_default())),
            _ => drop(found.acw_reasons.insert(name)),
        }
    }
    Ok((found, zone))
}

/// Nothing is to be written: thresholds and codes are the same, and the calendar reaches from the first call to beyond tomorrow.
fn kept(connection: &Connection, wanted: &Calendar) -> rusqlite::Result<bool> {
    let (thresholds, zone) = stored(connection)?;
    let (from, to): (Option<Millis>, Option<Millis>) = connection.query_row(
        "SELECT min(from_ms), max(to_ms) FROM calendar WHERE zone = ?",
        [name(&wanted.zone)],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let first = first(connection, wanted.now_ms)?;
    let reaches = from.is_some_and(|from| from <= first) && to.is_some_and(|to| to > wanted.now_ms + AHEAD_MS / 2);
    Ok(reaches
        && zone == name(&wanted.zone)
        && thresholds == wanted.thresholds
        && codes::kept(connection, &wanted.codes)?)
}

/// A day before the first call, or before the moment of asking: agents were there already.
fn first(connection: &Connection, now_ms: Millis) -> rusqlite::Result<Millis> {
    let first: Option<Millis> = connection.query_row("SELECT min(started_ms) FROM calls", [], |row| row.get(0))?;
    Ok((first.unwrap_or(now_ms).min(now_ms) - 86_400_000).max(0))
}

fn write_thresholds(
    transaction: &Transaction<'_>,
    Calendar { thresholds: t, zone, .. }: &Calendar,
) -> rusqlite::Result<()> {
    transaction.execute(
        "UPDATE report_settings SET zone = ?1, service_level_ms = ?2, service_level_target = ?3, callback_target_ms = ?4,
                fcr_window_ms = ?5, alarm_wait_ms = ?6, too_short_ms = ?7, too_long_ms = ?8, good_score = ?9",
        params![
            name(zone),
            t.service_level_ms,
            t.service_level_target,
            t.callback_target_ms,
            t.fcr_window_ms,
            t.alarm_wait_ms,
            t.too_short_ms,
            t.too_long_ms,
            t.good_score
        ],
    )?;
    transaction.execute("DELETE FROM report_names", [])?;
    let mut put = transaction.prepare("INSERT INTO report_names (kind, name, label, lines) VALUES (?, ?, ?, ?)")?;
    for reason in &t.acw_reasons {
        put.execute(params!["acw_reason", reason, None::<&str>, None::<u32>])?;
    }
    for (did, label) in &t.dids {
        put.execute(params!["did", did, label, None::<u32>])?;
    }
    for (trunk, lines) in &t.trunk_lines {
        put.execute(params!["trunk_lines", trunk, None::<&str>, lines])?;
    }
    Ok(())
}

/// Rewrites what differs: a zone's rules may have changed since. Days before the first call stay: something was seen on them.
fn write_hours(transaction: &Transaction<'_>, wanted: &Calendar) -> rusqlite::Result<()> {
    let zone = name(&wanted.zone);
    let hours = hours(first(transaction, wanted.now_ms)?, wanted.now_ms + AHEAD_MS, &wanted.zone);
    let to_ms = hours.last().map_or(0, |hour| hour.to_ms);
    transaction.execute("DELETE FROM calendar WHERE zone <> ?1 OR from_ms >= ?2", params![zone, to_ms])?;
    let mut there = transaction
        .prepare("SELECT 1 FROM calendar WHERE (zone, date, hour, from_ms, to_ms, day_to_ms) = (?, ?, ?, ?, ?, ?)")?;
    let mut put = transaction.prepare("INSERT OR REPLACE INTO calendar VALUES (?, ?, ?, ?, ?, ?, ?, ?)")?;
    for hour in &hours {
        let Hour { date, hour: local, from_ms, to_ms, day_from_ms, day_to_ms } = hour;
        let date = date.to_string();
        if !there.exists(params![zone, date, local, from_ms, to_ms, day_to_ms])? {
            put.execute(params![zone, date, local, hour.weekday(), from_ms, to_ms, day_from_ms, day_to_ms])?;
        }
    }
    Ok(())
}
