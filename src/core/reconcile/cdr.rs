//! One line of Asterisk's `cdr-csv/Master.csv`, with any set of columns that `cdr.conf` allows, and the zone of its times.

use crate::ami::frame::text as clean;
use crate::ami::length;
use crate::millis::Millis;
use crate::model::attempt_id::has_form_of_attempt;
use crate::reconcile::zone::{Shown, Zone, millis};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Columns that every line has (`cdr/cdr_csv.c`, `build_csv_record`); `[csv]` of cdr.conf adds to them.
const LEAST: usize = 16;
/// With `loguniqueid`, `loguserfield` and `newcdrcolumns`.
const MOST: usize = 21;
/// What `newcdrcolumns` adds: `peeraccount`, `linkedid`, `sequence`.
const NEW_COLUMNS: usize = 3;
/// A uniqueid names no second before 2001: what is smaller is counted some other way.
const FIRST_SECOND: u32 = 1_000_000_000;

/// One record of one channel, as Asterisk wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CdrLine {
    /// `src`: the caller's number.
    pub src: String,
    /// `dst`: the extension that it was in, in the dialplan.
    pub dst: String,
    /// `dcontext`: the context of that extension.
    pub dcontext: String,
    /// `clid`: name and number, as `"Name" <number>`.
    pub clid: String,
    /// `channel`.
    pub channel: String,
    /// `dstchannel`: whom it dialled; empty if nobody.
    pub dstchannel: String,
    /// `lastapp`.
    pub lastapp: String,
    /// `lastdata`.
    pub lastdata: String,
    /// `start`, ms since 1970 UTC.
    pub start_ms: Millis,
    /// `answer`; `None` if the channel was never answered. A queue, a menu or an announcement answers too.
    pub answer_ms: Option<Millis>,
    /// `end`.
    pub end_ms: Millis,
    /// `duration`, whole seconds in ms.
    pub duration_ms: Millis,
    /// `billsec`, whole seconds in ms.
    pub billed_ms: Millis,
    /// `disposition`: ANSWERED, NO ANSWER, BUSY, FAILED, CONGESTION, CANCEL.
    pub disposition: String,
    /// `uniqueid`; `None` without `loguniqueid = yes`.
    pub uniqueid: Option<String>,
    /// `linkedid`; `None` without `newcdrcolumns = yes`.
    pub linkedid: Option<String>,
    /// `sequence`, 0 without `newcdrcolumns = yes`.
    pub sequence: u64,
}

impl CdrLine {
    /// The channel's uniqueid, or the call's id where the file has none.
    pub(super) fn id(&self) -> Option<&str> {
        self.uniqueid.as_deref().or(self.linkedid.as_deref())
    }

    /// Somebody was dialled, and answered.
    #[must_use]
    pub fn connected(&self) -> bool {
        !self.dstchannel.is_empty() && self.disposition == "ANSWERED"
    }
}

/// Hears what the first record of each channel shows of the zone: it begins in the second that the channel's uniqueid names.
pub fn hear<'a>(zone: &mut Zone, lines: impl IntoIterator<Item = &'a csv::ByteRecord>) {
    let mut shown = Vec::new();
    let mut before: Option<String> = None;
    for line in lines {
        let Some(columns) = Columns::of(line) else { continue };
        let Some(uniqueid) = columns.uniqueid(line) else { continue };
        // Records of one channel are written together, the first one first.
        if before.as_deref() == Some(&*uniqueid) {
            continue;
        }
        if let (Some(made_ms), Some(civil)) = (epoch(&uniqueid), columns.civil(line, 9)) {
            shown.push(Shown { civil, made_ms });
        }
        before = Some(uniqueid.into_owned());
    }
    zone.hear(&shown);
}

impl Zone {
    /// Learns it from the records themselves. Where no record shows it, it is local time, as `usegmtime = no` is the default.
    #[must_use]
    pub fn learn<'a>(local: &TimeZone, lines: impl IntoIterator<Item = &'a csv::ByteRecord>) -> Self {
        let mut zone = Self::of(local);
        hear(&mut zone, lines);
        zone
    }
}

/// Where a line has what.
#[derive(Debug, Clone, Copy)]
struct Columns {
    uniqueid: Option<usize>,
    linkedid: Option<usize>,
}

