//! Identities: equal only with their PBX, written as the text that they are, and made of nothing that is none.

use callbackd_core::model::{AgentKey, CallKey, E164, NotE164, PbxId, QueueKey};
use std::collections::BTreeSet;

/// The PBX of most tests.
pub fn pbx() -> PbxId {
    PbxId::new("pbx")
}

/// A number as the tests write it.
pub fn e164(text: &str) -> E164 {
    E164::new(text).unwrap()
}

#[test]
fn a_number_is_a_plus_and_two_to_fifteen_digits_of_which_the_first_is_not_0() {
    for text in ["+12", "+12025550123", "+493023125000", "+123456789012345"] {
        let number = E164::new(text).unwrap();
        assert_eq!((number.as_str(), number.digits()), (text, &text[1..]));
    }
    let others = [
        "",
        "+",
        "+1",
        "+1234567890123456",
        "+0123",
        "12025550123",
        "+1 202",
        "++12",
        "+12a",
        "+１２",
        " +12",
        "+12\r",
    ];
    for text in others {
        assert_eq!(E164::new(text), Err(NotE164(text.to_owned())));
    }
    assert_eq!(
        E164::new("5550123").unwrap_err().to_string(),
        "`5550123` is not a number in E.164: + and 2 to 15 digits, the first not 0"
    );
}

#[test]
fn the_same_text_on_another_pbx_is_another_call_agent_and_queue() {
    let (a, b) = (PbxId::new("a"), PbxId::new("b"));
    assert_ne!(CallKey::new(&a, "1.1"), CallKey::new(&b, "1.1"));
    assert_ne!(QueueKey::new(&a, "sales"), QueueKey::new(&b, "sales"));
    let agents = BTreeSet::from([
        AgentKey::new(&b, "PJSIP/101"),
        AgentKey::new(&a, "PJSIP/101"),
        AgentKey::new(&a, "PJSIP/101"),
    ]);
    assert_eq!(agents.iter().map(|agent| &*agent.pbx).collect::<Vec<_>>(), ["a", "b"]);
    assert!(agents.first().unwrap().is("a", "PJSIP/101") && !agents.first().unwrap().is("b", "PJSIP/101"));
}

#[test]
fn identities_are_written_as_the_text_that_they_were_before() {
    assert_eq!(format!("{} {:>6} {:?}", pbx(), e164("+12"), pbx()), "pbx    +12 \"pbx\"");
}
