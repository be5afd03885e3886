//! The files that setup would write: shown before, written each as a whole, and put back by what is noted beside the configuration.

use super::diff;
use crate::cli::failure::Failure;
use crate::ownership::{New, directory, replace, within};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// One file as it is and as it would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Change {
    /// The file.
    pub(crate) path: PathBuf,
    /// What it holds; `None`: it is not there.
    pub(crate) before: Option<String>,
    /// What it would hold.
    pub(crate) after: String,
    /// Its permissions, where it is made.
    pub(crate) mode: u32,
    /// Its user and group, where it is made and root makes it.
    pub(crate) owner: Option<(u32, u32)>,
}

impl Change {
    /// A change of this file, if it is one.
    ///
    /// # Errors
    /// The file is there and cannot be read, or is no text.
    pub(crate) fn of(
        path: PathBuf,
        after: impl FnOnce(&str) -> String,
        mode: u32,
        owner: Option<(u32, u32)>,
    ) -> Result<Option<Self>, Failure> {
        let before = match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(Failure::Usage(format!("cannot read {}: {error}", path.display()))),
        };
        let after = after(before.as_deref().unwrap_or_default());
        let same = before.as_deref() == Some(after.as_str());
        Ok((!same).then_some(Self { path, before, after, mode, owner }))
    }

    /// What changes, without secrets.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn show(&self, out: &mut impl Write) -> io::Result<()> {
        let made = if self.before.is_some() { String::new() } else { format!(" (new, mode {:o})", self.mode) };
        writeln!(out, "\n{}{made}", self.path.display())?;
        for line in diff::unified(self.before.as_deref().unwrap_or_default(), &self.after).lines() {
            let is_secret = line[1..].trim_start().starts_with("secret =") || self.is_secret();
            let shown = match line.split_once('=').filter(|_| is_secret) {
                Some((key, _)) => format!("{key}= …"),
                None if is_secret => format!("{} …", &line[..1]),
                None => line.to_owned(),
            };
            writeln!(out, "  {shown}")?;
        }
        Ok(())
    }

    fn is_secret(&self) -> bool {
        self.path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ami-secret"))
    }

    fn write(&self) -> Result<(), Failure> {
        put(&self.path, Some(&self.after), self.mode, self.owner)
    }
}

/// What was written by a setup, so that it can be taken back.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Journal {
    changes: Vec<Change>,
}

impl Journal {
    /// Where it is for this configuration.
    #[must_use]
    pub(crate) fn place(config: &Path) -> PathBuf {
        directory(config).join("setup-undo.json")
    }

    /// Reads it; `None` if nothing was set up.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub(crate) fn read(place: &Path) -> Result<Option<Self>, Failure> {
        let text = match fs::read_to_string(place) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::Usage(format!("cannot read {}: {error}", place.display()))),
        };
        let bad = |error| Failure::Usage(format!("{} is not what setup wrote: {error}", place.display()));
        serde_json::from_str(&text).map(Some).map_err(bad)
    }

    /// This file was written.
    #[must_use]
    pub(crate) fn has(&self, path: &Path) -> bool {
        self.changes.iter().any(|change| change.path == path)
    }

    /// Writes the changes, each noted before it is made: of a file that was changed before, the first state is kept.
    ///
    /// # Errors
    /// One cannot be written; those before it are, and can be taken back.
    pub(crate) fn apply(changes: &[Change], place: &Path) -> Result<(), Failure> {
        let mut journal = Self::read(place)?.unwrap_or_default();
        for change in changes {
            match journal.changes.iter_mut().find(|earlier| earlier.path == change.path) {
                Some(earlier) => earlier.after.clone_from(&change.after),
                None => journal.changes.push(change.clone()),
            }
            journal.keep(place)?;
            change.write()?;
        }
        Ok(())
    }

    fn keep(&self, place: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string(self).map_err(io::Error::from)?;
        put(place, Some(&text), 0o600, None)
    }

    /// Puts every file back that is still as setup wrote it, and says what it did; those that were changed since are named and left.
    ///
    /// # Errors
    /// A file cannot be written, or was changed since.
    pub(crate) fn undo(mut self, place: &Path, out: &mut impl Write) -> Result<(), Failure> {
        let mut left = Vec::new();
        for change in std::mem::take(&mut self.changes).into_iter().rev() {
            let path = change.path.display().to_string();
            let now = fs::read_to_string(&change.path).ok();
            if now == change.before {
                continue;
            }
            if now.as_deref() != Some(change.after.as_str()) {
                left.push(change);
                continue;
            }
            put(&change.path, change.before.as_deref(), change.mode, change.owner)?;
            writeln!(out, "{path}: {}", if change.before.is_some() { "as it was before" } else { "removed" })?;
        }
        if left.is_empty() {
            return put(place, None, 0, None);
        }
        let names: Vec<String> = left.iter().map(|change| change.path.display().to_string()).collect();
        left.reverse();
        self.changes = left;
        self.keep(place)?;
        Err(Failure::No(format!("changed since setup wrote it, and left as it is: {}", names.join(", "))))
    }
}

/// Puts this text in the file's place; `None` removes it. In another user's directory root does it as that user.
fn put(path: &Path, text: Option<&str>, mode: u32, owner: Option<(u32, u32)>) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::No(format!("cannot write {}: {error}", path.display()));
    if let Some(text) = text {
        return replace(path, text.as_bytes(), New { mode: Some(mode), owner, keeps_owner: true }).map_err(failed);
    }
    match within(directory(path), || fs::remove_file(path)) {
        Ok(Err(error)) if error.kind() == ErrorKind::NotFound => Ok(()),
        Ok(done) => done.map_err(failed),
        Err(unsafe_place) => Err(Failure::No(unsafe_place.to_string())),
    }
}
