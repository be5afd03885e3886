//! One customer over all sites that share a group: before a callback dials, its customer is claimed for this site.
//!
//! ```text
//! a free agent → Output::Group(Claim) → GroupNews::Claimed → intent with the claim's revision → Originate, no later than the claim allows
//! ```
//!
//! A claim lives in one of three places: it is asked for, it has been given and goes into the intent of the same decision or back, or it belongs to
//! an attempt, and goes back with its end. What is kept where all sites see it, [`entry`] judges.

pub mod entry;

use crate::callbacks::attempt::NO_RESULT;
use crate::callbacks::task::{OURSELVES, WaitReason, reason};
use crate::callbacks::{Output, Scheduler};
use crate::millis::Millis;
use crate::model::{AttemptResult, AttemptRow, CallbackState, E164, GroupDnc, Record, RecoveredBy, text_enum};
use entry::Service;
use std::collections::{BTreeMap, BTreeSet};

/// An Originate leaves so long (ms) after the silence in which its attempt ends at the latest, its phones' ringing apart: a claim lasts no longer.
const UNHEARD_OF_MS: Millis = 60_000;

text_enum! {
    /// What a site does while it cannot ask the others.
    Alone {
        /// Nobody is called back until it can.
        Wait = "wait",
        /// Customers are called back; another site may call them too.
        Dial = "dial",
    }
}

/// A customer is this site's until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// By which writing of the customer's entry; never given twice.
    pub revision: i64,
    /// By the clock that counts since the machine was started, ms: nothing here compares it with anything.
    pub until_boot_ms: u64,
}

/// What the scheduler wants of the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupRequest {
    /// Claim this callback's customer, and come back with [`GroupNews::Claimed`].
    Claim {
        callback: i64,
        number: E164,
        /// The latest miss, ms since 1970 UTC by this machine's clock: who was served since is not called.
        missed_ms: Millis,
        /// Phones ring so long, ms.
        rings_ms: u64,
    },
    /// An attempt of an earlier run, or of another configuration, goes on: the claim that it has is not to run out.
    Keep { number: E164, rings_ms: u64 },
    /// The claim goes back.
    Release {
        number: E164,
        /// The customer was served.
        served: Option<Service>,
        /// The customer was called in vain: nobody else calls before so much time has passed, ms.
        rest_ms: Millis,
    },
}

/// Whether the customer may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// By nobody else, until the claim runs out.
    Granted(Claim),
    /// Another site calls the customer, or has just done so: it is asked again after so much time, ms.
    Taken { site: String, for_ms: u64 },
    /// Another site has served the customer since the miss, at this moment (ms since 1970 UTC by this machine's clock).
    Served { site: String, by: RecoveredBy, at_ms: Millis },
    /// Nobody can be asked.
    Away,
}

/// What is heard of the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupNews {
    /// The answer to [`GroupRequest::Claim`].
    Claimed { callback: i64, number: E164, answer: Claimed },
    /// The others can be asked (`true`), or not.
    Reached(bool),
    /// A claim ran out, and another site has the customer now.
    Lost(E164),
    /// The do-not-call list of another site has the number from now on, or no more.
    Dnc(GroupDnc),
    /// What was ordered here of a number of that list is with the others.
    DncSent(E164),
}

/// How the group stands.
#[derive(Debug, Default)]
pub(crate) struct Group {
    alone: Option<Alone>,
    /// Nobody can be asked.
    away: bool,
    /// Callbacks whose customers are being claimed.
    asked: BTreeSet<i64>,
    /// Claims that have just been given.
    granted: BTreeMap<i64, (E164, Claim)>,
    /// Callbacks whose customers another site has, until they are asked for again (by the monotonic clock).
    taken: BTreeMap<i64, u64>,
    /// Orders of this site about a number of the do-not-call list that are not with the others yet: they are later than what comes from there.
    dnc_orders: BTreeMap<E164, u32>,
}

impl Group {
    /// An order of this site changes its do-not-call list.
    pub(crate) fn ordered(&mut self, record: &Record) {
        let number = match record {
            Record::DncAdd(entry) => &entry.number_e164,
            Record::DncRemove(number) => number,
            _ => return,
        };
        if self.alone.is_some() {
            *self.dnc_orders.entry(number.clone()).or_default() += 1;
        }
    }
}

