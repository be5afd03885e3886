//! Bringing a stream into PostgreSQL: each message once and in the order of its chain, its rows and the place behind it in one transaction.
//!
//! Several collectors may work side by side: who holds the row of a site's database writes for it, the others wait. A message that comes before those
//! that it follows waits, too. What cannot be read or written is put aside, and never holds up what comes behind it.

mod letter;
mod state;

pub(crate) use letter::Letter;

use super::nats::envelope::{Mark, Place};
use super::postgres::cursor::{self, Of};
use super::postgres::put::{Gone, Put, Statements};
use super::postgres::{self, SESSION, schema};
use crate::store::copies::{Committed, Values};
use callbackd_core::millis::Millis;
use letter::{Content, NotContent};
use state::{State, Verdict};
use tokio_postgres::{Client, Row, Transaction};

/// Why nothing can be collected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// PostgreSQL, or the way there.
    #[error(transparent)]
    Postgres(#[from] postgres::Fault),
    /// A site has tables that are not known here yet.
    #[error(
        "site {site} writes version {schema} of its tables, which this callbackd does not know: install a later one here, before the sites"
    )]
    Newer {
        /// The site.
        site: String,
        /// The version of its tables.
        schema: usize,
    },
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error.into())
    }
}

impl Fault {
    /// The server refused what a message says: trying again would not help.
    fn of_content(&self) -> Option<String> {
        let Self::Postgres(fault @ postgres::Fault::Server(error)) = self else { return None };
        let class = error.code()?.code().get(..2)?;
        // Data that does not fit, a constraint that it breaks, a limit of the program.
        ["22", "23", "54"].contains(&class).then(|| fault.to_string())
    }
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// So many rows were written.
    Taken(u64),
    /// It was there.
    Known,
    /// It is kept among the dead letters, for this reason.
    Buried(String),
    /// Those before it have not come.
    Waits,
}

/// A connection that writes for all sites.
pub(crate) struct Collector {
    client: Client,
    statements: Statements,
}

const BURY: &str = "INSERT INTO callbackd.dead_letters (site, db_uuid, chain, after_seq, to_seq, subject, stream_seq, why, headers, body)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
/// A message that was given up came after all.
const CAME: &str = "UPDATE callbackd.dead_letters SET came = came + 1
    WHERE site = $1 AND db_uuid = $2 AND chain = $3 AND body IS NULL AND after_seq < $4 AND to_seq >= $4";

