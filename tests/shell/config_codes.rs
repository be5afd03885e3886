//! The tables `[[code]]`: what is shipped, what is added, and what is refused, by its line and with its fix.

use crate::configured::{good, refused};
use callbackd_core::model::Outcome;
use callbackd_core::model::codes::{Codes, MAX_CODES, OnCallback};

const DAY_MS: i64 = 86_400_000;

#[test]
fn what_is_not_said_is_as_shipped() {
    let codes = good("[[code]]\ncode = \"FOLLOW_UP\"\nlabel = \"Nachfassen\"\n").shared.codes;
    let (shipped, all) = (Codes::default(), codes.iter().count());
    let (follow_up, before) = (codes.get("FOLLOW_UP").unwrap(), shipped.get("FOLLOW_UP").unwrap());
    assert_eq!(follow_up.label, "Nachfassen");
    assert_eq!((follow_up.callback, follow_up.after_ms, &follow_up.group), (before.callback, DAY_MS, &before.group));
    assert_eq!(all, shipped.iter().count());
    let codes = good("[[code]]\ncode = \"DO_NOT_CONTACT\"\nexpires = \"30d\"\n").shared.codes;
    assert_eq!(codes.get("DO_NOT_CONTACT").unwrap().expires_ms, Some(30 * DAY_MS));
    // What made sense with its old meaning goes with it.
    let codes = good("[[code]]\ncode = \"DO_NOT_CONTACT\"\ncallback = \"request\"\n").shared.codes;
    assert_eq!(codes.get("DO_NOT_CONTACT").unwrap().expires_ms, None);
}

#[test]
fn a_code_is_added_with_its_rules() {
    let config = good(
        r#"
        [[code]]
        code = "PRICE_ASKED"
        label = "Asked for the price"
        group = "sales"
        success = true
        callback = "request"
        after = "2d"
        expires = "3d"
        [[code.rule]]
        outcomes = ["SHORT", "TRANSFER_LOST"]
        queues = ["sales"]
        [[code.rule]]
        directions = ["outbound"]
        dids = ["+12025550100"]
        talk_from = "10s"
        talk_below = "1m"
        [[code]]
        code = "OTHER"
        "#,
    );
    let code = config.shared.codes.get("PRICE_ASKED").unwrap();
    assert_eq!((code.label.as_str(), code.group.as_str(), code.success), ("Asked for the price", "sales", true));
    assert_eq!((code.callback, code.after_ms, code.expires_ms), (OnCallback::Request, 2 * DAY_MS, Some(3 * DAY_MS)));
    assert_eq!(code.rules.len(), 2);
    assert_eq!(code.rules[0].outcomes, [Outcome::Short, Outcome::TransferLost].into());
    assert_eq!((code.rules[1].talk_from_ms, code.rules[1].talk_below_ms), (Some(10_000), Some(60_000)));
    assert!(config.shared.codes.get("OTHER").is_some());
    assert_eq!(config.pbx[0].settings.codes, config.shared.codes);
    assert_eq!(config.policies().codes, config.shared.codes);
    assert!(config.restart_for(&good("")).is_empty(), "a reload is enough");
}

#[test]
fn what_cannot_be_used_is_refused_with_its_place_and_the_fix() {
    let code = |rest: &str| format!("[[code]]\ncode = \"X\"\n{rest}\n");
    let rule = |rest: &str| format!("[[code]]\ncode = \"X\"\n[[code.rule]]\n{rest}\n");
    for (text, place, words) in [
        ("[code]\ncode = \"X\"\n".to_owned(), "1:1", "write [[code]] once for each code"),
        ("[[code]]\nlabel = \"x\"\n".to_owned(), "1:1", "add the word"),
        ("[[code]]\ncode = \"A B\"\n".to_owned(), "2:8", "letters, digits, `_` and `-`"),
        ("[[code]]\ncode = \"sale\"\n".to_owned(), "2:8", "write \"SALE\""),
        (code("[[code]]\ncode = \"X\""), "4:8", "two codes have the word \"X\""),
        (code("labl = \"x\""), "3:1", "did you mean `label`?"),
        (code("callback = \"yes\""), "3:12", "\"none\" or \"suppress\" or \"request\""),
        (code("after = \"1d\""), "3:9", "write callback = \"request\", or remove this key"),
        (
            code("callback = \"suppress\"\nafter = \"1d\""),
            "4:9",
            "`after` has no effect where callback is \"suppress\"",
        ),
        (code("expires = \"1d\""), "3:11", "`expires` has no effect"),
        (code("callback = \"request\"\nafter = \"soon\""), "4:9", "not a duration"),
        ("[[code]]\ncode = \"CALLBACK_DECLINED\"\ncallback = \"request\"\n".to_owned(), "3:12", "need no callback"),
        ("[[code]]\ncode = \"CALLBACK\"\ncallback = \"none\"\n".to_owned(), "3:12", "have asked for a callback"),
        ("[[code]]\ncode = \"CALLBACK_AT\"\ncallback = \"request\"\n".to_owned(), "3:12", "have named a time"),
        (code("rule = \"x\""), "3:8", "write [[code.rule]] below"),
        (rule(""), "3:1", "would fit every call"),
        (rule("outcomes = [\"SHRT\"]"), "4:13", "did you mean \"SHORT\"?"),
        (rule("outcomes = []"), "4:12", "no call fits an empty list"),
        (rule("directions = [\"in\"]"), "4:15", "inbound"),
        (
            "[[code]]\ncode = \"AGAIN\"\ncallback = \"request\"\nafter = \"59m\"\n[[code.rule]]\ndirections = [\"callback\"]\n".to_owned(),
            "6:14",
            "as soon as they were called back",
        ),
        (rule("pbxs = [\"brlin\"]"), "4:9", "no PBX has the name \"brlin\""),
        (rule("pbxs = []"), "4:8", "no PBX is in an empty list"),
        (rule("queue = \"sales\""), "4:1", "unknown key `queue` in [[code.rule]]"),
        (rule("talk_from = \"1m\"\ntalk_below = \"10s\""), "5:14", "not longer than `talk_from`"),
        (rule("talk_below = \"0s\""), "4:14", "no talk is shorter"),
        (rule("outcomes = [\"QUEUE_ABANDON\"]\ntalk_from = \"5s\""), "5:13", "nobody talks in these outcomes"),
        (rule("directions = [\"internal\"]\ndids = [\"5550100\"]"), "5:8", "have no DID"),
    ] {
        refused(&text, place, &[words]);
    }
}

#[test]
fn there_are_no_more_codes_than_can_be_looked_through() {
    let shipped = Codes::default().iter().count();
    let text = |n: usize| (0..n).map(|n| format!("[[code]]\ncode = \"X{n}\"\n")).collect::<String>();
    assert_eq!(good(&text(MAX_CODES - shipped)).shared.codes.iter().count(), MAX_CODES);
    refused(&text(MAX_CODES - shipped + 1), "1:1", &["there are more than 500 codes"]);
}
