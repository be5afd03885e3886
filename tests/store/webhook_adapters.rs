//! What other programs receive of a change, and what is made of their answers: a table of JSON for each.

use callbackd::config::Format;
use callbackd::webhook::Answer;
use callbackd::webhook::adapters::{Http, Message, Reply, Request, Settings, Step, next};
use serde_json::{Value, json};

fn settings() -> Settings {
    Settings { token: "T0K".to_owned(), to: "-100".to_owned(), responsible: Some(7), zone: None }
}

/// A missed call, with these fields otherwise.
fn missed(other: &Value) -> Value {
    let mut data = json!({
        "pbx": "lab", "linkedid": "1.1", "direction": "inbound", "status": "CANCEL", "outcome": "QUEUE_ABANDON",
        "why": "waited in queue sales for 37.0 s; the customer hung up first", "number": "2025550123", "number_e164": "+12025550123",
        "name": "ACME", "did": "5550100", "did_label": "Sales hotline", "queue": "sales", "last_agent": "PJSIP/101",
        "started": "2026-11-28T09:30:12.000Z", "ended": "2026-11-28T09:30:53.200Z", "talk_s": 0.0,
        "history": { "calls": 3, "last": { "at": "2026-11-27T10:00:00.000Z" } },
        "callback": { "id": 4, "state": "PENDING", "due": "2026-11-28T09:35:00.000Z" }, "script": "You wanted an offer",
    });
    for (field, value) in other.as_object().into_iter().flatten() {
        data[field] = value.clone();
    }
    data
}

fn answered() -> Value {
    missed(&json!({ "status": "ANSWER", "outcome": "AGENT", "agent": "PJSIP/101", "talk_s": 61.4, "callback": null }))
}

fn reply(code: u16, body: &Value) -> Reply {
    Reply { code, retry_after_ms: None, text: if body.is_null() { String::new() } else { body.to_string() } }
}

/// An answer that says nothing: none that is whole, or none in JSON.
fn silent() -> [Reply; 3] {
    ["", "{\"result\":{\"CONTACT\":[1", "<html>"].map(|text| Reply {
        code: 200,
        retry_after_ms: None,
        text: text.to_owned(),
    })
}

/// Plays a whole exchange: what is asked, in words and JSON, each answered in turn; and what it came to.
fn played(format: Format, kind: &str, data: &Value, answers: &[(u16, Value)]) -> (Vec<(String, Value)>, Answer) {
    let (mut asked, mut given) = (Vec::new(), Vec::new());
    loop {
        let message = Message { id: "msg_0a1b_1", kind, data };
        match next(format, &settings(), message, &given).expect("a format with words of its own") {
            Step::Done(answer) => {
                assert_eq!(given.len(), answers.len(), "not all answers were wanted: {asked:?}");
                return (asked, answer);
            }
            Step::Send(Request::Mail(text)) => asked.push(("mail".to_owned(), Value::String(text))),
            Step::Send(Request::Http(Http { get, path, body, headers })) => {
                assert_eq!(headers.iter().any(|(name, _)| *name == "content-type"), !get, "{headers:?}");
                let body = if get { Value::Null } else { serde_json::from_str(&body).unwrap() };
                asked.push((path, body));
            }
        }
        let (code, body) = answers.get(given.len()).unwrap_or_else(|| panic!("unexpected: {asked:?}"));
        given.push(reply(*code, body));
    }
}

fn paths(asked: &[(String, Value)]) -> Vec<&str> {
    asked.iter().map(|(path, _)| path.as_str()).collect()
}

const GOOD: Answer = Answer::Status(200, None);

fn waits(answer: &Answer) -> bool {
    matches!(answer, Answer::Nothing(_))
}

mod zammad {
    use super::*;

    /// As `Cti::Log.process` says them.
    fn unknown() -> (u16, Value) {
        (500, json!({ "error": "No such call_id lab-1.1" }))
    }

    fn events(asked: &[(String, Value)]) -> Vec<&str> {
        assert!(asked.iter().all(|(path, body)| path == "/api/v1/cti/T0K" && body["callId"] == "lab-1.1"), "{asked:?}");
        asked.iter().map(|(_, body)| body["event"].as_str().unwrap()).collect()
    }

    #[test]
    fn a_call_that_it_has_followed_is_ended_by_one_request() {
        let (asked, answer) = played(Format::Zammad, "call.missed", &missed(&json!({})), &[(200, json!({}))]);
        let expected = json!({
            "event": "hangup", "from": "12025550123", "to": "5550100", "direction": "in", "callId": "lab-1.1", "queue": "sales",
            "cause": "cancel"
        });
        assert_eq!((&asked[0].1, answer), (&expected, GOOD));
    }

