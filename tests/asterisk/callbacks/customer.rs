//! What the customer's end says, and what it means for the next attempt.

use super::office::{Office, PATIENCE, customer, same, soon};
use super::{EVERYWHERE, Scenario};
use crate::script::{BUSY, REJECTS, RINGS, TALKS};

pub const ALL: &[Scenario] = &[
    ("C12 busy: tried again soon, and counted", busy, EVERYWHERE),
    ("C12 no answer: tried again later, and counted", no_answer, EVERYWHERE),
    ("C12 refused by the customer", refused, EVERYWHERE),
    ("C12 an unknown number is not tried again", unallocated, EVERYWHERE),
    ("C12 congestion is not the customer's fault", congestion, EVERYWHERE),
    ("C11 a short answer may have been a voicemail", voicemail, EVERYWHERE),
    ("C31 the customer first, if that is wanted", customer_first, EVERYWHERE),
    ("as often as is allowed, and no more", exhausted, EVERYWHERE),
    ("C20 C22 withheld, premium and foreign numbers cost nothing", not_callable, EVERYWHERE),
];

const STAYS: &str = "ring-wait:1-answer-wait:60-hangup";

/// The only agent of the cell takes a callback, and the customer does this.
fn ends(
    office: &Office<'_>,
    cell: &str,
    n: usize,
    script: &str,
    agent_and_result: &str,
    stands: &str,
    counted: &str,
) -> Result<(), String> {
    let ann = customer(n);
    office.all_pause(cell)?;
    office.agent_does(cell, 1, STAYS)?;
    office.customer_does(&ann, script)?;
    let id = office.misses(&ann, cell)?;
    office.pause(cell, 1, false)?;
    office.attempt(id, 1, agent_and_result)?;
    office.comes_to(id, stands)?;
    office.until("counted attempts", &format!("SELECT counted FROM callbacks WHERE id = {id}"), counted)
}

fn busy(office: &Office<'_>) -> Result<(), String> {
    ends(office, "52", 20, BUSY, "CUSTOMER_BUSY PJSIP/1521", "WAITING RETRY_DELAY", "1")
}

fn no_answer(office: &Office<'_>) -> Result<(), String> {
    ends(office, "53", 21, RINGS, "CUSTOMER_NOANSWER PJSIP/1531", "WAITING RETRY_DELAY", "1")
}

fn refused(office: &Office<'_>) -> Result<(), String> {
    ends(office, "54", 22, REJECTS, "CUSTOMER_REJECTED PJSIP/1541", "WAITING RETRY_DELAY", "1")
}

fn unallocated(office: &Office<'_>) -> Result<(), String> {
    ends(office, "55", 23, "unallocated", "INVALID_NUMBER PJSIP/1551", "NOT_CALLABLE invalid", "1")
}

fn congestion(office: &Office<'_>) -> Result<(), String> {
    ends(office, "56", 24, "congestion", "CONGESTION PJSIP/1561", "WAITING RETRY_DELAY", "0")
}

fn voicemail(office: &Office<'_>) -> Result<(), String> {
    ends(office, "58", 25, "ring-wait:1-answer-wait:1-hangup", "MAYBE_VOICEMAIL PJSIP/1581", "WAITING RETRY_DELAY", "1")
}

fn customer_first(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("57", customer(26));
    office.all_pause(cell)?;
    office.agent_does(cell, 1, TALKS)?;
    office.customer_does(&ann, STAYS)?;
    let id = office.misses(&ann, cell)?;
    office.pause(cell, 1, false)?;
    // The agent whom the queue rings sees who waits, and why.
    let shown = office.lab.farm.wait(0, soon(), "what the agent sees", |f| {
        f.is("Newchannel") && f.get("Exten") == "1571" && f.get("CallerIDName").starts_with("CB")
    })?;
    let shows = format!("{} {}", shown.get("CallerIDName"), shown.get("CallerIDNum"));
    same("what the agent sees", &shows, &format!("CB q57 {}", ann.number))?;
    office.attempt(id, 1, "CONNECTED -")?;
    office.comes_to(id, "DONE")
}

fn not_callable(office: &Office<'_>) -> Result<(), String> {
    office.all_pause("59")?;
    for (number, wanted) in [
        ("anonymous", "withheld"),
        ("19005550100", "premium_rate"),
        ("37120000000", "international"),
        ("1234", "internal"),
    ] {
        let since = office.lab.pbx.position();
        office.lab.place(number, "5550359", "wait:2-hangup", PATIENCE)?;
        let arrival =
            office.lab.pbx.wait(since, soon(), number, |f| f.is("Newchannel") && f.get("Exten") == "5550359")?;
        let linkedid = arrival.get("Linkedid");
        office.lab.departure(since, linkedid, soon())?;
        let sql = format!(
            "SELECT state || ' ' || reason FROM callbacks JOIN calls ON calls.callback_id = callbacks.id WHERE calls.linkedid = '{linkedid}'"
        );
        office.until(number, &sql, &format!("NOT_CALLABLE {wanted}"))?;
    }
    Ok(())
}

fn exhausted(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("64", customer(27));
    office.pause(cell, 1, true)?;
    office.agent_does(cell, 1, STAYS)?;
    office.customer_does(&ann, BUSY)?;
    let id = office.misses(&ann, cell)?;
    office.pause(cell, 1, false)?;
    office.attempt(id, 1, "CUSTOMER_BUSY PJSIP/1641")?;
    office.comes_to(id, "EXHAUSTED")
}
