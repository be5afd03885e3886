//! The queue of a webhook against a real database and a pretend receiver: at least once, in order, and once after de-duplication, over crashes.

use crate::store::feed::Place;
use crate::store::stored::{abandoned, answered, record};
use callbackd::config::{Config, is_field};
use callbackd::store::webhooks::{Again, MessageState, WebhookNote, WebhookState};
use callbackd::store::{FeedRules, Reader, Store};
use callbackd::webhook::{Answer, Due, Endpoint, Keys, Next, Outgoing, Queue, Scripts, Secret};
use callbackd_core::model::{CallInProgress, E164, FinishedCall, News, PbxId, Record, Tag, TagChange};
use fastrand::Rng;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub const MINUTE: i64 = 60_000;
pub const DAY: i64 = 86_400_000;

/// A webhook with these lines in its table.
pub fn endpoint(more: &str) -> Endpoint {
    endpoint_of("", more)
}

/// And these tables before it.
fn endpoint_of(before: &str, more: &str) -> Endpoint {
    let text = format!(
        "{before}[report]\ndid = {{ \"5550100\" = \"Sales hotline\" }}\n[callback.queue.sales]\nscript = \"You wanted an offer\"\n[[webhook]]\nname = \"crm\"\nurl = \"https://crm.example.com/\"\nsecret_file = \"x\"\n{more}"
    );
    let config = Config::from_toml(&text, "test").unwrap_or_else(|refusal| panic!("{refusal}"));
    Endpoint::new(&config.webhooks[0], Secret::Keys(Keys::from_text(KEY).unwrap()), Scripts::of(&config))
}

#[allow(clippy::disallowed_methods)] // what is written bears the clock of the machine
pub fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// As if it had ended just now.
pub fn fresh(call: FinishedCall) -> Record {
    ago(1_000, call)
}

/// As if it had ended so long ago, ms.
fn ago(ms: i64, call: FinishedCall) -> Record {
    let later = now() - call.ended_ms - ms;
    record(FinishedCall {
        started_ms: call.started_ms + later,
        answered_ms: call.answered_ms.map(|ms| ms + later),
        ended_ms: call.ended_ms + later,
        ..call
    })
}

pub fn configured(place: &Place) -> Store {
    let mut store = place.recording(FeedRules::default());
    store.name_site("berlin").unwrap();
    store.webhook(&WebhookNote::Configured(vec!["crm".to_owned()], now())).unwrap();
    store
}

pub fn load(place: &Place) -> (Reader, Queue) {
    let reader = Reader::open(&place.db).unwrap();
    let queue = Queue::load(&reader, "crm", 5_000).unwrap().expect("an endpoint that is not off");
    (reader, queue)
}

/// What would be sent now.
fn sent(place: &Place, endpoint: &Endpoint) -> Outgoing {
    let (reader, mut queue) = load(place);
    match queue.due(&reader, endpoint, now()).unwrap() {
        Due::Send(message) => *message,
        other => panic!("nothing to send: {other:?}"),
    }
}

fn data(message: &Outgoing) -> Value {
    serde_json::from_str::<Value>(&message.body).unwrap()["data"].clone()
}

/// Sends what is due and has it answered; the note is written. What is due next is found anew.
pub fn step(
    store: &mut Store,
    place: &Place,
    endpoint: &Endpoint,
    at_ms: i64,
    answer: Answer,
) -> Option<(Outgoing, Next)> {
    let (reader, mut queue) = load(place);
    let Due::Send(message) = queue.due(&reader, endpoint, at_ms).unwrap() else { return None };
    let (note, next) = queue.answered((*message).clone(), answer, "text", (at_ms, 10), 0.0);
    store.webhook(&note).unwrap();
    Some((*message, next))
}

