//! `callbackd report --postgres`: sites with databases of their own, filled into a real PostgreSQL by the real sink; the report of all of them is
//! what their own reports come to.

use crate::front::Front;
use crate::postgres::{Postgres, WRITER};
use crate::scripted::Said;
use crate::sinks::{into, made, whole};
use crate::stored::{MONDAY_10, abandoned, answered, gap, record};
use callbackd::store::Store;
use callbackd_core::model::{Activity, E164, FinishedCall, Interval, PbxId, Record};
use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::{Value, json};

const HOUR: i64 = 3_600_000;
const WAITS: &str = "sink=5000,sink_pause=20";
/// Of the role that may read and nothing else.
const READER: &str = "reader-secret";
const SITES: [&str; 3] = ["berlin", "Bad Ems/2", "new-york"];
const WINDOW: [&str; 4] = ["--from", "2026-03-02", "--to", "2026-03-05"];
const ZONE: &str = "Europe/Berlin";

/// A call of a customer that no other site has: each hour another, some of them missed, over the days of the window and those before.
fn call(site: usize, n: i64) -> FinishedCall {
    let linkedid = format!("1772000000.{n}");
    let call = if n % 3 == site as i64 % 3 { abandoned(&linkedid) } else { answered(&linkedid) };
    let by = (n - 60) * HOUR + n * 61_000;
    let number = format!("+1202555{}{:03}", site + 1, n / 2);
    FinishedCall {
        number_e164: E164::new(&number).ok(),
        number: Some(number),
        queue: Some(if n % 4 == 0 { "support".into() } else { "sales".into() }),
        did: Some(format!("555010{}", n % 3)),
        started_ms: call.started_ms + by,
        answered_ms: call.answered_ms.map(|at| at + by),
        ended_ms: call.ended_ms + by + n * 1_000,
        wait_ms: call.wait_ms + n * 137 % 30_000,
        queue_wait_ms: call.queue_wait_ms + n * 137 % 30_000,
        ..call
    }
}

fn at_work(from_ms: i64) -> [Record; 2] {
    let interval = |activity, reason: &str, from_ms, to_ms| {
        let (pbx, agent) = (PbxId::new("pbx"), "PJSIP/101".to_owned());
        let queue = if activity == Activity::Paused { "sales".to_owned() } else { String::new() };
        Record::Interval(Interval { pbx, agent, activity, queue, reason: reason.into(), from_ms, to_ms: Some(to_ms) })
    };
    [
        interval(Activity::LoggedIn, "", from_ms, from_ms + 8 * HOUR),
        interval(Activity::Paused, "acw", from_ms + HOUR, from_ms + HOUR + 300_000),
    ]
}