    #[test]
    fn a_call_that_it_does_not_know_is_sent_from_the_beginning_in_order() {
        let well = (200, json!({}));
        let answers = [unknown(), well.clone(), well.clone(), well.clone()];
        let (asked, answer) = played(Format::Zammad, "call.ended", &answered(), &answers);
        assert_eq!((events(&asked), answer), (vec!["hangup", "newCall", "answer", "hangup"], GOOD));
        assert_eq!((&asked[2].1["user"], &asked[2].1["answeringNumber"]), (&json!("PJSIP/101"), &json!("101")));
        let (asked, _) = played(Format::Zammad, "call.missed", &missed(&json!({})), &[unknown(), well.clone(), well]);
        assert_eq!(
            events(&asked),
            ["hangup", "newCall", "hangup"],
            "a hangup while nobody answered is a missed call there"
        );
    }

    #[test]
    fn a_beginning_that_was_sent_before_is_done() {
        for words in ["call_id lab-1.1 already exists!", "Object already exists!", "This object already exists."] {
            let again = [(500, json!({ "error": words }))];
            let (asked, answer) = played(Format::Zammad, "call.started", &missed(&json!({})), &again);
            assert_eq!((events(&asked), answer), (vec!["newCall"], GOOD));
        }
    }

    #[test]
    fn a_server_in_trouble_is_asked_again_and_a_token_that_is_wrong_waits() {
        let (_, answer) = played(Format::Zammad, "call.missed", &missed(&json!({})), &[(502, json!(null))]);
        assert_eq!(answer, Answer::Status(502, None));
        let (_, answer) = played(Format::Zammad, "call.missed", &missed(&json!({})), &[unknown(), unknown()]);
        assert_eq!(answer, Answer::Status(500, None));
        for code in [401, 403, 404] {
            let (_, answer) = played(Format::Zammad, "call.missed", &missed(&json!({})), &[(code, json!(null))]);
            assert!(waits(&answer), "{answer:?}");
        }
    }

    #[test]
    fn an_integration_that_is_switched_off_is_waited_for() {
        for words in [
            "Feature is disabled, please contact your administrator!",
            "Feature not configured, please contact your admin!",
        ] {
            let off = [(422, json!({ "error": words }))];
            for (kind, data) in [("call.missed", missed(&json!({}))), ("call.started", missed(&json!({})))] {
                let (asked, answer) = played(Format::Zammad, kind, &data, &off);
                assert!(asked.len() == 1 && waits(&answer), "{answer:?}");
            }
        }
        let hidden = (500, json!({ "error": "Error ID x1y2z3: Please contact your administrator." }));
        let well = (200, json!({}));
        let (asked, _) = played(Format::Zammad, "call.missed", &missed(&json!({})), &[hidden, well.clone(), well]);
        assert_eq!(events(&asked), ["hangup", "newCall", "hangup"], "it may be that it does not know the call");
    }

    #[test]
    fn a_call_out_and_a_withheld_number_have_their_forms() {
        let out = missed(&json!({ "direction": "outbound", "agent": "PJSIP/101", "status": "BUSY" }));
        let (asked, _) = played(Format::Zammad, "call.ended", &out, &[(200, json!({}))]);
        let body = &asked[0].1;
        assert_eq!(
            (&body["from"], &body["to"], &body["direction"]),
            (&json!("101"), &json!("12025550123"), &json!("out"))
        );
        assert_eq!(body["cause"], "busy");
        let withheld = missed(&json!({ "number": null, "number_e164": null }));
        let (asked, _) = played(Format::Zammad, "call.missed", &withheld, &[(200, json!({}))]);
        assert_eq!(asked[0].1["from"], "anonymous");
    }
}

mod amocrm {
    use super::*;

    fn added() -> (u16, Value) {
        (200, json!({ "_total_items": 1, "_embedded": { "calls": [{ "id": 1, "entity_id": 2 }] } }))
    }

    fn not_added() -> (u16, Value) {
        (200, json!({ "_total_items": 0, "errors": [{ "title": "Entity not found" }], "_embedded": { "calls": [] } }))
    }

