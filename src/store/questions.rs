//! What is asked of a database that has grown for years: each question's text, in one place, so that a test can hold the plan of each.

use super::callback_queries::{CLOSED_LAST, OPEN_FIRST};
use super::callback_rows::CALLBACKS;
use super::rows::SELECT_CALL;
use super::{CallFilter, CallbackFilter, Chosen, webhooks};
use callbackd_core::model::{AttemptResult, CallbackState, Direction, Outcome, ServedBy, Status};
use std::sync::LazyLock;

/// The distinct values of a column, in their order, as a table `distinct_of (value)` of a `WITH`: one step in the column's index for each of
/// them, however many rows there are. `condition` ends in `AND ` or is empty, and names what comes before the column in that index.
pub(super) fn distinct(table: &str, column: &str, condition: &str) -> String {
    format!(
        "WITH RECURSIVE distinct_of (value) AS (
             SELECT min({column}) FROM {table} WHERE {condition}{column} IS NOT NULL UNION ALL
             SELECT (SELECT min({column}) FROM {table} WHERE {condition}{column} > distinct_of.value)
               FROM distinct_of WHERE distinct_of.value IS NOT NULL)"
    )
}

/// The names of the PBXs come from the index: a Linkedid alone is in no index.
pub(super) static CALLS_BY_LINKEDID: LazyLock<String> = LazyLock::new(|| {
    let pbxs = distinct("calls", "pbx", "");
    format!("WHERE linkedid = ?1 AND pbx IN ({pbxs} SELECT value FROM distinct_of) ORDER BY pbx")
});
pub(super) const CALLS_BY_ID: &str = "WHERE id = ?1";
pub(super) const CALLS_UNDER: &str = "WHERE pbx = ?1 AND linkedid = ?2";
pub(super) const NEWEST_CALL: &str = "SELECT max(started_ms) FROM calls";

/// The trunks of a PBX.
pub(super) static TRUNKS: LazyLock<String> = LazyLock::new(|| {
    let trunks = distinct("calls", "trunk", "pbx = ?1 AND ");
    format!("{trunks} SELECT value FROM distinct_of WHERE value IS NOT NULL LIMIT ?2")
});

/// `+` keeps the planner from the index of all calls of the PBX.
pub(super) const TRUNKS_OF_CUSTOMERS: &str = "
    SELECT DISTINCT trunk FROM calls
     WHERE started_ms > ?1 AND +pbx = ?2 AND direction = 'inbound' AND trunk IS NOT NULL";

pub(super) const LAST_GAP: &str = "SELECT * FROM gaps ORDER BY to_ms DESC LIMIT 1";
pub(super) const GAPS: &str = "SELECT * FROM gaps WHERE pbx = ? ORDER BY from_ms";
pub(super) const LAST_SEEN: &str = "SELECT pbx, seen_ms FROM pbx_seen";
/// From name to name in the index of `calls`, and who was seen without a call yet.
pub(super) const PBXS: &str = "
    WITH RECURSIVE named (pbx) AS (
        SELECT min(pbx) FROM calls
        UNION ALL SELECT (SELECT min(pbx) FROM calls WHERE pbx > named.pbx) FROM named WHERE named.pbx IS NOT NULL)
    SELECT pbx FROM named WHERE pbx IS NOT NULL UNION SELECT pbx FROM pbx_seen";
pub(super) const SEEN: &str = "SELECT seen_ms FROM pbx_seen WHERE pbx = ?";

pub(super) const AGENTS: &str = "SELECT pbx, agent, name FROM agents ORDER BY pbx, agent";
/// Whether a callback has this queue: one that a person made may have one in which no call has been yet.
pub(super) const OF_QUEUE: &str = "SELECT 1 FROM callbacks WHERE queue = ? LIMIT 1";
pub(super) const AGENT_ACTIVITY: &str = "
    SELECT activity, queue FROM agent_intervals
     WHERE pbx = ?1 AND agent = ?2 AND (activity, queue, from_ms) > (?3, ?4, 9223372036854775807)
     ORDER BY activity, queue, from_ms LIMIT 1";
pub(super) const AGENT_LAST: &str = "
    SELECT from_ms, to_ms FROM agent_intervals WHERE pbx = ?1 AND agent = ?2 AND activity = ?3 AND queue = ?4
     ORDER BY from_ms DESC LIMIT 1";
pub(super) const AGENT_TALKS: &str = "
    SELECT agents.agent,
           (SELECT i.to_ms FROM agent_intervals i
             WHERE i.pbx = agents.pbx AND i.agent = agents.agent AND i.activity = 'talking' AND i.queue = '' AND i.to_ms IS NOT NULL
             ORDER BY i.from_ms DESC LIMIT 1),
           (SELECT count(*) FROM agent_intervals i
             WHERE i.pbx = agents.pbx AND i.agent = agents.agent AND i.activity = 'talking' AND i.queue = '' AND i.from_ms >= ?2 AND i.to_ms IS NOT NULL)
      FROM agents WHERE agents.pbx = ?1";
