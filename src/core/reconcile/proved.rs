//! From one call's records to its row, by the rules by which live calls are judged.

use crate::millis::Millis;
use crate::model::channel_name;
use crate::model::codes::{ASKED, CALLER, NAMED_TIME, RULE};
use crate::model::number::Number;
use crate::model::rules::{Purpose, Rules};
use crate::model::{
    CallInProgress, Direction, FinishedCall, HangupBy, IvrStep, Leg, LegResult, OurAttempts, Outcome, PbxId, Quality,
    QueueVisit, Status, Tag, VisitResult,
};
use crate::model::{MAX_IVR_STEPS, MAX_LEGS, MAX_VISITS};
use crate::order::Gather as _;
use crate::order::InOrder as _;
use crate::reconcile::account::Account;
use crate::reconcile::cdr::CdrLine;
use crate::reconcile::ending::{End, end_of};
use crate::reconcile::leg::{self, Rung};
use crate::reconcile::queue_log::{Kind, QueueEvent};
use crate::verdict::{DialplanFacts, Facts, Verdict, judge, rule_tag};
use std::collections::{BTreeMap, BTreeSet};

/// queue_log and CDR cut to whole seconds (ms).
const ROUNDING_MS: Millis = 1_000;

/// Makes rows of records.
#[derive(Debug)]
pub struct Prover<'a> {
    /// The PBX whose records they are.
    pub pbx: &'a PbxId,
    /// By which calls are classified.
    pub rules: &'a Rules,
    /// Technology and peer of what is known as trunks (`PJSIP/trunk`), besides `calls.trunks`.
    pub trunks: &'a BTreeSet<String>,
    /// Which records are of attempts of this database.
    pub ours: &'a OurAttempts,
}

