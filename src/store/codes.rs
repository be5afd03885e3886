//! The table `codes`: what the daemon's configuration says of codes, for who reads the database, and which calls have each; and how calls were rated.

use super::questions::{CODE_COUNTS, LATEST_RATINGS, LATEST_TAGS};
use super::{Error, Reader};
use callbackd_core::millis::Millis;
use callbackd_core::model::codes::{Code, Codes, OnCallback};
use callbackd_core::model::{Rating, Tag};
use callbackd_core::order::InOrder as _;
use rusqlite::{Connection, Params, Row, Transaction, params};
use std::ops::ControlFlow;

/// A code, and the calls that have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeCount {
    /// As the table holds it, without rules; of a word that is not in it, the word alone.
    pub code: Code,
    /// It is in the table: shipped or configured.
    pub known: bool,
    /// Calls with it, whoever set it.
    pub calls: u64,
}

/// What a call has, a code or a rating, and of which call it is.
#[derive(Debug, Clone, PartialEq)]
pub struct OfCall<T> {
    /// Row id of the call.
    pub call_id: i64,
    /// The PBX on which the call was.
    pub pbx: String,
    /// Linkedid under which the call began.
    pub linkedid: String,
    /// It began, ms since 1970 UTC.
    pub started_ms: Millis,
    /// What it has.
    pub what: T,
}

impl<T> OfCall<T> {
    /// The call's first columns of a row, before what it has.
    fn read(row: &Row<'_>, what: T) -> rusqlite::Result<Self> {
        let (call_id, pbx, linkedid, started_ms) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        Ok(Self { call_id, pbx, linkedid, started_ms, what })
    }
}

const CODE: &str = "code, label, \"group\", success, callback, after_ms, expires_ms";

impl Reader {
    /// All codes of the table, and the words that calls have beside them, with the calls that began from then on (ms since 1970 UTC), of all PBXs or of this one; by their words.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn codes(&self, since_ms: Option<Millis>, pbx: Option<&str>) -> Result<Vec<CodeCount>, Error> {
        self.read(|connection| {
            let known = stored(connection)?.into_iter();
            let mut found: Vec<CodeCount> = known.map(|code| CodeCount { code, known: true, calls: 0 }).collect();
            let mut counts = connection.prepare(CODE_COUNTS)?;
            let mut rows = counts.query(params![since_ms, pbx])?;
            while let Some(row) = rows.next()? {
                let (word, calls): (String, i64) = (row.get(0)?, row.get(1)?);
                let calls = calls.unsigned_abs();
                match found.iter_mut().find(|count| count.code.code == word) {
                    Some(count) => count.calls = calls,
                    None => found.push(CodeCount { code: unknown(word), known: false, calls }),
                }
            }
            found.order_by(|a, b| a.code.code.cmp(&b.code.code));
            Ok(found)
        })
    }

    /// The codes of the table: shipped or configured.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn known_codes(&self) -> Result<Vec<Code>, Error> {
        self.read(stored)
    }

    /// What is said of calls, the newest calls first, the codes of a call by their words: of all codes or of this one, of all PBXs or of this one,
    /// behind a call (when it began, row id); until `each` breaks.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn each_tag(
        &self,
        code: Option<&str>,
        pbx: Option<&str>,
        behind: Option<(Millis, i64)>,
        each: impl FnMut(OfCall<Tag>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let (started_ms, id) = behind.unwrap_or((Millis::MAX, i64::MAX));
        let tag = |row: &Row<'_>| Ok(Tag { code: row.get(4)?, note: row.get(5)?, by: row.get(6)?, at_ms: row.get(7)? });
        self.each_of_call(LATEST_TAGS, params![started_ms, id, code, pbx], tag, each)
    }

    /// How calls were rated, the newest calls first, on all PBXs or on this one, behind a call (when it began, row id); until `each` breaks.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn each_rating(
        &self,
        pbx: Option<&str>,
        behind: Option<(Millis, i64)>,
        each: impl FnMut(OfCall<Rating>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let (started_ms, id) = behind.unwrap_or((Millis::MAX, i64::MAX));
        let rating = |row: &Row<'_>| Ok(Rating { score: row.get(4)?, by: row.get(5)?, at_ms: row.get(6)? });
        self.each_of_call(LATEST_RATINGS, params![started_ms, id, pbx], rating, each)
    }

    /// What calls have, by this question, whose first columns are the call's; until `each` breaks.
    fn each_of_call<T>(
        &self,
        question: &str,
        asked: impl Params,
        what: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
        mut each: impl FnMut(OfCall<T>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        self.read(|connection| {
            let mut found = connection.prepare(question)?;
            let mut rows = found.query(asked)?;
            while let Some(row) = rows.next()? {
                if each(OfCall::read(row, what(row)?)?).is_break() {
                    break;
                }
            }
            Ok(())
        })
    }
}

/// What is not in the table.
fn unknown(code: String) -> Code {
    Code {
        code,
        label: String::new(),
        group: String::new(),
        success: false,
        callback: OnCallback::None,
        after_ms: 0,
        expires_ms: None,
        rules: Vec::new(),
    }
}

fn code(row: &Row<'_>) -> rusqlite::Result<Code> {
    let callback: String = row.get(4)?;
    Ok(Code {
        code: row.get(0)?,
        label: row.get(1)?,
        group: row.get(2)?,
        success: row.get(3)?,
        callback: OnCallback::from_text(&callback)
            .ok_or_else(|| super::rows::unknown("callback holds an unknown word: ", &callback))?,
        after_ms: row.get(5)?,
        expires_ms: row.get(6)?,
        rules: Vec::new(),
    })
}

/// The codes of the table, by their words.
fn stored(connection: &Connection) -> rusqlite::Result<Vec<Code>> {
    connection.prepare(&format!("SELECT {CODE} FROM codes ORDER BY code"))?.query_map([], code)?.collect()
}

/// The table says what these codes say.
pub(super) fn kept(connection: &Connection, codes: &Codes) -> rusqlite::Result<bool> {
    let without_rules = |code: &Code| Code { rules: Vec::new(), ..code.clone() };
    // What somebody has written there by hand is no reason to stop.
    Ok(stored(connection).is_ok_and(|stored| stored.iter().cloned().eq(codes.iter().map(without_rules))))
}

/// Has the table say it.
pub(super) fn write(transaction: &Transaction<'_>, codes: &Codes) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM codes", [])?;
    let mut put = transaction.prepare(&format!("INSERT INTO codes ({CODE}) VALUES (?, ?, ?, ?, ?, ?, ?)"))?;
    for code in codes.iter() {
        let Code { code, label, group, success, callback, after_ms, expires_ms, rules: _ } = code;
        put.execute(params![code, label, group, success, callback.as_str(), after_ms, expires_ms])?;
    }
    Ok(())
}
