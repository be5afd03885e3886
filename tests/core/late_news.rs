//! News of calls that are over, or nearly so: they correct a row once, and make none of their own.

use crate::stream::{Driver, FORGOTTEN_MS, Line, frames, recordings, rules};
use callbackd_core::ami::event::{Channel, Event};
use callbackd_core::model::{Outcome, Quality, Status};
use callbackd_core::tracker::{Input, LINGER_MS, MAX_CORRECTIONS};

const START: i64 = 1_800_000_000_000;

/// A customer who gave up after 3 s of ringing; the row has been recorded.
fn just_ended() -> (Driver, Line, Line) {
    let mut driver = Driver::linked(rules(), START);
    let (customer, phone) = (Line::customer("c.1"), Line::phone("101", "c.2", "c.1"));
    driver.say(&(customer.begins() + &phone.begins() + &customer.dials(&phone)));
    driver.say(&phone.clone().state(5).event("Newstate", &[]));
    driver.pass(3_000);
    driver.say(&customer.far_end_hangs_up());
    driver.say(&customer.dial_ends(&phone, "CANCEL"));
    driver.say(&(phone.hangs_up() + &customer.hangs_up()));
    driver.pass(1_000);
    assert_eq!((driver.recorded().len(), driver.row().outcome), (1, Outcome::RingAbandon));
    (driver, customer, phone)
}

fn user_event(line: &Line, name: &str, fields: &[(&str, &str)]) -> String {
    let fields: String = fields.iter().map(|(key, value)| format!("{key}: {value}\r\n")).collect();
    format!("Event: UserEvent\r\n{}UserEvent: {name}\r\n{fields}\r\n", line.headers(""))
}

#[test]
fn a_tag_and_a_rating_on_a_live_call_are_in_its_row_from_the_start() {
    let mut driver = Driver::linked(rules(), START);
    let customer = Line::customer("c.1");
    driver.say(&customer.begins());
    driver.say(&user_event(&customer, "CallTag", &[("Code", "deal_closed"), ("Note", "order 4711"), ("By", "Alice")]));
    driver.say(&user_event(&customer, "CallRating", &[("Score", "4.5")]));
    driver.say(&customer.hangs_up());
    driver.pass(FORGOTTEN_MS);
    assert_eq!(driver.recorded().len(), 1);
    let row = driver.row();
    let tag = row.tags.iter().find(|t| t.code == "DEAL_CLOSED").expect("the tag");
    assert_eq!((&*tag.note, &*tag.by, tag.at_ms), ("order 4711", "Alice", START));
    assert_eq!(row.ratings.iter().map(|r| r.score).collect::<Vec<_>>(), [4.5]);
}

#[test]
fn a_tag_on_a_call_that_has_just_ended_corrects_its_row_once() {
    let (mut driver, customer, _) = just_ended();
    driver.say(&user_event(&customer, "CallTag", &[("Code", "VIP")]));
    driver.pass(FORGOTTEN_MS);
    assert_eq!(driver.recorded().len(), 2);
    assert_eq!(driver.row().tags.iter().map(|t| &*t.code).collect::<Vec<_>>(), ["ABANDONED", "VIP"]);
    let counters = driver.tracker.counters();
    assert_eq!((counters.calls_recorded, counters.calls_corrected), (1, 1));
}

#[test]
fn a_wish_to_be_called_back_that_comes_late_decides_the_row_again() {
    let (mut driver, customer, _) = just_ended();
    driver.say(&user_event(&customer, "CallbackRequest", &[]));
    driver.pass(FORGOTTEN_MS);
    assert_eq!((driver.row().status, driver.row().outcome), (Status::NoAnswer, Outcome::CallbackRequested));
    assert_eq!(driver.tracker.counters().calls_corrected, 1);
}

