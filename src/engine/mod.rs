//! The pure core: events in, finished calls out; no clock, socket, SQL, log or runtime.
pub mod hours;
pub mod number;
pub mod record;
