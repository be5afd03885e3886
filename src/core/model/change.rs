//! What the change feed records of what was written: which records are changes, of which kind and of what.

use super::{Direction, News, Record, text_enum};
use crate::millis::Millis;
use std::borrow::Cow;

text_enum! {
    /// What became true. The words are a contract with programs: add, never rename.
    ChangeKind {
        /// A customer's call has begun. Recorded where the feed has calls in progress.
        CallStarted = "call.started",
        /// A person talks with the customer. Recorded where the feed has calls in progress.
        CallAnswered = "call.answered",
        /// An agent's phone rings for the customer. Recorded where the feed has calls in progress.
        CallRinging = "call.ringing",
        /// A call that had begun went into another one, or ended without a row. Recorded where the feed has calls in progress.
        CallWithdrawn = "call.withdrawn",
        /// A call ended and has a row; it was not a customer's who was missed.
        CallEnded = "call.ended",
        /// A call ended and has a row; nobody served the customer who called.
        CallMissed = "call.missed",
        /// The row of a call was corrected.
        CallUpdated = "call.updated",
        /// A disposition was set on a call that has its row, or taken off it.
        CallTagged = "call.tagged",
        /// The customer of a missed call was won back.
        CallRecovered = "call.recovered",
        /// A callback was made.
        CallbackCreated = "callback.created",
        /// A callback is elsewhere in its life, or has other figures.
        CallbackUpdated = "callback.updated",
        /// A callback that was asked for is later than `callback.alarm_late`.
        CallbackLate = "callback.late",
        /// An attempt at a callback is over.
        CallbackAttempted = "callback.attempted",
        /// A callback is over.
        CallbackClosed = "callback.closed",
        /// A time without events was recorded.
        GapRecorded = "gap.recorded",
        /// A number was put on the do-not-call list.
        DncAdded = "dnc.added",
        /// A number was taken off the do-not-call list.
        DncRemoved = "dnc.removed",
        /// An agent logs in or out, is paused, rung, talks, or has wrap-up; or no more. Recorded where the feed has agents.
        AgentState = "agent.state",
        /// A caller waits in a queue for longer than `report.alarm_wait`, and nobody did before.
        QueueAlarm = "queue.alarm",
        /// A PBX is seen: linked, and its lists have come.
        LinkUp = "link.up",
        /// A PBX that was seen is seen no more.
        LinkDown = "link.down",
    }
}

/// What the database held of the row that a record is about, before it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Before {
    /// There was one.
    pub existed: bool,
    /// It was that of a call in progress that a person had answered.
    pub answered: bool,
}

impl ChangeKind {
    /// The change that a record makes, which was written; `None` if none.
    #[must_use]
    pub fn of(record: &Record, before: Before) -> Option<Self> {
        let new = !before.existed;
        Some(match record {
            Record::Call(_) if !new => Self::CallUpdated,
            Record::Call(call) if call.direction == Direction::Inbound && call.outcome.meaning().missed => {
                Self::CallMissed
            }
            Record::Call(_) => Self::CallEnded,
            Record::Tag(_) if !new => Self::CallTagged,
            Record::InProgress(_) if new => Self::CallStarted,
            Record::InProgress(call) if call.answered_ms.is_some() && !before.answered => Self::CallAnswered,
            Record::NotInProgress { .. } if !new => Self::CallWithdrawn,
            Record::Callback(change) if change.row.closed_ms.is_some() && (new || change.change.is_some()) => {
                Self::CallbackClosed
            }
            Record::Callback(_) if new => Self::CallbackCreated,
            Record::Callback(change) if change.late => Self::CallbackLate,
            Record::Callback(_) => Self::CallbackUpdated,
            Record::Attempt(row) if row.result.is_some() => Self::CallbackAttempted,
            Record::Gap(_) => Self::GapRecorded,
            Record::DncAdd(_) => Self::DncAdded,
            Record::GroupDnc(dnc) if dnc.entry.is_some() => Self::DncAdded,
            Record::DncRemove(_) | Record::GroupDnc(_) if !new => Self::DncRemoved,
            Record::Interval(_) => Self::AgentState,
            Record::News(news) => match **news {
                News::LinkUp { .. } => Self::LinkUp,
                News::LinkDown { .. } => Self::LinkDown,
                News::QueueAlarm { .. } => Self::QueueAlarm,
                News::Ringing(_) => Self::CallRinging,
            },
            Record::InProgress(_)
            | Record::Tag(_)
            | Record::NotInProgress { .. }
            | Record::Attempt(_)
            | Record::DncRemove(_)
            | Record::GroupDnc(_)
            | Record::Tape(_)
            | Record::Agent { .. }
            | Record::Seen { .. } => return None,
        })
    }

