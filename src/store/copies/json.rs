//! Rows as JSON: `{"calls": {"columns": ["id", …], "rows": [[812, …], …]}, …}`.

use super::read::{Rows, Values};
use super::tables::{Of, copies};
use serde_json::{Map, Value, json};

/// The columns that rows of a call begin with.
const OF_CALL: [&str; 2] = ["pbx", "linkedid"];

/// What is no rows, and why.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotRows {
    /// The shape is another.
    #[error("its rows are not as rows are")]
    Shape,
    /// There is no such table here.
    #[error("it has a table {0}, which is not known here")]
    Table(String),
    /// There is no such column here.
    #[error("it has a column {0}, which is not known here")]
    Column(String),
    /// A value of another kind.
    #[error("it has a value in {0} that does not belong there")]
    Value(String),
}

/// Writes them.
pub(crate) fn write(tables: &[Rows]) -> Value {
    let table = |rows: &Rows| {
        let before = if rows.table.of == Of::Call { OF_CALL.as_slice() } else { &[] };
        let columns: Vec<&str> =
            before.iter().copied().chain(rows.table.columns.iter().map(|(name, _)| name.as_str())).collect();
        let lines = (0..rows.count).map(|row| rows.values.iter().map(|values| value(values, row)).collect::<Vec<_>>());
        (rows.table.name.to_owned(), json!({ "columns": columns, "rows": lines.collect::<Vec<_>>() }))
    };
    Value::Object(tables.iter().map(table).collect::<Map<String, Value>>())
}

fn value(values: &Values, row: usize) -> Value {
    match values {
        Values::Int(values) => json!(values.get(row).copied().flatten()),
        Values::Real(values) => json!(values.get(row).copied().flatten()),
        Values::Text(values) => json!(values.get(row).cloned().flatten()),
    }
}

/// Reads them, in the order of [`copies`]. Columns that are missing hold nothing.
///
/// # Errors
/// See [`NotRows`].
pub(crate) fn read(json: &Value) -> Result<Vec<Rows>, NotRows> {
    let tables = json.as_object().ok_or(NotRows::Shape)?;
    if let Some(unknown) = tables.keys().find(|name| !copies().iter().any(|table| table.name == name.as_str())) {
        return Err(NotRows::Table(shown(unknown)));
    }
    let mut all = Vec::new();
    for table in copies() {
        let Some(json) = tables.get(table.name) else { continue };
        let mut rows = Rows::none(table);
        let before = if table.of == Of::Call { OF_CALL.len() } else { 0 };
        let columns = json["columns"].as_array().ok_or(NotRows::Shape)?;
        let at = |column: &Value| {
            let name = column.as_str().ok_or(NotRows::Shape)?;
            let of_call = OF_CALL.iter().take(before).position(|of_call| *of_call == name);
            let own = || table.columns.iter().position(|(own, _)| own == name).map(|at| before + at);
            of_call.or_else(own).ok_or_else(|| NotRows::Column(format!("{}.{}", table.name, shown(name))))
        };
        let at = columns.iter().map(at).collect::<Result<Vec<_>, _>>()?;
        if (1..at.len()).any(|n| at[..n].contains(&at[n])) {
            return Err(NotRows::Shape);
        }
        for line in json["rows"].as_array().ok_or(NotRows::Shape)? {
            let line = line.as_array().filter(|line| line.len() == at.len()).ok_or(NotRows::Shape)?;
            rows.count += 1;
            for (value, at) in line.iter().zip(&at) {
                let well = put(&mut rows.values[*at], value);
                let name = || at.checked_sub(before).map_or("pbx", |at| table.columns[at].0.as_str());
                well.ok_or_else(|| NotRows::Value(format!("{}.{}", table.name, name())))?;
            }
            rows.values.iter_mut().for_each(|values| fill(values, rows.count));
        }
        all.push(rows);
    }
    Ok(all)
}

fn shown(name: &str) -> String {
    name.chars().take(64).collect::<String>().escape_debug().to_string()
}

fn put(values: &mut Values, value: &Value) -> Option<()> {
    let null = value.is_null();
    match values {
        Values::Int(values) => values.push(if null { None } else { Some(value.as_i64()?) }),
        Values::Real(values) => values.push(if null { None } else { Some(value.as_f64()?) }),
        Values::Text(values) => values.push(if null { None } else { Some(value.as_str()?.replace('\0', "\u{fffd}")) }),
    }
    Some(())
}

/// To so many rows.
fn fill(values: &mut Values, count: usize) {
    match values {
        Values::Int(values) => values.resize(count, None),
        Values::Real(values) => values.resize(count, None),
        Values::Text(values) => values.resize(count, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> Rows {
        Rows::none(copies().iter().find(|table| table.name == name).unwrap())
    }

    #[test]
    fn what_is_written_is_read_again_and_what_is_missing_holds_nothing() {
        let mut legs = table("legs");
        legs.count = 2;
        for (at, values) in legs.values.iter_mut().enumerate() {
            match values {
                Values::Int(values) => values.extend([Some(1), None]),
                Values::Real(values) => values.extend([Some(0.5), None]),
                Values::Text(values) => values.extend([Some(format!("text {at}")), None]),
            }
        }
        let json = write(&[table("calls"), legs.clone()]);
        assert_eq!(read(&json).unwrap(), [table("calls"), legs]);
        let few = read(&json!({"codes": {"columns": ["code"], "rows": [["A"], ["B"]]}})).unwrap();
        assert_eq!(few[0].count, 2);
        assert!(matches!(few[0].column("label"), Some(Values::Text(labels)) if labels == &[None, None]), "{few:?}");
    }

    #[test]
    fn what_is_not_known_or_of_another_kind_is_named() {
        for (json, words) in [
            (json!([]), "not as rows are"),
            (json!({"passwords": {"columns": [], "rows": []}}), "a table passwords"),
            (json!({"codes": {"columns": ["colour"], "rows": []}}), "a column codes.colour"),
            (json!({"codes": {"columns": ["code"], "rows": [[7]]}}), "a value in codes.code"),
            (json!({"codes": {"columns": ["code"], "rows": [["A", "B"]]}}), "not as rows are"),
            (json!({"codes": {"columns": ["code", "code"], "rows": [["A", "B"]]}}), "not as rows are"),
        ] {
            let said = read(&json).unwrap_err().to_string();
            assert!(said.contains(words), "{json}: {said}");
        }
    }
}
