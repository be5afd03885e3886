//! While Asterisk is away nobody is said to be free, and no queue to be empty: not seen is not free.

use crate::front::lunch;
use crate::scripted::{GREETING, Running, Said, Server, Site};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Asks again until the answer has this exit code.
fn until(site: &Site, args: &[&str], code: i32) -> Said {
    let started = Instant::now();
    loop {
        let said = site.run(args);
        if said.code == code {
            return said;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{said:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn while_asterisk_is_away_status_and_agents_say_unknown_and_since_when() {
    let away = Arc::new(AtomicBool::new(false));
    let is_away = Arc::clone(&away);
    let server = Server::start(
        GREETING,
        1_000,
        Box::new(move |action| {
            let there = !is_away.load(Ordering::SeqCst);
            there.then(|| lunch(action).map(|text| text.replace("Paused: 1", "Paused: 0"))).flatten()
        }),
    );
    let site = Site::new(server.port);
    site.configure(&format!(
        "[pbx]\naddress = \"127.0.0.1:{}\"\nsecret_file = \"secret\"\n[store]\npath = \"calls.db\"\n[api]\nsocket = \"api.sock\"\n",
        server.port
    ));
    let mut daemon = Running::start(site.command(&["run", "--config", "callbackd.toml"]));
    daemon.wait_for("Asterisk is ready");
    let status = ["status", "--config", "callbackd.toml"];
    let agents = ["agents", "--config", "callbackd.toml"];
    let as_json = |args: [&'static str; 3]| [args[0], "--json", args[1], args[2]];
    until(&site, &status, 0).line(&["agents", "2 of 2 free"]);

    away.store(true, Ordering::SeqCst);
    server.hang_up();
    let said = until(&site, &status, 69);
    said.line(&["agents", "UNKNOWN: not seen since", "2 were known"]);
    said.line(&["waiting", "UNKNOWN"]);
    assert!(!said.out.contains("free") && said.err.contains("not seen now: pbx"), "{said:?}");
    let said = until(&site, &as_json(status), 69);
    let pbx = serde_json::from_str::<Value>(&said.out).unwrap()["pbx"][0].clone();
    assert_eq!((&pbx["seen"], &pbx["free"], &pbx["waiting"]), (&json!(false), &Value::Null, &Value::Null), "{pbx}");
    assert!(pbx["unseen_since_ms"].as_i64().is_some_and(|ms| ms > 1_700_000_000_000), "{pbx}");
    let said = until(&site, &agents, 69);
    said.line(&["PJSIP/101", "UNKNOWN", "unknown: the PBX is not seen"]);
    let said = until(&site, &as_json(agents), 69);
    let agent: Value = serde_json::from_str(said.out.lines().next().unwrap()).unwrap();
    assert_eq!(agent["free"], Value::Null, "{agent}");

    away.store(false, Ordering::SeqCst);
    until(&site, &status, 0).line(&["agents", "2 of 2 free"]);
    until(&site, &agents, 0).line(&["PJSIP/102", "yes"]);
}
