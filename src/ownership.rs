//! Whose a path is: every directory and every link on the way from `/` to it; and how root goes into a place that is another user's.
//!
//! Whoever owns a directory on the way decides where the name leads, from one moment to the next. So root does nothing there as root: were a
//! file of the database a link to one of root's, root would write into it, or give it away.

mod replace;

pub(crate) use replace::{New, replace};

use rustix::process::{Gid, Uid, geteuid, getgid, getgroups, getuid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

/// Write permission for group and others.
const OTHERS_WRITE: u32 = 0o022;
/// In a directory with this bit only a file's owner can replace it, whoever may write there (`/tmp`).
const STICKY: u32 = 0o1000;
/// Links on the way to one file; the kernel follows no more (`man 7 path_resolution`).
const MOST_LINKS: u32 = 40;

/// One thing on the way to a file: a directory, a link, or what stands at the end.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Its own name, without links before it.
    pub(crate) path: PathBuf,
    /// Its own (`lstat`): of a link, not of what it leads to.
    pub(crate) meta: Metadata,
}

impl Step {
    /// Others than its owner can change what it holds; in a directory, which file has a name. The mode of a link says nothing.
    #[must_use]
    pub(crate) fn is_open_to_others(&self) -> bool {
        let mode = self.meta.mode();
        !self.meta.is_symlink() && mode & OTHERS_WRITE != 0 && !(self.meta.is_dir() && mode & STICKY != 0)
    }
}

/// All that decides which file `path` names, from `/` on. What is not there ends the way; the last step is then the directory it would be in.
///
/// # Errors
/// What the system says of a step: no permission, too many links, a file in the place of a directory.
pub(crate) fn way(path: &Path) -> io::Result<Vec<Step>> {
    let absolute = std::path::absolute(path)?;
    let mut here = PathBuf::from("/");
    let mut steps = vec![Step { meta: here.symlink_metadata()?, path: here.clone() }];
    let mut ahead: Vec<OsString> = parts(&absolute);
    let mut links = 0;
    while let Some(part) = ahead.pop() {
        if part == ".." {
            here.pop();
            continue;
        }
        let next = here.join(&part);
        let meta = match next.symlink_metadata() {
            Ok(meta) => meta,
            Err(error) if error.kind() == ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        };
        if meta.is_symlink() {
            links += 1;
            if links > MOST_LINKS {
                return Err(io::Error::other("too many symbolic links"));
            }
            let leads_to = next.read_link()?;
            if leads_to.is_absolute() {
                here = PathBuf::from("/");
            }
            ahead.append(&mut parts(&leads_to));
        } else {
            here.clone_from(&next);
        }
        steps.push(Step { path: next, meta });
    }
    Ok(steps)
}

/// The names of a path, the last first.
fn parts(path: &Path) -> Vec<OsString> {
    let named = path.components().rev().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    named.collect()
}

