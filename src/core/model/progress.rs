//! What the tracker reports about customers' lines, agents and our own attempts while calls are in progress.

use crate::millis::Millis;
use crate::model::{CallKey, E164, HangupBy, LegResult, PbxId};

/// A customer's line, as a call with an outside party changes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineChange {
    /// The customer's number.
    pub number_e164: E164,
    /// The call; several changes of one call bear the same.
    pub call: CallKey,
    /// The customer called us, or an agent called the customer (no callback of ours: those are in [`Progress`]).
    pub inbound: bool,
    /// What happened to the line.
    pub what: Line,
}

/// What happened to a customer's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// The customer is on it: calling us or being called by us.
    Busy,
    /// The customer talks with this agent.
    Talking {
        /// The agent, as interface.
        agent: String,
        /// Since then, ms since 1970 UTC; of a talk that was found going on: since its call began.
        since_ms: Millis,
    },
    /// That call is over. Its row follows, or came before.
    Free,
}

/// A step of an attempt of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The PBX on which it happened: an attempt is known there and nowhere else.
    pub pbx: PbxId,
    /// The attempt's channel id, `cb-<identity>-<callback>-<n>`.
    pub channel_id: String,
    /// When it happened, ms since 1970 UTC.
    pub at_ms: Millis,
    /// What happened to the attempt.
    pub step: Step,
}

/// What happened to an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Its first channel exists (it was made, or was found by a snapshot).
    Seen,
    /// Somebody else has picked the ringing first leg up, and goes on in its place.
    PickedUp {
        /// Who, as interface.
        agent: String,
        /// `Uniqueid` of the channel that the attempt has from now on.
        uniqueid: String,
    },
    /// The first leg answered.
    AgentAnswered,
    /// The second leg is being dialled.
    CustomerDialled,
    /// Agent and customer are connected.
    Connected,
    /// Its call is over.
    Ended(Box<Facts>),
    /// `OriginateResponse: Failure` with its reason (4 answered, 5 busy, 8 congestion, 3 no answer, 1 hangup, 0 failure), where no
    /// channel may ever have been.
    Failed {
        /// As Asterisk counts (`main/dial.c`, `ast_dial_reason`).
        reason: u16,
    },
}

/// What the first leg's phone did before anybody answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstPhone {
    /// It rang, or may have: not all of it was seen.
    Rang,
    /// Nothing rang.
    Silent,
    /// It sent the call elsewhere.
    Forwarded,
}

/// What is known of an attempt's call when it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Linkedid of its row.
    pub linkedid: String,
    /// How the agent's leg ended; `Answered` if the agent picked up at all.
    pub agent: LegResult,
    /// What the phone of the first leg did before that.
    pub first_phone: FirstPhone,
    /// Neither side nor the dialplan ended it while a phone rang: somebody else hung it up.
    pub killed: bool,
    /// When the agent picked up.
    pub agent_answered_ms: Option<Millis>,
    /// Whose phone that was, which a queue's Local channel, a follow-me or a colleague's pickup may have led to; `None` if no phone of the PBX's.
    pub taken_by: Option<String>,
    /// How the last leg to the customer ended; `None` if the customer was never dialled.
    pub customer: Option<LegResult>,
    /// Q.850 cause of that leg's channel.
    pub customer_cause: Option<u16>,
    /// Customer and agent were connected.
    pub customer_answered_ms: Option<Millis>,
    /// They talked so long, milliseconds.
    pub talk_ms: Millis,
    /// Who ended the agent's channel: `Agent` if its far end hung up first, `Pbx` otherwise.
    pub agent_hangup_by: HangupBy,
    /// Its end was not seen: sync with the PBX was lost.
    pub unseen: bool,
    /// It was over, ms since 1970 UTC.
    pub ended_ms: Millis,
}
