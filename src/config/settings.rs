//! What may differ from PBX to PBX: how its calls and numbers are read, its hours, its agents and its callbacks.

use super::inherit::Source;
use super::section::{Section, nearest};
use super::{Agent, Callback, Calls, Hours, Numbers, agents, callback};
use callbackd_core::model::codes::Codes;
use callbackd_core::model::hours::HoursError;
use callbackd_core::model::number::{InternalRule, NumberError, Numbering};
use std::collections::BTreeMap;
use std::time::Duration;
use toml::de::DeValue;

/// Who waited longer than this did not give up early.
const MAX_SHORT_ABANDON: Duration = Duration::from_secs(600);
/// Who talked longer than this did talk.
const MAX_MIN_TALK: Duration = Duration::from_secs(3600);

/// After-call work longer than this is a pause.
const MAX_WRAPUP: Duration = Duration::from_secs(3600);
/// An E.164 number has up to 15 digits, an extension fewer than the shortest of them.
const MAX_INTERNAL_DIGITS: u8 = 8;

/// What the file says for all PBXs, or what holds for one of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// How calls are classified.
    pub calls: Calls,
    /// Numbering plan, table `[numbers]`.
    pub numbers: Numbers,
    /// Business hours, table `[hours]`.
    pub hours: Hours,
    /// `[hours.NAME]`: hours that a queue's callbacks keep instead; what they do not say is taken from `[hours]`.
    pub named_hours: BTreeMap<String, Hours>,
    /// `dids` of the `[hours.NAME]`: which hours hold for calls to a number.
    pub did_hours: BTreeMap<String, String>,
    /// Rules of callbacks, table `[callback]`.
    pub callback: Callback,
    /// What the queues do not say of their members.
    pub agents: Vec<Agent>,
    /// What can be said of calls beside their status, tables `[[code]]`: the same for all PBXs.
    pub codes: Codes,
}

impl Settings {
    /// The rules by which numbers are read.
    ///
    /// # Errors
    /// None after [`Config::load`](super::Config::load), which has tried it.
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
    /// None after [`Config::load`](super::Config::load), which has tried it.
    pub fn build(&self) -> Result<callbackd_core::model::hours::Hours, HoursError> {
        callbackd_core::model::hours::Hours::parse(&self.open, self.zone(), self.country.as_deref())
    }

    /// The time zone of the business: for hours, days and times shown to people.
    #[must_use]
    pub(crate) fn zone(&self) -> jiff::tz::TimeZone {
        let named = self.timezone.as_deref().and_then(|name| jiff::tz::TimeZone::get(name).ok());
        named.unwrap_or_else(jiff::tz::TimeZone::system)
    }
}

/// Reads the settings, as one PBX sees them.
pub(super) fn read(source: &Source<'_, '_>) -> Settings {
    let plain_hours = hours(&source.section("hours"), &Hours::default());
    let mut did_hours = BTreeMap::new();
    let named_hours = named_hours(source, &plain_hours, &mut did_hours);
    let agents = agents::read(source);
    let names: Vec<String> = named_hours.keys().cloned().collect();
    Settings {
        callback: callback::read(source, &names, &agents),
        agents,
        calls: calls(&source.section("calls")),
        numbers: numbers(&source.section("numbers")),
        hours: plain_hours,
        named_hours,
        did_hours,
        codes: Codes::default(),
    }
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
        machines: section.globs("machines", default.machines),
        self_service_machines: section.globs("self_service_machines", default.self_service_machines),
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
        vip: prefixes(section, "vip"),
        international: section.flag_or("international", default.international),
        premium: section.flag_or("premium", default.premium),
        own: own(section),
    }
}

/// Our own numbers, as they are dialled or shown.
fn own(section: &Section<'_, '_>) -> Vec<String> {
    let mut out = Vec::new();
    for text in section.texts("own", "[\"+12025550100\"]").unwrap_or_default() {
        let digits = text.value.strip_prefix('+').unwrap_or(&text.value);
        if (3..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) {
            out.push(text.value);
        } else {
            section.problems.add(
                text.span,
                format!("`{}` in `own` is not a number", text.value),
                "not 3 to 15 digits, perhaps with +",
                "write each number as customers dial or see it: own = [\"+12025550100\"]",
            );
        }
    }
    out
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
    source: &Source<'_, '_>,
    default: &Hours,
    dids: &mut BTreeMap<String, String>,
) -> BTreeMap<String, Hours> {
    let Some(DeValue::Table(all)) = source.root.get("hours").map(|v| v.get_ref()) else { return BTreeMap::new() };
    let problems = source.problems;
    let mut out = BTreeMap::new();
    for (name, value) in all {
        let DeValue::Table(table) = value.get_ref() else { continue };
        let named = name.get_ref().to_string();
        let shown = source.shown(&["hours", &named]);
        let section = Section::named("hours.NAME", &shown, Some(table), problems);
        if section.span("open").is_none() {
            let help = "add for example: open = \"Mo-Fr 09:00-18:00\"";
            problems.add(name.span(), format!("[{shown}] does not say when it is open"), "here", help);
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
    if timezone.is_none()
        && default.timezone.is_none()
        && let Some(set) = std::env::var_os("TZ")
        && jiff::tz::TimeZone::try_system().is_err()
    {
        section.problems.of_environment(
            format!("the environment's TZ=\"{}\" is not a time zone", set.to_string_lossy().escape_debug()),
            "correct or unset TZ, or set `timezone` in [hours] to an IANA name such as \"Europe/Berlin\"",
        );
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
