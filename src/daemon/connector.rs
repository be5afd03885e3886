//! The way to a PBX, a webhook or a sink: name to address, address to connection, connection to TLS.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::lost::LostReason;
use super::tls::{self, Server};
use crate::config::{Pbx, Sink, SinkInto, Tls, Webhook};

/// How long the resolver, each address, and TLS may take.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection, encrypted or not.
pub(super) type Wire = Box<dyn AsyncReadWrite>;

/// What a connection can do.
pub(super) trait AsyncReadWrite: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> AsyncReadWrite for T {}

/// How to reach one PBX.
#[derive(Debug, Clone)]
pub(super) struct Route {
    address: String,
    tls: Option<Tls>,
    allow_plaintext: bool,
    /// Whose words name what is wrong.
    server: Server,
}

impl Route {
    pub(crate) fn to(pbx: &Pbx) -> Self {
        Self {
            address: pbx.address.clone(),
            tls: pbx.tls.clone(),
            allow_plaintext: pbx.allow_plaintext,
            server: Server::Pbx,
        }
    }

    /// To an endpoint of webhooks.
    pub(crate) fn to_endpoint(webhook: &Webhook) -> Self {
        let tls = || webhook.tls_ca_file.clone().map_or(Tls::System, Tls::CaFile);
        let (tls, port) = if webhook.is_encrypted() { (Some(tls()), 443) } else { (None, 80) };
        let address = webhook.url.authority().map_or("", |authority| authority.as_str());
        let has_port = webhook.url.port().is_some();
        let address = if has_port { address.to_owned() } else { format!("{address}:{port}") };
        Self { address, tls, allow_plaintext: webhook.allow_plaintext, server: Server::Webhook }
    }

    /// To a server of PostgreSQL or NATS, up to its own beginning of TLS.
    pub(crate) fn to_sink(sink: &Sink) -> Self {
        let host = if sink.host.contains(':') { format!("[{}]", sink.host) } else { sink.host.clone() };
        let address = format!("{host}:{}", sink.port);
        let server = match sink.into {
            SinkInto::Postgres(_) => Server::Sink,
            SinkInto::Nats { .. } => Server::Stream,
        };
        // Where TLS is not made the configuration has allowed it.
        Self { address, tls: sink.tls.clone(), allow_plaintext: sink.allow_plaintext, server }
    }

    pub(crate) fn encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// Makes a connection, trying each of the name's addresses.
    pub(crate) async fn connect(&self) -> Result<(Wire, SocketAddr), LostReason> {
        let (stream, peer) = self.reach().await?;
        // Actions are small and answers are waited for. Without it they only come later.
        let _ = stream.set_nodelay(true);
        if let Some(trust) = &self.tls {
            let connector = tls::connector(trust, self.server).map_err(LostReason::TlsSetup)?;
            let handshake = tls::connect(&connector, host(&self.address), stream, self.server);
            return match timeout(CONNECT_TIMEOUT, handshake).await {
                Ok(Ok(stream)) => Ok((Box::new(stream), peer)),
                Ok(Err(why)) => Err(LostReason::Tls { peer, why }),
                Err(_) => Err(LostReason::Tls { peer, why: "no answer in time".into() }),
            };
        }
        Ok((Box::new(stream), peer))
    }

    /// Makes a connection that is not encrypted yet.
    pub(crate) async fn reach(&self) -> Result<(TcpStream, SocketAddr), LostReason> {
        let unresolved = |why: String| LostReason::Unresolved { address: self.address.clone(), why };
        let peers: Vec<SocketAddr> = match timeout(CONNECT_TIMEOUT, tokio::net::lookup_host(&self.address)).await {
            Ok(Ok(peers)) => peers.collect(),
            Ok(Err(error)) => return Err(unresolved(error.to_string())),
            Err(_) => return Err(unresolved("the resolver does not answer".into())),
        };
        let mut reason = unresolved("the name has no address".into());
        for peer in peers {
            // Here and not only in the configuration: a name may lead elsewhere than it did then.
            if self.tls.is_none() && !self.allow_plaintext && !peer.ip().to_canonical().is_loopback() {
                reason = LostReason::PlaintextRefused { peer, fix: self.server.plaintext() };
                continue;
            }
            match timeout(CONNECT_TIMEOUT, TcpStream::connect(peer)).await {
                Ok(Ok(stream)) => return Ok((stream, peer)),
                Ok(Err(error)) => reason = LostReason::Unreachable { peer, why: self.unreachable(&error) },
                Err(_) => reason = LostReason::Unreachable { peer, why: "no answer in time".into() },
            }
        }
        Err(reason)
    }

    fn unreachable(&self, error: &std::io::Error) -> String {
        match (error.kind(), self.server) {
            (std::io::ErrorKind::ConnectionRefused, Server::Pbx) => {
                "nobody listens there: is Asterisk running, with enabled = yes in manager.conf?".into()
            }
            (std::io::ErrorKind::ConnectionRefused, _) => "nobody listens there".into(),
            _ => error.to_string(),
        }
    }
}

/// The host in `host:port`.
fn host(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn the_host_is_what_stands_before_the_port() {
        assert_eq!(host("pbx.example:5039"), "pbx.example");
        assert_eq!(host("[::1]:5039"), "[::1]");
    }
}
