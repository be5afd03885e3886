//! Dial strings, and what of a caller's own words may be put beside them: by construction without a byte that Asterisk would read
//! as more than a name.
//!
//! In a dial string `&` forks, `,` ends an argument, `${` and `$[` are evaluated (`main/pbx_variables.c`), `|` ended an argument once, and
//! `;1`, `;2` name the halves of a Local channel. The `Variable` header of `Originate` is split at commas outside of quotes, round and
//! square brackets, and `\` escapes in it (`main/manager.c`, `main/app.c`: `AST_STANDARD_APP_ARGS`); its values pass dialplans that
//! evaluate again what they are given. So every door lets in what is known to be harmless, and nothing else.

use crate::model::number::{Numbering, e164_digits};
use regex::Regex;
use std::fmt;
use std::sync::LazyLock;

/// Most digits that are dialled.
const MAX_DIALLED: usize = 15;
/// Fewest digits that are dialled: two-digit numbers are services everywhere.
const MIN_DIALLED: usize = 3;
/// Longest dial string, in bytes: `Originate` keeps 255 bytes of its `Channel` (`main/manager.c`, `action_originate`).
pub(crate) const MAX_DIAL_STRING: usize = 200;

/// Why there is no dial string.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// Not `+` and 3 to 15 digits.
    #[error("this is not a number in E.164")]
    NotE164,
    /// `callback.number_form` makes of it something that must not be dialled.
    #[error(
        "`callback.number_form` makes of {number} what cannot be dialled: write \"{{e164}}\", \"{{digits}}\" or \"{{national}}\", and at most {MAX_DIALLED} digits in all"
    )]
    Form { number: String },
    /// In the country it is dialled as another number is.
    #[error(
        "{dialled} is not a safe way to dial {number}: in {country} it is read as another number; `callback.number_form = \"{{e164}}\"` can be read in one way only"
    )]
    OtherNumber {
        number: String,
        dialled: String,
        /// ISO 3166.
        country: String,
    },
    /// The template is not one.
    #[error("{0}")]
    Template(TemplateError),
    /// What AMI calls this agent cannot be dialled.
    #[error(
        "the agent's interface \"{0}\" cannot be dialled: a technology, `/` and a name of letters, digits and `/_.@+-` are needed"
    )]
    Interface(String),
    /// `{extension}` of an interface that has none.
    #[error(
        "the agent's interface \"{0}\" has no extension: write {{interface}} or {{device}} in `callback.dial_agent`"
    )]
    NoExtension(String),
    /// Over [`MAX_DIAL_STRING`].
    #[error("the dial string would be longer than {MAX_DIAL_STRING} bytes")]
    TooLong,
}

/// What is wrong with a template for dial strings. `at` counts bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace that opens or closes nothing.
    #[error("a brace without its other half")]
    Brace { at: usize },
    /// A placeholder that is not known here.
    #[error("`{{{name}}}` is not known here")]
    Placeholder {
        at: usize,
        /// The word between the braces.
        name: String,
    },
    /// A character that may not stand in it.
    #[error("`{}` may not stand in it", .found.escape_debug())]
    Character {
        at: usize,
        /// The character.
        found: char,
    },
    /// None of the placeholders of which one is needed.
    #[error("there is no {0} in it")]
    Missing(&'static str),
    /// Over what is shown.
    #[error("it is longer than {most} bytes")]
    TooLong {
        at: usize,
        /// Bytes at most.
        most: usize,
    },
    /// Not a technology, `/` and something.
    #[error("it does not begin with a channel technology such as `PJSIP/` or `Local/`")]
    Technology,
}

impl TemplateError {
    /// Where in the template, in bytes.
    #[must_use]
    pub const fn at(&self) -> usize {
        match self {
            Self::Brace { at }
            | Self::Placeholder { at, .. }
            | Self::Character { at, .. }
            | Self::TooLong { at, .. } => *at,
            Self::Missing(_) | Self::Technology => 0,
        }
    }
}

/// Placeholders of `callback.dial_agent`.
pub const AGENT: [&str; 3] = ["device", "interface", "extension"];
/// Placeholder of `callback.dial_customer`.
pub const CUSTOMER: [&str; 1] = ["number"];
/// Placeholders of `callback.number_form`.
pub const FORM: [&str; 3] = ["e164", "digits", "national"];

/// A customer's number as it is dialled: `+` perhaps, and 3 to 15 ASCII digits. Whether it may be called is
/// [`NumberPolicy::verdict`](crate::callbacks::policy::NumberPolicy::verdict)'s to say first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Dialable(String);

