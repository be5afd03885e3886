//! Whom the records say was rung for a call, and what became of each.

use crate::millis::Millis;
use crate::model::channel_name::{self, Kind};
use crate::model::{Leg, LegResult};
use crate::reconcile::account::Account;
use crate::reconcile::cdr::CdrLine;
use crate::reconcile::ending::is_broken_off;
use crate::reconcile::queue_log::Kind as QueueKind;
use std::collections::{BTreeMap, BTreeSet};

/// Local channels that lead to Local channels are followed so deep.
const MAX_DEPTH: u32 = 8;
/// Records behind Local channels that are looked at for one call. Where all of a name lead to all of another, they are not all followed.
const MOST_STEPS: u32 = 100_000;
/// queue_log and CDR cut to whole seconds (ms).
const ROUNDING_MS: Millis = 1_000;

/// One who was rung.
#[derive(Debug, Clone)]
pub(super) struct Rung<'a> {
    /// The record that names the agent's channel.
    pub line: &'a CdrLine,
    /// The agent, as technology and peer.
    pub agent: &'a str,
    /// What was dialled: the agent's phone, or the Local channel that led to it.
    pub interface: String,
    /// Whether a queue rang this phone.
    pub by_queue: bool,
    /// When the agent talked with the caller, from and to (ms since 1970 UTC).
    pub talked: Option<(Millis, Millis)>,
    /// The phone was answered, and whether the agent took the call is not recorded.
    pub in_doubt: bool,
}

/// Everybody whom this channel rang, in the order in which it began; and whether that is all, for no more than [`MOST_STEPS`] are taken.
pub(super) fn rung<'a>(account: &'a Account, caller: &str) -> (Vec<Rung<'a>>, bool) {
    let records = Records::of(account);
    let mut trail = Trail { records: &records, found: Vec::new(), steps: 0 };
    for line in account.cdrs.iter().filter(|line| line.channel == caller && !line.dstchannel.is_empty()) {
        let by_queue = is_queue(&line.lastapp);
        let outer = Outer { interface: None, by_queue, connect: records.talk(line), line };
        trail.follow(line, &outer, 0);
    }
    let (mut found, all) = (trail.found, trail.steps < MOST_STEPS);
    // An Originate rings the channel itself, and nobody else if it does not answer.
    let own = account.cdrs.iter().find(|l| l.channel == caller && l.lastapp.eq_ignore_ascii_case("AppDial2"));
    if let (true, Some(line)) = (found.is_empty(), own) {
        let agent = channel_name::interface(&line.channel);
        let interface = agent.to_owned();
        found.push(Rung { line, agent, interface, by_queue: false, talked: None, in_doubt: false });
    }
    (found, all)
}

/// FollowMe() answers the caller, and asks whoever answers to take the call.
fn asks_to_confirm(lastapp: &str) -> bool {
    lastapp.eq_ignore_ascii_case("FollowMe")
}

/// An agent who stays on the line waits in AgentLogin(), and is asked for by AgentRequest() on a channel of the call.
pub(super) fn is_agent_request(lastapp: &str) -> bool {
    lastapp.eq_ignore_ascii_case("AgentRequest")
}

pub(super) fn is_agent_login(lastapp: &str) -> bool {
    lastapp.eq_ignore_ascii_case("AgentLogin")
}

/// Queue() had the channel when the record was closed.
pub(super) fn is_queue(lastapp: &str) -> bool {
    lastapp.eq_ignore_ascii_case("Queue") || lastapp.eq_ignore_ascii_case("AppQueue")
}

/// What the caller's own record says, for the phones behind a Local channel.
struct Outer<'a> {
    interface: Option<String>,
    by_queue: bool,
    connect: Option<(Millis, Millis)>,
    line: &'a CdrLine,
}

/// What is looked up for each record of a call: there may be thousands.
struct Records<'a> {
    by_channel: BTreeMap<&'a str, Vec<&'a CdrLine>>,
    /// Agents who stay on the line, by the channel that asked for them.
    logins: BTreeMap<&'a str, &'a CdrLine>,
    /// What a queue said of each channel's talks.
    talks: BTreeMap<&'a str, Talks>,
}

/// The way from the caller's records to the phones.
struct Trail<'r, 'a> {
    records: &'r Records<'a>,
    found: Vec<Rung<'a>>,
    steps: u32,
}