    /// It is about a call that is not over: its row may be gone when the change is read.
    #[must_use]
    pub const fn is_of_call_in_progress(self) -> bool {
        matches!(self, Self::CallStarted | Self::CallAnswered | Self::CallRinging | Self::CallWithdrawn)
    }
}

impl Record {
    /// The PBX that it is about, empty if none in particular; and the key of its row there, as readers know it.
    #[must_use]
    pub fn subject(&self) -> (&str, Cow<'_, str>) {
        match self {
            Self::Call(call) => (&call.pbx, call.linkedid.as_str().into()),
            Self::InProgress(call) => (&call.pbx, call.linkedid.as_str().into()),
            Self::NotInProgress { pbx, linkedid } => (pbx, linkedid.as_str().into()),
            Self::Tag(change) => (&change.pbx, change.linkedid.as_str().into()),
            Self::Tape(tape) => (&tape.pbx, tape.linkedid.as_str().into()),
            Self::Gap(gap) => (&gap.pbx, gap.from_ms.to_string().into()),
            Self::Agent { pbx, agent, .. } => (pbx, agent.as_str().into()),
            Self::Interval(interval) => (&interval.pbx, interval.agent.as_str().into()),
            Self::Seen { pbx, .. } => (pbx, "".into()),
            Self::Callback(change) => (&change.row.pbx, change.row.id.to_string().into()),
            Self::Attempt(row) => (&row.pbx, format!("{}/{}", row.callback_id, row.n).into()),
            Self::DncAdd(entry) => ("", entry.number_e164.as_str().into()),
            Self::DncRemove(number) => ("", number.as_str().into()),
            Self::GroupDnc(dnc) => ("", dnc.number_e164.as_str().into()),
            Self::News(news) => match &**news {
                News::LinkUp { pbx, at_ms } | News::LinkDown { pbx, at_ms } => (pbx, at_ms.to_string().into()),
                News::QueueAlarm { pbx, queue, .. } => (pbx, queue.as_str().into()),
                News::Ringing(call) => (&call.pbx, call.linkedid.as_str().into()),
            },
        }
    }

    /// When what it is about became true, ms since 1970 UTC; `None` where that is now.
    #[must_use]
    pub fn happened_ms(&self) -> Option<Millis> {
        match self {
            Self::Call(call) => Some(call.ended_ms),
            Self::InProgress(call) => Some(call.started_ms),
            Self::Tag(change) => Some(change.tag.at_ms),
            Self::Gap(gap) => Some(gap.to_ms),
            Self::Callback(change) => change.change.as_ref().map(|step| step.at_ms),
            Self::Attempt(row) => row.ended_ms,
            Self::DncAdd(entry) => Some(entry.added_ms),
            Self::Interval(interval) => Some(interval.to_ms.unwrap_or(interval.from_ms)),
            Self::News(news) => match **news {
                News::LinkUp { at_ms, .. } | News::LinkDown { at_ms, .. } | News::QueueAlarm { at_ms, .. } => {
                    Some(at_ms)
                }
                News::Ringing(_) => None,
            },
            Self::NotInProgress { .. }
            | Self::Agent { .. }
            | Self::Seen { .. }
            | Self::DncRemove(_)
            | Self::GroupDnc(_)
            | Self::Tape(_) => None,
        }
    }
}
