//! Who is called when, and by whom.

use crate::scheduler::{
    ANN, BOB, CAT, HOUR, MINUTE, MONDAY_10, SECOND, Scene, agent, nobody, overall, policies, policy, queue_policy,
};
use callbackd_core::callbacks::Input;
use callbackd_core::callbacks::commands::{CallbackRequest, Command};
use callbackd_core::callbacks::policy::{Overall, Policy, QueuePolicy, Strategy};
use callbackd_core::callbacks::restore::RestoredState;
use callbackd_core::model::hours::Hours;
use callbackd_core::model::presence::Busy;
use callbackd_core::model::{AgentKey, Direction, FinishedCall, Outcome};
use jiff::tz::TimeZone;

fn first(extension: &str) -> Vec<(String, String)> {
    vec![(format!("PJSIP/{extension}"), "cb-0a1b2c3d-1-1".to_owned())]
}

#[test]
fn a_free_agent_is_rung_at_once() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
    scene.misses(ANN, "sales");
    assert_eq!(scene.rung(), first("101"));
    assert_eq!(scene.stands(1), "DIALING_AGENT");
    let attempt = &scene.attempts["cb-0a1b2c3d-1-1"];
    assert_eq!((attempt.n, attempt.agent.as_deref()), (1, Some("PJSIP/101")));
}

#[test]
fn nobody_is_rung_while_the_database_is_being_checked_and_then_it_goes_on_by_itself() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
    scene.give(Input::Held(true));
    scene.misses(ANN, "sales");
    scene.pass(MINUTE);
    assert!(scene.rung().is_empty());
    assert_eq!(scene.stands(1), "PENDING");
    scene.give(Input::Held(false));
    assert_eq!(scene.rung(), first("101"));
}

#[test]
fn whoever_becomes_free_is_rung_by_the_event_that_frees_them() {
    for busy in
        [Busy::LoggedOut, Busy::OnCall, Busy::DeviceInUse, Busy::DeviceUnknown, Busy::WrapUp { until_mono_ms: 9 }]
    {
        let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
        scene.busy("PJSIP/101", Some(busy));
        scene.misses(ANN, "sales");
        scene.pass(MINUTE);
        assert!(scene.rung().is_empty(), "{busy:?}");
        scene.busy("PJSIP/101", None);
        assert_eq!(scene.rung(), first("101"), "{busy:?}");
    }
}

#[test]
fn an_unknown_device_counts_as_free_only_by_option() {
    let mut policy = policy();
    policy.unknown_is_free = true;
    let mut scene = Scene::new(policy, vec![agent("101", &["sales"])]);
    scene.busy("PJSIP/101", Some(Busy::DeviceUnknown));
    scene.misses(ANN, "sales");
    assert_eq!(scene.rung(), first("101"));
}

#[test]
fn an_agent_who_is_paused_in_the_queue_is_not_asked() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales", "support"])]);
    scene.presence.agents[0].queues[0].paused = true;
    scene.misses(ANN, "sales");
    assert!(scene.rung().is_empty());
    assert_eq!(scene.stands(1), "PENDING");
    scene.misses(BOB, "support");
    assert_eq!(scene.rung(), [("PJSIP/101".to_owned(), "cb-0a1b2c3d-2-1".to_owned())]);
}

#[test]
fn nobody_logged_in_leaves_the_callback_waiting_for_that_reason() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"]), agent("102", &["support"])]);
    scene.busy("PJSIP/101", Some(Busy::LoggedOut));
    scene.misses(ANN, "sales");
    assert_eq!(scene.stands(1), "WAITING NO_AGENT");
    scene.busy("PJSIP/101", Some(Busy::OnCall));
    assert_eq!(scene.stands(1), "PENDING");
}

#[test]
fn only_members_of_the_queue_are_asked_and_anyone_where_there_is_none() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["support"])]);
    scene.misses(ANN, "sales");
    assert!(scene.rung().is_empty());
    let call = FinishedCall { queue: None, outcome: Outcome::RingAbandon, ..scene.missed(BOB, "") };
    scene.recorded(&call);
    assert_eq!(scene.rung(), [("PJSIP/101".to_owned(), "cb-0a1b2c3d-2-1".to_owned())]);
}

#[test]
fn never_more_attempts_than_free_agents_and_one_callback_for_an_agent_at_a_time() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales", "support"]), agent("102", &["sales"])]);
    for (i, queue) in ["sales", "support", "sales", "support", "sales"].iter().enumerate() {
        scene.misses(&format!("+1202555013{i}"), queue);
    }
    assert_eq!(scene.rung().len(), 2);
    assert_ne!(scene.rung()[0].0, scene.rung()[1].0);
    assert_eq!(scene.scheduler.active(), 2);
}

