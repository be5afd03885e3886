//! Presence: agents, their queues and phones, and who is free.

pub(crate) mod agent;
pub(crate) mod now;
pub(crate) mod roster;
pub(crate) mod state;
