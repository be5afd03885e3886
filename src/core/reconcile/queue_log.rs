//! One line of Asterisk's `queue_log`: time, call, queue, agent, event, and what the event brings.

use crate::ami::frame;
use crate::ami::length::{LONG_NUMBER, NUMBER};
use crate::millis::Millis;
use crate::model::VisitResult;
use crate::reconcile::doubt::Suspect;

/// What Asterisk writes of a member by an application of the dialplan, under the id of the call that ran it (`apps/app_queue.c`,
/// `apps/app_agent_pool.c`), and of a caller without a text of theirs.
const OF_MEMBERS: [&str; 13] = [
    "ADDMEMBER",
    "REMOVEMEMBER",
    "PAUSE",
    "UNPAUSE",
    "PAUSEALL",
    "UNPAUSEALL",
    "PENALTY",
    "RINGINUSE",
    "AGENTLOGIN",
    "AGENTLOGOFF",
    "AGENTDUMP",
    "SYSCOMPAT",
    "QUEUESTART",
];

/// One event of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueEvent {
    /// ms since 1970 UTC; the file has whole seconds.
    pub at_ms: Millis,
    /// Uniqueid of the channel that waits; `NONE` and the like for events that are about no call.
    pub callid: String,
    /// The queue's name.
    pub queue: String,
    /// The member's name, or `NONE`.
    pub agent: String,
    /// What happened.
    pub kind: Kind,
    /// What it brings, as text.
    pub data: Vec<String>,
    /// Callers in whose numbers this line may stand.
    pub behind: Vec<Suspect>,
}

/// The events that are about a call; the others report on members and are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `ENTERQUEUE`: the caller came; number and position.
    Enter,
    /// `CONNECT`: an agent has the caller; seconds waited, uniqueid of the agent's channel, seconds rung.
    Connect,
    /// `RINGNOANSWER`: a member did not answer; ms.
    RingNoAnswer,
    /// `RINGCANCELED`: the caller went while a member's phone rang; ms.
    RingCanceled,
    /// `COMPLETEAGENT`, `COMPLETECALLER`: over; seconds waited, seconds talked.
    Complete {
        /// The caller hung up.
        by_caller: bool,
    },
    /// `BLINDTRANSFER`, `ATTENDEDTRANSFER`: the agent has passed the caller on.
    Transfer,
    /// The caller left without an agent.
    Left(VisitResult),
}

/// Reads the lines of a file in turn. A number is written as it came (`apps/app_queue.c`), line breaks included, and Asterisk writes `|` and the
/// position behind it: what an `ENTERQUEUE` shows may be the front of a number that goes on with lines about others' calls. So may what a dialplan
/// writes by `QueueLog()`, as FreePBX does with the number that was dialled. As far as such a text reaches, these are in doubt.
#[derive(Debug, Default)]
pub struct Reader {
    open: Vec<Open>,
}

/// A text that may go on in the lines behind its own.
#[derive(Debug)]
struct Open {
    of: Suspect,
    /// For so many bytes, of a caller's field; and if the channel is of chan_sip.
    left: [usize; 2],
}

impl Reader {
    /// Reads the next line; `None` if it is about no call.
    pub fn next(&mut self, line: &str) -> Option<QueueEvent> {
        let mut event = read(line);
        // In the last line of a number the position is Asterisk's.
        let supplied = line.rfind('|').unwrap_or(line.len());
        if let Some(event) = &mut event {
            let reaches = |open: &&Open| supplied <= open.left[1] && open.of.callid != event.callid;
            let suspect = |open: &Open| Suspect { far: supplied > open.left[0], ..open.of.clone() };
            event.behind = self.open.iter().filter(reaches).map(suspect).collect();
        }
        for left in self.open.iter_mut().flat_map(|open| &mut open.left) {
            *left = left.saturating_sub(line.len() + 1);
        }
        self.open.retain(|open| open.left[1] > 0);
        let suspect = |callid: &str, number| Suspect { callid: callid.to_owned(), number, far: false };
        if let Some(QueueEvent { kind: Kind::Enter, callid, data, .. }) = &event {
            // Without a position it breaks off within the number.
            let number = data.get(1..data.len().saturating_sub(1)).filter(|n| !n.is_empty()).map(|n| n.join("|"));
            let shown = data.iter().skip(1).map(|field| field.len() + 1).sum::<usize>();
            let left = [NUMBER, LONG_NUMBER].map(|most| most.saturating_sub(shown));
            self.open.push(Open { of: suspect(callid, number), left });
        } else if event.is_none()
            && let Some((callid, text)) = dialplans(line)
        {
            let left = [NUMBER.saturating_sub(text.len()); 2];
            self.open.push(Open { of: suspect(callid, None), left });
        }
        event
    }
}

/// The call of a line that the dialplan has written, and what it says.
fn dialplans(line: &str) -> Option<(&str, &str)> {
    let mut fields = line.trim_end_matches(['\r', '\n']).splitn(6, '|');
    let (callid, event) = (fields.nth(1)?, fields.nth(2)?);
    // What Asterisk writes of members and of itself names no call, or no text of a caller's.
    let is_asterisks = callid == "NONE" || callid == "MANAGER" || callid == "REALTIME" || OF_MEMBERS.contains(&event);
    (!is_asterisks).then(|| (callid, fields.next().unwrap_or_default()))
}

