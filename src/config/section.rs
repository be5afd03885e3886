//! One table of the file under reading: typed values out, a problem for whatever is not as it must be.

use super::KEYS;
use super::inherit::{PBX_TABLES, is_for_one_pbx};
use super::refusal::Problem;
use std::cell::RefCell;
use std::ops::Range;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// How alike two keys must be (Jaro-Winkler, 0 to 1) for one to be offered in place of the other.
const ALIKE: f64 = 0.8;

/// The problems found so far.
#[derive(Debug, Default)]
pub(super) struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    pub(super) fn add(
        &self,
        span: Range<usize>,
        title: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Problem { title: title.into(), span: Some(span), label: label.into(), help: help.into() });
    }

    /// Something outside of the file is wrong.
    pub(super) fn of_environment(&self, title: String, help: &str) {
        self.push(Problem { title, span: None, label: String::new(), help: help.to_owned() });
    }

    fn push(&self, problem: Problem) {
        let mut all = self.0.borrow_mut();
        // What several PBXs inherit is read once for each of them.
        let same = |p: &Problem| (&p.span, &p.label, &p.help) == (&problem.span, &problem.label, &problem.help);
        if !all.iter().any(same) {
            all.push(problem);
        }
    }

    pub(super) fn count(&self) -> usize {
        self.0.borrow().len()
    }

    /// Changes the titles of those that were found after the first `from`, by their places.
    pub(super) fn retitle(&self, from: usize, title: impl Fn(&Range<usize>, &str) -> String) {
        for problem in self.0.borrow_mut().iter_mut().skip(from) {
            if let Some(span) = &problem.span {
                problem.title = title(span, &problem.title);
            }
        }
    }

    pub(super) fn into_vec(self) -> Vec<Problem> {
        self.0.into_inner()
    }
}

/// A text value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) value: String,
    /// With its quotes.
    pub(super) span: Range<usize>,
}

impl Text {
    /// The place of a byte of the value, as far as the value has no escapes before it.
    pub(super) fn at(&self, offset: usize) -> Range<usize> {
        if self.span.len() != self.value.len() + 2 {
            return self.span.clone();
        }
        let start = self.span.start + 1 + offset.min(self.value.len());
        start..(start + 1).min(self.span.end)
    }
}

/// A table, or nothing where the file does not have it.
pub(super) struct Section<'a, 'i> {
    /// In [`KEYS`].
    name: &'static str,
    /// As it stands in the file: `callback.queue.sales` for `callback.queue.NAME`.
    shown: String,
    table: Option<&'a DeTable<'i>>,
    pub(super) problems: &'a Problems,
}

impl<'a, 'i> Section<'a, 'i> {
    /// Every key that this table does not know becomes a problem.
    pub(super) fn new(name: &'static str, table: Option<&'a DeTable<'i>>, problems: &'a Problems) -> Self {
        Self::named(name, name, table, problems)
    }

    /// The same for one of several tables of a kind.
    pub(super) fn named(
        name: &'static str,
        shown: &str,
        table: Option<&'a DeTable<'i>>,
        problems: &'a Problems,
    ) -> Self {
        let section = Self { name, shown: shown.to_owned(), table, problems };
        for (key, value) in table.into_iter().flatten() {
            // [hours] holds keys, and tables with names of the user's choice.
            let named = name == "hours" && matches!(value.get_ref(), DeValue::Table(_));
            if !named && !known(name).chain(tables(name)).any(|known| known == key.get_ref()) {
                section.unknown(key.get_ref(), key.span());
            }
        }
        section
    }

