-- 0001: calls with their legs, queue visits and IVR steps; gaps; the views for people.

PRAGMA application_id = 1128418116; -- 0x43424B44, "CBKD"

CREATE TABLE calls (
    id            INTEGER PRIMARY KEY,     -- row id; stays the same when the call is written again
    pbx           TEXT    NOT NULL,        -- name of the PBX in the configuration
    linkedid      TEXT    NOT NULL,        -- Asterisk's Linkedid under which the call began; joins with linkedid of Asterisk's CDR and CEL
    direction     TEXT    NOT NULL,        -- inbound, outbound, internal, callback
    status        TEXT    NOT NULL,        -- what a manager counts: ANSWER, NOANSWER, BUSY, CANCEL, OUT_OF_TIME, NOT_CONNECTED, UNKNOWN
    outcome       TEXT    NOT NULL,        -- why: AGENT, QUEUE_ABANDON, RING_TIMEOUT, ...
    number        TEXT,                    -- the other party's number as received or dialled; NULL if withheld or absent
    number_e164   TEXT,                    -- the same in E.164 (+12025550123); NULL if it cannot be called
    name          TEXT,                    -- the other party's name (CallerIDName), as the network told it
    did           TEXT,                    -- inbound: the number that the customer dialled; outbound: the caller id that we showed
    trunk         TEXT,                    -- technology and peer of the trunk (PJSIP/provider)
    queue         TEXT,                    -- the queue that connected the caller, else the last one that they were in
    agent         TEXT,                    -- interface of the first person who talked with the customer (PJSIP/101)
    started_ms    INTEGER NOT NULL,        -- ms since 1970 UTC: first event of the call
    answered_ms   INTEGER,                 -- ms since 1970 UTC: first bridge with a person; NULL if there was none
    ended_ms      INTEGER NOT NULL,        -- ms since 1970 UTC: the customer's last channel ended
    wait_ms       INTEGER NOT NULL,        -- ms from started_ms to answered_ms, or to the end if nobody answered
    queue_wait_ms INTEGER NOT NULL,        -- ms in queues, all stays added up
    ring_ms       INTEGER NOT NULL,        -- ms in which at least one person's phone rang
    talk_ms       INTEGER NOT NULL,        -- ms in which the customer shared a bridge with a person
    hold_ms       INTEGER NOT NULL,        -- ms on hold or parked after having been answered
    hangup_by     TEXT    NOT NULL,        -- who ended it: customer, agent, pbx, unknown
    hangup_cause  INTEGER,                 -- Q.850 cause of the customer's channel (Hangup's Cause); proves nothing by itself
    transfers     INTEGER NOT NULL,        -- number of transfers, blind and attended
    voicemail     INTEGER NOT NULL,        -- 1 if a message was left, else 0
    quality       TEXT    NOT NULL,        -- how much of it was seen: full, partial, gap, backfilled
    why           TEXT    NOT NULL,        -- JSON array of sentences: the facts that decided status and outcome, in the order in which they count
    callback_id   INTEGER,                 -- the callback that this call belongs to; NULL if none
    UNIQUE (pbx, linkedid)
) STRICT;

CREATE INDEX calls_started ON calls (started_ms);
CREATE INDEX calls_status  ON calls (status, started_ms);
CREATE INDEX calls_queue   ON calls (queue, started_ms);
CREATE INDEX calls_agent   ON calls (agent, started_ms);
CREATE INDEX calls_number  ON calls (number_e164, started_ms);

