//! Tokens of programs that come by TCP: kept as hashes, so that who reads the database cannot use them.

use super::{Error, Reader, Store};
use callbackd_core::millis::Millis;
use rusqlite::OptionalExtension;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What the bearer of a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Read everything, numbers too.
    Read,
    /// Read, and give commands as a person on the socket does.
    Operate,
    /// Ask for callbacks, a few a minute, and nothing else: for a form on a web page.
    Request,
}

impl Role {
    /// All of them, with their words.
    pub(crate) const ALL: [(&'static str, Self); 3] =
        [("read", Self::Read), ("operate", Self::Operate), ("request", Self::Request)];

    /// Its word.
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Request => "request",
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(word, _)| *word == text).map(|(_, role)| *role)
    }
}

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub(crate) struct Token {
    /// By which it is withdrawn, and which the history of what it ordered names.
    pub(crate) name: String,
    /// What its bearer may do.
    pub(crate) role: Role,
    /// Made, ms since 1970 UTC.
    pub(crate) made_ms: Millis,
    /// By this user.
    pub(crate) by: String,
}

/// A change of the tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenChange {
    /// A new one, with the hash of its secret.
    Add(Token, String),
    /// The one of this name is withdrawn.
    Remove(String),
}

impl Token {
    /// Its bearer, as the history of what they ordered has them: with whoever made the token, because a member of the group can make one of any name.
    #[must_use]
    pub(crate) fn bearer(&self) -> String {
        format!("token {} of {}", self.name, self.by)
    }

    /// Whether that is the bearer of a token of this name; a user of the machine is none.
    #[must_use]
    pub(crate) fn is_borne(name: &str, bearer: &str) -> bool {
        bearer.strip_prefix("token ").and_then(|rest| rest.split_once(" of ")).is_some_and(|(of, _)| of == name)
    }
}

/// What is kept of a secret: the SHA-256 of it in hexadecimal digits. It is random and long, so no slower hash is needed.
#[must_use]
pub(crate) fn hash(secret: &str) -> String {
    Sha256::digest(secret.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Store {
    /// Makes or withdraws a token. False if there is one of this name already, or none.
    ///
    /// # Errors
    /// What SQLite reports.
    pub(crate) fn token(&mut self, change: &TokenChange) -> Result<bool, Error> {
        let rows = match change {
            TokenChange::Add(Token { name, role, made_ms, by }, hash) => self.connection().execute(
                "INSERT INTO tokens (name, hash, role, made_ms, \"by\") VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
                (name, hash, role.as_str(), made_ms, by),
            ),
            TokenChange::Remove(name) => self.connection().execute("DELETE FROM tokens WHERE name = ?", [name]),
        };
        rows.map(|rows| rows > 0).map_err(|error| self.failed(error))
    }
}

impl Reader {
    /// Whose token has this hash; `None` if nobody's.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn token(&self, hash: &str) -> Result<Option<Token>, Error> {
        self.read(|connection| {
            let mut found =
                connection.prepare_cached("SELECT name, role, made_ms, \"by\" FROM tokens WHERE hash = ?")?;
            Ok(found.query_row([hash], read).optional()?.flatten())
        })
    }

    /// All tokens, by name.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn tokens(&self) -> Result<Vec<Token>, Error> {
        self.read(|connection| {
            let mut all = connection.prepare("SELECT name, role, made_ms, \"by\" FROM tokens ORDER BY name")?;
            all.query_map([], read)?.filter_map(Result::transpose).collect()
        })
    }
}

/// A token of a role that is not known may do nothing.
fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<Token>> {
    let role: String = row.get(1)?;
    let (name, made_ms, by) = (row.get(0)?, row.get(2)?, row.get(3)?);
    Ok(Role::from_text(&role).map(|role| Token { name, role, made_ms, by }))
}
