//! The figures of a window, section by section, in the order of a manager's interest.

pub(crate) mod agents;
pub(crate) mod erlang;
pub(crate) mod missed;
pub(crate) mod others;
pub(crate) mod spans;
pub(crate) mod time;
pub(crate) mod totals;

pub use totals::{Spread, Totals};

use super::Facts;
use super::facts::{Call, Gap, Name};
use callbackd_core::millis::Millis;
use callbackd_core::model::Quality as OfRow;
use callbackd_core::order::Gather as _;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// How much of the window was seen.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Quality {
    /// Calls of all directions.
    pub(crate) calls: u64,
    /// Seen whole.
    pub(crate) full: u64,
    /// A part was not seen.
    pub(crate) partial: u64,
    /// The end was not seen.
    pub(crate) gap: u64,
    /// Reconstructed from Asterisk's own records.
    pub(crate) backfilled: u64,
    /// Inbound calls of which nothing proves whether they were served; in no ratio.
    pub(crate) unknown: u64,
    /// Inbound calls without a number that can be called: in no figure about customers.
    pub(crate) without_number: u64,
    /// Times in which events were not seen.
    pub(crate) gaps: Vec<Gap>,
    /// Time of the window in which events of at least one PBX were not seen, ms.
    pub(crate) gap_ms: Millis,
    /// Up to here events were seen, ms since 1970 UTC.
    pub(crate) as_of_ms: Millis,
    /// The window is not over.
    pub(crate) running: bool,
}

/// Everything that is known of a window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// From, ms since 1970 UTC.
    pub(crate) from_ms: Millis,
    /// To, not in it, ms since 1970 UTC.
    pub(crate) to_ms: Millis,
    /// Names of the PBXs that have calls or agents in it, in their order.
    pub pbxs: Vec<String>,
    /// How much of it was seen.
    pub(crate) quality: Quality,
    /// At a glance.
    pub totals: Totals,
    /// Who was missed, and won back.
    pub missed: missed::Missed,
    /// By the hour of the day.
    pub hours: Vec<time::HourOfDay>,
    /// Calls of customers by weekday (Monday first) and hour.
    pub heat: [[u64; 24]; 7],
    /// Most at once, busiest hour and day, customers against agents.
    pub load: time::Load,
    /// Day by day.
    pub(crate) days: Vec<Slice>,
    /// Queues.
    pub queues: Vec<others::Queue>,
    /// Agents, side by side.
    pub agents: Vec<agents::Agent>,
    /// Handling of customers' calls: talk, hold, after-call work.
    pub handling: agents::Handling,
    /// Why calls ended as they did.
    pub reasons: Vec<missed::Reason>,
    /// Menus: what was chosen, and where callers left.
    pub ivr: Vec<others::Choice>,
    /// Who called again.
    pub repeat: others::Repeat,
    /// Operators needed by the hour, against those present.
    pub operators: Vec<time::Operators>,
    /// Trunks.
    pub lines: Vec<time::Lines>,
    /// Our numbers.
    pub(crate) dids: Vec<others::Did>,
    /// Conversations by length.
    pub lengths: others::Lengths,
    /// Dispositions.
    pub codes: others::Codes,
    /// Ratings.
    pub ratings: Vec<others::Ratings>,
}

/// The calls that have something in common.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slice {
    /// Name of the PBX, where two PBXs may each have their own of one name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pbx: Option<String>,
    /// What.
    pub key: String,
    /// Their figures.
    pub totals: Totals,
}

/// Works them all out.
#[must_use]
pub fn figures(facts: &Facts) -> Figures {
    let (agents, handling) = agents::agents(facts);
    Figures {
        from_ms: facts.window.0,
        to_ms: facts.window.1,
        pbxs: pbxs(facts),
        quality: quality(facts),
        totals: Totals::of(&facts.calls, &facts.thresholds),
        missed: missed::missed(facts),
        hours: time::hours_of_day(facts),
        heat: time::heat(facts),
        load: time::load(facts),
        days: by(facts, By::Day),
        queues: others::queues(facts),
        operators: time::operators(facts, handling.mean_ms),
        agents,
        handling,
        reasons: missed::reasons(facts),
        ivr: others::ivr(facts),
        repeat: others::repeat(facts),
        lines: time::lines(facts),
        dids: others::dids(facts),
        lengths: others::lengths(facts),
        codes: others::codes(facts),
        ratings: others::ratings(facts),
    }
}

fn pbxs(facts: &Facts) -> Vec<String> {
    let of_calls = facts.running.iter().chain(&facts.calls).map(|call| call.pbx);
    let met: BTreeSet<Name> = of_calls.chain(facts.intervals.iter().map(|interval| interval.pbx)).to_set();
    let names: BTreeSet<&str> = met.into_iter().map(|pbx| facts.names.text(pbx)).to_set();
    names.into_iter().map(str::to_owned).collect()
}