#[test]
fn down_for_a_day_and_killed_fifty_times_each_change_arrives_in_order_and_once_after_de_duplication() {
    let place = Place::new();
    let endpoint = endpoint("events = [\"call.missed\", \"call.ended\"]");
    let mut store = configured(&place);
    let mut rng = Rng::with_seed(15);
    let (mut reader, mut queue) = load(&place);
    let (begin, mut kills, mut calls) = (now(), 0, 0_u32);
    // What the receiver has taken, and whether its answer arrived or not: ids and bodies in the order of their coming.
    let mut taken: Vec<(String, String)> = Vec::new();
    let mut at_ms = begin;
    let mut kill_at: Vec<i64> = (0..50).map(|_| begin + rng.i64(0..DAY)).collect();
    kill_at.sort_unstable();
    // From one thing that happens to the next: a call, a kill, an attempt that is due.
    let (mut call_at, mut due_at) = (begin + 1, i64::MAX);
    while at_ms < begin + 2 * DAY {
        let next = [Some(&call_at), kill_at.first(), Some(&due_at)].into_iter().flatten().min();
        at_ms = next.copied().unwrap_or(i64::MAX).max(at_ms + 1).min(begin + 2 * DAY);
        if call_at <= at_ms {
            call_at = at_ms + rng.i64(0..20 * MINUTE);
            if call_at >= begin + DAY {
                call_at = i64::MAX;
            }
            calls += 1;
            let call = if rng.bool() { abandoned(&format!("{calls}.1")) } else { answered(&format!("{calls}.1")) };
            store.write(&[fresh(call)]).unwrap();
        }
        if kill_at.first().is_some_and(|kill| *kill <= at_ms) {
            kill_at.remove(0);
            kills += 1;
            drop(store);
            store = configured(&place);
            (reader, queue) = load(&place);
        }
        loop {
            let message = match queue.due(&reader, &endpoint, at_ms).unwrap() {
                Due::Send(message) => *message,
                Due::News(note) => {
                    note.iter().for_each(|note| assert!(store.webhook(note).is_ok()));
                    due_at = i64::MAX;
                    break;
                }
                Due::At(next) => {
                    due_at = next;
                    break;
                }
            };
            let up = at_ms >= begin + DAY;
            let answer = match rng.u32(..if up { 3 } else { 6 }) {
                // It has taken it, and nobody learns of it.
                0 if rng.bool() => {
                    taken.push((message.id.clone(), message.body.clone()));
                    Answer::Nothing("reset".to_owned())
                }
                0..3 if up => {
                    taken.push((message.id.clone(), message.body.clone()));
                    Answer::Status(204, None)
                }
                0..3 => Answer::Nothing("refused".to_owned()),
                3 => Answer::Status(503, Some(1_000)),
                4 => Answer::Status(302, None),
                _ => Answer::Status(500, None),
            };
            let (note, _) = queue.answered(message, answer, "", (at_ms, 10), rng.f64());
            // A kill between the answer and the note.
            if rng.u32(..20) == 0 {
                (reader, queue) = load(&place);
                due_at = at_ms;
                break;
            }
            store.webhook(&note).unwrap();
        }
    }
    assert_eq!(kills, 50);
    assert!(calls > 100, "{calls}");
    let mut once: Vec<String> = Vec::new();
    let mut bodies: BTreeMap<String, String> = BTreeMap::new();
    let mut again = 0;
    for (id, body) in taken {
        if bodies.get(&id).is_some_and(|before| *before == body) {
            again += 1;
            continue;
        }
        assert_eq!(bodies.insert(id.clone(), body), None, "two bodies of one id");
        once.push(id);
    }
    assert!(again > 0, "nothing was sent twice: the test proves nothing");
    let uuid = reader.identity().unwrap();
    let expected: Vec<String> = (1..=calls).map(|seq| format!("msg_{uuid}_{seq}")).collect();
    assert_eq!(once, expected, "in order, each once");
    assert_eq!(reader.webhook("crm").unwrap().unwrap().failing_ms, None);
    assert_eq!(reader.webhook_message_in("crm", MessageState::GivenUp).unwrap(), None);
}

#[test]
fn a_message_says_what_a_task_in_a_crm_needs() {
    let place = Place::new();
    let mut store = configured(&place);
    store.write(&[ago(3_600_000, answered("0.1"))]).unwrap();
    let elsewhere = FinishedCall { pbx: PbxId::new("branch"), agent: Some("PJSIP/105".into()), ..answered("0.2") };
    store.write(&[ago(1_800_000, elsewhere)]).unwrap();
    store.write(&[fresh(abandoned("1.1"))]).unwrap();
    let message = sent(&place, &endpoint(""));
    let body: Value = serde_json::from_str(&message.body).unwrap();
    assert_eq!(body["type"], "call.missed");
    assert!(body["timestamp"].as_str().unwrap().ends_with('Z'), "{body}");
    let data = &body["data"];
    for (field, value) in [
        ("site", "berlin"),
        ("pbx", "pbx"),
        ("linkedid", "1.1"),
        ("quality", "full"),
        ("status", "CANCEL"),
        ("outcome", "QUEUE_ABANDON"),
        ("why", "waited in queue sales for 37.0 s; the customer hung up first; nobody had answered"),
        ("number_e164", "+12025550123"),
        ("name", "ACME"),
        ("did", "5550100"),
        ("did_label", "Sales hotline"),
        ("queue", "sales"),
        ("last_agent", "PJSIP/101"),
        ("script", "You wanted an offer"),
    ] {
        assert_eq!(data[field], value, "{field} of {data}");
    }
    assert_eq!((data["rev"].as_i64(), data["wait_s"].as_f64()), (Some(1), Some(41.2)));
    let history = &data["history"];
    assert_eq!((&history["calls"], &history["last"]["pbx"]), (&json!(2), &json!("branch")));
    assert_eq!(history["last_agent"]["agent"], "PJSIP/101", "an agent of this PBX, who talked with them before that");
    assert_eq!((&history["last_agent"]["outcome"], &history["last_agent"]["pbx"]), (&json!("AGENT"), &json!("pbx")));
    assert!(message.body.len() < 20_000);
    assert_eq!(message.id, format!("msg_{}_3", load(&place).0.identity().unwrap()));
}