    fn unknown(&self, key: &str, span: Range<usize>) {
        let lower = key.to_ascii_lowercase().replace('-', "_");
        if self.name == "pbx" && ["secret", "password", "passwd", "passphrase"].contains(&lower.as_str()) {
            let help = "put the secret alone into a file that only callbackd can read (chmod 600) and name it: secret_file = \"…\"; \
                        or install it as /etc/callbackd/ami-secret for systemd's LoadCredential=ami-secret";
            return self.problems.add(
                span,
                "a secret must not stand in the configuration",
                "this can be read by too many",
                help,
            );
        }
        let nearest = nearest(key, known(self.name).chain(tables(self.name)));
        let elsewhere = KEYS.iter().find(|(section, keys)| *section != self.name && keys.contains(&lower.as_str()));
        let list = |name| known(name).collect::<Vec<_>>().join(", ");
        let help = match (nearest, elsewhere) {
            (Some(near), _) if near == lower => format!("write `{near}`"),
            (_, Some(("", _))) if lower == "version" => "`version` stands above all tables".to_owned(),
            (_, Some(("", _))) if header(&lower).starts_with("[[") => {
                format!("write {} above, with nothing around it", header(&lower))
            }
            (_, Some(("", _))) => format!("[{lower}] is a table of its own"),
            (_, Some(("gap", _))) if self.is_of_a_pbx() && is_for_one_pbx("gap", &lower) => {
                format!("`{lower}` belongs in [pbx.gap]: the files are those of one Asterisk")
            }
            (_, Some((section, _))) if self.is_of_a_pbx() && is_for_one_pbx(section, &lower) => {
                let (own, all) = (header(&format!("pbx.{section}")), header(section));
                format!("`{lower}` belongs in {own}, or for all PBXs in {all}")
            }
            (_, Some((section, _))) => format!("`{lower}` belongs in {}", header(section)),
            (Some(near), None) => format!("did you mean `{near}`?"),
            (None, None) if self.name.is_empty() => format!("the tables are {}", list("")),
            (None, None) => format!("the keys of {} are {}", header(&self.shown), list(self.name)),
        };
        if self.name.is_empty() {
            return self.problems.add(span, format!("unknown table or key `{key}`"), "unknown", help);
        }
        self.problems.add(span, format!("unknown key `{key}` in {}", header(&self.shown)), "unknown key", help);
    }

    fn is_of_a_pbx(&self) -> bool {
        self.name == "pbx" || self.shown.starts_with("pbx.")
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'i>>> {
        debug_assert!(known(self.name).any(|known| known == key), "{key} is not among the known keys of {}", self.name);
        self.table?.get(key)
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str, example: &str) {
        let found = value.get_ref().type_str();
        self.problems.add(
            value.span(),
            format!("`{key}` must be {wanted}"),
            format!("this is {}", article(found)),
            format!("for example: {key} = {example}"),
        );
    }

    /// Where the key's value stands.
    pub(super) fn span(&self, key: &str) -> Option<Range<usize>> {
        self.get(key).map(Spanned::span)
    }

