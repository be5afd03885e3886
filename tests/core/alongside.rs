//! Two callbackd on one PBX: one makes callbacks at a time, and neither waits for ever.

use crate::attempt_progress::START;
use crate::callback_attempts::FIRST;
use crate::scheduler::{ANN, MINUTE, PBX, SECOND, Scene, agent, overall, pbx, policies, policy};
use crate::stream::{Driver, Line, rules, text};
use callbackd_core::ami::Action;
use callbackd_core::callbacks::alongside::{ANSWER_MS, BEAT_MS, FRESH_MS, Others};
use callbackd_core::callbacks::pbx_action::PbxAction;
use callbackd_core::callbacks::policy::Policy;
use callbackd_core::callbacks::{Answer, Input, Scheduler};
use callbackd_core::model::sign::{SIGN_VARIABLE, Sign};
use callbackd_core::model::{AttemptResult, Moment};
use callbackd_core::tracker::Output;

/// Identities on both sides of one's own, `0a1b2c3d`.
const LOWER: &str = "00000000";
const HIGHER: &str = "ffffffff";
const FRESH: i64 = FRESH_MS as i64;

/// What a PBX holds of who makes callbacks there, as a test sets it.
pub struct Signs {
    /// The variable; `None`: Asterisk does not answer.
    sign: Option<String>,
    refused: bool,
    /// Signs that were shown, and how often it was asked for the variable.
    shown: Vec<String>,
    asked: u32,
    /// Its dialplan is FreePBX's.
    pub freepbx: bool,
}

impl Default for Signs {
    fn default() -> Self {
        Self { sign: Some(String::new()), refused: false, shown: Vec::new(), asked: 0, freepbx: false }
    }
}

impl Signs {
    /// Answers what is asked of, and shown to, the PBX; gives all other actions back.
    pub fn answer(&mut self, scheduler: &mut Scheduler, action: PbxAction, now: Moment) -> Option<PbxAction> {
        match action {
            PbxAction::AskSign => {
                self.asked += 1;
                if let Some(value) = self.sign.as_deref() {
                    scheduler.handle(Input::SignRead { pbx: &pbx(), value: Some(value) }, now);
                }
            }
            PbxAction::AskFreepbx => {
                let value = Some(if self.freepbx { "1" } else { "0" });
                scheduler.handle(Input::FreepbxRead { pbx: &pbx(), value }, now);
            }
            PbxAction::ShowSign(sign) => {
                let answer = if self.refused { Answer::Refused("Permission denied") } else { Answer::Accepted };
                scheduler.handle(Input::SignWritten { pbx: &pbx(), answer }, now);
                self.shown.push(sign.to_string());
            }
            other => return Some(other),
        }
        None
    }
}

fn scene() -> Scene {
    Scene::new(policy(), vec![agent("101", &["sales"])])
}

fn hears(scene: &mut Scene, sign: &str) {
    scene.signs.sign = Some(sign.to_owned());
    scene.give(Input::Sign { pbx: &pbx(), sign: Sign::parse(sign).unwrap() });
}

#[test]
fn a_second_daemon_makes_no_callbacks_until_the_first_has_been_silent_for_a_minute() {
    for first in [LOWER, HIGHER] {
        let mut scene = scene();
        scene.signs.sign = Some(format!("{first} 500"));
        scene.misses(ANN, "sales");
        assert_eq!(scene.stands(1), "WAITING ANOTHER_DAEMON");
        for beats in 501..520 {
            scene.pass(BEAT_MS as i64);
            hears(&mut scene, &format!("{first} {beats}"));
        }
        scene.pass(FRESH - 1);
        let another = scene.scheduler.another_on(PBX).unwrap();
        assert_eq!((another.identity.as_str(), another.gives_way), (first, true));
        assert!(
            scene.rung().is_empty() && scene.signs.shown.is_empty(),
            "who waits shows no sign: {:?}",
            scene.signs.shown
        );
        scene.pass(1);
        assert_eq!((scene.rung().len(), scene.signs.shown.len()), (1, 1), "at the minute, by itself");
        assert_eq!(scene.scheduler.another_on(PBX), None);
    }
}