/// The directory in which the name `path` stands.
#[must_use]
pub(crate) fn directory(path: &Path) -> &Path {
    path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Opens a regular file for reading. A named pipe in its place is refused, not waited for, and no device is set going.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] if it is no regular file, else what the system says.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    let not_a_file = || io::Error::new(ErrorKind::InvalidInput, "it is not a regular file");
    // To open a device can be to use it.
    if !path.metadata()?.is_file() {
        return Err(not_a_file());
    }
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let file = File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    // What stood there may have been replaced since.
    if file.metadata()?.is_file() { Ok(file) } else { Err(not_a_file()) }
}

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Untrusted {
    /// It cannot be opened, or looked at.
    #[error("{0}")]
    Unreadable(#[from] io::Error),
    /// A directory, a pipe, a device.
    #[error("it is not a regular file")]
    NotAFile,
    /// Somebody else can change it, or put another in its place.
    #[error("{what}; {fix}")]
    Changeable {
        /// What is wrong, and with what.
        what: String,
        /// The command that puts it right.
        fix: String,
    },
}

/// Opens a regular file that nobody can change or replace but root and the user who reads it: every directory and every link on the way to it
/// counts, each by itself. What root reads may also be the file's owner's, and so on the way to it: of the user whose service it is.
///
/// `name` is what the file is called in a refusal.
///
/// # Errors
/// See [`Untrusted`].
pub(crate) fn open_trusted(name: &str, path: &Path) -> Result<File, Untrusted> {
    let user = geteuid().as_raw();
    open_trusted_by(name, path, |owner| if user == 0 { owner } else { user })
}

/// The same, where what root reads must be root's own.
///
/// # Errors
/// See [`Untrusted`].
pub(crate) fn open_own(name: &str, path: &Path) -> Result<File, Untrusted> {
    let user = geteuid().as_raw();
    open_trusted_by(name, path, |_| user)
}

fn open_trusted_by(name: &str, path: &Path, whose: impl Fn(u32) -> u32) -> Result<File, Untrusted> {
    let file = open_file(path).map_err(|error| match error.kind() {
        ErrorKind::InvalidInput => Untrusted::NotAFile,
        _ => Untrusted::Unreadable(error),
    })?;
    let meta = file.metadata()?;
    let user = whose(meta.uid());
    let steps = way(path)?;
    let Some(last) = steps.last().filter(|last| (last.meta.dev(), last.meta.ino()) == (meta.dev(), meta.ino())) else {
        return Err(io::Error::other("it was replaced while it was opened; try again").into());
    };
    for step in steps.iter().rev() {
        let what = match step {
            step if std::ptr::eq(step, last) => name.to_owned(),
            step if step.meta.is_symlink() => format!("a link on the way to {name}"),
            _ => format!("the directory of {name}"),
        };
        let (owner, mode, shown) = (step.meta.uid(), step.meta.mode() & 0o7777, step.path.display());
        if step.is_open_to_others() {
            let what = format!("{what} can be changed by others (mode {mode:04o})");
            return Err(Untrusted::Changeable { what, fix: format!("chmod go-w {shown}") });
        }
        if owner != 0 && owner != user {
            let what = format!("{what} belongs to another user (uid {owner})");
            let chown = if step.meta.is_symlink() { "chown -h" } else { "chown" };
            return Err(Untrusted::Changeable { what, fix: format!("{chown} root {shown}") });
        }
    }
    Ok(file)
}

/// A user whom root becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    uid: Uid,
    gid: Gid,
    groups: Vec<Gid>,
    name: Option<String>,
}

impl User {
    /// With the groups that `/etc/passwd` and `/etc/group` give; a user who has no line there has the group `gid` alone.
    fn new(uid: u32, gid: u32) -> Self {
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let found = lines(&passwd).find(|line| line.get(2).and_then(|id| id.parse().ok()) == Some(uid));
        let name = found.as_ref().map(|line| line[0].to_owned());
        let gid = found.and_then(|line| line.get(3)?.parse().ok()).unwrap_or(gid);
        let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
        let is_member =
            |line: &Vec<&str>| line.get(3).is_some_and(|names| names.split(',').any(|n| Some(n) == name.as_deref()));
        let more = lines(&groups).filter(is_member).filter_map(|line| line.get(2)?.parse().ok());
        let groups = std::iter::once(gid).chain(more).filter(|gid| *gid != 0).map(Gid::from_raw).collect();
        Self { uid: Uid::from_raw(uid), gid: Gid::from_raw(gid), groups, name }
    }

    /// The name, or the uid in digits.
    #[must_use]
    pub(crate) fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.uid.as_raw().to_string())
    }
}

/// The lines of a file such as `/etc/passwd`.
fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().map(|line| line.split(':').collect::<Vec<_>>()).filter(|line| line.len() > 2)
}