    /// A text that is not empty.
    pub(super) fn text(&self, key: &str, example: &str) -> Option<Text> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::String(s) if s.trim().is_empty() => {
                self.problems.add(
                    value.span(),
                    format!("`{key}` must not be empty"),
                    "empty",
                    format!("for example: {key} = {example}; or leave the key out"),
                );
                None
            }
            DeValue::String(s) if s.contains(char::is_control) => {
                self.problems.add(
                    value.span(),
                    format!("`{key}` must not hold control characters"),
                    "line break, tab or the like",
                    "remove it",
                );
                None
            }
            DeValue::String(s) => Some(Text { value: s.to_string(), span: value.span() }),
            _ => {
                self.wrong_type(key, value, "a text in quotes", example);
                None
            }
        }
    }

    /// A text that may be empty.
    pub(super) fn text_or_empty(&self, key: &str, example: &str) -> Option<Text> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::String(s) if s.is_empty() => Some(Text { value: String::new(), span: value.span() }),
            _ => self.text(key, example),
        }
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        self.flag_or(key, false)
    }

    pub(super) fn flag_or(&self, key: &str, default: bool) -> bool {
        let Some(value) = self.get(key) else { return default };
        if let DeValue::Boolean(flag) = value.get_ref() {
            return *flag;
        }
        self.wrong_type(key, value, "true or false", "true");
        default
    }

    /// Where a number stands, and the number if it is a whole one.
    pub(super) fn integer(&self, key: &str) -> Option<(Range<usize>, Option<i64>)> {
        let value = self.get(key)?;
        let number = value.get_ref().as_integer();
        Some((value.span(), number.and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok())))
    }

    pub(super) fn number<N>(&self, key: &str, default: N, allowed: std::ops::RangeInclusive<N>) -> N
    where
        N: Copy + PartialOrd + std::fmt::Display + TryFrom<i64>,
    {
        let Some(value) = self.get(key) else { return default };
        let DeValue::Integer(number) = value.get_ref() else {
            self.wrong_type(key, value, "a whole number", &default.to_string());
            return default;
        };
        let found = i64::from_str_radix(number.as_str(), number.radix()).ok().and_then(|n| N::try_from(n).ok());
        match found {
            Some(number) if allowed.contains(&number) => number,
            _ => {
                let range = format!("{} to {}", allowed.start(), allowed.end());
                self.problems.add(
                    value.span(),
                    format!("`{key}` must be {range}"),
                    "out of range",
                    format!("the default is {default}"),
                );
                default
            }
        }
    }

    /// A duration such as `"30s"`, from zero to `max`.
    pub(super) fn duration(&self, key: &str, default: Duration, max: Duration) -> Duration {
        self.duration_in(key, default, Duration::ZERO..=max)
    }

    /// A duration within bounds.
    pub(super) fn duration_in(
        &self,
        key: &str,
        default: Duration,
        allowed: std::ops::RangeInclusive<Duration>,
    ) -> Duration {
        let (min, max) = allowed.into_inner();
        let example = format!("\"{}s\"", default.as_secs());
        let Some(value) = self.get(key) else { return default };
        if !matches!(value.get_ref(), DeValue::String(_)) {
            self.wrong_type(key, value, "a duration in quotes, with its unit", &example);
            return default;
        }
        let Some(text) = self.text(key, &example) else { return default };
        let refuse = |label: String, help: &str| {
            self.problems.add(text.span.clone(), format!("`{key}` is not a duration that can be used"), label, help);
            default
        };
        match text.value.parse::<jiff::SignedDuration>() {
            Err(_) => refuse(
                "not a duration".to_owned(),
                "write a number with its unit: \"500ms\", \"30s\", \"5m\", \"4h\", \"1h 30m\"",
            ),
            Ok(found) if found.is_negative() => refuse("negative".to_owned(), "a duration cannot be less than \"0s\""),
            Ok(found) => match Duration::try_from(found) {
                Ok(found) if found < min => refuse(format!("shorter than {}", in_words(min)), "use a longer duration"),
                Ok(found) if found <= max => found,
                _ => refuse(format!("longer than {}", in_words(max)), "use a shorter duration"),
            },
        }
    }

    /// A duration within bounds that may be given in days and weeks; `None` where the file says `"forever"`.
    pub(super) fn days(
        &self,
        key: &str,
        default: Option<Duration>,
        allowed: std::ops::RangeInclusive<Duration>,
    ) -> Option<Duration> {
        let (min, max) = allowed.into_inner();
        let Some(value) = self.get(key) else { return default };
        if !matches!(value.get_ref(), DeValue::String(_)) {
            self.wrong_type(key, value, "a duration in quotes, with its unit", "\"400d\"");
            return default;
        }
        let text = self.text(key, "\"400d\"")?;
        if text.value == "forever" {
            return None;
        }
        let span: Option<jiff::Span> = text.value.parse().ok();
        let found = span.and_then(|span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok());
        let (label, help) = match found.map(Duration::try_from) {
            None => ("not a duration", "write a number with its unit: \"400d\", \"52w\"; or \"forever\""),
            Some(Ok(found)) if (min..=max).contains(&found) => return Some(found),
            Some(Ok(found)) if found > max => ("longer than 100 years", "write \"forever\" to keep everything"),
            Some(_) => ("shorter than a day", "use \"1d\" or more; write \"forever\" to keep everything"),
        };
        self.problems.add(text.span, format!("`{key}` is not a duration that can be used"), label, help);
        default
    }

    /// The same where `"forever"` means nothing.
    pub(super) fn days_in(
        &self,
        key: &str,
        default: Duration,
        allowed: std::ops::RangeInclusive<Duration>,
    ) -> Duration {
        let (min, max) = allowed.into_inner();
        let Some(value) = self.get(key) else { return default };
        let DeValue::String(text) = value.get_ref() else {
            self.wrong_type(key, value, "a duration in quotes, with its unit", "\"30m\"");
            return default;
        };
        let span: Option<jiff::Span> = text.parse().ok();
        let found = span.and_then(|span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok());
        match found.and_then(|found| Duration::try_from(found).ok()).filter(|found| (min..=max).contains(found)) {
            Some(found) => found,
            None => {
                let label = format!("not a duration from {} to {}", in_words(min), in_words(max));
                let help = "write a number with its unit: \"30m\", \"4h\", \"7d\"";
                self.problems.add(value.span(), format!("`{key}` is not a duration that can be used"), label, help);
                default
            }
        }
    }

    /// Reports that this list has nothing in it, where it would stand for nothing at all.
    pub(super) fn not_empty(&self, key: &str, is_empty: bool, help: &str) {
        if let Some(at) = self.span(key).filter(|_| is_empty) {
            self.problems.add(at, format!("`{key}` is an empty list"), "empty", help);
        }
    }

    /// Texts, each with its place.
    pub(super) fn texts(&self, key: &str, example: &str) -> Option<Vec<Text>> {
        let value = self.get(key)?;
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(key, value, "a list of texts", example);
            return None;
        };
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            match item.get_ref() {
                DeValue::String(s) if !s.trim().is_empty() && !s.contains(char::is_control) => {
                    out.push(Text { value: s.to_string(), span: item.span() });
                }
                DeValue::String(_) => self.problems.add(
                    item.span(),
                    format!("`{key}` must not hold empty texts or control characters"),
                    "this one",
                    format!("for example: {key} = {example}"),
                ),
                _ => self.wrong_type(key, item, "a list of texts", example),
            }
        }
        Some(out)
    }

    /// The tables in the table `key`, by their names.
    pub(super) fn tables(&self, key: &str) -> Vec<(&'a Spanned<std::borrow::Cow<'i, str>>, &'a DeTable<'i>)> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let DeValue::Table(tables) = value.get_ref() else {
            self.wrong_table(key, value);
            return Vec::new();
        };
        let mut out = Vec::new();
        for (name, value) in tables {
            match value.get_ref() {
                DeValue::Table(table) => out.push((name, table)),
                _ => self.wrong_table(&format!("{key}.{}", name.get_ref()), value),
            }
        }
        out
    }

    /// The table `key` itself.
    pub(super) fn table(&self, key: &str) -> Option<&'a DeTable<'i>> {
        let value = self.get(key)?;
        if let DeValue::Table(table) = value.get_ref() {
            return Some(table);
        }
        self.wrong_table(key, value);
        None
    }

    fn wrong_table(&self, key: &str, value: &Spanned<DeValue<'_>>) {
        self.problems.add(
            value.span(),
            format!("`{key}` must be a table"),
            "not a table",
            format!("write [{}.{key}] on a line of its own and the keys below it", self.shown),
        );
    }

    pub(super) fn globs(&self, key: &str, default: Vec<String>) -> Vec<String> {
        let Some(value) = self.get(key) else { return default };
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(key, value, "a list of texts", "[\"from-trunk*\"]");
            return default;
        };
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            match item.get_ref() {
                DeValue::String(glob) => match glob_fault(glob) {
                    Some(fault) => self.problems.add(
                        item.span(),
                        format!("`{glob}` in `{key}` is not a pattern for names"),
                        fault,
                        "`*` stands for any characters and `?` for one; everything else stands for itself",
                    ),
                    None => out.push(glob.to_string()),
                },
                _ => self.wrong_type(key, item, "a list of texts", "[\"from-trunk*\"]"),
            }
        }
        out
    }
}

