//! The API by TLS, asked by curl: who may listen elsewhere, what is shown, how it is renewed, and who is not waited for.

use crate::front::Front;
use crate::ports::free_port;
use crate::tls::Workshop;
use rustix::process::Signal;
use std::io::Read;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Two authorities, and of each a certificate for `localhost`, which the other does not vouch for.
pub fn workshop() -> Workshop {
    let workshop = Workshop::new();
    workshop.write("names.cfg", "subjectAltName=DNS:localhost\n");
    for (authority, name) in [("one", "first"), ("two", "second")] {
        workshop.authority(authority);
        workshop.certificate(name, authority, 2048, "-extfile names.cfg");
    }
    workshop
}

/// The daemon's files become these of the workshop.
fn shows(front: &Front, workshop: &Workshop, certificate: &str, key: &str) {
    for (from, to) in [(format!("{certificate}.crt"), "api.crt"), (format!("{key}.key"), "api.key")] {
        let to = front.site.path(to);
        std::fs::copy(workshop.path(&from), &to).unwrap();
        std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// A daemon, not started, that would listen at all addresses of this machine.
pub fn everywhere(workshop: &Workshop) -> (Front, u16) {
    let port = free_port();
    let files = "tls_cert_file = \"api.crt\"\ntls_key_file = \"api.key\"";
    let front = Front::closed(&format!("listen = \"0.0.0.0:{port}\"\n{files}"));
    shows(&front, workshop, "first", "first");
    (front, port)
}

/// Exit code of curl, HTTP status and answer.
pub fn curl(authority: &Path, url: &str, headers: &[String]) -> (i32, String, String) {
    let mut command = Command::new("curl");
    command.args(["--silent", "--max-time", "30", "--noproxy", "*", "--write-out", "\n%{http_code}", "--cacert"]);
    command.arg(authority).arg(url);
    for header in headers {
        command.args(["--header", header]);
    }
    let output = command.output().expect("the curl command: apt install curl");
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (output.status.code().unwrap(), status.to_owned(), body.to_owned())
}

/// `curl`: the certificate is not vouched for by a known authority.
const NOT_TRUSTED: i32 = 60;

#[test]
fn programs_of_other_machines_come_by_tls_with_their_token_and_nobody_in_the_clear() {
    let workshop = workshop();
    let (mut front, port) = everywhere(&workshop);
    front.start();
    let said = front.run(&["token", "add", "wallboard", "--role", "read"]);
    let (url, one) = (format!("https://localhost:{port}/v1/status"), workshop.path("one.crt"));
    let (code, status, answer) = curl(&one, &url, &[format!("Authorization: Bearer {}", said.out.trim())]);
    assert_eq!((code, status.as_str()), (0, "200"), "{answer}");
    assert!(answer.contains("\"pbx\""), "{answer}");
    assert_eq!(curl(&one, &url, &[]).1, "401");
    assert_eq!(curl(&workshop.path("two.crt"), &url, &[]).0, NOT_TRUSTED);
    let (code, status, answer) = curl(&one, &format!("http://localhost:{port}/healthz"), &[]);
    assert!(code != 0 && status == "000" && answer.is_empty(), "in the clear: {code} {status} {answer}");
    let failed = &front.get("/v1/status")["counters"]["api"]["handshakes_failed"];
    assert!(failed.as_u64() >= Some(1), "{failed}");
}

#[test]
fn a_renewed_certificate_is_shown_after_a_reload_and_one_that_cannot_be_used_is_not() {
    let workshop = workshop();
    let (mut front, port) = everywhere(&workshop);
    front.start();
    let health = format!("https://localhost:{port}/healthz");
    let trusts = |authority: &str| curl(&workshop.path(authority), &health, &[]).0 == 0;
    assert!(trusts("one.crt") && !trusts("two.crt"));
    shows(&front, &workshop, "second", "first");
    front.signal(Signal::HUP);
    front.said("The API's renewed certificate cannot be used, the old one stays");
    assert!(trusts("one.crt") && !trusts("two.crt"));
    shows(&front, &workshop, "second", "second");
    front.signal(Signal::HUP);
    front.said("Configuration reloaded");
    // The answer to a command comes after what the reload did.
    front.get("/v1/status");
    assert!(trusts("two.crt") && !trusts("one.crt"));
}

#[test]
fn at_a_reload_an_exposed_key_and_a_broken_certificate_are_refused_with_place_and_fix_and_the_old_one_is_shown() {
    let workshop = workshop();
    let (mut front, port) = everywhere(&workshop);
    front.start();
    let health = format!("https://localhost:{port}/healthz");
    let [certificate, key, elsewhere] = ["api.crt", "api.key", "elsewhere"].map(|name| front.site.path(name));
    let set_mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    let text = std::fs::read_to_string(workshop.path("second.crt")).unwrap();
    // The second certificate would be a good one, but for what is done to it or to its key.
    let mut refused = |why: &str, spoil: &dyn Fn()| {
        shows(&front, &workshop, "second", "second");
        spoil();
        front.signal(Signal::HUP);
        front.said(why);
        // The answer to a command comes after what the reload did.
        front.get("/v1/status");
        assert_eq!(curl(&workshop.path("one.crt"), &health, &[]).0, 0, "{why}");
        assert_eq!(curl(&workshop.path("two.crt"), &health, &[]).0, NOT_TRUSTED, "{why}");
        let said = front.run(&["check"]);
        assert!(said.code != 0 && said.out.contains(why), "{said:?}");
    };
    refused("api.key has mode 0644, so others can read or change it: chmod 600 api.key", &|| set_mode(&key, 0o644));
    refused("api.key has mode 0620, so others can read or change it: chmod 600 api.key", &|| set_mode(&key, 0o620));
    refused(&format!("chmod go-w {}", certificate.display()), &|| set_mode(&certificate, 0o666));
    refused("no such file", &|| std::fs::remove_file(&key).unwrap());
    let broken = "tls_cert_file api.crt is broken";
    refused(broken, &|| std::fs::write(&certificate, &text[..text.len() / 2]).unwrap());
    // PEM as it should be, of bytes that are no certificate.
    refused(broken, &|| std::fs::write(&certificate, text.replace("MII", "AAA")).unwrap());
    refused("holds no certificate in PEM form", &|| std::fs::write(&certificate, "").unwrap());
    refused("holds no key in PEM form", &|| std::fs::write(&key, "none").unwrap());
    if rustix::process::geteuid().is_root() {
        // The file is good, and somebody else's link decides which one it is.
        for path in [&key, &certificate] {
            refused(&format!("chown -h root {}", path.display()), &|| {
                std::fs::rename(path, &elsewhere).unwrap();
                std::os::unix::fs::symlink(&elsewhere, path).unwrap();
                std::os::unix::fs::lchown(path, Some(64_001), None).unwrap();
            });
            std::fs::remove_file(path).unwrap();
        }
    }
    shows(&front, &workshop, "second", "second");
    front.signal(Signal::HUP);
    front.said("Configuration reloaded");
    front.get("/v1/status");
    assert_eq!(curl(&workshop.path("two.crt"), &health, &[]).0, 0, "once it is right");
}

#[test]
fn who_connects_and_says_nothing_is_not_waited_for() {
    let workshop = workshop();
    let (front, port) = everywhere(&workshop);
    let mut front = front.started("request_head=200");
    let mut silent = TcpStream::connect(("127.0.0.1", port)).unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    assert_eq!(silent.read(&mut [0; 64]).unwrap(), 0, "it is closed without a word");
    let failed = &front.get("/v1/status")["counters"]["api"]["handshakes_failed"];
    assert_eq!(failed.as_u64(), Some(1), "{failed}");
    front.ended(Signal::TERM);
}

#[test]
fn what_cannot_be_shown_is_named_by_check_and_by_the_log_and_the_socket_works_all_the_same() {
    let workshop = workshop();
    let (mut front, _) = everywhere(&workshop);
    shows(&front, &workshop, "first", "second");
    let said = front.run(&["check"]);
    assert!(said.out.contains("is not the key of the first certificate"), "{said:?}");
    front.start();
    front.get("/v1/status");
    let (_, log) = front.ended(Signal::TERM);
    assert!(log.contains("The API's certificate cannot be used, programs cannot ask by TCP"), "{log}");

    shows(&front, &workshop, "first", "first");
    assert!(front.run(&["check"]).line(&["certificate of the API"]).contains("ok"));
    let key = front.site.path("api.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = front.run(&["check"]);
    assert!(said.out.contains("has mode 0644, so others can read or change it"), "{said:?}");
    workshop.certificate("short", "one", 2048, "-extfile names.cfg -days 3");
    shows(&front, &workshop, "short", "short");
    let said = front.run(&["check"]);
    assert!(said.out.contains("expires within 14 days"), "{said:?}");
}

#[test]
fn without_a_certificate_nobody_listens_elsewhere_and_half_of_one_is_refused() {
    for (api, why) in [
        ("listen = \"0.0.0.0:8380\"", "without TLS `listen` may be on this machine alone"),
        ("listen = \"127.0.0.1:8380\"\ntls_cert_file = \"api.crt\"", "`tls_cert_file` needs `tls_key_file`"),
        ("listen = \"127.0.0.1:8380\"\ntls_key_file = \"api.key\"", "`tls_key_file` needs `tls_cert_file`"),
    ] {
        let said = Front::closed(api).run(&["check"]);
        assert_eq!(said.code, 78, "{said:?}");
        assert!(said.err.contains(why), "{said:?}");
    }
}
