//! `callbackd report`: the figures of a window for a manager, as tables for a terminal, JSON, CSV, or one HTML file.

pub mod central;
pub mod mail;

use super::failure::Failure;
use super::plain::json_line;
use super::target::{enter, known, meant};
use crate::config::Config;
use crate::language::Language;
use crate::ownership;
use crate::report::faces::{self, Report};
use crate::report::figures::{By, Figures, Slice, Totals};
use crate::report::thresholds::Thresholds;
use crate::report::window::{Asked, Window};
use crate::store::{Chosen, NoChoice, Reader, Reported};
use callbackd_core::model::PbxId;
use callbackd_core::order::Gather as _;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

/// With these a report is of one site. What is for all sites names them itself: clap forgets what an option requires where that conflicts with another one.
const OF_ONE_SITE: [&str; 2] = ["db", "mail"];

/// Report the figures of a time: missed and won back, service level, load, queues, agents
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "\
A day is a local one, in the time zone of the configuration; --to is not in the report any more. Without a window: today.

Examples:
  callbackd report          today so far, against yesterday up to the same hour
  callbackd report week --queue sales
  callbackd report --from 2026-11-01 --to 2026-12-01 --html november.html
  callbackd report week --html woche.html --lang de
  callbackd report month --by agent --csv > agents.csv
  callbackd report week --postgres postgres://reader@db.example.com/callbackd --password-file reader --by site
  callbackd report --mail   yesterday, to where [report.mail] says; daily by callbackd-report.timer")]
pub struct ReportArgs {
    /// today, yesterday, week (this one, from Monday on) or month (this one)
    #[arg(value_name = "WINDOW", value_parser = ["today", "yesterday", "week", "month"], conflicts_with_all = ["from", "to"])]
    pub(crate) window: Option<String>,
    /// First day
    #[arg(long, value_name = "DAY")]
    pub(crate) from: Option<String>,
    /// The day after the last one [default: tomorrow]
    #[arg(long, value_name = "DAY", requires = "from")]
    pub(crate) to: Option<String>,
    /// Database [default: store.path of the configuration]
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    pub db: Option<PathBuf>,
    /// Report of all sites, from the database that their sinks filled: postgres://USER@HOST/DATABASE, or the name of a sink
    #[arg(long, value_name = "URL", conflicts_with_all = OF_ONE_SITE, add = super::complete::databases())]
    pub postgres: Option<String>,
    /// File with the password of the user in that URL, which nobody else can read
    #[arg(long, value_name = "FILE", requires = "postgres", conflicts_with_all = OF_ONE_SITE)]
    pub(crate) password_file: Option<PathBuf>,
    /// Authority of that server's certificate, PEM [default: those of the system, for another machine]
    #[arg(long, value_name = "FILE", requires = "password_file", conflicts_with_all = OF_ONE_SITE)]
    pub(crate) tls_ca_file: Option<PathBuf>,
    /// Time zone of the days of all sites, as Europe/Berlin [default: of the configuration, else of most sites]
    #[arg(long, value_name = "ZONE", requires = "postgres", conflicts_with_all = OF_ONE_SITE)]
    pub(crate) zone: Option<String>,
    /// Configuration that names the database, the time zone and the thresholds [default: /etc/callbackd/callbackd.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print JSON
    #[arg(long, conflicts_with_all = ["csv", "html"])]
    pub(crate) json: bool,
    /// Print comma-separated values: a line for each slice, by --by or by day
    #[arg(long, conflicts_with = "html")]
    pub(crate) csv: bool,
    /// Write one HTML file, with charts, that needs nothing else; `-` for standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Language of --html and --mail: en, ru, uk, he, es, de [default: report.language of the configuration]
    #[arg(long, value_name = "CODE", ignore_case = true, hide_possible_values = true, value_parser = super::words(&Language::ALL, Language::code, Language::from_code))]
    pub(crate) lang: Option<Language>,
    /// Send the report to where [report.mail] of the configuration says: a directory, a mail command, a webhook [default window: yesterday]
    #[arg(long, conflicts_with_all = ["json", "csv", "html", "by", "db"])]
    pub mail: bool,
    /// Only the slices: site (with --postgres), pbx, did, trunk, queue, agent, hour, day, weekday, code
    #[arg(long, ignore_case = true, value_parser = super::words(By::ALL, By::as_str, By::from_text))]
    pub(crate) by: Option<By>,
    /// Calls of this site
    #[arg(long, value_name = "NAME", requires = "postgres", conflicts_with_all = OF_ONE_SITE)]
    pub(crate) site: Option<String>,
    /// Calls on this PBX; with --postgres as SITE/NAME
    #[arg(long, value_name = "NAME")]
    pub(crate) pbx: Option<String>,
    /// Calls to this number of ours
    #[arg(long, value_name = "NUMBER")]
    pub(crate) did: Option<String>,
    /// Calls over this trunk
    #[arg(long, value_name = "NAME")]
    pub(crate) trunk: Option<String>,
    /// Calls of this queue
    #[arg(long)]
    pub(crate) queue: Option<String>,
    /// Calls that this agent took or made: PJSIP/101, 101, or the name
    #[arg(long)]
    pub(crate) agent: Option<String>,
    /// Calls with this code
    #[arg(long)]
    pub(crate) code: Option<String>,
}

