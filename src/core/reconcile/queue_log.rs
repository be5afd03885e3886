//! One line of Asterisk's `queue_log`: time, call, queue, agent, event, and what the event brings.

use crate::ami::event::Millis;
use crate::model::VisitResult;

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

/// What a caller's number holds at most (`AST_MAX_EXTENSION`, `include/asterisk/channel.h`, without its NUL): so many bytes behind a line that a
/// number broke may have been written by the caller.
const NUMBER: usize = 79;

/// Reads the lines of a file in turn. A number is written as it came (`apps/app_queue.c`), line breaks included: behind an `ENTERQUEUE` that breaks off
/// before its position, nothing is believed as far as a number reaches.
#[derive(Debug, Default)]
pub struct Reader {
    /// Bytes that may still be of the number.
    torn: usize,
}

impl Reader {
    /// Reads the next line; `None` if it is about no call.
    pub fn next(&mut self, line: &str) -> Option<QueueEvent> {
        if self.torn > 0 {
            self.torn = self.torn.saturating_sub(line.len() + 1);
            return None;
        }
        let event = read(line)?;
        if event.kind == Kind::Enter && event.data.len() < 3 {
            self.torn = NUMBER;
        }
        Some(event)
    }
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
    Some(QueueEvent {
        at_ms: seconds(time)?,
        callid: callid.to_owned(),
        queue: queue.to_owned(),
        agent: agent.to_owned(),
        kind,
        data: fields.map(str::to_owned).collect(),
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
            "1795336407|pbx-1795336400.0|support|NONE|ABANDON|1|1|7",
            "1795336407|a.1|s|Al|CONNECT|1|b|1|1",
            "1795336408|pbx-1795336404.0|support|NONE|ABANDON|1|1|2",
            "1795336408|pbx-1795336407.2|support|NONE|ENTERQUEUE||12025550123|1",
            "1795336409|pbx-1795336407.2|support|NONE|ABANDON|1|1|1",
        ];
        let read: Vec<_> = lines.iter().filter_map(|line| reader.next(line)).map(|e| (e.callid, e.kind)).collect();
        let left = Kind::Left(VisitResult::Abandoned);
        let told = [("pbx-1795336404.0", Kind::Enter), ("pbx-1795336404.0", left), ("pbx-1795336407.2", Kind::Enter)];
        let told = told.into_iter().chain([("pbx-1795336407.2", left)]);
        assert_eq!(read, told.map(|(id, kind)| (id.to_owned(), kind)).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_about_a_call_is_read_and_the_rest_left_out() {
        let event = read("1795336406|pbx-1795336404.0|support|Alice|CONNECT|2|pbx-1795336404.1|2\n").unwrap();
        assert_eq!((event.at_ms, event.kind, event.number(2)), (1_795_336_406_000, Kind::Connect, Some(2)));
        assert_eq!((event.callid.as_str(), event.agent.as_str()), ("pbx-1795336404.0", "Alice"));
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
