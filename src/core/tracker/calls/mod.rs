//! Calls: what belongs to one call, from its first event to its end.

pub mod call;
pub(crate) mod callback_attempt;
pub(crate) mod conversation;
pub mod customer_line;
pub(crate) mod dialplan;
pub(crate) mod ending;
pub(crate) mod in_progress;
pub(crate) mod legs;
pub(crate) mod lost_sight;
pub(crate) mod merge;
pub(crate) mod origin;
pub(crate) mod queue_visits;
pub(crate) mod registry;
pub(crate) mod seen;
pub mod talk;
pub mod user_event;
