//! Figures, rules, alerts and dashboard before a real Prometheus (Debian's package `prometheus`).

use crate::exchange::{Eager, Exchange, configuration, impatient, nobody};
use crate::front::http;
use crate::ports::free_port;
use crate::scripted::{Running, Site};
use callbackd::demo::office::Office;
use callbackd::demo::people::Caller;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const ALERTS: &str = include_str!("../../config/prometheus/alerts.yml");
const RULES: &str = include_str!("../../config/prometheus/rules.yml");
const DASHBOARD: &str = include_str!("../../config/grafana/callbackd.json");
const RUNBOOK: &str = include_str!("../../config/doc/runbook.md");

/// Nobody waits this long unless a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What promtool says of this input; it must find nothing.
fn promtool(args: &[&str], input: &str) {
    let mut command = Command::new("promtool");
    command.args(args).current_dir(root("")).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("promtool (Debian: package prometheus): {error}"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "promtool {args:?}: {said}");
}

/// A daemon beside a pretend PBX: a customer gave up, was called back and served; another was served at once. And a webhook and a sink that nobody answers.
struct Day {
    site: Site,
    port: u16,
    _exchange: Exchange,
    _daemon: Running,
}

fn day() -> Day {
    let exchange = Exchange::open(Office::small(), Box::new(Eager(1_500)), nobody(), |_| {});
    let (site, port) = (Site::new(0), free_port());
    site.write("secret", "demo\n", 0o600);
    site.write("hook", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", 0o600);
    let hook = format!("http://127.0.0.1:{}/", free_port());
    let more = format!(
        "[report]\nservice_level = \"7s\"\n[[webhook]]\nname = \"crm\"\nurl = \"{hook}\"\nsecret_file = \"hook\"\n\
         [[sink]]\nname = \"head\"\ntype = \"postgres\"\nurl = \"postgres://callbackd@127.0.0.1:{}/calls\"\npassword_file = \"secret\"\n",
        free_port()
    );
    let listening = format!("socket = \"api.sock\"\nlisten = \"127.0.0.1:{port}\"\n");
    site.configure(&configuration(exchange.port, "", &more).replace("socket = \"api.sock\"\n", &listening));
    let mut daemon = Running::start(site.command(&["run", "--config", "callbackd.toml"]));
    daemon.wait_for("session: Asterisk is ready");
    let agents = Office::small().agents.len();
    (0..agents).for_each(|agent| exchange.pause(agent, Some("lunch")));
    exchange.until("all to be at lunch", |known| known.paused.len() == agents);
    exchange.call(impatient("12025550123", 300));
    daemon.wait_for("Callback queued");
    (0..agents).for_each(|agent| exchange.pause(agent, None));
    daemon.wait_for("state=DONE");
    exchange.call(Caller { patience_ms: 60_000, ..impatient("12025550124", 0) });
    daemon.wait_for("status=ANSWER outcome=AGENT queue=sales");
    Day { site, port, _exchange: exchange, _daemon: daemon }
}

impl Day {
    fn metrics(&self) -> String {
        let (status, text) = http(&self.site.path("api.sock"), "GET", "/metrics", "").unwrap();
        assert_eq!(status, 200);
        text.as_str().unwrap().to_owned()
    }

    /// Customers' numbers, DIDs and linkedids of its calls: what would make a series of its own of each call, and show who called.
    fn private(&self) -> BTreeSet<String> {
        let db = Connection::open_with_flags(self.site.path("calls.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let sql =
            "SELECT ltrim(number_e164, '+') FROM calls UNION SELECT did FROM calls UNION SELECT linkedid FROM calls";
        let mut rows = db.prepare(sql).unwrap();
        let texts = rows.query_map([], |row| row.get::<_, Option<String>>(0)).unwrap();
        texts.filter_map(Result::unwrap).collect()
    }
}

/// A process that ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The value of each series that Prometheus answers with; `None` while it does not answer.
fn asked(port: u16, query: &str) -> Option<Vec<f64>> {
    let query: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    write!(stream, "GET /api/v1/query?query={query} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let answer: Value = serde_json::from_str(text.split_once("\r\n\r\n")?.1).ok()?;
    let series = answer["data"]["result"].as_array()?;
    Some(series.iter().map(|one| one["value"][1].as_str().unwrap().parse().unwrap()).collect())
}

/// Waits until Prometheus answers so.
#[allow(
    clippy::disallowed_methods,
    reason = "another program scrapes when it does: there is nothing to wait for but its answer"
)]
fn until(port: u16, query: &str, expected: &[f64]) {
    let begun = Instant::now();
    loop {
        let answer = asked(port, query);
        if answer.as_deref() == Some(expected) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{query} is {answer:?}, not {expected:?}");
        sleep(Duration::from_millis(200));
    }
}

#[test]
fn a_real_prometheus_scrapes_the_daemon_and_answers_with_its_figures() {
    let day = day();
    let token = day.site.run(&["token", "add", "prometheus", "--role", "read", "--config", "callbackd.toml"]);
    assert_eq!(token.code, 0, "{token:?}");
    day.site.write("token", token.out.trim(), 0o600);
    let port = free_port();
    day.site.write(
        "prometheus.yml",
        &format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: [ {} ]\nscrape_configs:\n  - job_name: callbackd\n    \
             authorization: {{ credentials_file: token }}\n    static_configs: [ {{ targets: [\"localhost:{}\"] }} ]\n",
            root("config/prometheus/*.yml").display(),
            day.port
        ),
        0o644,
    );
    let mut command = Command::new("prometheus");
    command.current_dir(day.site.directory.path()).args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"]);
    command.arg(format!("--web.listen-address=127.0.0.1:{port}")).stdout(Stdio::null()).stderr(Stdio::null());
    let _prometheus = Ended(command.spawn().expect("prometheus (Debian: package prometheus)"));

    until(port, "up{job=\"callbackd\"}", &[1.0]);
    for (query, expected) in [
        ("callbackd_ami_up{pbx=\"demo\"}", 1.0),
        ("callbackd_calls_total{queue=\"sales\",direction=\"inbound\",status=\"ANSWER\",outcome=\"AGENT\"}", 1.0),
        (
            "callbackd_calls_total{queue=\"sales\",direction=\"inbound\",status=\"CANCEL\",outcome=\"QUEUE_ABANDON\"}",
            1.0,
        ),
        ("callbackd_calls_total{queue=\"\",direction=\"inbound\",outcome=\"RING_TIMEOUT\"}", 0.0),
        ("sum(callbackd_calls_total{direction=\"callback\"})", 1.0),
        ("callbackd_call_wait_seconds_count{queue=\"sales\",answered=\"true\"}", 1.0),
        ("callbackd_call_wait_seconds_bucket{queue=\"sales\",answered=\"true\",le=\"7\"}", 1.0),
        ("sum(callbackd_call_wait_seconds_count)", 2.0),
        ("callbackd_callbacks_closed_total{queue=\"sales\",state=\"DONE\"}", 1.0),
        ("callbackd_recovery_seconds_count{queue=\"sales\",by=\"callback\"}", 1.0),
        ("callbackd_callback_attempts_ended_total{queue=\"sales\",result=\"CONNECTED\"}", 1.0),
        ("sum(callbackd_agents{pbx=\"demo\"}) > bool 0", 1.0),
        ("sum(callbackd_store_records_lost_total)", 0.0),
        ("count(callbackd_store_commit_seconds_bucket{le=\"+Inf\"})", 1.0),
    ] {
        until(port, query, &[expected]);
    }
}

/// The metrics that an expression names, without the parts of histograms.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
    let bare = |word: &str| {
        let word = ["_bucket", "_sum", "_count"].iter().find_map(|part| word.strip_suffix(part)).unwrap_or(word);
        word.to_owned()
    };
    words.filter(|word| word.contains("callbackd_")).map(bare).collect()
}

#[test]
fn every_metric_is_well_formed_and_what_rules_alerts_and_dashboard_ask_for_exists() {
    let day = day();
    let text = day.metrics();
    promtool(&["check", "metrics"], &text);
    let private = day.private();
    assert!(private.len() >= 5, "{private:?}");
    let found = private.iter().find(|private| text.contains(private.as_str()));
    assert_eq!(found, None, "a number, a DID or a linkedid is in {text}");
    let mut known: BTreeSet<String> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next().map(str::to_owned)).collect();
    known.extend(RULES.lines().filter_map(|line| line.trim().strip_prefix("- record: ").map(str::to_owned)));
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut expressions: Vec<String> = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten())
        .map(|target| target["expr"].as_str().unwrap().to_owned())
        .collect();
    assert!(expressions.len() > 20, "{expressions:#?}");
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        expressions.push(variable["query"].as_str().unwrap().to_owned());
    }
    expressions.extend([ALERTS, RULES].map(|text| {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with(['#', '-']) && !line.contains("group"));
        lines.collect::<Vec<_>>().join("\n")
    }));
    let unknown: BTreeSet<String> =
        expressions.iter().flat_map(|text| named(text)).filter(|name| !known.contains(name)).collect();
    assert!(unknown.is_empty(), "nobody has {unknown:?} of {known:#?}");
}

