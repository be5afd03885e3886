//! Why an open callback stands where it does, in words for people.

use callbackd_core::callbacks::task::WaitReason;
use callbackd_core::model::CallbackState;

/// What this state for this reason means; empty where it says all by itself.
#[must_use]
pub(crate) fn words(state: &str, why: &str) -> &'static str {
    match CallbackState::from_text(state) {
        Some(CallbackState::Pending) => "its turn comes with the next free agent",
        Some(CallbackState::Reserved) => "an agent is about to be called",
        Some(CallbackState::DialingAgent) => "the agent's phone rings",
        Some(CallbackState::DialingCustomer) => "the customer's phone rings",
        Some(CallbackState::Talking) => "they talk",
        // One that is closed may say what it last waited for. A newer daemon may have other states.
        Some(
            CallbackState::Waiting
            | CallbackState::Done
            | CallbackState::RecoveredByCustomer
            | CallbackState::RecoveredByAgent
            | CallbackState::Exhausted
            | CallbackState::Expired
            | CallbackState::NotCallable
            | CallbackState::Dnc
            | CallbackState::Cancelled,
        )
        | None => WaitReason::from_text(why).map_or("", waits),
    }
}

fn waits(reason: WaitReason) -> &'static str {
    match reason {
        WaitReason::Delay => "its time has not come yet",
        WaitReason::RetryDelay => "until the next attempt",
        WaitReason::OutOfHours => "you are closed, or about to close",
        WaitReason::QuietHours => "it is night where the customer is",
        WaitReason::NoAgent => "nobody who may take it is logged in",
        WaitReason::CustomerOnLine => "the customer is on the line",
        WaitReason::LiveCallers => "callers wait for the agents who are free",
        WaitReason::Held => "until it is released",
        WaitReason::Unproven => "what became of the last attempt is not known",
        WaitReason::DailyCap => "as many calls as are allowed in a day",
        WaitReason::NoLink => "the PBX is not seen now",
        WaitReason::AnotherDaemon => "another callbackd makes callbacks on this PBX",
        WaitReason::AnotherSite => "another site of the group has the customer",
        WaitReason::NoGroup => "the other sites of the group cannot be asked (group.alone)",
        WaitReason::Disabled => "callbacks are switched off (callback.enabled = false)",
    }
}
