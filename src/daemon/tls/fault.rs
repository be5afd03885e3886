//! What is wrong with a TLS session, in words that name the fix: by the keys of the table that the other end stands in.

use super::super::certificate::CertificateFault;
use std::io;
use tokio_rustls::rustls::{self, CertificateError, Error, OtherError};

/// What answers at the other end: each has keys of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    /// `[pbx]`: an Asterisk, whose certificate `ast_tls_cert` may have made.
    Pbx,
    /// `[[webhook]]`.
    Webhook,
    /// `[[sink]]`.
    Sink,
    /// The same with `type = "nats"`.
    Stream,
}

impl Server {
    /// What makes a certificate trusted that the system's authorities do not know.
    pub(super) fn trust(self) -> &'static str {
        match self {
            Self::Pbx => "set tls_ca_file to the authority's certificate, or tls_fingerprint_sha256",
            Self::Webhook | Self::Sink | Self::Stream => "set tls_ca_file to the authority's certificate",
        }
    }

    /// Where its name is written.
    fn address(self) -> &'static str {
        match self {
            Self::Pbx => "pbx.address",
            Self::Webhook => "the webhook's url",
            Self::Sink | Self::Stream => "the sink's url",
        }
    }

    /// What allows it to be reached on another machine.
    pub(crate) fn plaintext(self) -> &'static str {
        match self {
            Self::Pbx => {
                "set pbx.tls = true (AMI with TLS is on port 5039), or pbx.allow_plaintext = true if nobody else can listen on that network"
            }
            Self::Webhook => {
                "write https:// in its url, or set allow_plaintext = true if nobody else can listen on that network"
            }
            Self::Stream => {
                "write tls:// in its url, or set allow_plaintext = true if nobody else can listen on that network"
            }
            Self::Sink => "set tls_ca_file, or allow_plaintext = true if nobody else can listen on that network",
        }
    }

    fn port(self) -> &'static str {
        match self {
            Self::Pbx => "is this the port of tlsbindaddr in manager.conf (5039)?",
            Self::Webhook => "is this the port for https?",
            Self::Sink => "is this the port of PostgreSQL?",
            Self::Stream => "is this the port of NATS (4222)?",
        }
    }

    /// Of a certificate that is right only once there is another.
    fn another(self, by_asterisk: &'static str) -> &'static str {
        if self == Self::Pbx { by_asterisk } else { "have a new one made" }
    }
}

/// Its RSA key is too short.
#[derive(Debug, thiserror::Error)]
#[error("its RSA key has less than 2048 bits")]
pub(super) struct WeakKey;

/// Whoever answers could not sign with its key.
#[derive(Debug, thiserror::Error)]
#[error(
    "whoever answers does not hold its key: give the server the key that belongs to its certificate; if it has that, another machine may be answering"
)]
pub(super) struct OtherKey;

/// What went wrong.
pub(super) fn describe(error: &io::Error, server: Server) -> String {
    let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                format!("the other end hung up during the handshake: {}", server.port())
            }
            _ => error.to_string(),
        };
    };
    match tls {
        Error::InvalidMessage(_) => format!("what answers does not speak TLS: {}", server.port()),
        Error::InvalidCertificate(fault) => format!("the certificate is refused: {}", explain(fault, server)),
        other => other.to_string(),
    }
}

