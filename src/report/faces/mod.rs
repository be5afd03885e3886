//! How figures are shown: in a terminal, as CSV, as a page. Pure: figures in, text out.

mod cells;
pub mod csv;
pub mod format;
pub mod glance;
pub mod html;
pub mod svg;
mod terminal;
pub mod text;

use super::figures::{Figures, Slice, Totals};
use super::thresholds::Thresholds;
use callbackd_core::ami::event::Millis;
use jiff::tz::TimeZone;

/// What a report shows.
#[derive(Debug, Clone)]
pub struct Report<'r> {
    /// Which days, in words.
    pub title: String,
    /// In which times are shown.
    pub zone: &'r TimeZone,
    /// Which calls, if not all: by what, and its name.
    pub chosen: Vec<(&'static str, String)>,
    /// The figures.
    pub figures: &'r Figures,
    /// What they are compared with: which days, and their totals.
    pub before: Option<(String, &'r Totals)>,
    /// Slices that were asked for: by what, and each one's totals. Then nothing else is shown.
    pub slices: Option<(&'static str, &'r [Slice])>,
    /// What is in time, too long, good.
    pub thresholds: &'r Thresholds,
    /// When it was made, ms since 1970 UTC.
    pub made_ms: Millis,
}
