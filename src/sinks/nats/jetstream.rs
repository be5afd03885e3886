//! JetStream, as far as it is used: answers to what is published, a stream and its last message, a consumer.

use super::wire::{Client, Message};
use super::{Fault, said};
use crate::base64;
use bytes::Bytes;
use serde_json::{Value, json};
use std::time::Duration;

/// No such stream.
const STREAM_NOT_FOUND: u64 = 10_059;
/// No such message.
const NO_MESSAGE: u64 = 10_037;
/// The store took it not: a limit of the stream, mostly.
const STORE_FAILED: u64 = 10_077;
/// What was published was to follow another message of its subject than it would.
const WRONG_LAST: [u64; 2] = [10_071, 10_164];
/// The server has not so much room as a stream is to have.
const NO_ROOM: u64 = 10_047;
/// The server's own room is used up.
const NO_RESOURCES: u64 = 10_023;

/// What a server refuses, if it does.
fn refusal(answer: &Value, stream: &str) -> Option<Fault> {
    let error = answer.get("error")?;
    let description = said(error["description"].as_str().unwrap_or("it does not say why"));
    Some(match error["err_code"].as_u64() {
        Some(STREAM_NOT_FOUND) => Fault::NoStream(stream.to_owned()),
        Some(STORE_FAILED | NO_RESOURCES) => Fault::Full(description),
        Some(NO_ROOM) => Fault::NoRoom(description),
        _ => Fault::Refused(description),
    })
}

fn read(answer: &Message) -> Result<Value, Fault> {
    serde_json::from_slice(&answer.body).map_err(|_| Fault::Garbled("an answer of JetStream is no JSON"))
}

/// Asks the API; `None` where that is answered by this error.
async fn asked(client: &mut Client, what: &str, stream: &str, body: &Value, none: u64) -> Result<Option<Value>, Fault> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let answer = read(&client.ask(&format!("$JS.API.{what}"), body.as_bytes()).await?)?;
    if answer["error"]["err_code"].as_u64() == Some(none) {
        return Ok(None);
    }
    match refusal(&answer, stream) {
        Some(fault) => Err(fault),
        None => Ok(Some(answer)),
    }
}

/// What became of a message that was published: its place in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Number in the stream.
    pub(crate) seq: u64,
    /// One of the same id is there, or was lately: this one was not stored.
    pub(crate) duplicate: bool,
}

/// Reads the answer to a message that was published.
///
/// # Errors
/// It was not stored.
pub(crate) fn stored(answer: &Message, stream: &str) -> Result<Stored, Fault> {
    if answer.status() == Some(503) {
        return Err(Fault::NoStream(stream.to_owned()));
    }
    let answer = read(answer)?;
    if let Some(fault) = refusal(&answer, stream) {
        return Err(fault);
    }
    let seq = answer["seq"].as_u64().ok_or(Fault::Garbled("an acknowledgement has no number"))?;
    Ok(Stored { seq, duplicate: answer["duplicate"].as_bool().unwrap_or_default() })
}

/// A stream, as it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Its name.
    pub(crate) stream: String,
    /// For so long it knows messages again.
    pub(crate) dedup_window: Duration,
    /// Messages are kept for so long, if that is said; else for [`AGE`], or as long as they were.
    pub(crate) max_age: Option<Duration>,
    /// And so many bytes of them; else [`BYTES`], or as many as there were.
    pub(crate) max_bytes: Option<u64>,
}

