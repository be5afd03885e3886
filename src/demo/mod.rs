//! A pretend PBX: speaks AMI as Asterisk 22 does, for the demo, the simulator and load. It is never the proof of a telephony fact.
//!
//! ```text
//! people (what agents and customers do) ──┐
//! callers ──────────────────────────────→ pbx ──→ events, answers ──→ serve (TCP) or a test
//! actions of a client ───────────────────→ ┘  └─→ truth: what really happened
//! ```
//!
//! All but [`serve`] and [`show`] is pure: time is an argument, chance is a seed.

pub mod call;
pub mod channel;
mod inbound;
pub mod manager;
pub mod office;
mod outbound;
pub mod pbx;
pub mod people;
mod queue;
pub mod seats;
pub mod serve;
pub mod show;
pub mod town;
mod transfer;
pub mod truth;
pub mod wire;
