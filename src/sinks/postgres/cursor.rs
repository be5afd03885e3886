//! The cursors in PostgreSQL: how far each database of each site is copied.

use super::Fault;
use crate::store::copies::{Changed, Chunk, Committed, Position};
use callbackd_core::millis::Millis;
use tokio_postgres::{Client, Error, Row, Transaction};

/// How far a database is copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// All changes up to this one are there.
    pub(crate) acked: i64,
    /// When that one was committed, ms since 1970 UTC; `None` if that is not known.
    pub(crate) at_ms: Option<Millis>,
    /// Its tables are being read anew, and so far.
    pub(crate) walk: Option<Position>,
}

impl Cursor {
    /// Once these changes are there.
    pub(crate) fn after_changes(&self, changed: &Changed) -> Self {
        Self { acked: changed.to, at_ms: changed.at_ms.or(self.at_ms), walk: None }
    }

    /// Once this piece of the tables is there. At the end of all, the feed goes on from where the walk began.
    pub(crate) fn after(&self, chunk: &Chunk) -> Self {
        match (&chunk.next, &self.walk) {
            (None, Some(walk)) => Self::at(walk.from()),
            (next, _) => Self { walk: next.clone(), ..*self },
        }
    }

    /// All changes up to this one are there.
    pub(crate) fn at(change: Committed) -> Self {
        Self { acked: change.seq, at_ms: change.at_ms, walk: None }
    }

    /// The change that it stands at.
    pub(crate) fn change(&self) -> Committed {
        self.walk.as_ref().map_or(Committed { seq: self.acked, at_ms: self.at_ms }, Position::from)
    }
}

/// A row of `sink_cursor`, for people.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Site {
    /// Name of the site.
    pub(crate) site: String,
    /// Identity of the database.
    pub(crate) db_uuid: String,
    /// 1, 2, ... in the order in which the databases of the site began to write.
    pub(crate) incarnation: i32,
    /// All changes up to this one are there.
    pub(crate) acked_seq: i64,
    /// Its tables are being read anew.
    pub(crate) walking: bool,
    /// When the change `acked_seq` was committed at the site, ms since 1970 UTC.
    pub(crate) at_ms: Option<Millis>,
    /// Written last, ms since 1970 UTC by the server's clock.
    pub(crate) written_ms: Millis,
}

const ALL: &str = "SELECT site, db_uuid, incarnation, acked_seq, walk IS NOT NULL, at_ms, (extract(epoch FROM written) * 1000)::bigint
    FROM callbackd.sink_cursor ORDER BY site, incarnation";

/// All of them, by site.
///
/// # Errors
/// The schema is not there, or the connection is lost.
pub(crate) async fn all(client: &Client) -> Result<Vec<Site>, Fault> {
    let site = |row: &Row| -> Result<Site, Error> {
        Ok(Site {
            site: row.try_get(0)?,
            db_uuid: row.try_get(1)?,
            incarnation: row.try_get(2)?,
            acked_seq: row.try_get(3)?,
            walking: row.try_get(4)?,
            at_ms: row.try_get(5)?,
            written_ms: row.try_get(6)?,
        })
    };
    let rows = client.query(ALL, &[]).await.map_err(Fault::of_schema)?;
    Ok(rows.iter().map(site).collect::<Result<_, _>>()?)
}

/// A database that is new begins with all of its tables. What a database before it left open is not known to have gone on.
const REGISTER: &str = "INSERT INTO callbackd.sink_cursor (site, db_uuid, incarnation, acked_seq, walk)
    SELECT $1, $2, coalesce((SELECT max(incarnation) FROM callbackd.sink_cursor WHERE site = $1), 0) + 1, 0, $3
    ON CONFLICT (site, db_uuid) DO NOTHING RETURNING incarnation";
/// The same database, set back with its machine: what it says from here on is later than what it said.
const LATER: &str = "UPDATE callbackd.sink_cursor
    SET incarnation = (SELECT max(incarnation) FROM callbackd.sink_cursor WHERE site = $1) + 1
    WHERE site = $1 AND db_uuid = $2 RETURNING incarnation";
const END_OPEN: &str =
    "UPDATE callbackd.agent_intervals SET to_ms = from_ms WHERE site = $1 AND to_ms IS NULL AND incarnation < $2";
