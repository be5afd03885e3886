-- Figures for managers: the thresholds that they need, the hours of a time zone, and a view for each figure.

CREATE TABLE report_settings (
    n                    INTEGER PRIMARY KEY CHECK (n = 1), -- 1: there is one row
    zone                 TEXT    NOT NULL, -- IANA time zone of the days and hours in calendar
    service_level_ms     INTEGER NOT NULL, -- ms of report.service_level: who waited no longer was answered in time
    service_level_target INTEGER NOT NULL, -- per cent; report.service_level_target
    callback_target_ms   INTEGER NOT NULL, -- ms of report.callback_target: a missed caller is to be won back within it
    fcr_window_ms        INTEGER NOT NULL, -- ms of report.fcr_window: who does not call again within it was served at the first call
    alarm_wait_ms        INTEGER NOT NULL, -- ms of report.alarm_wait: a wait before giving up that is too long
    too_short_ms         INTEGER NOT NULL, -- ms of report.too_short: a conversation that is shorter is worth a look
    too_long_ms          INTEGER NOT NULL, -- ms of report.too_long: and one that is longer
    good_score           INTEGER NOT NULL  -- report.good_score: a rating from here on is good
) STRICT;

INSERT INTO report_settings VALUES (1, 'UTC', 20000, 80, 1800000, 604800000, 60000, 10000, 1800000, 4);

