//! Every limit of the tracker holds, and what is beyond it is counted.

use crate::stream::{Driver, FORGOTTEN_MS, Line, rules};
use callbackd_core::ami::event::{Channel, Event, Member, MemberChange};
use callbackd_core::model::{MAX_IVR_STEPS, MAX_LEGS, MAX_TAGS, MAX_VISITS, Outcome, Quality, Record, Status};
use callbackd_core::tracker::tape::MAX_TAPE_BYTES;
use callbackd_core::tracker::{Input, MAX_AGENTS, MAX_CHANNELS, MAX_TRUNKS_MET, SETTLE_MS};

const START: i64 = 1_800_000_000_000;

fn customer(n: usize) -> Channel<'static> {
    Channel {
        name: format!("PJSIP/trunk-{n:08x}").into(),
        uniqueid: format!("c.{n}").into(),
        linkedid: format!("c.{n}").into(),
        state: 4,
        caller_num: "12025550123".into(),
        context: "from-trunk".into(),
        exten: "5550100".into(),
        ..Channel::default()
    }
}

/// One live call, to be filled with details.
fn one_call() -> (Driver, Line) {
    let mut driver = Driver::linked(rules(), START);
    let line = Line::customer("c.1");
    driver.say(&line.begins());
    (driver, line)
}

#[test]
fn the_contexts_that_a_call_went_through_are_listed_each_once() {
    let mut driver = Driver::linked(rules(), 1_800_000_000_000);
    let mut customer = Line::customer("c.1");
    driver.say(&customer.begins());
    for context in ["from-trunk", "ivr-main", "sub-check", "ivr-main", "closed"] {
        context.clone_into(&mut customer.context);
        "s".clone_into(&mut customer.exten);
        driver.say(&customer.event("Newexten", &[("Extension", "s"), ("Application", "NoOp"), ("AppData", "")]));
    }
    driver.say(&customer.hangs_up());
    driver.pass(crate::stream::FORGOTTEN_MS);
    let why = driver.row().why;
    let last = "contexts that it went through: from-trunk, ivr-main, sub-check, closed";
    assert_eq!(why.last().map(String::as_str), Some(last), "{why:?}");
}

#[test]
fn calls_that_never_hang_up_fill_the_memory_to_its_limit_and_are_ended_by_lists_that_do_not_name_them() {
    let mut driver = Driver::linked(rules(), START);
    for n in 0..100_000 {
        driver.take(Event::Newchannel(customer(n)));
        if n % 1_000 == 0 {
            driver.pass(1);
        }
    }
    assert_eq!(driver.tracker.sizes(), (MAX_CHANNELS, 0, MAX_CHANNELS));
    assert_eq!(driver.tracker.counters().channels_refused, (100_000 - MAX_CHANNELS) as u64);
    // Time alone ends nothing.
    driver.pass(24 * 3_600_000);
    assert_eq!(driver.tracker.live_calls(), MAX_CHANNELS);

    driver.snapshot(&[], true);
    driver.snapshot(&[], true);
    driver.pass(FORGOTTEN_MS);
    assert_eq!((driver.tracker.sizes(), driver.tracker.counters().calls_unseen), ((0, 0, 0), MAX_CHANNELS as u64));
    let unknown = |r: &&Record| matches!(r, Record::Call(c) if (c.status, c.outcome, c.quality) == (Status::Unknown, Outcome::Gap, Quality::Gap));
    assert_eq!(driver.records.iter().filter(unknown).count(), MAX_CHANNELS);
    // There is room again.
    driver.take(Event::Newchannel(customer(1)));
    assert_eq!(driver.tracker.live_calls(), 1);
}

#[test]
fn calls_that_have_their_row_give_way_to_new_ones() {
    let mut driver = Driver::linked(rules(), START);
    let calls = 2 * MAX_CHANNELS;
    for n in 0..calls {
        driver.take(Event::Newchannel(customer(n)));
        driver.take(Event::Hangup { channel: customer(n), cause: 16, language: "en".into() });
        if n % 1_000 == 0 {
            driver.pass(i64::try_from(SETTLE_MS).unwrap());
        }
    }
    driver.pass(FORGOTTEN_MS);
    let counters = driver.tracker.counters();
    assert_eq!(
        (driver.records.iter().filter(|r| matches!(r, Record::Call(_))).count(), counters.channels_refused),
        (calls, 0)
    );
    assert!(counters.calls_forgotten_early >= (calls - MAX_CHANNELS) as u64, "{counters:?}");
    assert_eq!(driver.tracker.sizes(), (0, 0, 0));
}

