//! Where the call was when it ended: what runs after the hang-up decides nothing, and what the PBX cuts is no time-out.

use crate::stream::{Driver, FORGOTTEN_MS, Line, rules};
use callbackd_core::model::{Direction, FinishedCall, HangupBy, LegResult, Outcome, Status, VisitResult};

const START: i64 = 1_800_000_000_000;

/// Asterisk's flag in a `SoftHangupRequest` for the RTP time-out, and for the end of the dialplan.
const RTP_TIMEOUT: &str = "1";
const DIALPLAN_ENDS: &str = "16";

/// The customer's channel runs an application at this place of the dialplan.
fn runs(driver: &mut Driver, customer: &mut Line, (context, exten): (&str, &str), (application, data): (&str, &str)) {
    context.clone_into(&mut customer.context);
    exten.clone_into(&mut customer.exten);
    let more = [("Extension", exten), ("Application", application), ("AppData", data)];
    driver.say(&customer.event("Newexten", &more));
    driver.pass(10);
}

fn arrives(driver: &mut Driver) -> Line {
    let mut customer = Line::customer("c.1");
    driver.say(&customer.begins());
    runs(driver, &mut customer, ("from-trunk", "5550100"), ("Answer", ""));
    customer
}

fn soft_hangup(customer: &Line, flag: &str) -> String {
    customer.event("SoftHangupRequest", &[("Cause", flag)])
}

fn variable(customer: &Line, name: &str, value: &str) -> String {
    customer.event("VarSet", &[("Variable", name), ("Value", value)])
}

/// What FreePBX's and many other dialplans run when a call is over.
fn hang_up_contexts(driver: &mut Driver, customer: &mut Line) {
    runs(driver, customer, ("from-trunk", "h"), ("Gosub", "ivr-bye,s,1"));
    runs(driver, customer, ("ivr-bye", "s"), ("NoOp", ""));
    runs(driver, customer, ("closed", "s"), ("NoOp", ""));
}

fn ends(mut driver: Driver, customer: &Line) -> FinishedCall {
    driver.say(&customer.hangs_up());
    driver.pass(FORGOTTEN_MS);
    driver.row()
}

/// A customer in a queue whose one phone rings.
fn waits(driver: &mut Driver) -> (Line, Line) {
    let mut customer = arrives(driver);
    runs(driver, &mut customer, ("from-trunk", "5550100"), ("Queue", "sales,,,,60"));
    driver.say(&customer.event("QueueCallerJoin", &[("Queue", "sales"), ("Position", "1"), ("Count", "1")]));
    let phone = Line::phone("101", "p.1", "c.1");
    driver.say(&(phone.begins() + &customer.dials(&phone)));
    driver.pass(3_000);
    (customer, phone)
}

fn taken_out_of_the_queue(driver: &mut Driver, customer: &Line, phone: &Line) {
    driver.say(&customer.dial_ends(phone, "CANCEL"));
    driver.say(&customer.event("QueueCallerAbandon", &[("Queue", "sales"), ("Position", "1"), ("HoldTime", "3")]));
    driver.pass(1);
    driver.say(&customer.event("QueueCallerLeave", &[("Queue", "sales"), ("Position", "1"), ("Count", "0")]));
    driver.pass(1);
}

fn assert_cut_in_queue(row: &FinishedCall) {
    assert_eq!((row.status, row.outcome, row.hangup_by), (Status::NoAnswer, Outcome::CutOff, HangupBy::Pbx));
    assert_eq!(row.visits[0].result, VisitResult::Cut);
    assert_eq!(row.legs[0].result, LegResult::Cancelled);
}

/// A caller leaves the queue after this, of which their channel has an event, and comes to the end of the dialplan.
fn is_cut_off_after(event: impl FnOnce(&Line) -> String) -> FinishedCall {
    let mut driver = Driver::linked(rules(), START);
    let (mut customer, phone) = waits(&mut driver);
    driver.say(&event(&customer));
    taken_out_of_the_queue(&mut driver, &customer, &phone);
    driver.say(&soft_hangup(&customer, DIALPLAN_ENDS));
    hang_up_contexts(&mut driver, &mut customer);
    driver.say(&phone.hangs_up());
    ends(driver, &customer)
}

#[test]
fn a_caller_whose_audio_stopped_in_the_queue_was_cut_off_by_the_pbx() {
    assert_cut_in_queue(&is_cut_off_after(|customer| soft_hangup(customer, RTP_TIMEOUT)));
}

#[test]
fn a_caller_whom_an_ami_hangup_takes_out_of_the_queue_was_cut_off_by_the_pbx() {
    assert_cut_in_queue(&is_cut_off_after(|_| String::new()));
}

