//! A finished call with its legs, queue visits, menu steps, tags and ratings: one row of `calls` and its children.

use super::codes::{ASKED, CALLER};
use super::{CallKey, Direction, E164, HangupBy, Outcome, PbxId, Quality, Status, text_enum};
use crate::millis::Millis;
use serde::{Deserialize, Serialize};

/// Ring attempts kept for one call; more are counted, not kept.
pub const MAX_LEGS: usize = 500;
/// Queue visits kept for one call.
pub const MAX_VISITS: usize = 100;
/// Tags, and ratings, kept for one call.
pub const MAX_TAGS: usize = 50;
/// Menu steps kept for one call.
pub const MAX_IVR_STEPS: usize = 200;

text_enum! {
    /// How one ring attempt ended.
    LegResult {
        /// Answered: the parties talked.
        Answered = "ANSWERED",
        /// Nobody answered within the ringing time.
        NoAnswer = "NOANSWER",
        /// Busy or do not disturb.
        Busy = "BUSY",
        /// The person pressed reject.
        Rejected = "REJECTED",
        /// Not registered, or unreachable.
        Unavailable = "UNAVAILABLE",
        /// The network or the PBX had no way (congestion).
        Congestion = "CONGESTION",
        /// Another leg answered first.
        Elsewhere = "ELSEWHERE",
        /// The caller left first.
        Cancelled = "CANCELLED",
        /// Answered a moment after another leg.
        LostRace = "LOST_RACE",
        /// Answered and hung up before the caller was connected.
        Dumped = "DUMPED",
        /// It ended while the connection was down, or may have been answered then.
        Unknown = "UNKNOWN",
    }
}

text_enum! {
    /// How one queue visit ended.
    VisitResult {
        /// An agent was connected.
        Connected = "CONNECTED",
        /// The caller hung up while waiting.
        Abandoned = "ABANDONED",
        /// The queue's time ran out.
        Timeout = "TIMEOUT",
        /// Left by a key.
        Key = "KEY",
        /// Refused at joining (`JOINEMPTY`): the queue has no members.
        JoinEmpty = "JOINEMPTY",
        /// Refused at joining (`JOINUNAVAIL`): no member is available.
        JoinUnavail = "JOINUNAVAIL",
        /// Sent away: nobody serves it any more.
        LeaveEmpty = "LEAVEEMPTY",
        /// Sent away: nobody is available any more.
        LeaveUnavail = "LEAVEUNAVAIL",
        /// Refused at joining (`FULL`): the queue is full.
        Full = "FULL",
        /// Sent on by option `c` or a rule of the dialplan.
        Continue = "CONTINUE",
        /// Taken out by `QueueWithdrawCaller`.
        Withdraw = "WITHDRAW",
        /// The PBX cut the caller off: an RTP time-out, a hangup by AMI or CLI, the absolute time-out, its shutdown.
        Cut = "CUT",
        /// Transferred or redirected out while waiting.
        Transferred = "TRANSFERRED",
        /// Its end was not seen, or an agent may have taken the caller while events were not seen.
        Unknown = "UNKNOWN",
    }
}

