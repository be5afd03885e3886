//! What the store keeps of callbacks: the task, each change of it, each attempt, and the list of those not to be called.

use crate::millis::Millis;
use crate::model::{CallKey, E164, PbxId, text_enum};
use serde::{Serialize, Serializer};

text_enum! {
    /// Where a callback is in its life.
    CallbackState {
        /// Its turn may come at any moment.
        Pending = "PENDING",
        /// Something must happen first; the reason says what.
        Waiting = "WAITING",
        /// An agent is set aside for it; the attempt is being stored.
        Reserved = "RESERVED",
        /// The agent's phone rings.
        DialingAgent = "DIALING_AGENT",
        /// The agent has accepted, the customer's phone rings.
        DialingCustomer = "DIALING_CUSTOMER",
        /// Agent and customer talk.
        Talking = "TALKING",
        /// Called back, and talked long enough.
        Done = "DONE",
        /// The customer called again and was served.
        RecoveredByCustomer = "RECOVERED_BY_CUSTOMER",
        /// An agent called the customer without us.
        RecoveredByAgent = "RECOVERED_BY_AGENT",
        /// Tried as often as is allowed.
        Exhausted = "EXHAUSTED",
        /// Open longer than `callback.expire`.
        Expired = "EXPIRED",
        /// There is no number that may be called.
        NotCallable = "NOT_CALLABLE",
        /// The customer does not want to be called.
        Dnc = "DNC",
        /// A person, or a correction of the call's row, took it back.
        Cancelled = "CANCELLED",
    }
}

impl CallbackState {
    /// Still to be done. At most one open callback exists for a number.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(
            self,
            Self::Pending | Self::Waiting | Self::Reserved | Self::DialingAgent | Self::DialingCustomer | Self::Talking
        )
    }

    /// An attempt is going on.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Reserved | Self::DialingAgent | Self::DialingCustomer | Self::Talking)
    }
}

text_enum! {
    /// How one attempt ended.
    AttemptResult {
        /// Talked for at least `callback.min_talk`.
        Connected = "CONNECTED",
        /// Answered, but for too short a time to have been a person.
        MaybeVoicemail = "MAYBE_VOICEMAIL",
        /// The agent's phone rang out, or nobody accepted.
        AgentNoAnswer = "AGENT_NOANSWER",
        /// The agent's phone was busy or could not be reached.
        AgentBusy = "AGENT_BUSY",
        /// The agent refused the offer.
        AgentRejected = "AGENT_REJECTED",
        /// The agent hung up before the customer answered.
        AgentLeft = "AGENT_LEFT",
        /// The customer's line was busy.
        CustomerBusy = "CUSTOMER_BUSY",
        /// The customer's phone rang out.
        CustomerNoAnswer = "CUSTOMER_NOANSWER",
        /// The customer's phone refused the call.
        CustomerRejected = "CUSTOMER_REJECTED",
        /// The network knows no such number.
        InvalidNumber = "INVALID_NUMBER",
        /// The network could not take the call.
        Congestion = "CONGESTION",
        /// Asterisk refused the Originate.
        OriginateError = "ORIGINATE_ERROR",
        /// The agent's phone forwarded the call elsewhere: nobody who picks up there knows what it is about.
        AgentForwarded = "AGENT_FORWARDED",
        /// Someone else on the PBX (another AMI client, its command line) hung up while a phone rang.
        Killed = "KILLED",
        /// The first leg ended and no phone had rung: what the dialplan does with `callback.dial_agent` rings nobody.
        NeverRang = "NEVER_RANG",
        /// Taken back: the customer was served, or may not be called any more.
        AbortedServed = "ABORTED_SERVED",
        /// A crash or an outage hid its fate.
        Lost = "LOST",
    }
}

