//! Calls with thousands of records are proved in a time that grows as their records do.

use crate::stream::rules;
use callbackd_core::model::rules::Rules;
use callbackd_core::model::{FinishedCall, MAX_LEGS, MAX_VISITS, OurAttempts, Outcome, PbxId, VisitResult};
use callbackd_core::reconcile::audit::{Finding, compare};
use callbackd_core::reconcile::{CdrLine, Prover, QueueEvent, accounts, queue_log};
use std::collections::BTreeSet;

const START_S: i64 = 1_800_000_000;
/// Where the work grows with the square of the records, four times as many take sixteen times as long.
const FEWER: usize = 5_000;
const MORE: usize = 20_000;
const MOST_TIMES_LONGER: u64 = 9;

/// A record of a channel that dialled another one, in these seconds after the start.
fn cdr(channel: &str, dstchannel: &str, (from, to): (i64, i64), lastapp: &str) -> CdrLine {
    let ms = |s: i64| (START_S + s) * 1_000;
    CdrLine {
        src: "12025550123".to_owned(),
        dst: "5550100".to_owned(),
        dcontext: "from-trunk".to_owned(),
        clid: String::new(),
        channel: channel.to_owned(),
        dstchannel: dstchannel.to_owned(),
        lastapp: lastapp.to_owned(),
        lastdata: "sales".to_owned(),
        start_ms: ms(from),
        answer_ms: None,
        end_ms: ms(to),
        duration_ms: (to - from) * 1_000,
        billed_ms: 0,
        disposition: "NO ANSWER".to_owned(),
        uniqueid: Some("c.1".to_owned()),
        linkedid: Some("c.1".to_owned()),
        sequence: u64::try_from(from).unwrap(),
    }
}

fn event(at: i64, what: &str) -> QueueEvent {
    queue_log::read(&format!("{}|c.1|sales|{what}", START_S + at)).unwrap()
}

struct Proved {
    calls: usize,
    row: FinishedCall,
    took_ns: u64,
}

/// The row of the first call of these records, and how long the processor worked for it: the least of three.
fn prove(cdrs: &[CdrLine], events: &[QueueEvent]) -> Proved {
    let (rules, trunks): (Rules, _) = (rules(), BTreeSet::from(["PJSIP/trunk".to_owned()]));
    let pbx = PbxId::new("lab");
    let prover = Prover { pbx: &pbx, rules: &rules, trunks: &trunks, ours: &OurAttempts::of_anybody() };
    let once = || {
        let begun = on_cpu_ns();
        let calls = accounts(cdrs.to_vec(), events.to_vec());
        let row = prover.row(&calls[0], None).unwrap();
        let finding = compare(&row, &calls[0], &prover);
        assert!(!matches!(finding, Finding::Differs(_)), "{finding:?}");
        Proved { calls: calls.len(), row, took_ns: on_cpu_ns() - begun }
    };
    (0..3).map(|_| once()).min_by_key(|proved| proved.took_ns).unwrap()
}

/// Processor time of this thread: what others do at the same time does not count (`man 5 proc`, schedstat).
fn on_cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

/// The rows of the same call with fewer and with more records.
fn scales(make: impl Fn(usize) -> (Vec<CdrLine>, Vec<QueueEvent>)) -> Proved {
    let [fewer, more] = [FEWER, MORE].map(|n| {
        let (cdrs, events) = make(n);
        prove(&cdrs, &events)
    });
    let ratio = more.took_ns / fewer.took_ns.max(1);
    println!("{} ns, {} ns", fewer.took_ns, more.took_ns);
    assert!(ratio < MOST_TIMES_LONGER, "4 times the records took {ratio} times as long ({} ns)", more.took_ns);
    assert_eq!(fewer.calls, more.calls);
    more
}

#[test]
fn a_caller_for_whom_a_queue_rang_twenty_thousand_times() {
    let proved = scales(|n| {
        let spans = (0..n).map(|k| (k, i64::try_from(k).unwrap()));
        let rings = spans.clone().map(|(k, s)| cdr("PJSIP/trunk-1", &format!("PJSIP/101-{k}"), (s, s + 1), "Queue"));
        let mut events = vec![event(0, "NONE|ENTERQUEUE||12025550123|1")];
        events.extend(spans.map(|(_, s)| event(s + 1, "PJSIP/101|RINGNOANSWER|1000")));
        events.push(event(i64::try_from(n).unwrap(), "NONE|ABANDON|1|1|1"));
        (rings.collect(), events)
    });
    assert_eq!((proved.calls, proved.row.legs.len()), (1, MAX_LEGS));
    assert!(proved.row.legs.iter().all(|leg| leg.queue.as_deref() == Some("sales")));
    assert_eq!((proved.row.visits.len(), proved.row.visits[0].result), (1, VisitResult::Abandoned));
}

#[test]
fn a_caller_who_was_in_a_queue_ten_thousand_times() {
    let proved = scales(|n| {
        let (mut rings, mut events) = (Vec::new(), Vec::new());
        for s in (0..i64::try_from(n).unwrap()).step_by(2) {
            rings.push(cdr("PJSIP/trunk-1", &format!("PJSIP/101-{s}"), (s, s + 1), "Queue"));
            rings.push(cdr("PJSIP/trunk-1", "", (s + 1, s + 2), "Playback"));
            events.push(event(s, "NONE|ENTERQUEUE||12025550123|1"));
            events.push(event(s + 1, "NONE|EXITWITHTIMEOUT|1|1|1"));
        }
        (rings, events)
    });
    assert_eq!((proved.calls, proved.row.visits.len()), (1, MAX_VISITS));
}

#[test]
fn calls_that_meet_in_one_channel_all_day() {
    let proved = scales(|n| {
        // A room's channel comes and goes while each of its guests is there all the time.
        let room = (0..i64::try_from(n / 2).unwrap()).map(|s| CdrLine {
            uniqueid: Some(format!("r.{s}")),
            linkedid: Some(format!("r.{s}")),
            ..cdr("Local/room@x-1;1", "", (s * 10, s * 10 + 1), "ConfBridge")
        });
        let length = i64::try_from(n).unwrap() * 10;
        let guests = (0..n / 2).map(|k| CdrLine {
            uniqueid: Some(format!("g.{k}")),
            linkedid: Some(format!("g.{k}")),
            ..cdr(&format!("PJSIP/trunk-{k}"), "Local/room@x-1;1", (0, length), "Dial")
        });
        (guests.chain(room).collect(), Vec::new())
    });
    assert_eq!(proved.calls, 1);
}

#[test]
fn records_that_all_lead_to_each_other_are_not_all_followed_and_the_call_is_unknown() {
    let proved = scales(|n| {
        let rings = (0..n / 2).map(|_| cdr("PJSIP/trunk-1", "Local/x@y-1;1", (0, 9), "Dial"));
        let behind = (0..n / 2).map(|_| cdr("Local/x@y-1;2", "Local/x@y-1;1", (0, 9), "Dial"));
        (rings.chain(behind).collect(), Vec::new())
    });
    assert_eq!((proved.calls, proved.row.outcome), (1, Outcome::Gap), "{:?}", proved.row.why);
}
