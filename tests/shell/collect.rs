//! `callbackd collect`: a stream of real sites brought into a real PostgreSQL, by collectors that are killed: what is there is what the sites' tables say.

use crate::front::Front;
use crate::nats::Nats;
use crate::nats_sink::{into, made, set_back, stands, whole};
use crate::postgres::{ADMIN, Postgres, WRITER};
use crate::scripted::{Running, Said};
use crate::sinks::{replayed, the_same};
use rustix::process::Signal;
use serde_json::{Value, json};

const WAITS: &str = "sink=5000,sink_pause=20,sink_lists=200";
const COLLECTS: &str = "sink=5000,sink_pause=20,collect_ack=1000,collect_gap=1000";

/// Where it is collected: a configuration with nothing but the two sinks, beside the site's own.
struct Head {
    postgres: Postgres,
    front: Front,
}

impl Head {
    fn new(server: &Nats, site: &str) -> Self {
        let (postgres, front) = (Postgres::new(), into(server, site, ""));
        let head = Self { postgres, front };
        head.configure(server, &head.front);
        let url = format!("postgres://admin@127.0.0.1:{}/callbackd", head.postgres.port);
        let init = ["sink", "init", "head", "--apply", "--url", &url, "--password-file", "admin-there"];
        let said = head.run(&init);
        assert_eq!(said.code, 0, "{said:?}");
        made(&head.front);
        head
    }

    /// Lays the configuration beside that of a site.
    fn configure(&self, server: &Nats, front: &Front) {
        let text = format!(
            "[[sink]]\nname = \"stream\"\ntype = \"nats\"\nurl = \"nats://127.0.0.1:{}\"\nuser = \"admin\"\npassword_file = \"admin\"\n\
             [[sink]]\nname = \"head\"\ntype = \"postgres\"\nurl = \"postgres://callbackd@127.0.0.1:{}/callbackd\"\npassword_file = \"writer\"\n",
            server.port, self.postgres.port
        );
        front.site.write("collect.toml", &text, 0o644);
        front.site.write("writer", WRITER, 0o600);
        front.site.write("admin-there", ADMIN, 0o600);
    }

    fn run(&self, args: &[&str]) -> Said {
        self.front.site.run(&[args, &["--config", "collect.toml"]].concat())
    }

    fn collector(&self) -> Running {
        let mut command = self.front.site.command(&["collect", "--config", "collect.toml"]);
        command.env("CALLBACKD_TIMING", COLLECTS);
        let mut collector = Running::start(command);
        collector.wait_for("collect: Collector starts, from=stream into=head");
        collector
    }

    /// Asks until this is answered so.
    fn until(&self, sql: &str, expected: &str) {
        let mut last = String::new();
        for _ in 0..600 {
            last = self.postgres.sql("callbackd", sql);
            if last == expected {
                return;
            }
        }
        panic!("{sql}: {last}, not {expected}; dead letters: {}", self.dead());
    }

    /// All that this site has published is there.
    fn has_all(&self, front: &Front, server: &Nats) {
        whole(&front.site);
        let (site, db): (String, String) = front.row("SELECT site, db_uuid FROM identity");
        let newest: i64 = front.row("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'");
        self.until(
            &format!(
                "SELECT acked_seq, walk IS NULL FROM callbackd.sink_cursor WHERE site = '{site}' AND db_uuid = '{db}'"
            ),
            &format!("{newest}|t"),
        );
        // And the short lists, which have no number.
        loop {
            let consumer = server.api("CONSUMER.INFO.callbackd.collect-head", &json!({}));
            if consumer["num_pending"] == json!(0) && consumer["num_ack_pending"] == json!(0) {
                return;
            }
        }
    }

    fn dead(&self) -> String {
        let sql = "SELECT coalesce(string_agg(coalesce(site, '-') || ' ' || coalesce(to_seq::text, '-') || ' ' || why || ' ' || came, '; ' ORDER BY id), '')
            FROM callbackd.dead_letters";
        self.postgres.sql("callbackd", sql)
    }
}

