//! The same API by TCP, for programs that a token lets in: until they have shown it they are newcomers.

use super::front::Front;
use super::guard::{Guard, guard};
use super::routes::router;
use super::socket::serve;
use crate::background::background;
use crate::timing::Timing;
use axum::Router;
use axum::middleware::from_fn_with_state;
use rustix::net::sockopt::set_socket_send_buffer_size;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// All who come by TCP are one user among those of the socket: nobody else has this number.
const BY_TCP: u32 = u32::MAX - 1;

/// What the system keeps for a client until it has acknowledged it, bytes (`man 7 socket`, `SO_SNDBUF`: the system takes twice as much). Of its own
/// accord it keeps up to 4 MiB for each (`net.ipv4.tcp_wmem`), a thousand clients that do not read 4 GiB.
const MAX_UNACKNOWLEDGED: usize = 128 << 10;

/// A listening port; closed when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    task: JoinHandle<()>,
    /// With which certificate the next connection begins.
    tls: Option<watch::Sender<Arc<ServerConfig>>>,
}

impl Server {
    /// Listens there, by TLS if `tls` is given. `hosts`: names by which clients may call this machine; `pages`: people may look too.
    ///
    /// # Errors
    /// The system's: the port is taken, for example.
    pub(crate) fn bind(
        address: SocketAddr,
        tls: Option<Arc<ServerConfig>>,
        hosts: &[String],
        pages: bool,
        front: &Arc<Front>,
    ) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let tls = tls.map(|tls| watch::channel(tls).0);
        let guarded = from_fn_with_state(Arc::new(Guard::new(Arc::clone(front), hosts, pages)), guard);
        let routes = router(Arc::clone(front), pages).layer(guarded);
        let door = Door { front: Arc::clone(front), routes, tls: tls.as_ref().map(watch::Sender::subscribe) };
        Ok(Self { task: background(door.accept(listener)), tls })
    }

    /// The next connections begin with this certificate; those that there are go on.
    pub(crate) fn renew(&self, tls: Arc<ServerConfig>) {
        if let Some(current) = &self.tls {
            current.send_replace(tls);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// How whoever connects comes in.
struct Door {
    front: Arc<Front>,
    routes: Router,
    tls: Option<watch::Receiver<Arc<ServerConfig>>>,
}

impl Door {
    async fn accept(self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    // Where the system refuses, it keeps what it likes.
                    let _ = set_socket_send_buffer_size(&stream, MAX_UNACKNOWLEDGED);
                    self.attend(stream);
                }
                // Too many files are open, for example: wait for some to be closed.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    fn attend(&self, stream: TcpStream) {
        let tls = self.tls.as_ref().map(|tls| TlsAcceptor::from(Arc::clone(&tls.borrow())));
        let (slot, front, routes) = (self.front.slots.newcomer(BY_TCP), Arc::clone(&self.front), self.routes.clone());
        background(async move {
            let Some(tls) = tls else { return serve(stream, routes, slot, None).await };
            let accepted = tokio::select! {
                accepted = tokio::time::timeout(Timing::get().request_head, tls.accept(stream)) => accepted,
                () = slot.has_to_go() => return,
            };
            match accepted {
                Ok(Ok(stream)) => serve(stream, routes, slot, None).await,
                _ => front.slots.handshake_failed(),
            }
        });
    }
}
