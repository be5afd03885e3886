//! From the configuration to the rules by which the engine tells calls apart.

use super::Config;
use crate::ami::event::Millis;
use crate::engine::hours::Hours;
use crate::engine::number::{InternalRule, Numbering};
use crate::engine::rules::{Globs, Rules};
use jiff::tz::TimeZone;
use std::time::Duration;

impl Config {
    /// The engine's rules.
    ///
    /// # Panics
    /// If hours, region or patterns are bad, which a configuration that was read by this program never is.
    #[must_use]
    pub fn rules(&self) -> Rules {
        let checked = "checked when the configuration was read";
        let hours = Hours::parse(&self.hours.open, self.zone(), self.hours.country.as_deref()).expect(checked);
        let internal = match &self.calls.internal_number {
            Some(pattern) => InternalRule::matches(pattern).expect(checked),
            None => InternalRule::MaxDigits(self.numbers.internal_max_digits),
        };
        Rules {
            inbound_contexts: Globs::new(&self.calls.inbound_contexts),
            trunks: Globs::new(&self.calls.trunks),
            ivr_contexts: Globs::new(&self.calls.ivr_contexts),
            closed_contexts: Globs::new(&self.calls.closed_contexts),
            voicemail_contexts: Globs::new(&self.calls.voicemail_contexts),
            self_service_contexts: Globs::new(&self.calls.self_service_contexts),
            blocked_contexts: Globs::new(&self.calls.blocked_contexts),
            short_abandon_ms: millis(self.calls.short_abandon),
            min_talk_ms: millis(self.calls.min_talk),
            hours,
            numbering: Numbering::new(&self.numbers.region, internal).expect(checked),
        }
    }

    /// The time zone of the business: for hours, days and times shown to people.
    ///
    /// # Panics
    /// If the zone is unknown, which a configuration that was read by this program never is.
    #[must_use]
    pub fn zone(&self) -> TimeZone {
        self.hours
            .timezone
            .as_deref()
            .map_or_else(TimeZone::system, |name| TimeZone::get(name).expect("checked when the configuration was read"))
    }
}

fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}