impl Collector {
    /// Looks at the schema.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(crate) async fn begin(client: Client) -> Result<Self, Fault> {
        client.batch_execute(SESSION).await?;
        schema::check(&client).await?;
        let statements = Statements::prepare(&client).await?;
        Ok(Self { client, statements })
    }

    /// Takes messages of one database of a site, in the order in which they follow each other. Returns what became of each.
    ///
    /// # Errors
    /// See [`Fault`]: of these messages nothing was written, or it is in doubt; whoever takes them again finds out.
    pub(crate) async fn take(&mut self, of: &Of, letters: &[&Letter]) -> Result<Vec<Fate>, Fault> {
        match self.written(of, letters, None).await {
            Err(fault) if fault.of_content().is_some() => {}
            done => return done,
        }
        // One of them is refused for what it says: each by itself.
        let mut fates = Vec::with_capacity(letters.len());
        for letter in letters {
            let one = [*letter];
            let done = match self.written(of, &one, None).await {
                Err(fault) => match fault.of_content() {
                    Some(why) => self.written(of, &one, Some(&why)).await?,
                    None => return Err(fault),
                },
                Ok(done) => done,
            };
            fates.extend(done);
        }
        Ok(fates)
    }

    /// Keeps a message that is of no database that can be known.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(crate) async fn bury(&mut self, letter: &Letter, why: &str) -> Result<(), Fault> {
        let transaction = self.client.transaction().await?;
        buried(&transaction, None, letter, why).await?;
        Ok(transaction.commit().await?)
    }

    /// Gives up waiting for what should stand before this message. Returns what is missing in words, or nothing if it has come meanwhile.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(crate) async fn pass(&mut self, of: &Of, letter: &Letter) -> Result<Option<String>, Fault> {
        let Some(mark) = &letter.mark else { return Ok(None) };
        let transaction = self.client.transaction().await?;
        let mut held = State::hold(&transaction, of).await?;
        if State::verdict(held.as_ref(), mark) != Verdict::Wait {
            return Ok(None);
        }
        let before = held.as_ref().filter(|state| state.chain == mark.chain.began).map_or(0, |state| state.acked);
        let state = begun(&transaction, of, mark, &mut held, mark.chain.again).await?;
        let (to, why) = state.pass(mark, before);
        let nothing: Option<&[u8]> = None;
        let (seq, began) = (letter.stream_seq, mark.chain.began);
        transaction
            .execute(
                BURY,
                &[&of.site, &of.db_uuid, &began, &before, &to, &letter.subject, &seq, &why, &nothing, &nothing],
            )
            .await?;
        state.store(&transaction, of).await?;
        transaction.commit().await?;
        Ok(Some(why))
    }

    /// One transaction. `refused`: the one message that it is for is put aside, for this reason.
    async fn written(&mut self, of: &Of, letters: &[&Letter], refused: Option<&str>) -> Result<Vec<Fate>, Fault> {
        let transaction = self.client.transaction().await?;
        let mut held = State::hold(&transaction, of).await?;
        let (mut fates, mut is_changed) = (Vec::with_capacity(letters.len()), false);
        for letter in letters {
            let Some(mark) = &letter.mark else {
                fates.push(Fate::Known);
                continue;
            };
            let verdict = State::verdict(held.as_ref(), mark);
            let is_late = verdict == Verdict::Skip && came(&transaction, of, mark).await?;
            if verdict == Verdict::Wait || verdict == Verdict::Skip && !is_late {
                fates.push(if verdict == Verdict::Wait { Fate::Waits } else { Fate::Known });
                continue;
            }
            let content = match letter.content() {
                Ok(content) => Ok(content),
                Err(NotContent::Newer(schema)) => return Err(Fault::Newer { site: of.site.clone(), schema }),
                Err(NotContent::Unreadable(why)) => Err(why),
            };
            let set_back = content.as_ref().is_ok_and(|content| content.set_back);
            let state = begun(&transaction, of, mark, &mut held, set_back).await?;
            // Another collector has begun meanwhile, perhaps.
            if !is_late && State::verdict(Some(&*state), mark) != Verdict::Take {
                fates.push(Fate::Waits);
                continue;
            }
            let next = content.as_ref().ok().map(|content| content.next.clone());
            let why = refused.map(str::to_owned).or_else(|| content.as_ref().err().cloned());
            let fate = match (content, why) {
                (Ok(content), None) => {
                    Fate::Taken(put(&transaction, of, (&self.statements, state.incarnation), mark, content).await?)
                }
                (_, why) => {
                    let why = why.unwrap_or_default();
                    buried(&transaction, Some((of, mark)), letter, &why).await?;
                    Fate::Buried(why)
                }
            };
            if !is_late {
                state.advance(mark, next);
            }
            is_changed = true;
            fates.push(fate);
        }
        if let (Some(state), true) = (&held, is_changed) {
            state.store(&transaction, of).await?;
        }
        transaction.commit().await?;
        Ok(fates)
    }

    /// Those that are kept, the newest first.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(crate) async fn dead(client: &Client, limit: i64) -> Result<Vec<Dead>, postgres::Fault> {
        const SQL: &str = "SELECT id, coalesce(site, ''), coalesce(db_uuid, ''), after_seq, to_seq, subject, why, came,
            (extract(epoch FROM at) * 1000)::bigint, body IS NULL FROM callbackd.dead_letters ORDER BY id DESC LIMIT $1";
        let dead = |row: &Row| -> Result<Dead, tokio_postgres::Error> {
            Ok(Dead {
                id: row.try_get(0)?,
                site: row.try_get(1)?,
                db_uuid: row.try_get(2)?,
                after_seq: row.try_get(3)?,
                to_seq: row.try_get(4)?,
                subject: row.try_get(5)?,
                why: row.try_get(6)?,
                came: row.try_get(7)?,
                at_ms: row.try_get(8)?,
                missing: row.try_get(9)?,
            })
        };
        let rows = client.query(SQL, &[&limit]).await.map_err(postgres::Fault::of_schema)?;
        Ok(rows.iter().map(dead).collect::<Result<_, _>>()?)
    }
}

