//! Judges whether callbacks can be made on this PBX: their dialplan is there, and wait estimates may be published.

use super::facts::Facts;
use super::paths;
use super::report::{Finding, Hint};
use super::shipped;
use crate::config::Callback;
use crate::log::Wire;
use callbackd_core::callbacks::freepbx::{DIAL_AGENT, SKIP_VOICEMAIL};
use callbackd_core::callbacks::policy::First;
use callbackd_core::model::AttemptPrefix;

/// The findings, and what is to be added to the dialplan. `own`: the identity of the database, if it could be read.
pub(crate) fn judge(facts: &Facts, callback: &Callback, own: Option<AttemptPrefix>) -> (Vec<Finding>, Option<Hint>) {
    let what = "callbacks";
    if !callback.enabled {
        return (vec![Finding::ok(what, "off: callback.enabled = false")], None);
    }
    let dialled =
        format!("agents are dialled as {}, customers as {}", dial_agent(facts, callback), callback.dial_customer);
    let mut found = vec![Finding::ok(what, dialled)];
    found.extend(publishing(facts, callback.publish));
    found.extend(another(facts, callback.alongside, own));
    found.extend(paths::judge(facts, callback));
    // That the dialplan cannot be listed is another finding.
    let Some(contexts) = &facts.contexts else { return (found, None) };
    let absent: Vec<&str> = answering(callback).into_iter().filter(|context| !contexts.contains(*context)).collect();
    for context in &absent {
        let detail = format!("the dialplan has no context {}: whoever answers is hung up", Wire(context));
        found.push(Finding::missing(what, detail));
    }
    found.extend(shipped::judge(facts, callback, &absent));
    let dials = [("dial_agent", callback.dial_agent.as_deref()), ("dial_customer", Some(&*callback.dial_customer))];
    for (key, dial) in dials {
        let context = dial.and_then(paths::local).map(|(_, context)| context);
        if let Some(context) = context.filter(|context| !context.contains('{') && !contexts.contains(*context)) {
            let detail = format!("the dialplan has no context {}, which callback.{key} names", Wire(context));
            found.push(Finding::missing(what, detail));
        }
    }
    let hint = (!absent.is_empty()).then(|| Hint {
        file: "Asterisk's extensions.conf".to_owned(),
        lines: "\
; config/asterisk/extensions_callbackd.conf of callbackd goes to /etc/asterisk; then, on plain Asterisk at the end of
; extensions.conf, on FreePBX in extensions_custom.conf:
#include \"extensions_callbackd.conf\"
; then: asterisk -rx 'dialplan reload'
"
        .to_owned(),
    });
    (found, hint)
}

/// In words for people: how agents are dialled here.
fn dial_agent(facts: &Facts, callback: &Callback) -> String {
    let freepbx = facts.contexts.as_ref().is_some_and(|contexts| contexts.contains(SKIP_VOICEMAIL));
    match &callback.dial_agent {
        Some(template) => template.clone(),
        None if freepbx => format!("{DIAL_AGENT}, as this is a FreePBX"),
        None => "{interface}".to_owned(),
    }
}

/// The contexts in which those who answer first arrive.
fn answering(callback: &Callback) -> Vec<&str> {
    let firsts = || callback.queues.values().map(|queue| queue.first).chain([callback.default.first]);
    [(First::Agent, &callback.agent_context), (First::Customer, &callback.customer_context)]
        .into_iter()
        .filter(|(first, _)| firsts().any(|f| f == *first))
        .map(|(_, context)| context.as_str())
        .collect()
}

/// The sign of another callbackd. One that was killed leaves it: a daemon sees within a minute whether the other still runs, a check does not.
fn another(facts: &Facts, alongside: bool, own: Option<AttemptPrefix>) -> Option<Finding> {
    let sign = facts.sign.filter(|sign| sign.beats.is_some() && Some(sign.identity) != own)?;
    let who = sign.identity.as_str();
    let meanwhile = if alongside {
        "callback.alongside = true: both do, and customers may be called twice"
    } else {
        "this one makes none while that one runs, and for a minute after; callback.alongside = true where both are meant"
    };
    Some(Finding::warn(
        "another callbackd",
        format!("one with database {who} makes callbacks on this PBX: {meanwhile}"),
    ))
}

/// `DBPut` is of the class `system` (`main/db.c`).
fn publishing(facts: &Facts, publish: bool) -> Option<Finding> {
    facts.actions.as_ref().filter(|_| publish)?;
    let what = "write system";
    Some(if facts.may("DBPut") {
        Finding::ok(what, "may DBPut, for callback.publish")
    } else {
        Finding::missing(
            what,
            "may not DBPut: greetings cannot say who is to be called back; or set callback.publish = false",
        )
    })
}