impl Dialable {
    /// `number_form` is a text with `{e164}` (+49301234567), `{digits}` (49301234567) or `{national}`: as it is dialled in
    /// the country of `numbering` (0301234567; 0012025550123).
    ///
    /// What stands for the number is read again as the country's switches read it, and must be the number: of `{digits}` it is only known that
    /// they do not begin as a call abroad.
    ///
    /// # Errors
    /// [`DialError::NotE164`], [`DialError::Form`], [`DialError::OtherNumber`].
    pub fn new(e164: &str, numbering: &Numbering, number_form: &str) -> Result<Self, DialError> {
        let e164_digits = e164_digits(e164).ok_or(DialError::NotE164)?;
        let form = || DialError::Form { number: e164.to_owned() };
        let national = numbering.as_dialled(e164);
        let other = |dialled: &str| DialError::OtherNumber {
            number: e164.to_owned(),
            dialled: dialled.to_owned(),
            country: numbering.country().to_owned(),
        };
        if number_form.contains("{national}")
            && let Some(dialled) = national.as_deref().filter(|dialled| !numbering.is_read_as(dialled, e164))
        {
            return Err(other(dialled));
        }
        if number_form.starts_with("{digits}") && numbering.begins_abroad(e164_digits) {
            return Err(other(e164_digits));
        }
        let text = fill(number_form, |name| match name {
            "e164" => Some(e164.to_owned()),
            "digits" => Some(e164_digits.to_owned()),
            "national" => national.clone(),
            _ => None,
        })
        .ok_or_else(form)?;
        let digits = text.strip_prefix('+').unwrap_or(&text);
        let fits = (MIN_DIALLED..=MAX_DIALLED).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        if fits { Ok(Self(text)) } else { Err(form()) }
    }

    /// As it is dialled.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Dialable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The `Channel` of an `Originate`, or the first argument of `Dial`: one technology, one resource, nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DialString(String);

impl DialString {
    /// How a customer is dialled: `PJSIP/{number}@trunk`, `Local/{number}@from-internal/n`.
    ///
    /// # Errors
    /// [`DialError::Template`] (refused when the configuration is read, so never with one that this program has read) and
    /// [`DialError::TooLong`].
    pub fn customer(template: &str, number: &Dialable) -> Result<Self, DialError> {
        check_customer(template).map_err(DialError::Template)?;
        Self::of(fill(template, |_| Some(number.0.clone())))
    }

    /// How an agent is dialled: `{device}` is the phone (`PJSIP/101`), `{interface}` what the queue dials
    /// (`Local/101@from-queue/n`), `{extension}` the digits of either (`101`). Both come from AMI.
    ///
    /// # Errors
    /// [`DialError::Interface`], [`DialError::NoExtension`], [`DialError::Template`], [`DialError::TooLong`].
    pub fn agent(template: &str, device: &str, interface: &str) -> Result<Self, DialError> {
        check_agent(template).map_err(DialError::Template)?;
        let harmful = |text: &&str| !is_interface(text);
        let mut used = Vec::new();
        let mut note = |text: &str| used.push(text.to_owned());
        let of_queue = Some(interface).filter(|i| i.starts_with("Local/")).and_then(extension);
        let extension = of_queue.or_else(|| extension(device)).or_else(|| extension(interface));
        let filled = fill(template, |name| match name {
            "device" => {
                note(device);
                Some(device.to_owned())
            }
            "interface" => {
                note(interface);
                Some(interface.to_owned())
            }
            _ => extension.map(str::to_owned),
        });
        if let Some(text) = used.iter().map(String::as_str).find(harmful) {
            return Err(DialError::Interface(quoted(text)));
        }
        if filled.is_none() {
            return Err(DialError::NoExtension(quoted(interface)));
        }
        Self::of(filled)
    }

    fn of(text: Option<String>) -> Result<Self, DialError> {
        let text = text.ok_or(DialError::TooLong)?;
        if text.len() > MAX_DIAL_STRING { Err(DialError::TooLong) } else { Ok(Self(text)) }
    }

    /// As Asterisk takes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DialString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Technology and resource, of bytes that mean nothing to Asterisk: what a queue's member may be to be dialled.
#[must_use]
pub fn is_interface(text: &str) -> bool {
    let Some((technology, resource)) = text.split_once('/') else { return false };
    let named = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_alphanumeric());
    named(technology)
        && resource.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'_')
        && resource.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_.@+-".contains(&b))
}

/// The extension in `Local/101@from-queue/n`, the peer of `PJSIP/101`: digits only.
fn extension(interface: &str) -> Option<&str> {
    let extension = interface.split_once('/')?.1.split(['@', '/']).next()?;
    let fits = (1..=MAX_DIALLED).contains(&extension.len()) && extension.bytes().all(|b| b.is_ascii_digit());
    fits.then_some(extension)
}

