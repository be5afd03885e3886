//! What a link that was down for a while means for the calls that lived when it was lost.

use crate::stream::{Driver, FORGOTTEN_MS, Line, frames, rules, stock_rules};
use callbackd_core::model::{GapCause, Outcome, Quality, Status};
use callbackd_core::tracker::Input;

pub const START: i64 = 1_800_000_000_000;

#[test]
fn a_link_that_is_found_dead_was_dead_since_it_was_heard_last() {
    let customer = Line::customer("c.1");
    let mut driver = Driver::linked(stock_rules(), START);
    driver.say(&customer.begins());
    driver.pass(60_000);
    driver.give(Input::Unproven { ms: 15_000 });
    driver.give(Input::Unlinked);
    driver.pass(10_000);
    driver.link(100_000, &[]);
    driver.pass(FORGOTTEN_MS);
    assert_eq!(driver.gaps()[0].from_ms, START + 45_000);
    assert_eq!((driver.row().status, driver.row().ended_ms), (Status::Unknown, START + 45_000));
}

#[test]
fn what_came_with_a_stamp_was_seen_though_no_ping_proves_it() {
    for (stamped, from_ms) in [(true, 58_000), (false, 45_000)] {
        let mut driver = Driver::linked(stock_rules(), START);
        driver.pass(58_000);
        let made = if stamped { "\nTimestamp: 1800000058.0\n" } else { "\n" };
        let event = Line::customer("c.1").begins().replacen('\n', made, 1);
        driver.pass(2_000);
        driver.say(&event);
        driver.give(Input::Unproven { ms: 15_000 });
        driver.give(Input::Unlinked);
        driver.pass(10_000);
        driver.link(100_000, &[]);
        assert_eq!(driver.gaps()[0].from_ms, START + from_ms, "{stamped}");
    }
}

#[test]
fn a_gap_begins_by_our_clock_though_asterisks_is_off() {
    const HOURS: i64 = 5 * 3_600_000;
    let mut driver = Driver::linked(stock_rules(), START);
    driver.give(Input::Clock { asterisk_ms: START - HOURS, took_ms: 0 });
    assert_eq!(driver.tracker.clock_ahead_ms(), -HOURS);
    driver.pass(7_000);
    let made = format!("\nTimestamp: {}.0\n", (START - HOURS) / 1_000 + 7);
    driver.say(&Line::customer("c.1").begins().replacen('\n', &made, 1));
    driver.pass(2_000);
    driver.give(Input::Unproven { ms: 9_000 });
    driver.give(Input::Unlinked);
    driver.pass(10_000);
    driver.link(100_000, &[]);
    assert_eq!(driver.gaps()[0].from_ms, START + 7_000);
}

/// A customer who talks with 101 since now.
fn talking(driver: &mut Driver, id: &str) -> (Line, Line) {
    let customer = Line::customer(&format!("{id}.1"));
    let phone = Line::phone("101", &format!("{id}.2"), &customer.id);
    driver.say(&(customer.begins() + &phone.begins() + &customer.dials(&phone)));
    driver.say(&phone.clone().state(6).event("Newstate", &[]));
    driver.say(&customer.dial_ends(&phone, "ANSWER"));
    driver.say(&(customer.enters(id) + &phone.enters(id)));
    (customer.state(6), phone.state(6))
}

/// A customer for whom 102 rings since now.
pub fn ringing(driver: &mut Driver, id: &str) -> (Line, Line) {
    let customer = Line::customer(&format!("{id}.1"));
    let phone = Line::phone("102", &format!("{id}.2"), &customer.id);
    driver.say(&(customer.begins() + &phone.begins() + &customer.dials(&phone)));
    driver.say(&phone.clone().state(5).event("Newstate", &[]));
    (customer, phone.state(5))
}

#[test]
fn a_lost_link_costs_only_what_ended_while_it_was_down() {
    let mut driver = Driver::linked(rules(), START);
    let (alive, alive_phone) = talking(&mut driver, "alive");
    talking(&mut driver, "talked");
    ringing(&mut driver, "rang");
    driver.pass(20_000);
    driver.give(Input::Unlinked);
    driver.pass(40_000);
    let lists = alive.listed("Dial", "alive", 60) + &alive_phone.listed("AppDial", "alive", 60);
    driver.link(100_000, &frames(lists.as_bytes()));
    driver.pass(5_000);
    assert_eq!(driver.tracker.live_calls(), 1);
    driver.say(&alive.far_end_hangs_up());
    for line in [&alive, &alive_phone] {
        driver.say(&line.leaves("alive"));
        driver.say(&line.hangs_up());
    }
    driver.pass(FORGOTTEN_MS);

    let rows: Vec<_> = driver
        .rows()
        .into_iter()
        .map(|r| (r.linkedid, r.status, r.outcome, r.quality, r.talk_ms, r.ended_ms - START))
        .collect();
    assert_eq!(
        rows,
        [
            ("alive.1".to_owned(), Status::Answer, Outcome::Agent, Quality::Partial, 65_000, 65_000),
            ("rang.1".to_owned(), Status::Unknown, Outcome::Gap, Quality::Gap, 0, 20_000),
            ("talked.1".to_owned(), Status::Answer, Outcome::Agent, Quality::Gap, 20_000, 20_000),
        ]
    );
    let gaps: Vec<_> =
        driver.gaps().iter().map(|g| (g.from_ms - START, g.to_ms - START, g.cause, g.calls_lost)).collect();
    assert_eq!(gaps, [(20_000, 60_000, GapCause::LinkLost, 2)]);
    assert_eq!(driver.tracker.counters().calls_unseen, 2);
}

