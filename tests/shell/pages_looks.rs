//! How pages and reports look in a real browser: in all languages, on a phone, a desk and a television, light and dark. Nothing runs over its box, no
//! word of ours is cut in two, charts can be read and have their tables, colours are apart as far as WCAG 2.2 (AA) asks.

use crate::browser::Browser;
use crate::front::lunch;
use crate::pages::with_pages_of;
use crate::pages_seen::room;
use crate::ports::free_port;
use crate::scripted::Action;
use crate::store::report_centre::{centre, midnight, store};
use callbackd::cli::report::{ReportArgs, run};
use callbackd::report::Thresholds;
use callbackd::store::Calendar;
use callbackd_core::model::codes::Codes;
use clap::{Args, FromArgMatches};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::Write as _;
use std::path::Path;

/// With the direction of writing.
const LANGUAGES: [(&str, &str); 6] =
    [("en", "ltr"), ("ru", "ltr"), ("uk", "ltr"), ("he", "rtl"), ("es", "ltr"), ("de", "ltr")];
const SCREENS: [(&str, u32, u32); 3] = [("phone", 390, 844), ("desk", 1280, 900), ("tv", 1920, 1080)];
const COLOURS: [&str; 2] = ["light", "dark"];

/// A room at work: agents in every state, a queue with a long name.
fn busy(action: &Action) -> Option<String> {
    if action.get("Action") != "QueueStatus" {
        return lunch(action);
    }
    let mut out =
        "Response: Success\nActionID: @ID@\nEventList: start\nMessage: Queue status will follow\n\n".to_owned();
    let members =
        [("Ann Alvarez", 1, 1, "lunch"), ("Ben", 2, 0, ""), ("Carla Cunningham-Oyelaran", 1, 0, ""), ("Dov", 6, 0, "")];
    let (mut items, queues) = (0, ["sales", "technical-support", "accounts_receivable"]);
    for queue in queues {
        let _ = write!(out, "Event: QueueParams\nQueue: {queue}\nStrategy: ringall\nCalls: 0\nActionID: @ID@\n\n");
        for (n, (name, status, paused, reason)) in members.iter().enumerate() {
            let phone = format!("PJSIP/10{}", n + 1);
            let _ = write!(
                out,
                "Event: QueueMember\nQueue: {queue}\nName: {name}\nLocation: {phone}\nStateInterface: {phone}\nStatus: {status}\nPaused: {paused}\n\
                 PausedReason: {reason}\nPenalty: 0\nCallsTaken: 0\nLastCall: 0\nInCall: 0\nWrapuptime: 0\nActionID: @ID@\n\n"
            );
            items += 1;
        }
        items += 1;
    }
    let _ = write!(out, "Event: QueueStatusComplete\nActionID: @ID@\nEventList: Complete\nListItems: {items}\n\n");
    Some(out)
}

/// A caller who goes on waiting.
fn waits(id: &str, queue: &str) -> String {
    let channel = format!(
        "Channel: PJSIP/trunk-{id}\nChannelState: 4\nCallerIDNum: 12025550199\nCallerIDName: Eve\nContext: from-trunk\nExten: 5550100\nUniqueid: {id}\nLinkedid: {id}\n"
    );
    format!("Event: Newchannel\n{channel}\nEvent: QueueCallerJoin\n{channel}Queue: {queue}\nPosition: 1\nCount: 1\n\n")
}

#[test]
fn every_page_looks_well_in_every_language_at_each_width_and_complains_of_nothing() {
    let port = free_port();
    let mut room = room(port, with_pages_of(port, busy), "operate");
    for number in ["+12025550177", "+12025550178", "+12025550179"] {
        room.front.added(number);
    }
    room.front.pbx_says(&(waits("800.1", "sales") + &waits("800.2", "technical-support")));
    room.browser.until("document.querySelectorAll('.agents li').length == 4");
    room.browser.until("document.querySelectorAll('tr.busy').length == 2");
    let pages = ["/wall", "/missed", "/missed?state=lost", "/report?window=week", "/calls/1"];
    let mut flaws = Vec::new();
    for (language, direction) in LANGUAGES {
        for (screen, width, height) in SCREENS {
            room.browser.size(width, height);
            for page in pages {
                let sep = if page.contains('?') { '&' } else { '?' };
                for colours in COLOURS {
                    room.browser.colours(colours);
                    // Colours are the machine's, as at first.
                    if colours == "light" {
                        room.browser.go(&format!("{}{page}{sep}lang={language}", room.home));
                        room.browser.value("document.querySelectorAll('details').forEach(d => d.open = true), 1");
                    }
                    let what = format!("{page} {language} {screen} {colours}");
                    assert_eq!(room.browser.text("document.dir"), direction, "{what}");
                    assert!(!room.browser.text("document.title").contains("run"), "{what}: a stranger's name was run");
                    flaws.extend(room.browser.flaws().into_iter().map(|flaw| format!("{what}: {flaw}")));
                    if page == "/wall" && screen == "tv" {
                        let cut =
                            "[...document.querySelectorAll('.wide')].filter(w => w.scrollWidth > w.clientWidth).length";
                        assert_eq!(room.browser.value(cut), 0, "{what}: nobody scrolls a table on a television");
                    }
                    room.browser.whole_picture(&format!(
                        "{}-{language}-{screen}-{colours}",
                        page[1..].replace(['/', '?', '='], "-")
                    ));
                }
            }
        }
    }
    assert!(flaws.is_empty(), "{} flaws:\n{}", flaws.len(), flaws.join("\n"));
    assert_eq!(room.browser.complaints, [""; 0]);
}

