//! Codes of calls over the API, by command and on a page: set, listed, counted, taken off; and what is refused.

use crate::front::{Front, http};
use crate::pages::{ask, logged_in, token, with_pages};
use crate::ports::free_port;
use crate::stored::{abandoned, answered, record};
use callbackd::store::Store;
use callbackd_core::model::{E164, FinishedCall};
use serde_json::{Value, json};

/// A daemon whose database has two calls of this minute: 1 was missed, 2 was answered.
fn with_calls() -> Front {
    let front = Front::closed("");
    #[allow(clippy::disallowed_methods, reason = "a callback that is asked for is open from now on")]
    let now = jiff::Timestamp::now().as_millisecond();
    let moved = |call: FinishedCall| {
        let shift = now - 60_000 - call.started_ms;
        let (started_ms, ended_ms) = (call.started_ms + shift, call.ended_ms + shift);
        FinishedCall { started_ms, ended_ms, answered_ms: call.answered_ms.map(|at| at + shift), ..call }
    };
    let other = FinishedCall { number_e164: E164::new("+12025550199").ok(), ..moved(abandoned("1.1")) };
    let calls = [record(other), record(moved(answered("2.1")))];
    assert_eq!(Store::open(&front.site.path("calls.db")).unwrap().write(&calls).unwrap(), []);
    front.started("heartbeat=2000")
}

