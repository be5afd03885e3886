//! One line: what stands before it, the target, the sentence, and `key=value` pairs in the order in which they were given.

use super::Front;
use super::wire::{escape_into, is_plain};
use std::fmt::{self, Write};
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

/// A value longer than this, in characters, is cut: a line must be readable, and journald splits lines at 48 KiB.
const MAX_VALUE: usize = 1024;

/// Keys that every JSON line has.
const JSON_KEYS: [&str; 4] = ["time", "level", "room", "message"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Text,
    Json,
}

pub(super) fn draw(event: &Event<'_>, front: Front, look: Look) -> String {
    let level = *event.metadata().level();
    let room = room(event.metadata().target());
    let mut fields = Fields { look, color: false, message: String::new(), pairs: String::new() };
    let mut line = String::with_capacity(256);
    match (front, look) {
        (Front::Journal, _) => {
            let _ = write!(line, "<{}>", priority(level));
        }
        (Front::Terminal { color, now }, Look::Text) => {
            fields.color = color;
            let (on, dim, off) = if color { (paint(level), "\x1b[2m", "\x1b[0m") } else { ("", "", "") };
            let _ = write!(line, "{dim}{}{off} {on}{level:<5}{off} ", now().strftime("%Y-%m-%d %H:%M:%S%.3f"));
        }
        (Front::Terminal { .. }, Look::Json) => {}
    }
    event.record(&mut fields);
    match look {
        Look::Text => {
            let (bold, off) = if fields.color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
            let _ = write!(line, "{bold}{room}:{off} {}", fields.message);
            if !fields.pairs.is_empty() {
                line.push(',');
            }
            line.push_str(&fields.pairs);
        }
        Look::Json => {
            line.push('{');
            if let Front::Terminal { now, .. } = front {
                let _ = write!(line, "\"time\":\"{:.3}\",", now().timestamp());
            }
            let name = level.as_str().to_ascii_lowercase();
            let _ = write!(
                line,
                "\"level\":\"{name}\",\"room\":{},\"message\":{}{}}}",
                quoted(room),
                quoted(&fields.message),
                fields.pairs
            );
        }
    }
    line.push('\n');
    line
}

/// A target without `::` names the part of the program itself; of a module path it is the first part below this crate.
fn room(target: &str) -> &str {
    let path = target.strip_prefix("callbackd::").unwrap_or(target);
    path.split_once("::").map_or(path, |(room, _)| room)
}

/// syslog(3): 3 error, 4 warning, 6 informational, 7 debug.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

fn paint(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[1;31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        _ => "\x1b[2m",
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

struct Fields {
    look: Look,
    color: bool,
    message: String,
    pairs: String,
}

impl Fields {
    fn text(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            match self.look {
                Look::Text => escape_into(&mut self.message, value),
                Look::Json => self.message.push_str(value),
            }
            return;
        }
        let cut = value.char_indices().nth(MAX_VALUE).map_or(value, |(end, _)| &value[..end]);
        let more = if cut.len() < value.len() { "…" } else { "" };
        match self.look {
            Look::Json => self.raw(field, &quoted(&format!("{cut}{more}"))),
            Look::Text => {
                let mut shown = String::with_capacity(cut.len() + 2);
                let bare = !cut.is_empty() && cut.chars().all(|c| is_plain(c) && !matches!(c, ' ' | '"' | '='));
                if bare {
                    shown.push_str(cut);
                    shown.push_str(more);
                } else {
                    shown.push('"');
                    escape_into(&mut shown, &cut.replace('"', "\\\""));
                    shown.push_str(more);
                    shown.push('"');
                }
                self.raw(field, &shown);
            }
        }
    }

    /// A value that needs no quotes.
    fn raw(&mut self, field: &Field, value: &str) {
        let name = field.name();
        let name = name.strip_prefix("r#").unwrap_or(name);
        let _ = match self.look {
            Look::Text if self.color => write!(self.pairs, " \x1b[2m{name}=\x1b[0m{value}"),
            Look::Text => write!(self.pairs, " {name}={value}"),
            Look::Json => write!(self.pairs, ",\"{}{name}\":{value}", if JSON_KEYS.contains(&name) { "_" } else { "" }),
        };
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.raw(field, &value.to_string());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.raw(field, &value.to_string());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.raw(field, if value { "true" } else { "false" });
    }

    /// JSON has no infinities.
    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() { self.raw(field, &value.to_string()) } else { self.text(field, &value.to_string()) }
    }

    /// An error with what caused it.
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.text(field, &with_causes(value));
    }
}

/// An error with what caused it, from the outermost on: `a: b: c`.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(more) = cause {
        let _ = write!(text, ": {more}");
        cause = more.source();
    }
    text
}
