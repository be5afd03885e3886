//! The pure core of callbackd: no clock, socket, SQL, log or runtime; time is an argument. The same inputs give the same outputs.
//!
//! ```text
//! bytes → ami: frame, event → tracker: call, verdict → callbacks: task, attempt → ami: action → bytes
//!                                  ↓                          ↓
//!                                    model::Record (to be stored)   ←  reconcile: calls proved from CDR and queue_log
//! ```
//!
//! Imports point upstream only: `ami ← model ← tracker ← callbacks ← reconcile`.
#![warn(clippy::disallowed_methods, clippy::disallowed_types, unreachable_pub)]

pub mod ami;
pub mod callbacks;
pub mod model;
pub mod reconcile;
pub mod tracker;
