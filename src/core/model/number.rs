//! Telephone numbers: from what the network sent to a form that can be compared and called.

mod plan;

use super::E164;
use regex::Regex;

/// E.164 allows 15 digits; international prefixes such as `810` and carrier codes come on top. Longer is no number.
const MAX_DIGITS: usize = 24;

/// Fewer digits than this are no customer's number unless the numbering plan says so.
const MIN_DIGITS: usize = 7;

/// What networks, phones and Asterisk put where no number is shown, in lower case.
const WITHHELD: [&str; 34] = [
    "unknown",
    "<unknown>",
    "anonymous",
    "anonymous.invalid",
    "restricted",
    "private",
    "withheld",
    "unavailable",
    "not available",
    "blocked",
    "no number",
    "no caller id",
    "out of area",
    "<null>",
    "(null)",
    "null",
    "asterisk",
    "s",
    "-",
    "none",
    "nodata",
    "no data",
    "undefined",
    "unknown caller",
    "unknown number",
    "unknown name",
    "private number",
    "private caller",
    "number withheld",
    "withheld number",
    "id withheld",
    "id unavailable",
    "coll. anonymous",
    "not provided",
];

/// `ANONYMOUS`, `BLOCKED`, `UNKNOWN`, `RESTRICTED` and `UNAVAILABLE` spelt on a telephone's keys, as some gateways send them.
const WITHHELD_KEYS: [&str; 5] = ["+266696687", "+2562533", "+8566696", "+7378742833", "+86282452253"];

/// What a caller's or a dialled number is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Number {
    /// E.164 with `+`: one form for one subscriber, however the network wrote it.
    Callable(E164),
    /// An extension of this PBX.
    Internal,
    /// The network showed none.
    Withheld,
    /// Too few digits for a customer's number, and no extension.
    TooShort,
    /// Digits that no numbering plan knows, such as a local number without its area code.
    Invalid,
    /// Not digits: a feature code, a SIP user name.
    NotANumber,
}

impl Number {
    /// The E.164 form, if there is one.
    #[must_use]
    pub fn e164(&self) -> Option<&E164> {
        match self {
            Self::Callable(number) => Some(number),
            _ => None,
        }
    }
}

/// What the numbering plans say of a number in E.164.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    /// It belongs to the country of [`Numbering::new`]. A neighbour with the same calling code is another country; what neither of them
    /// is known to have given out counts as the own country's.
    pub home: bool,
    /// What a call to it may cost.
    pub tariff: Tariff,
    /// Digits of the country's calling code.
    pub code_digits: usize,
    /// Digits after the calling code.
    pub national_digits: usize,
}

/// What a call to a number may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tariff {
    /// What a call to the country usually costs, or nothing.
    Usual,
    /// Premium-rate, shared-cost, personal and pager numbers: the called party is paid, or forwards at the caller's cost.
    Costly,
    /// The plan has room for it, but no part of the plan is known to be given out there.
    Unknown,
}

/// Which numbers are extensions.
#[derive(Debug, Clone)]
pub enum InternalRule {
    /// At most this many digits.
    MaxDigits(u8),
    /// The whole number matches.
    Matches(Regex),
}

impl InternalRule {
    /// A rule from a regular expression for the whole of an extension's number.
    ///
    /// # Errors
    /// If it is not a regular expression.
    pub fn matches(pattern: &str) -> Result<Self, NumberError> {
        Regex::new(pattern).map_err(|e| NumberError::Pattern(e.to_string()))?; // alone, so that the anchors cannot hide an unbalanced bracket
        Ok(Self::Matches(Regex::new(&format!("^(?:{pattern})$")).map_err(|e| NumberError::Pattern(e.to_string()))?))
    }

    fn holds(&self, number: &str) -> bool {
        match self {
            Self::MaxDigits(max) => {
                !number.is_empty() && number.len() <= usize::from(*max) && number.bytes().all(|b| b.is_ascii_digit())
            }
            Self::Matches(pattern) => pattern.is_match(number),
        }
    }
}

/// Why a numbering was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not a country with a numbering plan.
    #[error("`{0}` is not a country that has a numbering plan")]
    UnknownRegion(String),
    /// The pattern for extensions is wrong.
    #[error("{0}")]
    Pattern(String),
}

/// The rules by which numbers are read. Cheap to clone; clones share what they have learnt.
#[derive(Debug, Clone)]
pub struct Numbering {
    region: plan::Region,
    internal: InternalRule,
}

