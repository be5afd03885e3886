//! Customers' lines while their calls go on: busy once for each call, free once when it is over.

use crate::stream::member::{answers, end, rung_by};
use crate::stream::{Driver, FORGOTTEN_MS, Line, rules};
use callbackd_core::model::Record;
use callbackd_core::model::progress::Line as Change;
use callbackd_core::tracker::{Input, Output};

const START: i64 = 1_800_000_000_000;
const CUSTOMER: &str = "+12025550123";

/// The lines that have been reported since they were asked for last.
fn lines(driver: &mut Driver) -> Vec<String> {
    let lines = driver.lines();
    driver.news.clear();
    lines
}

#[test]
fn a_customer_who_calls_is_on_the_line_until_their_row_is_recorded() {
    let mut driver = Driver::linked(rules(), START);
    let (customer, phone) = rung_by(&mut driver, "sales", "101", "a");
    assert_eq!(lines(&mut driver), [format!("{CUSTOMER} a.1 in busy")]);
    driver.pass(2_000);
    answers(&mut driver, &customer, &phone, "b");
    assert_eq!(lines(&mut driver), [format!("{CUSTOMER} a.1 in talking PJSIP/101")]);
    driver.say(&(customer.event("Hold", &[]) + &customer.event("Unhold", &[])));
    end(&mut driver, &customer, &phone, "b");
    assert_eq!(lines(&mut driver), [""; 0]);
    driver
        .tracker
        .handle(Input::Tick, callbackd_core::model::Moment { mono_ms: driver.now.mono_ms + 1_000, ..driver.now });
    let outputs: Vec<Output> = std::iter::from_fn(|| driver.tracker.poll()).collect();
    let row = outputs.iter().position(|o| matches!(o, Output::Record(Record::Call(_))));
    let free = outputs.iter().position(|o| matches!(o, Output::Line(line) if line.what == Change::Free));
    assert!(row.is_some() && row < free, "{outputs:?}");
}

#[test]
fn who_shows_no_number_and_who_calls_a_colleague_holds_no_customers_line() {
    for number in ["anonymous", "", "12345"] {
        let mut driver = Driver::linked(rules(), START);
        let mut customer = Line::customer("c.1");
        number.clone_into(&mut customer.number);
        driver.say(&(customer.begins() + &customer.hangs_up()));
        driver.pass(FORGOTTEN_MS);
        assert_eq!(lines(&mut driver), [""; 0], "{number}");
    }
    let mut driver = Driver::linked(rules(), START);
    let (one, two) = (Line::phone("101", "p.1", "p.1").state(4), Line::phone("102", "p.2", "p.1"));
    driver.say(&(one.begins() + &two.begins() + &one.dials(&two) + &two.enters("b") + &one.enters("b")));
    driver.say(&(one.hangs_up() + &two.hangs_up()));
    driver.pass(FORGOTTEN_MS);
    assert_eq!(lines(&mut driver), [""; 0]);
}

#[test]
fn a_number_that_is_known_late_makes_the_line_busy_then() {
    let mut driver = Driver::linked(rules(), START);
    let mut customer = Line::customer("c.1");
    customer.number = String::new();
    driver.say(&customer.begins());
    assert_eq!(lines(&mut driver), [""; 0]);
    driver.pass(100);
    driver.say(&Line::customer("c.1").event("NewCallerid", &[]));
    assert_eq!(lines(&mut driver), [format!("{CUSTOMER} c.1 in busy")]);
    driver.say(&customer.hangs_up());
    driver.pass(FORGOTTEN_MS);
    assert_eq!(lines(&mut driver), [format!("{CUSTOMER} c.1 in free")]);
}

#[test]
fn whom_an_agent_calls_is_on_the_line_from_the_moment_that_the_trunk_is_dialled() {
    let mut driver = Driver::linked(rules(), START);
    let phone = Line::new("PJSIP/101-1", "o.1", "o.1", "101", "from-internal", "12025550123").state(4);
    let trunk = Line::new("PJSIP/trunk-2", "o.2", "o.1", "", "from-trunk", "");
    driver.say(&(phone.begins() + &trunk.begins()));
    assert_eq!(lines(&mut driver), [""; 0]);
    driver.say(&phone.with(&trunk, "DialBegin", &[("DialString", "12025550123@trunk")]));
    assert_eq!(lines(&mut driver), [format!("{CUSTOMER} o.1 out busy")]);
    driver.say(&(phone.dial_ends(&trunk, "ANSWER") + &trunk.enters("b") + &phone.enters("b")));
    assert_eq!(lines(&mut driver), [format!("{CUSTOMER} o.1 out talking PJSIP/101")]);
    driver.say(&(trunk.hangs_up() + &phone.hangs_up()));
    driver.pass(FORGOTTEN_MS);
    assert_eq!(lines(&mut driver), [format!("{CUSTOMER} o.1 out free")]);
}