CREATE TABLE legs (
    call_id     INTEGER NOT NULL REFERENCES calls (id) ON DELETE CASCADE, -- the call
    n           INTEGER NOT NULL,          -- 0, 1, 2, ... in the order of the ring attempts of this call
    agent       TEXT    NOT NULL,          -- the person, as interface of the technology channel (PJSIP/105)
    interface   TEXT    NOT NULL,          -- what was dialled, as the queue or Dial names it (Local/105@from-queue/n)
    queue       TEXT,                      -- the queue that rang it; NULL if none did
    started_ms  INTEGER NOT NULL,          -- ms since 1970 UTC: it began to be dialled (DialBegin)
    answered_ms INTEGER,                   -- ms since 1970 UTC: it answered; NULL if it did not
    ended_ms    INTEGER NOT NULL,          -- ms since 1970 UTC: it ended; for an answered one, the person left
    talk_ms     INTEGER NOT NULL,          -- ms on the line with the customer
    result      TEXT    NOT NULL,          -- how: ANSWERED, NOANSWER, BUSY, REJECTED, UNAVAILABLE, CONGESTION, ELSEWHERE, CANCELLED, LOST_RACE, DUMPED, UNKNOWN
    PRIMARY KEY (call_id, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX legs_agent ON legs (agent, started_ms);

CREATE TABLE queue_visits (
    call_id   INTEGER NOT NULL REFERENCES calls (id) ON DELETE CASCADE, -- the call
    n         INTEGER NOT NULL,            -- 0, 1, 2, ... in the order of the stays of this call
    queue     TEXT    NOT NULL,            -- name of the queue
    joined_ms INTEGER NOT NULL,            -- ms since 1970 UTC: entered (QueueCallerJoin), or was refused at the door
    left_ms   INTEGER NOT NULL,            -- ms since 1970 UTC: left (QueueCallerLeave)
    position  INTEGER,                     -- position at entering, from 1; NULL if refused at the door
    result    TEXT    NOT NULL,            -- how it ended: CONNECTED, ABANDONED, TIMEOUT, KEY, JOINEMPTY, LEAVEEMPTY, FULL, ...
    PRIMARY KEY (call_id, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX queue_visits_queue ON queue_visits (queue, joined_ms);

CREATE TABLE ivr_steps (
    call_id INTEGER NOT NULL REFERENCES calls (id) ON DELETE CASCADE, -- the call
    n       INTEGER NOT NULL,              -- 0, 1, 2, ... in the order of the menus of this call
    context TEXT    NOT NULL,              -- dialplan context of the menu
    digits  TEXT    NOT NULL,              -- what the caller chose there; empty if nothing, t for a time-out, i for an invalid choice
    at_ms   INTEGER NOT NULL,              -- ms since 1970 UTC: the caller entered the menu
    PRIMARY KEY (call_id, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE codes (
    code     TEXT PRIMARY KEY,             -- the word: letters, digits, _ and -
    label    TEXT NOT NULL,                -- for people
    callback TEXT NOT NULL,                -- what it means for callbacks: none, suppress, request
    expires  TEXT                          -- how long a suppression holds, as in the configuration (90d); NULL for ever
) STRICT, WITHOUT ROWID;

INSERT INTO codes (code, label, callback, expires) VALUES
    ('NO_ANSWER',      'Nobody answered',            'none',     NULL),
    ('BUSY',           'Everyone was busy',          'none',     NULL),
    ('ABANDONED',      'The caller gave up',         'none',     NULL),
    ('DISCONNECTED',   'Lost in a transfer',         'none',     NULL),
    ('CALLBACK',       'Asked to be called back',    'request',  NULL),
    ('VOICEMAIL',      'Left a message',             'none',     NULL),
    ('INTERESTED',     'Interested',                 'none',     NULL),
    ('NOT_INTERESTED', 'Not interested',             'none',     NULL),
    ('DEMO_BOOKED',    'Demonstration booked',       'none',     NULL),
    ('MEETING_SET',    'Meeting set',                'none',     NULL),
    ('DEAL_CLOSED',    'Deal closed',                'none',     NULL),
    ('FOLLOW_UP',      'To be followed up',          'request',  NULL),
    ('DO_NOT_CONTACT', 'Does not want to be called', 'suppress', '365d'),
    ('WRONG_NUMBER',   'Wrong number',               'suppress', NULL);

CREATE TABLE tags (
    call_id INTEGER NOT NULL REFERENCES calls (id) ON DELETE CASCADE, -- the call
    code    TEXT    NOT NULL,              -- one of codes.code, or a new word
    note    TEXT    NOT NULL,              -- free text
    "by"    TEXT    NOT NULL,              -- who set it: rule (from status and outcome), dialplan, or a name
    at_ms   INTEGER NOT NULL,              -- ms since 1970 UTC: when
    source  TEXT    NOT NULL,              -- engine: rewritten with the call's row; command: kept
    PRIMARY KEY (call_id, code, "by")
) STRICT, WITHOUT ROWID;

CREATE INDEX tags_code ON tags (code);

CREATE TABLE ratings (
    call_id INTEGER NOT NULL REFERENCES calls (id) ON DELETE CASCADE, -- the call
    "by"    TEXT    NOT NULL,              -- what was rated, or by which survey; empty if there is only one
    score   REAL    NOT NULL,              -- as the dialplan's survey counts: UserEvent(CallRating,Score: 5)
    at_ms   INTEGER NOT NULL,              -- ms since 1970 UTC: when
    PRIMARY KEY (call_id, "by")
) STRICT, WITHOUT ROWID;

CREATE TABLE gaps (
    id         INTEGER PRIMARY KEY,        -- row id
    pbx        TEXT    NOT NULL,           -- name of the PBX in the configuration
    from_ms    INTEGER NOT NULL,           -- ms since 1970 UTC: the last moment known to be seen
    to_ms      INTEGER NOT NULL,           -- ms since 1970 UTC: the first moment seen again
    cause      TEXT    NOT NULL,           -- why: daemon_down, link_lost, pbx_restart, overload
    calls_lost INTEGER NOT NULL,           -- calls that were in progress and whose end was not seen
    UNIQUE (pbx, from_ms, cause)
) STRICT;

CREATE TABLE agents (
    pbx   TEXT NOT NULL,                   -- name of the PBX in the configuration
    agent TEXT NOT NULL,                   -- the person, as technology and peer of the phone: PJSIP/101
    name  TEXT NOT NULL,                   -- as the queues name the agent (MemberName)
    PRIMARY KEY (pbx, agent)
) STRICT, WITHOUT ROWID;

CREATE TABLE agent_intervals (
    pbx      TEXT    NOT NULL,             -- name of the PBX in the configuration
    agent    TEXT    NOT NULL,             -- the person, as in agents.agent
    activity TEXT    NOT NULL,             -- what the agent did: logged_in, paused, ringing, talking, wrapup
    queue    TEXT    NOT NULL,             -- the queue in which the agent was paused; empty for the rest
    reason   TEXT    NOT NULL,             -- why the agent was paused (PausedReason); empty for the rest
    from_ms  INTEGER NOT NULL,             -- ms since 1970 UTC: began, or was first seen
    to_ms    INTEGER,                      -- ms since 1970 UTC: ended; NULL while it lasts
    PRIMARY KEY (pbx, agent, activity, queue, from_ms)
) STRICT, WITHOUT ROWID;

CREATE INDEX agent_intervals_open ON agent_intervals (pbx) WHERE to_ms IS NULL;

CREATE TABLE pbx_seen (
    pbx     TEXT    PRIMARY KEY,           -- name of the PBX in the configuration
    seen_ms INTEGER NOT NULL               -- ms since 1970 UTC: its events were seen up to here; what came while no daemon ran is a gap
) STRICT, WITHOUT ROWID;

CREATE VIEW v_calls AS -- one line per call for people, newest first; times are local to whoever asks (TZ, else the machine's zone)
SELECT id,
       datetime(started_ms / 1000, 'unixepoch', 'localtime')      AS started,    -- local time, YYYY-MM-DD HH:MM:SS
       direction,                                                                -- inbound, outbound, internal, callback
       coalesce(number_e164, number)                              AS number,     -- the other party, E.164 where possible
       did,                                                                      -- the number that the caller dialled, or that we showed
       status,                                                                   -- what a manager counts
       outcome,                                                                  -- why
       queue,                                                                    -- the queue that connected the caller, else their last
       agent,                                                                    -- the first person who talked with the caller
       round(wait_ms / 1000.0, 1)                                 AS wait_s,     -- seconds until a person, or until the end
       round(talk_ms / 1000.0, 1)                                 AS talk_s,     -- seconds with a person
       hangup_by,                                                                -- who ended it
       (SELECT group_concat(value, '; ') FROM json_each(calls.why)) AS why,      -- the facts that decided, in plain words
       pbx,
       linkedid
  FROM calls
 ORDER BY started_ms DESC, id DESC;

CREATE VIEW v_missed AS -- customers whom nobody served; SHORT_ABANDON, BLOCKED and UNKNOWN are not counted as missed: ask v_calls for them
SELECT *
  FROM v_calls
 WHERE direction = 'inbound'
   AND status NOT IN ('ANSWER', 'UNKNOWN')
   AND outcome NOT IN ('SHORT_ABANDON', 'BLOCKED');

CREATE VIEW v_today AS -- the calls that started today, local time
SELECT *
  FROM v_calls
 WHERE id IN (SELECT id
                FROM calls
               WHERE started_ms >= strftime('%s', 'now', 'localtime', 'start of day', 'utc') * 1000
                 AND started_ms <  strftime('%s', 'now', 'localtime', 'start of day', '+1 day', 'utc') * 1000);
