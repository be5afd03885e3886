//! The way to a server of PostgreSQL or NATS: its address, TLS whose certificate is checked, and the user's password.

use super::super::connector::Route;
use super::super::secret::line_of;
use super::super::tls::{self, Server};
use super::bounded::Bounded;
use crate::background::background;
use crate::config::{PostgresUrl, Sink, SinkInto, Tls};
use crate::log::with_causes;
use crate::sinks::nats::{
    self, greeting,
    wire::{self, Client as Stream},
};
use crate::sinks::postgres::Fault;
use secrecy::{ExposeSecret, SecretString};
use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};
use tokio_postgres::{Client, Config, NoTls};
use tokio_rustls::TlsConnector;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreached {
    /// The password file is not there, not safe or empty.
    #[error("password_file: {0}")]
    Password(String),
    /// Nobody listens, or the certificate is another's.
    #[error("{0}")]
    Unanswered(String),
    /// The server let nobody in.
    #[error(transparent)]
    Refused(#[from] Fault),
    /// The same, or what answers is no server of NATS.
    #[error(transparent)]
    Stream(#[from] nats::Fault),
}

/// A connection that ends with this value.
pub(crate) struct Connected {
    /// What is asked through it; taken once.
    pub(crate) client: Option<Client>,
    driver: JoinHandle<()>,
}

impl Connected {
    /// Until the server has gone, which is waited for once.
    pub(crate) async fn ended(&mut self) {
        // Whatever it ended by.
        let _ = (&mut self.driver).await;
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Connects as the user of this sink. `named`: by this the server's administrator knows it.
///
/// # Errors
/// See [`Unreached`].
pub(crate) async fn connect(sink: &Sink, named: &str) -> Result<Connected, Unreached> {
    let password = password(&sink.password_file)?;
    let route = Route::to_sink(sink);
    let (stream, _) = route.reach().await.map_err(|why| Unreached::Unanswered(why.to_string()))?;
    // Small statements are waited for. Without it they only come later.
    let _ = stream.set_nodelay(true);
    let mut config = Config::new();
    config
        .user(&sink.user)
        .dbname(match &sink.into {
            SinkInto::Postgres(database) => database,
            // Nobody comes here with another one.
            SinkInto::Nats { stream, .. } => stream,
        })
        .application_name(named)
        .password(password.expose_secret().as_bytes());
    let refused = |error: tokio_postgres::Error| match error.as_db_error() {
        Some(_) => Unreached::Refused(error.into()),
        None => Unreached::Unanswered(with_causes(&error)),
    };
    let (client, driver) = match &sink.tls {
        None => {
            let stream = Bounded::in_the_clear(stream, password);
            let connected = config.ssl_mode(SslMode::Disable).connect_raw(stream, NoTls).await;
            let (client, connection) = connected.map_err(refused)?;
            (client, background(drive(connection)))
        }
        Some(trust) => {
            let encrypted = Encrypted { connector: connector(trust, Server::Sink)?, host: sink.host.clone() };
            let connected = config.ssl_mode(SslMode::Require).connect_raw(stream, encrypted).await;
            let (client, connection) = connected.map_err(refused)?;
            (client, background(drive(connection)))
        }
    };
    Ok(Connected { client: Some(client), driver })
}

/// Connects to a server of NATS as the user of this sink.
///
/// # Errors
/// See [`Unreached`].
pub(crate) async fn connect_nats(sink: &Sink, named: &str) -> Result<Stream, Unreached> {
    let password = password(&sink.password_file)?;
    let (mut stream, _) = Route::to_sink(sink).reach().await.map_err(|why| Unreached::Unanswered(why.to_string()))?;
    // Acknowledgements are waited for. Without it they only come later.
    let _ = stream.set_nodelay(true);
    let info = greeting::greeting(&mut stream).await?;
    let stream: Box<dyn wire::Stream> = match &sink.tls {
        Some(_) if !info.has_tls => {
            return Err(nats::Fault::Garbled("it has no TLS: `tls` in its configuration").into());
        }
        Some(trust) => {
            let (connector, host) = (connector(trust, Server::Stream)?, &sink.host);
            let encrypted = tls::connect(&connector, host, stream, Server::Stream).await;
            Box::new(encrypted.map_err(Unreached::Unanswered)?)
        }
        None if info.needs_tls => return Err(nats::Fault::Garbled("it takes TLS alone: write tls:// in url").into()),
        None => Box::new(stream),
    };
    Ok(Stream::login(stream, info, (&sink.user, &password), named).await?)
}

/// The same server, as another user into the same or another database.
pub(crate) fn instead(sink: &Sink, url: PostgresUrl, password_file: &Path) -> Sink {
    let PostgresUrl { user, host, port, database } = url;
    let into = SinkInto::Postgres(database);
    Sink { user, host, port, into, password_file: password_file.to_owned(), ..sink.clone() }
}

fn connector(trust: &Tls, server: Server) -> Result<TlsConnector, Unreached> {
    tls::connector(trust, server).map_err(Unreached::Unanswered)
}

/// The password's file is one line that nobody else can read.
fn password(path: &Path) -> Result<SecretString, Unreached> {
    line_of(path).map_err(|why| Unreached::Password(why.to_string()))
}

async fn drive<F: Future<Output = Result<(), tokio_postgres::Error>>>(connection: F) {
    // Whoever asks through the client learns of its end, and not always why.
    if let Err(why) = connection.await {
        tracing::debug!(target: "sink", why = %with_causes(&why), "A sink's connection has ended");
    }
}

/// Makes TLS on a connection whose server has agreed to it.
struct Encrypted {
    connector: TlsConnector,
    host: String,
}

impl TlsConnect<TcpStream> for Encrypted {
    type Stream = Wire;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Wire, io::Error>> + Send>>;

    fn connect(self, stream: TcpStream) -> Self::Future {
        Box::pin(async move {
            let stream =
                tls::connect(&self.connector, &self.host, stream, Server::Sink).await.map_err(io::Error::other)?;
            Ok(Wire(Bounded::new(stream)))
        })
    }
}

/// An encrypted connection.
struct Wire(Bounded<tokio_rustls::client::TlsStream<TcpStream>>);

impl TlsStream for Wire {
    /// The certificate is checked, so the password's exchange need not be bound to it.
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, into)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