#[test]
fn of_a_caller_who_asked_and_was_perhaps_served_out_of_sight_nobody_knows_and_the_wish_is_kept() {
    for seen_again in [false, true] {
        let mut driver = Driver::linked(rules(), START);
        let (customer, phone) = (Line::customer("c.1"), Line::phone("101", "c.2", "c.1"));
        driver.say(&customer.begins());
        driver.say(&user_event(&customer, "CallbackRequest", &[("At", "+2h")]));
        driver.pass(1_000);
        driver.say(&(phone.begins() + &customer.dials(&phone)));
        driver.pass(1_000);
        driver.give(Input::Unlinked);
        driver.pass(60_000);
        let listed = customer.clone().state(6).listed("Dial", "", 60);
        driver.link(100_000, if seen_again { frames(listed.as_bytes()) } else { Vec::new() }.as_slice());
        driver.pass(1_000);
        if seen_again {
            driver.say(&customer.hangs_up());
        }
        driver.pass(FORGOTTEN_MS);
        let row = driver.row();
        assert_eq!((row.status, row.outcome), (Status::Unknown, Outcome::Gap), "{seen_again}: {row:#?}");
        assert!(row.asked_for_callback());
        let said: Vec<_> = row.tags.iter().filter(|t| t.by == "caller").map(|t| (&*t.code, &*t.note)).collect();
        assert_eq!(said, [("CALLBACK", ""), ("CALLBACK_AT", "+2h")]);
    }
}

#[test]
fn a_wish_keeps_the_queue_that_was_named_with_it() {
    let (mut driver, customer, _) = just_ended();
    driver.say(&user_event(&customer, "CallbackRequest", &[("Queue", "sales")]));
    driver.pass(FORGOTTEN_MS);
    let row = driver.row();
    let wish = row.tags.iter().find(|t| t.by == "caller").expect("the wish");
    assert_eq!((&*wish.code, &*wish.note), ("CALLBACK", "sales"));
}

#[test]
fn a_wish_keeps_the_time_that_was_named_with_it() {
    let (mut driver, customer, _) = just_ended();
    driver.say(&user_event(&customer, "CallbackRequest", &[("At", " +2h ")]));
    driver.pass(FORGOTTEN_MS);
    let row = driver.row();
    let time = row.tags.iter().find(|t| t.by == "caller").expect("the time");
    assert_eq!((&*time.code, &*time.note), ("CALLBACK_AT", "+2h"));
}

#[test]
fn the_latest_tag_of_a_code_by_the_same_hand_counts() {
    let (mut driver, customer, _) = just_ended();
    for note in ["first", "second"] {
        driver.say(&user_event(&customer, "CallTag", &[("Code", "VIP"), ("Note", note)]));
    }
    driver.say(&user_event(&customer, "CallTag", &[("Code", "VIP"), ("Note", "mine"), ("By", "Bob")]));
    driver.pass(FORGOTTEN_MS);
    let notes: Vec<_> = driver.row().tags.into_iter().filter(|t| t.code == "VIP").map(|t| (t.by, t.note)).collect();
    assert_eq!(notes, [("dialplan".to_owned(), "second".to_owned()), ("Bob".to_owned(), "mine".to_owned())]);
}

#[test]
fn what_says_nothing_new_corrects_nothing() {
    let (mut driver, customer, phone) = just_ended();
    driver.say(&customer.dial_ends(&phone, "CANCEL"));
    driver.say(&customer.dial_ends(&phone, "NOANSWER"));
    driver.say(&phone.far_end_hangs_up());
    driver.say(&(customer.hangs_up() + &phone.hangs_up()));
    driver.say(&customer.event("VarSet", &[("Variable", "DIALSTATUS"), ("Value", "CANCEL")]));
    driver.pass(FORGOTTEN_MS);
    assert_eq!((driver.recorded().len(), driver.tracker.counters().calls_corrected), (1, 0));
}

