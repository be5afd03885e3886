//! One channel of Asterisk: one end of one connection, as far as its call needs to know it.

use crate::ami::event;
use crate::millis::Millis;
use crate::model::CallInProgress;
use crate::model::channel_name::{self, Kind};
use crate::tracker::calls::call::Call;
use crate::tracker::table::Slot;

/// `AST_STATE_RING`: the far end has dialled us (`include/asterisk/channelstate.h`).
const STATE_RING: u8 = 4;
/// `AST_STATE_PRERING`: the far end is about to have dialled us, and its caller id is being received (`chan_dahdi.c`).
const STATE_PRERING: u8 = 9;
/// `AST_STATE_RINGING`: the far end rings.
pub(crate) const STATE_RINGING: u8 = 5;
/// `AST_STATE_UP`: answered.
pub(crate) const STATE_UP: u8 = 6;

/// Names of one channel that are kept behind it: a masquerade gives it two, one after the other (`main/channel.c`, `ast_do_masquerade`).
const MAX_FORMER_NAMES: usize = 4;

/// What a call and a bridge weigh beside their ids, bytes: with the texts about its customer, and a second copy of those in its row in progress.
const OF_ITS_CALL: usize = size_of::<Call>() + size_of::<CallInProgress>() + 392;

/// A channel that is up, or that ended a moment ago.
#[derive(Debug)]
pub(crate) struct Channel {
    /// `Uniqueid`.
    pub uniqueid: Box<str>,
    /// `Channel`: changes by masquerade.
    pub name: Box<str>,
    /// Names that it had before, the latest last, at most [`MAX_FORMER_NAMES`]: events that were made before may come behind.
    pub former_names: Vec<Box<str>>,
    /// `Linkedid` as last seen.
    pub linkedid: Box<str>,
    /// What stands at the far end.
    pub kind: Kind,
    /// The call that it belongs to.
    pub call: Slot,
    /// The far end called us (as opposed to: the PBX dialled it); `None` while nothing has shown it.
    pub incoming: Option<bool>,
    /// Something has shown that the PBX dialled it: no longer a guess from the state in which it began.
    pub dialled: bool,
    /// First seen.
    pub created_ms: Millis,
    /// Answered.
    pub up: bool,
    /// Hung up.
    pub ended_ms: Option<Millis>,
    /// The far end asked to hang up, first time.
    pub far_hangup_ms: Option<Millis>,
    /// The PBX asked to hang up, first time.
    pub pbx_hangup_ms: Option<Millis>,
    /// That request cut the call: the dialplan was not at its end.
    pub cut: bool,
    /// Bridge that it is in.
    pub bridge: Option<Slot>,
    /// It was connected with another party, ever.
    pub bridged: bool,
    /// The agent whose phone it makes ring at the moment.
    pub rings_for: Option<Slot>,
    /// The agent whom it connects with somebody at the moment.
    pub talks_for: Option<Slot>,
    /// The phone that it is counted for as long as it is up.
    pub phone: Option<Slot>,
    /// Another call than its own has it among its people or legs.
    pub shared: bool,
    /// Its conversation is counted for the agent.
    pub talk_counted: bool,
    /// The far end rings.
    pub ringing: bool,
    /// On hold.
    pub held: bool,
    pub parked: bool,
    /// Where it is in the dialplan: context.
    pub context: Box<str>,
    /// Where it is in the dialplan: extension.
    pub exten: Box<str>,
    /// It has come to `h`: its call is over, though that may not have been seen.
    pub in_h: bool,
    /// A list named it first: its own beginning may be on its way.
    pub overtaken: bool,
    /// Events were missed since it was put into its bridge: a list may say another.
    pub bridge_in_doubt: bool,
    /// Seen in the snapshot of this number.
    pub snapshot: u32,
    /// What it weighs in the table.
    pub weight: usize,
}

