//! `callbackd replay`: runs recorded AMI streams through the same tracker and store as the daemon, as fast as it can.

use super::interrupted::Interrupted;
use super::{progress, target};
use crate::config::Config;
use crate::exit::Exit;
use crate::ownership;
use crate::store::{self, Store};
use bytes::BytesMut;
use callbackd_core::ami::decoder::Received;
use callbackd_core::ami::recorded::Recorded;
use callbackd_core::ami::{FrameDecoder, Interest, Kind, Stamped};
use callbackd_core::model::{Direction, Moment, OurAttempts, Record};
use callbackd_core::tracker::{CUSTOMER_GONE_MS, Input, LINGER_MS, Output, SETTLE_MS, Tracker};
use indicatif::ProgressBar;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// Bytes read from a file at once.
const CHUNK: usize = 256 * 1024;

/// Records that go into one transaction.
const RECORDS_PER_COMMIT: usize = 5_000;

/// Run recorded AMI streams through the tracker into a database
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Several files are several sessions of one PBX, in order. Time is taken from their Timestamp: headers
(manager.conf: timestampevents = yes; `callbackd capture` adds them), so the same files give the same
rows. Without a configuration the rules are the defaults, which are FreePBX's.

Example:
  callbackd replay --db /tmp/calls.db monday.ami tuesday.ami && callbackd calls --db /tmp/calls.db")]
pub struct ReplayArgs {
    /// Configuration whose rules are applied [default: /etc/callbackd/callbackd.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Name of the PBX whose rules are applied and whose rows are written, where there are several
    #[arg(long, value_name = "NAME")]
    pub pbx: Option<String>,
    /// Database to write; made if it is not there, added to if it is
    #[arg(long, value_name = "FILE")]
    pub db: PathBuf,
    /// Recorded streams, in order
    #[arg(required = true, value_name = "FILE.ami")]
    pub files: Vec<PathBuf>,
}

/// What a replay did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Bytes read.
    pub(crate) bytes: u64,
    /// Frames that an event was read from.
    pub(crate) events: u64,
    /// Frames that were discarded, and events that could not be read.
    pub(crate) discarded: u64,
    /// Calls stored.
    pub calls: u64,
    /// Inbound calls among them that nobody answered.
    pub(crate) missed: u64,
    /// Gaps stored.
    pub(crate) gaps: u64,
    /// Calls that had not ended when the last file did; they are not stored.
    pub(crate) in_progress: usize,
}

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// `--pbx` is needed, or names none.
    #[error("{0}")]
    WhichPbx(String),
    /// A recording cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The recording.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A recording holds nothing of the AMI.
    #[error("{path} is not a recording of the Asterisk Manager Interface: it holds no frame (first bytes: {excerpt})", path = path.display())]
    NotAmi {
        /// The file.
        path: PathBuf,
        /// Its first bytes, escaped.
        excerpt: String,
    },
    /// The system does not pass signals on.
    #[error("cannot handle signals: {0}")]
    Signals(io::Error),
    /// A signal came; what was stored is said.
    #[error("interrupted: {calls} calls of {at} were stored, and are kept: {db} holds no whole replay", at = at.display(), db = db.display())]
    Interrupted {
        /// So many.
        calls: u64,
        /// The recording that was being read.
        at: PathBuf,
        /// The database.
        db: PathBuf,
    },
    /// The database cannot be written.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl ReplayError {
    /// The exit code of sysexits(3).
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::WhichPbx(_) => Exit::Usage.code(),
            Self::Read { .. } => 66,
            Self::NotAmi { .. } => 65,
            Self::Signals(_) => Exit::Software.code(),
            Self::Interrupted { .. } => Exit::Interrupted.code(),
            Self::Store(error) => error.exit_code(),
        }
    }
}

