//! The order in which the description is written: what people look for first, and fields as their types have them.

use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::ser::PrettyFormatter;

/// Names that stand before others, in this order: of the whole, of a path, of an operation and its parameters, of a schema.
const FIRST: &[&str] = &[
    "openapi",
    "title",
    "version",
    "info",
    "servers",
    "summary",
    "security",
    "paths",
    "components",
    "get",
    "post",
    "delete",
    "name",
    "in",
    "style",
    "explode",
    "parameters",
    "requestBody",
    "responses",
    "$ref",
    "type",
    "format",
    "pattern",
    "enum",
    "description",
    "headers",
    "content",
    "schema",
    "properties",
    "required",
    "items",
];

/// A value of the description.
struct Ordered<'a> {
    value: &'a Value,
    /// Names that stand before others in it; the rest follows by the alphabet.
    first: &'a [&'a str],
    /// And below it.
    below: &'a [&'a str],
}

/// The text of a file; `paths` in their order.
pub(super) fn text(all: &Value, paths: &[&str]) -> String {
    let first: Vec<&str> = FIRST.iter().chain(paths).copied().collect();
    let mut text = Vec::new();
    let mut json = serde_json::Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b" "));
    Ordered { value: all, first: &first, below: &first }.serialize(&mut json).expect("memory takes it");
    text.push(b'\n');
    String::from_utf8(text).expect("JSON is UTF-8")
}

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { value, first, below } = *self;
        match value {
            Value::Object(object) => {
                let place = |name: &str| first.iter().position(|first| *first == name);
                let mut entries: Vec<(&String, &Value)> = object.iter().collect();
                entries.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
                // Fields that are always there stand in the order of the type.
                let needed = object.get("required").and_then(Value::as_array).into_iter().flatten();
                let fields: Vec<&str> = needed.filter_map(Value::as_str).collect();
                to.collect_map(entries.into_iter().map(|(name, value)| {
                    (name, Ordered { value, first: if name == "properties" { &fields } else { below }, below })
                }))
            }
            Value::Array(values) => to.collect_seq(values.iter().map(|value| Ordered { value, first: below, below })),
            value => value.serialize(to),
        }
    }
}