impl ReportArgs {
    /// The same with the agent's phone in place of a name that the configuration gives them, and in its language unless another is given.
    #[must_use]
    pub fn meant(&self, config: &Config) -> Self {
        let mut args = Self { lang: self.lang.or(Some(config.report_language)), ..self.clone() };
        meant(config, &mut args.agent, &mut args.pbx);
        args
    }

    fn chosen(&self) -> Chosen {
        Chosen {
            site: self.site.clone(),
            pbx: self.pbx.clone(),
            did: self.did.clone(),
            trunk: self.trunk.clone(),
            queue: self.queue.clone(),
            agent: self.agent.clone(),
            code: self.code.clone(),
        }
    }
}

impl From<NoChoice> for Failure {
    fn from(error: NoChoice) -> Self {
        match error {
            NoChoice::Store(error) => error.into(),
            unknown @ NoChoice::Unknown(_) => Self::Usage(unknown.to_string()),
        }
    }
}

/// The report as JSON.
#[derive(Debug, Serialize)]
struct Answer<'r> {
    window: &'r Window,
    time_zone: &'r str,
    chosen: Vec<(&'static str, String)>,
    thresholds: Shown<'r>,
    figures: &'r Figures,
    before: Option<Before<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<(&'static str, &'r [Slice])>,
    formulas: std::collections::BTreeMap<&'static str, &'static str>,
}

#[derive(Debug, Serialize)]
struct Before<'r> {
    window: &'r Window,
    totals: &'r Totals,
}

#[derive(Debug, Serialize)]
struct Shown<'r> {
    service_level_ms: i64,
    service_level_target: u8,
    callback_target_ms: i64,
    fcr_window_ms: i64,
    acw_reasons: &'r BTreeSet<String>,
}

/// Runs the command on the database at `db`. With a configuration, its PBXs, zone and thresholds hold; else those that the daemon keeps in the database,
/// and the zone of whoever asks where there are none.
///
/// # Errors
/// See [`Failure`].
pub fn run(
    args: &ReportArgs,
    db: &Path,
    configured: Option<(BTreeSet<PbxId>, Thresholds, TimeZone)>,
    now: Timestamp,
    out: &mut impl Write,
    notes: &mut impl Write,
) -> Result<(), Failure> {
    if args.by == Some(By::Site) {
        return Err(Failure::Usage("--by site needs --postgres, the database of all sites: here is one".to_owned()));
    }
    enter(db)?;
    let reader = Reader::open(db)?;
    let (pbxs, thresholds, zone) = match configured {
        Some(configured) => configured,
        None => {
            let (thresholds, zone) = reader.thresholds()?;
            (BTreeSet::new(), thresholds, zone.unwrap_or_else(TimeZone::system))
        }
    };
    show(args, &reader, Rules { pbxs: &pbxs, thresholds: &thresholds, zone: &zone, now }, out, notes)
}

