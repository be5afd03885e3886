//! What a check has found: one line for each finding, or one JSON object.

use crate::cli::plain::json_line;
use crate::exit::Exit;
use serde_json::json;
use std::io::Write;

/// Where the details begin.
const INDENT: usize = 30;
/// In fewer columns broken lines are worse than long ones.
const NARROWEST: usize = 30;

/// How good a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// As it should be.
    Ok,
    /// Works, but look at it.
    Warn,
    /// Something that is needed is not there.
    Missing,
}

/// One finding of the check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// How serious it is.
    pub(crate) mark: Mark,
    /// What was looked at, in a few words.
    pub(crate) what: String,
    /// What was found, and the fix.
    pub(crate) detail: String,
}

impl Finding {
    /// A finding that all is well.
    pub(crate) fn ok(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { mark: Mark::Ok, what: what.into(), detail: detail.into() }
    }

    /// A finding that is worth a look.
    pub(crate) fn warn(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { mark: Mark::Warn, what: what.into(), detail: detail.into() }
    }

    /// Needed and not there.
    pub(crate) fn missing(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { mark: Mark::Missing, what: what.into(), detail: detail.into() }
    }
}

/// Lines to copy into a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hint {
    /// The file, or where to find it.
    pub(crate) file: String,
    /// The lines, each with its end.
    pub(crate) lines: String,
}

/// Writes findings as they come in, and keeps the worst for the exit code. The writer is expected to drop colours where they are not wanted.
pub(crate) struct Report<'a> {
    out: &'a mut dyn Write,
    json: bool,
    width: Option<usize>,
    section: String,
    missing: usize,
    warnings: usize,
    refused: Option<Exit>,
}

impl<'a> Report<'a> {
    /// Findings go to `out`, broken at words into lines of `width` columns where it is a terminal.
    pub(crate) fn new(out: &'a mut dyn Write, json: bool, width: Option<usize>) -> Self {
        Self { out, json, width, section: String::new(), missing: 0, warnings: 0, refused: None }
    }

    /// The findings that follow are about this.
    pub(crate) fn section(&mut self, title: &str) {
        let gap = if self.section.is_empty() { "" } else { "\n" };
        title.clone_into(&mut self.section);
        if !self.json {
            self.say(&format!("{gap}\x1b[1m{title}\x1b[0m\n"));
        }
    }

    /// Adds one finding and writes it out.
    pub(crate) fn add(&mut self, finding: &Finding) {
        let Finding { mark, what, detail } = finding;
        self.missing += usize::from(*mark == Mark::Missing);
        self.warnings += usize::from(*mark == Mark::Warn);
        let (color, word) = match mark {
            Mark::Ok => ("\x1b[32m", "ok"),
            Mark::Warn => ("\x1b[33m", "warn"),
            Mark::Missing => ("\x1b[1;31m", "MISSING"),
        };
        if self.json {
            let line = json!({ "about": self.section, "mark": word.to_lowercase(), "what": what, "detail": detail });
            self.say_json(&line);
        } else {
            self.say(&format!("  {color}{word:<7}\x1b[0m  {what:<17}  {}\n", self.broken(detail)));
        }
    }

    /// Adds several findings.
    pub(crate) fn extend(&mut self, findings: &[Finding]) {
        for finding in findings {
            self.add(finding);
        }
    }

    /// Something was found with which `run` would end with this code, or nothing more can be found out.
    pub(crate) fn refuse(&mut self, exit: Exit, finding: &Finding) {
        self.add(finding);
        self.refused.get_or_insert(exit);
    }

    /// Shows lines to copy.
    pub(crate) fn hint(&mut self, hint: &Hint) {
        if self.json {
            let line = json!({ "about": self.section, "fix": hint.file, "lines": hint.lines });
            self.say_json(&line);
        } else {
            self.say(&format!("\nTo fix it, in {}:\n\n{}", hint.file, hint.lines));
        }
    }

    /// Says how it stands and what to exit with.
    pub(crate) fn conclude(self) -> Exit {
        let exit = self.refused.unwrap_or(if self.missing > 0 { Exit::No } else { Exit::Ok });
        if !self.json {
            let count = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
            let warnings = count(self.warnings, "warning", "warnings");
            let verdict = match (self.missing, self.warnings) {
                (0, 0) => "\x1b[32mAll is well.\x1b[0m".to_owned(),
                (0, _) => format!("\x1b[33mAll that is needed is there; {warnings}.\x1b[0m"),
                (n, _) => {
                    format!("\x1b[1;31m{} missing or wrong; {warnings}.\x1b[0m", count(n, "thing is", "things are"))
                }
            };
            let _ = writeln!(self.out, "\n{verdict}");
        }
        let _ = self.out.flush();
        exit
    }

    fn broken(&self, detail: &str) -> String {
        let Some(room) = self.width.map(|width| width.saturating_sub(INDENT)).filter(|room| *room >= NARROWEST) else {
            return detail.to_owned();
        };
        let (mut out, mut column) = (String::new(), 0);
        for word in detail.split(' ') {
            let length = word.chars().count();
            if column > 0 && column + 1 + length > room {
                out.push_str(&format!("\n{:INDENT$}", ""));
                column = 0;
            } else if column > 0 {
                out.push(' ');
                column += 1;
            }
            out.push_str(word);
            column += length;
        }
        out
    }

    /// Whoever reads from a closed pipe has seen enough; the exit code says the rest.
    fn say_json(&mut self, line: &serde_json::Value) {
        // Whoever reads from a closed pipe does not want to know.
        let _ = json_line(line, &mut self.out);
    }

    fn say(&mut self, text: &str) {
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}