impl Prover<'_> {
    /// The row that the records prove. `seen`: what was stored of the call, if anything was; it knows better who called whom, and is silent only
    /// on what came after. The row is recorded under the id of `seen`.
    #[must_use]
    pub fn row(&self, account: &Account, seen: Option<&FinishedCall>) -> Option<FinishedCall> {
        let row = self.judged(account, seen, None)?;
        if account.doubtful.is_empty() {
            return Some(row);
        }
        let other = self.judged(&account.with_doubtful(), seen, None)?;
        if (row.status, row.outcome) == (other.status, other.outcome) {
            return Some(row);
        }
        self.judged(
            account,
            seen,
            Some("lines of queue_log about it stand where another caller's number may have written them"),
        )
    }

    /// `in_doubt`: why they prove nothing.
    fn judged(
        &self,
        account: &Account,
        seen: Option<&FinishedCall>,
        in_doubt: Option<&'static str>,
    ) -> Option<FinishedCall> {
        let first = account.first()?;
        let lines: Vec<&CdrLine> = account.cdrs.iter().filter(|l| is_channel_of(l, first)).collect();
        let last = *lines.iter().max_by_key(|l| (l.sequence, l.end_ms))?;
        let direction = seen.map_or_else(|| self.direction(account, first, &lines), |s| s.direction);
        let started_ms = seen.map_or(account.started_ms(), |s| s.started_ms.min(account.started_ms() + ROUNDING_MS));
        let ended_ms = lines.iter().map(|l| l.end_ms).max().unwrap_or(started_ms).max(started_ms);
        let ids: BTreeSet<&str> = lines.iter().filter_map(|l| l.uniqueid.as_deref()).to_set();
        // A colleague may have consulted a queue for the caller, on a channel of its own.
        let own = visits(account.events.iter().filter(|e| ids.contains(&*e.callid)), ended_ms);
        // Between two rounds of a queue nobody rings, and no CDR has that time.
        let ended_ms = own.iter().map(|v| v.left_ms).fold(ended_ms, Millis::max);
        let visits = visits(account.events.iter(), ended_ms);
        let (mut rung, all_followed) = leg::rung(account, &first.channel);
        rung.retain(|r| !self.rules.is_machine(&r.line.dstchannel));
        let named = union(rung.iter().filter_map(|r| r.talked));
        // Where the records do not name whom the queue rang (`ignoredialchanges` in cdr.conf), its log still tells that an agent took the call.
        let unnamed = leg::queue_talks(account, &ids, ended_ms)
            .filter(|(from, to)| !named.iter().any(|t| t.0 <= *to && *from <= t.1));
        let talks = union(named.iter().copied().chain(unnamed));
        let talk_ms: Millis = talks.iter().map(|(from, to)| to - from).sum();
        let answered_ms = seen.and_then(|s| s.answered_ms).or(talks.first().map(|t| t.0)).map(|t| t.max(started_ms));
        let end = end_of(last, &own);
        let caller_left = matches!(end, End::CallerLeft | End::Leaving);
        let left_ms = (end == End::CallerLeft).then_some(ended_ms);
        let lasting = Lasting::of(&visits);
        let legs: Vec<_> = rung.iter().map(|r| r.leg(lasting.queue_at(r), left_ms, &talks, last)).collect();
        let did = seen.and_then(|s| s.did.clone()).or_else(|| did(self.rules, &lines));
        let ivr = seen.filter(|s| !s.ivr.is_empty()).map_or_else(|| self.menus(&lines), |s| s.ivr.clone());
        let ran = last.lastapp.to_ascii_lowercase();
        let dialplan = self.dialplan(&lines, (last, &ran), &ivr, seen);
        let wait_end_ms = answered_ms.unwrap_or(ended_ms).min(ended_ms);
        let closed_on_arrival =
            direction == Direction::Inbound && !self.rules.hours_of(did.as_deref()).is_open(started_ms);
        let last_left = visits.last().map(|v| v.left_ms);
        let mut verdict = judge(&Facts {
            served_by_machine: last.connected() && self.rules.self_service_machines.fit(&last.dstchannel),
            direction,
            answered: answered_ms.is_some(),
            talk_ms: talk_ms.max(seen.map_or(0, |s| s.talk_ms)),
            wait_ms: wait_end_ms - started_ms,
            transfer_lost: transfer_lost(&talks, &legs, ended_ms),
            closed_on_arrival,
            caller_left,
            taken_back: false,
            technical: false,
            cut_off: false, // no record of Asterisk tells a cut from an end
            dialplan,
            legs: &legs.iter().map(|l| l.result).collect::<Vec<LegResult>>(),
            ringing_at_end: caller_left && !last.dstchannel.is_empty() && last.end_ms + ROUNDING_MS >= ended_ms,
            visits: &visits.iter().map(|v| (&*v.queue, v.result)).collect::<Vec<_>>(),
            tried_after_queue: last_left.is_some_and(|left| legs.iter().any(|l| l.started_ms >= left)),
            ivr: &ivr,
            cause: None,
            unseen_end: false,
            partly_seen: false,
            in_doubt: false,
            short_abandon_ms: self.rules.short_abandon_ms,
            min_talk_ms: self.rules.min_talk_ms,
        });
        // Both that phones were answered and that none could be reached is ANSWERED then.
        let dialled = last.lastapp.eq_ignore_ascii_case("Dial") || leg::is_queue(&last.lastapp) && visits.is_empty();
        let unnamed = !account.names_dialled && dialled && last.disposition == "ANSWERED";
        let tangled = (!all_followed).then_some("its records lead to each other in more ways than are followed");
        let tangled = in_doubt.or(tangled);
        let joined = account.in_doubt && answered_ms.is_none();
        let tangled = tangled
            .or(joined
                .then_some("others were in the conference, and no record says whether they talked with the customer"));
        if let Some(what) = tangled.or_else(|| unproven(&verdict, &rung, &visits, answered_ms.is_some(), unnamed)) {
            verdict = Verdict { status: Status::Unknown, outcome: Outcome::Gap, why: vec![what.to_owned()] };
        } else if matches!(end, End::Open | End::Leaving) && answered_ms.is_none() && direction == Direction::Inbound {
            verdict.why.push("whether the caller hung up or the PBX ended the call is not recorded".to_owned());
        }
        if talks.len() == 1
            && rung.iter().any(|r| r.talked.is_some() && !r.by_queue && r.line.answer_ms == Some(r.line.start_ms))
        {
            verdict
                .why
                .push("talk is counted from when the line was answered; a person may have come later".to_owned());
        }
        verdict.why.push("backfilled from Asterisk's CDR and queue_log".to_owned());
        let number = seen.and_then(|s| s.number.clone()).or_else(|| self.number(direction, first, &lines));
        let number_e164 = number.as_deref().and_then(|n| match self.rules.numbering.classify(n) {
            Number::Callable(e164) => Some(e164),
            _ => None,
        });
        let tags = tags(&verdict, seen, answered_ms, ended_ms);
        let trunk = account.cdrs.iter().flat_map(|l| [&l.channel, &l.dstchannel]).find(|c| self.is_trunk(c));
        let call = CallInProgress {
            pbx: self.pbx.clone(),
            linkedid: seen.map_or_else(|| account.id(), |s| s.linkedid.clone()),
            number,
            number_e164,
            name: seen.and_then(|s| s.name.clone()).or_else(|| caller_name(&first.clid)),
            did,
            trunk: seen.and_then(|s| s.trunk.clone()).or(trunk.map(|c| channel_name::interface(c).to_owned())),
            queue: None,
            agent: seen.and_then(|s| s.agent.clone()).or_else(|| self.agent(direction, first, &rung)),
            started_ms,
            joined_ms: None,
            answered_ms: answered_ms.map(|t| t.min(ended_ms)),
            remarks: None,
        };
        let mut row = FinishedCall {
            direction,
            status: verdict.status,
            outcome: verdict.outcome,
            ring_ms: ring_ms(&rung, &account.events, answered_ms),
            talk_ms: talk_ms.max(seen.map_or(0, |s| s.talk_ms)),
            language: seen.and_then(|s| s.language.clone()),
            hold_ms: seen.map_or(0, |s| s.hold_ms),
            hangup_by: hangup_by(account, end, direction, answered_ms.is_some(), ended_ms),
            hangup_cause: seen.and_then(|s| s.hangup_cause),
            transfers: seen.map_or(0, |s| s.transfers).max(transfers(&account.events)),
            voicemail: seen.is_some_and(|s| s.voicemail),
            quality: Quality::Backfilled,
            why: verdict.why,
            callback_id: seen
                .and_then(|s| s.callback_id)
                .or_else(|| account.ids.iter().find_map(|id| self.ours.callback(id))),
            legs,
            ivr,
            tags,
            ratings: seen.map_or_else(Vec::new, |s| s.ratings.clone()),
            ..call.ended(ended_ms, visits)
        };
        row.legs.truncate(MAX_LEGS);
        row.visits.truncate(MAX_VISITS);
        row.ivr.truncate(MAX_IVR_STEPS);
        self.rules.codes.tag(&mut row);
        Some(row)
    }

    pub(super) fn is_trunk(&self, channel: &str) -> bool {
        !channel.is_empty()
            && (self.rules.trunks.fit(channel) || self.trunks.contains(channel_name::interface(channel)))
    }

    /// As for live calls: by trunks, by contexts, and else by whose number it is.
    fn direction(&self, account: &Account, first: &CdrLine, lines: &[&CdrLine]) -> Direction {
        if account.ids.iter().any(|id| self.ours.attempt(id).is_some()) {
            return Direction::Callback;
        }
        let outside = |number: &str| matches!(self.rules.numbering.classify(number), Number::Callable(_));
        let peer = channel_name::extension(&first.channel);
        let of_a_phone = matches!(self.rules.numbering.classify(peer), Number::Internal);
        let arrives = lines.iter().any(|l| self.rules.inbound_contexts.fit(&l.dcontext));
        if self.is_trunk(&first.channel) || !of_a_phone && (arrives || outside(&first.src)) {
            // Dialers and click-to-call show the customer one of our own numbers.
            let own = self.rules.is_own_number(&first.src);
            return if own { Direction::Outbound } else { Direction::Inbound };
        }
        let mark_outbound = account.cdrs.iter().any(|l| self.is_trunk(&l.dstchannel));
        if mark_outbound || lines.iter().any(|l| outside(&l.dst)) { Direction::Outbound } else { Direction::Internal }
    }

    /// The other party: who called, or whom a call outward was for.
    fn number(&self, direction: Direction, first: &CdrLine, lines: &[&CdrLine]) -> Option<String> {
        let number = if matches!(direction, Direction::Outbound | Direction::Callback) {
            let callable = |n: &&str| self.rules.numbering.classify(n).e164().is_some();
            // What the trunk was given is the number; the dialplan's extension may have a prefix.
            let dialled =
                lines.iter().rev().filter(|l| self.is_trunk(&l.dstchannel)).flat_map(|l| dialled(&l.lastdata));
            let mut dsts = lines.iter().map(|l| &*l.dst);
            // A trunk on which we called out was put into an extension of ours: its number is in no record.
            let own_trunk = self.is_trunk(&first.channel);
            dialled.chain(dsts.clone()).find(callable).or_else(|| dsts.next().filter(|_| !own_trunk))
        } else {
            Some(&*first.src)
        };
        number.filter(|number| !number.is_empty()).map(str::to_owned)
    }

    fn agent(&self, direction: Direction, first: &CdrLine, rung: &[Rung<'_>]) -> Option<String> {
        if matches!(direction, Direction::Outbound | Direction::Callback) {
            let phone = Some(&*first.channel).filter(|channel| !self.is_trunk(channel)).map(channel_name::interface);
            let talked = || rung.iter().filter(|r| r.talked.is_some()).map(|r| r.agent).next();
            return phone.or_else(talked).map(str::to_owned);
        }
        let talked = rung.iter().filter(|r| r.talked.is_some()).min_by_key(|r| r.talked);
        talked.map(|r| r.agent.to_owned())
    }

    /// The menus in which the caller's records ended.
    fn menus(&self, lines: &[&CdrLine]) -> Vec<IvrStep> {
        let menus = lines.iter().filter(|l| self.rules.purpose(&l.dcontext).ivr);
        let digits = |dst: &str| if dst == "s" { String::new() } else { dst.to_owned() };
        menus.map(|l| IvrStep { context: l.dcontext.clone(), digits: digits(&l.dst), at_ms: l.start_ms }).collect()
    }

    /// What the records tell of the dialplan; `ran`: the application that ran last, lower case.
    fn dialplan<'l>(
        &self,
        lines: &[&CdrLine],
        (last, ran): (&'l CdrLine, &'l str),
        ivr: &[IvrStep],
        seen: Option<&FinishedCall>,
    ) -> DialplanFacts<'l> {
        let went = |purpose: fn(&Purpose) -> bool| lines.iter().any(|l| purpose(&self.rules.purpose(&l.dcontext)));
        let mut purpose = self.rules.purpose(&last.dcontext);
        // The choice led somewhere, though to no phone.
        let chose = ivr.last().is_some_and(|step| step.digits.bytes().any(|b| b.is_ascii_digit()));
        purpose.ivr &= !(chose && ran == "hangup");
        DialplanFacts {
            purpose,
            closed: went(|p| p.closed),
            blocked: went(|p| p.blocked),
            dial_status: (last.dstchannel.is_empty() && ran == "dial").then_some("CHANUNAVAIL"),
            message: seen.is_some_and(|s| s.voicemail),
            callback_requested: seen.is_some_and(FinishedCall::asked_for_callback),
            application: Some((ran, &last.lastdata)),
            invalid: false, // no record tells these
            read_in_vain: false,
        }
    }
}

