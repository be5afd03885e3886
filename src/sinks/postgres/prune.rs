//! Taking out what is older than is wanted, a few rows at a time.

use super::Fault;
use callbackd_core::millis::Millis;
use tokio_postgres::Client;

/// Rows that one statement removes at most, beside what belongs to them: nobody who writes waits for long.
pub(crate) const STEP: i64 = 1_000;

/// What is removed, in this order: name, and a statement with the moment (ms since 1970 UTC), the site (NULL: all) and [`STEP`].
const STEPS: [(&str, &str); 4] = [
    (
        "calls",
        "WITH gone AS (DELETE FROM callbackd.calls WHERE ctid = ANY (ARRAY(SELECT ctid FROM callbackd.calls
              WHERE ended_ms < $1 AND ($2::text IS NULL OR site = $2) ORDER BY ended_ms LIMIT $3)) RETURNING site, pbx, linkedid),
          legs AS (DELETE FROM callbackd.legs t USING gone g WHERE t.site = g.site AND t.pbx = g.pbx AND t.linkedid = g.linkedid),
          visits AS (DELETE FROM callbackd.queue_visits t USING gone g WHERE t.site = g.site AND t.pbx = g.pbx AND t.linkedid = g.linkedid),
          steps AS (DELETE FROM callbackd.ivr_steps t USING gone g WHERE t.site = g.site AND t.pbx = g.pbx AND t.linkedid = g.linkedid),
          tags AS (DELETE FROM callbackd.tags t USING gone g WHERE t.site = g.site AND t.pbx = g.pbx AND t.linkedid = g.linkedid),
          ratings AS (DELETE FROM callbackd.ratings t USING gone g WHERE t.site = g.site AND t.pbx = g.pbx AND t.linkedid = g.linkedid)
          SELECT count(*) FROM gone",
    ),
    (
        "callbacks",
        "WITH gone AS (DELETE FROM callbackd.callbacks WHERE ctid = ANY (ARRAY(SELECT ctid FROM callbackd.callbacks
              WHERE closed_ms < $1 AND ($2::text IS NULL OR site = $2) ORDER BY closed_ms LIMIT $3)) RETURNING site, db_uuid, id),
          events AS (DELETE FROM callbackd.callback_events t USING gone g WHERE t.site = g.site AND t.db_uuid = g.db_uuid AND t.callback_id = g.id),
          attempts AS (DELETE FROM callbackd.callback_attempts t USING gone g WHERE t.site = g.site AND t.db_uuid = g.db_uuid AND t.callback_id = g.id)
          SELECT count(*) FROM gone",
    ),
    (
        "gaps",
        "WITH gone AS (DELETE FROM callbackd.gaps WHERE ctid = ANY (ARRAY(SELECT ctid FROM callbackd.gaps
              WHERE to_ms < $1 AND ($2::text IS NULL OR site = $2) ORDER BY to_ms LIMIT $3)) RETURNING 1) SELECT count(*) FROM gone",
    ),
    (
        "agent_intervals",
        "WITH gone AS (DELETE FROM callbackd.agent_intervals WHERE ctid = ANY (ARRAY(SELECT ctid FROM callbackd.agent_intervals
              WHERE to_ms < $1 AND ($2::text IS NULL OR site = $2) ORDER BY to_ms LIMIT $3)) RETURNING 1) SELECT count(*) FROM gone",
    ),
];

/// Removes what ended before this moment (ms since 1970 UTC), of one site or of all, each step in a transaction of its own. Returns how many rows of
/// each table, without what belonged to them.
///
/// # Errors
/// The user may not, or the connection is lost: what was removed before stays removed.
pub(crate) async fn prune(
    client: &Client,
    before_ms: Millis,
    site: Option<&str>,
) -> Result<Vec<(&'static str, i64)>, Fault> {
    let mut removed = Vec::new();
    for (table, sql) in STEPS {
        let statement = client.prepare(sql).await.map_err(Fault::of_schema)?;
        let mut rows = 0;
        loop {
            let step: i64 = client.query_one(&statement, &[&before_ms, &site, &STEP]).await?.try_get(0)?;
            rows += step;
            if step < STEP {
                break;
            }
        }
        removed.push((table, rows));
    }
    Ok(removed)
}
