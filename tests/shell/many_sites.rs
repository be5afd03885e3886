//! The manual's page on many sites, typed in: its files and commands make servers that a site works with, and rights that suffice.

use crate::front::Front;
use crate::nats;
use crate::postgres::{Postgres, WRITER};
use crate::scripted::{Running, Said};
use crate::tls::Workshop;
use std::process::Command;

const PAGE: &str = include_str!("../../config/doc/many-sites.md");
const WAITS: &str = "sink=5000,sink_pause=20,sink_lists=200";

/// The indented lines that follow the first line with these words, with others in the place of the manual's examples.
fn block(after: &str, instead: &[(&str, &str)]) -> String {
    let follows = PAGE.lines().skip_while(|line| !line.contains(after)).skip(1);
    let inside = follows.skip_while(|line| !line.starts_with("    "));
    let lines = inside.take_while(|line| line.starts_with("    ") || line.is_empty());
    let text = lines.fold(String::new(), |text, line| text + line.trim_start_matches("    ") + "\n");
    assert!(!text.is_empty(), "no block after {after}");
    instead.iter().fold(text.trim_end().to_owned() + "\n", |text, (example, here)| {
        assert!(text.contains(example), "{after}: {example} is not in {text}");
        text.replace(example, here)
    })
}

/// The authority and the certificate of the page, for this machine: `ca.pem`, `server.pem`, `server.key`.
fn certified() -> Workshop {
    let workshop = Workshop::new();
    for line in block("make one, on a machine that is no server", &[("db.example.com", "localhost")]).lines() {
        let done = Command::new("sh").args(["-c", line]).current_dir(workshop.0.path()).output().unwrap();
        assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
    }
    workshop
}

fn ends_well(said: &Said) {
    assert_eq!(said.code, 0, "{said:?}");
}

/// A site of which `configuration` is what the page has it add; its database is empty.
fn site(workshop: &Workshop, configuration: &str) -> Front {
    let front = Front::closed("");
    // What is before the first table comes before all.
    let text = std::fs::read_to_string(front.site.path("callbackd.toml")).unwrap();
    front.site.configure(&format!("{}\n{text}", configuration.trim_end()));
    std::fs::copy(workshop.path("ca.pem"), front.site.path("ca.pem")).unwrap();
    front
}

/// A PostgreSQL as the page has it made, and the schema in it.
fn central(workshop: &Workshop) -> (Postgres, Front) {
    let mut server = Postgres::new();
    let paths = [("/etc/postgresql/callbackd.pem", "server.pem"), ("/etc/postgresql/callbackd.key", "server.key")];
    server.configure(&block("conf.d/callbackd.conf", &paths));
    server.allow(&block("pg_hba.conf`, before what is there", &[("192.0.2.0/24", "127.0.0.1/32")]));
    server.stop();
    server.lay("server.pem", &workshop.path("server.pem"));
    server.lay("server.key", &workshop.path("server.key"));
    server.start();
    server.sql("postgres", "CREATE ROLE reader LOGIN PASSWORD 'reader-secret'");
    let here = format!("localhost:{}", server.port);
    let front = site(workshop, &block("mode 600, of the user callbackd", &[("db.example.com", &here)]));
    front.site.write("sink-head-office", WRITER, 0o600);
    let schema = front.run(&["sink", "init", "head-office"]);
    ends_well(&schema);
    server.sql("callbackd", &schema.out);
    let grant = PAGE.lines().find_map(|line| line.trim().strip_prefix("sudo -u postgres psql callbackd -c \""));
    server.sql("callbackd", grant.unwrap().trim_end_matches('"'));
    (server, front)
}

#[test]
fn a_site_writes_into_the_postgresql_of_the_manual_and_a_reader_reports_of_it() {
    let workshop = certified();
    let (server, front) = central(&workshop);
    ends_well(&front.run(&["check"]));
    let front = front.started(WAITS);
    let id = front.added("+12025550123");
    let there = || server.sql("callbackd", "SELECT site, id FROM callbackd.callbacks");
    while there() != format!("berlin|{id}") {}
    let shown = front.run(&["sink", "show", "head-office"]);
    assert!(shown.code == 0 && shown.out.contains("berlin"), "{shown:?}");
    front.site.write("reader", "reader-secret", 0o600);
    let url = format!("postgres://reader@localhost:{}/callbackd", server.port);
    let report = ["report", "today", "--postgres", &url, "--password-file", "reader"];
    let report = front.run(&report);
    assert!(report.code == 0 || report.err.contains("no call"), "{report:?}");
    assert!(!server.tried("reader", "reader-secret", "callbackd", "DELETE FROM callbackd.callbacks").0);
}

#[test]
fn a_site_publishes_claims_and_is_collected_with_the_rights_of_the_manual() {
    let workshop = certified();
    let (postgres, _) = central(&workshop);
    let store = tempfile::tempdir().unwrap();
    let port = crate::ports::free_port();
    let file = block(
        "for its passwords are in it",
        &[
            ("0.0.0.0:4222", &format!("127.0.0.1:{port}")),
            ("/etc/nats", workshop.0.path().to_str().unwrap()),
            ("/var/lib/nats", store.path().to_str().unwrap()),
            ("ADMIN-PASSWORD", nats::ADMIN),
            ("COLLECTOR-PASSWORD", "collector-secret"),
            ("BERLIN-PASSWORD", nats::SITE),
        ],
    );
    workshop.write("nats-server.conf", &file);
    let _server = nats::serving(&workshop.path("nats-server.conf"));
    let here = format!("localhost:{port}");
    let front = site(&workshop, &block("for this moment):", &[("nats.example.com:4222", &here)]));
    front.site.write("sink-stream", nats::SITE, 0o600);
    front.site.write("admin", nats::ADMIN, 0o600);
    for line in block("Once, there, for all sites", &[]).lines() {
        let args: Vec<&str> = line.split_whitespace().skip(1).collect();
        ends_well(&front.run(&args));
    }
    ends_well(&front.run(&["check"]));
    front.site.write(
        "collect.toml",
        &format!(
            "[[sink]]\nname = \"stream\"\ntype = \"nats\"\nurl = \"tls://{here}\"\nuser = \"collector\"\npassword_file = \"collector\"\ntls_ca_file = \"ca.pem\"\n\
             [[sink]]\nname = \"head-office\"\ntype = \"postgres\"\nurl = \"postgres://callbackd@localhost:{}/callbackd\"\npassword_file = \"writer\"\ntls_ca_file = \"ca.pem\"\n",
            postgres.port
        ),
        0o644,
    );
    front.site.write("collector", "collector-secret", 0o600);
    front.site.write("writer", WRITER, 0o600);
    let front = front.started(WAITS);
    let mut command = front.site.command(&["collect", "--config", "collect.toml"]);
    command.env("CALLBACKD_TIMING", WAITS);
    let _collector = Running::start(command);
    let id = front.added("+12025550123");
    let there = || postgres.sql("callbackd", "SELECT site, id FROM callbackd.callbacks");
    while there() != format!("berlin|{id}") {}
    // The group's buckets are asked with the same rights.
    while front.site.any_status()["counters"]["group"]["reached"] != serde_json::json!(true) {}
}