#[test]
fn a_first_daemon_that_stops_lets_the_second_go_on_at_once() {
    let mut scene = scene();
    scene.signs.sign = Some(format!("{HIGHER} 500"));
    scene.misses(ANN, "sales");
    hears(&mut scene, &format!("{LOWER} off"));
    assert!(scene.rung().is_empty(), "somebody else stopped");
    hears(&mut scene, &format!("{HIGHER} off"));
    assert_eq!(scene.rung().len(), 1);
}

#[test]
fn ones_own_sign_of_an_earlier_run_and_one_of_who_has_stopped_are_nobodys() {
    for left in ["0a1b2c3d 500", "ffffffff off", "", "something else", "ffffffff 1 2"] {
        let mut scene = scene();
        scene.signs.sign = Some(left.to_owned());
        scene.misses(ANN, "sales");
        assert_eq!((scene.rung().len(), scene.scheduler.another_on(&pbx())), (1, None), "{left}");
    }
}

#[test]
fn the_sign_is_shown_every_quarter_of_a_minute_and_taken_back_at_the_end() {
    let mut scene = scene();
    scene.settle();
    scene.pass(MINUTE);
    assert_eq!(scene.signs.shown, (1..=5).map(|n| format!("0a1b2c3d {n}")).collect::<Vec<_>>());
    scene.scheduler.stop();
    scene.settle();
    assert_eq!(scene.signs.shown.last().unwrap(), "0a1b2c3d off");
    assert_eq!(scene.signs.asked, 1);
}

#[test]
fn who_was_first_goes_on_and_of_two_that_come_together_the_lower_identity() {
    // Own signs given, the other's sign, whether one's own callbacks go on.
    for (own, other, goes_on) in [
        (1, format!("{LOWER} 1"), false),
        (1, format!("{HIGHER} 1"), true),
        (1, format!("{HIGHER} 2"), false),
        (9, format!("{LOWER} 1"), true),
        (9, format!("{LOWER} 0"), true),
    ] {
        let mut scene = scene();
        scene.settle();
        for _ in 1..own {
            scene.pass(BEAT_MS as i64);
        }
        assert_eq!(scene.signs.shown.len(), own);
        hears(&mut scene, &other);
        scene.misses(ANN, "sales");
        assert_eq!(scene.rung().len(), usize::from(goes_on), "{own} {other}");
        let another = scene.scheduler.another_on(PBX).unwrap();
        assert_eq!(another.gives_way, !goes_on, "it is seen all the same");
    }
}

#[test]
fn two_that_may_not_show_signs_know_each_other_by_their_channels() {
    for (other, goes_on) in [(LOWER, false), (HIGHER, true)] {
        let mut scene = scene();
        scene.signs.refused = true;
        scene.settle();
        scene.pass(MINUTE);
        assert_eq!(scene.signs.shown.len(), 1, "what was refused is not tried again");
        hears(&mut scene, &format!("{other} 0"));
        scene.misses(ANN, "sales");
        assert_eq!(scene.rung().len(), usize::from(goes_on), "{other}");
    }
}

#[test]
fn who_is_configured_to_makes_callbacks_beside_another_and_shows_it() {
    let mut scene = Scene::new(Policy { alongside: true, ..policy() }, vec![agent("101", &["sales"])]);
    scene.signs.sign = Some(format!("{LOWER} 500"));
    scene.misses(ANN, "sales");
    assert_eq!((scene.rung().len(), scene.signs.shown.len()), (1, 1));
    let another = scene.scheduler.another_on(PBX).unwrap();
    assert_eq!((another.identity.as_str(), another.gives_way), (LOWER, false));
}