/// A site with calls, won back and not, and all that belongs to them.
fn filled(site: usize, server: &Postgres) -> Front {
    let front = into(server, "");
    let text = std::fs::read_to_string(front.site.path("callbackd.toml")).unwrap();
    front.site.configure(&format!(
        "site = \"{}\"\n{text}[hours]\ntimezone = \"{}\"\n",
        SITES[site],
        if site == 2 { "America/New_York" } else { ZONE }
    ));
    let records: Vec<Record> = (0..150 + 10 * site as i64)
        .map(|n| record(call(site, n)))
        .chain((0..4).flat_map(|day| at_work(MONDAY_10 + day * 24 * HOUR + site as i64 * 60_000)))
        .chain([Record::Gap(gap())])
        .collect();
    assert_eq!(Store::open(&front.site.path("calls.db")).unwrap().write(&records).unwrap(), []);
    let db = Connection::open(front.site.path("calls.db")).unwrap();
    db.execute_batch(&format!(
        "UPDATE calls SET recovered_by = 'customer', recovered_ms = ended_ms + 60000 * (id % 50) WHERE outcome = 'QUEUE_ABANDON' AND id % 2 = 0;
         INSERT INTO callbacks (id, pbx, number_e164, state, reason, requested, priority, missed_count, first_missed_ms, last_missed_ms, due_ms, expires_ms, attempts, counted, closed_ms)
         SELECT id, 'pbx', number_e164, 'EXPIRED', '', 0, 0, 1, ended_ms, ended_ms, ended_ms, ended_ms, 1, 1, ended_ms + 60000 FROM calls WHERE outcome = 'QUEUE_ABANDON' AND id % 2 = 1;
         UPDATE calls SET callback_id = id WHERE outcome = 'QUEUE_ABANDON' AND id % 2 = 1;
         INSERT INTO callback_attempts (callback_id, n, pbx, channel_id, agent, intended_ms, ended_ms, talk_ms, result, detail)
         SELECT id, 1, 'pbx', 'cb-' || id || '-1', 'PJSIP/101', closed_ms, closed_ms + 20000, 0, 'CUSTOMER_BUSY', '' FROM callbacks;
         INSERT INTO tags (call_id, code, note, \"by\", at_ms, source) SELECT id, 'RESOLVED', '', 'rule', ended_ms, 'call' FROM calls WHERE id % 3 = {site} AND answered_ms IS NOT NULL;
         INSERT INTO ratings (call_id, \"by\", score, at_ms) SELECT id, '', 1 + id % 5, ended_ms FROM calls WHERE id % 7 = {site};
         INSERT INTO agents VALUES ('pbx', 'PJSIP/101', 'Ann of {}');",
        SITES[site]
    ))
    .unwrap();
    drop(db);
    front
}

/// All sites, and the database that has the rows of all of them; the daemons have ended.
struct Company {
    server: Postgres,
    sites: Vec<Front>,
}

impl Company {
    fn new() -> Self {
        let server = Postgres::new();
        made(&into(&server, ""), &server);
        server.sql("postgres", &format!("CREATE ROLE reader LOGIN PASSWORD '{READER}'"));
        server.sql(
            "callbackd",
            "GRANT USAGE ON SCHEMA callbackd TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA callbackd TO reader",
        );
        let copied = |site| {
            let mut front = filled(site, &server).started(WAITS);
            whole(&front.site);
            front.ended(Signal::TERM);
            // In the zone of all: what the days of the site's own report are compared by.
            let text = std::fs::read_to_string(front.site.path("callbackd.toml")).unwrap();
            front.site.configure(&text.replace("America/New_York", ZONE));
            front.site.write("reader", READER, 0o600);
            front
        };
        let sites = (0..SITES.len()).map(copied).collect();
        Self { server, sites }
    }

    fn url(&self) -> String {
        format!("postgres://reader@127.0.0.1:{}/callbackd", self.server.port)
    }

    fn said(&self, args: &[&str]) -> Said {
        let url = self.url();
        let whole = [&["report", "--postgres", &url, "--password-file", "reader"], args].concat();
        self.sites[0].site.run(&whole)
    }

    /// The report of all sites, as JSON.
    fn report(&self, args: &[&str]) -> Value {
        let said = self.said(&[&WINDOW[..], &["--json", "--zone", ZONE], args].concat());
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{args:?}");
        serde_json::from_str(&said.out).unwrap()
    }

    /// A site's own.
    fn own(&self, site: usize, args: &[&str]) -> Value {
        let said = self.sites[site].run(&[&["report"][..], &WINDOW, &["--json"], args].concat());
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{args:?}");
        serde_json::from_str(&said.out).unwrap()
    }
}

/// The same with a site's PBX as it is called among those of all sites.
fn of_site(own: &Value, site: &str) -> Value {
    let there = json!(format!("{site}/pbx"));
    match own {
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| match name.as_str() {
                "pbx" if value == "pbx" => (name.clone(), there.clone()),
                "pbxs" => (name.clone(), json!([there])),
                _ => (name.clone(), of_site(value, site)),
            };
            Value::Object(fields.iter().map(field).collect())
        }
        Value::Array(values) => values.iter().map(|value| of_site(value, site)).collect(),
        other => other.clone(),
    }
}

/// Counts that add up, whatever they are counts of.
const SUMS: [&str; 38] = [
    "/totals/inbound",
    "/totals/outbound",
    "/totals/callbacks",
    "/totals/internal",
    "/totals/unknown",
    "/totals/offered",
    "/totals/answered",
    "/totals/missed",
    "/totals/abandoned",
    "/totals/short_abandoned",
    "/totals/ivr_lost",
    "/totals/self_service",
    "/totals/answered_in_time",
    "/totals/abandoned_in_time",
    "/totals/won_back",
    "/totals/won_back_in_time",
    "/quality/calls",
    "/quality/full",
    "/quality/partial",
    "/quality/gap",
    "/quality/backfilled",
    "/quality/without_number",
    "/missed/calls",
    "/missed/won_back",
    "/missed/in_time",
    "/missed/recovery/calls",
    "/missed/open/EXPIRED",
    "/missed/attempts/CUSTOMER_BUSY",
    "/repeat/final_calls",
    "/repeat/not_final",
    "/repeat/resolved",
    "/repeat/customers",
    "/repeat/first_try",
    "/repeat/never",
    "/lengths/too_short",
    "/lengths/too_long",
    "/lengths/spread/calls",
    "/codes/answered_without",
];

#[test]
fn the_report_of_all_sites_is_the_sum_of_their_own_and_has_each_of_them_as_it_is() {
    let company = Company::new();
    let all = company.report(&[]);
    let own: Vec<Value> = (0..SITES.len()).map(|site| company.own(site, &[])).collect();
    assert_eq!(all["time_zone"], ZONE);
    assert!(all["figures"]["totals"]["inbound"].as_u64() > Some(150), "{}", all["figures"]["totals"]);
    let sum = |at: &str| own.iter().map(|own| own["figures"].pointer(at).unwrap().as_u64().unwrap()).sum::<u64>();
    for at in SUMS {
        assert_eq!(all["figures"].pointer(at).unwrap().as_u64(), Some(sum(at)), "{at}");
    }
    for day in 0..7 {
        for hour in 0..24 {
            let at = format!("/heat/{day}/{hour}");
            assert_eq!(all["figures"].pointer(&at).unwrap().as_u64(), Some(sum(&at)), "{at}");
        }
    }
    for day in 0..3 {
        for count in ["inbound", "answered", "missed", "answered_in_time", "won_back"] {
            let at = format!("/days/{day}/totals/{count}");
            assert_eq!(all["figures"].pointer(&at).unwrap().as_u64(), Some(sum(&at)), "{at}");
        }
    }
    let counted = |figures: &Value, list: &str, name: &str, count: &str, wanted: &str| -> u64 {
        let found = figures[list].as_array().unwrap().iter().filter(|row| row[name] == wanted);
        found.map(|row| row[count].as_u64().unwrap()).sum()
    };
    for (list, name, count, wanted) in [
        ("reasons", "outcome", "calls", "QUEUE_ABANDON"),
        ("reasons", "outcome", "calls", "AGENT"),
        ("ratings", "by", "ratings", ""),
        ("dids", "did", "transfers", "5550101"),
    ] {
        let sum: u64 = own.iter().map(|own| counted(&own["figures"], list, name, count, wanted)).sum();
        assert_eq!(counted(&all["figures"], list, name, count, wanted), sum, "{list} {wanted}");
    }
    // Each PBX has its own queues, agents, menus and trunks: those of all are those of each.
    for list in ["queues", "agents", "ivr", "lines"] {
        let mut of_each: Vec<String> = Vec::new();
        for (own, site) in own.iter().zip(SITES) {
            let rows = of_site(&own["figures"][list], site);
            of_each.extend(rows.as_array().unwrap().iter().map(Value::to_string));
        }
        let mut of_all: Vec<String> = all["figures"][list].as_array().unwrap().iter().map(Value::to_string).collect();
        of_each.sort();
        of_all.sort();
        assert_eq!(of_all, of_each, "{list}");
        assert!(of_all.len() >= SITES.len(), "{list}");
    }
    // A site is a slice, with all of its figures.
    let slices = company.report(&["--by", "site"]);
    let of = |report: &Value, site: &str| {
        let slices = report.as_array().unwrap().iter();
        slices.clone().find(|slice| slice["key"] == site).unwrap()["totals"].clone()
    };
    for (own, site) in own.iter().zip(SITES) {
        assert_eq!(of(&slices["by"][1], site), own["figures"]["totals"], "{site}");
        assert_eq!(of(&all["figures"]["sites"], site), own["figures"]["totals"], "{site}");
    }
    // And its own report, to the last figure.
    for args in [&[][..], &["--agent", "101"], &["--code", "RESOLVED"], &["--queue", "support", "--pbx", "pbx"]] {
        for (n, site) in SITES.iter().enumerate() {
            let mut own = of_site(&company.own(n, args), site);
            let mut there = company.report(&[args, &["--site", &site.to_uppercase()]].concat());
            there["figures"].as_object_mut().unwrap().remove("sites");
            // When each was seen last is another moment, after the window.
            for report in [&mut there, &mut own] {
                report["figures"]["quality"]["as_of_ms"] = Value::Null;
            }
            assert_eq!(there["figures"], own["figures"], "{site} {args:?}");
            assert_eq!(there["before"], own["before"], "{site} {args:?}");
        }
    }
}

#[test]
fn a_site_that_was_put_back_counts_once_and_one_that_is_behind_is_named() {
    let company = Company::new();
    let before = company.report(&[]);
    // As a database that was put back copies all of its rows once more.
    company.server.sql(
        "callbackd",
        "INSERT INTO callbackd.sink_cursor (site, db_uuid, incarnation, acked_seq) VALUES ('berlin', 'other', 2, 1);
         INSERT INTO callbackd.callbacks SELECT (t).* FROM (SELECT jsonb_populate_record(t, '{\"incarnation\": 2, \"db_uuid\": \"other\"}') AS t FROM callbackd.callbacks t WHERE site = 'berlin') x;
         INSERT INTO callbackd.callback_attempts SELECT (t).* FROM (SELECT jsonb_populate_record(t, '{\"incarnation\": 2, \"db_uuid\": \"other\"}') AS t FROM callbackd.callback_attempts t WHERE site = 'berlin') x;",
    );
    assert_eq!(company.report(&[])["figures"], before["figures"]);
    company.server.sql(
        "callbackd",
        &format!(
            "UPDATE callbackd.pbx_seen SET seen_ms = {} WHERE site = 'new-york'; UPDATE callbackd.sink_cursor SET walk = '{{}}' WHERE site = 'berlin' AND incarnation = 2",
            MONDAY_10 + HOUR
        ),
    );
    let said = company.said(&WINDOW);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.out.starts_with("callbackd report: Mon 2026-03-02 to Wed 2026-03-04 (Europe/Berlin)\n"),
        "{}",
        said.out
    );
    assert_eq!(
        said.err,
        "Days and times of all sites are in Europe/Berlin, as most sites have it; --zone names another.\n"
    );
    assert!(said.out.contains("Of the site new-york nothing after 2026-03-02 12:00 has come yet."), "{}", said.out);
    assert!(
        said.out.contains("The rows of the site berlin are being copied anew: some may be missing."),
        "{}",
        said.out
    );
    let page = company.said(&[&WINDOW[..], &["--html", "-", "--lang", "de"]].concat());
    for text in ["Nach Standort", "<bdi>Bad Ems/2</bdi>", "Vom Standort new-york ist noch nichts"] {
        assert!(page.out.replace(['\u{2068}', '\u{2069}'], "").contains(text), "{text}: {}", page.out);
    }
    let csv = company.said(&[&WINDOW[..], &["--csv", "--by", "site"]].concat());
    let keys: Vec<&str> = csv.out.lines().map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(keys, ["site", "Bad Ems/2", "berlin", "new-york"]);
    assert!(csv.out.lines().all(|line| line.split(',').count() == csv.out.lines().next().unwrap().split(',').count()));
}

