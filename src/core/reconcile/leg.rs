//! Whom the records say was rung for a call, and what became of each.

use crate::ami::event::Millis;
use crate::model::{Leg, LegResult};
use crate::reconcile::account::Account;
use crate::reconcile::cdr::CdrLine;
use crate::reconcile::queue_log::Kind as QueueKind;
use crate::tracker::topology::channel::{self, Kind};

/// Local channels that lead to Local channels are followed so deep.
const MAX_DEPTH: u32 = 8;
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
}

/// Everybody whom this channel rang, in the order in which it began.
pub(super) fn rung<'a>(account: &'a Account, caller: &str) -> Vec<Rung<'a>> {
    let mut found = Vec::new();
    for line in account.cdrs.iter().filter(|line| line.channel == caller && !line.dstchannel.is_empty()) {
        let by_queue = is_queue(&line.lastapp);
        let outer = Outer { interface: None, by_queue, connect: talk(account, line), line };
        follow(account, line, &outer, 0, &mut found);
    }
    // An Originate rings the channel itself, and nobody else if it does not answer.
    let own = account.cdrs.iter().find(|l| l.channel == caller && l.lastapp.eq_ignore_ascii_case("AppDial2"));
    if let (true, Some(line)) = (found.is_empty(), own) {
        let agent = channel::interface(&line.channel);
        found.push(Rung { line, agent, interface: agent.to_owned(), by_queue: false, talked: None });
    }
    found
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

fn follow<'a>(account: &'a Account, line: &'a CdrLine, outer: &Outer<'_>, depth: u32, found: &mut Vec<Rung<'a>>) {
    let interface = outer.interface.clone().unwrap_or_else(|| channel::interface(&line.dstchannel).to_owned());
    match channel::technology_kind(&line.dstchannel) {
        Kind::Machine => {}
        Kind::Local if depth < MAX_DEPTH => {
            let half = channel::other_half(&line.dstchannel).unwrap_or_default();
            let inner = account.cdrs.iter().filter(|l| l.channel == half && !l.dstchannel.is_empty());
            for inner in inner.filter(|l| l.start_ms <= line.end_ms && line.start_ms <= l.end_ms + ROUNDING_MS) {
                let outer = Outer { interface: Some(interface.clone()), ..*outer };
                follow(account, inner, &outer, depth + 1, found);
            }
        }
        _ => {
            let answered = line.connected() && outer.line.connected();
            // The caller's own record ends when the caller does; the phone's when that one was done.
            let talked = match (answered, outer.by_queue) {
                (false, _) => None,
                (true, true) => outer.connect,
                (true, false) => line.answer_ms.map(|from| (from.max(line.start_ms), line.end_ms)),
            };
            let agent = channel::interface(&line.dstchannel);
            found.push(Rung { line, agent, interface, by_queue: outer.by_queue, talked });
        }
    }
}

/// What a queue said of the talk that this record holds: from CONNECT to its end.
fn talk(account: &Account, line: &CdrLine) -> Option<(Millis, Millis)> {
    let of_caller = |callid: &str| line.uniqueid.as_deref() == Some(callid);
    let mut events = account.events.iter().filter(|event| of_caller(&event.callid));
    let within = line.start_ms - ROUNDING_MS..=line.end_ms + ROUNDING_MS;
    let connect = events.find(|event| event.kind == QueueKind::Connect && within.contains(&event.at_ms))?;
    let over = events.find(|event| matches!(event.kind, QueueKind::Complete { .. } | QueueKind::Transfer));
    let to = over.map_or(line.end_ms, |event| event.at_ms).min(line.end_ms).max(connect.at_ms);
    Some((connect.at_ms, to))
}

impl Rung<'_> {
    /// As a row of `legs`. `caller_left_ms`: when the caller hung up first, if so; `served`: when others talked with the caller.
    pub(super) fn leg(&self, queue: Option<&str>, caller_left_ms: Option<Millis>, served: &[(Millis, Millis)]) -> Leg {
        let line = self.line;
        let near = |at: Millis| (at - line.end_ms).abs() <= ROUNDING_MS;
        let result = match line.disposition.as_str() {
            _ if self.talked.is_some() => LegResult::Answered,
            "ANSWERED" if served.iter().any(|(from, _)| near(*from)) => LegResult::LostRace,
            "ANSWERED" => LegResult::Dumped,
            "BUSY" => LegResult::Busy,
            "CONGESTION" => LegResult::Congestion,
            "FAILED" => LegResult::Unavailable,
            _ if served.iter().any(|(from, _)| near(*from)) => LegResult::Elsewhere,
            _ if caller_left_ms.is_some_and(near) => LegResult::Cancelled,
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
