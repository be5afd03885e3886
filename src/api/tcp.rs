//! The same API by TCP, for programs that a token lets in.

use super::front::Front;
use super::guard::{Guard, guard};
use super::socket::{Way, attend};
use axum::middleware::from_fn_with_state;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// All who come by TCP are one user among those of the socket: nobody else has this number.
const BY_TCP: u32 = u32::MAX - 1;

/// A listening port; closed when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    task: JoinHandle<()>,
}

impl Server {
    /// Listens there. `hosts`: names by which clients may call this machine; `pages`: people may look too.
    ///
    /// # Errors
    /// The system's: the port is taken, for example.
    pub(crate) fn bind(address: SocketAddr, hosts: &[String], pages: bool, front: &Arc<Front>) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let guarded = Arc::new(Guard::new(Arc::clone(front), hosts, pages));
        let task = tokio::spawn(accept(listener, Arc::clone(front), guarded, pages));
        Ok(Self { task })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, front: Arc<Front>, guarded: Arc<Guard>, pages: bool) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let guarded = Arc::clone(&guarded);
                let way: Box<Way> = Box::new(move |routes| routes.layer(from_fn_with_state(guarded, guard)));
                attend(stream, &front, BY_TCP, pages, way);
            }
            // Too many files are open, for example: wait for some to be closed.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}
