//! The local API as the loop sees it: what is asked, callbacks that are looked up for a command, and answers that wait for the disk.

use super::api_certificate;
use super::api_replies::{self, ApiReplies};
use crate::api::{Ask, Front, socket, tcp};
use crate::config::Config;
use crate::store::Reader;
use callbackd_core::callbacks::commands::{Command, CommandError, Done};
use callbackd_core::model::CallbackRow;
use std::path::PathBuf;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot, watch};

/// Threads that serve clients. The loop and the connections to Asterisk have their own: however many clients read, these are not kept waiting.
const THREADS: usize = 1;

/// Commands whose callback was looked up in the database and that wait for the loop; beyond it the look-ups wait, on threads of their own.
const MAX_LOOKED_UP: usize = 64;

/// A command, with what the database holds of the callback that it names.
pub(crate) struct NamedCommand {
    pub(crate) command: Command,
    pub(crate) by: String,
    pub(crate) reply: oneshot::Sender<Result<Done, CommandError>>,
    pub(crate) closed: Option<CallbackRow>,
}

/// What comes in.
pub(crate) enum Request {
    Ask(Ask),
    /// A command whose callback has been looked up.
    LookedUp(Box<NamedCommand>),
}

/// The local API.
pub(crate) struct LocalApi {
    servers: (Option<socket::Server>, Option<tcp::Server>),
    asks: mpsc::Receiver<Ask>,
    looked_up: (mpsc::Sender<Box<NamedCommand>>, mpsc::Receiver<Box<NamedCommand>>),
    replies: ApiReplies,
    db: PathBuf,
    /// Where clients are served; `None` where the system gave no thread.
    runtime: Option<Runtime>,
}

impl LocalApi {
    /// Opens the socket; `committed`: the newest change that is on the disk. Without it the daemon runs all the same.
    pub(crate) fn listen(config: &Config, committed: watch::Receiver<i64>) -> Self {
        // Where the system gives no thread, those of the loop serve clients too.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("callbackd-api")
            .enable_all()
            .build()
            .ok();
        let inside = runtime.as_ref().map(Runtime::enter);
        let (front, asks) = Front::new(&config.store.path, committed);
        let servers = (api_replies::listen(config, &front), api_replies::listen_by_tcp(config, &front));
        let looked_up = mpsc::channel(MAX_LOOKED_UP);
        drop(inside);
        Self { servers, asks, looked_up, replies: ApiReplies::default(), db: config.store.path.clone(), runtime }
    }

    /// What comes in next. Nothing is lost if it is not waited for to the end.
    pub(crate) async fn next(&mut self) -> Option<Request> {
        tokio::select! {
            Some(ask) = self.asks.recv() => Some(Request::Ask(ask)),
            Some(command) = self.looked_up.1.recv() => Some(Request::LookedUp(command)),
            else => None,
        }
    }

    /// Looks this callback up beside the loop; the command comes back by [`LocalApi::next`].
    pub(crate) fn look_up(&self, callback: i64, mut command: NamedCommand) {
        let (db, looked_up) = (self.db.clone(), self.looked_up.0.clone());
        tokio::task::spawn_blocking(move || {
            command.closed = Reader::open(&db).and_then(|reader| reader.callback(callback)).unwrap_or_else(|err| {
                // Of which PBX it is stands in the row that could not be read.
                tracing::warn!(target: "store", callback, %err, "The database cannot be read; a closed callback is not found");
                None
            });
            // The loop may have ended, or be busy for so long that nobody waits any more.
            let _ = looked_up.blocking_send(Box::new(command));
        });
    }

    /// Whether the answer to a command would have room: it is not to be carried out else.
    ///
    /// # Errors
    /// What to answer at once.
    pub(crate) fn room(&mut self) -> Result<(), CommandError> {
        self.replies.room()
    }

    /// Commands that were refused because there was no room.
    pub(crate) fn commands_refused(&self) -> u64 {
        self.replies.refused()
    }

    /// A command was carried out: its answer goes out when the first `pushed` records are settled.
    pub(crate) fn answer(
        &mut self,
        reply: oneshot::Sender<Result<Done, CommandError>>,
        done: Result<Done, CommandError>,
        pushed: u64,
    ) {
        self.replies.push((reply, done), pushed);
    }

    /// Gives the answers whose records are among the first `settled`.
    pub(crate) fn settle(&mut self, settled: u64) {
        self.replies.settle(settled);
    }

    /// Takes the certificate up that is in its files now: it may have been renewed.
    pub(crate) fn renew(&self, config: &Config) {
        let (Some(server), Some(tls)) = (&self.servers.1, &config.api.tls) else { return };
        match api_certificate::load(tls) {
            Ok(tls) => server.renew(tls),
            Err(err) => {
                tracing::error!(target: "api", %err, "The API's renewed certificate cannot be used, the old one stays; callbackd check, then reload");
            }
        }
    }

    /// Takes no more connections.
    pub(crate) fn close(&mut self) {
        self.servers = (None, None);
    }
}

impl Drop for LocalApi {
    fn drop(&mut self) {
        // In the loop nothing may wait for threads to end.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