#[test]
fn a_caller_who_is_redirected_out_of_the_queue_was_not_cut_off() {
    let mut driver = Driver::linked(rules(), START);
    let (mut customer, phone) = waits(&mut driver);
    taken_out_of_the_queue(&mut driver, &customer, &phone);
    runs(&mut driver, &mut customer, ("from-internal", "700"), ("Playback", "goodbye"));
    driver.say(&(phone.hangs_up() + &soft_hangup(&customer, DIALPLAN_ENDS)));
    let row = ends(driver, &customer);
    assert_ne!(row.outcome, Outcome::CutOff);
    assert_eq!(row.visits[0].result, VisitResult::Transferred);
}

#[test]
fn a_caller_whom_the_pbx_cuts_while_a_phone_rings_was_cut_off_and_one_whose_dial_ran_out_was_not() {
    for (status, outcome, leg) in
        [("CANCEL", Outcome::CutOff, LegResult::Cancelled), ("NOANSWER", Outcome::RingTimeout, LegResult::NoAnswer)]
    {
        let mut driver = Driver::linked(rules(), START);
        let mut customer = arrives(&mut driver);
        runs(&mut driver, &mut customer, ("from-trunk", "5550100"), ("Dial", "PJSIP/101,30"));
        let phone = Line::phone("101", "p.1", "c.1");
        driver.say(&(phone.begins() + &customer.dials(&phone)));
        driver.pass(3_000);
        driver.say(&(customer.dial_ends(&phone, status) + &variable(&customer, "DIALSTATUS", status)));
        driver.pass(1);
        driver.say(&soft_hangup(&customer, DIALPLAN_ENDS));
        hang_up_contexts(&mut driver, &mut customer);
        driver.say(&phone.hangs_up());
        let row = ends(driver, &customer);
        assert_eq!((row.status, row.outcome, row.hangup_by), (Status::NoAnswer, outcome, HangupBy::Pbx), "{status}");
        assert_eq!(row.legs[0].result, leg, "{status}");
    }
}

#[test]
fn busy_and_hangup_17_keep_their_meaning_with_an_h_extension_beside_them() {
    for (application, data) in [("Busy", "2"), ("Hangup", "17"), ("Congestion", "2")] {
        let mut driver = Driver::linked(rules(), START);
        let mut customer = arrives(&mut driver);
        runs(&mut driver, &mut customer, ("from-trunk", "5550100"), (application, data));
        driver.say(&soft_hangup(&customer, DIALPLAN_ENDS));
        hang_up_contexts(&mut driver, &mut customer);
        let row = ends(driver, &customer);
        let expected = match application {
            "Congestion" => (Status::NotConnected, Outcome::Congestion),
            _ => (Status::Busy, Outcome::AllBusy),
        };
        assert_eq!((row.status, row.outcome), expected, "{application}({data})");
        assert!(row.ivr.is_empty(), "a context that ran after the hang-up is no menu: {:?}", row.ivr);
    }
}

#[test]
fn a_menu_whose_time_out_leads_to_a_hang_up_elsewhere_is_a_menu_time_out() {
    for (label, outcome) in [("t", Outcome::IvrTimeout), ("i", Outcome::IvrInvalid)] {
        let mut driver = Driver::linked(rules(), START);
        let mut customer = arrives(&mut driver);
        runs(&mut driver, &mut customer, ("ivr-1", "s"), ("WaitExten", "4"));
        runs(&mut driver, &mut customer, ("ivr-1", label), ("Playback", "sorry"));
        runs(&mut driver, &mut customer, ("app-blackhole", "hangup"), ("Hangup", ""));
        driver.say(&soft_hangup(&customer, DIALPLAN_ENDS));
        let row = ends(driver, &customer);
        assert_eq!((row.status, row.outcome), (Status::NoAnswer, outcome), "{label}");
    }
}

#[test]
fn an_extension_dialled_in_a_menu_is_one_step_whatever_subroutines_run_and_labels_are_no_choice() {
    let mut driver = Driver::linked(rules(), START);
    let mut customer = arrives(&mut driver);
    runs(&mut driver, &mut customer, ("ivr-1", "s"), ("Background", "menu"));
    runs(&mut driver, &mut customer, ("ivr-1", "103"), ("Gosub", "sub-prepare,s,1"));
    runs(&mut driver, &mut customer, ("sub-prepare", "s"), ("Return", ""));
    runs(&mut driver, &mut customer, ("ivr-1", "103"), ("Set", "x=1"));
    runs(&mut driver, &mut customer, ("ivr-1", "hang"), ("Hangup", ""));
    driver.say(&soft_hangup(&customer, DIALPLAN_ENDS));
    let row = ends(driver, &customer);
    let steps: Vec<&str> = row.ivr.iter().map(|step| &*step.digits).collect();
    assert_eq!(steps, ["103"]);
}