/// As it can stand in an error, whatever is in it.
fn quoted(text: &str) -> String {
    text.escape_debug().take(80).collect()
}

/// Checks `callback.dial_customer`.
///
/// # Errors
/// What is wrong with it, and where.
pub fn check_customer(template: &str) -> Result<(), TemplateError> {
    check_channel(template, &CUSTOMER, "{number}")
}

/// Checks `callback.dial_agent`.
///
/// # Errors
/// What is wrong with it, and where.
pub fn check_agent(template: &str) -> Result<(), TemplateError> {
    check_channel(template, &AGENT, "{interface}, {device} or {extension}")
}

/// Checks `callback.number_form`: digits and perhaps a `+` before them may stand beside the placeholder.
///
/// # Errors
/// What is wrong with it, and where.
pub fn check_form(template: &str) -> Result<(), TemplateError> {
    let placeholders = placeholders(template, &FORM, |c, at| c.is_ascii_digit() || (c == '+' && at == 0))?;
    if placeholders == 1 { Ok(()) } else { Err(TemplateError::Missing("{national}, {digits} or {e164}, once,")) }
}

fn check_channel(template: &str, known: &[&str], needed: &'static str) -> Result<(), TemplateError> {
    let harmless = |c: char, _| c.is_ascii_alphanumeric() || "/_.@+-:*#".contains(c);
    if placeholders(template, known, harmless)? == 0 {
        return Err(TemplateError::Missing(needed));
    }
    let whole = ["{interface}", "{device}"].iter().any(|p| template.starts_with(p));
    let technology = template.split_once('/').is_some_and(|(technology, rest)| {
        !technology.is_empty() && technology.bytes().all(|b| b.is_ascii_alphanumeric()) && !rest.is_empty()
    });
    if whole || technology { Ok(()) } else { Err(TemplateError::Technology) }
}

/// How many placeholders there are, where all of them are known and all else is harmless.
pub(super) fn placeholders(
    template: &str,
    known: &[&str],
    harmless: impl Fn(char, usize) -> bool,
) -> Result<usize, TemplateError> {
    let mut rest = template;
    let mut found = 0;
    while let Some(c) = rest.chars().next() {
        let at = template.len() - rest.len();
        match c {
            '{' => {
                let end = rest.find('}').ok_or(TemplateError::Brace { at })?;
                let name = &rest[1..end];
                if !known.contains(&name) {
                    return Err(TemplateError::Placeholder { at, name: name.to_owned() });
                }
                found += 1;
                rest = &rest[end + 1..];
            }
            '}' => return Err(TemplateError::Brace { at }),
            c if harmless(c, at) => rest = &rest[c.len_utf8()..],
            found => return Err(TemplateError::Character { at, found }),
        }
    }
    Ok(found)
}

/// Each `{name}` replaced once, from left to right; `None` if one has no value.
pub(super) fn fill(template: &str, mut value: impl FnMut(&str) -> Option<String>) -> Option<String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        out.push_str(before);
        out.push_str(&value(name)?);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

/// Whether this names a sound file and nothing else: letters, digits and `/_.-`.
#[must_use]
pub fn is_sound(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_.-".contains(&b))
}

/// A character that [`shown`] keeps as it is.
pub(super) fn is_shown(c: char) -> bool {
    static HARMLESS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^[\p{L}\p{M}0-9×’._+#:-]$").expect("a regular expression"));
    c.is_ascii_alphanumeric() || HARMLESS.is_match(c.encode_utf8(&mut [0; 4]))
}

/// What of a text from outside (a caller's name, an agent's name) may be put into a caller id or a variable of an `Originate`, in
/// at most `max` bytes: letters of any script, ASCII digits, blanks, and `× - . _ + # : ’`.
///
/// Quotes of one stroke become `’`, which no shell and no database takes for a quote. Everything else is left out: control and format
/// characters, double quotes, brackets and braces of every kind, and `$ , & | \ ; = / @ % ! ~ ^ *`. Blanks of every kind become one.
#[must_use]
pub fn shown(text: &str, max: usize) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let c = match c {
            '\'' | '`' | '´' | '‘' => '’',
            c if c.is_whitespace() => ' ',
            c => c,
        };
        let keep = match c {
            ' ' => !out.is_empty() && !out.ends_with(' '),
            c => is_shown(c),
        };
        if keep {
            if out.len() + c.len_utf8() > max {
                break;
            }
            out.push(c);
        }
    }
    out.truncate(out.trim_end().len());
    out
}