#[test]
fn events_of_a_refused_channel_are_refused_like_itself() {
    let mut driver = Driver::linked(rules(), START);
    for n in 0..=MAX_CHANNELS {
        driver.take(Event::Newchannel(customer(n)));
    }
    driver.take(Event::Newstate(customer(MAX_CHANNELS)));
    driver.take(Event::Hangup { channel: customer(MAX_CHANNELS), cause: 16, language: "en".into() });
    assert_eq!((driver.tracker.sizes().0, driver.tracker.counters().channels_refused), (MAX_CHANNELS, 2));
}

#[test]
fn legs_beyond_the_limit_are_counted_and_said() {
    let (mut driver, line) = one_call();
    for n in 0..MAX_LEGS + 3 {
        let phone = Line::phone("101", &format!("p.{n}"), "c.1");
        driver.say(&(phone.begins() + &line.dials(&phone) + &line.dial_ends(&phone, "BUSY") + &phone.hangs_up()));
    }
    driver.say(&line.hangs_up());
    driver.pass(FORGOTTEN_MS);
    let row = driver.row();
    assert_eq!((row.legs.len(), driver.tracker.counters().details_dropped), (MAX_LEGS, 3));
    assert!(row.why.iter().any(|why| why == "3 details beyond the limits are not kept"), "{:?}", row.why);
}

#[test]
fn visits_beyond_the_limit_are_counted_whether_the_queue_let_the_caller_in_or_not() {
    let (mut driver, line) = one_call();
    for _ in 0..MAX_VISITS + 2 {
        driver.say(&line.event("QueueCallerJoin", &[("Queue", "sales"), ("Position", "1"), ("Count", "1")]));
        driver.say(&line.event("QueueCallerLeave", &[("Queue", "sales"), ("Position", "1"), ("Count", "0")]));
    }
    for _ in 0..4 {
        driver.say(&line.event("VarSet", &[("Variable", "QUEUESTATUS"), ("Value", "FULL")]));
    }
    driver.give(Input::SnapshotBegan);
    let entry = [("Queue", "other"), ("Position", "1"), ("Channel", &*line.name), ("Uniqueid", "c.1"), ("Wait", "5")];
    driver.event("QueueEntry", &entry);
    driver.say(&line.hangs_up());
    driver.pass(FORGOTTEN_MS);
    assert_eq!((driver.row().visits.len(), driver.tracker.counters().details_dropped), (MAX_VISITS, 2 + 4 + 1));
}

#[test]
fn menu_steps_beyond_the_limit_are_counted() {
    let (mut driver, line) = one_call();
    let step = |context: &str, exten: &str| {
        let mut line = line.clone();
        (line.context, line.exten) = (context.to_owned(), exten.to_owned());
        line.event("Newexten", &[("Extension", exten), ("Application", "Background"), ("AppData", "menu")])
    };
    for n in 0..MAX_IVR_STEPS + 5 {
        driver.say(&step(&format!("ivr-{n}"), "s"));
    }
    driver.say(&line.hangs_up());
    driver.pass(FORGOTTEN_MS);
    assert_eq!((driver.row().ivr.len(), driver.tracker.counters().details_dropped), (MAX_IVR_STEPS, 5));
}

#[test]
fn tags_and_ratings_beyond_the_limit_are_refused_and_counted() {
    let (mut driver, line) = one_call();
    for n in 0..MAX_TAGS + 2 {
        let tag = format!("UserEvent: CallTag\r\nCode: C{n}\r\n\r\n");
        let rating = format!("UserEvent: CallRating\r\nScore: 5\r\nBy: survey {n}\r\n\r\n");
        for news in [tag, rating] {
            driver.say(&format!("Event: UserEvent\r\n{}{news}", line.headers("")));
        }
    }
    driver.say(&line.hangs_up());
    driver.pass(FORGOTTEN_MS);
    let row = driver.row();
    let by_rule = row.tags.iter().filter(|t| t.by == "rule").count();
    assert_eq!((row.tags.len() - by_rule, row.ratings.len()), (MAX_TAGS, MAX_TAGS));
    assert_eq!(driver.tracker.counters().user_events_refused, 4);
}

