//! The socket: who may come in, and how many at once.

use super::front::{Front, Peer};
use super::line::Line;
use super::routes::router;
use super::slots::Slot;
use crate::background::background;
use crate::store::tokens::Role;
use crate::timing::Timing;
use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, chownat, fstat, openat};
use rustix::process::{Gid, geteuid};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream as Probe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

/// What is kept for a client that does not read, bytes.
const MAX_UNWRITTEN: usize = 32 * 1024;

/// A listening socket; its file is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    path: PathBuf,
    task: JoinHandle<()>,
}

impl Server {
    /// Listens at `path`, with this file mode and, if named, group. A socket that a dead daemon left is replaced.
    ///
    /// # Errors
    /// Another daemon listens there, or the system's own.
    pub(crate) fn bind(path: &Path, mode: u32, group: Option<&str>, front: &Arc<Front>) -> io::Result<Self> {
        clear(path)?;
        let gid = group.map(group_id).transpose()?;
        let listener = UnixListener::bind(path)?;
        open_to(path, mode, gid)?;
        let routes = router(Arc::clone(front), false);
        let task = background(accept(listener, Arc::clone(front), routes));
        Ok(Self { path: path.to_owned(), task })
    }
}

/// Gives our socket this mode and group. Whoever may write to its directory may have put something else under the name since: what is changed is
/// what was opened and looked at, and no link is followed.
fn open_to(path: &Path, mode: u32, gid: Option<u32>) -> io::Result<()> {
    let socket = openat(CWD, path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    let stat = fstat(&socket)?;
    let is_socket = FileType::from_raw_mode(stat.st_mode) == FileType::Socket;
    if !is_socket || stat.st_uid != geteuid().as_raw() || stat.st_nlink != 1 {
        return Err(io::Error::other("it was replaced by something else as soon as it was there"));
    }
    if let Some(gid) = gid {
        chownat(&socket, c"", None, Some(Gid::from_raw(gid)), AtFlags::EMPTY_PATH)?;
    }
    // Older kernels change the mode of such a descriptor only by this name.
    let opened = format!("/proc/self/fd/{}", socket.as_raw_fd());
    std::fs::set_permissions(opened, std::fs::Permissions::from_mode(mode))
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
        // It may have been replaced or removed by hand.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Removes what a dead daemon left; refuses to take a living one's place, or a file's that is none of ours.
fn clear(path: &Path) -> io::Result<()> {
    let kind = match std::fs::symlink_metadata(path) {
        Ok(meta) => meta.file_type(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !kind.is_socket() {
        return Err(io::Error::new(ErrorKind::AlreadyExists, "there is a file of this name that is not a socket"));
    }
    match Probe::connect(path) {
        Ok(_) => Err(io::Error::new(ErrorKind::AddrInUse, "another daemon listens there")),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        Err(error) => Err(error),
    }
}

/// The id of a group in `/etc/group`.
///
/// # Errors
/// There is none of this name, in words.
pub(crate) fn group_id(name: &str) -> io::Result<u32> {
    let missing = || io::Error::new(ErrorKind::NotFound, format!("there is no group {name} in /etc/group"));
    id_in(Path::new("/etc/group"), name).ok_or_else(missing)
}

/// The third field of the line that begins with `name`, in a file such as `/etc/group` (`man 5 group`).
fn id_in(file: &Path, name: &str) -> Option<u32> {
    let text = std::fs::read_to_string(file).ok()?;
    text.lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|f| f.first() == Some(&name))?
        .get(2)?
        .parse()
        .ok()
}

/// The name of a user in `/etc/passwd`, else the uid in digits: users of a directory service have no line there.
fn user_name(uid: u32) -> String {
    let text = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut fields = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let found = fields.find(|f| f.get(2).and_then(|id| id.parse().ok()) == Some(uid));
    found.and_then(|f| f.first().map(|name| (*name).to_owned())).unwrap_or_else(|| format!("uid {uid}"))
}

/// The answer to a connection that has no slot.
const NO_SLOT: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 70\r\n\r\n\
    {\"error\":\"too many connections: close some that are open and try again\"}";

async fn accept(listener: UnixListener, front: Arc<Front>, routes: Router) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Without credentials it is nobody: one user like any other.
                let uid = stream.peer_cred().map_or(u32::MAX, |cred| cred.uid());
                let peer = if uid == u32::MAX { "unknown".to_owned() } else { user_name(uid) };
                attend(stream, routes.clone(), front.slots.take(uid), Peer { name: peer, role: Role::Operate });
            }
            // Too many files are open, for example: wait for some to be closed.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Serves a connection, if its user may have one more.
fn attend(stream: UnixStream, routes: Router, slot: Option<Slot>, peer: Peer) {
    background(async move {
        match slot {
            Some(slot) => serve(stream, routes, slot, Some(peer)).await,
            None => refuse(stream).await,
        }
    });
}

async fn refuse(mut stream: UnixStream) {
    let answered = async {
        // What is left unread when the socket closes would take the answer with it.
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await;
        // It may have gone.
        let _ = stream.write_all(NO_SLOT).await;
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), answered).await;
}

/// Serves a connection that has a slot. The routes are the same for all of a listener: extensions say to a request which connection it came by.
/// `peer`: who is at the other end, where the connection shows it.
pub(super) async fn serve<S>(stream: S, routes: Router, slot: Slot, peer: Option<Peer>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (line, slot) = (Arc::new(Line::default()), Arc::new(slot));
    let (its_line, its_slot) = (Arc::clone(&line), Arc::clone(&slot));
    let routes = TowerToHyperService::new(routes);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        let extensions = request.extensions_mut();
        extensions.insert(Arc::clone(&its_line));
        extensions.insert(Arc::clone(&its_slot));
        if let Some(peer) = &peer {
            extensions.insert(peer.clone());
        }
        routes.call(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Timing::get().request_head)
        .max_buf_size(MAX_UNWRITTEN)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // Who is too slow, or gone, is no news.
        _ = served => {}
        () = line.over() => {}
        () = slot.has_to_go() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, symlink};
    use std::os::unix::net::UnixListener as Listener;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn only_the_socket_itself_gets_mode_and_group_and_not_what_was_put_under_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let (socket, link) = (directory.path().join("api.sock"), directory.path().join("link.sock"));
        let (others, hard) = (directory.path().join("others"), directory.path().join("hard.sock"));
        let _listener = Listener::bind(&socket).unwrap();
        let own = std::fs::metadata(&socket).unwrap().gid();
        open_to(&socket, 0o660, Some(own)).unwrap();
        assert_eq!(mode(&socket), 0o660);
        std::fs::write(&others, "").unwrap();
        std::fs::set_permissions(&others, std::fs::Permissions::from_mode(0o600)).unwrap();
        for target in [&socket, &others] {
            symlink(target, &link).unwrap();
            assert!(open_to(&link, 0o666, Some(own)).is_err());
            std::fs::remove_file(&link).unwrap();
        }
        assert!(open_to(&others, 0o666, Some(own)).is_err());
        std::fs::hard_link(&socket, &hard).unwrap();
        assert!(open_to(&hard, 0o666, Some(own)).is_err());
        assert_eq!((mode(&socket), mode(&others)), (0o660, 0o600));
    }
}
