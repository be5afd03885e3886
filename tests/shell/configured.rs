//! Configurations that are taken, and those that are refused with their place.

use callbackd::config::{Config, Refusal};
use callbackd::exit::Exit;

/// What the text says; it is taken.
pub fn good(text: &str) -> Config {
    Config::from_toml(text, "callbackd.toml").unwrap_or_else(|r| panic!("{r}"))
}

/// Why the text is refused.
pub fn bad(text: &str) -> Refusal {
    let refusal = Config::from_toml(text, "callbackd.toml").expect_err(text);
    assert_eq!(refusal.exit(), Exit::Config);
    refusal
}

/// Refused once, at this line and column, and with these words somewhere in the picture.
#[track_caller]
pub fn refused(text: &str, place: &str, words: &[&str]) {
    let picture = bad(text).to_string();
    assert_eq!(picture.matches("error: ").count(), 1, "{picture}");
    for word in words.iter().copied().chain([format!("callbackd.toml:{place}").as_str(), "help: "]) {
        assert!(picture.contains(word), "no {word:?} in\n{picture}");
    }
}
