//! What figures are made of: the rows of a window, as small as they can be, and what a single call counts as.

use super::calendar::Hour;
use super::thresholds::Thresholds;
use callbackd_core::ami::event::Millis;
use callbackd_core::model::{Direction, Outcome, Quality, RecoveredBy, Status};
use std::collections::{BTreeMap, HashMap};

/// A text of which there are few, such as the name of a queue: its place in [`Names`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(u32);

/// The texts themselves.
#[derive(Debug, Clone, Default)]
pub struct Names {
    texts: Vec<Box<str>>,
    places: HashMap<Box<str>, u32, foldhash::fast::RandomState>,
}

impl Names {
    /// The name of this text.
    pub fn of(&mut self, text: &str) -> Name {
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
    pub fn text(&self, name: Name) -> &str {
        self.texts.get(name.0 as usize).map_or("", |text| text)
    }

    /// The name of a text that was met.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Name> {
        self.places.get(text).map(|&place| Name(place))
    }
}

/// A row of `calls`. Times and durations are milliseconds.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "as in the table")]
pub struct Call {
    pub id: i64,
    pub pbx: Name,
    pub direction: Direction,
    pub status: Status,
    pub outcome: Outcome,
    pub quality: Quality,
    /// `number_e164`.
    pub customer: Option<Name>,
    pub did: Option<Name>,
    pub trunk: Option<Name>,
    pub queue: Option<Name>,
    pub agent: Option<Name>,
    pub started_ms: Millis,
    pub ended_ms: Millis,
    pub has_answer: bool,
    pub wait_ms: Millis,
    pub queue_wait_ms: Millis,
    pub ring_ms: Millis,
    pub talk_ms: Millis,
    pub hold_ms: Millis,
    pub transfers: u32,
    pub callback_id: Option<i64>,
    pub recovered: Option<(RecoveredBy, Millis)>,
    /// The customer called again within `fcr_window`; `None` if that cannot be known yet, or does not matter.
    pub again: Option<bool>,
}

impl Call {
    /// A customer called us.
    #[must_use]
    pub fn inbound(&self) -> bool {
        self.direction == Direction::Inbound
    }

    /// It is left out of every ratio.
    #[must_use]
    pub fn unknown(&self) -> bool {
        self.inbound() && self.status == Status::Unknown
    }

    /// A person took the customer's call.
    #[must_use]
    pub fn answered(&self) -> bool {
        self.inbound() && self.status == Status::Answer && self.outcome != Outcome::SelfService
    }

    /// It reached a queue or rang a person, or was refused at the door.
    #[must_use]
    pub fn offered(&self) -> bool {
        let reached = self.queue.is_some() || self.ring_ms > 0 || self.has_answer;
        self.outcome.was_offered(self.direction, self.status, reached)
    }

    /// The caller gave up while waiting for a person.
    #[must_use]
    pub fn abandoned(&self) -> bool {
        self.inbound() && matches!(self.outcome, Outcome::QueueAbandon | Outcome::RingAbandon)
    }

    /// The caller gave up, not at once.
    #[must_use]
    pub fn gave_up(&self) -> bool {
        self.inbound() && self.status == Status::Cancel && self.outcome != Outcome::ShortAbandon
    }

    /// Nobody served the customer.
    #[must_use]
    pub fn missed(&self) -> bool {
        self.inbound() && self.outcome.meaning().missed
    }

    /// What the service level is measured by: the wait in queues, or from the start where there was none.
    #[must_use]
    pub fn wait_for_person_ms(&self) -> Millis {
        if self.queue.is_some() { self.queue_wait_ms } else { self.wait_ms }
    }

    /// How long after the miss the caller was served.
    #[must_use]
    pub fn recovery_ms(&self) -> Option<Millis> {
        self.recovered.filter(|_| self.missed()).map(|(_, at_ms)| at_ms - self.ended_ms)
    }
}

/// A row of `legs`, of the call in this place of the list.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "as in the table")]
pub struct Leg {
    pub call: usize,
    pub agent: Name,
    pub started_ms: Millis,
    pub answered_ms: Option<Millis>,
    pub talk_ms: Millis,
    pub result: Name,
}

/// A row of `queue_visits`, of the call in this place of the list.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "as in the table")]
pub struct Visit {
    pub call: usize,
    pub queue: Name,
    pub stay_ms: Millis,
    pub result: Name,
}

/// A row of `ivr_steps`, of the call in this place of the list; in the order of the menus of each call.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "as in the table")]
pub struct Step {
    pub call: usize,
    pub context: Name,
    pub digits: Name,
}

/// A row of `agent_intervals`; one that lasts ends when its PBX was last seen.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "as in the table")]
pub struct Interval {
    pub pbx: Name,
    pub agent: Name,
    pub activity: Activity,
    pub from_ms: Millis,
    pub to_ms: Millis,
}

/// What an agent did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in the table")]
pub enum Activity {
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
pub struct Gap {
    pub pbx: String,
    pub from_ms: Millis,
    pub to_ms: Millis,
    pub cause: String,
    pub calls_lost: i64,
}

/// Everything that figures of one window are made of.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The window, ms since 1970 UTC; the second is not in it.
    pub window: (Millis, Millis),
    /// Up to here events were seen, ms since 1970 UTC.
    pub as_of_ms: Millis,
    /// The local hours of the window.
    pub hours: Vec<Hour>,
    /// The texts of all that follows.
    pub names: Names,
    /// Calls that started in the window.
    pub calls: Vec<Call>,
    /// Those of them that started before the window, within four hours, and had not ended when it began: for the load.
    pub running: Vec<Call>,
    /// Of the calls.
    pub legs: Vec<Leg>,
    /// Of the calls.
    pub visits: Vec<Visit>,
    /// Of the calls.
    pub steps: Vec<Step>,
    /// Of the calls: place in the list, and code.
    pub tags: Vec<(usize, Name)>,
    /// Of the calls: by which survey, and score.
    pub ratings: Vec<(Name, f64)>,
    /// Those that touch the window.
    pub intervals: Vec<Interval>,
    /// Those that touch the window.
    pub gaps: Vec<Gap>,
    /// State of the callbacks that the calls have.
    pub callbacks: BTreeMap<i64, Name>,
    /// Attempts of the window: PBX, agent, result.
    pub attempts: Vec<(Name, Option<Name>, Name)>,
    /// What the agents are called, by PBX and interface.
    pub agents: BTreeMap<(Name, Name), Name>,
    /// What is in time, too long, good.
    pub thresholds: Thresholds,
}

impl Facts {
    /// The end of what can be said of the window: its own, or the moment up to which events were seen.
    #[must_use]
    pub fn end_ms(&self) -> Millis {
        self.window.1.min(self.as_of_ms).max(self.window.0)
    }

    /// The local hour of a moment within the window.
    #[must_use]
    pub fn hour(&self, at_ms: Millis) -> Option<&Hour> {
        let after = self.hours.partition_point(|hour| hour.from_ms <= at_ms);
        self.hours.get(after.checked_sub(1)?).filter(|hour| at_ms < hour.to_ms)
    }
}
