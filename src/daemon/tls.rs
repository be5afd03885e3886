//! TLS to Asterisk, webhooks and sinks: trust by the system's authorities, by one authority's file, or by one certificate's fingerprint.

mod fault;

use std::fmt::Write as _;
use std::io::Read;
use std::sync::Arc;

use rustls_platform_verifier::Verifier;
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls13_signature_with_raw_key};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{
    CertificateDer, ServerName, SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer, UnixTime,
};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};

use super::certificate::{Certificate, CertificateFault};
use crate::config::Tls;
use crate::ownership::open_trusted;
pub(super) use fault::Server;
use fault::{OtherKey, WeakKey, describe};

/// Bytes that are read of `tls_ca_file`: all authorities of a system are a third of a MiB.
const MAX_CA_FILE: u64 = 4 << 20;

/// Prepares connections that trust as configured. Files are read anew, so that a fixed one is taken.
///
/// # Errors
/// `tls_ca_file` cannot be used, or the system has no authorities; the text names the place and the fix.
pub(super) fn connector(tls: &Tls, server: Server) -> Result<TlsConnector, String> {
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match tls {
        Tls::System => Arc::new(Verifier::new(provider.clone()).map_err(|error| {
            format!(
                "the system's certificate authorities cannot be read ({error}): install ca-certificates, or {}",
                server.trust()
            )
        })?),
        Tls::CaFile(path) => {
            let shown = path.display();
            let unreadable = |error| format!("tls_ca_file {shown} cannot be read: {error}");
            let file = open_trusted("it", path).map_err(|error| unreadable(error.to_string()))?;
            let mut text = Vec::new();
            file.take(MAX_CA_FILE).read_to_end(&mut text).map_err(|error| unreadable(error.to_string()))?;
            let certificates = CertificateDer::pem_slice_iter(&text)
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| unreadable(error.to_string()))?;
            if RootCertStore::empty().add_parsable_certificates(certificates.iter().cloned()).0 == 0 {
                return Err(format!(
                    "tls_ca_file {shown} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)"
                ));
            }
            let algorithms = provider.signature_verification_algorithms.all;
            Arc::new(TrustVerifier { trust: NamedAuthority { certificates, algorithms }, provider: provider.clone() })
        }
        Tls::Fingerprint(sha256) => Arc::new(TrustVerifier { trust: Pinned(*sha256), provider: provider.clone() }),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Makes the TLS session. `host` is the name or address that the certificate must be for, where its name counts.
///
/// # Errors
/// What is wrong and how to fix it.
pub(super) async fn connect(
    connector: &TlsConnector,
    host: &str,
    stream: TcpStream,
    server: Server,
) -> Result<TlsStream<TcpStream>, String> {
    let name = ServerName::try_from(host.trim_start_matches('[').trim_end_matches(']').to_owned())
        .map_err(|_| format!("\"{host}\" is neither a host's name nor an address"))?;
    connector.connect(name, stream).await.map_err(|error| describe(&error, server))
}

/// Which certificate is the PBX's.
trait Trust: std::fmt::Debug + Send + Sync {
    /// # Errors
    /// Why this one is not.
    fn check(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error>;
}

/// Asks its trust whose certificate it is, and checks that the other end holds its key.
#[derive(Debug)]
struct TrustVerifier<T> {
    trust: T,
    provider: Arc<CryptoProvider>,
}

impl<T: Trust> ServerCertVerifier for TrustVerifier<T> {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.trust.check(end_entity, intermediates, server_name, now).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        tls12(message, certificate, signed, &self.provider)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        tls13(message, certificate, signed, &self.provider)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Trusts what an authority in `tls_ca_file` has signed.
///
/// An authority must be one: by basicConstraints and keyUsage, by its dates, and by its path length, none of which rustls looks at in what it is
/// told to trust.
///
/// Beyond what rustls accepts: certificates of X.509 version 1 that the authority itself has signed, and certificates without any
/// subjectAltName. Both is what Asterisk's `ast_tls_cert` makes, so both pass by its authority alone ("Asterisk Private CA"): the operator has
/// named that authority, and so the PBX. It must sign for no one else (`ast_tls_cert -m client`), which the manual says. A certificate that does have names must name this host, also one that stands in the file itself.
/// Only version 1 goes past rustls: what rustls cannot read of a later one (a critical extension that it does not know, a broken one) may
/// be what forbids its use.
#[derive(Debug)]
struct NamedAuthority {
    certificates: Vec<CertificateDer<'static>>,
    algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
}

impl Trust for NamedAuthority {
    fn check(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let certificate = Certificate::parse(end_entity).map_err(refused)?;
        let is_named = self.certificates.contains(end_entity);
        let (authorities, unfit) = self.authorities(intermediates, now);
        // Signed by none: perhaps by one that may not.
        let unsigned = |fault: CertificateFault| {
            refused(unfit.clone().filter(|_| fault == CertificateFault::UnknownIssuer).unwrap_or(fault))
        };
        let check_nameless = || match certificate.check_issuer(&authorities.roots, self.algorithms) {
            Err(fault) => Err(unsigned(fault)),
            Ok(()) if certificate.is_asterisks() => Ok(()),
            Ok(()) => Err(refused(CertificateFault::Nameless)),
        };
        if certificate.is_version_1 {
            certificate.check_dates(now).map_err(refused)?;
            return if is_named { Ok(()) } else { check_nameless() };
        }
        let parsed = ParsedCertificate::try_from(end_entity)?;
        match verify_server_cert_signed_by_trust_anchor(&parsed, &authorities, intermediates, now, self.algorithms) {
            Ok(()) => {}
            // A self-signed certificate, named itself: it is its own authority, which rustls refuses.
            Err(_) if is_named => certificate.check_dates(now).map_err(refused)?,
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
                return Err(unfit.map_or(CertificateError::UnknownIssuer.into(), refused));
            }
            Err(error) => return Err(error),
        }
        match certificate.extensions.has_names {
            true => verify_server_name(&parsed, server_name),
            false if is_named => Ok(()),
            false => check_nameless(),
        }
    }
}

impl NamedAuthority {
    /// Those of the file that may vouch now for what comes with these intermediates; and why the first of the others may not.
    fn authorities(
        &self,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> (RootCertStore, Option<CertificateFault>) {
        // Often a server sends the authority's own certificate along: it is not between.
        let between = intermediates.iter().filter(|sent| !self.certificates.contains(sent)).count();
        let (mut fit, mut unfit) = (RootCertStore::empty(), None);
        for der in &self.certificates {
            match Certificate::parse(der).and_then(|certificate| certificate.check_authority(between, now)) {
                // What cannot be parsed was counted when the file was read.
                Ok(()) => drop(fit.add(der.clone())),
                Err(fault) => drop(unfit.get_or_insert(fault)),
            }
        }
        (fit, unfit)
    }
}

/// Takes a certificate apart and asks of it all that is asked of one; for the fuzzer. Whatever it is, the answer is one of the two.
#[doc(hidden)]
pub fn look_at_certificate(der: &[u8], now_s: u64) -> Result<(), String> {
    let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now_s));
    let certificate = Certificate::parse(der).map_err(|fault| fault.to_string())?;
    certificate.check_dates(now).map_err(|fault| fault.to_string())?;
    certificate.check_authority(1, now).map_err(|fault| fault.to_string())?;
    let algorithms = ring::default_provider().signature_verification_algorithms.all;
    let (trusted, itself) = (NamedAuthority { certificates: vec![], algorithms }, CertificateDer::from(der));
    let name = ServerName::try_from("localhost").map_err(|fault| fault.to_string())?;
    match trusted.check(&itself, &[], &name, now) {
        Ok(()) => Err("nobody is trusted, and it was".to_owned()),
        Err(_) => Ok(()),
    }
}

/// Trusts exactly one certificate, whoever made it, whatever it names, however old it is.
#[derive(Debug)]
struct Pinned([u8; 32]);

impl Trust for Pinned {
    fn check(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _now: UnixTime,
    ) -> Result<(), Error> {
        let presented = Sha256::digest(end_entity);
        if presented[..] == self.0 { Ok(()) } else { Err(refused(OtherCertificate(fingerprint(&presented)))) }
    }
}

#[derive(Debug, thiserror::Error)]
#[error(
    "it is not the certificate of tls_fingerprint_sha256; its fingerprint is {0}: write that there if Asterisk's certificate was renewed; if not, another machine may be answering"
)]
struct OtherCertificate(String);

