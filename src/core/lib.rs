//! The pure core of callbackd: no clock, socket, SQL, log or runtime; time is an argument. The same inputs give the same outputs.
//!
//! ```text
//! bytes → ami: frame, event → tracker: call, verdict → callbacks: task, attempt → ami: action → bytes
//!                                  ↓                          ↓
//!                                    model::Record (to be stored)   ←  reconcile: calls proved from CDR and queue_log
//! ```
//!
//! # Words
//!
//! Asterisk's and the call centre's terms, each with one meaning here:
//!
//! * **call**: all channels that Asterisk puts under one linkedid, from the first to the last; one row of `calls`.
//! * **linkedid**: Asterisk's id of a call, the uniqueid of its first channel; unique on one PBX only, so a key is (PBX, linkedid).
//! * **leg**: one phone or trunk that was dialled for a call, and how that ended; one row of `legs`.
//! * **queue visit**: the time that a caller spent in one queue, from joining to leaving; one row of `queue_visits`.
//! * **IVR step**: one menu that the caller heard, and the key that was pressed there.
//! * **origin**: who began the call: a customer's trunk, an extension of ours, or a callback attempt.
//! * **customer**: the outside party of a call, known by the number in E.164 form.
//! * **agent**: a person on our side who takes calls, known by the phone (`PJSIP/101`) on one PBX.
//! * **member**: an agent in one queue, as `app_queue` sees it: interface, penalty, pause.
//! * **trunk**: an endpoint that leads to the telephone network, not to a phone.
//! * **DID**: the number of ours that the customer dialled (direct inward dialling).
//! * **wrap-up**: after-call work; the agent gets no callback until it is over.
//! * **status**: what became of a call, in seven words (`ANSWER`, `CANCEL`, …).
//! * **outcome**: why a call has its status (`AGENT`, `QUEUE_ABANDON`, …); it decides whether the call was missed.
//! * **verdict**: the decision that gives a finished call its status and outcome.
//! * **missed**: an inbound call in which no person served the customer; which outcomes count is configured.
//! * **tracker**: the state machine of one PBX: takes AMI events, keeps channels, calls and agents, emits records.
//! * **snapshot**: the lists of channels, queues and devices that are asked for when the link comes up, then every five minutes.
//! * **coverage**: whether the events of a PBX arrive without a hole; what happened outside of it is in doubt.
//! * **gap**: a time without coverage (link down, events lost, daemon down); one row of `gaps`.
//! * **recorded**: emitted as a record to the store; a later event may still correct the row.
//! * **reconcile**: to compare calls with Asterisk's own records (CDR, queue_log), and to rebuild those of a gap from them.
//! * **backfilled**: a row whose facts come from those records instead of live events.
//! * **presence**: who of the agents is free, busy, paused or logged out, and which callers wait, as known now.
//! * **scheduler**: chooses which callback is made next, when, and by which agent.
//! * **callback**: the task to call one missed customer back; at most one is open for a number.
//! * **requested**: of a callback: the customer asked for it, or an agent said that it would come.
//! * **attempt**: one try at a callback: the Originate, both legs, and the result; its channel has the id `cb-…`.
//! * **owner**: the agent who last talked with the customer, and is asked first.
//! * **recovered**: a missed customer who was served after all: by a callback, by calling again, or by an agent's own call.
//! * **offered**: of an inbound call: it reached a queue or rang a person, or was refused at the door; the service level counts it.
//! * **tally**: what was counted of what was written; numbers that only grow.
//! * **DNC**: the do-not-call list.
//!
//! # Rooms
//!
//! Imports point upstream only: `ami ← model ← tracker ← callbacks ← reconcile`.
#![warn(clippy::disallowed_methods, clippy::disallowed_types, unreachable_pub)]

// `missing_docs` holds for the contract, `model`; elsewhere a doc that repeats its item's name is left out.
#[allow(missing_docs)]
pub mod ami;
#[allow(missing_docs)]
pub mod callbacks;
pub mod model;
#[allow(missing_docs)]
pub mod reconcile;
#[allow(missing_docs)]
pub mod tracker;
