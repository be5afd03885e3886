//! Callers who ask to be called back, in their language, at a time that they name or as soon as can be; and whether that was kept.

use super::{MINUTE, SECOND, START, World, is_open};
use callbackd::demo::pbx::Input;
use callbackd_core::callbacks::attempt::originate::Originate;
use callbackd_core::callbacks::policy::{OnMissedOffers, QueuePolicy};
use callbackd_core::model::{CallKey, CallbackRow, CallbackState, FinishedCall, Record};
use fastrand::Rng;
use std::collections::{BTreeMap, BTreeSet};

/// Languages that they speak; who asks for nothing hears English.
const LANGUAGES: [&str; 3] = ["de", "fr", "es_MX"];
/// Times are kept this well, ms.
const SLACK_MS: i64 = 2 * SECOND;
/// Two misses that end so near to each other may be recorded in either order, ms.
const AT_ONCE_MS: i64 = 10 * SECOND;

/// What a caller asked for.
struct Wish {
    linkedid: String,
    said_ms: i64,
    /// As it was said; empty if they named no time.
    time: String,
    /// The moment that it means, ms since 1970 UTC; `None` if it means none.
    at_ms: Option<i64>,
    language: &'static str,
}

/// What was asked for in a day.
pub(super) struct Wishes {
    rng: Rng,
    all: Vec<Wish>,
    /// `callback.alarm_late` of the day.
    alarm_ms: i64,
    /// Since when each callback stands on the disk as it does.
    stands_ms: BTreeMap<i64, i64>,
    /// When the daemon that runs began.
    pub(super) up_ms: i64,
}

impl Wishes {
    /// The moment from which a callback that was expected then is late: so much time of opening hours after it, second by second.
    fn late_ms(&self, queue: Option<&str>, expected_ms: i64) -> i64 {
        let (mut at, mut left) = (expected_ms, self.alarm_ms);
        while left > 0 || !is_open(queue, at) {
            if is_open(queue, at) {
                left -= SECOND;
            }
            at += SECOND;
        }
        at
    }
}

/// The customer's phone rings, or they talk.
fn is_being_called(row: &CallbackRow) -> bool {
    matches!(row.state, CallbackState::DialingCustomer | CallbackState::Talking)
}

impl World {
    /// On this day some callers ask to be called back, nobody gives orders, and what comes late raises an alarm.
    pub fn with_wishes(mut self) -> Self {
        let mut rng = Rng::with_seed(self.seed ^ 0x0051_5e5e);
        let alarm_ms = rng.i64(5..240) * SECOND;
        let expire_ms = alarm_ms + rng.i64(10..120) * MINUTE;
        let cooldown_ms = rng.i64(1..20) * MINUTE;
        self.policies.overall.max_active = 1;
        let then = if rng.u32(..4) == 0 {
            OnMissedOffers::Pause
        } else {
            OnMissedOffers::LeaveOut { for_ms: rng.i64(3..15) * MINUTE }
        };
        // A day of one PBX calls it otherwise than its configuration.
        for policy in self.policies.pbx.values_mut().chain([&mut self.policies.others]) {
            let queues = policy.queues.values_mut().chain([&mut policy.default]);
            queues.for_each(|queue: &mut QueuePolicy| {
                (queue.alarm_late_ms, queue.expire_requested_ms) = (Some(alarm_ms), expire_ms);
            });
            (policy.missed_offers, policy.on_missed_offers) = (rng.u32(1..4), then);
            // Agents are asked so seldom that some callbacks come late.
            policy.agent_cooldown_ms = cooldown_ms;
        }
        self.wishes = Some(Wishes { rng, all: Vec::new(), alarm_ms, stands_ms: BTreeMap::new(), up_ms: START });
        self
    }

