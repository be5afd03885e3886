//! Asterisk says no: the AMI user lacks a right. Nobody is called, nothing is counted, and the log says what is missing.

use super::office::{self, Office, customer, soon};
use crate::files;
use crate::lab::Lab;

#[test]
fn an_originate_that_asterisk_refuses_costs_the_customer_nothing_and_is_said() {
    let Some(lab) = Lab::start() else { return };
    let files = files("callbacks-refused");
    let run = || -> Result<(), String> {
        let daemon = office::daemon_as("callbackd-watching", &files, &lab, |text| text)?;
        let office = Office { since: lab.pbx.position(), lab: &lab, dir: files.clone() };
        office.all_pause("00")?;
        let id = office.misses(&customer(0), "00")?;
        office.pause("00", 1, false)?;
        office.attempt(id, 1, "ORIGINATE_ERROR PJSIP/1001")?;
        office.comes_to(id, "WAITING RETRY_DELAY")?;
        office.until("counted attempts", &format!("SELECT counted FROM callbacks WHERE id = {id}"), "0")?;
        let lacks = |right: &str| {
            let named = format!("lack write = {right}");
            daemon.wait_for_line(soon(), right, |l| l.contains("Asterisk refused an action") && l.contains(&named))
        };
        lacks("originate")?;
        lacks("system")?; // for what is published
        let checked = office.run(&["check", "--connect"]).err().unwrap_or_default();
        if !checked.contains("originate") {
            return Err(format!("check --connect says nothing of originate:\n{checked}"));
        }
        daemon.stop().map(drop)
    };
    run().unwrap_or_else(|e| panic!("{e}"));
}
