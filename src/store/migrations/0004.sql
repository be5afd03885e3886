-- Indices for the questions that are asked: numbers by their end, the time when calls ended, trunks of a PBX, gaps by their end.
-- The identity of the database.

-- A number is looked for by its last digits, at least four: the index holds those four. Rows whose two forms end differently have a second
-- entry. The whole number is found by its end too.
DROP INDEX calls_number;
CREATE INDEX calls_number_end ON calls (substr(coalesce(number_e164, number), -4));
CREATE INDEX calls_other_end  ON calls (substr(number, -4)) WHERE substr(number, -4) <> substr(number_e164, -4);
DROP INDEX callbacks_number;
CREATE INDEX callbacks_number_end ON callbacks (substr(number_e164, -4));

-- Who talked with a customer, or served them, is asked of the last weeks only: by time, not by number.
DROP INDEX calls_talks;
CREATE INDEX calls_ended ON calls (ended_ms);

CREATE INDEX calls_trunk ON calls (pbx, trunk) WHERE trunk IS NOT NULL;
CREATE INDEX gaps_ended ON gaps (to_ms);

-- One word for one thing: the customer asked for it. The view is made anew, in its own words.
DROP VIEW v_callbacks;
ALTER TABLE callbacks RENAME COLUMN promised TO requested;
CREATE VIEW v_callbacks AS -- one line per callback for people: the open ones first, in the order of their turns; times are local
SELECT c.id,
       datetime(c.first_missed_ms / 1000, 'unixepoch', 'localtime') AS missed,       -- the first miss, YYYY-MM-DD HH:MM:SS
       c.number_e164                                                AS number,       -- the customer
       c.name,                                                                       -- as the network told it
       c.queue,                                                                      -- whose agents are asked
       c.state,                                                                      -- where it is
       c.reason,                                                                     -- why
       c.missed_count                                               AS misses,       -- missed calls behind it
       c.attempts,                                                                   -- attempts made
       (SELECT a.result FROM callback_attempts a WHERE a.callback_id = c.id ORDER BY a.n DESC LIMIT 1) AS last_result, -- of the latest
       (SELECT a.agent  FROM callback_attempts a WHERE a.callback_id = c.id ORDER BY a.n DESC LIMIT 1) AS last_agent,  -- of the latest
       datetime(c.due_ms / 1000, 'unixepoch', 'localtime')          AS due,          -- not before
       datetime(c.closed_ms / 1000, 'unixepoch', 'localtime')       AS closed,       -- empty while it is open
       c.pbx
  FROM callbacks c
 ORDER BY c.closed_ms IS NOT NULL, c.closed_ms DESC, c.requested DESC, c.priority DESC, c.first_missed_ms, c.id;

-- The daemon that opens the database gives it its identity anew, for it is not known yet which file it is in.
CREATE TABLE identity (
    n        INTEGER PRIMARY KEY CHECK (n = 1), -- 1: there is one row
    db_uuid  TEXT    NOT NULL              -- which database this is: 32 random hexadecimal digits; a copy has others. Attempts are cb-<the first 8>-<callback>-<n>
                     CHECK (length(db_uuid) = 32 AND db_uuid NOT GLOB '*[^0-9a-f]*'),
    file     TEXT,                         -- the file that it was given to, inode and time of birth; NULL until a daemon has opened it
    attempts INTEGER NOT NULL,             -- attempts ever made: fewer than the lock file says means that an older copy was put back
    site     TEXT                          -- name of the site, where databases of several are brought together; NULL for none
) STRICT;
INSERT INTO identity VALUES (1, lower(hex(randomblob(16))), NULL, (SELECT count(*) FROM callback_attempts), NULL);

CREATE TRIGGER attempts_are_counted AFTER INSERT ON callback_attempts BEGIN
    UPDATE identity SET attempts = attempts + 1;
END;

-- A customer may be missed on one PBX and served on another: two PBXs can have a call of the same linkedid. As in 0002, for the comments' sake.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
   SET sql = replace(replace(sql, 'name of the PBX on which the call was missed and the customer is called',
                                  'name of the PBX on which the latest call was missed and from which the customer is called'),
'    closed_ms       INTEGER                -- ms since 1970 UTC: closed; NULL while it is open
',
'    closed_ms       INTEGER,               -- ms since 1970 UTC: closed; NULL while it is open
    linkedid_pbx    TEXT,                  -- name of the PBX of linkedid: a later miss on another one takes the callback there
    resolved_by_pbx TEXT                   -- name of the PBX of resolved_by
')
 WHERE type = 'table' AND name = 'callbacks';
PRAGMA writable_schema = RESET;
UPDATE callbacks SET linkedid_pbx = pbx WHERE linkedid IS NOT NULL;
UPDATE callbacks
   SET resolved_by_pbx = coalesce((SELECT c.pbx FROM calls c
                                    WHERE c.pbx IN (SELECT s.pbx FROM pbx_seen s) AND c.linkedid = callbacks.resolved_by
                                    ORDER BY c.pbx = callbacks.pbx DESC LIMIT 1), pbx)
 WHERE resolved_by IS NOT NULL;
