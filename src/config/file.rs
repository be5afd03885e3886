//! From the file's text to a checked configuration.

use super::inherit::Source;
use super::pbx::pbxs;
use super::refusal::{Problem, Refusal};
use super::section::{Problems, Section, nearest};
use super::{
    Config, Log, LogFormat, ShowNumbers, Store, api, callback, codes, feed, group, renamed, report, report_mail,
    settings, sink, webhook,
};
use crate::ownership::{Untrusted, open_own};
use callbackd_core::model::PbxId;
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;
use toml::de::DeTable;

/// What the keys mean.
const VERSION: i64 = 1;

/// Shorter than this would take away what callbacks are decided by: who was called in the last day.
const MIN_KEEP: Duration = Duration::from_secs(86_400);
/// Longest time for which anything is kept: a hundred years.
const MAX_KEEP: Duration = Duration::from_secs(36_500 * 86_400);

/// Longest name of a site, bytes: a host name's (RFC 1123).
const MAX_SITE: usize = 255;

/// A configuration file is far smaller; a larger one is something else.
const MAX_FILE: u64 = 1 << 20;
const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

impl Config {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// A file that is missing, unreadable, too large or can be changed by others than root and who reads it.
    /// Everything that [`Config::from_toml`] refuses.
    pub fn load(path: &Path) -> Result<Self, Refusal> {
        let origin = path.display().to_string();
        let refuse = |title: &str, help: String| Refusal::of_file(&origin, title.to_owned(), help);
        let mut file = open_own("the configuration file", path).map_err(|untrusted| match untrusted {
            Untrusted::NotAFile => refuse("the configuration is not a file", "name a file with --config".to_owned()),
            Untrusted::Changeable { what, fix } => refuse(&what, fix),
            Untrusted::Unreadable(e) => match e.kind() {
            ErrorKind::NotFound => refuse("the configuration file does not exist", format!("create it, then try it with `callbackd check --config {origin}`; or name another file with --config")),
            ErrorKind::PermissionDenied => refuse("the configuration file cannot be read", format!("let the daemon's user read it: chown root:callbackd {origin} && chmod 640 {origin}")),
            _ => refuse("the configuration file cannot be opened", e.to_string()),
            },
        })?;
        let mut bytes = Vec::new();
        file.by_ref()
            .take(MAX_FILE + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| refuse("the configuration file cannot be read", e.to_string()))?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(refuse(
                "the configuration file is larger than 1 MiB",
                "this is not a configuration file".to_owned(),
            ));
        }
        let text = String::from_utf8(bytes).map_err(|e| {
            let good = e.utf8_error().valid_up_to();
            let line = e.as_bytes()[..good].iter().filter(|b| **b == b'\n').count() + 1;
            refuse(&format!("line {line} of the configuration file is not UTF-8"), "save the file as UTF-8".to_owned())
        })?;
        let dir = path.parent().unwrap_or(Path::new(""));
        read(&text, dir).map_err(|problems| Refusal::new(&origin, &text, problems))
    }

    /// Checks a configuration's text; `origin` is its name in refusals. Relative files are taken as they are.
    ///
    /// # Errors
    /// All that is wrong with it, at once.
    pub fn from_toml(text: &str, origin: &str) -> Result<Self, Refusal> {
        read(text, Path::new("")).map_err(|problems| Refusal::new(origin, text, problems))
    }
}

fn read(text: &str, dir: &Path) -> Result<Config, Vec<Problem>> {
    let (mut root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(errors.into_iter().map(|e| not_toml(text, e.span().unwrap_or(0..0), e.message())).collect());
    }
    let problems = Problems::default();
    let old_names = renamed::rename(root.get_mut(), &problems);
    let root = root.get_ref();
    let main = Section::new("", Some(root), &problems);
    version(&main)?;
    let all = Source { root, own: None, problems: &problems };
    let (mut shared, mut pbx) = (settings::read(&all), pbxs(root, dir, &problems));
    let names: Vec<PbxId> = pbx.iter().map(|pbx| pbx.name.clone()).collect();
    shared.codes = codes::read(root, &names, &problems);
    pbx.iter_mut().for_each(|pbx| pbx.settings.codes = shared.codes.clone());
    let feed = feed::read(&all.section("feed"));
    let sinks = sink::read(root, dir, &problems);
    let config = Config {
        site: site(&main),
        overall: callback::overall(&all.section("callback")),
        shared,
        pbx,
        api: api::read(&all.section("api"), dir),
        webhooks: webhook::read(root, dir, &feed, &names, &problems),
        group: group::read(root, dir, &sinks, &problems),
        sinks,
        feed,
        report: report::read(&all.section("report")),
        report_language: report::language(&all.section("report")),
        report_mail: report_mail::read(&all.section("report"), dir),
        store: store(&all.section("store"), dir),
        log: log(&all.section("log")),
        old_names,
    };
    let problems = problems.into_vec();
    if problems.is_empty() { Ok(config) } else { Err(problems) }
}

fn not_toml(text: &str, span: Range<usize>, message: &str) -> Problem {
    let twice = if message == "duplicate key" { table_twice(text, &span) } else { None };
    let (title, label, help) = twice.unwrap_or_else(|| {
        let help = "values are written as in TOML: texts in quotes, lists in [ ], each key once";
        ("this is not TOML".to_owned(), message.to_owned(), help.to_owned())
    });
    Problem { title, span: Some(span), label, help }
}