/// The customer of a callback may be dialled.
pub(crate) enum MayDial {
    /// With this claim, or without one where there is none to be had.
    Yes(Option<Claim>),
    /// It is being asked.
    NotYet,
}

impl Scheduler {
    /// This site shares its customers with others from now on, or with nobody. Whoever answered before answers no more and forgets what it held: what
    /// was asked is asked anew, and claims of attempts go on.
    pub(crate) fn group_is(&mut self, alone: Option<Alone>) {
        if alone.is_none() || self.group.alone.is_none() {
            self.group = Group::default();
        }
        self.group.alone = alone;
        self.group.asked.clear();
        self.rounds.set_due();
        let claims = self.attempts.iter().filter(|attempt| attempt.row.claim_revision.is_some());
        let held = claims.filter_map(|attempt| Some((attempt.number.clone()?, attempt.row.pbx.clone())));
        for (number, pbx) in held.collect::<Vec<_>>() {
            let rings_ms = self.rings_ms(&pbx);
            self.wants(GroupRequest::Keep { number, rings_ms });
        }
    }

    /// Whether this site shares its customers, and cannot ask about them now.
    #[must_use]
    pub fn group_is_away(&self) -> Option<bool> {
        self.group.alone.map(|_| self.group.away)
    }

    pub(crate) fn group_news(&mut self, news: &GroupNews) {
        match news {
            GroupNews::Claimed { callback, number, answer } => self.claimed(*callback, number, answer),
            GroupNews::Reached(reached) => {
                self.group.away = !reached;
                self.rounds.set_due();
            }
            GroupNews::Lost(number) => self.claim_lost(number),
            GroupNews::Dnc(dnc) => self.listed_elsewhere(dnc),
            GroupNews::DncSent(number) => {
                if let Some(orders) = self.group.dnc_orders.get_mut(number) {
                    *orders -= 1;
                    if *orders == 0 {
                        self.group.dnc_orders.remove(number);
                    }
                }
            }
        }
    }

    fn claimed(&mut self, id: i64, number: &E164, answer: &Claimed) {
        self.group.asked.remove(&id);
        self.rounds.set_due();
        let is_open = self.tasks.get(id).is_some_and(|task| task.attempt().is_none());
        match answer {
            Claimed::Granted(claim) if is_open && self.group.alone.is_some() => {
                self.group.granted.insert(id, (number.clone(), *claim));
            }
            Claimed::Granted(_) => self.gives_back(number.clone(), None, 0),
            Claimed::Away => self.group.away = true,
            _ if !is_open => {}
            Claimed::Taken { site, for_ms } => {
                let until = self.now.mono_ms.saturating_add(*for_ms);
                self.group.taken.insert(id, until);
                let note = format!("site {site} has the customer");
                if self.tasks.get(id).is_some_and(|task| task.row().reason != reason::ANOTHER_SITE) {
                    self.move_to(id, CallbackState::Waiting, reason::ANOTHER_SITE, OURSELVES, &note);
                }
            }
            Claimed::Served { site, by, at_ms } => {
                let state = match by {
                    RecoveredBy::Customer => CallbackState::RecoveredByCustomer,
                    RecoveredBy::Agent => CallbackState::RecoveredByAgent,
                    RecoveredBy::Callback => CallbackState::Done,
                };
                let note = format!("served at site {site}");
                self.close_recovered(id, state, reason::ELSEWHERE, OURSELVES, &note, None, Some((*by, *at_ms)));
            }
        }
    }

    /// Why a callback waits for the group, if it does.
    pub(crate) fn kept_by_group(&mut self, id: i64) -> Option<WaitReason> {
        let alone = self.group.alone?;
        if self.group.away {
            return (alone == Alone::Wait).then_some(WaitReason::NoGroup);
        }
        let until = *self.group.taken.get(&id)?;
        if until <= self.now.mono_ms {
            self.group.taken.remove(&id);
            return None;
        }
        self.tasks.schedule_by(id, until);
        Some(WaitReason::AnotherSite)
    }