#[test]
fn the_dashboards_expressions_are_promql() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut rules = "groups:\n- name: dashboard\n  rules:\n".to_owned();
    let targets = dashboard["panels"].as_array().unwrap().iter().flat_map(|panel| panel["targets"].as_array());
    for (n, target) in targets.flatten().enumerate() {
        let expression = Value::from(target["expr"].as_str().unwrap().replace('$', "_"));
        rules += &format!("  - record: panel_{n}\n    expr: {expression}\n");
    }
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("dashboard.yml");
    std::fs::write(&file, rules).unwrap();
    promtool(&["check", "rules", file.to_str().unwrap()], "");
}

#[test]
fn rules_and_alerts_fire_when_they_should_and_each_has_its_page() {
    promtool(&["check", "rules", "config/prometheus/alerts.yml", "config/prometheus/rules.yml"], "");
    promtool(&["test", "rules", "tests/shell/prometheus_alerts.yml"], "");
    let tried = std::fs::read_to_string(root("tests/shell/prometheus_alerts.yml")).unwrap();
    let names: Vec<&str> = ALERTS.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        assert!(RUNBOOK.contains(&format!("## {name}\n")), "runbook.md has nothing about {name}");
        assert!(ALERTS.contains(&format!("/usr/share/doc/callbackd/runbook.md#{}\n", name.to_lowercase())), "{name}");
        assert!(tried.contains(&format!("alertname: {name}\n")), "{name} is not tried");
    }
}
