//! `callbackd capture`: what is recorded, where, and how a recording ends.

use crate::scripted::{GREETING, Running, SECRET, Server, Site, mode, said, usual};
use callbackd::cli::capture::stamper::Stamper;
use callbackd_core::ami::decoder::{MAX_FRAME, Received};
use callbackd_core::ami::{FrameDecoder, Interest, Kind};
use jiff::Timestamp;
use rustix::process::Signal;
use std::fs;

const CAPTURE: [&str; 4] = ["capture", "--config", "callbackd.toml", "monday.ami"];
const STAMP: &str = "Timestamp: 1795353894.783215";
const ARRIVAL: Timestamp = Timestamp::constant(1_700_000_000, 42_000);

fn stamped(bytes: &[u8], pieces: impl Fn(usize) -> usize) -> Vec<u8> {
    let (mut stamper, mut out, mut from) = (Stamper::default(), Vec::new(), 0);
    while from < bytes.len() {
        let to = (from + pieces(from)).min(bytes.len());
        stamper.take(&bytes[from..to], ARRIVAL, &mut out);
        from = to;
    }
    stamper.finish(&mut out);
    out
}

fn traces() -> Vec<(String, Vec<u8>)> {
    let mut out = Vec::new();
    for folder in ["asterisk16", "asterisk22"] {
        for entry in fs::read_dir(format!("{}/tests/traces/{folder}", env!("CARGO_MANIFEST_DIR"))).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "ami") {
                out.push((path.display().to_string(), fs::read(&path).unwrap()));
            }
        }
    }
    assert!(!out.is_empty());
    out
}

fn frames(bytes: &[u8]) -> Vec<Vec<String>> {
    let (mut decoder, mut buffer, mut out) = (FrameDecoder::new(Interest::everything()), bytes.into(), Vec::new());
    while let Some(received) = decoder.decode_eof(&mut buffer) {
        if let Received::Frame(frame) = received {
            let event = matches!(frame.kind(), Kind::Event(_));
            let mut lines: Vec<String> = frame
                .headers()
                .map(|h| format!("{}: {}", String::from_utf8_lossy(h.key), String::from_utf8_lossy(h.value)))
                .collect();
            if event && frame.get("Timestamp").is_none() {
                lines.push("Timestamp: 1700000000.000042".to_owned());
            }
            out.push(lines);
        }
    }
    out
}

#[test]
fn events_without_a_time_get_that_of_their_arrival_and_nothing_else_changes() {
    for (name, trace) in traces() {
        let recorded = stamped(&trace, |_| usize::MAX / 2);
        assert_eq!(frames(&recorded), frames(&trace), "{name}");
        // Without what was added it is the trace again, byte for byte.
        let added = b"Timestamp: 1700000000.000042\r\n";
        let mut back = recorded;
        while let Some(at) = memchr::memmem::find(&back, added) {
            back.drain(at..at + added.len());
        }
        assert!(back == trace, "{name}");
    }
}

#[test]
fn how_the_stream_is_cut_into_reads_makes_no_difference() {
    for (name, trace) in traces() {
        let whole = stamped(&trace, |_| usize::MAX / 2);
        assert!(stamped(&trace, |_| 1) == whole, "{name} byte by byte");
        assert!(stamped(&trace, |from| from % 97 + 1) == whole, "{name} in pieces");
    }
}

#[test]
fn line_ends_of_all_kinds_keep_their_kind() {
    let out = |text: &[u8]| String::from_utf8(stamped(text, |_| 1)).unwrap();
    assert_eq!(out(b"Event: A\nX: 1\n\n"), "Event: A\nX: 1\nTimestamp: 1700000000.000042\n\n");
    assert_eq!(out(b"Event: A\r\nX: 1\r\n\n"), "Event: A\r\nX: 1\r\nTimestamp: 1700000000.000042\n\n");
    assert_eq!(out(b"Response: Success\r\n\r\n"), "Response: Success\r\n\r\n");
    assert_eq!(out(b"Event: A\r\ntimestamp: 5.0\r\n\r\n"), "Event: A\r\ntimestamp: 5.0\r\n\r\n");
    assert_eq!(out(b"Event: A\r\nX: Timestamp: 1\r\nhalf"), "Event: A\r\nX: Timestamp: 1\r\nhalf");
}

#[test]
fn a_frame_that_is_too_long_to_be_replayed_passes_as_it_came() {
    let mut text = b"Event: Long\r\n".to_vec();
    while text.len() <= MAX_FRAME {
        text.extend_from_slice(b"Key: value\r\n");
    }
    text.extend_from_slice(b"\r\n");
    let next = b"Event: Next\r\n\r\n";
    let out = stamped(&[&text[..], next].concat(), |_| 5);
    assert!(out.starts_with(&text));
    assert_eq!(&out[text.len()..], b"Event: Next\r\nTimestamp: 1700000000.000042\r\n\r\n");
}

