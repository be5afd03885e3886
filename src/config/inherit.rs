//! One PBX's share of the file: what stands below its `[[pbx]]` in place of what stands for all.

use super::section::{Problems, Section};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Tables that may stand below a PBX.
pub(super) const PBX_TABLES: [&str; 6] = ["calls", "numbers", "hours", "callback", "agents", "gap"];

/// Those of them that are inherited where they do not: Asterisk's files are of one PBX.
const INHERITED: [&str; 5] = ["calls", "numbers", "hours", "callback", "agents"];

/// Keys of `[callback]` about all PBXs together. A customer may be missed on several, is called back once, and costs us and bothers them as
/// often as is said for all; there is one line of callbacks; and what counts as having talked with a customer closes it for all PBXs.
pub(super) const OVERALL: [&str; 7] =
    ["max_active", "order", "min_talk", "daily", "daily_per_number", "daily_per_prefix", "prefix_digits"];

/// A key of this table may be given for one PBX.
pub(super) fn is_for_one_pbx(table: &str, key: &str) -> bool {
    let (first, rest) = table.split_once('.').map_or((table, ""), |(first, rest)| (first, rest));
    let overall = first == "callback" && rest.is_empty() && OVERALL.contains(&key);
    PBX_TABLES.contains(&first) && !overall && (table, key) != ("gap", "pbx")
}

/// Where settings are read from: the file, or what a PBX makes of it.
pub(super) struct Source<'a, 'i> {
    /// The tables.
    pub(super) root: &'a DeTable<'i>,
    /// The PBX's own among them.
    pub(super) own: Option<&'a DeTable<'i>>,
    pub(super) problems: &'a Problems,
}

impl<'a, 'i> Source<'a, 'i> {
    /// A table's name as it stands in the file: `pbx.calls` where the PBX has its own.
    pub(super) fn shown(&self, path: &[&str]) -> String {
        let mut at = self.own;
        let mut found = at.is_some();
        for name in path {
            let value = at.and_then(|table| table.get(*name));
            found &= value.is_some();
            at = value.and_then(|value| value.get_ref().as_table());
        }
        let path = path.join(".");
        if found { format!("pbx.{path}") } else { path }
    }

    /// One of the tables, or nothing where there is none.
    pub(super) fn section(&self, name: &'static str) -> Section<'a, 'i> {
        let shown = self.shown(&[name]);
        let table = self.root.get(name).and_then(|value| match value.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => {
                let help = format!("write [{shown}] on a line of its own and the keys below it");
                self.problems.add(value.span(), format!("`{name}` must be a table"), "not a table", help);
                None
            }
        });
        Section::named(name, &shown, table, self.problems)
    }
}

/// The tables that hold for a PBX: those of the file, with its own in their place. `[pbx.calls]`, `[pbx.numbers]`, `[pbx.hours]` and
/// `[pbx.callback]` key by key; a list, a table `[pbx.hours.NAME]`, `[pbx.callback.queue.NAME]`, `[pbx.callback.retry]` or
/// `[pbx.callback.did]`, and `[[pbx.agents]]` as a whole.
pub(super) fn overlaid<'i>(root: &DeTable<'i>, pbx: &DeTable<'i>, problems: &Problems) -> DeTable<'i> {
    let mut own = DeTable::new();
    for (name, value) in pbx.iter().filter(|(name, _)| INHERITED.contains(&name.get_ref().as_ref())) {
        let mut value = value.clone();
        if name.get_ref() == "callback"
            && let DeValue::Table(callback) = value.get_mut()
        {
            refuse_overall(callback, problems);
        }
        own.insert(name.clone(), value);
    }
    let mut all = DeTable::new();
    for (name, value) in root.iter().filter(|(name, _)| INHERITED.contains(&name.get_ref().as_ref())) {
        all.insert(name.clone(), value.clone());
    }
    put(&mut all, own, &|name| match name {
        "callback" => Below::Tables("queue"),
        "agents" => Below::Whole,
        _ => Below::Keys,
    });
    all
}

/// How a value is put in another's place.
#[derive(Clone, Copy)]
enum Below {
    /// As a whole.
    Whole,
    /// A table key by key.
    Keys,
    /// A table key by key, and the tables in the one of this name each as a whole.
    Tables(&'static str),
}

fn put<'i>(into: &mut DeTable<'i>, own: DeTable<'i>, how: &dyn Fn(&str) -> Below) {
    for (name, value) in own {
        // The key of a map is kept where its value is replaced, and with it its place in the file.
        let before = into.remove(name.get_ref().as_ref());
        let value = match (before.map(Spanned::into_inner), how(name.get_ref()), value.span(), value.into_inner()) {
            (Some(DeValue::Table(mut before)), below @ (Below::Keys | Below::Tables(_)), span, DeValue::Table(own)) => {
                put(&mut before, own, &|key| match below {
                    Below::Tables(tables) if key == tables => Below::Keys,
                    _ => Below::Whole,
                });
                Spanned::new(span, DeValue::Table(before))
            }
            (_, _, span, own) => Spanned::new(span, own),
        };
        into.insert(name, value);
    }
}

fn refuse_overall(callback: &mut DeTable<'_>, problems: &Problems) {
    for key in OVERALL {
        if let Some((name, _)) = callback.remove_entry(key) {
            problems.add(
                name.span(),
                format!("`{key}` cannot be set for one PBX"),
                "it holds for all PBXs together",
                format!("move it to [callback]: a customer may be missed on several PBXs and gets one callback, so `{key}` is theirs in common"),
            );
        }
    }
}

/// The places of everything in a table.
pub(super) fn places(table: &DeTable<'_>) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    for (name, value) in table {
        out.extend([name.span(), value.span()]);
        let tables = match value.get_ref() {
            DeValue::Table(table) => vec![table],
            DeValue::Array(items) => items.iter().filter_map(|item| item.get_ref().as_table()).collect(),
            _ => Vec::new(),
        };
        out.extend(tables.into_iter().flat_map(places));
    }
    out
}
