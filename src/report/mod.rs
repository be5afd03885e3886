//! Figures for managers: what the rows of a time mean in counts, rates and waits. Pure: rows and thresholds in, figures out; no SQL, no clock.
//!
//! ```text
//! facts (rows of a span) → roll-up → figures → faces: text, CSV, HTML; JSON is the figures themselves
//! ```
//!
//! Every figure is here, once; the views `v_report_…` of the database say the same in SQL, and a test holds the two against a third count.

pub mod calendar;
pub(crate) mod faces;
pub(crate) mod facts;
pub mod figures;
pub(crate) mod rollup;
pub(crate) mod thresholds;
pub(crate) mod window;

pub use facts::Facts;
pub use thresholds::Thresholds;
pub(crate) use window::Window;
