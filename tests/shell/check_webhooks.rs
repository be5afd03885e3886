//! `callbackd check` looks at the secret, the authority and the address of each webhook, and sends nothing.

use crate::scripted::{Said, Site};

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn check(url: &str, more: &str, secret: &str, mode: u32) -> Said {
    let site = Site::new(1);
    site.configure(&format!("[pbx]\naddress = \"127.0.0.1:1\"\nsecret_file = \"secret\"\n[store]\npath = \"calls.db\"\n[[webhook]]\nname = \"crm\"\nurl = \"{url}\"\nsecret_file = \"hook\"\n{more}"));
    site.write("hook", secret, mode);
    site.run(&["check", "--config", "callbackd.toml"])
}

#[test]
fn a_webhook_that_could_be_sent_to_is_well() {
    let said = check("https://localhost:8443/hooks", "", KEY, 0o600);
    assert!(said.line(&["webhook crm", "localhost:8443", "encrypted"]).trim_start().starts_with("ok "), "{said:?}");
    assert!(!said.out.contains("whsec_"), "{said:?}");
}

#[test]
fn a_secret_that_others_can_read_or_that_is_none_is_named_with_its_fix() {
    for (secret, mode, words) in [(KEY, 0o644, "chmod 600"), ("hello", 0o600, "openssl rand"), ("", 0o600, "no key")] {
        let said = check("https://localhost/", "", secret, mode);
        assert!(said.line(&["webhook crm", words]).contains("MISSING"), "{said:?}");
        assert_eq!(said.code, 1, "{said:?}");
    }
}

#[test]
fn an_authority_that_is_not_there_is_named() {
    let said = check("https://localhost/", "tls_ca_file = \"nowhere.pem\"\n", KEY, 0o600);
    assert!(said.line(&["webhook crm", "nowhere.pem"]).contains("MISSING"), "{said:?}");
}

#[test]
fn a_name_without_an_address_is_a_warning_for_messages_wait() {
    let said = check("https://no-such-host.invalid/", "", KEY, 0o600);
    assert!(said.line(&["webhook crm", "no-such-host.invalid"]).contains("messages would wait"), "{said:?}");
    assert_eq!(said.code, 0, "{said:?}");
}

#[test]
fn the_webhook_of_the_report_is_looked_at_too() {
    let more = "[report.mail]\nurl = \"https://localhost/day\"\nsecret_file = \"nowhere\"\n";
    let said = check("https://localhost/", more, KEY, 0o600);
    assert!(said.line(&["webhook report.mail", "nowhere"]).contains("MISSING"), "{said:?}");
    let said = check("https://localhost/", &more.replace("nowhere", "hook"), KEY, 0o600);
    assert!(said.line(&["webhook report.mail", "localhost:443"]).trim_start().starts_with("ok "), "{said:?}");
}
