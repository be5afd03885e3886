//! A pretend PBX: speaks AMI as Asterisk 22 does, for the demo, the simulator and load. It is never the proof of a telephony fact.
//!
//! ```text
//! people (what agents and customers do) ──┐
//! callers ──────────────────────────────→ pbx ──→ events, answers ──→ serve (TCP) or a test
//! actions of a client ───────────────────→ ┘  └─→ truth: what really happened
//! ```
//!
//! All but [`serve`] and [`show`] is pure: time is an argument, chance is a seed.

pub(crate) mod call;
pub(crate) mod channel;
mod inbound;
pub(crate) mod manager;
pub mod office;
mod outbound;
pub mod pbx;
pub mod people;
mod queue;
pub(crate) mod seats;
pub(crate) mod serve;
pub(crate) mod show;
pub mod town;
mod transfer;
pub mod truth;
pub(crate) mod wire;