/// What an [`AttemptResult`] means. It stands here and nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResultMeaning {
    /// It counts against `max_attempts`: the customer's phone rang, or may have.
    pub counts: bool,
    /// The agent did not take the offer: another one is asked, and this one is not for a while.
    pub refused_by_agent: bool,
    /// The agent's phone rang, and the agent did not take it: whoever does that again and again is not there.
    pub missed_by_agent: bool,
    /// Where the agent is rung first: the customer was dialled, or may have been, which counts for the caps of a day.
    pub customer_dialled: bool,
}

impl AttemptResult {
    /// What it means. No wildcard: a new result does not compile until somebody has said it here.
    #[must_use]
    pub const fn meaning(self) -> ResultMeaning {
        let (counts, refused_by_agent, missed_by_agent, customer_dialled) = match self {
            Self::Connected
            | Self::MaybeVoicemail
            | Self::CustomerBusy
            | Self::CustomerNoAnswer
            | Self::CustomerRejected
            | Self::InvalidNumber
            | Self::Killed
            | Self::Lost => (true, false, false, true),
            // The trunk was asked, and no phone can have rung.
            Self::Congestion => (false, false, false, true),
            Self::AgentLeft => (false, true, false, true),
            Self::AgentNoAnswer | Self::AgentRejected | Self::AgentForwarded => (false, true, true, false),
            Self::AgentBusy | Self::NeverRang | Self::OriginateError => (false, true, false, false),
            Self::AbortedServed => (false, false, false, false),
        };
        ResultMeaning { counts, refused_by_agent, missed_by_agent, customer_dialled }
    }
}

text_enum! {
    /// Who won a missed customer back.
    RecoveredBy {
        /// A callback of this daemon.
        Callback = "callback",
        /// The customer's own call.
        Customer = "customer",
        /// An agent's own call.
        Agent = "agent",
    }
}

/// One row of `callbacks`, as it is after a change. Times are milliseconds since 1970 UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "Callback"))]
pub struct CallbackRow {
    /// Chosen by the daemon, from 1.
    pub id: i64,
    /// The PBX of the latest miss: the customer is called from there, by its agents and its policy.
    pub pbx: PbxId,
    /// The customer; `None` only where there is no number that can be called.
    pub number_e164: Option<E164>,
    /// The customer's name, as the network sent it at the latest miss.
    pub name: Option<String>,
    /// Where it is in its life.
    pub state: CallbackState,
    /// Why it is there: a word such as `DELAY`, `NO_AGENT`, `withheld`; empty if the state says all.
    pub reason: String,
    /// The queue whose agents are asked; `None` if any agent may be.
    pub queue: Option<String>,
    /// The number that the customer dialled.
    pub did: Option<String>,
    /// The agent of this PBX who last talked with the customer, as interface; `None` if that was one of another PBX.
    pub owner: Option<String>,
    /// The only agent of this PBX who may take it, as interface; set by a person.
    pub assigned: Option<String>,
    /// The customer asked for it.
    pub requested: bool,
    /// Higher goes first; 0 unless configured or set.
    pub priority: i64,
    /// Missed calls behind it.
    pub missed_count: u32,
    /// The first of them ended, ms since 1970 UTC.
    pub first_missed_ms: Millis,
    /// The last of them ended, ms since 1970 UTC.
    pub last_missed_ms: Millis,
    /// Not called before, ms since 1970 UTC.
    pub due_ms: Millis,
    /// Not called after, ms since 1970 UTC.
    pub expires_ms: Millis,
    /// Attempts made, whatever came of them.
    pub attempts: u32,
    /// Of those, the ones that count against the customer.
    pub counted: u32,
    /// The miss, or the call with the code, by which it began; `None` if it was made by hand. Written as `linkedid` and `linkedid_pbx`.
    #[serde(flatten, serialize_with = "first_miss")]
    #[cfg_attr(feature = "openapi", schemars(with = "FirstMiss<'_>"))]
    pub first_miss: Option<CallKey>,
    /// The call by which it was done or recovered. Written as `resolved_by` and `resolved_by_pbx`.
    #[serde(flatten, serialize_with = "resolved_by")]
    #[cfg_attr(feature = "openapi", schemars(with = "ResolvedBy<'_>"))]
    pub resolved_by: Option<CallKey>,
    /// Closed, ms since 1970 UTC; `None` while it is open.
    pub closed_ms: Option<Millis>,
    /// The language in which the customer was served at the latest miss (`CHANNEL(language)` of Asterisk), if it is known.
    pub language: Option<String>,
    /// The customer expects the call then, ms since 1970 UTC; `None` if they did not ask for it.
    pub requested_for_ms: Option<Millis>,
    /// It was reported as later than `callback.alarm_late`, ms since 1970 UTC; `None` if it was not.
    pub alarmed_ms: Option<Millis>,
    /// The code of the call by which it began, while that alone asks for it: with the code it is taken back. `None` once a miss, a person or
    /// the customer asks for it too.
    pub code: Option<String>,
}

