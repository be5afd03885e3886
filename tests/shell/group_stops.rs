//! A site that is stopped in the middle of a claim for longer than that lasts never dials when it goes on: another site has the customer by then.
//!
//! `CALLBACKD_GROUP_STOPS=1000` stops sites so often; `CALLBACKD_GROUP_SEED=7` repeats the moments of one run.

use crate::front::http;
use crate::group::{group, made};
use crate::nats::{ADMIN, Nats, SITE};
use crate::scripted::{Action, GREETING, Running, Server, Site, usual};
use fastrand::Rng;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What CI waits for.
const STOPS: usize = 8;
/// So many pairs of sites at once, at least.
const PAIRS: usize = 8;
/// Phones ring for two seconds, so a claim lasts for 4.5 s, and others believe it for two more.
const WAITS: &str = "group=3000,group_spare=500,group_look=300,sink_pause=50,shortest_ring=100";
/// Nobody waits this long unless the test fails.
const PATIENCE: Duration = Duration::from_secs(60);
/// Whoever goes on has done by then whatever it was about.
const AFTERWARDS: Duration = Duration::from_millis(1_500);
/// Enough agents for a site whose attempts nobody ends.
const AGENTS: u32 = 60;

/// Whose Originates came, and when.
type Heard = Arc<Mutex<Vec<(Instant, String)>>>;

struct Branch {
    site: Site,
    _server: Server,
    heard: Heard,
    daemon: Mutex<Option<Running>>,
}

fn members() -> String {
    let mut list = "Response: Success\nActionID: @ID@\nEventList: start\nMessage: Queue status will follow\n\n\
        Event: QueueParams\nQueue: sales\nStrategy: ringall\nCalls: 0\nActionID: @ID@\n\n"
        .to_owned();
    for n in 0..AGENTS {
        let _ = write!(
            list,
            "Event: QueueMember\nQueue: sales\nName: Agent {n}\nLocation: PJSIP/{0}\nStateInterface: PJSIP/{0}\nStatus: 1\nPaused: 0\n\
             PausedReason: \nPenalty: 0\nCallsTaken: 0\nLastCall: 0\nInCall: 0\nWrapuptime: 0\nActionID: @ID@\n\n",
            100 + n
        );
    }
    list + "Event: QueueStatusComplete\nActionID: @ID@\nEventList: Complete\nListItems: 61\n\n"
}

#[allow(clippy::disallowed_methods, reason = "what came first is what counts")]
fn now() -> Instant {
    Instant::now()
}

impl Branch {
    fn start(nats: &Nats, name: &str) -> Self {
        let heard = Heard::default();
        let noted = Arc::clone(&heard);
        let answer = move |action: &Action| {
            if action.get("Action") == "Originate" {
                noted.lock().unwrap().push((now(), action.get("CallerID").to_owned()));
            }
            Some(if action.get("Action") == "QueueStatus" { members() } else { usual(action) })
        };
        let server = Server::start(GREETING, 1_000, Box::new(answer));
        let site = Site::new(server.port);
        site.write("site", SITE, 0o600);
        site.write("admin", ADMIN, 0o600);
        site.configure(&format!(
            "site = \"{name}\"\n[pbx]\naddress = \"127.0.0.1:{}\"\nsecret_file = \"secret\"\n[store]\npath = \"calls.db\"\n\
             [api]\nsocket = \"api.sock\"\n[callback]\nenabled = true\nquiet = \"off\"\nagent_ring = \"1s\"\ncustomer_ring = \"1s\"\n\
             max_active = 1000\ndaily = 100000\ndaily_per_prefix = 100000\npause_agent = false\n\
             dial_agent = \"{{interface}}\"\ndial_customer = \"PJSIP/{{number}}@trunk\"\nnumber_form = \"{{digits}}\"\n{}",
            server.port,
            group(nats, "wait")
        ));
        Self { site, _server: server, heard, daemon: Mutex::new(None) }
    }

    fn started(self) -> Self {
        let mut command = self.site.command(&["run", "--config", "callbackd.toml"]);
        command.env("CALLBACKD_TIMING", WAITS);
        let mut daemon = Running::start(command);
        daemon.wait_for("session: Asterisk is ready");
        *self.daemon.lock().unwrap() = Some(daemon);
        while self.ask("GET", "/v1/status", &Value::Null)["counters"]["group"]["reached"] != json!(true) {}
        self
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        http(&self.site.path("api.sock"), method, path, &body).unwrap().1
    }

    fn wants(&self, number: &str) -> i64 {
        let answer = self.ask("POST", "/v1/callbacks", &json!({"number": number, "queue": "sales"}));
        answer["callback"]["id"].as_i64().unwrap_or_else(|| panic!("{answer}"))
    }

    fn signal(&self, signal: Signal) {
        self.daemon.lock().unwrap().as_ref().unwrap().signal(signal);
    }