#[test]
fn news_of_an_unknown_channel_makes_no_ghost_call() {
    let (mut driver, ..) = just_ended();
    let stranger = Line::customer("nobody.1");
    for name in ["CallTag", "CallRating", "CallbackRequest"] {
        driver.say(&user_event(&stranger, name, &[("Code", "VIP"), ("Score", "5")]));
    }
    let phone = Line::phone("101", "nobody.2", "nobody.1");
    driver.say(&stranger.dial_ends(&phone, "CANCEL"));
    driver.say(&(stranger.far_end_hangs_up() + &stranger.hangs_up()));
    driver.say(&stranger.event("QueueCallerLeave", &[("Queue", "sales"), ("Count", "0"), ("Position", "1")]));
    driver.pass(FORGOTTEN_MS);
    assert_eq!((driver.recorded().len(), driver.tracker.sizes()), (1, (0, 0, 0)));
    assert_eq!(driver.tracker.counters().user_events_refused, 3);
}

#[test]
fn a_user_event_after_the_call_has_been_forgotten_is_refused_and_counted() {
    let (mut driver, customer, _) = just_ended();
    driver.pass(i64::try_from(LINGER_MS).unwrap());
    driver.say(&user_event(&customer, "CallTag", &[("Code", "VIP")]));
    driver.pass(FORGOTTEN_MS);
    assert_eq!((driver.recorded().len(), driver.tracker.counters().user_events_refused), (1, 1));
}

#[test]
fn codes_that_are_no_words_and_scores_that_are_no_numbers_are_refused_and_counted() {
    let (mut driver, customer, _) = just_ended();
    let refused = [
        ("CallTag", "Code", "'; DROP TABLE calls; --"),
        ("CallTag", "Code", "\"VIP\""),
        ("CallTag", "Code", ""),
        ("CallTag", "Code", "Ünïcode"),
        ("CallTag", "Nothing", "VIP"),
        ("CallRating", "Score", "five"),
        ("CallRating", "Score", "NaN"),
        ("CallRating", "Score", "inf"),
        ("CallRating", "Score", "1e999"),
    ];
    for (name, key, value) in refused {
        driver.say(&user_event(&customer, name, &[(key, value)]));
    }
    driver.pass(FORGOTTEN_MS);
    assert_eq!(driver.recorded().len(), 1, "{:#?}", driver.row());
    assert_eq!(driver.tracker.counters().user_events_refused, refused.len() as u64);
}

#[test]
fn long_and_hostile_text_is_kept_short_and_without_what_a_terminal_would_obey() {
    let (mut driver, customer, _) = just_ended();
    let note = format!("\u{1b}[2J\u{7}\u{0}red\u{9b}31m {}", "x".repeat(200_000));
    let channel = Channel { uniqueid: (&*customer.id).into(), linkedid: (&*customer.id).into(), ..Channel::default() };
    let fields = vec![("Code".into(), "vip".into()), ("Note".into(), (&*note).into()), ("By".into(), (&*note).into())];
    driver.take(Event::UserEvent { name: "CallTag".into(), channel: Some(channel), fields });
    driver.pass(FORGOTTEN_MS);
    let tag = driver.row().tags.into_iter().find(|t| t.code == "VIP").expect("the tag");
    for text in [&tag.note, &tag.by] {
        assert_eq!(text.chars().count(), 200);
        assert!(!text.contains(char::is_control) && text.starts_with("[2Jred31m x"), "{text}");
    }
}

