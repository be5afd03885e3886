//! From the file's text to a checked configuration.

use super::refusal::{Problem, Refusal};
use super::section::{Problems, Section, nearest};
use super::{
    Calls, Config, Gap, Hours, Log, LogFormat, Numbers, Pbx, ShowNumbers, Store, agents, api, callback, owner, pbx,
};
use crate::records::Files;
use callbackd_core::model::hours::HoursError;
use callbackd_core::model::number::{InternalRule, NumberError, Numbering};
use std::collections::{BTreeMap, HashSet};
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::time::Duration;
use toml::de::{DeTable, DeValue};

/// Shorter than this would take away what callbacks are decided by: who was called in the last day.
const MIN_KEEP: Duration = Duration::from_secs(86_400);
/// A hundred years.
const MAX_KEEP: Duration = Duration::from_secs(36_500 * 86_400);

/// A configuration file is far smaller; a larger one is something else.
const MAX_FILE: u64 = 1 << 20;
/// Who waited longer than this did not give up early.
const MAX_SHORT_ABANDON: Duration = Duration::from_secs(600);
/// Who talked longer than this did talk.
const MAX_MIN_TALK: Duration = Duration::from_secs(3600);

/// After-call work longer than this is a pause.
const MAX_WRAPUP: Duration = Duration::from_secs(3600);
/// An E.164 number has up to 15 digits, an extension fewer than the shortest of them.
const MAX_INTERNAL_DIGITS: u8 = 8;

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

impl Config {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// A file that is missing, unreadable, too large or can be changed by others than root and who reads it, and everything that [`Config::from_toml`] refuses.
    pub fn load(path: &Path) -> Result<Self, Refusal> {
        let origin = path.display().to_string();
        let refuse = |title: &str, help: String| Refusal::of_file(&origin, title.to_owned(), help);
        let mut file = std::fs::File::open(path).map_err(|e| match e.kind() {
            ErrorKind::NotFound => refuse("the configuration file does not exist", format!("create it, then try it with `callbackd check --config {origin}`; or name another file with --config")),
            ErrorKind::PermissionDenied => refuse("the configuration file cannot be read", format!("let the daemon's user read it: chown root:callbackd {origin} && chmod 640 {origin}")),
            _ => refuse("the configuration file cannot be opened", e.to_string()),
        })?;
        let meta = file.metadata().map_err(|e| refuse("the configuration file cannot be examined", e.to_string()))?;
        if !meta.is_file() {
            return Err(refuse("the configuration is not a file", "name a file with --config".to_owned()));
        }
        let user = rustix::process::geteuid().as_raw();
        owner::check(path, &meta, user).map_err(|(title, mend)| refuse(&title, mend))?;
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

    /// The rules by which numbers are read.
    ///
    /// # Errors
    /// None after [`Config::load`], which has tried it.
    pub fn numbering(&self) -> Result<Numbering, NumberError> {
        let rule = match &self.calls.internal_number {
            Some(pattern) => InternalRule::matches(pattern)?,
            None => InternalRule::MaxDigits(self.numbers.internal_max_digits),
        };
        Numbering::new(&self.numbers.region, rule)
    }
}

impl Hours {
    /// The hours as they can be asked.
    ///
    /// # Errors
    /// None after [`Config::load`], which has tried it.
    pub fn build(&self) -> Result<callbackd_core::model::hours::Hours, HoursError> {
        callbackd_core::model::hours::Hours::parse(&self.open, self.zone(), self.country.as_deref())
    }

    /// The time zone of the business: for hours, days and times shown to people.
    #[must_use]
    pub fn zone(&self) -> jiff::tz::TimeZone {
        let named = self.timezone.as_deref().and_then(|name| jiff::tz::TimeZone::get(name).ok());
        named.unwrap_or_else(jiff::tz::TimeZone::system)
    }
}

fn read(text: &str, dir: &Path) -> Result<Config, Vec<Problem>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let help = "values are written as in TOML: texts in quotes, lists in [ ], each key once";
        return Err(errors
            .into_iter()
            .map(|e| Problem {
                title: "this is not TOML".to_owned(),
                span: Some(e.span().unwrap_or(0..0)),
                label: e.message().to_owned(),
                help: help.to_owned(),
            })
            .collect());
    }
    let root = root.get_ref();
    let problems = Problems::default();
    Section::new("", Some(root), &problems);
    let main_hours = table(root, "hours", &problems);
    let plain_hours = hours(&main_hours, &Hours::default());
    let mut did_hours = BTreeMap::new();
    let named_hours = named_hours(root, &plain_hours, &mut did_hours, &problems);
    let agents = agents::read(root, &problems);
    let names: Vec<String> = named_hours.keys().cloned().collect();
    let pbx = pbxs(root, dir, &problems);
    let config = Config {
        callback: callback::read(&table(root, "callback", &problems), &names, &agents),
        agents,
        gap: gap(&table(root, "gap", &problems), dir, &pbx),
        pbx,
        api: api::read(&table(root, "api", &problems), dir),
        calls: calls(&table(root, "calls", &problems)),
        numbers: numbers(&table(root, "numbers", &problems)),
        hours: plain_hours,
        named_hours,
        did_hours,
        store: store(&table(root, "store", &problems), dir),
        log: log(&table(root, "log", &problems)),
    };
    let problems = problems.into_vec();
    if problems.is_empty() { Ok(config) } else { Err(problems) }
}