fn quality(facts: &Facts) -> Quality {
    let of = |quality: OfRow| facts.calls.iter().filter(|call| call.quality == quality).count() as u64;
    let spans = facts.gaps.iter().map(|gap| (gap.from_ms, gap.to_ms));
    Quality {
        calls: facts.calls.len() as u64,
        full: of(OfRow::Full),
        partial: of(OfRow::Partial),
        gap: of(OfRow::Gap),
        backfilled: of(OfRow::Backfilled),
        unknown: facts.calls.iter().filter(|call| call.unknown()).count() as u64,
        without_number: facts.calls.iter().filter(|call| call.inbound() && call.customer.is_none()).count() as u64,
        gap_ms: spans::length(spans::within(spans, facts.window)),
        gaps: facts.gaps.clone(),
        as_of_ms: facts.as_of_ms,
        running: facts.as_of_ms < facts.window.1,
    }
}

/// What the calls of a window can be divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each says it itself")]
pub enum By {
    Pbx,
    Did,
    Trunk,
    Queue,
    Agent,
    Hour,
    Day,
    Weekday,
    Code,
}

impl By {
    /// All of them.
    pub(crate) const ALL: &[Self] = &[
        Self::Pbx,
        Self::Did,
        Self::Trunk,
        Self::Queue,
        Self::Agent,
        Self::Hour,
        Self::Day,
        Self::Weekday,
        Self::Code,
    ];

    /// The word for it.
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pbx => "pbx",
            Self::Did => "did",
            Self::Trunk => "trunk",
            Self::Queue => "queue",
            Self::Agent => "agent",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Weekday => "weekday",
            Self::Code => "code",
        }
    }

    /// Whether each PBX has its own: queues, agents and trunks of one name on two PBXs are two.
    #[must_use]
    pub(crate) const fn is_of_a_pbx(self) -> bool {
        matches!(self, Self::Trunk | Self::Queue | Self::Agent)
    }

    /// Whose word it is.
    #[must_use]
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|by| by.as_str().eq_ignore_ascii_case(text))
    }
}

/// Monday first.
pub(crate) const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// What the calls of a slice have in common: the PBX where each has its own, a place in the order, the text.
type Key = (Option<String>, usize, String);

/// The figures of the calls that have the same of this; days and hours also where there was no call.
#[must_use]
pub fn by(facts: &Facts, by: By) -> Vec<Slice> {
    let mut groups: BTreeMap<Key, Vec<&Call>> = BTreeMap::new();
    let plain = |text: String| (None, 0, text);
    for hour in &facts.hours {
        match by {
            By::Day => drop(groups.entry(plain(hour.date.to_string())).or_default()),
            By::Hour => drop(groups.entry(plain(format!("{:02}", hour.hour))).or_default()),
            By::Weekday => drop(groups.entry(weekday(hour.weekday())).or_default()),
            _ => break,
        }
    }
    let text = |name: Option<Name>| name.map_or_else(String::new, |name| facts.names.text(name).to_owned());
    if by == By::Code {
        for (call, code) in &facts.tags {
            groups.entry(plain(text(Some(*code)))).or_default().extend(facts.calls.get(*call));
        }
    } else {
        for call in &facts.calls {
            let hour = || facts.hour(call.started_ms);
            let of_pbx = |name| (Some(text(Some(call.pbx))).filter(|_| by.is_of_a_pbx()), 0, text(name));
            let key = match by {
                By::Pbx => of_pbx(Some(call.pbx)),
                By::Did => of_pbx(call.did),
                By::Trunk => of_pbx(call.trunk),
                By::Queue => of_pbx(call.queue),
                By::Agent => of_pbx(call.agent),
                By::Day => plain(hour().map_or_else(String::new, |hour| hour.date.to_string())),
                By::Hour => plain(hour().map_or_else(String::new, |hour| format!("{:02}", hour.hour))),
                By::Weekday | By::Code => hour().map_or_else(|| plain(String::new()), |hour| weekday(hour.weekday())),
            };
            groups.entry(key).or_default().push(call);
        }
    }
    let slice = |((pbx, _, key), calls): (Key, Vec<&Call>)| {
        let mut seen = std::collections::HashSet::new();
        let once = calls.into_iter().filter(|call| by != By::Code || seen.insert(call.id));
        Slice { pbx, key, totals: Totals::of(once, &facts.thresholds) }
    };
    groups.into_iter().map(slice).collect()
}

fn weekday(weekday: i8) -> Key {
    let n = usize::try_from(weekday - 1).unwrap_or_default().min(6);
    (None, n, WEEKDAYS[n].to_owned())
}