#[test]
fn a_webhook_of_one_pbx_gets_nothing_of_another() {
    let place = Place::new();
    let mut store = configured(&place);
    let elsewhere = FinishedCall { pbx: PbxId::new("branch"), ..abandoned("1.1") };
    store.write(&[fresh(elsewhere), fresh(abandoned("1.1"))]).unwrap();
    let pbx = |name: &str, port: u16| format!("[[pbx]]\nname = \"{name}\"\naddress = \"127.0.0.1:{port}\"\n");
    let both = pbx("branch", 5038) + &pbx("pbx", 5039);
    let message = sent(&place, &endpoint_of(&both, "pbxs = [\"pbx\"]"));
    assert_eq!(
        (data(&message)["pbx"].as_str(), &*message.id),
        (Some("pbx"), &*format!("msg_{}_2", load(&place).0.identity().unwrap()))
    );
}

#[test]
fn imports_and_what_was_over_for_more_than_a_day_are_not_sent() {
    let place = Place::new();
    let mut store = configured(&place);
    store.write(&[record(abandoned("1.1"))]).unwrap();
    store.record_changes(FeedRules { late: true, ..FeedRules::default() }).unwrap();
    store.write(&[fresh(abandoned("2.1"))]).unwrap();
    store.record_changes(FeedRules::default()).unwrap();
    store.write(&[fresh(abandoned("3.1"))]).unwrap();
    assert_eq!(data(&sent(&place, &endpoint("")))["linkedid"], "3.1");
}

#[test]
fn an_endpoint_that_is_new_begins_with_what_comes_next() {
    let place = Place::new();
    place.recording(FeedRules::default()).write(&[fresh(abandoned("1.1"))]).unwrap();
    let mut store = configured(&place);
    store.write(&[fresh(abandoned("2.1"))]).unwrap();
    assert_eq!(data(&sent(&place, &endpoint("")))["linkedid"], "2.1");
}

#[test]
fn only_the_queues_and_events_that_are_wanted_are_sent() {
    let place = Place::new();
    let mut store = configured(&place);
    let other = FinishedCall { queue: Some("support".into()), ..abandoned("1.1") };
    store.write(&[fresh(other), fresh(answered("2.1")), fresh(abandoned("3.1"))]).unwrap();
    assert_eq!(data(&sent(&place, &endpoint("queues = [\"sales\"]")))["linkedid"], "3.1");
    assert_eq!(data(&sent(&place, &endpoint("events = [\"call.ended\"]")))["linkedid"], "2.1");
}