/// The planner prefers the table's key, by which all of the PBX's intervals would be read.
pub(super) const OPEN_INTERVALS: &str =
    "SELECT * FROM agent_intervals INDEXED BY agent_intervals_open WHERE pbx = ?1 AND to_ms IS NULL";

pub(super) const DELETE_RECORDED: &str = "
    DELETE FROM calls_in_progress AS p WHERE pbx = ?
       AND EXISTS (SELECT 1 FROM calls c WHERE c.pbx = p.pbx AND c.linkedid = p.linkedid)";
pub(super) const CALLS_IN_PROGRESS_NOW: &str = "SELECT * FROM calls_in_progress ORDER BY started_ms";
pub(super) const CALLS_LEFT: &str = "SELECT * FROM calls_in_progress WHERE pbx = ? ORDER BY started_ms DESC";

pub(super) const MISSES: &str = "
    SELECT * FROM (SELECT * FROM calls WHERE callback_id = ?1 AND direction = 'inbound' ORDER BY ended_ms DESC LIMIT ?2) ORDER BY ended_ms";
pub(super) const COUNT_MISSES: &str = "SELECT count(*) FROM calls WHERE callback_id = ? AND direction = 'inbound'";
pub(super) const CALLBACK: &str = "SELECT * FROM callbacks WHERE id = ?";
pub(super) const CALLBACK_EVENTS: &str =
    "SELECT * FROM (SELECT * FROM callback_events WHERE callback_id = ?1 ORDER BY n DESC LIMIT ?2) ORDER BY n";
/// Of those that are too many the first is kept: it says why the callback was made.
pub(super) const FORGET_EVENTS: &str = "DELETE FROM callback_events WHERE callback_id = ?1 AND n > 0 AND n <= ?2";
pub(super) const NEXT_EVENT: &str = "SELECT coalesce(max(n) + 1, 0) FROM callback_events WHERE callback_id = ?";
pub(super) const CALLBACK_ATTEMPTS: &str =
    "SELECT * FROM (SELECT * FROM callback_attempts WHERE callback_id = ?1 ORDER BY n DESC LIMIT ?2) ORDER BY n";
pub(super) const COUNT_ATTEMPTS: &str = "SELECT count(*) FROM callback_attempts WHERE callback_id = ?";
pub(super) const OPEN_BY_STATE: &str =
    "SELECT state, count(*) FROM callbacks WHERE closed_ms IS NULL AND (?1 IS NULL OR pbx = ?1) GROUP BY state";
pub(super) const DO_NOT_CALL: &str =
    "SELECT * FROM do_not_call WHERE until_ms IS NULL OR until_ms > ? ORDER BY number_e164";

pub(super) const DO_NOT_CALL_PAGE: &str = "SELECT * FROM do_not_call WHERE number_e164 > ?1 AND (until_ms IS NULL OR until_ms > ?2) ORDER BY number_e164 LIMIT ?3";

pub(super) static OPEN_CALLBACKS: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {} FROM callbacks WHERE closed_ms IS NULL ORDER BY id", CALLBACKS.list()));
/// The misses of all of them.
pub(super) const OPEN_MISSES: &str = "
    SELECT b.id, c.pbx, c.linkedid FROM callbacks b CROSS JOIN calls c ON c.callback_id = b.id
     WHERE b.closed_ms IS NULL AND c.direction = 'inbound' ORDER BY b.id, c.id";
pub(super) const MISSES_OF: &str =
    "SELECT pbx, linkedid FROM calls WHERE callback_id = ? AND direction = 'inbound' ORDER BY id";
/// `+`: in the order of the table's key, all of it would be read.
pub(super) const IN_FLIGHT: &str = "SELECT * FROM callback_attempts WHERE result IS NULL ORDER BY +callback_id, n";
/// Whom attempts call whose callback is closed.
pub(super) const CALLED: &str = "
    SELECT DISTINCT b.id, b.number_e164 FROM callback_attempts a CROSS JOIN callbacks b ON b.id = a.callback_id
     WHERE a.result IS NULL AND b.closed_ms IS NOT NULL AND b.number_e164 IS NOT NULL";
/// Callbacks that somebody changed while an attempt that has no result goes on.
pub(super) const ASKED: &str = "
    SELECT a.callback_id FROM callback_attempts a CROSS JOIN callback_events e ON e.callback_id = a.callback_id
     WHERE a.result IS NULL AND e.at_ms >= a.intended_ms AND e.\"by\" <> 'callbackd'";