#[test]
fn of_two_calls_that_become_one_one_is_freed_after_the_other_is_busy() {
    let mut driver = Driver::linked(rules(), START);
    let (customer, agent) = rung_by(&mut driver, "sales", "101", "a");
    answers(&mut driver, &customer, &agent, "b");
    // The agent asks somebody outside, and puts the two together.
    let phone = Line::new("PJSIP/101-9", "o.1", "o.1", "101", "from-internal", "12025550199").state(4);
    let trunk = Line::new("PJSIP/trunk-8", "o.2", "o.1", "", "from-trunk", "");
    driver.say(&(phone.begins() + &trunk.begins()));
    driver.say(&phone.with(&trunk, "DialBegin", &[("DialString", "12025550199@trunk")]));
    driver.say(&(trunk.enters("b2") + &phone.enters("b2")));
    lines(&mut driver);
    driver.say(&trunk.enters("b"));
    assert_eq!(lines(&mut driver), ["+12025550199 o.1 out free"]);
    driver.say(&(phone.hangs_up() + &agent.hangs_up() + &trunk.hangs_up() + &customer.hangs_up()));
    driver.pass(FORGOTTEN_MS);
    assert_eq!(lines(&mut driver), [format!("{CUSTOMER} a.1 in free")]);
}

#[test]
fn a_call_that_ended_out_of_sight_frees_its_line_when_that_is_found() {
    let mut driver = Driver::linked(rules(), START);
    driver.say(&Line::customer("c.1").begins());
    driver.give(Input::Unlinked);
    driver.pass(10_000);
    assert_eq!(lines(&mut driver), [format!("{CUSTOMER} c.1 in busy")]);
    driver.link(100_000, &[]);
    driver.pass(FORGOTTEN_MS);
    assert_eq!(lines(&mut driver), [format!("{CUSTOMER} c.1 in free")]);
}

#[test]
fn a_customer_who_is_found_on_the_line_is_known_with_the_lists() {
    let customer = Line::customer("c.1").state(6);
    let mut driver = Driver::unlinked(rules(), START, None);
    driver.link(100_000, &crate::stream::frames(customer.listed("Queue", "", 60).as_bytes()));
    assert_eq!(driver.lines(), [format!("{CUSTOMER} c.1 in busy")]);
    assert!(matches!(driver.news.last(), Some(Output::InSync)), "{:?}", driver.news);
}

#[test]
fn a_customer_who_is_gone_is_free_though_those_whom_they_left_talk_on() {
    let mut driver = Driver::linked(rules(), START);
    let (customer, agent) = rung_by(&mut driver, "sales", "101", "a");
    answers(&mut driver, &customer, &agent, "b");
    let colleague = Line::phone("102", "p.9", "a.1");
    driver.say(&(colleague.begins() + &colleague.enters("b") + &customer.hangs_up()));
    driver.pass(10_000);
    assert_eq!(driver.lines().last(), Some(&format!("{CUSTOMER} a.1 in free")));
    driver.say(&(agent.hangs_up() + &colleague.hangs_up()));
    driver.pass(FORGOTTEN_MS);
    assert_eq!(driver.lines().len(), 3);
}

#[test]
fn a_callback_of_ours_tells_its_progress_and_no_line() {
    let driver = Driver::played(&crate::stream::recording("callback_originate"));
    assert_eq!(driver.lines(), [""; 0]);
}

#[test]
fn in_every_recording_each_busy_line_is_freed_once() {
    let mut calls = 0;
    for recording in crate::stream::recordings() {
        let driver = Driver::played(&recording);
        let lines = driver.lines();
        for busy in lines.iter().filter_map(|l| l.strip_suffix(" busy")) {
            let frees = lines.iter().filter(|l| l.strip_suffix(" free") == Some(busy)).count();
            assert_eq!(frees, 1, "{}: {lines:?}", recording.name);
            calls += 1;
        }
        assert_eq!(
            lines.iter().filter(|l| l.ends_with(" free")).count(),
            lines.iter().filter(|l| l.ends_with(" busy")).count()
        );
    }
    assert!(calls >= 20, "{calls}");
}
