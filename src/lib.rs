//! callbackd: reads the Asterisk Manager Interface, turns live events into calls, keeps one truthful row per call in SQLite.
//!
//! ```text
//! socket → ami::frame → ami::event → engine::call → engine::verdict → ami::action → socket
//!            bytes        frame        event   ↓        finished call
//!                                            store  ←  one transaction per drained batch
//! ```
//!
//! Imports point upstream only: `ami ← engine ← store ← api ← daemon ← cli ← main`, with `records` beside `store`. `ami` and `engine` are pure:
//! time is an argument. What happened out of sight is proved in `engine::proof` from the files that `records` reads. Missed calls become
//! callbacks in `engine::callback`; people and programs come in by `api` and `cli`; `demo` is a PBX to try it with.

pub mod ami;
pub mod api;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod demo;
pub mod engine;
pub mod exit;
pub mod log;
pub mod records;
pub mod store;
