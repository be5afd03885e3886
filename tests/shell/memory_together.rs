//! All that the daemon keeps in memory, full at once: on two PBXs, with callbacks, while the database is locked.

use crate::memory::{Watched, as_the_unit_runs_it, channel, longest};
use crate::scripted::{Action, GREETING, Running, Server, Site, usual};
use callbackd::store::Store;
use serde_json::Value;

/// What the database gives the daemon as it starts: open callbacks, customers with the agents who served them, and the do-not-call list, each as long and
/// as many as there may be. `n` is 0 to 99,999.
const KNOWN: &str = "
    WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 99999)
    INSERT INTO calls (pbx, linkedid, direction, status, outcome, number, number_e164, agent, started_ms, answered_ms, ended_ms, wait_ms, queue_wait_ms,
                       ring_ms, talk_ms, hold_ms, hangup_by, transfers, voicemail, quality, why)
    SELECT 'a', 'an-old-call-' || n, 'inbound', 'ANSWER', 'AGENT', '1', printf('+1%d5550%03d', 201 + n / 1000, n % 1000),
           'PJSIP/' || printf('%074d', n % 10000), @now, @now + 1000, @now + 60000, 1000, 0, 1000, 59000, 0, 'customer', 0, 0, 'full', '[]' FROM n;
    WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 99999)
    INSERT INTO do_not_call (number_e164, reason, \"by\", added_ms)
    SELECT printf('+1%d5550%03d', 401 + n / 1000, n % 1000), printf('%040d', n), 'somebody', @now FROM n;
    WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 9999)
    INSERT INTO callbacks (id, pbx, number_e164, name, state, reason, queue, did, requested, priority, missed_count, first_missed_ms, last_missed_ms,
                           due_ms, expires_ms, attempts, counted, linkedid, linkedid_pbx)
    SELECT n + 1, 'a', printf('+1%d5550%03d', 601 + n / 1000, n % 1000), printf('%080d', n), 'PENDING', 'NO_AGENT', printf('%080d', n), '5550100', 1, 0, 1,
           @now, @now, @now + 800000000, @now + 1600000000, 0, 0, 'an-old-call-' || n, 'a' FROM n;
";

/// Writes what is known into a new database.
#[allow(clippy::disallowed_methods, reason = "what is known is of yesterday")]
fn fill(site: &Site) {
    let path = site.path("calls.db");
    drop(Store::open(&path).unwrap());
    let yesterday = jiff::Timestamp::now().as_millisecond() - 86_400_000;
    let known = KNOWN.replace("@now", &yesterday.to_string());
    rusqlite::Connection::open(path).unwrap().execute_batch(&format!("BEGIN;{known}COMMIT;")).unwrap();
}

/// An event that happens now, with its stamp: this Asterisk has shown that it writes them.
#[allow(clippy::disallowed_methods, reason = "the daemon's clock is the system's")]
fn event(name: &str, headers: &str) -> String {
    static NOW: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let now = NOW.get_or_init(|| format!("{}.000000", jiff::Timestamp::now().as_second()));
    crate::memory::event(name, &format!("Timestamp: {now}\n{headers}"))
}

/// Members, steps of a menu, callers and their ends: whatever a PBX can fill.
fn everything(pbx: usize) -> impl Iterator<Item = String> {
    let (members, calls, steps, channels, ends) = (6_000, 400, 200, 15_000, 6_000);
    let place = |n: usize, context: &str| {
        let id = format!("{n}.{}", "7".repeat(120));
        channel("", &format!("PJSIP/{}-{n:08x}", "t".repeat(160)), &id, &id, context, 80)
    };
    let member = move |name: &str, n: usize, paused: usize| {
        let text = longest(n + pbx * 1_000_000, 80);
        let member = format!(
            "Queue: {text}\nMemberName: {text}\nInterface: PJSIP/{text}\nStateInterface: Local/{text}@x\nMembership: dynamic\nPenalty: 0\nCallsTaken: 0\n\
             LastCall: 0\nLastPause: 0\nInCall: 0\nStatus: 1\nPaused: {paused}\nPausedReason: {text}\nRinginuse: 1\nWrapuptime: 0\n"
        );
        event(name, &member).replace("call,all", "agent,all")
    };
    let added = (0..members).map(move |n| member("QueueMemberAdded", n, 1));
    // Each end of a pause is an interval to be stored.
    let pauses = (0..4 * members).map(move |n| member("QueueMemberPause", n % members, n / members % 2));
    let step = move |n: usize| {
        let context = format!("ivr-{}", longest(n / calls, 70));
        let runs = format!("{}Extension: s\nApplication: Background\nAppData: welcome\n", place(n % calls, &context));
        event("Newexten", &runs.replace("Exten: 5550100", "Exten: s"))
    };
    let begun = move |n: usize| event("Newchannel", &place(n, "from-trunk"));
    let end =
        move |n: usize| event("Hangup", &format!("{}Cause: 16\nCause-txt: Normal Clearing\n", place(n, "from-trunk")));
    let callers = (0..calls).map(begun).chain((0..calls * steps).map(step));
    let others = (calls..channels).map(begun).chain((calls..calls + ends).map(end));
    added.chain(pauses).chain(callers).chain(others)
}

