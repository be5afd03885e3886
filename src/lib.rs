//! callbackd: reads the Asterisk Manager Interface, turns live events into calls, keeps one truthful row per call in SQLite.
//!
//! ```text
//! socket → callbackd_core: bytes → frame → event → call → verdict → task → attempt → action → socket
//!                                                   ↓                         ↓
//!                                               store: one transaction per drained batch
//! ```
//!
//! Imports point upstream only: `callbackd_core ← store ← api ← daemon ← cli ← main`, with `records` beside `store`. The core is a crate of
//! its own in `src/core`: it has no clock, socket, SQL, log or runtime, and its own map. Calls that no events showed are rebuilt there
//! from the files that `records` reads. People and programs come in by `api` and `cli`; `demo` is a PBX to try it with.
//!
//! A glossary of the words used in code, log and database stands in `callbackd_core`.

pub mod api;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod demo;
pub mod exit;
pub mod log;
pub mod records;
pub mod store;
