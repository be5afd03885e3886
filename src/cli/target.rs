//! Where the daemon and its database are, and how a command asks them.

use super::failure::Failure;
use crate::api::client::{self, ClientError};
use crate::config::{Config, Pbx};
use crate::ownership;
use crate::store::{self, Reader};
use callbackd_core::model::{NoSuchPbx, PbxId};
use hyper::Method;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Options of every command that speaks to the daemon.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct TargetArgs {
    /// Configuration [default: /etc/callbackd/callbackd.toml]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Socket of the daemon [default: api.socket of the configuration]
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) socket: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// Options of every command that needs nothing but a database.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct DatabaseArgs {
    /// Database [default: store.path of the configuration]
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    pub db: Option<PathBuf>,
    /// Configuration that names the database [default: /etc/callbackd/callbackd.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// The PBX that a command is about: the one that is named, else the only one that may be meant.
///
/// # Errors
/// In words, if several may be meant or none has the name.
pub(super) fn which<'c>(
    config: &'c Config,
    name: Option<&str>,
    may_be_meant: impl Fn(&Pbx) -> bool,
) -> Result<&'c Pbx, String> {
    let names = || config.pbx.iter().map(|pbx| pbx.name.as_str()).collect::<Vec<_>>().join(", ");
    if let Some(name) = name {
        let known = || config.pbx.iter().map(|pbx| pbx.name.clone()).collect();
        return config.named(name).ok_or_else(|| NoSuchPbx { name: name.to_owned(), known: known() }.to_string());
    }
    let mut meant = config.pbx.iter().filter(|pbx| config.pbx.len() == 1 || may_be_meant(pbx));
    match (meant.next(), meant.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(format!("which PBX? Add --pbx with one of: {}", names())),
    }
}

/// Who is called by a name of the configuration is meant by their phone, on their PBX.
pub(super) fn meant(config: &Config, agent: &mut Option<String>, pbx: &mut Option<String>) {
    let Some(name) = agent.as_deref() else { return };
    let Some((on, interface)) = config.agent_named(name, pbx.as_deref()) else { return };
    let (on, interface) = (on.map(ToString::to_string), interface.to_owned());
    (*agent, *pbx) = (Some(interface), on.or_else(|| pbx.take()));
}

/// Where things are, and when it is.
#[derive(Debug)]
pub struct Target {
    /// Path of the daemon's socket.
    pub(crate) socket: PathBuf,
    /// Path of the database.
    pub(crate) db: PathBuf,
    /// In which times are shown.
    pub(crate) zone: TimeZone,
    /// The time at which the command began.
    pub(crate) now: Timestamp,
    /// Whether JSON is wanted.
    pub(crate) json: bool,
    /// The PBXs of the configuration.
    pub(crate) pbxs: BTreeSet<PbxId>,
}

/// Whether there is a PBX of the name that is given, if one is: in the configuration, or of an earlier one in the database.
pub(super) fn known(name: Option<&str>, configured: &BTreeSet<PbxId>, reader: &Reader) -> Result<(), NameOrStore> {
    match name.filter(|name| !configured.contains(*name)) {
        None => Ok(()),
        Some(name) => Ok(NoSuchPbx::unless(name, configured.union(&reader.pbxs()?).cloned().collect())?),
    }
}

/// No PBX has the name, or who has which could not be read.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each says it itself")]
pub(super) enum NameOrStore {
    #[error(transparent)]
    Name(#[from] NoSuchPbx),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<NameOrStore> for Failure {
    fn from(error: NameOrStore) -> Self {
        match error {
            NameOrStore::Name(unknown) => Self::Usage(unknown.to_string()),
            NameOrStore::Store(error) => error.into(),
        }
    }
}

impl Target {
    /// What is written is no table and no prose.
    #[must_use]
    pub fn is_for_programs(&self) -> bool {
        self.json
    }

    /// As the arguments and the configuration say.
    #[must_use]
    pub fn new(args: &TargetArgs, config: &Config, now: Timestamp) -> Self {
        Self {
            socket: args.socket.clone().unwrap_or_else(|| config.api.socket.clone()),
            db: config.store.path.clone(),
            zone: config.zone(),
            now,
            json: args.json,
            pbxs: config.pbx.iter().map(|pbx| pbx.name.clone()).collect(),
        }
    }

    /// Asks the daemon for something; `None` if it does not run.
    pub(super) fn get(&self, path: &str) -> Result<Option<Value>, Failure> {
        match client::request(&self.socket, Method::GET, path, None) {
            Ok(value) => Ok(Some(value)),
            Err(ClientError::NotRunning(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Asks the daemon for a list, all of it; `None` if it does not run.
    pub(super) fn list(&self, path: &str) -> Result<Option<Value>, Failure> {
        match client::list(&self.socket, path) {
            Ok(value) => Ok(Some(value)),
            Err(ClientError::NotRunning(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Has the daemon do something.
    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        Ok(client::request(&self.socket, Method::POST, path, Some(body))?)
    }

    /// Has the daemon undo something.
    pub(super) fn delete(&self, path: &str) -> Result<Value, Failure> {
        Ok(client::request(&self.socket, Method::DELETE, path, None)?)
    }

    /// The database, for reading. Root is its owner from here on; what is to be asked of the daemon in root's name is asked before.
    pub(super) fn reader(&self) -> Result<Reader, Failure> {
        enter(&self.db)?;
        Ok(Reader::open(&self.db)?)
    }

    /// Milliseconds since 1970 UTC.
    pub(super) fn now_ms(&self) -> i64 {
        self.now.as_millisecond()
    }

    /// Says on `notes` that this is what the database knows.
    pub(super) fn note_not_running(&self, notes: &mut impl Write) {
        // Notes are a courtesy: that they cannot be said is no error.
        let _ = writeln!(
            notes,
            "The daemon does not run (nobody listens at {}): this is from the database.",
            self.socket.display()
        );
    }
}

/// Before a database is touched: in a place of another user's, root becomes that user ([`ownership::enter`]).
pub(super) fn enter(db: &Path) -> Result<(), store::Error> {
    Ok(ownership::enter(db)?)
}
