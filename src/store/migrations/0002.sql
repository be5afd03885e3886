-- Callbacks: tasks, their stories, attempts, and those not to be called.

-- ALTER TABLE ADD COLUMN would tear the comments from their columns. It changes nothing but this text either, as columns that a row lacks
-- are NULL (https://sqlite.org/lang_altertable.html, "Why ALTER TABLE is such a problem for SQLite").
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
   SET sql = replace(sql, '    UNIQUE (pbx, linkedid)',
'    recovered_by  TEXT,                    -- who won a missed customer back: callback, customer, agent; NULL if nobody did
    recovered_ms  INTEGER,                 -- ms since 1970 UTC: when the caller was served
    UNIQUE (pbx, linkedid)')
 WHERE type = 'table' AND name = 'calls';
PRAGMA writable_schema = RESET;

CREATE INDEX calls_callback ON calls (callback_id) WHERE callback_id IS NOT NULL;
CREATE INDEX calls_talks ON calls (number_e164, ended_ms) WHERE agent IS NOT NULL AND talk_ms > 0;

INSERT INTO codes (code, label, callback, expires) VALUES
    ('CALLBACK_DECLINED', 'Needs no callback', 'none', NULL);

CREATE TABLE callbacks (
    id              INTEGER PRIMARY KEY,   -- chosen by the daemon, from 1
    pbx             TEXT    NOT NULL,      -- name of the PBX on which the call was missed and the customer is called
    number_e164     TEXT,                  -- the customer; NULL only where there is no number that can be called
    name            TEXT,                  -- the customer's name, as the network told it at the latest miss
    state           TEXT    NOT NULL,      -- open: PENDING, WAITING, RESERVED, DIALING_AGENT, DIALING_CUSTOMER, TALKING; closed: DONE, ...
    reason          TEXT    NOT NULL,      -- why it is there: DELAY, OUT_OF_HOURS, NO_AGENT, ...; empty if the state says all
    queue           TEXT,                  -- the queue whose agents are asked; NULL if any agent may be
    did             TEXT,                  -- the number that the customer dialled
    owner           TEXT,                  -- the agent who last talked with the customer, as interface
    assigned        TEXT,                  -- the only agent who may take it, as interface; set by a person
    promised        INTEGER NOT NULL,      -- 1 if the customer asked for it, else 0
    priority        INTEGER NOT NULL,      -- higher goes first
    missed_count    INTEGER NOT NULL,      -- missed calls behind it
    first_missed_ms INTEGER NOT NULL,      -- ms since 1970 UTC: the first of them ended
    last_missed_ms  INTEGER NOT NULL,      -- ms since 1970 UTC: the last of them ended
    due_ms          INTEGER NOT NULL,      -- ms since 1970 UTC: not before
    expires_ms      INTEGER NOT NULL,      -- ms since 1970 UTC: not after
    attempts        INTEGER NOT NULL,      -- attempts made
    counted         INTEGER NOT NULL,      -- of those, the ones that count against callback.max_attempts
    linkedid        TEXT,                  -- linkedid of the miss by which it began; NULL if it was made by hand
    resolved_by     TEXT,                  -- linkedid of the call by which it was done or recovered
    closed_ms       INTEGER                -- ms since 1970 UTC: closed; NULL while it is open
) STRICT;

CREATE UNIQUE INDEX callbacks_one_open ON callbacks (number_e164) WHERE closed_ms IS NULL; -- at most one open callback for a number
CREATE INDEX callbacks_number ON callbacks (number_e164, first_missed_ms);
CREATE INDEX callbacks_closed ON callbacks (closed_ms);

CREATE TABLE callback_events (
    callback_id INTEGER NOT NULL REFERENCES callbacks (id) ON DELETE CASCADE, -- the callback
    n           INTEGER NOT NULL,          -- 0, 1, 2, ... in the order in which they happened
    at_ms       INTEGER NOT NULL,          -- ms since 1970 UTC: when
    state       TEXT    NOT NULL,          -- the state that it came to
    reason      TEXT    NOT NULL,          -- why, as in callbacks.reason
    "by"        TEXT    NOT NULL,          -- who: callbackd, or the person who gave the command
    note        TEXT    NOT NULL,          -- more, in plain words
    PRIMARY KEY (callback_id, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE callback_attempts (
    callback_id          INTEGER NOT NULL REFERENCES callbacks (id) ON DELETE CASCADE, -- the callback
    n                    INTEGER NOT NULL, -- 1, 2, 3, ...
    pbx                  TEXT    NOT NULL, -- name of the PBX
    channel_id           TEXT    NOT NULL, -- cb-<callback>-<n>: uniqueid in Asterisk's CDR
    agent                TEXT,             -- the agent, as interface; NULL if the customer was called first, into the queue
    intended_ms          INTEGER NOT NULL, -- ms since 1970 UTC: committed to, before anything was dialled
    agent_answered_ms    INTEGER,          -- ms since 1970 UTC: the agent answered
    customer_answered_ms INTEGER,          -- ms since 1970 UTC: the customer answered
    ended_ms             INTEGER,          -- ms since 1970 UTC: over; NULL while it lasts
    talk_ms              INTEGER NOT NULL, -- ms that agent and customer talked
    result               TEXT,             -- how it ended: CONNECTED, CUSTOMER_BUSY, AGENT_NOANSWER, ...; NULL while it lasts
    detail               TEXT    NOT NULL, -- more, in plain words: what the network or Asterisk said
    linkedid             TEXT,             -- linkedid of the call's row
    PRIMARY KEY (callback_id, n),
    UNIQUE (pbx, channel_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX callback_attempts_open ON callback_attempts (pbx) WHERE result IS NULL;
CREATE INDEX callback_attempts_time ON callback_attempts (intended_ms);

CREATE TABLE do_not_call (
    number_e164 TEXT PRIMARY KEY,          -- who is not to be called
    reason      TEXT    NOT NULL,          -- why they are not to be called
    "by"        TEXT    NOT NULL,          -- who asked for it
    added_ms    INTEGER NOT NULL,          -- ms since 1970 UTC: since
    until_ms    INTEGER                    -- ms since 1970 UTC: until; NULL for ever
) STRICT, WITHOUT ROWID;

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
 ORDER BY c.closed_ms IS NOT NULL, c.closed_ms DESC, c.promised DESC, c.priority DESC, c.first_missed_ms, c.id;
