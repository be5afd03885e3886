//! Who ended a call, and when, where only Asterisk's files tell.

use super::{caller, cdrs, master, queue, row, summary};
use callbackd_core::model::VisitResult;
use callbackd_core::reconcile::accounts;
use callbackd_core::reconcile::audit::visits_differ;

#[test]
fn who_gives_up_between_two_rounds_of_a_queue_has_waited_until_queue_log_says_so() {
    let queue = ("Queue", "slow,,,,60");
    let abandoned = row(
        &[caller(queue, "PJSIP/101-00000001", 23, 27), caller(queue, "PJSIP/102-00000002", 23, 27)],
        &[
            "23|0.1|slow|NONE|ENTERQUEUE||12025550123|1",
            "27|0.1|slow|Ann|RINGNOANSWER|4000",
            "27|0.1|slow|Ben|RINGNOANSWER|4000",
            "31|0.1|slow|NONE|ABANDON|1|1|8",
        ],
    );
    assert_eq!(summary(&abandoned), "CANCEL QUEUE_ABANDON 8 s customer", "{abandoned:#?}");
    assert_eq!((abandoned.ended_ms - abandoned.started_ms, abandoned.queue_wait_ms), (8_000, 8_000));
    assert!(abandoned.legs.iter().all(|leg| leg.result.to_string() == "NOANSWER"), "{:?}", abandoned.legs);
}

#[test]
fn whose_time_in_a_queue_ran_out_after_the_last_round_has_waited_until_then() {
    let timed_out = row(
        &[caller(("Queue", "slow,,,,10"), "PJSIP/101-00000001", 23, 27)],
        &[
            "23|0.1|slow|NONE|ENTERQUEUE||12025550123|1",
            "27|0.1|slow|Ann|RINGNOANSWER|4000",
            "33|0.1|slow|NONE|EXITWITHTIMEOUT|1|1|10",
        ],
    );
    assert_eq!(summary(&timed_out), "NOANSWER QUEUE_TIMEOUT 10 s unknown", "{timed_out:#?}");
}

#[test]
fn who_was_redirected_out_of_a_queue_has_not_ended_there() {
    let redirected = row(
        &[
            caller(("Queue", "slow,,,,60"), "PJSIP/101-00000001", 20, 24),
            caller(("Hangup", ""), "", 24, 40).said("ANSWERED"),
        ],
        &["20|0.1|slow|NONE|ENTERQUEUE||12025550123|1", "24|0.1|slow|NONE|ABANDON|1|1|4"],
    );
    assert_eq!(redirected.ended_ms - redirected.started_ms, 20_000);
    assert_eq!(redirected.hangup_by.to_string(), "pbx");
}

/// What the files tell of a caller whose last application this was, for so many whole seconds.
fn last(app: &str, data: &str, s: i64) -> String {
    let dialled = if app == "Dial" { "PJSIP/101-00000001" } else { "" };
    let line = caller((app, data), dialled, 0, s).said(if app == "Dial" { "NO ANSWER" } else { "ANSWERED" });
    summary(&row(&[if app == "Dial" { line.unanswered() } else { line }], &[]))
}

#[test]
fn a_phone_that_rang_its_whole_time_was_not_given_up_whatever_the_fraction() {
    assert_eq!(last("Dial", "PJSIP/101,4.9", 4), "NOANSWER RING_TIMEOUT 4 s unknown");
    assert_eq!(last("Dial", "PJSIP/101,4.9", 3), "CANCEL RING_ABANDON 3 s customer");
    assert_eq!(last("Dial", "PJSIP/101,4.9", 5), "NOANSWER RING_TIMEOUT 5 s pbx");
    assert_eq!(last("Dial", "PJSIP/101,20", 19), "CANCEL RING_ABANDON 19 s customer");
    assert_eq!(last("Dial", "PJSIP/101,20", 20), "NOANSWER RING_TIMEOUT 20 s pbx");
    assert_eq!(last("Dial", "PJSIP/101,20^40,t", 20), "NOANSWER RING_TIMEOUT 20 s pbx");
    // Something else was in the record before the phone rang.
    assert_eq!(last("Dial", "PJSIP/101,20", 23), "NOANSWER RING_TIMEOUT 23 s unknown");
    assert_eq!(last("Dial", "PJSIP/101", 23), "CANCEL RING_ABANDON 23 s customer");
}

