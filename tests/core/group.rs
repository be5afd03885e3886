//! One customer over all sites: what one site asks of the group, and what it does with the answers.

use crate::scheduler::{ANN, BOB, MINUTE, SECOND, Scene, agent, customer, e164, policy};
use callbackd_core::callbacks::commands::Command;
use callbackd_core::callbacks::group::entry::Service;
use callbackd_core::callbacks::group::{Alone, Claim, Claimed, GroupNews, GroupRequest};
use callbackd_core::callbacks::restore::RestoredState;
use callbackd_core::callbacks::{Answer, Input};
use callbackd_core::model::progress::Step;
use callbackd_core::model::{AttemptResult, CallbackState, DoNotCall, GroupDnc, LegResult, RecoveredBy};

const UNTIL: u64 = 5_000_000;

fn site(alone: Alone, agents: &[&'static str]) -> Scene {
    let mut scene = Scene::new(policy(), agents.iter().map(|name| agent(name, &["sales"])).collect());
    scene.give(Input::Group(Some(alone)));
    scene
}

/// What was asked since this was called last.
fn asked(scene: &mut Scene) -> Vec<GroupRequest> {
    std::mem::take(&mut scene.requests)
}

fn claim_of(scene: &mut Scene) -> i64 {
    match &asked(scene)[..] {
        [GroupRequest::Claim { callback, rings_ms: 45_000, .. }] => *callback,
        other => panic!("{other:?}"),
    }
}

pub fn answers(scene: &mut Scene, callback: i64, number: &str, answer: Claimed) {
    scene.give(Input::GroupNews(&GroupNews::Claimed { callback, number: e164(number), answer }));
}

fn granted(revision: i64) -> Claimed {
    Claimed::Granted(Claim { revision, until_boot_ms: UNTIL })
}

fn released(scene: &mut Scene) -> (Option<Service>, i64) {
    match &asked(scene)[..] {
        [GroupRequest::Release { served, rest_ms, .. }] => (*served, *rest_ms),
        other => panic!("{other:?}"),
    }
}

/// Ann was missed and claimed, and an agent is rung for her: the callback, and the channel of its attempt.
fn rings(scene: &mut Scene) -> (i64, String) {
    scene.misses(ANN, "sales");
    let id = claim_of(scene);
    answers(scene, id, ANN, granted(7));
    let channel_id = scene.rung()[0].1.clone();
    (id, channel_id)
}

#[test]
fn a_customer_is_claimed_before_the_intent_which_has_the_revision_and_the_call_leaves_a_ring_time_before_its_end() {
    let mut scene = site(Alone::Wait, &["101"]);
    scene.misses(ANN, "sales");
    let id = claim_of(&mut scene);
    assert!(scene.attempts.is_empty() && scene.rung().is_empty());
    scene.pass(SECOND);
    assert!(asked(&mut scene).is_empty(), "it is asked once");
    answers(&mut scene, id, ANN, granted(7));
    let rung = scene.rung();
    assert_eq!(rung.len(), 1);
    assert_eq!(scene.attempts[&rung[0].1].claim_revision, Some(7));
    assert_eq!(scene.originates().next().unwrap().leaves_by_boot_ms, Some(UNTIL - 45_000));
    scene.connects(&rung[0].1, 30 * SECOND);
    let served = released(&mut scene).0.expect("the customer was served");
    assert_eq!((served.by, served.ended_ms - served.began_ms), (RecoveredBy::Callback, 30 * SECOND));
}

#[test]
fn one_agent_makes_one_claim_however_many_wait() {
    let mut scene = site(Alone::Wait, &["101"]);
    for n in 0..20 {
        scene.misses(&format!("+120255501{n:02}"), "sales");
    }
    assert_eq!(asked(&mut scene).len(), 1);
    scene.pass(MINUTE);
    assert!(asked(&mut scene).is_empty());
}

#[test]
fn a_customer_whom_another_site_has_is_asked_for_again_and_one_who_was_served_there_is_not_called() {
    let mut scene = site(Alone::Wait, &["101"]);
    scene.misses(ANN, "sales");
    let id = claim_of(&mut scene);
    answers(&mut scene, id, ANN, Claimed::Taken { site: "köln".to_owned(), for_ms: 10_000 });
    assert_eq!(scene.stands(id), "WAITING ANOTHER_SITE");
    scene.pass(9_999);
    assert!(asked(&mut scene).is_empty());
    scene.pass(1);
    assert_eq!(claim_of(&mut scene), id);
    let at_ms = scene.now.wall_ms - 5;
    answers(&mut scene, id, ANN, Claimed::Served { site: "köln".to_owned(), by: RecoveredBy::Customer, at_ms });
    assert_eq!(scene.stands(id), "RECOVERED_BY_CUSTOMER ELSEWHERE");
    assert_eq!(scene.story.last().unwrap().1.note, "served at site köln");
    assert_eq!(scene.recovered, [(id, RecoveredBy::Customer, at_ms)]);
    assert!(scene.rung().is_empty() && asked(&mut scene).is_empty());
}

#[test]
fn while_nobody_can_be_asked_a_site_waits_or_dials_as_it_is_configured() {
    let mut scene = site(Alone::Wait, &["101"]);
    scene.misses(ANN, "sales");
    let id = claim_of(&mut scene);
    answers(&mut scene, id, ANN, Claimed::Away);
    assert_eq!((scene.stands(id).as_str(), scene.scheduler.group_is_away()), ("WAITING NO_GROUP", Some(true)));
    scene.pass(10 * MINUTE);
    assert!(asked(&mut scene).is_empty() && scene.rung().is_empty());
    scene.give(Input::GroupNews(&GroupNews::Reached(true)));
    assert_eq!(claim_of(&mut scene), id);

    let mut scene = site(Alone::Dial, &["101"]);
    scene.misses(ANN, "sales");
    let id = claim_of(&mut scene);
    answers(&mut scene, id, ANN, Claimed::Away);
    let rung = scene.rung();
    assert_eq!(rung.len(), 1);
    assert_eq!(scene.attempts[&rung[0].1].claim_revision, None);
    assert_eq!(scene.originates().next().unwrap().leaves_by_boot_ms, None);
}

#[test]
fn a_claim_that_cannot_be_used_goes_back_at_once() {
    let mut scene = site(Alone::Wait, &["101"]);
    scene.misses(ANN, "sales");
    let id = claim_of(&mut scene);
    scene.presence.agents.clear();
    answers(&mut scene, id, ANN, granted(7));
    assert_eq!(released(&mut scene), (None, 0));
    assert_eq!(scene.stands(id), "WAITING NO_AGENT");

    let mut scene = site(Alone::Wait, &["101"]);
    scene.misses(ANN, "sales");
    let id = claim_of(&mut scene);
    scene.asks(Command::Cancel { id, note: String::new() }).unwrap();
    answers(&mut scene, id, ANN, granted(7));
    assert_eq!(released(&mut scene), (None, 0), "nobody wants it any more");
}

#[test]
fn a_customer_who_was_called_in_vain_rests_for_all_sites_as_long_as_here() {
    let mut scene = site(Alone::Wait, &["101"]);
    let (id, channel_id) = rings(&mut scene);
    scene.step(&channel_id, Step::Seen);
    scene.step(&channel_id, Step::AgentAnswered);
    scene.step(&channel_id, Step::CustomerDialled);
    scene.ends(&channel_id, customer(LegResult::Busy, 17));
    assert_eq!(scene.stands(id), "WAITING RETRY_DELAY");
    assert_eq!(released(&mut scene), (None, policy().retry.customer_busy));
}

#[test]
fn a_call_that_came_too_late_for_its_claim_was_not_made_and_the_customer_is_claimed_anew() {
    let mut scene = site(Alone::Wait, &["101"]);
    let (id, channel_id) = rings(&mut scene);
    scene.give(Input::Answered { channel_id: &channel_id, answer: Answer::Lapsed });
    assert_eq!(scene.results(), [(channel_id, AttemptResult::AbortedServed)]);
    match &asked(&mut scene)[..] {
        [GroupRequest::Release { served: None, rest_ms: 0, .. }, GroupRequest::Claim { callback, .. }] => {
            assert_eq!(*callback, id);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(scene.row(id).counted, 0);
}

#[test]
fn what_rings_when_a_claim_is_lost_is_hung_up_and_who_talks_goes_on() {
    for talks in [false, true] {
        let mut scene = site(Alone::Wait, &["101"]);
        let (_, channel_id) = rings(&mut scene);
        scene.step(&channel_id, Step::Seen);
        scene.step(&channel_id, Step::AgentAnswered);
        if talks {
            scene.step(&channel_id, Step::CustomerDialled);
            scene.step(&channel_id, Step::Connected);
        }
        scene.give(Input::GroupNews(&GroupNews::Lost(e164(ANN))));
        assert_eq!(scene.hung_up().is_empty(), talks);
    }
}

#[test]
fn an_attempt_of_an_earlier_run_keeps_its_claim_and_gives_it_back() {
    let mut before = site(Alone::Wait, &["101"]);
    before.misses(ANN, "sales");
    let id = claim_of(&mut before);
    answers(&mut before, id, ANN, granted(7));
    let row = before.attempts.values().next().unwrap().clone();
    let restored = RestoredState {
        open: vec![(before.row(id).clone(), Vec::new())],
        in_flight: vec![row.clone()],
        last_id: id,
        ..RestoredState::default()
    };
    let mut scene = Scene::remembering(policy(), vec![agent("101", &["sales"])], restored);
    scene.give(Input::Group(Some(Alone::Wait)));
    assert_eq!(asked(&mut scene), [GroupRequest::Keep { number: e164(ANN), rings_ms: 45_000 }]);
    scene.presence.live.insert(row.channel_id.clone());
    scene.connects(&row.channel_id, 30 * SECOND);
    assert!(released(&mut scene).0.is_some());
}

#[test]
fn after_a_reload_what_was_asked_is_asked_anew_and_the_claim_of_an_attempt_goes_on() {
    let mut scene = site(Alone::Wait, &["101", "102"]);
    let (_, channel_id) = rings(&mut scene);
    scene.misses(BOB, "sales");
    let bob = claim_of(&mut scene);
    scene.give(Input::Group(Some(Alone::Dial)));
    match &asked(&mut scene)[..] {
        [GroupRequest::Keep { number, rings_ms: 45_000 }, GroupRequest::Claim { callback, .. }] => {
            assert_eq!((number, *callback), (&e164(ANN), bob));
        }
        other => panic!("{other:?}"),
    }
    scene.connects(&channel_id, 30 * SECOND);
    assert!(released(&mut scene).0.is_some());
}

fn entry(number: &str, reason: &str) -> DoNotCall {
    DoNotCall {
        number_e164: e164(number),
        reason: reason.to_owned(),
        by: "bob".to_owned(),
        added_ms: 5,
        until_ms: None,
        code: None,
        by_hand_until_ms: None,
    }
}

fn hears(scene: &mut Scene, number: &str, entry: Option<DoNotCall>) {
    let dnc = GroupDnc { number_e164: e164(number), entry, site: "köln".to_owned() };
    scene.give(Input::GroupNews(&GroupNews::Dnc(dnc)));
}

#[test]
fn what_another_site_orders_of_the_do_not_call_list_holds_here_until_this_one_orders_something_later() {
    let mut scene = site(Alone::Wait, &[]);
    scene.misses(ANN, "sales");
    hears(&mut scene, ANN, Some(entry(ANN, "asked")));
    assert_eq!(scene.row(1).state, CallbackState::Dnc);
    hears(&mut scene, BOB, Some(entry(BOB, "asked")));
    hears(&mut scene, BOB, None);
    assert_eq!(scene.do_not_call.keys().collect::<Vec<_>>(), [ANN]);

    // An order of this site that the others have not heard of is later than what comes from them.
    scene.asks(Command::DncRemove { number: ANN.to_owned() }).unwrap();
    hears(&mut scene, ANN, Some(entry(ANN, "older")));
    assert!(scene.do_not_call.is_empty());
    scene.give(Input::GroupNews(&GroupNews::DncSent(e164(ANN))));
    hears(&mut scene, ANN, Some(entry(ANN, "newer")));
    assert_eq!(scene.do_not_call[ANN].reason, "newer");
}

#[test]
fn without_a_group_nothing_is_asked() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
    scene.misses(ANN, "sales");
    let channel_id = scene.rung()[0].1.clone();
    scene.connects(&channel_id, 30 * SECOND);
    assert!(asked(&mut scene).is_empty());
    assert_eq!(scene.scheduler.group_is_away(), None);
}
