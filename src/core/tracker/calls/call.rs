//! A call in progress: the facts of its events, before the verdict.

use crate::millis::Millis;
use crate::model::rules::Purpose;
use crate::model::{CallInProgress, FinishedCall, IvrStep, Rating, Tag};
use crate::tracker::calls::customer_line;
use crate::tracker::calls::details::Weighed;
use crate::tracker::calls::leg_list::Legs;
use crate::tracker::calls::seen::Seen;
use crate::tracker::calls::talk::{Clock, Talking};
use crate::tracker::table::Slot;
use crate::tracker::tape::Tape;
use crate::verdict::DialplanFacts;
use std::sync::Arc;

/// Where a call is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It has live channels.
    Live,
    /// The customer is gone; it waits a moment for what is still on its way.
    Ending,
    /// Recorded; kept a while for late events.
    Recorded,
}

/// How the call came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A customer dialled us over a trunk.
    Trunk,
    /// A phone of ours dialled, or was dialled by an Originate.
    Extension,
    /// An Originate of this daemon (`ChannelId` is `cb-…`).
    Callback,
}

/// A call.
#[derive(Debug)]
pub(crate) struct Call {
    /// Linkedid under which it began.
    pub linkedid: Box<str>,
    /// All linkedids that lead here.
    pub keys: Vec<Box<str>>,
    /// Where it is in its life.
    pub stage: Stage,
    /// When the tracker must look at it again, by the monotonic clock.
    pub due: Option<u64>,
    /// How it came to be.
    pub origin: Origin,
    /// The channel that began it.
    pub first: Slot,
    /// All its channels, also the ended ones.
    pub channels: Vec<Slot>,
    /// Those of them that live.
    pub live: usize,
    /// First event.
    pub started_ms: Millis,
    /// Latest event.
    pub touched_ms: Millis,
    /// A trunk was dialled.
    pub trunk_dialled: bool,
    /// The other party's number.
    pub number: Option<String>,
    /// The other party's name.
    pub name: Option<String>,
    /// What the customer dialled, or the caller id that was shown to the customer.
    pub did: Option<String>,
    pub trunk: Option<String>,
    /// Ring attempts.
    pub attempts: Legs,
    pub queue_visits: Vec<TrackedVisit>,
    /// Menus.
    pub ivr: Vec<IvrStep>,
    /// Everyone who shared a bridge with the customer.
    pub people: Vec<Person>,
    /// When the customer talked with anyone.
    pub talk: Clock,
    /// When a machine served the customer.
    pub machine: Clock,
    /// What the dialplan did.
    pub dialplan: Dialplan,
    pub transfers: u32,
    /// The latest of them.
    pub transfer_ms: Option<Millis>,
    /// Language of the channel that began it, at its end.
    pub language: Option<Box<str>>,
    /// Hangup cause of the customer's channel (Q.850).
    pub cause: Option<u16>,
    /// How much of it was seen.
    pub seen: Seen,
    /// It has no customer of its own left (a consultation whose customer hung up): no row.
    pub orphaned: bool,
    /// Legs, visits or steps beyond the limits.
    pub dropped: u32,
    /// What was said about it.
    pub tags: Vec<Tag>,
    /// How it was rated.
    pub ratings: Vec<Rating>,
    /// Others of it went on without the customer, in a call of their own which owns their channels now: it is to be forgotten by then,
    /// by the monotonic clock.
    pub forget_by: Option<u64>,
    /// The queue for which an attempt of ours calls.
    pub for_queue: Option<Box<str>>,
    /// The number, as it was read last.
    pub read: Option<customer_line::Read>,
    /// The customer's line, as it was emitted.
    pub line: Option<customer_line::Reported>,
    /// The queue in which its caller is counted as waiting.
    pub waits_in: Option<Box<str>>,
    /// It has come in over a trunk that leads back to this PBX: another call's leg, and nobody's own.
    pub comes_in_again: bool,
    /// An attempt of ours is in it.
    pub ours: bool,
    /// As it was recorded in progress.
    pub in_progress: Option<Arc<CallInProgress>>,
    /// The row as it was recorded.
    pub recorded: Option<Arc<FinishedCall>>,
    /// How often that was corrected.
    pub corrections: u32,
    /// What its details weigh.
    pub weighed: Weighed,
    /// What Asterisk said of it.
    pub tape: Tape,
}