#[test]
fn a_call_of_which_more_is_said_than_is_kept_has_its_row_and_no_tape_and_is_counted() {
    let counted = |steps: usize| {
        let mut driver = Driver::unlinked(rules(), START, None);
        driver.tracker.keeps_tapes();
        driver.link(1_000, &[]);
        let line = Line::customer("c.1");
        driver.say(&line.begins());
        for n in 0..steps {
            let mut line = line.clone();
            line.context = format!("context-of-the-step-{n}");
            driver.say(&line.event("Newexten", &[("Extension", "s"), ("Application", "NoOp"), ("AppData", "")]));
        }
        driver.say(&line.hangs_up());
        driver.pass(FORGOTTEN_MS);
        let tapes = driver.records.iter().filter(|record| matches!(record, Record::Tape(_))).count();
        (driver.recorded().len(), tapes, driver.tracker.counters().tapes_given_up)
    };
    assert_eq!(counted(100), (1, 1, 0));
    assert_eq!(counted(MAX_TAPE_BYTES / 20), (1, 0, 1));
}

#[test]
fn a_merge_keeps_to_the_limits_of_one_call() {
    let mut driver = Driver::linked(rules(), START);
    let lines = [Line::customer("c.1"), Line::phone("100", "e.1", "e.1").state(4)];
    for (n, line) in lines.iter().enumerate() {
        driver.say(&line.begins());
        for i in 0..MAX_LEGS {
            let phone = Line::phone("101", &format!("p.{n}.{i}"), &line.id);
            driver.say(&(phone.begins() + &line.dials(&phone) + &line.dial_ends(&phone, "BUSY") + &phone.hangs_up()));
        }
        for i in 0..MAX_VISITS {
            let queue = format!("q{i}");
            driver.say(&line.event("QueueCallerJoin", &[("Queue", &queue), ("Position", "1"), ("Count", "1")]));
        }
    }
    driver.say(&(lines[0].enters("b") + &lines[1].enters("b")));
    driver.say(&(lines[1].hangs_up() + &lines[0].hangs_up()));
    driver.pass(FORGOTTEN_MS);
    let row = driver.row();
    let answered = row.legs.iter().filter(|l| l.interface == "PJSIP/100").count();
    assert_eq!((row.legs.len() - answered, row.visits.len()), (MAX_LEGS, MAX_VISITS));
    assert_eq!(driver.tracker.counters().details_dropped, (MAX_LEGS + MAX_VISITS) as u64);
}

#[test]
fn agents_beyond_the_limit_are_ignored_and_counted() {
    let mut driver = Driver::linked(rules(), START);
    for n in 0..MAX_AGENTS + 7 {
        let interface = format!("PJSIP/agent{n}");
        let member = Member { queue: "sales".into(), interface: interface.into(), status: 1, ..Member::default() };
        driver.take(Event::QueueMember { change: MemberChange::Added, member });
    }
    assert_eq!(driver.tracker.counters().agents_refused, 7);
    assert_eq!(driver.intervals().len(), MAX_AGENTS);
}

#[test]
fn trunks_beyond_the_limit_are_not_remembered_and_counted() {
    let mut driver = Driver::linked(rules(), START);
    let channel = |trunk: usize, id: &str, state: u8, context: &'static str| Channel {
        name: format!("PJSIP/carrier{trunk}-{id}").into(),
        uniqueid: id.to_owned().into(),
        linkedid: id.to_owned().into(),
        state,
        context: context.into(),
        ..Channel::default()
    };
    for n in 0..MAX_TRUNKS_MET + 2 {
        for again in 0..2 {
            driver.take(Event::Newchannel(channel(n, &format!("{n}.{again}"), 4, "from-trunk")));
        }
    }
    assert_eq!(driver.tracker.counters().trunks_refused, 4, "each time that one of two comes");
}
