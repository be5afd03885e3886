//! Why an open callback stands where it does, in words for people.

use callbackd_core::callbacks::task::reason;

/// What this state for this reason means; empty where it says all by itself.
#[must_use]
pub(crate) fn words(state: &str, why: &str) -> &'static str {
    match (state, why) {
        ("PENDING", _) => "its turn comes with the next free agent",
        ("RESERVED", _) => "an agent is about to be called",
        ("DIALING_AGENT", _) => "the agent's phone rings",
        ("DIALING_CUSTOMER", _) => "the customer's phone rings",
        ("TALKING", _) => "they talk",
        (_, reason::DELAY) => "many call again at once",
        (_, reason::RETRY_DELAY) => "until the next attempt",
        (_, reason::OUT_OF_HOURS) => "you are closed, or about to close",
        (_, reason::QUIET_HOURS) => "it is night where the customer is",
        (_, reason::NO_AGENT) => "nobody who may take it is logged in",
        (_, reason::CUSTOMER_ON_LINE) => "the customer is on the line",
        (_, reason::LIVE_CALLERS) => "callers wait for the agents who are free",
        (_, reason::HELD) => "until it is released",
        (_, reason::UNPROVEN) => "what became of the last attempt is not known",
        (_, reason::DAILY_CAP) => "as many calls as are allowed in a day",
        (_, reason::NO_LINK) => "the PBX is not seen now",
        (_, reason::ANOTHER_DAEMON) => "another callbackd makes callbacks on this PBX",
        (_, reason::DISABLED) => "callbacks are switched off (callback.enabled = false)",
        _ => "",
    }
}
