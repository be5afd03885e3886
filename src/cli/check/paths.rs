//! Tries where callbacks would be dialled: what the dialplan takes of them, and whether their devices exist. Nobody is rung for it.

use super::facts::Facts;
use super::report::Finding;
use super::rights::shortened;
use crate::config::Callback;
use crate::log::Wire;
use callbackd_core::callbacks::attempt::dial_string::DialString;
use callbackd_core::callbacks::freepbx::{self, DIAL_AGENT, SKIP_VOICEMAIL};
use std::collections::{BTreeMap, BTreeSet};

/// A member of a queue, as it is listed.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Member {
    /// What the queue dials (`Location`).
    pub(crate) interface: String,
    /// Whose state the queue watches (`StateInterface`).
    pub(crate) state_interface: String,
}

impl Member {
    /// The member's phone, as far as the list says it.
    fn device(&self) -> &str {
        let state = &self.state_interface;
        if state.is_empty() || state.starts_with("hint:") { &self.interface } else { state }
    }
}

/// The devices that callbacks dial, so that Asterisk can be asked whether it has them.
pub(crate) fn devices(callback: &Callback) -> BTreeSet<String> {
    let templates = [Some(&callback.dial_customer), callback.dial_agent.as_ref()];
    templates.into_iter().flatten().filter_map(|template| device(template)).collect()
}

/// The device that a dial string names by itself: the endpoint of `PJSIP/…@provider`, the peer of `SIP/provider/…`.
fn device(template: &str) -> Option<String> {
    let (technology, rest) = template.split_once('/')?;
    let name = match technology {
        "PJSIP" | "SIP" | "IAX2" => rest.split_once('@').map_or_else(|| rest.split('/').next(), |(_, name)| Some(name)),
        _ => None,
    }?;
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    plain.then(|| format!("{technology}/{name}"))
}

/// What is wrong on the way to agents and to customers.
pub(crate) fn judge(facts: &Facts, callback: &Callback) -> Vec<Finding> {
    let mut found = Vec::new();
    for absent in facts.absent_devices.iter().map(|device| Wire(device)) {
        found.push(Finding::missing(
            "callbacks",
            format!("Asterisk has no {absent}, by which [callback] dials (its DEVICE_STATE is INVALID)"),
        ));
    }
    if facts.contexts.is_some() {
        found.extend(customers(facts, callback));
        found.extend(agents(facts, callback));
    }
    found
}

fn customers(facts: &Facts, callback: &Callback) -> Option<Finding> {
    let (_, context) = local(&callback.dial_customer)?;
    let contexts = facts.contexts.as_ref()?;
    (contexts.contains(context) && facts.dialplan.takes_numbers(context) == Some(false)).then(|| {
        let detail = format!(
            "{} takes no number of five digits or more: callback.dial_customer reaches nobody by it",
            Wire(context)
        );
        Finding::missing("callbacks", detail)
    })
}

/// Each agent's dial string, tried in the dialplan.
fn agents(facts: &Facts, callback: &Callback) -> Vec<Finding> {
    let contexts = facts.contexts.as_ref();
    let has = |context: &str| contexts.is_some_and(|contexts| contexts.contains(context));
    let is_freepbx = has(SKIP_VOICEMAIL);
    let (mut refused, mut nowhere) = (Vec::new(), BTreeMap::<String, BTreeSet<String>>::new());
    let (mut trapped, mut tried) = (BTreeSet::new(), BTreeSet::new());
    for member in &facts.members {
        let template =
            callback.dial_agent.as_deref().unwrap_or_else(|| freepbx::dial_agent(is_freepbx, &member.interface));
        let dialled = match DialString::agent(template, member.device(), &member.interface) {
            Ok(dialled) => dialled,
            Err(why) => {
                refused.push(why.to_string());
                continue;
            }
        };
        let Some((extension, context)) = local(dialled.as_str()) else { continue };
        if is_freepbx && context == "from-queue" {
            trapped.insert(member.interface.clone());
        } else if facts.dialplan.takes(context, extension) == Some(false) {
            nowhere.entry(context.to_owned()).or_default().insert(extension.to_owned());
        } else {
            tried.insert(context.to_owned());
        }
    }
    let shown =
        |texts: &BTreeSet<String>| shortened(&texts.iter().map(|text| Wire(text).to_string()).collect::<Vec<String>>());
    let missing = |detail| Finding::missing("agents", detail);
    let mut found = Vec::new();
    if !refused.is_empty() {
        found.push(missing(shortened(&refused)));
    }
    if !trapped.is_empty() {
        let who = shown(&trapped);
        found.push(missing(format!("FreePBX's from-queue hangs up what no queue of its own has sent, and so do callbacks to {who}: leave callback.dial_agent out, or set it to \"{DIAL_AGENT}\"")));
    }
    for (context, extensions) in &nowhere {
        let (context, extensions) = (Wire(context), shown(extensions));
        let detail = format!(
            "the dialplan takes no {extensions} in {context}, where callback.dial_agent leads: they cannot be rung"
        );
        found.push(missing(detail));
    }
    if found.is_empty() && !tried.is_empty() {
        found.push(Finding::ok("agents", format!("the dialplan takes each of them in {}", shown(&tried))));
    }
    found
}

/// Extension and context of a Local channel such as `Local/101@from-internal/n`, or of a template of one.
pub(crate) fn local(dialled: &str) -> Option<(&str, &str)> {
    let (extension, rest) = dialled.strip_prefix("Local/")?.split_once('@')?;
    Some((extension, rest.split('/').next().unwrap_or(rest)))
}
