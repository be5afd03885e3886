//! The figures of a window, and the totals of the one before it, as every face shows them.

use super::{Chosen, Depth, Error, Reader};
use crate::language::Language;
use crate::report::faces::Report;
use crate::report::facts::Facts;
use crate::report::figures::{Figures, Totals, figures};
use crate::report::{Thresholds, Window};
use callbackd_core::millis::Millis;
use jiff::tz::TimeZone;

/// What was read.
#[derive(Debug)]
pub(crate) struct Reported {
    /// The rows of the window: slices are made of them.
    pub(crate) facts: Facts,
    /// What they come to.
    pub(crate) figures: Figures,
    /// The window before, up to the same hour, with its totals; `None` where there is none.
    pub(crate) before: Option<(Window, Totals)>,
}

impl Reported {
    /// As every face shows it, without slices. `made_ms`: when it was read.
    pub(crate) fn shown<'r>(
        &'r self,
        language: Language,
        window: &'r Window,
        chosen: &Chosen,
        (thresholds, zone): (&'r Thresholds, &'r TimeZone),
        made_ms: Millis,
    ) -> Report<'r> {
        Report {
            language,
            window,
            zone,
            chosen: chosen.named(),
            figures: &self.figures,
            before: self.before.as_ref().map(|(window, totals)| (window, totals)),
            slices: None,
            thresholds,
            made_ms,
        }
    }
}

impl Reader {
    /// Reads a window and the one before it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn reported(
        &self,
        window: &Window,
        chosen: &Chosen,
        thresholds: &Thresholds,
        zone: &TimeZone,
        now_ms: Millis,
    ) -> Result<Reported, Error> {
        let read = |window: &Window, depth| self.facts((window.from_ms, window.to_ms), chosen, depth, thresholds, zone);
        let facts = read(window, Depth::All)?;
        let figures = figures(&facts);
        let before = match window.before(zone, figures.quality.as_of_ms.min(now_ms)) {
            Some(before) => {
                let totals = Totals::of(&read(&before, Depth::Calls)?.calls, thresholds);
                Some((before, totals))
            }
            None => None,
        };
        Ok(Reported { facts, figures, before })
    }
}