/// So long messages are kept unless it is said otherwise.
const AGE: Duration = Duration::from_hours(30 * 24);
/// And so many bytes of them.
const BYTES: u64 = 4 << 30;

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Wanted {
    /// Its configuration, as JetStream has it.
    pub(crate) fn config(&self) -> Value {
        let max_age = self.max_age.unwrap_or(AGE);
        // What is full takes no more, and says so: what waits at the sites is not lost, what is pushed out is. The window may not be longer than the age.
        json!({
            "name": self.stream, "subjects": ["callbackd.>"], "retention": "limits", "storage": "file", "discard": "new", "num_replicas": 1,
            "max_msgs": -1, "max_msgs_per_subject": -1, "max_msg_size": -1, "max_consumers": -1,
            "max_bytes": self.max_bytes.unwrap_or(BYTES), "max_age": nanos(max_age),
            "duplicate_window": nanos(self.dedup_window.min(max_age)),
        })
    }

    /// The same for one that is there. What is not said, and what else an administrator has set, stays.
    fn update(&self, there: &Value) -> Value {
        let (mut update, wanted) = (there.clone(), self.config());
        update["subjects"] = wanted["subjects"].clone();
        update["discard"] = wanted["discard"].clone();
        update["duplicate_window"] = json!(nanos(self.dedup_window));
        if self.max_bytes.is_some() {
            update["max_bytes"] = wanted["max_bytes"].clone();
        }
        if self.max_age.is_some() {
            update["max_age"] = wanted["max_age"].clone();
        }
        if let (Some(age @ 1..), Some(window)) = (update["max_age"].as_u64(), update["duplicate_window"].as_u64()) {
            update["duplicate_window"] = json!(window.min(age));
        }
        update
    }
}

/// Makes the stream, or gives it these limits. Returns whether it was there.
///
/// # Errors
/// See [`Fault`].
pub(crate) async fn make(client: &mut Client, wanted: &Wanted) -> Result<bool, Fault> {
    let name = &wanted.stream;
    let there = asked(client, &format!("STREAM.INFO.{name}"), name, &Value::Null, STREAM_NOT_FOUND).await?;
    let (what, config) = match &there {
        None => ("CREATE", wanted.config()),
        Some(there) => ("UPDATE", wanted.update(&there["config"])),
    };
    asked(client, &format!("STREAM.{what}.{name}"), name, &config, 0).await?;
    Ok(there.is_some())
}

/// What the server says of a stream: `config` and `state`.
///
/// # Errors
/// See [`Fault`].
pub(crate) async fn stream(client: &mut Client, name: &str) -> Result<Value, Fault> {
    let found = asked(client, &format!("STREAM.INFO.{name}"), name, &Value::Null, 0).await?;
    Ok(found.unwrap_or_default())
}

/// Removes all messages of a subject. Returns how many.
///
/// # Errors
/// See [`Fault`].
pub(crate) async fn purge(client: &mut Client, stream: &str, subject: &str) -> Result<u64, Fault> {
    let answer = asked(client, &format!("STREAM.PURGE.{stream}"), stream, &json!({ "filter": subject }), 0).await?;
    Ok(answer.unwrap_or_default()["purged"].as_u64().unwrap_or_default())
}

/// A message that is read back.
#[derive(Debug)]
pub(crate) struct Kept {
    /// Number in the stream.
    pub(crate) seq: u64,
    /// Where it was published.
    pub(crate) subject: String,
    /// When it was stored, by the server's clock, ms since 1970 UTC.
    pub(crate) at_ms: i64,
    /// As they are.
    pub(crate) headers: Bytes,
    /// What it says.
    pub(crate) body: Bytes,
}

/// The last message of a subject, which may have wildcards.
///
/// # Errors
/// See [`Fault`].
pub(crate) async fn last(client: &mut Client, stream: &str, subject: &str) -> Result<Option<Kept>, Fault> {
    kept(client, stream, &json!({ "last_by_subj": subject })).await
}

/// The message of this number.
///
/// # Errors
/// See [`Fault`].
pub(crate) async fn message(client: &mut Client, stream: &str, seq: u64) -> Result<Option<Kept>, Fault> {
    kept(client, stream, &json!({ "seq": seq })).await
}

