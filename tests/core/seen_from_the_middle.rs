//! Calls that were in progress when the link came up first.

use crate::stream::listed::Listed;
use crate::stream::{Driver, FORGOTTEN_MS, Line, Recording, frames, recordings, rules, stamp, stock_rules};
use callbackd_core::ami::Frame;
use callbackd_core::model::rules::{Globs, Rules};
use callbackd_core::model::{Direction, FinishedCall, HangupBy, LegResult, Outcome, Quality, Status, VisitResult};
use callbackd_core::tracker::Input;

const START: i64 = 1_800_000_000_000;

/// The rows of a recording of which only what came from `cut` on was seen, after lists of what went on.
fn seen_from(recording: &Recording, cut: usize, backwards: bool, stock: bool) -> Vec<FinishedCall> {
    let mut listed = Listed::default();
    for frame in &recording.live[..cut] {
        listed.take(frame);
    }
    let at = stamp(&recording.live[cut]);
    let mut driver = Driver::unlinked(if stock { stock_rules() } else { rules() }, at, None);
    driver.link(100_000, &listed.frames(at, backwards));
    for frame in &recording.live[cut..] {
        driver.play(frame);
    }
    driver.pass(FORGOTTEN_MS);
    let (channels, _, calls) = driver.tracker.sizes();
    assert_eq!((channels, calls), (0, 0), "{} cut at {cut}", recording.name);
    driver.rows()
}

/// Where to cut: a few places between the first event and the last. Not where a channel is being hung up: its reason came
/// before, and nothing that comes says it again.
fn cuts(recording: &Recording) -> Vec<usize> {
    let (mut ending, mut fit) = (0, Vec::new());
    for (i, frame) in recording.live.iter().enumerate() {
        if ending == 0 && i > 0 {
            fit.push(i);
        }
        // On each channel one request comes first, whoever makes it.
        let of = |f: &&Frame| f.get("Uniqueid") == frame.get("Uniqueid");
        let asks = |f: &Frame| matches!(f.get("Event"), Some(b"HangupRequest" | b"SoftHangupRequest"));
        let again = recording.live[..i].iter().filter(of).any(asks);
        match frame.get("Event") {
            _ if asks(frame) && !again => ending += 1,
            Some(b"Hangup") if again => ending -= 1,
            _ => {}
        }
    }
    let step = fit.len().div_ceil(8).max(1);
    fit.into_iter().step_by(step).collect()
}

/// Nobody has hung up before this place.
fn all_still_there(recording: &Recording, cut: usize) -> bool {
    !recording.live[..cut].iter().any(|f| matches!(f.get("Event"), Some(b"HangupRequest" | b"SoftHangupRequest")))
}

