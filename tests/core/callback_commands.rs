//! What people may ask of the scheduler, and what it answers.

use crate::scheduler::{ANN, BOB, HOUR, MINUTE, MONDAY_10, Scene, agent, overall, policies, policy};
use callbackd_core::callbacks::commands::{CallbackRequest, Command, CommandError, Done};
use callbackd_core::callbacks::restore::RestoredState;
use callbackd_core::callbacks::{Answer, Input, MAX_DO_NOT_CALL_BYTES};
use callbackd_core::model::presence::Busy;
use callbackd_core::model::progress::Step;
use callbackd_core::model::{CallbackRow, CallbackState};

fn add(number: &str) -> Command {
    Command::Add(CallbackRequest { number: number.into(), queue: Some("sales".into()), ..CallbackRequest::default() })
}

fn cancel(id: i64) -> Command {
    Command::Cancel { id, note: "they wrote an e-mail".into() }
}

/// The one agent is on a call.
fn all_busy() -> Scene {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
    scene.busy("PJSIP/101", Some(Busy::OnCall));
    scene
}

fn row(done: Result<Done, CommandError>) -> CallbackRow {
    match done.unwrap() {
        Done::Callback(row) => *row,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_callback_may_be_made_by_hand_as_people_write_numbers() {
    let mut scene = all_busy();
    let made = row(scene.asks(add("(202) 555-0123")));
    assert_eq!((made.id, made.number_e164.as_deref(), made.missed_count), (1, Some(ANN), 0));
    assert_eq!(scene.story.last().map(|(_, c)| (c.by.as_str(), c.note.as_str())), Some(("ann", "added by hand")));
    scene.busy("PJSIP/101", None);
    assert_eq!(scene.rung().len(), 1);
}

#[test]
fn what_is_no_customers_number_is_refused_with_the_reason() {
    let mut scene = all_busy();
    for (number, says) in [
        ("101", "101 cannot be called: it is an extension"),
        ("anonymous", "anonymous cannot be called: it is what a PBX writes for a withheld number"),
        ("555010", "555010 cannot be called: it has too few digits"),
        ("sip:ann", "sip:ann cannot be called: it is not a number"),
    ] {
        assert_eq!(scene.asks(add(number)).unwrap_err().to_string(), says);
    }
    assert!(scene.rows.is_empty());
}

#[test]
fn a_number_that_is_denied_is_refused_by_hand_too() {
    let error = all_busy().asks(add("+1 900 555 0100")).unwrap_err();
    assert!(matches!(error, CommandError::Denied { .. }), "{error}");
}

#[test]
fn adding_a_number_that_waits_already_changes_its_callback() {
    let mut scene = all_busy();
    scene.misses(ANN, "sales");
    scene.presence.agents.push(agent("102", &["support"]));
    scene.busy("PJSIP/102", Some(Busy::OnCall));
    let command = Command::Add(CallbackRequest {
        number: ANN.into(),
        queue: Some("support".into()),
        priority: 7,
        note: "the boss asks".into(),
        ..CallbackRequest::default()
    });
    let changed = row(scene.asks(command));
    assert_eq!((changed.id, changed.priority, changed.queue.as_deref()), (1, 7, Some("support")));
    assert_eq!(scene.rows.len(), 1);
}

#[test]
fn a_pbx_that_is_not_known_is_asked_for() {
    let command = Command::Add(CallbackRequest {
        number: ANN.into(),
        pbx: Some("elsewhere".into()),
        ..CallbackRequest::default()
    });
    assert_eq!(all_busy().asks(command).unwrap_err().to_string(), "no PBX `elsewhere`; there is `pbx`");
}

#[test]
fn a_cancelled_callback_is_not_made_and_a_ringing_phone_stops_ringing() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
    scene.misses(ANN, "sales");
    scene.step("cb-0a1b2c3d-1-1", Step::Seen);
    let cancelled = row(scene.asks(cancel(1)));
    assert_eq!(cancelled.state, CallbackState::Cancelled);
    assert_eq!(scene.hung_up(), ["cb-0a1b2c3d-1-1"]);
    assert_eq!(scene.story.last().map(|(_, c)| c.note.as_str()), Some("they wrote an e-mail"));
    scene.pass(HOUR);
    assert_eq!(scene.rung().len(), 1);
}

#[test]
fn who_talks_is_not_cut_off_by_a_command() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
    scene.misses(ANN, "sales");
    scene.step("cb-0a1b2c3d-1-1", Step::Connected);
    let error = scene.asks(cancel(1)).unwrap_err();
    assert_eq!(error.to_string(), "callback 1 is being carried out (TALKING): wait for its end, or cancel it");
    assert!(scene.hung_up().is_empty());
}

