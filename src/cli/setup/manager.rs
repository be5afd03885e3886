//! The AMI user: where it stands or would stand in Asterisk's files, with which secret, and what `[general]` lacks.

use super::conf::{Conf, Section};
use super::files::Change;
use crate::cli::failure::Failure;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The user as it is shipped.
const SHIPPED: &str = include_str!("../../../config/asterisk/manager_callbackd.conf");
/// FreePBX's own: it includes the file, never writes it, and writes `manager.conf` anew.
const FREEPBX: &str = "manager_custom.conf";

/// `manager.conf` with all that it includes.
pub(crate) struct Manager {
    directory: PathBuf,
    conf: Conf,
    general: Section,
    owner: Option<(u32, u32)>,
}

impl Manager {
    /// Reads it.
    ///
    /// # Errors
    /// There is no Asterisk here, or its files cannot be read.
    pub(crate) fn read(directory: &Path) -> Result<Self, Failure> {
        let path = directory.join("manager.conf");
        let meta = std::fs::File::open(&path).and_then(|file| file.metadata()).map_err(|error| {
            Failure::Missing(format!(
                "no Asterisk is found here: cannot read {}: {error}; --asterisk DIRECTORY says where its files are",
                path.display()
            ))
        })?;
        let conf = Conf::read(directory, "manager.conf");
        let general = conf.section("general").unwrap_or_default();
        Ok(Self { directory: directory.to_owned(), conf, general, owner: Some((meta.uid(), meta.gid())) })
    }

    /// The port at which it listens without TLS.
    #[must_use]
    pub(crate) fn port(&self) -> u16 {
        self.general.last("port").and_then(|port| port.parse().ok()).unwrap_or(5038)
    }

    /// The secret of a user who is there already.
    #[must_use]
    pub(crate) fn secret_of(&self, user: &str) -> Option<String> {
        self.conf.section(user).and_then(|section| section.last("secret").map(str::to_owned))
    }

    /// The user with this secret, and what `[general]` lacks, if either is missing.
    ///
    /// # Errors
    /// A file that would be changed cannot be read.
    pub(crate) fn changes(&self, user: &str, secret: &str) -> Result<Vec<Change>, Failure> {
        let general = self.general_lines();
        let there = self.secret_of(user);
        if there.is_some() && general.is_empty() {
            return Ok(Vec::new());
        }
        let mut block = String::new();
        if !general.is_empty() {
            block.push_str(&format!("[general](+)\n{general}\n"));
        }
        if there.is_none() {
            let (_, shipped) = SHIPPED.split_once("\n[callbackd]\n").unwrap_or_default();
            let (_, shipped) = shipped.split_once('\n').unwrap_or_default();
            block.push_str(&format!(
                "[{user}]\n{}",
                shipped.replacen("secret = CHANGE-ME", &format!("secret = {secret}"), 1)
            ));
        }
        let (name, include) = self.place();
        let begin = "; written by callbackd setup; callbackd setup --undo takes it back\n";
        let path = self.directory.join(name);
        let own = Change::of(path, |before| joined(before, &format!("{begin}{block}")), 0o640, self.owner)?;
        let main = match include {
            true => {
                let add = |before: &str| joined(before, &format!("#include \"{name}\"\n"));
                Change::of(self.directory.join("manager.conf"), add, 0o640, self.owner)?
            }
            false => None,
        };
        Ok(own.into_iter().chain(main).collect())
    }

    /// What is missing in `[general]`. Where AMI was off nobody else used it: it then listens on this machine alone.
    fn general_lines(&self) -> String {
        let mut lines = String::new();
        if !self.general.is_on("enabled") {
            lines.push_str("enabled = yes\nbindaddr = 127.0.0.1\n");
        }
        if !self.general.is_on("timestampevents") {
            lines.push_str("timestampevents = yes\n");
        }
        lines
    }

    /// The file for it, and whether `manager.conf` has yet to include it.
    fn place(&self) -> (&'static str, bool) {
        let includes = |name: &str| self.conf.includes.iter().any(|included| included.trim_start_matches("./") == name);
        if includes(FREEPBX) {
            return (FREEPBX, false);
        }
        if includes("manager.d/*.conf") && self.directory.join("manager.d").is_dir() {
            return ("manager.d/callbackd.conf", false);
        }
        ("manager_callbackd.conf", !includes("manager_callbackd.conf"))
    }
}

/// One text behind the other, with an empty line between.
fn joined(before: &str, more: &str) -> String {
    if before.trim().is_empty() { more.to_owned() } else { format!("{}\n\n{more}", before.trim_end()) }
}
