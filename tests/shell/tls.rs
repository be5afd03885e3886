//! TLS to a PBX: the certificates that Asterisk's `ast_tls_cert` makes, and everybody who must not be trusted.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use crate::peer::{Asterisk, Linked, pbx, within};
use callbackd::config::{Pbx, Tls};
use callbackd::daemon::link::RETRY_UP_TO;
use callbackd::daemon::{LinkEvent, LostReason};
use callbackd_core::ami::Notice;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ServerConfig, SupportedProtocolVersion};

/// Certificates in a directory of their own, made with the `openssl` command as `ast_tls_cert` makes them.
pub struct Workshop(pub TempDir);

impl Workshop {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(self.0.path())
            .output()
            .expect("the openssl command: apt install openssl");
        assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// `create_ca`: no extensions are asked for, so the certificate is of version 1 (OpenSSL up to 3.1) or 3 (later ones).
    pub fn authority(&self, name: &str) {
        self.write("ca.cfg", "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=Asterisk Private CA\nO=Asterisk\n");
        self.openssl(&format!("genrsa -out {name}.key 2048"));
        self.openssl(&format!("req -new -config ca.cfg -x509 -days 365 -key {name}.key -out {name}.crt"));
    }

    /// `create_cert`: a certificate for `pbx.example` by that authority. `more` goes to `openssl x509 -req`.
    pub fn certificate(&self, name: &str, authority: &str, bits: u32, more: &str) {
        self.write("cert.cfg", "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=pbx.example\nO=Asterisk\n");
        self.openssl(&format!("genrsa -out {name}.key {bits}"));
        self.openssl(&format!("req -batch -new -config cert.cfg -key {name}.key -out {name}.csr"));
        self.openssl(&format!(
            "x509 -req -days 365 -in {name}.csr -CA {authority}.crt -CAkey {authority}.key -set_serial 01 -out {name}.crt {more}"
        ));
    }

    fn version(&self, name: &str) -> String {
        let output = Command::new("openssl")
            .args(["x509", "-noout", "-text", "-in"])
            .arg(self.path(&format!("{name}.crt")))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().find(|line| line.contains("Version:")).expect("a version").trim().to_owned()
    }

    /// As `openssl x509 -fingerprint` prints it, so that the digest is not this program's own.
    pub fn fingerprint(&self, name: &str) -> (String, [u8; 32]) {
        let output = Command::new("openssl")
            .args(["x509", "-noout", "-sha256", "-fingerprint", "-in"])
            .arg(self.path(&format!("{name}.crt")))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let shown = text.trim().split_once('=').unwrap().1.to_owned();
        let mut bytes = [0; 32];
        for (byte, hex) in bytes.iter_mut().zip(shown.split(':')) {
            *byte = u8::from_str_radix(hex, 16).unwrap();
        }
        (shown, bytes)
    }

    pub fn ca_file(&self, name: &str) -> Tls {
        Tls::CaFile(self.path(&format!("{name}.crt")))
    }
}

/// Shows this certificate and signs with this key, whether they belong together or not.
#[derive(Debug)]
pub struct Shows(Arc<CertifiedKey>);

impl Shows {
    pub fn new(workshop: &Workshop, certificate: &str, key: &str) -> Self {
        let file = workshop.path(&format!("{certificate}.crt"));
        let chain = CertificateDer::pem_file_iter(file).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_file(workshop.path(&format!("{key}.key"))).unwrap();
        let key = ring::default_provider().key_provider.load_private_key(key).unwrap();
        Self(Arc::new(CertifiedKey::new(chain, key)))
    }
}

impl Shows {
    /// These bytes in place of a certificate.
    fn bytes(workshop: &Workshop, der: Vec<u8>, key: &str) -> Self {
        let key = PrivateKeyDer::from_pem_file(workshop.path(&format!("{key}.key"))).unwrap();
        let key = ring::default_provider().key_provider.load_private_key(key).unwrap();
        Self(Arc::new(CertifiedKey::new(vec![der.into()], key)))
    }
}

