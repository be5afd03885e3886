//! How figures are shown: in a terminal, as CSV, as a page. Pure: figures in, text out.

mod cells;
pub(crate) mod csv;
pub(crate) mod format;
pub(crate) mod glance;
pub(crate) mod html;
pub(crate) mod mail;
pub(crate) mod svg;
mod terminal;
pub(crate) mod text;

use super::figures::{Figures, Slice, Totals};
use super::thresholds::Thresholds;
use super::window::Window;
use crate::language::Language;
use callbackd_core::millis::Millis;
use jiff::tz::TimeZone;

/// What a report shows.
#[derive(Debug, Clone)]
pub(crate) struct Report<'r> {
    /// In which it is written for people; a terminal has English.
    pub(crate) language: Language,
    /// Which days.
    pub(crate) window: &'r Window,
    /// In which times are shown.
    pub(crate) zone: &'r TimeZone,
    /// Which calls, if not all: by what, and its name.
    pub(crate) chosen: Vec<(&'static str, String)>,
    /// The figures.
    pub(crate) figures: &'r Figures,
    /// What they are compared with: which days, and their totals.
    pub(crate) before: Option<(&'r Window, &'r Totals)>,
    /// Slices that were asked for: by what, and each one's totals. Then nothing else is shown.
    pub(crate) slices: Option<(&'static str, &'r [Slice])>,
    /// What is in time, too long, good.
    pub(crate) thresholds: &'r Thresholds,
    /// When it was made, ms since 1970 UTC.
    pub(crate) made_ms: Millis,
}
