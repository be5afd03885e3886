//! The certificate that the API shows by TLS, and its key.

use super::certificate::{Certificate as Parsed, CertificateFault};
use super::secret::text_of;
use crate::config::ApiCertificate;
use crate::ownership::open_trusted;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio_rustls::rustls::{self, InconsistentKeys, ServerConfig};

/// Bytes that are read of a chain: a certificate has one to three KiB.
const MAX_CHAIN: u64 = 256 << 10;

/// Prepares connections that show what is in these files now.
///
/// # Errors
/// A file cannot be read, could be changed or (the key) read by others, holds no such thing, or the two do not belong together; the text names
/// the place and the fix. A certificate whose time is over is no error here: see [`in_its_time`].
pub(crate) fn load(files: &ApiCertificate) -> Result<Arc<ServerConfig>, String> {
    let chain = chain(&files.chain_file)?;
    let shown = files.key_file.display();
    let text = text_of(&files.key_file).map_err(|error| format!("tls_key_file: {error}"))?;
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| match error {
        pem::Error::NoItemsFound => {
            format!("tls_key_file {shown} holds no key in PEM form (-----BEGIN PRIVATE KEY-----) without a passphrase")
        }
        error => format!("tls_key_file {shown} is broken ({error:?}): write it anew, the key alone"),
    })?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
    let mut config = config.map_err(|error| match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => format!(
            "tls_key_file {shown} is not the key of the first certificate in tls_cert_file {}: the server's own comes first",
            files.chain_file.display()
        ),
        rustls::Error::InvalidCertificate(error) => broken(&files.chain_file, &error),
        error => format!("tls_cert_file {} and tls_key_file {shown}: {error}", files.chain_file.display()),
    })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Whether the certificate's time has begun and is not over at `now_s`, seconds since 1970 UTC.
///
/// # Errors
/// It has not, or is; or the file cannot be read.
pub(crate) fn in_its_time(files: &ApiCertificate, now_s: u64) -> Result<(), String> {
    let chain = chain(&files.chain_file)?;
    let Some(first) = chain.first() else { return Ok(()) };
    let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now_s));
    Parsed::parse(first).and_then(|certificate| certificate.check_dates(now)).map_err(|fault| {
        let shown = files.chain_file.display();
        match fault {
            CertificateFault::NotYetValid => format!("tls_cert_file {shown} is not valid yet: compare the clocks"),
            CertificateFault::Expired => {
                format!("tls_cert_file {shown} has expired: renew it, then systemctl reload callbackd")
            }
            fault => format!("tls_cert_file {shown}: {fault}"),
        }
    })
}

fn broken(chain: &Path, error: &dyn std::fmt::Debug) -> String {
    let shown = chain.display();
    format!("tls_cert_file {shown} is broken ({error:?}): write it anew, each certificate as its authority gave it")
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let shown = path.display();
    let unreadable = |error: String| format!("tls_cert_file {shown} cannot be read: {error}");
    let file = open_trusted("it", path).map_err(|error| unreadable(error.to_string()))?;
    let mut text = Vec::new();
    file.take(MAX_CHAIN).read_to_end(&mut text).map_err(|error| unreadable(error.to_string()))?;
    let chain =
        CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>().map_err(|error| broken(path, &error))?;
    if chain.is_empty() {
        return Err(format!("tls_cert_file {shown} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)"));
    }
    Ok(chain)
}
