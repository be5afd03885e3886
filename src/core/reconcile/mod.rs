//! What happened while events were not seen, proved from Asterisk's own CDR and queue_log: lines in, rows out. No file is opened here.
//!
//! ```text
//! Master.csv → CdrLine ┐
//!                      ├→ Account (one call's records) → Prover → FinishedCall (quality = backfilled)
//! queue_log → QueueEvent ┘
//! ```
//!
//! CDR alone lie in known ways (`ANSWERED` where a queue or a menu picked up, one call in several rows, no word for who gave up), so each rule
//! says in `why` what it read where. What the records leave open stays UNKNOWN.

pub mod account;
pub mod audit;
pub mod cdr;
mod customers;
mod doubt;
mod ending;
pub mod gatherer;
mod leg;
mod proved;
pub mod queue_log;
mod zone;

pub use account::{Account, accounts};
pub use cdr::CdrLine;
pub use doubt::Suspect;
pub use proved::Prover;
pub use queue_log::QueueEvent;
pub use zone::Zone;