    /// Whether a callback that has an agent may dial its customer; if that is not known it is asked for.
    pub(crate) fn may_dial(&mut self, id: i64, number: &E164) -> MayDial {
        if self.group.alone.is_none() {
            return MayDial::Yes(None);
        }
        if let Some((_, claim)) = self.group.granted.remove(&id) {
            return MayDial::Yes(Some(claim));
        }
        if self.group.away {
            return MayDial::Yes(None);
        }
        let Some(task) = self.tasks.get(id).filter(|_| !self.group.asked.contains(&id)) else { return MayDial::NotYet };
        let (missed_ms, rings_ms) = (task.row().last_missed_ms, self.rings_ms(&task.row().pbx));
        self.group.asked.insert(id);
        self.wants(GroupRequest::Claim { callback: id, number: number.clone(), missed_ms, rings_ms });
        MayDial::NotYet
    }

    /// So long phones may ring for an attempt on this PBX, ms.
    pub(crate) fn rings_ms(&self, pbx: &str) -> u64 {
        let policy = self.policy(pbx);
        u64::try_from(policy.agent_ring_ms + policy.customer_ring_ms).unwrap_or_default()
    }

    /// Claims that no attempt has taken go back: somebody else may have an agent for the customer.
    pub(crate) fn give_unused_back(&mut self) {
        for (number, _) in std::mem::take(&mut self.group.granted).into_values() {
            self.gives_back(number, None, 0);
        }
    }

    /// An attempt is over, and its claim goes back.
    pub(crate) fn claim_ends(&mut self, row: &AttemptRow, number: Option<&E164>, result: AttemptResult) {
        let (Some(number), Some(_)) = (number, row.claim_revision) else { return };
        let (began_ms, ended_ms) = (row.intended_ms, row.ended_ms.unwrap_or(self.now.wall_ms));
        let served =
            (result == AttemptResult::Connected).then_some(Service { by: RecoveredBy::Callback, began_ms, ended_ms });
        let retry = self.policy(&row.pbx).retry.after(result).filter(|_| result.meaning().customer_dialled);
        // Of one that nothing was heard of, the Originate may be about to leave yet: until its phones have rung nobody else calls.
        let is_unheard_of = result == AttemptResult::Lost || row.detail == NO_RESULT;
        let rings_ms = Millis::try_from(self.rings_ms(&row.pbx)).unwrap_or(Millis::MAX);
        let rest_ms = if is_unheard_of { rings_ms.saturating_add(UNHEARD_OF_MS) } else { 0 };
        self.gives_back(number.clone(), served, retry.unwrap_or(0).max(rest_ms));
    }

    fn gives_back(&mut self, number: E164, served: Option<Service>, rest_ms: Millis) {
        self.wants(GroupRequest::Release { number, served, rest_ms });
    }

    fn wants(&mut self, request: GroupRequest) {
        self.outputs.push_back(Output::Group(request));
    }

    /// This machine stood still for too long: what rings for the customer here is hung up, for another site may be calling.
    fn claim_lost(&mut self, number: &E164) {
        let ours = |row: &AttemptRow| row.claim_revision.is_some() && row.customer_answered_ms.is_none();
        let attempts = self.attempts.iter().filter(|a| a.number.as_ref() == Some(number) && ours(&a.row));
        let ids: Vec<String> = attempts.map(|attempt| attempt.row.channel_id.clone()).collect();
        for channel_id in ids {
            self.abandon(&channel_id, "its claim ran out, and another site has the customer");
        }
    }

    /// A number is on another site's do-not-call list, or no more: so it is here.
    fn listed_elsewhere(&mut self, dnc: &GroupDnc) {
        let number = &dnc.number_e164;
        if self.group.dnc_orders.contains_key(number) || self.customers.listed(number) == dnc.entry.as_ref() {
            return;
        }
        let record = Record::GroupDnc(Box::new(dnc.clone()));
        match &dnc.entry {
            Some(entry) if !self.customers.may_add_to_dnc(number, &entry.reason) => {
                self.counters.do_not_call_refused += 1
            }
            Some(entry) => self.list(entry.clone(), &dnc.site, record),
            None => {
                self.customers.remove_from_dnc(number);
                self.store(record);
            }
        }
    }

    /// A callback is closed.
    pub(crate) fn leaves_group(&mut self, id: i64) {
        self.group.taken.remove(&id);
    }
}
