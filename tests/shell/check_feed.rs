//! `callbackd check` says how full the feed is, and whose changes were removed before they were taken.

use crate::front::Front;
use rusqlite::Connection;

/// A database of a daemon that has ended, with so many changes, of which a webhook has taken the first hundred; and the feed has room for 1,000.
fn checked(changes: u32, kept_from: u32) -> crate::scripted::Said {
    let mut front = Front::closed("[feed]\nmax_rows = 1000\n");
    front.start();
    front.killed();
    let db = Connection::open(front.site.path("calls.db")).unwrap();
    db.execute_batch(&format!(
        "DELETE FROM outbox;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {changes})
         INSERT INTO outbox (seq, at_ms, pbx, kind, key, rev, late, bytes) SELECT i, i, 'pbx', 'call.ended', i, 1, 0, i * 100 FROM n;
         DELETE FROM outbox WHERE seq < {kept_from};
         INSERT INTO sinks (name, acked_seq, acked_ms) VALUES ('webhook:crm', 100, 1)"
    ))
    .unwrap();
    front.run(&["check"])
}

#[test]
fn a_feed_with_room_is_well() {
    let said = checked(500, 1);
    let line = said.line(&[" feed "]);
    assert!(line.trim_start().starts_with("ok "), "{said:?}");
    assert!(line.contains("500 changes of at most 1000, 49.9 kB of at most 268.4 MB"), "{line}");
    assert_eq!(said.code, 0, "{said:?}");
}

#[test]
fn a_full_feed_is_a_warning_that_names_who_is_behind_and_what_was_removed() {
    let said = checked(1_400, 401);
    assert!(
        said.line(&["1000 changes of at most 1000", "webhook:crm has 1300 to take", "feed.max_rows"]).contains("warn"),
        "{said:?}"
    );
    assert!(said.line(&["webhook:crm ", "300 of the 1300 changes"]).contains("warn"), "{said:?}");
    assert_eq!(said.code, 0, "{said:?}");
}
