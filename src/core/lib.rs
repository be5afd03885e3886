//! The pure core of callbackd: no clock, socket, SQL, log or runtime; time is an argument. The same inputs give the same outputs.
//!
//! ```text
//! bytes → ami: frame, event → tracker: call, verdict → callbacks: task, attempt → ami: action → bytes
//!                                  ↓                          ↓
//!                                    model::Record (to be stored)   ←  reconcile: calls proved from CDR and queue_log
//! ```
//!
//! The words are those of the glossary in the documentation of the crate `callbackd` (`src/lib.rs`).
//!
//! # Rooms
//!
//! Imports point upstream only, and a test holds them to it: `millis` and `order`, then `ami` and `model`, then `verdict`, which knows the model alone.
//! Above them stand three rooms that know nothing of each other: `tracker`, `reconcile` (both judge by `verdict`) and `callbacks`.
#![warn(clippy::disallowed_methods, clippy::disallowed_types, unreachable_pub)]

// `missing_docs` holds for the contract, `model`; elsewhere a doc that repeats its item's name is left out.
#[allow(missing_docs)]
pub mod ami;
#[allow(missing_docs)]
pub mod callbacks;
pub mod millis;
pub mod model;
pub mod order;
#[allow(missing_docs)]
pub mod reconcile;
#[allow(missing_docs)]
pub mod tracker;
pub(crate) mod verdict;