/// The cause of the gap after a link of 100 s to an Asterisk that had just booted, a loss, and a login so many ms later with this uptime.
fn cause_of_gap(later_ms: i64, uptime_s: u64) -> Vec<GapCause> {
    let mut driver = Driver::unlinked(rules(), START, None);
    driver.link(0, &[]);
    driver.pass(100_000);
    driver.give(Input::Unlinked);
    driver.pass(later_ms);
    driver.link(uptime_s, &[]);
    driver.gaps().iter().map(|g| g.cause).collect()
}

#[test]
fn an_asterisk_that_is_back_at_once_has_restarted_all_the_same() {
    assert_eq!(cause_of_gap(700, 0), [GapCause::PbxRestart]);
    assert_eq!(cause_of_gap(60_000, 59), [GapCause::PbxRestart]);
}

#[test]
fn an_uptime_in_whole_seconds_makes_no_restart() {
    assert_eq!(cause_of_gap(990, 100), [GapCause::LinkLost]);
    assert_eq!(cause_of_gap(60_990, 160), [GapCause::LinkLost]);
}

#[test]
fn a_customer_who_was_lost_sight_of_is_unknown_though_a_phone_of_the_call_still_lives() {
    let mut driver = Driver::linked(rules(), START);
    let (_, phone) = ringing(&mut driver, "rang");
    driver.pass(3_000);
    driver.give(Input::Unlinked);
    driver.pass(10_000);
    driver.link(100_000, &frames(phone.listed("AppDial", "", 13).as_bytes()));
    driver.pass(500);
    driver.say(&phone.hangs_up());
    driver.pass(FORGOTTEN_MS);
    let row = driver.row();
    assert_eq!((row.status, row.outcome, row.quality), (Status::Unknown, Outcome::Gap, Quality::Gap));
    assert_eq!(driver.gaps()[0].calls_lost, 1);
}

#[test]
fn a_restart_of_the_pbx_ends_all_that_was_whether_or_not_the_list_of_channels_came() {
    for channels_known in [true, false] {
        let mut driver = Driver::linked(rules(), START);
        talking(&mut driver, "talked");
        ringing(&mut driver, "rang");
        driver.pass(20_000);
        driver.give(Input::Unlinked);
        driver.pass(40_000);
        driver.give(Input::Linked { uptime_s: Some(10) });
        let (young, _) = ringing(&mut driver, "young");
        driver.snapshot(&frames(young.listed("Dial", "", 0).as_bytes()), channels_known);
        driver.pass(FORGOTTEN_MS);
        let rows: Vec<_> = driver.rows().into_iter().map(|r| (r.linkedid, r.status, r.quality)).collect();
        let expected = [
            ("rang.1".to_owned(), Status::Unknown, Quality::Gap),
            ("talked.1".to_owned(), Status::Answer, Quality::Gap),
        ];
        assert_eq!(rows, expected, "{channels_known}");
        let gaps: Vec<_> = driver.gaps().iter().map(|g| (g.cause, g.calls_lost)).collect();
        assert_eq!(gaps, [(GapCause::PbxRestart, 2)]);
        assert_eq!(driver.tracker.live_calls(), 1, "what began after the restart goes on");
    }
}

#[test]
fn a_link_that_fell_is_no_restart() {
    let mut driver = Driver::linked(rules(), START);
    driver.pass(20_000);
    driver.give(Input::Unlinked);
    driver.pass(40_000);
    driver.link(100_060, &[]);
    assert_eq!(driver.gaps()[0].cause, GapCause::LinkLost);
}

#[test]
fn the_time_in_which_the_daemon_was_off_is_a_gap() {
    let mut driver = Driver::unlinked(rules(), START, Some(START - 3_600_000));
    driver.link(100_000, &[]);
    let gaps: Vec<_> = driver.gaps().iter().map(|g| (g.from_ms, g.to_ms, g.cause, g.calls_lost)).collect();
    assert_eq!(gaps, [(START - 3_600_000, START, GapCause::DaemonDown, 0)]);
}

