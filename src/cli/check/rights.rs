//! Judges the rights of our user and the PBX's settings by what was learnt.

use super::facts::{Facts, grants};
use super::report::{Finding, Hint};
use crate::config::Pbx;
use crate::log::Wire;

/// The classes of events that are needed, each with what is not seen without it.
pub(crate) const READ: [(&str, &str); 5] = [
    ("system", "restarts of Asterisk go unnoticed"),
    ("call", "no call is seen"),
    ("agent", "queues and agents are not seen"),
    ("user", "the dialplan's UserEvents are not seen"),
    ("dialplan", "menus and queue results are not seen"),
];

/// The classes of actions that are needed, each with an action that shows it, and what cannot be done without it.
pub(crate) const WRITE: [(&str, &str, &str); 4] = [
    ("originate", "Originate", "nobody can be called back"),
    ("reporting", "CoreShowChannels", "calls in progress at the start are not seen"),
    ("agent", "QueuePause", "agents cannot be paused"),
    ("call", "Setvar", "calls cannot be marked or ended"),
];

/// Branches that callbackd is tested with.
const BRANCHES: std::ops::RangeInclusive<u32> = 16..=22;

/// Least `writetimeout`, milliseconds: a busy machine pauses for longer than Asterisk's default of 100.
const WRITETIMEOUT: u32 = 1_000;

/// The findings on one PBX, and whether `manager.conf` needs a fix: the user's section, `[general]`. Wait estimates are
/// published if `publish`: then our user needs `system` as well.
pub(crate) fn judge(facts: &Facts, pbx: &Pbx, publish: bool) -> (Vec<Finding>, Vec<Hint>) {
    let mut found = vec![version(facts)];
    found.extend(READ.map(|(class, without)| read(facts, class, without)));
    found.extend(WRITE.map(|(class, action, without)| write(facts, class, action, without)));
    found.extend(excess(facts, publish));
    found.push(stamps(facts));
    found.extend(writetimeout(facts));
    found.push(queues(facts));
    let faulty = |what: &str| found.iter().any(|f| f.mark != super::report::Mark::Ok && f.what.starts_with(what));
    let (user, general) = (faulty("read ") || faulty("write ") || faulty("writetimeout"), faulty("timestampevents"));
    let lacks_system = publish && facts.actions.is_some() && !facts.may("DBPut");
    let hint = (user || general || lacks_system)
        .then(|| manager_conf(&pbx.username, user || lacks_system, general, None, publish));
    (found, hint.into_iter().collect())
}

fn version(facts: &Facts) -> Finding {
    let Some(version) = &facts.version else {
        return Finding::warn("Asterisk", "Asterisk says its version only with write = reporting");
    };
    let shown = Wire(version).to_string();
    let branch = version.split('.').next().and_then(|branch| branch.parse::<u32>().ok());
    if branch.is_some_and(|branch| BRANCHES.contains(&branch)) {
        return Finding::ok("Asterisk", shown);
    }
    Finding::warn("Asterisk", format!("{shown}: callbackd is tested with {} to {}", BRANCHES.start(), BRANCHES.end()))
}

/// A read class shows in no answer: only in an event that came, and in the file.
fn read(facts: &Facts, class: &'static str, without: &str) -> Finding {
    let what = format!("read {class}");
    if let Some(event) = facts.seen.get(class) {
        return Finding::ok(what, format!("{} came", Wire(event)));
    }
    let granted = facts.conf.read.as_ref().map(|list| grants(list, class));
    let expected = class == "system" || facts.raised.contains(class);
    match (granted, expected) {
        (Some(false), _) => Finding::missing(what, format!("not in read= of manager.conf: {without}")),
        (Some(true), true) => Finding::missing(
            what,
            "manager.conf has it, but no such event came: asterisk -rx 'manager reload', or an eventfilter drops it",
        ),
        (Some(true), false) if is_stale(facts) => Finding::warn(
            what,
            "manager.conf has it, but was changed since Asterisk read it: asterisk -rx 'manager reload'",
        ),
        (Some(true), false) => Finding::ok(what, "manager.conf has it"),
        (None, true) if class == "system" => {
            Finding::missing(what, format!("no FullyBooted came after the login: {without}"))
        }
        (None, true) => Finding::missing(what, format!("an event was raised and did not come: {without}")),
        (None, false) => {
            Finding::warn(what, "not seen yet; asterisk -rx 'manager show user NAME' tells (\"read perm\")")
        }
    }
}

/// What `manager.conf` says is not what is in force, as far as both are known: it was changed and not loaded.
fn is_stale(facts: &Facts) -> bool {
    let read = facts.conf.read.as_ref().is_some_and(|list| {
        let seen = |class: &str| facts.seen.contains_key(class);
        let expected = |class: &str| class == "system" || facts.raised.contains(class);
        READ.iter().any(|(class, _)| grants(list, class) != seen(class) && (seen(class) || expected(class)))
    });
    let write = facts.conf.write.as_ref().zip(facts.actions.as_ref()).is_some_and(|(list, actions)| {
        // Actions of one class alone; others suffice with another class.
        [("originate", "Originate"), ("call", "Setvar")]
            .iter()
            .any(|(class, action)| grants(list, class) != actions.contains_key(*action))
    });
    read || write
}

