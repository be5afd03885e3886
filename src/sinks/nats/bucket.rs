//! The buckets of a group of sites: key-value stores of JetStream, of which each key keeps its last value. One has an entry for each customer, the other
//! the do-not-call list.

use super::jetstream::Kept;
use super::subject::part;
use callbackd_core::callbacks::group::entry::{Entry, Service};
use callbackd_core::millis::Millis;
use callbackd_core::model::text::is_harmful;
use callbackd_core::model::{DoNotCall, E164, GroupDnc, RecoveredBy};
use serde_json::{Value, json};

/// Longest text of another site that is taken over, characters.
const MAX_TEXT: usize = 500;
/// No moment of another site's is later, and no time longer: the end of the year 9999.
const MAX_MS: Millis = 253_402_300_799_999;

/// The digits of a number, which may stand in a key as they are.
fn digits(number: &E164) -> &str {
    number.trim_start_matches('+')
}

/// The key of a customer's entry.
pub(crate) fn customer(group: &str, number: &E164) -> String {
    format!("$KV.{group}.n.{}", digits(number))
}

/// A key that each site has for itself: what is put there shows the server's time.
pub(crate) fn clock(group: &str, site: &str) -> String {
    // Keys know no `%`, and parts of subjects no `=`.
    format!("$KV.{group}.now.{}", part(site).replace('%', "="))
}

/// The key of a number on the do-not-call list.
pub(crate) fn listed(group: &str, number: &E164) -> String {
    format!("$KV.{group}-dnc.n.{}", digits(number))
}

/// All of these.
pub(crate) fn all_listed(group: &str) -> String {
    format!("$KV.{group}-dnc.n.*")
}

/// An entry as it is kept.
pub(crate) fn written(entry: &Entry) -> Vec<u8> {
    let served = entry.served.as_ref().map(|(site, service)| {
        json!({ "site": site, "by": service.by.as_str(), "began_ms": service.began_ms, "ended_ms": service.ended_ms })
    });
    let Entry { site, db, lease_ms, rest_ms, .. } = entry;
    let entry = json!({ "site": site, "db": db, "lease_ms": lease_ms, "rest_ms": rest_ms, "served": served });
    entry.to_string().into_bytes()
}

/// An entry as it was kept; an empty one for what none of ours has written.
pub(crate) fn read(body: &[u8]) -> Entry {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let ms = |value: &Value| ms(value).unwrap_or_default();
    let served = &value["served"];
    let by = served["by"].as_str().and_then(RecoveredBy::from_text);
    let service = by.map(|by| Service { by, began_ms: ms(&served["began_ms"]), ended_ms: ms(&served["ended_ms"]) });
    Entry {
        site: text(&value["site"]),
        db: text(&value["db"]),
        lease_ms: ms(&value["lease_ms"]),
        rest_ms: ms(&value["rest_ms"]),
        served: service.map(|service| (text(&served["site"]), service)),
    }
}

/// The key of the marks in an order: of each database, the last change by which it ordered something of the number.
const MARKS: &str = "marks";

/// An order about a number of the do-not-call list, as it is kept; `entry`: as the feed has it. `change`: the database and the number of the change that
/// is the order. `None` if it has been given already, though others have come after it: `before` is the last one.
pub(crate) fn written_dnc(
    site: &str,
    entry: Option<&Value>,
    change: Option<(&str, i64)>,
    before: Option<&[u8]>,
) -> Option<Vec<u8>> {
    let before: Value = before.and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
    let mut order = json!({ "site": site, "entry": entry, MARKS: before[MARKS] });
    if let Some((db, seq)) = change {
        if before[MARKS][db].as_i64().is_some_and(|known| known >= seq) {
            return None;
        }
        if !order[MARKS].is_object() {
            order[MARKS] = json!({});
        }
        order[MARKS][db] = json!(seq);
    }
    Some(order.to_string().into_bytes())
}