#[test]
fn the_first_run_of_all_has_no_gap() {
    let driver = Driver::linked(rules(), START);
    assert!(driver.gaps().is_empty());
}

#[test]
fn events_lost_to_overload_are_a_gap_from_the_first_of_them_and_what_ended_in_it_is_closed_by_one_list() {
    let mut driver = Driver::linked(rules(), START);
    ringing(&mut driver, "rang");
    driver.pass(3_000);
    driver.give(Input::Overloaded { ms: 1_000 });
    driver.pass(2_000);
    driver.snapshot(&[], true);
    driver.pass(FORGOTTEN_MS);
    assert_eq!((driver.row().status, driver.row().outcome), (Status::Unknown, Outcome::Gap));
    let gaps: Vec<_> =
        driver.gaps().iter().map(|g| (g.from_ms - START, g.to_ms - START, g.cause, g.calls_lost)).collect();
    assert_eq!(gaps, [(2_000, 5_000, GapCause::Overload, 1)]);
}

#[test]
fn a_link_that_broke_while_events_were_lost_to_overload_was_out_of_sight_since_the_first_of_them() {
    let mut driver = Driver::linked(rules(), START);
    driver.pass(3_000);
    driver.give(Input::Unlinked);
    // The news of the overload waited for room behind that of the loss.
    driver.give(Input::Overloaded { ms: 2_000 });
    driver.pass(1_000);
    driver.snapshot(&[], true);
    assert_eq!(driver.gaps().iter().map(|g| g.from_ms - START).collect::<Vec<_>>(), [1_000]);
}

#[test]
fn a_link_that_was_silent_for_longer_than_was_reported_first_was_without_coverage_for_the_longer_time() {
    let mut driver = Driver::linked(rules(), START);
    driver.pass(3_600_000);
    driver.give(Input::Unproven { ms: 15_000 });
    // The machine had been asleep before.
    driver.give(Input::Unproven { ms: 1_800_000 });
    driver.give(Input::Unlinked);
    driver.pass(1_000);
    driver.snapshot(&[], true);
    assert_eq!(
        driver.gaps().iter().map(|g| (g.from_ms - START, g.cause)).collect::<Vec<_>>(),
        [(1_800_000, GapCause::LinkLost)]
    );
}

#[test]
fn lists_that_did_not_come_whole_end_nothing() {
    let mut driver = Driver::linked(rules(), START);
    ringing(&mut driver, "rang");
    driver.give(Input::Unlinked);
    for _ in 0..3 {
        driver.pass(1_000);
        driver.give(Input::Linked { uptime_s: Some(100_000) });
        driver.snapshot(&[], false);
    }
    driver.pass(FORGOTTEN_MS);
    assert_eq!((driver.rows().len(), driver.tracker.live_calls()), (0, 1));
}

#[test]
fn a_channel_that_one_periodic_list_does_not_name_survives_and_two_in_a_row_end_it() {
    let mut driver = Driver::linked(rules(), START);
    let (customer, _) = ringing(&mut driver, "rang");
    driver.pass(3_000);
    driver.snapshot(&[], true);
    driver.pass(FORGOTTEN_MS);
    assert_eq!((driver.rows().len(), driver.tracker.live_calls()), (0, 1), "its Hangup can be on the way");
    driver.snapshot(&frames(customer.listed("Dial", "", 60).as_bytes()), true);
    driver.snapshot(&[], true);
    assert_eq!(driver.tracker.live_calls(), 1, "the count begins anew");
    driver.snapshot(&[], true);
    driver.pass(FORGOTTEN_MS);
    assert_eq!((driver.row().status, driver.row().outcome), (Status::Unknown, Outcome::Gap));
    assert_eq!((driver.tracker.live_calls(), driver.tracker.counters().calls_unseen), (0, 1));
}

#[test]
fn what_a_stopping_daemon_could_not_see_ended_the_next_run_tells_again() {
    let mut first = Driver::linked(rules(), START);
    let (customer, phone) = talking(&mut first, "call");
    first.pass(10_000);
    first.give(Input::Stopping);
    assert_eq!((first.row().status, first.row().quality), (Status::Answer, Quality::Gap));

    let mut second = Driver::unlinked(rules(), START + 15_000, Some(START + 10_000));
    let lists = customer.listed("Dial", "call", 15) + &phone.listed("AppDial", "call", 15);
    second.link(100_000, &frames(lists.as_bytes()));
    second.pass(5_000);
    second.say(&customer.far_end_hangs_up());
    for line in [&customer, &phone] {
        second.say(&line.leaves("call"));
        second.say(&line.hangs_up());
    }
    second.pass(FORGOTTEN_MS);
    assert_eq!(second.row().linkedid, first.row().linkedid);
    assert_eq!((second.row().status, second.row().quality), (Status::Answer, Quality::Partial));
}