#[test]
fn a_recording_holds_the_stream_and_no_secret_and_is_for_its_owner_alone() {
    let server = Server::start(
        GREETING,
        1,
        Box::new(|action| {
            let live =
                format!("Event: Newchannel\nPrivilege: call,all\n{STAMP}\nUniqueid: 1.1\n\nEvent: Unstamped\nX: 1\n\n");
            let more = if action.get("Action") == "CoreShowChannels" { live } else { String::new() };
            Some(usual(action) + &more)
        }),
    );
    let site = Site::new(server.port);
    let mut capture = Running::start(site.command(&CAPTURE));
    capture.wait_for("Recording pbx to monday.ami");
    let (code, said) = capture.end(Some(Signal::INT));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Recorded ") && said.contains("mode 600"), "{said}");
    let recorded = fs::read_to_string(site.path("monday.ami")).unwrap();
    assert_eq!(mode(&site.path("monday.ami")), 0o600);
    assert!(recorded.starts_with("Asterisk Call Manager/11.0.0\r\nResponse: Success\r\n"), "{recorded}");
    assert!(recorded.contains(&format!("{STAMP}\r\nChannel: ")), "{recorded}");
    assert!(recorded.contains("Uniqueid: 1.1\r\nLinkedid: 1.1\r\n\r\n"), "{recorded}");
    assert!(recorded.contains("X: 1\r\nTimestamp: "), "{recorded}");
    assert!(recorded.contains("Thanks for all the fish"), "it logs off: {recorded}");
    let key = server.heard().iter().map(|action| action.get("Key").to_owned()).find(|key| !key.is_empty()).unwrap();
    assert!(!recorded.contains(SECRET) && !recorded.contains(&key));
}

#[test]
fn a_lost_connection_is_said_and_the_next_session_goes_to_the_next_free_file() {
    let mut sessions = 0;
    let server = Server::start(
        GREETING,
        2,
        Box::new(move |action| match action.get("Action") {
            "Login" => {
                sessions += 1;
                Some(usual(action))
            }
            // In the first session Asterisk goes away in the middle of the snapshot.
            "CoreShowChannels" if sessions == 1 => None,
            _ => Some(usual(action)),
        }),
    );
    let site = Site::new(server.port);
    fs::write(site.path("monday-2.ami"), "of last week").unwrap();
    let mut capture = Running::start(site.command(&CAPTURE));
    capture.wait_for("The connection is lost");
    capture.wait_for("Recording pbx to monday-3.ami");
    let (code, said) = capture.end(Some(Signal::TERM));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("monday.ami monday-3.ami"), "{said}");
    assert_eq!(fs::read_to_string(site.path("monday-2.ami")).unwrap(), "of last week");
    let replayed = site.run(&["replay", "--config", "callbackd.toml", "--db", "x.db", "monday.ami", "monday-3.ami"]);
    assert_eq!(replayed.code, 0, "{replayed:#?}");
    assert!(
        replayed.err.contains("Replayed 2 files") && replayed.err.contains("0 frames discarded"),
        "{}",
        replayed.err
    );
}

#[test]
fn a_connection_that_does_not_come_back_is_no_success() {
    let server = Server::start(
        GREETING,
        1,
        Box::new(|action| (action.get("Action") != "CoreShowChannels").then(|| usual(action))),
    );
    let site = Site::new(server.port);
    let mut capture = Running::start(site.command(&CAPTURE));
    capture.wait_for("The connection is lost");
    let (code, said) = capture.end(Some(Signal::INT));
    assert_eq!(code, Some(69), "{said}");
    assert!(said.contains("Recorded ") && said.contains("error: pbx at 127.0.0.1"), "{said}");
}

#[test]
fn an_existing_file_is_not_touched() {
    let server = Server::start(GREETING, 1, Box::new(|action| Some(usual(action))));
    let site = Site::new(server.port);
    fs::write(site.path("monday.ami"), "of last week").unwrap();
    let said = site.run(&CAPTURE);
    assert_eq!(
        (said.code, said.err.as_str()),
        (73, "error: cannot create monday.ami: it exists, and is not overwritten\n")
    );
    assert_eq!(fs::read_to_string(site.path("monday.ami")).unwrap(), "of last week");
    assert!(server.heard().is_empty(), "Asterisk was not even visited");
}

#[test]
fn a_refused_login_leaves_no_file() {
    let server = Server::start(
        GREETING,
        1,
        Box::new(|action| match action.get("Action") {
            "Login" => Some("Response: Error\nActionID: @ID@\nMessage: Authentication failed\n\n".to_owned()),
            _ => Some(usual(action)),
        }),
    );
    let site = Site::new(server.port);
    let said = site.run(&CAPTURE);
    assert_eq!(said.code, 77, "{said:#?}");
    assert!(!site.path("monday.ami").exists());
}

#[test]
fn after_its_duration_it_ends_by_itself() {
    let server = Server::start(GREETING, 1, Box::new(|action| Some(usual(action))));
    let site = Site::new(server.port);
    let mut command = site.command(&CAPTURE);
    let output = said(command.args(["--duration", "1500ms"]).output().unwrap());
    assert_eq!(output.code, 0, "{output:#?}");
    assert!(output.err.contains("in 1 s: monday.ami"), "{}", output.err);
}
