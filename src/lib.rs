//! callbackd: reads the Asterisk Manager Interface, turns live events into calls, keeps one truthful row per call in SQLite.
//!
//! ```text
//! socket → callbackd_core: bytes → frame → event → call → verdict → task → attempt → action → socket
//!                                                   ↓                         ↓
//!                                               store: one transaction per drained batch
//! ```
//!
//! Imports point upstream only: `callbackd_core ← store ← webhook ← api ← daemon ← cli ← main`, with `records` beside `store`, and `ownership`, `report` and `language` below both.
//! The core is a crate of its own in `src/core`: it has no clock, socket, SQL, log or runtime, and its own map.
//! What happened while events were not seen is proved there, from the files that `records` reads.
//! People and programs use `api` and `cli`; `demo` is a PBX to try it with.
//!
//! # Glossary
//!
//! * agent: a person of ours who takes calls, known by their phone as an interface (`PJSIP/101`).
//! * attempt: one try of a callback, from the row that is stored first to its result. It has at most one Originate.
//! * backfilled: quality of a row that was completed afterwards from CDR and queue_log.
//! * call: everything under one linkedid on one PBX, and with it one row of `calls`.
//! * callback: the intention to call a missed customer back. It is open until it ends for a reason.
//! * coverage: the times in which a PBX's events were seen. In sync: linked, and the lists of channels and queues have come.
//! * customer: the outside party of a call, known by their number in E.164.
//! * DID: the number of ours that the customer dialled, or that was shown to the customer.
//! * dispatch: the decision which callback goes to which agent now.
//! * do-not-call: the list of numbers that are never called back.
//! * feed: the events of one PBX as they reach its tracker, live or from a recording.
//! * gap: a time in which a PBX's events were not seen, with its cause, as a row of `gaps`.
//! * identity: a random id of the database. The ids of its attempts begin with it, and a copy gets another one.
//! * IVR step: one menu that the caller entered, and the choice made there.
//! * leg: one try to connect the call with one phone or trunk, answered or not.
//! * linkedid: Asterisk's id of a call: the uniqueid of its first channel.
//! * missed: a customer's call that nobody served, by the rules of the configuration.
//! * outcome: why a call has its status (`SHORT`, `CALLBACK_REQUESTED`, …).
//! * presence: which agents are free, how many callers wait and which attempts are up, at this moment.
//! * quality: how much of a call was seen: `full`, `partial`, `gap` or `backfilled`.
//! * queue member: one agent's place in one queue, as `app_queue` keeps it; an agent may be a member of several queues.
//! * queue visit: one caller's time in one queue, from joining to leaving, and how it ended.
//! * reconcile: to compare calls with CDR and queue_log, and to prove from them what was not seen.
//! * recorded: handed to the store as a row; a correction is recorded again under the same call.
//! * scheduler: the part of the core that keeps the callbacks, dispatches them and judges their attempts.
//! * status: what became of a call, as a manager counts it (`ANSWER`, `NOANSWER`, `BUSY`, `CANCEL`, …).
//! * task: an open callback as the scheduler holds it in memory.
//! * tracker: the part of the core that makes calls, intervals of agents and gaps out of one PBX's events.
//! * trunk: the line or provider by which customers' calls come in and go out (`PJSIP/provider`).
//! * uniqueid: Asterisk's id of a channel. The channels of attempts get theirs from this program.
//! * verdict: status, outcome and reason of a call, judged from its facts when it ends.
//! * webhook: an endpoint that receives what became true, by signed messages of its own queue.
//! * wrap-up: an agent's time for after-call work, in which no callback is offered.

#![warn(unreachable_pub)]

// `missing_docs` holds for the contracts, `api` and `store`; elsewhere a doc that repeats its item's name is left out.
pub mod api;
#[allow(missing_docs)]
pub mod cli;
#[allow(missing_docs)]
pub mod config;
#[allow(missing_docs)]
pub mod daemon;
#[allow(missing_docs)]
pub mod demo;
pub mod exit;
pub mod language;
#[allow(missing_docs)]
pub mod log;
pub mod ownership;
pub(crate) mod random;
#[allow(missing_docs)]
pub mod records;
pub mod report;
pub mod store;
pub mod timing;
pub mod webhook;
