//! Sinks of the running daemon, against a real PostgreSQL that is killed, set back and refuses: what is there is what the tables here say.

use crate::exchange::{Eager, Exchange, configuration, impatient, nobody};
use crate::front::{Front, http};
use crate::nats_sink::{grows_beyond, newest, set_back, stands};
use crate::postgres::{ADMIN, Postgres, WRITER};
use crate::scripted::{Running, Site};
use crate::tls::Workshop;
use callbackd::demo::office::Office;
use callbackd::demo::people::Caller;
use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::path::Path;

const WAITS: &str = "sink=5000,sink_pause=20";

/// Tables of which there is a copy; of those with a `2`, one row for each database of the site.
const TABLES: [&str; 16] = [
    "calls",
    "legs",
    "queue_visits",
    "ivr_steps",
    "tags",
    "ratings",
    "callbacks",
    "callback_events",
    "callback_attempts",
    "gaps",
    "agent_intervals",
    "do_not_call",
    "agents",
    "pbx_seen",
    "codes",
    "report_settings",
];

/// A daemon's place with a sink `head` into this server, with these lines in its table; not started yet.
pub fn into(server: &Postgres, more: &str) -> Front {
    let front = Front::closed(&format!(
        "[[sink]]\nname = \"head\"\ntype = \"postgres\"\nurl = \"postgres://callbackd@127.0.0.1:{}/callbackd\"\npassword_file = \"writer\"\n{more}",
        server.port
    ));
    front.site.write("writer", WRITER, 0o600);
    front.site.write("admin", ADMIN, 0o600);
    front
}

fn admin(server: &Postgres) -> String {
    format!("postgres://admin@127.0.0.1:{}/callbackd", server.port)
}

/// Makes the schema, as `sink init --apply` does.
pub fn made(front: &Front, server: &Postgres) {
    let said = front.run(&["sink", "init", "head", "--apply", "--url", &admin(server), "--password-file", "admin"]);
    assert_eq!(said.code, 0, "{said:?}");
}

/// Asks until the sink has all that the feed has, and returns its counters.
pub fn whole(site: &Site) -> Value {
    loop {
        let (_, status) = http(&site.path("api.sock"), "GET", "/v1/status", "").unwrap();
        let sink = status["counters"]["sinks"]["head"].clone();
        let is_zero = |name: &str| sink[name] == json!(0);
        if sink["batches"].as_u64() > Some(0)
            && is_zero("behind")
            && is_zero("lag_ms")
            && sink["walking"] == json!(false)
            && sink["failing_since_ms"].is_null()
        {
            return sink;
        }
    }
}