/// One row of `calls` with its children. Times are milliseconds since 1970 UTC, durations milliseconds, never negative.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FinishedCall {
    /// The PBX on which the call was.
    pub pbx: PbxId,
    /// Linkedid under which the call began; unique with `pbx`.
    pub linkedid: String,
    /// Who called whom.
    pub direction: Direction,
    /// What a manager counts.
    pub status: Status,
    /// Why it has this status.
    pub outcome: Outcome,
    /// The other party's number as received or dialled; `None` if withheld or absent.
    pub number: Option<String>,
    /// The number in E.164, if it can be called.
    pub number_e164: Option<E164>,
    /// The other party's name, as the network sent it.
    pub name: Option<String>,
    /// The number that the customer dialled, or for outbound calls the caller id that we showed.
    pub did: Option<String>,
    /// The trunk, as technology and peer (`PJSIP/trunk`).
    pub trunk: Option<String>,
    /// The last queue that the caller was in (or the one whose agent answered).
    pub queue: Option<String>,
    /// The first person who talked with the customer, as interface (`PJSIP/101`).
    pub agent: Option<String>,
    /// First event of the call.
    pub started_ms: Millis,
    /// First bridge with a person.
    pub answered_ms: Option<Millis>,
    /// The customer's last channel ended.
    pub ended_ms: Millis,
    /// From start to the first bridge with a person, or to the end.
    pub wait_ms: Millis,
    /// Sum of the waits of all queue visits, ms.
    pub queue_wait_ms: Millis,
    /// Time in which at least one person's phone rang.
    pub ring_ms: Millis,
    /// Time in which the customer shared a bridge with a person.
    pub talk_ms: Millis,
    /// Language of the customer's channel at its end (Asterisk's `CHANNEL(language)`); `None` if it was not seen, or the call is one of ours.
    pub language: Option<String>,
    /// Time on hold or parked after having been answered.
    pub hold_ms: Millis,
    /// Who ended the call.
    pub hangup_by: HangupBy,
    /// Q.850 cause of the customer's channel; proves nothing by itself.
    pub hangup_cause: Option<u16>,
    /// Transfers, blind and attended.
    pub transfers: u32,
    /// A message was left.
    pub voicemail: bool,
    /// How much of it was seen.
    pub quality: Quality,
    /// The facts that decided the status, in plain words, in the order in which they count.
    pub why: Vec<String>,
    /// The callback that this call belongs to.
    pub callback_id: Option<i64>,
    /// Ring attempts, in order.
    pub legs: Vec<Leg>,
    /// Queue visits, in order.
    pub visits: Vec<QueueVisit>,
    /// Menus and keys, in order.
    pub ivr: Vec<IvrStep>,
    /// Dispositions, set by rule and by the dialplan.
    pub tags: Vec<Tag>,
    /// Ratings by the customer.
    pub ratings: Vec<Rating>,
}

impl FinishedCall {
    /// Which call it is.
    #[must_use]
    pub fn key(&self) -> CallKey {
        CallKey::new(&self.pbx, &self.linkedid)
    }

    /// A customer's call that reached a queue or rang a person, or was refused at the door: the service level counts it.
    #[must_use]
    pub fn was_offered(&self) -> bool {
        let reached = self.queue.is_some() || self.ring_ms > 0 || self.answered_ms.is_some();
        self.outcome.was_offered(self.direction, self.status, reached)
    }

    /// What the service level is measured by: the wait in queues, or from the start where there was none.
    #[must_use]
    pub fn wait_for_person_ms(&self) -> Millis {
        if self.queue.is_some() { self.queue_wait_ms } else { self.wait_ms }
    }

    /// Its caller asked to be called back: the outcome says so, or, where another fact decided that, a tag.
    #[must_use]
    pub fn asked_for_callback(&self) -> bool {
        self.outcome == Outcome::CallbackRequested || self.tags.iter().any(|t| t.code == ASKED && t.by == CALLER)
    }

    /// Its end was not seen, or what was seen does not say enough: Asterisk's own records may say more.
    #[must_use]
    pub fn wants_proof(&self) -> bool {
        self.outcome.meaning().unseen || matches!(self.quality, Quality::Gap | Quality::Partial)
    }
}

impl CallInProgress {
    /// The row of this call, over since `ended_ms`: what it says beyond these facts is nothing, unknown, or of a call whose end was not
    /// seen; who knows more says so. Its times must be in order, and `visits` be all visits to queues.
    #[must_use]
    pub fn ended(self, ended_ms: Millis, visits: Vec<QueueVisit>) -> FinishedCall {
        let Remarks { language, tags, ratings } = self.remarks.map(|remarks| *remarks).unwrap_or_default();
        FinishedCall {
            pbx: self.pbx,
            linkedid: self.linkedid,
            direction: Direction::Inbound,
            status: Status::Unknown,
            outcome: Outcome::Gap,
            number: self.number,
            number_e164: self.number_e164,
            name: self.name,
            did: self.did,
            trunk: self.trunk,
            queue: connecting_queue(&visits).or(self.queue),
            agent: self.agent,
            started_ms: self.started_ms,
            answered_ms: self.answered_ms,
            ended_ms,
            wait_ms: self.answered_ms.unwrap_or(ended_ms) - self.started_ms,
            queue_wait_ms: visits.iter().map(|visit| visit.left_ms - visit.joined_ms).sum(),
            ring_ms: 0,
            talk_ms: 0,
            language,
            hold_ms: 0,
            hangup_by: HangupBy::Unknown,
            hangup_cause: None,
            transfers: 0,
            voicemail: false,
            quality: Quality::Gap,
            why: Vec::new(),
            callback_id: None,
            legs: Vec::new(),
            visits,
            ivr: Vec::new(),
            tags,
            ratings,
        }
    }
}

