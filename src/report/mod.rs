//! Figures for managers: what the rows of a time mean in counts, rates and waits. Pure: rows and thresholds in, figures out; no SQL, no clock.
//!
//! ```text
//! facts (rows of a window) → figures → faces: text, CSV, HTML; JSON is the figures themselves
//! ```
//!
//! Every figure is here, once; the views `v_report_…` of the database say the same in SQL, and a test holds the two against a third count.

pub mod calendar;
pub mod faces;
pub mod facts;
pub mod figures;
pub mod formulas;
pub mod thresholds;
pub mod window;

pub use facts::Facts;
pub use figures::{Figures, figures};
pub use thresholds::Thresholds;
pub use window::{Asked, Window};
