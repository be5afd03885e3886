//! The writing side of a database: opened by one process, created and migrated where needed, written in transactions.

use super::feed::{Fed, FeedRules, Outbox};
use super::holder::Locks;
use super::inspect::{Found, beside, inspect, open_read_only};
use super::lock::Lock;
use super::questions::{AGENT_TALKS, SEEN};
use super::restored::{ended_intervals, in_flight};
use super::root::guard;
use super::shape::distrust;
use super::verify::CHECK;
use super::{Error, Refused, identity, rollups, rows, verify};
use crate::timing::Timing;
use callbackd_core::millis::Millis;
use callbackd_core::model::{AttemptPrefix, CallInProgress, ChangeKind, OurAttempts, Record};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, MAIN_DB, OpenFlags, OptionalExtension, Transaction, TransactionBehavior};
use rusqlite_migration::{M, Migrations};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The numbered files. Their count is [`super::SCHEMA_VERSION`]; of a file that was released nothing is edited but comments, which [`super::shape`] leaves out.
const STEPS: &[M<'static>] = &[
    M::up(include_str!("migrations/0001.sql")),
    M::up(include_str!("migrations/0002.sql")),
    M::up(include_str!("migrations/0003.sql")),
    M::up(include_str!("migrations/0004.sql")),
    M::up(include_str!("migrations/0005.sql")),
    M::up(include_str!("migrations/0006.sql")),
    M::up(include_str!("migrations/0007.sql")),
    M::up(include_str!("migrations/0008.sql")),
    M::up(include_str!("migrations/0009.sql")),
    M::up(include_str!("migrations/0010.sql")),
    M::up(include_str!("migrations/0011.sql")),
    M::up(include_str!("migrations/0012.sql")),
    M::up(include_str!("migrations/0013.sql")),
    M::up(include_str!("migrations/0014.sql")),
    M::up(include_str!("migrations/0015.sql")),
    M::up(include_str!("migrations/0016.sql")),
    M::up(include_str!("migrations/0017.sql")),
    M::up(include_str!("migrations/0018.sql")),
    M::up(include_str!("migrations/0019.sql")),
];

/// How long SQLite itself waits for another process's lock. Short: the writer's own back-off does the rest and can be stopped.
const BUSY_TIMEOUT: Duration = Duration::from_millis(250);

/// No machine checks more bytes in a millisecond.
const CHECKED_IN_A_MS: u128 = 1 << 20;

/// To this size the write-ahead log is cut after a checkpoint, bytes. A long report of a reader can make it grow.
const WAL_LIMIT: i64 = 16 << 20;

/// Pages of 4 KiB in the log after which a checkpoint copies them into the database: as many as [`WAL_LIMIT`] holds.
const WAL_PAGES: i64 = WAL_LIMIT / 4096;

/// Statements that the writing connection keeps prepared. It has about 50 (each record's, those of the feed and of pruning), and all of them come again and
/// again: were fewer kept than are used in turn, each use would prepare anew what the one before it put out.
const PREPARED_STATEMENTS: usize = 96;

/// The version of the tables: so many migrations have made them.
pub(crate) const VERSION: usize = STEPS.len();

/// All migrations, in order.
#[must_use]
pub const fn migrations() -> Migrations<'static> {
    Migrations::from_slice(STEPS)
}

/// A database that this process alone may write to.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    keep_log: bool,
    /// The file and its write-ahead log that are written to.
    files: (Option<FileId>, Option<FileId>),
    prefix: AttemptPrefix,
    feed: Option<Outbox>,
    lock: Lock,
    locks: Locks,
}

/// Device and inode number of a file.
type FileId = (u64, u64);