fn explain(fault: &CertificateError, server: Server) -> String {
    let (trust, expired) = (server.trust(), server.another("make a new one (ast_tls_cert -v sets the number of days)"));
    match fault {
        CertificateError::Other(OtherError(own)) if own.to_string().contains("UnsupportedCertVersion") => {
            format!("it is of X.509 version 1, as ast_tls_cert makes them: {trust}")
        }
        CertificateError::Other(OtherError(own)) if own.to_string().contains("CaUsedAsEndEntity") => {
            format!("it is an authority's own (as self-signed ones are), so nobody else vouches for it: {trust}")
        }
        CertificateError::Other(OtherError(own)) if own.to_string().contains("UnsupportedCriticalExtension") => {
            let or = if server == Server::Pbx { ", or set tls_fingerprint_sha256" } else { "" };
            format!("it has a critical extension that is not known here: have it made without{or}")
        }
        CertificateError::Other(OtherError(own)) if own.to_string().contains("PathLenConstraintViolated") => {
            "an authority above it does not allow so many intermediate certificates (pathlen)".into()
        }
        CertificateError::Other(OtherError(own)) => match own.downcast_ref::<CertificateFault>() {
            Some(CertificateFault::Nameless) if server == Server::Pbx => {
                format!("{own}: set tls_fingerprint_sha256, or make a certificate with a subjectAltName")
            }
            Some(CertificateFault::Nameless) => format!("{own}: have one made with a subjectAltName"),
            Some(CertificateFault::Expired) => format!("{own}: {expired}"),
            _ if own.is::<WeakKey>() => {
                format!("{own}: {}", server.another("make a new one with ast_tls_cert -b 2048"))
            }
            _ => own.to_string(),
        },
        CertificateError::BadSignature => format!("{}: {trust}", CertificateFault::BadSignature),
        CertificateError::UnknownIssuer => format!("it was not issued by a trusted authority: {trust}"),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!("{}: {expired}", CertificateFault::Expired)
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            CertificateFault::NotYetValid.to_string()
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let expected = expected.to_str();
            if presented.is_empty() {
                return format!("it names no host, so not {expected} either: {trust}");
            }
            format!("it is for {}, not for {expected}: use that name in {}", presented.join(", "), server.address())
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is not for servers: its extendedKeyUsage must have serverAuth, or be left out".into()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio_rustls::rustls::pki_types::ServerName;

    fn faults() -> Vec<CertificateError> {
        let own = |text: &str| CertificateError::Other(OtherError(Arc::new(io::Error::other(text.to_owned()))));
        let expected = ServerName::try_from("crm.example.com").unwrap();
        let other_name = |presented| CertificateError::NotValidForNameContext { expected: expected.clone(), presented };
        vec![
            own("UnsupportedCertVersion"),
            own("CaUsedAsEndEntity"),
            own("UnsupportedCriticalExtension"),
            CertificateError::Other(OtherError(Arc::new(CertificateFault::Nameless))),
            CertificateError::Other(OtherError(Arc::new(CertificateFault::Expired))),
            CertificateError::Other(OtherError(Arc::new(WeakKey))),
            CertificateError::UnknownIssuer,
            CertificateError::BadSignature,
            CertificateError::Expired,
            other_name(vec![]),
            other_name(vec!["DnsName(\"erp.example.com\")".to_owned()]),
        ]
    }

    #[test]
    fn what_is_wrong_with_a_webhook_or_sink_names_only_what_their_tables_have() {
        for fault in faults() {
            for server in [Server::Webhook, Server::Sink, Server::Stream] {
                let why = explain(&fault, server);
                let foreign = ["fingerprint", "pbx.", "ast_tls_cert -"].into_iter().find(|word| why.contains(word));
                assert_eq!(foreign, None, "{why}");
            }
        }
        for server in [Server::Webhook, Server::Sink, Server::Stream] {
            let hung_up = describe(&io::ErrorKind::UnexpectedEof.into(), server);
            assert!(!hung_up.contains("manager.conf") && !server.plaintext().contains("pbx."), "{hung_up}");
        }
    }

    #[test]
    fn of_an_asterisk_they_name_its_own_tool_and_keys() {
        let all: String = faults().iter().map(|fault| explain(fault, Server::Pbx) + "\n").collect();
        for words in ["ast_tls_cert -v", "ast_tls_cert -b 2048", "or tls_fingerprint_sha256", "in pbx.address"] {
            assert!(all.contains(words), "{words} is not in {all}");
        }
    }
}
