//! A call from a number of ours is no customer's, where only Asterisk's files tell.

use super::{caller, rows_by};
use crate::stream::rules;
use callbackd_core::model::rules::{OwnNumbers, Rules};

/// A dialer's call: the trunk was dialled, answered, and put into an extension of ours; the customer is in no record.
fn judged(own: &[&str], src: &str, disposition: &str) -> (String, Option<String>, Option<String>) {
    let rules = rules();
    let rules = Rules { own_numbers: OwnNumbers::new(&rules.numbering, own.iter().copied()), ..rules };
    let line = caller(("Dial", "PJSIP/101,20"), "PJSIP/101-00000002", 0, 20).at("from-internal", "101");
    let mut rows = rows_by(&rules, &[line.from(src).said(disposition)], &[]);
    let row = rows.remove(0);
    (row.direction.to_string(), row.number, row.agent)
}

#[test]
fn a_call_from_our_own_number_is_a_dialers() {
    let outbound = ("outbound".to_owned(), None, Some("PJSIP/101".to_owned()));
    for own in ["+12025550100", "12025550100", "2025550100"] {
        for src in ["12025550100", "+12025550100", "2025550100"] {
            assert_eq!(judged(&[own], src, "ANSWERED"), outbound, "{own} {src}");
        }
    }
}

#[test]
fn a_short_own_number_is_known_as_it_is_written() {
    assert_eq!(judged(&["5550100"], "5550100", "NO ANSWER").0, "outbound");
}

#[test]
fn a_customers_number_stays_one() {
    let judged = judged(&["+12025550100", "5550100"], "12025550123", "ANSWERED");
    assert_eq!((judged.0.as_str(), judged.1.as_deref()), ("inbound", Some("12025550123")));
}
