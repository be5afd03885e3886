//! Who ended the caller's part of a call: the caller, the PBX, or it is not known who.

use crate::millis::Millis;
use crate::model::{QueueVisit, VisitResult};
use crate::reconcile::cdr::CdrLine;

/// queue_log and CDR cut to whole seconds (ms).
const ROUNDING_MS: Millis = 1_000;
/// `lastdata` holds so many bytes of what the application was given (`AST_MAX_EXTENSION` less its end): what came behind is not in the record.
const LASTDATA: usize = 79;

/// What is known of how the caller's part ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    CallerLeft,
    PbxEnded,
    /// The caller gave up, or the dialplan was over: the records are the same.
    Open,
    /// The same, in what a dialplan does not end with: it hangs up afterwards, which would be in the record.
    Leaving,
}

/// How long an application was to last, as its argument says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    /// Until somebody ended it.
    Endless,
    /// ms.
    Of(Millis),
    /// The argument is not in the record.
    Unknown,
}

/// What the last record of the caller's channel says of its end, with the queues it waited in: where the dialplan goes on after a phone or a
/// queue it opens another record, so one that was closed while a phone rang was closed by the caller, unless the time given to the phone was
/// over.
pub(super) fn end_of(last: &CdrLine, visits: &[QueueVisit]) -> End {
    if let Some(visit) = visits.last()
        && visit.left_ms + ROUNDING_MS >= last.end_ms
    {
        match visit.result {
            VisitResult::Abandoned => return End::CallerLeft,
            // Its record was closed before the caller left the queue, and says nothing of the end.
            VisitResult::Connected => {}
            _ if visit.left_ms > last.end_ms + ROUNDING_MS => return End::Open,
            _ => {}
        }
    }
    match last.lastapp.to_ascii_lowercase().as_str() {
        "hangup" | "busy" | "congestion" | "playtones" | "goto" => End::PbxEnded,
        "dial" => after_dial(last),
        "wait" | "waitexten" => within(last, Limit::of_timelen(last, 0)),
        "musiconhold" => within(last, Limit::of_whole_seconds(last, 1)),
        "confbridge" | "meetme" | "playback" | "background" | "controlplayback" | "read" | "voicemail" | "park"
        | "parkandannounce" => End::Leaving,
        _ => End::Open,
    }
}

/// A phone that was dialled by this record was given up before its time was over.
pub(super) fn is_broken_off(line: &CdrLine) -> bool {
    line.lastapp.eq_ignore_ascii_case("Dial") && within(line, Limit::of_dial(line)) == End::CallerLeft
}

fn after_dial(last: &CdrLine) -> End {
    if last.dstchannel.is_empty() || last.disposition != "NO ANSWER" && last.disposition != "CANCEL" {
        return End::PbxEnded;
    }
    let limit = Limit::of_dial(last);
    let end = within(last, limit);
    match limit {
        _ if last.duration_ms == 0 => End::Open, // too short for a ring: it may have failed at once
        _ if end == End::CallerLeft => end,
        // What came before the phone is in the same record.
        Limit::Of(limit) if last.answer_ms.is_none() && (limit..=limit + ROUNDING_MS).contains(&last.duration_ms) => {
            End::PbxEnded
        }
        _ => End::Open,
    }
}

/// Whole seconds are cut: an application that was to last 4.9 s and lasts 4 s by its record may have been over.
fn within(last: &CdrLine, limit: Limit) -> End {
    match limit {
        Limit::Endless => End::CallerLeft,
        Limit::Of(limit) if last.duration_ms + ROUNDING_MS <= limit => End::CallerLeft,
        Limit::Of(_) | Limit::Unknown => End::Open,
    }
}

impl Limit {
    /// The second argument of Dial(): seconds, which may have a fraction and, behind `^`, a time for what was called only.
    fn of_dial(last: &CdrLine) -> Self {
        Self::argument(last, 1, |text| {
            let seconds = text.split('^').next().unwrap_or_default();
            seconds.trim().parse::<f64>().ok().filter(|s| *s > 0.0).map(|s| millis(s, 1_000.0))
        })
    }

    /// The argument of Wait() and WaitExten(): seconds, or a number with `ms`, `s`, `m` or `h`.
    fn of_timelen(last: &CdrLine, n: usize) -> Self {
        Self::argument(last, n, |text| {
            let text = text.trim();
            let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let unit = match text[number.len()..].to_ascii_lowercase().as_str() {
                "ms" => 1.0,
                "m" => 60_000.0,
                "h" => 3_600_000.0,
                _ => 1_000.0,
            };
            number.parse::<f64>().ok().map(|n| millis(n, unit))
        })
    }

    /// The time of MusicOnHold().
    fn of_whole_seconds(last: &CdrLine, n: usize) -> Self {
        Self::argument(last, n, |text| text.trim().parse::<u32>().ok().map(|s| Millis::from(s) * 1_000))
    }

    fn argument(last: &CdrLine, n: usize, read: fn(&str) -> Option<Millis>) -> Self {
        let mut arguments = last.lastdata.split(',').skip(n);
        let argument = arguments.next();
        let whole = last.lastdata.len() < LASTDATA || arguments.next().is_some();
        match argument.and_then(read) {
            _ if !whole => Self::Unknown,
            Some(limit) => Self::Of(limit),
            None => Self::Endless,
        }
    }
}

/// A day at most: what is longer nobody waits for.
#[allow(clippy::cast_possible_truncation)] // it is within the day
fn millis(number: f64, unit: f64) -> Millis {
    const DAY_MS: f64 = 86_400_000.0;
    (number * unit).clamp(0.0, DAY_MS) as Millis
}
