//! People who set codes on calls and take them off: what a code asks for holds while it is there, over any crash, and is taken back with it.

use super::{MINUTE, World};
use callbackd_core::callbacks::commands::Command;
use callbackd_core::model::codes::{Code, Codes, OnCallback, Said};
use callbackd_core::model::{Direction, E164, FinishedCall, Tag};
use fastrand::Rng;
use std::collections::BTreeSet;

/// What they set: two that ask for a callback, two that keep a number from being called.
const CODES: [&str; 4] = ["CALLBACK", "FOLLOW_UP", "SPAM", "WRONG_NUMBER"];

#[derive(Debug)]
pub(super) struct Coders {
    rng: Rng,
    /// Whoever was put on the do-not-call list, or taken off it, by a person: nothing is asked of them.
    by_hand: BTreeSet<E164>,
    set: u64,
    taken_off: u64,
}

fn suppresses(tag: &Tag) -> bool {
    ["SPAM", "WRONG_NUMBER"].contains(&tag.code.as_str())
}

impl World {
    /// On this day some people say what calls were about.
    pub fn with_coders(mut self) -> Self {
        let soon = |code: &Code| Code {
            after_ms: code.after_ms.min(10 * MINUTE),
            expires_ms: Some(90 * MINUTE),
            ..code.clone()
        };
        let shipped = Codes::default();
        let requests = shipped.iter().filter(|code| code.callback == OnCallback::Request).map(soon);
        self.policies.codes = Codes::new(requests);
        let rng = Rng::with_seed(self.seed ^ 0x00c0_de5e);
        self.coders = Some(Coders { rng, by_hand: BTreeSet::new(), set: 0, taken_off: 0 });
        self
    }

    /// A person sets a code on a call that has its row, or takes one off; `None` if nobody does on this day, or another order is given.
    pub(super) fn says_what_it_was(&mut self) -> Option<Command> {
        // What is said of calls is read from the disk by whoever gives the order.
        let is_written = self.queue.is_empty() && self.writing.is_none();
        let coders = self.coders.as_mut()?;
        if coders.rng.u32(..4) == 0 || !is_written {
            return None;
        }
        let of_customer = |call: &&FinishedCall| call.number_e164.is_some() && call.direction != Direction::Internal;
        let calls: Vec<&FinishedCall> = self.disk.calls.values().filter(of_customer).collect();
        let coded: Vec<&FinishedCall> = calls.iter().copied().filter(|call| !self.disk.said(call).is_empty()).collect();
        if !coded.is_empty() && coders.rng.u32(..5) < 2 {
            let call = coded[coders.rng.usize(..coded.len())];
            let of_call = self.disk.said(call).to_vec();
            let code = of_call[coders.rng.usize(..of_call.len())].code.clone();
            let others =
                calls.iter().filter(|other| other.number_e164 == call.number_e164 && other.key() != call.key());
            let elsewhere = others.flat_map(|other| self.disk.said(other)).filter(|tag| suppresses(tag)).cloned();
            let said = Box::new(Said {
                elsewhere: elsewhere.collect(),
                of_call,
                closed: self.disk.closed_by_list(call),
                unheeded: self.disk.unheeded(call),
            });
            coders.taken_off += 1;
            return Some(Command::Untag { call: Box::new(call.into()), said, code });
        }
        // Most often it is the newest.
        let calls = if coders.rng.bool() { &calls[calls.len().saturating_sub(3)..] } else { &calls[..] };
        let call = calls.get(coders.rng.usize(..calls.len().max(1)))?;
        let code = CODES[coders.rng.usize(..CODES.len())].to_owned();
        coders.set += 1;
        Some(Command::Tag { call: Box::new((*call).into()), code, note: String::new() })
    }

    /// A person gives another order.
    pub(super) fn decides_by_hand(&mut self, command: &Command) {
        let (Some(coders), Command::DncAdd { number, .. } | Command::DncRemove { number }) =
            (&mut self.coders, command)
        else {
            return;
        };
        coders.by_hand.extend(E164::new(number).ok());
    }

    /// What stands on calls at the end of the day holds, and nothing else.
    pub(super) fn codes_are_right(&self) -> Result<(), String> {
        let Some(coders) = &self.coders else { return Ok(()) };
        let mut listed: BTreeSet<&E164> = BTreeSet::new();
        for call in self.disk.calls.values() {
            let Some(number) = &call.number_e164 else { continue };
            for tag in self.disk.said(call) {
                if suppresses(tag) {
                    listed.insert(number);
                    if !coders.by_hand.contains(number) && !self.disk.do_not_call.contains_key(number) {
                        return Err(format!(
                            "{number} is not on the do-not-call list, and has {tag:?} on {:?}",
                            call.key()
                        ));
                    }
                } else if !self.disk.was_asked_for(call, tag) && !coders.by_hand.contains(number) {
                    return Err(format!("{number} was not called, and has {tag:?} on {:?}", call.key()));
                }
            }
        }
        let stray = |number: &&E164| !coders.by_hand.contains(*number) && !listed.contains(number);
        match self.disk.do_not_call.keys().find(stray) {
            Some(number) => Err(format!("{number} is on the do-not-call list, and no code says so")),
            None => Ok(()),
        }
    }

    /// Codes that were set, and that were taken off.
    pub(super) fn coded(&self) -> (u64, u64) {
        self.coders.as_ref().map_or((0, 0), |coders| (coders.set, coders.taken_off))
    }
}