#[test]
fn whom_freepbx_finds_in_its_blacklist_is_blocked_and_whom_it_lets_go_on_is_not() {
    for (last, blocked) in [("GotoIf", true), ("Return", false)] {
        let mut driver = Driver::linked(rules(), START);
        let mut customer = arrives(&mut driver);
        runs(&mut driver, &mut customer, ("app-blacklist-check", "s"), ("GotoIf", "1?blacklisted"));
        runs(&mut driver, &mut customer, ("app-blacklist-check", "s"), (last, ""));
        runs(&mut driver, &mut customer, ("app-blackhole", "zapateller"), ("Zapateller", ""));
        driver.say(&soft_hangup(&customer, DIALPLAN_ENDS));
        let row = ends(driver, &customer);
        assert_eq!(row.outcome == Outcome::Blocked, blocked, "{last}");
    }
}

#[test]
fn a_phone_that_rang_out_behind_a_local_stays_unanswered_when_a_later_round_is_answered() {
    let mut driver = Driver::linked(rules(), START);
    let mut customer = arrives(&mut driver);
    runs(&mut driver, &mut customer, ("from-trunk", "5550100"), ("Queue", "sales"));
    driver.say(&customer.event("QueueCallerJoin", &[("Queue", "sales"), ("Position", "1"), ("Count", "1")]));
    let half = |round: u32, n: u32| {
        Line::new(&format!("Local/101@agents-0{round};{n}"), &format!("l{round}.{n}"), "c.1", "101", "agents", "101")
    };
    for (round, inner, outer) in [(1, "CANCEL", "NOANSWER"), (2, "ANSWER", "ANSWER")] {
        let (near, far) = (half(round, 1), half(round, 2));
        let phone = Line::phone("101", &format!("p.{round}"), "c.1");
        driver.say(&(near.begins() + &far.begins() + &customer.dials(&near)));
        driver.say(&(phone.begins() + &far.dials(&phone) + &phone.clone().state(5).event("Newstate", &[])));
        driver.pass(6_000);
        if outer == "ANSWER" {
            driver.say(&(far.dial_ends(&phone, inner) + &customer.dial_ends(&near, outer)));
            driver.say(&(customer.enters("b1") + &phone.enters("b1")));
            driver.pass(5_000);
            driver.say(&(phone.far_end_hangs_up() + &customer.leaves("b1") + &phone.leaves("b1")));
        } else {
            driver.say(&customer.dial_ends(&near, outer));
            driver.pass(1);
            driver.say(&far.dial_ends(&phone, inner));
        }
        driver.say(&(phone.hangs_up() + &near.hangs_up() + &far.hangs_up()));
        driver.pass(1_500);
    }
    let row = ends(driver, &customer);
    assert_eq!(row.outcome, Outcome::Agent);
    let results: Vec<LegResult> = row.legs.iter().map(|leg| leg.result).collect();
    assert_eq!(results, [LegResult::NoAnswer, LegResult::Answered]);
}

#[test]
fn a_phone_that_ends_without_ringing_is_unavailable_or_failed_and_not_a_time_out_of_no_seconds() {
    for (cause, leg, status, outcome) in [
        ("19", LegResult::Unavailable, Status::NotConnected, Outcome::Unavailable), // a SIP 480
        ("58", LegResult::Unavailable, Status::NotConnected, Outcome::Failed),      // 488
        ("38", LegResult::Unavailable, Status::NotConnected, Outcome::Failed),      // 500
        ("16", LegResult::Unavailable, Status::NotConnected, Outcome::Unavailable),
    ] {
        let mut driver = Driver::linked(rules(), START);
        let mut customer = arrives(&mut driver);
        runs(&mut driver, &mut customer, ("from-trunk", "5550100"), ("Dial", "PJSIP/101,30"));
        let phone = Line::phone("101", "p.1", "c.1");
        driver.say(&(phone.begins() + &customer.dials(&phone)));
        driver.pass(50);
        driver.say(&(customer.dial_ends(&phone, "NOANSWER") + &variable(&customer, "DIALSTATUS", "NOANSWER")));
        driver.say(&phone.event("Hangup", &[("Cause", cause)]));
        driver.say(&soft_hangup(&customer, DIALPLAN_ENDS));
        let row = ends(driver, &customer);
        assert_eq!((row.legs[0].result, row.status, row.outcome), (leg, status, outcome), "{cause}");
    }
}

