-- Requested callbacks: when the customer expects the call, the alarm of one that is late, and the language in which the customer was served.
-- And words: where a tag comes from, and queue visits, which some places called stays.

-- As in 0002, for the comments' sake: columns that old rows do not have are read as NULL.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
   SET sql = replace(sql,
'how often the row was written: 1, and one more for each correction
    UNIQUE (pbx, linkedid)
',
'how often the row was written: 1, and one more for each correction
    language      TEXT,                    -- language of the customer''s channel at its end (CHANNEL(language)); NULL if it was not seen, or the call is one of ours
    UNIQUE (pbx, linkedid)
')
 WHERE type = 'table' AND name = 'calls';
UPDATE sqlite_schema
   SET sql = replace(sql,
'    rev             INTEGER NOT NULL DEFAULT 1 -- how often the row was written: 1, and one more for each change
',
'    rev             INTEGER NOT NULL DEFAULT 1, -- how often the row was written: 1, and one more for each change
    language        TEXT,                  -- language in which the customer was served at the latest miss; NULL if it is not known
    requested_for_ms INTEGER,              -- ms since 1970 UTC: the customer expects the call then; NULL if they did not ask for it
    alarmed_ms      INTEGER                -- ms since 1970 UTC: it was reported as later than callback.alarm_late; NULL if it was not
')
 WHERE type = 'table' AND name = 'callbacks';
UPDATE sqlite_schema SET sql = replace(sql, 'all stays added up', 'all visits added up') WHERE type = 'table' AND name = 'calls';
UPDATE sqlite_schema SET sql = replace(sql, 'in the order of the stays of this call', 'in the order of the visits of this call')
 WHERE type = 'table' AND name = 'queue_visits';
UPDATE sqlite_schema
   SET sql = replace(sql, 'engine: rewritten with the call''s row; command: kept', 'call: rewritten with the call''s row; command: kept')
 WHERE type = 'table' AND name = 'tags';
PRAGMA writable_schema = RESET;

INSERT OR IGNORE INTO codes (code, label, "group", success, callback, after_ms, expires_ms) VALUES
    ('CALLBACK_AT', 'Named the time of the callback', 'callback', 0, 'none', 0, NULL);

UPDATE tags SET source = 'call' WHERE source = 'engine';

DROP VIEW v_report_queues;
CREATE VIEW v_report_queues AS -- of each day and queue: visits by how they ended; a caller may visit a queue twice, and several queues
SELECT c.date, c.pbx, v.queue,
       count(*)                                                   AS visits,
       sum(v.result = 'CONNECTED')                                AS connected,
       sum(v.result = 'ABANDONED')                                AS abandoned,
       sum(v.result NOT IN ('CONNECTED', 'ABANDONED'))            AS other,      -- time-out, key, full, empty, ...
       sum(v.left_ms - v.joined_ms) / count(*)                    AS mean_visit_ms,
       max(v.left_ms - v.joined_ms) / 1000                        AS longest_visit_s
  FROM v_report_calls c CROSS JOIN queue_visits v ON v.call_id = c.id
 WHERE c.inbound GROUP BY c.date, c.pbx, v.queue;