/// What the event that makes a channel known does not say itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Created {
    /// What stands at the far end.
    pub kind: Kind,
    /// The call that it belongs to.
    pub call: Slot,
    /// The far end called us; `None` while nothing has shown it.
    pub incoming: Option<bool>,
    /// Something has shown that the PBX dialled it.
    pub dialled: bool,
    /// First seen.
    pub at: Millis,
    /// Number of the latest snapshot.
    pub snapshot: u32,
}

impl Channel {
    /// A channel as it is seen first.
    #[must_use]
    pub(crate) fn new(seen: &event::Channel<'_>, linkedid: &str, created: Created) -> Self {
        Self {
            uniqueid: (&*seen.uniqueid).into(),
            name: (&*seen.name).into(),
            linkedid: linkedid.into(),
            former_names: Vec::new(),
            kind: created.kind,
            call: created.call,
            incoming: created.incoming,
            dialled: created.dialled,
            created_ms: created.at,
            up: seen.state == STATE_UP,
            ended_ms: None,
            far_hangup_ms: None,
            pbx_hangup_ms: None,
            cut: false,
            bridge: None,
            bridged: false,
            rings_for: None,
            talks_for: None,
            phone: None,
            shared: false,
            talk_counted: false,
            ringing: false,
            held: false,
            parked: false,
            context: (&*seen.context).into(),
            exten: (&*seen.exten).into(),
            in_h: false,
            overtaken: false,
            bridge_in_doubt: false,
            snapshot: created.snapshot,
            weight: 0,
        }
    }

    /// What it weighs, with a call and a bridge of its own: its id is its key too, its linkedid is the call's, its key and in its row.
    #[must_use]
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>()
            + OF_ITS_CALL
            + 2 * self.uniqueid.len()
            + 4 * self.linkedid.len()
            + 3 * self.name.len()
            + self.former_names.iter().map(|name| size_of::<Box<str>>() + name.len()).sum::<usize>()
            + 2 * self.context.len()
            + 3 * self.exten.len()
    }

    /// It bears this name, or did.
    #[must_use]
    pub(crate) fn is_called(&self, name: &str) -> bool {
        *self.name == *name || self.former_names.iter().any(|former| **former == *name)
    }

    /// Takes another name; gives the old one.
    pub(crate) fn takes_name(&mut self, new_name: &str) -> &str {
        if self.former_names.len() == MAX_FORMER_NAMES {
            self.former_names.remove(0);
        }
        self.former_names.push(std::mem::replace(&mut self.name, new_name.into()));
        &self.former_names[self.former_names.len() - 1]
    }

    /// The person or trunk at the far end, as technology and peer: `PJSIP/101`.
    #[must_use]
    pub(crate) fn interface(&self) -> &str {
        channel_name::interface(&self.name)
    }

    /// Can be the far end of a talk, and has answered.
    #[must_use]
    pub(crate) fn can_talk(&self) -> bool {
        self.is_party() && self.up
    }

    /// Can be the far end of a talk.
    #[must_use]
    pub(crate) fn is_party(&self) -> bool {
        matches!(self.kind, Kind::Trunk | Kind::Extension)
    }

    /// Either side had asked to hang up by that time.
    #[must_use]
    pub(crate) fn hangs_up_by(&self, at: Millis) -> bool {
        [self.far_hangup_ms, self.pbx_hangup_ms].iter().flatten().any(|asked| *asked <= at)
    }

    /// For one half of a Local channel: the name of the other.
    #[must_use]
    pub(crate) fn other_half(&self) -> Option<String> {
        channel_name::other_half(&self.name)
    }
}

/// Only a channel whose far end dialled us is ever in this state.
#[must_use]
pub(crate) fn calls_us(state: u8) -> bool {
    matches!(state, STATE_RING | STATE_PRERING)
}

/// A text of the event, owned; `None` where it is empty.
#[must_use]
pub(crate) fn filled(text: &event::Text<'_>) -> Option<String> {
    (!text.is_empty()).then(|| text.to_string())
}
