//! Webhooks as they run: one worker for each endpoint, beside the daemon's loop, which reads the feed by its own cursor.
//!
//! A worker never holds anything that others need: an endpoint that is slow, or down for days, has its queue on the disk.

pub(crate) mod command;
mod post;
mod worker;

use super::clock::wall;
use crate::api::counters::WebhookCounters;
use crate::api::webhooks::{WebhookCommand, WebhookError};
use crate::background::background;
use crate::background::block_on;
use crate::config::{Config, Format, Webhook};
use crate::store::webhooks::{Again, WebhookNote, WebhookState};
use crate::store::{Note, Notes};
use crate::timing::Timing;
use crate::webhook::adapters::Step;
use crate::webhook::{Answer, Endpoint, Scripts, is_refusal};
use callbackd_core::millis::Millis;
use callbackd_core::order::Gather as _;
use post::Post;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;
use worker::{Counts, Worker, note_down, secret, shown};

/// The answer to a command.
type Reply = oneshot::Sender<Result<Value, WebhookError>>;

/// So often is a message sent that somebody waits for.
const DELIVERIES: u32 = 3;
/// An answer to a test is waited for so long: a person waits.
const TEST_PATIENCE: Duration = Duration::from_secs(10);

/// All endpoints of the configuration.
pub(crate) struct Webhooks {
    db: PathBuf,
    notes: Notes,
    newest: watch::Receiver<i64>,
    running: BTreeMap<String, Running>,
}

struct Running {
    webhook: Webhook,
    poke: Arc<Notify>,
    counts: Arc<Counts>,
    /// Ends with this.
    _task: AbortOnDropHandle<()>,
}

impl Webhooks {
    /// Those of this configuration, which the database knows already ([`names`]).
    pub(crate) fn start(config: &Config, notes: Notes, newest: watch::Receiver<i64>) -> Self {
        let mut all = Self { db: config.store.path.clone(), notes, newest, running: BTreeMap::new() };
        all.spawn(config, &BTreeMap::new());
        all
    }

    /// The configuration was read anew, and with it the secrets. What is on its way is sent again by the new worker.
    pub(crate) fn configure(&mut self, config: &Config, now_ms: Millis) {
        let (reply, _) = oneshot::channel();
        // Workers wait until the database knows them; if the writer is busy now, the next reload says it again.
        let note = Note::Webhook(WebhookNote::Configured(names(config), now_ms), reply);
        if self.notes.send(note).is_err() {
            tracing::warn!(target: "webhook", "The database is busy; new webhooks do not start: reload again");
        }
        let counts = std::mem::take(&mut self.running).into_iter().map(|(name, old)| (name, Arc::clone(&old.counts)));
        self.spawn(config, &counts.to_map());
    }

    /// `counted`: what was counted before.
    fn spawn(&mut self, config: &Config, counted: &BTreeMap<String, Arc<Counts>>) {
        let scripts = Scripts::of(config);
        for webhook in &config.webhooks {
            let poke = Arc::new(Notify::new());
            let counts = counted.get(&webhook.name).cloned().unwrap_or_default();
            let worker = Worker::new(webhook, &scripts, self.db.clone(), self.notes.clone(), self.newest.clone());
            let task = AbortOnDropHandle::new(background(worker.run(Arc::clone(&poke), Arc::clone(&counts))));
            let running = Running { webhook: webhook.clone(), poke, counts, _task: task };
            self.running.insert(webhook.name.clone(), running);
        }
    }

    /// Has a command carried out beside the loop.
    pub(crate) fn order(&self, name: &str, order: WebhookCommand, reply: Reply) {
        let Some(Running { webhook, poke, .. }) = self.running.get(name) else {
            // Whoever asked may have gone.
            drop(reply.send(Err(WebhookError::None(self.running.keys().cloned().collect()))));
            return;
        };
        let (webhook, poke, notes) = (webhook.clone(), Arc::clone(poke), self.notes.clone());
        background(async move {
            let done = match order {
                WebhookCommand::Test => test(&webhook).await,
                order => note(&notes, &webhook.name, order).await,
            };
            poke.notify_one();
            let _ = reply.send(done);
        });
    }

