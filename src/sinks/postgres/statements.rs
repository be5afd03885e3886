//! One statement for each table, which takes its rows as arrays.

use crate::store::copies::{Kind, Of, Table};

/// The columns that each table has before those that it has here.
const BEFORE: [&str; 3] = ["site", "incarnation", "db_uuid"];

/// Adds rows that are new. Its parameters: site, incarnation and identity of the database, then an array for each column.
pub(super) fn insert(table: &Table) -> String {
    let columns = columns(table);
    let arrays: Vec<String> =
        (4..).zip(&columns).map(|(n, (_, kind))| format!("${n}::{}[]", of_postgres(*kind))).collect();
    format!(
        "INSERT INTO callbackd.{} AS t ({}, {}) SELECT $1::text, $2::integer, $3::text, u.* FROM unnest({}) AS u",
        table.name,
        BEFORE.join(", "),
        names(&columns).join(", "),
        arrays.join(", "),
    )
}

/// Adds rows as [`insert`] does, or puts them in the place of older ones. Of calls it returns which were written, and whether they are new.
pub(super) fn upsert(table: &Table) -> String {
    let names = names(&columns(table));
    let conflict: Vec<String> = table.key_there.iter().map(|key| format!("\"{key}\"")).collect();
    let replaced = BEFORE[1..].iter().map(|name| format!("\"{name}\"")).chain(names.iter().cloned());
    let replaced = replaced.filter(|name| !conflict.contains(name)).map(|name| format!("{name} = excluded.{name}"));
    let replaced: Vec<String> = replaced.collect();
    let returning = if table.name == "calls" { " RETURNING t.pbx, t.linkedid, t.xmax = 0" } else { "" };
    format!(
        "{} ON CONFLICT (site, {}) DO UPDATE SET {} WHERE {}{returning}",
        insert(table),
        conflict.join(", "),
        replaced.join(", "),
        newer(table, &names),
    )
}

/// Those that a table has here, behind the keys of the call where its rows belong to one.
fn columns(table: &Table) -> Vec<(&str, Kind)> {
    let keys = if table.of == Of::Call { vec![("pbx", Kind::Text), ("linkedid", Kind::Text)] } else { Vec::new() };
    keys.into_iter().chain(table.columns.iter().map(|(name, kind)| (name.as_str(), *kind))).collect()
}

fn names(columns: &[(&str, Kind)]) -> Vec<String> {
    columns.iter().map(|(name, _)| format!("\"{name}\"")).collect()
}

/// When a row takes the place of the one that is there. Rows with `rev` are newer by it; which callback a missed call belongs to is written into
/// its row without a new `rev`. Others have none: a database reads each as it is, so what it says is newer than what it said before.
fn newer(table: &Table, names: &[String]) -> String {
    let has_rev = table.columns.iter().any(|(name, _)| name == "rev");
    let same = if has_rev {
        "(t.incarnation, t.rev) = (excluded.incarnation, excluded.rev)"
    } else {
        "t.incarnation = excluded.incarnation"
    };
    let later = if has_rev {
        "(t.incarnation, t.rev) < (excluded.incarnation, excluded.rev)"
    } else {
        "t.incarnation < excluded.incarnation"
    };
    let compared = match (table.name, has_rev) {
        ("calls", _) => "t.callback_id IS DISTINCT FROM excluded.callback_id".to_owned(),
        (_, true) => return later.to_owned(),
        (_, false) => {
            let of = |row: &str| names.iter().map(|name| format!("{row}.{name}")).collect::<Vec<_>>().join(", ");
            format!("({}) IS DISTINCT FROM ({})", of("t"), of("excluded"))
        }
    };
    format!("{later} OR {same} AND {compared}")
}

fn of_postgres(kind: Kind) -> &'static str {
    match kind {
        Kind::Int => "bigint",
        Kind::Text => "text",
        Kind::Real => "double precision",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::copies::copies;

    fn of(name: &str) -> String {
        upsert(copies().iter().find(|table| table.name == name).unwrap())
    }

    #[test]
    fn a_row_gives_way_to_a_later_incarnation_or_writing_alone() {
        let calls = of("calls");
        assert!(calls.contains("ON CONFLICT (site, \"pbx\", \"linkedid\") DO UPDATE SET"), "{calls}");
        assert!(calls.contains(
            "WHERE (t.incarnation, t.rev) < (excluded.incarnation, excluded.rev) OR (t.incarnation, t.rev) = (excluded.incarnation, excluded.rev) AND t.callback_id IS DISTINCT"
        ), "{calls}");
        let callbacks = of("callbacks");
        assert!(callbacks.contains("ON CONFLICT (site, \"db_uuid\", \"id\")"), "{callbacks}");
        assert!(
            callbacks.ends_with("WHERE (t.incarnation, t.rev) < (excluded.incarnation, excluded.rev)"),
            "{callbacks}"
        );
        assert!(!callbacks.contains("\"db_uuid\" = excluded"), "the key stays: {callbacks}");
        assert!(of("legs").contains("(site, incarnation, db_uuid, \"pbx\", \"linkedid\", \"call_id\", \"n\","));
    }
}
