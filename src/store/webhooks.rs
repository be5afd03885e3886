//! Webhooks in the database: how far each endpoint has come, what it was sent, and what it answered.

use super::{Error, Reader, Store};
use callbackd_core::millis::Millis;
use callbackd_core::model::Status;
use callbackd_core::text_enum;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use serde::Serialize;
use std::sync::LazyLock;

/// Attempts, and messages that are over, are kept for so long, ms.
const KEPT_MS: Millis = 30 * 86_400_000;
/// Old rows that a note removes at most of each table: more than it adds.
const REMOVED: i64 = 4;

text_enum! {
    /// Whether an endpoint is sent to.
    WebhookState {
        /// It is.
        Running = "running",
        /// A person stopped it; what comes meanwhile waits.
        Paused = "paused",
        /// It answered 410 Gone; what comes meanwhile is not for it.
        Off = "off",
    }
}

text_enum! {
    /// Where a message has come to.
    MessageState {
        /// It is tried again, and those behind it wait.
        Failing = "failing",
        /// The endpoint has taken it.
        Delivered = "delivered",
        /// It is not tried any more, and kept.
        GivenUp = "given_up",
        /// A person wants it to be sent once more.
        Again = "again",
    }
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "Webhook"))]
pub struct WebhookRow {
    /// As in the configuration.
    pub name: String,
    /// Whether it is sent to.
    pub(crate) state: WebhookState,
    /// In this state since, ms since 1970 UTC.
    pub(crate) since_ms: Millis,
    /// Who brought it there: `callbackd`, or a user.
    pub(crate) by: String,
    /// Nothing has been delivered since, ms since 1970 UTC; `null` if the last message was.
    pub failing_ms: Option<Millis>,
    /// `seq` of the last change that it has passed; `null` while it is off.
    pub(crate) passed: Option<i64>,
    /// Changes after it.
    pub behind: i64,
    /// Messages that were given up, and are kept.
    pub given_up: i64,
}

/// A message to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "WebhookMessage"))]
pub struct Message {
    /// `seq` of the change that it tells.
    pub(crate) seq: i64,
    /// What became true.
    #[cfg_attr(feature = "openapi", schemars(with = "callbackd_core::model::ChangeKind"))]
    pub(crate) kind: String,
    /// Of what.
    pub(crate) key: String,
    /// Where it has come to.
    pub(crate) state: MessageState,
    /// How often it was sent.
    pub(crate) attempts: u32,
    /// Of these, answered by a 4xx that says that it will never be taken.
    pub(crate) refused: u32,
    /// Sent first, ms since 1970 UTC.
    pub(crate) first_ms: Millis,
    /// Sent last, ms since 1970 UTC.
    pub(crate) last_ms: Millis,
    /// Not sent before, while it is failing; ms since 1970 UTC.
    pub(crate) next_ms: Millis,
    /// What is sent; `None` once it was delivered.
    #[serde(skip)]
    pub(crate) body: Option<String>,
}

/// One time that a message was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "WebhookAttempt"))]
pub struct Attempt {
    /// `seq` of the message.
    pub(crate) seq: i64,
    /// Begun, ms since 1970 UTC.
    pub(crate) at_ms: Millis,
    /// Until the answer, or until it was given up, ms.
    pub took_ms: Millis,
    /// HTTP status of the answer; `null` if none came.
    pub code: Option<u16>,
    /// Why none came; empty if one did.
    pub(crate) error: String,
    /// The first 500 bytes of its body.
    pub answer: String,
}

/// Which messages are sent once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// All that were given up.
    GivenUp,
    /// The one about this change.
    One(i64),
}

/// What is to be noted of webhooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookNote {
    /// These are the endpoints: one that is new begins with the next change, one that is not named any more is forgotten.
    Configured(Vec<String>, Millis),
    /// A message was sent, and what came of it.
    Attempted {
        /// The endpoint.
        webhook: String,
        /// The message, as it stands now.
        message: Message,
        /// How it was sent.
        attempt: Attempt,
        /// The endpoint has passed this change.
        passed: Option<i64>,
        /// Nothing has been delivered since; `None` if this was.
        failing_ms: Option<Millis>,
        /// It is gone: the endpoint is switched off.
        off: bool,
    },
    /// The endpoint has passed all changes up to this one, at this time.
    Passed(String, i64, Millis),
    /// The endpoint is sent to, or not, from this time on.
    State(String, WebhookState, String, Millis),
    /// Messages are sent once more. The answer is how many.
    Again(String, Again),
    /// What this message was to say is not kept any more.
    NotKept(String, i64),
}