#[test]
fn a_phone_that_was_given_up_or_whose_network_gave_sound_was_not_unreachable() {
    for (progress, cause, wait) in [(false, "0", 20_000), (true, "19", 500)] {
        let mut driver = Driver::linked(rules(), START);
        let mut customer = arrives(&mut driver);
        runs(&mut driver, &mut customer, ("from-trunk", "5550100"), ("Dial", "PJSIP/101,20"));
        let phone = Line::phone("101", "p.1", "c.1");
        driver.say(&(phone.begins() + &customer.dials(&phone)));
        if progress {
            driver.say(&customer.with(&phone, "DialState", &[("DialStatus", "PROGRESS")]));
        }
        driver.pass(wait);
        driver.say(&(customer.dial_ends(&phone, "NOANSWER") + &variable(&customer, "DIALSTATUS", "NOANSWER")));
        driver.say(&phone.event("Hangup", &[("Cause", cause)]));
        driver.say(&soft_hangup(&customer, DIALPLAN_ENDS));
        let row = ends(driver, &customer);
        assert_eq!((row.legs[0].result, row.outcome), (LegResult::NoAnswer, Outcome::RingTimeout), "{progress}");
    }
}

/// A customer and the phone that took the call.
fn talk(driver: &mut Driver) -> (Line, Line) {
    let mut customer = arrives(driver);
    runs(driver, &mut customer, ("from-trunk", "5550100"), ("Dial", "PJSIP/101,30,tT"));
    let phone = Line::phone("101", "p.1", "c.1");
    driver.say(&(phone.begins() + &customer.dials(&phone)));
    driver.pass(1_000);
    driver.say(&(phone.clone().state(6).event("Newstate", &[]) + &customer.dial_ends(&phone, "ANSWER")));
    driver.say(&(customer.enters("b1") + &phone.enters("b1")));
    driver.pass(5_000);
    (customer, phone)
}

#[test]
fn a_caller_who_is_transferred_into_the_parking_lot_comes_back_and_is_dropped_is_a_lost_transfer() {
    let mut driver = Driver::linked(rules(), START);
    let (mut customer, phone) = talk(&mut driver);
    let transfer = format!(
        "Event: BlindTransfer\r\nResult: Success\r\n{}{}BridgeUniqueid: b1\r\nIsExternal: Yes\r\n\r\n",
        phone.clone().state(6).headers("Transferer"),
        customer.clone().state(6).headers("Transferee")
    );
    driver.say(&(phone.event("Hold", &[]) + &phone.event("Unhold", &[]) + &transfer));
    driver.pass(9);
    driver.say(&customer.leaves("b1"));
    driver.pass(3);
    let lot = |name: &str| format!("Event: {name}\r\n{}ParkingLot: default\r\n\r\n", customer.headers("Parkee"));
    driver.say(&(lot("ParkedCall") + &customer.enters("lot")));
    driver.pass(1_000);
    driver.say(&(phone.leaves("b1") + &phone.hangs_up()));
    driver.pass(9_000);
    driver.say(&(lot("ParkedCallTimeOut") + &customer.leaves("lot")));
    runs(&mut driver, &mut customer, ("park-return-routing", "70"), ("Dial", "PJSIP/101,15"));
    let again = Line::phone("101", "p.2", "c.1");
    driver.say(&(again.begins() + &customer.dials(&again) + &again.clone().state(5).event("Newstate", &[])));
    driver.pass(15_000);
    driver.say(&(customer.dial_ends(&again, "NOANSWER") + &variable(&customer, "DIALSTATUS", "NOANSWER")));
    driver.say(&(soft_hangup(&customer, DIALPLAN_ENDS) + &again.hangs_up()));
    let row = ends(driver, &customer);
    assert_eq!((row.status, row.outcome), (Status::Answer, Outcome::TransferLost));
}

#[test]
fn a_caller_who_asks_for_a_callback_after_the_talk_stays_served_and_has_asked() {
    let mut driver = Driver::linked(rules(), START);
    let (customer, phone) = talk(&mut driver);
    driver.say(&(phone.far_end_hangs_up() + &customer.leaves("b1") + &phone.leaves("b1") + &phone.hangs_up()));
    driver.say(&customer.event("UserEvent", &[("UserEvent", "CallbackRequest"), ("Queue", "sales")]));
    driver.pass(500);
    driver.say(&soft_hangup(&customer, DIALPLAN_ENDS));
    let row = ends(driver, &customer);
    assert_eq!((row.status, row.outcome), (Status::Answer, Outcome::Agent));
    assert!(row.tags.iter().any(|tag| tag.code == "CALLBACK" && tag.note == "sales"), "{:?}", row.tags);
}

