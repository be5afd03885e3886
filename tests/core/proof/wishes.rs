//! Callers who asked to be called back, and what the records say of what came after.

use super::{Line, caller, cdrs, master, queue};
use crate::stream::rules;
use callbackd_core::model::{FinishedCall, OurAttempts, Outcome, PbxId, Status, Tag};
use callbackd_core::reconcile::{self, Prover};
use std::collections::BTreeSet;

/// The row of these records; before, the call was seen in part, and its caller asked at this second.
fn row(lines: &[Line<'_>], events: &[&str], asked_s: i64) -> FinishedCall {
    let (pbx, trunks) = (PbxId::new("lab"), BTreeSet::from(["PJSIP/trunk".to_owned()]));
    let (rules, ours) = (rules(), OurAttempts::of_anybody());
    let prover = Prover { pbx: &pbx, rules: &rules, trunks: &trunks, ours: &ours };
    let account = reconcile::accounts(cdrs(&master(lines)), queue(events)).remove(0);
    let mut seen = prover.row(&account, None).expect("a row");
    (seen.status, seen.outcome, seen.answered_ms, seen.talk_ms) = (Status::Unknown, Outcome::Gap, None, 0);
    let at_ms = (super::HOUR + asked_s) * 1_000;
    let by_caller = |code: &str, note: &str| Tag { code: code.into(), note: note.into(), by: "caller".into(), at_ms };
    seen.tags = vec![by_caller("CALLBACK", ""), by_caller("CALLBACK_AT", "+2h")];
    prover.row(&account, Some(&seen)).expect("a row")
}

fn by_caller(row: &FinishedCall) -> Vec<&str> {
    row.tags.iter().filter(|t| t.by == "caller").map(|t| &*t.code).collect()
}

#[test]
fn who_was_served_after_the_wish_has_what_was_asked_for() {
    let line = caller(("Dial", "PJSIP/101,20"), "PJSIP/101-00000002", 0, 30).answered(10).said("ANSWERED");
    let row = row(&[line], &[], 5);
    assert_eq!((row.status, row.outcome), (Status::Answer, Outcome::Agent), "{row:#?}");
    assert!(by_caller(&row).is_empty(), "{:?}", row.tags);
}

#[test]
fn who_asked_after_the_talk_is_served_and_the_wish_stands() {
    let line = caller(("Dial", "PJSIP/101,20"), "PJSIP/101-00000002", 0, 30).answered(10).said("ANSWERED");
    let row = row(&[line], &[], 28);
    assert_eq!((row.status, row.outcome), (Status::Answer, Outcome::Agent));
    assert_eq!(by_caller(&row), ["CALLBACK", "CALLBACK_AT"]);
}

#[test]
fn who_was_not_served_asked_for_a_callback() {
    let line = caller(("Dial", "PJSIP/101,20"), "PJSIP/101-00000002", 0, 20).unanswered();
    let row = row(&[line], &[], 5);
    assert_eq!((row.status, row.outcome), (Status::NoAnswer, Outcome::CallbackRequested), "{row:#?}");
    assert!(by_caller(&row).contains(&"CALLBACK_AT"));
}
