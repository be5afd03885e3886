//! Writes rows and the cursor behind them, in one transaction.

use super::cursor::{self, Cursor, Of};
use super::{Fault, schema, statements};
use crate::store::copies::{Changed, Chunk, Of as Belongs, Position, Rows, Values, copies};
use callbackd_core::millis::Millis;
use std::collections::BTreeSet;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement, Transaction};

/// A statement that takes longer, or waits longer for a lock, is given up by the server: the batch is written again later.
const SESSION: &str = "SET statement_timeout = '30s'; SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '60s'; SET search_path = callbackd, pg_temp";

/// A connection that writes for one database.
pub(crate) struct Writer {
    client: Client,
    of: Of,
    incarnation: i32,
    /// One for each of [`copies`].
    upserts: Vec<Statement>,
    inserts: Vec<Statement>,
    /// The short lists as they were written last.
    lists: Vec<Rows>,
}

impl Writer {
    /// Looks at the schema, and where this database stands. `newest`: its newest change.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(crate) async fn begin(mut client: Client, of: Of, newest: i64) -> Result<(Self, Cursor), Fault> {
        client.batch_execute(SESSION).await?;
        schema::check(&client).await?;
        let (incarnation, cursor) = cursor::register(&mut client, &of, newest).await?;
        let (mut upserts, mut inserts) = (Vec::new(), Vec::new());
        for table in copies() {
            upserts.push(client.prepare(&statements::upsert(table)).await?);
            inserts.push(client.prepare(&statements::insert(table)).await?);
        }
        Ok((Self { client, of, incarnation, upserts, inserts, lists: Vec::new() }, cursor))
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
        let to = Cursor { acked: changed.to, walk: None };
        let gone = Gone { numbers: changed.called_again, between: None };
        let rows = self.write((at, &to), changed.rows, lists, gone, changed.at_ms).await?;
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
        let rows = self.write((at, &to), chunk.rows, lists, gone, None).await?;
        Ok((rows, to))
    }

    /// All tables are to be read anew: the feed does not tell any more what has changed. `newest`: the newest change.
    ///
    /// # Errors
    /// As [`Writer::put`].
    pub(crate) async fn walk_anew(&mut self, at: &Cursor, newest: i64) -> Result<Cursor, Fault> {
        if at.acked > newest {
            let (incarnation, cursor) = cursor::set_back(&mut self.client, &self.of, newest).await?;
            self.incarnation = incarnation;
            return Ok(cursor);
        }
        let to = Cursor { acked: at.acked, walk: Some(Position::start(newest)) };
        self.write((at, &to), Vec::new(), Vec::new(), Gone::default(), None).await?;
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
        at_ms: Option<Millis>,
    ) -> Result<u64, Fault> {
        let lists_are_news = self.lists != lists && !lists.is_empty();
        let transaction = self.client.transaction().await?;
        cursor::hold(&transaction, &self.of, self.incarnation, at).await?;
        let put = Put {
            transaction,
            of: &self.of,
            incarnation: self.incarnation,
            upserts: &self.upserts,
            inserts: &self.inserts,
        };
        let mut count = put.rows(rows).await?;
        if lists_are_news {
            for rows in &lists {
                count += put.table(rows, put.upserts).await?;
            }
            put.forget_codes(&lists).await?;
        }
        put.gone(gone).await?;
        cursor::move_to(&put.transaction, &self.of, to, at_ms).await?;
        put.transaction.commit().await?;
        if lists_are_news {
            self.lists = lists;
        }
        Ok(count)
    }
}

/// What is not on the do-not-call list any more.
#[derive(Debug, Default)]
struct Gone {
    numbers: Vec<String>,
    /// Of this part of the list, all but these.
    between: Option<(String, Option<String>, Vec<String>)>,
}

/// A transaction that writes rows.
struct Put<'w> {
    transaction: Transaction<'w>,
    of: &'w Of,
    incarnation: i32,
    upserts: &'w [Statement],
    inserts: &'w [Statement],
}