/// The queue whose agent answered, or the last one.
fn connecting_queue(visits: &[QueueVisit]) -> Option<String> {
    let connected = visits.iter().find(|visit| visit.result == VisitResult::Connected);
    connected.or(visits.last()).map(|visit| visit.queue.clone())
}

/// A disposition of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Tag {
    /// One of the codes of the table `codes`, or a new one.
    pub code: String,
    /// Free text with the disposition; may be empty.
    pub note: String,
    /// Who set it: `rule`, `dialplan`, `caller`, or whom the dialplan or a command names.
    pub by: String,
    /// When it was given, ms since 1970 UTC.
    pub at_ms: Millis,
}

/// A disposition that is set on a call which has its row, or taken off it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TagChange {
    /// The PBX on which the call was.
    #[serde(skip)]
    pub pbx: PbxId,
    /// Linkedid under which the call began.
    #[serde(skip)]
    pub linkedid: String,
    /// What is said of it; taken off, by whom and when.
    #[serde(flatten)]
    pub tag: Tag,
    /// Its code is taken off the call, whoever set it.
    pub removed: bool,
}

/// A customer's rating of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Rating {
    /// As the dialplan's survey counts.
    pub score: f64,
    /// What was rated, or by which survey; empty if there is only one.
    pub by: String,
    /// When it was given, ms since 1970 UTC.
    pub at_ms: Millis,
}

/// One ring attempt at a person's phone or at an off-net destination.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Leg {
    /// The person, as interface of the technology channel (`PJSIP/105`).
    pub agent: String,
    /// What was dialled, as the queue or Dial names it (`Local/105@from-queue/n`).
    pub interface: String,
    /// The queue that rang it.
    pub queue: Option<String>,
    /// It began to be dialled, ms since 1970 UTC.
    pub started_ms: Millis,
    /// It answered, ms since 1970 UTC; `None` if never.
    pub answered_ms: Option<Millis>,
    /// It ended (an answered one: the person left), ms since 1970 UTC.
    pub ended_ms: Millis,
    /// Time on the line with the customer, ms.
    pub talk_ms: Millis,
    /// How it ended.
    pub result: LegResult,
}

/// One queue visit.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct QueueVisit {
    /// The queue's name.
    pub queue: String,
    /// The caller joined, ms since 1970 UTC.
    pub joined_ms: Millis,
    /// The caller left, ms since 1970 UTC.
    pub left_ms: Millis,
    /// Position at entering; `None` if the queue refused the caller.
    pub position: Option<u32>,
    /// How the visit ended.
    pub result: VisitResult,
}

/// One menu that the caller was in.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct IvrStep {
    /// Dialplan context of the menu.
    pub context: String,
    /// The caller's choice there; empty if nothing, `t` for a time-out, `i` for an invalid choice.
    pub digits: String,
    /// When the caller entered it, ms since 1970 UTC.
    pub at_ms: Millis,
}

/// What was said of a call that is not over: the caller's wish to be called back, codes and ratings. Events of the dialplan say it once.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Remarks {
    /// The language that was named with the wish.
    pub language: Option<String>,
    /// The wish with its queue and its time, as it will be in the row, and codes.
    pub tags: Vec<Tag>,
    /// Ratings by the customer.
    pub ratings: Vec<Rating>,
}

/// A customer's call that has begun and is not over, as far as a later run must know it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CallInProgress {
    /// The PBX on which the call is.
    pub pbx: PbxId,
    /// `Linkedid`: its row will have the same.
    pub linkedid: String,
    /// The customer's number as received; `None` if withheld.
    pub number: Option<String>,
    /// The same in E.164; `None` if it cannot be called.
    pub number_e164: Option<E164>,
    /// The customer's name, as the network sent it.
    pub name: Option<String>,
    /// The number that the caller dialled.
    pub did: Option<String>,
    /// The trunk, as an interface (`PJSIP/provider`).
    pub trunk: Option<String>,
    /// The queue in which the caller waits, or was last.
    pub queue: Option<String>,
    /// The agent who talked with the customer first.
    pub agent: Option<String>,
    /// First event, ms since 1970 UTC.
    pub started_ms: Millis,
    /// When the caller joined that queue, ms since 1970 UTC.
    pub joined_ms: Option<Millis>,
    /// First bridge with a person, ms since 1970 UTC.
    pub answered_ms: Option<Millis>,
    /// What was said of it, for its row.
    #[serde(skip)]
    pub remarks: Option<Box<Remarks>>,
}
