//! One customer and two PBXs of one daemon: whoever serves the customer, nobody calls them back.

use crate::exchange::{Eager, Exchange, configuration_of, impatient, nobody};
use crate::scripted::{Running, Site};
use callbackd::demo::office::Office;
use callbackd::demo::people::Caller;
use rusqlite::{Connection, OpenFlags};
use rustix::process::Signal;

const ANN: &str = "12025550123";

/// A daemon that sees two PBXs, `east` and `west`, on each of which everybody who is at their phone answers.
fn two() -> (Site, [Exchange; 2], Running) {
    let open = || Exchange::open(Office::small(), Box::new(Eager(1_500)), nobody(), |_| {});
    let exchanges = [open(), open()];
    let site = Site::new(0);
    site.write("secret", "demo\n", 0o600);
    site.configure(&configuration_of(&[("east", exchanges[0].port), ("west", exchanges[1].port)], "", ""));
    let mut daemon = Running::start(site.command(&["run", "--config", "callbackd.toml"]));
    daemon.wait_for("session: Asterisk is ready");
    daemon.wait_for("session: Asterisk is ready");
    (site, exchanges, daemon)
}

/// Everybody on this PBX has lunch, and nobody has come back before the PBX says so.
fn at_lunch(exchange: &Exchange) {
    let agents = Office::small().agents.len();
    (0..agents).for_each(|agent| exchange.pause(agent, Some("lunch")));
    exchange.until("all to be at lunch", |known| known.paused.len() == agents);
}

/// Everybody is back.
fn back(exchange: &Exchange) {
    (0..Office::small().agents.len()).for_each(|agent| exchange.pause(agent, None));
}

#[test]
fn a_customer_missed_on_one_pbx_and_served_on_the_other_is_not_called_back() {
    let (site, [east, west], mut daemon) = two();
    at_lunch(&east);
    east.call(impatient(ANN, 300));
    daemon.wait_for("Callback queued");
    west.call(Caller { patience_ms: 60_000, ..impatient(ANN, 0) });
    daemon.wait_for("RECOVERED_BY_CUSTOMER");
    // Those who come back now find nobody to call.
    back(&east);
    east.until("all to be back", |known| known.paused.is_empty());
    let (code, said) = daemon.end(Some(Signal::TERM));
    assert_eq!(code, Some(0), "{said}");
    let originated = [&east, &west].map(|exchange| exchange.known().originated);
    assert!(originated.iter().all(Vec::is_empty), "{originated:?}");
    let db = Connection::open_with_flags(site.path("calls.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let rows = "SELECT group_concat(pbx || ' ' || status || ' ' || coalesce(recovered_by, '-'), ', ')
        FROM (SELECT * FROM calls WHERE direction = 'inbound' ORDER BY started_ms)";
    let rows: String = db.query_row(rows, [], |row| row.get(0)).unwrap();
    assert_eq!(rows, "east CANCEL customer, west ANSWER -");
}

#[test]
fn a_customer_missed_on_both_is_called_once_by_an_agent_of_the_later() {
    let (site, [east, west], mut daemon) = two();
    for (exchange, said) in [(&east, "Callback queued"), (&west, "Missed again; merged into the open callback")] {
        at_lunch(exchange);
        exchange.call(impatient(ANN, 300));
        daemon.wait_for(said);
    }
    [&east, &west].into_iter().for_each(back);
    daemon.wait_for("Callback connected");
    daemon.wait_for("state=DONE");
    let (code, said) = daemon.end(Some(Signal::TERM));
    assert_eq!(code, Some(0), "{said}");
    let originated = [&east, &west].map(|exchange| exchange.known().originated.len());
    assert_eq!(originated, [0, 1], "{said}");
    let db = Connection::open_with_flags(site.path("calls.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let won = "SELECT count(*) FROM calls WHERE direction = 'inbound' AND recovered_by = 'callback'";
    assert_eq!(db.query_row(won, [], |row| row.get::<_, i64>(0)).unwrap(), 2, "both misses are won back");
}