/// What follows from the verdict, and what was said of the call while it was seen.
fn tags(verdict: &Verdict, seen: Option<&FinishedCall>, answered_ms: Option<Millis>, ended_ms: Millis) -> Vec<Tag> {
    // A caller who was served after it has what was asked for.
    let served = answered_ms.filter(|_| verdict.status == Status::Answer);
    let granted = |t: &Tag| {
        t.by == CALLER && matches!(&*t.code, ASKED | NAMED_TIME) && served.is_some_and(|served_ms| t.at_ms < served_ms)
    };
    let kept = seen.into_iter().flat_map(|s| &s.tags).filter(|t| t.by != RULE && !granted(t)).cloned();
    let mut tags: Vec<Tag> = rule_tag(verdict.outcome, ended_ms).into_iter().chain(kept).collect();
    let unsaid = !tags.iter().any(|t| t.code == ASKED) && served.is_none();
    if let Some(seen) = seen.filter(|seen| unsaid && seen.asked_for_callback()) {
        tags.push(Tag { code: ASKED.to_owned(), note: String::new(), by: CALLER.to_owned(), at_ms: seen.ended_ms });
    }
    tags
}

/// A record of the same channel: one that was put in another's place (masquerade) keeps its name.
fn is_channel_of(line: &CdrLine, first: &CdrLine) -> bool {
    line.channel == first.channel
}

