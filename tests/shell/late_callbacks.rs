//! A requested callback that is late: the operator, Prometheus and the readers of the feed hear of it, once, also over a restart.

use crate::front::{Front, http};
use serde_json::json;
use std::fs;

fn counted(front: &Front, metric: &str) -> String {
    let (status, text) = http(&front.socket(), "GET", "/metrics", "").unwrap();
    assert_eq!(status, 200);
    let text = text.as_str().unwrap().to_owned();
    let line = text.lines().find(|line| line.starts_with(metric) && line.contains("queue=\"sales\""));
    line.map_or(String::new(), |line| line.rsplit(' ').next().unwrap().to_owned())
}

fn recorded_late(front: &Front) -> i64 {
    front.row("SELECT count(*) FROM outbox WHERE kind = 'callback.late'")
}

#[test]
fn it_raises_one_alarm_and_none_after_a_restart() {
    let mut front = Front::closed("");
    let path = front.site.path("callbackd.toml");
    let text = fs::read_to_string(&path).unwrap() + "alarm_late = \"1s\"\n";
    fs::write(&path, text).unwrap();
    front.start();
    front.post("/v1/callbacks", &json!({"number": "+12025550123", "queue": "sales", "at": "+1s"}));
    front.added("+12025550124");
    front.said("Requested callback is late; its customer still waits");
    let (expected, alarmed): (i64, i64) = (
        front.row("SELECT requested_for_ms FROM callbacks WHERE id = 1"),
        front.row("SELECT alarmed_ms FROM callbacks WHERE id = 1"),
    );
    assert!(alarmed - expected >= 1_000, "{expected} {alarmed}");
    assert_eq!((recorded_late(&front), counted(&front, "callbackd_callbacks_late_total").as_str()), (1, "1"));
    assert_eq!(counted(&front, "callbackd_callbacks_open_late"), "1");
    front.killed();
    front.start();
    // What was made after the restart is on the disk behind whatever the start has raised.
    front.added("+12025550125");
    assert_eq!((recorded_late(&front), counted(&front, "callbackd_callbacks_open_late").as_str()), (1, "1"));
    let shown = front.run(&["callbacks", "show", "1"]);
    assert!(shown.out.contains("  late: reported "), "{shown:?}");
}
