//! The figures of a window, and the totals of the one before it, as every face shows them.

use super::{Chosen, Depth, Error, Reader};
use crate::language::Language;
use crate::report::faces::Report;
use crate::report::figures::{By, Figures, Slice, Totals, slices};
use crate::report::rollup::part::key;
use crate::report::{Thresholds, Window};
use callbackd_core::millis::Millis;
use jiff::tz::TimeZone;

/// What was read.
#[derive(Debug)]
pub(crate) struct Reported {
    /// What the rows of the window come to.
    pub(crate) figures: Figures,
    /// Those of its slices, where they were asked for.
    pub(crate) slices: Vec<Slice>,
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
    /// The figures of a window, ms since 1970 UTC, the second not in it.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn figures(
        &self,
        window: (Millis, Millis),
        chosen: &Chosen,
        thresholds: &Thresholds,
        zone: &TimeZone,
    ) -> Result<Figures, Error> {
        self.divided(window, (chosen, None), thresholds, zone).map(|(figures, _)| figures)
    }

    fn divided(
        &self,
        window: (Millis, Millis),
        (chosen, by): (&Chosen, Option<By>),
        thresholds: &Thresholds,
        zone: &TimeZone,
    ) -> Result<(Figures, Vec<Slice>), Error> {
        // Where there are several, each is shown for itself.
        let of_sites = !self.sites().is_empty();
        let by = by.or(of_sites.then_some(By::Site));
        let mut rolled = self.rolled_up(window, (chosen, by), Depth::All, thresholds, zone)?;
        let mut figures = rolled.rollup.figures(window, rolled.as_of_ms, &rolled.frame, thresholds);
        let end_ms = window.1.min(rolled.as_of_ms).max(window.0);
        for site in self.sites().iter().filter(|site| chosen.has_site(&site.site)) {
            if by == Some(By::Site) {
                rolled.slices.at(key(["", "", &site.site]));
            }
            figures.quality.behind.extend(Some(site).filter(|site| site.is_behind(end_ms)).cloned());
        }
        figures.quality.of_sites = of_sites;
        let slices = by.map_or_else(Vec::new, |by| slices(by, &rolled.slices));
        if by == Some(By::Site) {
            figures.sites.clone_from(&slices);
        }
        Ok((figures, slices))
    }

    /// Reads a window, divided `by` something where that is asked for, and the one before it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn reported(
        &self,
        window: &Window,
        (chosen, by): (&Chosen, Option<By>),
        thresholds: &Thresholds,
        zone: &TimeZone,
        now_ms: Millis,
    ) -> Result<Reported, Error> {
        let span = |window: &Window| (window.from_ms, window.to_ms);
        let (figures, slices) = self.divided(span(window), (chosen, by), thresholds, zone)?;
        let before = match window.before(zone, figures.quality.as_of_ms.min(now_ms)) {
            Some(before) => {
                let rolled = self.rolled_up(span(&before), (chosen, None), Depth::Calls, thresholds, zone)?;
                Some((before, rolled.rollup.totals.totals()))
            }
            None => None,
        };
        Ok(Reported { figures, slices, before })
    }
}
