//! Everything that the configuration says about callbacks: whom, when, by whom, how often.

use crate::callbacks::attempt::display::ReasonWords;
use crate::millis::Millis;
use crate::model::codes::Codes;
use crate::model::hours::Hours;
use crate::model::number::Numbering;
use crate::model::{AttemptResult, Outcome, PbxId};
use std::collections::{BTreeMap, BTreeSet};

/// In which order free agents are asked. Names as in Asterisk's `queues.conf`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Who has been free the longest.
    LeastRecent,
    /// Who had the fewest conversations.
    FewestCalls,
    /// Each in turn.
    RrMemory,
    /// Always from the top of the list.
    Linear,
    /// Any.
    Random,
}

/// Who is dialled first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// The agent; the customer only when the agent has accepted.
    Agent,
    /// The customer, who is then put into the queue.
    Customer,
}

/// What becomes of an agent who did not take several offers in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMissedOffers {
    /// No offer for so long (ms), or until the agent has answered a call.
    LeaveOut { for_ms: Millis },
    /// Paused in all of the agent's queues until the agent comes back.
    Pause,
}

/// How soon an attempt is repeated, by its result; see [`Retry::after`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Milliseconds after each result.
    pub customer_busy: Millis,
    /// The customer's phone rang out.
    pub customer_noanswer: Millis,
    /// The customer refused.
    pub customer_rejected: Millis,
    /// Perhaps the customer's voicemail.
    pub maybe_voicemail: Millis,
    /// Congestion.
    pub congestion: Millis,
    /// The agent hung up before the customer answered, or somebody else ended the attempt.
    pub agent_left: Millis,
    /// Asterisk refused, or nothing rang.
    pub originate_error: Millis,
    /// Its fate is unknown.
    pub lost: Millis,
}

impl Retry {
    /// Milliseconds until the next attempt; `None` if there is to be none.
    #[must_use]
    pub const fn after(&self, result: AttemptResult) -> Option<Millis> {
        match result {
            AttemptResult::Connected | AttemptResult::InvalidNumber => None,
            AttemptResult::MaybeVoicemail => Some(self.maybe_voicemail),
            AttemptResult::CustomerBusy => Some(self.customer_busy),
            AttemptResult::CustomerNoAnswer => Some(self.customer_noanswer),
            AttemptResult::CustomerRejected => Some(self.customer_rejected),
            AttemptResult::Congestion => Some(self.congestion),
            // Whoever hung it up may be about to say why: it is not repeated at once.
            AttemptResult::AgentLeft | AttemptResult::Killed => Some(self.agent_left),
            // What rings nobody rings the next agent neither.
            AttemptResult::OriginateError | AttemptResult::NeverRang => Some(self.originate_error),
            AttemptResult::Lost => Some(self.lost),
            // The customer's phone never rang: the next agent may be asked at once.
            AttemptResult::AgentNoAnswer
            | AttemptResult::AgentBusy
            | AttemptResult::AgentRejected
            | AttemptResult::AgentForwarded
            | AttemptResult::AbortedServed => Some(0),
        }
    }
}

/// What may differ from queue to queue.
#[derive(Debug, Clone)]
pub struct QueuePolicy {
    /// Misses of this queue are called back.
    pub enabled: bool,
    /// Not sooner after the miss, ms.
    pub delay_ms: Millis,
    /// Not later after the last miss, ms.
    pub expire_ms: Millis,
    /// The same where the customer asked for it, ms.
    pub expire_requested_ms: Millis,
    /// A callback that was asked for raises an alarm when its customer has not been called for so much time (ms) of opening hours; `None` for never.
    pub alarm_late_ms: Option<Millis>,
    /// Attempts that count against the customer.
    pub max_attempts: u32,
    /// Added to a callback's priority.
    pub priority: i64,
    /// When customers may be called.
    pub hours: Hours,
    /// No dispatch in the last so many ms before closing.
    pub last_dispatch_ms: Millis,
    /// In which order agents are asked.
    pub strategy: Strategy,
    /// For so long (ms) after it is due, only the owner is asked.
    pub owner_window_ms: Millis,
    /// These instead of the queue's members, as interfaces; in this order for `linear`.
    pub agents: Vec<String>,
    /// The queue whose agents are asked too once it has been due for `fallback_after_ms`.
    pub fallback: Option<String>,
    /// See `fallback`.
    pub fallback_after_ms: Millis,
    /// What the customer sees: a number, or `{did}` for the one that the customer dialled.
    pub caller_id: String,
    /// The language that both legs are set to; `None`: that in which the customer was served. Empty: it is left as it is.
    pub language: Option<String>,
    /// What the agent's phone shows, see [`display`](crate::callbacks::attempt::display).
    pub display: String,
    /// Said to the agent and to webhooks: who you are, why late, next step.
    pub script: String,
    /// Sound file that the agent hears first; empty for none.
    pub announcement: String,
    /// The key by which the agent accepts; empty if picking up is accepting.
    pub accept_key: String,
    /// Who is dialled first.
    pub first: First,
}

/// What holds for the callbacks of all PBXs together: a customer may be missed on several, and gets one callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overall {
    /// Attempts that may go on at once.
    pub max_active: u32,
    /// Newest first instead of oldest first, among those that are equally requested and of equal priority.
    pub newest_first: bool,
    /// Talk of less than this (ms) is MAYBE_VOICEMAIL, and an agent's own call of less does not win a customer back.
    pub min_talk_ms: Millis,
    /// Attempts to one number, in 24 hours.
    pub daily_per_number: u32,
    /// Attempts to numbers of one prefix, in 24 hours.
    pub daily_per_prefix: u32,
    /// Digits of that prefix, the country's code included.
    pub prefix_digits: u8,
    /// Attempts in all, in 24 hours.
    pub daily: u32,
}

