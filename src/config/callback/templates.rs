//! Texts of `[callback]` that end up in the dialplan: templates, contexts, sounds, keys, hours of the night.

use super::super::section::{Section, Text, nearest};
use callbackd_core::callbacks::attempt::dial_string::{
    AGENT, CUSTOMER, FORM, TemplateError, check_agent, check_customer, check_form, is_sound,
};
use callbackd_core::callbacks::attempt::display::{DEFAULT, DISPLAY, check_display};
use callbackd_core::model::text::is_language;

/// Longest text for a channel variable, bytes: a line of an AMI action holds 1,024 with its name.
const MAX_TEXT: usize = 400;
/// Longest name of a context, bytes (`include/asterisk/channel.h`, `AST_MAX_CONTEXT`, with its closing NUL).
const MAX_CONTEXT: usize = 79;

/// How an agent is dialled.
pub(super) fn dial_agent(section: &Section<'_, '_>, default: Option<String>) -> Option<String> {
    template(section, "dial_agent", "\"{interface}\"", &AGENT, check_agent).or(default)
}

/// How a customer is dialled.
pub(super) fn dial_customer(section: &Section<'_, '_>, default: String) -> String {
    template(section, "dial_customer", "\"Local/{number}@from-internal/n\"", &CUSTOMER, check_customer)
        .unwrap_or(default)
}

/// How the customer's number is written in an announcement.
pub(super) fn number_form(section: &Section<'_, '_>, default: String) -> String {
    template(section, "number_form", "\"{national}\"", &FORM, check_form).unwrap_or(default)
}

/// What the agent's phone shows.
pub(super) fn display(section: &Section<'_, '_>) -> Option<String> {
    template(section, "display", &format!("\"{DEFAULT}\""), &DISPLAY, check_display)
}

/// The language of both legs.
pub(super) fn language(section: &Section<'_, '_>) -> Option<String> {
    let text = section.text_or_empty("language", "\"de\"");
    let help = "write the name of a directory of sounds such as \"de\" or \"en_GB\"; \"\" to set none; leave it out for the customer's own";
    checked(section, text, |t| t.is_empty() || is_language(t), "is not a language", "language", help)
}

fn template(
    section: &Section<'_, '_>,
    key: &str,
    example: &str,
    known: &[&'static str],
    check: fn(&str) -> Result<(), TemplateError>,
) -> Option<String> {
    let text = section.text(key, example)?;
    if let Err(e) = check(&text.value) {
        let help = match &e {
            TemplateError::Placeholder { name, .. } => match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean {{{near}}}?"),
                None => {
                    let known: Vec<String> = known.iter().map(|k| format!("{{{k}}}")).collect();
                    format!("known here: {}", known.join(", "))
                }
            },
            _ => format!("for example: {key} = {example}"),
        };
        let span = match e {
            TemplateError::Missing(_) | TemplateError::Technology | TemplateError::TooLong { .. } => text.span.clone(),
            _ => text.at(e.at()),
        };
        section.problems.add(span, format!("`{key}` cannot be used"), e.to_string(), help);
    }
    Some(text.value)
}

/// A dialplan context.
pub(super) fn context(section: &Section<'_, '_>, key: &str, default: String) -> String {
    let example = format!("\"{default}\"");
    let plain = |t: &str| t.len() <= MAX_CONTEXT && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    let help = format!("use up to {MAX_CONTEXT} letters, digits, `-`, `_` and `.`");
    checked(section, section.text(key, &example), plain, "is not the name of a context", key, &help).unwrap_or(default)
}

/// What the customer sees.
pub(super) fn caller_id(section: &Section<'_, '_>, default: &str) -> String {
    let number = |t: &str| {
        let digits = t.strip_prefix('+').unwrap_or(t);
        (3..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    };
    let help =
        "write \"{did}\" for the number that the customer dialled, or one number: 3 to 15 digits, perhaps with +";
    let text = section.text("caller_id", "\"{did}\"");
    let fits = |t: &str| t == "{did}" || number(t);
    checked(section, text, fits, "is not a caller id", "caller_id", help).unwrap_or(default.to_owned())
}

/// The announcement that the agent hears.
pub(super) fn script(section: &Section<'_, '_>, default: &str) -> String {
    let text = section.text_or_empty("script", "\"Sorry that nobody answered.\"");
    let help = "shorten it";
    let title = "is longer than 400 bytes";
    checked(section, text, |t| t.len() <= MAX_TEXT, title, "script", help).unwrap_or(default.to_owned())
}

/// What the agent hears.
pub(super) fn announcement(section: &Section<'_, '_>, default: &str) -> String {
    let text = section.text_or_empty("announcement", "\"custom/callback\"");
    let help =
        "name one sound file without its extension, of letters, digits and `/_.-`, for example \"custom/callback\"";
    let fits = |t: &str| t.is_empty() || (is_sound(t) && t.len() <= MAX_TEXT);
    checked(section, text, fits, "is not a sound file's name", "announcement", help).unwrap_or(default.to_owned())
}

/// The key by which the agent accepts. Not `#`, which ends the input of `Read()`, nor `*`, which no sound file is named after.
pub(super) fn accept_key(section: &Section<'_, '_>, default: &str) -> String {
    let text = section.text_or_empty("accept_key", "\"1\"");
    let key = |t: &str| t.is_empty() || (t.len() == 1 && t.bytes().all(|b| b.is_ascii_digit()));
    let help = "write one of 0 to 9; or \"\" if picking up is accepting";
    checked(section, text, key, "is not a digit key", "accept_key", help).unwrap_or(default.to_owned())
}

/// `"21:00-08:00"`, or `"off"`.
pub(super) fn quiet(section: &Section<'_, '_>, default: Option<(u16, u16)>) -> Option<(u16, u16)> {
    let Some(text) = section.text("quiet", "\"21:00-08:00\"") else { return default };
    if text.value == "off" {
        return None;
    }
    let read = || {
        let (from, to) = text.value.split_once('-')?;
        Some((minute(from)?, minute(to)?)).filter(|(from, to)| from != to)
    };
    let found = read();
    if found.is_none() {
        section.problems.add(
            text.span.clone(),
            "`quiet` is not a part of the day",
            "from and to are needed, and differ",
            "write from and to, for example \"21:00-08:00\"; or \"off\"",
        );
    }
    found
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let two =
        |t: &str| (t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit())).then(|| t.parse::<u16>().ok()).flatten();
    let (hour, minute) = (two(hour)?, two(minute)?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

fn checked(
    section: &Section<'_, '_>,
    text: Option<Text>,
    fits: impl Fn(&str) -> bool,
    title: &str,
    key: &str,
    help: &str,
) -> Option<String> {
    let text = text?;
    if !fits(&text.value) {
        section.problems.add(text.span, format!("`{key}` {title}"), "cannot be used", help);
    }
    Some(text.value)
}
