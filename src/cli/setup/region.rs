//! In which country numbers are dialled: from numbers in international form that the PBX knows, never by default.

use super::conf::Conf;
use crate::cli::check::facts::Facts;
use callbackd_core::model::number::{InternalRule, Numbering, Tariff};
use callbackd_core::order::Gather as _;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The least and most digits of a number in international form.
const DIGITS: std::ops::RangeInclusive<usize> = 8..=15;
/// Of so many numbers, this many must be of one country.
const MOST: (usize, usize) = (4, 5);
/// What is read of a CDR file, bytes from its end.
const RECENT: u64 = 256 * 1024;

/// The country and how it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// ISO 3166 code.
    pub(crate) region: String,
    /// Which numbers say so.
    pub(crate) because: String,
}

/// Our own numbers in the dialplan and in the trunks' settings, else those of the calls in the CDR file.
#[must_use]
pub(crate) fn seen(directory: &Path, facts: &Facts, cdr: Option<&Path>) -> Option<Seen> {
    let mut own = BTreeSet::new();
    for (_, context) in facts.dialplan.contexts() {
        own.extend(context.extensions.keys().flat_map(|extension| international(extension)));
        let steps = context.extensions.values().flatten().filter(|step| step.data.contains("CALLERID("));
        own.extend(steps.flat_map(|step| international(&step.data)));
    }
    for name in ["pjsip.conf", "sip.conf"] {
        let lines = Conf::read(directory, name).sections.into_iter().flat_map(|section| section.lines);
        let shown =
            lines.filter(|(key, _)| ["callerid", "fromuser", "from_user", "defaultuser"].contains(&key.as_str()));
        own.extend(shown.flat_map(|(_, value)| international(&value)));
    }
    let calls = || cdr.map(|path| international(&end_of(path))).unwrap_or_default();
    country(&own, "the dialplan and the trunks name").or_else(|| country(&calls(), "calls in the CDR are of"))
}

/// A country by the time zone of this machine: good enough to be suggested, not to be taken.
#[must_use]
pub(crate) fn by_time_zone() -> Option<String> {
    let zone = TimeZone::system();
    let name = zone.iana_name()?;
    let table = std::fs::read_to_string("/usr/share/zoneinfo/zone.tab").ok()?;
    let row = table.lines().filter(|line| !line.starts_with('#')).find(|line| line.split('\t').nth(2) == Some(name))?;
    row.split('\t').next().map(str::to_owned)
}

/// Whether there is a numbering plan for it.
#[must_use]
pub(crate) fn is_known(region: &str) -> bool {
    Numbering::new(region, InternalRule::MaxDigits(5)).is_ok()
}

fn country(numbers: &BTreeSet<String>, says: &str) -> Option<Seen> {
    let plans: Vec<Numbering> = if numbers.is_empty() { Vec::new() } else { plans() };
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for number in numbers {
        let home = |plan: &&Numbering| plan.assignment(number).is_some_and(|a| a.home && a.tariff != Tariff::Unknown);
        if let Some(plan) = plans.iter().find(home) {
            found.entry(plan.country()).or_default().push(number);
        }
    }
    let all: usize = found.values().map(Vec::len).sum();
    let (region, of) = found.into_iter().max_by_key(|(_, numbers)| numbers.len())?;
    (of.len() * MOST.1 >= all * MOST.0)
        .then(|| Seen { region: region.to_owned(), because: format!("{says} {}", of[0]) })
}

/// Every numbering plan there is.
fn plans() -> Vec<Numbering> {
    let letters = || b'A'..=b'Z';
    let ids = letters().flat_map(|a| letters().map(move |b| [char::from(a), char::from(b)].iter().collect::<String>()));
    ids.filter_map(|id| Numbering::new(&id, InternalRule::MaxDigits(5)).ok()).collect()
}

/// `+49…` wherever it stands in a text.
fn international(text: &str) -> BTreeSet<String> {
    let numbers = text.match_indices('+').map(|(at, _)| {
        let digits: String = text[at + 1..].chars().take_while(char::is_ascii_digit).collect();
        digits
    });
    numbers.filter(|digits| DIGITS.contains(&digits.len())).map(|digits| format!("+{digits}")).to_set()
}

fn end_of(path: &Path) -> String {
    use std::io::{Read, Seek, SeekFrom};
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = crate::ownership::open_file(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(RECENT)))?;
        let mut bytes = Vec::new();
        file.take(RECENT).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}