#[test]
fn no_more_attempts_at_once_than_are_allowed() {
    let policies = policies(Overall { max_active: 2, ..overall() }, policy());
    let agents = (0..5).map(|i| agent(&format!("10{i}"), &["sales"])).collect();
    let mut scene = Scene::with(policies, agents, RestoredState::default());
    for i in 0..5 {
        scene.misses(&format!("+1202555013{i}"), "sales");
    }
    assert_eq!(scene.rung().len(), 2);
    scene.ends("cb-0a1b2c3d-1-1", nobody());
    assert_eq!(scene.rung().len(), 3);
}

#[test]
fn promised_goes_first_then_priority_then_age() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
    scene.busy("PJSIP/101", Some(Busy::OnCall));
    for number in [ANN, BOB, CAT] {
        scene.misses(number, "sales");
        scene.pass(SECOND);
    }
    scene.misses(CAT, "sales");
    let requested = "+12025550126";
    let call = FinishedCall { outcome: Outcome::CallbackRequested, ..scene.missed(requested, "sales") };
    scene.recorded(&call);
    let mut order = Vec::new();
    for _ in 0..4 {
        scene.busy("PJSIP/101", None);
        let (_, channel_id) = scene.rung().last().cloned().unwrap();
        scene.connects(&channel_id, 10 * SECOND);
        scene.busy("PJSIP/101", Some(Busy::OnCall));
        order.push(scene.row(scene.attempts[&channel_id].callback_id).number_e164.clone().unwrap());
    }
    // The first conversation ends while the agent is free, so the next begins with it.
    assert_eq!(order[0], requested);
    assert_eq!(scene.attempts.values().map(|a| a.callback_id).collect::<Vec<_>>(), {
        let mut ids: Vec<i64> = scene.attempts.values().map(|a| a.callback_id).collect();
        ids.dedup();
        ids
    });
    let began: Vec<i64> = scene.rung().iter().map(|(_, c)| scene.attempts[c].callback_id).collect();
    assert_eq!(began, [4, 3, 1, 2]);
}

#[test]
fn newest_first_is_an_option() {
    let policies = policies(Overall { newest_first: true, ..overall() }, policy());
    let mut scene = Scene::with(policies, vec![agent("101", &["sales"])], RestoredState::default());
    scene.busy("PJSIP/101", Some(Busy::OnCall));
    scene.misses(ANN, "sales");
    scene.pass(SECOND);
    scene.misses(BOB, "sales");
    scene.busy("PJSIP/101", None);
    assert_eq!(scene.rung()[0].1, "cb-0a1b2c3d-2-1");
}

#[test]
fn live_callers_go_first() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales", "support"])]);
    scene.presence.waiting.insert("support".into(), 1);
    scene.misses(ANN, "sales");
    assert_eq!(scene.stands(1), "WAITING LIVE_CALLERS");
    scene.pass(MINUTE);
    assert!(scene.rung().is_empty());
    scene.presence.waiting.clear();
    scene.give(Input::PresenceChanged);
    assert_eq!(scene.rung(), first("101"));
}

#[test]
fn live_callers_elsewhere_hinder_nobody() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
    scene.presence.waiting.insert("support".into(), 3);
    scene.misses(ANN, "sales");
    assert_eq!(scene.rung(), first("101"));
}

#[test]
fn a_callback_overtakes_live_callers_when_it_is_old_enough() {
    let mut policy = policy();
    policy.overtake_after_ms = Some(30 * MINUTE);
    let mut scene = Scene::new(policy, vec![agent("101", &["sales"])]);
    scene.presence.waiting.insert("sales".into(), 2);
    scene.misses(ANN, "sales");
    scene.pass(30 * MINUTE - 1);
    assert!(scene.rung().is_empty());
    scene.pass(1);
    assert_eq!(scene.rung(), first("101"));
}

#[test]
fn each_strategy_chooses_as_its_name_says() {
    let three = || {
        let mut agents = vec![agent("101", &["sales"]), agent("102", &["sales"]), agent("103", &["sales"])];
        for (a, (talked, calls)) in agents.iter_mut().zip([(5, 9), (1, 4), (3, 2)]) {
            a.last_talk_ms = Some(MONDAY_10 - HOUR + talked * MINUTE);
            a.calls = calls;
        }
        agents
    };
    for (strategy, chosen) in [
        (Strategy::LeastRecent, "102"),
        (Strategy::FewestCalls, "103"),
        (Strategy::Linear, "101"),
        (Strategy::RrMemory, "102"),
    ] {
        let mut policy = policy();
        policy.default.strategy = strategy;
        let mut scene = Scene::new(policy, three());
        scene.misses(ANN, "sales");
        assert_eq!(scene.rung(), first(chosen), "{strategy:?}");
    }
}