/// Reads a line; `None` if it is about no call.
#[must_use]
pub fn read(line: &str) -> Option<QueueEvent> {
    let mut fields = line.trim_end_matches(['\r', '\n']).split('|');
    let mut next = || fields.next();
    let (time, callid, queue, agent, event) = (next()?, next()?, next()?, next()?, next()?);
    let kind = match event {
        "ENTERQUEUE" => Kind::Enter,
        "CONNECT" => Kind::Connect,
        "RINGNOANSWER" => Kind::RingNoAnswer,
        "RINGCANCELED" => Kind::RingCanceled,
        "COMPLETEAGENT" => Kind::Complete { by_caller: false },
        "COMPLETECALLER" => Kind::Complete { by_caller: true },
        "BLINDTRANSFER" | "ATTENDEDTRANSFER" | "TRANSFER" => Kind::Transfer,
        "ABANDON" => Kind::Left(VisitResult::Abandoned),
        "EXITWITHTIMEOUT" => Kind::Left(VisitResult::Timeout),
        "EXITWITHKEY" => Kind::Left(VisitResult::Key),
        "EXITEMPTY" => Kind::Left(VisitResult::LeaveEmpty),
        "WITHDRAW" => Kind::Left(VisitResult::Withdraw),
        _ => return None,
    };
    let clean = |text: &str| frame::text(text.as_bytes()).into_owned();
    Some(QueueEvent {
        at_ms: seconds(time)?,
        callid: clean(callid),
        queue: clean(queue),
        agent: clean(agent),
        kind,
        data: fields.map(clean).collect(),
        behind: Vec::new(),
    })
}

impl QueueEvent {
    /// A number among its data, if it is there.
    #[must_use]
    pub fn number(&self, n: usize) -> Option<Millis> {
        self.data.get(n)?.parse::<u32>().ok().map(Millis::from)
    }
}

/// The time of a line, ms; `None` if it has none. To find a place in a file.
#[must_use]
pub fn time(line: &[u8]) -> Option<Millis> {
    let end = memchr::memchr(b'|', line)?;
    seconds(std::str::from_utf8(&line[..end]).ok()?)
}

/// `1795336415`, or with `queue_log_realtime_use_gmt`-like patches a fraction behind it.
fn seconds(text: &str) -> Option<Millis> {
    let whole = text.split('.').next()?;
    whole.parse::<u32>().ok().map(|s| Millis::from(s) * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_number_with_line_breaks_writes_of_another_call_is_not_believed() {
        let mut reader = Reader::default();
        let lines = [
            "1795336406|pbx-1795336404.0|support|NONE|ENTERQUEUE||12",
            "1795336407|x.1|s|Al|ABANDON|1|1|7",
            "1795336407|a.1|s|Al|CONNECT|1|b|1|1",
            "1795336408|pbx-1795336404.0|support|NONE|ABANDON|1|1|2",
            "1795336408|pbx-1795336407.2|support|NONE|ENTERQUEUE||12025550123|1",
            "1795336409|pbx-1795336407.2|support|NONE|ABANDON|1|1|1",
        ];
        let read = lines.iter().filter_map(|line| reader.next(line)).filter(|e| e.behind.iter().all(|of| of.far));
        let read: Vec<_> = read.map(|e| (e.callid, e.kind)).collect();
        let left = Kind::Left(VisitResult::Abandoned);
        let sure = [("pbx-1795336404.0", Kind::Enter), ("pbx-1795336404.0", left), ("pbx-1795336407.2", Kind::Enter)];
        let sure = sure.into_iter().chain([("pbx-1795336407.2", left)]);
        assert_eq!(read, sure.map(|(id, kind)| (id.to_owned(), kind)).collect::<Vec<_>>());
    }

    #[test]
    fn nor_what_the_dialplan_writes_of_what_was_dialled_nor_what_a_long_number_of_chan_sips_holds() {
        let long = format!("1795336408|x.3|support|NONE|ENTERQUEUE||5{}", "1".repeat(100));
        for first in ["1795336406|x.1|NONE|NONE|DID|5", &long] {
            let mut reader = Reader::default();
            let lines = [
                first,
                "1795336407|a.1|support|Al|CONNECT|1|x|1",
                "1795336407|x.1|support|NONE|ENTERQUEUE||12025550123|1",
                "1795336409|x.1|support|NONE|ABANDON|1|1|1",
            ];
            let read: Vec<_> = lines.iter().filter_map(|line| reader.next(line)).collect();
            let of_other = read.iter().find(|event| event.callid == "a.1").unwrap();
            assert_eq!(of_other.behind.len(), 1, "{first}");
        }
        let mut reader = Reader::default();
        let paused = "1795336406|x.1|support|Al|PAUSE|lunch";
        let lines = [paused, "1795336407|a.1|support|Al|CONNECT|1|x|1"];
        assert!(lines.iter().filter_map(|line| reader.next(line)).all(|event| event.behind.is_empty()));
    }

    #[test]
    fn what_is_about_a_call_is_read_and_the_rest_left_out() {
        let event = read("1795336406|pbx-1795336404.0|support|Alice|CONNECT|2|pbx-1795336404.1|2\n").unwrap();
        assert_eq!((event.at_ms, event.kind, event.number(2)), (1_795_336_406_000, Kind::Connect, Some(2)));
        assert_eq!((event.callid.as_str(), event.agent.as_str()), ("pbx-1795336404.0", "Alice"));
        let agent = read("1795336406|pbx-1795336404.0|support|Al\u{1b}ice|ABANDON|1").unwrap().agent;
        assert_eq!(agent, "Al\u{fffd}ice", "a terminal would obey it");
        for other in [
            "1795336400|NONE|NONE|NONE|QUEUESTART|",
            "1795336400|x.1|q|Al|PAUSE|lunch",
            "torn|li",
            "",
            "x|a|b|c|ABANDON|1",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