/// The report of these days of a generated centre.
fn report(directory: &Path, (seed, days, calls): (u64, i64, u32), language: &str) -> String {
    let db = directory.join("calls.db");
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let from_ms = midnight("2026-03-02", &zone);
    let thresholds = Thresholds {
        acw_reasons: ["notes".to_owned()].into(),
        trunk_lines: [("PJSIP/provider".to_owned(), 12), ("PJSIP/backup".to_owned(), 4)].into(),
        ..Thresholds::default()
    };
    let end_ms = from_ms + days * 86_400_000;
    if !db.exists() {
        let (codes, thresholds) = (Codes::default(), thresholds.clone());
        store(
            &centre(seed, from_ms, days, calls),
            &db,
            &Calendar { thresholds, codes, zone: zone.clone(), now_ms: end_ms },
        );
    }
    let last = Timestamp::from_millisecond(end_ms).unwrap();
    let to = last.to_zoned(zone.clone()).date().to_string();
    let command = ReportArgs::augment_args(clap::Command::new("report"));
    let given = ["report", "--from", "2026-03-02", "--to", &to, "--html", "-", "--lang", language];
    let args = ReportArgs::from_arg_matches(&command.try_get_matches_from(given).unwrap()).unwrap();
    let configured = Some((std::collections::BTreeSet::new(), thresholds, zone));
    let mut out = Vec::new();
    run(&args, &db, configured, last, &mut out, &mut Vec::new()).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn every_chart_of_a_report_can_be_read_in_every_language_at_each_width() {
    let mut flaws = Vec::new();
    let browsing = tempfile::tempdir().unwrap();
    let mut browser = Browser::open(browsing.path());
    // A day with few calls, a week, a month with many.
    for (name, of) in [("day", (1, 1, 40)), ("week", (2, 7, 150)), ("month", (3, 31, 60))] {
        let directory = tempfile::tempdir().unwrap();
        for (language, direction) in LANGUAGES {
            let file = directory.path().join(format!("{language}.html"));
            std::fs::write(&file, report(directory.path(), of, language)).unwrap();
            for (screen, width, height) in SCREENS {
                browser.size(width, height);
                browser.go(&format!("file://{}", file.display()));
                for colours in COLOURS {
                    browser.colours(colours);
                    let what = format!("{name} {language} {screen} {colours}");
                    browser.whole_picture(&format!("report-{name}-{language}-{screen}-{colours}"));
                    browser.value("document.querySelectorAll('details').forEach(d => d.open = true), 1");
                    assert_eq!(browser.text("document.dir"), direction, "{what}");
                    let charts = browser.value("document.querySelectorAll('svg.chart').length").as_u64().unwrap();
                    assert!(charts >= 4, "{what}: {charts} charts");
                    flaws.extend(browser.flaws().into_iter().map(|flaw| format!("{what}: {flaw}")));
                }
            }
        }
    }
    assert!(flaws.is_empty(), "{} flaws:\n{}", flaws.len(), flaws.join("\n"));
    assert_eq!(browser.complaints, [""; 0]);
}

#[test]
fn the_look_at_a_page_finds_what_is_wrong_with_one() {
    let directory = tempfile::tempdir().unwrap();
    let mut browser = Browser::open(directory.path());
    let file = directory.path().join("page.html");
    let chart = |inside: &str| {
        format!(
            "<section><svg class=\"chart\" style=\"width:400px\" viewBox=\"0 0 400 100\" role=\"img\" aria-label=\"x\"><title>x</title>{inside}</svg><table></table></section>"
        )
    };
    for (wrong, page) in [
        ("runs over", "<p style=\"width:50px;white-space:nowrap\">a text that is longer than its box</p>".to_owned()),
        ("cut in two", "<h2 style=\"width:3em;overflow-wrap:anywhere\">Warteschlangenname</h2>".to_owned()),
        ("without its table", chart("").replace("<table></table>", "")),
        ("without a name", chart("").replace("<title>x</title>", "")),
        ("beside its chart", chart("<text x=\"390\" y=\"50\">outside</text>")),
        ("too small", chart("<text x=\"10\" y=\"50\" style=\"font-size:6px\">small</text>")),
        ("on each other", chart("<text x=\"10\" y=\"50\">one</text><text x=\"20\" y=\"52\">two</text>")),
        (
            "wider than its part",
            chart(
                "<g><rect x=\"10\" y=\"20\" width=\"9\" height=\"20\"/><text x=\"10\" y=\"35\" fill=\"#fff\">12345</text></g>",
            ),
        ),
        ("of 4.5, text of a chart", chart("<text x=\"10\" y=\"50\" fill=\"#999\">pale</text>")),
        ("of 3, a part of a chart", chart("<rect width=\"9\" height=\"9\" fill=\"#ddd\"/>")),
        ("of 4.5, text:", "<p style=\"color:#999\">pale</p>".to_owned()),
        ("of 4.5, text:", "<div style=\"opacity:.45\"><p>paled</p></div>".to_owned()),
    ] {
        std::fs::write(
            &file,
            format!("<!doctype html><html lang=\"en\"><body style=\"background:#fff\">{page}</body></html>"),
        )
        .unwrap();
        browser.go(&format!("file://{}", file.display()));
        let flaws = browser.flaws();
        assert!(flaws.iter().any(|flaw| flaw.contains(wrong)), "{wrong}: {flaws:?}");
    }
    std::fs::write(
        &file,
        format!(
            "<!doctype html><html lang=\"en\"><body style=\"background:#fff\"><p>well</p>{}</body></html>",
            chart("<text x=\"10\" y=\"50\">one</text>")
        ),
    )
    .unwrap();
    browser.go(&format!("file://{}", file.display()));
    assert_eq!(browser.flaws(), [""; 0]);
}
