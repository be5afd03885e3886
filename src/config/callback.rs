//! The table `[callback]`: what it says, and what holds where it says nothing.

mod read;
mod templates;

pub(super) use read::{overall, read};

use callbackd_core::callbacks::attempt::display;
use callbackd_core::callbacks::policy::{First, Overall, Retry, Strategy};
use callbackd_core::model::Outcome;
use callbackd_core::order::Gather as _;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Outcomes that are called back unless `callback.on` says otherwise: the caller wanted somebody and got nobody.
fn on() -> BTreeSet<Outcome> {
    Outcome::ALL.iter().copied().filter(|outcome| outcome.meaning().by_default).to_set()
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Where `[callback]` says nothing: of all PBXs together.
pub(super) const OVERALL: Overall = Overall {
    max_active: 5,
    newest_first: false,
    min_talk_ms: 10_000,
    daily_per_number: 5,
    daily_per_prefix: 50,
    prefix_digits: 6,
    daily: 1000,
};

/// `[callback]`, without what it says of all PBXs together ([`Overall`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// Missed callers are called back. Default false: a daemon makes no calls unless the file says so.
    pub enabled: bool,
    /// Outcomes that make a callback.
    pub(crate) on: BTreeSet<Outcome>,
    /// An agent's phone rings so long. 5 s to 2 min, default 20 s.
    pub(crate) agent_ring: Duration,
    /// A customer's phone rings so long. 10 s to 3 min, default 45 s.
    pub(crate) customer_ring: Duration,
    /// No offer for so long to an agent who did not take one. 10 s to 8 h, default 2 min.
    pub(crate) agent_cooldown: Duration,
    /// So many offers in a row that an agent does not take leave the agent out for longer, 0 to 100. Default 3; 0: never.
    pub(crate) missed_offers: u32,
    /// For so long, unless the agent answers a call before. 10 s to 24 h, default 15 min.
    pub(crate) missed_offers_cooldown: Duration,
    /// Pause the agent in all of their queues instead. Default false.
    pub(crate) missed_offers_pause: bool,
    /// No offer to agents in whose queues callers wait. Default true.
    pub(crate) live_callers_first: bool,
    /// In spite of live callers once it has been due for so long. 1 min to 24 h, default never.
    pub(crate) overtake_after: Option<Duration>,
    /// Agents whose device state is unknown count as free. Default false.
    pub(crate) unknown_is_free: bool,
    /// Pause the agent in all queues during an attempt. Default false.
    pub(crate) pause_agent: bool,
    /// Minutes of the customer's day in which the customer is not called: from, to. Default 21:00 to 08:00.
    pub(crate) quiet: Option<(u16, u16)>,
    /// How an agent is dialled. Default `None`: as suits the PBX.
    pub(crate) dial_agent: Option<String>,
    /// How a customer is dialled. Default `Local/{number}@from-internal/n`.
    pub(crate) dial_customer: String,
    /// What `{number}` is. Default `{national}`.
    pub(crate) number_form: String,
    /// Context of the agent's leg. Default `callbackd-agent`.
    pub(crate) agent_context: String,
    /// Context of the customer's leg where the customer is called first. Default `callbackd-customer`.
    pub(crate) customer_context: String,
    /// Make callbacks though another callbackd does on the same PBX. Default false.
    pub(crate) alongside: bool,
    /// Publish wait estimates into the Asterisk database. Default false.
    pub(crate) publish: bool,
    /// `[callback.retry]`, in milliseconds; each 10 s to 24 h.
    pub(crate) retry: Retry,
    /// What holds for queues without a table of their own.
    pub default: CallbackQueue,
    /// `[callback.queue.NAME]`, with what they do not say taken from `[callback]`.
    pub queues: BTreeMap<String, CallbackQueue>,
    /// `[callback.did]`: the queue of a miss that was in none, by the number dialled.
    pub dids: BTreeMap<String, String>,
}

