//! `callbackd report --mail`: the message that a mail command gets, the file that a directory gets, the message that a webhook gets, and what is said when neither works.

use crate::receiver::{Receiver, Then};
use crate::stored::{MONDAY_10, abandoned, answered, record};
use base64::Engine as _;
use callbackd::cli::failure::Failure;
use callbackd::cli::report::{ReportArgs, mail};
use callbackd::config::Config;
use callbackd::store::Store;
use callbackd::webhook::Keys;
use clap::{Args, FromArgMatches};
use jiff::Timestamp;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const DAY: i64 = 86_400_000;

/// The morning after: Tuesday, 3 March 2026, 10:00 UTC. `keys`: below `[report.mail]`.
fn report(directory: &Path, keys: &str, args: &[&str]) -> Result<String, Failure> {
    let db = directory.join("calls.db");
    if !db.exists() {
        let calls = [answered("1.1"), answered("1.2"), abandoned("1.3")].map(record);
        assert_eq!(Store::open(&db).unwrap().write(&calls).unwrap(), []);
    }
    let text = format!(
        "site = \"Überlingen\"\n[hours]\ntimezone = \"Europe/Berlin\"\n[store]\npath = {db:?}\n[report.mail]\n{keys}\n"
    );
    let config = Config::from_toml(&text, "callbackd.toml").unwrap();
    let command = ReportArgs::augment_args(clap::Command::new("report"));
    let args = command.try_get_matches_from([&["report", "--mail"], args].concat()).unwrap();
    let now = Timestamp::from_millisecond(MONDAY_10 + DAY).unwrap();
    let mut notes = Vec::new();
    mail::run(&ReportArgs::from_arg_matches(&args).unwrap(), &config, now, &mut notes)?;
    Ok(String::from_utf8(notes).unwrap())
}

/// A program that does what a line of shell says.
fn program(directory: &Path, line: &str) -> String {
    let path = directory.join("sendmail");
    std::fs::write(&path, format!("#!/bin/sh\n{line}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    format!("to = \"manager@example.com\"\ncommand = [{path:?}, \"-t\"]")
}

fn decoded(text: &str) -> String {
    let text: String = text.split_whitespace().collect();
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(text).unwrap()).unwrap()
}

/// The fields of a part, unfolded, and its content.
fn part(text: &str) -> (String, &str) {
    let (head, body) = text.split_once("\n\n").unwrap();
    (head.replace("\n ", " "), body)
}

/// The parts between the lines of a boundary.
fn parts<'m>(body: &'m str, boundary: &str) -> Vec<&'m str> {
    let (all, end) = body.split_once(&format!("--{boundary}--\n")).unwrap();
    assert_eq!(end, "", "nothing stands behind the last part");
    all.split(&format!("--{boundary}\n")).skip(1).collect()
}

#[test]
fn a_mail_command_gets_yesterday_as_text_as_a_page_and_as_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let taken = directory.path().join("taken");
    let keys = program(directory.path(), &format!("echo \"$@\" > {0:?}.args; cat > {0:?}", taken));
    let notes = report(directory.path(), &keys, &[]).unwrap();
    assert_eq!(notes, "Sent to manager@example.com\n");
    assert_eq!(std::fs::read_to_string(directory.path().join("taken.args")).unwrap(), "-t\n");

    let message = std::fs::read_to_string(taken).unwrap();
    assert!(message.lines().all(|line| line.len() <= 998 && line.is_ascii()), "a line that mail cannot carry");
    let (head, body) = part(&message);
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{head}"));
    assert_eq!(field("To: "), "manager@example.com");
    assert_eq!(field("Date: "), "Tue, 3 Mar 2026 11:00:00 +0100");
    assert!(field("Message-ID: ").starts_with("<report-2026-03-02."), "{head}");
    let subject: String = field("Subject: ")
        .split(' ')
        .map(|word| decoded(word.strip_prefix("=?utf-8?B?").unwrap().strip_suffix("?=").unwrap()))
        .collect();
    assert_eq!(subject, "Überlingen: Mon 2026-03-02: 3 calls, 1 missed, 0 won back, service level 66.7 %");

    assert_eq!(field("Content-Type: "), "multipart/mixed; boundary=\"_whole_\"");
    let [faces, file] = parts(body, "_whole_")[..] else { panic!("{body}") };
    let (head, faces) = part(faces);
    assert_eq!(head, "Content-Type: multipart/alternative; boundary=\"_faces_\"");
    let [text, page] = parts(faces, "_faces_")[..] else { panic!("{faces}") };
    let (head, text) = part(text);
    assert!(head.starts_with("Content-Type: text/plain; charset=utf-8\n"), "{head}");
    assert!(
        decoded(text).starts_with("callbackd report: Mon 2026-03-02 (Europe/Berlin)\n3 calls"),
        "{}",
        decoded(text)
    );
    let (head, page) = part(page);
    assert!(head.starts_with("Content-Type: text/html; charset=utf-8\n"), "{head}");
    assert!(decoded(page).starts_with("<!doctype html>") && decoded(page).ends_with("</html>\n"));
    let (head, file) = part(file);
    assert!(head.contains("Content-Disposition: attachment; filename=\"report-2026-03-02.html\""), "{head}");
    assert_eq!(decoded(file), decoded(page));
}