/// What the dialplan did with the customer's channel.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools)] // independent facts, not states
pub(crate) struct Dialplan {
    /// What the context that it is in is for.
    pub purpose: Purpose,
    /// The channel that ran it: the caller's own, or the far half of a Local channel that the caller was sent into.
    pub place: Option<Slot>,
    /// The application that it ran last, lower case, with its arguments.
    pub application: Option<(Box<str>, Box<str>)>,
    /// When it began to.
    pub application_ms: Millis,
    /// When it came to another place of the dialplan, the last time.
    pub moved_ms: Millis,
    /// The contexts that it came through, each once, in the order in which it came to them.
    pub contexts: Vec<Box<str>>,
    /// It was ever in a closed context.
    pub closed: bool,
    /// It was ever in a blocked context.
    pub blocked: bool,
    /// Read() runs, or has run last.
    pub read: Option<Read>,
    /// The menu whose latest Read() has got keys that led nowhere yet.
    pub read_in_vain: Option<Box<str>>,
    /// The queue named by the latest Queue().
    pub queue: Option<Box<str>>,
    /// The latest DIALSTATUS.
    pub dial_status: Option<Box<str>>,
    /// When it was set.
    pub dial_status_ms: Millis,
    /// It listened to calls of others.
    pub observes: bool,
    /// FreePBX's check of its blacklist runs.
    pub in_blacklist_check: bool,
    /// A message was left.
    pub message: bool,
    /// When what takes messages began, the last time.
    pub mailbox_ms: Option<Millis>,
    /// A callback was asked for.
    pub callback_requested: bool,
    /// When, the last time.
    pub callback_requested_ms: Millis,
    /// The queue that was named with that wish.
    pub callback_queue: Option<Box<str>>,
    /// The time that was named with it.
    pub callback_at: Option<Box<str>>,
    /// The language that was named with it.
    pub callback_language: Option<Box<str>>,
    /// The dialplan went to `i` for want of the dialled extension, outside menus.
    pub invalid: bool,
}

/// A Read() of the dialplan.
#[derive(Debug)]
pub(crate) struct Read {
    /// The variable that it sets.
    pub variable: Box<str>,
    /// What that was set to.
    pub digits: Box<str>,
}

/// Contexts of a call that are kept: FreePBX leads a call through twenty or so.
const MAX_CONTEXTS: usize = 32;

impl Dialplan {
    /// What a verdict needs of it.
    #[must_use]
    pub(crate) fn facts(&self) -> DialplanFacts<'_> {
        DialplanFacts {
            purpose: self.purpose,
            closed: self.closed,
            blocked: self.blocked,
            message: self.message,
            callback_requested: self.callback_requested,
            invalid: self.invalid,
            read_in_vain: self.read_in_vain.is_some(),
            dial_status: self.dial_status.as_deref(),
            application: self.application.as_ref().map(|(name, data)| (&**name, &**data)),
        }
    }

    /// It came to this context, which is for that.
    pub(crate) fn comes_to(&mut self, context: &str, purpose: Purpose) {
        self.purpose = purpose;
        self.closed |= purpose.closed;
        self.blocked |= purpose.blocked;
        let kept = self.contexts.len() < MAX_CONTEXTS && !context.is_empty();
        if kept && !self.contexts.iter().any(|known| **known == *context) {
            self.contexts.push(context.into());
        }
    }

    /// The last thing that the caller heard was a busy or congestion signal: Busy() and Congestion() end a line that was not
    /// answered through the far end, whose hang-up then looks like the caller's own (`res/res_pjsip_session.c`).
    #[must_use]
    pub(crate) fn turned_away(&self) -> bool {
        self.application.as_ref().is_some_and(|(name, _)| matches!(&**name, "busy" | "congestion"))
    }
}

/// One ring attempt.
#[derive(Debug)]
pub(crate) struct TrackedLeg {
    /// Uniqueid of the dialled channel.
    pub uniqueid: Box<str>,
    /// The dialled channel.
    pub channel: Slot,
    /// Who dialled; `None` for an Originate.
    pub by: Option<Slot>,
    /// What was dialled, as the queue or Dial names it; of a trunk that Dial dialled, the trunk alone.
    pub interface: Box<str>,
    /// What was dialled, whole, with its technology.
    pub dialled: Box<str>,
    /// The queue that rang it.
    pub queue: Option<Box<str>>,
    /// It is a Local channel: whoever it leads to is the attempt that counts.
    pub local: bool,
    /// The Local attempt that led here.
    pub parent: Option<usize>,
    /// Began.
    pub started_ms: Millis,
    pub rang_ms: Option<Millis>,
    /// The network that it leads into has begun to say what goes on there, by sound.
    pub progress: bool,
    pub answered_ms: Option<Millis>,
    /// It ended, or was given up.
    pub ended_ms: Option<Millis>,
    /// How Dial or the queue says it ended, the first time they say it.
    pub status: Option<Box<str>>,
    /// When they said so; the end of time before they do.
    pub status_ms: Millis,
    /// Q.850 cause by which its channel ended.
    pub cause: Option<u16>,
    /// The called phone forwarded elsewhere.
    pub forwarded: bool,
    /// A colleague took it while the phone rang.
    pub picked_up: bool,
    /// The number that the one who is dialled over a trunk sees.
    pub shown: Option<Box<str>>,
    /// A call that has come in is its far end.
    pub comes_in_again: bool,
    /// An event gap fell into it, and nothing has shown it since: it may have been answered meanwhile.
    pub in_doubt: bool,
}

