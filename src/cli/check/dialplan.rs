//! The dialplan as `ShowDialPlan` lists it: which extensions a context takes, by itself and by what it includes, and what it does with them.

use callbackd_core::ami::Frame;
use std::collections::{BTreeMap, BTreeSet};

/// A customer's number has at least so many digits; what is shorter is a service, or an extension.
const NUMBER: usize = 5;

/// What `ShowDialPlan` listed (`main/pbx.c`, `manager_show_dialplan_helper`).
#[derive(Debug, Clone, Default)]
pub(crate) struct Dialplan(BTreeMap<String, Context>);

/// A context of the dialplan.
#[derive(Debug, Clone, Default)]
pub(crate) struct Context {
    /// Extensions and patterns with their steps in order; a hint is none.
    pub(crate) extensions: BTreeMap<String, Vec<Step>>,
    /// Contexts that it includes.
    pub(crate) includes: BTreeSet<String>,
    /// Devices that its hints watch.
    pub(crate) hints: BTreeSet<String>,
    /// Something beyond the list (another Asterisk, a database) decides, too.
    is_switched: bool,
}

/// One priority of an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// The application, in small letters.
    pub(crate) application: String,
    /// Its arguments.
    pub(crate) data: String,
}

impl Dialplan {
    /// Takes one item of the list.
    pub(crate) fn take(&mut self, item: &Frame) {
        let text = |key| item.text(key).map(|text| text.into_owned());
        let Some(name) = text("Context") else { return };
        let context = self.0.entry(name).or_default();
        // Behind a comma stands when it is included.
        let included = text("IncludeContext");
        context.includes.extend(included.and_then(|name| Some(name.split([',', '|']).next()?.to_owned())));
        context.is_switched |= item.get("Switch").is_some();
        match (text("Priority"), text("Extension")) {
            (Some(priority), _) if priority == "hint" => {
                let devices = text("Application").unwrap_or_default();
                context.hints.extend(devices.split(['&', ',']).map(str::to_owned));
            }
            (Some(_), Some(extension)) => {
                let application = text("Application").unwrap_or_default().to_ascii_lowercase();
                // Asterisk lists the priorities of an extension in their order.
                let steps = context.extensions.entry(extension).or_default();
                steps.push(Step { application, data: text("AppData").unwrap_or_default() });
            }
            _ => {}
        }
    }

    /// The context of this name, if it is in the list.
    #[must_use]
    pub(crate) fn context(&self, name: &str) -> Option<&Context> {
        self.0.get(name)
    }

    /// The same with its name.
    #[must_use]
    pub(crate) fn named(&self, name: &str) -> Option<(&str, &Context)> {
        self.0.get_key_value(name).map(|(name, context)| (name.as_str(), context))
    }

    /// All contexts by name.
    pub(crate) fn contexts(&self) -> impl Iterator<Item = (&str, &Context)> {
        self.0.iter().map(|(name, context)| (name.as_str(), context))
    }

    /// Whether this context takes this extension; `None` if that is not in the list.
    #[must_use]
    pub(crate) fn takes(&self, context: &str, extension: &str) -> Option<bool> {
        self.any(context, |pattern| fits(pattern, extension))
    }

    /// Whether this context takes numbers of customers, whichever; `None` if that is not in the list.
    #[must_use]
    pub(crate) fn takes_numbers(&self, context: &str) -> Option<bool> {
        self.any(context, fits_numbers)
    }

    fn any(&self, context: &str, is_so: impl Fn(&str) -> bool) -> Option<bool> {
        let (mut seen, mut ahead) = (BTreeSet::new(), vec![context]);
        let mut is_switched = false;
        while let Some(name) = ahead.pop() {
            let Some(context) = self.0.get(name).filter(|_| seen.insert(name)) else { continue };
            if context.extensions.keys().any(|pattern| is_so(pattern)) {
                return Some(true);
            }
            is_switched |= context.is_switched;
            ahead.extend(context.includes.iter().map(String::as_str));
        }
        (!is_switched).then_some(false)
    }
}

/// One place of a pattern (`main/pbx.c`, `_extension_match_core`).
enum Place<'a> {
    /// `X`, `Z`, `N`: digits from this one up to 9.
    From(char),
    /// `[1-37]`
    Of(&'a str),
    /// Itself.
    Is(char),
    /// `.`: one or more of anything; `!`: none or more.
    Rest { least: usize },
}

