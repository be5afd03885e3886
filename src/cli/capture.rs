//! `callbackd capture`: records what a PBX sends to a fresh login, to be replayed.

pub(crate) mod file;
pub mod stamper;

use super::target;
use crate::background::block_on;
use crate::config::{Config, Pbx};
use crate::daemon::ami_client::{Heard, Visit};
use crate::daemon::{LostReason, secret};
use crate::exit::Exit;
use callbackd_core::ami::{DeadReason, Interest, Notice};
use file::Recording;
use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook_tokio::Signals;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};

/// First and longest wait before a lost PBX is tried again; it doubles.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// How long a good-bye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// Record what a PBX sends, for replay and for bug reports
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Records the stream of a login of its own, as it is received, until Ctrl-C or --duration; the daemon may run beside it. Events \
that Asterisk did not stamp get a Timestamp: of their arrival. When the connection is lost and made again, the new session goes \
to a file of its own (FILE-2, FILE-3, …): replay takes them in order. Existing files are not overwritten.

A recording holds your customers' numbers and names, but not the secret: its mode is 600; think before you pass it on.

Exit codes: 0 recorded, 69 no connection, or none at the end, 73 the file cannot be created, 77 login refused.

Examples:
  callbackd capture monday.ami
  callbackd capture --duration 10m /tmp/short.ami && callbackd replay --db /tmp/x.db /tmp/short.ami")]
pub struct CaptureArgs {
    /// File to write; must not exist
    #[arg(value_name = "FILE.ami")]
    pub(crate) file: PathBuf,
    /// Configuration [default: /etc/callbackd/callbackd.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Name of the PBX, where there are several
    #[arg(long, value_name = "NAME")]
    pub(crate) pbx: Option<String>,
    /// End after so long: 30s, 10m, 8h
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) duration: Option<Duration>,
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a number with its unit, such as 30s, 10m or 8h".to_owned();
    let found = text.parse::<SignedDuration>().map_err(|_| wrong())?;
    Duration::try_from(found).ok().filter(|found| !found.is_zero()).ok_or_else(wrong)
}

/// What keeps a recording from being made, or ended it.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// `--pbx` is needed, or names none.
    #[error("{0}")]
    WhichPbx(String),
    /// The file cannot be created.
    #[error("cannot create {}: {}", path.display(), if source.kind() == io::ErrorKind::AlreadyExists { "it exists, and is not overwritten".to_owned() } else { source.to_string() })]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written any more.
    #[error("cannot write {}: {source}; what was written before is whole", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No connection, or no login.
    #[error("{pbx} at {address}: {reason}")]
    Lost {
        /// The PBX's name.
        pbx: String,
        /// Its address.
        address: String,
        /// Why.
        reason: LostReason,
    },
    /// The system refuses what every process has.
    #[error("cannot start threads or handle signals: {0}")]
    System(io::Error),
}

impl CaptureError {
    /// What to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::WhichPbx(_) => Exit::Usage,
            Self::Create { .. } => Exit::CantCreate,
            Self::Write { .. } => Exit::IoError,
            Self::Lost { reason: LostReason::LoginRefused { .. }, .. } => Exit::NoPermission,
            Self::Lost {
                reason: LostReason::Secret(_) | LostReason::TlsSetup(_) | LostReason::PlaintextRefused { .. },
                ..
            } => Exit::Config,
            Self::Lost { .. } => Exit::Unavailable,
            Self::System(_) => Exit::Software,
        }
    }
}

/// Records until a signal or the end of the time; says on `notes` how it goes.
///
/// # Errors
/// The first login fails, a file cannot be written, or the connection is lost and has not come back at the end.
pub fn run(args: &CaptureArgs, path: &Path, config: &Config, notes: &mut impl Write) -> Result<(), CaptureError> {
    let credentials = secret::credentials();
    let mut config = config.clone();
    secret::beside(&mut config, path, credentials.as_deref());
    let pbx = target::which(&config, args.pbx.as_deref(), |_| true).map_err(CaptureError::WhichPbx)?;
    if args.file.symlink_metadata().is_ok() {
        let source = io::ErrorKind::AlreadyExists.into();
        return Err(CaptureError::Create { path: args.file.clone(), source });
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CaptureError::System)?;
    block_on(&runtime, async {
        let signals = Signals::new([SIGINT, SIGTERM]).map_err(CaptureError::System)?;
        let until = args.duration.map(|duration| Instant::now() + duration);
        let mut capture = Capture {
            pbx,
            credentials,
            config: args.config.as_deref(),
            first: &args.file,
            signals,
            until,
            done: Vec::new(),
            began: Instant::now(),
            notes,
        };
        let result = capture.all().await;
        capture.summary();
        result
    })
}

/// How a session ended.
enum Over {
    Asked,
    Lost(LostReason),
}

struct Capture<'a> {
    pbx: &'a Pbx,
    /// Of the rules by which it is to be replayed, where that has to be said.
    config: Option<&'a Path>,
    credentials: Option<PathBuf>,
    first: &'a Path,
    signals: Signals,
    until: Option<Instant>,
    /// File, events and bytes of each session.
    done: Vec<(PathBuf, u64, u64)>,
    began: Instant,
    notes: &'a mut dyn Write,
}