impl ResolvesServerCert for Shows {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// A PBX behind TLS.
pub struct Secure {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    directory: TempDir,
}

impl Secure {
    pub async fn new(shows: Shows, version: &'static SupportedProtocolVersion) -> Self {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(shows));
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// As it is reached under this host name.
    fn pbx(&self, host: &str, tls: Tls) -> Pbx {
        let address = format!("{host}:{}", self.listener.local_addr().unwrap().port());
        Pbx { tls: Some(tls), ..pbx(&address, &self.directory) }
    }

    async fn accept(&self) -> std::io::Result<tokio_rustls::server::TlsStream<TcpStream>> {
        let (stream, _) = within("a connection", self.listener.accept()).await.unwrap();
        within("a handshake", self.acceptor.accept(stream)).await
    }

    /// A link with this trust becomes live.
    pub async fn is_trusted(&self, host: &str, tls: Tls) {
        let mut linked = Linked::spawn(&self.pbx(host, tls), 100, None);
        let serving = async {
            let mut asterisk = Asterisk::new(self.accept().await.expect("a handshake"));
            asterisk.serve().await;
            asterisk.event("1.1").await;
            // Kept until the link has what it was sent.
            asterisk
        };
        let reading = async {
            match linked.next().await {
                LinkEvent::Connected { encrypted: true, .. } => {}
                other => panic!("{other:?}"),
            }
            linked.until(&Notice::Live).await;
            assert_eq!(linked.frame().await, "1.1");
        };
        let _asterisk = tokio::join!(serving, reading).0;
    }

    /// A link with this trust refuses; what it says about it.
    pub async fn is_refused(&self, host: &str, tls: Tls) -> String {
        let mut linked = Linked::spawn(&self.pbx(host, tls), 100, None);
        let (handshake, event) = tokio::join!(self.accept(), linked.next());
        if let Ok(stream) = handshake {
            // With TLS 1.3 the server is done before the client has looked at the certificate.
            assert!(Asterisk::new(stream).hear().await.is_none(), "nothing is said to who is not trusted");
        }
        match event {
            LinkEvent::Lost { reason: LostReason::Tls { why, .. }, .. } => why,
            other => panic!("{other:?}"),
        }
    }

    /// A link with this trust does not even connect; why.
    pub async fn is_not_set_up(&self, tls: Tls) -> String {
        match Linked::spawn(&self.pbx("localhost", tls), 100, None).lost().await.0 {
            LostReason::TlsSetup(why) => why,
            other => panic!("{other:?}"),
        }
    }
}

/// `openssl s_server` with `pbx.crt`; ends with the test.
struct OpenSsl {
    process: std::process::Child,
    address: String,
}

impl OpenSsl {
    fn start(directory: &Path) -> Self {
        let arguments = "s_server -accept 127.0.0.1:0 -cert pbx.crt -key pbx.key -cipher DEFAULT@SECLEVEL=0";
        let mut process = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the openssl command: apt install openssl");
        let lines = std::io::BufReader::new(process.stdout.take().unwrap()).lines();
        let mut accepting =
            lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("ACCEPT ").map(str::to_owned));
        let address = accepting.next().expect("the port that openssl listens on");
        Self { process, address }
    }
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn refusal(why: &str, expected: &[&str]) {
    for part in expected {
        assert!(why.contains(part), "\"{part}\" is not in: {why}");
    }
}

#[tokio::test]
async fn what_ast_tls_cert_makes_is_trusted_by_its_authority_and_by_its_fingerprint() {
    let workshop = Workshop::new();
    workshop.authority("ca");
    workshop.certificate("pbx", "ca", 2048, "");
    let expected = if workshop.version("ca").contains("Version: 1") { "Version: 1" } else { "Version: 3" };
    assert!(workshop.version("pbx").contains(expected), "{}", workshop.version("pbx"));
    for version in [&TLS13, &TLS12] {
        let secure = Secure::new(Shows::new(&workshop, "pbx", "pbx"), version).await;
        // It names no host in a way that counts, so any name will do.
        secure.is_trusted("127.0.0.1", workshop.ca_file("ca")).await;
        secure.is_trusted("localhost", workshop.ca_file("ca")).await;
        secure.is_trusted("127.0.0.1", Tls::Fingerprint(workshop.fingerprint("pbx").1)).await;
    }
}

#[tokio::test]
async fn who_shows_a_trusted_certificate_without_its_key_is_refused() {
    let workshop = Workshop::new();
    workshop.authority("ca");
    workshop.certificate("pbx", "ca", 2048, "");
    workshop.certificate("thief", "ca", 2048, "");
    for version in [&TLS13, &TLS12] {
        let secure = Secure::new(Shows::new(&workshop, "pbx", "thief"), version).await;
        for trust in [workshop.ca_file("ca"), Tls::Fingerprint(workshop.fingerprint("pbx").1)] {
            refusal(
                &secure.is_refused("127.0.0.1", trust).await,
                &["the certificate is refused", "does not hold its key"],
            );
        }
    }
}

#[tokio::test]
async fn a_certificate_by_another_authority_of_the_same_name_is_refused() {
    let workshop = Workshop::new();
    workshop.authority("ca");
    workshop.authority("impostor");
    workshop.certificate("pbx", "impostor", 2048, "");
    let secure = Secure::new(Shows::new(&workshop, "pbx", "pbx"), &TLS13).await;
    let why = secure.is_refused("127.0.0.1", workshop.ca_file("ca")).await;
    refusal(&why, &["the certificate is refused"]);
}

#[tokio::test]
async fn a_certificate_by_an_authority_of_another_name_is_refused() {
    let workshop = Workshop::new();
    workshop.authority("ca");
    workshop.certificate("other", "ca", 2048, "");
    // The certificate of a PBX is not an authority, so what it signs is nobody's.
    workshop.certificate("pbx", "other", 2048, "");
    let secure = Secure::new(Shows::new(&workshop, "pbx", "pbx"), &TLS13).await;
    let why = secure.is_refused("127.0.0.1", workshop.ca_file("ca")).await;
    refusal(&why, &["it was not issued by"]);
}

#[tokio::test]
async fn an_expired_certificate_is_refused_by_authority() {
    let workshop = Workshop::new();
    workshop.authority("ca");
    workshop.certificate("pbx", "ca", 2048, "-days -1");
    let secure = Secure::new(Shows::new(&workshop, "pbx", "pbx"), &TLS13).await;
    refusal(&secure.is_refused("127.0.0.1", workshop.ca_file("ca")).await, &["it has expired", "ast_tls_cert -v"]);
}

#[tokio::test]
async fn another_certificate_than_the_pinned_one_is_refused_and_shown() {
    let workshop = Workshop::new();
    workshop.authority("ca");
    workshop.certificate("pbx", "ca", 2048, "");
    let secure = Secure::new(Shows::new(&workshop, "pbx", "pbx"), &TLS13).await;
    let why = secure.is_refused("127.0.0.1", Tls::Fingerprint([7; 32])).await;
    refusal(&why, &["tls_fingerprint_sha256", &workshop.fingerprint("pbx").0]);
}

#[tokio::test]
async fn a_certificate_that_names_hosts_must_name_this_one() {
    let workshop = Workshop::new();
    workshop.authority("ca");
    workshop.write("names", "subjectAltName=DNS:localhost,DNS:pbx.example\n");
    workshop.certificate("pbx", "ca", 2048, "-extfile names");
    assert!(workshop.version("pbx").contains("Version: 3"));
    let secure = Secure::new(Shows::new(&workshop, "pbx", "pbx"), &TLS13).await;
    secure.is_trusted("localhost", workshop.ca_file("ca")).await;
    let why = secure.is_refused("127.0.0.1", workshop.ca_file("ca")).await;
    refusal(&why, &["localhost", "pbx.example", "not for 127.0.0.1", "pbx.address"]);
}

#[tokio::test]
async fn a_later_version_without_any_host_name_is_trusted_by_its_authority() {
    let workshop = Workshop::new();
    workshop.authority("ca");
    workshop.write("plain", "subjectKeyIdentifier=hash\n");
    workshop.certificate("pbx", "ca", 2048, "-extfile plain");
    assert!(workshop.version("pbx").contains("Version: 3"));
    let secure = Secure::new(Shows::new(&workshop, "pbx", "pbx"), &TLS13).await;
    secure.is_trusted("127.0.0.1", workshop.ca_file("ca")).await;
}

#[tokio::test]
async fn a_self_signed_certificate_is_its_own_authority() {
    let workshop = Workshop::new();
    workshop.openssl("req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=pbx.example -keyout pbx.key -out pbx.crt");
    assert!(workshop.version("pbx").contains("Version: 3"));
    let secure = Secure::new(Shows::new(&workshop, "pbx", "pbx"), &TLS13).await;
    secure.is_trusted("127.0.0.1", workshop.ca_file("pbx")).await;
    secure.is_trusted("127.0.0.1", Tls::Fingerprint(workshop.fingerprint("pbx").1)).await;
}

#[tokio::test]
async fn elliptic_keys_work_as_well() {
    let workshop = Workshop::new();
    workshop.authority("ca");
    workshop.certificate("pbx", "ca", 2048, "");
    workshop.openssl("ecparam -name prime256v1 -genkey -noout -out ec.key");
    workshop.openssl("req -batch -new -config cert.cfg -key ec.key -out ec.csr");
    workshop.openssl("x509 -req -days 9 -in ec.csr -CA ca.crt -CAkey ca.key -set_serial 02 -out ec.crt");
    for version in [&TLS13, &TLS12] {
        let secure = Secure::new(Shows::new(&workshop, "ec", "ec"), version).await;
        secure.is_trusted("127.0.0.1", workshop.ca_file("ca")).await;
    }
}

#[tokio::test]
async fn the_systems_authorities_do_not_know_it_and_the_fix_is_named() {
    let workshop = Workshop::new();
    workshop.authority("ca");
    workshop.write("names", "subjectAltName=DNS:localhost\n");
    workshop.certificate("named", "ca", 2048, "-extfile names");
    workshop.certificate("pbx", "ca", 2048, "");
    for name in ["named", "pbx"] {
        let secure = Secure::new(Shows::new(&workshop, name, name), &TLS13).await;
        let why = secure.is_refused("localhost", Tls::System).await;
        refusal(&why, &["set tls_ca_file", "tls_fingerprint_sha256"]);
    }
}

/// The server's own library refuses such a key, so OpenSSL must be the server; as on an old Asterisk.
#[tokio::test]
async fn a_key_that_is_too_short_is_named() {
    let workshop = Workshop::new();
    workshop.authority("ca");
    workshop.certificate("pbx", "ca", 1024, "");
    let server = OpenSsl::start(workshop.0.path());
    let address = server.address.clone();
    let directory = tempfile::tempdir().unwrap();
    let weak = Pbx { tls: Some(workshop.ca_file("ca")), ..pbx(&address, &directory) };
    let mut linked = Linked::spawn(&weak, 100, None);
    let (reason, _) = linked.lost().await;
    refusal(&reason.to_string(), &["less than 2048 bits", "ast_tls_cert -b 2048"]);
}

#[tokio::test]
async fn a_port_that_does_not_speak_tls_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let plain = Pbx { tls: Some(Tls::Fingerprint([0; 32])), ..pbx(&address, &directory) };
    let mut linked = Linked::spawn(&plain, 100, None);
    let mut asterisk = Asterisk::new(within("a connection", listener.accept()).await.unwrap().0);
    asterisk.say("Asterisk Call Manager/11.0.0\n").await;
    refusal(&linked.lost().await.0.to_string(), &["does not speak TLS", "5039"]);
}

#[tokio::test]
async fn a_file_that_is_no_authority_is_a_refusal_that_needs_a_person() {
    let directory = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let empty = directory.path().join("empty.crt");
    std::fs::write(&empty, "no certificate").unwrap();
    for (file, said) in [(empty, "holds no certificate"), (PathBuf::from("/nonexistent/ca.crt"), "cannot be read")] {
        let broken = Pbx { tls: Some(Tls::CaFile(file.clone())), ..pbx(&address, &directory) };
        let mut linked = Linked::spawn(&broken, 100, None);
        let (reason, retry_in) = linked.lost().await;
        refusal(&reason.to_string(), &[said, &file.display().to_string()]);
        assert_eq!(retry_in, RETRY_UP_TO);
    }
}

/// Extensions with which the authority signs a certificate, the host that it is shown for, and what is said; `None`: it is trusted.
const EXTENSIONS: [(&str, &str, Option<&str>); 16] = [
    ("subjectAltName=DNS:localhost", "localhost", None),
    ("subjectAltName=DNS:LOCALHOST", "localhost", None),
    ("subjectAltName=IP:127.0.0.1", "127.0.0.1", None),
    ("subjectAltName=critical,DNS:localhost\nbasicConstraints=critical,CA:FALSE", "localhost", None),
    ("subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth", "localhost", None),
    ("1.2.3.4.5=ASN1:UTF8String:x\nsubjectAltName=DNS:localhost", "localhost", None),
    ("1.2.3.4.5=critical,ASN1:UTF8String:x\nsubjectAltName=DNS:localhost", "localhost", Some("critical extension")),
    // What rustls cannot read must not be a way round the names.
    ("1.2.3.4.5=critical,ASN1:UTF8String:x\nsubjectAltName=DNS:other.example", "localhost", Some("critical extension")),
    ("1.2.3.4.5=critical,ASN1:UTF8String:x", "localhost", Some("critical extension")),
    ("subjectAltName=DNS:localhost\nextendedKeyUsage=clientAuth", "localhost", Some("serverAuth")),
    ("subjectAltName=DNS:localhost\nbasicConstraints=critical,CA:TRUE", "localhost", Some("an authority's own")),
    ("subjectAltName=DNS:*.example", "localhost", Some("not for localhost")),
    ("subjectAltName=IP:127.0.0.2", "127.0.0.1", Some("not for 127.0.0.1")),
    // An address that stands there as a name is no address.
    ("subjectAltName=DNS:127.0.0.1", "127.0.0.1", Some("127.0.0.1")),
    ("subjectAltName=email:pbx@example.org", "localhost", Some("localhost")),
    // dNSName "localhost", a NUL, ".example"
    ("2.5.29.17=DER:30:14:82:12:6c:6f:63:61:6c:68:6f:73:74:00:2e:65:78:61:6d:70:6c:65", "localhost", Some("localhost")),
];

#[tokio::test]
async fn each_certificate_by_the_right_authority_is_taken_or_refused_for_what_it_says() {
    let workshop = Workshop::new();
    workshop.authority("ca");
    workshop.certificate("pbx", "ca", 2048, "");
    for (extensions, host, said) in EXTENSIONS {
        workshop.write("extensions", &format!("{extensions}\n"));
        workshop.openssl(
            "x509 -req -days 365 -in pbx.csr -CA ca.crt -CAkey ca.key -set_serial 02 -out row.crt -extfile extensions",
        );
        let secure = Secure::new(Shows::new(&workshop, "row", "pbx"), &TLS13).await;
        match said {
            None => secure.is_trusted(host, workshop.ca_file("ca")).await,
            Some(said) => {
                let why = secure.is_refused(host, workshop.ca_file("ca")).await;
                assert!(why.contains("the certificate is refused") && why.contains(said), "{extensions}: {why}");
            }
        }
        // Whoever pins it has seen it.
        secure.is_trusted(host, Tls::Fingerprint(workshop.fingerprint("row").1)).await;
    }
}

#[tokio::test]
async fn a_self_signed_certificate_in_the_file_must_name_the_host_too_if_it_has_names() {
    let workshop = Workshop::new();
    workshop.openssl(
        "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=pbx.example -addext subjectAltName=DNS:localhost -keyout pbx.key -out pbx.crt",
    );
    let secure = Secure::new(Shows::new(&workshop, "pbx", "pbx"), &TLS13).await;
    secure.is_trusted("localhost", workshop.ca_file("pbx")).await;
    refusal(&secure.is_refused("127.0.0.1", workshop.ca_file("pbx")).await, &["not for 127.0.0.1"]);
}

#[tokio::test]
async fn a_certificate_whose_bytes_were_changed_is_refused() {
    let workshop = Workshop::new();
    workshop.authority("ca");
    workshop.certificate("pbx", "ca", 2048, "");
    let whole = CertificateDer::from_pem_file(workshop.path("pbx.crt")).unwrap().to_vec();
    let mut signature = whole.clone();
    *signature.last_mut().unwrap() ^= 1;
    let trailing = [&whole[..], &[0]].concat();
    let short = whole[..whole.len() - 1].to_vec();
    for (what, der) in [("signature", signature), ("a byte too many", trailing), ("a byte too few", short)] {
        let secure = Secure::new(Shows::bytes(&workshop, der, "pbx"), &TLS13).await;
        let why = secure.is_refused("localhost", workshop.ca_file("ca")).await;
        assert!(why.contains("the certificate is refused"), "{what}: {why}");
    }
}
