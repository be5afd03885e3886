//! The queue of one endpoint: which message is next, when, and what its answer means to those behind it.

use super::endpoint::Endpoint;
use super::payload::{Subject, customer};
use super::schedule::{Answer, Next, Tried, is_refusal, next};
use crate::store::feed::{Behind, Change, ChangedRow, Feed};
use crate::store::webhooks::{Attempt, Message, MessageState, WebhookNote};
use crate::store::{Error, Reader};
use callbackd_core::millis::Millis;
use std::ops::ControlFlow;

/// Changes that are looked at in one go.
const LOOK_AT: usize = 500;
/// The place of an endpoint that wants nothing of what happens is noted so often, ms.
const NOTE_EVERY_MS: Millis = 60_000;
/// Of an answer's body so much is kept, bytes.
pub(crate) const MAX_ANSWER: usize = 500;

/// A queue, as far as it is in memory: a line of it, and how far it has come.
#[derive(Debug)]
pub struct Queue {
    webhook: String,
    uuid: String,
    /// It has passed all changes up to this one.
    cursor: i64,
    noted: (i64, Millis),
    head: Option<Head>,
    failing_ms: Option<Millis>,
    first_pause_ms: Millis,
    /// Changes that were removed before it had come to them.
    pub(crate) missed: i64,
}

#[derive(Debug, Clone)]
struct Head {
    message: Message,
    /// The change was committed, ms since 1970 UTC.
    at_ms: Millis,
    by_hand: ByHand,
}

/// What a person had tried between times: when it is tried by itself stays as it was.
#[derive(Debug, Clone, Copy, Default)]
struct ByHand {
    attempts: u32,
    /// When its turn would be, ms since 1970 UTC.
    instead_of: Option<Millis>,
}

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The header `webhook-id`: the same over all attempts.
    pub id: String,
    /// What is sent.
    pub body: String,
    message: Message,
    at_ms: Millis,
    again: bool,
}

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Nothing until there is news; the note is to be written, if there is one.
    News(Option<Box<WebhookNote>>),
    /// Nothing until this moment, ms since 1970 UTC, however much news there is.
    At(Millis),
    /// Send this, and come back with the answer.
    Send(Box<Outgoing>),
}

