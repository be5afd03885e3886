//! Why a link was lost or never made, typed by what helps: trying again soon, or a person.

use std::net::SocketAddr;

use super::secret::SecretError;
use callbackd_core::ami::{DeadReason, LoginRefusal};

/// Why there is no connection. Every message states what is wrong and, where a person can fix it, how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LostReason {
    /// There is no secret to log in with.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The address has no host and port, or the name is unknown.
    #[error("cannot resolve {address}: {why}")]
    Unresolved {
        /// As configured.
        address: String,
        /// What the resolver said.
        why: String,
    },
    /// Another host, and neither TLS nor `allow_plaintext`.
    #[error("{peer} is another host and the connection is not encrypted: {fix}")]
    PlaintextRefused {
        /// What the address resolved to.
        peer: SocketAddr,
        /// Which keys help.
        fix: &'static str,
    },
    /// Nobody accepted the connection.
    #[error("cannot connect to {peer}: {why}")]
    Unreachable {
        /// The address that was tried last.
        peer: SocketAddr,
        /// What the system said.
        why: String,
    },
    /// The TLS session did not come to be.
    #[error("no TLS with {peer}: {why}")]
    Tls {
        /// Address of the other end.
        peer: SocketAddr,
        /// What is wrong and how to fix it.
        why: String,
    },
    /// `tls_ca_file` cannot be used, or the system has no certificates.
    #[error("TLS cannot be set up: {0}")]
    TlsSetup(String),
    /// What answers is something else; the beginning of what it said, escaped.
    #[error(
        "what answers is not the Asterisk Manager Interface, it says \"{0}\": is this the port in manager.conf (5038, with TLS 5039)?"
    )]
    NotAmi(String),
    /// Asterisk closed the connection: it stopped, or this client was too slow for `writetimeout`.
    #[error("Asterisk closed the connection")]
    Closed,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// Asterisk took nothing of what was sent.
    #[error("Asterisk does not read what callbackd sends: {0} bytes wait")]
    Stuck(usize),
    /// The login was refused.
    #[error("login refused: {reason} (Asterisk said \"{message}\")")]
    LoginRefused {
        /// Why it was refused.
        reason: LoginRefusal,
        /// Asterisk's own words, escaped.
        message: String,
    },
    /// The session is of no more use.
    #[error(transparent)]
    Dead(#[from] DeadReason),
}

impl LostReason {
    /// What an error of the socket says: the other end closed it, or it broke.
    pub(super) fn broken(error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Broken(error.to_string()),
        }
    }

    /// Trying again soon cannot help, and a refused login is an entry in Asterisk's security log: try slowly.
    pub(crate) fn needs_a_person(&self) -> bool {
        matches!(self, Self::Secret(_) | Self::PlaintextRefused { .. } | Self::TlsSetup(_) | Self::LoginRefused { .. })
    }
}
