//! The tables `[[code]]`: what can be said of a call beside its status, which calls get it by rule, and what it means for callbacks.

use super::file::one_of;
use super::list::{List, instead_of};
use super::pbx;
use super::rules::millis;
use super::section::{Problems, Section, Text};
use callbackd_core::millis::Millis;
use callbackd_core::model::codes::{
    ASKED, Code, CodeRule, Codes, DECLINED, MAX_CODE, MAX_CODES, MIN_AFTER_OURS_MS, NAMED_TIME, OnCallback, is_code,
};
use callbackd_core::model::{Direction, Outcome, PbxId};
use callbackd_core::order::Gather as _;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;
use toml::de::DeTable;

/// Longest label and group, characters.
const MAX_LABEL: usize = 60;
/// Rules of one code.
const MAX_RULES: usize = 50;
/// A callback that is to be made later than this is a date in a calendar.
const MAX_AFTER: Duration = Duration::from_secs(366 * 86_400);
const MIN_EXPIRES: Duration = Duration::from_secs(60);
const MAX_EXPIRES: Duration = Duration::from_secs(36_500 * 86_400);
/// A call does not talk for longer.
const MAX_TALK: Duration = Duration::from_secs(86_400);

const CODES: List<'_> = List {
    key: "code",
    one: "a code",
    help: "write [[code]] once for each code, with code and label below it",
    help_one: "write [[code]] on a line of its own, with code and label below it",
};
const RULES: List<'_> = List {
    key: "rule",
    one: "a rule",
    help: "write [[code.rule]] below its [[code]], once for each rule",
    help_one: "write [[code.rule]] on a line of its own, with what must hold below it",
};
const CALLBACKS: [(&str, OnCallback); 3] =
    [("none", OnCallback::None), ("suppress", OnCallback::Suppress), ("request", OnCallback::Request)];

/// Reads all tables.
pub(super) fn read(root: &DeTable<'_>, pbxs: &[PbxId], problems: &Problems) -> Codes {
    let Some(value) = root.get("code") else { return Codes::default() };
    let shipped = Codes::default();
    let mut read: BTreeMap<String, Code> = BTreeMap::new();
    for (table, place) in CODES.tables(value, problems) {
        let section = Section::new("code", Some(table), problems);
        let Some(word) = section.text("code", "\"PRICE_ASKED\"") else {
            if section.span("code").is_none() {
                let help = "add the word: code = \"PRICE_ASKED\"";
                problems.add(place, "a code needs its word", "without `code`", help);
            }
            continue;
        };
        let upper = word.value.to_ascii_uppercase();
        if !is_code(&word.value) {
            let help = format!("use up to {MAX_CODE} letters, digits, `_` and `-`");
            problems.add(word.span.clone(), "`code` must be short and plain", "not plain", help);
        } else if upper != word.value {
            let help = format!("write \"{upper}\": the dialplan may say it in any case");
            problems.add(word.span.clone(), "`code` is written in capitals", "with small letters", help);
        }
        let code = code(&section, &word, shipped.get(&upper), pbxs, problems);
        if read.insert(upper, code).is_some() {
            let title = format!("two codes have the word \"{}\"", word.value);
            problems.add(word.span, title, "taken", "give each [[code]] its own");
        }
    }
    let new = read.keys().filter(|word| shipped.get(word).is_none()).count();
    if shipped.iter().count() + new > MAX_CODES {
        problems.add(value.span(), format!("there are more than {MAX_CODES} codes"), "too many", "remove some");
    }
    Codes::new(read.into_values())
}

/// One code; what it does not say is as shipped, where the word is a shipped one.
fn code(section: &Section<'_, '_>, word: &Text, shipped: Option<&Code>, pbxs: &[PbxId], problems: &Problems) -> Code {
    let label = |key, example, default: Option<&String>| match section.text_or_empty(key, example) {
        Some(text) => {
            if text.value.chars().count() > MAX_LABEL {
                let title = format!("`{key}` is longer than {MAX_LABEL} characters");
                problems.add(text.span, title, "too long", "use a shorter one");
            }
            text.value
        }
        None => default.cloned().unwrap_or_default(),
    };
    let callback = one_of(section, "callback", &CALLBACKS);
    let callback = callback.or(shipped.map(|code| code.callback)).unwrap_or(OnCallback::None);
    let wanted = match &*word.value {
        DECLINED => Some((OnCallback::None, "its callers have said that they need no callback")),
        ASKED => Some((OnCallback::Request, "its callers have asked for a callback")),
        NAMED_TIME => Some((OnCallback::None, "its callers have named a time, which is when they are called")),
        _ => None,
    };
    if let Some(span) = section.span("callback")
        && let Some((wanted, why)) = wanted
        && wanted != callback
    {
        let help = format!("write \"{wanted}\", or give your own code another word");
        problems.add(span, format!("{} cannot mean \"{callback}\"", word.value), why, help);
    }
    let after = section.days_in("after", Duration::ZERO, Duration::ZERO..=MAX_AFTER);
    let expires = section.days("expires", None, MIN_EXPIRES..=MAX_EXPIRES);
    for (key, has_effect, needed) in [
        ("after", callback == OnCallback::Request, "callback = \"request\""),
        ("expires", callback != OnCallback::None, "callback = \"suppress\" or callback = \"request\""),
    ] {
        if let Some(span) = section.span(key)
            && !has_effect
        {
            let title = format!("`{key}` has no effect where callback is \"{callback}\"");
            problems.add(span, title, "no effect", format!("write {needed}, or remove this key"));
        }
    }
    let same = |code: &&Code| code.callback == callback;
    let of_shipped = shipped.filter(same);
    let given = |key, value: Option<Millis>, default| if section.span(key).is_some() { value } else { default };
    let after_ms = given("after", Some(millis(after)), of_shipped.map(|code| code.after_ms)).unwrap_or_default();
    Code {
        code: word.value.to_ascii_uppercase(),
        label: label("label", "\"Asked for the price\"", shipped.map(|code| &code.label)),
        group: label("group", "\"sales\"", shipped.map(|code| &code.group)),
        success: section.flag_or("success", shipped.is_some_and(|code| code.success)),
        callback,
        after_ms,
        expires_ms: given("expires", expires.map(millis), of_shipped.and_then(|code| code.expires_ms)),
        rules: rules(
            section,
            pbxs,
            (callback == OnCallback::Request && after_ms < MIN_AFTER_OURS_MS).then_some(&*word.value),
            problems,
        ),
    }
}