#[test]
fn what_is_wrong_is_said_in_a_sentence_that_names_the_place_and_the_fix() {
    let mut server = Postgres::new();
    let front = into(&server, "");
    front.site.write("reader", WRITER, 0o600);
    let url = format!("postgres://callbackd@127.0.0.1:{}/callbackd", server.port);
    let said = |args: &[&str]| {
        let said = front.site.run(&[&["report", "--postgres", &url, "--password-file", "reader"], args].concat());
        (said.code, said.err)
    };
    assert_eq!(
        said(&[]),
        (69, "error: no report: database callbackd at 127.0.0.1: the schema callbackd is not there, or not for this user: callbackd sink init makes it\n".to_owned())
    );
    made(&front, &server);
    let (code, err) = said(&["--zone", "UTC"]);
    assert_eq!((code, err.as_str()), (0, "This database has no calls yet.\n"));
    let (code, err) = said(&["--zone", "Berlin"]);
    assert_eq!((code, err.as_str()), (64, "error: --zone: no time zone `Berlin`: give a name as Europe/Berlin\n"));
    server.sql(
        "callbackd",
        "INSERT INTO callbackd.sink_cursor (site, db_uuid, incarnation, acked_seq) VALUES ('berlin', 'x', 1, 1), ('bonn', 'y', 1, 1)",
    );
    let (code, err) = said(&["--site", "berlim", "--zone", "UTC"]);
    assert_eq!((code, err.as_str()), (64, "error: no site `berlim`; did you mean `berlin`?\n"));
    let (code, err) = said(&["--site", "x", "--zone", "UTC"]);
    assert_eq!((code, err.as_str()), (64, "error: no site `x`; there are `berlin`, `bonn`\n"));
    server.sql("callbackd", "UPDATE callbackd.sink_schema SET version = version - 3");
    let (code, err) = said(&[]);
    assert!(code == 69 && err.contains("callbackd sink init --apply brings it there"), "{code} {err}");
    front.site.write("reader", "not-it", 0o600);
    let (code, err) = said(&[]);
    assert!(code == 69 && err.contains("database callbackd at 127.0.0.1: password authentication failed"), "{err}");
    server.stop();
    let (code, err) = said(&[]);
    assert!(code == 69 && err.starts_with("error: no report: database callbackd at 127.0.0.1: "), "{code} {err}");
    let told = |args: &[&str]| {
        let said = front.run(&[&["report"], args].concat());
        (said.code, said.err)
    };
    assert!(told(&["--postgres", "head"]).1.starts_with("error: no report: head at 127.0.0.1: "), "by the sink's name");
    assert_eq!(told(&["--postgres", "x"]).1, "error: there is no sink x; there are: head\n");
    let (code, err) = told(&["--postgres", &url]);
    assert!(code == 64 && err.contains("--postgres with a URL needs --password-file"), "{err}");
    let (code, err) = told(&["--by", "site"]);
    assert!(code == 64 && err.contains("--by site needs --postgres"), "{err}");
    let (code, err) = told(&["--postgres", "postgres://a:b@db.example/c", "--password-file", "reader"]);
    assert!(code == 64 && err.contains("--postgres: with a password: leave it out"), "{err}");
}