/// The sink of an endpoint.
fn sink(webhook: &str) -> String {
    format!("webhook:{webhook}")
}

const PASS: &str = "INSERT INTO sinks (name, acked_seq, acked_ms) VALUES (?1, ?2, ?3)
    ON CONFLICT (name) DO UPDATE SET acked_seq = max(acked_seq, ?2), acked_ms = ?3";
const BEGIN: &str = "INSERT INTO sinks (name, acked_seq, acked_ms)
    SELECT ?1, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'outbox'), 0), ?2 WHERE true ON CONFLICT (name) DO NOTHING";

impl Store {
    /// Notes something of webhooks, in one transaction. Returns how many rows it was about.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn webhook(&mut self, note: &WebhookNote) -> Result<usize, Error> {
        let path = self.path().to_owned();
        let write = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let rows = apply(&transaction, note)?;
            transaction.commit()?;
            Ok(rows)
        };
        write(self.connection_mut()).map_err(|error| Error::sqlite(&path, error))
    }
}

fn apply(connection: &Connection, note: &WebhookNote) -> rusqlite::Result<usize> {
    match note {
        WebhookNote::Configured(names, now_ms) => configured(connection, names, *now_ms),
        WebhookNote::Passed(webhook, seq, now_ms) => connection.execute(PASS, (sink(webhook), seq, now_ms)),
        WebhookNote::Attempted { webhook, message, attempt, passed, failing_ms, off } => {
            put_message(connection, webhook, message)?;
            connection.execute(
                "INSERT INTO webhook_attempts (webhook, seq, at_ms, took_ms, code, error, answer) VALUES (?, ?, ?, ?, ?, ?, ?)",
                params![webhook, attempt.seq, attempt.at_ms, attempt.took_ms, attempt.code, attempt.error, attempt.answer],
            )?;
            connection.execute(
                "UPDATE webhooks SET failing_ms = ?2 WHERE name = ?1 AND failing_ms IS NOT ?2",
                (webhook, failing_ms),
            )?;
            if let Some(seq) = passed {
                connection.execute(PASS, (sink(webhook), seq, attempt.at_ms))?;
            }
            if *off {
                state(connection, webhook, WebhookState::Off, "callbackd", attempt.at_ms)?;
            }
            forget_old(connection, webhook, attempt.at_ms - KEPT_MS)
        }
        WebhookNote::State(webhook, to, by, now_ms) => state(connection, webhook, *to, by, *now_ms),
        WebhookNote::Again(webhook, Again::GivenUp) => connection.execute(AGAIN_ALL, [webhook]),
        WebhookNote::Again(webhook, Again::One(seq)) => connection.execute(AGAIN_ONE, (webhook, seq)),
        WebhookNote::NotKept(webhook, seq) => connection.execute(
            "UPDATE webhook_messages SET state = 'delivered' WHERE webhook = ? AND seq = ? AND state = 'again'",
            (webhook, seq),
        ),
    }
}

fn configured(connection: &Connection, names: &[String], now_ms: Millis) -> rusqlite::Result<usize> {
    let known: Vec<String> =
        connection.prepare("SELECT name FROM webhooks")?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for gone in known.iter().filter(|name| !names.contains(name)) {
        connection.execute("DELETE FROM sinks WHERE name = ?", [sink(gone)])?;
        connection.execute("DELETE FROM webhooks WHERE name = ?", [gone])?;
        connection.execute("DELETE FROM webhook_messages WHERE webhook = ? AND state <> 'delivered'", [gone])?;
    }
    for name in names {
        connection.execute(
            "INSERT INTO webhooks (name, state, since_ms, \"by\") VALUES (?, 'running', ?, 'callbackd') ON CONFLICT (name) DO NOTHING",
            (name, now_ms),
        )?;
        let off: bool =
            connection.query_row("SELECT state = 'off' FROM webhooks WHERE name = ?", [name], |row| row.get(0))?;
        if !off {
            connection.execute(BEGIN, (sink(name), now_ms))?;
            let passed = "SELECT acked_seq FROM sinks WHERE name = ?";
            let passed: i64 = connection.query_row(passed, [sink(name)], |row| row.get(0))?;
            connection.execute(TRIED_NO_MORE, (name, passed))?;
        }
    }
    Ok(names.len())
}

