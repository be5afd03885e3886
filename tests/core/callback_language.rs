//! The language of the customer's call, from Asterisk's events to both legs of the callback; and what the agent's phone shows.

use crate::scheduler::{ANN, Scene, agent, pbx, policy, queue_policy};
use crate::stream::{Driver, FORGOTTEN_MS, Line, rules};
use callbackd_core::ami::action::ActionId;
use callbackd_core::callbacks::attempt::dial_string::TemplateError;
use callbackd_core::callbacks::attempt::display::{MAX_SHOWN, ReasonWords, check_display};
use callbackd_core::callbacks::policy::{Policy, QueuePolicy};
use callbackd_core::model::codes::CodedCall;
use callbackd_core::model::{FinishedCall, Tag};

const START: i64 = 1_800_000_000_000;

/// A customer who hears this language at the end of their call, and names one with their wish for a callback or does not.
fn heard(at_the_end: &str, named: Option<&str>) -> Option<String> {
    let mut driver = Driver::linked(rules(), START);
    let customer = Line::customer("c.1");
    driver.say(&customer.begins());
    if let Some(named) = named {
        let fields = format!("UserEvent: CallbackRequest\r\nQueue: sales\r\nLanguage: {named}\r\n");
        driver.say(&format!("Event: UserEvent\r\n{}{fields}\r\n", customer.headers("")));
    }
    let end = customer.hangs_up().replace("Language: en", &format!("Language: {at_the_end}"));
    driver.say(&end);
    driver.pass(FORGOTTEN_MS);
    driver.row().language
}

#[test]
fn it_is_that_of_the_channel_at_its_end_or_the_one_that_the_dialplan_names() {
    assert_eq!(heard("de", None).as_deref(), Some("de"));
    assert_eq!(heard("en_GB", Some("fr")).as_deref(), Some("fr"));
    assert_eq!(heard("", None), None);
    for odd in ["de,en", "../../etc", "de)", "${SECRET}", &"x".repeat(40)] {
        assert_eq!(heard(odd, None), None, "{odd}");
        assert_eq!(heard("de", Some(odd)).as_deref(), Some("de"), "{odd}");
    }
}

#[test]
fn the_language_of_an_agents_own_call_is_not_the_customers() {
    let mut driver = Driver::linked(rules(), START);
    let phone = Line::phone("101", "a.1", "a.1").state(4);
    driver.say(&(phone.begins() + &phone.hangs_up()));
    driver.pass(FORGOTTEN_MS);
    assert!(driver.rows().iter().all(|row| row.language.is_none()));
}

/// The variable of the Originate for a caller who was served in that language.
fn variables(policy: Policy, language: Option<&str>) -> Vec<(&'static str, String)> {
    let mut scene = Scene::new(policy, vec![agent("101", &["sales"])]);
    let call = FinishedCall { language: language.map(str::to_owned), ..scene.missed(ANN, "sales") };
    scene.recorded(&call);
    let of = |name: &str| name.contains("LANGUAGE") || name.contains("language");
    let originate = scene.originates().next().unwrap();
    originate.variables.iter().filter(|(name, _)| of(name)).cloned().collect()
}

fn with_language(language: Option<&str>) -> Policy {
    let language = language.map(str::to_owned);
    Policy { default: QueuePolicy { language, ..queue_policy() }, ..policy() }
}

#[test]
fn both_legs_get_the_customers_language_or_the_queues() {
    let both =
        |language: &str| vec![("CHANNEL(language)", language.to_owned()), ("CALLBACKD_LANGUAGE", language.to_owned())];
    assert_eq!(variables(policy(), Some("de")), both("de"));
    assert_eq!(variables(policy(), None), []);
    assert_eq!(variables(with_language(Some("fr")), Some("de")), both("fr"));
    assert_eq!(variables(with_language(Some("")), Some("de")), []);
}