#[test]
fn those_who_talk_on_after_their_customer_make_no_row_and_touch_the_customers_no_more() {
    let mut driver = Driver::linked(rules(), START);
    let (customer, agent) = (Line::customer("c.1"), Line::phone("101", "c.2", "c.1"));
    let colleague = Line::phone("102", "c.3", "c.1");
    driver.say(&(customer.begins() + &agent.begins() + &customer.dials(&agent)));
    driver.say(&(customer.dial_ends(&agent, "ANSWER") + &customer.enters("b1") + &agent.enters("b1")));
    driver.pass(5_000);
    driver.say(&(agent.leaves("b1") + &colleague.begins() + &agent.dials(&colleague)));
    driver.say(&(agent.dial_ends(&colleague, "ANSWER") + &agent.enters("b2") + &colleague.enters("b2")));
    driver.pass(5_000);
    driver.say(&(customer.far_end_hangs_up() + &customer.leaves("b1") + &customer.hangs_up()));
    driver.pass(10_000);
    let recorded = driver.row();
    assert_eq!((recorded.ended_ms, recorded.talk_ms), (START + 10_000, 5_000));

    // Minutes later the two, whose channels still bear this linkedid, ring a third.
    driver.pass(FORGOTTEN_MS);
    let third = Line::phone("103", "c.4", "c.1");
    driver.say(&(third.begins() + &colleague.dials(&third)));
    driver.pass(2_000);
    driver.say(&(colleague.dial_ends(&third, "ANSWER") + &third.enters("b2")));
    driver.pass(2_000);
    for line in [&agent, &colleague, &third] {
        driver.say(&(line.leaves("b2") + &line.hangs_up()));
    }
    driver.say(&crate::stream::text("BridgeDestroy", &[("BridgeUniqueid", "b1")]));
    driver.say(&crate::stream::text("BridgeDestroy", &[("BridgeUniqueid", "b2")]));
    driver.pass(FORGOTTEN_MS);
    assert_eq!(driver.row(), recorded);
    assert_eq!((driver.recorded().len(), driver.tracker.sizes()), (1, (0, 0, 0)));
}

#[test]
fn nothing_is_kept_of_a_recorded_call_after_a_while() {
    for recording in recordings() {
        let driver = Driver::played(&recording);
        let (channels, bridges, calls) = driver.tracker.sizes();
        assert_eq!((channels, calls), (0, 0), "{}", recording.name);
        // Asterisk keeps the bridge of a parking lot.
        let count = |event: &[u8]| recording.live.iter().filter(|f| f.get("Event") == Some(event)).count();
        assert_eq!(bridges, count(b"BridgeCreate") - count(b"BridgeDestroy"), "{}", recording.name);
    }
}

#[test]
fn a_call_that_a_gap_had_ended_and_that_goes_on_is_recorded_a_bounded_number_of_times() {
    let mut driver = Driver::linked(rules(), START);
    let customer = Line::customer("c.1");
    driver.say(&customer.begins());
    driver.pass(1_000);
    // Events were lost, and the list that is asked for then does not name the channel: its events still come.
    driver.give(Input::Overloaded { ms: 100 });
    driver.snapshot(&[], true);
    driver.pass(1_000);
    assert_eq!((driver.recorded().len(), driver.row().quality), (1, Quality::Gap));
    let mut steps = 0;
    while driver.tracker.counters().late_events_refused == 0 {
        steps += 1;
        assert!(steps < 1_000, "it is corrected for ever");
        let mut menu = customer.clone();
        (menu.context, menu.exten) = (format!("ivr-{steps}"), "s".to_owned());
        let runs = [("Extension", &*menu.exten), ("Application", "Background"), ("AppData", "welcome")];
        driver.say(&menu.event("Newexten", &runs));
        driver.pass(400);
    }
    let corrected = driver.tracker.counters().calls_corrected;
    assert_eq!(corrected, u64::from(MAX_CORRECTIONS));
    assert_eq!(driver.recorded().len() as u64, 1 + corrected);
    // It is forgotten, met again as a call that is up, and recorded once when it ends.
    driver.pass(FORGOTTEN_MS);
    driver.say(&customer.event("Newexten", &[("Extension", "s"), ("Application", "Wait"), ("AppData", "1")]));
    driver.say(&customer.hangs_up());
    driver.pass(FORGOTTEN_MS);
    assert_eq!(driver.recorded().len() as u64, 2 + corrected);
}