    #[test]
    fn a_call_of_a_known_number_is_one_request() {
        let (asked, answer) = played(Format::AmoCrm, "call.ended", &answered(), &[added()]);
        let call = json!([{
            "direction": "inbound", "uniq": "lab-1.1", "duration": 61, "source": "callbackd", "phone": "+12025550123", "call_status": 4,
            "call_result": "waited in queue sales for 37.0 s; the customer hung up first", "responsible_user_id": 7,
            "created_at": 1795858212
        }]);
        assert_eq!((asked, answer), (vec![("/api/v4/calls".to_owned(), call)], GOOD));
    }

    #[test]
    fn an_unknown_number_becomes_a_lead_with_a_contact_to_which_the_call_is_added() {
        let none = (204, json!(null));
        let lead = (200, json!([{ "id": 11, "contact_id": 12 }]));
        let answers = [not_added(), none.clone(), none, lead, added()];
        let (asked, answer) = played(Format::AmoCrm, "call.missed", &missed(&json!({})), &answers);
        let expected = [
            "/api/v4/calls",
            "/api/v4/contacts?limit=1&query=12025550123",
            "/api/v4/companies?limit=1&query=12025550123",
            "/api/v4/leads/complex",
            "/api/v4/calls",
        ];
        assert_eq!((paths(&asked), answer), (expected.to_vec(), GOOD));
        let lead = &asked[3].1[0];
        assert_eq!(lead["name"], "Missed call from +12025550123");
        let contact = &lead["_embedded"]["contacts"][0];
        assert_eq!(contact["first_name"], "ACME");
        assert_eq!(contact["custom_fields_values"][0]["field_code"], "PHONE");
        assert_eq!(contact["custom_fields_values"][0]["values"][0]["value"], "+12025550123");
    }

    #[test]
    fn a_repetition_that_is_refused_makes_no_lead() {
        let contact = (200, json!({ "_embedded": { "contacts": [{ "id": 5 }] } }));
        let (asked, answer) = played(Format::AmoCrm, "call.missed", &missed(&json!({})), &[not_added(), contact]);
        assert_eq!((asked.len(), answer), (2, GOOD));
        let company = (200, json!({ "_embedded": { "companies": [{ "id": 5 }] } }));
        let answers = [not_added(), (204, json!(null)), company];
        assert_eq!(played(Format::AmoCrm, "call.missed", &missed(&json!({})), &answers).1, GOOD);
    }

    #[test]
    fn each_way_to_miss_a_call_has_its_number() {
        for (other, number) in [
            (json!({ "status": "NOANSWER" }), 6),
            (json!({ "status": "BUSY" }), 7),
            (json!({ "status": "CANCEL", "voicemail": true }), 1),
        ] {
            let (asked, _) = played(Format::AmoCrm, "call.missed", &missed(&other), &[added()]);
            assert_eq!(asked[0].1[0]["call_status"], number, "{other}");
        }
    }

    #[test]
    fn errors_mean_what_the_vendor_says() {
        let at =
            |code| played(Format::AmoCrm, "call.missed", &missed(&json!({})), &[(code, json!({ "status": code }))]).1;
        for code in [401, 402, 403] {
            assert!(waits(&at(code)), "{code}: the account, not the message");
        }
        for code in [400, 429, 500, 504] {
            assert_eq!(at(code), Answer::Status(code, None));
        }
    }
}

#[test]
fn a_crm_that_does_not_say_whether_it_knows_the_number_is_asked_again_and_gets_no_lead() {
    let data = missed(&json!({}));
    let message = Message { id: "msg_0a1b_1", kind: "call.missed", data: &data };
    let known_to_nobody = reply(200, &json!({ "_embedded": { "calls": [] } }));
    for silent in silent() {
        for (format, answers) in [
            (Format::Bitrix24, vec![silent.clone()]),
            (Format::AmoCrm, vec![silent.clone()]),
            (Format::AmoCrm, vec![known_to_nobody.clone(), silent.clone()]),
        ] {
            match next(format, &settings(), message, &answers) {
                Some(Step::Done(answer)) => assert!(waits(&answer), "{answer:?}"),
                other => panic!("{format:?}: {other:?}"),
            }
        }
    }
}

mod bitrix24 {
    use super::*;

