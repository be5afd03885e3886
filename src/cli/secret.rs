//! Where a command that a person starts finds the secret that systemd hands to the daemon.

use crate::config::Config;
use std::path::{Path, PathBuf};

/// `$CREDENTIALS_DIRECTORY`, where systemd started us.
#[must_use]
pub fn credentials() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

/// Without systemd's credentials, a PBX without `secret_file` has its secret in the file that callbackd.service loads them from:
/// `ami-secret-<name>` or `ami-secret` beside the configuration. Nothing changes where neither is there.
pub fn beside(config: &mut Config, path: &Path, credentials: Option<&Path>) {
    if credentials.is_some() {
        return;
    }
    let directory = path.parent().unwrap_or(Path::new(""));
    for pbx in &mut config.pbx {
        let named = directory.join(format!("ami-secret-{}", pbx.name));
        let common = directory.join("ami-secret");
        if pbx.secret_file.is_none() {
            pbx.secret_file = [named, common].into_iter().find(|file| file.exists());
        }
    }
}
