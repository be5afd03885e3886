//! `callbackd report --postgres`: the figures of all sites, out of the database that their sinks fill.
//!
//! The rows of the window are brought into a scratch database, and the report is made of them as a site makes its own
//! ([`crate::sinks::postgres::gather`]): one set of questions, one set of formulas. A customer is one over all sites there: who calls another site
//! again has called again. All days are of one zone, and all thresholds are the same.

use super::super::sink::{found, reached, refused};
use super::{Failure, ReportArgs, Rules, show};
use crate::config::{Config, PostgresUrl, Sink, SinkInto, Tls};
use crate::report::facts::{RUNNING_MS, Site as Shown};
use crate::report::thresholds::Thresholds;
use crate::report::window::{Asked, Window};
use crate::sinks::postgres::gather::{self, NotGathered, Site, Span};
use crate::store::{Reader, choose_site};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::io::Write;

impl ReportArgs {
    /// A name is that of a sink of the configuration. A URL says all itself.
    fn is_url(&self) -> bool {
        self.postgres.as_deref().is_some_and(|place| place.contains("://"))
    }

    /// Whether a report of all sites needs the configuration.
    #[must_use]
    pub fn needs_config(&self) -> bool {
        self.config.is_some() || !self.is_url()
    }
}

/// What is known once the rows are there.
struct Gathered {
    reader: Reader,
    thresholds: Thresholds,
    zone: TimeZone,
    args: ReportArgs,
}

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub fn run(
    args: &ReportArgs,
    config: Option<&Config>,
    now: Timestamp,
    out: &mut impl Write,
    notes: &mut impl Write,
) -> Result<(), Failure> {
    let sink = sink(args, config)?;
    let zone = args.zone.as_deref().map(zone).transpose()?;
    let not_read = |why: NotGathered| match why {
        NotGathered::Store(error) => error.into(),
        NotGathered::Server(fault) => refused(&sink, &fault),
    };
    let gathered = reached(&sink, "callbackd report", async |client| {
        let sites = gather::sites(&client).await.map_err(|fault| not_read(fault.into()))?;
        let (thresholds, zone) = rules(&sites, config, zone, notes);
        let mut args = args.clone();
        of_site(&mut args, &sites)?;
        let span = span(&args, &thresholds, &zone, now)?;
        let scratch = gather::gather(&client, &span).await.map_err(not_read)?;
        let shown = |site: Site| Shown { site: site.name, seen_ms: site.seen_ms, walking: site.walking };
        let reader = scratch.filled(sites.into_iter().map(shown).collect())?;
        Ok(Gathered { reader, thresholds, zone, args })
    });
    let Gathered { reader, thresholds, zone, args } = gathered.map_err(|failure| match failure {
        Failure::NotSent(why) => Failure::NotRead(why),
        other => other,
    })?;
    let pbxs = BTreeSet::new();
    show(&args, &reader, Rules { pbxs: &pbxs, thresholds: &thresholds, zone: &zone, now }, out, notes)
}

/// The server, and as whom it is asked.
fn sink(args: &ReportArgs, config: Option<&Config>) -> Result<Sink, Failure> {
    let place = args.postgres.as_deref().unwrap_or_default();
    if let Some(config) = config.filter(|_| !args.is_url()) {
        if args.password_file.is_some() {
            let why = "--password-file is for a URL: a sink of the configuration has its own";
            return Err(Failure::Usage(why.to_owned()));
        }
        let sink = found(config, place)?;
        return match sink.into {
            SinkInto::Postgres(_) => Ok(sink.clone()),
            SinkInto::Nats { .. } => Err(Failure::Usage(format!(
                "the sink {} is a stream: name one with type = \"postgres\", or the URL of the database",
                sink.name
            ))),
        };
    }
    let url =
        PostgresUrl::parse(place).map_err(|(what, help)| Failure::Usage(format!("--postgres: {what}: {help}")))?;
    let Some(file) = &args.password_file else {
        let why = "--postgres with a URL needs --password-file, a file with that user's password in one line";
        return Err(Failure::Usage(why.to_owned()));
    };
    // As for a sink: to another machine encrypted, always.
    let tls = match &args.tls_ca_file {
        Some(ca) => Some(Tls::CaFile(ca.clone())),
        None if url.is_here() => None,
        None => Some(Tls::System),
    };
    let PostgresUrl { user, host, port, database } = url;
    Ok(Sink {
        name: format!("database {database}"),
        host,
        port,
        user,
        into: SinkInto::Postgres(database),
        password_file: file.clone(),
        tls,
        allow_plaintext: false,
    })
}

fn zone(name: &str) -> Result<TimeZone, Failure> {
    let none =
        |_| Failure::Usage(format!("--zone: no time zone `{}`: give a name as Europe/Berlin", name.escape_debug()));
    TimeZone::get(name).map_err(none)
}

