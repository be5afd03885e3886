//! The worker of one endpoint: it sends what its queue says, notes what came of it, and waits for news.

use super::super::clock::wall;
use super::super::secret::text_of;
use super::post::Post;
use crate::api::counters::WebhookCounters;
use crate::config::{Format, Webhook};
use crate::store::webhooks::{WebhookNote, WebhookState};
use crate::store::{Error, NotTaken, Note, Notes, Reader};
use crate::timing::Timing;
use crate::webhook::adapters::{Reply, Step, plain};
use crate::webhook::{Answer, Due, Endpoint, MAX_ANSWER, Next, Outgoing, Queue, Scripts, Secret, is_refusal};
use callbackd_core::millis::Millis;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::{Instant, sleep, timeout};

/// What cannot be done now (the secret, the database) is tried again after this time; and so often the feed is looked at without news.
const LATER: Duration = Duration::from_secs(30);
/// Until a busy writer is asked again.
const BUSY: Duration = Duration::from_millis(200);
/// An endpoint that goes on failing is spoken of again after this time, ms.
const REMIND_MS: Millis = 3_600_000;

/// What is counted of an endpoint.
#[derive(Debug)]
pub(crate) struct Counts {
    delivered: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    late: AtomicU64,
    unreachable: AtomicU64,
    given_up: AtomicU64,
    missed: AtomicU64,
    passed: AtomicI64,
    failing_ms: AtomicI64,
    waits_since_ms: AtomicI64,
    /// 1 while it is sent to.
    running: AtomicU64,
}

impl Default for Counts {
    fn default() -> Self {
        let [delivered, refused, failed, late, unreachable, given_up, missed, running] =
            [const { AtomicU64::new(0) }; 8];
        // Nothing is behind until it is known how far it has come.
        let (passed, failing_ms, waits_since_ms) = (AtomicI64::new(i64::MAX), AtomicI64::new(0), AtomicI64::new(0));
        Self {
            delivered,
            refused,
            failed,
            late,
            unreachable,
            given_up,
            missed,
            passed,
            failing_ms,
            waits_since_ms,
            running,
        }
    }
}

impl Counts {
    /// `newest`: the newest change.
    pub(crate) fn snapshot(&self, newest: i64) -> WebhookCounters {
        let running = self.running.load(Relaxed) == 1;
        let at = |ms: &AtomicI64| Some(ms.load(Relaxed)).filter(|ms| *ms != 0);
        WebhookCounters {
            delivered: self.delivered.load(Relaxed),
            refused: self.refused.load(Relaxed),
            failed: self.failed.load(Relaxed),
            late: self.late.load(Relaxed),
            unreachable: self.unreachable.load(Relaxed),
            given_up: self.given_up.load(Relaxed),
            missed: self.missed.load(Relaxed),
            behind: (newest - self.passed.load(Relaxed)).max(0).unsigned_abs(),
            failing_since_ms: at(&self.failing_ms),
            waiting_since_ms: at(&self.waits_since_ms),
            running,
        }
    }

    fn count(&self, answer: &Answer, next: Next) {
        let kind = match (answer, next) {
            (_, Next::Delivered) => &self.delivered,
            (_, Next::Off) => &self.refused,
            (answer, _) if is_refusal(answer) => &self.refused,
            (Answer::Status(..), _) => &self.failed,
            (Answer::Late(_), _) => &self.late,
            (Answer::Nothing(_), _) => &self.unreachable,
        };
        kind.fetch_add(1, Relaxed);
        if matches!(next, Next::GiveUp | Next::Off) {
            self.given_up.fetch_add(1, Relaxed);
        }
    }
}

pub(crate) struct Worker {
    name: String,
    webhook: Webhook,
    scripts: Scripts,
    post: Post,
    db: PathBuf,
    notes: Notes,
    newest: watch::Receiver<i64>,
    said_ms: Millis,
}

/// What a worker has in hand. The reader goes to a thread that may wait, and comes back.
struct Hand {
    reader: Option<Reader>,
    queue: Option<Queue>,
    endpoint: Arc<Endpoint>,
    /// A person gave a command: what failed is tried at once.
    hurried: bool,
}

impl Worker {
    pub(crate) fn new(
        webhook: &Webhook,
        scripts: &Scripts,
        db: PathBuf,
        notes: Notes,
        newest: watch::Receiver<i64>,
    ) -> Self {
        let (name, post) = (webhook.name.clone(), Post::to(webhook));
        Self { name, webhook: webhook.clone(), scripts: scripts.clone(), post, db, notes, newest, said_ms: 0 }
    }