    /// Perhaps the caller whose channel has this number asks for something.
    pub(super) fn perhaps_asks(&mut self, i: usize, channel: u32, linkedid: Option<String>) {
        let Some(wishes) = &mut self.wishes else { return };
        let (Some(linkedid), 0) = (linkedid, wishes.rng.u32(..2)) else { return };
        let minutes = wishes.rng.i64(1..40);
        let civil = |ms: i64| {
            let at = jiff::Timestamp::from_millisecond(ms).expect("a day of this century");
            at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%dT%H:%M").to_string()
        };
        let at = self.now + minutes * MINUTE;
        let (time, at_ms) = match wishes.rng.u32(..5) {
            0 => (String::new(), None),
            1 => ("soon".to_owned(), None),
            2 => (civil(START - 60 * MINUTE), None),
            3 => (civil(at), Some(at - at.rem_euclid(MINUTE))),
            _ => (format!("+{minutes}m"), Some(at)),
        };
        let at_ms = at_ms.filter(|at| *at >= self.now);
        let language = LANGUAGES[wishes.rng.usize(..LANGUAGES.len())];
        wishes.all.push(Wish { linkedid, said_ms: self.now, time: time.clone(), at_ms, language });
        let fields = [("At", time.as_str()), ("Language", language)];
        self.sites[i].pbx.handle(Input::Says(channel, "CallbackRequest", &fields), self.now);
    }

    /// The misses of a callback that are on the disk, the latest last, with what their callers asked for, as far as the daemon heard it.
    fn misses_of(&self, callback: i64) -> Vec<(&FinishedCall, Option<&Wish>)> {
        let keys = self.disk.misses.iter().filter(|(_, id)| **id == callback).map(|(key, _)| key);
        let mut misses: Vec<_> = keys.filter_map(|key: &CallKey| self.disk.calls.get(key)).collect();
        misses.sort_by_key(|call| call.ended_ms);
        let wish_of = |call: &FinishedCall| {
            let wishes = self.wishes.iter().flat_map(|wishes| &wishes.all);
            wishes.into_iter().find(|wish| wish.linkedid == call.linkedid)
        };
        // A wish that names no time leaves the code that follows from it.
        let heard = |call: &FinishedCall, wish: &Wish| {
            let (code, note) = if wish.time.is_empty() { ("CALLBACK", "") } else { ("CALLBACK_AT", &*wish.time) };
            let said = |all: &BTreeSet<(String, String)>| all.iter().any(|(c, n)| c == code && n == note);
            self.disk.heard.get(&(callback, call.key())).is_some_and(said)
        };
        misses.into_iter().map(|call| (call, wish_of(call).filter(|wish| heard(call, wish)))).collect()
    }

    /// An agent is about to be rung: not before the time that the customer named, and in the customer's language.
    pub(super) fn is_as_wished(&self, originate: &Originate) -> Result<(), String> {
        if self.wishes.is_none() {
            return Ok(());
        }
        let id = &originate.channel_id;
        let intended_ms = self.disk.attempts.get(id).map_or(self.now, |row| row.intended_ms);
        let misses: Vec<_> = self.misses_of(originate.callback_id);
        let queue = self.disk.callbacks.get(&originate.callback_id).and_then(|row| row.queue.as_deref());
        let of_time = misses.iter().rev().find_map(|(call, wish)| Some((*call, (*wish)?, (*wish)?.at_ms?)));
        // A clock that was set moves what is reckoned by it; an attempt that was on its way goes on; of two at once either may count.
        let sure = |call: &FinishedCall| {
            let others = misses.iter().filter(|(other, _)| other.linkedid != call.linkedid);
            let alone = others.clone().all(|(other, _)| (other.ended_ms - call.ended_ms).abs() > AT_ONCE_MS);
            self.wall_shift == 0 && alone && intended_ms > call.ended_ms + AT_ONCE_MS
        };
        if let Some((call, wish, at_ms)) = of_time.filter(|(call, ..)| sure(call)) {
            let opens = (at_ms..).step_by(1_000).find(|ms| is_open(queue, *ms)).expect("it opens within the hour");
            if self.now + SLACK_MS < opens {
                let (time, said) = (&wish.time, wish.said_ms);
                return Err(format!(
                    "{id} is dialled at {}, before {opens}: {time:?} was said at {said}: {call:?}",
                    self.now
                ));
            }
        }
        let spoken = originate.variables.iter().find(|(name, _)| *name == "CALLBACKD_LANGUAGE");
        let spoken = spoken.map_or("", |(_, language)| language.as_str());
        // A run that took the call up in its middle, and wrote its row anew, may know no language: what the callback was told before stands.
        let last = misses.iter().rev().find(|(call, wish)| wish.is_some() || call.language.is_some());
        if let Some((call, wish)) = last.filter(|(call, _)| sure(call)) {
            let wished = wish.map_or("en", |wish| wish.language);
            let unheard = wish.is_none() && call.language.as_deref() != Some("en");
            if spoken != wished && !unheard {
                return Err(format!("{id} speaks {spoken:?}, and the customer {wished:?}: {call:?}"));
            }
        }
        Ok(())
    }

