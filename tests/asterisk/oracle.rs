//! What Asterisk itself wrote about a call: its CDR and its queue_log, read on their own terms.

use std::collections::BTreeSet;

/// One line of `Master.csv`, as far as it is needed.
#[derive(Debug, Clone)]
pub struct Cdr {
    /// Column `dstchannel`: the channel that was dialled, if any.
    pub dstchannel: String,
    /// Seconds since 1970 UTC.
    pub start: i64,
    /// The same.
    pub end: i64,
    /// `ANSWERED`, `NO ANSWER`, `BUSY`, `FAILED` or `CONGESTION`.
    pub disposition: String,
    /// Uniqueid of the calling channel.
    pub uniqueid: String,
    /// Linkedid.
    pub linkedid: String,
    /// The line as written.
    pub line: String,
}

/// Reads `Master.csv` as `cdr_csv.c` writes it with `newcdrcolumns` and `loguniqueid`, in GMT.
pub fn cdrs(master: &str) -> Vec<Cdr> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(master.as_bytes());
    let seconds = |text: &str| {
        text.parse::<jiff::civil::DateTime>()
            .ok()
            .and_then(|t| t.to_zoned(jiff::tz::TimeZone::UTC).ok())
            .map_or(0, |t| t.timestamp().as_second())
    };
    reader
        .records()
        .map_while(Result::ok)
        .map(|r| {
            let column = |n: usize| r.get(n).unwrap_or_default().to_owned();
            // accountcode src dst dcontext clid channel dstchannel lastapp lastdata start answer end duration billsec disposition
            // amaflags uniqueid userfield peeraccount linkedid sequence
            Cdr {
                dstchannel: column(6),
                start: seconds(&column(9)),
                end: seconds(&column(11)),
                disposition: column(14),
                uniqueid: column(16),
                linkedid: column(19),
                line: r.iter().collect::<Vec<_>>().join(","),
            }
        })
        .collect()
}

/// One line of `queue_log`.
#[derive(Debug, Clone)]
pub struct QueueEvent {
    /// Uniqueid of the caller's channel.
    pub callid: String,
    /// Queue name.
    pub queue: String,
    /// Member name, or `NONE`.
    pub agent: String,
    /// `ENTERQUEUE`, `CONNECT`, `ABANDON`, …
    pub event: String,
    /// What follows, by event.
    pub data: Vec<String>,
    /// The line as written.
    pub line: String,
}

/// Reads `queue_log`.
pub fn queue_events(log: &str) -> Vec<QueueEvent> {
    log.lines()
        .filter_map(|line| {
            let mut fields = line.split('|').skip(1).map(str::to_owned);
            let (callid, queue, agent, event) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
            Some(QueueEvent { callid, queue, agent, event, data: fields.collect(), line: line.to_owned() })
        })
        .collect()
}

/// What both together say about one call.
#[derive(Debug, Default)]
pub struct Account {
    /// Technology and peer of everybody whose CDR is answered (`PJSIP/1001`); trunks as `PJSIP/trunk`.
    pub talked: BTreeSet<String>,
    /// Every disposition among its CDRs.
    pub dispositions: BTreeSet<String>,
    /// The first agent to whom a queue connected the caller, as technology and peer.
    pub connected_to: Option<String>,
    /// Queue and end of each visit, in the words of the table `queue_visits`; refusals at the door are not in queue_log.
    pub visits: Vec<(String, String)>,
    /// First start and last end in the CDR, seconds since 1970 UTC.
    pub span: Option<(i64, i64)>,
    /// Seconds of talk that the queue counted.
    pub queue_talk: Option<i64>,
    /// `agent` or `customer`, where the queue says who hung up.
    pub completed_by: Option<&'static str>,
    /// Agent names of `RINGNOANSWER`.
    pub rang_out: Vec<String>,
    /// All of its lines, for a person to read.
    pub lines: Vec<String>,
}

/// Draws up the account of one call.
pub fn account(cdrs: &[Cdr], events: &[QueueEvent], linkedid: &str) -> Account {
    let mut account = Account::default();
    let of_call: Vec<&Cdr> = cdrs.iter().filter(|c| c.linkedid == linkedid).collect();
    for cdr in &of_call {
        if cdr.disposition == "ANSWERED" && !cdr.dstchannel.is_empty() {
            account.talked.insert(peer(&cdr.dstchannel));
        }
        account.dispositions.insert(cdr.disposition.clone());
        let (start, end) = account.span.unwrap_or((cdr.start, cdr.end));
        account.span = Some((start.min(cdr.start), end.max(cdr.end)));
        account.lines.push(cdr.line.clone());
    }
    // A queue that was reached by a consultation logs the consulting channel.
    let channels: BTreeSet<&str> = of_call.iter().map(|c| c.uniqueid.as_str()).chain([linkedid]).collect();
    for event in events.iter().filter(|e| channels.contains(e.callid.as_str())) {
        let seconds = |n: usize| event.data.get(n).and_then(|s| s.parse::<i64>().ok());
        let result = match event.event.as_str() {
            "CONNECT" => Some("CONNECTED"),
            "ABANDON" => Some("ABANDONED"),
            "EXITWITHTIMEOUT" => Some("TIMEOUT"),
            "EXITWITHKEY" => Some("KEY"),
            "EXITEMPTY" => Some("LEAVEEMPTY"),
            _ => None,
        };
        account.visits.extend(result.map(|r| (event.queue.clone(), r.to_owned())));
        match event.event.as_str() {
            "CONNECT" => drop(account.connected_to.get_or_insert_with(|| event.agent.replace("Agent ", "PJSIP/"))),
            "COMPLETEAGENT" => (account.completed_by, account.queue_talk) = (Some("agent"), seconds(1)),
            "COMPLETECALLER" => (account.completed_by, account.queue_talk) = (Some("customer"), seconds(1)),
            "RINGNOANSWER" => account.rang_out.push(event.agent.clone()),
            _ => {}
        }
        account.lines.push(event.line.clone());
    }
    account
}

/// `PJSIP/1001-0000000a` → `PJSIP/1001`; of `Local/1601@from-queue-00000001;1` the person is the phone behind it.
fn peer(channel: &str) -> String {
    match channel.strip_prefix("Local/").and_then(|rest| rest.split_once('@')) {
        Some((extension, _)) => format!("PJSIP/{extension}"),
        None => channel.rsplit_once('-').map_or(channel, |(peer, _)| peer).to_owned(),
    }
}
