//! Actions to bytes: what is written is what Asterisk reads, and what it would cut or misread cannot be built.

use callbackd_core::ami::action::{MAX_ACTION_HEADERS, MAX_ACTION_LINE, MAX_KEY, Value};
use callbackd_core::ami::{Action, ActionError, ActionId};
use proptest::prelude::*;
use secrecy::SecretString;

fn encoded(action: &Action) -> String {
    String::from_utf8(action.encode(&ActionId::new(0xab, 7)).to_vec()).unwrap()
}

/// How Asterisk reads an action (`main/manager.c`, `get_input` and `do_message`): lines of at most 1,024 bytes with their
/// end, up to an empty one; at most 128 of them; a header is found by its name and a colon.
fn as_asterisk_reads_it(bytes: &str) -> Vec<(String, String)> {
    let body = bytes.strip_suffix("\r\n\r\n").expect("an empty line at the end");
    let headers: Vec<_> = body
        .split("\r\n")
        .map(|line| {
            assert!(!line.is_empty() && line.len() + 2 <= 1024, "{} bytes", line.len());
            assert!(!line.contains(['\r', '\n', '\0']), "{line:?}");
            let (key, value) = line.split_once(':').expect("a colon");
            (key.to_owned(), value.strip_prefix(' ').unwrap_or(value).to_owned())
        })
        .collect();
    assert!(headers.len() <= 128, "{} headers", headers.len());
    headers
}

#[test]
fn an_action_is_its_name_its_id_and_an_empty_line() {
    assert_eq!(encoded(&Action::ping()), "Action: Ping\r\nActionID: cb-00000000000000ab-7\r\n\r\n");
    assert_eq!(
        encoded(&Action::challenge()),
        "Action: Challenge\r\nActionID: cb-00000000000000ab-7\r\nAuthType: MD5\r\n\r\n"
    );
}

#[test]
fn the_md5_login_shows_the_digest_and_not_the_secret() {
    let secret = SecretString::from("s3cret-lab");
    let login = Action::login_md5("callbackd", "159846713", &secret).unwrap();
    let bytes = encoded(&login);
    // printf '%s%s' 159846713 s3cret-lab | md5sum
    assert!(bytes.contains("\r\nKey: 048168e0f03a449698ccda2e59a4a699\r\n"), "{bytes}");
    assert!(!bytes.contains("s3cret-lab"));
}

