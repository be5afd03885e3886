//! What a report of all sites is made of: the rows of a time, brought into a scratch database of SQLite, where the very same report is made of them
//! that each site makes of its own. So no question about figures is written a second time, in another engine's words, and none can drift.
//!
//! There a PBX is `site/pbx`: two sites' PBXs, queues and agents of one name are two. A callback's id is unique over the databases of all sites, and
//! what a database that was put back has copied once more is there once. What no figure is made of (names, reasons, notes) stays where it is.
//!
//! All is read in one transaction that can write nothing, by cursors, some hundred rows at a time: SELECT is the only right that is needed, and
//! neither side holds more than that in memory.

use super::{Fault, schema};
use crate::store::copies::{Kind, Of, Table, copies};
use crate::store::{self, Scratch};
use callbackd_core::millis::Millis;
use rusqlite::types::ValueRef;
use std::time::Duration;
use tokio_postgres::{Client, Row};

/// It may take longer than what a site writes: tables of years are looked through. Nobody waits for it.
const SESSION: &str = "SET statement_timeout = '5min'; SET idle_in_transaction_session_timeout = '30min'; SET cursor_tuple_fraction = 1; SET search_path = callbackd, pg_temp;
    BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// Then nobody is there any more.
const SILENCE: Duration = Duration::from_secs(330);
/// Rows that come at once: some 400 bytes each, and all of them within what a server may answer at once.
const FETCH: &str = "FETCH 512 FROM rows";

/// To its call.
const OF_CALL: &str = "JOIN calls c ON c.site = t.site AND c.pbx = t.pbx AND c.linkedid = t.linkedid";

/// How each site stands, and what its figures are held against: NULL where it has not said so yet.
const SITES: &str = "
    SELECT c.site, bool_or(c.walk IS NOT NULL), (SELECT max(seen_ms) FROM pbx_seen p WHERE p.site = c.site),
           s.zone, s.service_level_ms, s.service_level_target, s.callback_target_ms, s.fcr_window_ms, s.alarm_wait_ms, s.too_short_ms, s.too_long_ms, s.good_score
      FROM (SELECT DISTINCT ON (site) site, walk FROM sink_cursor ORDER BY site, incarnation DESC) c LEFT JOIN report_settings s ON s.site = c.site AND s.n = 1
     GROUP BY c.site, s.site, s.n ORDER BY c.site";

/// A site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    /// Its name.
    pub(crate) name: String,
    /// All of its tables are being read anew: rows may be missing.
    pub(crate) walking: bool,
    /// Up to here its events are known, ms since 1970 UTC.
    pub(crate) seen_ms: Option<Millis>,
    /// Its time zone, and its numbers of `report_settings` in their order, behind `zone`.
    pub(crate) settings: Option<(String, [i64; 8])>,
}

/// Which rows are brought.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    /// Calls from here on, ms since 1970 UTC: with those of the time before that they are compared with.
    pub(crate) first_ms: Millis,
    /// What belongs to calls from here on.
    pub(crate) whole_ms: Millis,
    /// The window of the report.
    pub(crate) window: (Millis, Millis),
    /// Calls before this: those by which customers called again are with them.
    pub(crate) last_ms: Millis,
}

/// The report cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotGathered {
    /// There is no room for the rows here.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The server does not give them.
    #[error(transparent)]
    Server(#[from] Fault),
}

/// Looks at the schema, and who is there. What is read from here on is of one moment.
///
/// # Errors
/// See [`Fault`].
pub(crate) async fn sites(client: &Client) -> Result<Vec<Site>, Fault> {
    client.batch_execute(SESSION).await?;
    schema::check(client).await?;
    let site = |row: &Row| -> Result<Site, tokio_postgres::Error> {
        let mut numbers = [0; 8];
        let zone: Option<String> = row.try_get(3)?;
        for (n, number) in numbers.iter_mut().enumerate() {
            *number = row.try_get::<_, Option<i64>>(4 + n)?.unwrap_or_default();
        }
        let settings = zone.map(|zone| (zone, numbers));
        Ok(Site { name: row.try_get(0)?, walking: row.try_get(1)?, seen_ms: row.try_get(2)?, settings })
    };
    let rows = client.query(SITES, &[]).await.map_err(Fault::of_schema)?;
    Ok(rows.iter().map(site).collect::<Result<_, _>>()?)
}

/// Brings the rows of this time, of all sites.
///
/// # Errors
/// See [`NotGathered`].
pub(crate) async fn gather(client: &Client, span: &Span) -> Result<Scratch, NotGathered> {
    let scratch = Scratch::new()?;
    for table in copies() {
        let Some(from) = from(table.name, span) else { continue };
        let select = format!("DECLARE rows NO SCROLL CURSOR FOR {}", select(table, &from));
        client.batch_execute(&select).await.map_err(Fault::of_schema)?;
        let fetch = client.prepare(FETCH).await.map_err(Fault::Server)?;
        let (insert, kinds) = (insert(table), kinds(table));
        loop {
            let rows = tokio::time::timeout(SILENCE, client.query(&fetch, &[])).await;
            let rows = rows.map_err(|_| Fault::Silent)?.map_err(Fault::Server)?;
            for row in &rows {
                put(&scratch, &insert, &kinds, row)?;
            }
            if rows.is_empty() {
                break;
            }
        }
        client.batch_execute("CLOSE rows").await.map_err(Fault::Server)?;
    }
    Ok(scratch)
}