/// Places in the order of the log, and moments.
#[derive(Default)]
struct Talks {
    connects: Vec<(Millis, usize)>,
    overs: Vec<(usize, Millis)>,
}

impl<'a> Records<'a> {
    fn of(account: &'a Account) -> Self {
        let mut by_channel: BTreeMap<&str, Vec<&CdrLine>> = BTreeMap::new();
        let mut logins = BTreeMap::new();
        for line in &account.cdrs {
            if is_agent_login(&line.lastapp) {
                logins.insert(&*line.dstchannel, line);
            } else if !line.dstchannel.is_empty() || is_agent_request(&line.lastapp) {
                by_channel.entry(&*line.channel).or_default().push(line);
            }
        }
        let mut talks: BTreeMap<&str, Talks> = BTreeMap::new();
        for (place, event) in account.events.iter().enumerate() {
            match event.kind {
                QueueKind::Connect => talks.entry(&event.callid).or_default().connects.push((event.at_ms, place)),
                QueueKind::Complete { .. } | QueueKind::Transfer => {
                    talks.entry(&event.callid).or_default().overs.push((place, event.at_ms));
                }
                _ => {}
            }
        }
        talks.values_mut().for_each(|talks| talks.connects.sort_unstable());
        Self { by_channel, logins, talks }
    }

    /// From when the phone was answered until the end of the caller's record of it: where nobody takes the call, FollowMe() closes that record when
    /// the phone is answered, and else when the talk is over.
    fn taken(&self, caller: &CdrLine, phone: &CdrLine, (from, to): (Millis, Millis)) -> Option<(Millis, Millis)> {
        let names = [&*caller.dstchannel, &*phone.dstchannel];
        let own = self.by_channel.get(&*caller.channel).into_iter().flatten();
        let of_phone = own.filter(|l| l.connected() && names.contains(&&*l.dstchannel) && l.start_ms <= to);
        let until = of_phone.map(|l| l.end_ms).max()?.min(to);
        (until > from).then_some((from, until))
    }

    /// What a queue said of the talk that this record holds: from CONNECT to its end.
    fn talk(&self, line: &CdrLine) -> Option<(Millis, Millis)> {
        let talks = self.talks.get(line.uniqueid.as_deref()?)?;
        let first = talks.connects.partition_point(|(at, _)| *at < line.start_ms - ROUNDING_MS);
        let (connect, place) = talks.connects.get(first).filter(|(at, _)| *at <= line.end_ms + ROUNDING_MS)?;
        let over = talks.overs.get(talks.overs.partition_point(|(over, _)| over < place));
        let to = over.map_or(line.end_ms, |(_, at)| *at).min(line.end_ms).max(*connect);
        Some((*connect, to))
    }
}

impl<'a> Trail<'_, 'a> {
    fn follow(&mut self, line: &'a CdrLine, outer: &Outer<'_>, depth: u32) {
        let interface = outer.interface.clone().unwrap_or_else(|| channel_name::interface(&line.dstchannel).to_owned());
        match channel_name::technology_kind(&line.dstchannel) {
            Kind::Machine => {}
            Kind::Local if depth < MAX_DEPTH => {
                let half = channel_name::other_half(&line.dstchannel).unwrap_or_default();
                for inner in self.records.by_channel.get(&*half).into_iter().flatten() {
                    if self.steps >= MOST_STEPS {
                        return;
                    }
                    self.steps += 1;
                    if inner.start_ms <= line.end_ms && line.start_ms <= inner.end_ms + ROUNDING_MS {
                        let outer = Outer { interface: Some(interface.clone()), ..*outer };
                        if is_agent_request(&inner.lastapp) {
                            self.on_the_line(line, inner, &outer);
                        } else {
                            self.follow(inner, &outer, depth + 1);
                        }
                    }
                }
            }
            _ => {
                let answered = line.connected() && outer.line.connected();
                let asked = answered && asks_to_confirm(&outer.line.lastapp);
                // The caller's own record ends when the caller does; the phone's when that one was done.
                let own = line.answer_ms.map(|from| (from.max(line.start_ms), line.end_ms));
                let taken = own.filter(|_| asked).and_then(|of_phone| self.records.taken(outer.line, line, of_phone));
                let talked = match (answered, outer.by_queue) {
                    (false, _) => None,
                    // Whole seconds are cut: one of them proves neither.
                    _ if asked => taken.filter(|(from, to)| to - from > ROUNDING_MS),
                    (true, true) => outer.connect,
                    (true, false) => own,
                };
                let in_doubt = taken.is_some() && talked.is_none();
                let agent = channel_name::interface(&line.dstchannel);
                self.found.push(Rung { line, agent, interface, by_queue: outer.by_queue, talked, in_doubt });
            }
        }
    }

    /// An agent who stays on the line: `line` dialled the Local channel whose other half asked for the agent.
    fn on_the_line(&mut self, line: &'a CdrLine, request: &'a CdrLine, outer: &Outer<'_>) {
        let talked = match (line.connected() && request.answer_ms.is_some(), outer.by_queue) {
            (false, _) => None,
            (true, true) => outer.connect,
            (true, false) => request.answer_ms.map(|from| (from.min(line.end_ms), line.end_ms)),
        };
        let login = self.records.logins.get(&*request.channel);
        let agent = channel_name::interface(login.map_or(&line.dstchannel, |login| &login.channel));
        let interface = channel_name::interface(&line.dstchannel).to_owned();
        self.found.push(Rung { line, agent, interface, by_queue: outer.by_queue, talked, in_doubt: false });
    }
}

