//! The secret of an endpoint: keys with which its messages are signed, or the token that another program has given out.

use super::signature::Keys;
use crate::config::Format;
use std::fmt;

/// Longest token, bytes: amoCRM's are JSON Web Tokens of a thousand and more.
const MAX_TOKEN: usize = 4_000;

/// The secret of an endpoint.
#[derive(Clone)]
pub enum Secret {
    /// For messages in our own words.
    Keys(Keys),
    /// What another program knows us by.
    Token(String),
    /// None is needed: a command on this machine.
    None,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keys(_) => "Keys",
            Self::Token(_) => "Token",
            Self::None => "None",
        })
    }
}

impl Secret {
    /// From the text of `secret_file`.
    ///
    /// # Errors
    /// Why it is none, without the text itself.
    pub(crate) fn from_text(format: Format, text: &str) -> Result<Self, String> {
        match format {
            Format::Standard | Format::CloudEvents => {
                Keys::from_text(text).map(Self::Keys).map_err(|why| why.to_string())
            }
            Format::Mail => Ok(Self::None),
            Format::Zammad | Format::AmoCrm | Format::Bitrix24 | Format::Telegram => token(text.trim()),
        }
    }
}

/// It stands in a path or a header as it is.
fn token(text: &str) -> Result<Secret, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte);
    if text.is_empty() || text.len() > MAX_TOKEN || !text.bytes().all(fits) {
        return Err("it is not one line with a token alone: letters, digits, `-`, `.`, `_`, `~` and `:`".to_owned());
    }
    Ok(Secret::Token(text.to_owned()))
}
