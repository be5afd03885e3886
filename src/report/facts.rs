//! What figures are made of: the rows of a window, as small as they can be, and what a single call counts as.

use super::calendar::Hour;
use super::thresholds::Thresholds;
use callbackd_core::millis::Millis;
use callbackd_core::model::{Direction, Offered, Outcome, Quality, RecoveredBy, Status};
use std::collections::{BTreeMap, HashMap};

/// A text of which there are few, such as the name of a queue: its place in [`Names`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name(u32);

/// The texts themselves.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    texts: Vec<Box<str>>,
    places: HashMap<Box<str>, u32, foldhash::fast::RandomState>,
}

impl Name {
    /// As a number, for a group; none is not the number of any name.
    pub(crate) fn number(name: Option<Self>) -> u32 {
        name.map_or(u32::MAX, |name| name.0)
    }
}

impl Names {
    /// The text of a name that is known by its number; nothing of what is none.
    #[must_use]
    pub(crate) fn of_number(&self, number: u32) -> &str {
        self.text(Name(number))
    }

    /// The name of this text.
    pub(crate) fn of(&mut self, text: &str) -> Name {
        if let Some(&place) = self.places.get(text) {
            return Name(place);
        }
        let place = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.push(text.into());
        self.places.insert(text.into(), place);
        Name(place)
    }

    /// The text of this name.
    #[must_use]
    pub(crate) fn text(&self, name: Name) -> &str {
        self.texts.get(name.0 as usize).map_or("", |text| text)
    }
}

/// The site of a PBX in a report over all sites, where it is `site/pbx`; empty elsewhere.
#[must_use]
pub(crate) fn site_of(pbx: &str) -> &str {
    // A site may have any name; no PBX has a `/` in its own.
    pbx.rsplit_once('/').map_or("", |(site, _)| site)
}

/// So far a site may be behind the others without a word: what is seen of a PBX is sent each minute.
const BEHIND_MS: Millis = 5 * 60_000;

/// A row of `calls`. Times and durations are milliseconds.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "as in the table")]
pub(crate) struct Call {
    pub(crate) id: i64,
    pub(crate) pbx: Name,
    pub(crate) direction: Direction,
    pub(crate) status: Status,
    pub(crate) outcome: Outcome,
    pub(crate) quality: Quality,
    /// `number_e164`.
    pub(crate) customer: Option<Name>,
    pub(crate) did: Option<Name>,
    pub(crate) trunk: Option<Name>,
    pub(crate) queue: Option<Name>,
    pub(crate) agent: Option<Name>,
    pub(crate) started_ms: Millis,
    pub(crate) ended_ms: Millis,
    pub(crate) has_answer: bool,
    pub(crate) wait_ms: Millis,
    pub(crate) queue_wait_ms: Millis,
    pub(crate) ring_ms: Millis,
    pub(crate) talk_ms: Millis,
    pub(crate) hold_ms: Millis,
    pub(crate) transfers: u32,
    pub(crate) callback_id: Option<i64>,
    pub(crate) recovered: Option<(RecoveredBy, Millis)>,
    /// The customer called again within `fcr_window`; `None` if that cannot be known yet, or does not matter.
    pub(crate) again: Option<bool>,
}

impl Call {
    /// A customer called us.
    #[must_use]
    pub(crate) fn inbound(&self) -> bool {
        self.direction == Direction::Inbound
    }

    /// It is left out of every ratio.
    #[must_use]
    pub(crate) fn unknown(&self) -> bool {
        self.inbound() && self.status == Status::Unknown
    }

    /// A person took the customer's call.
    #[must_use]
    pub(crate) fn answered(&self) -> bool {
        self.inbound() && self.status == Status::Answer && self.outcome.meaning().person
    }

    /// It reached a queue or rang a person, or was refused at the door.
    #[must_use]
    pub(crate) fn offered(&self) -> bool {
        let reached = self.queue.is_some() || self.ring_ms > 0 || self.has_answer;
        self.outcome.was_offered(self.direction, self.status, reached)
    }

    /// The caller gave up while waiting for a person.
    #[must_use]
    pub(crate) fn abandoned(&self) -> bool {
        self.inbound() && self.status == Status::Cancel && self.outcome.meaning().offered == Offered::Always
    }

    /// The caller gave up, not at once.
    #[must_use]
    pub(crate) fn gave_up(&self) -> bool {
        self.inbound() && self.status == Status::Cancel && self.outcome.meaning().missed
    }

    /// Nobody served the customer.
    #[must_use]
    pub(crate) fn missed(&self) -> bool {
        self.inbound() && self.outcome.meaning().missed
    }

    /// What the service level is measured by: the wait in queues, or from the start where there was none.
    #[must_use]
    pub(crate) fn wait_for_person_ms(&self) -> Millis {
        if self.queue.is_some() { self.queue_wait_ms } else { self.wait_ms }
    }

    /// How long after the miss the caller was served.
    #[must_use]
    pub(crate) fn recovery_ms(&self) -> Option<Millis> {
        self.recovered.filter(|_| self.missed()).map(|(_, at_ms)| at_ms - self.ended_ms)
    }
}

/// A row of `legs`, of the call in this place of the list.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "as in the table")]
pub(crate) struct Leg {
    pub(crate) call: usize,
    pub(crate) agent: Name,
    pub(crate) started_ms: Millis,
    pub(crate) answered_ms: Option<Millis>,
    pub(crate) talk_ms: Millis,
    pub(crate) result: Name,
}