fn table<'a, 'i>(root: &'a DeTable<'i>, name: &'static str, problems: &'a Problems) -> Section<'a, 'i> {
    let table = root.get(name).and_then(|value| match value.get_ref() {
        DeValue::Table(table) => Some(table),
        _ => {
            problems.add(
                value.span(),
                format!("`{name}` must be a table"),
                "not a table",
                format!("write [{name}] on a line of its own and the keys below it"),
            );
            None
        }
    });
    Section::new(name, table, problems)
}

fn pbxs(root: &DeTable<'_>, dir: &Path, problems: &Problems) -> Vec<Pbx> {
    let Some(value) = root.get("pbx") else { return vec![Pbx::default()] };
    let DeValue::Array(items) = value.get_ref() else {
        return vec![pbx::read(&table(root, "pbx", problems), dir)];
    };
    if items.is_empty() {
        problems.add(
            value.span(),
            "there must be a PBX",
            "empty",
            "write [[pbx]] with its address, username and secret_file",
        );
    }
    let mut names = HashSet::new();
    let mut out = Vec::new();
    for item in items {
        let DeValue::Table(table) = item.get_ref() else {
            problems.add(
                item.span(),
                "each `pbx` must be a table",
                "not a table",
                "write [[pbx]] on a line of its own and the keys below it",
            );
            continue;
        };
        let section = Section::new("pbx", Some(table), problems);
        let pbx = pbx::read(&section, dir);
        if !names.insert(pbx.name.clone()) {
            let span = section.span("name").unwrap_or(item.span());
            problems.add(
                span,
                format!("two PBXs are named `{}`", pbx.name),
                "named like another",
                "give each [[pbx]] a `name` of its own",
            );
        }
        out.push(pbx);
    }
    out
}

fn calls(section: &Section<'_, '_>) -> Calls {
    let default = Calls::default();
    let internal_number = section.text("internal_number", "'[1-9]\\d{2,4}'").map(|text| {
        if let Err(e) = InternalRule::matches(&text.value) {
            let fault = e.to_string();
            let last = fault.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            section.problems.add(
                text.span,
                "`internal_number` is not a regular expression",
                last,
                "it stands for the whole number, for example: internal_number = '[1-9]\\d{2,4}'",
            );
        }
        text.value
    });
    Calls {
        inbound_contexts: section.globs("inbound_contexts", default.inbound_contexts),
        trunks: section.globs("trunks", default.trunks),
        ivr_contexts: section.globs("ivr_contexts", default.ivr_contexts),
        closed_contexts: section.globs("closed_contexts", default.closed_contexts),
        voicemail_contexts: section.globs("voicemail_contexts", default.voicemail_contexts),
        self_service_contexts: section.globs("self_service_contexts", default.self_service_contexts),
        blocked_contexts: section.globs("blocked_contexts", default.blocked_contexts),
        internal_number,
        short_abandon: section.duration("short_abandon", default.short_abandon, MAX_SHORT_ABANDON),
        min_talk: section.duration("min_talk", default.min_talk, MAX_MIN_TALK),
        wrapup: section.duration("wrapup", default.wrapup, MAX_WRAPUP),
    }
}

fn numbers(section: &Section<'_, '_>) -> Numbers {
    let default = Numbers::default();
    let region = section.text("region", "\"US\"").map(|text| {
        if let Err(e) = Numbering::new(&text.value, InternalRule::MaxDigits(0)) {
            section.problems.add(
                text.span,
                e.to_string(),
                "unknown country",
                "use a two-letter ISO 3166 code such as \"US\"",
            );
        }
        text.value
    });
    Numbers {
        region: region.unwrap_or(default.region),
        internal_max_digits: section.number(
            "internal_max_digits",
            default.internal_max_digits,
            0..=MAX_INTERNAL_DIGITS,
        ),
        allow: prefixes(section, "allow"),
        deny: prefixes(section, "deny"),
        international: section.flag_or("international", default.international),
        premium: section.flag_or("premium", default.premium),
    }
}

