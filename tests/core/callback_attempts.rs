//! Attempts: stored before they are dialled, judged by their legs, repeated by rule, and never made twice.

use crate::scheduler::{ANN, HOUR, MINUTE, MONDAY_10, SECOND, Scene, agent, customer, nobody, pbx, policy, talk};
use callbackd_core::callbacks::commands::Command;
use callbackd_core::callbacks::pbx_action::PbxAction;
use callbackd_core::callbacks::restore::RestoredState;
use callbackd_core::callbacks::{Answer, Input};
use callbackd_core::model::presence::Busy;
use callbackd_core::model::progress::{Facts, FirstPhone, Line, Step};
use callbackd_core::model::{
    AgentKey, AttemptResult, AttemptRow, CallbackState, Direction, DoNotCall, HangupBy, LegResult, RecoveredBy,
};

pub const FIRST: &str = "cb-0a1b2c3d-1-1";

/// Two agents of one queue; a customer was missed, and the first agent's phone rings.
pub fn ringing() -> Scene {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"]), agent("102", &["sales"])]);
    scene.misses(ANN, "sales");
    assert_eq!(scene.rung(), [("PJSIP/101".to_owned(), FIRST.to_owned())]);
    scene.step(FIRST, Step::Seen);
    scene
}

#[test]
fn nothing_is_dialled_before_the_intent_is_on_the_disk() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
    scene.commits = false;
    scene.misses(ANN, "sales");
    scene.pass(10 * MINUTE);
    assert_eq!(scene.stands(1), "RESERVED");
    assert!(scene.rung().is_empty());
    scene.commit();
    scene.settle();
    assert_eq!(scene.rung().len(), 1);
}

#[test]
fn what_the_database_refuses_is_not_dialled() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
    scene.commits = false;
    scene.misses(ANN, "sales");
    scene.intents.clear();
    scene.give(Input::Refused(FIRST));
    scene.pass(MINUTE / 2 - 1);
    assert!(scene.rung().is_empty());
    assert_eq!(scene.results(), [(FIRST.to_owned(), AttemptResult::OriginateError)]);
}

#[test]
fn everything_is_looked_at_again_right_before_dialling() {
    type Change = fn(&mut Scene);
    let changes: [(Change, AttemptResult); 4] = [
        (|s| s.busy("PJSIP/101", Some(Busy::OnCall)), AttemptResult::AgentBusy),
        (|s| s.line(ANN, true, Line::Busy), AttemptResult::AbortedServed),
        (|s| s.presence.blind = true, AttemptResult::AgentBusy),
        (
            |s| {
                let call = s.talked(ANN, "PJSIP/103", Direction::Inbound, 0);
                s.recorded(&call);
            },
            AttemptResult::AbortedServed,
        ),
    ];
    for (change, result) in changes {
        let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
        scene.commits = false;
        scene.misses(ANN, "sales");
        change(&mut scene);
        scene.commit();
        scene.settle();
        assert!(scene.rung().is_empty());
        assert_eq!(scene.results(), [(FIRST.to_owned(), result)]);
        assert_eq!(
            scene.scheduler.agents().get(&AgentKey::new(&pbx(), "PJSIP/101")).unwrap().cooldown_until,
            0,
            "no fault of theirs"
        );
    }
}

#[test]
fn a_callback_that_connects_and_lasts_is_done_and_wins_the_customer_back() {
    let mut scene = ringing();
    scene.step(FIRST, Step::AgentAnswered);
    scene.step(FIRST, Step::CustomerDialled);
    assert_eq!(scene.stands(1), "DIALING_CUSTOMER");
    scene.step(FIRST, Step::Connected);
    assert_eq!(scene.stands(1), "TALKING");
    let from = scene.now.wall_ms;
    scene.pass(148 * SECOND);
    scene.ends(FIRST, talk(from, 148 * SECOND));
    assert_eq!(scene.stands(1), "DONE");
    assert_eq!(scene.recovered, [(1, RecoveredBy::Callback, from)]);
    let attempt = &scene.attempts[FIRST];
    assert_eq!((attempt.result, attempt.talk_ms), (Some(AttemptResult::Connected), 148 * SECOND));
    let states: Vec<CallbackState> = scene.story.iter().map(|(_, c)| c.state).collect();
    assert_eq!(
        states,
        [
            CallbackState::Pending,
            CallbackState::Reserved,
            CallbackState::DialingAgent,
            CallbackState::DialingCustomer,
            CallbackState::Talking,
            CallbackState::Done
        ]
    );
}