/// Where records and verdict do not go together, and what is missing.
fn unproven(
    verdict: &Verdict,
    rung: &[Rung<'_>],
    visits: &[QueueVisit],
    answered: bool,
    unnamed: bool,
) -> Option<&'static str> {
    let silent = rung.iter().any(|r| r.by_queue) && visits.is_empty();
    if silent && !answered {
        return Some("the caller was in a queue, and queue_log has nothing about how they left it");
    }
    if !answered && rung.iter().any(|r| r.in_doubt) {
        return Some("FollowMe asks whoever answers to take the call, and the records do not say whether anybody did");
    }
    if !answered && unnamed {
        return Some(
            "the records name neither who was rung nor whether anybody answered (ignoredialchanges in cdr.conf)",
        );
    }
    let open = visits.iter().any(|v| v.result == VisitResult::Unknown);
    (open && !answered && verdict.status != Status::OutOfTime).then_some("queue_log does not say how the wait ended")
}

/// The queue visits that these events report.
fn visits<'a>(events: impl Iterator<Item = &'a QueueEvent>, ended_ms: Millis) -> Vec<QueueVisit> {
    let mut visits: Vec<QueueVisit> = Vec::new();
    // Those whose end has not come yet, of each queue.
    let mut open: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for event in events {
        let result = match event.kind {
            Kind::Enter => {
                open.entry(&event.queue).or_default().push(visits.len());
                visits.push(QueueVisit {
                    queue: event.queue.clone(),
                    joined_ms: event.at_ms,
                    left_ms: ended_ms.max(event.at_ms),
                    position: event.number(2).and_then(|n| u32::try_from(n).ok()),
                    result: VisitResult::Unknown,
                });
                continue;
            }
            Kind::Connect => VisitResult::Connected,
            Kind::Left(result) => result,
            _ => continue,
        };
        if let Some(at) = open.get_mut(&*event.queue).and_then(Vec::pop) {
            let visit = &mut visits[at];
            (visit.left_ms, visit.result) = (event.at_ms.max(visit.joined_ms), result);
        }
    }
    visits
}