impl Queue {
    /// As the database has it; `None` while the endpoint is off or not known.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn load(reader: &Reader, webhook: &str, first_pause_ms: Millis) -> Result<Option<Self>, Error> {
        let Some(row) = reader.webhook(webhook)? else { return Ok(None) };
        let Some(cursor) = row.passed else { return Ok(None) };
        let message = reader.webhook_message_in(webhook, MessageState::Failing)?;
        let head = message.filter(|message| message.seq > cursor);
        // When it was committed is not known any more if the change was removed: its first attempt came soon after.
        let head = head.map(|message| Head { at_ms: message.first_ms, message, by_hand: ByHand::default() });
        Ok(Some(Self {
            webhook: webhook.to_owned(),
            uuid: reader.identity()?,
            cursor,
            noted: (cursor, 0),
            head,
            failing_ms: row.failing_ms,
            first_pause_ms,
            missed: 0,
        }))
    }

    /// What failed is tried at once, as a person asks for; when it is tried by itself stays as it was.
    pub fn hurry(&mut self, now_ms: Millis) {
        if let Some(head) = &mut self.head
            && head.message.next_ms > now_ms
        {
            head.by_hand.instead_of = Some(head.message.next_ms);
            head.message.next_ms = now_ms;
        }
    }

    /// It has passed all changes up to this one.
    #[must_use]
    pub(crate) fn passed(&self) -> i64 {
        self.cursor
    }

    /// Nothing has been delivered since, ms since 1970 UTC.
    #[must_use]
    pub(crate) fn failing_ms(&self) -> Option<Millis> {
        self.failing_ms
    }

    /// When the change was committed whose message waits for its delivery, ms since 1970 UTC; `None` if none is known to wait.
    #[must_use]
    pub(crate) fn waits_since_ms(&self) -> Option<Millis> {
        self.head.as_ref().map(|head| head.at_ms)
    }

    /// What is to be done.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn due(&mut self, reader: &Reader, endpoint: &Endpoint, now_ms: Millis) -> Result<Due, Error> {
        if let Some(again) = self.again(reader, endpoint)? {
            if again.body.is_empty() {
                return Ok(Due::News(Some(Box::new(WebhookNote::NotKept(self.webhook.clone(), again.message.seq)))));
            }
            return Ok(Due::Send(Box::new(again)));
        }
        if self.head.is_none() {
            self.head = self.find(reader, endpoint, now_ms)?;
        }
        let Some(head) = &self.head else {
            let (seq, at_ms) = self.noted;
            let note = self.cursor > seq && now_ms - at_ms >= NOTE_EVERY_MS;
            if note {
                self.noted = (self.cursor, now_ms);
            }
            return Ok(Due::News(
                note.then(|| Box::new(WebhookNote::Passed(self.webhook.clone(), self.cursor, now_ms))),
            ));
        };
        if head.message.next_ms > now_ms {
            return Ok(Due::At(head.message.next_ms));
        }
        let Head { message, at_ms, .. } = head.clone();
        Ok(Due::Send(Box::new(self.outgoing(message, at_ms, false))))
    }

    fn outgoing(&self, message: Message, at_ms: Millis, again: bool) -> Outgoing {
        let (id, body) = (self.id(message.seq), message.body.clone().unwrap_or_default());
        Outgoing { id, body, message, at_ms, again }
    }

    fn id(&self, seq: i64) -> String {
        format!("msg_{}_{seq}", self.uuid)
    }

    /// A message that a person wants sent once more; out of turn.
    fn again(&self, reader: &Reader, endpoint: &Endpoint) -> Result<Option<Outgoing>, Error> {
        let Some(mut message) = reader.webhook_message_in(&self.webhook, MessageState::Again)? else { return Ok(None) };
        if message.body.is_none() {
            let before = reader.feed()?.at(message.seq - 1);
            let mut found = None;
            let (_, read) = reader.each_change(Some(&before), 1, &[], |feed, change| {
                found = Some((feed.clone(), change));
                ControlFlow::Break(())
            })?;
            if let (Ok(_), Some((feed, change))) = (read, found)
                && change.seq == message.seq
            {
                message.body = Some(self.body(reader, endpoint, &feed, &change)?);
            }
        }
        Ok(Some(self.outgoing(message, 0, true)))
    }

    /// The next change that is sent to the endpoint.
    fn find(&mut self, reader: &Reader, endpoint: &Endpoint, now_ms: Millis) -> Result<Option<Head>, Error> {
        loop {
            let cursor = reader.feed()?.at(self.cursor);
            let mut found = None;
            let (feed, read) = reader.each_change(Some(&cursor), LOOK_AT, &endpoint.kinds, |feed, change| {
                if !endpoint.wants(&change) {
                    return ControlFlow::Continue(());
                }
                found = Some((feed.clone(), change));
                ControlFlow::Break(())
            })?;
            match read {
                Err(Behind::Removed) => {
                    self.missed += feed.first - 1 - self.cursor;
                    self.cursor = feed.first - 1;
                    continue;
                }
                Err(Behind::OtherDatabase | Behind::Ahead) => {
                    self.cursor = feed.last;
                    return Ok(None);
                }
                Ok(read_to) => {
                    let Some((feed, change)) = found else {
                        let looked = read_to.seq > self.cursor;
                        self.cursor = self.cursor.max(read_to.seq);
                        if looked && self.cursor < feed.last {
                            continue;
                        }
                        return Ok(None);
                    };
                    self.cursor = change.seq - 1;
                    let message = Message {
                        seq: change.seq,
                        kind: change.kind.as_str().to_owned(),
                        key: change.key.clone(),
                        state: MessageState::Failing,
                        attempts: 0,
                        refused: 0,
                        first_ms: now_ms,
                        last_ms: now_ms,
                        next_ms: now_ms,
                        body: Some(self.body(reader, endpoint, &feed, &change)?),
                    };
                    return Ok(Some(Head { message, at_ms: change.at_ms, by_hand: ByHand::default() }));
                }
            }
        }
    }

    fn body(&self, reader: &Reader, endpoint: &Endpoint, feed: &Feed, change: &Change) -> Result<String, Error> {
        let history =
            customer(change).map(|(number, before_ms)| reader.history(number, &change.pbx, before_ms)).transpose()?;
        let callback = match &change.row {
            Some(ChangedRow::Call(stored)) => {
                stored.call.callback_id.map(|id| reader.callback(id)).transpose()?.flatten()
            }
            _ => None,
        };
        let subject = Subject { site: &feed.site, change, history: history.as_ref(), callback: callback.as_ref() };
        Ok(endpoint.body(&self.id(change.seq), &subject))
    }

    /// The answer to a message that was sent at `begun_ms`, and came `took_ms` later. The note is to be written before anything else is sent.
    pub fn answered(
        &mut self,
        sent: Outgoing,
        answer: Answer,
        text: &str,
        (begun_ms, took_ms): (Millis, Millis),
        jitter: f64,
    ) -> (WebhookNote, Next) {
        let Outgoing { mut message, at_ms, again, .. } = sent;
        let failing_since = self.failing_ms.unwrap_or(begun_ms);
        let mut by_hand = self.head.as_ref().filter(|_| !again).map(|head| head.by_hand).unwrap_or_default();
        let instead_of = by_hand.instead_of.take();
        by_hand.attempts += u32::from(instead_of.is_some());
        let tried = Tried {
            attempts: (message.attempts + 1).saturating_sub(by_hand.attempts),
            refused: message.refused,
            age_ms: begun_ms - at_ms,
            failing_ms: begun_ms - failing_since,
        };
        let mut then = next(&answer, tried, self.first_pause_ms, jitter);
        if again && matches!(then, Next::Again(_)) {
            // Once more is once.
            then = Next::GiveUp;
        }
        message.attempts += 1;
        message.refused += u32::from(is_refusal(&answer));
        message.last_ms = begun_ms;
        let end_ms = begun_ms + took_ms;
        // An endpoint that names a pause is left in peace for as long.
        if let (Next::Again(pause_ms), Some(at_ms), Answer::Nothing(_) | Answer::Late(_) | Answer::Status(_, None)) =
            (&mut then, instead_of, &answer)
        {
            *pause_ms = (at_ms - end_ms).max(0);
        }
        (message.state, message.next_ms) = match then {
            Next::Delivered => (MessageState::Delivered, end_ms),
            Next::Again(pause_ms) => (MessageState::Failing, end_ms + pause_ms),
            // Whoever is gone has not taken it.
            Next::GiveUp | Next::Off => (MessageState::GivenUp, end_ms),
        };
        if message.state == MessageState::Delivered {
            message.body = None;
        }
        self.failing_ms = match then {
            Next::Delivered | Next::Off => None,
            // That it was refused is known; those behind it have been taken since, or not.
            _ if again && is_refusal(&answer) => self.failing_ms,
            _ => Some(failing_since),
        };
        let passed = (!again && message.state != MessageState::Failing).then_some(message.seq);
        if let Some(seq) = passed {
            (self.cursor, self.noted, self.head) = (seq, (seq, end_ms), None);
        } else if !again {
            self.head = Some(Head { message: message.clone(), at_ms, by_hand });
        }
        let (code, error) = match answer {
            Answer::Status(code, _) => (Some(code), String::new()),
            Answer::Nothing(why) | Answer::Late(why) => (None, why),
        };
        let attempt = Attempt { seq: message.seq, at_ms: begun_ms, took_ms, code, error, answer: text.to_owned() };
        let (webhook, failing_ms) = (self.webhook.clone(), self.failing_ms);
        let off = then == Next::Off;
        (WebhookNote::Attempted { webhook, message, attempt, passed, failing_ms, off }, then)
    }
}