#[test]
fn each_result_has_its_own_retry_and_counts_against_the_customer_or_not() {
    use AttemptResult as R;
    use LegResult as L;
    let left = Facts { agent_hangup_by: HangupBy::Agent, ..customer(L::Cancelled, 0) };
    let rejected = Facts { agent: L::Rejected, ..nobody() };
    let busy = Facts { agent: L::Busy, ..nobody() };
    let forwarded = Facts { first_phone: FirstPhone::Forwarded, ..nobody() };
    let silent = Facts { first_phone: FirstPhone::Silent, ..nobody() };
    let killed = Facts { killed: true, ..customer(L::Cancelled, 0) };
    for (facts, result, counted, wait) in [
        (customer(L::Busy, 17), R::CustomerBusy, 1, 2 * MINUTE),
        (customer(L::NoAnswer, 19), R::CustomerNoAnswer, 1, 15 * MINUTE),
        (customer(L::Rejected, 21), R::CustomerRejected, 1, 30 * MINUTE),
        (customer(L::Congestion, 34), R::Congestion, 0, MINUTE),
        (talk(MONDAY_10, SECOND), R::MaybeVoicemail, 1, 20 * MINUTE),
        (left, R::AgentLeft, 0, 0),
        (nobody(), R::AgentNoAnswer, 0, 0),
        (rejected, R::AgentRejected, 0, 0),
        (busy, R::AgentBusy, 0, 0),
        (forwarded, R::AgentForwarded, 0, 0),
        (silent, R::NeverRang, 0, 30 * SECOND),
        (killed, R::Killed, 1, 0),
    ] {
        let mut scene = ringing();
        scene.ends(FIRST, facts);
        assert_eq!(scene.attempts[FIRST].result, Some(result));
        assert_eq!(scene.row(1).counted, counted, "{result}");
        if wait > 0 {
            assert_eq!(scene.stands(1), "WAITING RETRY_DELAY", "{result}");
            scene.pass(wait - 1);
            assert_eq!(scene.rung().len(), 1, "{result}");
            scene.pass(1);
        }
        assert_eq!(scene.rung()[1].1, "cb-0a1b2c3d-1-2", "{result}");
    }
}

#[test]
fn an_originate_that_asterisk_gives_up_is_over_unless_events_of_its_channel_come_behind() {
    for overtaken in [false, true] {
        let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
        scene.misses(ANN, "sales");
        scene.step(FIRST, Step::Failed { reason: 0 });
        assert!(scene.results().is_empty());
        if overtaken {
            scene.step(FIRST, Step::Seen);
            scene.pass(5 * SECOND);
            assert!(scene.results().is_empty());
            scene.ends(FIRST, Facts { first_phone: FirstPhone::Silent, ..nobody() });
        } else {
            scene.pass(2 * SECOND);
        }
        let result = if overtaken { AttemptResult::NeverRang } else { AttemptResult::AgentBusy };
        assert_eq!(scene.results(), [(FIRST.to_owned(), result)]);
    }
}

#[test]
fn a_number_that_the_network_does_not_know_is_not_tried_again() {
    for cause in [1, 2, 3, 22, 28] {
        let mut scene = ringing();
        scene.ends(FIRST, customer(LegResult::Unavailable, cause));
        assert_eq!(scene.stands(1), "NOT_CALLABLE invalid", "cause {cause}");
        assert_eq!(scene.attempts[FIRST].result, Some(AttemptResult::InvalidNumber));
    }
}

#[test]
fn an_agent_who_does_not_take_it_cools_down_and_the_next_is_asked_at_once() {
    let mut scene = ringing();
    scene.ends(FIRST, nobody());
    assert_eq!(scene.rung()[1], ("PJSIP/102".to_owned(), "cb-0a1b2c3d-1-2".to_owned()));
    scene.step("cb-0a1b2c3d-1-2", Step::Seen);
    scene.misses("+12025550177", "sales");
    scene.pass(2 * MINUTE - 1);
    assert_eq!(scene.rung().len(), 2, "101 cools down, 102 is being asked");
    scene.pass(1);
    assert_eq!(scene.rung()[2], ("PJSIP/101".to_owned(), "cb-0a1b2c3d-2-1".to_owned()));
}