#[test]
fn a_daemon_that_makes_no_callbacks_shows_no_sign_and_takes_it_back_when_they_are_switched_off() {
    let off = || policies(overall(), Policy { enabled: false, ..policy() });
    let mut scene = Scene::with(off(), Vec::new(), Default::default());
    scene.settle();
    scene.pass(MINUTE);
    assert!(scene.signs.shown.is_empty() && scene.signs.asked == 0);
    let mut scene = self::scene();
    scene.settle();
    scene.give(Input::Policies(&off()));
    assert_eq!(scene.signs.shown, ["0a1b2c3d 1", "0a1b2c3d off"]);
}

#[test]
fn where_no_callbacks_are_made_another_daemon_is_in_nobodys_way() {
    let mut scene =
        Scene::with(policies(overall(), Policy { enabled: false, ..policy() }), Vec::new(), Default::default());
    scene.settle();
    hears(&mut scene, &format!("{LOWER} 500"));
    assert_eq!((scene.scheduler.others_on(PBX), scene.scheduler.another_on(PBX)), (Others::Off, None));
    scene.pass(FRESH);
    assert_eq!(scene.scheduler.others_on(PBX), Others::Off);
    assert!(scene.signs.shown.is_empty(), "{:?}", scene.signs.shown);
    scene.give(Input::Policies(&policies(overall(), policy())));
    hears(&mut scene, &format!("{LOWER} 501"));
    assert!(scene.scheduler.another_on(PBX).is_some_and(|another| another.gives_way), "now it is");
}

#[test]
fn another_daemon_is_not_gone_because_the_pbx_is_out_of_sight() {
    let mut scene = scene();
    scene.signs.sign = Some(format!("{LOWER} 500"));
    scene.settle();
    assert!(matches!(scene.scheduler.others_on(PBX), Others::One(_)));
    scene.presence.blind = true;
    scene.give(Input::Unlinked(&pbx()));
    scene.pass(10 * MINUTE);
    assert_eq!(scene.scheduler.others_on(PBX), Others::Unknown);
    // Asterisk was started anew, and the other has not shown its sign there yet.
    scene.presence.blind = false;
    scene.signs.sign = Some(String::new());
    scene.give(Input::InSync(&pbx()));
    scene.pass(FRESH - 1);
    assert_eq!(scene.scheduler.others_on(PBX), Others::Unknown);
    scene.pass(1);
    assert_eq!(scene.scheduler.others_on(PBX), Others::Nobody, "it was listened for a minute");
}

#[test]
fn who_says_that_they_stop_or_falls_silent_is_gone() {
    for (said, silent) in [(Some("off"), 0), (None, FRESH)] {
        let mut scene = scene();
        scene.signs.sign = Some(format!("{LOWER} 500"));
        scene.settle();
        if let Some(said) = said {
            hears(&mut scene, &format!("{LOWER} {said}"));
        }
        scene.pass(silent);
        assert_eq!(scene.scheduler.others_on(PBX), Others::Nobody, "{said:?}");
        hears(&mut scene, &format!("{LOWER} 1"));
        assert!(matches!(scene.scheduler.others_on(PBX), Others::One(_)), "and is back");
    }
}

#[test]
fn a_pbx_that_does_not_say_whose_sign_it_holds_is_waited_for_only_for_a_moment() {
    let mut scene = scene();
    scene.signs.sign = None;
    scene.misses(ANN, "sales");
    scene.pass(ANSWER_MS as i64 - 1);
    assert!(scene.rung().is_empty());
    scene.pass(1);
    assert_eq!(scene.rung().len(), 1);
}

#[test]
fn after_an_outage_the_sign_is_asked_for_again_and_one_begins_anew() {
    let mut scene = scene();
    scene.settle();
    scene.pass(10 * MINUTE);
    scene.presence.blind = true;
    scene.give(Input::Unlinked(&pbx()));
    scene.pass(MINUTE);
    assert!(scene.scheduler.deadline().is_none_or(|due| due > scene.now.mono_ms), "it does not spin");
    scene.presence.blind = false;
    scene.signs.sign = Some(format!("{HIGHER} 3"));
    scene.give(Input::InSync(&pbx()));
    scene.misses(ANN, "sales");
    assert_eq!((scene.signs.asked, scene.rung().len()), (2, 0), "whoever took over meanwhile was first");
}

