//! One callbackd at a time makes callbacks on a PBX: the one that does shows a sign there, and one that sees another's sign waits.
//!
//! The sign is a global variable of Asterisk ([`SIGN_VARIABLE`]). It is read when the PBX comes in sync, and written anew every
//! [`BEAT_MS`] by the one that makes callbacks; Asterisk reports each writing to all (`VarSet`). No clock of another machine is believed:
//! a sign is as old as its last event. It needs no right that callbackd does not need anyway (write `call` and `reporting`, read `dialplan`).
//! A new channel that bears another database's id of an attempt is a sign too, of one that may not write the variable.
//!
//! Who was first goes on: between two that both make callbacks, the one with fewer signs gives way, and of equals the one with the higher
//! identity. Whoever has given way shows no sign, so that two never wait for each other. One's own sign, of an earlier run as well, is none.

use crate::callbacks::pbx_action::PbxAction;
use crate::callbacks::{Answer, Presences, Scheduler};
#[cfg(doc)]
use crate::model::sign::SIGN_VARIABLE;
use crate::model::sign::Sign;
use crate::model::{AttemptPrefix, PbxId};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The sign is given this often, ms.
pub const BEAT_MS: u64 = 15_000;
/// For so long after another's sign was heard last no callbacks are made, ms.
pub const FRESH_MS: u64 = 60_000;
/// So long is waited for Asterisk to say whose sign it holds, ms; then callbacks are made without knowing.
pub const ANSWER_MS: u64 = 3_000;

/// Another callbackd that makes callbacks on a PBX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Another {
    /// The identity of its database.
    pub identity: AttemptPrefix,
    /// This one makes no callbacks there meanwhile.
    pub gives_way: bool,
}

/// Who else makes callbacks on a PBX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// It does not matter: this one makes none there.
    Off,
    /// It cannot be seen, or has not been listened for long enough.
    Unknown,
    /// Nobody.
    Nobody,
    /// Another one.
    One(Another),
}

/// Whether the sign on a PBX is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Known {
    /// It has not been asked for since the PBX came in sync.
    #[default]
    No,
    /// It was asked for; not waited for beyond this moment of the monotonic clock.
    Asked(u64),
    /// It is.
    Yes,
}

/// What is known of who makes callbacks on one PBX.
#[derive(Debug, Default)]
struct OnPbx {
    known: Known,
    /// Another's latest sign, and when it was heard by the monotonic clock.
    another: Option<(AttemptPrefix, u64, u64)>,
    /// Signs have been listened for since then.
    since: u64,
    /// The other one stopped, or fell silent, while it was listened.
    gone: bool,
    /// One's own signs since callbacks were taken up.
    beats: u64,
    /// The next is due.
    next: u64,
    /// Asterisk refuses to set the variable.
    refused: bool,
    /// A sign that an event reported: a caller can write an event, so Asterisk is asked.
    reported: Option<Sign>,
    /// It has been asked for that.
    asked_again: bool,
}

impl OnPbx {
    /// What has been listened to since now.
    fn new(now: u64) -> Self {
        Self { since: now, ..Self::default() }
    }

    fn fresh(&self, now: u64) -> Option<(AttemptPrefix, u64)> {
        self.another.filter(|(.., heard)| now < heard + FRESH_MS).map(|(identity, beats, _)| (identity, beats))
    }

    /// Another was first.
    fn comes_second(&self, own: AttemptPrefix, now: u64) -> bool {
        let first = |(identity, beats)| (beats, Reverse(identity)) > (self.beats, Reverse(own));
        self.fresh(now).is_some_and(first)
    }

    /// Another's sign, or a stop of theirs.
    fn seen(&mut self, sign: Sign, now: u64) {
        match sign.beats {
            // A channel of one whose sign is known says no more than that.
            Some(0) if self.fresh(now).is_some_and(|(identity, _)| identity == sign.identity) => {
                if let Some((.., heard)) = &mut self.another {
                    *heard = now;
                }
            }
            Some(beats) => (self.another, self.gone) = (Some((sign.identity, beats, now)), false),
            None => self.gone |= self.another.take_if(|(identity, ..)| *identity == sign.identity).is_some(),
        }
    }

    /// The other one's sign is not believed any longer than it is fresh. Returns whether it fell silent.
    fn silent(&mut self, now: u64) -> bool {
        let silent = self.another.take_if(|(.., heard)| now >= *heard + FRESH_MS).is_some();
        self.gone |= silent;
        silent
    }

    /// Nobody else is there: an empty variable alone does not say so, for the other one may not have shown its sign yet.
    fn is_alone(&self, now: u64) -> bool {
        self.known == Known::Yes && (self.gone || now >= self.since + FRESH_MS)
    }