#[test]
fn no_secret_shows_when_an_action_is_printed() {
    let secret = SecretString::from("s3cret-lab");
    let plain = Action::login_plain("callbackd", &secret).unwrap();
    assert!(encoded(&plain).contains("\r\nSecret: s3cret-lab\r\n"));
    assert_eq!(format!("{plain:?}"), r#"Login { Username: "callbackd", Secret: [redacted] }"#);
    let md5 = format!("{:?}", Action::login_md5("callbackd", "1", &secret).unwrap());
    assert_eq!(md5, r#"Login { AuthType: "MD5", Username: "callbackd", Key: [redacted] }"#);
}

#[test]
fn a_secret_with_a_line_break_is_refused_without_being_shown() {
    let error = Action::login_plain("callbackd", &SecretString::from("hush\r\nAction: Logoff")).unwrap_err();
    assert_eq!(error.to_string(), "Secret holds a line break or NUL at byte 4");
}

#[test]
fn a_line_break_or_nul_cannot_get_into_a_value() {
    for wrong in ["1\r\nAction: Command", "\n", "\r", "a\0b"] {
        let error = Action::ping().with("Channel", wrong).unwrap_err();
        assert!(matches!(error, ActionError::IllegalByte { .. }), "{wrong:?}: {error}");
        assert!(Value::new("Channel", wrong).is_err());
    }
}

#[test]
fn whatever_text_an_action_is_made_of_it_cannot_carry_a_line_break_or_nul() {
    type Make = fn(&str) -> Result<Action, ActionError>;
    let makers: [(&str, Make); 25] = [
        ("login: user", |x| Action::login_md5(x, "1", &SecretString::from("s"))),
        ("plain login: user", |x| Action::login_plain(x, &SecretString::from("s"))),
        ("plain login: secret", |x| Action::login_plain("u", &SecretString::from(x))),
        ("global: name", Action::get_global),
        ("set global: name", |x| Action::set_global(x, "v")),
        ("set global: value", |x| Action::set_global("n", x)),
        ("command", Action::command),
        ("user event: name", |x| Action::user_event(x, &[])),
        ("user event: key", |x| Action::user_event("n", &[(x, "v")])),
        ("user event: value", |x| Action::user_event("n", &[("k", x)])),
        ("originate: channel", |x| Action::originate(x, "cb-1-1", "c", 1)),
        ("originate: id", |x| Action::originate("PJSIP/1", x, "c", 1)),
        ("originate: context", |x| Action::originate("PJSIP/1", "cb-1-1", x, 1)),
        ("hangup", Action::hangup),
        ("pause: queue", |x| Action::queue_pause(x, "PJSIP/1", true, "r")),
        ("pause: interface", |x| Action::queue_pause("q", x, true, "r")),
        ("pause: reason", |x| Action::queue_pause("q", "PJSIP/1", true, x)),
        ("put: family", |x| Action::db_put(x, "k", "v")),
        ("put: key", |x| Action::db_put("f", x, "v")),
        ("put: value", |x| Action::db_put("f", "k", x)),
        ("delete: family", |x| Action::db_del(x, "k")),
        ("delete: key", |x| Action::db_del("f", x)),
        ("delete tree", Action::db_del_tree),
        ("any header: key", |x| Action::ping().with(x, "v")),
        ("any header: value", |x| Action::ping().with("k", x)),
    ];
    for (what, make) in makers {
        assert!(make("plain").is_ok(), "{what}");
        for wrong in ["x\r\nAction: Command\r\nCommand: core stop now", "x\n", "x\r", "x\0", "\r\n\r\n"] {
            assert!(make(wrong).is_err(), "{what} takes {wrong:?}");
        }
    }
    // The challenge is only hashed: whatever it holds, the line is hexadecimal.
    let login = Action::login_md5("u", "1\r\nAction: Command", &SecretString::from("s")).unwrap();
    assert_eq!(as_asterisk_reads_it(&encoded(&login)).len(), 5);
}

#[test]
fn a_key_is_a_word_and_not_one_that_is_set_elsewhere() {
    let long = "k".repeat(MAX_KEY + 1);
    for wrong in ["", "a b", "a:", "a\r\n", "Schlüssel", "Action", "actionid", long.as_str()] {
        let error = Action::ping().with(wrong, "x").unwrap_err();
        assert!(matches!(error, ActionError::IllegalKey(_)), "{wrong:?}: {error}");
    }
    assert!(Action::ping().with(&"k".repeat(MAX_KEY), "x").is_ok());
}

#[test]
fn a_line_that_fills_asterisks_buffer_passes_and_one_byte_more_is_refused() {
    let fits = MAX_ACTION_LINE - "Channel: \r\n".len();
    let action = Action::ping().with("Channel", "x".repeat(fits)).unwrap();
    assert_eq!(as_asterisk_reads_it(&encoded(&action))[2].1.len(), fits);
    let error = Action::ping().with("Channel", "x".repeat(fits + 1)).unwrap_err();
    assert_eq!(error, ActionError::LineTooLong { key: "Channel".into(), bytes: 1025 });
    let secret = SecretString::from("x".repeat(2000));
    assert!(matches!(Action::login_plain("callbackd", &secret), Err(ActionError::LineTooLong { .. })));
}

#[test]
fn as_many_headers_as_asterisk_reads_pass_and_one_more_is_refused() {
    let mut action = Action::ping();
    for n in 2..MAX_ACTION_HEADERS {
        action = action.with("Variable", format!("n={n}")).unwrap();
    }
    assert_eq!(as_asterisk_reads_it(&encoded(&action)).len(), MAX_ACTION_HEADERS);
    assert_eq!(action.with("Variable", "one=more").unwrap_err(), ActionError::TooManyHeaders);
}

proptest! {
    #[test]
    fn what_is_built_is_what_asterisk_reads(
        nonce in any::<u64>(),
        serial in any::<u64>(),
        headers in proptest::collection::vec(("[A-Za-z0-9_-]{1,70}", ".{0,1100}"), 0..8),
    ) {
        let mut action = Action::queue_status();
        let id = ActionId::new(nonce, serial);
        let mut expected = vec![
            ("Action".to_owned(), "QueueStatus".to_owned()),
            ("ActionID".to_owned(), id.as_str().to_owned()),
        ];
        for (key, value) in headers {
            if let Ok(with) = action.clone().with(&key, value.as_str()) {
                action = with;
                expected.push((key, value));
            } else {
                prop_assert!(
                    value.contains(['\r', '\n', '\0'])
                        || key.len() > 64
                        || key.eq_ignore_ascii_case("action")
                        || key.eq_ignore_ascii_case("actionid")
                        || key.len() + value.len() + 4 > 1024
                );
            }
        }
        let bytes = String::from_utf8(action.encode(&id).to_vec()).unwrap();
        prop_assert_eq!(as_asterisk_reads_it(&bytes), expected);
    }

    #[test]
    fn whatever_is_tried_the_bytes_stay_one_action(key in ".{0,12}", value in "(\r|\n|\0|:| |[a-z]){0,40}") {
        if let Ok(action) = Action::ping().with(&key, value) {
            let bytes = String::from_utf8(action.encode(&ActionId::new(1, 1)).to_vec()).unwrap();
            prop_assert_eq!(as_asterisk_reads_it(&bytes).len(), 3);
        }
    }
}
