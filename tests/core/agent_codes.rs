//! An agent sets a code by dialling: on the call that they are in, or on their last one with somebody outside.

use crate::stream::{Driver, FORGOTTEN_MS, Line, rules};
use callbackd_core::model::FinishedCall;
use callbackd_core::tracker::Output;

const START: i64 = 1_800_000_000_000;

/// A customer and the agent 101 talk.
fn talking() -> (Driver, Line, Line) {
    let mut driver = Driver::linked(rules(), START);
    let (customer, agent) = talk(&mut driver, "c.1", "a.1");
    (driver, customer, agent)
}

fn talk(driver: &mut Driver, customer: &str, agent: &str) -> (Line, Line) {
    let (customer, agent) = (Line::customer(customer), Line::phone("101", agent, customer));
    driver.say(&(customer.begins() + &agent.begins() + &customer.dials(&agent)));
    driver.pass(2_000);
    let (customer, agent) = (customer.state(6), agent.state(6));
    driver.say(&(agent.event("Newstate", &[]) + &customer.event("Newstate", &[])));
    driver.say(&(customer.dial_ends(&agent, "ANSWER") + &customer.enters("b") + &agent.enters("b")));
    driver.pass(3_000);
    (customer, agent)
}

fn ends(driver: &mut Driver, customer: &Line, agent: &Line) -> FinishedCall {
    driver.say(&(customer.far_end_hangs_up() + &customer.leaves("b") + &agent.leaves("b")));
    driver.say(&(customer.hangs_up() + &agent.hangs_up()));
    driver.pass(1_000);
    driver.row()
}

/// The agent's phone dials the feature code of this code.
fn dials(driver: &mut Driver, extension: &str, id: &str, code: &str, agent: &str) {
    let line = Line::phone(extension, id, id);
    let fields = format!("UserEvent: CallTag\r\nCode: {code}\r\nNote: by phone\r\nAgent: {agent}\r\n");
    driver.say(&(line.begins() + &format!("Event: UserEvent\r\n{}{fields}\r\n", line.headers("")) + &line.hangs_up()));
}

fn codes(row: &FinishedCall) -> Vec<(String, String)> {
    row.tags.iter().map(|tag| (tag.code.clone(), tag.by.clone())).collect()
}

fn tagged(driver: &Driver) -> Vec<(String, String, String)> {
    let of = |output: &Output| match output {
        Output::Tagged(tagged) => {
            let (call, tag) = &**tagged;
            Some((call.call.linkedid.to_string(), tag.code.clone(), tag.by.clone()))
        }
        _ => None,
    };
    driver.news.iter().filter_map(of).collect()
}

#[test]
fn while_they_talk_it_is_the_call_that_they_are_in() {
    for named in ["PJSIP/101-0000000f", "PJSIP/101"] {
        let (mut driver, customer, agent) = talking();
        dials(&mut driver, "101", "f.1", "follow_up", named);
        let row = ends(&mut driver, &customer, &agent);
        assert_eq!(row.linkedid, "c.1");
        assert_eq!(codes(&row), [("FOLLOW_UP".to_owned(), "PJSIP/101".to_owned())], "{named}");
        assert!(tagged(&driver).is_empty());
        driver.pass(FORGOTTEN_MS);
        assert_eq!(codes(&driver.row()), codes(&row), "a correction keeps it");
    }
}

#[test]
fn nobody_is_taken_for_the_colleague_whose_name_begins_like_theirs() {
    let (mut driver, customer, agent) = talking();
    ends(&mut driver, &customer, &agent);
    dials(&mut driver, "101-102", "f.1", "SPAM", "PJSIP/101-102");
    assert!(tagged(&driver).is_empty());
}

#[test]
fn after_it_it_is_their_last_one_however_long_ago() {
    let (mut driver, customer, agent) = talking();
    ends(&mut driver, &customer, &agent);
    dials(&mut driver, "101", "f.1", "SPAM", "PJSIP/101-0000000f");
    driver.pass(3_600_000);
    dials(&mut driver, "101", "f.2", "DEAL_CLOSED", "PJSIP/101-00000010");
    let wanted = ["SPAM", "DEAL_CLOSED"].map(|code| ("c.1".to_owned(), code.to_owned(), "PJSIP/101".to_owned()));
    assert_eq!(tagged(&driver), wanted);
}

#[test]
fn once_they_have_left_it_it_is_the_call_whose_customer_is_still_on_the_line_and_not_one_before() {
    let (mut driver, earlier, agent) = talking();
    ends(&mut driver, &earlier, &agent);
    let (customer, agent) = talk(&mut driver, "c.2", "a.2");
    // The customer is asked how it was.
    driver.say(&(agent.leaves("b") + &customer.leaves("b") + &agent.hangs_up()));
    driver.pass(5_000);
    dials(&mut driver, "101", "f.1", "WRONG_NUMBER", "PJSIP/101-0000000f");
    assert!(tagged(&driver).is_empty());
    driver.pass(20_000);
    driver.say(&customer.hangs_up());
    driver.pass(1_000);
    let [first, second] = driver.rows().try_into().unwrap();
    let by_agent = ("WRONG_NUMBER".to_owned(), "PJSIP/101".to_owned());
    assert_eq!([codes(&first), codes(&second)], [vec![], vec![by_agent]]);
    // Their next customer has hung up before that one does: theirs is the talk that ended last.
    let (mut driver, survey, agent) = talking();
    driver.say(&(agent.leaves("b") + &survey.leaves("b") + &agent.hangs_up()));
    let (customer, agent) = talk(&mut driver, "c.2", "a.2");
    ends(&mut driver, &customer, &agent);
    driver.pass(FORGOTTEN_MS);
    driver.say(&survey.hangs_up());
    driver.pass(FORGOTTEN_MS);
    dials(&mut driver, "101", "f.1", "SPAM", "PJSIP/101-0000000f");
    assert_eq!(tagged(&driver), [("c.2".to_owned(), "SPAM".to_owned(), "PJSIP/101".to_owned())]);
}

#[test]
fn who_had_no_call_sets_none_and_nobody_sets_one_on_another_agents_call() {
    let (mut driver, customer, agent) = talking();
    dials(&mut driver, "102", "f.1", "SPAM", "PJSIP/102-0000000f");
    let row = ends(&mut driver, &customer, &agent);
    assert!(codes(&row).is_empty());
    dials(&mut driver, "102", "f.2", "SPAM", "PJSIP/102-0000000f");
    assert!(tagged(&driver).is_empty());
    assert_eq!(driver.tracker.counters().user_events_refused, 2);
}