#[test]
fn the_language_of_the_latest_miss_counts_and_a_code_takes_that_of_its_call() {
    let mut scene = Scene::new(policy(), Vec::new());
    for (language, kept) in [(Some("de"), "de"), (Some("fr"), "fr"), (None, "fr")] {
        let call = FinishedCall { language: language.map(str::to_owned), ..scene.missed(ANN, "sales") };
        scene.recorded(&call);
        assert_eq!(scene.row(1).language.as_deref(), Some(kept));
    }
    let mut scene = Scene::new(policy(), Vec::new());
    let call = FinishedCall { language: Some("es".into()), ..scene.missed(ANN, "sales") };
    let tag = Tag { code: "FOLLOW_UP".into(), note: String::new(), by: "ann".into(), at_ms: scene.now.wall_ms };
    scene.give(callbackd_core::callbacks::Input::Tagged(&CodedCall::from(&call), &tag));
    assert_eq!(scene.row(1).language.as_deref(), Some("es"));
}

#[test]
fn the_function_is_of_the_channel_alone_and_the_variable_is_inherited() {
    let mut scene = Scene::new(with_language(Some("de")), vec![agent("101", &["sales"])]);
    scene.misses(ANN, "sales");
    let action = callbackd_core::callbacks::pbx_action::PbxAction::Originate(Box::new(
        scene.originates().next().unwrap().clone(),
    ));
    let text = String::from_utf8(action.action().unwrap().encode(&ActionId::new(1, 1)).to_vec()).unwrap();
    assert!(text.contains("\r\nVariable: CHANNEL(language)=de\r\n"), "{text}");
    assert!(text.contains("\r\nVariable: __CALLBACKD_LANGUAGE=de\r\n"), "{text}");
}

/// What the agent's phone shows by this template, for a caller of this name.
fn shows(template: &str, name: &str, misses: usize) -> String {
    let default = QueuePolicy { display: template.into(), ..queue_policy() };
    let mut scene = Scene::new(Policy { default, ..policy() }, Vec::new());
    for _ in 0..misses {
        let call = FinishedCall { name: Some(name.into()), language: Some("de".into()), ..scene.missed(ANN, "sales") };
        scene.recorded(&call);
    }
    scene.presence.agents.push(agent("101", &["sales"]));
    scene.give(callbackd_core::callbacks::Input::PresenceChanged);
    assert_eq!(scene.row(1).pbx, pbx());
    let originate = scene.originates().next().unwrap();
    originate.caller_id.0.clone()
}

#[test]
fn the_agents_phone_shows_what_the_template_says() {
    assert_eq!(shows("CB {queue} {name} {times}", "ACME", 3), "CB sales ACME ×3");
    assert_eq!(shows("CB {queue} {name} {times}", "", 1), "CB sales");
    assert_eq!(shows("{reason}: {queue} {number}", "", 1), "missed: sales +12025550123");
    assert_eq!(shows("{did} {language} {attempt}", "", 1), "5550100 de");
    assert_eq!(shows("Rückruf {queue}", "", 1), "Rückruf sales");
    assert_eq!(shows("{name}", "{queue} \"x\" <1>", 1), "queue x 1");
}

#[test]
fn the_reason_is_in_the_words_of_the_policy() {
    let reasons = ReasonWords { missed: "пропущен", ..ReasonWords::default() };
    let default = QueuePolicy { display: "{reason} {queue}".into(), ..queue_policy() };
    let mut scene = Scene::new(Policy { default, reasons, ..policy() }, vec![agent("101", &["sales"])]);
    scene.misses(ANN, "sales");
    assert_eq!(scene.originates().next().unwrap().caller_id.0, "пропущен sales");
}

#[test]
fn of_what_is_too_long_the_name_is_cut_first() {
    let shown = shows("CB {queue} {name} {times}", &"long name ".repeat(10), 2);
    assert!(shown.len() <= MAX_SHOWN && shown.ends_with(" ×2") && shown.starts_with("CB sales long name"), "{shown}");
}

#[test]
fn a_template_that_phones_cannot_show_is_refused_at_its_place() {
    assert_eq!(check_display("CB {queue} {reason}"), Ok(()));
    assert_eq!(check_display(""), Ok(()));
    let placeholder = TemplateError::Placeholder { at: 3, name: "que".into() };
    assert_eq!(check_display("CB {que}"), Err(placeholder));
    assert_eq!(check_display("CB {queue"), Err(TemplateError::Brace { at: 3 }));
    assert_eq!(check_display("CB <{queue}>"), Err(TemplateError::Character { at: 3, found: '<' }));
    assert_eq!(check_display(&"x".repeat(61)), Err(TemplateError::TooLong { at: 60, most: 60 }));
}