CREATE TABLE report_names (
    kind  TEXT    NOT NULL,                -- did (report.did), trunk_lines (report.trunk_lines), acw_reason (report.acw_reasons)
    name  TEXT    NOT NULL,                -- DID, trunk, or reason of a pause
    label TEXT,                            -- of a DID: for people
    lines INTEGER,                         -- of a trunk: calls that it can have at once
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE calendar (
    zone    TEXT    NOT NULL,              -- IANA time zone
    date    TEXT    NOT NULL,              -- local day, YYYY-MM-DD
    hour    INTEGER NOT NULL,              -- local hour, 0 to 23; the hour that comes twice when summer time ends has two rows
    weekday INTEGER NOT NULL,              -- 1 Monday to 7 Sunday
    from_ms INTEGER NOT NULL,              -- ms since 1970 UTC: the hour begins
    to_ms   INTEGER NOT NULL,              -- ms since 1970 UTC: the hour is over
    day_from_ms INTEGER NOT NULL,          -- ms since 1970 UTC: the day begins; equal to from_ms in one row of each day
    day_to_ms   INTEGER NOT NULL,          -- ms since 1970 UTC: the day is over
    PRIMARY KEY (zone, from_ms)
) STRICT, WITHOUT ROWID;

CREATE INDEX calendar_date ON calendar (zone, date);

CREATE INDEX calls_customer ON calls (number_e164, started_ms) WHERE direction = 'inbound' AND number_e164 IS NOT NULL;

DROP VIEW v_missed;

CREATE VIEW v_missed AS -- customers whom nobody served, and what became of each; SHORT_ABANDON, BLOCKED and UNKNOWN are not counted as missed: ask v_calls for them
SELECT v.*,                                                                      -- the DID among them
       c.recovered_by,                                                           -- who won the caller back: callback, customer, agent; empty if nobody did
       round((c.recovered_ms - c.ended_ms) / 60000.0, 1)          AS recovered_min, -- minutes from the miss to that
       b.state                                                    AS callback    -- state of the callback, if there is one
  FROM v_calls v JOIN calls c ON c.id = v.id LEFT JOIN callbacks b ON b.id = c.callback_id
 WHERE v.direction = 'inbound'
   AND v.status NOT IN ('ANSWER', 'UNKNOWN')
   AND v.outcome NOT IN ('SHORT_ABANDON', 'BLOCKED');

CREATE VIEW v_report_calls AS -- one line for each call, with what the figures make of it: sum() any of the 0/1 columns over dates, queues, DIDs, agents
SELECT c.id,
       k.date,                                                                   -- local day in which it started, in the zone of report_settings
       k.hour,                                                                   -- local hour in which it started, 0 to 23
       k.weekday,                                                                -- 1 Monday to 7 Sunday
       c.pbx, c.direction, c.status, c.outcome, c.number_e164, c.did, c.trunk, c.queue, c.agent, c.started_ms, c.ended_ms,
       +c.direction = 'inbound'                                    AS inbound,
       +c.direction IN ('outbound', 'callback')                    AS outbound,   -- callbacks count once, as outbound
       +c.direction = 'callback'                                   AS callback,
       +c.direction = 'internal'                                   AS internal,
       +c.direction = 'inbound' AND +c.status = 'UNKNOWN'           AS unknown,    -- left out of every ratio
       +c.direction = 'inbound' AND +c.status = 'ANSWER' AND +c.outcome <> 'SELF_SERVICE' AS answered, -- by a person
       +c.direction = 'inbound' AND +c.outcome = 'SELF_SERVICE'     AS self_service,
       +c.direction = 'inbound' AND +c.status NOT IN ('UNKNOWN', 'OUT_OF_TIME')
           AND +c.outcome NOT IN ('IVR_LOST', 'EARLY_ABANDON', 'BLOCKED', 'SELF_SERVICE', 'SHORT_ABANDON')
           AND (c.queue IS NOT NULL OR c.ring_ms > 0 OR c.answered_ms IS NOT NULL
                OR +c.outcome IN ('QUEUE_EMPTY', 'QUEUE_FULL', 'QUEUE_ABANDON', 'RING_ABANDON')) AS offered, -- reached a queue or rang a person, or was refused at the door
       +c.direction = 'inbound' AND +c.outcome IN ('QUEUE_ABANDON', 'RING_ABANDON') AS abandoned, -- gave up while waiting for a person
       +c.direction = 'inbound' AND +c.outcome = 'SHORT_ABANDON'    AS short_abandoned,
       +c.direction = 'inbound' AND +c.status NOT IN ('ANSWER', 'UNKNOWN')
           AND +c.outcome NOT IN ('SHORT_ABANDON', 'BLOCKED')      AS missed,
       +c.direction = 'inbound' AND +c.status = 'ANSWER' AND +c.outcome <> 'SELF_SERVICE'
           AND CASE WHEN c.queue IS NULL THEN c.wait_ms ELSE c.queue_wait_ms END <= s.service_level_ms AS answered_in_time,
       +c.direction = 'inbound' AND +c.outcome IN ('QUEUE_ABANDON', 'RING_ABANDON')
           AND CASE WHEN c.queue IS NULL THEN c.wait_ms ELSE c.queue_wait_ms END <= s.service_level_ms AS abandoned_in_time,
       c.wait_ms, c.queue_wait_ms, c.ring_ms, c.talk_ms, c.hold_ms, c.transfers, c.callback_id, c.recovered_by,
       c.recovered_ms - c.ended_ms                                AS recovery_ms -- ms from the miss to the moment in which the caller was served
  FROM report_settings s CROSS JOIN calendar k CROSS JOIN calls c
 WHERE k.zone = s.zone AND c.started_ms >= k.from_ms AND c.started_ms < k.to_ms;

CREATE VIEW v_report_days AS -- of each day: calls, rates and means; a rate without calls is NULL
SELECT
       date,
       weekday,
       sum(inbound)                                               AS inbound,
       sum(outbound)                                              AS outbound,         -- callbacks among them
       sum(callback)                                              AS callbacks,
       sum(internal)                                              AS internal,
       sum(unknown)                                               AS unknown,
       sum(offered)                                               AS offered,
       sum(answered)                                              AS answered,
       sum(missed)                                                AS missed,
       sum(abandoned)                                             AS abandoned,
       sum(short_abandoned)                                       AS short_abandoned,
       sum(inbound AND outcome = 'IVR_LOST')                      AS ivr_lost,
       sum(self_service)                                          AS self_service,
       sum(answered_in_time)                                      AS answered_in_time,
       1.0 * sum(abandoned) / nullif(sum(offered), 0)             AS abandonment_rate,
       1.0 * sum(missed) / nullif(sum(inbound) - sum(unknown), 0) AS missed_rate,
       1.0 * sum(answered_in_time) / nullif(sum(answered), 0)     AS service_level_answered,
       1.0 * sum(answered_in_time) / nullif(sum(offered), 0)      AS service_level_offered,
       1.0 * (sum(answered_in_time) + sum(abandoned_in_time)) / nullif(sum(answered) + sum(abandoned), 0) AS service_level_with_abandoned,
       sum(CASE WHEN answered AND queue IS NOT NULL THEN queue_wait_ms END) / nullif(sum(answered AND queue IS NOT NULL), 0) AS mean_queue_wait_ms,
       sum(CASE WHEN answered THEN wait_ms END) / nullif(sum(answered), 0) AS mean_wait_ms,
       sum(CASE WHEN answered THEN talk_ms END) / nullif(sum(answered), 0) AS mean_talk_ms,
       sum(CASE WHEN answered THEN hold_ms END) / nullif(sum(answered), 0) AS mean_hold_ms
  FROM v_report_calls
 GROUP BY date, weekday;

CREATE VIEW v_report_hours AS -- of each hour of each day, as v_report_days
SELECT
       date,
       hour,
       weekday,
       sum(inbound)                                               AS inbound,
       sum(outbound)                                              AS outbound,         -- callbacks among them
       sum(callback)                                              AS callbacks,
       sum(internal)                                              AS internal,
       sum(unknown)                                               AS unknown,
       sum(offered)                                               AS offered,
       sum(answered)                                              AS answered,
       sum(missed)                                                AS missed,
       sum(abandoned)                                             AS abandoned,
       sum(short_abandoned)                                       AS short_abandoned,
       sum(inbound AND outcome = 'IVR_LOST')                      AS ivr_lost,
       sum(self_service)                                          AS self_service,
       sum(answered_in_time)                                      AS answered_in_time,
       1.0 * sum(abandoned) / nullif(sum(offered), 0)             AS abandonment_rate,
       1.0 * sum(missed) / nullif(sum(inbound) - sum(unknown), 0) AS missed_rate,
       1.0 * sum(answered_in_time) / nullif(sum(answered), 0)     AS service_level_answered,
       1.0 * sum(answered_in_time) / nullif(sum(offered), 0)      AS service_level_offered,
       1.0 * (sum(answered_in_time) + sum(abandoned_in_time)) / nullif(sum(answered) + sum(abandoned), 0) AS service_level_with_abandoned,
       sum(CASE WHEN answered AND queue IS NOT NULL THEN queue_wait_ms END) / nullif(sum(answered AND queue IS NOT NULL), 0) AS mean_queue_wait_ms,
       sum(CASE WHEN answered THEN wait_ms END) / nullif(sum(answered), 0) AS mean_wait_ms,
       sum(CASE WHEN answered THEN talk_ms END) / nullif(sum(answered), 0) AS mean_talk_ms,
       sum(CASE WHEN answered THEN hold_ms END) / nullif(sum(answered), 0) AS mean_hold_ms
  FROM v_report_calls
 GROUP BY date, hour, weekday;

CREATE VIEW v_report_dids AS -- of each day and DID, as v_report_days
SELECT
       date,
       did,
       sum(inbound)                                               AS inbound,
       sum(outbound)                                              AS outbound,         -- callbacks among them
       sum(callback)                                              AS callbacks,
       sum(internal)                                              AS internal,
       sum(unknown)                                               AS unknown,
       sum(offered)                                               AS offered,
       sum(answered)                                              AS answered,
       sum(missed)                                                AS missed,
       sum(abandoned)                                             AS abandoned,
       sum(short_abandoned)                                       AS short_abandoned,
       sum(inbound AND outcome = 'IVR_LOST')                      AS ivr_lost,
       sum(self_service)                                          AS self_service,
       sum(answered_in_time)                                      AS answered_in_time,
       1.0 * sum(abandoned) / nullif(sum(offered), 0)             AS abandonment_rate,
       1.0 * sum(missed) / nullif(sum(inbound) - sum(unknown), 0) AS missed_rate,
       1.0 * sum(answered_in_time) / nullif(sum(answered), 0)     AS service_level_answered,
       1.0 * sum(answered_in_time) / nullif(sum(offered), 0)      AS service_level_offered,
       1.0 * (sum(answered_in_time) + sum(abandoned_in_time)) / nullif(sum(answered) + sum(abandoned), 0) AS service_level_with_abandoned,
       sum(CASE WHEN answered AND queue IS NOT NULL THEN queue_wait_ms END) / nullif(sum(answered AND queue IS NOT NULL), 0) AS mean_queue_wait_ms,
       sum(CASE WHEN answered THEN wait_ms END) / nullif(sum(answered), 0) AS mean_wait_ms,
       sum(CASE WHEN answered THEN talk_ms END) / nullif(sum(answered), 0) AS mean_talk_ms,
       sum(CASE WHEN answered THEN hold_ms END) / nullif(sum(answered), 0) AS mean_hold_ms
  FROM v_report_calls
 WHERE inbound GROUP BY date, did;

CREATE VIEW v_report_waits AS -- of each day: queue_wait and wait of those who were answered, gave_up: wait of those who gave up (not the short ones), recovery: from a miss to being served
SELECT w.date, w.kind, w.calls,
       w.min_s,
       w.mean_ms,
       (SELECT ms FROM (SELECT CASE w.kind WHEN 'queue_wait' THEN CASE WHEN x.answered AND x.queue IS NOT NULL THEN x.queue_wait_ms END
                   WHEN 'wait' THEN CASE WHEN x.answered THEN x.wait_ms END
                   WHEN 'gave_up' THEN CASE WHEN x.inbound AND x.status = 'CANCEL' AND x.outcome <> 'SHORT_ABANDON' THEN x.wait_ms END
                   ELSE CASE WHEN x.missed AND x.recovered_by IS NOT NULL THEN x.recovery_ms END END AS ms, row_number() OVER (ORDER BY CASE w.kind WHEN 'queue_wait' THEN CASE WHEN x.answered AND x.queue IS NOT NULL THEN x.queue_wait_ms END
                   WHEN 'wait' THEN CASE WHEN x.answered THEN x.wait_ms END
                   WHEN 'gave_up' THEN CASE WHEN x.inbound AND x.status = 'CANCEL' AND x.outcome <> 'SHORT_ABANDON' THEN x.wait_ms END
                   ELSE CASE WHEN x.missed AND x.recovered_by IS NOT NULL THEN x.recovery_ms END END) AS n FROM v_report_calls x
         WHERE x.date = w.date AND CASE w.kind WHEN 'queue_wait' THEN CASE WHEN x.answered AND x.queue IS NOT NULL THEN x.queue_wait_ms END
                   WHEN 'wait' THEN CASE WHEN x.answered THEN x.wait_ms END
                   WHEN 'gave_up' THEN CASE WHEN x.inbound AND x.status = 'CANCEL' AND x.outcome <> 'SHORT_ABANDON' THEN x.wait_ms END
                   ELSE CASE WHEN x.missed AND x.recovered_by IS NOT NULL THEN x.recovery_ms END END IS NOT NULL) WHERE n = (w.calls + 1) / 2) / 1000 AS median_s, -- nearest rank, whole seconds
       (SELECT ms FROM (SELECT CASE w.kind WHEN 'queue_wait' THEN CASE WHEN x.answered AND x.queue IS NOT NULL THEN x.queue_wait_ms END
                   WHEN 'wait' THEN CASE WHEN x.answered THEN x.wait_ms END
                   WHEN 'gave_up' THEN CASE WHEN x.inbound AND x.status = 'CANCEL' AND x.outcome <> 'SHORT_ABANDON' THEN x.wait_ms END
                   ELSE CASE WHEN x.missed AND x.recovered_by IS NOT NULL THEN x.recovery_ms END END AS ms, row_number() OVER (ORDER BY CASE w.kind WHEN 'queue_wait' THEN CASE WHEN x.answered AND x.queue IS NOT NULL THEN x.queue_wait_ms END
                   WHEN 'wait' THEN CASE WHEN x.answered THEN x.wait_ms END
                   WHEN 'gave_up' THEN CASE WHEN x.inbound AND x.status = 'CANCEL' AND x.outcome <> 'SHORT_ABANDON' THEN x.wait_ms END
                   ELSE CASE WHEN x.missed AND x.recovered_by IS NOT NULL THEN x.recovery_ms END END) AS n FROM v_report_calls x
         WHERE x.date = w.date AND CASE w.kind WHEN 'queue_wait' THEN CASE WHEN x.answered AND x.queue IS NOT NULL THEN x.queue_wait_ms END
                   WHEN 'wait' THEN CASE WHEN x.answered THEN x.wait_ms END
                   WHEN 'gave_up' THEN CASE WHEN x.inbound AND x.status = 'CANCEL' AND x.outcome <> 'SHORT_ABANDON' THEN x.wait_ms END
                   ELSE CASE WHEN x.missed AND x.recovered_by IS NOT NULL THEN x.recovery_ms END END IS NOT NULL) WHERE n = (w.calls * 9 + 9) / 10) / 1000 AS p90_s,
       w.max_s
  FROM (
SELECT c.date, w.kind, count(*) AS calls,
       min(CASE w.kind WHEN 'queue_wait' THEN CASE WHEN c.answered AND c.queue IS NOT NULL THEN c.queue_wait_ms END
                   WHEN 'wait' THEN CASE WHEN c.answered THEN c.wait_ms END
                   WHEN 'gave_up' THEN CASE WHEN c.inbound AND c.status = 'CANCEL' AND c.outcome <> 'SHORT_ABANDON' THEN c.wait_ms END
                   ELSE CASE WHEN c.missed AND c.recovered_by IS NOT NULL THEN c.recovery_ms END END) / 1000 AS min_s,
       sum(CASE w.kind WHEN 'queue_wait' THEN CASE WHEN c.answered AND c.queue IS NOT NULL THEN c.queue_wait_ms END
                   WHEN 'wait' THEN CASE WHEN c.answered THEN c.wait_ms END
                   WHEN 'gave_up' THEN CASE WHEN c.inbound AND c.status = 'CANCEL' AND c.outcome <> 'SHORT_ABANDON' THEN c.wait_ms END
                   ELSE CASE WHEN c.missed AND c.recovered_by IS NOT NULL THEN c.recovery_ms END END) / count(*) AS mean_ms,
       max(CASE w.kind WHEN 'queue_wait' THEN CASE WHEN c.answered AND c.queue IS NOT NULL THEN c.queue_wait_ms END
                   WHEN 'wait' THEN CASE WHEN c.answered THEN c.wait_ms END
                   WHEN 'gave_up' THEN CASE WHEN c.inbound AND c.status = 'CANCEL' AND c.outcome <> 'SHORT_ABANDON' THEN c.wait_ms END
                   ELSE CASE WHEN c.missed AND c.recovered_by IS NOT NULL THEN c.recovery_ms END END) / 1000 AS max_s
  FROM v_report_calls c CROSS JOIN (SELECT 'queue_wait' AS kind UNION ALL SELECT 'wait' UNION ALL SELECT 'gave_up' UNION ALL SELECT 'recovery') w
 WHERE CASE w.kind WHEN 'queue_wait' THEN CASE WHEN c.answered AND c.queue IS NOT NULL THEN c.queue_wait_ms END
                   WHEN 'wait' THEN CASE WHEN c.answered THEN c.wait_ms END
                   WHEN 'gave_up' THEN CASE WHEN c.inbound AND c.status = 'CANCEL' AND c.outcome <> 'SHORT_ABANDON' THEN c.wait_ms END
                   ELSE CASE WHEN c.missed AND c.recovered_by IS NOT NULL THEN c.recovery_ms END END IS NOT NULL
 GROUP BY c.date, w.kind) w;

CREATE VIEW v_report_agents AS -- of each day and agent: calls taken and not taken, of those that started on that day
SELECT c.date, c.pbx,
       CASE WHEN c.inbound THEN l.agent ELSE c.agent END          AS agent,
       sum(c.inbound AND l.result = 'ANSWERED')                   AS answered,   -- legs of customers' calls that the agent took
       sum(c.inbound AND l.result IN ('NOANSWER', 'REJECTED'))    AS missed_rings, -- legs that rang out or were rejected
       sum(CASE WHEN c.inbound THEN CASE WHEN l.result = 'ANSWERED' THEN l.talk_ms ELSE 0 END ELSE c.talk_ms END) AS talk_ms,
       sum(c.outbound)                                            AS outbound,   -- the agent's own calls, and callbacks
       sum(c.callback)                                            AS callbacks
  FROM v_report_calls c LEFT JOIN legs l ON l.call_id = c.id AND c.inbound
 WHERE CASE WHEN c.inbound THEN l.agent WHEN c.outbound THEN c.agent END IS NOT NULL
 GROUP BY 1, 2, 3;

CREATE VIEW v_report_agent_time AS -- of each day and agent: time logged in, at work, free; cut at midnight, counted once where intervals overlap. Ask for some dates: each day reads the agents' history
SELECT date, pbx, agent,
       logged_in_ms,                                                             -- ms in at least one queue
       paused_ms,                                                                -- ms paused in at least one queue, whatever for
       talking_ms,                                                               -- ms on a call, hold included
       acw_ms,                                                                   -- ms of after-call work: wrap-up, and pauses for one of the reasons
       handling_ms,                                                              -- ms talking or in after-call work
       all_ms - engaged_ms                                        AS idle_ms,    -- ms logged in, not paused, not handling
       1.0 * handling_ms / nullif(handling_ms + all_ms - engaged_ms, 0) AS occupancy
  FROM (
SELECT k.date, a.pbx, a.agent,
       (SELECT coalesce(sum(max(0, u.to_ms - max(u.from_ms, coalesce(u.before_ms, u.from_ms)))), 0)
          FROM (SELECT p.from_ms, p.to_ms, max(p.to_ms) OVER (ORDER BY p.from_ms, p.to_ms ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_ms
                  FROM (SELECT max(i.from_ms, k.day_from_ms) AS from_ms, min(coalesce(i.to_ms, s.seen_ms, i.from_ms), k.day_to_ms) AS to_ms
                          FROM agent_intervals i LEFT JOIN pbx_seen s ON s.pbx = i.pbx
                         WHERE i.pbx = a.pbx AND i.agent = a.agent AND i.from_ms < k.day_to_ms AND coalesce(i.to_ms, s.seen_ms, i.from_ms) > k.day_from_ms
                           AND i.activity = 'logged_in') p) u) AS logged_in_ms,
       (SELECT coalesce(sum(max(0, u.to_ms - max(u.from_ms, coalesce(u.before_ms, u.from_ms)))), 0)
          FROM (SELECT p.from_ms, p.to_ms, max(p.to_ms) OVER (ORDER BY p.from_ms, p.to_ms ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_ms
                  FROM (SELECT max(i.from_ms, k.day_from_ms) AS from_ms, min(coalesce(i.to_ms, s.seen_ms, i.from_ms), k.day_to_ms) AS to_ms
                          FROM agent_intervals i LEFT JOIN pbx_seen s ON s.pbx = i.pbx
                         WHERE i.pbx = a.pbx AND i.agent = a.agent AND i.from_ms < k.day_to_ms AND coalesce(i.to_ms, s.seen_ms, i.from_ms) > k.day_from_ms
                           AND i.activity = 'paused') p) u) AS paused_ms,
       (SELECT coalesce(sum(max(0, u.to_ms - max(u.from_ms, coalesce(u.before_ms, u.from_ms)))), 0)
          FROM (SELECT p.from_ms, p.to_ms, max(p.to_ms) OVER (ORDER BY p.from_ms, p.to_ms ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_ms
                  FROM (SELECT max(i.from_ms, k.day_from_ms) AS from_ms, min(coalesce(i.to_ms, s.seen_ms, i.from_ms), k.day_to_ms) AS to_ms
                          FROM agent_intervals i LEFT JOIN pbx_seen s ON s.pbx = i.pbx
                         WHERE i.pbx = a.pbx AND i.agent = a.agent AND i.from_ms < k.day_to_ms AND coalesce(i.to_ms, s.seen_ms, i.from_ms) > k.day_from_ms
                           AND i.activity = 'talking') p) u) AS talking_ms,
       (SELECT coalesce(sum(max(0, u.to_ms - max(u.from_ms, coalesce(u.before_ms, u.from_ms)))), 0)
          FROM (SELECT p.from_ms, p.to_ms, max(p.to_ms) OVER (ORDER BY p.from_ms, p.to_ms ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_ms
                  FROM (SELECT max(i.from_ms, k.day_from_ms) AS from_ms, min(coalesce(i.to_ms, s.seen_ms, i.from_ms), k.day_to_ms) AS to_ms
                          FROM agent_intervals i LEFT JOIN pbx_seen s ON s.pbx = i.pbx
                         WHERE i.pbx = a.pbx AND i.agent = a.agent AND i.from_ms < k.day_to_ms AND coalesce(i.to_ms, s.seen_ms, i.from_ms) > k.day_from_ms
                           AND (i.activity = 'wrapup' OR i.activity = 'paused' AND i.reason IN (SELECT name FROM report_names WHERE kind = 'acw_reason'))) p) u) AS acw_ms,
       (SELECT coalesce(sum(max(0, u.to_ms - max(u.from_ms, coalesce(u.before_ms, u.from_ms)))), 0)
          FROM (SELECT p.from_ms, p.to_ms, max(p.to_ms) OVER (ORDER BY p.from_ms, p.to_ms ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_ms
                  FROM (SELECT max(i.from_ms, k.day_from_ms) AS from_ms, min(coalesce(i.to_ms, s.seen_ms, i.from_ms), k.day_to_ms) AS to_ms
                          FROM agent_intervals i LEFT JOIN pbx_seen s ON s.pbx = i.pbx
                         WHERE i.pbx = a.pbx AND i.agent = a.agent AND i.from_ms < k.day_to_ms AND coalesce(i.to_ms, s.seen_ms, i.from_ms) > k.day_from_ms
                           AND (i.activity = 'talking' OR (i.activity = 'wrapup' OR i.activity = 'paused' AND i.reason IN (SELECT name FROM report_names WHERE kind = 'acw_reason')))) p) u) AS handling_ms,
       (SELECT coalesce(sum(max(0, u.to_ms - max(u.from_ms, coalesce(u.before_ms, u.from_ms)))), 0)
          FROM (SELECT p.from_ms, p.to_ms, max(p.to_ms) OVER (ORDER BY p.from_ms, p.to_ms ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_ms
                  FROM (SELECT max(i.from_ms, k.day_from_ms) AS from_ms, min(coalesce(i.to_ms, s.seen_ms, i.from_ms), k.day_to_ms) AS to_ms
                          FROM agent_intervals i LEFT JOIN pbx_seen s ON s.pbx = i.pbx
                         WHERE i.pbx = a.pbx AND i.agent = a.agent AND i.from_ms < k.day_to_ms AND coalesce(i.to_ms, s.seen_ms, i.from_ms) > k.day_from_ms
                           AND (i.activity IN ('talking', 'paused') OR (i.activity = 'wrapup' OR i.activity = 'paused' AND i.reason IN (SELECT name FROM report_names WHERE kind = 'acw_reason')))) p) u) AS engaged_ms,
       (SELECT coalesce(sum(max(0, u.to_ms - max(u.from_ms, coalesce(u.before_ms, u.from_ms)))), 0)
          FROM (SELECT p.from_ms, p.to_ms, max(p.to_ms) OVER (ORDER BY p.from_ms, p.to_ms ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_ms
                  FROM (SELECT max(i.from_ms, k.day_from_ms) AS from_ms, min(coalesce(i.to_ms, s.seen_ms, i.from_ms), k.day_to_ms) AS to_ms
                          FROM agent_intervals i LEFT JOIN pbx_seen s ON s.pbx = i.pbx
                         WHERE i.pbx = a.pbx AND i.agent = a.agent AND i.from_ms < k.day_to_ms AND coalesce(i.to_ms, s.seen_ms, i.from_ms) > k.day_from_ms
                           AND (i.activity IN ('talking', 'paused', 'logged_in') OR (i.activity = 'wrapup' OR i.activity = 'paused' AND i.reason IN (SELECT name FROM report_names WHERE kind = 'acw_reason')))) p) u) AS all_ms
  FROM report_settings z CROSS JOIN calendar k CROSS JOIN agents a
 WHERE k.zone = z.zone AND k.from_ms = k.day_from_ms)
 WHERE all_ms > 0;

CREATE VIEW v_report_missed AS -- of each day: missed calls by who won the caller back, and when
SELECT date,
       coalesce(recovered_by, 'nobody')                           AS "by",       -- callback, customer, agent, nobody
       CASE WHEN recovered_by IS NULL THEN 'never'
            WHEN recovery_ms <= s.callback_target_ms THEN 'in_time' ELSE 'later' END AS "when", -- in_time: within report.callback_target
       count(*)                                                   AS calls
  FROM v_report_calls CROSS JOIN report_settings s
 WHERE missed GROUP BY 1, 2, 3;

CREATE VIEW v_report_reasons AS -- of each day: inbound calls by status and outcome
SELECT date, status, outcome, count(*) AS calls FROM v_report_calls WHERE inbound GROUP BY date, status, outcome;

CREATE VIEW v_report_queues AS -- of each day and queue: visits by how they ended; a caller may visit a queue twice, and several queues
SELECT c.date, c.pbx, v.queue,
       count(*)                                                   AS visits,
       sum(v.result = 'CONNECTED')                                AS connected,
       sum(v.result = 'ABANDONED')                                AS abandoned,
       sum(v.result NOT IN ('CONNECTED', 'ABANDONED'))            AS other,      -- time-out, key, full, empty, ...
       sum(v.left_ms - v.joined_ms) / count(*)                    AS mean_stay_ms,
       max(v.left_ms - v.joined_ms) / 1000                        AS longest_stay_s
  FROM v_report_calls c CROSS JOIN queue_visits v ON v.call_id = c.id
 WHERE c.inbound GROUP BY c.date, c.pbx, v.queue;

CREATE VIEW v_report_ivr AS -- of each day, menu and key: how often it was chosen, and how many callers left there
SELECT c.date, c.pbx, i.context, i.digits,                                       -- digits: empty if nothing, t for a time-out, i for an invalid choice
       count(*)                                                   AS steps,
       sum(+c.outcome = 'IVR_LOST' AND i.n = (SELECT max(n) FROM ivr_steps m WHERE m.call_id = c.id)) AS lost
  FROM v_report_calls c CROSS JOIN ivr_steps i ON i.call_id = c.id
 WHERE c.inbound GROUP BY c.date, c.pbx, i.context, i.digits;

CREATE VIEW v_report_codes AS -- of each day and code: calls with it, whoever set it
SELECT c.date, t.code, count(DISTINCT c.id) AS calls
  FROM v_report_calls c CROSS JOIN tags t ON t.call_id = c.id GROUP BY c.date, t.code;

CREATE VIEW v_report_ratings AS -- of each day and survey: scores
SELECT c.date, r."by", count(*) AS ratings, avg(r.score) AS mean_score,
       1.0 * sum(r.score >= s.good_score) / count(*)              AS good_share   -- from report.good_score on
  FROM report_settings s CROSS JOIN v_report_calls c CROSS JOIN ratings r ON r.call_id = c.id GROUP BY c.date, r."by";

CREATE VIEW v_report_resolution AS -- of each day: answered callers with a number, and whether they called again within report.fcr_window; the younger ones are not final
SELECT c.date,
       sum(c.started_ms + s.fcr_window_ms <= s.as_of_ms)          AS final,
       sum(c.started_ms + s.fcr_window_ms <= s.as_of_ms AND NOT EXISTS (
           SELECT 1 FROM calls o WHERE o.number_e164 = c.number_e164 AND o.direction = 'inbound'
              AND o.started_ms > c.started_ms AND o.started_ms <= c.started_ms + s.fcr_window_ms)) AS resolved,
       sum(c.started_ms + s.fcr_window_ms > s.as_of_ms)           AS not_final
  FROM (SELECT fcr_window_ms, coalesce((SELECT max(seen_ms) FROM pbx_seen), (SELECT max(started_ms) FROM calls), 0) AS as_of_ms FROM report_settings) s
       CROSS JOIN v_report_calls c
 WHERE c.answered AND c.number_e164 IS NOT NULL
 GROUP BY c.date;

CREATE VIEW v_report_load AS -- of each day: most calls at once, of all directions; calls of more than four hours that began on an earlier day are left out
SELECT k.date,
       (SELECT max(n) FROM (
           SELECT sum(step) OVER (ORDER BY at_ms, step ROWS UNBOUNDED PRECEDING) AS n FROM (
               SELECT max(c.started_ms, k.day_from_ms) AS at_ms, 1 AS step FROM calls c
                WHERE c.started_ms < k.day_to_ms AND c.started_ms >= k.day_from_ms - 14400000 AND c.ended_ms > k.day_from_ms AND c.ended_ms > c.started_ms UNION ALL
               SELECT c.ended_ms, -1 FROM calls c
                WHERE c.started_ms < k.day_to_ms AND c.started_ms >= k.day_from_ms - 14400000 AND c.ended_ms > k.day_from_ms AND c.ended_ms > c.started_ms))) AS most_at_once
  FROM report_settings s CROSS JOIN calendar k WHERE k.zone = s.zone AND k.from_ms = k.day_from_ms;

CREATE VIEW v_report_lines AS -- of each day and trunk with a number of lines (report.trunk_lines): most calls at once, and how long all lines were in use
SELECT k.date, r.name AS trunk, r.lines,
       (SELECT max(n) FROM (
           SELECT sum(step) OVER (ORDER BY at_ms, step ROWS UNBOUNDED PRECEDING) AS n FROM (
               SELECT max(c.started_ms, k.day_from_ms) AS at_ms, 1 AS step FROM calls c
                WHERE +c.trunk = r.name AND c.started_ms < k.day_to_ms AND c.started_ms >= k.day_from_ms - 14400000 AND c.ended_ms > k.day_from_ms AND c.ended_ms > c.started_ms UNION ALL
               SELECT min(c.ended_ms, k.day_to_ms), -1 FROM calls c
                WHERE +c.trunk = r.name AND c.started_ms < k.day_to_ms AND c.started_ms >= k.day_from_ms - 14400000 AND c.ended_ms > k.day_from_ms AND c.ended_ms > c.started_ms))) AS most_at_once,
       (SELECT sum(CASE WHEN n >= r.lines THEN ms ELSE 0 END) FROM (
           SELECT sum(step) OVER w AS n, lead(at_ms, 1, at_ms) OVER w - at_ms AS ms FROM (
               SELECT max(c.started_ms, k.day_from_ms) AS at_ms, 1 AS step FROM calls c
                WHERE +c.trunk = r.name AND c.started_ms < k.day_to_ms AND c.started_ms >= k.day_from_ms - 14400000 AND c.ended_ms > k.day_from_ms AND c.ended_ms > c.started_ms UNION ALL
               SELECT min(c.ended_ms, k.day_to_ms), -1 FROM calls c
                WHERE +c.trunk = r.name AND c.started_ms < k.day_to_ms AND c.started_ms >= k.day_from_ms - 14400000 AND c.ended_ms > k.day_from_ms AND c.ended_ms > c.started_ms)
           WINDOW w AS (ORDER BY at_ms, step ROWS UNBOUNDED PRECEDING))) AS at_limit_ms
  FROM report_settings s CROSS JOIN calendar k CROSS JOIN report_names r
 WHERE k.zone = s.zone AND k.from_ms = k.day_from_ms AND r.kind = 'trunk_lines';

CREATE VIEW v_report_lengths AS -- of each day: conversations with customers by their length
SELECT date,
       CASE WHEN talk_ms < 10000 THEN 0 WHEN talk_ms < 30000 THEN 10 WHEN talk_ms < 60000 THEN 30 WHEN talk_ms < 120000 THEN 60
            WHEN talk_ms < 300000 THEN 120 WHEN talk_ms < 600000 THEN 300 WHEN talk_ms < 1200000 THEN 600 ELSE 1200 END AS from_s, -- up to the next one
       count(*)                                                   AS calls
  FROM v_report_calls WHERE answered GROUP BY date, from_s;
