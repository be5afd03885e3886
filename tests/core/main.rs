//! The pure core: frames, events, session, actions; calls, agents, callbacks. Nothing here touches a file, a socket or a clock.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests are outside of the core: they read recordings and seeds"
)]

mod actions;
mod agent_codes;
mod agents;
mod alongside;
mod ami;
mod any_events;
mod attempt_fates;
mod attempt_ids;
mod attempt_out_of_sight;
mod attempt_progress;
mod byte_limits;
mod callback_attempts;
mod callback_commands;
mod callback_customer_first;
mod callback_dispatch;
mod callback_freepbx;
mod callback_hours;
mod callback_language;
mod callback_late;
mod callback_missed_offers;
mod callback_named_time;
mod callback_pbxs;
mod callback_promise;
mod callback_recovery;
mod callback_tasks;
mod callback_vip;
mod calls_in_progress;
mod codes;
mod coverage_lost;
mod coverage_lost_in_queues;
mod dial_strings;
mod endings;
mod event_faults;
mod events;
mod forging;
mod forging_costs;
mod forging_joined;
mod forging_rows;
mod forging_sip;
mod frames;
mod hours;
mod identity;
mod impostors;
mod late_news;
mod layouts;
mod lengths;
mod limits;
mod lines;
mod long_calls;
mod merges;
mod news;
mod number;
mod number_policy;
mod out_of_order;
mod outcomes;
mod presence;
mod proof;
mod queue_events;
mod read_menus;
mod refused_events;
mod roles_arrival;
mod roles_callers;
mod roles_talk;
mod scheduler;
mod seen_from_the_middle;
mod session;
mod session_ends;
mod session_recordings;
mod session_requests;
mod stream;
mod tally;