/// A write class shows in the list of actions that may be called.
fn write(facts: &Facts, class: &'static str, action: &str, without: &str) -> Finding {
    let what = format!("write {class}");
    let Some(actions) = &facts.actions else {
        return Finding::warn(what, "unknown: Asterisk did not list the actions");
    };
    if actions.contains_key(action) {
        return Finding::ok(what, format!("may {action}"));
    }
    // An action of this class alone proves it where the module of the usual one is not loaded.
    if let Some((other, _)) = actions.iter().find(|(_, classes)| classes.len() == 1 && classes.contains(class)) {
        return Finding::ok(what, format!("may {other}"));
    }
    let reload = facts.conf.write.as_ref().is_some_and(|list| grants(list, class));
    if class == "agent" && reload && !actions.contains_key("QueueStatus") {
        return Finding::ok(what, "manager.conf has it");
    }
    let hint =
        if reload { "manager.conf has it, but it is not in force: asterisk -rx 'manager reload'" } else { without };
    Finding::missing(what, format!("may not {action}: {hint}"))
}

/// Rights with which a stolen secret would own the PBX.
fn excess(facts: &Facts, publish: bool) -> Option<Finding> {
    let actions = facts.actions.as_ref()?;
    let holds = |class: &&str| actions.values().any(|classes| classes.len() == 1 && classes.contains(*class));
    let more: Vec<&str> = ["system", "command", "config"]
        .into_iter()
        .filter(|class| !(publish && *class == "system"))
        .filter(holds)
        .collect();
    (!more.is_empty()).then(|| {
        let detail = format!("{}: not needed, and with it a stolen secret owns the PBX", more.join(", "));
        Finding::warn("write, too much", detail)
    })
}

fn stamps(facts: &Facts) -> Finding {
    let what = "timestampevents";
    let without = "times are those of arrival, not of the PBX's clock";
    let yes = |value: &String| ["yes", "true", "y", "t", "1", "on"].iter().any(|yes| value.eq_ignore_ascii_case(yes));
    match (facts.stamped, &facts.conf.timestampevents, &facts.conf.read) {
        (Some(true), ..) => Finding::ok(what, "events say when they happened"),
        (Some(false), Some(value), _) if yes(value) => {
            Finding::warn(what, "manager.conf has it, but it is not in force: asterisk -rx 'manager reload'")
        }
        (Some(false), ..) => Finding::warn(what, format!("off: {without}")),
        (None, Some(value), _) if yes(value) => Finding::ok(what, "manager.conf has it"),
        (None, Some(_), _) | (None, None, Some(_)) => Finding::warn(what, format!("off: {without}")),
        (None, None, None) => Finding::warn(what, "not seen yet: no event came that could carry it"),
    }
}

/// Only where the file could be read.
fn writetimeout(facts: &Facts) -> Option<Finding> {
    facts.conf.read.as_ref()?;
    let what = "writetimeout";
    match facts.conf.writetimeout.as_deref().map(|value| (value, value.parse::<u32>())) {
        Some((_, Ok(ms))) if ms >= WRITETIMEOUT => Some(Finding::ok(what, format!("{ms} ms"))),
        Some((value, _)) => {
            Some(Finding::warn(what, format!("{}: a pause of this machine ends the connection", Wire(value))))
        }
        None => Some(Finding::warn(what, "100 ms, the default: a pause of this machine ends the connection")),
    }
}

fn queues(facts: &Facts) -> Finding {
    if let Some((_, message)) = facts.refused.iter().find(|(action, _)| *action == "QueueStatus") {
        return Finding::warn("queues", format!("Asterisk said \"{}\": is app_queue loaded?", Wire(message)));
    }
    let empty: Vec<&str> =
        facts.queues.iter().filter(|(_, members)| **members == 0).map(|(queue, _)| &**queue).collect();
    let plural = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let members: u32 = facts.queues.values().sum();
    let queues = facts.queues.len();
    let mut detail =
        format!("{} with {}", plural(queues, "queue", "queues"), plural(members as usize, "member", "members"));
    if !facts.queues.is_empty() {
        let names: Vec<String> = facts.queues.keys().map(|queue| Wire(queue).to_string()).collect();
        detail = format!("{detail}: {}", shortened(&names));
    }
    if !empty.is_empty() {
        let names: Vec<String> = empty.iter().map(|queue| Wire(queue).to_string()).collect();
        detail = format!("{detail}; nobody is in {}", shortened(&names));
    }
    Finding::ok("queues", detail)
}

/// Names that are shown of a long list.
const SHOWN: usize = 8;

/// The first few of a list.
pub(super) fn shortened(names: &[String]) -> String {
    let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
    format!("{}{more}", names[..names.len().min(SHOWN)].join(", "))
}

/// Lines for `manager.conf`; `secret` if the whole section may be missing.
pub(crate) fn manager_conf(username: &str, user: bool, general: bool, secret: Option<&str>, system: bool) -> Hint {
    let mut lines = "\
; plain Asterisk  /etc/asterisk/manager.conf
; Debian, Ubuntu  /etc/asterisk/manager.d/callbackd.conf
; FreePBX         /etc/asterisk/manager_custom.conf
"
    .to_owned();
    if general {
        lines.push_str("[general](+)      ; in manager.conf itself: [general], which is there\n");
        lines.push_str("timestampevents = yes\n\n");
    }
    if user {
        lines.push_str(&format!("[{}]\n", Wire(username)));
        if let Some(secret) = secret {
            lines.push_str(secret);
        }
        let (read, write) = (READ.map(|(class, _)| class).join(","), WRITE.map(|(class, ..)| class).join(","));
        let system = if system { ",system" } else { "" };
        lines.push_str(&format!("read = {read}\nwrite = {write}{system}\nwritetimeout = 5000\n\n"));
    }
    lines.push_str("; then: asterisk -rx 'manager reload'\n");
    Hint { file: "Asterisk's manager.conf".to_owned(), lines }
}