/// Makes the report, and shows it as it is asked for.
fn show(
    args: &ReportArgs,
    reader: &Reader,
    rules: Rules<'_>,
    out: &mut impl Write,
    notes: &mut impl Write,
) -> Result<(), Failure> {
    let (window, chosen, reported) = rules.read(args, args.window.as_deref(), reader, notes)?;
    let Rules { thresholds, zone, now, .. } = rules;
    let report = Report {
        slices: args.by.map(|by| (by.as_str(), reported.slices.as_slice())),
        ..reported.shown(args.lang.unwrap_or_default(), &window, &chosen, (thresholds, zone), now.as_millisecond())
    };
    let Reported { figures, before, .. } = &reported;
    if args.json {
        let answer = Answer {
            window: &window,
            time_zone: zone.iana_name().unwrap_or("local"),
            chosen: report.chosen.clone(),
            thresholds: Shown {
                service_level_ms: thresholds.service_level_ms,
                service_level_target: thresholds.service_level_target,
                callback_target_ms: thresholds.callback_target_ms,
                fcr_window_ms: thresholds.fcr_window_ms,
                acw_reasons: &thresholds.acw_reasons,
            },
            figures,
            before: before.as_ref().map(|(window, totals)| Before { window, totals }),
            by: report.slices,
            formulas: Language::En.formulas().map(|of| (of.key, of.text)).to_map(),
        };
        json_line(&answer, out)?;
    } else if args.csv {
        let slices = report.slices.map_or(figures.days.as_slice(), |(_, slices)| slices);
        faces::csv::csv(args.by.unwrap_or(By::Day), slices, out)?;
    } else if let Some(file) = &args.html {
        let page = faces::html::page(&report);
        if file.as_os_str() == "-" {
            out.write_all(page.as_bytes())?;
            return Ok(());
        }
        ownership::replace(file, page.as_bytes(), ownership::New::default()).map_err(not_written(file))?;
        let _ = writeln!(notes, "Written: {}", file.display());
    } else {
        out.write_all(faces::text::text(&report).as_bytes())?;
    }
    Ok(())
}

/// By what a report is made.
struct Rules<'r> {
    pbxs: &'r BTreeSet<PbxId>,
    thresholds: &'r Thresholds,
    zone: &'r TimeZone,
    now: Timestamp,
}

impl Rules<'_> {
    /// Reads the window that is asked for, `word` unless days are named. Where no calls are in it, `notes` says why.
    fn read(
        &self,
        args: &ReportArgs,
        word: Option<&str>,
        reader: &Reader,
        notes: &mut dyn Write,
    ) -> Result<(Window, Chosen, Reported), Failure> {
        let asked = Asked { word, from: args.from.as_deref(), to: args.to.as_deref() };
        let window = Window::of(asked, self.zone, self.now).map_err(|why| Failure::Usage(why.to_string()))?;
        known(args.pbx.as_deref(), self.pbxs, reader)?;
        let chosen = reader.choose(args.chosen(), &window)?;
        let reported =
            reader.reported(&window, (&chosen, args.by), self.thresholds, self.zone, self.now.as_millisecond())?;
        let quality = &reported.figures.quality;
        if quality.calls == 0 {
            // Notes are a courtesy: that they cannot be said is no error.
            let _ = writeln!(notes, "{}", empty(&window, &chosen, reader, quality.as_of_ms, self.zone)?);
        }
        Ok((window, chosen, reported))
    }
}

/// The file cannot be written: with its name.
fn not_written(file: &Path) -> impl FnOnce(std::io::Error) -> Failure + '_ {
    |error| Failure::Output(std::io::Error::new(error.kind(), format!("{}: {error}", file.display())))
}

fn empty(window: &Window, chosen: &Chosen, reader: &Reader, as_of_ms: i64, zone: &TimeZone) -> Result<String, Failure> {
    let title = faces::glance::title(window, Language::En);
    if *chosen != Chosen::default() && reader.any_call((window.from_ms, window.to_ms))? {
        return Ok(format!("No calls match: {title}. There are others."));
    }
    let seen = Timestamp::from_millisecond(as_of_ms).ok().filter(|_| as_of_ms > 0);
    let seen = seen.map(|at| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string());
    Ok(match seen {
        None => "This database has no calls yet.".to_owned(),
        Some(seen) if as_of_ms <= window.from_ms => format!("No calls: {title}. Events were seen up to {seen}."),
        Some(_) => format!("No calls: {title}."),
    })
}