    /// One's own sign, if it is the time to show it.
    fn beat(&mut self, own: AttemptPrefix, now: u64) -> Option<PbxAction> {
        if self.refused || self.beats > 0 && self.next > now {
            return None;
        }
        self.beats += 1;
        self.next = now + BEAT_MS;
        Some(PbxAction::ShowSign(Sign { identity: own, beats: Some(self.beats) }))
    }

    /// One's own sign is taken back, if it was shown.
    fn take_back(&mut self, own: AttemptPrefix) -> Option<PbxAction> {
        let shown = std::mem::take(&mut self.beats) > 0;
        shown.then_some(PbxAction::ShowSign(Sign { identity: own, beats: None }))
    }

    fn deadline(&self) -> Option<u64> {
        let asked = if let Known::Asked(until) = self.known { Some(until) } else { None };
        let stale = self.another.map(|(.., heard)| heard + FRESH_MS);
        let next = (self.beats > 0).then_some(self.next);
        [asked, stale, next].into_iter().flatten().min()
    }
}

/// What a decision does about the sign on a PBX.
#[derive(Debug, Default)]
struct Shown {
    action: Option<PbxAction>,
    /// Who makes callbacks there may have changed.
    changed: bool,
}

/// Who makes callbacks on each PBX. All moments are of the monotonic clock.
#[derive(Debug)]
pub(crate) struct Signs {
    own: AttemptPrefix,
    by_pbx: BTreeMap<PbxId, OnPbx>,
    stopped: bool,
}

impl Signs {
    /// Nothing is known yet. `own`: the identity of this daemon's database.
    pub(crate) const fn new(own: AttemptPrefix) -> Self {
        Self { own, by_pbx: BTreeMap::new(), stopped: false }
    }

    /// A sign was seen. Returns whether it was another's.
    fn seen(&mut self, pbx: &PbxId, sign: Sign, now: u64) -> bool {
        let another = sign.identity != self.own;
        if another {
            self.of(pbx, now).seen(sign, now);
        }
        another
    }

    /// An event reported a sign: the variable is read again.
    fn reported(&mut self, pbx: &PbxId, sign: Sign, now: u64) {
        if sign.identity != self.own {
            self.of(pbx, now).reported = Some(sign);
        }
    }

    /// Asterisk's variable was read, or may not be read: what an event reported of it counts then.
    fn read(&mut self, pbx: &PbxId, value: Option<&str>, now: u64) -> Option<Sign> {
        let signs = self.of(pbx, now);
        signs.known = Known::Yes;
        signs.asked_again = false;
        let reported = signs.reported.take();
        match value {
            Some(value) => Sign::parse(value),
            None => reported,
        }
    }

    fn of(&mut self, pbx: &PbxId, now: u64) -> &mut OnPbx {
        self.by_pbx.entry(pbx.clone()).or_insert_with(|| OnPbx::new(now))
    }

    /// One's own sign was refused.
    fn refused(&mut self, pbx: &PbxId) {
        if let Some(signs) = self.by_pbx.get_mut(pbx) {
            (signs.refused, signs.beats) = (true, 0);
        }
    }

    /// Coverage of the PBX is lost: who makes callbacks there is asked again.
    pub(crate) fn forget(&mut self, pbx: &str) {
        self.by_pbx.remove(pbx);
    }

    /// Asks who makes callbacks on a covered PBX where that is not known, and shows one's own sign where callbacks are made.
    fn show(&mut self, pbx: &PbxId, enabled: bool, alongside: bool, now: u64) -> Shown {
        if self.stopped || !enabled && !self.by_pbx.contains_key(pbx) {
            return Shown::default();
        }
        let gives_way = !alongside && self.comes_second(pbx, now);
        let own = self.own;
        let signs = self.of(pbx, now);
        let mut changed = signs.silent(now);
        match signs.known {
            Known::No if enabled => {
                signs.known = Known::Asked(now + ANSWER_MS);
                return Shown { action: Some(PbxAction::AskSign), changed };
            }
            Known::Asked(until) if now < until => return Shown { action: None, changed },
            Known::Asked(_) => {
                signs.known = Known::Yes;
                changed = true;
            }
            Known::Yes if enabled && signs.reported.is_some() && !signs.asked_again => {
                signs.asked_again = true;
                return Shown { action: Some(PbxAction::AskSign), changed };
            }
            Known::No | Known::Yes => {}
        }
        let action = if !enabled {
            signs.take_back(own)
        } else if gives_way {
            signs.beats = 0;
            None
        } else {
            signs.beat(own, now)
        };
        Shown { action, changed }
    }

    /// The daemon ends: one's own signs are taken back, and none is shown any more.
    fn stop(&mut self) -> Vec<(PbxId, PbxAction)> {
        self.stopped = true;
        let own = self.own;
        self.by_pbx.iter_mut().filter_map(|(pbx, signs)| Some((pbx.clone(), signs.take_back(own)?))).collect()
    }