/// Codes of the calls of customers to whom an attempt is under way that were set, or whose call ended, since it began, and that no callback has followed.
/// Their times are the PBX's, whose clock may be behind by as much as an hour.
pub(super) const MEANWHILE: &str = "
    SELECT DISTINCT t.* FROM callback_attempts a CROSS JOIN callbacks b ON b.id = a.callback_id CROSS JOIN calls c CROSS JOIN tags t ON t.call_id = c.id
     WHERE a.result IS NULL AND b.closed_ms IS NULL AND substr(coalesce(c.number_e164, c.number), -4) = substr(b.number_e164, -4)
       AND c.number_e164 = b.number_e164 AND max(t.at_ms, c.ended_ms) >= a.intended_ms - 3600000
       AND NOT EXISTS (SELECT 1 FROM callback_requests r WHERE r.pbx = c.pbx AND r.linkedid = c.linkedid AND r.code = t.code AND r.at_ms >= t.at_ms)
     ORDER BY t.at_ms";
/// The codes of calls that ask for open callbacks; not those that are on their call no more.
pub(super) const ASKED_BY: &str = "
    SELECT r.callback_id, r.pbx, r.linkedid, r.code, r.at_ms FROM callbacks b CROSS JOIN callback_requests r ON r.callback_id = b.id
     WHERE b.closed_ms IS NULL
       AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.pbx = r.pbx AND c.linkedid = r.linkedid
                          AND NOT EXISTS (SELECT 1 FROM tags t WHERE t.call_id = c.id AND t.code = r.code))
     ORDER BY r.callback_id, r.at_ms";
/// What the latest calls said that means something for callbacks, and what was taken off them, the newest first: no more is kept. ?1: who says what
/// follows from a call's row.
pub(super) const SAID: &str = "
    SELECT c.pbx, c.linkedid, t.code, CASE WHEN t.\"by\" <> ?1 THEN t.at_ms END, c.id
      FROM tags t CROSS JOIN codes k ON k.code = t.code CROSS JOIN calls c ON c.id = t.call_id
     WHERE t.call_id > (SELECT max(id) - 5000 FROM calls) AND k.callback <> 'none'
     UNION ALL
    SELECT c.pbx, c.linkedid, r.code, NULL, c.id FROM tags_removed r CROSS JOIN calls c ON c.id = r.call_id
     WHERE r.call_id > (SELECT max(id) - 5000 FROM calls)
     ORDER BY 5 DESC LIMIT 1000";
/// Callbacks of an attempt without a result whose codes are on their calls no more.
pub(super) const TAKEN_BACK: &str = "
    SELECT b.id FROM callback_attempts a CROSS JOIN callbacks b ON b.id = a.callback_id
     WHERE a.result IS NULL AND b.closed_ms IS NULL AND b.code IS NOT NULL
       AND EXISTS (SELECT 1 FROM callback_requests r WHERE r.callback_id = b.id)
       AND NOT EXISTS (SELECT 1 FROM callback_requests r WHERE r.callback_id = b.id
              AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.pbx = r.pbx AND c.linkedid = r.linkedid
                                 AND NOT EXISTS (SELECT 1 FROM tags t WHERE t.call_id = c.id AND t.code = r.code)))";
