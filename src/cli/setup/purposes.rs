//! What contexts are for, by what they do with a caller who comes from outside: not by their names, which are in every language.

use crate::cli::check::dialplan::{Context, Dialplan, Step};
use std::collections::BTreeSet;

/// Applications that let a person be reached.
const PERSON: [&str; 9] =
    ["dial", "queue", "page", "followme", "pickup", "retrydial", "directory", "agentrequest", "disa"];
/// Applications in which a caller chooses.
const MENU: [&str; 3] = ["background", "waitexten", "read"];
/// Applications by which a caller hears something and no more.
const TELLS: [&str; 9] = [
    "playback",
    "background",
    "voicemail",
    "busy",
    "congestion",
    "hangup",
    "playtones",
    "saynumber",
    "controlplayback",
];
/// Those among them that take a message.
const MESSAGE: [&str; 2] = ["voicemail", "record"];

/// Contexts by purpose, as far as the dialplan shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Purposes {
    /// Menus.
    pub(crate) ivr: BTreeSet<String>,
    /// What is played when the office is closed.
    pub(crate) closed: BTreeSet<String>,
    /// Where a message can be left.
    pub(crate) voicemail: BTreeSet<String>,
    /// What a person should know: it cannot be named by a context.
    pub(crate) notes: Vec<String>,
}

/// Follows callers from the contexts in which they arrive.
#[must_use]
pub(crate) fn read(dialplan: &Dialplan, inbound: &BTreeSet<String>) -> Purposes {
    let mut out = Purposes::default();
    let passed = closure(dialplan, inbound.iter().map(String::as_str));
    for &name in &passed {
        let Some(context) = dialplan.context(name) else { continue };
        closed(dialplan, name, context, &mut out);
    }
    for &name in passed.iter().filter(|name| !name.starts_with("callbackd-")) {
        let Some(context) = dialplan.context(name) else { continue };
        let takes_messages = runs(context, &MESSAGE) && !runs(context, &PERSON);
        if out.closed.contains(name) || !(is_menu(context) || takes_messages) || is_subroutine(dialplan, &passed, name)
        {
            continue;
        }
        if is_menu(context) {
            if inbound.contains(name) {
                out.notes.push(format!("{name} is where calls arrive and a menu as well: give the menu a context of its own, and name it in ivr_contexts"));
            } else {
                out.ivr.insert(name.to_owned());
            }
        } else if !inbound.contains(name) {
            out.voicemail.insert(name.to_owned());
        }
    }
    out
}

/// Adds the contexts to which a condition on the time sends callers, and from which nobody is reached.
fn closed(dialplan: &Dialplan, name: &str, context: &Context, out: &mut Purposes) {
    for (extension, steps) in &context.extensions {
        let mut timed = false;
        let mut said = false;
        for step in steps {
            let decides = is_about_time(step);
            timed |= decides;
            if !timed {
                continue;
            }
            for target in targets(step).into_iter().filter_map(|target| target.context).filter(|target| target != name)
            {
                let Some(there) = dialplan.context(&target) else { continue };
                let reached = closure(dialplan, [target.as_str()]);
                let nobody = reached.iter().filter_map(|name| dialplan.context(name)).all(|c| !runs(c, &PERSON));
                if nobody && (runs(there, &TELLS) || reached.len() > 1) && !target.starts_with("callbackd-") {
                    out.closed.insert(target);
                }
            }
            said |= !decides && ["playback", "background", "voicemail"].contains(&step.application.as_str());
            // Whoever comes here has met a person, or was sent away: what follows is about something else.
            if PERSON.contains(&step.application.as_str()) || ["hangup", "return"].contains(&step.application.as_str())
            {
                if said && step.application == "hangup" {
                    out.notes.push(format!(
                        "{name} says itself that you are closed (extension {extension}): no context tells it, [hours] must be right"
                    ));
                }
                (timed, said) = (false, false);
            }
        }
    }
}