#[test]
fn a_held_callback_waits_until_it_is_released_also_over_another_miss() {
    let mut scene = all_busy();
    scene.misses(ANN, "sales");
    assert_eq!(row(scene.asks(Command::Hold { id: 1, note: "on holiday".into() })).reason, "HELD");
    scene.misses(ANN, "sales");
    scene.busy("PJSIP/101", None);
    scene.pass(HOUR);
    assert!(scene.rung().is_empty());
    assert_eq!(scene.stands(1), "WAITING HELD");
    row(scene.asks(Command::Release { id: 1, note: String::new() }));
    assert_eq!(scene.rung().len(), 1);
}

#[test]
fn an_assigned_callback_is_for_that_agent_alone() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"]), agent("102", &["support"])]);
    scene.busy("PJSIP/101", Some(Busy::OnCall));
    scene.busy("PJSIP/102", Some(Busy::OnCall));
    scene.misses(ANN, "sales");
    let error =
        scene.asks(Command::Assign { id: 1, agent: Some("PJSIP/999".into()), note: String::new() }).unwrap_err();
    assert_eq!(error.to_string(), "no agent is known as PJSIP/999: `callbackd agents` lists them");
    assert_eq!(
        row(scene.asks(Command::Assign { id: 1, agent: Some("Agent 102".into()), note: String::new() }))
            .assigned
            .as_deref(),
        Some("PJSIP/102")
    );
    scene.busy("PJSIP/101", None);
    assert!(scene.rung().is_empty());
    scene.busy("PJSIP/102", None);
    assert_eq!(scene.rung()[0].0, "PJSIP/102");
}

#[test]
fn an_assignment_can_be_taken_back() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"]), agent("102", &["sales"])]);
    scene.presence.agents[0].busy = Some(Busy::OnCall);
    scene.presence.agents[1].busy = Some(Busy::OnCall);
    scene.misses(ANN, "sales");
    row(scene.asks(Command::Assign { id: 1, agent: Some("PJSIP/102".into()), note: String::new() }));
    scene.busy("PJSIP/101", None);
    assert!(scene.rung().is_empty());
    row(scene.asks(Command::Assign { id: 1, agent: None, note: String::new() }));
    assert_eq!(scene.rung()[0].0, "PJSIP/101");
}

#[test]
fn a_retry_does_not_wait_for_the_delay() {
    let mut policy = policy();
    policy.default.delay_ms = HOUR;
    let mut scene = Scene::new(policy, vec![agent("101", &["sales"])]);
    scene.misses(ANN, "sales");
    assert_eq!(scene.stands(1), "WAITING DELAY");
    row(scene.asks(Command::Retry { id: 1, note: String::new() }));
    assert_eq!(scene.rung().len(), 1);
}

#[test]
fn a_closed_callback_is_opened_again_with_attempts_numbered_on() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
    scene.misses(ANN, "sales");
    scene.give(Input::Answered { channel_id: "cb-0a1b2c3d-1-1", answer: Answer::Refused("no such context") });
    row(scene.asks(cancel(1)));
    let closed = scene.row(1).clone();
    let opened = row(scene.asks_of(Command::Retry { id: 1, note: String::new() }, Some(closed.clone())));
    assert!(opened.state.is_open());
    assert_eq!(opened.closed_ms, None);
    scene.pass(2 * MINUTE); // until the agent has cooled down
    assert_eq!(scene.rung()[1].1, "cb-0a1b2c3d-1-2");
    let error =
        scene.asks_of(Command::Hold { id: 9, note: String::new() }, Some(CallbackRow { id: 9, ..closed })).unwrap_err();
    assert_eq!(error.to_string(), "callback 9 is closed (CANCELLED): `callbackd callbacks retry 9` opens it again");
}

#[test]
fn a_closed_callback_stays_closed_while_another_one_is_open_for_its_number() {
    let mut scene = all_busy();
    scene.misses(ANN, "sales");
    row(scene.asks(cancel(1)));
    let closed = scene.row(1).clone();
    scene.misses(ANN, "sales");
    let error = scene.asks_of(Command::Retry { id: 1, note: String::new() }, Some(closed)).unwrap_err();
    assert_eq!(error, CommandError::OpenAlready { id: 2 });
}

