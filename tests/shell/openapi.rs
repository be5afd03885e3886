//! The description of the API for programs, held against what the daemon answers.

use crate::front::Front;
use rusqlite::Connection;
use serde_json::{Map, Value, json};
use std::time::Duration;

const DESCRIBED: &str = include_str!("../../config/doc/openapi.json");

fn described() -> Value {
    serde_json::from_str(DESCRIBED).unwrap()
}

/// What the value has that the schema does not allow, and the other way round.
fn faults(all: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let schema = all.pointer(&name[1..]).unwrap_or_else(|| panic!("there is no {name}"));
        return faults(all, schema, value, at);
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let kinds = &schema["type"];
    let fits = |one: &Value| one == kind || one == "number" && kind == "integer";
    if !fits(kinds) && !kinds.as_array().is_some_and(|kinds| kinds.iter().any(fits)) {
        return vec![format!("{at} is {kind}, not {kinds}")];
    }
    let mut found = Vec::new();
    let none = Map::new();
    if let Some(object) = value.as_object() {
        let properties = schema["properties"].as_object().unwrap_or(&none);
        let needed = schema["required"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap());
        found.extend(needed.filter(|name| !object.contains_key(*name)).map(|name| format!("{at} has no {name}")));
        for (name, value) in object {
            let at = format!("{at}.{name}");
            match (properties.get(name), &schema["additionalProperties"]) {
                (Some(schema), _) => found.extend(faults(all, schema, value, &at)),
                (None, Value::Bool(false)) => found.push(format!("{at} is not described")),
                (None, Value::Object(_)) => found.extend(faults(all, &schema["additionalProperties"], value, &at)),
                (None, _) => {}
            }
        }
    }
    for (n, item) in value.as_array().into_iter().flatten().enumerate() {
        if schema["items"].is_object() {
            found.extend(faults(all, &schema["items"], item, &format!("{at}[{n}]")));
        }
    }
    found
}

/// A daemon with one of everything: a call with all that belongs to it, a callback, a number that is not called, a customer on the line.
fn filled() -> Front {
    let front = Front::open("");
    front.added("+12025550123");
    front.post("/v1/dnc", &json!({"number": "+12025550124"}));
    front.post("/v1/tokens", &json!({"name": "wallboard", "role": "read"}));
    let db = Connection::open(front.site.path("calls.db")).unwrap();
    db.busy_timeout(Duration::from_secs(20)).unwrap();
    db.execute_batch(
        "INSERT INTO calls (id, pbx, linkedid, direction, status, outcome, number, started_ms, ended_ms, wait_ms, queue_wait_ms, ring_ms, talk_ms,
                            hold_ms, hangup_by, transfers, voicemail, quality, why, callback_id)
         VALUES (1, 'pbx', '1.1', 'inbound', 'CANCEL', 'QUEUE_ABANDON', '2025550123', 1, 2, 1, 1, 1, 0, 0, 'customer', 0, 0, 'full', '[\"x\"]', 1);
         INSERT INTO legs VALUES (1, 0, 'PJSIP/101', 'PJSIP/101', NULL, 1, NULL, 2, 0, 'NOANSWER');
         INSERT INTO queue_visits VALUES (1, 0, 'sales', 1, 2, 1, 'ABANDONED');
         INSERT INTO ivr_steps VALUES (1, 0, 'ivr-1', '1', 1);
         INSERT INTO tags VALUES (1, 'ABANDONED', '', 'rule', 1, 'call');
         INSERT INTO ratings VALUES (1, '', 4.5, 1);
         INSERT INTO calls_in_progress (pbx, linkedid, started_ms) VALUES ('pbx', '2.1', 1);
         INSERT INTO webhooks VALUES ('1', 'paused', 1, 'ann', NULL);
         INSERT INTO webhook_messages VALUES ('1', 7, 'call.missed', '1.1', 'failing', 1, 0, 1, 1, 2, '{}');
         INSERT INTO webhook_attempts VALUES (1, '1', 7, 1, 20, 503, '', 'busy');
         INSERT INTO callback_attempts VALUES (1, 1, 'pbx', 'cb-x', NULL, 1, NULL, NULL, 2, 0, 'LOST', '', NULL);",
    )
    .unwrap();
    front
}

#[test]
fn every_answer_is_as_it_is_described() {
    let (all, front) = (described(), filled());
    let mut read = 0;
    for (path, operations) in all["paths"].as_object().unwrap() {
        let content = &operations["get"]["responses"]["200"]["content"]["application/json"];
        if content.is_null() {
            continue;
        }
        let path = path.replace("{id}", "1");
        let answer = front.get(&path);
        assert!(!answer.as_array().is_some_and(Vec::is_empty), "{path} has nothing to compare");
        assert_eq!(faults(&all, &content["schema"], &answer, &path), [""; 0]);
        read += 1;
    }
    assert_eq!(read, 18);
    let story = front.get("/v1/callbacks/1");
    assert!(
        story["attempts"][0].is_object() && story["misses"][0].is_object() && story["events"][0].is_object(),
        "{story}"
    );
    let refused = front.ask("GET", "/v1/calls?status=LOST", &Value::Null).1;
    assert_eq!(faults(&all, &json!({"$ref": "#/components/schemas/Error"}), &refused, "error"), [""; 0]);
}

#[test]
fn every_parameter_that_is_described_is_understood_and_no_other() {
    let (all, front) = (described(), filled());
    for (path, operations) in all["paths"].as_object().unwrap() {
        let Some(get) = operations.get("get").filter(|_| path != "/v1/events") else { continue };
        let parameters: Vec<&str> = get["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|p| p["in"] == "query")
            .map(|p| p["name"].as_str().unwrap())
            .collect();
        // Whoever watches over a daemon may add what they like.
        if ["/healthz", "/readyz", "/metrics"].contains(&path.as_str()) {
            continue;
        }
        let path = path.replace("{id}", "1");
        let error = |name: &str| {
            front.ask("GET", &format!("{path}?{name}=%00"), &Value::Null).1["error"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        for name in &parameters {
            assert!(!error(name).contains("unknown parameter"), "{path} does not know {name}");
        }
        let refused = error("something");
        assert!(refused.contains("unknown parameter"), "{path}: {refused}");
        let known: Vec<&str> = refused.split('`').skip(3).step_by(2).collect();
        let mut sorted = [known, parameters];
        sorted.iter_mut().for_each(|names| names.sort_unstable());
        assert_eq!(sorted[0], sorted[1], "{path}");
    }
}

#[test]
fn every_path_that_is_named_where_there_is_nothing_is_described() {
    let (all, front) = (described(), Front::open(""));
    let nowhere = front.ask("GET", "/", &Value::Null).1["error"].as_str().unwrap().to_owned();
    let named = nowhere.split_once("try ").unwrap().1.split(", ").map(|path| path.replace("ID", "{id}"));
    let paths = all["paths"].as_object().unwrap();
    let missing: Vec<String> = named.filter(|path| !paths.contains_key(path)).collect();
    assert_eq!(missing, [""; 0]);
    let unnamed: Vec<&String> = paths
        .iter()
        .filter(|(path, operations)| operations.get("get").is_some() && !nowhere.contains(&path.replace("{id}", "ID")))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(unnamed, Vec::<&String>::new());
}
