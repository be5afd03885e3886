//! Rows of one table, column by column, as a statement with arrays takes them.

use super::tables::{Kind, Of, Table};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Params};

/// The values of one column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Values {
    Int(Vec<Option<i64>>),
    Text(Vec<Option<String>>),
    Real(Vec<Option<f64>>),
}

impl Values {
    fn none(kind: Kind) -> Self {
        match kind {
            Kind::Int => Self::Int(Vec::new()),
            Kind::Text => Self::Text(Vec::new()),
            Kind::Real => Self::Real(Vec::new()),
        }
    }

    /// Adds one; returns its size, bytes.
    fn push(&mut self, value: ValueRef<'_>) -> usize {
        match (self, value) {
            (Self::Int(values), ValueRef::Integer(value)) => values.push(Some(value)),
            (Self::Int(values), _) => values.push(None),
            (Self::Real(values), ValueRef::Real(value)) => values.push(Some(value)),
            (Self::Real(values), _) => values.push(None),
            (Self::Text(values), ValueRef::Text(bytes)) => {
                values.push(Some(plain(&String::from_utf8_lossy(bytes))));
                return bytes.len();
            }
            (Self::Text(values), _) => values.push(None),
        }
        8
    }

    /// Of a column of texts, the one in this row; `None` if it is NULL, or the column is of another kind.
    pub(crate) fn text(&self, row: usize) -> Option<&str> {
        if let Self::Text(values) = self { values.get(row)?.as_deref() } else { None }
    }

    fn keep(&mut self, kept: &[bool]) {
        fn only<T>(values: &mut Vec<T>, kept: &[bool]) {
            let mut kept = kept.iter().copied();
            values.retain(|_| kept.next().unwrap_or_default());
        }
        match self {
            Self::Int(values) => only(values, kept),
            Self::Text(values) => only(values, kept),
            Self::Real(values) => only(values, kept),
        }
    }
}

/// Other engines take no NUL in a text, whether it stands there or in an escape of JSON.
fn plain(text: &str) -> String {
    let text = text.replace('\0', "\u{fffd}");
    if !text.contains("\\u0000") {
        return text;
    }
    match serde_json::from_str::<Vec<String>>(&text) {
        Ok(texts) => {
            let texts: Vec<String> = texts.iter().map(|text| text.replace('\0', "\u{fffd}")).collect();
            serde_json::to_string(&texts).unwrap_or_default()
        }
        Err(_) => text,
    }
}

/// Rows of one table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rows {
    /// Of which table.
    pub(crate) table: &'static Table,
    /// For each column; before them `pbx` and `linkedid` of the call where the row belongs to one.
    pub(crate) values: Vec<Values>,
    /// How many there are.
    pub(crate) count: usize,
}

impl Rows {
    pub(super) fn none(table: &'static Table) -> Self {
        let before = if table.of == Of::Call { 2 } else { 0 };
        let kinds = std::iter::repeat_n(Kind::Text, before).chain(table.columns.iter().map(|(_, kind)| *kind));
        Self { table, values: kinds.map(Values::none).collect(), count: 0 }
    }

    /// The same without those rows that `keep` refuses by the texts of the first two columns.
    pub(crate) fn only(mut self, keep: impl Fn(&str, &str) -> bool) -> Self {
        let at = |column: usize, row: usize| self.values[column].text(row).unwrap_or_default();
        let kept: Vec<bool> = (0..self.count).map(|row| keep(at(0, row), at(1, row))).collect();
        self.count = kept.iter().filter(|kept| **kept).count();
        self.values.iter_mut().for_each(|values| values.keep(&kept));
        self
    }

    /// The values of this column.
    pub(crate) fn column(&self, name: &str) -> Option<&Values> {
        let before = self.values.len() - self.table.columns.len();
        let at = self.table.columns.iter().position(|(column, _)| column == name)?;
        self.values.get(before + at)
    }

    /// Adds the rows that follow `tail` of a SELECT of all columns. Returns their size, bytes.
    pub(super) fn read(
        &mut self,
        connection: &Connection,
        tail: &str,
        parameters: impl Params,
        call: Option<(&str, &str)>,
    ) -> rusqlite::Result<usize> {
        let columns: Vec<String> = self.table.columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let sql = format!("SELECT {} FROM {} {tail}", columns.join(", "), self.table.name);
        let mut found = connection.prepare_cached(&sql)?;
        let mut found = found.query(parameters)?;
        let mut size = 0;
        while let Some(row) = found.next()? {
            let mut at = 0;
            for key in call.iter().flat_map(|(pbx, linkedid)| [pbx, linkedid]) {
                size += self.values[at].push(ValueRef::Text(key.as_bytes()));
                at += 1;
            }
            for column in 0..self.table.columns.len() {
                size += self.values[at + column].push(row.get_ref(column)?);
            }
            self.count += 1;
        }
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_nul_is_shown_as_what_cannot_be_shown() {
        assert_eq!(plain("a\0b"), "a\u{fffd}b");
        assert_eq!(plain(r#"["a\u0000b","\\u0000"]"#), "[\"a\u{fffd}b\",\"\\\\u0000\"]");
        assert_eq!(plain(r"c:\u0000"), r"c:\u0000", "no JSON: it is text");
    }
}