#[test]
fn an_attempt_that_waits_for_the_disk_while_another_shows_up_is_taken_back() {
    let mut scene = scene();
    scene.commits = false;
    scene.misses(ANN, "sales");
    hears(&mut scene, &format!("{LOWER} 500"));
    scene.commit();
    scene.pass(SECOND);
    assert!(scene.rung().is_empty());
    assert_eq!(scene.attempts[FIRST].result, Some(AttemptResult::AbortedServed));
    assert_eq!(scene.stands(1), "WAITING ANOTHER_DAEMON");
}

fn signs(driver: &mut Driver) -> Vec<String> {
    let news = std::mem::take(&mut driver.news);
    news.iter().filter_map(|n| if let Output::Sign(sign) = n { Some(sign.to_string()) } else { None }).collect()
}

#[test]
fn signs_of_others_are_heard_from_their_variable_and_their_new_channels() {
    let mut driver = Driver::linked(rules(), START);
    let set = |variable: &str, value: &str| {
        text("VarSet", &[("Channel", "none"), ("Uniqueid", "none"), ("Variable", variable), ("Value", value)])
    };
    for value in ["ffffffff 7", "ffffffff off", "0a1b2c3d 7", "", "ffffffff seven"] {
        driver.say(&set(SIGN_VARIABLE, value));
    }
    driver.say(&set("CALLBACKD_CHECK", "ffffffff 7"));
    assert_eq!(signs(&mut driver), ["ffffffff 7", "ffffffff off"]);
    for id in ["cb-ffffffff-4-1", "cb-0a1b2c3d-4-1", "cb-4-1", "cb-shop-1755850000.1"] {
        driver.say(&Line::new(&format!("PJSIP/101-{id}"), id, id, "101", "from-internal", "s").begins());
    }
    assert_eq!(signs(&mut driver), ["ffffffff 0"]);
}

#[test]
fn a_channel_that_a_list_names_may_be_of_a_daemon_that_is_gone() {
    let id = "cb-ffffffff-4-1";
    let mut driver = Driver::unlinked(rules(), START, None);
    let listed = Line::new("PJSIP/101-1", id, id, "101", "from-internal", "s").listed("Dial", "", 900);
    driver.link(100_000, &crate::stream::frames(listed.as_bytes()));
    assert!(signs(&mut driver).is_empty());
}

#[test]
fn the_variable_is_one_that_the_decoder_lets_through() {
    assert!(SIGN_VARIABLE.starts_with("CALLBACKD_"));
    assert!(Action::set_global(SIGN_VARIABLE, "0a1b2c3d off").is_ok());
}

/// A caller can write an event, but not Asterisk's variable.
#[test]
fn a_sign_that_an_event_tells_of_counts_only_where_asterisk_holds_it_or_does_not_say() {
    for (held, rung) in [(Some(""), 1), (Some("something else"), 1), (Some("ffffffff 500"), 0)] {
        let mut scene = scene();
        scene.signs.sign = Some(String::new());
        scene.settle();
        scene.signs.sign = held.map(str::to_owned);
        scene.give(Input::Sign { pbx: &pbx(), sign: Sign::parse("ffffffff 500").unwrap() });
        scene.misses(ANN, "sales");
        assert_eq!(scene.rung().len(), rung, "{held:?}");
        assert_eq!(scene.signs.asked, 2, "{held:?}");
    }
    let mut scene = scene();
    scene.signs.sign = Some(String::new());
    scene.settle();
    scene.signs.sign = None;
    scene.give(Input::Sign { pbx: &pbx(), sign: Sign::parse("ffffffff 500").unwrap() });
    scene.give(Input::SignRead { pbx: &pbx(), value: None });
    scene.misses(ANN, "sales");
    assert_eq!(scene.rung().len(), 0, "the right to read it is missing");
}
