//! Rows out of Asterisk's CDR and queue_log alone, as text.

mod agents;
mod customers;
mod ends;
mod forged_lines;
mod ids;
mod many;
mod own_numbers;
mod wishes;
mod zones;

use crate::stream::rules;
use callbackd_core::model::rules::Rules;
use callbackd_core::model::{FinishedCall, OurAttempts, PbxId};
use callbackd_core::reconcile::{self, CdrLine, Prover, QueueEvent, Zone, queue_log};
use jiff::tz::TimeZone;
use std::collections::BTreeSet;

/// One line of a Master.csv: a channel of a call from outside.
pub struct Line<'a> {
    channel: &'a str,
    dstchannel: &'a str,
    app: (&'a str, &'a str),
    /// Seconds after 2026-11-27 23:00:00 UTC: start, answer, end.
    times: (i64, Option<i64>, i64),
    disposition: &'a str,
    dst: &'a str,
    context: &'a str,
    src: &'a str,
    /// uniqueid and linkedid, less the second in which they were made: `23.0` is `pbx-1795820423.0`.
    ids: (&'a str, &'a str),
}

/// 2026-11-27 23:00:00 UTC.
const HOUR: i64 = 1_795_820_400;

/// Of a caller from outside who was in this application, answered by it.
pub fn caller<'a>(app: (&'a str, &'a str), dstchannel: &'a str, from: i64, to: i64) -> Line<'a> {
    Line {
        channel: "PJSIP/trunk-00000001",
        dstchannel,
        app,
        times: (from, Some(from), to),
        disposition: "NO ANSWER",
        dst: "5550100",
        context: "from-trunk",
        src: "12025550123",
        ids: ("0.1", "0.1"),
    }
}

impl<'a> Line<'a> {
    pub fn unanswered(self) -> Self {
        Self { times: (self.times.0, None, self.times.2), ..self }
    }

    pub fn answered(self, at: i64) -> Self {
        Self { times: (self.times.0, Some(at), self.times.2), ..self }
    }

    pub fn said(self, disposition: &'a str) -> Self {
        Self { disposition, ..self }
    }

    pub fn at(self, context: &'a str, dst: &'a str) -> Self {
        Self { context, dst, ..self }
    }

    /// Another channel of the call.
    pub fn of(self, channel: &'a str, ids: (&'a str, &'a str)) -> Self {
        Self { channel, ids, ..self }
    }

    pub fn from(self, src: &'a str) -> Self {
        Self { src, ..self }
    }

    /// As `cdr_csv` writes it, with the times of a zone that is so many hours ahead of UTC.
    pub fn text(&self, zone_h: i64, sequence: usize) -> String {
        let time =
            |s: i64| jiff::Timestamp::from_second(HOUR + zone_h * 3_600 + s).unwrap().strftime("%F %T").to_string();
        let (start, answer, end) = self.times;
        let id = |id: &str| match id.split_once('.') {
            Some((s, n)) => format!("pbx-{}.{n}", HOUR + s.parse::<i64>().unwrap()),
            None => id.to_owned(),
        };
        let billed = answer.map_or(0, |at| end - at);
        let answered = answer.map_or(String::new(), |at| format!("\"{}\"", time(at)));
        format!(
            "\"\",\"{src}\",\"{dst}\",\"{context}\",\"\"\"\"\" <{src}>\",\"{channel}\",\"{dstchannel}\",\"{app}\",\"{data}\",\"{}\",{answered},\"{}\",{},{billed},\"{disposition}\",\"DOCUMENTATION\",\"{}\",\"\",\"\",\"{}\",{sequence}\n",
            time(start),
            time(end),
            end - start,
            id(self.ids.0),
            id(self.ids.1),
            src = self.src,
            dst = self.dst,
            context = self.context,
            channel = self.channel,
            dstchannel = self.dstchannel,
            app = self.app.0,
            data = self.app.1,
            disposition = self.disposition,
        )
    }
}

pub fn master(lines: &[Line<'_>]) -> String {
    lines.iter().enumerate().map(|(n, line)| line.text(0, n)).collect()
}

/// `23|0.1|support|NONE|ENTERQUEUE||12025550123|1` with the second of the hour and of the id.
pub fn queue(lines: &[&str]) -> Vec<QueueEvent> {
    let mut reader = queue_log::Reader::default();
    let whole = |line: &&str| {
        let (at, rest) = line.split_once('|').unwrap();
        let (id, rest) = rest.split_once('|').unwrap();
        let (s, n) = id.split_once('.').unwrap();
        let second = |s: &str| HOUR + s.parse::<i64>().unwrap();
        // What the dialplan writes is about no call, and may go on in the next line.
        reader.next(&format!("{}|pbx-{}.{n}|{rest}", second(at), second(s)))
    };
    lines.iter().filter_map(whole).collect()
}

pub fn cdrs(text: &str) -> Vec<CdrLine> {
    let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let lines: Vec<csv::ByteRecord> = reader.into_byte_records().map(Result::unwrap).collect();
    let zone = Zone::learn(&TimeZone::UTC, &lines);
    lines.iter().map(|line| reconcile::cdr::read(line, &zone).unwrap_or_else(|| panic!("{line:?}"))).collect()
}

pub fn rows_by(rules: &Rules, lines: &[Line<'_>], events: &[&str]) -> Vec<FinishedCall> {
    let (pbx, trunks) = (PbxId::new("lab"), BTreeSet::from(["PJSIP/trunk".to_owned()]));
    let prover = Prover { pbx: &pbx, rules, trunks: &trunks, ours: &OurAttempts::of_anybody() };
    let accounts = reconcile::accounts(cdrs(&master(lines)), queue(events));
    let calls = accounts.into_iter().flat_map(|account| prover.calls(account));
    calls.map(|call| prover.row(&call, None).expect("an account has a first record")).collect()
}

pub fn rows(lines: &[Line<'_>], events: &[&str]) -> Vec<FinishedCall> {
    rows_by(&rules(), lines, events)
}

pub fn row(lines: &[Line<'_>], events: &[&str]) -> FinishedCall {
    let mut rows = rows(lines, events);
    assert_eq!(rows.len(), 1, "{rows:#?}");
    rows.remove(0)
}

/// `CANCEL QUEUE_ABANDON 8 s customer`: status, outcome, seconds of the wait, who hung up.
pub fn summary(row: &FinishedCall) -> String {
    format!("{} {} {} s {}", row.status, row.outcome, row.wait_ms / 1_000, row.hangup_by)
}
