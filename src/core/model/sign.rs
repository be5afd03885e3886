//! The sign by which a callbackd shows on a PBX that it makes callbacks there.

use crate::model::AttemptPrefix;
use std::fmt;

/// The global variable of Asterisk that holds the latest [`Sign`].
pub const SIGN_VARIABLE: &str = "CALLBACKD_ACTIVE";

/// Who makes callbacks on a PBX, and for how long. As a text `0a1b2c3d 12`, or `0a1b2c3d off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sign {
    /// By the identity of their database.
    pub identity: AttemptPrefix,
    /// The signs that they have given since they took up making callbacks, from 1; 0 for one who gives none and was met at work. `None`: they
    /// have stopped.
    pub beats: Option<u64>,
}

impl Sign {
    /// Reads the variable; `None` if it is empty, or was written by no callbackd.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (identity, beats) = text.split_once(' ')?;
        let identity = AttemptPrefix::of(identity).filter(|prefix| prefix.as_str() == identity)?;
        let beats = if beats == "off" { None } else { Some(beats.parse().ok()?) };
        Some(Self { identity, beats })
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.beats {
            Some(beats) => write!(f, "{} {beats}", self.identity.as_str()),
            None => write!(f, "{} off", self.identity.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else_is() {
        for text in ["0a1b2c3d 12", "0a1b2c3d off", "0a1b2c3d 0"] {
            assert_eq!(Sign::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "0a1b2c3d", "0a1b2c3d ", "0a1b2c3d -1", "0a1b2c3d 1 2", "0a1b2c3d4 1", "shop 1", "0A1B2C3D 1"]
        {
            assert_eq!(Sign::parse(text), None, "{text}");
        }
    }
}
