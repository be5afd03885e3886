//! Numbers, durations and times, as they are written in each language.

use super::{Language, fill, fill_all};
use callbackd_core::millis::Millis;
use callbackd_core::model::text::safe;
use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use std::fmt::Display;

/// What stands where there is nothing to be said.
pub(crate) const NOTHING: &str = "–";

impl Language {
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

    /// The form of a counted text (`one|few|many`) for this number, with the number and `more` in its gaps. Plurals after Unicode's CLDR.
    #[must_use]
    pub(crate) fn counted(self, forms: &str, n: u64, more: &[&dyn Display]) -> String {
        let all: Vec<&str> = forms.split('|').collect();
        let last = all.len() - 1;
        let form = all[self.form(n).min(last)];
        // A form of one or two may say its number by the word.
        let says_it = form.matches("{}").count() < all[last].matches("{}").count();
        let n = self.count(n);
        let number: &dyn Display = &n;
        let with: Vec<&dyn Display> = if says_it { more.to_vec() } else { [&[number], more].concat() };
        fill_all(form, &with)
    }

    /// Which of the forms.
    pub(super) fn form(self, n: u64) -> usize {
        match self {
            Self::En | Self::Es | Self::De => (n != 1) as usize,
            Self::Ru | Self::Uk => match (n % 10, n % 100) {
                (_, 11..=14) => 2,
                (1, _) => 0,
                (2..=4, _) => 1,
                _ => 2,
            },
            Self::He => match n {
                1 => 0,
                2 => 1,
                _ => 2,
            },
        }
    }

    /// What is read from left to right as a whole, wherever it stands.
    fn left_to_right(self, text: String) -> String {
        if self == Self::He { format!("\u{2066}{text}\u{2069}") } else { text }
    }

    /// A stranger's text in a sentence of ours: made safe, and in its own direction.
    #[must_use]
    pub(crate) fn named(self, text: &str) -> String {
        let text = safe(text);
        if self == Self::He { format!("\u{2068}{text}\u{2069}") } else { text }
    }

    /// A telephone number in a sentence: made safe, from left to right.
    #[must_use]
    pub(crate) fn number(self, number: &str) -> String {
        self.left_to_right(safe(number))
    }

    /// `0.4`, `12.35`, as it is written there, with so many digits behind the point.
    #[must_use]
    pub(crate) fn decimal(self, number: f64, digits: usize) -> String {
        self.point(&format!("{number:.digits$}"))
    }

    fn point(self, text: &str) -> String {
        match self {
            Self::En | Self::He => text.to_owned(),
            Self::Ru | Self::Uk | Self::Es | Self::De => text.replace('.', ","),
        }
    }

    /// `81.3 %`, as it is written there; `–` of nothing. What is not all is never 100 %, and what is not nothing never 0 %.
    #[must_use]
    pub(crate) fn percent(self, share: Option<f64>) -> String {
        let Some(share) = share else { return NOTHING.to_owned() };
        let rounded = (share * 1_000.0).round() / 10.0;
        let shown = match rounded {
            n if n >= 100.0 && share < 1.0 => 99.9,
            n if n <= 0.0 && share > 0.0 => 0.1,
            n => n,
        };
        let digits = usize::from(shown < 100.0 && shown != 0.0);
        self.left_to_right(format!("{}\u{a0}%", self.decimal(shown, digits)))
    }

    /// `+1.5 %`, `−3 pt`, `×12`: a step with its sign, a real minus, and what stands behind it.
    #[must_use]
    pub(crate) fn step(self, step: f64, digits: usize, unit: &str) -> String {
        let number = self.point(&format!("{step:+.digits$}")).replace('-', "−");
        let text = if unit.is_ascii() {
            self.left_to_right(fill(unit, number))
        } else {
            fill(unit, self.left_to_right(number))
        };
        text.replace(' ', "\u{a0}")
    }

    /// `7 h 30 min`, `12 min`: time of agents.
    #[must_use]
    pub(crate) fn hours(self, ms: Millis) -> String {
        let words = self.words();
        let min = (ms + 30_000) / 60_000;
        let text = if min < 60 {
            fill(words.unit_min, min)
        } else {
            format!("{} {}", fill(words.unit_h, min / 60), fill(words.unit_min, format!("{:02}", min % 60)))
        };
        text.replace(' ', "\u{a0}")
    }

    /// A duration in words: `0.4 s`, `37.0 s`, `2 min 5 s`, `1 h 2 min 3 s`.
    #[must_use]
    pub(crate) fn spell(self, ms: Millis) -> String {
        let words = self.words();
        let s = ms / 1_000;
        match s {
            ..60 => fill(words.unit_s, self.point(&format!("{s}.{}", ms % 1_000 / 100))),
            60..3_600 => format!("{} {}", fill(words.unit_min, s / 60), fill(words.unit_s, s % 60)),
            _ => format!(
                "{} {} {}",
                fill(words.unit_h, s / 3_600),
                fill(words.unit_min, s / 60 % 60),
                fill(words.unit_s, s % 60)
            ),
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

    /// The same without its year: `11-28`, `28.11.`, `28/11`.
    #[must_use]
    pub(crate) fn short_day(self, date: Date) -> String {
        date.strftime(match self {
            Self::En => "%m-%d",
            Self::Es => "%d/%m",
            Self::De => "%d.%m.",
            Self::Ru | Self::Uk | Self::He => "%d.%m",
        })
        .to_string()
    }

    /// `Sat`: the weekday, 0 for Monday.
    #[must_use]
    pub(crate) fn weekday(self, from_monday: usize) -> &'static str {
        let w = self.report();
        let days = [w.mon, w.tue, w.wed, w.thu, w.fri, w.sat, w.sun];
        days[from_monday.min(6)]
    }

    /// A day with its weekday: `Sat 2026-11-28`, `Sa, 28.11.2026`.
    #[must_use]
    pub(crate) fn day_of_week(self, date: Date) -> String {
        let from_monday = usize::try_from(date.weekday().since(Weekday::Monday)).unwrap_or_default();
        let comma = if self == Self::En { "" } else { "," };
        format!("{}{comma} {}", self.weekday(from_monday), self.day(date))
    }

    /// A moment in `zone` with its day, by the minute, or by the second.
    #[must_use]
    pub(crate) fn stamp(self, at_ms: Millis, zone: &TimeZone, seconds: bool) -> String {
        let Ok(at) = Timestamp::from_millisecond(at_ms) else { return at_ms.to_string() };
        let at = at.to_zoned(zone.clone());
        format!("{} {}", self.day(at.date()), at.strftime(if seconds { "%H:%M:%S" } else { "%H:%M" }))
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