#[test]
fn a_phone_that_rang_when_the_caller_was_moved_elsewhere_did_not_ring_out() {
    let mut driver = Driver::linked(rules(), START);
    let (mut customer, phone) = waits(&mut driver);
    taken_out_of_the_queue(&mut driver, &customer, &phone);
    driver.say(&phone.hangs_up());
    runs(&mut driver, &mut customer, ("from-internal", "102"), ("Dial", "PJSIP/102"));
    let other = Line::phone("102", "p.2", "c.1");
    driver.say(&(other.begins() + &customer.dials(&other)));
    driver.pass(2_000);
    driver.say(&(other.clone().state(6).event("Newstate", &[]) + &customer.dial_ends(&other, "ANSWER")));
    driver.say(&(customer.enters("b1") + &other.enters("b1")));
    driver.pass(5_000);
    driver.say(&(other.far_end_hangs_up() + &customer.leaves("b1") + &other.leaves("b1") + &other.hangs_up()));
    let results: Vec<LegResult> = ends(driver, &customer).legs.iter().map(|leg| leg.result).collect();
    assert_eq!(results, [LegResult::Elsewhere, LegResult::Answered]);
}

#[test]
fn who_leaves_a_message_waits_until_it_begins() {
    let mut driver = Driver::linked(rules(), START);
    let mut customer = arrives(&mut driver);
    driver.pass(4_000);
    runs(&mut driver, &mut customer, ("voicemail", "s"), ("VoiceMail", "101@default,u"));
    driver.pass(20_000);
    driver.say(&(variable(&customer, "VMSTATUS", "SUCCESS") + &soft_hangup(&customer, DIALPLAN_ENDS)));
    let row = ends(driver, &customer);
    assert_eq!((row.outcome, row.wait_ms), (Outcome::VoicemailLeft, 4_010));
}

#[test]
fn a_supervisor_who_listens_to_calls_makes_no_row() {
    for (context, name) in [("from-internal", "PJSIP/200-9"), ("from-trunk", "PJSIP/trunk-9")] {
        let mut driver = Driver::linked(rules(), START);
        let mut supervisor = Line::new(name, "s.1", "s.1", "12025550177", context, "555").state(4);
        driver.say(&supervisor.begins());
        runs(&mut driver, &mut supervisor, (context, "555"), ("ChanSpy", "PJSIP/101,q"));
        driver.pass(60_000);
        driver.say(&(supervisor.far_end_hangs_up() + &supervisor.hangs_up()));
        driver.pass(FORGOTTEN_MS);
        assert_eq!(driver.rows(), [], "{name}");
    }
}

#[test]
fn a_call_that_comes_in_again_over_a_trunk_of_ours_is_one_miss() {
    for (caller, dialled, missed) in [
        ("12025550123", "5550199", 1),
        ("+12025550123", "5550199", 1),
        ("12025550124", "5550199", 2), // somebody else
        ("12025550123", "5550198", 2),
        ("2025550123", "5550199", 1),
        // Another customer, whose number ends as the one shown does, calls a number that ends as the one dialled does.
        ("2025550123", "0015550199", 2),
    ] {
        let mut driver = Driver::linked(rules(), START);
        let mut customer = arrives(&mut driver);
        runs(&mut driver, &mut customer, ("from-trunk", "5550100"), ("Dial", "PJSIP/5550199@trunk,20"));
        let out = Line::new("PJSIP/trunk-o.1", "o.1", "c.1", "5550199", "from-trunk", "");
        let dials = customer.with(&out, "DialBegin", &[("DialString", "5550199@trunk")]);
        driver.say(&(out.begins() + &dials));
        driver.pass(30);
        let mut again = Line::new("PJSIP/trunk-i.1", "i.1", "i.1", caller, "from-trunk", dialled).state(4);
        driver.say(&again.begins());
        runs(&mut driver, &mut again, ("from-trunk", dialled), ("Wait", "60"));
        driver.pass(9_000);
        driver.say(&(customer.far_end_hangs_up() + &customer.dial_ends(&out, "CANCEL") + &out.hangs_up()));
        driver.say(&(again.far_end_hangs_up() + &again.hangs_up() + &customer.hangs_up()));
        driver.pass(FORGOTTEN_MS);
        let inbound = driver.rows().iter().filter(|row| row.direction == Direction::Inbound).count();
        assert_eq!(inbound, missed, "{caller} {dialled}");
    }
}