/// An order as it was kept; `None` if it is none.
pub(crate) fn read_dnc(kept: &Kept) -> Option<GroupDnc> {
    let number_e164 = E164::new(&format!("+{}", kept.subject.rsplit('.').next()?)).ok()?;
    let value: Value = serde_json::from_slice(&kept.body).ok()?;
    let entry = &value["entry"];
    let known = || DoNotCall {
        number_e164: number_e164.clone(),
        reason: text(&entry["reason"]),
        by: text(&entry["by"]),
        added_ms: ms(&entry["added_ms"]).unwrap_or(kept.at_ms),
        until_ms: ms(&entry["until_ms"]),
        code: entry["code"].as_str().map(|_| text(&entry["code"])),
        by_hand_until_ms: ms(&entry["by_hand_until_ms"]),
    };
    let entry = entry.is_object().then(known);
    Some(GroupDnc { number_e164, entry, site: text(&value["site"]) })
}

fn ms(value: &Value) -> Option<Millis> {
    value.as_i64().map(|ms| ms.clamp(0, MAX_MS))
}

/// As texts of people are taken.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().chars().filter(|c| !is_harmful(*c)).take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn an_entry_comes_back_as_it_was_written_and_what_is_none_is_empty() {
        let service = Service { by: RecoveredBy::Agent, began_ms: 5, ended_ms: 9 };
        let entry = Entry::default().claimed("berlin", "0a1b", 90_000).served_by("köln", service, 10);
        assert_eq!(read(&written(&entry)), entry);
        assert_eq!(read(&written(&entry.clone().released(7))).lease_ms, 0);
        for odd in [&b""[..], b"null", b"[1]", b"{\"lease_ms\":-5}", b"{\"served\":{\"by\":\"nobody\"}}"] {
            assert_eq!(read(odd), Entry::default(), "{}", String::from_utf8_lossy(odd));
        }
    }

    #[test]
    fn texts_and_moments_of_other_sites_have_bounds_and_texts_move_no_cursor() {
        let served = format!("{{\"by\":\"agent\",\"site\":\"a\\nb\\u202ec\",\"ended_ms\":{}}}", i64::MAX);
        let body = format!("{{\"site\":\"{}\",\"lease_ms\":{},\"served\":{served}}}", "x".repeat(9_000), i64::MAX);
        let entry = read(body.as_bytes());
        assert_eq!((entry.site.len(), entry.lease_ms), (MAX_TEXT, MAX_MS));
        let (site, service) = entry.served.unwrap();
        assert_eq!((site.as_str(), service.ended_ms), ("abc", MAX_MS));
    }

    #[test]
    fn an_order_comes_back_as_it_was_written_with_the_number_of_its_key() {
        let number_e164 = E164::new("+12025550123").unwrap();
        let entry = DoNotCall {
            number_e164: number_e164.clone(),
            reason: "asked".to_owned(),
            by: "ann".to_owned(),
            added_ms: 5,
            until_ms: Some(9),
            code: None,
            by_hand_until_ms: None,
        };
        let kept = |body: Vec<u8>, key: &str| Kept {
            seq: 1,
            subject: key.to_owned(),
            at_ms: 3,
            headers: Bytes::new(),
            body: body.into(),
        };
        let value = serde_json::to_value(&entry).unwrap();
        let key = listed("callbackd", &number_e164);
        let added = read_dnc(&kept(written_dnc("berlin", Some(&value), None, None).unwrap(), &key)).unwrap();
        assert_eq!((added.entry, added.number_e164.clone()), (Some(entry), number_e164));
        assert_eq!(read_dnc(&kept(written_dnc("berlin", None, None, None).unwrap(), &key)).unwrap().entry, None);
        assert_eq!(read_dnc(&kept(b"nothing".to_vec(), &key)), None);
        assert_eq!(read_dnc(&kept(written_dnc("x", None, None, None).unwrap(), "$KV.callbackd-dnc.n.x")), None);
        assert_eq!(clock("callbackd", "Köln 2"), "$KV.callbackd.now.K=C3=B6ln=202");
    }

    #[test]
    fn an_order_that_was_given_is_not_given_again_after_those_of_others() {
        let first = written_dnc("berlin", None, Some(("a", 5)), None).unwrap();
        let second = written_dnc("köln", None, Some(("b", 90)), Some(&first)).unwrap();
        assert_eq!(written_dnc("berlin", None, Some(("a", 5)), Some(&second)), None);
        assert_eq!(written_dnc("köln", None, Some(("b", 90)), Some(&second)), None);
        assert!(written_dnc("berlin", None, Some(("a", 6)), Some(&second)).is_some());
    }
}