/// A table whose first line is met a second time, or once in single and once in double brackets.
fn table_twice(text: &str, span: &Range<usize>) -> Option<(String, String, String)> {
    let at = text.get(..span.start)?.matches('\n').count();
    let (name, is_list) = header(text.lines().nth(at)?)?;
    let mut before = text.lines().take(at).enumerate().filter_map(|(n, line)| Some((n + 1, header(line)?)));
    let (line, (earlier, earlier_list)) = before.find(|(_, (earlier, _))| {
        *earlier == name || earlier.strip_prefix(name).is_some_and(|below| below.starts_with('.'))
    })?;
    let label = format!("line {line} has it already");
    Some(match (is_list, earlier_list) {
        _ if earlier != name => (
            format!("[{earlier}] stands above the first [[{name}]]"),
            label,
            format!("move [{earlier}] of line {line} below the [[{name}]] that it is about"),
        ),
        (true, true) => return None,
        (false, false) => (
            format!("[{name}] is there twice"),
            label,
            format!("write the keys of both below the [{name}] of line {line}, and remove this one"),
        ),
        (this_list, _) => {
            let single = if this_list { line } else { at + 1 };
            let each = if name == "pbx" { ", and give each [[pbx]] a `name` of its own" } else { "" };
            (
                format!("[{name}] and [[{name}]] cannot stand in one file"),
                label,
                format!("where there are several, each is written [[{name}]]: change line {single}{each}"),
            )
        }
    })
}

/// The name in the brackets of a table's first line, and whether they are double.
fn header(line: &str) -> Option<(&str, bool)> {
    let inner = line.trim_start().strip_prefix('[')?;
    let (inner, is_list) = inner.strip_prefix('[').map_or((inner, false), |inner| (inner, true));
    Some((inner.split_once(']')?.0.trim(), is_list))
}

/// `version`: so that a key may come to mean something else one day.
fn version(main: &Section<'_, '_>) -> Result<(), Vec<Problem>> {
    let Some((span, found)) = main.integer("version") else { return Ok(()) };
    let help =
        format!("write version = {VERSION}, and compare the file with the callbackd.toml of this program's package");
    match found {
        Some(VERSION) => Ok(()),
        Some(other) => Err(vec![Problem {
            title: format!("this program understands version {VERSION} of the configuration, not {other}"),
            span: Some(span),
            label: "another version".to_owned(),
            help,
        }]),
        None => Err(vec![Problem {
            title: "`version` must be a whole number".to_owned(),
            span: Some(span),
            label: "not a whole number".to_owned(),
            help: format!("write version = {VERSION}, or leave it out"),
        }]),
    }
}

/// `site`: what readers outside know this machine's calls by.
fn site(main: &Section<'_, '_>) -> Option<String> {
    let text = main.text("site", "\"berlin\"")?;
    if text.value.len() > MAX_SITE {
        let help = "use a short name, such as \"berlin\"";
        main.problems.add(text.span, format!("`site` is longer than {MAX_SITE} bytes"), "too long", help);
    }
    Some(text.value)
}

fn store(section: &Section<'_, '_>, dir: &Path) -> Store {
    let default = Store::default();
    Store {
        path: section.text("path", "\"/var/lib/callbackd/calls.db\"").map_or(default.path, |text| dir.join(text.value)),
        keep: section.days("keep", default.keep, MIN_KEEP..=MAX_KEEP),
    }
}

fn log(section: &Section<'_, '_>) -> Log {
    let default = Log::default();
    let level = section.text("level", "\"info\"").map(|text| {
        if let Some(fault) = level_fault(&text.value) {
            let help = nearest(&text.value, LEVELS.into_iter()).map_or_else(
                || format!("use one of {}", LEVELS.join(", ")),
                |near| format!("did you mean \"{near}\"?"),
            );
            section.problems.add(text.span, "`level` is not a log level", fault, help);
        }
        text.value
    });
    Log {
        level: level.unwrap_or(default.level),
        format: one_of(section, "format", &[("text", LogFormat::Text), ("json", LogFormat::Json)])
            .unwrap_or(default.format),
        numbers: one_of(
            section,
            "numbers",
            &[("tail", ShowNumbers::Tail), ("full", ShowNumbers::Full), ("none", ShowNumbers::None)],
        )
        .unwrap_or(default.numbers),
    }
}

/// A level, or a filter of the form `info,callbackd::ami=debug`. The filter's own parser would take a misspelt level for a module's name.
fn level_fault(text: &str) -> Option<String> {
    let wrong = |level: &str| !LEVELS.iter().any(|l| l.eq_ignore_ascii_case(level.trim()));
    for part in text.split(',') {
        let level = part.rsplit_once('=').map_or(part, |(_, level)| level);
        if wrong(level) {
            return Some(format!("`{}` is no level", level.trim()));
        }
    }
    text.parse::<tracing_subscriber::filter::Targets>().err().map(|e| e.to_string())
}

/// The value of the choice that the key names.
pub(super) fn one_of<T: Copy>(section: &Section<'_, '_>, key: &str, choices: &[(&'static str, T)]) -> Option<T> {
    let names: Vec<String> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let text = section.text(key, &names[0])?;
    let found = choices.iter().find(|(name, _)| *name == text.value).map(|(_, value)| *value);
    if found.is_none() {
        section.problems.add(
            text.span,
            format!("`{key}` cannot be \"{}\"", text.value),
            "not a choice",
            format!("use {}", names.join(" or ")),
        );
    }
    found
}