/// `soon`: the code if it has its customers called again so soon that a rule must not fit the calls of callbacks.
fn rules(section: &Section<'_, '_>, pbxs: &[PbxId], soon: Option<&str>, problems: &Problems) -> Vec<CodeRule> {
    let Some(value) = section.get("rule") else { return Vec::new() };
    if value.get_ref().as_array().is_some_and(|items| items.len() > MAX_RULES) {
        let title = format!("a code has more than {MAX_RULES} rules");
        problems.add(value.span(), title, "too many", "name several outcomes, queues and DIDs in one rule");
    }
    let mut rules = Vec::new();
    for (table, place) in RULES.tables(value, problems) {
        let before = problems.count();
        let section = Section::new("code.rule", Some(table), problems);
        let rule = rule(&section, pbxs);
        if problems.count() == before {
            never(&section, &rule, place);
        }
        if let Some((code, span)) = soon.zip(section.span("directions"))
            && rule.directions.contains(&Direction::Callback)
        {
            let title = format!("{code} would have customers called again as soon as they were called back");
            problems.add(span, title, "for ever", "leave \"callback\" out, or give the code `after`, of 1h or more");
        }
        rules.push(rule);
    }
    rules
}

fn rule(section: &Section<'_, '_>, pbxs: &[PbxId]) -> CodeRule {
    let texts = |key, example| -> Option<Vec<Text>> {
        let texts = section.texts(key, example)?;
        if texts.is_empty()
            && let Some(span) = section.span(key)
        {
            let title = format!("no call fits an empty list of `{key}`");
            section.problems.add(span, title, "empty", "name at least one, or remove the key");
        }
        Some(texts)
    };
    let set = |key, example| -> BTreeSet<String> {
        texts(key, example).unwrap_or_default().into_iter().map(|text| text.value).to_set()
    };
    let talk = |key| {
        section.span(key)?;
        Some(millis(section.duration(key, Duration::ZERO, MAX_TALK)))
    };
    CodeRule {
        outcomes: words(section, "outcomes", texts("outcomes", "[\"SHORT\"]"), Outcome::ALL, Outcome::as_str),
        directions: words(
            section,
            "directions",
            texts("directions", "[\"outbound\"]"),
            Direction::ALL,
            Direction::as_str,
        ),
        pbxs: pbx::named(section, pbxs),
        queues: set("queues", "[\"sales\"]"),
        dids: set("dids", "[\"+12025550100\"]"),
        talk_from_ms: talk("talk_from"),
        talk_below_ms: talk("talk_below"),
    }
}

/// The words that are known, and a problem for each other one.
fn words<T: Copy + Ord>(
    section: &Section<'_, '_>,
    key: &str,
    texts: Option<Vec<Text>>,
    all: &[T],
    word: impl Fn(T) -> &'static str,
) -> BTreeSet<T> {
    let mut found = BTreeSet::new();
    for text in texts.unwrap_or_default() {
        match all.iter().copied().find(|one| word(*one) == text.value) {
            Some(one) => drop(found.insert(one)),
            None => {
                let help = instead_of(&text.value, all.iter().copied().map(&word));
                section.problems.add(text.span, format!("\"{}\" is none of `{key}`", text.value), "unknown", help);
            }
        }
    }
    found
}

/// A rule that no call can fit is a mistake, and so is one that all fit.
fn never(section: &Section<'_, '_>, rule: &CodeRule, span: Range<usize>) {
    if rule.is_empty() {
        let help = "say which calls are meant: outcomes, directions, pbxs, queues, dids, talk_from, talk_below";
        return section.problems.add(span, "a rule without a condition would fit every call", "says nothing", help);
    }
    let at = |key| section.span(key).unwrap_or(span.clone());
    if let (Some(from), Some(below)) = (rule.talk_from_ms, rule.talk_below_ms)
        && from >= below
    {
        let help = "talk_from is the shorter one: talk_from = \"10s\", talk_below = \"2m\"";
        return section.problems.add(at("talk_below"), "no call fits this rule", "not longer than `talk_from`", help);
    }
    if rule.talk_below_ms == Some(0) {
        let help = "use a longer time, such as \"10s\"";
        return section.problems.add(at("talk_below"), "no call fits this rule", "no talk is shorter", help);
    }
    let talks = rule.talk_from_ms.is_some_and(|from| from > 0);
    let silent = |outcome: &Outcome| !outcome.meaning().person && !outcome.meaning().unseen;
    if talks && !rule.outcomes.is_empty() && rule.outcomes.iter().all(silent) {
        let help = "name an outcome in which a person talked with the customer, or remove `talk_from`";
        return section.problems.add(at("talk_from"), "no call fits this rule", "nobody talks in these outcomes", help);
    }
    let internal = rule.directions.len() == 1 && rule.directions.contains(&Direction::Internal);
    if internal && !rule.dids.is_empty() {
        let help = "remove `dids`, or name another direction";
        section.problems.add(at("dids"), "no call fits this rule", "calls between extensions have no DID", help);
    }
}