/// Replays the files into the database and says on `out` what came of it.
///
/// # Errors
/// A PBX that is not named where there are several, a file that cannot be read, a database that cannot be written. What was replayed before is stored.
pub fn run(args: &ReplayArgs, config: &Config, out: &mut impl Write) -> Result<Tally, ReplayError> {
    let pbx = target::which(config, args.pbx.as_deref(), |_| true).map_err(ReplayError::WhichPbx)?;
    target::enter(&args.db)?;
    let interrupted = Interrupted::listen().map_err(ReplayError::Signals)?;
    // What is no input is refused before a database is made or migrated for it.
    args.files.iter().try_for_each(|path| has_a_frame(path))?;
    let mut store = Store::open(&args.db)?;
    // The database of the recording's daemon is not this one.
    let mut tracker =
        Tracker::new(&pbx.name, pbx.settings.rules(), OurAttempts::of_anybody(), store.take_over(&pbx.name)?);
    tracker.keeps_tapes();
    // What is in a pipe is not counted.
    let sizes = args.files.iter().filter_map(|path| path.metadata().ok()).map(|meta| meta.len());
    let mut replay = Replay::new(tracker, progress::bytes(sizes.sum()), interrupted);
    for path in &args.files {
        replay.file(path, &mut store)?;
        if replay.interrupted.is_asked() {
            replay.store(&mut store, 1)?;
            replay.bar.finish_and_clear();
            return Err(ReplayError::Interrupted { calls: replay.tally.calls, at: path.clone(), db: args.db.clone() });
        }
    }
    replay.finish(&mut store)?;
    replay.bar.finish_and_clear();
    let t = replay.tally;
    // Whoever reads the summary from a closed pipe does not want it.
    let _ = writeln!(
        out,
        "Replayed {} file{}: {} events, {} calls ({} missed), {} gaps, {} still in progress, {} frames discarded",
        args.files.len(),
        if args.files.len() == 1 { "" } else { "s" },
        t.events,
        t.calls,
        t.missed,
        t.gaps,
        t.in_progress,
        t.discarded
    );
    Ok(t)
}

/// Opens a recording, or what a shell pipes in (`/dev/stdin`). A named pipe may never have a writer: it is refused, not waited for.
fn open(path: &Path) -> io::Result<File> {
    if path.metadata()?.is_file() {
        return ownership::open_file(path);
    }
    // A pipe of the shell's has no name to come to.
    let named = path.canonicalize().and_then(|path| path.symlink_metadata());
    if named.is_ok_and(|meta| meta.file_type().is_fifo()) {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is a named pipe, not a regular file"));
    }
    File::open(path)
}

/// A file that holds a frame, as far as that can be seen without taking anything away: what is in a pipe is seen but once.
fn has_a_frame(path: &Path) -> Result<(), ReplayError> {
    let unreadable = |source| ReplayError::Read { path: path.to_owned(), source };
    let mut file = open(path).map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Ok(());
    }
    let mut decoder = FrameDecoder::new(Interest::tracker());
    let (mut buffer, mut excerpt) = (BytesMut::new(), String::new());
    loop {
        let at_end = read_some(&mut file, &mut buffer).map_err(unreadable)? == 0;
        if excerpt.is_empty() {
            excerpt = excerpt_of(&buffer);
        }
        loop {
            let received = if at_end { decoder.decode_eof(&mut buffer) } else { decoder.decode(&mut buffer) };
            match received {
                Some(Received::Frame(_)) => return Ok(()),
                Some(_) => {}
                None => break,
            }
        }
        if at_end {
            return Err(ReplayError::NotAmi { path: path.to_owned(), excerpt });
        }
    }
}

fn excerpt_of(bytes: &[u8]) -> String {
    bytes[..bytes.len().min(32)].escape_ascii().to_string()
}

/// A replay in progress.
struct Replay {
    tracker: Tracker,
    now: Moment,
    records: Vec<Record>,
    tally: Tally,
    bar: ProgressBar,
    interrupted: Interrupted,
}

impl Replay {
    fn new(tracker: Tracker, bar: ProgressBar, interrupted: Interrupted) -> Self {
        let now = Moment { wall_ms: 0, mono_ms: 0 };
        Self { tracker, now, records: Vec::new(), tally: Tally::default(), bar, interrupted }
    }