#[test]
fn a_callback_that_nobody_knows_is_named() {
    let mut scene = all_busy();
    for command in
        [cancel(7), Command::Retry { id: 7, note: String::new() }, Command::Release { id: 7, note: String::new() }]
    {
        assert_eq!(scene.asks(command).unwrap_err().to_string(), "there is no callback 7");
    }
}

#[test]
fn priority_decides_who_goes_next() {
    let mut scene = all_busy();
    scene.misses(ANN, "sales");
    scene.misses(BOB, "sales");
    row(scene.asks(Command::Prioritise { id: 2, priority: 10, note: String::new() }));
    scene.busy("PJSIP/101", None);
    assert_eq!(scene.rung()[0].1, "cb-0a1b2c3d-2-1");
}

#[test]
fn a_callback_may_be_put_off_and_lives_long_enough_for_that() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
    scene.busy("PJSIP/101", Some(Busy::OnCall));
    scene.misses(ANN, "sales");
    let put_off = row(scene.asks(Command::Delay { id: 1, delay_ms: 5 * HOUR, note: "asked for the afternoon".into() }));
    assert_eq!(put_off.due_ms, MONDAY_10 + 5 * HOUR);
    assert!(put_off.expires_ms >= MONDAY_10 + 6 * HOUR);
    scene.busy("PJSIP/101", None);
    scene.pass(5 * HOUR - 1);
    assert!(scene.rung().is_empty());
    scene.pass(1);
    assert_eq!(scene.rung().len(), 1);
}

#[test]
fn every_order_keeps_the_reason_that_was_given_for_it() {
    let mut scene = all_busy();
    scene.misses(ANN, "sales");
    let note = || "the boss asks".to_owned();
    for (order, recorded) in [
        (Command::Hold { id: 1, note: note() }, "the boss asks"),
        (Command::Release { id: 1, note: note() }, "released: the boss asks"),
        (
            Command::Assign { id: 1, agent: Some("PJSIP/101".into()), note: note() },
            "assigned to PJSIP/101: the boss asks",
        ),
        (Command::Assign { id: 1, agent: None, note: note() }, "anyone may take it: the boss asks"),
        (Command::Prioritise { id: 1, priority: 3, note: note() }, "priority 3: the boss asks"),
        (Command::Delay { id: 1, delay_ms: 2 * HOUR, note: note() }, "put off by 120 min: the boss asks"),
        (Command::Delay { id: 1, delay_ms: 30_000, note: String::new() }, "put off by 30 s"),
        (Command::Retry { id: 1, note: note() }, "to be tried at once: the boss asks"),
        (Command::Handled { id: 1, note: note() }, "the boss asks"),
    ] {
        let before = scene.story.len();
        row(scene.asks(order));
        let (_, change) = &scene.story[before];
        assert_eq!((change.by.as_str(), change.note.as_str()), ("ann", recorded));
    }
}

#[test]
fn a_queue_that_nobody_knows_is_refused_with_those_that_there_are() {
    let mut scene = all_busy();
    let to = |queue: &str| {
        Command::Add(CallbackRequest { number: ANN.into(), queue: Some(queue.into()), ..CallbackRequest::default() })
    };
    assert_eq!(
        scene.asks(to("salse")).unwrap_err().to_string(),
        "no queue is known as salse: there are sales; one that Asterisk has not listed yet needs a [callback.queue.salse]"
    );
    assert!(scene.rows.is_empty());
    scene.presence.blind = true; // what cannot be known is not refused
    row(scene.asks(to("support")));
}

#[test]
fn the_turn_of_a_released_callback_begins_with_its_release() {
    let mut scene = all_busy();
    scene.misses(ANN, "sales");
    row(scene.asks(Command::Hold { id: 1, note: String::new() }));
    scene.pass(4 * HOUR - MINUTE);
    let released = row(scene.asks(Command::Release { id: 1, note: String::new() }));
    assert_eq!(released.due_ms, scene.now.wall_ms);
    assert_eq!(released.expires_ms, scene.now.wall_ms + HOUR, "it has a chance");
}

