//! Looks at whether `extensions_callbackd.conf`, as Asterisk has it, is the file of this version.

use super::facts::Facts;
use super::report::Finding;
use super::rights::shortened;
use crate::config::Callback;
use crate::log::Wire;
use callbackd_core::order::Gather as _;
use std::collections::BTreeSet;

/// The context through which each leg of a callback goes before it rings. The file of version 0.1.0 has it not.
const LEG: &str = "callbackd-leg";
/// The contexts of the file in which whoever answers first arrives.
const ANSWERING: [&str; 2] = ["callbackd-agent", "callbackd-customer"];
/// What every context of the file begins with.
const OURS: &str = "callbackd-";
/// Applications of which an argument names a context.
const GOES: [&str; 7] = ["gosub", "gosubif", "goto", "gotoif", "execif", "dial", "queue"];

/// What is missing of the file. `absent`: contexts that another finding names already.
pub(crate) fn judge(facts: &Facts, callback: &Callback, absent: &[&str]) -> Vec<Finding> {
    let Some(contexts) = &facts.contexts else { return Vec::new() };
    let lacks = |context: &str| !contexts.contains(context) && !absent.contains(&context);
    let gone_to: BTreeSet<&str> = gone_to(facts).into_iter().filter(|context| lacks(context)).to_set();
    let mut found = Vec::new();
    if !gone_to.is_empty() {
        let names: Vec<String> = gone_to.iter().map(|context| Wire(context).to_string()).collect();
        let (verb, it) = if names.len() == 1 { ("is", "it") } else { ("are", "them") };
        let detail = format!(
            "{} {verb} not in the dialplan, which goes to {it}: calls end there. {}",
            shortened(&names),
            copy_anew()
        );
        found.push(Finding::missing("callbacks", detail));
    }
    // Your own contexts in their place do what you wrote.
    let used = [&callback.agent_context, &callback.customer_context];
    let used = used.into_iter().any(|context| ANSWERING.contains(&context.as_str()) && contexts.contains(context));
    let languages = || callback.queues.values().map(|queue| &queue.language).chain([&callback.default.language]);
    let sets_one = languages().any(|language| language.as_deref() != Some(""));
    if used && sets_one && lacks(LEG) && !gone_to.contains(LEG) {
        let detail = format!(
            "extensions_callbackd.conf is that of an older version: without {LEG} the customer hears Asterisk's own language, whatever callback.language says. {}",
            copy_anew()
        );
        found.push(Finding::warn("callbacks", detail));
    }
    found
}

fn copy_anew() -> &'static str {
    "Copy it anew: cp /usr/share/callbackd/asterisk/extensions_callbackd.conf /etc/asterisk/, then asterisk -rx 'dialplan reload'"
}

/// Contexts of the file that steps or includes of the dialplan name.
fn gone_to(facts: &Facts) -> BTreeSet<&str> {
    let mut named = BTreeSet::new();
    for (_, context) in facts.dialplan.contexts() {
        named.extend(context.includes.iter().map(String::as_str).filter(|name| name.starts_with(OURS)));
        let steps = context.extensions.values().flatten();
        let goes = steps.filter(|step| GOES.contains(&step.application.as_str()));
        named.extend(goes.flat_map(|step| names(&step.data)));
    }
    named
}

/// The words of an argument that are names of our contexts and are followed by an extension: `callbackd-leg,s,1` or `b(callbackd-leg^s^1)`.
fn names(data: &str) -> impl Iterator<Item = &str> {
    let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    data.match_indices(OURS).filter_map(move |(at, _)| {
        let begins = !data[..at].ends_with(is_of_a_name) && !data[..at].ends_with(['/', '{']);
        let rest = &data[at..];
        let name = &rest[..rest.find(|c| !is_of_a_name(c)).unwrap_or(rest.len())];
        (begins && rest[name.len()..].starts_with([',', '^'])).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_what_an_extension_follows_and_neither_a_key_nor_a_file() {
        for (data, expected) in [
            ("callbackd-leg,s,1", vec!["callbackd-leg"]),
            ("callbackd-code,s,1(DEAL_CLOSED)", vec!["callbackd-code"]),
            ("${CALLBACKD_DIAL},20,b(callbackd-leg^s^1)", vec!["callbackd-leg"]),
            ("1?callbackd-busy,s,1:callbackd-closed,s,1", vec!["callbackd-busy", "callbackd-closed"]),
            ("1?Playback(/sounds/callbackd-hello,noanswer)", vec![]),
            ("my-callbackd-leg,s,1", vec![]),
            ("callbackd-$[1 + 1],s,1", vec![]),
            ("dial", vec![]),
        ] {
            assert_eq!(names(data).collect::<Vec<_>>(), expected, "{data}");
        }
    }
}