    fn file(&mut self, path: &Path, store: &mut Store) -> Result<(), ReplayError> {
        let unreadable = |source| ReplayError::Read { path: path.to_owned(), source };
        let mut file = open(path).map_err(unreadable)?;
        let mut decoder = FrameDecoder::new(Interest::tracker());
        let mut follower = Recorded::default();
        let mut buffer = BytesMut::new();
        // Frames that come before the first stamp happened at its time: they are held until it is known.
        let mut held: Option<Vec<Received>> = Some(Vec::new());
        let mut frames = 0;
        let mut excerpt = String::new();
        loop {
            let read = read_some(&mut file, &mut buffer).map_err(unreadable)?;
            let at_end = read == 0;
            self.tally.bytes += read as u64;
            if excerpt.is_empty() {
                excerpt = excerpt_of(&buffer);
            }
            loop {
                let received = if at_end { decoder.decode_eof(&mut buffer) } else { decoder.decode(&mut buffer) };
                let Some(received) = received else { break };
                frames += u64::from(matches!(received, Received::Frame(_)));
                match &mut held {
                    Some(waiting) => {
                        let stamp = stamp(&received);
                        waiting.push(received);
                        if let Some(at) = stamp {
                            self.pass_time(at);
                            for received in held.take().unwrap_or_default() {
                                self.received(&received, &mut follower);
                            }
                        }
                    }
                    None => self.received(&received, &mut follower),
                }
            }
            self.store(store, RECORDS_PER_COMMIT)?;
            self.bar.set_position(self.tally.bytes);
            if at_end {
                break;
            }
            if self.interrupted.is_asked() {
                return Ok(());
            }
        }
        for received in held.take().unwrap_or_default() {
            self.received(&received, &mut follower);
        }
        if frames == 0 {
            return Err(ReplayError::NotAmi { path: path.to_owned(), excerpt });
        }
        self.give(Input::Unlinked);
        Ok(())
    }

    fn received(&mut self, received: &Received, follower: &mut Recorded) {
        match received {
            Received::Frame(frame) if matches!(frame.kind(), Kind::Event(_)) => match Stamped::parse(frame) {
                Ok(stamped) => {
                    self.tally.events += 1;
                    if let Some(at) = stamped.at {
                        self.pass_time(at);
                    }
                    self.give(Input::Event(&stamped));
                }
                Err(_) => self.tally.discarded += 1,
            },
            Received::Discarded(error) => {
                self.tally.discarded += 1;
                if let Some(channel) = error.of_channel.as_deref() {
                    self.give(Input::Refused { channel });
                }
            }
            Received::Frame(_) | Received::Banner(_) => {}
        }
        // As in a live session: the frame first, then what it means for the session.
        for notice in follower.received(received) {
            if let Some(input) = Input::from_notice(&notice) {
                self.give(input);
            }
        }
    }

    /// Lets the clocks run up to a recorded moment; they never run back.
    fn pass_time(&mut self, at: i64) {
        if self.now.wall_ms == 0 {
            self.now = Moment { wall_ms: at.max(0), mono_ms: 0 };
        }
        let end = self.now.run_to(at);
        // The tracker is woken when it asked to be, not when the next event happens to come.
        while let Some(due) = self.now.woken(self.tracker.deadline(), end) {
            self.now = due;
            self.give(Input::Tick);
        }
        self.now = end;
    }

    fn give(&mut self, input: Input<'_>) {
        self.tracker.handle(input, self.now);
        while let Some(output) = self.tracker.poll() {
            let Output::Record(record) = output else { continue };
            match &record {
                Record::Call(call) => {
                    self.tally.calls += 1;
                    let missed = call.direction == Direction::Inbound && call.outcome.meaning().missed;
                    self.tally.missed += u64::from(missed);
                }
                Record::Gap(_) => self.tally.gaps += 1,
                Record::InProgress(_)
                | Record::NotInProgress { .. }
                | Record::Tag(_)
                | Record::Agent { .. }
                | Record::Interval(_)
                | Record::Seen { .. }
                | Record::News(_)
                | Record::Callback(_)
                | Record::Attempt(_)
                | Record::DncAdd(_)
                | Record::DncRemove(_)
                | Record::GroupDnc(_)
                | Record::Tape(_) => {}
            }
            self.records.push(record);
        }
    }

    fn store(&mut self, store: &mut Store, at_least: usize) -> Result<(), store::Error> {
        if self.records.len() >= at_least.max(1) {
            store.write(&self.records)?;
            self.records.clear();
        }
        Ok(())
    }

    /// Calls that have ended are recorded; the others are counted.
    fn finish(&mut self, store: &mut Store) -> Result<(), store::Error> {
        let last = i64::try_from(CUSTOMER_GONE_MS + SETTLE_MS + LINGER_MS).unwrap_or(i64::MAX);
        self.pass_time(self.now.wall_ms + last);
        self.tally.in_progress = self.tracker.live_calls();
        self.store(store, 1)
    }
}

fn stamp(received: &Received) -> Option<i64> {
    let Received::Frame(frame) = received else { return None };
    Stamped::parse(frame).ok()?.at
}

fn read_some(file: &mut File, buffer: &mut BytesMut) -> io::Result<usize> {
    let start = buffer.len();
    buffer.resize(start + CHUNK, 0);
    let read = file.read(&mut buffer[start..]);
    buffer.truncate(start + *read.as_ref().unwrap_or(&0));
    read
}