impl Capture<'_> {
    async fn all(&mut self) -> Result<(), CaptureError> {
        let mut wait = RETRY.0;
        loop {
            let sessions = self.done.len();
            let reason = match self.session().await? {
                Over::Asked => return Ok(()),
                Over::Lost(reason) => reason,
            };
            if self.done.is_empty() {
                return Err(self.lost(reason));
            }
            if self.done.len() > sessions {
                wait = RETRY.0;
                self.say(&format!("The connection is lost ({reason}), trying again; Ctrl-C ends"));
            }
            if ended(&mut self.signals, earlier(self.until, wait)).await || self.is_over() {
                return Err(self.lost(reason));
            }
            wait = (wait * 2).min(RETRY.1);
        }
    }

    /// One session, from the connection to its end. Its file comes to be with the login: a failed attempt leaves nothing.
    async fn session(&mut self) -> Result<Over, CaptureError> {
        let begun = tokio::select! {
            begun = Visit::begin(self.pbx, self.credentials.as_deref(), Interest::tracker()) => begun,
            _ = ended(&mut self.signals, self.until) => return Ok(Over::Asked),
        };
        let mut visit = match begun {
            Ok(visit) => visit,
            Err(reason) => return Ok(Over::Lost(reason)),
        };
        let mut received: Vec<(Timestamp, Vec<u8>)> = Vec::new();
        let mut recording: Option<Recording> = None;
        let mut leaving = None;
        let over = loop {
            let mut tap = |bytes: &[u8]| received.push((now(), bytes.to_vec()));
            let heard = tokio::select! {
                heard = visit.next(&mut tap) => heard,
                _ = ended(&mut self.signals, self.until), if leaving.is_none() => {
                    if !visit.log_off() {
                        break Over::Asked;
                    }
                    leaving = Some(Instant::now() + GOODBYE);
                    continue;
                }
                () = sleep_until(leaving.unwrap_or_else(Instant::now)), if leaving.is_some() => break Over::Asked,
            };
            if matches!(heard, Ok(Heard::Notice(Notice::LoggedIn))) {
                recording = Some(self.create()?);
            }
            if let Some(recording) = &mut recording {
                for (at, bytes) in received.drain(..) {
                    recording.take(&bytes, at).map_err(|source| self.unwritable(recording, source))?;
                }
            }
            match heard {
                Ok(Heard::Notice(Notice::SnapshotEnded(size))) => {
                    if let Some(recording) = &recording {
                        let (pbx, file) = (&self.pbx.name, recording.path().display());
                        self.say(&format!("Recording {pbx} to {file}, {} channels now; Ctrl-C ends", size.channels));
                    }
                }
                Ok(_) => {}
                Err(LostReason::Dead(DeadReason::LoggedOff)) => break Over::Asked,
                Err(_) if leaving.is_some() => break Over::Asked,
                Err(reason) => break Over::Lost(reason),
            }
        };
        if let Some(mut recording) = recording {
            let finished = recording.finish();
            self.done.push((recording.path().to_owned(), recording.events(), recording.bytes()));
            finished.map_err(|source| CaptureError::Write { path: recording.path().to_owned(), source })?;
        }
        Ok(over)
    }

    fn create(&self) -> Result<Recording, CaptureError> {
        let number = u32::try_from(self.done.len()).unwrap_or(u32::MAX).saturating_add(1);
        let created = if number == 1 { Recording::create(self.first) } else { Recording::next(self.first, number) };
        created.map_err(|source| CaptureError::Create { path: self.first.to_owned(), source })
    }

    fn unwritable(&mut self, recording: &Recording, source: io::Error) -> CaptureError {
        self.done.push((recording.path().to_owned(), recording.events(), recording.bytes()));
        CaptureError::Write { path: recording.path().to_owned(), source }
    }

    fn lost(&self, reason: LostReason) -> CaptureError {
        CaptureError::Lost { pbx: self.pbx.name.to_string(), address: self.pbx.address.clone(), reason }
    }

    fn is_over(&self) -> bool {
        self.until.is_some_and(|until| until <= Instant::now())
    }

    fn summary(&mut self) {
        if self.done.is_empty() {
            return;
        }
        let (events, bytes) = self.done.iter().fold((0, 0), |(e, b), (_, events, bytes)| (e + events, b + bytes));
        let files: Vec<String> = self.done.iter().map(|(path, ..)| path.display().to_string()).collect();
        let seconds = self.began.elapsed().as_secs();
        let files = files.join(" ");
        self.say(&format!(
            "Recorded {events} events, {bytes} bytes in {seconds} s: {files} (mode 600: customers' numbers)"
        ));
        let config = self.config.map_or_else(String::new, |config| format!("--config {} ", config.display()));
        self.say(&format!("Make rows of it:  callbackd replay {config}--db FILE.db {files}"));
    }

    /// Whoever reads from a closed pipe does not want to know.
    fn say(&mut self, text: &str) {
        let _ = writeln!(self.notes, "{text}");
    }
}

/// Waits for a signal (`true`) or until then.
async fn ended(signals: &mut Signals, until: Option<Instant>) -> bool {
    match until {
        Some(until) => {
            let left = until.saturating_duration_since(Instant::now());
            timeout(left, signals.next()).await.is_ok()
        }
        None => signals.next().await.is_some(),
    }
}

fn earlier(until: Option<Instant>, wait: Duration) -> Option<Instant> {
    let waited = Instant::now() + wait;
    Some(until.map_or(waited, |until| until.min(waited)))
}

fn now() -> Timestamp {
    #[allow(clippy::disallowed_methods)] // the door where time comes in
    Timestamp::now()
}
