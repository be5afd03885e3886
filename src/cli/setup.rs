//! `callbackd setup`: from a fresh installation beside an Asterisk to one that records rightly, in one command. It shows what it would write, and
//! writes with `--apply`.

pub(crate) mod conf;
pub(crate) mod diff;
pub(crate) mod edit;
pub(crate) mod files;
pub(crate) mod manager;
pub(crate) mod purposes;
pub(crate) mod region;
pub(crate) mod trunks;

use super::DEFAULT_CONFIG;
use super::check::ask::ask;
use super::check::facts::Facts;
use super::failure::Failure;
use crate::background::block_on;
use crate::config::{Config, Pbx, SHIPPED};
use crate::daemon::{Secret, secret};
use crate::log::Wire;
use crate::random;
use callbackd_core::order::Gather as _;
use conf::Conf;
use files::{Change, Journal};
use manager::Manager;
use rustix::process::geteuid;
use secrecy::ExposeSecret;
use std::collections::BTreeSet;
use std::io::{self, BufRead, IsTerminal, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use trunks::Lines;

/// What a secret is made of, bytes of the kernel's random numbers.
const SECRET: usize = 24;

/// Set up callbackd beside the Asterisk of this machine: AMI user, contexts, region
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "\
It reads Asterisk's files and, once the AMI user is there, its dialplan: where trunks put their calls, which contexts are menus, and what is \
played when the office is closed, by what they do and in any language. Without --apply nothing is written. What was written is noted beside the \
configuration, and --undo takes it back. Run it again whenever the dialplan has changed: what is right already stays as it is.

Exit codes: 0 done, or shown; 1 something cannot be written or taken back; 64 the region is not known; 66 no Asterisk here.

Examples:
  callbackd setup                              show what would be written
  callbackd setup --apply --region DE
  callbackd setup --undo")]
pub struct SetupArgs {
    /// Write it
    #[arg(long)]
    pub(crate) apply: bool,
    /// Take back what was written
    #[arg(long, conflicts_with = "apply")]
    pub(crate) undo: bool,
    /// Country in which national numbers are dialled (ISO 3166) [default: by the numbers that the PBX names]
    #[arg(long, value_name = "COUNTRY")]
    pub(crate) region: Option<String>,
    /// Where Asterisk's configuration is
    #[arg(long, value_name = "DIRECTORY", default_value = "/etc/asterisk")]
    pub(crate) asterisk: PathBuf,
    /// The program that reloads Asterisk's AMI users
    #[arg(long, value_name = "PROGRAM", default_value = "asterisk", hide = true)]
    pub(crate) reload: PathBuf,
    /// Configuration [default: /etc/callbackd/callbackd.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &SetupArgs, out: &mut impl Write) -> Result<(), Failure> {
    let path = args.config.as_deref().unwrap_or(Path::new(DEFAULT_CONFIG));
    let place = Journal::place(path);
    if args.undo {
        let journal = Journal::read(&place)?;
        let journal =
            journal.ok_or_else(|| Failure::Missing(format!("nothing to undo: there is no {}", place.display())))?;
        journal.undo(&place, out)?;
        return reload(args, out);
    }
    let was_set_up = Journal::read(&place)?.is_some_and(|journal| journal.has(path));
    let mut setup = Setup::begin(args, path, was_set_up)?;
    let first = setup.user()?;
    setup.show(&first, out)?;
    if args.apply && !first.is_empty() {
        Journal::apply(&first, &place)?;
        reload(args, out)?;
    }
    let written = args.apply || first.is_empty();
    let facts = if written { setup.ask(out)? } else { None };
    if !written {
        writeln!(out, "\nThe dialplan can be read once that user is there: contexts and region follow then.")?;
    }
    let second = setup.configuration(facts.as_ref(), out)?;
    setup.show(&second, out)?;
    if args.apply {
        Journal::apply(&second, &place)?;
    }
    let (nothing, applied) = (first.is_empty() && second.is_empty(), args.apply);
    match (nothing, applied) {
        (true, _) => writeln!(out, "\nNothing to change.")?,
        (false, true) => writeln!(out, "\nWritten. callbackd setup --undo takes it back.")?,
        (false, false) => {
            writeln!(out, "\nNothing was written. To write it: callbackd setup --apply{}", setup.region_argument())?
        }
    }
    if applied || nothing {
        setup.next(out)?;
    }
    Ok(())
}

struct Setup<'a> {
    args: &'a SetupArgs,
    path: &'a Path,
    text: String,
    config: Config,
    manager: Manager,
    logs: PathBuf,
    /// What the region is to be, and why.
    region: Option<(String, String)>,
    /// The configuration was set up before.
    was_set_up: bool,
}

