//! The rules by which calls are classified: contexts, trunks, limits in time.

use crate::millis::Millis;
use crate::model::codes::Codes;
use crate::model::hours::Hours;
use crate::model::number::Numbering;
use std::collections::{BTreeMap, BTreeSet};
use wildmatch::WildMatch;

/// A list of glob patterns (`*`, `?`).
#[derive(Debug, Clone, Default)]
pub struct Globs(Vec<WildMatch>);

impl Globs {
    /// Patterns as configured, `*` for any text.
    pub fn new<S: AsRef<str>>(patterns: impl IntoIterator<Item = S>) -> Self {
        Self(patterns.into_iter().map(|p| WildMatch::new(p.as_ref())).collect())
    }

    /// One of the patterns fits the whole text.
    #[must_use]
    pub fn fit(&self, text: &str) -> bool {
        self.0.iter().any(|g| g.matches(text))
    }
}

/// Everything in the configuration that decides how calls are classified.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Contexts in which customers' calls arrive.
    pub inbound_contexts: Globs,
    /// Channel names that are trunks.
    pub trunks: Globs,
    /// Contexts that are menus (IVR).
    pub ivr_contexts: Globs,
    /// Contexts that say "we are closed".
    pub closed_contexts: Globs,
    /// Contexts in which a message can be left.
    pub voicemail_contexts: Globs,
    /// Contexts in which a machine serves the caller.
    pub self_service_contexts: Globs,
    /// Contexts to which blocked callers are sent.
    pub blocked_contexts: Globs,
    /// Channel names behind which a program stands, not a person.
    pub machines: Globs,
    /// Those of them that serve the caller.
    pub self_service_machines: Globs,
    /// Waited less than this many milliseconds: SHORT_ABANDON.
    pub short_abandon_ms: Millis,
    /// Who waits in a queue for longer than this raises its alarm, milliseconds; `None`: nobody does.
    pub alarm_wait_ms: Option<Millis>,
    /// Talked less than this many milliseconds: SHORT.
    pub min_talk_ms: Millis,
    /// After-call work of an agent for whom no queue says how long, milliseconds; 0 for none.
    pub wrapup_ms: Millis,
    /// The same for single agents, by what the queue dials or by their phone.
    pub wrapups: BTreeMap<String, Millis>,
    /// Business hours, in which calls count as in time.
    pub hours: Hours,
    /// Other hours, by the number that was dialled.
    pub did_hours: BTreeMap<String, Hours>,
    /// How numbers are read into E.164.
    pub numbering: Numbering,
    /// Our own numbers, which are no customers'.
    pub own_numbers: OwnNumbers,
    /// What can be said of a call beside its status, and of which calls by themselves.
    pub codes: Codes,
}

/// Numbers of our own: what customers dial, and what they see when we call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnNumbers(BTreeSet<String>);

impl OwnNumbers {
    /// Numbers as they are written in the configuration; what is none is left out.
    pub fn new<'n>(numbering: &Numbering, numbers: impl IntoIterator<Item = &'n str>) -> Self {
        let keys = numbers.into_iter().flat_map(|number| keys(numbering, number).into_iter().flatten());
        Self(keys.collect())
    }
}

/// A number as it is written, and in E.164, without `+`.
fn keys(numbering: &Numbering, number: &str) -> [Option<String>; 2] {
    let plain = number.strip_prefix('+').unwrap_or(number);
    let digits = !plain.is_empty() && plain.bytes().all(|b| b.is_ascii_digit());
    let e164 = numbering.classify(number).e164().map(|e164| e164.as_str().trim_start_matches('+').to_owned());
    [digits.then(|| plain.to_owned()), e164]
}

/// What a dialplan context is for. A context may be several of these.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // independent marks, not states
pub struct Purpose {
    /// The context is a menu.
    pub ivr: bool,
    /// It plays the closed announcement.
    pub closed: bool,
    /// It takes messages.
    pub voicemail: bool,
    /// It serves the caller by machine.
    pub self_service: bool,
    /// Blocked callers are sent there.
    pub blocked: bool,
}

impl Rules {
    /// The business hours that hold for calls to a number.
    #[must_use]
    pub fn hours_of(&self, did: Option<&str>) -> &Hours {
        did.and_then(|did| self.did_hours.get(did)).unwrap_or(&self.hours)
    }

    /// Wrap-up of an agent for whom no queue says how long; `names` are the texts that mean this agent.
    pub fn wrapup_of<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Millis {
        names.into_iter().find_map(|name| self.wrapups.get(name)).copied().unwrap_or(self.wrapup_ms)
    }

    /// The configuration says that a program stands behind the channel of this name.
    #[must_use]
    pub(crate) fn is_machine(&self, channel: &str) -> bool {
        self.machines.fit(channel) || self.self_service_machines.fit(channel)
    }

    /// The number is one of ours, however it is written.
    #[must_use]
    pub(crate) fn is_own_number(&self, number: &str) -> bool {
        !self.own_numbers.0.is_empty()
            && keys(&self.numbering, number).into_iter().flatten().any(|key| self.own_numbers.0.contains(&key))
    }

    /// What a context is for.
    #[must_use]
    pub fn purpose(&self, context: &str) -> Purpose {
        Purpose {
            ivr: self.ivr_contexts.fit(context),
            closed: self.closed_contexts.fit(context),
            voicemail: self.voicemail_contexts.fit(context),
            self_service: self.self_service_contexts.fit(context),
            blocked: self.blocked_contexts.fit(context),
        }
    }
}
