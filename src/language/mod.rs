//! The languages in which people are spoken to: words, numbers and dates. Pure.
//!
//! Each text stands once, beside its translations ([`words`], [`report`], [`story`], …): one that misses a language does not compile, and one that
//! nobody shows is a warning.
//!
//! No library of messages: fluent-bundle 0.16 with its parser, plural rules and language tags makes a program that shows one message 171 KiB larger
//! (`opt-level = "z"`, fat LTO, stripped; 2026-11), before any text, and the packaged program has less than half of that left below its limit of
//! 14 MiB. What it would bring is here at a smaller price: plural forms ([`Language::counted`], held against the rules of CLDR in a test), gaps, a text
//! for each key. A text that is missed is found by the compiler, not at run time. Who translates writes one line a text into a table.

mod formulas;
mod meanings;
mod numbers;
mod refusals;
mod report;
mod story;
mod table;
#[cfg(test)]
mod tests;
mod why;
mod words;

pub(crate) use numbers::NOTHING;
pub use refusals::Unknown;
pub(crate) use refusals::{Instead, Kind};
pub(crate) use report::ReportWords;
pub(crate) use story::StoryWords;
pub(crate) use words::Words;

/// A language of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Language {
    /// English.
    #[default]
    En,
    /// Russian.
    Ru,
    /// Ukrainian.
    Uk,
    /// Hebrew, from right to left.
    He,
    /// Spanish.
    Es,
    /// German.
    De,
}

impl Language {
    /// All of them.
    pub(crate) const ALL: [Self; 6] = [Self::En, Self::Ru, Self::Uk, Self::He, Self::Es, Self::De];

    /// Its code (BCP 47).
    #[must_use]
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ru => "ru",
            Self::Uk => "uk",
            Self::He => "he",
            Self::Es => "es",
            Self::De => "de",
        }
    }

    /// Its own name for itself.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Ru => "Русский",
            Self::Uk => "Українська",
            Self::He => "עברית",
            Self::Es => "Español",
            Self::De => "Deutsch",
        }
    }

    /// The one of this code, whatever region stands behind it.
    #[must_use]
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        let code = code.trim().split(['-', '_', ';']).next()?.to_ascii_lowercase();
        // What Hebrew was called before 1989; some programs still do.
        let code = if code == "iw" { "he" } else { &code };
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// The first that a browser accepts (`Accept-Language`, in its order) and that is one of ours.
    #[must_use]
    pub(crate) fn accepted(header: &str) -> Option<Self> {
        header.split(',').find_map(Self::from_code)
    }

    /// `ltr` or `rtl`.
    #[must_use]
    pub(crate) fn direction(self) -> &'static str {
        if matches!(self, Self::He) { "rtl" } else { "ltr" }
    }

    /// What it says on pages.
    #[must_use]
    pub(crate) fn words(self) -> &'static Words {
        &words::ALL[self as usize]
    }

    /// What it says in the report.
    #[must_use]
    pub(crate) fn report(self) -> &'static ReportWords {
        &report::ALL[self as usize]
    }

    /// What it says of one call.
    #[must_use]
    pub(crate) fn story(self) -> &'static StoryWords {
        &story::ALL[self as usize]
    }
}

/// The text with its first gap filled.
#[must_use]
pub(crate) fn fill(text: &str, with: impl std::fmt::Display) -> String {
    text.replacen("{}", &with.to_string(), 1)
}

/// The text with its gaps filled, in their order. What is put in may itself have braces.
#[must_use]
pub(crate) fn fill_all(text: &str, with: &[&dyn std::fmt::Display]) -> String {
    let mut out = String::with_capacity(text.len() + 16 * with.len());
    let mut with = with.iter();
    for (n, part) in text.split("{}").enumerate() {
        if n > 0 {
            out.push_str(&with.next().map(ToString::to_string).unwrap_or_default());
        }
        out.push_str(part);
    }
    out
}
