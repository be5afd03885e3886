//! From the configuration to the rules by which the tracker classifies calls.

use super::Settings;
use callbackd_core::millis::Millis;
use callbackd_core::model::rules::{Globs, OwnNumbers, Rules};
use std::time::Duration;

impl Settings {
    /// The rules of one PBX's tracker.
    ///
    /// # Panics
    /// If hours, region or patterns are bad, which a configuration that was read by this program never is.
    #[must_use]
    pub fn rules(&self) -> Rules {
        let checked = "checked when the configuration was read";
        let numbering = self.numbering().expect(checked);
        let shown = std::iter::once(&self.callback.default).chain(self.callback.queues.values()).map(|q| &q.caller_id);
        let dialled = self.callback.dids.keys().chain(self.did_hours.keys());
        let own = self.numbers.own.iter().chain(shown).chain(dialled).map(String::as_str);
        Rules {
            own_numbers: OwnNumbers::new(&numbering, own),
            inbound_contexts: Globs::new(&self.calls.inbound_contexts),
            trunks: Globs::new(&self.calls.trunks),
            ivr_contexts: Globs::new(&self.calls.ivr_contexts),
            closed_contexts: Globs::new(&self.calls.closed_contexts),
            voicemail_contexts: Globs::new(&self.calls.voicemail_contexts),
            self_service_contexts: Globs::new(&self.calls.self_service_contexts),
            machines: Globs::new(&self.calls.machines),
            self_service_machines: Globs::new(&self.calls.self_service_machines),
            blocked_contexts: Globs::new(&self.calls.blocked_contexts),
            short_abandon_ms: millis(self.calls.short_abandon),
            alarm_wait_ms: None, // `report` says, and only of what is going on now
            min_talk_ms: millis(self.calls.min_talk),
            wrapup_ms: millis(self.calls.wrapup),
            wrapups: self.agents.iter().filter_map(|a| Some((a.interface.clone(), millis(a.wrapup?)))).collect(),
            hours: self.hours.build().expect(checked),
            did_hours: self.did_hours.iter().map(|(did, name)| (did.clone(), self.hours_named(Some(name)))).collect(),
            numbering,
            codes: self.codes.clone(),
        }
    }
}

pub(super) fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}
