//! The program's entry: arguments in, exit code out.

use callbackd::cli::failure::Failure;
use callbackd::cli::fitted::Fitted;
use callbackd::cli::target::{DatabaseArgs, Target, TargetArgs};
use callbackd::cli::terminal_width;
use callbackd::cli::{
    self, Cli, Command, agents, audit, backup, callbacks, calls, capture, check, collect, demo, dnc, group, import,
    man, missed, next, rejudge, replay, report, setup, sink, status, tag, tail, token, top, vacuum, webhooks,
};
use callbackd::config::{Config, Refusal};
use callbackd::daemon;
use callbackd::exit::Exit;
use callbackd_core::model::PbxId;
use clap::{CommandFactory, Parser};
use clap_complete::CompleteEnv;
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    // A shell that wants completions says so by the variable COMPLETE; nothing else is done then.
    CompleteEnv::with_factory(Cli::command).bin("callbackd").completer("callbackd").complete();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are asked for, and go to stdout; if nobody reads them, that is all there is to it.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Ok }.into();
        }
    };
    let Some(command) = cli.command else {
        // That nobody reads it is no fault.
        let _ = write!(io::stdout(), "{}", next::screen(next::usual().as_ref()));
        return Exit::Ok.into();
    };
    let exit = match command {
        Command::Run(args) => daemon::run::run(&args.config),
        Command::Demo(args) => demo::run(&args, &mut io::stdout()),
        Command::Check(args) => match &args.db {
            Some(Some(db)) => {
                check::database(&args, db, &TimeZone::system(), &mut anstream::stdout().lock(), terminal_width())
            }
            Some(None) => with_file(args.config.as_deref(), |_, config| {
                let (db, zone) = (&config.store.path, config.zone());
                check::database(&args, db, &zone, &mut anstream::stdout().lock(), terminal_width())
            }),
            None => with_file(args.config.as_deref(), |path, config| {
                check::run(&args, path, config, &mut anstream::stdout().lock(), terminal_width())
            }),
        },
        Command::Setup(args) => {
            let done = setup::run(&args, &mut io::stdout());
            ended(done.or_else(|failure| match failure.is_closed_pipe() {
                true => Ok(()),
                false => Err((failure.exit_code(), failure.to_string())),
            }))
        }
        Command::Capture(args) => with_file(args.config.as_deref(), |path, config| {
            match capture::run(&args, path, config, &mut io::stderr()) {
                Ok(()) => Exit::Ok,
                Err(error) => {
                    anstream::eprintln!("error: {error}");
                    error.exit()
                }
            }
        }),
        Command::Replay(args) => with_rules(args.config.as_deref(), args.pbx.as_deref(), true, |config| {
            replay::run(&args, config, &mut io::stderr())
                .map(drop)
                .map_err(|error| (error.exit_code(), error.to_string()))
        }),
        Command::Import(args) => {
            with_rules(args.config.as_deref(), args.pbx.as_deref(), args.names_its_files(), |config| {
                import::run(&args, config, &mut io::stdout())
                    .map(drop)
                    .map_err(|failure| (failure.exit_code(), failure.to_string()))
            })
        }
        Command::Rejudge(args) => {
            at_config(&args.target, |config, target, out, _| rejudge::run(&args, config, target, out).map(drop))
        }
        Command::Audit(args) => hold_against_records(&args),
        Command::Calls(args) => list_calls(&args),
        Command::Report(args) => report_figures(&args),
        Command::Callbacks(args) => at(&args.target, |target, out, notes| callbacks::run(&args, target, out, notes)),
        Command::Missed(args) => at(&args.target, |target, out, notes| missed::run(&args, target, out, notes)),
        Command::Top(args) => at(&args.target, |target, out, _| top::run(&args, target, out)),
        Command::Tail(args) => at(&args.target, |target, out, notes| tail::run(&args, target, out, notes)),
        Command::Agents(args) => at(&args.target, |target, out, notes| agents::run(&args, target, out, notes)),
        Command::Tag(args) => at(&args.target, |target, out, _| tag::run(&args, target, out)),
        Command::Codes(args) => at(&args.target, |target, out, _| tag::codes(&args, target, out)),
        Command::Dnc(args) => at(&args.target, |target, out, notes| dnc::run(&args, target, out, notes)),
        Command::Token(args) => at(&args.target, |target, out, notes| token::run(&args, target, out, notes)),
        Command::Webhooks(args) => at(&args.target, |target, out, notes| webhooks::run(&args, target, out, notes)),
        Command::Sink(args) => at_config(&args.target, |config, target, out, _| sink::run(&args, config, target, out)),
        Command::Group(args) => {
            at_config(&args.target, |config, target, out, _| group::run(&args, config, target, out))
        }
        Command::Collect(args) if args.shows() => {
            at_config(&args.target, |config, target, out, _| collect::show(&args, config, target, out))
        }
        Command::Collect(args) => with_file(args.target.config.as_deref(), |_, config| {
            collect::run(&args, config).unwrap_or_else(|failure| ended(Err((failure.exit_code(), failure.to_string()))))
        }),
        Command::Status(args) => at(&args.target, |target, out, notes| status::run(&args, target, out, notes)),
        Command::Backup(args) => of_database(&args.database, |db, out| backup::run(&args, db, out)),
        Command::Vacuum(args) => of_database(&args.database, |db, out| vacuum::run(&args, db, out)),
        Command::Man(args) => ended(man::run(&args).map_err(|error| {
            (Exit::CantCreate.code(), format!("cannot write into {}: {error}", args.directory.display()))
        })),
    };
    exit.into()
}