#[test]
fn a_directory_is_made_and_keeps_a_file_for_each_day() {
    let directory = tempfile::tempdir().unwrap();
    let kept = directory.path().join("reports");
    let keys = format!("directory = {kept:?}");
    report(directory.path(), &keys, &[]).unwrap();
    report(directory.path(), &keys, &[]).unwrap();
    report(directory.path(), &keys, &["--from", "2026-03-01", "--to", "2026-03-03"]).unwrap();
    let mut names: Vec<String> =
        std::fs::read_dir(&kept).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["report-2026-03-01-to-2026-03-02.html", "report-2026-03-02.html"]);
    assert!(std::fs::read_to_string(kept.join(&names[1])).unwrap().contains("<h1>Mon 2026-03-02</h1>"));
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o7777, 0o750);
}

#[test]
fn a_mail_command_that_refuses_is_one_line_and_its_own_exit_code() {
    let directory = tempfile::tempdir().unwrap();
    let keys = program(directory.path(), "echo 'no such user' >&2; echo there >&2; exit 67");
    let failure = report(directory.path(), &keys, &[]).unwrap_err();
    assert_eq!(failure.exit_code(), 69);
    let said = failure.to_string();
    assert!(said.ends_with("/sendmail ended with 67: no such user there"), "{said}");

    let keys = "to = \"manager@example.com\"\ncommand = [\"/nowhere/sendmail\"]";
    let failure = report(directory.path(), keys, &[]).unwrap_err();
    assert_eq!(failure.exit_code(), 69);
    assert!(failure.to_string().contains("/nowhere/sendmail cannot be run"), "{failure}");
}

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The program as the timer runs it, with a webhook of this address: exit code, and what it says.
fn posted(directory: &Path, url: &str, keys: &str) -> (Option<i32>, String) {
    let secret = directory.join("webhook-report");
    std::fs::write(&secret, KEY).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let db = directory.join("calls.db");
    let calls = [answered("1.1"), answered("1.2"), abandoned("1.3")].map(record);
    assert_eq!(Store::open(&db).unwrap().write(&calls).unwrap(), []);
    let text = format!(
        "site = \"Überlingen\"\n[hours]\ntimezone = \"Europe/Berlin\"\n[store]\npath = {db:?}\n[report]\nlanguage = \"de\"\n[report.mail]\n\
         url = \"{url}\"\nsecret_file = \"webhook-report\"\n{keys}\n"
    );
    let config = directory.join("callbackd.toml");
    std::fs::write(&config, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_callbackd"))
        .args(["report", "--mail", "--from", "2026-03-02", "--to", "2026-03-03", "--config"])
        .arg(&config)
        .env("CALLBACKD_TIMING", "webhook_pause=1")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_webhook_gets_the_day_as_one_signed_message_in_the_language_of_the_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let mut receiver = Receiver::open(|n| if n == 0 { Then::Status(503) } else { Then::Status(204) });
    let kept = directory.path().join("reports");
    let (code, said) =
        posted(directory.path(), &receiver.url("http", "/hooks/report?of=day"), &format!("directory = {kept:?}"));
    let page = kept.join("report-2026-03-02.html");
    assert_eq!((code, said), (Some(0), format!("Written: {}\nSent to the webhook at localhost\n", page.display())));
    let [refused, taken] = [receiver.next(), receiver.next()];
    assert_eq!(taken.line, "POST /hooks/report?of=day HTTP/1.1");
    assert_eq!(taken.header("content-type"), "application/json");
    let id = taken.header("webhook-id");
    assert!(id.starts_with("msg_report-2026-03-02_"), "{id}");
    assert_eq!(refused.header("webhook-id"), id, "the same message again");
    assert_eq!(refused.body, taken.body);
    let at_s = taken.header("webhook-timestamp").parse().unwrap();
    assert_eq!(taken.header("webhook-signature"), Keys::from_text(KEY).unwrap().sign(&id, at_s, &taken.body));
    let message: serde_json::Value = serde_json::from_str(&taken.body).unwrap();
    assert_eq!(message["type"], "report.made");
    let data = &message["data"];
    for (field, value) in [
        ("site", "Überlingen"),
        ("from", "2026-03-02"),
        ("to", "2026-03-03"),
        ("language", "de"),
        ("file", "report-2026-03-02.html"),
        ("subject", "Überlingen: Mo, 02.03.2026: 3 Anrufe, 1 verpasst, 0 zurückgewonnen, Servicelevel 66,7 %"),
    ] {
        assert_eq!(data[field], value, "{field}");
    }
    assert_eq!(data["html"], std::fs::read_to_string(page).unwrap());
    let text = data["text"].as_str().unwrap();
    assert!(text.starts_with("Mo, 02.03.2026\n") && text.contains("Verpasst"), "{text}");
}

#[test]
fn a_webhook_that_does_not_take_it_is_one_line_its_own_exit_code_and_the_other_places_have_it() {
    let directory = tempfile::tempdir().unwrap();
    let taken = directory.path().join("taken");
    let mail = program(directory.path(), &format!("cat > {taken:?}"));
    for (status, attempts) in [(500, 3), (401, 1), (410, 1)] {
        let mut receiver = Receiver::open(move |_| Then::Status(status));
        let (code, said) = posted(directory.path(), &receiver.url("http", "/"), &mail);
        let wrong = format!("Sent to manager@example.com\nerror: not sent: the webhook at localhost: HTTP {status}\n");
        assert_eq!((code, said), (Some(69), wrong));
        assert!(std::fs::read_to_string(&taken).unwrap().starts_with("To: manager@example.com\n"));
        std::fs::remove_file(&taken).unwrap();
        std::fs::remove_file(directory.path().join("calls.db")).unwrap();
        for _ in 0..attempts {
            assert_eq!(receiver.next().answered, status);
        }
        receiver.nothing_for(Duration::from_millis(50));
    }
}

#[test]
fn nowhere_to_send_it_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let failure = report(directory.path(), "", &[]).unwrap_err();
    assert_eq!(failure.exit_code(), 64);
    assert!(failure.to_string().contains("[report.mail]"), "{failure}");
}

#[test]
fn half_of_what_a_message_needs_is_refused() {
    for (keys, wanted) in [
        ("to = \"manager@example.com\"", "`to` needs `command`"),
        ("command = [\"/usr/sbin/sendmail\"]", "`command` needs `to`"),
        ("to = \"m@example.com\"\ncommand = [\"sendmail\"]", "must begin with the path of a program"),
        ("url = \"https://example.com/x\"", "`url` needs `secret_file`"),
        ("secret_file = \"key\"", "`secret_file` needs `url`"),
        ("url = \"http://example.com/x\"\nsecret_file = \"key\"", "unencrypted"),
        (
            "url = \"http://127.0.0.1/x\"\nsecret_file = \"key\"\ntls_ca_file = \"ca.pem\"",
            "`tls_ca_file` has no effect without https",
        ),
        ("direktory = \"reports\"", "unknown key `direktory` in [report.mail]"),
    ] {
        let refusal = Config::from_toml(&format!("[report.mail]\n{keys}\n"), "callbackd.toml").unwrap_err();
        assert!(refusal.render(false).contains(wanted), "{}", refusal.render(false));
    }
}
