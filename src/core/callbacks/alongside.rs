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
pub(crate) struct Signs {
    known: Known,
    /// Another's latest sign, and when it was heard by the monotonic clock.
    another: Option<(AttemptPrefix, u64, u64)>,
    /// One's own signs since callbacks were taken up.
    beats: u64,
    /// The next is due.
    next: u64,
    /// Asterisk refuses to set the variable.
    refused: bool,
}

impl Signs {
    fn fresh(&self, now: u64) -> Option<(AttemptPrefix, u64)> {
        self.another.filter(|(.., heard)| now < heard + FRESH_MS).map(|(identity, beats, _)| (identity, beats))
    }

    /// Another was first.
    fn comes_second(&self, own: AttemptPrefix, now: u64) -> bool {
        let first = |(identity, beats)| (beats, Reverse(identity)) > (self.beats, Reverse(own));
        self.fresh(now).is_some_and(first)
    }

    fn deadline(&self) -> Option<u64> {
        let asked = if let Known::Asked(until) = self.known { Some(until) } else { None };
        let stale = self.another.map(|(.., heard)| heard + FRESH_MS);
        let next = (self.beats > 0).then_some(self.next);
        [asked, stale, next].into_iter().flatten().min()
    }
}

impl Scheduler {
    /// Another's sign was seen on this PBX, or a stop of theirs.
    pub(crate) fn sign_seen(&mut self, pbx: &PbxId, sign: Sign) {
        if sign.identity == self.prefix {
            return;
        }
        let now = self.now.mono_ms;
        let signs = self.signs.entry(pbx.clone()).or_default();
        match sign.beats {
            // A channel of one whose sign is known says no more than that.
            Some(0) if signs.fresh(now).is_some_and(|(identity, _)| identity == sign.identity) => {
                if let Some((.., heard)) = &mut signs.another {
                    *heard = now;
                }
            }
            Some(beats) => signs.another = Some((sign.identity, beats, now)),
            None => drop(signs.another.take_if(|(identity, ..)| *identity == sign.identity)),
        }
        self.dirty = true;
    }

    /// What Asterisk's variable holds; nothing if it could not be read.
    pub(crate) fn sign_read(&mut self, pbx: &PbxId, value: Option<&str>) {
        self.signs.entry(pbx.clone()).or_default().known = Known::Yes;
        self.dirty = true;
        if let Some(sign) = value.and_then(Sign::parse) {
            self.sign_seen(pbx, sign);
        }
    }

    /// What became of one's own sign.
    pub(crate) fn sign_written(&mut self, pbx: &PbxId, answer: Answer<'_>) {
        if let (Some(signs), Answer::Refused(_)) = (self.signs.get_mut(pbx), answer) {
            (signs.refused, signs.beats) = (true, 0);
        }
    }

    /// Coverage of the PBX is lost: who makes callbacks there is asked again.
    pub(crate) fn signs_unknown(&mut self, pbx: &str) {
        self.signs.remove(pbx);
    }

    /// Asks who makes callbacks where that is not known, and shows one's own sign where callbacks are made.
    pub(crate) fn show_signs(&mut self, presences: &Presences<'_>) {
        if self.stopped {
            return;
        }
        let now = self.now.mono_ms;
        for (pbx, presence) in presences {
            let enabled = self.policy(pbx).enabled;
            if !presence.in_sync() {
                self.signs_unknown(pbx);
                continue;
            }
            if !enabled && !self.signs.contains_key(pbx) {
                continue;
            }
            let gives_way = self.gives_way(pbx);
            let signs = self.signs.entry(pbx.clone()).or_default();
            if signs.another.take_if(|(.., heard)| now >= *heard + FRESH_MS).is_some() {
                self.dirty = true;
            }
            match signs.known {
                Known::No if enabled => {
                    signs.known = Known::Asked(now + ANSWER_MS);
                    // Answers come in this order: who knows the sign knows how agents are dialled.
                    if self.policy(pbx).dial_agent.is_none() {
                        self.act(pbx, PbxAction::AskFreepbx);
                    }
                    self.act(pbx, PbxAction::AskSign);
                    continue;
                }
                Known::Asked(until) if now < until => continue,
                Known::Asked(_) => {
                    signs.known = Known::Yes;
                    self.dirty = true;
                }
                Known::No | Known::Yes => {}
            }
            if !enabled {
                self.take_sign_back(pbx);
            } else if gives_way {
                signs.beats = 0;
            } else if !signs.refused && (signs.beats == 0 || signs.next <= now) {
                signs.beats += 1;
                signs.next = now + BEAT_MS;
                let sign = Sign { identity: self.prefix, beats: Some(signs.beats) };
                self.act(pbx, PbxAction::ShowSign(sign));
            }
        }
    }

    fn take_sign_back(&mut self, pbx: &PbxId) {
        let Some(signs) = self.signs.get_mut(pbx).filter(|signs| signs.beats > 0) else { return };
        signs.beats = 0;
        let sign = Sign { identity: self.prefix, beats: None };
        self.act(pbx, PbxAction::ShowSign(sign));
    }

    /// The daemon ends: its signs are taken back, and none is shown any more. What is wanted is given out by [`Scheduler::poll`].
    pub fn stop(&mut self) {
        self.stopped = true;
        let pbxs: Vec<PbxId> = self.signs.keys().cloned().collect();
        for pbx in pbxs {
            self.take_sign_back(&pbx);
        }
    }

    /// No callbacks are made on this PBX now, because another callbackd makes them.
    pub(crate) fn gives_way(&self, pbx: &str) -> bool {
        let second = |signs: &Signs| signs.comes_second(self.prefix, self.now.mono_ms);
        !self.policy(pbx).alongside && self.signs.get(pbx).is_some_and(second)
    }

    /// Whose callbacks are made on this PBX, or how its agents are dialled, is not known yet.
    pub(crate) fn sign_is_asked_for(&self, pbx: &str) -> bool {
        let policy = self.policy(pbx);
        (!policy.alongside || policy.dial_agent.is_none())
            && self.signs.get(pbx).is_none_or(|signs| signs.known != Known::Yes)
    }

    pub(crate) fn signs_deadline(&self) -> Option<u64> {
        self.signs.values().filter_map(Signs::deadline).min()
    }

    /// Another callbackd that makes callbacks on this PBX, as far as can be seen.
    #[must_use]
    pub fn another_on(&self, pbx: &str) -> Option<Another> {
        let (identity, _) = self.signs.get(pbx)?.fresh(self.now.mono_ms)?;
        Some(Another { identity, gives_way: self.policy(pbx).enabled && self.gives_way(pbx) })
    }
}