fn hold_against_records(args: &audit::AuditArgs) -> Exit {
    let mut found = Exit::Ok;
    let exit = at_config(&args.target, |config, target, out, _| {
        found = audit::run(args, config, target, out)?;
        Ok(())
    });
    if exit == Exit::Ok { found } else { exit }
}

fn list_calls(args: &calls::CallsArgs) -> Exit {
    #[allow(clippy::disallowed_methods)] // the door is where time comes in
    let now = jiff::Timestamp::now();
    let list = |args: &calls::CallsArgs, db: &Path, pbxs: &BTreeSet<PbxId>, zone: &TimeZone| {
        let (mut out, mut notes) = speaks(args.is_for_programs());
        calls::run(args, db, pbxs, (zone, now), &mut out, &mut notes)
            .map_err(|error| (error.exit_code(), error.to_string()))
    };
    match &args.db {
        Some(db) => ended(list(args, db, &BTreeSet::new(), &TimeZone::system())),
        None => with_configuration(args.config.as_deref(), |config| {
            let pbxs = config.pbx.iter().map(|pbx| pbx.name.clone()).collect();
            list(&args.meant(config), &config.store.path, &pbxs, &config.zone())
        }),
    }
}

fn report_figures(args: &report::ReportArgs) -> Exit {
    #[allow(clippy::disallowed_methods)] // the door is where time comes in
    let now = jiff::Timestamp::now();
    let run = |args: &report::ReportArgs, db: &Path, configured| {
        let (mut out, mut notes) = speaks(true);
        match report::run(args, db, configured, now, &mut out, &mut notes).and_then(|()| Ok(out.flush()?)) {
            Err(failure) if !failure.is_closed_pipe() => Err((failure.exit_code(), failure.to_string())),
            _ => Ok(()),
        }
    };
    if args.mail {
        return with_configuration(args.config.as_deref(), |config| {
            report::mail::run(&args.meant(config), config, now, &mut io::stderr().lock())
                .map_err(|failure| (failure.exit_code(), failure.to_string()))
        });
    }
    if args.postgres.is_some() {
        let run = |config: Option<&Config>| {
            let (mut out, mut notes) = speaks(true);
            match report::central::run(args, config, now, &mut out, &mut notes).and_then(|()| Ok(out.flush()?)) {
                Err(failure) if !failure.is_closed_pipe() => Err((failure.exit_code(), failure.to_string())),
                _ => Ok(()),
            }
        };
        return match args.needs_config() {
            true => with_configuration(args.config.as_deref(), |config| run(Some(config))),
            false => ended(run(None)),
        };
    }
    match &args.db {
        Some(db) => ended(run(args, db, None)),
        None => with_configuration(args.config.as_deref(), |config| {
            let pbxs = config.pbx.iter().map(|pbx| pbx.name.clone()).collect();
            run(&args.meant(config), &config.store.path, Some((pbxs, config.report.clone(), config.zone())))
        }),
    }
}