#[test]
fn what_is_refused_three_times_is_given_up_and_kept_and_the_next_goes_on() {
    let place = Place::new();
    let mut store = configured(&place);
    store.write(&[fresh(abandoned("1.1")), fresh(abandoned("2.1"))]).unwrap();
    let endpoint = endpoint("");
    let mut at_ms = now();
    let first_ms = at_ms;
    for next in [Next::Again(5_000), Next::Again(30_000), Next::GiveUp] {
        let (message, then) = step(&mut store, &place, &endpoint, at_ms, Answer::Status(422, None)).unwrap();
        assert_eq!((data(&message)["linkedid"].as_str(), then), (Some("1.1"), next));
        assert!(
            then == Next::GiveUp || step(&mut store, &place, &endpoint, at_ms, Answer::Status(200, None)).is_none()
        );
        let failing_ms = load(&place).0.webhook("crm").unwrap().unwrap().failing_ms;
        assert_eq!(failing_ms, Some(first_ms), "nothing has been delivered since the first time");
        at_ms += 31_000;
    }
    let (message, _) = step(&mut store, &place, &endpoint, at_ms, Answer::Status(200, None)).unwrap();
    assert_eq!(data(&message)["linkedid"], "2.1");
    let (reader, _) = load(&place);
    let row = reader.webhook("crm").unwrap().unwrap();
    assert_eq!((row.given_up, row.failing_ms, row.behind), (1, None, 0));
    let attempts = reader.webhook_attempts("crm", 1, 10).unwrap();
    assert_eq!(attempts.len(), 3);
    assert_eq!((attempts[0].code, attempts[0].took_ms, attempts[0].answer.as_str()), (Some(422), 10, "text"));

    // A person has it sent once more: it fails, and is kept; then it arrives, with the same id. That it is refused again says nothing new.
    for (answer, failing_ms) in [(422, None), (500, Some(at_ms)), (200, None)] {
        assert_eq!(store.webhook(&WebhookNote::Again("crm".into(), Again::GivenUp)).unwrap(), 1);
        let (message, _) = step(&mut store, &place, &endpoint, at_ms, Answer::Status(answer, None)).unwrap();
        assert!(message.id.ends_with("_1"), "{}", message.id);
        assert_eq!(load(&place).0.webhook("crm").unwrap().unwrap().failing_ms, failing_ms, "{answer}");
    }
    assert_eq!(store.webhook(&WebhookNote::Again("crm".into(), Again::GivenUp)).unwrap(), 0);
    // What was delivered can be sent again for as long as the feed keeps its change.
    assert_eq!(store.webhook(&WebhookNote::Again("crm".into(), Again::One(2))).unwrap(), 1);
    let (message, _) = step(&mut store, &place, &endpoint, at_ms, Answer::Status(200, None)).unwrap();
    assert_eq!(data(&message)["linkedid"], "2.1");
    assert_eq!(store.webhook(&WebhookNote::Again("crm".into(), Again::One(99))).unwrap(), 0);
}

#[test]
fn gone_switches_off_and_what_comes_meanwhile_is_not_kept_for_it() {
    let place = Place::new();
    let mut store = configured(&place);
    store.write(&[fresh(abandoned("1.1"))]).unwrap();
    let endpoint = endpoint("");
    let (_, next) = step(&mut store, &place, &endpoint, now(), Answer::Status(410, None)).unwrap();
    assert_eq!(next, Next::Off);
    drop(store);
    let mut store = configured(&place);
    store.write(&[fresh(abandoned("2.1"))]).unwrap();
    let reader = Reader::open(&place.db).unwrap();
    assert!(Queue::load(&reader, "crm", 5_000).unwrap().is_none(), "off over a restart");
    let sinks: i64 = rusqlite::Connection::open(&place.db)
        .unwrap()
        .query_row("SELECT count(*) FROM sinks", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sinks, 0, "the feed keeps nothing for it");
    let on = WebhookNote::State("crm".into(), WebhookState::Running, "ann".into(), now());
    assert_eq!(store.webhook(&on).unwrap(), 1);
    store.write(&[fresh(abandoned("3.1"))]).unwrap();
    assert_eq!(data(&sent(&place, &endpoint))["linkedid"], "3.1");
    let given_up = WebhookNote::Again("crm".into(), Again::GivenUp);
    assert_eq!(store.webhook(&given_up).unwrap(), 1, "what it has not taken is kept");
    assert_eq!(data(&sent(&place, &endpoint))["linkedid"], "1.1");
}

#[test]
fn an_endpoint_that_is_not_named_any_more_keeps_no_changes() {
    let place = Place::new();
    let mut store = configured(&place);
    store.webhook(&WebhookNote::Configured(vec!["other".to_owned()], now())).unwrap();
    let reader = Reader::open(&place.db).unwrap();
    let names: Vec<String> = reader.webhooks().unwrap().into_iter().map(|row| row.name).collect();
    assert_eq!(names, ["other"]);
}

#[test]
fn fields_and_words_are_sent_by_the_names_that_the_receiver_knows() {
    let place = Place::new();
    let mut store = configured(&place);
    store.write(&[fresh(abandoned("1.1"))]).unwrap();
    let map = "[webhook.map]\nlinkedid = \"external_id\"\nnumber_e164 = \"phone\"\n\"status=CANCEL\" = \"lost\"\n\"status=BUSY\" = \"busy\"\n";
    let message = sent(&place, &endpoint(map));
    let data = data(&message);
    assert_eq!(
        (&data["external_id"], &data["phone"], &data["status"]),
        (&"1.1".into(), &"+12025550123".into(), &"lost".into())
    );
    assert!(data.get("linkedid").is_none() && data.get("number_e164").is_none());
}

