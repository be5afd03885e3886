//! The database: all that is SQLite's. One process writes, any number read.
//!
//! ```text
//! Record → writer (its own thread) → Store::write → calls.db ← Reader ← commands
//!          one transaction per drained batch
//! ```
//!
//! Files beside the database: `-wal` and `-shm` are SQLite's, `.lock` says which daemon owns it. Nothing here deletes or recreates a
//! database: what cannot be used is refused, with the reason and the fix, and left as it was found.

mod backup;
mod batch;
mod calendar;
mod call_filter;
mod callback_queries;
mod callback_rows;
mod choice;
mod codes;
mod columns;
pub(crate) mod copies;
mod counted;
mod error;
pub(crate) mod examine;
mod facts;
pub mod feed;
mod holder;
#[cfg(test)]
mod hot_statements;
mod identity;
mod inspect;
mod lock;
mod missed;
mod notes;
mod onlooker;
mod open;
mod optimize;
mod proof;
mod prune;
mod queries;
mod questions;
mod reader;
mod reported;
mod restored;
mod rollups;
mod root;
mod rows;
mod scratch;
mod shape;
pub(crate) mod sinks;
mod tables;
mod tag_rows;
mod tapes;
pub(crate) mod tokens;
mod vacuum;
mod verify;
pub mod webhooks;
mod writer;

pub use backup::{Copied, Source, backup};
pub use calendar::Calendar;
pub use call_filter::CallFilter;
pub use callback_queries::{CallbackFilter, CallbackHistory, Earlier, HISTORY_ROWS, Miss};
pub use callback_rows::MOST_EVENTS;
pub use choice::NoChoice;
pub(crate) use choice::choose_site;
pub use codes::{CodeCount, OfCall};
pub(crate) use counted::Counted;
pub use error::Error;
pub use facts::{Chosen, Depth};
pub use feed::{Fed, FeedRules};
pub(crate) use missed::{Fate, MissedCall};
pub(crate) use notes::{NotTaken, Note, Notes};
pub use onlooker::{Onlooker, Part};
pub use open::{Store, migrations};
pub(crate) use open::{VERSION, check_again};
pub use prune::{PRUNE_ROWS, Pruned, Pruning};
pub use queries::{LastSeenAgent, StoredCall};
#[doc(hidden)]
pub use questions::questions;
pub use reader::Reader;
pub(crate) use reported::Reported;
pub(crate) use restored::Trunks;
pub use rollups::DayToKeep;
pub use rows::Refused;
pub(crate) use scratch::Scratch;
pub(crate) use shape::prepare;
pub(crate) use tables::tables;
pub(crate) use tapes::{Judged, TapedCall, Untaped};
pub use vacuum::{Vacuumed, vacuum};
pub(crate) use verify::MAX_FAULTS;
pub use verify::{Verified, verify};
pub use writer::{Ack, Batch, Counters, Health, Stopped, Writer};
pub(crate) use writer::{DRAIN_BATCHES, QUEUE_BATCHES};

/// `PRAGMA application_id` of our databases: the bytes `CBKD`. `file calls.db` shows it too.
pub const APPLICATION_ID: i32 = i32::from_be_bytes(*b"CBKD");

/// The newest `PRAGMA user_version` that this program knows: the number of files in `migrations/`.
pub const SCHEMA_VERSION: i32 = 19;
