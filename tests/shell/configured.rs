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

/// Title and help of the only thing that is wrong.
pub fn only_problem(text: &str) -> String {
    let refusal = Config::from_toml(text, "test").expect_err(text);
    let problems = refusal.problems();
    assert_eq!(problems.len(), 1, "{refusal}");
    assert!(problems[0].span.is_some() && !problems[0].help.is_empty(), "{refusal}");
    format!("{}: {}", problems[0].title, problems[0].help)
}