fn state(
    connection: &Connection,
    webhook: &str,
    to: WebhookState,
    by: &str,
    now_ms: Millis,
) -> rusqlite::Result<usize> {
    let rows = connection.execute(
        // How long it was not sent to is not how long it took nothing.
        "UPDATE webhooks SET state = ?2, since_ms = ?3, \"by\" = ?4, failing_ms = CASE WHEN ?2 <> 'running' THEN failing_ms
            WHEN state = 'paused' THEN failing_ms + max(?3 - since_ms, 0) END WHERE name = ?1 AND state <> ?2",
        (webhook, to.as_str(), now_ms, by),
    )?;
    match to {
        // What comes while it is off is not kept for it.
        WebhookState::Off => {
            connection.execute("DELETE FROM sinks WHERE name = ?", [sink(webhook)])?;
            connection.execute(TRIED_NO_MORE, (webhook, i64::MAX))?;
        }
        // It may have been off.
        WebhookState::Running | WebhookState::Paused if rows > 0 => {
            connection.execute(BEGIN, (sink(webhook), now_ms))?;
        }
        WebhookState::Running | WebhookState::Paused => {}
    }
    Ok(rows)
}

fn put_message(connection: &Connection, webhook: &str, message: &Message) -> rusqlite::Result<usize> {
    let Message { seq, kind, key, state, attempts, refused, first_ms, last_ms, next_ms, body } = message;
    connection
        .prepare_cached(
            "INSERT INTO webhook_messages (webhook, seq, kind, key, state, attempts, refused, first_ms, last_ms, next_ms, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (webhook, seq) DO UPDATE
             SET state = ?5, attempts = ?6, refused = ?7, last_ms = ?9, next_ms = ?10, body = ?11",
        )?
        .execute(params![
            webhook, seq, kind, key, state.as_str(), attempts, refused, first_ms, last_ms, next_ms, body
        ])
}

fn forget_old(connection: &Connection, webhook: &str, before_ms: Millis) -> rusqlite::Result<usize> {
    let old = connection.execute(OLD_ATTEMPTS, (REMOVED, before_ms))?;
    let messages = connection.execute(OLD_MESSAGES, (webhook, REMOVED, before_ms))?;
    Ok(old + messages)
}

fn read_message(row: &Row<'_>) -> rusqlite::Result<Message> {
    let state: String = row.get("state")?;
    Ok(Message {
        seq: row.get("seq")?,
        kind: row.get("kind")?,
        key: row.get("key")?,
        state: MessageState::from_text(&state).ok_or_else(|| rusqlite::Error::InvalidColumnName(state))?,
        attempts: row.get("attempts")?,
        refused: row.get("refused")?,
        first_ms: row.get("first_ms")?,
        last_ms: row.get("last_ms")?,
        next_ms: row.get("next_ms")?,
        body: row.get("body")?,
    })
}

fn read_webhook(row: &Row<'_>) -> rusqlite::Result<WebhookRow> {
    let state: String = row.get("state")?;
    Ok(WebhookRow {
        name: row.get("name")?,
        state: WebhookState::from_text(&state).ok_or_else(|| rusqlite::Error::InvalidColumnName(state))?,
        since_ms: row.get("since_ms")?,
        by: row.get("by")?,
        failing_ms: row.get("failing_ms")?,
        passed: row.get("acked_seq")?,
        behind: row.get("behind")?,
        given_up: row.get("given_up")?,
    })
}

