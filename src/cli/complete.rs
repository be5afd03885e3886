//! What a shell can complete beyond the commands' own words: queues, agents, PBXs, codes and open callbacks, as the running daemon knows them.
//!
//! Asked of the daemon that the default configuration names; where it does not run, or does not let this user in, there is nothing to complete.

use super::{DEFAULT_CONFIG, configuration};
use crate::api::client;
use crate::config::SinkInto;
use callbackd_core::order::Gather as _;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Names of queues.
pub(crate) fn queues() -> ArgValueCandidates {
    ArgValueCandidates::new(|| named("/v1/queues", |row| Some((text(row, "queue")?, String::new()))))
}

/// Interfaces of agents, with their names.
pub(crate) fn agents() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        named("/v1/agents", |row| Some((text(row, "agent")?, text(row, "name").unwrap_or_default())))
    })
}

/// Open callbacks, with their numbers and queues.
pub(crate) fn open_callbacks() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        named("/v1/callbacks?open=true", |row| {
            let queue = text(row, "queue").map(|queue| format!(", {queue}")).unwrap_or_default();
            Some((row["id"].as_i64()?.to_string(), text(row, "number_e164").unwrap_or_default() + &queue))
        })
    })
}

/// Codes, with their labels.
pub(super) fn codes() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        named("/v1/codes", |row| Some((text(row, "code")?, text(row, "label").unwrap_or_default())))
    })
}

/// Names of PBXs.
pub(crate) fn pbxs() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let config = configuration(Some(Path::new(DEFAULT_CONFIG)));
        let pbxs = config.into_iter().flat_map(|config| config.pbx);
        pbxs.map(|pbx| CompletionCandidate::new(pbx.name.to_string())).collect()
    })
}

/// Names of the databases into which rows are copied, with where each is.
pub(super) fn databases() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let config = configuration(Some(Path::new(DEFAULT_CONFIG)));
        let sinks = config.into_iter().flat_map(|config| config.sinks);
        let databases = sinks.filter(|sink| matches!(sink.into, SinkInto::Postgres(_)));
        databases.map(|sink| CompletionCandidate::new(sink.name).help(Some(sink.host.into()))).collect()
    })
}

fn text(row: &Value, key: &str) -> Option<String> {
    // What a stranger has named is not sent to a terminal unless it is plain.
    row[key].as_str().filter(|text| !text.chars().any(char::is_control)).map(str::to_owned)
}

/// The rows of a list, each once, with what is said beside it.
fn named(path: &str, row: impl Fn(&Value) -> Option<(String, String)>) -> Vec<CompletionCandidate> {
    let Ok(config) = configuration(None) else { return Vec::new() };
    let Ok(Value::Array(rows)) = client::briefly(&config.api.socket, path) else { return Vec::new() };
    let known: BTreeMap<String, String> = rows.iter().filter_map(row).to_map();
    let candidate =
        |(name, help): (String, String)| CompletionCandidate::new(name).help((!help.is_empty()).then(|| help.into()));
    known.into_iter().map(candidate).collect()
}
