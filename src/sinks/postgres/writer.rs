//! Writes rows and the cursor behind them, in one transaction.

use super::cursor::{self, Cursor, Of};
use super::put::{Gone, Put, Statements};
use super::{Fault, SESSION, schema};
use crate::store::copies::{Changed, Chunk, Committed, Position, Rows, Values};
use tokio_postgres::Client;

/// A connection that writes for one database.
pub(crate) struct Writer {
    client: Client,
    of: Of,
    incarnation: i32,
    statements: Statements,
    /// The short lists as they were written last.
    lists: Vec<Rows>,
}

impl Writer {
    /// Looks at the schema, and where this database stands. `newest`: its newest change.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(crate) async fn begin(mut client: Client, of: Of, newest: Committed) -> Result<(Self, Cursor), Fault> {
        client.batch_execute(SESSION).await?;
        schema::check(&client).await?;
        let (incarnation, cursor) = cursor::register(&mut client, &of, newest).await?;
        let statements = Statements::prepare(&client).await?;
        Ok((Self { client, of, incarnation, statements, lists: Vec::new() }, cursor))
    }

    /// Which database of the site it writes for: 1, 2, ….
    pub(crate) fn incarnation(&self) -> i32 {
        self.incarnation
    }

    /// Writes what changed after `at`, and the lists where they differ from what was written last. Returns how many rows were written, and where it
    /// stands then.
    ///
    /// # Errors
    /// See [`Fault`]: nothing was written, or the commit is in doubt and is found out by [`Writer::begin`].
    pub(crate) async fn put(
        &mut self,
        at: &Cursor,
        changed: Changed,
        lists: Vec<Rows>,
    ) -> Result<(u64, Cursor), Fault> {
        let to = at.after_changes(&changed);
        let gone = Gone { numbers: changed.called_again, between: None };
        let rows = self.write((at, &to), changed.rows, lists, gone).await?;
        Ok((rows, to))
    }

    /// Writes a piece of the tables. At the end of all, the cursor is where the walk began.
    ///
    /// # Errors
    /// As [`Writer::put`].
    pub(crate) async fn put_chunk(
        &mut self,
        at: &Cursor,
        chunk: Chunk,
        lists: Vec<Rows>,
    ) -> Result<(u64, Cursor), Fault> {
        let to = at.after(&chunk);
        let numbers = chunk.rows.iter().find(|rows| rows.table.name == "do_not_call");
        let numbers = match numbers.and_then(|rows| rows.column("number_e164")) {
            Some(Values::Text(numbers)) => numbers.iter().flatten().cloned().collect(),
            _ => Vec::new(),
        };
        let between = chunk.list.map(|(after, until)| (after, until, numbers));
        let gone = Gone { numbers: Vec::new(), between };
        let rows = self.write((at, &to), chunk.rows, lists, gone).await?;
        Ok((rows, to))
    }

    /// All tables are to be read anew: the feed does not tell any more what has changed. `newest`: the newest change; `set_back`:
    /// it counts from an earlier number on than it did, or had.
    ///
    /// # Errors
    /// As [`Writer::put`].
    pub(crate) async fn walk_anew(&mut self, at: &Cursor, newest: Committed, set_back: bool) -> Result<Cursor, Fault> {
        if set_back {
            let (incarnation, cursor) = cursor::set_back(&mut self.client, &self.of, newest).await?;
            self.incarnation = incarnation;
            return Ok(cursor);
        }
        let to = Cursor { walk: Some(Position::start(newest)), ..*at };
        self.write((at, &to), Vec::new(), Vec::new(), Gone::default()).await?;
        Ok(to)
    }

    /// Whether these lists say something else than what was written last.
    pub(crate) fn is_news(&self, lists: &[Rows]) -> bool {
        self.lists != lists
    }

    async fn write(
        &mut self,
        (at, to): (&Cursor, &Cursor),
        rows: Vec<Rows>,
        lists: Vec<Rows>,
        gone: Gone,
    ) -> Result<u64, Fault> {
        let lists_are_news = self.lists != lists && !lists.is_empty();
        let transaction = self.client.transaction().await?;
        cursor::hold(&transaction, &self.of, self.incarnation, at).await?;
        let (of, incarnation) = (&self.of, self.incarnation);
        let put = Put { transaction: &transaction, of, incarnation, statements: &self.statements };
        let mut count = put.rows(rows).await?;
        if lists_are_news {
            count += put.lists(&lists).await?;
        }
        put.gone(gone).await?;
        cursor::move_to(&transaction, &self.of, to).await?;
        transaction.commit().await?;
        if lists_are_news {
            self.lists = lists;
        }
        Ok(count)
    }
}