/// Beginnings of numbers in E.164.
fn prefixes(section: &Section<'_, '_>, key: &str) -> Vec<String> {
    let mut out = Vec::new();
    for text in section.texts(key, "[\"+4420\"]").unwrap_or_default() {
        let digits = text.value.strip_prefix('+').unwrap_or_default();
        let fits =
            (1..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
        if fits {
            out.push(text.value);
        } else {
            section.problems.add(
                text.span,
                format!("`{}` in `{key}` is not the beginning of a number", text.value),
                "not + and digits",
                format!("write + and the calling code, without blanks: {key} = [\"+4420\"]"),
            );
        }
    }
    out
}

/// `[hours.NAME]`: as [hours], with the same time zone and country unless they say otherwise; and the numbers that they hold for.
fn named_hours(
    root: &DeTable<'_>,
    default: &Hours,
    dids: &mut BTreeMap<String, String>,
    problems: &Problems,
) -> BTreeMap<String, Hours> {
    let Some(DeValue::Table(all)) = root.get("hours").map(|v| v.get_ref()) else { return BTreeMap::new() };
    let mut out = BTreeMap::new();
    for (name, value) in all {
        let DeValue::Table(table) = value.get_ref() else { continue };
        let named = name.get_ref().to_string();
        let section = Section::named("hours.NAME", &format!("hours.{named}"), Some(table), problems);
        if section.span("open").is_none() {
            let help = "add for example: open = \"Mo-Fr 09:00-18:00\"";
            problems.add(name.span(), format!("[hours.{named}] does not say when it is open"), "here", help);
        }
        for did in section.texts("dids", "[\"+12025550100\"]").unwrap_or_default() {
            if let Some(other) = dids.insert(did.value.clone(), named.clone()) {
                let title = format!("calls to {} keep the hours `{other}` already", did.value);
                problems.add(did.span, title, "named twice", "name each number in one [hours.NAME]");
            }
        }
        out.insert(named, hours(&section, default));
    }
    out
}

fn hours(section: &Section<'_, '_>, default: &Hours) -> Hours {
    let timezone = section.text("timezone", "\"Europe/Berlin\"");
    let country = section.text("country", "\"DE\"");
    let open = section.text("open", "\"Mo-Fr 09:00-18:00\"");
    if let Some(zone) = &timezone
        && jiff::tz::TimeZone::get(&zone.value).is_err()
    {
        let names: Vec<String> = jiff::tz::db().available().map(|n| n.to_string()).collect();
        let city = nearest(&zone.value.replace(' ', "_"), names.iter().map(String::as_str));
        let help = city.map_or("use an IANA name such as \"Europe/Berlin\"".to_owned(), |near| {
            format!("did you mean \"{near}\"?")
        });
        section.problems.add(zone.span.clone(), format!("the time zone `{}` is unknown", zone.value), "unknown", help);
    }
    let hours = Hours {
        timezone: timezone.map(|t| t.value).or_else(|| default.timezone.clone()),
        country: country.as_ref().map(|t| t.value.clone()).or_else(|| default.country.clone()),
        open: open.as_ref().map_or_else(|| default.open.clone(), |t| t.value.clone()),
    };
    if let Err(e) = hours.build() {
        let span = match (e.offset(), &open, &country) {
            (Some(offset), Some(open), _) => open.at(offset),
            (None, _, Some(country)) => country.span.clone(),
            _ => 0..0,
        };
        section.problems.add(span, e.to_string(), "here", e.help());
    }
    hours
}

fn gap(section: &Section<'_, '_>, dir: &Path, pbxs: &[Pbx]) -> Gap {
    let path = |key, example| section.text(key, example).map(|text| dir.join(text.value));
    let cdr_csv = path("cdr_csv", "\"/var/log/asterisk/cdr-csv/Master.csv\"");
    let queue_log = path("queue_log", "\"/var/log/asterisk/queue_log\"");
    let pbx = section.text("pbx", "\"pbx\"").map(|text| {
        if !pbxs.iter().any(|pbx| pbx.name == text.value) {
            let names: Vec<&str> = pbxs.iter().map(|pbx| &*pbx.name).collect();
            let help = format!("name one of [[pbx]]: {}", names.join(", "));
            section.problems.add(text.span, "`gap.pbx` names no PBX", "no PBX has this name", help);
        }
        text.value
    });
    Gap { pbx, files: Files { cdr_csv, queue_log } }
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
    tracing_subscriber::EnvFilter::try_new(text).err().map(|e| e.to_string())
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