impl CallbackRow {
    /// An open callback that nothing has been done for: of what happened at `at_ms`, due and too old at these moments; ms since 1970 UTC.
    pub(crate) const fn opened(
        id: i64,
        pbx: PbxId,
        number_e164: Option<E164>,
        at_ms: Millis,
        due_ms: Millis,
        expires_ms: Millis,
    ) -> Self {
        Self {
            id,
            pbx,
            number_e164,
            name: None,
            state: CallbackState::Pending,
            reason: String::new(),
            queue: None,
            did: None,
            owner: None,
            assigned: None,
            requested: false,
            priority: 0,
            missed_count: 0,
            first_missed_ms: at_ms,
            last_missed_ms: at_ms,
            due_ms,
            expires_ms,
            attempts: 0,
            counted: 0,
            first_miss: None,
            resolved_by: None,
            closed_ms: None,
            language: None,
            requested_for_ms: None,
            alarmed_ms: None,
            code: None,
        }
    }
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
struct FirstMiss<'a> {
    /// Linkedid of the first miss, or of the call with the code; `None` if the callback was made by hand.
    linkedid: Option<&'a str>,
    /// The PBX of that call.
    linkedid_pbx: Option<&'a PbxId>,
}

fn first_miss<S: Serializer>(call: &Option<CallKey>, s: S) -> Result<S::Ok, S::Error> {
    let call = call.as_ref();
    FirstMiss { linkedid: call.map(|c| &*c.linkedid), linkedid_pbx: call.map(|c| &c.pbx) }.serialize(s)
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
struct ResolvedBy<'a> {
    /// Linkedid of the call by which it was done or recovered.
    resolved_by: Option<&'a str>,
    /// The PBX of that call.
    resolved_by_pbx: Option<&'a PbxId>,
}

fn resolved_by<S: Serializer>(call: &Option<CallKey>, s: S) -> Result<S::Ok, S::Error> {
    let call = call.as_ref();
    ResolvedBy { resolved_by: call.map(|c| &*c.linkedid), resolved_by_pbx: call.map(|c| &c.pbx) }.serialize(s)
}

/// One line of a callback's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct CallbackStep {
    /// When it happened, ms since 1970 UTC.
    pub at_ms: Millis,
    /// The state that it came to.
    pub state: CallbackState,
    /// Why, as the `reason` of the row.
    pub reason: String,
    /// Who: `callbackd`, or the person who gave the command.
    pub by: String,
    /// More, in plain words.
    pub note: String,
}

/// A callback after a change, written in one piece with what the change means to the rows of calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallbackChange {
    /// The row after the change.
    pub row: CallbackRow,
    /// The line of its history; `None` if nothing but figures changed.
    pub change: Option<CallbackStep>,
    /// The missed call that this change adds, of whichever PBX: its row gets the callback's id.
    pub miss: Option<CallKey>,
    /// The customer was won back at this time: all its misses' rows say so.
    pub recovered: Option<(RecoveredBy, Millis)>,
    /// It is the alarm: a callback that was asked for is later than `callback.alarm_late`.
    pub late: bool,
    /// The code that asks for it from now on.
    pub asked: Option<AskedBy>,
}