async fn kept(client: &mut Client, stream: &str, question: &Value) -> Result<Option<Kept>, Fault> {
    let Some(answer) = asked(client, &format!("STREAM.MSG.GET.{stream}"), stream, question, NO_MESSAGE).await? else {
        return Ok(None);
    };
    let message = &answer["message"];
    let bytes = |key: &str| match message[key].as_str() {
        Some(text) => base64::decode(text).map(Bytes::from).ok_or(Fault::Garbled("a message is no base64")),
        None => Ok(Bytes::new()),
    };
    let seq = message["seq"].as_u64().ok_or(Fault::Garbled("a message has no number"))?;
    let at = message["time"].as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let at_ms = at.ok_or(Fault::Garbled("a message has no time"))?.as_millisecond();
    let subject = message["subject"].as_str().unwrap_or_default().to_owned();
    Ok(Some(Kept { seq, subject, at_ms, headers: bytes("hdrs")?, body: bytes("data")? }))
}

/// The first message of this number or a later one whose subject is this, which may have wildcards.
///
/// # Errors
/// See [`Fault`].
pub(crate) async fn next(client: &mut Client, stream: &str, subject: &str, seq: u64) -> Result<Option<Kept>, Fault> {
    kept(client, stream, &json!({ "seq": seq, "next_by_subj": subject })).await
}

/// Stores a message if the last one of its subject has this number (0: if there is none; `None`: in any case). Returns its own number; `None` if
/// the last one is another.
///
/// # Errors
/// See [`Fault`].
pub(crate) async fn put(
    client: &mut Client,
    stream: &str,
    (subject, last): (&str, Option<u64>),
    body: &[u8],
) -> Result<Option<u64>, Fault> {
    let mut headers = format!("NATS/1.0\r\nNats-Expected-Stream: {stream}\r\n");
    if let Some(last) = last {
        headers += &format!("Nats-Expected-Last-Subject-Sequence: {last}\r\n");
    }
    headers += "\r\n";
    let answer = match client.ask_with(subject, Some(&headers), body).await {
        Err(Fault::NoJetStream) => return Err(Fault::NoStream(stream.to_owned())),
        answer => answer?,
    };
    let said = read(&answer)?;
    if said["error"]["err_code"].as_u64().is_some_and(|code| WRONG_LAST.contains(&code)) {
        return Ok(None);
    }
    stored(&answer, stream).map(|stored| Some(stored.seq))
}

/// How long what is said of a customer who was served is kept: no callback is open longer.
const SERVED_FOR: Duration = Duration::from_hours(32 * 24);

/// The streams of a group's buckets, as JetStream has them: what is known of customers, and the do-not-call list.
pub(crate) fn buckets(name: &str) -> [Value; 2] {
    let bucket = |stream: String, max_age: u64| {
        json!({
            "subjects": [format!("$KV.{}.>", stream.trim_start_matches("KV_"))], "name": stream, "retention": "limits", "storage": "file",
            "discard": "new", "num_replicas": 1, "max_msgs_per_subject": 1, "max_msgs": -1, "max_bytes": -1, "max_msg_size": -1,
            "max_consumers": -1, "max_age": max_age, "duplicate_window": nanos(Duration::from_mins(2)), "allow_rollup_hdrs": true,
            "deny_delete": true, "allow_direct": true,
        })
    };
    [bucket(customers(name), nanos(SERVED_FOR)), bucket(do_not_call(name), 0)]
}

/// The stream of the bucket with a group's customers.
pub(crate) fn customers(name: &str) -> String {
    format!("KV_{name}")
}

/// The stream of the bucket with its do-not-call list.
pub(crate) fn do_not_call(name: &str) -> String {
    format!("KV_{name}-dnc")
}

/// Makes the buckets of a group that are not there. Returns which of them were.
///
/// # Errors
/// See [`Fault`].
pub(crate) async fn make_buckets(client: &mut Client, name: &str) -> Result<[bool; 2], Fault> {
    let mut were_there = [true; 2];
    for (bucket, was_there) in buckets(name).iter().zip(&mut were_there) {
        let stream = bucket["name"].as_str().unwrap_or_default();
        let there = asked(client, &format!("STREAM.INFO.{stream}"), stream, &Value::Null, STREAM_NOT_FOUND).await?;
        *was_there = there.is_some();
        if there.is_none() {
            asked(client, &format!("STREAM.CREATE.{stream}"), stream, bucket, 0).await?;
        }
    }
    Ok(were_there)
}