/// Runs a command that needs nothing but the place of a database.
fn of_database(args: &DatabaseArgs, command: impl FnOnce(&Path, &mut io::Stdout) -> Result<(), Failure>) -> Exit {
    let run = |db: &Path| match command(db, &mut io::stdout()) {
        Err(failure) if !failure.is_closed_pipe() => Err((failure.exit_code(), failure.to_string())),
        _ => Ok(()),
    };
    match &args.db {
        Some(db) => ended(run(db)),
        None => with_configuration(args.config.as_deref(), |config| run(&config.store.path)),
    }
}

type Out = Fitted<BufWriter<io::StdoutLock<'static>>>;
type Notes = Fitted<io::StderrLock<'static>>;

/// What a command writes to; `as_it_is`: for programs, or made for its width already.
fn speaks(as_it_is: bool) -> (Out, Notes) {
    let width = terminal_width().filter(|_| !as_it_is);
    (Fitted::new(BufWriter::new(io::stdout().lock()), width), Fitted::notes())
}

/// Runs a command that speaks to the daemon or its database.
fn at(args: &TargetArgs, command: impl FnOnce(&Target, &mut Out, &mut Notes) -> Result<(), Failure>) -> Exit {
    at_config(args, |_, target, out, notes| command(target, out, notes))
}

/// The same for one that needs the configuration too.
fn at_config(
    args: &TargetArgs,
    command: impl FnOnce(&Config, &Target, &mut Out, &mut Notes) -> Result<(), Failure>,
) -> Exit {
    #[allow(clippy::disallowed_methods)] // the door is where time comes in
    let now = jiff::Timestamp::now();
    with_configuration(args.config.as_deref(), |config| {
        let target = Target::new(args, config, now);
        let (mut out, mut notes) = speaks(target.is_for_programs());
        match command(config, &target, &mut out, &mut notes).and_then(|()| Ok(out.flush()?)) {
            Err(failure) if !failure.is_closed_pipe() => {
                // What was said before stands above the reason.
                let _ = out.flush();
                Err((failure.exit_code(), failure.to_string()))
            }
            _ => Ok(()),
        }
    })
}

fn with_configuration(path: Option<&Path>, command: impl FnOnce(&Config) -> Result<(), (u8, String)>) -> Exit {
    with_file(path, |_, config| ended(command(config)))
}

/// For a command that takes nothing but rules from the configuration if it has `the_rest`: where there is none, the defaults will do.
fn with_rules(
    path: Option<&Path>,
    pbx: Option<&str>,
    the_rest: bool,
    command: impl FnOnce(&Config) -> Result<(), (u8, String)>,
) -> Exit {
    if path.is_some() || !the_rest || !matches!(Path::new(cli::DEFAULT_CONFIG).try_exists(), Ok(false)) {
        return with_configuration(path, command);
    }
    match cli::default_rules(pbx) {
        Ok(config) => {
            // A courtesy: that it cannot be said is no error.
            let _ = writeln!(io::stderr(), "There is no {}: the default rules are applied.", cli::DEFAULT_CONFIG);
            ended(command(&config))
        }
        Err(refusal) => refused(&refusal),
    }
}

fn with_file(path: Option<&Path>, command: impl FnOnce(&Path, &Config) -> Exit) -> Exit {
    match cli::configuration(path) {
        Ok(config) => command(path.unwrap_or(Path::new(cli::DEFAULT_CONFIG)), &config),
        Err(refusal) => refused(&refusal),
    }
}

fn refused(refusal: &Refusal) -> Exit {
    anstream::eprint!("{}", refusal.render(true));
    refusal.exit()
}

/// Says on stderr why a command failed.
fn ended(result: Result<(), (u8, String)>) -> Exit {
    match result {
        Ok(()) => Exit::Ok,
        Err((code, message)) => {
            // That it cannot be said changes nothing.
            let _ = writeln!(Fitted::notes(), "error: {message}");
            Exit::from_code(code)
        }
    }
}