fn put(scratch: &Scratch, insert: &str, kinds: &[Kind], row: &Row) -> Result<(), NotGathered> {
    let value = |(at, kind): (usize, &Kind)| -> Result<ValueRef<'_>, tokio_postgres::Error> {
        Ok(match kind {
            Kind::Int => row.try_get::<_, Option<i64>>(at)?.map_or(ValueRef::Null, ValueRef::Integer),
            Kind::Real => row.try_get::<_, Option<f64>>(at)?.map_or(ValueRef::Null, ValueRef::Real),
            Kind::Text => {
                row.try_get::<_, Option<&str>>(at)?.map_or(ValueRef::Null, |text| ValueRef::Text(text.as_bytes()))
            }
        })
    };
    let values = kinds.iter().enumerate().map(value).collect::<Result<Vec<_>, _>>().map_err(Fault::Server)?;
    Ok(scratch.put(insert, values.into_iter())?)
}

/// Which rows of a table, and in which order; `None`: no figure is made of it. `t` is the table, `d.base` what makes a callback's id unique.
fn from(table: &str, span: &Span) -> Option<String> {
    let (from, to) = span.window;
    let calls = |first: Millis| format!("c.started_ms >= {first} AND c.started_ms < {to}");
    Some(match table {
        // With the newest of all: where no PBX was seen live, it says up to when anything is known.
        "calls" => format!(
            "WHERE t.started_ms >= {} AND t.started_ms < {} OR t.started_ms = (SELECT max(started_ms) FROM calls) ORDER BY t.started_ms",
            span.first_ms, span.last_ms
        ),
        "legs" | "queue_visits" | "ivr_steps" | "tags" | "ratings" => {
            format!("{OF_CALL} WHERE {} ORDER BY c.started_ms", calls(span.whole_ms))
        }
        "callbacks" => format!(
            "WHERE EXISTS (SELECT 1 FROM calls c WHERE c.site = t.site AND c.db_uuid = t.db_uuid AND c.callback_id = t.id AND {})",
            calls(from)
        ),
        // Each database of a site that was put back has those of the one before.
        "callback_attempts" => format!(
            "WHERE t.intended_ms >= {from} AND t.intended_ms < {to} ORDER BY t.site, t.pbx, t.channel_id, t.incarnation DESC"
        ),
        "gaps" => format!("WHERE t.to_ms > {from} AND t.from_ms < {to}"),
        "agent_intervals" => {
            format!("WHERE t.from_ms < {to} AND (t.to_ms IS NULL OR t.to_ms > {from}) AND t.activity <> 'ringing'")
        }
        "agents" | "pbx_seen" => String::new(),
        "codes" => "ORDER BY t.code, t.site".to_owned(),
        _ => return None,
    })
}

fn select(table: &Table, from: &str) -> String {
    let distinct = match table.name {
        "callback_attempts" => "DISTINCT ON (t.site, t.pbx, t.channel_id) ",
        "codes" => "DISTINCT ON (t.code) ",
        _ => "",
    };
    let call = if table.of == Of::Call { "t.site || '/' || t.pbx, t.linkedid, " } else { "" };
    let columns = columns(table).map(|(name, kind)| match (table.name, name) {
        (_, "pbx") => "t.site || '/' || t.pbx".to_owned(),
        ("callbacks", "id") => "d.base + t.id".to_owned(),
        (_, "callback_id") => "d.base + t.callback_id".to_owned(),
        // Another is given here.
        ("calls" | "gaps", "id") => "NULL::bigint".to_owned(),
        ("calls", "number" | "name" | "language") | ("callbacks", "number_e164" | "name") => "NULL::text".to_owned(),
        (_, "why" | "note" | "detail") => "''".to_owned(),
        (_, name) if kind == Kind::Text => format!("t.\"{name}\"::text"),
        (_, name) => format!("t.\"{name}\""),
    });
    format!(
        "SELECT {distinct}{call}{} FROM {} t LEFT JOIN (SELECT site, db_uuid, row_number() OVER (ORDER BY site, incarnation) << 40 AS base FROM sink_cursor) d \
         ON d.site = t.site AND d.db_uuid = t.db_uuid {}",
        columns.collect::<Vec<_>>().join(", "),
        table.name,
        from,
    )
}

/// A table's columns, without that by which it is known to which call a row belongs: there by its `linkedid`, here by its id.
fn columns(table: &Table) -> impl Iterator<Item = (&str, Kind)> {
    let columns = table.columns.iter().map(|(name, kind)| (name.as_str(), *kind));
    columns.filter(|(name, _)| table.of != Of::Call || *name != "call_id")
}

fn kinds(table: &Table) -> Vec<Kind> {
    let before = if table.of == Of::Call { 2 } else { 0 };
    std::iter::repeat_n(Kind::Text, before).chain(columns(table).map(|(_, kind)| kind)).collect()
}

fn insert(table: &Table) -> String {
    let names: Vec<String> = columns(table).map(|(name, _)| format!("\"{name}\"")).collect();
    let values = |first: usize| (first..).take(names.len()).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ");
    let (name, names) = (table.name, names.join(", "));
    match table.of {
        Of::Call => format!(
            "INSERT INTO {name} (call_id, {names}) SELECT id, {} FROM calls WHERE pbx = ?1 AND linkedid = ?2",
            values(3)
        ),
        _ => format!("INSERT INTO {name} ({names}) VALUES ({})", values(1)),
    }
}
