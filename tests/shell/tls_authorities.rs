//! Who may vouch for a PBX: what the certificates in `tls_ca_file` must be, and what passes without a name.

use crate::tls::{Secure, Shows, Workshop, refusal};
use callbackd::config::Tls;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::os::unix::fs::PermissionsExt;
use tokio_rustls::rustls::version::TLS13;

/// An authority of this name, with these extensions, for so many days from now.
fn authority(workshop: &Workshop, file: &str, name: &str, extensions: &str, days: i32) {
    workshop.write("name.cfg", &format!("[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN={name}\n"));
    workshop.write("extensions", &format!("{extensions}\n"));
    workshop.openssl(&format!("genrsa -out {file}.key 2048"));
    workshop.openssl(&format!("req -batch -new -config name.cfg -key {file}.key -out {file}.csr"));
    workshop.openssl(&format!(
        "x509 -req -in {file}.csr -signkey {file}.key -days {days} -extfile extensions -out {file}.crt"
    ));
}

/// `localhost`, by that authority.
async fn named(workshop: &Workshop, by: &str) -> Secure {
    workshop.write("names", "subjectAltName=DNS:localhost\n");
    workshop.certificate("pbx", by, 2048, "-extfile names");
    Secure::new(Shows::new(workshop, "pbx", "pbx"), &TLS13).await
}

#[tokio::test]
async fn an_authority_must_be_one_by_what_it_says_of_itself_and_by_its_dates() {
    for (extensions, days, said) in [
        ("basicConstraints=CA:TRUE", 9, None),
        ("basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign", 9, None),
        ("basicConstraints=CA:FALSE", 9, Some("\"Company CA\" in tls_ca_file is no authority")),
        ("basicConstraints=critical,CA:FALSE\nkeyUsage=keyCertSign", 9, Some("CA:TRUE")),
        ("subjectKeyIdentifier=hash", 9, Some("is no authority")),
        ("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,digitalSignature", 9, Some("keyCertSign")),
        ("basicConstraints=critical,CA:TRUE", -1, Some("the authority \"Company CA\" in tls_ca_file has expired")),
    ] {
        let workshop = Workshop::new();
        authority(&workshop, "ca", "Company CA", extensions, days);
        let secure = named(&workshop, "ca").await;
        match said {
            None => secure.is_trusted("localhost", workshop.ca_file("ca")).await,
            Some(said) => {
                let why = secure.is_refused("localhost", workshop.ca_file("ca")).await;
                assert!(why.contains(said), "{extensions}: {why}");
            }
        }
        // Whoever pins it has seen it.
        secure.is_trusted("localhost", Tls::Fingerprint(workshop.fingerprint("pbx").1)).await;
    }
}

#[tokio::test]
async fn an_authority_vouches_through_no_more_others_than_its_path_length_says() {
    for (path_length, is_trusted) in [("0", false), ("1", true)] {
        let workshop = Workshop::new();
        authority(
            &workshop,
            "ca",
            "Company CA",
            &format!("basicConstraints=critical,CA:TRUE,pathlen:{path_length}"),
            9,
        );
        workshop.write("between", "basicConstraints=critical,CA:TRUE\n");
        workshop.certificate("branch", "ca", 2048, "-extfile between");
        workshop.write("names", "subjectAltName=DNS:localhost\n");
        workshop.certificate("pbx", "branch", 2048, "-extfile names");
        let read = |name: &str| std::fs::read_to_string(workshop.path(name)).unwrap();
        // With the authority itself behind them, as many servers send it: it is not between.
        workshop.write("pbx.crt", &[read("pbx.crt"), read("branch.crt"), read("ca.crt")].concat());
        let secure = Secure::new(Shows::new(&workshop, "pbx", "pbx"), &TLS13).await;
        if is_trusted {
            secure.is_trusted("localhost", workshop.ca_file("ca")).await;
        } else {
            refusal(&secure.is_refused("localhost", workshop.ca_file("ca")).await, &["pathlen"]);
        }
    }
}

#[tokio::test]
async fn without_a_name_only_asterisks_own_authority_or_a_fingerprint_will_do() {
    // What a company's authority signs for others too (a phone, a colleague) is not the PBX, whatever name is missing in it.
    for more in ["", "-extfile plain"] {
        for (name, is_trusted) in [("Company CA", false), ("Asterisk Private CA", true)] {
            let workshop = Workshop::new();
            authority(&workshop, "ca", name, "basicConstraints=critical,CA:TRUE", 9);
            workshop.write("plain", "subjectKeyIdentifier=hash\n");
            workshop.certificate("pbx", "ca", 2048, more);
            let secure = Secure::new(Shows::new(&workshop, "pbx", "pbx"), &TLS13).await;
            if is_trusted {
                secure.is_trusted("localhost", workshop.ca_file("ca")).await;
            } else {
                let why = secure.is_refused("localhost", workshop.ca_file("ca")).await;
                refusal(&why, &["it names no host", "tls_fingerprint_sha256", "subjectAltName"]);
            }
            secure.is_trusted("localhost", Tls::Fingerprint(workshop.fingerprint("pbx").1)).await;
        }
    }
}

#[tokio::test]
async fn an_authority_that_others_can_replace_and_a_pipe_in_its_place_are_refused() {
    let workshop = Workshop::new();
    authority(&workshop, "ca", "Company CA", "basicConstraints=critical,CA:TRUE", 9);
    let secure = named(&workshop, "ca").await;
    let set = |mode| std::fs::set_permissions(workshop.0.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    set(0o777);
    refusal(&secure.is_not_set_up(workshop.ca_file("ca")).await, &["mode 0777", "chmod go-w"]);
    set(0o755);
    mknodat(CWD, workshop.path("pipe.crt"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    refusal(&secure.is_not_set_up(workshop.ca_file("pipe")).await, &["it is not a regular file"]);
}
