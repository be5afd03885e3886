//! What the scheduler knows of earlier runs: read from the store at the start.

use crate::millis::Millis;
use crate::model::{
    AgentKey, AskedBy, AttemptRow, CallKey, CallbackRow, Direction, DoNotCall, E164, FinishedCall, RecoveredBy,
    ServedBy, Status, Tag,
};

/// Read once, when the daemon starts.
#[derive(Debug, Clone, Default)]
pub struct RestoredState {
    /// Open callbacks, with the misses behind each.
    pub open: Vec<(CallbackRow, Vec<CallKey>)>,
    /// The codes that ask for open callbacks: (callback, code).
    pub asked_by: Vec<(i64, AskedBy)>,
    /// What the latest calls said that means something for callbacks: (call, code, when; `None` if it is known whenever it is said). Their rows
    /// may come again, and what a person has taken off them is known too.
    pub said: Vec<(CallKey, String, Option<Millis>)>,
    /// Attempts without a result: what became of them must be found out.
    pub in_flight: Vec<AttemptRow>,
    /// Whom those of them call whose callback is closed: (callback, number).
    pub called: Vec<(i64, E164)>,
    /// Callbacks that a person or a program changed while such an attempt went on: it may be that they asked for it.
    pub asked: Vec<i64>,
    /// Calls of customers to whom such an attempt is under way which a code was set on, or which ended, since it began, with each of those codes.
    pub meanwhile: Vec<(FinishedCall, Tag)>,
    /// Callbacks with such an attempt whose code, which alone asks for them, was taken off its call: they were talking then.
    pub taken_back: Vec<i64>,
    /// The last agent of the attempts of each open callback that no agent took: (callback, agent, ended).
    pub refusals: Vec<(i64, AgentKey, Millis)>,
    /// Attempts of the last 24 hours in which a customer may have been dialled: when, and whom.
    pub dialled: Vec<(Millis, E164)>,
    /// Who last talked with a customer: number, agent, when.
    pub owners: Vec<(E164, AgentKey, Millis)>,
    /// By which call a customer was served last: number, call. Of so many days as a callback is open at most.
    pub served: Vec<(E164, Served)>,
    /// Those not to be called.
    pub do_not_call: Vec<DoNotCall>,
    /// The highest id given so far, 0 for none.
    pub last_id: i64,
}

/// The call by which a customer was served last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Who served the customer.
    pub by: RecoveredBy,
    pub call: CallKey,
    pub began_ms: Millis,
    /// It was answered, ms since 1970 UTC.
    pub at_ms: Millis,
    pub ended_ms: Millis,
}

impl Served {
    /// What of a call counts as having served its customer, and by whom. `min_talk_ms`: a call outward that was shorter served nobody.
    #[must_use]
    pub fn of(call: &FinishedCall, min_talk_ms: Millis) -> Option<Self> {
        let long_enough = call.talk_ms >= min_talk_ms;
        let by = match call.direction {
            Direction::Inbound if call.outcome.meaning().served == Some(ServedBy::Person) => RecoveredBy::Customer,
            Direction::Outbound if long_enough => RecoveredBy::Agent,
            Direction::Callback if long_enough => RecoveredBy::Callback,
            _ => return None,
        };
        let at_ms = call.answered_ms.unwrap_or(call.ended_ms);
        let (began_ms, ended_ms) = (call.started_ms, call.ended_ms);
        (call.status == Status::Answer).then(|| Self { by, call: call.key(), began_ms, at_ms, ended_ms })
    }

    /// It served a customer who was missed at that moment. Who called before may be another person behind the same number, who was on the
    /// line meanwhile.
    #[must_use]
    pub fn recovers(&self, missed_ms: Millis) -> bool {
        self.ended_ms >= missed_ms && (self.by != RecoveredBy::Customer || self.began_ms >= missed_ms)
    }
}
