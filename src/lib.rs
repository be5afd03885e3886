//! callbackd: reads the Asterisk Manager Interface, turns live events into calls, keeps one truthful row per call in SQLite.
//!
//! ```text
//! socket → ami::frame → ami::event → engine::call → engine::verdict → ami::action → socket
//!            bytes        frame        event   ↓        finished call
//!                                            store  ←  one transaction per drained batch
//! ```
//!
//! Imports point upstream only: `ami ← engine ← store ← daemon ← main`. `ami` and `engine` are pure: time is an argument.

pub mod ami;
pub mod api;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod demo;
pub mod engine;
pub mod exit;
pub mod log;
pub mod store;