/// The consumers of a stream.
///
/// # Errors
/// See [`Fault`].
pub(crate) async fn consumers(client: &mut Client, stream: &str) -> Result<Vec<Value>, Fault> {
    let answer = asked(client, &format!("CONSUMER.LIST.{stream}"), stream, &Value::Null, 0).await?;
    Ok(answer.unwrap_or_default()["consumers"].as_array().cloned().unwrap_or_default())
}

/// Makes the consumer that hands out all messages of the stream, each until it is acknowledged; whoever asks by its name shares them.
///
/// # Errors
/// See [`Fault`].
pub(crate) async fn consumer(client: &mut Client, stream: &str, name: &str, ack_wait: Duration) -> Result<(), Fault> {
    let config = json!({
        "stream_name": stream,
        "config": {
            "durable_name": name, "deliver_policy": "all", "ack_policy": "explicit", "ack_wait": nanos(ack_wait), "max_deliver": -1,
            "max_ack_pending": UNACKNOWLEDGED, "replay_policy": "instant",
        },
    });
    asked(client, &format!("CONSUMER.DURABLE.CREATE.{stream}.{name}"), stream, &config, 0).await?;
    Ok(())
}

/// Messages that are handed out and not acknowledged, those that wait for others among them.
const UNACKNOWLEDGED: u32 = 20_000;

/// Asks a consumer for messages, which come to this place, or what says that the question is over.
///
/// # Errors
/// See [`Fault`].
pub(crate) async fn pull(
    client: &mut Client,
    (stream, consumer): (&str, &str),
    place: &str,
    (count, bytes): (usize, Option<usize>),
    expires: Duration,
) -> Result<(), Fault> {
    let mut question = json!({ "batch": count, "expires": nanos(expires) });
    if let Some(bytes) = bytes {
        question["max_bytes"] = json!(bytes);
    }
    let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}");
    client.publish(&subject, place, None, question.to_string().as_bytes()).await
}

/// How a message was handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// For the how manieth time.
    pub(crate) delivered: u32,
    /// Its number in the stream.
    pub(crate) stream_seq: u64,
    /// Messages that have not been handed out.
    pub(crate) pending: u64,
}

impl Delivery {
    /// Reads it off where the acknowledgement goes: `$JS.ACK.<stream>.<consumer>.<delivered>.<seq>.<seq of the consumer>.<time>.<pending>`, from some
    /// server on with domain and account before the stream.
    pub(crate) fn read(reply: &str) -> Option<Self> {
        let words: Vec<&str> = reply.strip_prefix("$JS.ACK.")?.split('.').collect();
        let at = match words.len() {
            7 => 2,
            9.. => 4,
            _ => return None,
        };
        let number = |n: usize| words.get(at + n)?.parse::<u64>().ok();
        let delivered = u32::try_from(number(0)?).unwrap_or(u32::MAX);
        Some(Self { delivered, stream_seq: number(1)?, pending: number(4)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_message_was_handed_out_is_read_in_both_forms() {
        let expected = Some(Delivery { delivered: 3, stream_seq: 812, pending: 7 });
        for reply in [
            "$JS.ACK.callbackd.collect-head.3.812.900.1755850000000000000.7",
            "$JS.ACK._.hash.callbackd.collect-head.3.812.900.1755850000000000000.7",
            "$JS.ACK._.hash.callbackd.collect-head.3.812.900.1755850000000000000.7.token",
        ] {
            assert_eq!(Delivery::read(reply), expected, "{reply}");
        }
        for reply in ["", "_INBOX.x.1", "$JS.ACK.a.b.c", "$JS.ACK.a.b.x.1.1.1.1"] {
            assert_eq!(Delivery::read(reply), None, "{reply}");
        }
    }
}