/// A context is a menu if callers can press something there that leads somewhere.
fn is_menu(context: &Context) -> bool {
    let waits =
        context.extensions.values().flatten().any(|step| ["waitexten", "read"].contains(&step.application.as_str()));
    let asks = context.extensions.values().flatten().any(|step| MENU.contains(&step.application.as_str()));
    let key = |extension: &&String| {
        let bare = extension.trim_start_matches('_');
        bare.len() <= 4 && bare.starts_with(|c: char| c.is_ascii_digit() || "*#XZN[".contains(c))
    };
    let keys = context.extensions.keys().filter(key).count();
    asks && (keys > 0 || (waits && !context.includes.is_empty())) || (waits && runs(context, &["read"]))
}

/// Contexts that are only called and come back (`Gosub`, `Macro`) are steps of the others.
fn is_subroutine(dialplan: &Dialplan, passed: &BTreeSet<&str>, name: &str) -> bool {
    let called = |call: bool| {
        passed.iter().filter_map(|from| dialplan.context(from)).any(|context| {
            let goes =
                |step: &Step| targets(step).iter().any(|t| t.comes_back == call && t.context.as_deref() == Some(name));
            context.extensions.values().flatten().any(goes) || (!call && context.includes.contains(name))
        })
    };
    called(true) && !called(false)
}

fn runs(context: &Context, applications: &[&str]) -> bool {
    context.extensions.values().flatten().any(|step| applications.contains(&step.application.as_str()))
}

/// The contexts that a caller can come to from these.
fn closure<'d, 's>(dialplan: &'d Dialplan, from: impl IntoIterator<Item = &'s str>) -> BTreeSet<&'d str> {
    let mut seen = BTreeSet::new();
    let mut ahead: Vec<&str> = from.into_iter().filter_map(|name| Some(dialplan.named(name)?.0)).collect();
    while let Some(name) = ahead.pop() {
        let Some((name, context)) = dialplan.named(name) else { continue };
        if !seen.insert(name) {
            continue;
        }
        ahead.extend(context.includes.iter().map(String::as_str));
        for target in context.extensions.values().flatten().flat_map(targets) {
            let there = target.context.and_then(|target| dialplan.named(&target));
            ahead.extend(there.map(|(name, _)| name));
        }
    }
    seen
}

/// The step decides by the clock.
fn is_about_time(step: &Step) -> bool {
    ["gotoiftime", "execiftime"].contains(&step.application.as_str()) || step.data.contains("IFTIME(")
}

/// Where a step may lead.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    /// `None`: within the same context.
    context: Option<String>,
    comes_back: bool,
}

fn targets(step: &Step) -> Vec<Target> {
    of_application(&step.application, &step.data)
}

fn of_application(application: &str, data: &str) -> Vec<Target> {
    let place = |text: &str, comes_back| {
        let parts: Vec<&str> = split(text, ',').into_iter().map(str::trim).collect();
        let context = (parts.len() >= 3 && !parts[0].contains("${")).then(|| parts[0].to_owned());
        Target { context, comes_back }
    };
    match application {
        "goto" => vec![place(data, false)],
        "gosub" => vec![place(data, true)],
        "macro" => vec![Target {
            context: Some(format!("macro-{}", data.split(',').next().unwrap_or(data))),
            comes_back: true,
        }],
        "gotoif" | "gotoiftime" | "gosubif" => {
            branches(data).into_iter().filter(|b| !b.is_empty()).map(|b| place(b, application == "gosubif")).collect()
        }
        "execif" | "execiftime" => branches(data)
            .into_iter()
            .filter_map(|branch| branch.trim().strip_suffix(')')?.split_once('('))
            .flat_map(|(application, data)| of_application(&application.trim().to_ascii_lowercase(), data))
            .collect(),
        _ => Vec::new(),
    }
}

/// What stands behind the `?` of a condition, for true and for false.
fn branches(data: &str) -> Vec<&str> {
    let Some((_, behind)) =
        data.get(split(data, '?').first().map_or(0, |first| first.len())..).and_then(|rest| rest.split_once('?'))
    else {
        return Vec::new();
    };
    split(behind, ':')
}

/// Splits where no bracket is open.
fn split(text: &str, at: char) -> Vec<&str> {
    let (mut depth, mut from, mut parts) = (0_i32, 0, Vec::new());
    for (place, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            c if c == at && depth <= 0 => {
                parts.push(&text[from..place]);
                from = place + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}