/// The last attempt decides: a refusal that was followed by anything else is forgotten. `CROSS JOIN`: first the open callbacks, then theirs.
pub(super) static REFUSALS: LazyLock<String> = LazyLock::new(|| {
    let refused = words(AttemptResult::ALL.iter().filter(|result| result.meaning().refused_by_agent));
    format!(
        "SELECT a.callback_id, a.pbx, a.agent, a.ended_ms
           FROM callbacks c CROSS JOIN callback_attempts a ON a.callback_id = c.id
          WHERE c.closed_ms IS NULL AND a.agent IS NOT NULL AND a.ended_ms IS NOT NULL
            AND a.n = (SELECT max(n) FROM callback_attempts WHERE callback_id = c.id) AND a.result IN ({refused})"
    )
});
/// Where the customer is rung first no agent is named, and whatever came of it the customer was dialled.
pub(super) static DIALLED: LazyLock<String> = LazyLock::new(|| {
    let not_dialled = words(AttemptResult::ALL.iter().filter(|result| !result.meaning().customer_dialled));
    format!(
        "SELECT a.intended_ms, c.number_e164
           FROM callback_attempts a CROSS JOIN callbacks c ON c.id = a.callback_id
          WHERE a.intended_ms > ? AND c.number_e164 IS NOT NULL
            AND (a.agent IS NULL OR coalesce(a.result, '') NOT IN ({not_dialled}))
          ORDER BY a.intended_ms"
    )
});
/// Calls with customers that ended after ?1, the newest first: whether somebody talked with them, and whether it served them, for which a talk outward lasts
/// ?2 at least. Who reads them ends when there is enough. `+` keeps the planner to the time.
pub(super) static CUSTOMERS: LazyLock<String> = LazyLock::new(|| {
    let by_person = words(Outcome::ALL.iter().filter(|outcome| outcome.meaning().served == Some(ServedBy::Person)));
    format!(
        "SELECT number_e164, pbx, agent, linkedid, direction, ended_ms, coalesce(answered_ms, ended_ms), started_ms,
                agent IS NOT NULL AND talk_ms > 0 AND direction <> 'internal',
                status = 'ANSWER' AND (direction = 'inbound' AND outcome IN ({by_person}) OR direction IN ('outbound', 'callback') AND talk_ms >= ?2)
           FROM calls WHERE ended_ms > ?1 AND +number_e164 IS NOT NULL AND (+talk_ms > 0 OR +status = 'ANSWER') ORDER BY ended_ms DESC"
    )
});
/// An earlier recovery stands: the same number may have been missed, won back and missed again. Whom somebody served needs none.
pub(super) static RECOVER: LazyLock<String> = LazyLock::new(|| {
    let served = words(Outcome::ALL.iter().filter(|outcome| outcome.meaning().served.is_some()));
    format!(
        "UPDATE calls SET recovered_by = ?, recovered_ms = ?, rev = rev + 1
          WHERE callback_id = ? AND direction = 'inbound' AND outcome NOT IN ({served}) AND recovered_by IS NULL
          RETURNING pbx, linkedid, rev"
    )
});

/// These words, as SQL lists them.
fn words(words: impl Iterator<Item: std::fmt::Display>) -> String {
    words.map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", ")
}

pub(super) const DO_NOT_CALL_NOW: &str = "SELECT * FROM do_not_call WHERE until_ms IS NULL OR until_ms > ?";
pub(super) const CALLBACK_OF_ATTEMPT: &str =
    "SELECT callback_id FROM callback_attempts WHERE pbx = ? AND channel_id = ?";
pub(super) const LAST_CALLBACK: &str = "SELECT coalesce(max(id), 0) FROM callbacks";

/// The newest change, also when it has been removed; 0 if there never was one.
pub(super) const LAST_CHANGE: &str = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'outbox'), 0)";
pub(super) const OLDEST_CHANGES: &str = "SELECT seq, at_ms, bytes FROM outbox ORDER BY seq LIMIT ?";
pub(super) const SLOWEST_SINK: &str = "SELECT min(acked_seq) FROM sinks";
pub(super) const FEED_BYTES: &str = "
    SELECT coalesce((SELECT bytes FROM outbox WHERE seq = ?2) - (SELECT bytes FROM outbox WHERE seq = ?1), 0)";
pub(super) const FEED_READERS: &str = "SELECT name, acked_seq FROM sinks ORDER BY name";
pub(super) const CHANGES_AFTER: &str =
    "SELECT seq, at_ms, pbx, kind, key, rev, late, payload FROM outbox WHERE seq > ?1 ORDER BY seq LIMIT ?2";
/// How far a sink has come.
pub(super) const PASSED: &str = "SELECT acked_seq FROM sinks WHERE name = ?";
pub(super) const CALLBACK_REV: &str = "SELECT rev FROM callbacks WHERE id = ?";
pub(super) const ATTEMPT: &str = "SELECT * FROM callback_attempts WHERE callback_id = ?1 AND n = ?2";
pub(super) const OLDEST_CHANGE: &str = "SELECT min(seq) FROM outbox";
pub(super) const MOMENT: &str = "SELECT at_ms FROM outbox WHERE seq = ?";

/// The calls that started in a window (?1, ?2) and ended after ?3; `again`: the customer called again within ?4, where that can be known at ?5.
/// What is chosen among them takes the place of `{chosen}`.
pub(super) const CALLS_OF_WINDOW: &str = "
    SELECT id, pbx, direction, status, outcome, quality, number_e164, did, trunk, queue, agent, started_ms, ended_ms, answered_ms IS NOT NULL,
           wait_ms, queue_wait_ms, ring_ms, talk_ms, hold_ms, transfers, callback_id, recovered_by, recovered_ms,
           CASE WHEN direction = 'inbound' AND status = 'ANSWER' AND number_e164 IS NOT NULL AND started_ms + ?4 <= ?5 THEN EXISTS (
               SELECT 1 FROM calls o WHERE substr(coalesce(o.number_e164, o.number), -4) = substr(c.number_e164, -4)
                  AND o.number_e164 = c.number_e164 AND o.direction = 'inbound' AND o.started_ms > c.started_ms AND o.started_ms <= c.started_ms + ?4) END AS again
      FROM calls c WHERE started_ms >= ?1 AND started_ms < ?2 AND +ended_ms > ?3{chosen} ORDER BY started_ms, id";
