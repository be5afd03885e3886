//! A call with very many records: it is proved, and what that costs grows no faster than they do.

use super::{caller, cdrs, master};
use crate::stream::rules;
use callbackd_core::model::{OurAttempts, PbxId};
use callbackd_core::reconcile::{self, CdrLine, Prover};
use std::collections::BTreeSet;

/// A caller who waits in a queue that rings this many phones, each by a Local channel: two records each.
fn records(phones: usize) -> Vec<CdrLine> {
    let names =
        |what: &str, end: &str| (0..phones).map(|n| format!("{what}{n}@agents-{n:08x}{end}")).collect::<Vec<_>>();
    let (first, second) = (names("Local/", ";1"), names("Local/", ";2"));
    let rung: Vec<String> = (0..phones).map(|n| format!("PJSIP/{n}-{n:08x}")).collect();
    let ids: Vec<String> = (0..phones).map(|n| format!("0.{}", n + 2)).collect();
    let both = (0..phones).flat_map(|n| {
        let at = i64::try_from(n / 10).unwrap();
        let queue = caller(("Queue", "support,t"), &first[n], at, at + 1).unanswered();
        let phone = caller(("Dial", "PJSIP/101,1"), &rung[n], at, at + 1).unanswered();
        [phone.of(&second[n], (&ids[n], "0.1")), queue]
    });
    cdrs(&master(&both.collect::<Vec<_>>()))
}

/// The processor's time for one proof, ns; the least of three. The kernel counts in ticks of some milliseconds.
fn cost(phones: usize) -> u64 {
    let spent = || -> u64 {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
        text.split(' ').next().and_then(|ns| ns.parse().ok()).expect("nanoseconds")
    };
    let (pbx, rules, trunks) = (PbxId::new("lab"), rules(), BTreeSet::from(["PJSIP/trunk".to_owned()]));
    let prover = Prover { pbx: &pbx, rules: &rules, trunks: &trunks, ours: &OurAttempts::of_anybody() };
    let prove = |_| {
        let records = records(phones);
        let before = spent();
        let accounts = reconcile::accounts(records, Vec::new());
        assert_eq!(accounts.len(), 1);
        let rows: Vec<_> = accounts.into_iter().flat_map(|account| prover.calls(account)).collect();
        assert_eq!(rows.len(), 1);
        let row = prover.row(&rows[0], None).expect("a row");
        assert!(row.answered_ms.is_none() && row.legs.len() > 400, "{} legs", row.legs.len());
        spent() - before
    };
    (0..3).map(prove).min().expect("three")
}

#[test]
fn the_proof_of_a_call_with_twenty_thousand_records_costs_as_much_more_as_there_are_more_of_them() {
    let (some, many) = (cost(2_500), cost(10_000));
    println!("5,000 records {some} ns, 20,000 {many} ns");
    // Four times as many: sixteen times the cost if each were held against each.
    assert!(many < 9 * some.max(8_000_000), "{some} ns, {many} ns");
}