/// The site and the PBX that are asked for, by the names that the rows have here.
fn of_site(args: &mut ReportArgs, sites: &[Site]) -> Result<(), Failure> {
    let Some(site) = &mut args.site else { return Ok(()) };
    if sites.is_empty() {
        let none = format!("no site `{}`: none has written into this database yet", site.escape_debug());
        return Err(Failure::Usage(none));
    }
    choose_site(site, &sites.iter().map(|site| site.name.clone()).collect::<Vec<_>>())?;
    if let Some(pbx) = args.pbx.as_mut().filter(|pbx| !pbx.contains('/')) {
        *pbx = format!("{site}/{pbx}");
    }
    Ok(())
}

/// Which rows are needed: those of the window, those that they are compared with, and the calls by which it is known who called again.
fn span(args: &ReportArgs, thresholds: &Thresholds, zone: &TimeZone, now: Timestamp) -> Result<Span, Failure> {
    let asked = Asked { word: args.window.as_deref(), from: args.from.as_deref(), to: args.to.as_deref() };
    let window = Window::of(asked, zone, now).map_err(|why| Failure::Usage(why.to_string()))?;
    let before_ms = window.before(zone, i64::MAX).map_or(window.from_ms, |before| before.from_ms);
    let first_ms = before_ms - RUNNING_MS;
    // Of earlier calls nothing is asked but themselves, unless they are chosen by what belongs to them.
    let by_belongings = args.agent.is_some() || args.code.is_some();
    Ok(Span {
        first_ms,
        whole_ms: if by_belongings { first_ms } else { window.from_ms },
        window: (window.from_ms, window.to_ms),
        last_ms: window.to_ms.saturating_add(thresholds.fcr_window_ms),
    })
}

/// What all sites are held against: the configuration where it says something else than what holds without it, else what most sites have. `notes`
/// says which, where nobody has named it.
fn rules(
    sites: &[Site],
    config: Option<&Config>,
    zone: Option<TimeZone>,
    notes: &mut impl Write,
) -> (Thresholds, TimeZone) {
    let settings: Vec<&(String, [i64; 8])> = sites.iter().filter_map(|site| site.settings.as_ref()).collect();
    let mut thresholds = config.map(|config| config.report.clone()).unwrap_or_default();
    if numbers(&thresholds) == numbers(&Thresholds::default())
        && let Some((of_most, others)) = most(settings.iter().map(|(_, numbers)| numbers))
    {
        set(&mut thresholds, of_most);
        if others > 0 {
            // Notes are a courtesy: that they cannot be said is no error.
            let _ = writeln!(
                notes,
                "The thresholds of [report] are not the same at all sites: those of most are used, not those of {others} {}; --config names others.",
                if others == 1 { "other" } else { "others" }
            );
        }
    }
    let named = zone.or_else(|| config?.shared.hours.timezone.as_ref().map(|_| config.map(Config::zone))?);
    let zone = named.unwrap_or_else(|| {
        let of_most = most(settings.iter().map(|(zone, _)| zone));
        let found = of_most.and_then(|(zone, others)| Some((TimeZone::get(zone).ok()?, others)));
        let zone = found.as_ref().map_or_else(TimeZone::system, |(zone, _)| zone.clone());
        let name = zone.iana_name().unwrap_or("local time").to_owned();
        let whose = match found {
            Some((_, 0)) => "as the sites have it",
            Some(_) => "as most sites have it",
            None => "as this machine has it",
        };
        let _ = writeln!(notes, "Days and times of all sites are in {name}, {whose}; --zone names another.");
        zone
    });
    (thresholds, zone)
}

/// What most have, the first of several, and how many have something else.
fn most<'v, V: PartialEq>(values: impl Iterator<Item = &'v V>) -> Option<(&'v V, usize)> {
    let values: Vec<&V> = values.collect();
    let others = |wanted: &V| values.iter().filter(|value| **value != wanted).count();
    values.iter().map(|value| (*value, others(value))).min_by_key(|(_, others)| *others)
}

/// In the order in which they come from the sites.
fn numbers(t: &Thresholds) -> [i64; 8] {
    [
        t.service_level_ms,
        t.service_level_target.into(),
        t.callback_target_ms,
        t.fcr_window_ms,
        t.alarm_wait_ms,
        t.too_short_ms,
        t.too_long_ms,
        t.good_score.into(),
    ]
}

fn set(t: &mut Thresholds, numbers: &[i64; 8]) {
    let target;
    let score;
    [
        t.service_level_ms,
        target,
        t.callback_target_ms,
        t.fcr_window_ms,
        t.alarm_wait_ms,
        t.too_short_ms,
        t.too_long_ms,
        score,
    ] = *numbers;
    t.service_level_target = u8::try_from(target).unwrap_or(t.service_level_target);
    t.good_score = u32::try_from(score).unwrap_or(t.good_score);
}