impl Numbering {
    /// `region` is the ISO 3166 alpha-2 code of the country in which national numbers are dialled.
    ///
    /// # Errors
    /// If no numbering plan is known for `region`.
    pub fn new(region: &str, internal: InternalRule) -> Result<Self, NumberError> {
        let region = plan::Region::new(region).ok_or_else(|| NumberError::UnknownRegion(region.to_owned()))?;
        Ok(Self { region, internal })
    }

    /// Does at once what the first number would otherwise wait for (some 100 ms: the metadata of all numbering plans).
    pub fn warm_up(&self) {
        self.region.warm_up();
    }

    /// The country in which national numbers are dialled, as ISO 3166 code.
    #[must_use]
    pub fn country(&self) -> &str {
        self.region.id()
    }

    /// What is known of a number in E.164 (with `+`); `None` if no numbering plan has room for it, or it is not E.164.
    #[must_use]
    pub fn assignment(&self, e164: &str) -> Option<Assignment> {
        self.region.assignment(e164_digits(e164)?)
    }

    /// What is dialled in the country for a number in E.164: behind the trunk prefix (`030…`, `8495…`, `1202…`) where the calling
    /// code is the own one, else behind the international prefix (`00`, `011`, `810`).
    ///
    /// `None` if it is not E.164 or no numbering plan has room for it.
    #[must_use]
    pub fn as_dialled(&self, e164: &str) -> Option<String> {
        self.region.as_dialled(e164_digits(e164)?)
    }

    /// Whether a switch of the country takes these digits, as they are dialled there, for this number (E.164) and for no other.
    ///
    /// It does not where trunk prefix and number together begin as an international call does: `0` and `12…` in Israel, `0` and `10…` in Japan, and
    /// `00…` wherever there is no trunk prefix, as in Italy.
    #[must_use]
    pub(crate) fn is_read_as(&self, dialled: &str, e164: &str) -> bool {
        e164_digits(e164).is_some_and(|digits| self.region.is_read_as(dialled, digits))
    }

    /// Whether these digits begin as an international call does in the country.
    #[must_use]
    pub fn begins_abroad(&self, dialled: &str) -> bool {
        self.region.begins_abroad(dialled)
    }

    /// Reads a number as the network sent it or as somebody dialled it.
    ///
    /// Accepted are `+49 30 …`, the region's international prefix or `00`, the national form with or without its trunk prefix, and
    /// the international form without any sign (`7495…`), as SIP trunks send it. Of the readings that a numbering plan calls valid
    /// the first wins, in this order; if none is valid, the first whose length and first digit the plan allows, because plans grow faster than
    /// their descriptions and a number that the network delivered in full must still be found again.
    #[must_use]
    pub fn classify(&self, raw: &str) -> Number {
        let raw = raw.trim();
        let lower = raw.to_ascii_lowercase();
        if raw.is_empty() || WITHHELD.contains(&lower.as_str()) || WITHHELD_KEYS.contains(&raw) || raw == "266696687" {
            return Number::Withheld;
        }
        if self.internal.holds(raw) {
            return Number::Internal;
        }
        let Some((plus, digits)) = digits(raw) else { return Number::NotANumber };
        if digits.len() > MAX_DIGITS {
            return Number::Invalid;
        }
        match self.region.e164(plus, &digits) {
            Some(number) => E164::new(&number).map_or(Number::Invalid, Number::Callable),
            None if digits.len() < MIN_DIGITS => Number::TooShort,
            None => Number::Invalid,
        }
    }
}

/// The digits of a number in E.164 (with `+`), of which there are 3 to 15, the first not 0: the one form that comes near a dial string.
pub(crate) fn e164_digits(e164: &str) -> Option<&str> {
    let digits = e164.strip_prefix('+')?;
    let fits = (3..=15).contains(&digits.len()) && !digits.starts_with('0');
    (fits && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits)
}

/// Whether a `+` leads, and the digits without the signs that people put between them; `None` if there is anything else.
fn digits(raw: &str) -> Option<(bool, String)> {
    let raw = raw.strip_prefix("tel:").unwrap_or(raw);
    let (plus, rest) = raw.strip_prefix('+').map_or((false, raw), |rest| (true, rest));
    let mut out = String::with_capacity(rest.len().min(MAX_DIGITS + 1));
    for c in rest.chars() {
        match c {
            '0'..='9' => out.push(c),
            ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}' => {}
            _ => return None,
        }
    }
    (!out.is_empty()).then_some((plus, out))
}