/// Visits in the order in which they began, and how long any of those so far has lasted.
struct Lasting<'v>(Vec<(&'v QueueVisit, Millis)>);

impl<'v> Lasting<'v> {
    fn of(visits: &'v [QueueVisit]) -> Self {
        let mut sorted: Vec<&QueueVisit> = visits.iter().collect();
        sorted.order_by_key(|v| v.joined_ms);
        let mut longest = Millis::MIN;
        let lasting = sorted.into_iter().map(|v| {
            longest = longest.max(v.left_ms);
            (v, longest)
        });
        Self(lasting.collect())
    }

    /// The queue in which the caller was when this phone rang.
    fn queue_at(&self, rung: &Rung<'_>) -> Option<&'v str> {
        let begun = self.0.partition_point(|(v, _)| v.joined_ms <= rung.line.end_ms + ROUNDING_MS);
        let lasted = |left_ms: Millis| rung.line.start_ms <= left_ms + ROUNDING_MS;
        let mut there = self.0[..begun].iter().rev().take_while(|(_, longest)| lasted(*longest));
        there.find(|(v, _)| lasted(v.left_ms)).map(|(v, _)| &*v.queue)
    }
}

/// After the last talk a phone was rung for the caller, nobody took it, and that was the end.
fn transfer_lost(talks: &[(Millis, Millis)], legs: &[Leg], ended_ms: Millis) -> bool {
    let Some((_, over)) = talks.last() else { return false };
    let vain = |l: &Leg| l.talk_ms == 0 && l.started_ms + ROUNDING_MS > *over && l.ended_ms > *over;
    legs.iter().any(|l| vain(l) && l.ended_ms + ROUNDING_MS >= ended_ms)
}

fn transfers(events: &[QueueEvent]) -> u32 {
    u32::try_from(events.iter().filter(|e| e.kind == Kind::Transfer).count()).unwrap_or(u32::MAX)
}

/// Who ended it, where a record says so.
fn hangup_by(account: &Account, end: End, direction: Direction, answered: bool, ended_ms: Millis) -> HangupBy {
    let complete = account.events.iter().rev().find_map(|e| match e.kind {
        Kind::Complete { by_caller } if (ended_ms - e.at_ms).abs() <= ROUNDING_MS => Some(by_caller),
        _ => None,
    });
    let outward = matches!(direction, Direction::Outbound | Direction::Callback);
    let caller = if outward { HangupBy::Agent } else { HangupBy::Customer };
    match (complete, end) {
        (Some(true), _) => HangupBy::Customer,
        (Some(false), _) => HangupBy::Agent,
        (None, End::CallerLeft) if !answered => caller,
        (None, End::PbxEnded) if !answered => HangupBy::Pbx,
        _ => HangupBy::Unknown,
    }
}

/// Time in which at least one phone rang.
fn ring_ms(rung: &[Rung<'_>], events: &[QueueEvent], answered_ms: Option<Millis>) -> Millis {
    let until = answered_ms.unwrap_or(Millis::MAX);
    let dialled = rung.iter().filter(|r| !r.by_queue && r.talked.is_none()).map(|r| (r.line.start_ms, r.line.end_ms));
    let queued = events.iter().filter_map(|e| match e.kind {
        Kind::RingNoAnswer | Kind::RingCanceled => Some((e.at_ms - e.number(0)?, e.at_ms)),
        Kind::Connect => Some((e.at_ms - e.number(2)? * 1_000, e.at_ms)),
        _ => None,
    });
    let spans = dialled.chain(queued).map(|(from, to)| (from, to.min(until))).filter(|(from, to)| from < to);
    union(spans).iter().map(|(from, to)| to - from).sum()
}

/// Overlapping spans as one.
pub(super) fn union(spans: impl Iterator<Item = (Millis, Millis)>) -> Vec<(Millis, Millis)> {
    let mut spans: Vec<_> = spans.collect();
    spans.sort_unstable();
    let mut joined: Vec<(Millis, Millis)> = Vec::new();
    for (from, to) in spans {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => joined.push((from, to.max(from))),
        }
    }
    joined
}

/// The number that the caller dialled, if a record was closed while the caller was still where calls arrive.
fn did(rules: &Rules, lines: &[&CdrLine]) -> Option<String> {
    let arrival = lines.iter().find(|l| rules.inbound_contexts.fit(&l.dcontext))?;
    let special = matches!(arrival.dst.as_str(), "" | "s" | "h" | "i" | "t" | "o");
    (!special).then(|| arrival.dst.clone())
}

/// What may be numbers in the arguments of Dial(): `PJSIP/12025550123@trunk,20` and `PJSIP/trunk/12025550123` hold one.
fn dialled(lastdata: &str) -> impl Iterator<Item = &str> {
    let devices = lastdata.split(',').next().unwrap_or_default();
    devices.split(['&', '/', '@'])
}

/// `"Ann" <12025550123>` → Ann.
fn caller_name(clid: &str) -> Option<String> {
    let (name, _) = clid.rsplit_once('<')?;
    let name = name.trim().trim_matches('"');
    (!name.is_empty()).then(|| name.to_owned())
}