    /// Until the daemon ends, or the configuration has it otherwise.
    pub(crate) async fn run(mut self, poked: Arc<Notify>, counts: Arc<Counts>) {
        let endpoint = Arc::new(Endpoint::new(&self.webhook, self.secret(&poked).await, self.scripts.clone()));
        let mut hand = Hand { reader: None, queue: None, endpoint, hurried: false };
        // It ends with the writer.
        while self.turn(&mut hand, &poked, &counts).await.is_ok() {}
    }

    /// The secret, as soon as it can be read. One that was fixed is taken without a reload, at once when a person asks for anything.
    async fn secret(&self, poked: &Notify) -> Secret {
        let mut said = String::new();
        loop {
            let why = match secret(&self.webhook) {
                Ok(secret) => return secret,
                Err(why) => why,
            };
            if why != said {
                tracing::error!(target: "webhook", webhook = %self.name, err = %why, "Webhook's secret cannot be used, nothing is sent there");
                said.clone_from(&why);
            }
            let _ = timeout(LATER, poked.notified()).await;
        }
    }

    /// One message, or one wait.
    async fn turn(&mut self, hand: &mut Hand, poked: &Notify, counts: &Counts) -> Result<(), Ended> {
        // News that come while it is looked are not waited for.
        self.newest.borrow_and_update();
        let due = match self.look(hand).await {
            Ok(due) => due,
            Err(err) => {
                tracing::warn!(target: "webhook", webhook = %self.name, %err, "The feed cannot be read, the webhook waits");
                hand.reader = None;
                None
            }
        };
        if let Some(queue) = &mut hand.queue {
            counts.passed.store(queue.passed(), Relaxed);
            counts.failing_ms.store(queue.failing_ms().unwrap_or_default(), Relaxed);
            counts.waits_since_ms.store(queue.waits_since_ms().unwrap_or_default(), Relaxed);
            let missed = std::mem::take(&mut queue.missed);
            if missed > 0 {
                counts.missed.fetch_add(missed.unsigned_abs(), Relaxed);
                tracing::error!(target: "webhook", webhook = %self.name, changes = missed,
                    "Changes were removed from the feed before the webhook read them; they are not sent");
            }
        }
        counts.running.store(u64::from(hand.queue.is_some()), Relaxed);
        let waits_for_news = !matches!(due, Some(Due::At(_)));
        let wait = match due {
            Some(Due::Send(message)) => return self.send(hand, *message, counts).await,
            Some(Due::News(note)) => {
                if let Some(note) = note {
                    // Noted again later if it cannot be now: only the feed's retention hangs on it.
                    note_down(&self.notes, &self.name, *note).await?;
                }
                LATER
            }
            Some(Due::At(at_ms)) => Duration::from_millis((at_ms - wall()).max(0).unsigned_abs()),
            None => LATER,
        };
        tokio::select! {
            () = poked.notified() => hand.hurried = true,
            news = self.newest.changed(), if waits_for_news => if news.is_err() { return Err(Ended) },
            () = sleep(wait) => {}
        }
        Ok(())
    }

    /// What is to be done, read on a thread that may wait. `None`: nothing, for it is off, paused or not known.
    async fn look(&self, hand: &mut Hand) -> Result<Option<Due>, Error> {
        let (reader, queue, endpoint) = (hand.reader.take(), hand.queue.take(), Arc::clone(&hand.endpoint));
        let hurried = std::mem::take(&mut hand.hurried);
        let (db, name, now_ms) = (self.db.clone(), self.name.clone(), wall());
        let first_pause = Millis::try_from(Timing::get().webhook_pause.as_millis()).unwrap_or(Millis::MAX);
        let looked = tokio::task::spawn_blocking(move || {
            let reader = match reader {
                Some(reader) => reader,
                None => Reader::open(&db)?,
            };
            let runs = reader.webhook(&name)?.is_some_and(|row| row.state == WebhookState::Running);
            let queue = match queue {
                _ if !runs => None,
                None => Queue::load(&reader, &name, first_pause)?,
                queue => queue,
            };
            let Some(mut queue) = queue else { return Ok((reader, None, None)) };
            if hurried {
                queue.hurry(now_ms);
            }
            let due = queue.due(&reader, &endpoint, now_ms)?;
            Ok((reader, Some(queue), Some(due)))
        });
        match looked.await {
            Ok(Ok((reader, queue, due))) => {
                (hand.reader, hand.queue) = (Some(reader).filter(Reader::may_be_kept), queue);
                Ok(due)
            }
            Ok(Err(err)) => Err(err),
            Err(_) => Ok(None),
        }
    }