#[test]
fn a_call_seen_from_the_middle_has_its_direction_also_where_nothing_is_configured() {
    let mut wrong = Vec::new();
    for recording in recordings() {
        let whole = Driver::played(&recording).rows();
        for cut in cuts(&recording) {
            for backwards in [false, true] {
                let rows = seen_from(&recording, cut, backwards, true);
                for row in &rows {
                    let Some(expected) = whole.iter().find(|w| w.linkedid == row.linkedid) else {
                        wrong.push(format!(
                            "{} from {cut}: an extra row {} {}",
                            recording.name, row.direction, row.linkedid
                        ));
                        continue;
                    };
                    if row.direction != expected.direction {
                        wrong.push(format!(
                            "{} from {cut} {backwards}: {} {} became {}",
                            recording.name, row.linkedid, expected.direction, row.direction
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_call_seen_from_the_middle_is_partial_and_ends_as_it_did() {
    let mut wrong = Vec::new();
    for recording in recordings() {
        let whole = Driver::played(&recording).rows();
        for cut in cuts(&recording).into_iter().filter(|cut| all_still_there(&recording, *cut)) {
            let began = |row: &FinishedCall| {
                let first = recording.live.iter().position(|f| f.get("Uniqueid") == Some(row.linkedid.as_bytes()));
                first.is_some_and(|first| first < cut)
            };
            for row in seen_from(&recording, cut, false, false) {
                let Some(expected) = whole.iter().find(|w| w.linkedid == row.linkedid) else { continue };
                // With whom the customer talked before the link came up, nothing says once they talk with another or with none.
                let talks = |row: &FinishedCall| row.legs.iter().filter(|l| l.result == LegResult::Answered).count();
                let one_talk = talks(expected) == 1 && expected.transfers == 0;
                let quality = if began(&row) { Quality::Partial } else { Quality::Full };
                let recorded = |row: &FinishedCall, quality| {
                    let outcome = (expected.answered_ms.is_none() || one_talk)
                        .then(|| (row.status == Status::Answer, &row.agent));
                    // What was dialled over a trunk before the link came up, nothing says any more.
                    let number = row.number.clone().filter(|_| row.direction == Direction::Inbound);
                    format!("{quality} {outcome:?} {:?} {number:?} {}", row.ended_ms, row.hangup_by)
                };
                let (found, expected) = (recorded(&row, row.quality), recorded(expected, quality));
                if found != expected {
                    wrong.push(format!("{} from {cut}: {found}, expected {expected}", recording.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

/// A customer who has waited 90 s in the queue, and a phone that rings for them.
fn waiting() -> (Line, Line, Vec<Frame>) {
    let customer = Line::new("PJSIP/carrier-9", "c.1", "c.1", "12025550123", "ext-queues", "600").state(6);
    let phone = Line::phone("101", "c.2", "c.1").state(5);
    let entry =
        [("Queue", "sales"), ("Position", "2"), ("Channel", &*customer.name), ("Uniqueid", "c.1"), ("Wait", "90")];
    let lists = crate::stream::text("QueueParams", &[("Queue", "sales"), ("Calls", "1")])
        + &crate::stream::text("QueueEntry", &entry)
        + &phone.listed("AppQueue", "", 4)
        + &customer.listed("Queue", "", 100);
    (customer, phone, frames(lists.as_bytes()))
}

#[test]
fn a_waiting_caller_of_the_list_is_a_visit_that_began_when_they_joined() {
    let (customer, _, lists) = waiting();
    let mut driver = Driver::unlinked(stock_rules(), START, None);
    driver.link(100_000, &lists);
    driver.pass(10_000);
    driver.say(&customer.event("HangupRequest", &[("Cause", "16")]));
    driver.say(&customer.event(
        "QueueCallerAbandon",
        &[("Queue", "sales"), ("Position", "1"), ("OriginalPosition", "2"), ("HoldTime", "100")],
    ));
    driver.say(&customer.event("QueueCallerLeave", &[("Queue", "sales"), ("Count", "0"), ("Position", "1")]));
    driver.say(&customer.hangs_up());
    driver.say(&Line::phone("101", "c.2", "c.1").hangs_up());
    driver.pass(FORGOTTEN_MS);

    let row = driver.row();
    assert_eq!((row.direction, row.status, row.outcome), (Direction::Inbound, Status::Cancel, Outcome::QueueAbandon));
    assert_eq!((row.quality, row.started_ms, row.ended_ms), (Quality::Partial, START - 100_000, START + 10_000));
    assert_eq!((row.number.as_deref(), row.trunk.as_deref()), (Some("12025550123"), Some("PJSIP/carrier")));
    let visits: Vec<_> = row.visits.iter().map(|v| (&*v.queue, v.position, v.joined_ms, v.left_ms, v.result)).collect();
    assert_eq!(visits, [("sales", Some(2), START - 90_000, START + 10_000, VisitResult::Abandoned)]);
}

#[test]
fn who_withholds_the_number_is_known_by_a_trunk_of_an_earlier_run_and_by_nothing_else() {
    let direction_of = |known: &[&str], name: &str, number: &str| {
        let caller = Line::new(name, "c.1", "c.1", number, "ivr-1", "s").state(6);
        let mut driver = Driver::unlinked(stock_rules(), START, None);
        driver.tracker.knows_trunks(known.iter().map(|trunk| (*trunk).to_owned()));
        driver.link(100_000, &frames(caller.listed("BackGround", "", 20).as_bytes()));
        driver.say(&caller.hangs_up());
        driver.pass(FORGOTTEN_MS);
        driver.row().direction
    };
    let carrier = ["PJSIP/carrier"];
    assert_eq!(direction_of(&carrier, "PJSIP/carrier-9", ""), Direction::Inbound);
    assert_eq!(direction_of(&[], "PJSIP/carrier-9", ""), Direction::Internal, "nothing tells it");
    assert_eq!(direction_of(&carrier, "PJSIP/101-9", ""), Direction::Internal);
    assert_eq!(
        direction_of(&carrier, "PJSIP/carrier-9", "102"),
        Direction::Internal,
        "rules may have changed since: a number tells more"
    );
}

#[test]
fn an_outward_call_is_outbound_though_its_phone_shows_the_companys_number() {
    for backwards in [false, true] {
        let phone = Line::new("PJSIP/1483-1", "o.1", "o.1", "12025550100", "macro-dialout-trunk", "s").state(6);
        let trunk = Line::new("PJSIP/carrier-2", "o.2", "o.1", "12125550186", "from-pstn", "").state(6);
        let mut items = [phone.listed("Dial", "b1", 30), trunk.listed("AppDial", "b1", 29)];
        if backwards {
            items.reverse();
        }
        let mut driver = Driver::unlinked(stock_rules(), START, None);
        driver.link(100_000, &frames(items.concat().as_bytes()));
        driver.pass(5_000);
        driver.say(&trunk.far_end_hangs_up());
        for line in [&trunk, &phone] {
            driver.say(&line.leaves("b1"));
            driver.say(&line.hangs_up());
        }
        driver.pass(FORGOTTEN_MS);
        let row = driver.row();
        assert_eq!((row.direction, row.status, row.quality), (Direction::Outbound, Status::Answer, Quality::Partial));
        assert_eq!((row.number.as_deref(), row.agent.as_deref()), (Some("12125550186"), Some("PJSIP/1483")));
        assert_eq!((row.talk_ms, row.hangup_by), (5_000, HangupBy::Customer));
    }
}

#[test]
fn an_outward_call_whose_trunk_was_gone_before_the_list_is_none_within_the_house() {
    let of = |phone: &str, exten: &str, runs: (&str, &str)| {
        let phone = Line::new(phone, "o.1", "o.1", "5550100", "from-internal", exten).state(6);
        let trunks = Globs::new(["PJSIP/trunk-*"]);
        let mut driver = Driver::unlinked(Rules { trunks, ..rules() }, START, None);
        driver.link(100_000, &frames(phone.listed_in(runs, "", 30).as_bytes()));
        driver.pass(10);
        driver.say(&phone.hangs_up());
        driver.pass(FORGOTTEN_MS);
        let row = driver.row();
        assert_eq!((row.status, row.quality), (Status::Unknown, Quality::Partial), "nobody knows what came of it");
        (row.direction, row.number, row.trunk)
    };
    let customer = || Some("12125550147".to_owned());
    let outward = (Direction::Outbound, customer(), Some("PJSIP/trunk".to_owned()));
    for given in ["PJSIP/12125550147@trunk,8", "PJSIP/101&PJSIP/trunk/12125550147,8,T"] {
        assert_eq!(of("PJSIP/101-1", "s", ("Dial", given)), outward, "{given}");
    }
    let prefixed = of("PJSIP/101-1", "912125550147", ("Dial", "PJSIP/12125550147@trunk,8"));
    assert_eq!(prefixed, outward, "what the trunk was given is the number");
    let dialled = of("PJSIP/101-1", "12125550147", ("Wait", "1"));
    assert_eq!(
        dialled,
        (Direction::Outbound, customer(), None),
        "Dial() is over, and what the phone has dialled is not ours"
    );
    for (exten, runs) in [("102", ("Dial", "PJSIP/102,8")), ("102", ("Wait", "1")), ("s", ("Wait", "1"))] {
        assert_eq!(of("PJSIP/101-1", exten, runs).0, Direction::Internal, "{exten} {runs:?}");
    }
}

#[test]
fn events_that_race_with_the_lists_change_nothing_twice() {
    let (customer, phone, lists) = waiting();
    let end = |driver: &mut Driver| {
        driver.pass(2_000);
        for line in [&phone, &customer] {
            driver.say(&line.hangs_up());
        }
        driver.pass(FORGOTTEN_MS);
    };
    let mut plain = Driver::unlinked(stock_rules(), START, None);
    plain.link(100_000, &lists);
    end(&mut plain);

    // The same, but news of the channels comes before, between and after the items that name them, and an item comes twice.
    let mut racing = Driver::unlinked(stock_rules(), START, None);
    racing.give(Input::Linked { uptime_s: Some(100_000) });
    racing.say(&phone.event("Newstate", &[]));
    racing.give(Input::SnapshotBegan);
    for frame in lists.iter().chain(&lists) {
        racing.frame(frame);
        racing.say(&phone.event("Newstate", &[]));
    }
    racing.give(Input::SnapshotEnded { channels_known: true });
    end(&mut racing);

    let seen = |driver: &Driver| {
        let mut row = driver.row();
        row.legs.clear(); // that the phone rings for them is known from its state, which only the second has seen
        row.why.clear();
        row
    };
    assert_eq!(seen(&plain), seen(&racing));
    assert_eq!(racing.row().visits.len(), 1);
}

#[test]
fn phones_that_outlive_their_caller_make_no_row_under_that_callers_linkedid() {
    let phone = Line::phone("101", "c.2", "c.1").state(6);
    let halves = [";1", ";2"].map(|half| {
        Line::new(&format!("Local/101@from-queue-1{half}"), &format!("c.3{half}"), "c.1", "", "from-queue", "101")
            .state(6)
    });
    let lists =
        halves[0].listed("AppQueue", "", 9) + &halves[1].listed("Dial", "b", 9) + &phone.listed("AppDial", "b", 9);
    let mut driver = Driver::unlinked(stock_rules(), START, None);
    driver.link(100_000, &frames(lists.as_bytes()));
    driver.pass(100);
    for line in [&halves[0], &halves[1], &phone] {
        driver.say(&line.hangs_up());
    }
    driver.pass(FORGOTTEN_MS);
    assert!(driver.rows().is_empty(), "{:#?}", driver.rows());
}

#[test]
fn who_hears_the_busy_signal_when_the_link_comes_up_was_ended_by_the_pbx() {
    let customer = Line::customer("c.1");
    let mut driver = Driver::unlinked(stock_rules(), START, None);
    driver.link(100_000, &frames(customer.listed("Busy", "", 2).as_bytes()));
    driver.pass(1_000);
    driver.say(&(customer.far_end_hangs_up() + &customer.hangs_up()));
    driver.pass(FORGOTTEN_MS);
    assert_eq!((driver.row().status, driver.row().hangup_by), (Status::Busy, HangupBy::Pbx));
}

#[test]
fn of_a_call_that_was_seen_in_part_nobody_says_that_every_phone_was_busy() {
    let (customer, phone, lists) = waiting();
    let other = Line::phone("102", "c.3", "c.1");
    let mut driver = Driver::unlinked(stock_rules(), START, None);
    driver.link(100_000, &lists);
    // The phone that the list named was not there when it began to ring; the next one is busy.
    driver.pass(1_000);
    driver.say(&(customer.dial_ends(&phone, "BUSY") + &phone.hangs_up()));
    driver.say(&(other.begins() + &customer.dials(&other) + &customer.dial_ends(&other, "BUSY") + &other.hangs_up()));
    driver.say(&customer.event("QueueCallerLeave", &[("Queue", "sales"), ("Position", "1"), ("Count", "0")]));
    driver.say(&customer.event("VarSet", &[("Variable", "QUEUESTATUS"), ("Value", "TIMEOUT")]));
    driver.say(&customer.hangs_up());
    driver.pass(FORGOTTEN_MS);
    let row = driver.row();
    assert_eq!((row.status, row.outcome, row.quality), (Status::NoAnswer, Outcome::QueueTimeout, Quality::Partial));
}

#[test]
fn a_call_that_was_seen_in_part_and_of_which_nothing_tells_its_end_is_unknown() {
    let (customer, phone, lists) = waiting();
    let mut driver = Driver::unlinked(stock_rules(), START, None);
    driver.link(100_000, &lists);
    driver.pass(1_000);
    driver.say(&(customer.dial_ends(&phone, "BUSY") + &phone.hangs_up() + &customer.hangs_up()));
    driver.pass(FORGOTTEN_MS);
    assert_eq!((driver.row().status, driver.row().outcome), (Status::Unknown, Outcome::Gap));
}

#[test]
fn a_caller_whose_phone_has_answered_is_not_missed_because_their_talk_was_over_before_the_list() {
    let (customer, phone) = (Line::customer("c.1").state(6), Line::phone("101", "c.2", "c.1").state(6));
    let other = Line::phone("102", "c.3", "c.1");
    let mut driver = Driver::unlinked(stock_rules(), START, None);
    driver.link(100_000, &frames((customer.listed("Dial", "", 9) + &phone.listed("AppDial", "b", 9)).as_bytes()));
    driver.say(&customer.hangs_up());
    driver.say(&(phone.leaves("b") + &other.begins() + &phone.dials(&other) + &phone.dial_ends(&other, "ANSWER")));
    driver.say(&(phone.enters("b2") + &other.clone().state(6).enters("b2")));
    driver.pass(3_000);
    for line in [&other, &phone] {
        driver.say(&(line.leaves("b2") + &line.hangs_up()));
    }
    driver.pass(FORGOTTEN_MS);
    let inbound: Vec<_> = driver.rows().into_iter().filter(|row| row.direction == Direction::Inbound).collect();
    assert_eq!(inbound.len(), 1);
    assert_eq!((inbound[0].status, inbound[0].outcome), (Status::Unknown, Outcome::Gap), "{:?}", inbound[0].why);
}

#[test]
fn a_channel_that_hung_up_while_the_list_was_made_stays_gone() {
    let (customer, phone, lists) = waiting();
    let mut driver = Driver::unlinked(stock_rules(), START, None);
    driver.link(100_000, &lists);
    driver.give(Input::SnapshotBegan);
    driver.say(&phone.hangs_up());
    driver.say(&customer.hangs_up());
    for frame in &lists {
        driver.frame(frame);
    }
    driver.give(Input::SnapshotEnded { channels_known: true });
    driver.pass(FORGOTTEN_MS);
    assert_eq!((driver.rows().len(), driver.tracker.live_calls(), driver.tracker.sizes()), (1, 0, (0, 0, 0)));
}

/// Asterisk makes its lists while events still wait to be written: what a list names may begin behind it.
#[test]
fn a_call_that_a_list_names_before_its_own_first_event_is_seen_from_its_beginning() {
    let customer = Line::customer("c.1");
    let (ahead, phone) = (customer.clone().state(6), Line::phone("101", "c.2", "c.1"));
    let mut ahead_in_the_menu = ahead.clone();
    (ahead_in_the_menu.context, ahead_in_the_menu.exten) = ("ivr-main".to_owned(), "s".to_owned());
    let played = |lists: &[Frame]| {
        let mut driver = Driver::linked(rules(), START);
        driver.pass(1_003);
        if !lists.is_empty() {
            driver.snapshot(lists, true);
        }
        let mut at = |text: String, ms: i64| {
            let stamp = format!("\r\nTimestamp: {}.{:03}000\r\n", (START + ms) / 1_000, (START + ms) % 1_000);
            driver.until(START + ms);
            driver.say(&text.replacen("\r\n", &stamp, 1));
        };
        at(customer.begins(), 1_000);
        at(ahead.event("Newstate", &[]), 1_001);
        at(phone.begins(), 1_002);
        at(ahead.dials(&phone), 1_002);
        at(phone.clone().state(6).event("Newstate", &[]), 3_000);
        at(ahead.dial_ends(&phone, "ANSWER"), 3_000);
        at(phone.enters("b") + &ahead.enters("b"), 3_001);
        at(ahead.far_end_hangs_up(), 9_000);
        at(ahead.leaves("b") + &phone.leaves("b") + &phone.hangs_up() + &ahead.hangs_up(), 9_001);
        driver.pass(FORGOTTEN_MS);
        driver.row()
    };
    let plain = played(&[]);
    assert_eq!((plain.quality, plain.started_ms), (Quality::Full, START + 1_000));
    let items = |lines: &[(&Line, &str)]| {
        frames(lines.iter().map(|(line, application)| line.listed(application, "", 0)).collect::<String>().as_bytes())
    };
    for lists in [
        items(&[(&customer, "")]),
        items(&[(&ahead, "Dial"), (&phone, "AppDial")]),
        items(&[(&phone, "AppDial"), (&ahead, "Dial")]),
        items(&[(&ahead_in_the_menu, "")]),
    ] {
        assert_eq!(played(&lists), plain, "{lists:?}");
    }
}
