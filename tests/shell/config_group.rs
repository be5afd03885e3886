//! The table `[group]`: what is refused, by its line and with its fix.

use crate::configured::only_problem as refused;
use callbackd::config::Config;

const STREAM: &str = "[[sink]]\nname = \"head\"\ntype = \"nats\"\nurl = \"tls://nats.example.com\"\nuser = \"berlin\"\npassword_file = \"pw\"\n";
const BY_SINK: &str = "[group]\nname = \"team\"\nsink = \"head\"\n";
const BY_URL: &str =
    "[group]\nname = \"team\"\nurl = \"tls://nats.example.com\"\nuser = \"berlin\"\npassword_file = \"pw\"\n";

#[test]
fn a_group_uses_the_server_of_a_sink_or_one_of_its_own_and_a_reload_is_enough() {
    let none = Config::from_toml("", "test").unwrap();
    for text in [
        format!("{STREAM}{BY_SINK}"),
        BY_URL.to_owned(),
        format!("{BY_URL}alone = \"dial\"\n"),
        format!("{BY_URL}tls_ca_file = \"ca.pem\"\nalone = \"wait\"\n"),
        BY_URL.replace("tls://nats.example.com", "nats://localhost:4223"),
        format!("{}allow_plaintext = true\n", BY_URL.replace("tls://", "nats://")),
    ] {
        let one = Config::from_toml(&text, "test").unwrap_or_else(|refusal| panic!("{refusal}"));
        assert!(none.restart_for(&one).is_empty());
    }
}

#[test]
fn what_cannot_be_used_of_a_group_is_refused_with_the_fix() {
    for (text, words) in [
        (BY_URL.replace("name = \"team\"\n", ""), "[group] needs `name`: add name = "),
        (BY_URL.replace("\"team\"", "\"a.b\""), "`name` must be short and plain: use up to 32 letters"),
        ("[group]\nname = \"team\"\n".to_owned(), "[group] does not say which server it uses: name a [[sink]]"),
        (
            BY_SINK.to_owned(),
            "no sink with type = \"nats\" has the name \"head\": write a [[sink]] with type = \"nats\"",
        ),
        (format!("{STREAM}{}", BY_SINK.replace("\"head\"", "\"x\"")), "has the name \"x\": there are head"),
        (format!("{STREAM}{BY_SINK}user = \"x\"\n"), "`user` has no effect beside `sink`: remove it"),
        (BY_URL.replace("user = \"berlin\"\n", ""), "[group] needs `user`: add user = "),
        (BY_URL.replace("password_file = \"pw\"\n", ""), "[group] needs `password_file`: add password_file = "),
        (BY_URL.replace("tls://", "nats://"), "leads to another machine: write tls://, or set allow_plaintext"),
        (BY_URL.replace("tls://", "http://"), "`url` cannot be used: write it whole"),
        (format!("{BY_URL}alone = \"perhaps\"\n"), "`alone` cannot be \"perhaps\": use \"wait\" or \"dial\""),
        (format!("{BY_URL}bucket = \"x\"\n"), "unknown key `bucket` in [group]: the keys of [group] are name, sink"),
        ("[[group]]\nname = \"team\"\n".to_owned(), "`group` must be a table: write [group] on a line of its own"),
    ] {
        let said = refused(&text);
        assert!(said.contains(words), "{words} is not in {said}");
    }
}