impl<'a> Setup<'a> {
    fn begin(args: &'a SetupArgs, path: &'a Path, was_set_up: bool) -> Result<Self, Failure> {
        if let Some(region) = args.region.as_deref().filter(|region| !region::is_known(region)) {
            let why = format!("--region {}: no country of that code; ISO 3166 has DE, AT, US, …", Wire(region));
            return Err(Failure::Usage(why));
        }
        let manager = Manager::read(&args.asterisk)?;
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => SHIPPED.to_owned(),
            Err(error) => return Err(Failure::Usage(format!("cannot read {}: {error}", path.display()))),
        };
        let config = read(&text, path)?;
        if config.pbx.len() > 1 {
            return Err(Failure::Usage(format!(
                "{} names several PBXs: setup is for one, on this machine",
                path.display()
            )));
        }
        if !["127.", "localhost", "[::1]"].iter().any(|name| config.pbx[0].address.starts_with(name)) {
            let address = &config.pbx[0].address;
            return Err(Failure::Usage(format!("pbx.address is {address}: setup is for an Asterisk on this machine")));
        }
        let directories = Conf::read(&args.asterisk, "asterisk.conf").section("directories").unwrap_or_default();
        let logs = PathBuf::from(directories.last("astlogdir").unwrap_or("/var/log/asterisk"));
        let region = args.region.clone().map(|region| (region.to_ascii_uppercase(), "as you said".to_owned()));
        Ok(Self { args, path, text, config, manager, logs, region, was_set_up })
    }

    /// Secret and AMI user, as far as they are not there.
    fn user(&self) -> Result<Vec<Change>, Failure> {
        let pbx = self.pbx();
        let file = pbx.secret_file.clone().unwrap_or_else(|| self.path.with_file_name("ami-secret"));
        let own = Secret::of(&pbx, None).load().ok();
        let there = self.manager.secret_of(&pbx.username);
        let secret = match (&own, there) {
            (Some(own), Some(there)) if own.expose_secret() != there => {
                return Err(Failure::Usage(format!(
                    "{} and the section [{}] of manager.conf have different secrets: make them the same, or remove one",
                    file.display(),
                    Wire(&pbx.username)
                )));
            }
            (Some(own), _) => own.expose_secret().to_owned(),
            (None, Some(there)) => there,
            (None, None) => random::digits::<SECRET>()?,
        };
        // Where systemd does not pass the secret, the daemon's group reads it.
        let group = std::fs::read_to_string("/etc/group").unwrap_or_default();
        let group = group.lines().find_map(|line| line.strip_prefix("callbackd:")?.split(':').nth(1)?.parse().ok());
        let is_named = self.config.pbx[0].secret_file.is_some();
        let (mode, owner) = match group.filter(|_| is_named && geteuid().is_root()) {
            Some(gid) => (0o640, Some((0, gid))),
            None => (0o600, None),
        };
        let line = format!("{secret}\n");
        let mut changes: Vec<Change> = match own {
            Some(_) => Vec::new(),
            None => Change::of(file, |_| line, mode, owner)?.into_iter().collect(),
        };
        changes.extend(self.manager.changes(&pbx.username, &secret)?);
        Ok(changes)
    }

    /// The PBX as the commands see it, at the port at which it listens.
    fn pbx(&self) -> Pbx {
        let mut config = self.config.clone();
        secret::beside(&mut config, self.path, None);
        let mut pbx = config.pbx.remove(0);
        pbx.address = self.address();
        pbx
    }

    fn address(&self) -> String {
        let now = &self.config.pbx[0].address;
        match now.rsplit_once(':') {
            Some((host, "5038")) => format!("{host}:{}", self.manager.port()),
            _ => now.clone(),
        }
    }

    /// What the PBX says of itself; `None` and why not, if it says nothing.
    fn ask(&self, out: &mut impl Write) -> Result<Option<Facts>, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let answers = block_on(&runtime, ask(&self.pbx(), None));
        if let Some(reason) = &answers.broken {
            writeln!(out, "\nThe dialplan cannot be read: {reason}")?;
            return Ok(None);
        }
        Ok(Some(answers.facts).filter(|facts| facts.contexts.is_some()))
    }

    /// The configuration with what the PBX shows.
    fn configuration(&mut self, facts: Option<&Facts>, out: &mut impl Write) -> Result<Vec<Change>, Failure> {
        let mut text = self.text.clone();
        let files = self.records();
        if self.address() != self.config.pbx[0].address {
            text = edit::set(&text, "pbx", "address", &edit::text(&self.address()));
        }
        for (key, file) in files {
            text = edit::set(&text, "gap", key, &edit::text(&file.display().to_string()));
        }
        if let Some(facts) = facts {
            let cdr = Some(self.logs.join("cdr-csv/Master.csv")).filter(|path| path.is_file());
            if self.region.is_none() {
                self.region =
                    region::seen(&self.args.asterisk, facts, cdr.as_deref()).map(|seen| (seen.region, seen.because));
            }
            text = self.contexts(text, facts, out)?;
        }
        self.region_is_known()?;
        if let Some((region, why)) = &self.region
            && *region != self.config.pbx[0].settings.numbers.region
        {
            writeln!(out, "Region {region}: {why}.")?;
            text = edit::set(&text, "numbers", "region", &edit::text(region));
        }
        // What would be refused is not written.
        read(&text, self.path)?;
        Ok(Change::of(self.path.to_owned(), |_| text, 0o644, None)?.into_iter().collect())
    }

    fn contexts(&self, mut text: String, facts: &Facts, out: &mut impl Write) -> Result<String, Failure> {
        let calls = &self.config.pbx[0].settings.calls;
        let rules = self.config.pbx[0].settings.rules();
        let lines = Lines::read(&self.args.asterisk, facts);
        writeln!(out)?;
        for (context, names) in &lines.trunks {
            writeln!(out, "{} puts its calls into {}.", shown(names), Wire(context))?;
        }
        let arrive = lines.inbound().into_iter().chain(
            facts.dialplan.contexts().map(|(name, _)| name.to_owned()).filter(|name| rules.inbound_contexts.fit(name)),
        );
        let arrive: BTreeSet<String> = arrive.to_set();
        if arrive.is_empty() && lines.trunks.is_empty() && calls.trunks.is_empty() {
            writeln!(out, "No trunk is found: name the contexts in which calls arrive in calls.inbound_contexts.")?;
        }
        let entries: BTreeSet<String> = arrive.iter().chain(lines.trunks.keys()).cloned().to_set();
        let purposes = purposes::read(&facts.dialplan, &entries);
        let shared: BTreeSet<String> = lines.shared().into_iter().map(|name| format!("{name}-*")).to_set();
        let shared = shared.into_iter().filter(|name| !rules.trunks.fit(name)).collect();
        let named = |of: BTreeSet<String>, is_named: &dyn Fn(&str) -> bool| -> BTreeSet<String> {
            of.into_iter().filter(|name| !is_named(name)).collect()
        };
        let purpose = |name: &str| rules.purpose(name);
        for (key, what, now, new) in [
            (
                "inbound_contexts",
                "calls arrive",
                &calls.inbound_contexts,
                named(arrive, &|n| rules.inbound_contexts.fit(n)),
            ),
            ("trunks", "a trunk, though phones share its context", &calls.trunks, shared),
            (
                "ivr_contexts",
                "a menu",
                &calls.ivr_contexts,
                named(purposes.ivr, &|n| purpose(n).ivr || purpose(n).closed),
            ),
            (
                "closed_contexts",
                "closed",
                &calls.closed_contexts,
                named(purposes.closed, &|n| purpose(n).closed || purpose(n).blocked),
            ),
            (
                "voicemail_contexts",
                "takes messages",
                &calls.voicemail_contexts,
                named(purposes.voicemail, &|n| purpose(n).voicemail || purpose(n).closed),
            ),
        ] {
            if !new.is_empty() {
                writeln!(out, "{}: {what}.", shown(&new))?;
                text = edit::set(&text, "calls", key, &edit::list(now.iter().chain(&new).map(String::as_str)));
            }
        }
        for note in &purposes.notes {
            writeln!(out, "Note: {}.", crate::cli::plain::safe(note))?;
        }
        Ok(text)
    }

    /// Asterisk's own records, by which gaps are made good, where they are kept and not named yet.
    fn records(&self) -> Vec<(&'static str, PathBuf)> {
        let gap = &self.config.pbx[0].gap;
        let files = [
            ("cdr_csv", "cdr-csv/Master.csv", gap.cdr_csv.is_none()),
            ("queue_log", "queue_log", gap.queue_log.is_none()),
        ];
        let there =
            files.into_iter().filter(|(.., is_free)| *is_free).map(|(key, name, _)| (key, self.logs.join(name)));
        there.filter(|(_, path)| path.is_file()).collect()
    }

    /// The region is given, seen, set before, or asked for; never taken for granted.
    fn region_is_known(&mut self) -> Result<(), Failure> {
        let now = &self.config.pbx[0].settings.numbers.region;
        let is_shipped = read(SHIPPED, self.path)?.pbx[0].settings.numbers.region == *now;
        if self.region.is_some() || !is_shipped || self.was_set_up {
            return Ok(());
        }
        let guess = region::by_time_zone();
        if io::stdin().is_terminal() && io::stderr().is_terminal() {
            let default = guess.as_ref().map(|guess| format!(" [{guess}]")).unwrap_or_default();
            write!(io::stderr(), "\nIn which country are your numbers (ISO 3166, as DE or US)?{default} ")?;
            let mut line = String::new();
            io::stdin().lock().read_line(&mut line)?;
            let answer = Some(line.trim().to_ascii_uppercase()).filter(|line| !line.is_empty()).or(guess);
            if let Some(region) = answer.filter(|region| region::is_known(region)) {
                self.region = Some((region, "as you said".to_owned()));
                return Ok(());
            }
        } else if !self.args.apply {
            return Ok(());
        }
        let hint =
            region::by_time_zone().map(|region| format!("; the time zone suggests {region}")).unwrap_or_default();
        Err(Failure::Usage(format!(
            "no number says in which country numbers are dialled: --region COUNTRY (ISO 3166){hint}"
        )))
    }

    fn region_argument(&self) -> String {
        match (&self.args.region, &self.region) {
            (Some(region), _) => format!(" --region {region}"),
            (None, None) => format!(" --region {}", region::by_time_zone().unwrap_or_else(|| "COUNTRY".to_owned())),
            _ => String::new(),
        }
    }

    fn show(&self, changes: &[Change], out: &mut impl Write) -> Result<(), Failure> {
        for change in changes {
            change.show(out)?;
        }
        Ok(())
    }

    /// What is left to do by hand.
    fn next(&self, out: &mut impl Write) -> Result<(), Failure> {
        writeln!(out, "\nNext:")?;
        let closed = std::fs::metadata(&self.logs).is_ok_and(|meta| meta.mode() & 0o005 != 0o005);
        if closed {
            writeln!(out, "  usermod -aG asterisk callbackd       so that it can read {}", self.logs.display())?;
        }
        writeln!(out, "  callbackd check --connect            is everything right")?;
        writeln!(out, "  systemctl enable --now callbackd     start it; if it runs: systemctl restart callbackd")?;
        Ok(())
    }
}

fn read(text: &str, path: &Path) -> Result<Config, Failure> {
    Config::from_toml(text, &path.display().to_string()).map_err(|refusal| Failure::Usage(refusal.render(false)))
}

fn shown(names: &BTreeSet<String>) -> String {
    names.iter().map(|name| Wire(name).to_string()).collect::<Vec<_>>().join(", ")
}

/// Has Asterisk read its AMI users anew; where that cannot be done from here, says how.
fn reload(args: &SetupArgs, out: &mut impl Write) -> Result<(), Failure> {
    let done = std::process::Command::new(&args.reload).args(["-rx", "manager reload"]).output();
    if !done.is_ok_and(|output| output.status.success()) {
        writeln!(
            out,
            "\nAsterisk could not be told to reload: asterisk -rx 'manager reload', then callbackd setup again"
        )?;
    }
    Ok(())
}