/// A code of a call that asks for a callback: one row of `callback_requests`. Without that code on that call it asks no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AskedBy {
    /// The call that has the code.
    pub call: CallKey,
    /// The code.
    pub code: String,
    /// It was set, ms since 1970 UTC, as the row of `tags` says.
    pub at_ms: Millis,
}

impl AskedBy {
    /// This code of this call.
    #[must_use]
    pub fn is(&self, call: &CallKey, code: &str) -> bool {
        self.call == *call && self.code == code
    }
}

/// One row of `callback_attempts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "Attempt"))]
pub struct AttemptRow {
    /// The callback's id.
    pub callback_id: i64,
    /// 1, 2, 3, …
    pub n: u32,
    /// The PBX on which it was made.
    pub pbx: PbxId,
    /// `cb-<identity>-<callback>-<n>`: the ChannelId of its Originate, so the Uniqueid of its first channel and of Asterisk's CDR.
    pub channel_id: String,
    /// The agent, as interface; `None` if the customer was called first, into the queue.
    pub agent: Option<String>,
    /// Committed to, ms since 1970 UTC; the Originate was written after this was on the disk.
    pub intended_ms: Millis,
    /// The agent answered, ms since 1970 UTC.
    pub agent_answered_ms: Option<Millis>,
    /// The customer answered, ms since 1970 UTC.
    pub customer_answered_ms: Option<Millis>,
    /// It was over, ms since 1970 UTC; `None` while it goes on.
    pub ended_ms: Option<Millis>,
    /// Time that agent and customer talked, milliseconds.
    pub talk_ms: Millis,
    /// How it ended; `None` while it lasts.
    pub result: Option<AttemptResult>,
    /// More, in plain words: what the network or Asterisk said.
    pub detail: String,
    /// Linkedid of the call's row.
    pub linkedid: Option<String>,
    /// The revision of the customer's entry in the group's bucket by which this site had claimed them before this was committed; `None` without a
    /// claim.
    pub claim_revision: Option<i64>,
}

/// One row of `do_not_call`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct DoNotCall {
    /// The customer's number.
    pub number_e164: E164,
    /// Why; free text, may be empty.
    pub reason: String,
    /// Who asked for it.
    pub by: String,
    /// Since when, ms since 1970 UTC.
    pub added_ms: Millis,
    /// Until; `None` for ever.
    pub until_ms: Option<Millis>,
    /// The code of a call by which it holds until then: with the code it goes. `None` if a person or a program put it there.
    pub code: Option<String>,
    /// A person or a program had put it there until then, ms since 1970 UTC, before the code made it longer: so long it stays without the
    /// code. `None` without a code, or if nobody had.
    pub by_hand_until_ms: Option<Millis>,
}

/// What another site of the group says of its do-not-call list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupDnc {
    /// The customer's number.
    pub number_e164: E164,
    /// As it stands there; `None`: no more.
    pub entry: Option<DoNotCall>,
    /// The site.
    pub site: String,
}

impl DoNotCall {
    /// Why the customer is not called, in a word or a person's text.
    #[must_use]
    pub fn why(&self) -> &str {
        self.code.as_deref().unwrap_or(&self.reason)
    }

    /// What stays of it at this moment when its code goes.
    #[must_use]
    pub fn by_hand(&self, now_ms: Millis) -> Option<Self> {
        let until_ms = if self.code.is_some() { Some(self.by_hand_until_ms?) } else { self.until_ms };
        let holds = until_ms.is_none_or(|until| until > now_ms);
        holds.then(|| Self { until_ms, code: None, by_hand_until_ms: None, ..self.clone() })
    }
}
