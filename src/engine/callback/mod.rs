//! Callbacks: from a missed call to a customer who was won back; the policy of who calls whom and when.
//!
//! ```text
//! FinishedCall → task → dispatch (Floor: who is free) → attempt → stored → Originate → Progress → result → retry or close
//! ```
//!
//! The contract is the engine's: give one [`Input`], drain [`Desk::poll`], come back with [`Input::Tick`] at [`Desk::deadline`].
//! What has consequences is stored first: [`Output::Act`] comes only after [`Input::Committed`] for the attempt that it belongs to.

pub mod command;
pub mod dial_string;
pub mod floor;
pub mod policy;
pub mod progress;
pub mod quiet;
pub mod remembered;
pub mod row;
pub mod screen;
