//! What is promised, and until when.

use super::Scenario;
use super::office::{Office, customer};

pub const ALL: &[Scenario] = &[
    ("C24 nobody is called outside of hours", out_of_hours),
    ("C25 what is too old expires, and is seen to", expires),
    ("C28 the greeting takes a wish, and knows the promise", greeting),
];

fn out_of_hours(office: &Office<'_>) -> Result<(), String> {
    office.all_pause("15")?;
    let id = office.misses(&customer(40), "15")?;
    office.pause("15", 1, false)?;
    office.comes_to(id, "WAITING OUT_OF_HOURS")?;
    office.stays_silent(id, 1)
}

fn expires(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("14", customer(41));
    office.all_pause(cell)?;
    let id = office.misses(&ann, cell)?;
    office.comes_to(id, "PENDING")?;
    std::thread::sleep(std::time::Duration::from_secs(30)); // half of its life; the rest is awaited
    office.comes_to(id, "EXPIRED")
}

fn greeting(office: &Office<'_>) -> Result<(), String> {
    let (cell, ann) = ("18", customer(42));
    office.all_pause(cell)?;
    office.calls(&ann, "5550418", "wait:4-dtmf:1-wait:20-hangup")?;
    let id = office.callback(&ann)?;
    office.until("promised", &format!("SELECT promised FROM callbacks WHERE id = {id}"), "1")?;
    let key = format!("number/{}", ann.number);
    let told = crate::patience::until(super::office::soon(), || {
        let since = office.lab.pbx.position();
        office.lab.pbx.action(&[("Action", "DBGet"), ("Family", "callbackd"), ("Key", &key)]).ok()?;
        let found = office.lab.pbx.wait(since, super::office::soon(), "DBGetResponse", |f| f.is("DBGetResponse"));
        found.ok().map(|f| f.get("Val").to_owned())
    });
    let told = told.ok_or("nothing was published for the number")?;
    if !told.starts_with("open|") || !told.ends_with("|PENDING") {
        return Err(format!("published is {told:?}"));
    }
    // He calls again and needs none any more.
    office.calls(&ann, "5550418", "wait:5-dtmf:2-wait:20-hangup")?;
    office.comes_to(id, "CANCELLED declined")
}
