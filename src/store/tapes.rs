//! The tapes of calls: beside each row what it can be judged again by.

use super::questions::{CALLS_UNDER, TAPES, TRUNKS_OF_WINDOW, UNTAPED};
use super::rows::{SELECT_CALL, call, says_already};
use super::{Error, Reader, StoredCall};
use callbackd_core::millis::Millis;
use callbackd_core::model::{CallTape, FinishedCall, PbxId};
use rusqlite::{Connection, OptionalExtension, params};
use std::ops::ControlFlow;

/// Of a call that has its row.
pub(super) fn put(connection: &Connection, tape: &CallTape) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO tapes (call_id, tape) SELECT id, ?3 FROM calls WHERE pbx = ?1 AND linkedid = ?2",
        )?
        .execute(params![&*tape.pbx, tape.linkedid, tape.tape])
        .map(drop)
}

/// What a new judgement means to the row of its call.
#[derive(Debug)]
pub(crate) enum Judged {
    /// There is none.
    NoRow,
    /// It says that already.
    Same,
    /// It says something else.
    Other(Box<StoredCall>),
}

/// A call with its tape.
#[derive(Debug)]
pub(crate) struct TapedCall<'r> {
    /// The PBX on which it was.
    pub(crate) pbx: PbxId,
    /// Its linkedid.
    pub(crate) linkedid: &'r str,
    /// First event, ms since 1970 UTC.
    pub(crate) started_ms: Millis,
    /// The callback, if it was an attempt of ours.
    pub(crate) attempt_of: Option<i64>,
    /// What Asterisk said of it.
    pub(crate) tape: &'r [u8],
}

/// Calls that cannot be judged again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Untaped {
    /// They were seen whole, but by a version that kept no tapes, or more was said of them than is kept.
    pub(crate) whole: u64,
    /// A part of them was not seen, or they were proved from Asterisk's files.
    pub(crate) partly: u64,
}

impl Reader {
    /// Hands on the tape of each call that was seen whole and started in this window, in the order in which they started.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn tapes(
        &self,
        (from_ms, until_ms): (Millis, Millis),
        mut each: impl FnMut(TapedCall<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        self.read(|connection| {
            let mut tapes = connection.prepare(TAPES)?;
            let mut rows = tapes.query([from_ms, until_ms])?;
            while let Some(row) = rows.next()? {
                let taped = TapedCall {
                    pbx: PbxId::new(row.get_ref(0)?.as_str()?),
                    linkedid: row.get_ref(1)?.as_str()?,
                    started_ms: row.get(2)?,
                    attempt_of: row.get(3)?,
                    tape: row.get_ref(4)?.as_blob()?,
                };
                if each(taped).is_break() {
                    break;
                }
            }
            Ok(())
        })
    }

    /// The trunks of the calls that started in this window.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn trunks_before(&self, pbx: &str, (from_ms, until_ms): (Millis, Millis)) -> Result<Vec<String>, Error> {
        self.read(|connection| {
            let mut trunks = connection.prepare(TRUNKS_OF_WINDOW)?;
            trunks.query_map(params![from_ms, until_ms, pbx], |row| row.get(0))?.collect()
        })
    }

    /// How many calls that started in this window cannot be judged again.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn untaped(&self, (from_ms, until_ms): (Millis, Millis)) -> Result<Untaped, Error> {
        self.read(|connection| {
            let mut untaped = Untaped::default();
            let mut counts = connection.prepare(UNTAPED)?;
            let mut counts = counts.query([from_ms, until_ms])?;
            while let Some(row) = counts.next()? {
                let of = if row.get_ref(0)?.as_str()? == "full" { &mut untaped.whole } else { &mut untaped.partly };
                *of += row.get::<_, i64>(1)?.unsigned_abs();
            }
            Ok(untaped)
        })
    }

    /// Holds the row of a call against a new judgement.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn judged(&self, new: &FinishedCall) -> Result<Judged, Error> {
        self.read(|connection| {
            let mut found = connection.prepare_cached(&format!("{} {CALLS_UNDER}", *SELECT_CALL))?;
            let Some(stored) = found.query_row(params![&*new.pbx, new.linkedid], call).optional()? else {
                return Ok(Judged::NoRow);
            };
            Ok(if says_already(connection, new)? { Judged::Same } else { Judged::Other(Box::new(stored)) })
        })
    }
}
