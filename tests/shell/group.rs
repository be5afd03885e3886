//! Two sites and a real NATS server between them: one customer, one call, one do-not-call list; and what each does while the server is away.

use crate::exchange::{Eager, Exchange, configuration, impatient, nobody};
use crate::front::http;
use crate::nats::{ADMIN, Nats, SITE};
use crate::scripted::{Running, Said, Site, said};
use callbackd::demo::office::Office;
use rusqlite::{Connection, OpenFlags};
use rustix::process::Signal;
use serde_json::{Value, json};

/// Leases and pauses are short.
const WAITS: &str = "group=3000,group_spare=2000,group_look=100,sink_pause=20";
const ANN: &str = "12025550123";

/// A site with a pretend PBX.
pub struct Branch {
    pub site: Site,
    pub exchange: Exchange,
    daemon: Option<Running>,
}

/// `[group]` by this server.
pub fn group(server: &Nats, alone: &str) -> String {
    format!(
        "[group]\nname = \"team\"\nurl = \"nats://127.0.0.1:{}\"\nuser = \"site\"\npassword_file = \"site\"\nalone = \"{alone}\"\n",
        server.port
    )
}

/// Makes the buckets.
pub fn made(site: &Site) {
    let args =
        ["group", "init", "--apply", "--user", "admin", "--password-file", "admin", "--config", "callbackd.toml"];
    let said = said(site.command(&args).env("CALLBACKD_TIMING", "shortest_ring=100").output().unwrap());
    assert!(said.code == 0 && said.out.contains("Bucket team is made.\nBucket team-dnc is made."), "{said:?}");
}

impl Branch {
    /// Its agents are at lunch.
    pub fn of(server: &Nats, name: &str, alone: &str) -> Self {
        let exchange = Exchange::open(Office::small(), Box::new(Eager(1_500)), nobody(), |_| {});
        let site = Site::new(0);
        site.write("secret", "demo\n", 0o600);
        site.write("site", SITE, 0o600);
        site.write("admin", ADMIN, 0o600);
        let text = configuration(exchange.port, "", &group(server, alone));
        site.configure(&format!("site = \"{name}\"\n{text}"));
        for agent in 0..Office::small().agents.len() {
            exchange.pause(agent, Some("lunch"));
        }
        Self { site, exchange, daemon: None }
    }

    fn started(self) -> Self {
        let mut started = self.launched();
        started.said("session: Asterisk is ready");
        started
    }

    /// Nothing that it says is waited for.
    fn launched(mut self) -> Self {
        let mut command = self.site.command(&["run", "--config", "callbackd.toml"]);
        command.env("CALLBACKD_TIMING", WAITS);
        self.daemon = Some(Running::start(command));
        self
    }

    fn said(&mut self, text: &str) {
        self.daemon.as_mut().expect("a daemon").wait_for(text);
    }

    fn ended(&mut self) -> String {
        self.daemon.take().expect("a daemon").end(Some(Signal::TERM)).1
    }

    /// A customer calls, and nobody is there.
    fn misses(&mut self, number: &str) {
        self.exchange.call(impatient(number, 300));
        self.said("Callback queued");
    }

    fn lunch_is_over(&self) {
        for agent in 0..Office::small().agents.len() {
            self.exchange.pause(agent, None);
        }
    }

