//! Numbers without numbering plans: only what is written in full international form is understood.

/// Shortest and longest number in E.164 without its `+` that is believed.
const E164: std::ops::RangeInclusive<usize> = 8..=15;

/// A country of which nothing is known.
#[derive(Debug, Clone)]
pub(super) struct Region;

impl Region {
    pub(super) fn new(region: &str) -> Option<Self> {
        (region.len() == 2 && region.bytes().all(|b| b.is_ascii_alphabetic())).then_some(Self)
    }

    #[allow(clippy::unused_self)] // the same face as with numbering plans
    pub(super) fn warm_up(&self) {}

    #[allow(clippy::unused_self)]
    pub(super) fn e164(&self, plus: bool, digits: &str) -> Option<String> {
        let rest = if plus { digits.strip_prefix("00").unwrap_or(digits) } else { digits.strip_prefix("00")? };
        (!rest.starts_with('0') && E164.contains(&rest.len())).then(|| format!("+{rest}"))
    }
}