    #[test]
    fn a_missed_call_becomes_a_to_do_of_who_has_the_number() {
        for (found, kind, id) in [
            (json!({ "CONTACT": [4, 5], "LEAD": [1] }), 3, 4),
            (json!({ "LEAD": [1, 2] }), 1, 1),
            (json!({ "COMPANY": [9] }), 4, 9),
        ] {
            let answers = [(200, json!({ "result": found })), (200, json!({ "result": { "id": 243 } }))];
            let (asked, answer) = played(Format::Bitrix24, "call.missed", &missed(&json!({})), &answers);
            assert_eq!(paths(&asked), ["/T0K/crm.duplicate.findbycomm.json", "/T0K/crm.activity.todo.add.json"]);
            assert_eq!(asked[0].1, json!({ "type": "PHONE", "values": ["+12025550123"] }));
            let to_do = &asked[1].1;
            assert_eq!((&to_do["ownerTypeId"], &to_do["ownerId"]), (&json!(kind), &json!(id)));
            assert_eq!((&to_do["deadline"], &to_do["responsibleId"]), (&json!("2026-11-28T09:35:00.000Z"), &json!(7)));
            assert_eq!(to_do["title"], "Missed call from +12025550123");
            assert!(to_do["description"].as_str().unwrap().starts_with("Missed call from +12025550123\nName: ACME\n"));
            assert_eq!(answer, GOOD);
        }
    }

    #[test]
    fn who_is_not_known_becomes_a_lead_first() {
        // PHP writes an empty object as a list.
        let answers =
            [(200, json!({ "result": [] })), (200, json!({ "result": 77 })), (200, json!({ "result": { "id": 1 } }))];
        let (asked, answer) = played(Format::Bitrix24, "call.missed", &missed(&json!({})), &answers);
        assert_eq!(paths(&asked)[1], "/T0K/crm.lead.add.json");
        let fields = &asked[1].1["fields"];
        assert_eq!((&fields["TITLE"], &fields["NAME"]), (&json!("Missed call from +12025550123"), &json!("ACME")));
        assert_eq!(fields["PHONE"], json!([{ "VALUE": "+12025550123", "VALUE_TYPE": "WORK" }]));
        assert_eq!((&asked[2].1["ownerTypeId"], &asked[2].1["ownerId"], answer), (&json!(1), &json!(77), GOOD));
    }

    #[test]
    fn what_a_caller_calls_themselves_is_no_link_no_line_and_turns_nothing() {
        let answers =
            [(200, json!({ "result": [] })), (200, json!({ "result": 77 })), (200, json!({ "result": { "id": 1 } }))];
        let name = json!({ "name": "[b]A[/b]\u{202e}C\u{2028}Why: nothing" });
        let (asked, _) = played(Format::Bitrix24, "call.missed", &missed(&name), &answers);
        assert_eq!(asked[1].1["fields"]["NAME"], "(b)A(/b) C Why: nothing");
        let description = asked[2].1["description"].as_str().unwrap();
        assert!(description.contains("\nName: (b)A(/b) C Why: nothing\n"), "{description}");
        let (asked, _) = played(Format::Telegram, "call.missed", &missed(&name), &[(200, json!({ "ok": true }))]);
        assert!(asked[0].1["text"].as_str().unwrap().contains("\nName: [b]A[/b] C Why: nothing\n"), "{asked:?}");
    }

    #[test]
    fn a_call_that_was_answered_needs_no_to_do() {
        let answers = [(200, json!({ "result": { "CONTACT": [4] } }))];
        assert_eq!(played(Format::Bitrix24, "call.ended", &answered(), &answers).1, GOOD);
        let answers = [(200, json!({ "result": [] })), (200, json!({ "result": 77 }))];
        assert_eq!(played(Format::Bitrix24, "call.ended", &answered(), &answers).1, GOOD);
    }

    #[test]
    fn errors_mean_what_the_vendor_says() {
        let at = |code, error: &str| {
            let answers = [(code, json!({ "error": error, "error_description": "…" }))];
            played(Format::Bitrix24, "call.missed", &missed(&json!({})), &answers).1
        };
        assert_eq!(at(503, "QUERY_LIMIT_EXCEEDED"), Answer::Status(429, None));
        assert_eq!(at(429, "OPERATION_TIME_LIMIT"), Answer::Status(429, None));
        assert_eq!(at(400, "ERROR_CORE"), Answer::Status(400, None));
        assert_eq!(at(503, "OVERLOAD_LIMIT"), Answer::Status(503, None));
        for (code, error) in [
            (401, "NO_AUTH_FOUND"),
            (403, "INVALID_CREDENTIALS"),
            (403, "insufficient_scope"),
            (403, "Access denied"),
            (400, "ACCESS_DENIED"),
            (200, "ERROR_CORE"),
        ] {
            assert!(waits(&at(code, error)), "{error}");
        }
        // What the log has of an answer is a word, whoever has written it.
        assert_eq!(at(200, "ERROR_CORE"), Answer::Nothing("error ERROR_CORE".to_owned()));
        for error in ["12025550123", "a b", "x\r\n<3>store: lost", &"X".repeat(65)] {
            assert_eq!(at(200, error), Answer::Nothing("error without a name".to_owned()), "{error}");
        }
    }
}