    fn run(&self, args: &[&str]) -> Said {
        self.site.run(&[args, &["--config", "callbackd.toml"]].concat())
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) = http(&self.site.path("api.sock"), method, path, &body).unwrap();
        assert_eq!(status, 200, "{method} {path}: {answer}");
        answer
    }

    fn group(&self) -> Value {
        self.ask("GET", "/v1/status", &Value::Null)["counters"]["group"].clone()
    }

    /// Until the others can be asked.
    fn reaches(&self) {
        while self.group()["reached"] != json!(true) {}
    }

    fn rows(&self, sql: &str) -> Vec<String> {
        let db = Connection::open_with_flags(self.site.path("calls.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let mut statement = db.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    fn originated(&self) -> usize {
        self.exchange.known().originated.len()
    }
}

fn two(server: &Nats, alone: &str) -> (Branch, Branch) {
    let (berlin, koeln) = (Branch::of(server, "berlin", alone), Branch::of(server, "köln", alone));
    made(&berlin.site);
    let (berlin, koeln) = (berlin.started(), koeln.started());
    berlin.reaches();
    koeln.reaches();
    (berlin, koeln)
}

#[test]
fn a_customer_who_was_missed_at_two_sites_is_called_by_one_and_the_other_closes_its_callback() {
    let server = Nats::new();
    let (mut berlin, mut koeln) = two(&server, "wait");
    berlin.misses(ANN);
    koeln.misses(ANN);
    berlin.lunch_is_over();
    koeln.lunch_is_over();
    let (caller, other) = loop {
        match (berlin.originated(), koeln.originated()) {
            (0, 0) => {}
            (_, 0) => break (&mut berlin, &mut koeln),
            (0, _) => break (&mut koeln, &mut berlin),
            both => panic!("{both:?} Originates"),
        }
    };
    caller.said("Callback connected");
    other.said("Callback closed");
    assert_eq!((caller.originated(), other.originated()), (1, 0));
    assert_eq!(other.rows("SELECT state || ' ' || reason FROM callbacks"), ["DONE ELSEWHERE"]);
    assert_eq!(other.rows("SELECT recovered_by FROM calls WHERE direction = 'inbound'"), ["callback"]);
    let story = other.run(&["callbacks", "show", "1"]);
    assert!(story.out.contains("served at site "), "{story:?}");
    let revision = caller.rows("SELECT claim_revision || '' FROM callback_attempts");
    assert!(revision[0].parse::<u64>().is_ok(), "{revision:?}");
    let counted = (&caller.group()["granted"], &other.group()["served"]);
    assert_eq!(counted, (&json!(1), &json!(1)));
    let status = other.run(&["status"]);
    assert!(status.line(&["group "]).contains("team: the other sites can be asked"), "{status:?}");
}

#[test]
fn who_calls_again_at_another_site_and_is_served_there_is_not_called() {
    let server = Nats::new();
    let (mut berlin, mut koeln) = two(&server, "wait");
    berlin.misses(ANN);
    koeln.lunch_is_over();
    koeln.exchange.call(crate::exchange::impatient(ANN, 60_000));
    koeln.said("call: Call ended");
    // What is on the disk there is in the bucket before the next order is.
    koeln.ask("POST", "/v1/dnc", &json!({"number": "+12025550199"}));
    while berlin.rows("SELECT number_e164 FROM do_not_call").is_empty() {}
    berlin.lunch_is_over();
    berlin.said("Callback closed");
    assert_eq!(berlin.rows("SELECT state || ' ' || reason FROM callbacks"), ["RECOVERED_BY_CUSTOMER ELSEWHERE"]);
    assert_eq!(berlin.originated(), 0);
}

#[test]
fn the_do_not_call_list_is_the_same_at_all_sites_whoever_orders_and_over_restarts() {
    let server = Nats::new();
    let (mut berlin, mut koeln) = (Branch::of(&server, "berlin", "wait"), Branch::of(&server, "köln", "wait"));
    // One that was there before the group.
    let text = std::fs::read_to_string(berlin.site.path("callbackd.toml")).unwrap();
    berlin.site.configure(text.split("[group]").next().unwrap());
    berlin = berlin.started();
    berlin.ask("POST", "/v1/dnc", &json!({"number": "+12025550100", "reason": "asked"}));
    berlin.ended();
    berlin.site.configure(&text);
    made(&berlin.site);
    berlin = berlin.started();
    koeln = koeln.started();
    koeln.misses(ANN);
    let list = |branch: &Branch| branch.rows("SELECT number_e164 FROM do_not_call ORDER BY 1");
    while list(&koeln) != ["+12025550100"] {}
    berlin.ask("POST", "/v1/dnc", &json!({"number": format!("+{ANN}"), "reason": "never"}));
    koeln.said("Callback closed");
    assert_eq!(koeln.rows("SELECT state || ' ' || reason FROM callbacks"), ["DNC never"]);
    koeln.ask("DELETE", "/v1/dnc/+12025550100", &Value::Null);
    while list(&berlin) != [format!("+{ANN}")] {}
    // Orders that are given while the server is away come to it later, and hold then.
    let mut server = server;
    server.kill();
    berlin.said("The group's server cannot be asked");
    berlin.ask("DELETE", &format!("/v1/dnc/+{ANN}"), &Value::Null);
    berlin.ask("POST", "/v1/dnc", &json!({"number": "+12025550101"}));
    berlin.ended();
    server.start();
    let berlin = berlin.started();
    while list(&koeln) != ["+12025550101"] {}
    assert_eq!(list(&berlin), ["+12025550101"]);
    let orders = server.api("STREAM.INFO.KV_team-dnc", &json!({}))["state"]["last_seq"].clone();
    assert_eq!(orders, json!(5), "what came from another site is not ordered again");
}

#[test]
fn while_the_server_is_away_a_site_waits_and_says_so_and_goes_on_when_it_is_back() {
    let mut server = Nats::new();
    let berlin = Branch::of(&server, "berlin", "wait");
    let mut berlin = berlin.launched();
    berlin.said("err=\"bucket team of group team is missing: callbackd group init --apply makes it\"");
    made(&berlin.site);
    berlin.said("The group's server can be asked again");
    server.kill();
    berlin.said("The group's server cannot be asked; this site makes no callbacks until it can (group.alone)");
    berlin.misses(ANN);
    berlin.lunch_is_over();
    while berlin.rows("SELECT state || ' ' || reason FROM callbacks") != ["WAITING NO_GROUP"] {}
    let shown = berlin.run(&["top"]);
    assert!(shown.out.contains("the other sites of the group"), "{shown:?}");
    let status = berlin.run(&["status"]);
    let line = status.line(&["group "]);
    assert!(line.contains("CANNOT BE ASKED since") && line.contains("no callbacks are made (group.alone = \"wait\")"));
    let metrics = berlin.ask("GET", "/metrics", &Value::Null);
    let since = "callbackd_group_failing_since_timestamp_seconds{group=\"team\"} ";
    let since = metrics.as_str().unwrap().lines().find_map(|line| line.strip_prefix(since)).unwrap();
    assert!(since.parse::<f64>().unwrap() > 1e9, "{since}");
    assert!(berlin.run(&["check"]).line(&["group team"]).contains("buckets team and team-dnc at 127.0.0.1"));
    assert_eq!(berlin.originated(), 0);
    server.start();
    berlin.said("Callback connected");
    let log = berlin.ended();
    assert_eq!(log.matches("cannot be asked").count(), 2, "each outage is said once: {log}");
}

#[test]
fn while_the_server_is_away_a_site_dials_where_it_is_configured_so() {
    let mut server = Nats::new();
    let (mut berlin, _koeln) = two(&server, "dial");
    server.kill();
    berlin.said("this site makes callbacks alone, and another may call the same customers (group.alone)");
    berlin.misses(ANN);
    berlin.lunch_is_over();
    berlin.said("Callback connected");
    assert_eq!(berlin.rows("SELECT coalesce(claim_revision, 'none') FROM callback_attempts"), ["none"]);
    let status = berlin.run(&["status"]);
    assert!(status.line(&["group "]).contains("other sites may call the same customers (group.alone = \"dial\")"));
}

#[test]
fn init_shows_what_it_makes_and_leaves_what_is_there() {
    let server = Nats::new();
    let berlin = Branch::of(&server, "berlin", "wait");
    let shown = berlin.run(&["group", "init"]);
    assert!(shown.out.contains("\"KV_team\"") && shown.out.contains("\"KV_team-dnc\""), "{shown:?}");
    made(&berlin.site);
    let again = berlin.run(&["group", "init", "--apply", "--json", "--user", "admin", "--password-file", "admin"]);
    assert!(again.out.lines().count() == 2 && again.out.contains("\"was_there\":true"), "{again:?}");
    let text = std::fs::read_to_string(berlin.site.path("callbackd.toml")).unwrap();
    berlin.site.configure(text.split("[group]").next().unwrap());
    let none = berlin.run(&["group", "init"]);
    assert_eq!((none.code, none.err.trim()), (64, "error: the configuration has no [group]"));
}
