//! Schemas of types, as programs that make clients read them best.

use schemars::JsonSchema;
use schemars::generate::{Contract, SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

/// Makes them; those of types that have a name are gathered, and referred to.
pub(super) struct Schemas {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

impl Default for Schemas {
    fn default() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|s| s.definitions_path = "/components/schemas".into());
        Self { read: settings.clone().into_generator(), written: settings.for_serialize().into_generator() }
    }
}

impl Schemas {
    /// What is written of a type, or what is read; bodies stand where they are asked for.
    pub(super) fn of<T: JsonSchema>(&mut self, contract: Contract) -> Value {
        match contract {
            Contract::Serialize => without_defaults(plain(self.written.subschema_for::<T>().into())),
            _ => plain(T::json_schema(&mut self.read).into()),
        }
    }

    /// The fields of a type as parameters.
    pub(super) fn parameters<T: JsonSchema>(&mut self) -> Vec<Value> {
        let schema = self.of::<T>(Contract::Deserialize);
        let fields = schema["properties"].as_object().cloned().unwrap_or_default();
        fields.into_iter().map(|(name, schema)| parameter(&name, schema)).collect()
    }

    /// Those that are referred to, by name.
    ///
    /// # Panics
    /// Two types have one name.
    pub(super) fn named(mut self) -> Map<String, Value> {
        let mut all = self.written.take_definitions(true);
        for (name, schema) in self.read.take_definitions(true) {
            let same = all.insert(name.clone(), schema.clone()).is_none_or(|other| other == schema);
            assert!(same, "two schemas are called {name}");
        }
        for (name, schema) in &mut all {
            assert!(!name.ends_with(|c: char| c.is_ascii_digit()), "two types are called as {name}");
            *schema = without_defaults(plain(schema.take()));
        }
        all
    }
}

/// What is left out is not there: no parameter is null.
fn parameter(name: &str, mut schema: Value) -> Value {
    if let Some(kinds) = schema["type"].as_array().cloned() {
        schema["type"] = kinds.into_iter().find(|kind| kind != "null").unwrap_or_default();
    }
    let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
    let mut parameter = json!({ "name": name, "schema": schema });
    if let Some(description) = description {
        parameter["description"] = description;
    }
    parameter
}

/// As it is described: no object has what is not named, words stand in one `enum`, and what only Rust knows is left out.
fn plain(mut schema: Value) -> Value {
    match &mut schema {
        Value::Array(schemas) => schemas.iter_mut().for_each(|schema| *schema = plain(schema.take())),
        Value::Object(object) => {
            words(object);
            if object.get("format").is_some_and(|format| format == "uint") {
                object.insert("format".to_owned(), "uint64".into());
            }
            if object.contains_key("properties") && object.get("type").is_some_and(|kind| kind == "object") {
                object.entry("additionalProperties").or_insert(false.into());
            }
            if let Some(Value::String(description)) = object.get_mut("description") {
                *description = for_programs(description);
            }
            if object.get("default").is_some_and(Value::is_null) {
                object.remove("default");
            }
            object.values_mut().for_each(|schema| *schema = plain(schema.take()));
        }
        _ => {}
    }
    schema
}

/// What is written is always there: its defaults are those of an older daemon's answer to this one's commands.
fn without_defaults(mut schema: Value) -> Value {
    match &mut schema {
        Value::Array(schemas) => schemas.iter_mut().for_each(|schema| *schema = without_defaults(schema.take())),
        Value::Object(object) => {
            object.remove("default");
            object.values_mut().for_each(|schema| *schema = without_defaults(schema.take()));
        }
        _ => {}
    }
    schema
}

/// The words of an enum, each of which has a schema because it has a description: one list, and the descriptions below each other.
fn words(object: &mut Map<String, Value>) {
    let Some(all) = object.get("oneOf").and_then(Value::as_array) else { return };
    let Some(words): Option<Vec<&str>> = all.iter().map(|one| one["const"].as_str()).collect() else { return };
    let meanings = all.iter().map(|one| one["description"].as_str().unwrap_or_default());
    let meanings: Vec<String> =
        words.iter().zip(meanings).map(|(word, means)| format!("* `{word}`: {means}")).collect();
    let about = object.get("description").and_then(Value::as_str).unwrap_or_default();
    let about = format!("{about}\n\n{}", meanings.join("\n"));
    let words = json!(words);
    object.remove("oneOf");
    object.extend([
        ("type".to_owned(), "string".into()),
        ("enum".to_owned(), words),
        ("description".to_owned(), about.into()),
    ]);
}

/// A comment without what only readers of the code understand: links, `None`, and where its lines end.
fn for_programs(comment: &str) -> String {
    let text = comment.replace("`None`", "`null`").replace("[`", "`").replace("`]", "`");
    let mut whole = String::new();
    for line in text.lines().map(str::trim) {
        if !whole.is_empty() {
            let apart = line.is_empty() || line.starts_with("* ") || whole.ends_with('\n');
            whole.push(if apart { '\n' } else { ' ' });
        }
        whole.push_str(line);
    }
    whole
}