    /// What was counted of each.
    pub(crate) fn counters(&self) -> BTreeMap<String, WebhookCounters> {
        let newest = *self.newest.borrow();
        self.running.iter().map(|(name, running)| (name.clone(), running.counts.snapshot(newest))).to_map()
    }
}

/// Sends one message of no feed, and waits for its end: a few attempts with pauses between, as a person or a timer waits. Returns what it came to.
///
/// # Errors
/// The secret cannot be used, or nobody took the message: why, in one line.
pub(crate) fn deliver(webhook: &Webhook, id: &str, body: impl FnOnce(&Endpoint) -> String) -> Result<u16, String> {
    let endpoint = Endpoint::new(webhook, secret(webhook)?, Scripts::default());
    let body = body(&endpoint);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|why| why.to_string())?;
    block_on(&runtime, async {
        let (post, mut pause) = (Post::to(webhook), Timing::get().webhook_pause);
        let mut answers = 1;
        loop {
            let Step::Send(request) = endpoint.next(id, &body, wall(), &[]) else {
                return Err("this format sends nothing".to_owned());
            };
            let answer = match post.send(request).await {
                Ok(reply) if (200..300).contains(&reply.code) => return Ok(reply.code),
                Ok(reply) => Answer::Status(reply.code, reply.retry_after_ms),
                Err(none) => none,
            };
            let gone = matches!(answer, Answer::Status(410, _));
            if gone || is_refusal(&answer) || answers == DELIVERIES {
                return Err(answer.to_string());
            }
            answers += 1;
            tokio::time::sleep(pause).await;
            pause *= 6;
        }
    })
}

/// The names of the endpoints, as the database gets them.
pub(crate) fn names(config: &Config) -> Vec<String> {
    config.webhooks.iter().map(|webhook| webhook.name.clone()).collect()
}

/// Notes a command for the worker.
async fn note(notes: &Notes, name: &str, order: WebhookCommand) -> Result<Value, WebhookError> {
    let name = name.to_owned();
    let (note, state, seq) = match order {
        WebhookCommand::Pause(by) => {
            (WebhookNote::State(name.clone(), WebhookState::Paused, by, wall()), "paused", None)
        }
        WebhookCommand::Resume(by) => {
            (WebhookNote::State(name.clone(), WebhookState::Running, by, wall()), "running", None)
        }
        WebhookCommand::Resend(Some(seq)) => (WebhookNote::Again(name.clone(), Again::One(seq)), "", Some(seq)),
        WebhookCommand::Resend(None) | WebhookCommand::Test => {
            (WebhookNote::Again(name.clone(), Again::GivenUp), "", None)
        }
    };
    let rows = note_down(notes, &name, note).await.map_err(|_| WebhookError::Busy)?;
    match (rows, seq) {
        (0, Some(seq)) => Err(WebhookError::NoMessage(seq)),
        _ if state.is_empty() => Ok(json!({ "webhook": name, "messages": rows })),
        _ => Ok(json!({ "webhook": name, "state": state, "changed": rows > 0 })),
    }
}

/// Sends what tells of nothing, out of turn, once.
async fn test(webhook: &Webhook) -> Result<Value, WebhookError> {
    let secret = secret(webhook).map_err(WebhookError::Secret)?;
    let endpoint = Endpoint::new(webhook, secret, Scripts::default());
    let (begun_ms, begun) = (wall(), Instant::now());
    let request = endpoint.trial(&format!("msg_test_{begun_ms}"), begun_ms).ok_or(WebhookError::NoTest)?;
    let answered = timeout(TEST_PATIENCE, Post::to(webhook).send(request)).await;
    let (code, error, text) = match answered {
        Ok(Ok(reply)) => (Some(reply.code), None, shown(&reply)),
        Ok(Err(none)) => (None, Some(none.to_string()), String::new()),
        Err(_) => (None, Some(format!("no answer within {} s", TEST_PATIENCE.as_secs())), String::new()),
    };
    let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    // A command that has taken it ends with 0.
    let delivered = code.is_some_and(|code| (200..300).contains(&code) || webhook.format == Format::Mail && code == 0);
    Ok(json!({
        "webhook": webhook.name, "delivered": delivered, "code": code, "error": error, "took_ms": took_ms, "answer": text
    }))
}