impl Columns {
    /// By their number and by what stands in them: a lone column after the first sixteen is `uniqueid` or `userfield`.
    fn of(line: &csv::ByteRecord) -> Option<Self> {
        let n = line.len();
        if !(LEAST..=MOST).contains(&n) {
            return None;
        }
        let new = n >= LEAST + NEW_COLUMNS;
        let old = if new { n - NEW_COLUMNS } else { n };
        let filled = |at: &usize| line.get(*at).is_some_and(|text| !text.is_empty());
        let linkedid = new.then_some(n - 2).filter(filled);
        let is_uniqueid = |at: &usize| {
            let text = |at: usize| line.get(at).map(String::from_utf8_lossy);
            text(*at).is_some_and(|text| is_id(&text)) || linkedid.is_some_and(|linkedid| text(*at) == text(linkedid))
        };
        let uniqueid = match old - LEAST {
            0 => None,
            1 => Some(LEAST).filter(filled).filter(is_uniqueid),
            _ => Some(LEAST).filter(filled), // whatever a client has asked for as ChannelId
        };
        Some(Self { uniqueid, linkedid })
    }

    fn uniqueid(self, line: &csv::ByteRecord) -> Option<std::borrow::Cow<'_, str>> {
        self.uniqueid.and_then(|at| line.get(at)).map(String::from_utf8_lossy)
    }

    fn civil(self, line: &csv::ByteRecord, at: usize) -> Option<DateTime> {
        std::str::from_utf8(line.get(at)?).ok()?.parse().ok()
    }
}

/// Reads a line; `None` if it is none of `cdr_csv`'s (torn, of another module, damaged).
#[must_use]
pub fn read(line: &csv::ByteRecord, zone: &Zone) -> Option<CdrLine> {
    let columns = Columns::of(line)?;
    let read = |field| clean(length::cut(field, length::EXPRESSION)).into_owned();
    let text = |n: usize| line.get(n).map(read).unwrap_or_default();
    let seconds = |n: usize| Some(text(n).parse::<u32>().ok()?).map(|s| Millis::from(s) * 1_000);
    let uniqueid = columns.uniqueid.map(text);
    let near = uniqueid.as_deref().and_then(epoch);
    let start_ms = zone.moment(columns.civil(line, 9)?, near)?;
    let answer_ms = columns.civil(line, 10).and_then(|at| zone.moment(at, Some(start_ms)));
    // An end that comes before the start was written on either side of a change of the clock.
    let end_ms = zone.moment(columns.civil(line, 11)?, Some(start_ms))?.max(start_ms);
    // A clock that was set meanwhile, or a torn line, must not make a talk that lasted less than nothing.
    let answer_ms = answer_ms.map(|at| at.clamp(start_ms, end_ms));
    Some(CdrLine {
        src: text(1),
        dst: text(2),
        dcontext: text(3),
        clid: text(4),
        channel: Some(text(5)).filter(|channel| !channel.is_empty())?,
        dstchannel: text(6),
        lastapp: text(7),
        lastdata: text(8),
        start_ms,
        answer_ms,
        end_ms,
        duration_ms: seconds(12)?,
        billed_ms: seconds(13)?,
        disposition: text(14),
        linkedid: columns.linkedid.map(text),
        sequence: columns.linkedid.and_then(|at| text(at + 1).parse().ok()).unwrap_or(0),
        uniqueid,
    })
}

