//! The configuration that is in force, and how it is read anew.

use super::secret;
use crate::api::figures::LastRead;
use crate::config::{Config, Refusal};
use crate::log::Reload;
use callbackd_core::millis::Millis;
use std::path::{Path, PathBuf};

/// The configuration, with the places of secrets filled in.
///
/// # Errors
/// If the file cannot be read, or what it says is refused.
pub(crate) fn load(path: &Path, credentials: Option<&Path>) -> Result<Config, Refusal> {
    let mut config = Config::load(path)?;
    secret::beside(&mut config, path, credentials);
    Ok(config)
}

/// Says which keys of the file have another name by now.
pub(crate) fn warn_of_old_names(config: &Config) {
    for old in &config.old_names {
        tracing::warn!(
            target: "daemon",
            table = %old.table,
            key = old.old,
            rename_to = old.new,
            "A configuration key has an old name, which still works: rename it"
        );
    }
}

/// The configuration that is in force, and where it came from.
pub(crate) struct Configuration {
    config: Config,
    path: PathBuf,
    log: Reload,
    read: LastRead,
}

impl Configuration {
    /// This one, which was read from there just now. `log` changes what is logged.
    pub(crate) fn new(config: Config, path: &Path, log: Reload, now_ms: Millis) -> Self {
        Self { config, path: path.to_owned(), log, read: LastRead { taken: true, taken_ms: now_ms } }
    }

    pub(crate) fn last_read(&self) -> LastRead {
        self.read
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it anew, and says what is refused or needs a restart. Returns whether a new one is in force.
    pub(crate) fn reload(&mut self, now_ms: Millis) -> bool {
        match load(&self.path, secret::credentials().as_deref()) {
            Ok(new) => {
                self.read = LastRead { taken: true, taken_ms: now_ms };
                let restart = self.config.restart_for(&new);
                self.config = self.config.reloaded(new);
                if let Err(err) = self.log.apply(&self.config.log) {
                    tracing::warn!(target: "daemon", %err, "log.level is not valid, the level is unchanged");
                }
                tracing::info!(target: "daemon", config = %self.path.display(), "Configuration reloaded");
                warn_of_old_names(&self.config);
                if !restart.is_empty() {
                    tracing::warn!(
                        target: "daemon",
                        tables = restart,
                        "Some changes take effect only after systemctl restart callbackd"
                    );
                }
                true
            }
            Err(refusal) => {
                self.read.taken = false;
                for problem in refusal.problems() {
                    tracing::error!(
                        target: "daemon",
                        err = %problem.title,
                        hint = %problem.help,
                        "The changed configuration has an error and is not used; the old one stays in force"
                    );
                }
                false
            }
        }
    }
}
