//! The schema in PostgreSQL: numbered files that make it, and how the one that is there is known.

use super::Fault;
use std::fmt::Write as _;
use tokio_postgres::Client;

/// What each version adds to the one before it. A file that has been released is never changed.
const MIGRATIONS: [&str; 3] = [include_str!("0001.sql"), include_str!("0002.sql"), include_str!("0003.sql")];

/// The version that this program writes.
pub(crate) const VERSION: i32 = 3;

/// The first version whose writers can write this one.
const WRITERS_FROM: i32 = 1;

/// What brings the schema from a version (0: there is none) to [`VERSION`], and lets `role` write, in one transaction.
pub(crate) fn script(from: i32, role: &str) -> String {
    let role = quoted(role);
    let mut sql = String::from("BEGIN;\n");
    for (version, migration) in (1..).zip(MIGRATIONS).filter(|(version, _)| *version > from) {
        // Writing into a text cannot fail.
        let _ = write!(
            sql,
            "\n-- Version {version}\n{migration}\nINSERT INTO callbackd.sink_schema (version, writers_from) VALUES ({version}, {WRITERS_FROM});\n"
        );
    }
    let _ = write!(
        sql,
        "
-- Who writes: rows are added and replaced, nothing else. What rows replace is removed by the functions.
GRANT USAGE ON SCHEMA callbackd TO {role};
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA callbackd TO {role};
REVOKE INSERT, UPDATE ON callbackd.sink_schema FROM {role};
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA callbackd FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA callbackd TO {role};

COMMIT;
"
    );
    sql
}

/// A name as SQL has it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The version that is there; 0 if there is none.
pub(crate) async fn found(client: &Client) -> Result<i32, Fault> {
    let there = client.query_one("SELECT to_regclass('callbackd.sink_schema') IS NOT NULL", &[]).await;
    if !there.map_err(Fault::of_schema)?.try_get::<_, bool>(0)? {
        return Ok(0);
    }
    let version = client.query_one("SELECT coalesce(max(version), 0) FROM callbackd.sink_schema", &[]).await;
    Ok(version.map_err(Fault::of_schema)?.try_get(0)?)
}

/// Whether this program can write there.
///
/// # Errors
/// Why not.
pub(crate) async fn check(client: &Client) -> Result<(), Fault> {
    let encoding: String = client.query_one("SHOW server_encoding", &[]).await?.try_get(0)?;
    if encoding != "UTF8" {
        return Err(Fault::Encoding(encoding));
    }
    let newest = "SELECT version, writers_from FROM callbackd.sink_schema ORDER BY version DESC LIMIT 1";
    let newest = client.query_opt(newest, &[]).await.map_err(Fault::of_schema)?.ok_or(Fault::NoSchema)?;
    match (newest.try_get(0)?, newest.try_get(1)?) {
        (version, _) if version < VERSION => Err(Fault::Older(version)),
        (version, from) if VERSION < from => Err(Fault::Newer(version)),
        _ => Ok(()),
    }
}

/// Brings the schema to [`VERSION`] if it is older, and lets `role` write. Returns the version that was there.
///
/// # Errors
/// The user may not, or there is no such role: nothing is changed then.
pub(crate) async fn apply(client: &Client, role: &str) -> Result<i32, Fault> {
    let found = found(client).await?;
    client.batch_execute(&script(found, role)).await?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::copies::{Kind, Of, copies};
    use std::collections::BTreeMap;

    /// Of each table of the files: its columns and their types.
    fn tables() -> BTreeMap<String, Vec<(String, String)>> {
        let mut tables: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        let mut at = None;
        for line in MIGRATIONS.iter().flat_map(|sql| sql.lines()) {
            if let Some(rest) = line.strip_prefix("CREATE TABLE callbackd.") {
                at = Some(rest.split(' ').next().unwrap().to_owned());
            } else if let Some(table) = line.strip_prefix("ALTER TABLE callbackd.") {
                at = Some(table.to_owned());
            } else if line.starts_with(')') {
                at = None;
            } else if let Some(table) = &at {
                let mut words = line.trim_start().trim_start_matches("ADD COLUMN ").split_whitespace();
                let is_last = line.ends_with(';');
                let (Some(name), Some(kind)) = (words.next(), words.next()) else { continue };
                if name.chars().all(|c| c.is_lowercase() || c == '_' || c == '"' || c.is_ascii_digit()) {
                    let kind = kind.trim_end_matches([',', ';']).to_owned();
                    tables.entry(table.clone()).or_default().push((name.trim_matches('"').to_owned(), kind));
                }
                if is_last {
                    at = None;
                }
            }
        }
        tables
    }

    #[test]
    fn each_table_has_the_columns_that_it_has_here_behind_site_incarnation_and_database() {
        let tables = tables();
        for table in copies() {
            let mut expected = vec!["site text", "incarnation integer", "db_uuid text"];
            if table.of == Of::Call {
                expected.extend(["pbx text", "linkedid text"]);
            }
            let mut expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
            expected.extend(table.columns.iter().map(|(name, kind)| {
                let kind = match kind {
                    Kind::Int => "bigint",
                    Kind::Text => "text",
                    Kind::Real => "double",
                };
                format!("{name} {kind}")
            }));
            let found: Vec<String> = tables[table.name].iter().map(|(name, kind)| format!("{name} {kind}")).collect();
            assert_eq!(found, expected, "{}: what is new comes into a file of its own, the next version", table.name);
        }
    }

    #[test]
    fn each_table_column_and_view_says_what_it_is() {
        let all = MIGRATIONS.concat();
        for (table, columns) in tables() {
            assert!(all.contains(&format!("COMMENT ON TABLE callbackd.{table} IS '")), "{table}");
            for (column, _) in columns {
                let column = if ["by", "group"].contains(&column.as_str()) { format!("\"{column}\"") } else { column };
                assert!(
                    all.contains(&format!("COMMENT ON COLUMN callbackd.{table}.{column} IS '")),
                    "{table}.{column}"
                );
            }
        }
        for view in all.lines().filter_map(|line| line.strip_prefix("CREATE VIEW callbackd.")) {
            let view = view.split(' ').next().unwrap();
            assert!(all.contains(&format!("COMMENT ON VIEW callbackd.{view} IS '")), "{view}");
        }
    }

    #[test]
    fn a_script_names_its_role_as_sql_has_it_and_leaves_out_what_is_there() {
        let whole = script(0, "head\"office");
        assert!(whole.contains("TO \"head\"\"office\";") && whole.contains("CREATE SCHEMA callbackd"), "{whole}");
        assert!(!script(VERSION, "x").contains("CREATE "));
        assert_eq!(usize::try_from(VERSION).unwrap(), MIGRATIONS.len());
    }
}
