//! Secrets: from a systemd credential or a file that nobody else can read; never from TOML, arguments or environment.

use callbackd_core::model::PbxId;
use std::fs::Metadata;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use secrecy::{SecretString, zeroize::Zeroizing};

use crate::config::{Config, Pbx};
use crate::ownership::{Untrusted, open_file, open_trusted};

/// Longest secret file, in bytes. What Asterisk takes in one line of an action is less.
pub const MAX_SECRET: u64 = 4096;

/// Where the secret of one PBX is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    pbx: PbxId,
    file: Option<PathBuf>,
    credentials: Option<PathBuf>,
}

/// Why there is no secret of a PBX, or of a webhook. Every message names the place and the fix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// No `secret_file`, no credential.
    #[error(
        "no secret for PBX \"{pbx}\": set pbx.secret_file, or LoadCredential=ami-secret:/path in the unit (where there are several PBXs: ami-secret-{pbx})"
    )]
    NotConfigured {
        /// The PBX's name.
        pbx: PbxId,
    },
    /// systemd passed credentials, but none of this name.
    #[error("no credential ami-secret-{pbx} or ami-secret in {}: add LoadCredential=ami-secret:/path to the unit (where there are several PBXs: ami-secret-{pbx})", directory.display())]
    NoCredential {
        /// The PBX's name.
        pbx: PbxId,
        /// The value of `$CREDENTIALS_DIRECTORY`.
        directory: PathBuf,
    },
    /// The file cannot be opened or read.
    #[error("cannot read {}: {why}", path.display())]
    Unreadable {
        /// The file's path.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// Not a regular file.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The path as configured.
        path: PathBuf,
    },
    /// Others than its owner may read or write the file.
    #[error("{} has mode {mode:04o}, so others can read or change it: chmod 600 {}", path.display(), path.display())]
    Exposed {
        /// The file's path.
        path: PathBuf,
        /// Its permission bits, as `stat` gives them.
        mode: u32,
    },
    /// Others can put another file in its place.
    #[error("{what}: {fix}")]
    Changeable {
        /// What is wrong, and with what.
        what: String,
        /// The command that puts it right.
        fix: String,
    },
    /// Nothing in it but line ends.
    #[error("{} is empty: write the secret of the user's section in manager.conf into it", path.display())]
    Empty {
        /// The file's path.
        path: PathBuf,
    },
    /// Over [`MAX_SECRET`], or not UTF-8.
    #[error("{} is not text of at most {MAX_SECRET} bytes", path.display())]
    NotText {
        /// The file's path.
        path: PathBuf,
    },
    /// Over [`MAX_SECRET`], several lines, or not UTF-8.
    #[error("{} is not one line of text of at most {MAX_SECRET} bytes", path.display())]
    NotALine {
        /// The file's path.
        path: PathBuf,
    },
}

impl Secret {
    /// Of this PBX: `secret_file` if it is set, else the credential `ami-secret-<name>` or `ami-secret` in `credentials`,
    /// which is `$CREDENTIALS_DIRECTORY`.
    pub fn of(pbx: &Pbx, credentials: Option<&Path>) -> Self {
        Self { pbx: pbx.name.clone(), file: pbx.secret_file.clone(), credentials: credentials.map(Path::to_owned) }
    }

    /// Reads it anew: a secret that was fixed is taken at the next attempt.
    ///
    /// # Errors
    /// It is not there, not safe or not usable.
    pub fn load(&self) -> Result<SecretString, SecretError> {
        if let Some(file) = &self.file {
            return read(file, true);
        }
        let Some(directory) = &self.credentials else {
            return Err(SecretError::NotConfigured { pbx: self.pbx.clone() });
        };
        for name in [format!("ami-secret-{}", self.pbx), "ami-secret".to_owned()] {
            let path = directory.join(name);
            if path.exists() {
                // systemd itself guards the directory; its files' modes differ from version to version.
                return read(&path, false);
            }
        }
        Err(SecretError::NoCredential { pbx: self.pbx.clone(), directory: directory.clone() })
    }
}

/// `$CREDENTIALS_DIRECTORY`, if systemd started us.
#[must_use]
pub(crate) fn credentials() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

