//! How far a long command is: a bar on a terminal's standard error, nothing in a pipe.

use super::interrupted::Interrupted;
use crate::store::{Onlooker, Part};
use indicatif::{ProgressBar, ProgressStyle};

const BAR: &str = "{bar:40} {percent:>3} %, {eta} left";
/// Where it is not known how far it is.
const SPINNER: &str = "{spinner} {msg}: {elapsed}";

/// `of` is how long the whole is.
pub(crate) fn bar(of: u64) -> ProgressBar {
    with(ProgressBar::new(of), BAR)
}

/// `of` is how many bytes there are to read.
pub(crate) fn bytes(of: u64) -> ProgressBar {
    with(ProgressBar::new(of), "{bar:40} {percent:>3} %  {bytes} of {total_bytes}, {eta} left")
}

/// Work in a database: a bar while it is known how far it is; else what is being done, and for how long.
pub(crate) fn onlooker(doing: &'static str, interrupted: Interrupted) -> (ProgressBar, Onlooker) {
    let shown = with(ProgressBar::no_length().with_message(doing), SPINNER);
    let seen = shown.clone();
    let onlooker = Onlooker::new(move |part| {
        match part {
            Some(Part { done, of }) => {
                if seen.length().is_none() {
                    seen.set_style(style(BAR));
                }
                seen.set_length(of);
                seen.set_position(done);
            }
            None => {
                if seen.length().is_some() {
                    seen.unset_length();
                    seen.set_style(style(SPINNER));
                }
                seen.tick();
            }
        }
        !interrupted.is_asked()
    });
    (shown, onlooker)
}

fn with(bar: ProgressBar, template: &str) -> ProgressBar {
    bar.with_style(style(template))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