/// `AB:CD:…`, as `openssl x509 -fingerprint -sha256` prints it.
fn fingerprint(digest: &[u8]) -> String {
    let mut text = String::with_capacity(digest.len() * 3);
    for byte in digest {
        let separator = if text.is_empty() { "" } else { ":" };
        // Writing into a String cannot fail.
        let _ = write!(text, "{separator}{byte:02X}");
    }
    text
}

fn refused(fault: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(fault))))
}

/// Checks who holds the certificate's key, with the key itself: rustls' own way there refuses version 1.
fn tls13(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    provider: &CryptoProvider,
) -> Result<HandshakeSignatureValid, Error> {
    let certificate = Certificate::parse(certificate).map_err(refused)?;
    let key = SubjectPublicKeyInfoDer::from(certificate.public_key_info);
    verify_tls13_signature_with_raw_key(message, &key, signed, &provider.signature_verification_algorithms).map_err(
        |error| match error {
            _ if certificate.key.is_weak_rsa() => refused(WeakKey),
            Error::InvalidCertificate(CertificateError::BadSignature) => refused(OtherKey),
            other => other,
        },
    )
}

/// The same for TLS 1.2, for which rustls has no such function: RFC 5246, section 4.7.
fn tls12(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    provider: &CryptoProvider,
) -> Result<HandshakeSignatureValid, Error> {
    let certificate = Certificate::parse(certificate).map_err(refused)?;
    let mapping = provider.signature_verification_algorithms.mapping;
    let algorithms = mapping.iter().find(|(scheme, _)| *scheme == signed.scheme).map_or(&[][..], |(_, found)| *found);
    if algorithms.iter().any(|algorithm| certificate.key.verify_with(*algorithm, message, signed.signature())) {
        return Ok(HandshakeSignatureValid::assertion());
    }
    Err(if certificate.key.is_weak_rsa() { refused(WeakKey) } else { refused(OtherKey) })
}
