//! `callbackd` without a command: how things stand in a few lines, and what to do next.

use super::DEFAULT_CONFIG;
use crate::api::client::{self, ClientError};
use crate::config::{Config, Refusal};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;

/// What is said, for the configuration as it was found; `None`: there is none.
#[must_use]
pub fn screen(config: Option<&Result<Config, Refusal>>) -> String {
    let mut text = "callbackd: one truthful row per Asterisk call, and every missed caller called back\n\n".to_owned();
    // Writing to a String cannot fail: the results of write! are dropped.
    let (stands, next): (String, &[(&str, &str)]) = match config {
        None => (format!("Not set up here: there is no {DEFAULT_CONFIG}."), FRESH),
        Some(Err(refusal)) => (format!("The configuration is refused: {}", first_line(refusal)), REFUSED),
        Some(Ok(config)) => match client::briefly(&config.api.socket, "/v1/status") {
            Ok(status) => running(&status),
            Err(ClientError::NotRunning(_)) => ("Set up, and not running.".to_owned(), STOPPED),
            Err(error) => (format!("Its status cannot be read: {error}."), RUNNING),
        },
    };
    let _ = writeln!(text, "{stands}\n\nNext:");
    for (command, what) in next {
        let _ = writeln!(text, "  {command:<36} {what}");
    }
    text.push_str("\ncallbackd --help lists all commands, callbackd COMMAND --help explains one.\n");
    text
}

const FRESH: &[(&str, &str)] = &[
    ("callbackd demo", "see it work, without a PBX"),
    ("callbackd setup", "set it up beside the Asterisk of this machine"),
    ("man callbackd.toml", "the configuration, key by key"),
    ("callbackd check --connect", "once there is one: what is missing, with the lines that fix it"),
];

const REFUSED: &[(&str, &str)] = &[
    ("callbackd check", "where it is wrong, and how it is put right"),
    ("callbackd setup", "the right lines, as the Asterisk of this machine shows them"),
];

const STOPPED: &[(&str, &str)] = &[
    ("callbackd setup", "AMI user, contexts and region, as the PBX shows them"),
    ("callbackd check --connect", "is everything right, and what is missing"),
    ("systemctl enable --now callbackd", "start it"),
    ("callbackd calls", "what the database knows meanwhile"),
];

const RUNNING: &[(&str, &str)] = &[
    ("callbackd status", "link, calls, agents, callbacks"),
    ("callbackd missed", "whom nobody served today, and what became of them"),
    ("callbackd callbacks", "who is to be called back, and why not yet"),
    ("callbackd agents", "who is free, and why not"),
    ("callbackd top", "queues, calls, callbacks and agents on one screen"),
    ("callbackd tail", "what happens, as it happens"),
];

const UNSEEN: &[(&str, &str)] = &[
    ("callbackd status", "since when, and why"),
    ("callbackd check --connect", "what keeps it from the PBX"),
    ("callbackd setup", "AMI user, contexts and region, as the PBX shows them"),
    ("journalctl -u callbackd -n 20", "what it says itself"),
];

fn running(status: &Value) -> (String, &'static [(&'static str, &'static str)]) {
    let pbxs: Vec<&Value> = status["pbx"].as_array().into_iter().flatten().collect();
    let unseen: Vec<&str> =
        pbxs.iter().filter(|pbx| pbx["seen"] == false).filter_map(|pbx| pbx["name"].as_str()).collect();
    if !unseen.is_empty() {
        return (format!("Running, and does not see {}.", super::plain::safe(&unseen.join(", "))), UNSEEN);
    }
    let sum = |key: &str| pbxs.iter().filter_map(|pbx| pbx[key].as_u64()).sum::<u64>();
    let waiting = pbxs.iter().flat_map(|pbx| pbx["waiting"].as_object().into_iter().flat_map(|queues| queues.values()));
    let waiting: u64 = waiting.filter_map(Value::as_u64).sum();
    let open: u64 =
        status["callbacks"].as_object().into_iter().flat_map(|states| states.values()).filter_map(Value::as_u64).sum();
    let off = if status["callbacks_enabled"] == false { " (none are made: callback.enabled = false)" } else { "" };
    let stands = format!(
        "Running: {} calls in progress, {waiting} callers wait, {} of {} agents free, {open} callbacks open{off}.",
        sum("calls"),
        sum("free"),
        sum("agents"),
    );
    (stands, RUNNING)
}

fn first_line(refusal: &Refusal) -> String {
    let rendered = refusal.render(false);
    rendered.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

/// The configuration where it usually is; `None` if there is none.
#[must_use]
pub fn usual() -> Option<Result<Config, Refusal>> {
    let path = Path::new(DEFAULT_CONFIG);
    if matches!(path.try_exists(), Ok(false)) { None } else { Some(Config::load(path)) }
}
