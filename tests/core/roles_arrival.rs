//! Who called in: by who dialled whom, not by the state in which a channel begins; and what they had dialled.

use crate::stream::member::Membership;
use crate::stream::{Driver, FORGOTTEN_MS, Line, rules};
use callbackd_core::model::{Direction, Outcome, Status};
use callbackd_core::tracker::{Input, Output};

const START: i64 = 1_800_000_000_000;

/// A customer's channel of this technology and in this first state.
fn arriving(name: &str, state: u8) -> Line {
    Line { name: name.to_owned(), ..Line::customer("c.1").state(state) }
}

fn app(line: &Line, application: &str, data: &str) -> String {
    line.event("Newexten", &[("Extension", &line.exten), ("Application", application), ("AppData", data)])
}

#[test]
fn a_caller_is_inbound_and_missed_in_whatever_state_the_channel_begins() {
    for (name, first, then) in [
        ("SIP/uplink-1", 0, 4),           // chan_sip: Down, then Ring
        ("DAHDI/1-1", 9, 4),              // analog with caller id: Pre-ring
        ("DAHDI/i1/12025550123-1", 1, 4), // ISDN with overlap dialling: Reserved
        ("PJSIP/trunk-1", 4, 4),          // chan_pjsip, IAX2
    ] {
        let mut driver = Driver::linked(rules(), START);
        let customer = arriving(name, first);
        let (rings, phone) = (customer.clone().state(then), Line::phone("101", "c.2", "c.1"));
        driver.say(&(customer.begins() + &rings.event("Newstate", &[]) + &app(&rings, "Dial", "PJSIP/101")));
        driver.say(&(phone.begins() + &rings.dials(&phone)));
        driver.pass(6_000);
        driver.say(&(rings.far_end_hangs_up() + &rings.dial_ends(&phone, "CANCEL")));
        driver.say(&(phone.hangs_up() + &rings.hangs_up()));
        driver.pass(FORGOTTEN_MS);
        let row = driver.row();
        assert_eq!(
            (row.direction, row.status, row.outcome),
            (Direction::Inbound, Status::Cancel, Outcome::RingAbandon),
            "{name}"
        );
        assert_eq!((row.number.as_deref(), row.did.as_deref()), (Some("12025550123"), Some("5550100")), "{name}");
    }
}

#[test]
fn an_isdn_trunk_is_named_by_its_span_and_not_by_who_calls() {
    let mut driver = Driver::linked(rules(), START);
    let customer = arriving("DAHDI/i1/12025550123-1", 4);
    driver.say(&(customer.begins() + &customer.hangs_up()));
    driver.pass(FORGOTTEN_MS);
    assert_eq!(driver.row().trunk.as_deref(), Some("DAHDI/i1"));
}

#[test]
fn what_was_dialled_is_outbound_whatever_it_runs_afterwards() {
    // An Originate to a customer: Asterisk shows that it dials, and only once they have answered does the dialplan run.
    for shown_by in ["Newexten", "DialBegin"] {
        let mut driver = Driver::linked(rules(), START);
        let customer = arriving("SIP/uplink-1", 0);
        driver.say(&customer.begins());
        match shown_by {
            "Newexten" => driver.say(&app(&customer, "AppDial2", "(Outgoing Line)")),
            _ => driver.say(&format!(
                "Event: DialBegin\r\n{}DialString: 12025550123@uplink\r\n\r\n",
                customer.headers("Dest")
            )),
        }
        driver.pass(2_000);
        let up = customer.clone().state(6);
        driver.say(&(up.event("Newstate", &[]) + &app(&up, "Playback", "reminder")));
        driver.pass(2_000);
        driver.say(&(up.far_end_hangs_up() + &up.hangs_up()));
        driver.pass(FORGOTTEN_MS);
        assert_eq!(driver.row().direction, Direction::Outbound, "{shown_by}");
    }
}