#[test]
fn round_robin_asks_each_in_turn() {
    let mut policy = policy();
    policy.default.strategy = Strategy::RrMemory;
    policy.agent_cooldown_ms = 0;
    let mut scene =
        Scene::new(policy, vec![agent("101", &["sales"]), agent("102", &["sales"]), agent("103", &["sales"])]);
    for i in 0..6 {
        scene.misses(&format!("+1202555013{i}"), "sales");
        let (_, channel_id) = scene.rung().last().cloned().unwrap();
        scene.connects(&channel_id, 10 * SECOND);
    }
    let rung: Vec<String> = scene.rung().into_iter().map(|(agent, _)| agent).collect();
    assert_eq!(rung, ["PJSIP/101", "PJSIP/102", "PJSIP/103", "PJSIP/101", "PJSIP/102", "PJSIP/103"]);
}

#[test]
fn a_random_choice_reaches_everybody_in_the_end() {
    let mut policy = policy();
    policy.default.strategy = Strategy::Random;
    let policies = policies(Overall { daily_per_prefix: 1_000, ..overall() }, policy);
    let agents = (0..4).map(|i| agent(&format!("10{i}"), &["sales"])).collect();
    let mut scene = Scene::with(policies, agents, RestoredState::default());
    for i in 0..80 {
        scene.misses(&format!("+120255501{i:02}"), "sales");
        let (_, channel_id) = scene.rung().last().cloned().unwrap();
        scene.connects(&channel_id, 10 * SECOND);
    }
    for i in 0..4 {
        let chosen = scene.rung().iter().filter(|(a, _)| *a == format!("PJSIP/10{i}")).count();
        assert!((5..=40).contains(&chosen), "PJSIP/10{i} was chosen {chosen} times of 80");
    }
}

#[test]
fn a_lower_penalty_goes_before_any_strategy() {
    let mut agents = vec![agent("101", &["sales"]), agent("102", &["sales"])];
    agents[0].queues[0].penalty = 5;
    agents[1].last_talk_ms = Some(MONDAY_10 - 1);
    let mut scene = Scene::new(policy(), agents);
    scene.misses(ANN, "sales");
    assert_eq!(scene.rung(), first("102"));
}

#[test]
fn the_owner_is_asked_first_and_anyone_when_their_window_is_over() {
    let mut policy = policy();
    policy.default.owner_window_ms = 10 * MINUTE;
    let restored = RestoredState {
        owners: vec![(
            crate::scheduler::e164(ANN),
            AgentKey::new(&crate::scheduler::pbx(), "PJSIP/102"),
            MONDAY_10 - 24 * HOUR,
        )],
        ..RestoredState::default()
    };
    let mut scene = Scene::remembering(policy, vec![agent("101", &["sales"]), agent("102", &["sales"])], restored);
    scene.busy("PJSIP/102", Some(Busy::OnCall));
    scene.misses(ANN, "sales");
    assert_eq!(scene.row(1).owner.as_deref(), Some("PJSIP/102"));
    scene.pass(9 * MINUTE);
    assert!(scene.rung().is_empty());
    scene.pass(MINUTE);
    assert_eq!(scene.rung(), first("101"));
}

#[test]
fn an_owner_who_is_free_takes_it_before_those_who_waited_longer_and_one_who_is_not_there_is_not_waited_for() {
    for (there, chosen) in [(None, "102"), (Some(Busy::LoggedOut), "101")] {
        let mut policy = policy();
        policy.default.owner_window_ms = 10 * MINUTE;
        let mut scene = Scene::new(policy, vec![agent("101", &["sales"]), agent("102", &["sales"])]);
        scene.presence.agents[1].last_talk_ms = Some(MONDAY_10);
        scene.presence.agents[1].busy = there;
        let call = scene.talked(ANN, "PJSIP/102", Direction::Inbound, MINUTE);
        scene.recorded(&call);
        scene.misses(ANN, "sales");
        assert_eq!(scene.rung(), first(chosen));
    }
}

