//! The figures of a window, section by section, in the order of a manager's interest.

pub(crate) mod agents;
pub(crate) mod erlang;
pub(crate) mod missed;
pub(crate) mod others;
pub(crate) mod spans;
pub(crate) mod time;
pub(crate) mod totals;

pub use totals::{Spread, Totals};

use super::facts::{Call, Facts, Gap, Name, Site, site_of};
use super::rollup::Rollup;
use super::rollup::part::{Group, Key, Part as _, Table, key};
use callbackd_core::millis::Millis;
use callbackd_core::order::Gather as _;
use serde::Serialize;
use std::collections::BTreeSet;
use totals::TotalsPart;

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
    /// It is of all sites.
    #[serde(skip)]
    pub(crate) of_sites: bool,
    /// Of all sites: those that are behind the others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) behind: Vec<Site>,
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
    /// Of all sites: each for itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) sites: Vec<Slice>,
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
    Rollup::of(facts).figures(facts.window, facts.as_of_ms, &facts.frame, &facts.thresholds)
}

/// What the calls of a window can be divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each says it itself")]
pub enum By {
    Site,
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
        Self::Site,
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
            Self::Site => "site",
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

/// The figures of the calls that have the same of this; days and hours also where there was no call.
#[must_use]
pub fn by(facts: &Facts, by: By) -> Vec<Slice> {
    slices(by, &slices_of(facts, by))
}

/// By the PBX where each has its own, a place in the order, and the text.
pub(crate) fn slices_of(facts: &Facts, by: By) -> Table<TotalsPart> {
    // By PBX where each has its own, name, or the place of an hour.
    let mut groups: Table<Vec<&Call>, Group> = Table::default();
    let none = Name::number(None);
    let by_hour = matches!(by, By::Day | By::Hour | By::Weekday);
    if by_hour {
        // Hours without calls have their slices too.
        (0..facts.hours.len()).for_each(|place| groups.at(of_hour(Some(place))).clear());
    }
    if by == By::Code {
        let tagged: BTreeSet<(Name, usize)> = facts.tags.iter().map(|(call, code)| (*code, *call)).to_set();
        for (code, call) in tagged {
            groups.at([none, Name::number(Some(code)), none]).extend(facts.calls.get(call));
        }
    } else {
        for call in &facts.calls {
            let pbx = Name::number(Some(call.pbx).filter(|_| by.is_of_a_pbx()));
            let of = |name| [pbx, Name::number(name), none];
            let group = match by {
                By::Site | By::Pbx => of(Some(call.pbx)),
                By::Did => of(call.did),
                By::Trunk => of(call.trunk),
                By::Queue => of(call.queue),
                By::Agent => of(call.agent),
                By::Day | By::Hour | By::Weekday | By::Code => of_hour(facts.place_of_hour(call.started_ms)),
            };
            groups.at(group).push(call);
        }
    }
    let mut slices = Table::<TotalsPart>::default();
    groups.each(|[pbx, name, place], calls| {
        let key = match facts.hours.get(place as usize).filter(|_| by_hour) {
            Some(hour) if by == By::Day => key(["", "", &hour.date.to_string()]),
            Some(hour) if by == By::Hour => key(["", "", &time::hour_text(hour.hour)]),
            Some(hour) => {
                let n = usize::try_from(hour.weekday() - 1).unwrap_or_default().min(6);
                key(["", &n.to_string(), WEEKDAYS[n]])
            }
            None if by == By::Site => key(["", "", site_of(facts.names.of_number(name))]),
            None => key([facts.names.of_number(pbx), "", facts.names.of_number(name)]),
        };
        slices.at(key).add(TotalsPart::of(calls, &facts.thresholds));
    });
    slices
}

fn of_hour(place: Option<usize>) -> Group {
    let none = Name::number(None);
    [none, none, place.and_then(|place| u32::try_from(place).ok()).unwrap_or(none)]
}

/// The slices themselves.
pub(crate) fn slices(by: By, parts: &Table<TotalsPart>) -> Vec<Slice> {
    let slice = |([pbx, _, key], part): (&Key, &TotalsPart)| Slice {
        pbx: by.is_of_a_pbx().then(|| pbx.to_string()),
        key: key.to_string(),
        totals: part.totals(),
    };
    parts.iter().map(slice).collect()
}