impl Place<'_> {
    fn takes(&self, digit: char) -> bool {
        match self {
            Self::From(least) => (*least..='9').contains(&digit),
            Self::Of(set) => {
                let set: Vec<char> = set.chars().collect();
                let mut rest = &set[..];
                loop {
                    rest = match rest {
                        [from, '-', to, ..] if (*from..=*to).contains(&digit) => return true,
                        [_, '-', _, behind @ ..] => behind,
                        [one, ..] if *one == digit => return true,
                        [_, behind @ ..] => behind,
                        [] => return false,
                    }
                }
            }
            Self::Is(own) => *own == digit,
            Self::Rest { .. } => true,
        }
    }
}

/// The places of a pattern without its `_`: what stands behind `/` is about the caller, and a dash is only for people.
fn places(pattern: &str) -> Vec<Place<'_>> {
    let (mut out, mut rest) = (Vec::new(), pattern.split('/').next().unwrap_or_default());
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        out.push(match c {
            '-' => continue,
            'X' | 'x' => Place::From('0'),
            'Z' | 'z' => Place::From('1'),
            'N' | 'n' => Place::From('2'),
            '.' => Place::Rest { least: 1 },
            '!' => Place::Rest { least: 0 },
            '[' => {
                let (set, behind) = rest.split_once(']').unwrap_or((rest, ""));
                rest = behind;
                if set.is_empty() {
                    continue;
                }
                Place::Of(set)
            }
            c => Place::Is(c),
        });
        if matches!(out.last(), Some(Place::Rest { .. })) {
            break; // nothing counts behind it
        }
    }
    out
}

fn fits(pattern: &str, extension: &str) -> bool {
    let Some(pattern) = pattern.strip_prefix('_') else {
        let bare = |text: &str| text.split('/').next().unwrap_or_default().replace('-', "");
        return bare(pattern) == bare(extension);
    };
    let mut digits = extension.chars().filter(|c| *c != '-');
    for place in places(pattern) {
        if let Place::Rest { least } = place {
            return digits.count() >= least;
        }
        if !digits.next().is_some_and(|digit| place.takes(digit)) {
            return false;
        }
    }
    digits.next().is_none()
}

/// A pattern that some number fits, perhaps with a `+` before it.
fn fits_numbers(pattern: &str) -> bool {
    let Some(pattern) = pattern.strip_prefix('_') else { return false };
    let places = places(pattern);
    let of_digits = |place: &Place<'_>| ('0'..='9').any(|digit| place.takes(digit));
    let digits = match places.first() {
        Some(Place::Is('+')) => &places[1..],
        _ => &places[..],
    };
    let is_long = digits.len() >= NUMBER || matches!(digits.last(), Some(Place::Rest { .. }));
    is_long && digits.iter().all(of_digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_as_asterisk_reads_it() {
        for (pattern, extension, is_so) in [
            ("101", "101", true),
            ("101", "1012", false),
            ("5-5-5", "555", true),
            ("_1XX", "101", true),
            ("_1XX", "1012", false),
            ("_1XX", "10", false),
            ("_NXX", "101", false),
            ("_ZXX", "001", false),
            ("_[1-37]X", "25", true),
            ("_[1-37]X", "75", true),
            ("_[1-37]X", "55", false),
            ("_X.", "1", false),
            ("_X.", "12", true),
            ("_X!", "1", true),
            ("_.", "s", true),
            ("_X.tail", "12", true),
            ("_1XX/5550100", "101", true),
            ("_+X.", "+12", true),
            ("s", "101", false),
        ] {
            assert_eq!(fits(pattern, extension), is_so, "{pattern} {extension}");
        }
    }

    #[test]
    fn a_pattern_for_numbers_is_long_enough_and_takes_digits() {
        for (pattern, is_so) in [
            ("_X.", true),
            ("_9NXXXXXX", true),
            ("_+X.", true),
            ("_1XX", false),
            ("911", false),
            ("_*7X.", false),
            ("s", false),
            ("_NXXNXXXXXX", true),
        ] {
            assert_eq!(fits_numbers(pattern), is_so, "{pattern}");
        }
    }
}
