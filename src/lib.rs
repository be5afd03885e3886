//! callbackd: reads the Asterisk Manager Interface, turns live events into calls, keeps one truthful row per call in SQLite.
//!
//! ```text
//! socket → callbackd_core: bytes → frame → event → call → verdict → task → attempt → action → socket
//!                                                   ↓                         ↓
//!                                               store: one transaction per drained batch
//! ```
//!
//! Imports point upstream only, and a test (`tests/shell/rooms.rs`) holds them to it: `callbackd_core ← language ← report ← store ← api ← daemon ← cli ← main`.
//! Beside `store` stand `records`, which reads files, `config`, above both of which `webhook` and `sinks` stand; `language` has the texts of pages and reports;
//! `background`, `base64`, `exit`, `ownership`, `random` and `timing` are below all.
//! The core is a crate of its own in `src/core`: it has no clock, socket, SQL, log or runtime, and its own map.
//! What happened while events were not seen is proved there, from the files that `records` reads.
//! People and programs use `api` and `cli`; `demo` is a PBX to try it with.
//!
//! # Glossary
//!
//! The words of Asterisk and of call centres, each with one meaning; code, log, database and manuals use them alike.
//!
//! * agent: a person of ours who takes calls, known by their phone as an interface (`PJSIP/101`) on one PBX.
//! * attempt: one try of a callback, from the row that is stored first to its result. It has at most one Originate; its channel has the id `cb-…`.
//! * backfilled: quality of a row that was completed afterwards from CDR and queue_log.
//! * call: all channels under one linkedid on one PBX, and with it one row of `calls`.
//! * callback: the task to call one missed customer back; at most one is open for a number. It is open until it ends for a reason.
//! * change: something that became true, recorded in the feed in the same transaction as its row.
//! * coverage: whether the events of a PBX arrive without a hole. In sync: linked, and the lists of channels and queues have come.
//! * customer: the outside party of a call, known by their number in E.164.
//! * DID: the number of ours that the customer dialled, or that was shown to the customer.
//! * DNC: the do-not-call list, of numbers that are never called back.
//! * feed: the changes in order, for programs: `/v1/changes`, `/v1/events` and webhooks.
//! * gap: a time without coverage, with its cause, as a row of `gaps`.
//! * identity: a random id of the database. The ids of its attempts begin with it, and a copy gets another one.
//! * IVR step: one menu that the caller entered, and the choice made there.
//! * leg: one try to connect the call with one phone or trunk, answered or not; one row of `legs`.
//! * linkedid: Asterisk's id of a call, the uniqueid of its first channel; of one PBX only, so a key is (PBX, linkedid).
//! * member: one agent in one queue, as `app_queue` keeps it: interface, penalty, pause.
//! * missed: an inbound call in which nobody served the customer; which outcomes count, `Outcome::meaning` says.
//! * offered: of an inbound call: it reached a queue or rang a person, or was refused at the door; the service level counts it.
//! * outcome: why a call has its status (`SHORT`, `CALLBACK_REQUESTED`, …).
//! * owner: the agent who last talked with the customer, and is asked first.
//! * presence: which agents are free, how many callers wait and which attempts are up, at this moment.
//! * quality: how much of a call was seen: `full`, `partial`, `gap` or `backfilled`.
//! * queue visit: one caller's time in one queue, from joining to leaving, and how it ended; one row of `queue_visits`.
//! * reconcile: to compare calls with CDR and queue_log, and to prove from them what was not seen.
//! * recorded: handed to the store as a row; a correction is recorded again under the same call.
//! * recovered: a missed customer who was served after all: by a callback, by calling again, or by an agent's own call. Reports say won back.
//! * requested: of a callback: the customer asked for it, or an agent said that it would come.
//! * scheduler: the part of the core that keeps the callbacks, dispatches them and judges their attempts.
//! * sink: a database of another engine that holds a copy of the rows, of many sites.
//! * room: a folder of one purpose, whose state only its own verbs change; `tests/shell/rooms.rs` says which may use which.
//! * sign: a global variable of Asterisk by which a daemon shows the others that it makes the callbacks of this PBX.
//! * snapshot: the lists of channels, queues and devices that are asked for when the link comes up, and every five minutes.
//! * status: what became of a call, as a manager counts it (`ANSWER`, `NOANSWER`, `BUSY`, `CANCEL`, …).
//! * taint: bytes of AMI in which a caller may have written; nothing in them is believed that such a text could say.
//! * tape: what a call's events said, kept with its row, so that it can be judged again under other rules.
//! * tracker: the part of the core that makes calls, intervals of agents and gaps out of one PBX's events, live or from a recording.
//! * trunk: the line or provider by which customers' calls come in and go out (`PJSIP/provider`).
//! * uniqueid: Asterisk's id of a channel. The channels of attempts get theirs from this program.
//! * verdict: status, outcome and reason of a call, judged from its facts when it ends.
//! * webhook: an endpoint that receives changes, by signed messages of its own queue.
//! * wrap-up: an agent's time for after-call work, in which no callback is offered.

#![warn(unreachable_pub)]

// `missing_docs` holds for the contracts, `api` and `store`; elsewhere a doc that repeats its item's name is left out.
pub mod api;
pub(crate) mod background;
pub(crate) mod base64;
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
pub(crate) mod sinks;
pub mod store;
pub mod timing;
pub mod webhook;
