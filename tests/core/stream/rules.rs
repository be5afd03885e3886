//! The rules of the tests, without a configuration: those under which the recordings are judged, and those of a configuration that says
//! nothing. The shell's tests hold both against the configuration itself.

use callbackd_core::model::codes::Codes;
use callbackd_core::model::hours::Hours;
use callbackd_core::model::number::{InternalRule, Numbering};
use callbackd_core::model::rules::{Globs, OwnNumbers, Rules};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// The rules under which the recordings are judged: those of `tests/traces.toml`.
pub fn rules() -> Rules {
    Rules {
        inbound_contexts: Globs::new(["from-trunk"]),
        ivr_contexts: Globs::new(["ivr-*"]),
        closed_contexts: Globs::new(["closed"]),
        voicemail_contexts: Globs::new(["voicemail"]),
        short_abandon_ms: 1_000,
        min_talk_ms: 0,
        ..stock_rules()
    }
}

/// The rules of a configuration that says nothing but how to log in, and UTC.
pub fn stock_rules() -> Rules {
    Rules {
        inbound_contexts: Globs::new([
            "from-trunk*",
            "from-pstn*",
            "from-digital*",
            "from-analog*",
            "from-dahdi*",
            "from-zaptel*",
            "from-sip-external*",
            "ext-did*",
        ]),
        trunks: Globs::default(),
        ivr_contexts: Globs::new(["ivr-*"]),
        closed_contexts: Globs::new(["closed*", "*-closed", "after-hours*", "out-of-hours*"]),
        voicemail_contexts: Globs::new(["macro-vm", "app-vmblast", "voicemail*"]),
        self_service_contexts: Globs::default(),
        machines: Globs::default(),
        self_service_machines: Globs::default(),
        blocked_contexts: Globs::new(["blocked*", "blacklisted*"]),
        short_abandon_ms: 5_000,
        min_talk_ms: 1_000,
        wrapup_ms: 0,
        alarm_wait_ms: None,
        wrapups: BTreeMap::new(),
        hours: Hours::parse("24/7", TimeZone::UTC, None).expect("always"),
        did_hours: BTreeMap::new(),
        numbering: Numbering::new("US", InternalRule::MaxDigits(5)).expect("a region"),
        own_numbers: OwnNumbers::default(),
        codes: Codes::default(),
    }
}
