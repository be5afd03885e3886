//! What the writer is given beside records: notes of readers of the feed and of people, each a transaction of its own between the batches.

use super::rollups::DayToKeep;
use super::sinks::SinkNote;
use super::tokens::TokenChange;
use super::webhooks::WebhookNote;
use super::writer::Work;
use super::{Error, Store};
use std::sync::Weak;
use std::sync::mpsc::SyncSender;
use tokio::sync::oneshot;

/// Something to be written that is not a record.
#[derive(Debug)]
pub(crate) enum Note {
    /// Make or withdraw a token, and say whether that could be done.
    Token(TokenChange, oneshot::Sender<Result<bool, String>>),
    /// Of a webhook; the answer says how many rows it was about.
    Webhook(WebhookNote, oneshot::Sender<Result<usize, String>>),
    /// For the days that are kept for the report; the answer says whether it was taken.
    Day(DayToKeep, oneshot::Sender<Result<bool, String>>),
    /// Of a sink; nobody waits for an answer. One that cannot be written is said again with the next.
    Sink(SinkNote),
}

/// The way of notes to the writer, for who is not its owner. It does not keep the writer alive.
#[derive(Debug, Clone)]
pub(crate) struct Notes(pub(super) Weak<SyncSender<Work>>);

/// Why a note was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// Too much waits to be written: it may be said again later.
    Busy,
    /// The writer has ended.
    Ended,
}

impl Notes {
    /// Hands one over without ever blocking.
    ///
    /// # Errors
    /// See [`NotTaken`].
    pub(crate) fn send(&self, note: Note) -> Result<(), NotTaken> {
        let sender = self.0.upgrade().ok_or(NotTaken::Ended)?;
        sender.try_send(Work::Note(Box::new(note))).map_err(|_| NotTaken::Busy)
    }
}

impl Store {
    /// Writes a note and sends the result to whoever waits for it.
    pub(super) fn note(&mut self, note: Note) {
        let text = |error: Error| error.to_string();
        match note {
            // Whoever asked may have gone.
            Note::Token(change, reply) => drop(reply.send(self.token(&change).map_err(text))),
            Note::Webhook(note, reply) => drop(reply.send(self.webhook(&note).map_err(text))),
            Note::Day(what, reply) => drop(reply.send(self.keep_day(&what).map_err(text))),
            Note::Sink(note) => {
                if let Err(err) = self.sink(&note) {
                    tracing::debug!(target: "sink", %err, "How far a sink has come cannot be noted now");
                }
            }
        }
    }
}
