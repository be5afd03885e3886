//! The description of the API for programs (OpenAPI 3.1), made of the routes and of the types that they read and answer.
//! Tests hold `config/doc/openapi.json` against it, and it against the daemon.

mod order;
mod schemas;

use super::front::Failure;
use super::guard::{is_open, may};
use super::routes;
use crate::store::tokens::Role;
use axum::http::Method;
use schemars::JsonSchema;
use schemars::generate::Contract::{Deserialize, Serialize};
use schemas::Schemas;
use serde_json::{Map, Value, json};

const ABOUT: &str = "The local API: HTTP with JSON over /run/callbackd/api.sock, where who may write to the file may ask; and by TCP at api.listen, with a token. Lists come in pages: the header Link names the next one. A parameter that is not known, comes twice, is empty or cannot be read is refused (400), with its name as `field` and a `fix`.";
const TOKEN: &str = "By TCP: a token of one of the roles that are named. On the socket none is needed.";
const ON_THE_SOCKET: &str = "On the socket only: no token may do this.";

/// The whole description, as the text of a JSON file.
///
/// # Panics
/// A route and what is said of it do not fit together.
#[must_use]
pub fn description() -> String {
    let mut api = Description::default();
    routes::describe(&mut api);
    let refused = api.schemas.of::<Failure>(Serialize);
    let mut paths: Vec<(&str, Map<String, Value>)> = Vec::new();
    for operation in api.operations {
        let (path, method) = (operation.path, operation.method);
        let said = operation.said(&refused);
        match paths.iter_mut().find(|(other, _)| *other == path) {
            Some((_, methods)) => _ = methods.insert(method.to_owned(), said),
            None => paths.push((path, [(method.to_owned(), said)].into_iter().collect())),
        }
    }
    let in_order: Vec<&str> = paths.iter().map(|(path, _)| *path).collect();
    let all = json!({
        "openapi": "3.1.0",
        "info": { "title": "callbackd", "version": "1", "description": ABOUT },
        "servers": [{ "url": "http://localhost:8380" }],
        "security": [{ "token": [] }],
        "paths": Value::Object(paths.iter().map(|(path, methods)| ((*path).to_owned(), methods.clone().into())).collect()),
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer", "description": TOKEN } },
            "schemas": api.schemas.named(),
        },
    });
    order::text(&all, &in_order)
}

/// What is said of the API; each method adds to the operation that was begun last.
#[derive(Default)]
pub(super) struct Description {
    schemas: Schemas,
    operations: Vec<Operation>,
}

struct Operation {
    path: &'static str,
    method: &'static str,
    summary: &'static str,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: Map<String, Value>,
}

impl Operation {
    fn said(self, refused: &Value) -> Value {
        let Self { path, method, summary, parameters, body, mut answers } = self;
        let in_path = |parameter: &&Value| parameter["in"] == "path";
        let described: Vec<String> = parameters
            .iter()
            .filter(in_path)
            .map(|parameter| format!("{{{}}}", parameter["name"].as_str().unwrap_or_default()))
            .collect();
        let named: Vec<&str> = path.split('/').filter(|part| part.starts_with('{')).collect();
        assert_eq!(named, described, "what stands in the path {path} is described, in its order");
        assert!(answers.contains_key("200"), "{method} {path} has an answer");
        answers.insert("default".to_owned(), json!({ "description": "refused", "content": json_of(refused) }));
        let mut said = json!({ "summary": summary.trim(), "parameters": parameters, "responses": answers });
        if let Some(body) = body {
            said["requestBody"] = json!({ "content": json_of(&body) });
        }
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
        let roles =
            Role::ALL.iter().filter(|(_, role)| may(*role, &method, path)).map(|(word, _)| json!({ "token": [word] }));
        let roles: Vec<Value> = roles.filter(|_| !is_open(&method, path)).collect();
        if roles.is_empty() && !is_open(&method, path) {
            said["description"] = ON_THE_SOCKET.into();
        }
        said["security"] = roles.into();
        said
    }
}