/// For a person who starts a command by hand: without systemd's credentials, a PBX without `secret_file` has its secret in the file
/// that callbackd.service loads them from, `ami-secret-<name>` or `ami-secret` beside the configuration. Where neither is there,
/// nothing changes.
pub(crate) fn beside(config: &mut Config, path: &Path, credentials: Option<&Path>) {
    if credentials.is_some() {
        return;
    }
    let directory = path.parent().unwrap_or(Path::new(""));
    for pbx in config.pbx.iter_mut().filter(|pbx| pbx.secret_file.is_none()) {
        let names = [format!("ami-secret-{}", pbx.name), "ami-secret".to_owned()];
        pbx.secret_file = names.map(|name| directory.join(name)).into_iter().find(|file| file.exists());
    }
}

/// root:callbackd with mode 640, as where systemd does not pass secrets: root's, and beside root only the daemon's own group can read it. For root,
/// who may be looking for the daemon, any group will do.
fn is_for_our_group(meta: &Metadata) -> bool {
    let group = rustix::process::getegid().as_raw();
    meta.uid() == 0 && meta.gid() != 0 && meta.mode() & 0o037 == 0 && [0, meta.gid()].contains(&group)
}

/// The line of a file, without its end.
fn read(path: &Path, guarded: bool) -> Result<SecretString, SecretError> {
    let owned = || path.to_owned();
    let text = text(path, guarded).map_err(|error| match error {
        SecretError::NotText { path } => SecretError::NotALine { path },
        error => error,
    })?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(SecretError::Empty { path: owned() });
    }
    if secret.contains(['\r', '\n', '\0']) {
        return Err(SecretError::NotALine { path: owned() });
    }
    Ok(SecretString::from(secret))
}

/// The only line of a file that nobody else can read or put another one in the place of.
///
/// # Errors
/// It is not there, not safe or no line.
pub(crate) fn line_of(path: &Path) -> Result<SecretString, SecretError> {
    read(path, true)
}

/// The text of a file that nobody else can read or put another one in the place of.
///
/// # Errors
/// It is not there, not safe or no text.
pub fn text_of(path: &Path) -> Result<Zeroizing<String>, SecretError> {
    text(path, true)
}

fn text(path: &Path, guarded: bool) -> Result<Zeroizing<String>, SecretError> {
    let owned = || path.to_owned();
    let unreadable = |error: std::io::Error| SecretError::Unreadable {
        path: owned(),
        why: match error.kind() {
            ErrorKind::NotFound => "no such file".into(),
            ErrorKind::PermissionDenied => "permission denied: make the daemon's user its owner".into(),
            _ => error.to_string(),
        },
    };
    let opened = if guarded {
        open_trusted("the secret", path)
    } else {
        open_file(path).map_err(|error| match error.kind() {
            ErrorKind::InvalidInput => Untrusted::NotAFile,
            _ => Untrusted::Unreadable(error),
        })
    };
    let mut file = match opened {
        Ok(file) => file,
        Err(Untrusted::NotAFile) => return Err(SecretError::NotAFile { path: owned() }),
        Err(Untrusted::Unreadable(error)) => return Err(unreadable(error)),
        Err(Untrusted::Changeable { what, fix }) => {
            // That others can read or write the file itself has a fix of its own.
            let meta = std::fs::metadata(path).map_err(unreadable)?;
            let mode = meta.mode() & 0o7777;
            return Err(match mode & 0o022 {
                0 => SecretError::Changeable { what, fix },
                _ => SecretError::Exposed { path: owned(), mode },
            });
        }
    };
    let meta = file.metadata().map_err(unreadable)?;
    let mode = meta.mode() & 0o7777;
    if guarded && mode & 0o077 != 0 && !is_for_our_group(&meta) {
        return Err(SecretError::Exposed { path: owned(), mode });
    }
    let mut text = Zeroizing::new(String::with_capacity(MAX_SECRET as usize + 1));
    match Read::by_ref(&mut file).take(MAX_SECRET + 1).read_to_string(&mut text) {
        Err(error) if error.kind() == ErrorKind::InvalidData => Err(SecretError::NotText { path: owned() }),
        Err(error) => Err(unreadable(error)),
        Ok(length) if length as u64 > MAX_SECRET => Err(SecretError::NotText { path: owned() }),
        Ok(_) => Ok(text),
    }
}
