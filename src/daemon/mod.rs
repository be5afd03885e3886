//! The daemon: one loop over links, store, timers, signals and the service manager. The only async room.

pub mod clock;
pub mod journal;
pub mod link;
pub mod recorder;
pub mod run;
pub mod systemd;
pub mod watched;