/// From CONNECT to the end of the talk, as queues logged it for these channels.
pub(super) fn queue_talks<'a>(
    account: &'a Account,
    channels: &'a BTreeSet<&str>,
    ended_ms: Millis,
) -> impl Iterator<Item = (Millis, Millis)> + 'a {
    let mut connected = None;
    let own = account.events.iter().filter(|event| channels.contains(&*event.callid));
    let mut talks = Vec::new();
    for event in own {
        match event.kind {
            QueueKind::Connect => connected = Some(event.at_ms),
            QueueKind::Complete { .. } | QueueKind::Transfer => {
                talks.extend(connected.take().map(|from| (from, event.at_ms.max(from))));
            }
            _ => {}
        }
    }
    talks.extend(connected.map(|from| (from, ended_ms.max(from))));
    talks.into_iter()
}

impl Rung<'_> {
    /// As a row of `legs`. `caller_left_ms`: when the caller hung up first, if so; `served`: when others talked with the caller; `last`: the last
    /// record of the caller's channel.
    pub(super) fn leg(
        &self,
        queue: Option<&str>,
        caller_left_ms: Option<Millis>,
        served: &[(Millis, Millis)],
        last: &CdrLine,
    ) -> Leg {
        let line = self.line;
        let near = |at: Millis| (at - line.end_ms).abs() <= ROUNDING_MS;
        // Talks are in order and apart.
        let first = served.partition_point(|(from, _)| *from < line.end_ms - ROUNDING_MS);
        let other_served = served.get(first).is_some_and(|(from, _)| near(*from));
        let result = match line.disposition.as_str() {
            _ if self.talked.is_some() => LegResult::Answered,
            _ if self.in_doubt => LegResult::Unknown,
            "ANSWERED" if other_served => LegResult::LostRace,
            "ANSWERED" => LegResult::Dumped,
            "BUSY" => LegResult::Busy,
            "CONGESTION" => LegResult::Congestion,
            "FAILED" => LegResult::Unavailable,
            _ if other_served => LegResult::Elsewhere,
            _ if caller_left_ms.is_some_and(near) => LegResult::Cancelled,
            // Before its time was over the call went on elsewhere: the phone, or what leads to it, refused.
            "NO ANSWER" if is_broken_off(line) && line.channel == last.channel && line.sequence < last.sequence => {
                if line.duration_ms == 0 {
                    LegResult::Unavailable
                } else {
                    LegResult::Rejected
                }
            }
            // With `canceldispositionenabled` in cdr.conf: it rang, and was no longer wanted.
            "CANCEL" => LegResult::Cancelled,
            _ => LegResult::NoAnswer,
        };
        let (from, to) = self.talked.unwrap_or((line.start_ms, line.end_ms));
        Leg {
            agent: self.agent.to_owned(),
            interface: self.interface.clone(),
            queue: queue.filter(|_| self.by_queue).map(str::to_owned),
            started_ms: line.start_ms,
            answered_ms: line.answer_ms.filter(|_| line.connected()).map(|at| at.max(line.start_ms)),
            ended_ms: to.max(line.start_ms),
            talk_ms: self.talked.map_or(0, |_| to - from),
            result,
        }
    }
}
