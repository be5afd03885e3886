//! Calls: what belongs to one call, from its first event to its end.

pub(crate) mod agent_codes;
pub(crate) mod call;
pub(crate) mod callback_attempt;
pub(crate) mod conversation;
pub(crate) mod coverage_lost;
pub(crate) mod customer_line;
pub(crate) mod details;
pub(crate) mod dialplan;
pub(crate) mod ending;
pub(crate) mod in_progress;
pub(crate) mod leg_list;
pub(crate) mod legs;
pub(crate) mod long_waits;
pub(crate) mod merge;
pub(crate) mod origin;
pub(crate) mod queue_visits;
pub(crate) mod registry;
pub(crate) mod role;
pub(crate) mod seen;
pub(crate) mod talk;
pub(crate) mod user_event;