pub(super) const ANSWERED_BY: &str = "(c.agent = ?6 OR EXISTS (SELECT 1 FROM legs l WHERE l.call_id = c.id AND +l.agent = ?6 AND l.result = 'ANSWERED'))";
pub(super) const CHILDREN_OF_WINDOW: [&str; 5] = [
    "SELECT call_id, agent, started_ms, answered_ms, talk_ms, result FROM legs WHERE call_id BETWEEN ? AND ? ORDER BY call_id, n",
    "SELECT call_id, queue, left_ms - joined_ms, result FROM queue_visits WHERE call_id BETWEEN ? AND ? ORDER BY call_id, n",
    "SELECT call_id, context, digits FROM ivr_steps WHERE call_id BETWEEN ? AND ? ORDER BY call_id, n",
    "SELECT call_id, code FROM tags WHERE call_id BETWEEN ? AND ? ORDER BY call_id, code",
    "SELECT call_id, \"by\", score FROM ratings WHERE call_id BETWEEN ? AND ? ORDER BY call_id",
];
/// The days of a window that are kept by some rules.
pub(super) const KEPT_DAYS: &str = "SELECT from_ms, to_ms, rollup FROM report_days WHERE from_ms >= ?1 AND to_ms <= ?2 AND rules = ?3 ORDER BY from_ms";
/// From when on nothing counts in what is kept, how often one was changed, and whether there are any of other rules.
pub(super) const KEPT_FROM: &str =
    "SELECT before_ms, changes, EXISTS (SELECT 1 FROM report_days WHERE rules <> ?) FROM report_days_kept";
/// The days that a span touches are kept no more.
pub(super) const TAKE_OUT: &str = "INSERT INTO report_days_changed VALUES (?, ?)";
pub(super) const NEXT_KEPT: &str = "SELECT 1 FROM report_days WHERE from_ms = ?";
/// How many calls have each code, those that began from ?1 on (NULL: all), on the PBX ?2 (NULL: on all).
pub(super) const CODE_COUNTS: &str = "
    SELECT t.code, count(DISTINCT t.call_id) FROM tags t JOIN calls c ON c.id = t.call_id WHERE (?1 IS NULL OR c.started_ms >= ?1) AND (?2 IS NULL OR +c.pbx = ?2) GROUP BY t.code";
/// What is said of calls, the newest first, behind the call that began at ?1 and has the row id ?2; ?3: of this code (NULL: of all), ?4: on this PBX (NULL: on all).
pub(super) const LATEST_TAGS: &str = "
    SELECT c.id, c.pbx, c.linkedid, c.started_ms, t.code, t.note, t.\"by\", t.at_ms FROM calls c CROSS JOIN tags t ON t.call_id = c.id
     WHERE c.started_ms <= ?1 AND (c.started_ms < ?1 OR c.id < ?2) AND (?3 IS NULL OR t.code = ?3) AND (?4 IS NULL OR +c.pbx = ?4)
     ORDER BY c.started_ms DESC, c.id DESC, t.code, t.\"by\"";
/// What is said of the calls of the number ?1, but for the one with the row id ?2, that keeps it from being called; the newest first.
pub(super) const SUPPRESSING: &str = "
    SELECT t.* FROM calls c CROSS JOIN tags t ON t.call_id = c.id CROSS JOIN codes k ON k.code = t.code
     WHERE substr(coalesce(c.number_e164, c.number), -4) = substr(?1, -4) AND c.number_e164 = ?1 AND c.id <> ?2 AND k.callback = 'suppress'
     ORDER BY t.at_ms DESC LIMIT 100";
/// The last callbacks of this number, the newest first: whether each was held before the do-not-call list closed it.
pub(super) const LAST_OF_NUMBER: &str = "
    SELECT b.*, coalesce((SELECT reason = 'HELD' FROM callback_events WHERE callback_id = b.id AND state <> 'DNC' ORDER BY n DESC LIMIT 1), 0) AS held
      FROM (SELECT * FROM callbacks WHERE substr(number_e164, -4) = substr(?1, -4) AND number_e164 = ?1 ORDER BY id DESC LIMIT 16) b
     ORDER BY b.id DESC";
/// The codes of calls that ask for a callback still.
pub(super) const REQUESTS: &str = "
    SELECT r.pbx, r.linkedid, r.code, r.at_ms FROM callback_requests r
     WHERE r.callback_id = ?1
       AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.pbx = r.pbx AND c.linkedid = r.linkedid
                          AND NOT EXISTS (SELECT 1 FROM tags t WHERE t.call_id = c.id AND t.code = r.code))
     ORDER BY r.at_ms";