#[test]
fn a_cloud_event_has_what_its_standard_requires() {
    let place = Place::new();
    let mut store = configured(&place);
    store.write(&[fresh(abandoned("1.1"))]).unwrap();
    let endpoint = endpoint("format = \"cloudevents\"");
    let message = sent(&place, &endpoint);
    let event: Value = serde_json::from_str(&message.body).unwrap();
    assert_eq!((&event["specversion"], &event["type"]), (&"1.0".into(), &"callbackd.call.missed".into()));
    assert_eq!((&event["source"], &event["subject"]), (&"/callbackd/berlin/pbx".into(), &"1.1".into()));
    assert_eq!(event["id"].as_str(), Some(message.id.as_str()));
    assert_eq!(event["data"]["outcome"], "QUEUE_ABANDON");
    assert!(endpoint.content_type().starts_with("application/cloudevents+json"));
}

#[test]
fn every_field_of_a_message_can_be_renamed() {
    let place = Place::new();
    let mut store = configured(&place);
    store.write(&[fresh(abandoned("1.1"))]).unwrap();
    let fields: Vec<String> = data(&sent(&place, &endpoint(""))).as_object().unwrap().keys().cloned().collect();
    let unknown: Vec<&String> = fields.iter().filter(|field| !is_field(field)).collect();
    assert_eq!(unknown, [] as [&String; 0]);
}

#[test]
fn a_message_for_the_screen_pop_says_whose_phone_rings_for_whom_and_what_is_known_of_them() {
    let place = Place::new();
    let mut store = place.recording(FeedRules { in_progress: true, ..FeedRules::default() });
    store.webhook(&WebhookNote::Configured(vec!["crm".to_owned()], now())).unwrap();
    store.write(&[ago(3_600_000, answered("0.1"))]).unwrap();
    let ringing = CallInProgress {
        pbx: PbxId::new("pbx"),
        linkedid: "1.1".to_owned(),
        number: Some("2025550123".to_owned()),
        number_e164: E164::new("+12025550123").ok(),
        name: Some("ACME".to_owned()),
        did: Some("5550100".to_owned()),
        trunk: None,
        queue: Some("sales".to_owned()),
        agent: Some("PJSIP/102".to_owned()),
        started_ms: now(),
        joined_ms: Some(now()),
        answered_ms: None,
        remarks: None,
    };
    store.write(&[Record::News(Arc::new(News::Ringing(Box::new(ringing))))]).unwrap();
    let message = sent(&place, &endpoint_of("[feed]\nin_progress = true\n", "events = [\"call.ringing\"]"));
    let data = data(&message);
    for (field, value) in [
        ("linkedid", "1.1"),
        ("agent", "PJSIP/102"),
        ("number_e164", "+12025550123"),
        ("did_label", "Sales hotline"),
        ("queue", "sales"),
        ("last_agent", "PJSIP/101"),
        ("script", "You wanted an offer"),
    ] {
        assert_eq!(data[field], value, "{field} of {data}");
    }
    assert_eq!(data["history"]["calls"], 1);
    let fields = data.as_object().unwrap().keys();
    assert!(fields.into_iter().all(|field| is_field(field)), "{data}");
}

#[test]
fn a_message_of_a_code_says_which_one_was_set_or_taken_off() {
    let endpoint = endpoint("events = [\"call.tagged\"]");
    for removed in [false, true] {
        let place = Place::new();
        let mut store = configured(&place);
        let tag = Tag { code: "SPAM".into(), note: "asked for money".into(), by: "ann".into(), at_ms: now() };
        let tags = if removed { vec![tag.clone()] } else { Vec::new() };
        store.write(&[fresh(FinishedCall { tags, ..answered("1.1") })]).unwrap();
        let change = TagChange { pbx: PbxId::new("pbx"), linkedid: "1.1".into(), tag, removed };
        store.write(&[Record::Tag(Box::new(change))]).unwrap();
        let data = data(&sent(&place, &endpoint));
        let said = ["code", "note", "by", "removed"].map(|field| data[field].clone());
        assert_eq!(said, ["SPAM".into(), "asked for money".into(), "ann".into(), Value::Bool(removed)]);
        assert_eq!(data["tags"].as_array().unwrap().is_empty(), removed);
        assert!(data.as_object().unwrap().keys().all(|field| is_field(field)), "{data}");
    }
}
