//! Messages of the running daemon, verified by the reference libraries of Standard Webhooks in Python and JavaScript (tests/verifiers/provide).

use crate::front::Front;
use crate::receiver::{Receiver, Then};
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER_KEY: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// What a verifier prints of these lines.
fn verified(mut command: Command, lines: &str) -> Vec<String> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn the_reference_verifiers_of_two_languages_take_our_messages_and_refuse_what_was_changed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let provided = root.join("target/verifiers");
    if !provided.join("complete").exists() {
        assert!(std::env::var_os("CALLBACKD_VERIFIERS").is_none(), "tests/verifiers/provide has not been run");
        eprintln!("tests/verifiers/provide has not been run: nothing is verified");
        return;
    }
    let mut receiver = Receiver::open(|_| Then::Status(204));
    let front = Front::closed(&format!(
        "[[webhook]]\nname = \"crm\"\nurl = \"{}\"\nsecret_file = \"hook\"\nevents = [\"callback.created\", \"callback.closed\"]\n",
        receiver.url("http", "/hooks")
    ));
    // Two keys, while one takes the place of another.
    front.site.write("hook", &format!("{OTHER_KEY}\n{KEY}\n"), 0o600);
    let front = front.started("webhook=700,webhook_pause=2");
    let id = front.added("+12025550123");
    front.post(&format!("/v1/callbacks/{id}/cancel"), &json!({ "note": "Grüße, \"sorted\" – out" }));
    let mut lines = String::new();
    for _ in 0..2 {
        let got = receiver.next();
        let headers: serde_json::Map<_, _> = ["webhook-id", "webhook-timestamp", "webhook-signature"]
            .into_iter()
            .map(|name| (name.to_owned(), json!(got.header(name))))
            .collect();
        for (key, body) in [
            (KEY, got.body.clone()),
            (OTHER_KEY, got.body.clone()),
            ("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", got.body.clone()),
            (KEY, got.body.replace("callback.c", "callback.C")),
        ] {
            lines.push_str(&format!("{}\n", json!({ "key": key, "headers": headers, "body": body })));
        }
    }
    let mut python = Command::new("python3");
    python.arg(root.join("tests/verifiers/verify.py")).env("PYTHONPATH", provided.join("python"));
    let mut node = Command::new("node");
    node.arg(root.join("tests/verifiers/verify.mjs")).arg(&provided);
    for command in [python, node] {
        let name = format!("{command:?}");
        let said = verified(command, &lines);
        assert_eq!(said.len(), 8, "{name}: {said:?}");
        for (said, kind) in said.chunks(4).zip(["callback.created", "callback.closed"]) {
            assert_eq!(said[..2], [kind, kind], "{name}");
            assert!(said[2..].iter().all(|said| said.starts_with("refused")), "{name}: {said:?}");
        }
    }
}