fn columns(db: &Connection, table: &str) -> Vec<String> {
    let mut found = db.prepare("SELECT name FROM pragma_table_info(?)").unwrap();
    found.query_map([table], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// The rows of a table as lines: here, and there for this site.
fn both(db: &Path, server: &Postgres, table: &str) -> (Vec<String>, Vec<String>) {
    let db = Connection::open(db).unwrap();
    let line = |cast: &dyn Fn(&str) -> String| {
        let columns = columns(&db, table);
        columns.iter().map(|column| format!("coalesce({}, '-')", cast(column))).collect::<Vec<_>>().join(" || '|' || ")
    };
    // Real numbers are written in another way: they are compared as hundredths.
    let here = line(&|column| match column {
        "score" => "CAST(CAST(score * 100 AS INTEGER) AS TEXT)".to_owned(),
        _ => format!("CAST(\"{column}\" AS TEXT)"),
    });
    let there = line(&|column| match column {
        "score" => "(score * 100)::bigint::text".to_owned(),
        _ => format!("\"{column}\"::text"),
    });
    let site: String = db.query_row("SELECT coalesce(site, '') FROM identity", [], |row| row.get(0)).unwrap();
    let mut found = db.prepare(&format!("SELECT {here} FROM {table}")).unwrap();
    let mut here: Vec<String> = found.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let sql = format!(
        "SELECT coalesce(json_agg({there}), '[]') FROM callbackd.{table} t WHERE (site, incarnation) = (SELECT site, max(incarnation) FROM callbackd.sink_cursor WHERE site = '{site}' GROUP BY site)"
    );
    let mut there: Vec<String> = serde_json::from_str(&server.sql("callbackd", &sql)).unwrap();
    here.sort();
    there.sort();
    (here, there)
}

/// All tables say the same in both, once what comes some moments after a start has come.
pub fn the_same(site: &Site, server: &Postgres) -> usize {
    let mut rows = 0;
    for table in TABLES {
        let mut tries = 0..100;
        let (here, there) = loop {
            let (here, there) = both(&site.path("calls.db"), server, table);
            if here == there || table == "pbx_seen" || tries.next().is_none() {
                break (here, there);
            }
        };
        // When a PBX was seen last is sent every minute.
        if table == "pbx_seen" {
            assert_eq!(here.len(), there.len(), "{table}");
        } else {
            assert_eq!(here, there, "{table}");
        }
        rows += here.len();
    }
    rows
}

/// The recordings of a real Asterisk as one database.
pub fn replayed(front: &Front) {
    let traces = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces/asterisk22");
    let mut traces: Vec<String> = std::fs::read_dir(traces)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ami"))
        .map(|path| path.to_str().unwrap().to_owned())
        .collect();
    traces.sort();
    let rules = include_str!("../traces.toml");
    for (n, trace) in traces.iter().enumerate() {
        // Recordings have the same linkedids: each is of a PBX of its own.
        front.site.write("replay.toml", &rules.replace("\"lab\"", &format!("\"lab{n}\"")), 0o644);
        let said = front.site.run(&["replay", "--config", "replay.toml", "--db", "calls.db", trace]);
        assert_eq!(said.code, 0, "{trace}: {said:?}");
    }
}

#[test]
fn what_was_there_before_and_what_comes_is_in_both_and_so_are_the_figures() {
    let server = Postgres::new();
    let front = into(&server, "");
    made(&front, &server);
    replayed(&front);
    let front = front.started(WAITS);
    whole(&front.site);
    assert!(the_same(&front.site, &server) > 300);
    let id = front.added("+12025550123");
    front.post("/v1/dnc", &json!({"number": "+12025550124"}));
    front.post(&format!("/v1/callbacks/{id}/cancel"), &json!({"note": "by e-mail"}));
    let call: i64 = front.row("SELECT id FROM calls WHERE direction = 'inbound' ORDER BY id LIMIT 1");
    let tagged = front.run(&["tag", &call.to_string(), "FOLLOW_UP", "--note", "next week"]);
    assert_eq!(tagged.code, 0, "{tagged:?}");
    whole(&front.site);
    the_same(&front.site, &server);
    assert_eq!(server.sql("callbackd", "SELECT count(*) FROM callbackd.tags WHERE note = 'next week'"), "1");
    front.ask("DELETE", "/v1/dnc/+12025550124", &Value::Null);
    whole(&front.site);
    the_same(&front.site, &server);
    // The figures of each day, as both databases make them.
    let figures =
        "inbound, outbound, offered, answered, missed, abandoned, answered_in_time, mean_wait_ms, mean_talk_ms";
    let figures: Vec<&str> = figures.split(", ").collect();
    let shown =
        figures.iter().map(|f| format!("coalesce(CAST({f} AS TEXT), '-')")).collect::<Vec<_>>().join(" || ' ' || ");
    let here: String = front.row(&format!(
        "SELECT group_concat(line, ';') FROM (SELECT date || ' ' || {shown} AS line FROM v_report_days ORDER BY 1)"
    ));
    let there = server.sql("callbackd", &format!("SELECT string_agg(line, ';' ORDER BY line) FROM (SELECT date || ' ' || {shown} AS line FROM callbackd.v_report_days) x"));
    assert!(here.len() > 20, "{here}");
    assert_eq!(here, there);
    let shown = front.run(&["sink", "show", "head"]);
    assert!(shown.line(&["This site:"]).contains("0 changes behind"), "{shown:?}");
}

#[test]
fn a_day_at_work_is_in_both_as_it_goes_by() {
    let server = Postgres::new();
    let exchange = Exchange::open(Office::small(), Box::new(Eager(1_500)), nobody(), |_| {});
    let site = Site::new(0);
    for (name, secret) in [("secret", "demo"), ("writer", WRITER), ("admin", ADMIN)] {
        site.write(name, secret, 0o600);
    }
    let sink = format!(
        "[[sink]]\nname = \"head\"\ntype = \"postgres\"\nurl = \"postgres://callbackd@127.0.0.1:{}/callbackd\"\npassword_file = \"writer\"\n",
        server.port
    );
    site.configure(&configuration(exchange.port, "", &sink));
    let url = admin(&server);
    let init =
        ["sink", "init", "head", "--apply", "--url", &url, "--password-file", "admin", "--config", "callbackd.toml"];
    assert_eq!(site.run(&init).code, 0);
    let mut daemon = Running::start(site.command(&["run", "--config", "callbackd.toml"]));
    daemon.wait_for("session: Asterisk is ready");
    let agents = Office::small().agents.len();
    (0..agents).for_each(|agent| exchange.pause(agent, Some("lunch")));
    exchange.until("all to be at lunch", |known| known.paused.len() == agents);
    for number in ["12025550121", "12025550122"] {
        exchange.call(impatient(number, 300));
        daemon.wait_for("Callback queued");
    }
    (0..agents).for_each(|agent| exchange.pause(agent, None));
    daemon.wait_for("state=DONE");
    daemon.wait_for("state=DONE");
    exchange.call(Caller { patience_ms: 60_000, ..impatient("12025550124", 0) });
    daemon.wait_for("status=ANSWER outcome=AGENT queue=sales");
    daemon.end(Some(Signal::TERM));
    // What was written last is read by the next one.
    let mut daemon = Running::start(site.command(&["run", "--config", "callbackd.toml"]));
    daemon.wait_for("session: Asterisk is ready");
    whole(&site);
    daemon.end(Some(Signal::KILL));
    for (table, rows) in [("calls", 5), ("callback_attempts", 2), ("callbacks", 2)] {
        let (here, there) = both(&site.path("calls.db"), &server, table);
        assert_eq!(here, there, "{table}");
        assert_eq!(here.len(), rows, "{table}");
    }
    for table in ["legs", "queue_visits", "tags", "callback_events", "gaps"] {
        let (here, there) = both(&site.path("calls.db"), &server, table);
        assert_eq!(here, there, "{table}");
    }
}

#[test]
fn a_server_that_is_killed_and_a_daemon_that_is_killed_lose_nothing_and_double_nothing() {
    let mut server = Postgres::new();
    let front = into(&server, "");
    made(&front, &server);
    let mut front = front.started(WAITS);
    for round in 0..20 {
        for n in 0..3 {
            let id = front.added(&format!("+1202555{:04}", round * 10 + n));
            if n > 0 {
                front.post(&format!("/v1/callbacks/{id}/cancel"), &json!({}));
            }
        }
        if round % 5 == 2 {
            server.kill();
            front.added(&format!("+1202555{:04}", round * 10 + 9));
            server.start();
        }
        front.killed();
        front = front.started(WAITS);
    }
    whole(&front.site);
    the_same(&front.site, &server);
    let (here, there) = both(&front.site.path("calls.db"), &server, "callbacks");
    assert_eq!((here.len(), there.len()), (64, 64));
    assert_eq!(server.sql("callbackd", "SELECT count(*), max(incarnation) FROM callbackd.sink_cursor"), "1|1");
}

#[test]
fn what_agents_were_doing_when_the_daemon_was_killed_is_ended_there_too() {
    let server = Postgres::new();
    let front = into(&server, "");
    made(&front, &server);
    let mut front = front.started(WAITS);
    whole(&front.site);
    let open = "SELECT count(*) FROM callbackd.agent_intervals WHERE to_ms IS NULL";
    let agents = server.sql("callbackd", open);
    assert_ne!(agents, "0");
    front.killed();
    let front = front.started(WAITS);
    whole(&front.site);
    the_same(&front.site, &server);
    assert_eq!(server.sql("callbackd", open), agents);
}

#[test]
fn a_machine_that_was_set_back_and_recorded_more_than_it_lost_before_it_reached_the_server_is_found_out() {
    let mut server = Postgres::new();
    let front = into(&server, "");
    made(&front, &server);
    let mut front = front.started(WAITS);
    front.added("+12025550121");
    whole(&front.site);
    front.ended(Signal::TERM);
    let (known, lock) = stands(&front);
    let mut front = front.started(WAITS);
    front.added("+12025550131");
    whole(&front.site);
    front.ended(Signal::TERM);
    let lost = newest(&front);
    set_back(&front, known, &lock);
    server.kill();
    let front = front.started(WAITS);
    grows_beyond(&front, lost);
    server.start();
    whole(&front.site);
    the_same(&front.site, &server);
    assert_eq!(server.sql("callbackd", "SELECT count(*), max(incarnation) FROM callbackd.sink_cursor"), "1|2");
}

#[test]
fn a_database_that_was_put_back_is_a_later_incarnation_and_an_earlier_writing_never_wins() {
    let server = Postgres::new();
    let front = into(&server, "");
    made(&front, &server);
    replayed(&front);
    let mut front = front.started(WAITS);
    let kept = front.added("+12025550121");
    let copied = front.run(&["backup", "copy.db"]);
    assert_eq!(copied.code, 0, "{copied:?}");
    let lost = front.added("+12025550122");
    front.post("/v1/dnc", &json!({"number": "+12025550129"}));
    whole(&front.site);
    assert_eq!(server.sql("callbackd", "SELECT count(*) FROM callbackd.callbacks"), "2");
    // A row that is newer there stays, whatever is read anew here.
    server.sql("callbackd", "UPDATE callbackd.calls SET rev = 99, name = 'Newer' WHERE id = 1");
    server.sql("callbackd", "UPDATE callbackd.sink_cursor SET acked_seq = -5");
    front.ended(Signal::TERM);
    let mut front = front.started(WAITS);
    assert_eq!(whole(&front.site)["walks"], json!(1), "the feed does not go back so far");
    assert_eq!(server.sql("callbackd", "SELECT name FROM callbackd.calls WHERE id = 1"), "Newer");
    // What belonged to these is there without them.
    server.sql("callbackd", "DELETE FROM callbackd.calls WHERE id <> 1");
    front.ended(Signal::TERM);
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(front.site.path(&format!("calls.db{suffix}")));
    }
    std::fs::rename(front.site.path("copy.db"), front.site.path("calls.db")).unwrap();
    let front = front.started(WAITS);
    whole(&front.site);
    the_same(&front.site, &server);
    assert_eq!(server.sql("callbackd", "SELECT count(*), max(incarnation) FROM callbackd.sink_cursor"), "2|2");
    assert_eq!(server.sql("callbackd", "SELECT count(*) FROM callbackd.calls WHERE name = 'Newer'"), "0", "later wins");
    assert_eq!(server.sql("callbackd", "SELECT count(*) FROM callbackd.do_not_call"), "0", "the copy has none");
    let ids = |sql: &str| server.sql("callbackd", sql);
    assert_eq!(
        ids("SELECT string_agg(id::text, ',') FROM callbackd.v_callbacks"),
        kept.to_string(),
        "not {lost}: nobody works on it"
    );
    assert_eq!(ids("SELECT count(*) FROM callbackd.callbacks"), "3", "of each database");
}

#[test]
fn who_writes_can_neither_delete_nor_change_the_schema() {
    let server = Postgres::new();
    let front = into(&server, "");
    made(&front, &server);
    made(&front, &server);
    let front = front.started(WAITS);
    front.post("/v1/dnc", &json!({"number": "+12025550124"}));
    whole(&front.site);
    for sql in [
        "DELETE FROM callbackd.calls",
        "DELETE FROM callbackd.do_not_call",
        "TRUNCATE callbackd.legs",
        "DROP VIEW callbackd.v_calls",
        "CREATE TABLE callbackd.x (y int)",
        "ALTER TABLE callbackd.calls ADD x int",
        "INSERT INTO callbackd.sink_schema (version, writers_from) VALUES (9, 9)",
    ] {
        let (well, said) = server.tried("callbackd", WRITER, "callbackd", sql);
        assert!(!well && (said.contains("permission denied") || said.contains("must be owner")), "{sql}: {said}");
    }
    let pruned = ["sink", "prune", "head", "--before", "today"];
    let refused = front.run(&pruned);
    assert!(
        refused.code != 0 && refused.err.contains("permission denied") || refused.err.contains("not for this user"),
        "{refused:?}"
    );
}

#[test]
fn what_is_old_is_taken_out_by_who_may() {
    let server = Postgres::new();
    let front = into(&server, "");
    made(&front, &server);
    replayed(&front);
    let front = front.started(WAITS);
    whole(&front.site);
    let admin = admin(&server);
    let rows = |table: &str| server.sql("callbackd", &format!("SELECT count(*) FROM callbackd.{table}"));
    let before = rows("calls");
    let prune = |when: &str| {
        front.run(&["sink", "prune", "head", "--before", when, "--url", &admin, "--password-file", "admin"])
    };
    assert_eq!(prune("2001-01-01").code, 0);
    assert_eq!(rows("calls"), before);
    let said = prune("now");
    assert!(said.line(&["Removed what ended before"]).contains(&format!("{before} calls")), "{said:?}");
    for table in ["calls", "legs", "queue_visits", "ivr_steps", "tags"] {
        assert_eq!(rows(table), "0", "{table}");
    }
}

#[test]
fn each_trouble_is_said_once_with_its_reason_and_so_is_its_end() {
    let mut server = Postgres::new();
    let front = into(&server, "");
    front.site.write("writer", "not-it", 0o600);
    let mut front = front.started(WAITS);
    front.said("Sink is failing, changes wait, sink=head err=\"password authentication failed for user");
    let id = front.added("+12025550123");
    front.ended(Signal::TERM);
    front.site.write("writer", WRITER, 0o600);
    let mut front = front.started(WAITS);
    front.said("the schema callbackd is not there, or not for this user: callbackd sink init makes it");
    let printed = front.run(&["sink", "init", "head"]);
    server.sql("callbackd", &printed.out);
    front.said("Sink works again, sink=head");
    whole(&front.site);
    assert_eq!(server.sql("callbackd", "SELECT id FROM callbackd.callbacks"), id.to_string());
    server.sql("callbackd", "INSERT INTO callbackd.sink_schema VALUES (7, 7)");
    server.stop();
    front.said("Sink is failing");
    server.start();
    front.ended(Signal::TERM);
    let mut front = front.started(WAITS);
    front.said("the schema has version 7, which this callbackd (version 3) cannot write: install a later one");
    server.sql("callbackd", "DELETE FROM callbackd.sink_schema; INSERT INTO callbackd.sink_schema VALUES (0, 0)");
    front.ended(Signal::TERM);
    let mut front = front.started(WAITS);
    front.said(
        "the schema has version 0, and this callbackd writes version 3: callbackd sink init --apply brings it there",
    );
    front.added("+12025550125");
    let (_, log) = front.ended(Signal::TERM);
    assert_eq!(log.matches("Sink is failing").count(), 1, "{log}");
}

#[test]
fn a_certificate_of_another_authority_or_for_another_name_gets_nothing() {
    let workshop = Workshop::new();
    for name in ["ours", "theirs"] {
        workshop.write(
            "ca.cfg",
            "[req]\ndistinguished_name=dn\nx509_extensions=ca\nprompt=no\n[dn]\nCN=Test\n[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n",
        );
        workshop.openssl(&format!("genrsa -out {name}.key 2048"));
        workshop.openssl(&format!("req -new -config ca.cfg -x509 -days 365 -key {name}.key -out {name}.crt"));
        for (leaf, names) in [("well", "DNS:localhost,IP:127.0.0.1"), ("other", "DNS:db.example")] {
            workshop.write("leaf.cfg", &format!("subjectAltName={names}\n"));
            workshop.openssl(&format!("genrsa -out {name}-{leaf}.key 2048"));
            workshop.openssl(&format!("req -batch -new -subj /CN=db -key {name}-{leaf}.key -out {leaf}.csr"));
            workshop.openssl(&format!(
                "x509 -req -days 365 -in {leaf}.csr -CA {name}.crt -CAkey {name}.key -set_serial 01 -extfile leaf.cfg -out {name}-{leaf}.crt"
            ));
        }
    }
    let mut server = Postgres::new();
    server.configure("ssl = on\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'\nlog_connections = on\n");
    let serve = |server: &mut Postgres, name: &str| {
        server.stop();
        server.lay("server.crt", &workshop.path(&format!("{name}.crt")));
        server.lay("server.key", &workshop.path(&format!("{name}.key")));
        server.start();
    };
    serve(&mut server, "theirs-well");
    let front = into(&server, "tls_ca_file = \"ours.crt\"\n");
    std::fs::copy(workshop.path("ours.crt"), front.site.path("ours.crt")).unwrap();
    let mut front = front.started(WAITS);
    front.said("Sink is failing, changes wait");
    front.ended(Signal::TERM);
    serve(&mut server, "ours-other");
    let mut front = front.started(WAITS);
    front.said("Sink is failing, changes wait");
    assert_eq!(server.sql("callbackd", "SELECT to_regnamespace('callbackd') IS NULL"), "t");
    serve(&mut server, "ours-well");
    let said = front.run(&["sink", "init", "head", "--apply", "--url", &admin(&server), "--password-file", "admin"]);
    assert_eq!(said.code, 0, "{said:?}");
    front.said("Sink works again");
    let id = front.added("+12025550123");
    whole(&front.site);
    assert_eq!(server.sql("callbackd", "SELECT id FROM callbackd.callbacks"), id.to_string());
    let encrypted =
        "SELECT bool_and(ssl) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.usename = 'callbackd'";
    assert_eq!(server.sql("callbackd", encrypted), "t");
}