/// Those given up are few; the planner prefers the table's key, by which all messages of thirty days would be read.
const WEBHOOKS: &str = "
    SELECT w.*, s.acked_seq,
           CASE WHEN s.acked_seq IS NULL THEN 0 ELSE
               coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'outbox'), 0) - s.acked_seq END AS behind,
           (SELECT count(*) FROM webhook_messages m INDEXED BY webhook_messages_open
             WHERE m.webhook = w.name AND m.state = 'given_up' AND m.state <> 'delivered') AS given_up
      FROM webhooks w LEFT JOIN sinks s ON s.name = 'webhook:' || w.name ";

/// As it stands, by name.
pub(super) static WEBHOOK: LazyLock<String> = LazyLock::new(|| format!("{WEBHOOKS} WHERE w.name = ?"));
pub(super) static ALL_WEBHOOKS: LazyLock<String> = LazyLock::new(|| format!("{WEBHOOKS} ORDER BY w.name"));
/// The index has those that were not delivered.
pub(super) const MESSAGE_IN: &str =
    "SELECT * FROM webhook_messages WHERE webhook = ?1 AND state = ?2 AND state <> 'delivered' ORDER BY seq LIMIT 1";
pub(super) const MESSAGES: &str = "
    SELECT * FROM (SELECT * FROM webhook_messages WHERE webhook = ?1 ORDER BY seq DESC LIMIT ?2)
     UNION SELECT * FROM (SELECT * FROM webhook_messages WHERE webhook = ?1 AND state <> 'delivered' ORDER BY seq DESC LIMIT ?2)
     ORDER BY seq DESC";
pub(super) const ATTEMPTS_AT: &str = "
    SELECT * FROM (SELECT * FROM webhook_attempts WHERE webhook = ?1 AND seq = ?2 ORDER BY id DESC LIMIT ?3) ORDER BY id";
/// What was being tried and lies behind the endpoint's place goes by itself no more.
const TRIED_NO_MORE: &str = "
    UPDATE webhook_messages SET state = 'given_up' WHERE webhook = ?1 AND state = 'failing' AND state <> 'delivered' AND seq <= ?2";
/// What is given up, once more.
const AGAIN_ALL: &str =
    "UPDATE webhook_messages SET state = 'again' WHERE webhook = ? AND state = 'given_up' AND state <> 'delivered'";
const AGAIN_ONE: &str = "
    UPDATE webhook_messages SET state = 'again' WHERE webhook = ?1 AND seq = ?2 AND state IN ('given_up', 'delivered')
       AND (body IS NOT NULL OR EXISTS (SELECT 1 FROM outbox WHERE seq = ?2))";
const OLD_ATTEMPTS: &str =
    "DELETE FROM webhook_attempts WHERE id IN (SELECT id FROM webhook_attempts ORDER BY id LIMIT ?) AND at_ms < ?";
const OLD_MESSAGES: &str = "
    DELETE FROM webhook_messages WHERE webhook = ?1 AND state IN ('delivered', 'given_up') AND last_ms < ?3
       AND seq IN (SELECT seq FROM webhook_messages WHERE webhook = ?1 ORDER BY seq LIMIT ?2)";