#[test]
fn what_was_there_before_and_what_comes_is_in_both_whoever_is_killed() {
    let mut server = Nats::new();
    let head = Head::new(&server, "berlin");
    replayed(&head.front);
    let mut one = head.collector();
    let Head { postgres, front } = head;
    let mut head = Head { postgres, front: front.started(WAITS) };
    head.has_all(&head.front, &server);
    assert!(the_same(&head.front.site, &head.postgres) > 300);
    let mut other = head.collector();
    for round in 0..12 {
        let id = head.front.added(&format!("+1202555{round:04}"));
        head.front.post("/v1/dnc", &json!({"number": format!("+1202556{round:04}")}));
        if round % 2 == 0 {
            head.front.post(&format!("/v1/callbacks/{id}/cancel"), &json!({}));
            head.front.ask("DELETE", &format!("/v1/dnc/+1202556{round:04}"), &Value::Null);
        }
        match round % 4 {
            0 => {
                one.end(Some(Signal::KILL));
                one = head.collector();
            }
            1 => {
                other.end(Some(Signal::KILL));
                other = head.collector();
            }
            2 => {
                head.postgres.kill();
                head.postgres.start();
            }
            _ => {
                server.kill();
                server.start();
            }
        }
    }
    head.has_all(&head.front, &server);
    the_same(&head.front.site, &head.postgres);
    assert_eq!(head.dead(), "");
    let shown = head.run(&["sink", "show", "stream"]);
    assert!(shown.line(&["collect-head"]).contains(" 0 "), "{shown:?}");
    for collector in [one, other] {
        let (code, log) = collector.end(Some(Signal::TERM));
        assert_eq!(code, Some(0), "{log}");
    }
}

#[test]
fn sites_are_apart_and_a_database_that_was_put_back_is_a_later_incarnation_of_its_site() {
    let server = Nats::new();
    let head = Head::new(&server, "berlin");
    let _one = head.collector();
    let Head { postgres, front } = head;
    let mut head = Head { postgres, front: front.started(WAITS) };
    let there = into(&server, "bad ems", "").started(WAITS);
    head.front.added("+12025550121");
    there.added("+12025550122");
    there.added("+12025550123");
    head.has_all(&head.front, &server);
    head.has_all(&there, &server);
    the_same(&head.front.site, &head.postgres);
    the_same(&there.site, &head.postgres);
    assert_eq!(
        head.postgres.sql("callbackd", "SELECT site, count(*) FROM callbackd.callbacks GROUP BY site ORDER BY site"),
        "bad ems|2\nberlin|1"
    );
    let copied = head.front.run(&["backup", "copy.db"]);
    assert_eq!(copied.code, 0, "{copied:?}");
    head.front.added("+12025550124");
    head.has_all(&head.front, &server);
    head.front.ended(Signal::TERM);
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(head.front.site.path(&format!("calls.db{suffix}")));
    }
    std::fs::rename(head.front.site.path("copy.db"), head.front.site.path("calls.db")).unwrap();
    let Head { postgres, front } = head;
    let mut head = Head { postgres, front: front.started(WAITS) };
    head.front.added("+12025550125");
    head.has_all(&head.front, &server);
    the_same(&head.front.site, &head.postgres);
    let incarnations = "SELECT site, max(incarnation) FROM callbackd.sink_cursor GROUP BY site ORDER BY site";
    assert_eq!(head.postgres.sql("callbackd", incarnations), "bad ems|1\nberlin|2");
    // The same database, set back with its machine.
    let before: String = head.front.row("SELECT db_uuid FROM identity");
    head.front.ended(Signal::TERM);
    let (known, lock) = stands(&head.front);
    let Head { postgres, front } = head;
    let mut head = Head { postgres, front: front.started(WAITS) };
    head.front.added("+12025550126");
    head.has_all(&head.front, &server);
    head.front.ended(Signal::TERM);
    set_back(&head.front, known, &lock);
    let Head { postgres, front } = head;
    let head = Head { postgres, front: front.started(WAITS) };
    head.front.added("+12025550127");
    head.has_all(&head.front, &server);
    the_same(&head.front.site, &head.postgres);
    assert_eq!(head.front.row::<String>("SELECT db_uuid FROM identity"), before);
    assert_eq!(head.postgres.sql("callbackd", incarnations), "bad ems|1\nberlin|3");
    assert_eq!(head.dead(), "");
}