mod notices {
    use super::*;

    const TEXT: &str = "Missed call from +12025550123\nName: ACME\nDialled: Sales hotline\nQueue: sales\nAt: 2026-11-28 09:30:12 UTC\n\
        Why: waited in queue sales for 37.0 s; the customer hung up first\nCalled before: 3 times, last 2026-11-27 10:00:00 UTC\n\
        Talked last with: PJSIP/101\nCallback: PENDING, due 2026-11-28 09:35:00 UTC\nSay: You wanted an offer";

    #[test]
    fn a_bot_says_who_was_missed_and_what_is_known_of_them() {
        let (asked, answer) =
            played(Format::Telegram, "call.missed", &missed(&json!({})), &[(200, json!({ "ok": true }))]);
        assert_eq!(asked, [("/botT0K/sendMessage".to_owned(), json!({ "chat_id": "-100", "text": TEXT }))]);
        assert_eq!(answer, GOOD);
    }

    #[test]
    fn what_telegram_asks_for_is_done() {
        let no = |code: u16, description: &str, parameters: Value| {
            (code, json!({ "ok": false, "error_code": code, "description": description, "parameters": parameters }))
        };
        let play = |answers: &[(u16, Value)]| played(Format::Telegram, "call.missed", &missed(&json!({})), answers);
        let moved = no(
            400,
            "Bad Request: group chat was upgraded to a supergroup chat",
            json!({ "migrate_to_chat_id": -1001 }),
        );
        let (asked, answer) = play(&[moved, (200, json!({ "ok": true }))]);
        assert_eq!((&asked[1].1["chat_id"], answer), (&json!("-1001"), GOOD));
        let (_, answer) = play(&[no(429, "Too Many Requests: retry after 34", json!({ "retry_after": 34 }))]);
        assert_eq!(answer, Answer::Status(429, Some(34_000)));
        for (code, why) in
            [(400, "Bad Request: chat not found"), (401, "Unauthorized"), (403, "Forbidden: bot was kicked")]
        {
            assert!(waits(&play(&[no(code, why, json!({}))]).1), "{why}");
        }
        let (_, answer) = play(&[no(400, "Bad Request: message is too long", json!({}))]);
        assert_eq!(answer, Answer::Status(400, None));
    }

    #[test]
    fn a_mail_has_a_head_that_no_caller_can_write() {
        let caller =
            missed(&json!({ "number_e164": null, "number": "1\nBcc: all@example.com\n", "name": "x\r\nSubject: y" }));
        let (asked, answer) = played(Format::Mail, "call.missed", &caller, &[(0, json!(null))]);
        assert_eq!(answer, GOOD);
        let text = asked[0].1.as_str().unwrap();
        let (head, body) = text.split_once("\n\n").unwrap();
        let names: Vec<&str> = head.lines().map(|line| line.split_once(": ").unwrap().0).collect();
        let expected = [
            "To",
            "Subject",
            "Message-ID",
            "Auto-Submitted",
            "MIME-Version",
            "Content-Type",
            "Content-Transfer-Encoding",
        ];
        assert_eq!(names, expected);
        assert!(body.contains("Name: x  Subject: y\n"), "{body}");
    }

    #[test]
    fn the_exit_code_of_a_mail_command_is_its_answer() {
        let at = |code| played(Format::Mail, "call.missed", &missed(&json!({})), &[(code, json!(null))]).1;
        assert_eq!(at(65), Answer::Status(422, None));
        for code in [1, 75, 127] {
            assert!(waits(&at(code)), "{code}");
        }
    }

    #[test]
    fn a_link_that_is_down_is_said_in_a_line() {
        let (asked, _) =
            played(Format::Telegram, "link.down", &json!({ "pbx": "lab" }), &[(200, json!({ "ok": true }))]);
        assert_eq!(asked[0].1["text"], "PBX lab is not seen any more");
        let alarm = json!({ "pbx": "lab", "key": "sales", "payload": { "queue": "sales", "waiting": 3 } });
        let (asked, _) = played(Format::Telegram, "queue.alarm", &alarm, &[(200, json!({ "ok": true }))]);
        assert_eq!(asked[0].1["text"], "3 wait in the queue sales, the first too long");
    }
}