#[test]
fn who_refused_is_not_offered_the_same_callback_next_unless_nobody_else_is_there() {
    let mut scene = ringing();
    scene.busy("PJSIP/102", Some(Busy::OnCall));
    scene.ends(FIRST, nobody());
    scene.pass(10 * MINUTE);
    assert_eq!(scene.rung().len(), 1, "102 will be free some day");
    scene.busy("PJSIP/102", Some(Busy::LoggedOut));
    assert_eq!(scene.rung()[1].0, "PJSIP/101");
}

#[test]
fn who_refused_is_asked_again_after_a_while_if_all_others_pause() {
    let mut scene = ringing();
    scene.presence.agents[1].queues[0].paused = true;
    scene.ends(FIRST, nobody());
    scene.pass(2 * MINUTE);
    assert_eq!(scene.rung()[1].0, "PJSIP/101");
}

#[test]
fn after_as_many_counted_attempts_as_are_allowed_it_is_exhausted() {
    let mut scene = ringing();
    for n in 1..=3 {
        let channel_id = format!("cb-0a1b2c3d-1-{n}");
        scene.ends(&channel_id, customer(LegResult::Busy, 17));
        scene.pass(2 * MINUTE);
    }
    assert_eq!(scene.stands(1), "EXHAUSTED");
    assert_eq!((scene.row(1).attempts, scene.row(1).counted), (3, 3));
    assert_eq!(scene.rung().len(), 3);
}

#[test]
fn refusals_by_agents_end_some_day() {
    use callbackd_core::callbacks::MAX_ATTEMPTS;
    let mut policy = policy();
    policy.agent_cooldown_ms = 0;
    policy.default.expire_ms = 1_000 * HOUR;
    let mut scene = Scene::new(policy, vec![agent("101", &["sales"])]);
    scene.misses(ANN, "sales");
    for n in 1..=MAX_ATTEMPTS {
        scene.ends(&format!("cb-0a1b2c3d-1-{n}"), nobody());
        scene.pass(SECOND);
    }
    assert_eq!(scene.stands(1), "EXHAUSTED too-many-attempts");
}

#[test]
fn a_customer_who_is_served_while_the_agents_phone_rings_is_let_go() {
    let mut scene = ringing();
    scene.line(ANN, true, Line::Busy);
    assert_eq!(scene.hung_up(), [FIRST]);
    scene.line(ANN, true, Line::Talking { agent: "PJSIP/102".into(), since_ms: scene.now.wall_ms });
    assert_eq!(scene.stands(1), "RECOVERED_BY_CUSTOMER");
    scene.ends(FIRST, nobody());
    assert_eq!(scene.attempts[FIRST].result, Some(AttemptResult::AbortedServed));
    assert_eq!(scene.hung_up(), [FIRST], "once is enough");
    assert_eq!(scene.rung().len(), 1);
}

#[test]
fn a_customer_who_calls_while_we_call_burns_no_attempt_and_waits_if_missed_again() {
    let mut scene = ringing();
    scene.line(ANN, true, Line::Busy);
    scene.ends(FIRST, nobody());
    assert_eq!(scene.stands(1), "WAITING CUSTOMER_ON_LINE");
    assert_eq!(scene.row(1).counted, 0);
    scene.misses(ANN, "sales");
    scene.line(ANN, true, Line::Free);
    assert_eq!(scene.row(1).missed_count, 2);
    assert_eq!(scene.rung()[1].1, "cb-0a1b2c3d-1-2");
    assert_eq!(scene.rung()[1].0, "PJSIP/102", "who has waited longest; 101 was offered one just now");
}

#[test]
fn a_customer_who_hangs_up_on_the_other_line_while_our_call_connects_is_not_cut_off() {
    let mut scene = ringing();
    scene.step(FIRST, Step::Connected);
    scene.line(ANN, true, Line::Busy);
    assert!(scene.hung_up().is_empty());
    assert_eq!(scene.stands(1), "TALKING");
}

#[test]
fn who_is_forbidden_after_the_callback_was_made_is_not_dialled() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
    scene.commits = false;
    scene.misses(ANN, "sales");
    let command = callbackd_core::callbacks::commands::Command::DncAdd {
        number: ANN.into(),
        reason: "asked us not to".into(),
        for_ms: None,
    };
    scene.asks(command).unwrap();
    assert_eq!(scene.stands(1), "DNC asked us not to");
    scene.commit();
    scene.settle();
    assert!(scene.rung().is_empty());
    assert_eq!(scene.attempts[FIRST].result, Some(AttemptResult::AbortedServed));
}

