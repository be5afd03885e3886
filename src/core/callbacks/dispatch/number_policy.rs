//! Whether a number may be called: nothing that a one-ring caller could earn at, nothing that the configuration forbids.

use crate::callbacks::attempt::dial_string::{DialError, Dialable};
use crate::callbacks::policy::{NumberPolicy, Policy};
use crate::model::number::{Numbering, Tariff, e164_digits};

/// Fewer digits after the calling code are a service: emergency and operator numbers are shorter than any customer's.
const MIN_NATIONAL_DIGITS: usize = 5;

/// Why a number may not be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.reason())]
pub enum Denied {
    /// A prefix in `numbers.deny`.
    DenyList { prefix: String },
    /// Premium-rate, shared-cost, personal or pager number.
    PremiumRate { number: String },
    /// A number of another country.
    International {
        number: String,
        /// The country whose numbers may be called (ISO 3166).
        country: String,
    },
    /// The numbering plan has room for it, but nothing is known to be given out there.
    Unassigned { number: String },
    /// Too short for a customer's number: an emergency or service number.
    Short { number: String },
    /// As `callback.number_form` writes it, the country's switches read another number.
    OtherNumber {
        /// What it would be dialled as, and the fix.
        why: DialError,
    },
    /// No number in E.164, or none for which a numbering plan has room.
    NotDialable {
        /// As it was given, without what could harm where it is shown.
        text: String,
    },
}

impl Denied {
    /// One word, as it is stored in [`crate::model::CallbackRow::reason`].
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::DenyList { .. } => "deny_list",
            Self::PremiumRate { .. } => "premium_rate",
            Self::International { .. } => "international",
            Self::Unassigned { .. } => "unassigned",
            Self::Short { .. } => "too_short",
            Self::NotDialable { .. } | Self::OtherNumber { .. } => "not_dialable",
        }
    }

    /// One sentence that names the fix.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::DenyList { prefix } => {
                format!(
                    "`numbers.deny` forbids numbers that begin with {prefix}; a longer prefix in `numbers.allow` permits some of them"
                )
            }
            Self::PremiumRate { number } => format!(
                "{number} is a premium-rate, shared-cost, personal or pager number; its prefix in `numbers.allow` permits it, \
                 `numbers.premium = true` permits all of them"
            ),
            Self::International { number, country } => format!(
                "{number} is not known as a number of {country}; its prefix in `numbers.allow` permits it, \
                 `numbers.international = true` permits all countries"
            ),
            Self::Unassigned { number } => {
                format!(
                    "{number} is in a range that the numbering plan does not use; its prefix in `numbers.allow` permits it"
                )
            }
            Self::Short { number } => {
                format!("{number} is as short as an emergency or service number, which is never called back")
            }
            Self::OtherNumber { why } => why.to_string(),
            Self::NotDialable { text } => {
                format!("\"{text}\" is not a telephone number; write it with + and the country's calling code")
            }
        }
    }
}

impl Policy {
    /// Whether a number in E.164 (with `+`) may be called, and can be: by [`NumberPolicy::verdict`], and as `callback.number_form` writes it.
    ///
    /// # Errors
    /// Why it may not.
    pub(crate) fn may_be_called(&self, e164: &str) -> Result<(), Denied> {
        self.number_policy.verdict(&self.numbering, e164)?;
        match Dialable::new(e164, &self.numbering, &self.number_form) {
            Err(why @ DialError::OtherNumber { .. }) => Err(Denied::OtherNumber { why }),
            // A form that fits no number is the configuration's fault, and said at the attempt.
            _ => Ok(()),
        }
    }
}

impl NumberPolicy {
    /// Whether a number in E.164 (with `+`) may be called.
    ///
    /// The longest prefix of `deny` or `allow` that fits decides, of two of one length `deny`. A prefix in `allow` that is no longer
    /// than a country's calling code opens the country, but not its premium-rate numbers: those need a longer one.
    ///
    /// # Errors
    /// Why it may not.
    pub fn verdict(&self, numbering: &Numbering, e164: &str) -> Result<(), Denied> {
        if e164_digits(e164).is_none() {
            return Err(Denied::NotDialable { text: crate::callbacks::attempt::dial_string::shown(e164, 40) });
        }
        let number = || e164.to_owned();
        let denied = longest(&self.deny, e164);
        let allowed = longest(&self.allow, e164);
        if let Some(prefix) = denied
            && allowed.is_none_or(|a| a.len() <= prefix.len())
        {
            return Err(Denied::DenyList { prefix: prefix.to_owned() });
        }
        let Some(found) = numbering.assignment(e164) else {
            return Err(Denied::NotDialable { text: number() });
        };
        if found.national_digits < MIN_NATIONAL_DIGITS {
            return Err(Denied::Short { number: number() });
        }
        let country_allowed = allowed.is_some();
        let range_allowed = allowed.is_some_and(|prefix| prefix.len() > "+".len() + found.code_digits);
        if found.tariff == Tariff::Costly && !self.premium && !range_allowed {
            return Err(Denied::PremiumRate { number: number() });
        }
        if !found.home && !self.international && !country_allowed {
            return Err(Denied::International { number: number(), country: numbering.country().to_owned() });
        }
        if found.tariff == Tariff::Unknown && !country_allowed {
            return Err(Denied::Unassigned { number: number() });
        }
        Ok(())
    }
}

fn longest<'p>(prefixes: &'p [String], number: &str) -> Option<&'p str> {
    prefixes.iter().map(String::as_str).filter(|p| !p.is_empty() && number.starts_with(p)).max_by_key(|p| p.len())
}
