//! The tables `[[sink]]`: what is refused, by its line and with its fix.

use callbackd::config::Config;

const WELL: &str = "[[sink]]\nname = \"head\"\ntype = \"postgres\"\nurl = \"postgres://callbackd@db.example.com/calls\"\npassword_file = \"pw\"\n";

/// Title and help of the only thing that is wrong.
fn refused(text: &str) -> String {
    let refusal = Config::from_toml(text, "test").expect_err(text);
    let problems = refusal.problems();
    assert_eq!(problems.len(), 1, "{refusal}");
    assert!(problems[0].span.is_some() && !problems[0].help.is_empty(), "{refusal}");
    format!("{}: {}", problems[0].title, problems[0].help)
}

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
fn what_cannot_be_used_is_refused_with_the_fix() {
    let url = "postgres://callbackd@db.example.com/calls";
    for (text, words) in [
        (replaced("name = \"head\"\n", ""), "needs `name`"),
        (replaced("name = \"head\"", "name = \"a b\""), "must be short and plain"),
        (format!("{WELL}{WELL}"), "two sinks have the name \"head\""),
        (replaced("type = \"postgres\"\n", ""), "needs `type`: add type = \"postgres\""),
        (
            replaced("type = \"postgres\"", "type = \"mysql\""),
            "\"mysql\" is no type of a sink: write type = \"postgres\"",
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
