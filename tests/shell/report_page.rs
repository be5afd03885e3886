//! The report's page in a real browser: nothing is refused, nothing runs, everything is there. `apt install chromium`.

use crate::stored::{abandoned, answered, record};
use callbackd::cli::report::{ReportArgs, run};
use callbackd::report::Thresholds;
use callbackd::store::Store;
use callbackd_core::model::FinishedCall;
use clap::{Args, FromArgMatches};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// A week in which everything happens, to a caller and an agent who try to be markup.
fn page(directory: &Path) -> String {
    let path = directory.join("calls.db");
    let evil = "<script>document.title='run'</script>".to_owned();
    let calls = (0..200_i64).map(|n| {
        let base = if n % 4 == 0 { abandoned(&format!("{n}.1")) } else { answered(&format!("{n}.1")) };
        let at = base.started_ms + n % 5 * 86_400_000 + n * 137_000;
        let lasts = base.ended_ms - base.started_ms;
        FinishedCall {
            started_ms: at,
            ended_ms: at + lasts,
            did: Some(evil.clone()),
            queue: Some(evil.clone()),
            name: Some(evil.clone()),
            ..base
        }
    });
    let records: Vec<_> = calls.map(record).collect();
    assert_eq!(Store::open(&path).unwrap().write(&records).unwrap(), []);
    let file = directory.join("report.html");
    let command = ReportArgs::augment_args(clap::Command::new("report"));
    let given = ["report", "--from", "2026-03-02", "--to", "2026-03-09", "--html", file.to_str().unwrap()];
    let args = ReportArgs::from_arg_matches(&command.try_get_matches_from(given).unwrap()).unwrap();
    let configured = Some((BTreeSet::new(), Thresholds::default(), TimeZone::get("Europe/Berlin").unwrap()));
    let now = Timestamp::from_second(1_773_100_000).unwrap();
    run(&args, &path, configured, now, &mut Vec::new(), &mut Vec::new()).unwrap();
    std::fs::read_to_string(file).unwrap()
}

struct Seen {
    document: String,
    log: String,
}

/// What the browser makes of a page: the document as it stands then, and what it complains of.
fn browse(directory: &Path, html: &str, width: u32) -> Seen {
    let file = directory.join("shown.html");
    std::fs::write(&file, html).unwrap();
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"])
        .arg(format!("--user-data-dir={}", directory.join("profile").display()))
        .arg(format!("--window-size={width},1000"))
        .arg(format!("file://{}", file.display()))
        .env("HOME", directory)
        .output()
        .expect("chromium: install it with apt install chromium");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let log = text(output.stderr);
    // Of its own house it complains too; what a page does wrong it calls so.
    let log = log.lines().filter(|line| line.contains(":CONSOLE")).collect::<Vec<_>>().join("\n");
    Seen { document: text(output.stdout), log }
}

#[test]
fn a_real_browser_shows_every_section_complains_of_nothing_and_runs_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let html = page(directory.path());
    let seen = browse(directory.path(), &html, 390);
    assert_eq!(seen.log, "");
    for section in [
        "Data quality",
        "At a glance",
        "Missed, and won back",
        "Service level over the day",
        "Load by weekday and hour",
        "Day by day",
        "Queues",
        "Agents",
    ] {
        assert!(seen.document.contains(&format!("<h2>{section}</h2>")), "{section}");
    }
    assert_eq!(seen.document.matches("<svg").count(), html.matches("<svg").count());
    assert!(seen.document.matches("<rect").count() > 100);
    assert!(!seen.document.contains("<title>run</title>"), "a stranger's name was run");
}

#[test]
fn the_browser_would_say_if_something_were_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let html = page(directory.path())
        .replace("</main>", "<script>document.title='run'</script><img src=\"http://127.0.0.1:9/x.png\"></main>");
    let seen = browse(directory.path(), &html, 1_200);
    assert!(seen.log.contains("Content Security Policy"), "{}", seen.log);
    assert!(
        !seen.document.contains("<title>run</title>"),
        "the policy of the page stops a script that stands in it all the same"
    );
}
