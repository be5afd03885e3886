//! A refused configuration: what is wrong, where, and how to fix it, drawn as rustc draws its errors.

use crate::exit::Exit;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use callbackd_core::order::InOrder as _;
use regex::Regex;
use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What, in one sentence without a full stop.
    pub title: String,
    /// Bytes of the file.
    pub span: Option<Range<usize>>,
    /// What stands at the caret.
    pub(crate) label: String,
    /// The fix, one sentence.
    pub help: String,
}

/// Everything that is wrong with a configuration, in the order of the file. The exit code is [`Exit::Config`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    origin: String,
    text: String,
    problems: Vec<Problem>,
}

impl Refusal {
    /// `origin` is the file's name, `text` its content.
    pub(super) fn new(origin: &str, text: &str, mut problems: Vec<Problem>) -> Self {
        let text = without_secrets(text);
        // The renderer slices the text by these bytes, so each must be the edge of a character.
        for span in problems.iter_mut().filter_map(|p| p.span.as_mut()) {
            *span = text.floor_char_boundary(span.start)..text.ceil_char_boundary(span.end);
        }
        problems.order_by_key(|p| p.span.as_ref().map_or(0, |s| s.start));
        Self { origin: origin.to_owned(), text, problems }
    }

    /// Something is wrong with the file itself.
    pub(super) fn of_file(origin: &str, title: String, help: String) -> Self {
        Self::new(origin, "", vec![Problem { title, span: None, label: String::new(), help }])
    }

    /// What is wrong; at least one.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// What to exit with.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        Exit::Config
    }

    /// The text for a person, ending with a line break.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let mut out = String::new();
        for problem in &self.problems {
            let mut group: Group<'_> = Group::with_title(Level::ERROR.primary_title(problem.title.as_str()));
            group = match &problem.span {
                Some(span) => {
                    let caret = AnnotationKind::Primary.span(span.clone()).label(problem.label.as_str());
                    group.element(Snippet::source(self.text.as_str()).path(self.origin.as_str()).annotation(caret))
                }
                None => group.element(Origin::path(self.origin.as_str())),
            };
            if !problem.help.is_empty() {
                group = group.element(Level::HELP.message(problem.help.as_str()));
            }
            out.push_str(&renderer.render(&[group]));
            out.push_str("\n\n");
        }
        out.pop();
        out
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

impl std::error::Error for Refusal {}

/// The same text, of the same length, in which no secret can be read: a refusal goes to the journal.
fn without_secrets(text: &str) -> String {
    static SECRET: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?i)\b(?:secret|password|passwd|passphrase)\b["']?[ \t]*=[ \t]*([^\n]*)"#)
            .expect("a regular expression")
    });
    let mut out = text.to_owned();
    for found in SECRET.captures_iter(text) {
        if let Some(value) = found.get(1) {
            out.replace_range(value.range(), &"*".repeat(value.len()));
        }
    }
    out
}
