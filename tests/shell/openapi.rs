//! The description of the API for programs, held against the code that it is made of and against what the daemon answers.

use crate::front::Front;
use regex::Regex;
use rusqlite::Connection;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/doc/openapi.json")
}

fn described() -> Value {
    serde_json::from_str(&std::fs::read_to_string(file()).unwrap()).unwrap()
}

/// What the value has that the schema does not allow, and the other way round.
fn faults(all: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let schema = all.pointer(&name[1..]).unwrap_or_else(|| panic!("there is no {name}"));
        return faults(all, schema, value, at);
    }
    if let Some(several) = schema["anyOf"].as_array() {
        let found = several.iter().map(|schema| faults(all, schema, value, at));
        return found.min_by_key(Vec::len).unwrap_or_default();
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
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        found.push(format!("{at} is {value}, not one of {}", schema["enum"]));
    }
    if let (Some(pattern), Some(text)) = (schema["pattern"].as_str(), value.as_str())
        && !Regex::new(pattern).unwrap().is_match(text)
    {
        found.push(format!("{at} is {text}, which is not like {pattern}"));
    }
    if value.as_i64().zip(schema["minimum"].as_i64()).is_some_and(|(value, least)| value < least) {
        found.push(format!("{at} is {value}, less than {}", schema["minimum"]));
    }
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
        let of_place = [&schema["prefixItems"][n], &schema["items"]].into_iter().find(|schema| schema.is_object());
        found.extend(of_place.map(|schema| faults(all, schema, item, &format!("{at}[{n}]"))).unwrap_or_default());
    }
    found
}

/// The path of the first of everything.
fn first(path: &str) -> String {
    path.replace("{id}", "1").replace("{name}", "1")
}

/// What is sent, as a schema, to which paths: one for each command.
fn bodies(all: &Value) -> Vec<(Vec<String>, &Value)> {
    let mut bodies = Vec::new();
    for (path, operations) in all["paths"].as_object().unwrap() {
        let Some(post) = operations.get("post") else { continue };
        let command = post["parameters"].as_array().unwrap().iter().find(|parameter| parameter["name"] == "command");
        let commands = command.map(|command| command["schema"]["enum"].as_array().unwrap());
        let paths = match commands {
            Some(words) => words.iter().map(|word| first(&path.replace("{command}", word.as_str().unwrap()))).collect(),
            None => vec![first(path)],
        };
        bodies.push((paths, &post["requestBody"]["content"]["application/json"]["schema"]));
    }
    bodies
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
         INSERT INTO callback_attempts VALUES (1, 1, 'pbx', 'cb-x', NULL, 1, NULL, NULL, 2, 0, 'LOST', '', NULL, NULL);",
    )
    .unwrap();
    front
}

#[test]
fn the_file_is_what_the_code_says() {
    let said = callbackd::api::description();
    if std::env::var_os("CALLBACKD_WRITE").is_some() {
        std::fs::write(file(), said).unwrap();
        return;
    }
    let described = std::fs::read_to_string(file()).unwrap();
    let apart = said.lines().zip(described.lines()).position(|(said, described)| said != described);
    assert!(
        said == described,
        "config/doc/openapi.json is not what the code says, from line {:?} on. This writes it anew:\n\
         CALLBACKD_WRITE=1 cargo nextest run --config-file tests/nextest.toml --test shell -E 'test(openapi)'",
        apart.map(|line| line + 1)
    );
}

#[test]
fn every_route_is_in_the_list_that_the_description_is_made_of() {
    let routes = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api/routes");
    let mut listed = 0;
    for entry in std::fs::read_dir(routes).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let (name, text) = (path.file_name().unwrap().to_str().unwrap(), std::fs::read_to_string(&path).unwrap());
        assert_eq!(text.contains(".route("), name == "table.rs", "{name}");
        listed += usize::from(text.contains("\nroutes! {"));
    }
    let all = described();
    assert_eq!((listed, all["paths"].as_object().unwrap().len()), (14, 25));
}

#[test]
fn every_field_of_a_body_that_is_described_is_understood_and_no_other() {
    let (all, front) = (described(), filled());
    for (paths, body) in bodies(&all) {
        let mut described: Vec<&String> = body["properties"].as_object().unwrap().keys().collect();
        described.sort_unstable();
        let mut read = 0;
        for path in paths {
            let refused =
                front.ask("POST", &path, &json!({"something": 1})).1["error"].as_str().unwrap_or_default().to_owned();
            assert!(!refused.contains("unknown command"), "{path}: {refused}");
            if refused.contains("unknown field") {
                let mut known: Vec<&str> = refused.split('`').skip(3).step_by(2).collect();
                known.sort_unstable();
                assert_eq!(known, described, "{path}");
                read += 1;
            }
        }
        assert!(read > 0, "{body}");
    }
}

#[test]
fn every_limit_of_a_body_that_is_described_is_held() {
    let (all, front) = (described(), filled());
    let mut met = 0;
    for (paths, body) in bodies(&all) {
        for (name, schema) in body["properties"].as_object().unwrap() {
            let bounds = [(&schema["minimum"], -1), (&schema["maximum"], 1)];
            for beyond in bounds.into_iter().filter_map(|(bound, beside)| Some(bound.as_i64()? + beside)) {
                let mut sent = json!({ name: beyond });
                if !body["properties"]["number"].is_null() {
                    sent["number"] = json!("+12025550125");
                }
                let refused = paths.iter().any(|path| {
                    let (status, answer) = front.ask("POST", path, &sent);
                    status == 400 && answer["field"] == *name
                });
                assert!(refused, "{paths:?} took {sent}");
                met += 1;
            }
        }
    }
    assert_eq!(met, 10);
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
        let path = first(path);
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
        let path = first(path);
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
    let named = nowhere
        .split_once("try ")
        .unwrap()
        .1
        .split(", ")
        .map(|path| path.replace("webhooks/ID", "webhooks/{name}").replace("ID", "{id}"));
    let paths = all["paths"].as_object().unwrap();
    let missing: Vec<String> = named.filter(|path| !paths.contains_key(path)).collect();
    assert_eq!(missing, [""; 0]);
    let unnamed: Vec<&String> = paths
        .iter()
        .filter(|(path, operations)| {
            operations.get("get").is_some() && !nowhere.contains(&path.replace("{id}", "ID").replace("{name}", "ID"))
        })
        .map(|(path, _)| path)
        .collect();
    assert_eq!(unnamed, Vec::<&String>::new());
}