const DB: &str = "0a1b2c3d4e5f";

/// Publishes what a site would, with this body.
fn published(server: &Nats, place: &str, body: &str) {
    let headers =
        format!("NATS/1.0\r\nCallbackd-Db: {DB}\r\nCallbackd-Chain: 5\r\nCallbackd-Acked: 0\r\n{place}\r\n\r\n");
    let answer = server.publish("callbackd.far._.x", &headers, body.as_bytes());
    assert!(answer["error"].is_null(), "{answer}");
}

fn change(server: &Nats, seq: i64, after: i64, body: &str) {
    published(server, &format!("Callbackd-Seq: {seq}\r\nCallbackd-After: {after}"), body);
}

/// A number on the do-not-call list.
fn listed(number: &str) -> String {
    let columns = ["number_e164", "added_ms", "by", "rev"];
    json!({"schema": 1, "at_ms": 7, "rows": {"do_not_call": {"columns": &columns[..1], "rows": [[number]]}}, "called_again": []})
        .to_string()
}

#[test]
fn what_cannot_be_read_or_written_or_never_comes_is_put_aside_and_what_comes_behind_it_is_taken() {
    let server = Nats::new();
    let head = Head::new(&server, "berlin");
    let mut collector = head.collector();
    let nothing = json!({"schema": 1, "at_ms": 7, "rows": {}}).to_string();
    server.publish("callbackd.hello", "", b"hello");
    collector.wait_for("A message is put aside, its rows are not written, subject=callbackd.hello");
    published(&server, "Callbackd-Seq: 0\r\nCallbackd-Piece: 0", &nothing);
    change(&server, 1, 0, "{not JSON");
    collector.wait_for("A message is put aside, its rows are not written, subject=callbackd.far._.x");
    // PostgreSQL refuses it: what must be there is not.
    change(&server, 2, 1, &listed("+12025550120"));
    change(&server, 3, 2, &nothing);
    head.until("SELECT acked_seq FROM callbackd.sink_cursor WHERE site = 'far'", "3");
    // Later ones come first, and one twice.
    change(&server, 5, 4, &nothing);
    change(&server, 4, 3, &nothing);
    change(&server, 4, 3, &nothing);
    head.until("SELECT acked_seq FROM callbackd.sink_cursor WHERE site = 'far'", "5");
    change(&server, 9, 8, &nothing);
    collector
        .wait_for("Messages of a site do not come and are gone on without, site=far why=\"changes 6 to 8 are missing");
    head.until("SELECT acked_seq FROM callbackd.sink_cursor WHERE site = 'far'", "9");
    change(&server, 7, 6, &nothing);
    head.until("SELECT came FROM callbackd.dead_letters WHERE body IS NULL", "1");
    let why: Vec<String> = head.dead().split("; ").map(str::to_owned).collect();
    assert_eq!(why.len(), 4, "{why:?}");
    assert!(why[0].starts_with("- - it is none of callbackd's") || why[0].starts_with("hello - "), "{why:?}");
    assert!(why[1].starts_with("far 1 it is not the JSON") && why[2].starts_with("far 2 "), "{why:?}");
    assert!(why[3].starts_with("far 8 changes 6 to 8 are missing"), "{why:?}");
    let shown = head.run(&["collect", "--dead"]);
    assert!(shown.line(&["7 to", "6 to 8"][1..]).contains("1 came") && shown.out.contains("not the JSON"), "{shown:?}");
    assert!(head.run(&["sink", "show", "head"]).out.contains("callbackd collect --into head --dead"));
    // A site whose tables are of a later version waits, and with it all: nothing of it is lost.
    change(&server, 10, 9, &json!({"schema": 9_999, "at_ms": 7, "rows": {}}).to_string());
    collector.wait_for("site far writes version 9999 of its tables, which this callbackd does not know");
    assert_eq!(head.postgres.sql("callbackd", "SELECT count(*) FROM callbackd.dead_letters"), "4");
}