#[test]
fn all_budgets_of_several_pbxs_at_once_stay_small() {
    let names = ["a", "b"];
    let servers = names.map(|_| Server::start(GREETING, 1_000, Box::new(|action: &Action| Some(usual(action)))));
    let site = Site::new(servers[0].port);
    let pbx = |(name, server): (&str, &Server)| {
        format!("[[pbx]]\nname = \"{name}\"\naddress = \"127.0.0.1:{}\"\nsecret_file = \"secret\"\n", server.port)
    };
    let pbxs: String = names.into_iter().zip(&servers).map(pbx).collect();
    site.configure(&format!(
        "{pbxs}[store]\npath = \"calls.db\"\n[api]\nsocket = \"api.sock\"\n[numbers]\nregion = \"US\"\n[calls]\nivr_contexts = [\"ivr-*\"]\n\
         [callback]\nenabled = true\nquiet = \"off\"\ndial_customer = \"PJSIP/{{number}}@provider\"\n"
    ));
    fill(&site);
    let mut daemon = Running::start(as_the_unit_runs_it(&site));
    for _ in names {
        daemon.wait_for("Asterisk is ready");
    }
    let [first, second] = servers;
    let watched = Watched { site, server: first, daemon };
    // What is to be stored waits, too.
    let database = rusqlite::Connection::open(watched.site.path("calls.db")).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let count = |status: &Value, pbx: &str, path: &str| {
        status.pointer(&format!("/counters/pbx/{pbx}/{path}")).and_then(Value::as_u64).unwrap_or(0)
    };
    let taken =
        |status: &Value| names.map(|pbx| count(status, pbx, "tracker/events") + count(status, pbx, "link/dropped"));
    let mut said = taken(&watched.status());
    let mut streams = [everything(0).peekable(), everything(1).peekable()];
    while streams.iter_mut().any(|events| events.peek().is_some()) {
        for ((events, said), server) in streams.iter_mut().zip(&mut said).zip([&watched.server, &second]) {
            let portion: Vec<String> = events.take(2_500).collect();
            *said += portion.len() as u64;
            server.say(&portion.concat());
        }
        watched.wait_for("all events to be taken", |watched| {
            taken(&watched.any_status()).into_iter().zip(said).all(|(taken, said)| taken >= said)
        });
        watched.stays_small();
    }
    watched.wait_for("an answer", |watched| watched.any_status().is_object());
    let status = watched.any_status();
    for pbx in names {
        for full in ["channels_refused", "details_dropped", "agents_refused"] {
            assert!(count(&status, pbx, &format!("tracker/{full}")) > 0, "{pbx} {full} {status}");
        }
    }
    assert!(status.pointer("/counters/store/given_up").and_then(Value::as_u64) > Some(0), "{status}");
    // Faster than they can be taken: what waits has an end as well. Then Asterisk says that no call is left, so that all of them end at once.
    let dropped = |watched: &Watched| {
        let status = watched.any_status();
        names.map(|pbx| count(&status, pbx, "link/dropped")).iter().all(|dropped| *dropped > 0)
    };
    for _ in 0..20 {
        for (pbx, server) in [&watched.server, &second].into_iter().enumerate() {
            server.say(&everything(pbx).skip(6_000).take(24_000).collect::<String>());
        }
        if dropped(&watched) {
            break;
        }
    }
    watched.wait_for("all calls to end", |watched| {
        let status = watched.any_status();
        names.map(|pbx| count(&status, pbx, "link/dropped")).iter().all(|dropped| *dropped > 0)
            && status["pbx"].as_array().unwrap().iter().all(|pbx| pbx["calls"] == 0)
    });
    watched.stays_small();
}
