//! Menus that take the keys by Read(): the dialplan goes on in the same extension, and only variables say what was pressed.

use crate::stream::{Driver, FORGOTTEN_MS, Line, rules};
use callbackd_core::model::{FinishedCall, Outcome, Status};

const START: i64 = 1_800_000_000_000;

fn runs(customer: &mut Line, (context, exten): (&str, &str), (application, data): (&str, &str)) -> String {
    context.clone_into(&mut customer.context);
    exten.clone_into(&mut customer.exten);
    customer.event("Newexten", &[("Extension", exten), ("Application", application), ("AppData", data)])
}

fn variable(customer: &Line, name: &str, value: &str) -> String {
    customer.event("VarSet", &[("Variable", name), ("Value", value)])
}

fn arrives() -> (Driver, Line) {
    let mut driver = Driver::linked(rules(), START);
    let mut customer = Line::customer("c.1");
    driver.say(&customer.begins());
    driver.say(&runs(&mut customer, ("from-trunk", "5550100"), ("Answer", "")));
    (driver, customer)
}

/// Read() runs in this menu, and ends so. Asterisk sets the status to ERROR, the variable after each try, and then the status (`apps/app_read.c`).
fn reads(driver: &mut Driver, customer: &mut Line, context: &str, tries: &[&str], status: &str) {
    let mut said =
        runs(customer, (context, "s"), ("Read", "CHOICE,welcome,1,,2,5")) + &variable(customer, "READSTATUS", "ERROR");
    for digits in tries {
        said += &variable(customer, "CHOICE", digits);
    }
    driver.say(&(said + &variable(customer, "READSTATUS", status)));
    driver.pass(1_000);
}

fn hung_up(mut driver: Driver, customer: &Line) -> FinishedCall {
    driver.say(&(customer.event("SoftHangupRequest", &[("Cause", "16")]) + &customer.hangs_up()));
    driver.pass(FORGOTTEN_MS);
    driver.row()
}

fn steps(row: &FinishedCall) -> Vec<(&str, &str)> {
    row.ivr.iter().map(|step| (&*step.context, &*step.digits)).collect()
}

#[test]
fn what_was_pressed_is_the_step_of_the_menu() {
    let (mut driver, mut customer) = arrives();
    reads(&mut driver, &mut customer, "ivr-main", &["", "2"], "OK");
    let phone = Line::phone("101", "p.1", "c.1");
    driver.say(&runs(&mut customer, ("from-internal", "101"), ("Dial", "PJSIP/101,20")));
    driver.say(&(phone.begins() + &customer.dials(&phone)));
    driver.say(&phone.clone().state(5).event("Newstate", &[]));
    driver.pass(20_000);
    driver.say(&(customer.dial_ends(&phone, "NOANSWER") + &phone.hangs_up()));
    let row = hung_up(driver, &customer);
    assert_eq!((row.status, row.outcome), (Status::NoAnswer, Outcome::RingTimeout));
    assert_eq!(steps(&row), [("ivr-main", "2")]);
}

#[test]
fn who_presses_nothing_until_the_dialplan_hangs_up_ran_out_of_time() {
    let (mut driver, mut customer) = arrives();
    reads(&mut driver, &mut customer, "ivr-main", &["", ""], "TIMEOUT");
    driver.say(&runs(&mut customer, ("ivr-main", "s"), ("Hangup", "")));
    let row = hung_up(driver, &customer);
    assert_eq!((row.status, row.outcome), (Status::NoAnswer, Outcome::IvrTimeout));
    assert_eq!(steps(&row), [("ivr-main", "t")]);
}

#[test]
fn a_time_out_that_leads_to_a_hang_up_elsewhere_is_one_too() {
    let (mut driver, mut customer) = arrives();
    reads(&mut driver, &mut customer, "ivr-main", &[""], "TIMEOUT");
    driver.say(&runs(&mut customer, ("ivr-main", "t"), ("Goto", "blackhole,hangup,1")));
    driver.say(&runs(&mut customer, ("blackhole", "hangup"), ("Hangup", "")));
    let row = hung_up(driver, &customer);
    assert_eq!((row.status, row.outcome), (Status::NoAnswer, Outcome::IvrTimeout));
    assert_eq!(steps(&row), [("ivr-main", "t")]);
}

#[test]
fn keys_that_the_menu_does_nothing_with_are_a_wrong_choice() {
    for sends_to_i in [false, true] {
        let (mut driver, mut customer) = arrives();
        reads(&mut driver, &mut customer, "ivr-main", &["9"], "OK");
        let exten = if sends_to_i { "i" } else { "s" };
        driver.say(&runs(&mut customer, ("ivr-main", exten), ("Hangup", "")));
        let row = hung_up(driver, &customer);
        assert_eq!((row.status, row.outcome), (Status::NoAnswer, Outcome::IvrInvalid), "{sends_to_i}");
        assert_eq!(steps(&row)[0], ("ivr-main", "9"));
    }
}

#[test]
fn a_second_try_is_a_step_of_its_own() {
    let (mut driver, mut customer) = arrives();
    reads(&mut driver, &mut customer, "ivr-main", &["9"], "OK");
    reads(&mut driver, &mut customer, "ivr-main", &[""], "TIMEOUT");
    reads(&mut driver, &mut customer, "ivr-main", &["2"], "OK");
    driver.say(&runs(&mut customer, ("ivr-main", "2"), ("Hangup", "")));
    let row = hung_up(driver, &customer);
    assert_eq!(steps(&row), [("ivr-main", "9"), ("ivr-main", "t"), ("ivr-main", "2")]);
    assert_eq!(row.outcome, Outcome::NotOffered, "the choice led somewhere, and the dialplan hung up there");
}

#[test]
fn who_hangs_up_meanwhile_chose_nothing() {
    let (mut driver, mut customer) = arrives();
    driver.say(&runs(&mut customer, ("ivr-main", "s"), ("Read", "CHOICE,welcome,1,,2,5")));
    driver.pass(1_000);
    driver.say(&(customer.far_end_hangs_up() + &variable(&customer, "READSTATUS", "HANGUP")));
    let row = hung_up(driver, &customer);
    assert_eq!((row.status, row.outcome), (Status::Cancel, Outcome::IvrLost));
    assert_eq!(steps(&row), [("ivr-main", "")]);
}

#[test]
fn what_is_read_outside_menus_is_the_customers_own_and_so_is_what_is_no_key() {
    let (mut driver, mut customer) = arrives();
    reads(&mut driver, &mut customer, "account", &["4711"], "OK");
    reads(&mut driver, &mut customer, "ivr-main", &["no keys", &"1".repeat(33)], "OK");
    let row = hung_up(driver, &customer);
    assert_eq!(steps(&row), [("ivr-main", "")]);
}