    async fn send(&mut self, hand: &mut Hand, message: Outgoing, counts: &Counts) -> Result<(), Ended> {
        let (begun_ms, begun) = (wall(), Instant::now());
        let (answer, text) = self.exchange(&hand.endpoint, &message, begun_ms).await;
        let took_ms = Millis::try_from(begun.elapsed().as_millis()).unwrap_or(Millis::MAX);
        let Some(queue) = &mut hand.queue else { return Ok(()) };
        let was_failing = queue.failing_ms();
        let (note, next) = queue.answered(message, answer.clone(), &text, (begun_ms, took_ms), fastrand::f64());
        counts.count(&answer, next);
        self.say(&answer, next, was_failing, begun_ms, &note);
        note_down(&self.notes, &self.name, note).await?;
        if next == Next::Off {
            hand.queue = None;
            // What comes is not for it.
            counts.passed.store(i64::MAX, Relaxed);
            counts.waits_since_ms.store(0, Relaxed);
        }
        Ok(())
    }

    /// All requests of a message, one after the other. Returns what they came to, and the beginning of the last answer's text.
    async fn exchange(&self, endpoint: &Endpoint, message: &Outgoing, begun_ms: Millis) -> (Answer, String) {
        let mut answers = Vec::new();
        let answer = loop {
            match endpoint.next(&message.id, &message.body, begun_ms, &answers) {
                Step::Done(answer) => break answer,
                Step::Send(request) => match self.post.send(request).await {
                    Ok(reply) => answers.push(reply),
                    Err(none) => break none,
                },
            }
        };
        (answer, answers.last().map(shown).unwrap_or_default())
    }

    /// One line when it begins to fail, one an hour, one when it works again, and one for each message that is lost.
    fn say(&mut self, answer: &Answer, next: Next, was_failing: Option<Millis>, now_ms: Millis, note: &WebhookNote) {
        let err = answer;
        let seq = if let WebhookNote::Attempted { message, .. } = note { message.seq } else { 0 };
        let name = &self.name;
        match next {
            Next::Off => {
                tracing::error!(target: "webhook", webhook = %name, "Webhook answered 410 Gone and is switched off; callbackd webhooks resume switches it on");
            }
            Next::GiveUp => {
                tracing::warn!(target: "webhook", webhook = %name, seq, %err, "Webhook message given up, it is kept; callbackd webhooks resend sends it again");
            }
            Next::Delivered => {
                if let Some(since_ms) = was_failing {
                    let failing_s = (now_ms - since_ms) / 1_000;
                    tracing::info!(target: "webhook", webhook = %name, failing_s, "Webhook works again");
                }
                self.said_ms = 0;
            }
            Next::Again(pause_ms) => {
                if now_ms - self.said_ms >= REMIND_MS {
                    self.said_ms = now_ms;
                    let retry_in_s = pause_ms / 1_000;
                    tracing::warn!(target: "webhook", webhook = %name, seq, %err, retry_in_s, "Webhook is failing, messages wait");
                }
            }
        }
    }
}

/// The beginning of an answer, without control characters.
pub(crate) fn shown(reply: &Reply) -> String {
    plain(&reply.text[..reply.text.floor_char_boundary(MAX_ANSWER)])
}

/// Reads the secret of an endpoint from a file that nobody else can read.
pub(crate) fn secret(webhook: &Webhook) -> Result<Secret, String> {
    let path = &webhook.secret_file;
    if webhook.format == Format::Mail {
        return Ok(Secret::None);
    }
    let text = text_of(path).map_err(|err| err.to_string())?;
    Secret::from_text(webhook.format, &text).map_err(|err| format!("{}: {err}", path.display()))
}

/// The writer has ended, and with it everything.
#[derive(Debug)]
pub(crate) struct Ended;

/// Has something noted, however busy the writer is. What it refuses is tried again: nothing else is sent meanwhile.
pub(crate) async fn note_down(notes: &Notes, webhook: &str, note: WebhookNote) -> Result<usize, Ended> {
    loop {
        let (reply, answer) = oneshot::channel();
        match notes.send(Note::Webhook(note.clone(), reply)) {
            Err(NotTaken::Ended) => return Err(Ended),
            Err(NotTaken::Busy) => sleep(BUSY).await,
            Ok(()) => match answer.await {
                Ok(Ok(rows)) => return Ok(rows),
                Ok(Err(err)) => {
                    tracing::warn!(target: "webhook", webhook, %err, "The result of a webhook message cannot be recorded; tried again, and it may be sent twice");
                    sleep(LATER).await;
                }
                Err(_) => return Err(Ended),
            },
        }
    }
}
