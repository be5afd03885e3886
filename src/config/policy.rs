//! From the configuration to the policy by which missed callers are called back.

use super::{CallbackQueue, Config, Settings, rules::millis};
use crate::language::Language;
use callbackd_core::callbacks::attempt::display::ReasonWords;
use callbackd_core::callbacks::policy::{NumberPolicy, OnMissedOffers, Policies, Policy, QueuePolicy};
use callbackd_core::model::hours::Hours;

impl Config {
    /// The policies of all PBXs.
    ///
    /// # Panics
    /// If hours or region are bad, which a configuration that was read by this program never is.
    #[must_use]
    pub fn policies(&self) -> Policies {
        let (files, language) = (|pbx: &super::Pbx| pbx.gap.cdr_csv.is_some(), self.report_language);
        let of = |pbx: &super::Pbx| (pbx.name.clone(), pbx.settings.policy(files(pbx), language));
        Policies {
            overall: self.overall,
            pbx: self.pbx.iter().map(of).collect(),
            others: self.shared.policy(false, language),
            codes: self.shared.codes.clone(),
        }
    }
}

impl Settings {
    /// The policy by which the missed callers of a PBX are called back; `look_up_cdr`: its CDR can be read. `language`: of the agents.
    ///
    /// # Panics
    /// If hours or region are bad, which a configuration that was read by this program never is.
    #[must_use]
    pub(crate) fn policy(&self, look_up_cdr: bool, language: Language) -> Policy {
        let c = &self.callback;
        let [requested, missed, by_hand] = language.reasons();
        Policy {
            enabled: c.enabled,
            on: c.on.clone(),
            short_abandon_ms: millis(self.calls.short_abandon),
            agent_ring_ms: millis(c.agent_ring),
            customer_ring_ms: millis(c.customer_ring),
            agent_cooldown_ms: millis(c.agent_cooldown),
            missed_offers: c.missed_offers,
            on_missed_offers: if c.missed_offers_pause {
                OnMissedOffers::Pause
            } else {
                OnMissedOffers::LeaveOut { for_ms: millis(c.missed_offers_cooldown) }
            },
            live_callers_first: c.live_callers_first,
            overtake_after_ms: c.overtake_after.map(millis),
            unknown_is_free: c.unknown_is_free,
            pause_agent: c.pause_agent,
            quiet: c.quiet,
            retry: c.retry,
            dial_agent: c.dial_agent.clone(),
            dial_customer: c.dial_customer.clone(),
            number_form: c.number_form.clone(),
            agent_context: c.agent_context.clone(),
            customer_context: c.customer_context.clone(),
            reasons: ReasonWords { requested, missed, by_hand },
            look_up_cdr,
            alongside: c.alongside,
            publish: c.publish,
            default: self.queue_policy(&c.default),
            queues: c.queues.iter().map(|(name, queue)| (name.clone(), self.queue_policy(queue))).collect(),
            dids: c.dids.clone(),
            number_policy: NumberPolicy {
                allow: self.numbers.allow.clone(),
                deny: self.numbers.deny.clone(),
                vip: self.numbers.vip.clone(),
                international: self.numbers.international,
                premium: self.numbers.premium,
            },
            numbering: self.numbering().expect("checked when the configuration was read"),
        }
    }

    fn queue_policy(&self, queue: &CallbackQueue) -> QueuePolicy {
        QueuePolicy {
            enabled: queue.enabled,
            delay_ms: millis(queue.delay),
            expire_ms: millis(queue.expire),
            expire_requested_ms: millis(queue.expire_requested),
            alarm_late_ms: Some(millis(queue.alarm_late)).filter(|ms| *ms > 0),
            max_attempts: queue.max_attempts,
            priority: queue.priority,
            hours: self.hours_named(queue.hours.as_deref()),
            last_dispatch_ms: millis(queue.last_dispatch),
            strategy: queue.strategy,
            owner_window_ms: millis(queue.owner_window),
            agents: queue.agents.clone(),
            fallback: queue.fallback.clone(),
            fallback_after_ms: millis(queue.fallback_after),
            caller_id: queue.caller_id.clone(),
            language: queue.language.clone(),
            display: queue.display.clone(),
            script: queue.script.clone(),
            announcement: queue.announcement.clone(),
            accept_key: queue.accept_key.clone(),
            first: queue.first,
        }
    }

    /// `[hours.NAME]`, or `[hours]`.
    pub(super) fn hours_named(&self, name: Option<&str>) -> Hours {
        let hours = name.and_then(|name| self.named_hours.get(name)).unwrap_or(&self.hours);
        hours.build().expect("checked when the configuration was read")
    }
}