/// Codes of the calls of this number that ask for a callback, and that no callback has followed; the newest of a month.
pub(super) const UNHEEDED: &str = "
    SELECT t.* FROM calls c CROSS JOIN tags t ON t.call_id = c.id CROSS JOIN codes k ON k.code = t.code
     WHERE substr(coalesce(c.number_e164, c.number), -4) = substr(?1, -4) AND c.number_e164 = ?1 AND k.callback = 'request' AND t.at_ms > ?2
       AND NOT EXISTS (SELECT 1 FROM callback_requests r WHERE r.pbx = c.pbx AND r.linkedid = c.linkedid AND r.code = t.code AND r.at_ms >= t.at_ms)
     ORDER BY t.at_ms DESC LIMIT 16";
/// How calls were rated, the newest first, behind the call that began at ?1 and has the row id ?2; ?3: on this PBX (NULL: on all).
pub(super) const LATEST_RATINGS: &str = "
    SELECT c.id, c.pbx, c.linkedid, c.started_ms, r.score, r.\"by\", r.at_ms FROM calls c CROSS JOIN ratings r ON r.call_id = c.id
     WHERE c.started_ms <= ?1 AND (c.started_ms < ?1 OR c.id < ?2) AND (?3 IS NULL OR +c.pbx = ?3)
     ORDER BY c.started_ms DESC, c.id DESC, r.\"by\"";
/// The key behind another one. With the latest of all times in it SQLite steps over all intervals of that key at once; without, it would read them.
pub(super) const INTERVAL_KEYS: &str = "
    SELECT pbx, agent, activity, queue FROM agent_intervals WHERE (pbx, agent, activity, queue, from_ms) > (?1, ?2, ?3, ?4, 9223372036854775807)
     ORDER BY pbx, agent, activity, queue, from_ms LIMIT 1";
pub(super) const INTERVALS_OF_KEY: &str = "
    SELECT reason, from_ms, to_ms FROM agent_intervals WHERE pbx = ?1 AND agent = ?2 AND activity = ?3 AND queue = ?4 AND from_ms < ?5
     ORDER BY from_ms DESC";
pub(super) const GAPS_OF_WINDOW: &str =
    "SELECT pbx, from_ms, to_ms, cause, calls_lost FROM gaps WHERE to_ms > ?1 AND from_ms < ?2 ORDER BY from_ms, pbx";
/// The trunks of the calls that started in a window (?1, ?2) on the PBX ?3.
pub(super) const TRUNKS_OF_WINDOW: &str = "
    SELECT DISTINCT trunk FROM calls WHERE started_ms >= ?1 AND started_ms < ?2 AND +pbx = ?3 AND trunk IS NOT NULL LIMIT 1000";
/// The tapes of calls that were seen whole and started in a window.
pub(super) const TAPES: &str = "
    SELECT c.pbx, c.linkedid, c.started_ms, CASE c.direction WHEN 'callback' THEN c.callback_id END, t.tape FROM calls c CROSS JOIN tapes t ON t.call_id = c.id
     WHERE c.started_ms >= ?1 AND c.started_ms < ?2 AND +c.quality = 'full' ORDER BY c.started_ms, c.id";
/// The calls of a window that have none, by what is known of them.
pub(super) const UNTAPED: &str = "
    SELECT +c.quality, count(*) FROM calls c WHERE c.started_ms >= ?1 AND c.started_ms < ?2
       AND (c.quality <> 'full' OR NOT EXISTS (SELECT 1 FROM tapes t WHERE t.call_id = c.id)) GROUP BY +c.quality";
pub(super) const STATE_OF_CALLBACK: &str = "SELECT state FROM callbacks WHERE id = ?";
pub(super) const ATTEMPTS_OF_WINDOW: &str = "
    SELECT pbx, agent, result FROM callback_attempts WHERE intended_ms >= ?1 AND intended_ms < ?2 AND result IS NOT NULL";

/// As [`distinct`], of a column that has an index of its own in this table; of legs, that of those that were answered.
pub(super) fn distinct_of(table: &str, column: &str) -> String {
    distinct(table, column, if table == "legs" { "result = 'ANSWERED' AND " } else { "" })
}

/// All values of such a column.
pub(super) fn values_of(table: &str, column: &str) -> String {
    format!("{} SELECT value FROM distinct_of WHERE value IS NOT NULL LIMIT 1000", distinct_of(table, column))
}

