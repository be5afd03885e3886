//! Log lines: their form, and that nobody outside can forge one.

use callbackd::config::{Log, LogFormat, ShowNumbers};
use callbackd::log::{Front, Masked, RateLimit, Reload, Remark, Wire, WireBytes, subscriber};
use std::io::Write;
use std::sync::{Arc, Mutex};
use tracing::{debug, error, info, trace, warn};

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn noon() -> jiff::Zoned {
    "2026-11-22T12:00:00.123456+01:00[Europe/Berlin]".parse().unwrap()
}

fn written(log: &Log, front: Front, work: impl FnOnce(&Reload)) -> String {
    let paper = Paper::default();
    let copy = paper.clone();
    let (subscriber, reload) = subscriber(log, front, move || copy.clone()).unwrap();
    tracing::subscriber::with_default(subscriber, || work(&reload));
    let bytes = paper.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

fn journal(work: impl FnOnce()) -> String {
    written(&Log::default(), Front::Journal, |_| work())
}

const PLAIN: Front = Front::Terminal { color: false, now: noon };

#[test]
fn under_systemd_a_line_has_its_priority_and_neither_time_nor_colour() {
    let lines = journal(|| {
        info!(target: "session", peer = "127.0.0.1:5038", ami = "11.0.0", calls = 4, agents = 7u32, gap_s = 41i64, "Asterisk is ready");
        warn!(target: "store", retry_in_s = 5, "Database is busy");
        error!(target: "store", err = %"disk full", "Rows are lost");
        info!(target: "daemon", "Stopped");
    });
    assert_eq!(
        lines,
        "<6>session: Asterisk is ready, peer=127.0.0.1:5038 ami=11.0.0 calls=4 agents=7 gap_s=41\n\
         <4>store: Database is busy, retry_in_s=5\n\
         <3>store: Rows are lost, err=\"disk full\"\n\
         <6>daemon: Stopped\n"
    );
}

#[test]
fn in_a_terminal_a_line_has_local_time_and_level() {
    let log = Log { level: "trace".into(), ..Log::default() };
    let lines = written(&log, PLAIN, |_| {
        info!(target: "call", status = "CANCEL", wait_s = 37, "Call ended");
        trace!(target: "session", "Bytes");
    });
    assert_eq!(
        lines,
        "2026-11-22 12:00:00.123 INFO  call: Call ended, status=CANCEL wait_s=37\n2026-11-22 12:00:00.123 TRACE session: Bytes\n"
    );
}

#[test]
fn colours_do_not_change_the_words() {
    let lines = written(
        &Log::default(),
        Front::Terminal { color: true, now: noon },
        |_| info!(target: "call", a = 1, "Call ended"),
    );
    assert_eq!(
        lines,
        "\x1b[2m2026-11-22 12:00:00.123\x1b[0m \x1b[32mINFO \x1b[0m \x1b[1mcall:\x1b[0m Call ended, \x1b[2ma=\x1b[0m1\n"
    );
}

#[test]
fn a_module_that_does_not_name_its_room_is_named_by_its_path() {
    let lines = journal(|| {
        info!(target: "callbackd::store::writer", "A");
        info!(target: "rustls::client::hs", "B");
    });
    assert_eq!(lines, "<6>store: A\n<6>rustls: B\n");
}

#[test]
fn values_with_spaces_quotes_or_nothing_in_them_are_quoted() {
    let lines = journal(
        || info!(target: "t", a = "two words", b = "", c = "say \"hi\"", d = "k=v", e = true, f = 1.5, g = ?Some(1), h = "Müller", none = None::<&str>, "S"),
    );
    assert_eq!(
        lines,
        "<6>t: S, a=\"two words\" b=\"\" c=\"say \\\"hi\\\"\" d=\"k=v\" e=true f=1.5 g=Some(1) h=Müller\n"
    );
}

#[test]
fn a_line_break_in_a_value_or_a_sentence_cannot_make_a_new_line() {
    let forged = "x\r\n<3>store: Rows are lost, err=none\u{2028}\u{1b}[2J";
    for line in [journal(|| info!(target: "t", name = forged, "S")), journal(|| info!(target: "t", "{forged}"))] {
        assert_eq!(line.matches('\n').count(), 1, "{line:?}");
        assert!(line.ends_with('\n') && !line.contains(['\r', '\u{1b}', '\u{2028}']), "{line:?}");
    }
    assert_eq!(journal(|| info!(target: "t", name = %Wire("a\r\nb"), "S")), "<6>t: S, name=a\\r\\nb\n");
}

#[test]
fn a_very_long_value_is_cut() {
    let line = journal(|| info!(target: "t", name = "x".repeat(100_000), "S"));
    assert_eq!(line, format!("<6>t: S, name={}…\n", "x".repeat(1024)));
}

#[test]
fn an_error_is_logged_with_its_causes() {
    let cause = std::io::Error::other("no route");
    let error = std::io::Error::new(std::io::ErrorKind::TimedOut, std::io::Error::other(cause));
    let line = journal(|| info!(target: "t", err = &error as &(dyn std::error::Error + 'static), "S"));
    assert!(line.starts_with("<6>t: S, err=\"no route"), "{line}");
}

#[test]
fn json_lines_keep_numbers_as_numbers_and_stay_one_line() {
    let log = Log { format: LogFormat::Json, ..Log::default() };
    let work = || info!(target: "call", wait_s = 37, ok = true, name = "a\"\nb", level = "x", "Call \"ended\"");
    let line = written(&log, PLAIN, |_| work());
    assert_eq!(
        line,
        "{\"time\":\"2026-11-22T11:00:00.123Z\",\"level\":\"info\",\"room\":\"call\",\"message\":\"Call \\\"ended\\\"\",\"wait_s\":37,\"ok\":true,\"name\":\"a\\\"\\nb\",\"_level\":\"x\"}\n"
    );
    let parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(parsed["name"], "a\"\nb");
    assert!(written(&log, Front::Journal, |_| work()).starts_with("<6>{\"level\":\"info\","));
}

#[test]
fn level_and_format_change_while_it_runs() {
    let lines = written(&Log::default(), Front::Journal, |reload| {
        debug!(target: "t", "unheard");
        reload.apply(&Log { level: "warn,t=debug".into(), format: LogFormat::Json, ..Log::default() }).unwrap();
        debug!(target: "t", "heard");
        info!(target: "u", "unheard");
        assert!(reload.apply(&Log { level: "t=loud".into(), ..Log::default() }).is_err());
        debug!(target: "t", "still heard");
    });
    assert_eq!(
        lines,
        "<7>{\"level\":\"debug\",\"room\":\"t\",\"message\":\"heard\"}\n<7>{\"level\":\"debug\",\"room\":\"t\",\"message\":\"still heard\"}\n"
    );
}

#[test]
fn wire_text_is_escaped_and_cut_at_64_characters() {
    assert_eq!(Wire("Müller 日本 e\u{301}").to_string(), "Müller 日本 e\u{301}");
    assert_eq!(Wire("a\u{202e}b\u{200b}c\u{7}\\").to_string(), "a\\u{202e}b\\u{200b}c\\u{7}\\\\");
    assert_eq!(Wire(&"é".repeat(64)).to_string(), "é".repeat(64));
    assert_eq!(Wire(&"é".repeat(65)).to_string(), "é".repeat(64) + "…");
    assert_eq!(WireBytes(b"a\xff\xfe\nb").to_string(), "a\\xff\\xfe\\nb");
    assert_eq!(WireBytes(&[0xff; 65]).to_string(), "\\xff".repeat(64) + "…");
}

#[test]
fn numbers_show_their_tail_all_or_nothing() {
    let show = |number, show| Masked { number, show }.to_string();
    for (number, shown) in [
        ("+4930554711", "+49…4711"),
        ("2025550123", "…0123"),
        ("+12025550123", "+12…0123"),
        ("5550123", "…23"),
        ("101", "101"),
        ("", "withheld"),
        ("alice.smith", "…th"),
    ] {
        assert_eq!(show(number, ShowNumbers::Tail), shown);
    }
    assert_eq!(show("+12025550123", ShowNumbers::Full), "+12025550123");
    assert_eq!(show("+1\n", ShowNumbers::Full), "+1\\n");
    assert_eq!(show("101", ShowNumbers::None), "hidden");
}

#[test]
fn numbers_in_what_people_write_show_their_tail_all_or_nothing() {
    let text = "they want +1 (202) 555-0123, ask 101\n";
    for (show, shown) in [
        (ShowNumbers::Tail, "they want +* (***) ***-**23, ask 101\\n"),
        (ShowNumbers::None, "they want +* (***) ***-****, ask 101\\n"),
        (ShowNumbers::Full, "they want +1 (202) 555-0123, ask 101\\n"),
    ] {
        assert_eq!(Remark { text, show }.to_string(), shown);
    }
}

#[test]
fn what_a_stranger_can_provoke_is_said_once_in_ten_seconds() {
    let mut limit = RateLimit::default();
    assert_eq!(limit.allow("bad frame", 0), Some(0));
    assert_eq!(limit.allow("bad frame", 1), None);
    assert_eq!(limit.allow("bad frame", 9_999), None);
    assert_eq!(limit.allow("refused login", 5_000), Some(0), "each kind has its own pace");
    assert_eq!(limit.allow("bad frame", 10_000), Some(2));
    assert_eq!(limit.allow("bad frame", 10_001), None);
    assert_eq!(limit.overdue(19_999), []);
    assert_eq!(limit.overdue(20_000), [("bad frame", 1)]);
    assert_eq!(limit.overdue(40_000), []);
    assert_eq!(limit.allow("bad frame", 0), Some(0), "the clock was set back");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..proptest::prelude::ProptestConfig::default() })]

    #[test]
    fn whatever_a_value_holds_it_is_one_line_without_control_characters(value: String, json: bool) {
        let log = Log { format: if json { LogFormat::Json } else { LogFormat::Text }, ..Log::default() };
        let line = written(&log, Front::Journal, |_| info!(target: "t", a = value.as_str(), b = %Wire(&value), c = %Masked { number: &value, show: ShowNumbers::Tail }, "{value}"));
        let body = line.strip_suffix('\n').unwrap();
        proptest::prop_assert!(!body.contains(|c: char| c.is_ascii_control()), "{:?}", body);
    }
}

/// Each `tracing::warn!` and `tracing::error!` of a file: its sentence, up to the first `;`, `:` or `,`.
fn sentences(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for level in ["tracing::warn!(", "tracing::error!("] {
        for (at, _) in source.match_indices(level) {
            let call = &source[at..source[at..].find(");").map_or(source.len(), |end| at + end)];
            let mut texts = call.split('"').skip(1).step_by(2);
            let sentence = texts.find(|text| text.starts_with(char::is_uppercase) && text.contains(' '));
            found.extend(sentence.map(|text| text.split([';', ':', ',']).next().unwrap_or(text).to_owned()));
        }
    }
    found
}

#[test]
fn every_warning_and_error_is_in_the_manuals_table() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let manual = std::fs::read_to_string(root.join("config/doc/operator.md")).unwrap();
    let (mut folders, mut said) = (vec![root.join("src")], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                said.extend(sentences(&std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert!(said.len() > 20, "only {} sentences were found", said.len());
    let missing: Vec<&String> = said.iter().filter(|sentence| !manual.contains(*sentence)).collect();
    assert_eq!(missing, [] as [&String; 0]);
}