#[test]
fn a_time_that_the_record_cuts_off_is_not_taken_for_none() {
    let long = format!("{}/sip:101@192.0.2.1", "PJSIP/101&".repeat(5));
    assert_eq!(last("Dial", &format!("{long}{}", "x".repeat(79))[..79], 20), "NOANSWER RING_TIMEOUT 20 s unknown");
    let told = format!("PJSIP/101,30,{}", "x".repeat(66));
    assert_eq!(last("Dial", &told[..79], 20), "CANCEL RING_ABANDON 20 s customer");
}

#[test]
fn a_wait_that_was_over_is_no_callers_hand() {
    for (app, data, s, by) in [
        ("Wait", "2.5", 1, "customer"),
        ("Wait", "2.5", 2, "unknown"),
        ("Wait", "2500ms", 2, "unknown"),
        ("Wait", "1m", 40, "customer"),
        ("WaitExten", "2", 1, "customer"),
        ("WaitExten", "2", 2, "unknown"),
        ("WaitExten", "2,m", 1, "customer"),
        ("MusicOnHold", "default,2", 1, "customer"),
        ("MusicOnHold", "default,2", 2, "unknown"),
        ("MusicOnHold", "default", 60, "customer"),
    ] {
        let told = last(app, data, s);
        assert!(told.ends_with(by), "{app}({data}) for {s} s: {told}");
    }
}

#[test]
fn an_announcement_that_was_cut_short_was_not_heard_to_its_end() {
    let closed = |app: &'static str, next: Option<i64>| {
        let announcement = caller((app, "announcement"), "", 0, 4).said("ANSWERED").at("closed", "s");
        let hangup = next.map(|s| caller(("Hangup", ""), "", 4, s).said("ANSWERED").at("closed", "s"));
        row(&[Some(announcement), hangup].into_iter().flatten().collect::<Vec<_>>(), &[])
    };
    let cut_short = closed("Playback", None);
    assert_eq!(cut_short.outcome.to_string(), "HUNG_UP", "{cut_short:#?}");
    assert!(cut_short.why.iter().any(|why| why.contains("is not recorded")), "{:?}", cut_short.why);
    assert_eq!(closed("Playback", Some(4)).outcome.to_string(), "ANNOUNCEMENT");
    let parked = row(&[caller(("Park", "default"), "", 0, 40).said("ANSWERED")], &[]);
    assert_eq!(summary(&parked), "CANCEL EARLY_ABANDON 40 s unknown");
}

#[test]
fn a_phone_that_ended_before_its_time_while_the_call_went_on_has_refused() {
    let rang = |s| caller(("Dial", "PJSIP/101,20,tT"), "PJSIP/101-00000001", 0, s).unanswered();
    let over = |s| caller(("Hangup", ""), "", s, s).unanswered();
    let outcome = |s| summary(&row(&[rang(s), over(s)], &[]));
    assert_eq!(outcome(2), "NOANSWER REJECTED 2 s pbx");
    assert_eq!(outcome(0), "NOT_CONNECTED UNAVAILABLE 0 s pbx");
    assert_eq!(outcome(20), "NOANSWER RING_TIMEOUT 20 s pbx");
    // With canceldispositionenabled = yes the caller's own hand is CANCEL.
    assert_eq!(summary(&row(&[rang(7).said("CANCEL")], &[])), "CANCEL RING_ABANDON 7 s customer");
}

#[test]
fn who_was_cut_off_in_a_queue_has_abandoned_it_for_queue_log() {
    let lines = [caller(("Queue", "slow"), "PJSIP/101-00000001", 0, 4)];
    let events = ["0|0.1|slow|NONE|ENTERQUEUE||12025550123|1", "4|0.1|slow|NONE|ABANDON|1|1|4"];
    let mut cut = row(&lines, &events);
    cut.visits[0].result = VisitResult::Cut;
    let account = &accounts(cdrs(&master(&lines)), queue(&events))[0];
    assert_eq!(visits_differ(&cut, account), None);
    cut.visits.clear();
    assert!(visits_differ(&cut, account).is_some());
}