/// One queue visit.
#[derive(Debug)]
pub(crate) struct TrackedVisit {
    pub queue: Box<str>,
    /// Joined, or refused.
    pub joined_ms: Millis,
    pub left_ms: Option<Millis>,
    /// Position; `None` if refused.
    pub position: Option<u32>,
    /// An agent was connected.
    pub connected: bool,
    /// `QueueCallerAbandon` came: provisional, it comes for a time-out too.
    pub abandoned: bool,
    /// QUEUESTATUS after it.
    pub status: Option<Box<str>>,
    /// An event gap fell into it, and nothing has shown it since: an agent may have been connected meanwhile.
    pub in_doubt: bool,
}

impl TrackedVisit {
    /// One that goes on.
    #[must_use]
    pub(crate) fn began(queue: &str, position: Option<u32>, joined_ms: Millis) -> Self {
        Self {
            queue: queue.into(),
            joined_ms,
            left_ms: None,
            position,
            connected: false,
            abandoned: false,
            status: None,
            in_doubt: false,
        }
    }
}

/// Someone who shared a bridge with the customer.
#[derive(Debug)]
pub(crate) struct Person {
    /// The person's channel.
    pub channel: Slot,
    /// Technology and peer at the time.
    pub interface: Box<str>,
    /// When they talked.
    pub talk: Clock,
}

impl Call {
    /// Whoever talks by this channel has left the conversation.
    pub(crate) fn leave_talk(&mut self, person: Slot, at: Millis) {
        for p in self.people.iter_mut().filter(|p| p.channel == person) {
            p.talk.set(Talking::No, at);
        }
    }

    /// A call that begins with this channel.
    #[must_use]
    pub(crate) fn new(linkedid: &str, first: Slot, origin: Origin, at: Millis) -> Self {
        Self {
            linkedid: linkedid.into(),
            keys: vec![linkedid.into()],
            stage: Stage::Live,
            due: None,
            origin,
            first,
            channels: Vec::with_capacity(4),
            live: 0,
            started_ms: at,
            touched_ms: at,
            trunk_dialled: false,
            number: None,
            name: None,
            did: None,
            trunk: None,
            attempts: Legs::default(),
            queue_visits: Vec::new(),
            ivr: Vec::new(),
            people: Vec::new(),
            talk: Clock::default(),
            machine: Clock::default(),
            dialplan: Dialplan::default(),
            transfers: 0,
            transfer_ms: None,
            cause: None,
            seen: Seen::default(),
            orphaned: false,
            dropped: 0,
            tags: Vec::new(),
            ratings: Vec::new(),
            forget_by: None,
            language: None,
            for_queue: None,
            read: None,
            line: None,
            waits_in: None,
            comes_in_again: false,
            ours: false,
            in_progress: None,
            recorded: None,
            corrections: 0,
            weighed: Weighed::default(),
            tape: Tape::default(),
        }
    }

    /// An event gap begins during it.
    pub(crate) fn loses_sync(&mut self) {
        self.seen.sync_is_lost();
        self.queue_visits
            .iter_mut()
            .filter(|queue_visit| queue_visit.left_ms.is_none())
            .for_each(|queue_visit| queue_visit.in_doubt = true);
        self.attempts.lose_sync();
    }

    /// A channel has come to it. `partial`: it is the first that is known of it, and it did not begin just now.
    pub(crate) fn channel_comes(&mut self, channel: Slot, partial: bool) {
        self.channels.push(channel);
        self.live += 1;
        if partial {
            self.seen.misses_its_beginning();
        }
        if self.stage == Stage::Recorded {
            self.stage = Stage::Ending;
        }
    }

    /// The channel that began it says when that was, behind a list that named it: its way through the dialplan comes again from there on.
    pub(super) fn shows_its_beginning(&mut self, at: Millis) {
        self.seen.shows_its_beginning();
        (self.dialplan, self.ivr) = (Dialplan::default(), Vec::new());
        self.started_ms = if self.channels.len() == 1 { at } else { self.started_ms.min(at) };
    }

    /// A transfer. `at`: when, if our side made it.
    pub(crate) fn transferred(&mut self, at: Option<Millis>) {
        self.transfers += 1;
        self.transfer_ms = at.or(self.transfer_ms);
    }

    /// The attempt to ring the channel with this uniqueid.
    pub(crate) fn attempt_mut(&mut self, uniqueid: &str) -> Option<&mut TrackedLeg> {
        self.attempts.of(uniqueid)
    }

    /// The latest queue visit, now that something shows the caller there: the caller was there all along, and nothing is in doubt.
    pub(crate) fn visit_shown(&mut self, queue: &str) -> Option<&mut TrackedVisit> {
        let queue_visit = self.queue_visits.iter_mut().rev().find(|s| &*s.queue == queue)?;
        if std::mem::take(&mut queue_visit.in_doubt) {
            self.seen.customer_is_shown();
        }
        Some(queue_visit)
    }

    /// The queue visit that is going on.
    pub(crate) fn visit_mut(&mut self, queue: &str) -> Option<&mut TrackedVisit> {
        self.queue_visits.iter_mut().rev().find(|s| &*s.queue == queue)
    }
}
