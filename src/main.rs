//! The door: arguments in, exit code out.

use callbackd::cli::{self, Cli, Command};
use callbackd::config::{Config, Refusal};
use callbackd::exit::Exit;
use callbackd::{cli::calls, cli::capture, cli::check, cli::replay, daemon};
use clap::Parser;
use std::io::{self, BufWriter};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let exit = match Cli::parse().command {
        Command::Run(args) => daemon::run::run(&args.config),
        Command::Check(args) => with_file(args.config.as_deref(), |path, config| {
            let width = rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
            check::run(&args, path, config, &mut anstream::stdout().lock(), width)
        }),
        Command::Capture(args) => with_file(args.config.as_deref(), |path, config| {
            match capture::run(&args, path, config, &mut io::stderr()) {
                Ok(()) => Exit::Ok,
                Err(error) => {
                    anstream::eprintln!("error: {error}");
                    error.exit()
                }
            }
        }),
        Command::Replay(args) => with_configuration(args.config.as_deref(), |config| {
            replay::run(&args, config, &mut io::stderr())
                .map(drop)
                .map_err(|error| (error.exit_code(), error.to_string()))
        }),
        Command::Calls(args) => list_calls(&args),
    };
    exit.into()
}

fn list_calls(args: &calls::CallsArgs) -> Exit {
    #[allow(clippy::disallowed_methods)] // the door is where time comes in
    let now = jiff::Timestamp::now();
    let list = |db: &Path, zone: &jiff::tz::TimeZone| {
        let (mut out, mut notes) = (BufWriter::new(io::stdout().lock()), io::stderr().lock());
        calls::run(args, db, zone, now, &mut out, &mut notes).map_err(|error| (error.exit_code(), error.to_string()))
    };
    match &args.db {
        Some(db) => ended(list(db, &jiff::tz::TimeZone::system())),
        None => with_configuration(args.config.as_deref(), |config| list(&config.store.path, &config.hours.zone())),
    }
}

fn with_configuration(path: Option<&Path>, command: impl FnOnce(&Config) -> Result<(), (u8, String)>) -> Exit {
    with_file(path, |_, config| ended(command(config)))
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
            anstream::eprintln!("error: {message}");
            Exit::from_code(code)
        }
    }
}