/// The end of a record as its line has it, read as GMT whatever its zone is, ms; `None` if it is no CDR. To find a place in a file.
#[must_use]
pub fn rough_end(line: &[u8]) -> Option<Millis> {
    // A reader is far more work than a look: a damaged file has many short lines.
    if memchr::memchr_iter(b',', line).take(LEAST).count() < LEAST - 1 {
        return None;
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(line);
    let record = reader.byte_records().next()?.ok()?;
    millis(Columns::of(&record)?.civil(&record, 11)?, &TimeZone::UTC)
}

/// The second that a uniqueid names, in ms: `pbx-1795336414.2` was made in second 1795336414.
fn epoch(uniqueid: &str) -> Option<Millis> {
    let (head, _) = uniqueid.rsplit_once('.')?;
    let digits = head.rsplit_once('-').map_or(head, |(_, digits)| digits);
    digits.parse::<u32>().ok().filter(|s| *s >= FIRST_SECOND).map(|s| Millis::from(s) * 1_000)
}

/// A uniqueid as Asterisk, or a callbackd, makes them.
fn is_id(text: &str) -> bool {
    let made_by_callbackd = has_form_of_attempt(text);
    let counts = |head: &str, n: &str| {
        let second = head.rsplit_once('-').map_or(head, |(_, digits)| digits);
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits(second) && digits(n)
    };
    made_by_callbackd || text.rsplit_once('.').is_some_and(|(head, n)| counts(head, n))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#""","12025550123","5550100","from-trunk","""Ann ""A"" B"" <12025550123>","PJSIP/trunk-00000002","PJSIP/102-00000003","Queue","support,,,,20","#;

    fn lines(text: &str) -> Vec<csv::ByteRecord> {
        let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        reader.into_byte_records().map(Result::unwrap).collect()
    }

    fn one(times: &str, tail: &str, zone: &str) -> Option<CdrLine> {
        let lines = lines(&format!("{HEAD}{times},5,5,\"NO ANSWER\",\"DOCUMENTATION\"{tail}\n"));
        let zone = Zone::learn(&TimeZone::get(zone).unwrap(), &lines);
        read(&lines[0], &zone)
    }

    const UTC_TIMES: &str = r#""2026-11-22 08:33:34","2026-11-22 08:33:34","2026-11-22 08:33:39""#;

    #[test]
    fn every_set_of_columns_is_distinguished_from_the_others() {
        for (tail, uniqueid, linkedid, sequence) in [
            ("", None, None, 0),
            (r#","1795336414.2""#, Some("1795336414.2"), None, 0),
            (r#","something else""#, None, None, 0),
            (r#","pbx-1795336414.2","a field""#, Some("pbx-1795336414.2"), None, 0),
            (r#","","pbx-1795336414.1",7"#, None, Some("pbx-1795336414.1"), 7),
            (r#","cb-4-1","","1795336414.1",8"#, Some("cb-4-1"), Some("1795336414.1"), 8),
            (r#","a field","","1795336414.1",8"#, None, Some("1795336414.1"), 8),
            (r#","1795336414.2","a field","","1795336414.1",9"#, Some("1795336414.2"), Some("1795336414.1"), 9),
        ] {
            let line = one(UTC_TIMES, tail, "UTC").unwrap();
            assert_eq!((line.uniqueid.as_deref(), line.linkedid.as_deref()), (uniqueid, linkedid), "{tail}");
            assert_eq!((line.sequence, line.end_ms, line.src.as_str()), (sequence, 1_795_336_419_000, "12025550123"));
        }
        assert_eq!(one(UTC_TIMES, r#","","","","","","" "#, "UTC"), None, "22 columns are of another module");
    }

    #[test]
    fn the_uniqueid_tells_whether_times_are_local_or_gmt() {
        let id = r#","1795336414.2","","","1795336414.2",1"#;
        let start = |times, zone| one(times, id, zone).unwrap().start_ms;
        assert_eq!(start(UTC_TIMES, "Europe/Moscow"), 1_795_336_414_000);
        let local = r#""2026-11-22 11:33:34",,"2026-11-22 11:33:39""#;
        assert_eq!(start(local, "Europe/Moscow"), 1_795_336_414_000);
        let nothing_tells = one(local, "", "Europe/Moscow").unwrap();
        assert_eq!((nothing_tells.start_ms, nothing_tells.answer_ms), (1_795_336_414_000, None));
    }

    #[test]
    fn an_answer_is_within_its_call_whatever_the_clock_did() {
        let times = |text| {
            one(text, "", "UTC").map(|line| (line.answer_ms.unwrap() - line.start_ms, line.end_ms - line.start_ms))
        };
        assert_eq!(times(r#""2026-11-22 08:00:00","2026-11-22 08:00:02","2026-11-22 08:00:05""#), Some((2_000, 5_000)));
        assert_eq!(times(r#""2026-11-22 08:00:00","2026-11-22 08:00:02","2026-11-21 08:00:05""#), Some((0, 0)));
        assert_eq!(times(r#""2026-11-22 08:00:00","2026-11-22 07:59:59","2026-11-22 08:00:05""#), Some((0, 5_000)));
    }

    #[test]
    fn of_the_hour_that_comes_twice_the_one_is_meant_that_the_uniqueid_names() {
        // 2026-10-25 02:30 in Berlin is 00:30 UTC and again 01:30 UTC.
        for epoch in [1_792_888_200_i64, 1_792_891_800] {
            let times = r#""2026-10-25 02:30:00",,"2026-10-25 02:30:09""#;
            let line = one(times, &format!(r#","{epoch}.2""#), "Europe/Berlin").unwrap();
            assert_eq!((line.start_ms, line.end_ms), (epoch * 1_000, epoch * 1_000 + 9_000));
        }
    }

    #[test]
    fn texts_have_no_control_characters() {
        let text = format!("{HEAD}{UTC_TIMES},5,5,\"NO ANSWER\",\"DOCUMENTATION\",\"cb\u{1b}-4\",\"\"\n");
        let lines = lines(&text.replace("12025550123\",", "1202\n5550\u{85}123\","));
        let line = read(&lines[0], &Zone::learn(&TimeZone::UTC, &lines)).unwrap();
        assert_eq!(
            (line.src.as_str(), line.uniqueid.as_deref()),
            ("1202\u{fffd}5550\u{fffd}123", Some("cb\u{fffd}-4"))
        );
    }

    #[test]
    fn what_is_no_record_is_left_out() {
        let zone = Zone::learn(&TimeZone::UTC, []);
        for text in ["torn,line\n", &format!("{HEAD}a,b,c,5,5,x,y\n")] {
            assert_eq!(read(&lines(text)[0], &zone), None);
        }
    }
}