impl Store {
    /// Opens `path`, creates it (mode 0640, less the umask) if there is nothing, migrates it if it is older.
    ///
    /// A database that has anything in it is checked for damage first, for [`CHECK`] at most.
    ///
    /// Durability: `synchronous = FULL`, so what [`Store::write`] returned `Ok` for survives a power cut; one transaction for all that waited
    /// makes it cheap.
    ///
    /// # Errors
    /// Everything that cannot or must not be written to is refused and left as it is, see [`Error`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let (store, all) = Self::open_checked(path, CHECK)?;
        if !all {
            say_too_large();
        }
        Ok(store)
    }

    /// As [`Store::open`], but a database that would take longer than a moment to check is opened before that: whether all of it was is returned;
    /// if not, [`check_again`] does it. One that has to be migrated is checked as ever.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub(crate) fn open_at_once(path: &Path) -> Result<(Self, bool), Error> {
        Self::open_checked(path, Timing::get().first_check)
    }

    fn open_checked(path: &Path, within: Duration) -> Result<(Self, bool), Error> {
        let path = resolve(path)?;
        guard(&path)?;
        let locks = Locks::default();
        let named = |error: Error| error.with_holder(&locks);
        // First before anything is created beside a file that is not ours, then again when nobody else can change it any more.
        inspect(&path).map_err(named)?;
        let lock = Lock::take(&path)?;
        let all = match inspect(&path).map_err(named)? {
            Found::Nothing => true,
            Found::Ours { version } => {
                let within = if version == super::SCHEMA_VERSION { within } else { CHECK };
                may_be_checked(&path, within) && refuse_damage(&path, within).map_err(named)?
            }
        };
        create_if_missing(&path)?;
        let failed = |error| named(Error::sqlite(&path, error));
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&path, flags).map_err(failed)?;
        if connection.is_readonly(MAIN_DB).map_err(failed)? {
            let hint = "give the file to the user that callbackd runs as";
            return Err(Error::NoPermission { path, action: "write", hint });
        }
        configure(&connection).map_err(failed)?;
        migrations().to_latest(&mut connection).map_err(|error| match error {
            rusqlite_migration::Error::RusqliteError { err, .. } => failed(err),
            other => Error::Damaged { path: path.clone(), detail: other.to_string() },
        })?;
        // Not before: a migration corrects texts of the schema in their place.
        distrust(&connection).map_err(failed)?;
        let prefix = identity::settle(&connection, &path, &lock).map_err(named)?;
        let files = (file_id(&path), None);
        Ok((Self { connection, path, keep_log: false, files, prefix, feed: None, lock, locks }, all))
    }

    /// What SQLite reports, with the process that keeps this one from writing.
    pub(super) fn failed(&self, error: rusqlite::Error) -> Error {
        Error::sqlite(&self.path, error).with_holder(&self.locks)
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// What is written to a file that has no name any more is lost with the process, and nobody else sees it.
    pub(super) fn is_where_it_was(&self) -> Result<(), Error> {
        let is_there = |path: &Path, file: Option<FileId>| file.is_none() || file_id(path) == file;
        if is_there(&self.path, self.files.0) && is_there(&beside(&self.path, "-wal"), self.files.1) {
            return Ok(());
        }
        Err(Error::Moved { path: self.path.clone() })
    }

    /// Where it is, with symbolic links resolved.
    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What the ids of this database's attempts begin with.
    #[must_use]
    pub fn attempt_prefix(&self) -> AttemptPrefix {
        self.prefix
    }

    /// From now on records in the change feed what is written, by these rules. Without this it records nothing: a scratch database has no readers.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn record_changes(&mut self, rules: FeedRules) -> Result<(), Error> {
        match &mut self.feed {
            Some(feed) => feed.rules(rules),
            None => {
                let opened = Outbox::open(&self.connection, rules);
                self.feed = Some(opened.map_err(|error| self.failed(error))?);
            }
        }
        Ok(())
    }

    /// What the feed holds; all zero if it records nothing.
    #[must_use]
    pub fn fed(&self) -> Fed {
        self.feed.as_ref().map(Outbox::fed).unwrap_or_default()
    }

    /// What the last transaction wrote that is counted, once; nothing if no changes are recorded.
    pub(super) fn counted(&mut self) -> Vec<(ChangeKind, Record)> {
        self.feed.as_mut().map(Outbox::counted).unwrap_or_default()
    }

    /// A reader, by its name, has taken all changes up to this one: what it has not taken is kept for longer.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn taken(&mut self, sink: &str, seq: i64, now_ms: Millis) -> Result<(), Error> {
        let sql = "INSERT INTO sinks (name, acked_seq, acked_ms) VALUES (?1, ?2, ?3)
                   ON CONFLICT (name) DO UPDATE SET acked_seq = ?2, acked_ms = ?3";
        self.connection.execute(sql, (sink, seq, now_ms)).map_err(|error| self.failed(error))?;
        Ok(())
    }

    /// Names the site for readers of the feed.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn name_site(&mut self, site: &str) -> Result<(), Error> {
        let named = self.connection.execute("UPDATE identity SET site = ?1 WHERE site IS NOT ?1", [site]);
        named.map(drop).map_err(|error| self.failed(error))
    }

    /// Which channels of this PBX are this database's attempts: by its identity, and those that earlier versions left in flight. One that
    /// another database of this one's past left is not: it may be alive.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn our_attempts(&self, pbx: &str) -> Result<OurAttempts, Error> {
        let ours = OurAttempts::of(self.prefix);
        let in_flight = in_flight(&self.connection).map_err(|error| self.failed(error))?;
        let here = in_flight.iter().filter(|row| row.pbx == pbx && self.prefix.may_be_ours(&row.channel_id));
        Ok(here.fold(ours, |ours, row| ours.and_stored(&row.channel_id, row.callback_id)))
    }

    /// Takes over from an earlier run: ends the agents' intervals that it left open, as of when it last saw this PBX, and returns that time
    /// (ms since 1970 UTC); `None` if none ever did. Whoever follows the changes is told of the ends.
    ///
    /// # Errors
    /// What SQLite reports.
    pub(crate) fn take_over(&mut self, pbx: &str) -> Result<Option<Millis>, Error> {
        let left = || {
            let seen = self.connection.query_row(SEEN, [pbx], |row| row.get(0)).optional()?;
            Ok((seen, ended_intervals(&self.connection, pbx, seen)?))
        };
        let (seen, ended) = left().map_err(|error| self.failed(error))?;
        // Rows that are there are refused by nothing.
        self.write(&ended)?;
        Ok(seen)
    }

    /// The customers' calls that were in progress on this PBX when the last run ended without a word; the latest first. One that has a row
    /// already, because it lived when an earlier run was stopped, keeps that row and is taken out.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn calls_left(&self, pbx: &str) -> Result<Vec<CallInProgress>, Error> {
        rows::calls_left(&self.connection, pbx).map_err(|error| self.failed(error))
    }

    /// The agents of this PBX: interface, end of the last conversation (ms since 1970 UTC), and how many began since then.
    ///
    /// # Errors
    /// What SQLite reports.
    pub(crate) fn agent_talks(&self, pbx: &str, since_ms: Millis) -> Result<Vec<(String, Option<Millis>, u32)>, Error> {
        let talks = || -> rusqlite::Result<_> {
            let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            self.connection.prepare(AGENT_TALKS)?.query_map((pbx, since_ms), read)?.collect()
        };
        talks().map_err(|error| self.failed(error))
    }

    /// Leaves `-wal` (empty) and `-shm` where they are when the store is closed, so that members of the group who cannot write to the
    /// directory can still read with plain `sqlite3 -readonly` while no daemon runs.
    ///
    /// # Errors
    /// What SQLite reports.
    pub(crate) fn keep_log(&mut self) -> Result<(), Error> {
        let done = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        self.keep_log = done.map_err(|error| self.failed(error))?;
        Ok(())
    }

    /// Writes all records in one transaction and returns when they are on the disk. A call that is there already, by `pbx` and `linkedid`, is
    /// replaced and keeps its row id; a gap that is there already, by `pbx`, start and cause, is updated: writing twice is writing once.
    ///
    /// Records that the database refuses for their own sake are left out and returned; the others are written.
    ///
    /// # Errors
    /// The database or the machine cannot take them now (locked, full, input/output): nothing was written, all can be tried again.
    pub fn write<'a, I>(&mut self, records: I) -> Result<Vec<Refused>, Error>
    where
        I: IntoIterator<Item = &'a Record>,
        I::IntoIter: Clone,
    {
        self.is_where_it_was()?;
        let records = records.into_iter();
        let has_attempts = records.clone().any(|record| matches!(record, Record::Attempt(_)));
        let before = self.fed().last;
        let result = match self.transact(records.clone(), rows::put_all) {
            Err(error) if Error::is_of_the_record(&error) => self.transact(records, rows::put_each),
            result => result,
        };
        let has_changes = self.fed().last != before;
        if result.is_ok() && self.files.1.is_none() {
            self.files.1 = file_id(&beside(&self.path, "-wal"));
        }
        if result.is_ok() && (has_attempts || has_changes) {
            // What cannot be read now is noted with the next one.
            let _ = identity::note(&self.connection, &self.lock);
        }
        result.map_err(|error| {
            let error = self.failed(error);
            if matches!(error, Error::Damaged { .. }) {
                // What was read wrongly is not kept: the disk is asked again by the next attempt.
                let _ = self.connection.execute_batch("PRAGMA shrink_memory");
            }
            error
        })
    }

    fn transact<'a, I: Iterator<Item = &'a Record> + Clone>(
        &mut self,
        records: I,
        put: fn(&mut Transaction<'_>, I, &mut Option<Outbox>) -> rusqlite::Result<Vec<Refused>>,
    ) -> rusqlite::Result<Vec<Refused>> {
        let Self { connection, feed, .. } = self;
        let held = feed.as_mut().map(|feed| feed.begin(wall_ms()));
        let write = || {
            let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let refused = put(&mut transaction, records.clone(), feed)?;
            rollups::take_out(&transaction, records)?;
            if let Some(feed) = feed.as_mut() {
                feed.trim(&transaction)?;
            }
            transaction.commit()?;
            Ok(refused)
        };
        let written = write();
        if let (Some(feed), Some(held)) = (&mut self.feed, held) {
            match written {
                Ok(_) => feed.committed(),
                Err(_) => feed.back(held),
            }
        }
        written
    }
}