const READ: &str =
    "SELECT incarnation, acked_seq, at_ms, walk FROM callbackd.sink_cursor WHERE site = $1 AND db_uuid = $2";
const WRITE: &str = "UPDATE callbackd.sink_cursor SET acked_seq = $3, walk = $4, at_ms = $5, written = now() WHERE site = $1 AND db_uuid = $2";

/// Which database of which site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Of {
    pub(crate) site: String,
    pub(crate) db_uuid: String,
}

fn read(row: &Row) -> Result<(i32, Cursor), Error> {
    let walk: Option<String> = row.try_get(3)?;
    let cursor = Cursor { acked: row.try_get(1)?, at_ms: row.try_get(2)?, walk: None };
    // A place that cannot be read is the beginning.
    let walk = walk.map(|json| serde_json::from_str(&json).unwrap_or_else(|_| Position::start(cursor.change())));
    Ok((row.try_get(0)?, Cursor { walk, ..cursor }))
}

fn json(walk: &Position) -> String {
    serde_json::to_string(walk).unwrap_or_default()
}

/// The incarnation of a database and how far it is copied. One that is new begins with all tables while `newest` is its newest change.
pub(super) async fn register(client: &mut Client, of: &Of, newest: Committed) -> Result<(i32, Cursor), Fault> {
    let transaction = client.transaction().await?;
    let found = register_in(&transaction, of, newest).await?;
    transaction.commit().await?;
    Ok(found)
}

/// The same within somebody's transaction.
///
/// # Errors
/// See [`Fault`].
pub(crate) async fn register_in(
    transaction: &Transaction<'_>,
    of: &Of,
    newest: Committed,
) -> Result<(i32, Cursor), Fault> {
    let (site, db_uuid) = (&of.site, &of.db_uuid);
    let walk = json(&Position::start(newest));
    if let Some(new) = transaction.query_opt(REGISTER, &[site, db_uuid, &walk]).await? {
        transaction.execute(END_OPEN, &[site, &new.try_get::<_, i32>(0)?]).await?;
    }
    Ok(read(&transaction.query_one(READ, &[site, db_uuid]).await?)?)
}

/// The database counts from an earlier number on than it did, or had.
pub(super) async fn set_back(client: &mut Client, of: &Of, newest: Committed) -> Result<(i32, Cursor), Fault> {
    let transaction = client.transaction().await?;
    let later = later_in(&transaction, of).await?;
    let cursor = Cursor { walk: Some(Position::start(newest)), ..Cursor::at(newest) };
    move_to(&transaction, of, &cursor).await?;
    transaction.commit().await?;
    Ok((later, cursor))
}

/// What the database says from here on is of a later incarnation. Returns which.
///
/// # Errors
/// See [`Fault`].
pub(crate) async fn later_in(transaction: &Transaction<'_>, of: &Of) -> Result<i32, Fault> {
    let later: i32 = transaction.query_one(LATER, &[&of.site, &of.db_uuid]).await?.try_get(0)?;
    transaction.execute(END_OPEN, &[&of.site, &later]).await?;
    Ok(later)
}

/// Holds the cursor until the transaction ends, wherever it is. `None`: there is none.
///
/// # Errors
/// See [`Fault`].
pub(crate) async fn held(transaction: &Transaction<'_>, of: &Of) -> Result<Option<(i32, Cursor)>, Fault> {
    let sql = format!("{READ} FOR UPDATE");
    let found = transaction.query_opt(&sql, &[&of.site, &of.db_uuid]).await?;
    Ok(found.as_ref().map(read).transpose()?)
}

/// Holds the cursor until the transaction ends, where it was left.
///
/// # Errors
/// [`Fault::Moved`] if it is elsewhere by now.
pub(super) async fn hold(transaction: &Transaction<'_>, of: &Of, incarnation: i32, at: &Cursor) -> Result<(), Fault> {
    let found = held(transaction, of).await?.ok_or(Fault::Moved)?;
    if found == (incarnation, at.clone()) { Ok(()) } else { Err(Fault::Moved) }
}

/// Moves it.
///
/// # Errors
/// See [`Fault`].
pub(crate) async fn move_to(transaction: &Transaction<'_>, of: &Of, to: &Cursor) -> Result<(), Fault> {
    let walk = to.walk.as_ref().map(json);
    transaction.execute(WRITE, &[&of.site, &of.db_uuid, &to.acked, &walk, &to.at_ms]).await?;
    Ok(())
}