    /// Another makes callbacks on this PBX, and was first.
    fn comes_second(&self, pbx: &str, now: u64) -> bool {
        self.by_pbx.get(pbx).is_some_and(|signs| signs.comes_second(self.own, now))
    }

    /// Who makes callbacks on this PBX is known.
    fn is_known(&self, pbx: &str) -> bool {
        self.by_pbx.get(pbx).is_some_and(|signs| signs.known == Known::Yes)
    }

    /// The other one that makes callbacks on this PBX; none if nobody does, nothing if that is not known.
    fn another_on(&self, pbx: &str, now: u64) -> Option<Option<AttemptPrefix>> {
        let signs = self.by_pbx.get(pbx)?;
        match signs.fresh(now) {
            Some((identity, _)) => Some(Some(identity)),
            None => signs.is_alone(now).then_some(None),
        }
    }

    /// When [`Signs::show`] may have something to do.
    pub(crate) fn deadline(&self) -> Option<u64> {
        self.by_pbx.values().filter_map(OnPbx::deadline).min()
    }
}

impl Scheduler {
    /// A sign was seen on this PBX, or a stop. Of an event that reports the variable Asterisk is asked whether it is so.
    pub(crate) fn sign_seen(&mut self, pbx: &PbxId, sign: Sign) {
        if sign.beats == Some(0) || !self.policy(pbx).enabled {
            return self.sign_counts(pbx, sign);
        }
        self.signs.reported(pbx, sign, self.now.mono_ms);
        self.rounds.set_due();
    }

    fn sign_counts(&mut self, pbx: &PbxId, sign: Sign) {
        if self.signs.seen(pbx, sign, self.now.mono_ms) {
            self.rounds.set_due();
        }
    }

    /// What Asterisk's variable holds; nothing if it could not be read.
    pub(crate) fn sign_read(&mut self, pbx: &PbxId, value: Option<&str>) {
        let sign = self.signs.read(pbx, value, self.now.mono_ms);
        self.rounds.set_due();
        if let Some(sign) = sign {
            self.sign_counts(pbx, sign);
        }
    }

    /// What became of one's own sign.
    pub(crate) fn sign_written(&mut self, pbx: &PbxId, answer: Answer<'_>) {
        if let Answer::Refused(_) = answer {
            self.signs.refused(pbx);
        }
    }

    /// Asks who makes callbacks where that is not known, and shows one's own sign where callbacks are made.
    pub(crate) fn show_signs(&mut self, presences: &Presences<'_>) {
        for (pbx, presence) in presences {
            if !presence.in_sync() {
                self.signs.forget(pbx);
                continue;
            }
            let policy = self.policies.of(pbx);
            let Shown { action, changed } = self.signs.show(pbx, policy.enabled, policy.alongside, self.now.mono_ms);
            if changed {
                self.rounds.set_due();
            }
            let asks_dialling = policy.dial_agent.is_none();
            if let Some(action) = action {
                // Answers come in this order: who knows the sign knows how agents are dialled.
                if asks_dialling && action == PbxAction::AskSign {
                    self.act(pbx, PbxAction::AskFreepbx);
                }
                self.act(pbx, action);
            }
        }
    }

    /// The daemon ends: its signs are taken back, and none is shown any more. What is wanted is given out by [`Scheduler::poll`].
    pub fn stop(&mut self) {
        for (pbx, action) in self.signs.stop() {
            self.act(&pbx, action);
        }
    }

    /// No callbacks are made on this PBX now, because another callbackd makes them.
    pub(crate) fn gives_way(&self, pbx: &str) -> bool {
        !self.policy(pbx).alongside && self.signs.comes_second(pbx, self.now.mono_ms)
    }

    /// Whose callbacks are made on this PBX, or how its agents are dialled, is not known yet.
    pub(crate) fn sign_is_asked_for(&self, pbx: &str) -> bool {
        let policy = self.policy(pbx);
        (!policy.alongside || policy.dial_agent.is_none()) && !self.signs.is_known(pbx)
    }

    /// Who else makes callbacks on this PBX, as far as can be seen. Only where this one does, too, can they be in each other's way.
    #[must_use]
    pub fn others_on(&self, pbx: &str) -> Others {
        if !self.policy(pbx).enabled {
            return Others::Off;
        }
        match self.signs.another_on(pbx, self.now.mono_ms) {
            None => Others::Unknown,
            Some(None) => Others::Nobody,
            Some(Some(identity)) => Others::One(Another { identity, gives_way: self.gives_way(pbx) }),
        }
    }

    /// Another callbackd that makes callbacks on this PBX where this one is to make them.
    #[must_use]
    pub fn another_on(&self, pbx: &str) -> Option<Another> {
        if let Others::One(another) = self.others_on(pbx) { Some(another) } else { None }
    }
}
