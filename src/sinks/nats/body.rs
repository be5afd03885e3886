//! What messages say: JSON, packed where it is long.

use crate::store::copies::{Chunk, Position, Rows, Single, json_of};
use callbackd_core::millis::Millis;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{Read, Write};

/// A body that is longer is packed, bytes.
const PACKED_FROM: usize = 512 << 10;
/// Longest body as it is sent, bytes; servers take a mebibyte unless they are configured otherwise, headers included.
pub(crate) const MAX_BODY: usize = (1 << 20) - (8 << 10);
/// Longest body once it is unpacked, bytes.
pub(crate) const MAX_UNPACKED: usize = 32 << 20;

/// What each message says of where it comes from.
#[derive(Debug, Clone)]
pub(crate) struct From<'a> {
    /// The site.
    pub(crate) site: &'a str,
    /// Identity of its database.
    pub(crate) db_uuid: &'a str,
    /// Version of its tables.
    pub(crate) schema: usize,
}

impl From<'_> {
    fn with(&self, more: Value) -> Value {
        let mut body = json!({ "site": self.site, "db_uuid": self.db_uuid, "schema": self.schema });
        if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
            body.extend(more);
        }
        body
    }

    /// Of a change.
    pub(crate) fn change(&self, single: &Single) -> Value {
        let payload: Value =
            single.payload.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
        let Single { seq, after, at_ms, pbx, kind, key, rev, late, .. } = single;
        self.with(json!({
            "seq": seq, "after": after, "at_ms": at_ms, "pbx": pbx, "kind": kind, "key": key, "rev": rev, "late": late,
            "payload": payload, "rows": json_of(&single.rows), "called_again": single.called_again,
        }))
    }

    /// Of a piece of all tables; `set_back`: the machine was, so what is said from here on is later than what was said before.
    pub(crate) fn piece(&self, chunk: &Chunk, set_back: bool, at_ms: Millis) -> Value {
        self.with(json!({
            "at_ms": at_ms, "set_back": set_back, "rows": json_of(&chunk.rows), "list": chunk.list, "next": chunk.next,
        }))
    }

    /// Of the short lists.
    pub(crate) fn lists(&self, lists: &[Rows], at_ms: Millis) -> Value {
        self.with(json!({ "at_ms": at_ms, "rows": json_of(lists) }))
    }
}

/// What is read of a message.
#[derive(Debug, Deserialize)]
pub(crate) struct Body {
    /// Version of the site's tables.
    pub(crate) schema: usize,
    /// By table.
    #[serde(default)]
    pub(crate) rows: Value,
    /// Numbers that are not on the do-not-call list any more.
    #[serde(default)]
    pub(crate) called_again: Vec<String>,
    /// See [`Chunk::list`].
    #[serde(default)]
    pub(crate) list: Option<(String, Option<String>)>,
    /// See [`Chunk::next`].
    #[serde(default)]
    pub(crate) next: Option<Position>,
    /// The machine was set back.
    #[serde(default)]
    pub(crate) set_back: bool,
    /// The rows are left out, for they take so many bytes.
    #[serde(default)]
    pub(crate) too_large: Option<u64>,
}

/// A body as it is sent.
#[derive(Debug)]
pub(crate) struct Sent {
    /// These bytes.
    pub(crate) bytes: Vec<u8>,
    /// They are packed.
    pub(crate) packed: bool,
    /// So long it was, if its rows were too long to be sent.
    pub(crate) left_out: Option<usize>,
}

/// A body as it is sent to a server that takes so many bytes. Rows that are too long for it are left out.
pub(crate) fn sent(mut body: Value, limit: usize) -> Sent {
    let whole = body.to_string().into_bytes();
    let size = whole.len();
    if size <= limit.min(PACKED_FROM) {
        return Sent { bytes: whole, packed: false, left_out: None };
    }
    if let Some(bytes) = packed(&whole).filter(|bytes| bytes.len() <= limit && size <= MAX_UNPACKED) {
        return Sent { bytes, packed: true, left_out: None };
    }
    for part in ["rows", "payload", "called_again"] {
        body[part] = Value::Null;
    }
    body["called_again"] = json!([]);
    body["too_large"] = json!(size);
    Sent { bytes: body.to_string().into_bytes(), packed: false, left_out: Some(size) }
}

fn packed(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

/// Reads a body.
///
/// # Errors
/// Why it is none.
pub(crate) fn read(bytes: &[u8], packed: bool) -> Result<Body, &'static str> {
    let mut unpacked = Vec::new();
    let bytes = if packed {
        let most = u64::try_from(MAX_UNPACKED).unwrap_or(u64::MAX);
        GzDecoder::new(bytes).take(most + 1).read_to_end(&mut unpacked).map_err(|_| "it cannot be unpacked")?;
        if unpacked.len() > MAX_UNPACKED {
            return Err("unpacked, it is too long");
        }
        &unpacked
    } else {
        bytes
    };
    serde_json::from_slice(bytes).map_err(|_| "it is not the JSON that a site writes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(rows: &str) -> Value {
        json!({ "schema": 1, "at_ms": 2, "rows": { "text": rows } })
    }

    #[test]
    fn a_long_body_is_packed_and_one_that_is_too_long_even_so_goes_without_its_rows_and_says_so() {
        let short = sent(body("x"), 1_000);
        assert!(!short.packed && short.left_out.is_none());
        let long = sent(body(&"x".repeat(2_000)), 1_000);
        assert!(long.packed && long.bytes.len() <= 1_000 && long.left_out.is_none());
        assert_eq!(read(&long.bytes, true).unwrap().rows["text"].as_str().unwrap().len(), 2_000);
        let noise: String = (0..4_000).map(|_| fastrand::alphanumeric()).collect();
        let without = sent(body(&noise), 1_000);
        assert!(without.left_out > Some(4_000) && without.bytes.len() < 200, "{without:?}");
        let read = read(&without.bytes, false).unwrap();
        assert!(read.rows.is_null() && read.too_large > Some(4_000), "{read:?}");
    }

    #[test]
    fn what_unpacks_without_end_is_not_unpacked() {
        let bomb = packed(&vec![b' '; MAX_UNPACKED + 1]).unwrap();
        assert!(bomb.len() < 1 << 20);
        assert_eq!(read(&bomb, true).unwrap_err(), "unpacked, it is too long");
        assert_eq!(read(b"nothing", true).unwrap_err(), "it cannot be unpacked");
    }
}
