//! Rows as they are written, within somebody's transaction.

use super::cursor::Of;
use super::{Fault, statements};
use crate::store::copies::{Of as Belongs, Rows, Values, copies};
use std::collections::BTreeSet;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement, Transaction};

/// What is not on the do-not-call list any more.
#[derive(Debug, Default)]
pub(crate) struct Gone {
    /// These.
    pub(crate) numbers: Vec<String>,
    /// Of this part of the list, all but these.
    pub(crate) between: Option<(String, Option<String>, Vec<String>)>,
}

/// Statements of a connection: one for each of [`copies`].
pub(crate) struct Statements {
    upserts: Vec<Statement>,
    inserts: Vec<Statement>,
}

impl Statements {
    /// Has them prepared.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(crate) async fn prepare(client: &Client) -> Result<Self, Fault> {
        let (mut upserts, mut inserts) = (Vec::new(), Vec::new());
        for table in copies() {
            upserts.push(client.prepare(&statements::upsert(table)).await?);
            inserts.push(client.prepare(&statements::insert(table)).await?);
        }
        Ok(Self { upserts, inserts })
    }
}

/// A transaction that writes rows.
pub(crate) struct Put<'w, 't> {
    /// Whoever began it ends it.
    pub(crate) transaction: &'w Transaction<'t>,
    /// Of which database they are.
    pub(crate) of: &'w Of,
    /// Its number among those of its site.
    pub(crate) incarnation: i32,
    /// Of the same connection.
    pub(crate) statements: &'w Statements,
}

impl Put<'_, '_> {
    /// Writes tables in their order. What belongs to a call is written anew with it, and left as it is where the call is.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(crate) async fn rows(&self, tables: Vec<Rows>) -> Result<u64, Fault> {
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
                count += self.table(rows, &self.statements.upserts).await?;
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
        match self.tables(&belongings, &self.statements.inserts).await {
            Ok(added) => Ok(count + added),
            Err(Fault::Server(error)) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => {
                self.transaction.batch_execute("ROLLBACK TO SAVEPOINT belongings").await?;
                Ok(count + self.tables(&belongings, &self.statements.upserts).await?)
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
        let (statement, parameters) = self.statement(rows, &self.statements.upserts);
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

    /// Writes short lists, each of which is whole.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(crate) async fn lists(&self, lists: &[Rows]) -> Result<u64, Fault> {
        let count = self.tables(lists, &self.statements.upserts).await?;
        self.forget_codes(lists).await?;
        Ok(count)
    }

    /// The codes that are not among these.
    async fn forget_codes(&self, lists: &[Rows]) -> Result<(), Fault> {
        let codes = lists.iter().find(|rows| rows.table.name == "codes");
        let Some(Values::Text(kept)) = codes.and_then(|rows| rows.column("code")) else { return Ok(()) };
        let forget = "SELECT callbackd.forget_codes($1, $2, $3)";
        self.transaction.execute(forget, &[&self.of.site, &self.incarnation, kept]).await?;
        Ok(())
    }

    /// Removes what is not on the do-not-call list any more.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(crate) async fn gone(&self, gone: Gone) -> Result<(), Fault> {
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
