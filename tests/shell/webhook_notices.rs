//! Notices of the running daemon by a bot and by a mail command.

use crate::front::Front;
use crate::receiver::{Receiver, Then};
use serde_json::{Value, json};

const WAITS: &str = "webhook=2000,webhook_pause=2";

fn cancelled(front: &Front) {
    let id = front.added("+12025550123");
    front.post(&format!("/v1/callbacks/{id}/cancel"), &json!({ "note": "sorted out" }));
}

#[test]
fn a_bot_says_in_its_chat_what_became_of_a_callback_and_its_token_is_in_no_log() {
    let mut receiver = Receiver::open(|n| if n == 0 { Then::Status(500) } else { Then::Status(200) });
    let front = Front::closed(&format!(
        "[[webhook]]\nname = \"chat\"\nformat = \"telegram\"\nto = \"-100123\"\nurl = \"{}\"\nsecret_file = \"bot\"\nevents = [\"callback.closed\"]\n",
        receiver.url("http", "/")
    ));
    front.site.write("bot", "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw\n", 0o600);
    let mut front = front.started(WAITS);
    cancelled(&front);
    for _ in 0..2 {
        let got = receiver.next();
        assert_eq!(got.line, "POST /bot110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/sendMessage HTTP/1.1");
        let body: Value = serde_json::from_str(&got.body).unwrap();
        assert_eq!(body["chat_id"], "-100123");
        assert!(body["text"].as_str().unwrap().starts_with("Callback to +12025550123: CANCELLED"), "{body}");
    }
    assert_eq!(front.run(&["webhooks", "test", "chat"]).code, 0);
    assert!(receiver.next().body.contains("This is a test"));
    let (_, log) = front.ended(rustix::process::Signal::TERM);
    assert!(!log.contains("AAHdq"), "{log}");
}

#[test]
fn a_mail_command_gets_a_whole_message_and_is_asked_again_until_it_takes_it() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().display();
    let script =
        "test -f \"$1/ready\" || { touch \"$1/ready\"; exit 75; }\ncat > \"$1/new\" && mv \"$1/new\" \"$1/mail\"\n";
    std::fs::write(directory.path().join("mailer"), script).unwrap();
    let front = Front::closed(&format!(
        "[[webhook]]\nname = \"post\"\nformat = \"mail\"\nto = \"sales@example.com\"\ncommand = [\"/bin/sh\", \"{place}/mailer\", \"{place}\"]\nevents = [\"callback.closed\"]\n"
    ));
    let front = front.started(WAITS);
    cancelled(&front);
    let mail = directory.path().join("mail");
    let begun = tokio::time::Instant::now();
    while !mail.exists() {
        assert!(begun.elapsed().as_secs() < 30, "no mail");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let text = std::fs::read_to_string(mail).unwrap();
    assert!(text.starts_with("To: sales@example.com\nSubject: Callback to +12025550123: CANCELLED\n"), "{text}");
    assert!(text.contains("Why: sorted out"), "{text}");
}