/// A message that was put aside, or a place where some are missing.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Dead {
    /// In the order in which they were put aside.
    pub(crate) id: i64,
    /// Of which site; empty if that is not known.
    pub(crate) site: String,
    /// Of which database; empty if that is not known.
    pub(crate) db_uuid: String,
    /// It follows this change.
    pub(crate) after_seq: Option<i64>,
    /// It is this change, or what is missing goes up to here.
    pub(crate) to_seq: Option<i64>,
    /// Where it was published.
    pub(crate) subject: String,
    /// Why it was put aside.
    pub(crate) why: String,
    /// So many of those that were missing have come since.
    pub(crate) came: i32,
    /// When, ms since 1970 UTC by the server's clock.
    pub(crate) at_ms: Millis,
    /// It says that some are missing; there is no message.
    pub(crate) missing: bool,
}

/// The state to go on from; a chain that begins, and a database that is new, begin here.
async fn begun<'s>(
    transaction: &Transaction<'_>,
    of: &Of,
    mark: &Mark,
    held: &'s mut Option<State>,
    set_back: bool,
) -> Result<&'s mut State, Fault> {
    if let Some(state) = held.take() {
        let is_later = state.chain < mark.chain.began;
        let goes_back = set_back || matches!(mark.place, Place::Piece { to, .. } if to < state.acked);
        let incarnation =
            if is_later && goes_back { cursor::later_in(transaction, of).await? } else { state.incarnation };
        let state = if is_later { state.chained(mark, incarnation) } else { state };
        return Ok(held.insert(state));
    }
    // Two who begin with two databases of one site give them two numbers.
    transaction.execute("SELECT pg_advisory_xact_lock(hashtextextended('callbackd ' || $1, 0))", &[&of.site]).await?;
    let (incarnation, _) = cursor::register_in(transaction, of, Committed { seq: 0, at_ms: None }).await?;
    // Another one has begun meanwhile, perhaps.
    let state = match State::hold(transaction, of).await? {
        Some(state) if state.chain >= mark.chain.began => state,
        _ => State::new(incarnation).chained(mark, incarnation),
    };
    Ok(held.insert(state))
}

/// Whether it was given up, and comes now.
async fn came(transaction: &Transaction<'_>, of: &Of, mark: &Mark) -> Result<bool, Fault> {
    let Place::Change { seq, .. } = mark.place else { return Ok(false) };
    Ok(transaction.execute(CAME, &[&of.site, &of.db_uuid, &mark.chain.began, &seq]).await? > 0)
}

async fn put(
    transaction: &Transaction<'_>,
    of: &Of,
    (statements, incarnation): (&Statements, i32),
    mark: &Mark,
    content: Content,
) -> Result<u64, Fault> {
    let put = Put { transaction, of, incarnation, statements };
    let Content { rows, called_again, list, .. } = content;
    if let Place::Lists { .. } = mark.place {
        return Ok(put.lists(&rows).await?);
    }
    let numbers = rows.iter().find(|rows| rows.table.name == "do_not_call");
    let numbers = match numbers.and_then(|rows| rows.column("number_e164")) {
        Some(Values::Text(numbers)) => numbers.iter().flatten().cloned().collect(),
        _ => Vec::new(),
    };
    let between = list.map(|(after, until)| (after, until, numbers));
    let count = put.rows(rows).await?;
    put.gone(Gone { numbers: called_again, between }).await?;
    Ok(count)
}

async fn buried(
    transaction: &Transaction<'_>,
    of: Option<(&Of, &Mark)>,
    letter: &Letter,
    why: &str,
) -> Result<(), Fault> {
    let (site, db_uuid) = match of {
        Some((of, _)) => (Some(&of.site), Some(&of.db_uuid)),
        None => (letter.site.as_ref(), None),
    };
    let chain = of.map(|(_, mark)| mark.chain.began);
    let (after, to) = match of.map(|(_, mark)| mark.place) {
        Some(Place::Change { seq, after }) => (Some(after), Some(seq)),
        Some(Place::Piece { to, .. }) => (None, Some(to)),
        Some(Place::Lists { .. }) | None => (None, None),
    };
    let (headers, body): (&[u8], &[u8]) = (&letter.headers, &letter.body);
    transaction
        .execute(
            BURY,
            &[
                &site,
                &db_uuid,
                &chain,
                &after,
                &to,
                &letter.subject,
                &letter.stream_seq,
                &why,
                &Some(headers),
                &Some(body),
            ],
        )
        .await?;
    Ok(())
}