#[test]
fn what_dial_runs_on_a_phone_or_ari_on_its_channel_beforehand_is_no_arrival() {
    // `b()` of Dial, and Stasis on a channel that ARI has made: both run on a trunk's channel that is Down and that nobody rings yet.
    for application in ["Set", "Stasis"] {
        let mut driver = Driver::linked(rules(), START);
        let (customer, mobile) =
            (Line::customer("c.1"), Line::new("PJSIP/trunk-2", "c.2", "x.2", "", "from-trunk", "s"));
        driver.say(&(customer.begins() + &mobile.begins() + &app(&mobile, application, "desk")));
        driver.say(&customer.dials(&mobile));
        driver.pass(6_000);
        driver.say(&(customer.far_end_hangs_up() + &customer.dial_ends(&mobile, "CANCEL")));
        driver.say(&(mobile.hangs_up() + &customer.hangs_up()));
        driver.pass(FORGOTTEN_MS);
        let row = driver.row();
        assert_eq!((row.linkedid.as_str(), row.outcome), ("c.1", Outcome::RingAbandon), "{application}");
    }
}

#[test]
fn a_line_that_arrives_at_s_was_dialled_by_no_number_that_follows_a_choice() {
    let at = |context: &str, exten: &str| Line {
        context: context.to_owned(),
        exten: exten.to_owned(),
        ..Line::customer("c.1")
    };
    let dialled = |steps: &[(&str, &str, &str)]| {
        let mut driver = Driver::linked(rules(), START);
        driver.say(&at("from-trunk", "s").begins());
        for (context, exten, application) in steps {
            driver.say(&app(&at(context, exten), application, ""));
        }
        driver.say(&at("from-trunk", "s").hangs_up());
        driver.pass(FORGOTTEN_MS);
        driver.row().did
    };
    // A key in a menu, or the queue behind it.
    assert_eq!(dialled(&[("ivr-1", "s", "WaitExten"), ("ivr-1", "1", "Goto"), ("ext-queues", "400", "Queue")]), None);
    assert_eq!(dialled(&[("from-trunk", "s", "WaitExten"), ("from-trunk", "1", "Goto")]), None);
    assert_eq!(dialled(&[("from-trunk", "s", "WaitExten"), ("from-trunk", "5550101", "Goto")]), None);
    assert_eq!(dialled(&[("from-trunk", "s", "Goto"), ("ext-queues", "5550101", "Queue")]), None);
    // What the dialplan reads from a header is looked up where calls arrive.
    assert_eq!(dialled(&[("from-trunk", "s", "Goto"), ("from-trunk", "5550101", "Dial")]).as_deref(), Some("5550101"));
}

#[test]
fn a_call_from_outside_in_a_context_that_no_rule_names_is_reported_once_for_each_context() {
    let mut driver = Driver::linked(rules(), 1_800_000_000_000);
    driver.say(&Membership::of("sales", "PJSIP/ann").event("QueueMemberAdded"));
    for (id, peer, number, context) in [
        ("c.1", "provider", "12025550123", "from-provider"),
        ("c.2", "provider", "12025550124", "from-provider"),
        ("c.3", "201", "12025550123", "phones"), // shows the number that customers are to see
        ("c.4", "ann", "12025550123", "phones"), // an agent
        ("c.5", "desk", "101", "phones"),
        ("c.6", "trunk", "12025550123", "from-trunk"),
        ("c.7", "other", "12025550123", "from-other"),
    ] {
        driver.say(&Line::new(&format!("PJSIP/{peer}-{id}"), id, id, number, context, "5550100").state(4).begins());
    }
    let reported = |driver: &Driver| {
        let news = driver.news.iter();
        news.filter_map(|n| {
            if let Output::Unnamed { context, linkedid } = n { Some(format!("{context} {linkedid}")) } else { None }
        })
        .collect::<Vec<_>>()
    };
    assert_eq!(reported(&driver), ["from-provider c.1", "from-other c.7"]);
    // Other rules, and it is said again where it still holds.
    driver.give(Input::Rules(&rules()));
    driver.say(
        &Line::new("PJSIP/provider-c.8", "c.8", "c.8", "12025550123", "from-provider", "5550100").state(4).begins(),
    );
    assert_eq!(reported(&driver).last().map(String::as_str), Some("from-provider c.8"));
}