#[test]
fn a_fallback_queue_helps_after_its_time() {
    let mut policy = policy();
    policy.queues.insert(
        "sales".into(),
        QueuePolicy { fallback: Some("support".into()), fallback_after_ms: 5 * MINUTE, ..queue_policy() },
    );
    let mut scene = Scene::new(policy, vec![agent("101", &["support"])]);
    scene.misses(ANN, "sales");
    scene.pass(5 * MINUTE - 1);
    assert!(scene.rung().is_empty());
    scene.pass(1);
    assert_eq!(scene.rung(), first("101"));
}

#[test]
fn a_fallback_may_be_a_list_of_agents_under_a_name_of_its_own() {
    let mut policy = policy();
    policy.queues.insert(
        "sales".into(),
        QueuePolicy { fallback: Some("heads".into()), fallback_after_ms: 5 * MINUTE, ..queue_policy() },
    );
    policy.queues.insert("heads".into(), QueuePolicy { agents: vec!["PJSIP/102".into()], ..queue_policy() });
    let mut scene = Scene::new(policy, vec![agent("101", &["support"]), agent("102", &["support"])]);
    scene.misses(ANN, "sales");
    scene.pass(5 * MINUTE);
    assert_eq!(scene.rung(), first("102"));
}

#[test]
fn agents_named_for_a_queue_stand_in_for_its_members_in_their_order() {
    let mut policy = policy();
    policy.default.strategy = Strategy::Linear;
    policy.default.agents = vec!["PJSIP/103".into(), "PJSIP/101".into()];
    let mut scene =
        Scene::new(policy, vec![agent("101", &["sales"]), agent("102", &["sales"]), agent("103", &["other"])]);
    for number in [ANN, BOB, CAT] {
        scene.misses(number, "sales");
    }
    let rung: Vec<String> = scene.rung().into_iter().map(|(agent, _)| agent).collect();
    assert_eq!(rung, ["PJSIP/103", "PJSIP/101"]);
}

/// Monday to Friday, 09:00 to 18:00 in this zone.
fn business(zone: &str) -> Hours {
    Hours::parse("Mo-Fr 09:00-18:00", TimeZone::get(zone).unwrap(), None).unwrap()
}

#[test]
fn customers_are_called_in_business_hours_and_in_the_order_in_which_they_were_missed() {
    let mut policy = policy();
    policy.default.hours = business("America/New_York"); // 10:00 UTC is 05:00 there
    let mut scene = Scene::new(policy, vec![agent("101", &["sales"])]);
    for number in [ANN, BOB] {
        let call = FinishedCall { outcome: Outcome::Announcement, ..scene.missed(number, "sales") };
        scene.recorded(&call);
        scene.pass(MINUTE);
    }
    assert_eq!(scene.stands(1), "WAITING OUT_OF_HOURS");
    assert_eq!(scene.row(1).expires_ms, MONDAY_10 + 4 * HOUR + 4 * HOUR, "it lives from the opening on");
    scene.pass(4 * HOUR - 2 * MINUTE - 1);
    assert!(scene.rung().is_empty());
    scene.pass(1);
    assert_eq!(scene.rung(), first("101"));
    scene.connects("cb-0a1b2c3d-1-1", 10 * SECOND);
    assert_eq!(scene.rung()[1].1, "cb-0a1b2c3d-2-1");
}

#[test]
fn nobody_is_called_in_the_last_minutes_before_closing() {
    let mut policy = policy();
    policy.default.hours = business("Asia/Tashkent"); // 10:00 UTC is 15:00 there
    policy.default.last_dispatch_ms = 10 * MINUTE;
    policy.default.expire_ms = 48 * HOUR;
    let mut scene = Scene::new(policy, vec![agent("101", &["sales"])]);
    scene.pass(3 * HOUR - 10 * MINUTE);
    scene.misses(ANN, "sales");
    assert_eq!(scene.stands(1), "WAITING OUT_OF_HOURS");
    scene.pass(15 * HOUR + 10 * MINUTE - 1);
    assert!(scene.rung().is_empty());
    scene.pass(1);
    assert_eq!(scene.rung(), first("101"));
}

#[test]
fn a_customer_is_not_called_in_the_night_of_their_own_country() {
    let mut policy = policy();
    policy.number_policy.international = true;
    policy.quiet = Some((21 * 60, 8 * 60));
    let mut scene = Scene::new(policy, vec![agent("101", &["sales"])]);
    scene.misses("+81355550100", "sales"); // 10:00 UTC is 19:00 in Japan
    assert_eq!(scene.rung(), first("101"));
    scene.ends("cb-0a1b2c3d-1-1", nobody());
    scene.pass(2 * HOUR);
    scene.misses("+81355550101", "sales"); // 21:00
    assert_eq!(scene.stands(2), "WAITING QUIET_HOURS");
}