fn json_of(schema: &Value) -> Value {
    json!({ "application/json": { "schema": schema } })
}

impl Description {
    /// Begins with this path and method.
    pub(super) fn operation(&mut self, path: &'static str, method: &'static str, summary: &'static str) {
        let (parameters, answers) = (Vec::new(), Map::new());
        self.operations.push(Operation { path, method, summary, parameters, body: None, answers });
    }

    fn last(&mut self) -> &mut Operation {
        self.operations.last_mut().expect("an operation was begun")
    }

    fn in_path(&mut self, name: &str, description: &str, schema: &Value) {
        let mut parameter = json!({ "name": name, "in": "path", "required": true, "schema": schema });
        if !description.is_empty() {
            parameter["description"] = description.into();
        }
        self.last().parameters.push(parameter);
    }

    /// A part of the path that stands there in braces.
    pub(super) fn path<T: JsonSchema>(&mut self, name: &str, description: &str) {
        let schema = self.schemas.of::<T>(Deserialize);
        self.in_path(name, description, &schema);
    }

    /// One that is one of these words, between which there are commas.
    pub(super) fn word(&mut self, name: &str, words: &str) {
        let words: Vec<&str> = words.split(", ").collect();
        self.in_path(name, "", &json!({ "type": "string", "enum": words }));
    }

    /// The parameters behind the `?`: the fields of this type. Of several words, commas stand between them.
    pub(super) fn query<T: JsonSchema>(&mut self) {
        for mut parameter in self.schemas.parameters::<T>() {
            parameter["in"] = "query".into();
            if parameter["schema"]["type"] == "array" {
                parameter["style"] = "form".into();
                parameter["explode"] = false.into();
            }
            self.last().parameters.push(parameter);
        }
    }

    /// A header that may be sent.
    pub(super) fn header(&mut self, name: &str, description: &str) {
        let schema = json!({ "type": "string" });
        let header = json!({ "name": name, "in": "header", "description": description, "schema": schema });
        self.last().parameters.push(header);
    }

    /// The body.
    pub(super) fn body<T: JsonSchema>(&mut self) {
        let body = self.schemas.of::<T>(Deserialize);
        self.last().body = Some(body);
    }

    fn ok(&mut self, content: &Value) {
        self.last().answers.insert("200".to_owned(), json!({ "description": "as asked", "content": content }));
    }

    /// The answer.
    pub(super) fn answer<T: JsonSchema>(&mut self) {
        let schema = self.schemas.of::<T>(Serialize);
        self.ok(&json_of(&schema));
    }

    /// An object of this field alone is the answer.
    pub(super) fn field<T: JsonSchema>(&mut self, name: &str) {
        let schema = self.schemas.of::<T>(Serialize);
        let object = json!({
            "type": "object", "properties": { name: schema }, "required": [name], "additionalProperties": false
        });
        self.ok(&json_of(&object));
    }

    /// A list that comes in pages is the answer.
    pub(super) fn page<T: JsonSchema>(&mut self) {
        self.answer::<Vec<T>>();
        let description = "RFC 8288: where the next page is, `rel=\"next\"`; absent from the last";
        let link = json!({ "description": description, "schema": { "type": "string" } });
        self.last().answers["200"]["headers"] = json!({ "Link": link });
    }

    /// The answer is a text of this type.
    pub(super) fn text(&mut self, media_type: &str) {
        self.ok(&json!({ media_type: { "schema": { "type": "string" } } }));
    }

    /// The answer of another status that is no refusal.
    pub(super) fn also<T: JsonSchema>(&mut self, status: &str, description: &str) {
        let schema = self.schemas.of::<T>(Serialize);
        let answer = json!({ "description": description, "content": json_of(&schema) });
        self.last().answers.insert(status.to_owned(), answer);
    }
}