#[allow(clippy::disallowed_methods, reason = "the shell's clock: when a change was committed")]
fn wall_ms() -> Millis {
    jiff::Timestamp::now().as_millisecond()
}

impl Drop for Store {
    fn drop(&mut self) {
        if self.keep_log {
            // Best effort: what is in the log is as safe as what is in the file.
            let _ = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        }
    }
}

fn file_id(path: &Path) -> Option<FileId> {
    std::fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

/// Whether a check has a chance to come to its end in this time, or is as long as any gets.
fn may_be_checked(path: &Path, within: Duration) -> bool {
    let bytes = std::fs::metadata(path).map_or(0, |meta| meta.len());
    within >= CHECK || u128::from(bytes) <= CHECKED_IN_A_MS * within.as_millis()
}

/// Looks through a database before a byte of it is changed.
/// Whether all of it was looked at.
fn refuse_damage(path: &Path, within: Duration) -> Result<bool, Error> {
    let opened = open_read_only(path, true)?;
    match verify::structure(&opened.connection, within).map_err(|error| Error::sqlite(path, error))? {
        None => Ok(false),
        Some(faults) => match faults.into_iter().next() {
            None => Ok(true),
            Some(detail) => Err(Error::Damaged { path: path.to_owned(), detail }),
        },
    }
}

/// The check for which [`Store::open_at_once`] had no time, beside the writer, for [`CHECK`] at most.
///
/// # Errors
/// [`Error::Damaged`], or what SQLite reports.
pub(crate) fn check_again(path: &Path) -> Result<(), Error> {
    if !refuse_damage(path, CHECK)? {
        say_too_large();
    }
    Ok(())
}

fn say_too_large() {
    let after_s = CHECK.as_secs();
    tracing::info!(target: "store", after_s, "Database is too large for a full check at every start: run callbackd check --db");
}

/// The settings of the writing connection.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
    connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0))?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A page that changes again before the log is full is copied into the database once.
    connection.pragma_update_and_check(None, "wal_autocheckpoint", WAL_PAGES, |row| row.get::<_, i64>(0))?;
    connection.pragma_update_and_check(None, "journal_size_limit", WAL_LIMIT, |row| row.get::<_, i64>(0))?;
    Ok(())
}

/// The file itself, whatever links lead to it: two names of one database must meet the same lock.
pub(super) fn resolve(path: &Path) -> Result<PathBuf, Error> {
    if let Ok(real) = path.canonicalize() {
        return Ok(real);
    }
    let directory = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or_else(|| Error::NotADatabase { path: path.to_owned() })?;
    match directory.canonicalize() {
        Ok(real) => Ok(real.join(name)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(Error::NoDirectory { path: path.to_owned(), directory: directory.to_owned() })
        }
        Err(source) => Err(Error::CannotCreate { path: path.to_owned(), source }),
    }
}

/// An empty file with our rights: SQLite gives its own files beside it the same ones.
fn create_if_missing(path: &Path) -> Result<(), Error> {
    match std::fs::File::options().write(true).create_new(true).mode(0o640).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(Error::CannotCreate { path: path.to_owned(), source }),
    }
}