impl Put<'_> {
    /// Writes tables in their order. What belongs to a call is written anew with it, and left as it is where the call is.
    async fn rows(&self, tables: Vec<Rows>) -> Result<u64, Fault> {
        let (belongings, others): (Vec<Rows>, Vec<Rows>) =
            tables.into_iter().partition(|rows| rows.table.of == Belongs::Call);
        let mut count = 0;
        let mut written: Option<BTreeSet<(String, String)>> = None;
        for rows in &others {
            if rows.table.name == "calls" {
                let found = self.calls(rows).await?;
                count += found.len() as u64;
                written = (found.len() < rows.count).then_some(found);
            } else {
                count += self.table(rows, self.upserts).await?;
            }
        }
        if belongings.is_empty() {
            return Ok(count);
        }
        let belongings = belongings.into_iter().map(|rows| match &written {
            Some(written) => rows.only(|pbx, linkedid| written.contains(&(pbx.to_owned(), linkedid.to_owned()))),
            None => rows,
        });
        let belongings: Vec<Rows> = belongings.collect();
        // What belonged to these calls is gone, so none of it is there; unless somebody has deleted rows of calls by hand.
        self.transaction.batch_execute("SAVEPOINT belongings").await?;
        match self.tables(&belongings, self.inserts).await {
            Ok(added) => Ok(count + added),
            Err(Fault::Server(error)) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => {
                self.transaction.batch_execute("ROLLBACK TO SAVEPOINT belongings").await?;
                Ok(count + self.tables(&belongings, self.upserts).await?)
            }
            Err(fault) => Err(fault),
        }
    }

    async fn tables(&self, tables: &[Rows], statements: &[Statement]) -> Result<u64, Fault> {
        let mut count = 0;
        for rows in tables {
            count += self.table(rows, statements).await?;
        }
        Ok(count)
    }

    /// Returns those that were written. What belonged to them is removed.
    async fn calls(&self, rows: &Rows) -> Result<BTreeSet<(String, String)>, Fault> {
        let (statement, parameters) = self.statement(rows, self.upserts);
        let (mut written, mut pbxs, mut linkedids) = (BTreeSet::new(), Vec::new(), Vec::new());
        for row in self.transaction.query(statement, &self.with(&parameters)).await? {
            let (pbx, linkedid): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            if !row.try_get::<_, bool>(2)? {
                pbxs.push(pbx.clone());
                linkedids.push(linkedid.clone());
            }
            written.insert((pbx, linkedid));
        }
        if !pbxs.is_empty() {
            let forget = "SELECT callbackd.forget_of_calls($1, $2, $3)";
            self.transaction.execute(forget, &[&self.of.site, &pbxs, &linkedids]).await?;
        }
        Ok(written)
    }

    async fn table(&self, rows: &Rows, statements: &[Statement]) -> Result<u64, Fault> {
        if rows.count == 0 {
            return Ok(0);
        }
        let (statement, parameters) = self.statement(rows, statements);
        Ok(self.transaction.execute(statement, &self.with(&parameters)).await?)
    }

    fn statement<'s, 'r>(
        &self,
        rows: &'r Rows,
        statements: &'s [Statement],
    ) -> (&'s Statement, Vec<&'r (dyn ToSql + Sync)>) {
        let at = copies().iter().position(|table| table.name == rows.table.name).unwrap_or_default();
        let values = rows.values.iter().map(|values| match values {
            Values::Int(values) => values as &(dyn ToSql + Sync),
            Values::Text(values) => values,
            Values::Real(values) => values,
        });
        (&statements[at], values.collect())
    }

    /// Parameters behind those that all statements begin with.
    fn with<'r>(&'r self, parameters: &[&'r (dyn ToSql + Sync)]) -> Vec<&'r (dyn ToSql + Sync)> {
        let before: [&(dyn ToSql + Sync); 3] = [&self.of.site, &self.incarnation, &self.of.db_uuid];
        before.into_iter().chain(parameters.iter().copied()).collect()
    }

    /// The codes that are not among these.
    async fn forget_codes(&self, lists: &[Rows]) -> Result<(), Fault> {
        let codes = lists.iter().find(|rows| rows.table.name == "codes");
        let Some(Values::Text(kept)) = codes.and_then(|rows| rows.column("code")) else { return Ok(()) };
        let forget = "SELECT callbackd.forget_codes($1, $2, $3)";
        self.transaction.execute(forget, &[&self.of.site, &self.incarnation, kept]).await?;
        Ok(())
    }

    async fn gone(&self, gone: Gone) -> Result<(), Fault> {
        if !gone.numbers.is_empty() {
            let forget = "SELECT callbackd.forget_numbers($1, $2, $3)";
            self.transaction.execute(forget, &[&self.of.site, &self.incarnation, &gone.numbers]).await?;
        }
        if let Some((after, until, kept)) = gone.between {
            let forget = "SELECT callbackd.forget_numbers_between($1, $2, $3, $4, $5)";
            self.transaction.execute(forget, &[&self.of.site, &self.incarnation, &after, &until, &kept]).await?;
        }
        Ok(())
    }
}
