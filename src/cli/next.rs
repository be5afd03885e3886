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
    let mut text = "callbackd: one truthful row per call, and every missed caller called back\n\n".to_owned();
    // Writing to a String cannot fail: the results of write! are dropped.
    let (stands, next): (String, &[(&str, &str)]) = match config {
        None => (format!("Not set up here: there is no {DEFAULT_CONFIG}."), FRESH),
        Some(Err(refusal)) => (format!("The configuration is refused: {}", first_line(refusal)), REFUSED),
        Some(Ok(config)) => match client::briefly(&config.api.socket, "/v1/status") {
            Ok(status) => running(&status),
            Err(ClientError::NotRunning(_)) if lacks_secret(config) => {
                ("Installed, and not set up yet: there is no secret for the AMI.".to_owned(), INSTALLED)
            }
            Err(ClientError::NotRunning(_)) => ("Set up, and not running.".to_owned(), STOPPED),
            Err(error) => (format!("Its status cannot be read: {error}."), RUNNING),
        },
    };
    let _ = writeln!(text, "{stands}\n\nNext:");
    for (command, what) in next {
        let _ = writeln!(text, "  {command:<32} {what}");
    }
    text.push_str("\ncallbackd --help lists the commands, callbackd COMMAND --help explains one.\n");
    text
}

const FRESH: &[(&str, &str)] = &[
    ("callbackd demo", "see it work, without a PBX"),
    ("callbackd setup", "set it up beside this machine's Asterisk"),
    ("man callbackd.toml", "the configuration, key by key"),
    ("callbackd check --connect", "then: what is missing, and what fixes it"),
];

const INSTALLED: &[(&str, &str)] = &[
    ("callbackd setup", "AMI user, contexts, region: what it would do"),
    ("callbackd setup --apply", "the same, written"),
    ("callbackd demo", "see it work, without a PBX"),
    ("man callbackd.toml", "the configuration, key by key"),
];

const REFUSED: &[(&str, &str)] = &[
    ("callbackd check", "where it is wrong, and how it is put right"),
    ("callbackd setup", "the right lines, as this PBX shows them"),
];

const STOPPED: &[(&str, &str)] = &[
    ("callbackd setup", "AMI user, contexts, region, from the PBX"),
    ("callbackd check --connect", "is everything right, and what is missing"),
    ("systemctl enable --now callbackd", "start it"),
    ("callbackd calls", "what the database knows meanwhile"),
];

const RUNNING: &[(&str, &str)] = &[
    ("callbackd status", "link, calls, agents, callbacks"),
    ("callbackd missed", "whom nobody served today, and what came of it"),
    ("callbackd callbacks", "who is to be called back, and why not yet"),
    ("callbackd agents", "who is free, and why not"),
    ("callbackd top", "queues, calls, callbacks, agents: one screen"),
    ("callbackd tail", "what happens, as it happens"),
];

const UNSEEN: &[(&str, &str)] = &[
    ("callbackd status", "since when, and why"),
    ("callbackd check --connect", "what keeps it from the PBX"),
    ("callbackd setup", "AMI user, contexts, region, from the PBX"),
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
    let off =
        if status["callbacks_enabled"] == false { "\nNobody is called back: callback.enabled = false." } else { "" };
    let stands = format!(
        "Running: {} calls, {waiting} waiting, {} of {} agents free, {open} callbacks open.{off}",
        sum("calls"),
        sum("free"),
        sum("agents"),
    );
    (stands, RUNNING)
}

/// Nobody has made the secret of any PBX. One that cannot be looked for may be there.
fn lacks_secret(config: &Config) -> bool {
    let usual = Path::new(DEFAULT_CONFIG).with_file_name("ami-secret");
    let files = config.pbx.iter().map(|pbx| pbx.secret_file.as_deref().unwrap_or(&usual));
    files.into_iter().all(|file| matches!(file.try_exists(), Ok(false)))
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
