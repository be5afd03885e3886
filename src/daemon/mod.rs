//! The daemon: one loop over links, store, timers, signals and the service manager.

pub(crate) mod ami_client;
pub(crate) mod api_certificate;
mod api_replies;
mod arrivals;
mod callbacks;
mod cdr_file;
mod certificate;
mod check;
pub(crate) mod clock;
pub(crate) mod collect;
mod configuration;
mod connection;
pub(crate) mod connector;
mod days;
mod delivery;
mod event_log;
mod failing;
mod figures;
pub(crate) mod group;
mod leaving;
pub mod link;
mod link_counters;
mod local_api;
mod lost;
mod monitor;
mod pbxs;
mod proofs;
mod recorder;
pub mod run;
pub mod secret;
mod signals;
pub(crate) mod sinks;
mod storage;
mod systemd;
mod tls;
mod upkeep;
pub(crate) mod webhooks;

pub use link::{Link, LinkEvent, RequestFailed, events};
pub use lost::LostReason;
pub use secret::{Secret, SecretError};
pub(crate) use storage::feed_rules;
#[doc(hidden)]
pub use tls::look_at_certificate;