/// A row of `queue_visits`, of the call in this place of the list.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "as in the table")]
pub(crate) struct Visit {
    pub(crate) call: usize,
    pub(crate) queue: Name,
    pub(crate) visit_ms: Millis,
    pub(crate) result: Name,
}

/// A row of `ivr_steps`, of the call in this place of the list; in the order of the menus of each call.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "as in the table")]
pub(crate) struct Step {
    pub(crate) call: usize,
    pub(crate) context: Name,
    pub(crate) digits: Name,
}

/// A row of `agent_intervals`; one that lasts ends when its PBX was last seen.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "as in the table")]
pub(crate) struct Interval {
    pub(crate) pbx: Name,
    pub(crate) agent: Name,
    pub(crate) activity: Activity,
    pub(crate) from_ms: Millis,
    pub(crate) to_ms: Millis,
}

/// What an agent did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in the table")]
pub(crate) enum Activity {
    LoggedIn,
    Paused,
    /// Paused for one of `acw_reasons`, or in wrap-up.
    AfterCallWork {
        paused: bool,
    },
    Talking,
}

/// A row of `gaps` that touches the window.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[allow(missing_docs, reason = "as in the table")]
pub(crate) struct Gap {
    pub(crate) pbx: String,
    pub(crate) from_ms: Millis,
    pub(crate) to_ms: Millis,
    pub(crate) cause: String,
    pub(crate) calls_lost: i64,
}

/// A site, and how far its rows are there, in a report over all sites.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Site {
    /// Its name.
    pub(crate) site: String,
    /// Up to here its events are known, ms since 1970 UTC; `None`: none are.
    pub(crate) seen_ms: Option<Millis>,
    /// All of its tables are being copied anew: rows may be missing.
    pub(crate) walking: bool,
}

impl Site {
    /// Whether rows of a window may be missing that ends so, ms since 1970 UTC.
    #[must_use]
    pub(crate) fn is_behind(&self, end_ms: Millis) -> bool {
        self.walking || self.seen_ms.is_none_or(|seen_ms| seen_ms < end_ms - BEHIND_MS)
    }
}

/// Everything that figures of one window are made of.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The window, ms since 1970 UTC; the second is not in it.
    pub(crate) window: (Millis, Millis),
    /// Up to here events were seen, ms since 1970 UTC.
    pub(crate) as_of_ms: Millis,
    /// The local hours of the window.
    pub(crate) hours: Vec<Hour>,
    /// The texts of all that follows.
    pub(crate) names: Names,
    /// Calls that started in the window.
    pub(crate) calls: Vec<Call>,
    /// Those that started before the window, within [`RUNNING_MS`], and had not ended when it began: for the load.
    pub(crate) running: Vec<Call>,
    /// Of the calls.
    pub(crate) legs: Vec<Leg>,
    /// Of the calls.
    pub(crate) visits: Vec<Visit>,
    /// Of the calls.
    pub(crate) steps: Vec<Step>,
    /// Of the calls: place in the list, and code.
    pub(crate) tags: Vec<(usize, Name)>,
    /// Of the calls: by which survey, and score.
    pub(crate) ratings: Vec<(Name, f64)>,
    /// Those that touch the window.
    pub(crate) intervals: Vec<Interval>,
    /// State of the callbacks that the calls have.
    pub(crate) callbacks: BTreeMap<i64, Name>,
    /// Attempts of the window: PBX, agent, result.
    pub(crate) attempts: Vec<(Name, Option<Name>, Name)>,
    /// What is in time, too long, good.
    pub(crate) thresholds: Thresholds,
    /// What stands around them.
    pub(crate) frame: Frame,
}

/// What is said of a window beside what is counted in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Frame {
    /// Times that touch the window in which events were not seen.
    pub(crate) gaps: Vec<Gap>,
    /// What the agents are called, by PBX and interface.
    pub(crate) agents: BTreeMap<(String, String), String>,
    /// What the codes are called.
    pub(crate) labels: BTreeMap<String, String>,
}

/// A call that began so long before a day does not count for the load of that day, ms.
pub(crate) const RUNNING_MS: Millis = 4 * 3_600_000;

impl Facts {
    /// The end of what can be said of the window: its own, or the moment up to which events were seen.
    #[must_use]
    pub(crate) fn end_ms(&self) -> Millis {
        self.window.1.min(self.as_of_ms).max(self.window.0)
    }

    /// The local hour of a moment within the window.
    #[must_use]
    pub(crate) fn hour(&self, at_ms: Millis) -> Option<&Hour> {
        self.hours.get(self.place_of_hour(at_ms)?)
    }

    /// The time in which a call counts for the load of the window's days, each of which looks back for [`RUNNING_MS`]: so the days add up.
    #[must_use]
    pub(crate) fn load_of(&self, call: &Call) -> (Millis, Millis) {
        let day_ends = |at_ms| self.hour(at_ms).map(|hour| hour.day_to_ms);
        let until = match day_ends(call.started_ms) {
            Some(ends) if call.started_ms < ends - RUNNING_MS => ends,
            Some(ends) => day_ends(ends).unwrap_or(self.window.1),
            None => self.hours.first().map_or(self.window.1, |hour| hour.day_to_ms),
        };
        (call.started_ms.max(self.window.0), call.ended_ms.min(until).min(self.end_ms()))
    }

    /// Its place in the list.
    #[must_use]
    pub(crate) fn place_of_hour(&self, at_ms: Millis) -> Option<usize> {
        let place = self.hours.partition_point(|hour| hour.from_ms <= at_ms).checked_sub(1)?;
        self.hours.get(place).filter(|hour| at_ms < hour.to_ms).map(|_| place)
    }
}
