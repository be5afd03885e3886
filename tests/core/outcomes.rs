//! What an outcome means, and that the documents say the same.

use callbackd_core::model::{Direction, Outcome, Status};
use std::collections::BTreeSet;

const MANUAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/doc/operator.md");
const CONFIGURATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/callbackd.toml");

/// The outcomes that a text names.
fn named(text: &str) -> BTreeSet<Outcome> {
    let words = text.split(|c: char| !c.is_ascii_uppercase() && c != '_');
    words.filter_map(|word| Outcome::ALL.iter().copied().find(|outcome| outcome.as_str() == word)).collect()
}

fn that(holds: impl Fn(Outcome) -> bool) -> BTreeSet<Outcome> {
    Outcome::ALL.iter().copied().filter(|outcome| holds(*outcome)).collect()
}

#[test]
fn the_manuals_table_has_the_outcomes_of_each_status() {
    let manual = std::fs::read_to_string(MANUAL).unwrap();
    for status in Status::ALL {
        let rows: Vec<&str> = manual.lines().filter(|line| line.starts_with(&format!("| {status} |"))).collect();
        let [row] = rows[..] else { panic!("operator.md has {} rows for {status}", rows.len()) };
        let outcomes = row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap();
        assert_eq!(named(outcomes), that(|o| o.meaning().statuses.contains(status)), "{status}");
    }
}

#[test]
fn the_example_configuration_lists_what_is_called_back_by_default() {
    let text = std::fs::read_to_string(CONFIGURATION).unwrap();
    let (_, list) = text.split_once("\non = [").expect("the list `on`, as it is by default");
    let (list, _) = list.split_once(']').unwrap();
    let (_, others) = text.split_once("Not here, but possible:").unwrap();
    let possible = that(|o| !o.meaning().by_default && o.meaning().never.is_none());
    assert_eq!(named(others.lines().next().unwrap()), possible);
    assert_eq!(named(list), that(|o| o.meaning().by_default));
}

#[test]
fn what_is_never_called_back_is_neither_missed_nor_called_back_by_default() {
    for outcome in Outcome::ALL {
        let meaning = outcome.meaning();
        assert!(!meaning.statuses.is_empty(), "{outcome} has no status");
        assert!(meaning.never.is_none() || !(meaning.missed || meaning.by_default), "{outcome}");
        assert!(meaning.missed || !meaning.by_default, "{outcome} is called back though it counts as no miss");
        assert!(!meaning.person || meaning.statuses == [Status::Answer], "{outcome}");
    }
}

#[test]
fn the_rules_tag_follows_the_status_unless_the_outcome_says_more() {
    for outcome in Outcome::ALL {
        for status in outcome.meaning().statuses {
            let tag = match (outcome, status) {
                (Outcome::VoicemailLeft, _) => Some("VOICEMAIL"),
                (Outcome::CallbackRequested, _) => Some("CALLBACK"),
                (Outcome::TransferLost, _) => Some("DISCONNECTED"),
                (_, Status::Cancel) => Some("ABANDONED"),
                (_, Status::Busy) => Some("BUSY"),
                (_, Status::NoAnswer) => Some("NO_ANSWER"),
                _ => None,
            };
            assert_eq!(outcome.meaning().tag, tag, "{outcome} with {status}");
        }
    }
}

#[test]
fn offered_is_who_reached_a_person_or_was_refused_at_a_queue() {
    let offered = |reached| {
        that(|o| o.meaning().statuses.iter().any(|status| o.was_offered(Direction::Inbound, *status, reached)))
    };
    assert_eq!(
        offered(false),
        named("QUEUE_EMPTY QUEUE_FULL QUEUE_ABANDON RING_ABANDON"),
        "without a queue or a phone"
    );
    let never = named("IVR_LOST EARLY_ABANDON BLOCKED SELF_SERVICE SHORT_ABANDON ANNOUNCEMENT HUNG_UP GAP");
    assert_eq!(offered(true), that(|o| !never.contains(&o)));
    assert!(!Outcome::VoicemailLeft.was_offered(Direction::Inbound, Status::OutOfTime, true), "closed");
    assert!(!Outcome::Agent.was_offered(Direction::Outbound, Status::Answer, true), "a call of ours");
}