#[test]
fn the_list_of_those_not_to_be_called_takes_and_gives_back() {
    let mut scene = all_busy();
    scene.misses(ANN, "sales");
    let forbid = Command::DncAdd { number: "202-555-0123".into(), reason: "complaint".into(), for_ms: Some(HOUR) };
    let Done::DncAdded(entry) = scene.asks(forbid).unwrap() else { panic!() };
    assert_eq!((entry.number_e164.as_str(), entry.until_ms), (ANN, Some(MONDAY_10 + HOUR)));
    assert_eq!(scene.stands(1), "DNC complaint");
    assert_eq!(
        scene.asks(add(ANN)).unwrap_err().to_string(),
        format!("{ANN} is on the do-not-call list: `callbackd dnc remove {ANN}` removes it")
    );
    assert_eq!(
        scene.asks(Command::DncRemove { number: ANN.into() }).unwrap(),
        Done::DncRemoved(crate::scheduler::e164(ANN))
    );
    assert_eq!(
        scene.asks(Command::DncRemove { number: ANN.into() }).unwrap_err(),
        CommandError::NotOnTheList(ANN.into())
    );
    row(scene.asks(add(ANN)));
}

#[test]
fn the_list_of_those_not_to_be_called_is_full_some_day_and_forgets_nobody_for_it() {
    let mut scene = all_busy();
    let forbid = |n: usize, reason: &str| Command::DncAdd {
        number: format!("+1202{:07}", 2_000_000 + n),
        reason: reason.to_owned(),
        for_ms: None,
    };
    let long = "x".repeat(100_000);
    let room = MAX_DO_NOT_CALL_BYTES / long.len();
    let taken = (0..room + 2).take_while(|n| scene.asks(forbid(*n, &long)).is_ok()).count();
    assert!(taken > room - 5 && taken <= room, "{taken} of {room}");
    let refused = scene.asks(forbid(taken, &long)).unwrap_err();
    assert_eq!(refused, CommandError::ListFull);
    assert!(refused.to_string().contains("dnc remove"), "{refused}");
    assert_eq!(scene.scheduler.counters().do_not_call_refused, 2);
    scene.asks(forbid(0, &long)).expect("who stands there may be put there again");
    scene.asks(Command::DncRemove { number: "+12022000001".into() }).unwrap();
    scene.asks(forbid(taken, &long)).expect("one has made room");
}

#[test]
fn agents_and_queues_are_meant_by_name_extension_and_interface_in_any_case() {
    let mut scene = all_busy();
    let add = Command::Add(CallbackRequest {
        number: ANN.to_owned(),
        queue: Some("SALES".to_owned()),
        ..CallbackRequest::default()
    });
    assert_eq!(row(scene.asks(add)).queue.as_deref(), Some("sales"));
    for wanted in ["PJSIP/101", "pjsip/101", "agent 101", "AGENT 101", "101"] {
        let assign = Command::Assign { id: 1, agent: Some(wanted.to_owned()), note: String::new() };
        assert_eq!(row(scene.asks(assign)).assigned.as_deref(), Some("PJSIP/101"), "{wanted}");
    }
    let nobody = Command::Assign { id: 1, agent: Some("1".to_owned()), note: String::new() };
    assert!(matches!(scene.asks(nobody), Err(CommandError::NoSuchAgent(_))));
}

#[test]
fn why_a_callback_waits_is_said_with_the_answer() {
    let stands = |row: &CallbackRow| format!("{} {} {}", row.state, row.reason, row.due_ms - MONDAY_10);
    let mut unseen = all_busy();
    unseen.presence.blind = true;
    assert_eq!(stands(&row(unseen.asks(add(ANN)))), "WAITING NO_LINK 0");

    let mut opens_at_noon = policy();
    opens_at_noon.default.hours =
        callbackd_core::model::hours::Hours::parse("Mo-Su 12:00-18:00", jiff::tz::TimeZone::UTC, None).unwrap();
    let mut closed = Scene::new(opens_at_noon, vec![agent("101", &["sales"])]);
    let waits = format!("WAITING OUT_OF_HOURS {}", 2 * HOUR);
    assert_eq!(stands(&row(closed.asks(add(ANN)))), waits);
    assert_eq!(
        stands(&row(closed.asks(Command::Retry { id: 1, note: String::new() }))),
        waits,
        "also when it is to be tried now"
    );

    let none_a_day = callbackd_core::callbacks::policy::Overall { daily: 0, ..overall() };
    let mut capped =
        Scene::with(policies(none_a_day, policy()), vec![agent("101", &["sales"])], RestoredState::default());
    assert_eq!(
        stands(&row(capped.asks(add(ANN)))),
        format!("WAITING DAILY_CAP {}", 24 * HOUR),
        "it says when that ends"
    );
    assert!(capped.rung().is_empty());
}