    /// When its Originates to this customer came.
    fn dialled(&self, number: &str) -> Vec<Instant> {
        let digits = number.trim_start_matches('+');
        let heard = self.heard.lock().unwrap();
        heard.iter().filter(|(_, caller_id)| caller_id.contains(digits)).map(|(at, _)| *at).collect()
    }
}

/// Where a site was stopped.
#[derive(Debug, Default, Clone, Copy)]
struct Where {
    /// It had dialled.
    after: usize,
    /// It had the customer, and had not dialled.
    between: usize,
    /// It did not have the customer.
    before: usize,
}

/// Stops the first for each of these customers, while it is about to call them.
fn stops(numbers: &[String], nats: &Mutex<Nats>, [first, second]: &[Branch; 2], rng: &mut Rng) -> Where {
    let mut stopped = Where::default();
    for number in numbers {
        let theirs = std::thread::scope(|scope| {
            let asked = scope.spawn(|| first.wants(number));
            if rng.u32(..4) == 0 {
                sleep(Duration::from_micros(rng.u64(..200_000)));
            } else {
                // What is written into the bucket is its claim; the intent and the Originate follow.
                let key = json!({ "last_by_subj": format!("$KV.team.n.{}", number.trim_start_matches('+')) });
                let begun = now();
                while nats.lock().unwrap().api("STREAM.MSG.GET.KV_team", &key)["message"].is_null() {
                    assert!(begun.elapsed() < PATIENCE, "{number} is not claimed");
                }
                sleep(Duration::from_micros(rng.u64(..20_000)));
            }
            first.signal(Signal::STOP);
            let at = now();
            let id = second.wants(number);
            while second.dialled(number).is_empty() {
                assert!(at.elapsed() < PATIENCE, "{number}: the other site does not call");
                sleep(Duration::from_millis(5));
            }
            let by_second = second.dialled(number)[0];
            let before = first.dialled(number).len();
            if before > 0 {
                stopped.after += 1;
            } else if by_second - at > Duration::from_secs(3) {
                stopped.between += 1;
            } else {
                stopped.before += 1;
            }
            // Longer than any claim of before can last.
            sleep(Duration::from_millis(6_600).saturating_sub(at.elapsed()));
            first.signal(Signal::CONT);
            sleep(AFTERWARDS);
            let all = first.dialled(number);
            assert_eq!(all.len(), before, "{number}: called by {by_second:?} there and {all:?} here");
            (asked.join().unwrap(), id)
        });
        for (branch, id) in [(first, theirs.0), (second, theirs.1)] {
            branch.ask("POST", &format!("/v1/callbacks/{id}/cancel"), &json!({}));
        }
    }
    stopped
}

#[test]
fn a_site_that_is_stopped_in_the_middle_of_a_claim_for_longer_than_it_lasts_never_dials_when_it_goes_on() {
    let asked = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let all = asked("CALLBACKD_GROUP_STOPS").map_or(STOPS, |stops| usize::try_from(stops).unwrap());
    let seed = asked("CALLBACKD_GROUP_SEED").unwrap_or(18);
    let pairs = (all / 20).clamp(PAIRS, 32).min(all);
    println!("CALLBACKD_GROUP_SEED={seed} CALLBACKD_GROUP_STOPS={all}");
    let nats = Nats::new();
    let mut rng = Rng::with_seed(seed);
    let unstarted: Vec<[Branch; 2]> =
        (0..pairs).map(|n| [format!("a{n}"), format!("b{n}")].map(|name| Branch::start(&nats, &name))).collect();
    made(&unstarted[0][0].site);
    let nats = Mutex::new(nats);
    let branches: Vec<[Branch; 2]> = unstarted.into_iter().map(|pair| pair.map(Branch::started)).collect();
    let found: Vec<Where> = std::thread::scope(|scope| {
        let running: Vec<_> = branches
            .iter()
            .enumerate()
            .map(|(n, pair)| {
                let mut rng = rng.fork();
                let numbers: Vec<String> =
                    (n..all).step_by(pairs).map(|customer| format!("+1202555{customer:04}")).collect();
                let nats = &nats;
                scope.spawn(move || stops(&numbers, nats, pair, &mut rng))
            })
            .collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(found.iter().any(|w| w.between + w.after > 0), "none was stopped in the middle of a claim: {found:?}");
    let sum = |part: fn(&Where) -> usize| found.iter().map(part).sum::<usize>();
    let counted = |name: &str| {
        let count = |pair: &[Branch; 2]| {
            pair[0].ask("GET", "/v1/status", &Value::Null)["counters"]["group"][name].as_u64().unwrap_or_default()
        };
        branches.iter().map(count).sum::<u64>()
    };
    println!(
        "{all} stops: {} before the claim, {} between claim and Originate, {} after it; {} calls lapsed, {} claims lost",
        sum(|w| w.before),
        sum(|w| w.between),
        sum(|w| w.after),
        counted("lapsed"),
        counted("lost")
    );
}