#[test]
fn a_cap_on_calls_to_one_number_holds_and_is_said() {
    let mut policy = policy();
    policy.default.max_attempts = 10;
    policy.default.expire_ms = 72 * HOUR;
    let policies = policies(Overall { daily_per_number: 2, ..overall() }, policy);
    let mut scene = Scene::with(policies, vec![agent("101", &["sales"])], RestoredState::default());
    scene.misses(ANN, "sales");
    for n in 1..=2 {
        let channel_id = format!("cb-0a1b2c3d-1-{n}");
        scene.connects(&channel_id, SECOND); // too short to count as a conversation
        scene.pass(20 * MINUTE);
    }
    assert_eq!(scene.rung().len(), 2);
    assert_eq!(scene.stands(1), "WAITING DAILY_CAP");
    let first_ms = scene.attempts["cb-0a1b2c3d-1-1"].intended_ms;
    assert_eq!(scene.row(1).due_ms, first_ms + 24 * HOUR, "when the first of them is a day ago");
    scene.busy("PJSIP/101", Some(Busy::OnCall));
    assert_eq!(scene.stands(1), "WAITING DAILY_CAP", "whoever is free");
    scene.busy("PJSIP/101", None);
    scene.pass(24 * HOUR);
    assert_eq!(
        scene.attempts["cb-0a1b2c3d-1-3"].intended_ms,
        scene.attempts["cb-0a1b2c3d-1-1"].intended_ms + 24 * HOUR
    );
}

#[test]
fn caps_hold_for_a_prefix_and_in_all_and_over_a_restart() {
    let restored = || RestoredState {
        dialled: vec![(MONDAY_10 - HOUR, crate::scheduler::e164("+12025550199"))],
        ..RestoredState::default()
    };
    for (daily_per_prefix, daily) in [(1, 100), (100, 1)] {
        let policies = policies(Overall { daily_per_prefix, daily, ..overall() }, policy());
        let mut scene = Scene::with(policies, vec![agent("101", &["sales"])], restored());
        scene.misses(ANN, "sales");
        assert_eq!(scene.stands(1), "WAITING DAILY_CAP");
    }
}

#[test]
fn caps_count_those_who_are_about_to_be_dialled() {
    let policies = policies(Overall { daily_per_prefix: 1, ..overall() }, policy());
    let agents = vec![agent("101", &["sales"]), agent("102", &["sales"])];
    let mut scene = Scene::with(policies, agents, RestoredState::default());
    scene.misses(ANN, "sales");
    scene.misses(BOB, "sales");
    assert_eq!((scene.rung().len(), scene.stands(2)), (1, "WAITING DAILY_CAP".to_owned()));
    scene.ends("cb-0a1b2c3d-1-1", nobody()); // the agent did not pick up: nobody was dialled, and the next may be
    assert_eq!(scene.rung().len(), 2);
}

#[test]
fn a_callback_that_is_made_by_hand_while_they_are_switched_off_says_that_it_waits_for_that() {
    let off = Policy { enabled: false, ..policy() };
    let mut scene = Scene::new(off, vec![agent("101", &["sales"])]);
    let add = Command::Add(CallbackRequest { number: ANN.to_owned(), ..CallbackRequest::default() });
    scene.asks(add).unwrap();
    assert_eq!((scene.stands(1), scene.rung().len()), ("WAITING DISABLED".to_owned(), 0));
    scene.give(Input::Policies(&policies(overall(), policy())));
    scene.pass(SECOND);
    assert_eq!(scene.rung().len(), 1);
}

#[test]
fn a_pbx_out_of_sight_is_waited_for() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
    scene.presence.blind = true;
    scene.misses(ANN, "sales");
    assert_eq!(scene.stands(1), "WAITING NO_LINK");
    scene.presence.blind = false;
    scene.give(Input::InSync(&crate::scheduler::pbx()));
    assert_eq!(scene.rung(), first("101"));
}

#[test]
fn thousands_who_wait_are_dispatched_from_the_top_and_all_have_their_reason_within_a_second() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
    scene.busy("PJSIP/101", Some(Busy::LoggedOut));
    for i in 0..1_000 {
        let call =
            FinishedCall { linkedid: format!("m.{i}"), ..scene.missed(&format!("+1202{:07}", 5_550_000 + i), "sales") };
        scene.scheduler.handle(Input::Recorded(&call), scene.now);
    }
    scene.settle();
    scene.pass(SECOND);
    assert!(scene.rows.values().all(|r| r.reason == "NO_AGENT"));
    scene.busy("PJSIP/101", None);
    assert_eq!(scene.rung(), first("101"));
}
