//! The daemon: one loop over links, store, timers, signals and the service manager. The only async room.

mod answers;
mod callbacks;
mod cdr_file;
mod certificate;
mod clock;
mod connection;
mod delivery;
mod journal;
pub mod link;
mod link_counters;
mod lost;
mod proofs;
mod recorder;
pub mod route;
pub mod run;
pub mod secret;
mod signals;
mod systemd;
mod tls;
mod upkeep;
pub mod visit;
mod watched;

pub use link::{Link, LinkEvent, RequestFailed, events};
pub use lost::LostReason;
pub use secret::{Secret, SecretError};
