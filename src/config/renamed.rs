//! Keys under the names that they had in an earlier version: taken as what they are now, so that an upgrade does not stop the daemon.

use super::section::Problems;
use toml::de::{DeTable, DeValue};

/// In `[callback]` and `[callback.queue.NAME]`, of all PBXs or of one: the old name, and the new one.
const RENAMED: &[(&str, &str)] = &[("expire_promised", "expire_requested")];

/// A key that stands in the file under its old name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldName {
    /// The table, as `callback.queue.sales`.
    pub table: String,
    /// The name in the file.
    pub old: &'static str,
    /// The name since.
    pub new: &'static str,
}

/// Gives keys the names that they have now, and returns those that had another. Where both names stand in one table, nobody can tell which is meant.
pub(super) fn rename(root: &mut DeTable<'_>, problems: &Problems) -> Vec<OldName> {
    let mut found = Vec::new();
    callback(root, "", problems, &mut found);
    if let Some(DeValue::Array(pbxs)) = root.get_mut("pbx").map(|value| value.get_mut()) {
        for pbx in pbxs.iter_mut() {
            if let DeValue::Table(pbx) = pbx.get_mut() {
                callback(pbx, "pbx.", problems, &mut found);
            }
        }
    } else if let Some(pbx) = table(root, "pbx") {
        callback(pbx, "pbx.", problems, &mut found);
    }
    found
}

fn table<'t, 'i>(of: &'t mut DeTable<'i>, name: &str) -> Option<&'t mut DeTable<'i>> {
    match of.get_mut(name)?.get_mut() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

fn callback(of: &mut DeTable<'_>, prefix: &str, problems: &Problems, found: &mut Vec<OldName>) {
    let Some(callback) = table(of, "callback") else { return };
    keys(callback, &format!("{prefix}callback"), problems, found);
    for (name, queue) in table(callback, "queue").into_iter().flatten() {
        if let DeValue::Table(queue) = queue.get_mut() {
            keys(queue, &format!("{prefix}callback.queue.{}", name.get_ref()), problems, found);
        }
    }
}

fn keys(table: &mut DeTable<'_>, shown: &str, problems: &Problems, found: &mut Vec<OldName>) {
    for &(old, new) in RENAMED {
        let Some((mut key, value)) = table.remove_entry(old) else { continue };
        if table.contains_key(new) {
            let help = format!("`{old}` is the old name of `{new}`: keep only `{new}`");
            problems.add(key.span(), format!("`{old}` and `{new}` are the same key"), "given twice", help);
            continue;
        }
        *key.get_mut() = new.into();
        table.insert(key, value);
        found.push(OldName { table: shown.to_owned(), old, new });
    }
}