/// Each question of webhooks, under a name that says who asks: for a test of their plans.
pub(super) fn questions() -> [(&'static str, String); 9] {
    [
        ("webhooks list", ALL_WEBHOOKS.clone()),
        ("webhooks: one", WEBHOOK.clone()),
        ("webhooks: message in a state", MESSAGE_IN.to_owned()),
        ("webhooks show: messages", MESSAGES.to_owned()),
        ("webhooks show: attempts", ATTEMPTS_AT.to_owned()),
        ("webhooks resend", AGAIN_ALL.to_owned()),
        ("webhooks resend: one", AGAIN_ONE.to_owned()),
        ("webhooks: old attempts", OLD_ATTEMPTS.to_owned()),
        ("webhooks: old messages", OLD_MESSAGES.to_owned()),
    ]
}

impl Reader {
    /// The whole identity of the database: the ids of messages bear it.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn identity(&self) -> Result<String, Error> {
        self.read(|connection| connection.query_row("SELECT db_uuid FROM identity", [], |row| row.get(0)))
    }

    /// All endpoints that a daemon has known, by name.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn webhooks(&self) -> Result<Vec<WebhookRow>, Error> {
        self.read(|connection| connection.prepare(&ALL_WEBHOOKS)?.query_map([], read_webhook)?.collect())
    }

    /// The endpoint of this name; `None` until a daemon has known it.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn webhook(&self, name: &str) -> Result<Option<WebhookRow>, Error> {
        self.read(|connection| connection.prepare_cached(&WEBHOOK)?.query_row([name], read_webhook).optional())
    }

    /// The message of this endpoint that is tried again, and holds up those behind it; or one that a person wants sent once more.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn webhook_message_in(&self, webhook: &str, state: MessageState) -> Result<Option<Message>, Error> {
        self.read(|connection| {
            connection.prepare_cached(MESSAGE_IN)?.query_row((webhook, state.as_str()), read_message).optional()
        })
    }

    /// The newest messages of an endpoint, the newest first; those that were not delivered whatever their age.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn webhook_messages(&self, webhook: &str, limit: u32) -> Result<Vec<Message>, Error> {
        self.read(|connection| connection.prepare(MESSAGES)?.query_map((webhook, limit), read_message)?.collect())
    }

    /// How often a message was sent and what was answered, the newest attempts, in the order of time.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn webhook_attempts(&self, webhook: &str, seq: i64, limit: u32) -> Result<Vec<Attempt>, Error> {
        let read = |row: &Row<'_>| {
            Ok(Attempt {
                seq: row.get("seq")?,
                at_ms: row.get("at_ms")?,
                took_ms: row.get("took_ms")?,
                code: row.get("code")?,
                error: row.get("error")?,
                answer: row.get("answer")?,
            })
        };
        self.read(|connection| connection.prepare(ATTEMPTS_AT)?.query_map((webhook, seq, limit), read)?.collect())
    }

    /// What is known of the customer from before this moment (ms since 1970 UTC), on all PBXs; who talked with them last, on this one.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn history(&self, number_e164: &str, pbx: &str, before_ms: Millis) -> Result<History, Error> {
        self.read(|connection| {
            let mut calls = connection.prepare_cached(HISTORY)?;
            let mut history = History::default();
            let mut rows = calls.query((number_e164, before_ms))?;
            while let Some(row) = rows.next()? {
                history.calls += 1;
                let (status, agent): (String, Option<String>) = (row.get("status")?, row.get("agent")?);
                let at: String = row.get("pbx")?;
                let call = || -> rusqlite::Result<PastCall> {
                    let (at_ms, direction, outcome) =
                        (row.get("started_ms")?, row.get("direction")?, row.get("outcome")?);
                    Ok(PastCall {
                        at_ms,
                        pbx: at.clone(),
                        direction,
                        status: status.clone(),
                        outcome,
                        agent: agent.clone(),
                    })
                };
                if history.last.is_none() {
                    history.last = Some(call()?);
                }
                if history.last_agent.is_none() && agent.is_some() && status == Status::Answer.as_str() && at == pbx {
                    history.last_agent = Some(call()?);
                }
            }
            Ok(history)
        })
    }
}

/// By the end of the number, which has an index.
pub(super) const HISTORY: &str = "
    SELECT started_ms, pbx, direction, status, outcome, agent FROM calls
     WHERE substr(coalesce(number_e164, number), -4) = substr(?1, -4) AND number_e164 = ?1 AND started_ms < ?2
     ORDER BY started_ms DESC LIMIT 1000";

/// What is known of a customer from before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct History {
    /// Their calls, of either direction; 1,000 are counted at most.
    pub(crate) calls: u32,
    /// The last of them.
    pub(crate) last: Option<PastCall>,
    /// The last of them in which they talked with an agent.
    pub(crate) last_agent: Option<PastCall>,
}

/// A call of a customer's past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PastCall {
    /// Began, ms since 1970 UTC.
    pub(crate) at_ms: Millis,
    /// Where.
    pub(crate) pbx: String,
    /// `inbound`, `outbound`, `callback`.
    pub(crate) direction: String,
    /// What became of it.
    pub(crate) status: String,
    /// Why.
    pub(crate) outcome: String,
    /// Who talked with them, as interface.
    pub(crate) agent: Option<String>,
}