/// Why root does not go somewhere.
#[derive(Debug, thiserror::Error)]
pub enum NotSafe {
    /// Anybody of a group, or everybody, can put another file under the name.
    #[error("others can change {} (mode {mode:04o}), so root does nothing there: chmod go-w {}", place.display(), place.display())]
    Open {
        /// The directory.
        place: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// One user decides what of another's the name leads to.
    #[error("{} belongs to {user} and leads to what is {owner}'s ({}), so root does nothing there: runuser -u {owner} --", place.display(), at.display())]
    Led {
        /// What leads there.
        place: PathBuf,
        /// Whose it is.
        user: String,
        /// The other's.
        at: PathBuf,
        /// Who that is.
        owner: String,
    },
    /// The way cannot be looked at.
    #[error("cannot look at {}: {source}", path.display())]
    Unseen {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The system does not let root become another user.
    #[error("root cannot become {user}, to whom {} belongs: {source}; run the command as that user: runuser -u {user} --", path.display())]
    Stuck {
        /// The path.
        path: PathBuf,
        /// The user's name.
        user: String,
        /// What the system says.
        source: io::Error,
    },
}

/// The user to whom `path` belongs for root's purposes: who owns the file, or the directory nearest to it, that is not root's. `None` if nobody
/// but root can change which file the name leads to; and for everybody but root, because they can do no more than they may.
///
/// # Errors
/// A directory on the way is open to others, or cannot be looked at; or two users share in it, of whom one would have root act as the other.
pub(crate) fn keeper(path: &Path) -> Result<Option<User>, NotSafe> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let steps = way(path).map_err(|source| NotSafe::Unseen { path: path.to_owned(), source })?;
    let of = |step: &Step| User::new(step.meta.uid(), step.meta.gid());
    let mut owned = steps.iter().filter(|step| step.meta.uid() != 0);
    if let Some(last) = owned.next_back() {
        let user = of(last);
        return match owned.find(|step| step.meta.uid() != last.meta.uid()) {
            None => Ok(Some(user)),
            Some(step) => Err(NotSafe::Led {
                place: step.path.clone(),
                user: of(step).name(),
                at: last.path.clone(),
                owner: user.name(),
            }),
        };
    }
    match steps.iter().find(|step| step.meta.is_dir() && step.is_open_to_others()) {
        Some(step) => Err(NotSafe::Open { place: step.path.clone(), mode: step.meta.mode() & 0o7777 }),
        None => Ok(None),
    }
}

/// If root runs this and `path` is another user's, the process is that user's from now on, without a way back. Only while it has one thread:
/// each thread has its own identity.
///
/// # Errors
/// See [`NotSafe`].
pub(crate) fn enter(path: &Path) -> Result<(), NotSafe> {
    let Some(user) = keeper(path)? else { return Ok(()) };
    let become_user = || -> rustix::io::Result<()> {
        set_thread_groups(&user.groups)?;
        set_thread_res_gid(user.gid, user.gid, user.gid)?;
        set_thread_res_uid(user.uid, user.uid, user.uid)
    };
    become_user().map_err(|error| stuck(path, &user, error))
}

/// If root runs this and `path` is another user's, `act` is done with that user's rights.
///
/// # Errors
/// See [`NotSafe`].
pub(crate) fn within<T>(path: &Path, act: impl FnOnce() -> T) -> Result<T, NotSafe> {
    let Some(user) = keeper(path)? else { return Ok(act()) };
    let back = Back { groups: getgroups().map_err(|error| stuck(path, &user, error))? };
    let act_as_user = || -> rustix::io::Result<()> {
        set_thread_groups(&user.groups)?;
        set_thread_res_gid(getgid(), user.gid, getgid())?;
        set_thread_res_uid(getuid(), user.uid, Uid::ROOT)
    };
    act_as_user().map_err(|error| stuck(path, &user, error))?;
    let done = act();
    drop(back);
    Ok(done)
}

fn stuck(path: &Path, user: &User, error: rustix::io::Errno) -> NotSafe {
    NotSafe::Stuck { path: path.to_owned(), user: user.name(), source: error.into() }
}

/// The way back to root.
struct Back {
    groups: Vec<Gid>,
}

impl Drop for Back {
    fn drop(&mut self) {
        let back = set_thread_res_uid(getuid(), Uid::ROOT, Uid::ROOT)
            .and_then(|()| set_thread_res_gid(getgid(), getgid(), getgid()))
            .and_then(|()| set_thread_groups(&self.groups));
        if back.is_err() {
            // Half of one user and half of another is nobody who may go on.
            std::process::abort();
        }
    }
}
