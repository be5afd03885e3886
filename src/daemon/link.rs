//! The connection to one PBX: made, used, lost, made again, for ever.

use super::clock::Clock;
use crate::ami::decoder::Received;
use crate::ami::notice::Notice;
use crate::ami::session::{Disposition, Login, Session, SessionOutput};
use crate::ami::{Frame, FrameDecoder, Interest};
use crate::config::Pbx;
use bytes::BytesMut;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_util::codec::Decoder;

/// What a link tells the loop.
#[derive(Debug)]
pub enum LinkEvent {
    /// An event for the engine.
    Frame(Frame),
    /// Something happened to the session.
    Notice(Notice),
    /// The connection is gone, or could not be made.
    Lost {
        /// Why.
        reason: LossReason,
        /// Next try.
        retry_in: Duration,
    },
}

/// Why there is no connection.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LossReason {
    /// Any.
    #[error("{0}")]
    Other(String),
    /// Login.
    #[error("login refused")]
    Refused,
}

impl LossReason {
    /// The login was refused.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused)
    }
}

/// A running link.
#[derive(Debug)]
pub struct Link {
    stop: mpsc::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Link {
    /// Starts it.
    #[must_use]
    pub fn spawn(index: usize, pbx: Pbx, out: mpsc::Sender<(usize, LinkEvent)>) -> Self {
        let (stop, mut stopped) = mpsc::channel(1);
        let task = tokio::spawn(async move {
            loop {
                let error = tokio::select! {
                    _ = stopped.recv() => return,
                    error = once(index, &pbx, &out) => error,
                };
                let retry_in = Duration::from_secs(1);
                let lost = LinkEvent::Lost { reason: LossReason::Other(error), retry_in };
                if out.send((index, lost)).await.is_err() {
                    return;
                }
                tokio::select! {
                    _ = stopped.recv() => return,
                    () = tokio::time::sleep(retry_in) => {}
                }
            }
        });
        Self { stop, task }
    }

    /// Ends it.
    pub async fn stop(self) {
        let _ = self.stop.send(()).await;
        let _ = self.task.await;
    }
}

async fn once(index: usize, pbx: &Pbx, out: &mpsc::Sender<(usize, LinkEvent)>) -> String {
    let clock = Clock::start();
    let secret = pbx.secret_file.as_ref().and_then(|p| std::fs::read_to_string(p).ok()).unwrap_or_default();
    let mut socket = match tokio::net::TcpStream::connect(&pbx.address).await {
        Ok(socket) => socket,
        Err(e) => return e.to_string(),
    };
    let login = Login {
        username: pbx.username.clone(),
        secret: secret.trim_end().to_owned().into(),
        allow_plain: pbx.allow_plain_login,
    };
    let mut session = Session::new(login, 42, clock.now().mono_ms);
    let mut decoder = FrameDecoder::new(Interest::engine());
    let mut buffer = BytesMut::with_capacity(65536);
    loop {
        while let Some(output) = session.poll() {
            match output {
                SessionOutput::Send(bytes) => {
                    if let Err(e) = socket.write_all(&bytes).await {
                        return e.to_string();
                    }
                }
                SessionOutput::Notice(notice) => {
                    let _ = out.send((index, LinkEvent::Notice(notice))).await;
                }
                SessionOutput::Answer(_) => {}
            }
        }
        if session.is_dead() {
            return "session over".to_owned();
        }
        let due = session.deadline().unwrap_or(u64::MAX / 2);
        tokio::select! {
            read = socket.read_buf(&mut buffer) => match read {
                Ok(0) => return "closed by Asterisk".to_owned(),
                Err(e) => return e.to_string(),
                Ok(_) => session.heard(clock.now().mono_ms),
            },
            () = tokio::time::sleep_until(clock.instant(due)) => session.tick(clock.now().mono_ms),
        }
        while let Ok(Some(received)) = decoder.decode(&mut buffer) {
            let disposition = session.received(&received, clock.now().mono_ms);
            while let Some(output) = session.poll() {
                match output {
                    SessionOutput::Send(bytes) => {
                        if let Err(e) = socket.write_all(&bytes).await {
                            return e.to_string();
                        }
                    }
                    SessionOutput::Notice(notice) => {
                        let _ = out.send((index, LinkEvent::Notice(notice))).await;
                    }
                    SessionOutput::Answer(_) => {}
                }
            }
            if let (Disposition::ForEngine, Received::Frame(frame)) = (disposition, received) {
                let _ = out.send((index, LinkEvent::Frame(frame))).await;
            }
        }
    }
}
