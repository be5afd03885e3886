//! A change in words for people: the text of a notice, and of a task.

use super::Message;
use callbackd_core::model::text::is_harmful;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// One line, of which a caller can have written the number at most.
pub(super) fn headline(message: Message<'_>) -> String {
    let number = Some(plain(message.number())).filter(|number| !number.is_empty());
    let number = number.unwrap_or_else(|| "a withheld number".to_owned());
    match message.kind {
        "call.missed" => format!("Missed call from {number}"),
        "call.recovered" => format!("Served after all: {number}"),
        "callback.closed" => format!("Callback to {number}: {}", message.text("state")),
        "callback.late" => format!("Callback to {number} is late"),
        "queue.alarm" => {
            let payload = &message.data["payload"];
            format!("{} wait in the queue {}, the first too long", payload["waiting"], plain(message.text("key")))
        }
        "link.down" => format!("PBX {} is not seen any more", message.text("pbx")),
        "link.up" => format!("PBX {} is seen", message.text("pbx")),
        _ if message.is_inbound() => format!("Call from {number}"),
        _ => format!("Call to {number}"),
    }
}

/// The headline, and what is known, a fact a line.
pub(super) fn words(message: Message<'_>, zone: Option<&TimeZone>) -> String {
    let mut lines = vec![headline(message)];
    let mut fact = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            lines.push(format!("{name}: {}", plain(&value)));
        }
    };
    let of = |field: &str| message.some(field).map(str::to_owned);
    let at = |text: Option<&str>| text.map(|text| local(text, zone));
    fact("Name", of("name"));
    fact("Dialled", of("did_label").or_else(|| of("did")));
    fact("Queue", of("queue"));
    fact("At", at(message.some("started").or(message.some("first_missed"))));
    fact("Why", of("why").or_else(|| of("note")));
    fact("Asked for", at(message.some("requested_for").filter(|_| message.kind == "callback.late")));
    let history = &message.data["history"];
    if let Some(calls) = history["calls"].as_u64().filter(|calls| *calls > 0) {
        let last = at(history["last"]["at"].as_str()).unwrap_or_default();
        let times = if calls == 1 { "once".to_owned() } else { format!("{calls} times, last") };
        fact("Called before", Some(format!("{times} {last}")));
    }
    fact("Talked last with", of("last_agent"));
    let callback = &message.data["callback"];
    if let Some(state) = callback["state"].as_str() {
        let due = at(callback["due"].as_str()).unwrap_or_default();
        fact("Callback", Some(format!("{state}, due {due}")));
    }
    fact("Say", of("script"));
    lines.join("\n")
}

/// Without what a line, a terminal or a reader's eye would obey: line ends of any kind, signs that turn the direction of writing.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if is_harmful(c) { ' ' } else { c }).collect()
}

/// A time as people there read it; as it is if it is none.
fn local(text: &str, zone: Option<&TimeZone>) -> String {
    let zone = zone.cloned().unwrap_or(TimeZone::UTC);
    let at = text.parse::<Timestamp>();
    at.map_or_else(|_| text.to_owned(), |at| at.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S %Z").to_string())
}
