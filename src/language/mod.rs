//! The languages in which people are spoken to: words, numbers and dates. Pure.
//!
//! Each text stands once, beside its translations ([`words`]): one that misses a language does not compile.

mod words;

pub(crate) use words::Words;

use callbackd_core::millis::Millis;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

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
    pub(crate) const fn code(self) -> &'static str {
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
    pub(crate) const fn name(self) -> &'static str {
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
    pub(crate) const fn direction(self) -> &'static str {
        if matches!(self, Self::He) { "rtl" } else { "ltr" }
    }

    /// What it says.
    #[must_use]
    pub(crate) const fn words(self) -> &'static Words {
        &words::ALL[self as usize]
    }

    /// `1,234,567`, as it is written there.
    #[must_use]
    pub(crate) fn count(self, n: u64) -> String {
        let between = match self {
            Self::En | Self::He => ",",
            Self::Es | Self::De => ".",
            // A space that does not break.
            Self::Ru | Self::Uk => "\u{a0}",
        };
        let digits = n.to_string();
        let mut out = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push_str(between);
            }
            out.push(digit);
        }
        out
    }

    /// `81.3 %`, as it is written there; `–` of nothing. What is not all is never 100 %, and what is not nothing never 0 %.
    #[must_use]
    pub(crate) fn percent(self, share: Option<f64>) -> String {
        let text = crate::report::faces::format::percent(share).replace(' ', "\u{a0}");
        match self {
            Self::En => text,
            // From left to right, as a whole, wherever it stands.
            Self::He => format!("\u{2066}{text}\u{2069}"),
            Self::Ru | Self::Uk | Self::Es | Self::De => text.replace('.', ","),
        }
    }

    /// A duration as it is set, in its largest whole unit: `20 s`, `30 min`, `7 d`; no line breaks in it.
    #[must_use]
    pub(crate) fn span(self, ms: Millis) -> String {
        let words = self.words();
        let (n, unit) = match ms / 1_000 {
            s if s > 0 && s % 86_400 == 0 => (s / 86_400, words.unit_d),
            s if s > 0 && s % 3_600 == 0 => (s / 3_600, words.unit_h),
            s if s > 0 && s % 60 == 0 => (s / 60, words.unit_min),
            s => (s, words.unit_s),
        };
        fill(unit, n).replace(' ', "\u{a0}")
    }

    /// A day: `2026-11-28`, `28.11.2026`, `28/11/2026`.
    #[must_use]
    pub(crate) fn day(self, date: Date) -> String {
        date.strftime(match self {
            Self::En => "%Y-%m-%d",
            Self::Es => "%d/%m/%Y",
            Self::Ru | Self::Uk | Self::He | Self::De => "%d.%m.%Y",
        })
        .to_string()
    }

    /// A moment in `zone`, by the minute: the time alone if it is of `today`, else with its day.
    #[must_use]
    pub(crate) fn moment(self, at_ms: Millis, zone: &TimeZone, today: Date) -> String {
        let Ok(at) = Timestamp::from_millisecond(at_ms) else { return at_ms.to_string() };
        let at = at.to_zoned(zone.clone());
        let time = at.strftime("%H:%M").to_string();
        if at.date() == today { time } else { format!("{} {time}", self.day(at.date())) }
    }
}

/// The text with its one gap filled.
#[must_use]
pub(crate) fn fill(text: &str, with: impl std::fmt::Display) -> String {
    text.replacen("{}", &with.to_string(), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_first_that_the_browser_wants_and_we_have() {
        assert_eq!(Language::accepted("fr-FR,fr;q=0.9,uk-UA;q=0.8,en;q=0.7"), Some(Language::Uk));
        assert_eq!(Language::accepted("iw"), Some(Language::He));
        assert_eq!(Language::accepted("fr"), None);
        assert_eq!(Language::accepted(""), None);
    }

    #[test]
    fn numbers_and_days_are_written_as_in_the_country() {
        assert_eq!(
            Language::ALL.map(|l| l.count(1_234_567)).join(" "),
            "1,234,567 1\u{a0}234\u{a0}567 1\u{a0}234\u{a0}567 1,234,567 1.234.567 1.234.567"
        );
        assert_eq!(Language::De.percent(Some(0.8125)), "81,3\u{a0}%");
        assert_eq!(Language::En.percent(None), "–");
        let date = Date::constant(2026, 11, 28);
        assert_eq!(
            Language::ALL.map(|l| l.day(date)).join(" "),
            "2026-11-28 28.11.2026 28.11.2026 28.11.2026 28/11/2026 28.11.2026"
        );
    }

    #[test]
    fn durations_have_the_units_of_the_language() {
        assert_eq!(
            Language::ALL.map(|l| l.span(20_000)).join(" | ").replace('\u{a0}', " "),
            "20 s | 20 с | 20 с | 20 שנ׳ | 20 s | 20 s"
        );
        assert_eq!(Language::Uk.span(1_800_000), "30\u{a0}хв");
        assert_eq!(Language::De.span(7 * 86_400_000), "7\u{a0}T");
        assert_eq!(Language::En.span(0), "0\u{a0}s");
    }

    #[test]
    fn every_text_is_there_in_every_language_with_the_same_gaps() {
        let english = Language::En.words().all();
        for language in Language::ALL {
            for ((name, text), (_, of_english)) in language.words().all().into_iter().zip(&english) {
                assert!(!text.trim().is_empty(), "{} {name}", language.code());
                assert_eq!(text.matches("{}").count(), of_english.matches("{}").count(), "{} {name}", language.code());
            }
            let same = language.words().all().iter().zip(&english).filter(|(a, b)| a.1 == b.1 && a.1.len() > 6).count();
            assert!(language == Language::En || same <= 4, "{}: {same} texts are English", language.code());
        }
    }

    #[test]
    fn texts_of_a_language_are_in_its_script() {
        for (language, script) in [(Language::Ru, 'а'..='я'), (Language::Uk, 'а'..='ї'), (Language::He, 'א'..='ת')]
        {
            for (name, text) in language
                .words()
                .all()
                .into_iter()
                .filter(|(_, text)| text.chars().any(|c| c.is_alphabetic() && !c.is_ascii()))
            {
                assert!(text.to_lowercase().chars().any(|c| script.contains(&c)), "{} {name}: {text}", language.code());
            }
        }
    }
}