fn codes_of(front: &Front, call: &str) -> Vec<String> {
    let call = front.get(&format!("/v1/calls/{call}"));
    call["tags"].as_array().unwrap().iter().map(|tag| tag["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_code_is_set_listed_counted_shown_and_taken_off_again() {
    let front = with_calls();
    let set = front.post("/v1/tags", &json!({"call": 2, "code": "follow_up", "note": "wants the price"}));
    assert_eq!((&set["tag"]["code"], &set["tag"]["note"]), (&json!("FOLLOW_UP"), &json!("wants the price")));
    assert_eq!(
        (&set["callback"]["id"], &set["callback"]["state"], &set["no_callback"]),
        (&json!(1), &json!("WAITING"), &Value::Null)
    );
    let spam = front.post("/v1/tags", &json!({"call": "1.1", "code": "SPAM"}));
    assert_eq!(
        (&spam["callback"], &spam["do_not_call"]["number_e164"]),
        (&Value::Null, &json!("+12025550199")),
        "{spam}"
    );
    assert_eq!((codes_of(&front, "2"), codes_of(&front, "1")), (vec!["FOLLOW_UP".to_owned()], vec!["SPAM".to_owned()]));
    let page = front.get("/v1/tags?limit=1");
    assert_eq!((page.as_array().unwrap().len(), &page[0]["call_id"]), (1, &json!(2)));
    let only = front.get("/v1/tags?code=spam");
    assert_eq!((only.as_array().unwrap().len(), &only[0]["linkedid"]), (1, &json!("1.1")));
    let counted = |code: &str| {
        let codes = front.get("/v1/codes");
        codes.as_array().unwrap().iter().find(|row| row["code"] == *code).unwrap()["calls"].clone()
    };
    assert_eq!((counted("FOLLOW_UP"), counted("SPAM"), counted("BUSY")), (json!(1), json!(1), json!(0)));
    assert_eq!(front.get("/v1/calls?tag=SPAM")[0]["linkedid"], json!("1.1"));
    // What the codes mean is done.
    let callback = front.get("/v1/callbacks?open=true")[0].clone();
    assert_eq!(
        (&callback["requested"], &callback["reason"], &callback["missed_count"]),
        (&json!(true), &json!("DELAY"), &json!(0))
    );
    assert_eq!(front.get("/v1/dnc")[0]["reason"], json!("SPAM"));
    // The feed tells it, with the row as it is.
    let told = front.get("/v1/changes?kind=call.tagged");
    let told = told["changes"].as_array().unwrap();
    assert_eq!((told.len(), &told[0]["payload"]["code"], &told[0]["rev"]), (2, &json!("FOLLOW_UP"), &json!(2)));
    assert_eq!(told[0]["row"]["tags"][0]["code"], json!("FOLLOW_UP"));

    let removed = front.ask("DELETE", "/v1/tags/2/FOLLOW_UP", &Value::Null);
    assert_eq!((removed.0, &removed.1["removed"]["code"]), (200, &json!("FOLLOW_UP")));
    assert_eq!(codes_of(&front, "2"), [""; 0]);
    assert_eq!(front.get("/v1/callbacks?open=true"), json!([]));
    assert_eq!(front.ask("DELETE", "/v1/tags/2/FOLLOW_UP", &Value::Null).0, 404);
}

#[test]
fn a_number_stays_on_the_do_not_call_list_until_the_last_code_is_off_its_calls_that_put_it_there() {
    let front = with_calls();
    let db = rusqlite::Connection::open(front.site.path("calls.db")).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
    db.execute("UPDATE calls SET number_e164 = '+12025550199', number = '2025550199'", []).unwrap();
    let listed = || front.get("/v1/dnc").as_array().unwrap().first().map(|entry| entry["reason"].clone());
    let off = |call: u32, code: &str| {
        assert_eq!(front.ask("DELETE", &format!("/v1/tags/{call}/{code}"), &Value::Null).0, 200)
    };
    for (call, code) in [(1, "SPAM"), (2, "SPAM"), (2, "WRONG_NUMBER")] {
        front.post("/v1/tags", &json!({"call": call.to_string(), "code": code}));
    }
    assert_eq!(listed(), Some(json!("WRONG_NUMBER")));
    off(2, "WRONG_NUMBER");
    assert_eq!(listed(), Some(json!("SPAM")));
    off(2, "SPAM");
    assert_eq!(listed(), Some(json!("SPAM")), "the other call has it still");
    off(1, "SPAM");
    assert_eq!(listed(), None);
}

#[test]
fn what_asks_for_a_callback_while_the_number_is_listed_is_followed_once_it_is_not() {
    let front = with_calls();
    let db = rusqlite::Connection::open(front.site.path("calls.db")).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
    db.execute("UPDATE calls SET number_e164 = '+12025550199', number = '2025550199'", []).unwrap();
    front.post("/v1/tags", &json!({"call": 1, "code": "SPAM"}));
    front.post("/v1/tags", &json!({"call": 2, "code": "FOLLOW_UP"}));
    assert_eq!(front.get("/v1/callbacks"), json!([]));
    let off = |code: &str| assert_eq!(front.ask("DELETE", &format!("/v1/tags/1/{code}"), &Value::Null).0, 200);
    off("SPAM");
    let made = front.get("/v1/callbacks?open=true");
    assert_eq!((made.as_array().unwrap().len(), &made[0]["code"]), (1, &json!("FOLLOW_UP")));
    // It is followed once.
    front.post("/v1/callbacks/1/cancel", &json!({}));
    front.post("/v1/tags", &json!({"call": 1, "code": "SPAM"}));
    off("SPAM");
    assert_eq!(front.get("/v1/callbacks?open=true"), json!([]));
}

/// What is read for the one must not be old when it is done.
#[test]
fn a_code_that_is_set_at_the_moment_in_which_another_call_loses_it_keeps_the_number_on_the_list() {
    let front = with_calls();
    let db = rusqlite::Connection::open(front.site.path("calls.db")).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
    db.execute("UPDATE calls SET number_e164 = '+12025550199', number = '2025550199'", []).unwrap();
    let socket = front.socket();
    let asks = |method: &str, path: &str, body: &str| assert_eq!(http(&socket, method, path, body).unwrap().0, 200);
    let sets = |call: &str| asks("POST", "/v1/tags", &json!({"call": call, "code": "SPAM"}).to_string());
    let takes_off = |call: &str| asks("DELETE", &format!("/v1/tags/{call}/SPAM"), "");
    for round in 0..20 {
        sets("1");
        std::thread::scope(|threads| {
            threads.spawn(|| takes_off("1"));
            threads.spawn(|| sets("2"));
        });
        assert_eq!(front.get("/v1/dnc").as_array().unwrap().len(), 1, "call 2 has it, round {round}");
        takes_off("2");
        assert_eq!(front.get("/v1/dnc"), json!([]), "round {round}");
    }
}

#[test]
fn a_code_that_nothing_knows_is_refused_as_a_filter_and_one_that_a_call_has_is_taken() {
    let front = with_calls();
    for (path, field) in [("/v1/tags?code=NOPE", "code"), ("/v1/calls?tag=nope", "tag")] {
        let (status, answer) = front.ask("GET", path, &Value::Null);
        assert_eq!((status, &answer["field"]), (400, &json!(field)), "{answer}");
        assert!(answer["fix"].as_str().unwrap().starts_with("there are `ABANDONED`, `BUSY`"), "{answer}");
    }
    assert_eq!(front.get("/v1/calls?tag=meeting_set"), json!([]), "it is shipped, and no call has it");
    for path in ["/v1/calls?queue=salse", "/v1/callbacks?queue=salse"] {
        let (status, answer) = front.ask("GET", path, &Value::Null);
        assert_eq!((status, &answer["field"]), (400, &json!("queue")), "{answer}");
        assert!(answer["fix"].as_str().unwrap().contains("sales"), "{answer}");
    }
    assert_ne!(front.get("/v1/calls?queue=SALES"), json!([]), "whatever its capital letters");
}

#[test]
fn what_cannot_be_set_is_refused_with_the_reason() {
    let front = with_calls();
    for (body, status, words) in [
        (json!({"call": "2", "code": "LUNCH"}), 400, "there is no code LUNCH"),
        (json!({"call": "99", "code": "SPAM"}), 404, "there is no call 99"),
        (json!({"call": "2", "pbx": "berlin", "code": "SPAM"}), 400, "berlin"),
        (json!({"call": "2", "code": "callback_at"}), 400, "CALLBACK_AT is what a customer says"),
        (json!({"call": 2.1, "code": "SPAM"}), 400, "a call's row id, or its linkedid in quotes"),
        (json!({"call": "2"}), 400, "`code` is needed"),
        (json!({"call": "2", "code": "SPAM", "by": "x"}), 400, "unknown field `by`"),
    ] {
        let (found, answer) = front.ask("POST", "/v1/tags", &body);
        let error = answer["error"].as_str().unwrap();
        assert!(found == status && error.contains(words), "{found} {error}");
    }
    assert_eq!(front.ask("GET", "/v1/tags?after=x", &Value::Null).0, 400);
    assert_eq!(front.get("/v1/tags"), json!([]));
}

/// A note is kept without what no person can read, and cut; a body has an end.
#[test]
fn a_long_note_is_cut_and_set_again_as_often_as_one_likes_it_is_one() {
    let front = with_calls();
    for at in 0..60 {
        let note = format!("{at} \u{202e}\r\n{}", "x".repeat(8_000));
        let (status, answer) = front.ask("POST", "/v1/tags", &json!({"call": "2", "code": "SPAM", "note": note}));
        assert_eq!(status, 200, "{answer}");
    }
    assert_eq!(codes_of(&front, "2"), ["SPAM"]);
    let kept = front.get("/v1/tags").to_string();
    assert!(kept.contains("59 xxx") && !kept.contains("202e") && kept.len() < 2_000, "{} {kept:.200}", kept.len());
    let huge = json!({"call": "2", "code": "SPAM", "note": "x".repeat(20_000)});
    let (status, answer) = front.ask("POST", "/v1/tags", &huge);
    assert!((400..500).contains(&status), "{status} {answer}");
    assert_eq!(front.get("/v1/tags").to_string(), kept);
}

#[test]
fn the_commands_set_a_code_take_it_off_and_list_all() {
    let front = with_calls();
    let said = front.run(&["tag", "2", "deal_closed", "--note", "order 4711"]);
    assert_eq!((said.code, said.out.trim()), (0, "call 2 has DEAL_CLOSED"), "{said:?}");
    let listed = front.run(&["codes"]).out;
    let line = listed.lines().find(|line| line.starts_with("DEAL_CLOSED")).unwrap();
    assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["DEAL_CLOSED", "1", "Deal", "closed", "sales", "✔"]);
    assert!(listed.contains("called back after 1 d") && listed.contains("not called for 365 d"), "{listed}");
    let json = front.run(&["codes", "--json", "--days", "1"]).out;
    assert!(json.contains("\"code\":\"DEAL_CLOSED\",\"label\":\"Deal closed\""), "{json}");
    let shown = front.run(&["calls", "show", "2"]).out;
    assert!(shown.contains("DEAL_CLOSED") && shown.contains("order 4711"), "{shown}");
    let said = front.run(&["tag", "2", "DEAL_CLOSED", "--remove"]);
    assert_eq!((said.code, said.out.trim()), (0, "call 2 no longer has DEAL_CLOSED"), "{said:?}");
    let said = front.run(&["tag", "2", "SALE"]);
    assert!(said.code != 0 && said.err.contains("there is no code SALE"), "{said:?}");
    let said = front.run(&["tag", "2", "SPAM", "--remove", "--note", "x"]);
    assert!(said.code != 0 && said.err.contains("--note"), "{said:?}");
}

#[test]
fn a_code_is_set_on_the_page_of_its_call_by_who_may() {
    let port = free_port();
    let front = with_pages(port);
    let reads = logged_in(port, &token(&front, "read", "read"));
    let operates = logged_in(port, &token(&front, "operate", "operate"));
    let page = |cookie: &str| ask(port, "GET", "/calls/1", &[("Cookie", cookie)], "").body;
    assert!(!page(&reads).contains("/calls/1/tags"));
    let shown = page(&operates);
    let key = shown.split("name=\"form_key\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(shown.contains("DEAL_CLOSED · Deal closed"), "{shown}");
    let own = [("Cookie", operates.as_str()), ("Origin", "http://localhost")];
    let post = |body: &str| ask(port, "POST", "/calls/1/tags", &own, body);
    assert_eq!(post("code=DEAL_CLOSED").status, 403, "without the form's key");
    let set = post(&format!("form_key={key}&code=DEAL_CLOSED&note=%3Cb%3E"));
    assert!(set.status == 303 && set.head.contains("location: /calls/1"), "{}", set.head);
    let shown = page(&operates);
    assert!(shown.contains("<code>DEAL_CLOSED</code>") && shown.contains("&lt;b&gt;"), "{shown}");
    assert!(shown.contains("token operate of "), "{shown}");
    assert_eq!(post(&format!("form_key={key}&code=LUNCH")).status, 400);
    assert_eq!(post(&format!("form_key={key}&remove=DEAL_CLOSED")).status, 303);
    assert!(!page(&reads).contains("<code>DEAL_CLOSED</code>"));
    assert_eq!(ask(port, "POST", "/calls/999/tags", &own, &format!("form_key={key}&code=SPAM")).status, 404);
}
