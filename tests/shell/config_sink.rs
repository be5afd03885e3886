//! The tables `[[sink]]`: what is refused, by its line and with its fix.

use crate::configured::only_problem as refused;
use callbackd::config::Config;

const WELL: &str = "[[sink]]\nname = \"head\"\ntype = \"postgres\"\nurl = \"postgres://callbackd@db.example.com/calls\"\npassword_file = \"pw\"\n";

const STREAM: &str = "[[sink]]\nname = \"head\"\ntype = \"nats\"\nurl = \"tls://nats.example.com\"\nuser = \"berlin\"\npassword_file = \"pw\"\n";

fn replaced(line: &str, with: &str) -> String {
    assert!(WELL.contains(line));
    WELL.replace(line, with)
}

#[test]
fn a_sink_that_is_whole_is_taken_and_a_reload_is_enough() {
    let none = Config::from_toml("", "test").unwrap();
    let one = Config::from_toml(WELL, "test").unwrap();
    assert!(none.restart_for(&one).is_empty());
    for url in [
        "postgresql://callbackd@192.0.2.7:6432/calls",
        "postgres://me@[2001:db8::1]/calls",
        "postgres://me@localhost/x",
    ] {
        Config::from_toml(&replaced("postgres://callbackd@db.example.com/calls", url), "test").expect(url);
    }
}

#[test]
fn a_stream_that_is_whole_is_taken_by_tls_from_anywhere_and_without_it_on_this_machine() {
    for (url, more) in [
        ("tls://nats.example.com:4443", "tls_ca_file = \"ca.pem\"\n"),
        ("tls://192.0.2.7", "stream = \"sites-2\"\ndedup_window = \"2m\"\n"),
        ("nats://localhost", ""),
        ("nats://[::1]:4222", ""),
        ("nats://nats.example.com", "allow_plaintext = true\n"),
    ] {
        let text = format!("{}{more}", STREAM.replace("tls://nats.example.com", url));
        Config::from_toml(&text, "test").unwrap_or_else(|refusal| panic!("{url}: {refusal}"));
    }
}

#[test]
fn what_cannot_be_used_of_a_stream_is_refused_with_the_fix() {
    let stream = |line: &str, with: &str| {
        assert!(STREAM.contains(line));
        STREAM.replace(line, with)
    };
    let url = "tls://nats.example.com";
    for (text, words) in [
        (stream(&format!("url = \"{url}\"\n"), ""), "needs `url`: add url = \"tls://"),
        (stream("user = \"berlin\"\n", ""), "needs `user`: add user = "),
        (stream("password_file = \"pw\"\n", ""), "needs `password_file`"),
        (stream(url, "http://nats.example.com"), "`url` cannot be used: write it whole"),
        (stream(url, "tls://berlin:secret@nats.example.com"), "there are `user` and `password_file`"),
        (stream(url, "tls://nats.example.com/callbackd"), "the stream has a key of its own"),
        (stream(url, "nats://nats.example.com"), "leads to another machine: write tls://, or set allow_plaintext"),
        (format!("{STREAM}allow_plaintext = true\n"), "`allow_plaintext` has no effect with tls://"),
        (
            format!("{}tls_ca_file = \"ca.pem\"\n", stream(url, "nats://localhost")),
            "`tls_ca_file` has no effect with nats://",
        ),
        (format!("{STREAM}stream = \"a.b\"\n"), "`stream` must be short and plain"),
        (format!("{STREAM}dedup_window = \"0s\"\n"), "dedup_window"),
        (format!("{WELL}stream = \"x\"\n"), "`stream` is no key of a sink with type = \"postgres\""),
        (format!("{WELL}user = \"x\"\n"), "`user` is no key of a sink with type = \"postgres\": write it into `url`"),
    ] {
        let said = refused(&text);
        assert!(said.contains(words), "{words} is not in {said}");
    }
}

#[test]
fn what_cannot_be_used_is_refused_with_the_fix() {
    let url = "postgres://callbackd@db.example.com/calls";
    for (text, words) in [
        (replaced("name = \"head\"\n", ""), "needs `name`"),
        (replaced("name = \"head\"", "name = \"a b\""), "must be short and plain"),
        (format!("{WELL}{WELL}"), "two sinks have the name \"head\""),
        (replaced("type = \"postgres\"\n", ""), "needs `type`: add type = \"postgres\""),
        (
            replaced("type = \"postgres\"", "type = \"mysql\""),
            "\"mysql\" is no type of a sink: write type = \"postgres\", or \"nats\"",
        ),
        (replaced(&format!("url = \"{url}\"\n"), ""), "needs `url`: add url = "),
        (replaced(url, "mysql://callbackd@db.example.com/calls"), "`url` cannot be used: write it whole"),
        (replaced(url, "db.example.com"), "`url` cannot be used: write it whole"),
        (replaced(url, "postgres://callbackd:secret@db.example.com/calls"), "it is read from `password_file`"),
        (replaced(url, "postgres://callbackd@db.example.com/calls?sslmode=disable"), "TLS has keys of its own"),
        (replaced(url, "postgres://db.example.com/calls"), "`url` cannot be used: use letters, digits"),
        (replaced(url, "postgres://callbackd@db.example.com/"), "`url` cannot be used: use letters, digits"),
        (replaced("password_file = \"pw\"\n", ""), "needs `password_file`"),
        (format!("{WELL}password = \"x\"\n"), "unknown key `password` in [[sink]]: did you mean `password_file`?"),
        (
            format!("{WELL}tls_ca_file = \"ca.pem\"\nallow_plaintext = true\n"),
            "`tls_ca_file` has no effect with allow_plaintext",
        ),
        ("[sink]\nname = \"head\"\n".to_owned(), "`sink` must be a list of tables"),
    ] {
        let said = refused(&text);
        assert!(said.contains(words), "{words} is not in {said}");
    }
}