/// The policies of all PBXs.
#[derive(Debug, Clone)]
pub struct Policies {
    /// What holds for all of them together.
    pub overall: Overall,
    /// By PBX.
    pub pbx: BTreeMap<PbxId, Policy>,
    /// For callbacks of a PBX that is not configured any more.
    pub others: Policy,
    /// What the codes of calls mean for callbacks.
    pub codes: Codes,
}

impl QueuePolicy {
    /// The first moment, not before `at_ms`, at which customers are called; `None` if the hours have none.
    #[must_use]
    pub fn next_call(&self, at_ms: Millis) -> Option<Millis> {
        self.hours.next_open_for(at_ms, self.last_dispatch_ms)
    }
}

impl Policies {
    /// The policy of a PBX.
    #[must_use]
    pub fn of(&self, pbx: &str) -> &Policy {
        self.pbx.get(pbx).unwrap_or(&self.others)
    }

    /// Missed callers of at least one PBX are called back.
    #[must_use]
    pub fn any_enabled(&self) -> bool {
        self.pbx.values().any(|policy| policy.enabled)
    }
}

/// The policy of one PBX.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Missed callers are called back at all.
    pub enabled: bool,
    /// Outcomes of inbound calls that make a callback.
    pub on: BTreeSet<Outcome>,
    /// A caller who gave up sooner (ms), wherever that was, gets no callback, unless
    /// [`Policy::on`] has `SHORT_ABANDON`.
    pub short_abandon_ms: Millis,
    /// An agent's phone rings so long (ms).
    pub agent_ring_ms: Millis,
    /// A customer's phone rings so long (ms).
    pub customer_ring_ms: Millis,
    /// An agent who did not take an offer gets none for so long (ms).
    pub agent_cooldown_ms: Millis,
    /// So many offers in a row that an agent does not take have [`Policy::on_missed_offers`]; 0: any number is as one.
    pub missed_offers: u32,
    /// What becomes of that agent.
    pub on_missed_offers: OnMissedOffers,
    /// No offer to an agent in one of whose queues callers wait.
    pub live_callers_first: bool,
    /// A callback that has been due for so long (ms) is offered in spite of live callers; `None` for never.
    pub overtake_after_ms: Option<Millis>,
    /// Agents whose device state is unknown count as free.
    pub unknown_is_free: bool,
    /// Pause the agent in all of the agent's queues (with the reason `callbackd`) while an attempt goes on.
    pub pause_agent: bool,
    /// The customer's local hours in which no callback is made, where the number shows the time zone: minutes of the day, from and to.
    pub quiet: Option<(u16, u16)>,
    /// How soon an attempt is repeated.
    pub retry: Retry,
    /// How an agent is dialled: `{device}` is the phone (`PJSIP/101`), `{interface}` what the queue dials, `{extension}` its digits.
    /// `None`: as suits the PBX, see [`freepbx`](crate::callbacks::freepbx).
    pub dial_agent: Option<String>,
    /// How a customer is dialled: `PJSIP/{number}@trunk`, `Local/{number}@from-internal/n`.
    pub dial_customer: String,
    /// What `{number}` is there: a text with `{e164}` (+49301234567), `{digits}` (49301234567) or `{national}` (0301234567).
    pub number_form: String,
    /// Dialplan context for the agent's leg.
    pub agent_context: String,
    /// Dialplan context for the customer's leg, customer first.
    pub customer_context: String,
    /// How the agent's phone says why there is a callback, where `display` asks for it.
    pub reasons: ReasonWords,
    /// Asterisk's CDR can be looked up (`gap.cdr_csv`).
    pub look_up_cdr: bool,
    /// Make callbacks though another callbackd makes them on the same PBX.
    pub alongside: bool,
    /// Publish wait estimates into the Asterisk database (needs write `system`).
    pub publish: bool,
    /// For misses that no queue of [`Policy::queues`] is about.
    pub default: QueuePolicy,
    /// By queue.
    pub queues: BTreeMap<String, QueuePolicy>,
    /// The queue of a miss that was in none, by the number that was dialled (as dialled).
    pub dids: BTreeMap<String, String>,
    /// Which numbers may be called.
    pub number_policy: NumberPolicy,
    /// How numbers are read.
    pub numbering: Numbering,
}

/// Which numbers may be called. Prefixes are E.164 with `+`; the longest that fits decides, deny before allow.
#[derive(Debug, Clone, Default)]
pub struct NumberPolicy {
    /// May be called though they are international or premium-rate.
    pub allow: Vec<String>,
    /// May not be called.
    pub deny: Vec<String>,
    /// Called back before all others; numbers and prefixes.
    pub vip: Vec<String>,
    /// Numbers of other countries may be called.
    pub international: bool,
    /// Premium-rate and shared-cost numbers may be called.
    pub premium: bool,
}

impl NumberPolicy {
    /// This number is called back before others.
    #[must_use]
    pub(crate) fn is_vip(&self, e164: &str) -> bool {
        self.vip.iter().any(|prefix| e164.starts_with(prefix.as_str()))
    }
}

impl Policy {
    /// What holds for a queue.
    #[must_use]
    pub fn of(&self, queue: Option<&str>) -> &QueuePolicy {
        queue.and_then(|q| self.queues.get(q)).unwrap_or(&self.default)
    }
}