/// Every question of commands and of the start, under a name that says who asks: for a test of their plans.
#[doc(hidden)]
#[must_use]
pub fn questions() -> Vec<(String, String)> {
    let (text, span) = (|text: &str| Some(text.to_owned()), (Some(1_000), Some(2_000)));
    let filters = [
        ("", CallFilter::default()),
        ("--status", CallFilter { status: vec![Status::Busy], ..CallFilter::default() }),
        ("--outcome", CallFilter { outcome: vec![Outcome::Agent], ..CallFilter::default() }),
        ("--direction", CallFilter { direction: vec![Direction::Inbound], ..CallFilter::default() }),
        ("--number", CallFilter { number: text("+12025550123"), ..CallFilter::default() }),
        ("--number (short)", CallFilter { number: text("12"), ..CallFilter::default() }),
        ("--agent", CallFilter { agent: text("101"), ..CallFilter::default() }),
        ("--queue", CallFilter { queue: text("sales"), ..CallFilter::default() }),
        ("--pbx", CallFilter { pbx: text("pbx"), ..CallFilter::default() }),
        ("--pbx --queue", CallFilter { pbx: text("pbx"), queue: text("sales"), ..CallFilter::default() }),
        ("did", CallFilter { did: text("5550100"), ..CallFilter::default() }),
        ("trunk", CallFilter { trunk: text("PJSIP/provider"), ..CallFilter::default() }),
        ("tag", CallFilter { tag: text("SALE"), ..CallFilter::default() }),
        ("behind", CallFilter { behind: Some((1_500, 7)), ..CallFilter::default() }),
    ];
    let calls = filters.into_iter().flat_map(|(options, filter)| {
        let all = filter.sql().0;
        let newest = CallFilter { limit: Some(51), ..filter.clone() }.sql().0;
        let span = CallFilter { since_ms: span.0, until_ms: span.1, ..filter }.sql().0;
        [
            (options.to_owned(), all),
            (format!("{options} --limit"), newest),
            (format!("{options} --since --until"), span),
        ]
    });
    let filters = [
        ("", CallbackFilter::default()),
        ("--state", CallbackFilter { state: vec![CallbackState::Done], ..CallbackFilter::default() }),
        ("--queue", CallbackFilter { queue: text("sales"), ..CallbackFilter::default() }),
        ("--pbx", CallbackFilter { pbx: text("pbx"), ..CallbackFilter::default() }),
        ("--number", CallbackFilter { number: text("+12025550123"), ..CallbackFilter::default() }),
    ];
    let callbacks = filters.into_iter().flat_map(|(options, filter)| {
        let limited = CallbackFilter { limit: Some(51), ..filter };
        [
            (format!("{options} open"), limited.sql(OPEN_FIRST).0),
            (format!("{options} closed"), limited.sql(CLOSED_LAST).0),
        ]
    });
    let call = |condition: &str| format!("{} {condition}", *SELECT_CALL);
    let others = [
        ("calls show (Linkedid)", call(&CALLS_BY_LINKEDID)),
        ("calls show (id)", call(CALLS_BY_ID)),
        ("audit, import: calls", call(CALLS_UNDER)),
        ("rejudge: tapes", TAPES.to_owned()),
        ("rejudge: trunks", TRUNKS_OF_WINDOW.to_owned()),
        ("rejudge: calls without a tape", UNTAPED.to_owned()),
        ("audit, import: trunks", TRUNKS.clone()),
        ("audit: gaps", GAPS.to_owned()),
        ("calls: newest", NEWEST_CALL.to_owned()),
        ("status: last gap", LAST_GAP.to_owned()),
        ("status: last seen", LAST_SEEN.to_owned()),
        ("calls, callbacks, agents: PBXs", PBXS.to_owned()),
        ("agents", AGENTS.to_owned()),
        ("agents: activities", AGENT_ACTIVITY.to_owned()),
        ("agents: last", AGENT_LAST.to_owned()),
        ("agents: talks", AGENT_TALKS.to_owned()),
        ("callbacks show: misses", MISSES.to_owned()),
        ("callbacks show", CALLBACK.to_owned()),
        ("callbacks show: events", CALLBACK_EVENTS.to_owned()),
        ("callbacks show: all misses", COUNT_MISSES.to_owned()),
        ("callbacks show: all attempts", COUNT_ATTEMPTS.to_owned()),
        ("callbacks: next event", NEXT_EVENT.to_owned()),
        ("callbacks: too many events", FORGET_EVENTS.to_owned()),
        ("callbacks show: attempts", CALLBACK_ATTEMPTS.to_owned()),
        ("status: open callbacks", OPEN_BY_STATE.to_owned()),
        ("dnc list", DO_NOT_CALL.to_owned()),
        ("dnc page", DO_NOT_CALL_PAGE.to_owned()),
        ("start: seen", SEEN.to_owned()),
        ("start: intervals", OPEN_INTERVALS.to_owned()),
        ("start: trunks", TRUNKS_OF_CUSTOMERS.to_owned()),
        ("start: recorded", DELETE_RECORDED.to_owned()),
        ("live: calls in progress", CALLS_IN_PROGRESS_NOW.to_owned()),
        ("start: calls left", CALLS_LEFT.to_owned()),
        ("start: open callbacks", OPEN_CALLBACKS.clone()),
        ("start: misses", OPEN_MISSES.to_owned()),
        ("start: in flight", IN_FLIGHT.to_owned()),
        ("start: called", CALLED.to_owned()),
        ("start: asked", ASKED.to_owned()),
        ("start: codes meanwhile", MEANWHILE.to_owned()),
        ("start: code taken off", TAKEN_BACK.to_owned()),
        ("start: asked by", ASKED_BY.to_owned()),
        ("start: said", SAID.to_owned()),
        ("start: refusals", REFUSALS.clone()),
        ("start: dialled", DIALLED.clone()),
        ("start: owners and served", CUSTOMERS.clone()),
        ("callbacks: won back", RECOVER.clone()),
        ("start: do not call", DO_NOT_CALL_NOW.to_owned()),
        ("proof: callback of an attempt", CALLBACK_OF_ATTEMPT.to_owned()),
        ("start: last callback", LAST_CALLBACK.to_owned()),
        ("start: last change", LAST_CHANGE.to_owned()),
        ("feed: after a cursor", CHANGES_AFTER.to_owned()),
        ("feed: its size", FEED_BYTES.to_owned()),
        ("feed: how far a sink has come", PASSED.to_owned()),
        ("feed: callback", CALLBACK_REV.to_owned()),
        ("feed: attempt", ATTEMPT.to_owned()),
        ("feed: oldest", OLDEST_CHANGE.to_owned()),
        ("feed: moment", MOMENT.to_owned()),
        ("feed: to be removed", OLDEST_CHANGES.to_owned()),
        ("tags", LATEST_TAGS.to_owned()),
        ("tags: suppressing", SUPPRESSING.to_owned()),
        ("tags: unheeded", UNHEEDED.to_owned()),
        ("tags: last callbacks", LAST_OF_NUMBER.to_owned()),
        ("tags: what asks for a callback", REQUESTS.to_owned()),
        ("tags: misses of a callback", MISSES_OF.to_owned()),
        ("ratings", LATEST_RATINGS.to_owned()),
        ("webhooks: history", webhooks::HISTORY.to_owned()),
    ];
    let chosen = |name: &str, chosen: Chosen| (format!("report {name}"), chosen.sql());
    let reports = [
        chosen("", Chosen::default()),
        chosen("--pbx", Chosen { pbx: text("pbx"), ..Chosen::default() }),
        chosen("--site", Chosen { site: text("berlin"), ..Chosen::default() }),
        chosen("--did", Chosen { did: text("5550100"), ..Chosen::default() }),
        chosen("--trunk", Chosen { trunk: text("PJSIP/provider"), ..Chosen::default() }),
        chosen("--queue", Chosen { queue: text("sales"), ..Chosen::default() }),
        chosen("--agent", Chosen { agent: text("PJSIP/101"), ..Chosen::default() }),
        chosen("--code", Chosen { code: text("SALE"), ..Chosen::default() }),
        ("report: interval keys".to_owned(), INTERVAL_KEYS.to_owned()),
        ("report: intervals".to_owned(), INTERVALS_OF_KEY.to_owned()),
        ("report: gaps".to_owned(), GAPS_OF_WINDOW.to_owned()),
        ("report: state of a callback".to_owned(), STATE_OF_CALLBACK.to_owned()),
        ("report: attempts".to_owned(), ATTEMPTS_OF_WINDOW.to_owned()),
        ("report: queues".to_owned(), values_of("calls", "queue")),
        ("report: agents".to_owned(), values_of("calls", "agent")),
        ("calls: agents of legs".to_owned(), values_of("legs", "agent")),
        ("calls: codes".to_owned(), values_of("tags", "code")),
    ];
    let children = CHILDREN_OF_WINDOW.map(|sql| ("report: children".to_owned(), sql.to_owned()));
    let reports = reports.into_iter().chain(children);
    let lists = calls.map(|(options, sql)| (format!("calls {options}"), sql));
    let lists = lists.chain(callbacks.map(|(options, sql)| (format!("callbacks {options}"), sql)));
    let webhooks = webhooks::questions().into_iter().map(|(name, sql)| (name.to_owned(), sql));
    lists.chain(others.map(|(name, sql)| (name.to_owned(), sql))).chain(reports).chain(webhooks).collect()
}
