//! Numbers without numbering plans: only what is written in full international form is understood.

use crate::model::number::{Assignment, Tariff};

/// Shortest and longest number in E.164 without its `+` that is believed.
const E164: std::ops::RangeInclusive<usize> = 8..=15;

/// A country of which nothing is known.
#[derive(Debug, Clone)]
pub(crate) struct Region(String);

impl Region {
    pub(crate) fn new(region: &str) -> Option<Self> {
        (region.len() == 2 && region.bytes().all(|b| b.is_ascii_alphabetic()))
            .then(|| Self(region.to_ascii_uppercase()))
    }

    #[allow(clippy::unused_self)] // the same face as with numbering plans
    pub(crate) fn warm_up(&self) {}

    #[allow(clippy::unused_self)]
    pub(crate) fn e164(&self, plus: bool, digits: &str) -> Option<String> {
        let rest = if plus { digits.strip_prefix("00").unwrap_or(digits) } else { digits.strip_prefix("00")? };
        (!rest.starts_with('0') && E164.contains(&rest.len())).then(|| format!("+{rest}"))
    }

    pub(crate) fn id(&self) -> &str {
        &self.0
    }

    /// Whose it is and what it costs is not known, so it counts as foreign.
    #[allow(clippy::unused_self)]
    pub(crate) fn assignment(&self, digits: &str) -> Option<Assignment> {
        E164.contains(&digits.len()).then(|| Assignment {
            home: false,
            tariff: Tariff::Unknown,
            code_digits: 3,
            national_digits: digits.len() - 3,
        })
    }

    #[allow(clippy::unused_self)]
    pub(crate) fn as_dialled(&self, _digits: &str) -> Option<String> {
        None
    }
}