#[test]
fn a_forbidden_number_is_refused_until_its_time_is_over() {
    let entry = DoNotCall {
        number_e164: crate::scheduler::e164(ANN),
        reason: "complaint".into(),
        by: "ann".into(),
        added_ms: 0,
        until_ms: Some(MONDAY_10 + HOUR),
        code: None,
        by_hand_until_ms: None,
    };
    let restored = RestoredState { do_not_call: vec![entry], ..RestoredState::default() };
    let mut scene = Scene::remembering(policy(), vec![agent("101", &["sales"])], restored);
    scene.misses(ANN, "sales");
    assert_eq!(scene.stands(1), "DNC complaint");
    scene.pass(HOUR);
    scene.misses(ANN, "sales");
    assert_eq!(scene.stands(2), "DIALING_AGENT");
}

#[test]
fn an_answer_to_the_originate_is_no_result_but_a_refusal_is() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
    scene.misses(ANN, "sales");
    scene.give(Input::Answered { channel_id: FIRST, answer: Answer::Accepted });
    assert_eq!(scene.stands(1), "DIALING_AGENT");
    scene.give(Input::Answered { channel_id: FIRST, answer: Answer::Refused("Extension does not exist.") });
    assert_eq!(scene.attempts[FIRST].result, Some(AttemptResult::OriginateError));
    assert_eq!(scene.attempts[FIRST].detail, "Asterisk refused: Extension does not exist.");
    assert_eq!(scene.stands(1), "WAITING RETRY_DELAY");
    assert_eq!(scene.row(1).counted, 0);
}

#[test]
fn an_originate_that_could_not_leave_is_sent_again_under_its_own_name() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
    scene.misses(ANN, "sales");
    scene.give(Input::Answered { channel_id: FIRST, answer: Answer::NotSent });
    scene.pass(SECOND);
    assert_eq!(scene.rung(), vec![("PJSIP/101".to_owned(), FIRST.to_owned()); 2]);
    assert_eq!(scene.row(1).attempts, 1);
}

#[test]
fn a_failure_without_any_channel_is_read_from_the_originates_response() {
    for (reason, result) in [
        (5, AttemptResult::AgentBusy),
        (3, AttemptResult::AgentNoAnswer),
        (8, AttemptResult::AgentBusy),
        (0, AttemptResult::AgentBusy),
    ] {
        let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
        scene.misses(ANN, "sales");
        scene.step(FIRST, Step::Failed { reason });
        scene.pass(SECOND);
        assert_eq!(scene.attempts[FIRST].result, Some(result), "reason {reason}");
    }
}

#[test]
fn a_failure_after_a_channel_was_seen_waits_for_what_the_channel_says() {
    let mut scene = ringing();
    scene.step(FIRST, Step::Failed { reason: 3 });
    assert_eq!(scene.attempts[FIRST].result, None);
    scene.ends(FIRST, Facts { agent: LegResult::Rejected, ..nobody() });
    assert_eq!(scene.attempts[FIRST].result, Some(AttemptResult::AgentRejected));
}

#[test]
fn an_originate_of_which_nothing_comes_is_given_up_only_when_nothing_of_it_lives() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
    scene.misses(ANN, "sales");
    scene.presence.live.insert(FIRST.into());
    scene.pass(2 * MINUTE);
    assert_eq!(scene.attempts[FIRST].result, None);
    scene.presence.live.clear();
    scene.pass(MINUTE);
    assert_eq!(scene.attempts[FIRST].result, Some(AttemptResult::OriginateError));
}

#[test]
fn the_agent_is_paused_while_an_attempt_goes_on_if_configured_and_always_freed() {
    let mut policy = policy();
    policy.pause_agent = true;
    let mut scene = Scene::new(policy, vec![agent("101", &["sales", "support"])]);
    scene.misses(ANN, "sales");
    let pause = |queue: &str, paused| PbxAction::Pause { queue: queue.into(), interface: "PJSIP/101".into(), paused };
    assert_eq!(scene.deeds[..2], [pause("sales", true), pause("support", true)]);
    scene.ends(FIRST, nobody());
    assert_eq!(scene.deeds[3..5], [pause("sales", false), pause("support", false)]);
}