fn in_words(duration: Duration) -> String {
    format!("{:#}", jiff::SignedDuration::try_from(duration).unwrap_or_default())
}

/// The keys that a table knows; the tables themselves under `""`.
fn known(section: &str) -> impl Iterator<Item = &'static str> + use<> {
    let keys: &[&str] = KEYS.iter().find(|(name, _)| *name == section).map_or(&[], |(_, keys)| keys);
    keys.iter().copied()
}

/// The tables that it knows besides.
fn tables(section: &str) -> impl Iterator<Item = &'static str> + use<> {
    let tables: &[&str] = if section == "pbx" { &PBX_TABLES } else { &[] };
    tables.iter().copied()
}

/// The candidate that is most like `word`, if any is like it.
pub(super) fn nearest<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let word = word.to_ascii_lowercase().replace('-', "_");
    candidates
        .map(|c| (strsim::jaro_winkler(&word, &c.to_ascii_lowercase()), c))
        .filter(|(score, _)| *score >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, c)| c)
}

fn glob_fault(glob: &str) -> Option<&'static str> {
    if glob.trim().is_empty() {
        return Some("empty");
    }
    if glob.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Some("names have no spaces");
    }
    glob.contains(['^', '$', '[', ']', '{', '}', '|', '\\', '(', ')']).then_some("this looks like a regular expression")
}

/// As a table's first line is written: there are several agents, webhooks and sinks, and each has a table.
fn header(shown: &str) -> String {
    let several = ["agents", "pbx.agents", "webhook", "code", "code.rule", "sink"].contains(&shown);
    if several { format!("[[{shown}]]") } else { format!("[{shown}]") }
}

fn article(type_name: &str) -> String {
    let vowel = type_name.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {type_name}", if vowel { "an" } else { "a" })
}