/// What may differ from queue to queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackQueue {
    /// Misses of this queue are called back.
    pub enabled: bool,
    /// Not sooner after the miss. Up to 24 h, default 60 s.
    pub delay: Duration,
    /// Not later after the last miss, of opening hours at most. 1 min to 30 days, default 4 h.
    pub expire: Duration,
    /// The same where the customer asked for it. Default 24 h.
    pub expire_requested: Duration,
    /// A callback that was asked for raises an alarm when it is later than this, of opening hours. Up to 24 h, default 30 min; 0 for never.
    pub alarm_late: Duration,
    /// Attempts that count against the customer, 1 to 20. Default 3.
    pub max_attempts: u32,
    /// Higher goes first, -1000 to 1000. Default 0.
    pub priority: i64,
    /// Name of the `[hours.NAME]` in which customers may be called; default: `[hours]`.
    pub hours: Option<String>,
    /// No dispatch in the last so much time before closing. Up to 4 h, default 5 min.
    pub last_dispatch: Duration,
    /// In which order agents are asked.
    pub strategy: Strategy,
    /// For so long only the owner is asked. Up to 24 h, default 1 min.
    pub owner_window: Duration,
    /// These agents instead of the queue's members, as interfaces.
    pub agents: Vec<String>,
    /// The queue whose agents are asked too after `fallback_after`.
    pub fallback: Option<String>,
    /// See `fallback`. Up to 24 h, default 10 min.
    pub fallback_after: Duration,
    /// What the customer sees: a number, or `{did}`.
    pub caller_id: String,
    /// The language of both legs; `None`: the one in which the customer was served; empty: none is set.
    pub language: Option<String>,
    /// What the agent's phone shows: a template. Default [`display::DEFAULT`](callbackd_core::callbacks::attempt::display::DEFAULT).
    pub display: String,
    /// Said to the agent and to webhooks.
    pub script: String,
    /// Sound that the agent hears first; empty for none.
    pub announcement: String,
    /// Key by which the agent accepts; empty if picking up is accepting.
    pub accept_key: String,
    /// Who is dialled first.
    pub first: First,
}

impl Default for Callback {
    fn default() -> Self {
        Self {
            enabled: false,
            on: on(),
            agent_ring: Duration::from_secs(20),
            customer_ring: Duration::from_secs(45),
            agent_cooldown: 2 * MINUTE,
            missed_offers: 3,
            missed_offers_cooldown: 15 * MINUTE,
            missed_offers_pause: false,
            live_callers_first: true,
            overtake_after: None,
            unknown_is_free: false,
            pause_agent: false,
            quiet: Some((21 * 60, 8 * 60)),
            dial_agent: None,
            dial_customer: "Local/{number}@from-internal/n".to_owned(),
            number_form: "{national}".to_owned(),
            agent_context: "callbackd-agent".to_owned(),
            customer_context: "callbackd-customer".to_owned(),
            alongside: false,
            publish: false,
            retry: Retry {
                customer_busy: 120_000,
                customer_noanswer: 900_000,
                customer_rejected: 3_600_000,
                maybe_voicemail: 1_800_000,
                congestion: 60_000,
                agent_left: 30_000,
                originate_error: 60_000,
                lost: 600_000,
            },
            default: CallbackQueue::default(),
            queues: BTreeMap::new(),
            dids: BTreeMap::new(),
        }
    }
}

impl Default for CallbackQueue {
    fn default() -> Self {
        Self {
            enabled: true,
            delay: MINUTE,
            expire: 4 * HOUR,
            expire_requested: 24 * HOUR,
            alarm_late: 30 * MINUTE,
            max_attempts: 3,
            priority: 0,
            hours: None,
            last_dispatch: 5 * MINUTE,
            strategy: Strategy::LeastRecent,
            owner_window: MINUTE,
            agents: Vec::new(),
            fallback: None,
            fallback_after: 10 * MINUTE,
            caller_id: "{did}".to_owned(),
            language: None,
            display: display::DEFAULT.to_owned(),
            script: String::new(),
            announcement: String::new(),
            accept_key: String::new(),
            first: First::Agent,
        }
    }
}