    /// A transaction is about to be on the disk, whose first record was made at `made_ms`: a callback that stood there late, whose customer was neither
    /// called nor being called, has raised its alarm before anything else became of it; and no alarm comes before it is late.
    pub(super) fn is_alarmed_in_time(&mut self, batch: &[Record], made_ms: i64) -> Result<(), String> {
        let (now, shifted) = (self.now, self.wall_shift != 0);
        let Some(wishes) = &mut self.wishes else { return Ok(()) };
        let mut rows: BTreeMap<i64, &CallbackRow> = BTreeMap::new();
        for record in batch {
            let Record::Callback(change) = record else { continue };
            let (id, row) = (change.row.id, &change.row);
            let before = rows.get(&id).copied().or_else(|| self.disk.callbacks.get(&id));
            let since_ms = wishes.stands_ms.insert(id, now).unwrap_or(now);
            if let Some(before) = before.filter(|_| !shifted) {
                let owed = before.counted == 0 && before.alarmed_ms.is_none() && !is_being_called(before);
                let expected_ms = before.requested_for_ms.filter(|at| owed && at + wishes.alarm_ms < made_ms);
                let late_ms = expected_ms.map(|at| wishes.late_ms(before.queue.as_deref(), at));
                let overdue = |late: i64| late.max(since_ms).max(wishes.up_ms) + SLACK_MS < made_ms;
                // The alarm itself may not come later, either.
                if late_ms.is_some_and(overdue) {
                    return Err(format!(
                        "late since {late_ms:?}, and no alarm before {made_ms}: {before:?}, then {row:?}"
                    ));
                }
            }
            let late_ms = row.requested_for_ms.map(|at| wishes.late_ms(row.queue.as_deref(), at));
            if change.late && !shifted && late_ms.is_none_or(|late| row.alarmed_ms < Some(late)) {
                return Err(format!("an alarm, and late only from {late_ms:?} on: {row:?}"));
            }
            if change.late && (row.counted > 0 || is_being_called(row)) {
                return Err(format!("an alarm, and the customer has been called, or is being called: {row:?}"));
            }
            rows.insert(id, row);
        }
        Ok(())
    }

    /// At the end of the day: who asked and was never called raised an alarm, and nobody's was raised too early.
    pub(super) fn alarms_are_right(&self) -> Result<(), String> {
        let Some(wishes) = &self.wishes else { return Ok(()) };
        for row in self.disk.callbacks.values() {
            let Some(expected_ms) = row.requested_for_ms else { continue };
            let early = |alarmed: i64| alarmed < expected_ms + wishes.alarm_ms;
            if self.wall_shift == 0 && row.alarmed_ms.is_some_and(early) {
                return Err(format!("the alarm comes before {} ms have passed: {row:?}", wishes.alarm_ms));
            }
            let never_called = row.state == CallbackState::Expired && row.counted == 0;
            if self.wall_shift == 0
                && never_called
                && is_open(row.queue.as_deref(), 45 * MINUTE)
                && row.alarmed_ms.is_none()
            {
                return Err(format!("nobody called a customer who asked for it, and nobody was alarmed: {row:?}"));
            }
        }
        Ok(())
    }

    /// What was asked for, and alarms that were raised.
    pub(super) fn wished(&self) -> (u64, u64) {
        let wishes = self.wishes.as_ref().map_or(0, |wishes| wishes.all.len() as u64);
        (wishes, self.disk.late.len() as u64)
    }

    /// The linkedid of the channel of this number, if it is up.
    pub(super) fn linkedid(&self, i: usize, channel: u32) -> Option<String> {
        self.sites[i].pbx.uniqueid(channel).map(str::to_owned)
    }
}