#[test]
fn a_pause_that_the_agent_took_meanwhile_is_left_to_them() {
    let mut policy = policy();
    policy.pause_agent = true;
    let mut scene = Scene::new(policy, vec![agent("101", &["sales", "support"])]);
    scene.misses(ANN, "sales");
    for (member, reason) in scene.presence.agents[0].queues.iter_mut().zip(["callbackd", "lunch"]) {
        (member.paused, member.paused_reason) = (true, reason.into());
    }
    scene.ends(FIRST, nobody());
    let freed: Vec<&PbxAction> =
        scene.deeds.iter().filter(|d| matches!(d, PbxAction::Pause { paused: false, .. })).collect();
    assert!(matches!(freed[..], [PbxAction::Pause { queue, .. }] if queue == "sales"), "{freed:?}");
}

#[test]
fn the_originate_names_its_channel_its_context_and_all_that_the_dialplan_needs() {
    let mut policy = policy();
    policy.default.script = "Sorry, all were busy".into();
    policy.default.accept_key = "1".into();
    let mut scene = Scene::new(policy, Vec::new());
    scene.misses(ANN, "sales");
    scene.misses(ANN, "sales");
    scene.presence.agents.push(agent("101", &["sales"]));
    scene.give(Input::PresenceChanged);
    let originate = scene.originates().next().unwrap();
    assert_eq!((originate.channel.as_str(), originate.context.as_str()), ("PJSIP/101", "callbackd-agent"));
    assert_eq!((originate.channel_id.as_str(), originate.timeout_ms), (FIRST, 15 * SECOND));
    assert_eq!(originate.caller_id, ("CB sales ×2".to_owned(), "12025550123".to_owned()));
    let variable = |name: &str| originate.variables.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str());
    assert_eq!(variable("CALLBACKD_DIAL"), Some("PJSIP/12025550123@provider"));
    assert_eq!(variable("CALLBACKD_CALLERID"), Some("5550100"));
    assert_eq!(variable("CALLBACKD_RING"), Some("30"));
    assert_eq!(variable("CALLBACKD_ACCEPT"), Some("1"));
    assert_eq!(variable("CALLBACKD_TITLE"), Some("CB sales ×2"));
    assert_eq!(variable("CALLBACKD_ID"), Some("1"));
}

#[test]
fn attempts_survive_only_with_all_their_facts() {
    let mut scene = ringing();
    scene.pass(7 * SECOND);
    scene.step(FIRST, Step::AgentAnswered);
    let answered = scene.now.wall_ms;
    scene.pass(SECOND);
    scene.ends(FIRST, Facts { agent_answered_ms: Some(answered), ..customer(LegResult::Busy, 17) });
    let row: &AttemptRow = &scene.attempts[FIRST];
    assert_eq!(row.agent_answered_ms, Some(answered));
    assert_eq!(row.ended_ms, Some(MONDAY_10 + 8 * SECOND));
    assert_eq!((row.customer_answered_ms, row.detail.as_str()), (None, "the customer's line was busy, cause 17"));
    assert_eq!(row.linkedid.as_deref(), Some("cb"));
}

#[test]
fn a_colleague_who_picks_the_ringing_callback_up_has_it_and_the_agent_is_free_again() {
    let mut scene = ringing();
    let by = Step::PickedUp { agent: "PJSIP/102".to_owned(), uniqueid: "p.9".to_owned() };
    scene.step(FIRST, by);
    assert_eq!(scene.attempts[FIRST].agent.as_deref(), Some("PJSIP/102"));
    let reserved = |scene: &Scene, who: &str| {
        let agents = scene.scheduler.agents();
        agents.get(&AgentKey::new(&pbx(), who)).is_some_and(|memory| memory.reserved.is_some())
    };
    assert!(!reserved(&scene, "PJSIP/101") && reserved(&scene, "PJSIP/102"));
    scene.ends(FIRST, talk(MONDAY_10, MINUTE));
    assert_eq!(scene.attempts[FIRST].result, Some(AttemptResult::Connected));
    assert_eq!(scene.stands(1), "DONE");
    assert!(!reserved(&scene, "PJSIP/102"));
}

#[test]
fn what_a_colleague_has_picked_up_is_hung_up_where_it_is_now() {
    let mut scene = ringing();
    scene.step(FIRST, Step::PickedUp { agent: "PJSIP/102".to_owned(), uniqueid: "p.9".to_owned() });
    scene.asks(Command::Cancel { id: 1, note: String::new() }).unwrap();
    assert_eq!(scene.hung_up(), ["p.9"]);
}
