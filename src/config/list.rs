//! Lists of tables, such as `[[webhook]]`: each table with its place, and the names that tell them apart.

use super::section::{Problems, Section, Text, nearest};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Longest name of a table that has a plain one, bytes.
const MAX_NAME: usize = 32;

/// What is said of a list, and how it is written.
pub(super) struct List<'t> {
    /// The key: `webhook`.
    pub(super) key: &'t str,
    /// One of it: `a webhook`.
    pub(super) one: &'t str,
    /// How a list is written.
    pub(super) help: &'t str,
    /// How one of its tables is written.
    pub(super) help_one: &'t str,
}

impl List<'_> {
    /// The tables of this value, each with its place; what is none, or no list, is a problem.
    pub(super) fn tables<'a, 'i>(
        &self,
        value: &'a Spanned<DeValue<'i>>,
        problems: &Problems,
    ) -> Vec<(&'a DeTable<'i>, Range<usize>)> {
        let DeValue::Array(items) = value.get_ref() else {
            let title = format!("`{}` must be a list of tables", self.key);
            problems.add(value.span(), title, "not a list", self.help);
            return Vec::new();
        };
        let mut tables = Vec::with_capacity(items.len());
        for item in items {
            match item.get_ref() {
                DeValue::Table(table) => tables.push((table, item.span())),
                _ => problems.add(item.span(), format!("{} must be a table", self.one), "not a table", self.help_one),
            }
        }
        tables
    }
}

/// The table's `name`, which must be short, plain and its own among those of `plural`, such as `webhooks`.
pub(super) fn plain_name(
    section: &Section<'_, '_>,
    (key, plural): (&str, &str),
    example: &str,
    taken: &mut BTreeSet<String>,
) -> Option<Text> {
    let name = section.text("name", example)?;
    let plain = name.value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if name.value.len() > MAX_NAME || !plain {
        let help = format!("use up to {MAX_NAME} letters, digits, `-`, `_` and `.`");
        section.problems.add(name.span.clone(), "`name` must be short and plain", "not plain", help);
    }
    if !taken.insert(name.value.clone()) {
        let title = format!("two {plural} have the name \"{}\"", name.value);
        section.problems.add(name.span.clone(), title, "taken", format!("give each [[{key}]] its own"));
    }
    Some(name)
}

/// Reports the keys without which a table in this place is of no use: each whether it was not understood, and an example. One that is there has
/// been reported already.
pub(super) fn needs(section: &Section<'_, '_>, one: &str, place: &Range<usize>, keys: &[(&str, bool, &str)]) {
    for (key, missing, example) in keys {
        if *missing && section.span(key).is_none() {
            let title = format!("{one} needs `{key}`");
            section.problems.add(place.clone(), title, "without it", format!("add {key} = {example}"));
        }
    }
}

/// Instead of a word that is none of these.
pub(super) fn instead_of<'c>(word: &str, known: impl Iterator<Item = &'c str> + Clone) -> String {
    let list = known.clone().collect::<Vec<_>>().join(", ");
    match nearest(word, known) {
        Some(near) => format!("did you mean \"{near}\"? There are {list}"),
        None => format!("there are {list}"),
    }
}

/// This host, an IPv6 address without its brackets, is this machine.
pub(super) fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}
