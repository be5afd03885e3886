//! A place in the feed of one database: what a reader has taken.

use std::fmt;
use std::str::FromStr;

/// The last change that a reader has taken, and of which database: a copy that was put back counts from an earlier number on, and is another one.
/// Written as `<first 8 characters of the database's identity>-<seq>`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(with = "String", inline, extend("pattern" = "^[0-9a-f]{8}-[0-9]{1,19}$")))]
pub struct Cursor {
    /// The first characters of `identity.db_uuid`.
    pub db: String,
    /// `outbox.seq`; 0 before the first.
    pub seq: i64,
}

/// A text that is no cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a cursor: it looks like 0a1b2c3d-42, and is taken from an earlier answer as it is", .0.escape_debug())]
pub struct NotACursor(pub String);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.db, self.seq)
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let wrong = || NotACursor(text.chars().take(64).collect());
        let (db, seq) = text.split_once('-').ok_or_else(wrong)?;
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let digits = (1..=19).contains(&seq.len()) && seq.bytes().all(|byte| byte.is_ascii_digit());
        if db.len() != 8 || !db.bytes().all(is_hex) || !digits {
            return Err(wrong());
        }
        Ok(Self { db: db.to_owned(), seq: seq.parse().map_err(|_| wrong())? })
    }
}

impl serde::Serialize for Cursor {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
