//! The tables `[[agents]]`: what the queues do not say of their members.

use super::inherit::Source;
use super::list::List;
use super::section::Section;
use callbackd_core::callbacks::attempt::dial_string::is_interface;
use std::collections::BTreeSet;
use std::time::Duration;

/// After-call work longer than this is a pause.
const MAX_WRAPUP: Duration = Duration::from_secs(3600);

/// One of `[[agents]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// The agent's name for people.
    pub name: Option<String>,
    /// The agent's phone, as `callbackd agents` shows it: `PJSIP/101`.
    pub interface: String,
    /// Queues whose callbacks the agent takes, as a member or not.
    pub queues: Vec<String>,
    /// The agent's wrap-up where the queue does not say how long; default: `calls.wrapup`.
    pub wrapup: Option<Duration>,
}

/// Reads all tables `[[agents]]`.
pub(super) fn read(source: &Source<'_, '_>) -> Vec<Agent> {
    let (shown, problems) = (source.shown(&["agents"]), source.problems);
    let Some(value) = source.root.get("agents") else { return Vec::new() };
    let list = List {
        key: "agents",
        one: "an agent",
        help: &format!("write [[{shown}]] once for each agent, with its interface below it"),
        help_one: &format!("write [[{shown}]] and below it: interface = \"PJSIP/101\""),
    };
    let mut taken = BTreeSet::new();
    let mut out = Vec::new();
    for (table, place) in list.tables(value, problems) {
        let section = Section::named("agents", &shown, Some(table), problems);
        let Some(interface) = section.text("interface", "\"PJSIP/101\"") else {
            if section.span("interface").is_none() {
                let help = "add the agent's phone: interface = \"PJSIP/101\"";
                problems.add(place, "an agent needs an `interface`", "without one", help);
            }
            continue;
        };
        if !is_interface(&interface.value) {
            problems.add(
                interface.span.clone(),
                "`interface` is not a phone that can be dialled",
                "technology, `/` and a name are needed",
                "write it as the queues do, of letters, digits and `/_.@+-`: \"PJSIP/101\"",
            );
        }
        let name = section.text("name", "\"Ann\"");
        for (key, text) in [("interface", Some(&interface)), ("name", name.as_ref())] {
            if let Some(text) = text
                && !taken.insert((key, text.value.clone()))
            {
                let title = format!("two agents have the {key} \"{}\"", text.value);
                let help = format!("give each of the [[{shown}]] its own");
                problems.add(text.span.clone(), title, "taken", help);
            }
        }
        out.push(Agent {
            name: name.map(|t| t.value),
            interface: interface.value,
            queues: section.texts("queues", "[\"sales\"]").unwrap_or_default().into_iter().map(|t| t.value).collect(),
            wrapup: section.span("wrapup").map(|_| section.duration("wrapup", Duration::ZERO, MAX_WRAPUP)),
        });
    }
    out
}
