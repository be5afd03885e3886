-- The schema of record: what a fully migrated database looks like. The numbered files in migrations/ make it; a test compares the two.
-- Times are milliseconds since 1970 UTC and end in _ms; durations are milliseconds, never negative, and end in _ms too.
-- The words in direction, status, outcome, result, hangup_by, quality and cause are listed and explained in src/core/model.

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
    queue_wait_ms INTEGER NOT NULL,        -- ms in queues, all visits added up
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
    recovered_by  TEXT,                    -- who won a missed customer back: callback, customer, agent; NULL if nobody did
    recovered_ms  INTEGER,                 -- ms since 1970 UTC: when the caller was served
    rev           INTEGER NOT NULL DEFAULT 1, -- how often the row was written: 1, and one more for each correction
    language      TEXT,                    -- language of the customer's channel at its end (CHANNEL(language)); NULL if it was not seen, or the call is one of ours
    UNIQUE (pbx, linkedid)
) STRICT;

CREATE INDEX calls_started ON calls (started_ms);
CREATE INDEX calls_pbx     ON calls (pbx, started_ms);
CREATE INDEX calls_status  ON calls (status, started_ms);
CREATE INDEX calls_queue   ON calls (queue, started_ms);
CREATE INDEX calls_agent   ON calls (agent, started_ms);
CREATE INDEX calls_number_end ON calls (substr(coalesce(number_e164, number), -4), started_ms);
CREATE INDEX calls_other_end  ON calls (substr(number, -4)) WHERE substr(number, -4) <> substr(number_e164, -4);
CREATE INDEX calls_callback ON calls (callback_id) WHERE callback_id IS NOT NULL;
CREATE INDEX calls_ended   ON calls (ended_ms);
CREATE INDEX calls_trunk   ON calls (pbx, trunk) WHERE trunk IS NOT NULL;

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

CREATE INDEX legs_agent ON legs (agent, started_ms) WHERE result = 'ANSWERED';

CREATE TABLE queue_visits (
    call_id   INTEGER NOT NULL REFERENCES calls (id) ON DELETE CASCADE, -- the call
    n         INTEGER NOT NULL,            -- 0, 1, 2, ... in the order of the visits of this call
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
    code       TEXT    PRIMARY KEY,        -- the word: letters, digits, _ and -
    label      TEXT    NOT NULL,           -- for people
    "group"    TEXT    NOT NULL,           -- what it is counted with in reports; empty if nothing
    success    INTEGER NOT NULL,           -- 1 if calls with it went as the business wishes, else 0
    callback   TEXT    NOT NULL,           -- what it means for callbacks: none, suppress, request
    after_ms   INTEGER NOT NULL,           -- ms that a requested callback waits after the code was set
    expires_ms INTEGER                     -- ms that a suppression holds (NULL: for ever), or that a requested callback is open (NULL: as callback.expire_requested says)
) STRICT, WITHOUT ROWID;

INSERT INTO codes (code, label, "group", success, callback, after_ms, expires_ms) VALUES
    ('NO_ANSWER',         'Nobody answered',            'missed',   0, 'none',     0,        NULL),
    ('BUSY',              'Everyone was busy',          'missed',   0, 'none',     0,        NULL),
    ('ABANDONED',         'The caller gave up',         'missed',   0, 'none',     0,        NULL),
    ('DISCONNECTED',      'Lost in a transfer',         'missed',   0, 'none',     0,        NULL),
    ('VOICEMAIL',         'Left a message',             'missed',   0, 'none',     0,        NULL),
    ('CALLBACK',          'Asked to be called back',    'callback', 0, 'request',  0,        NULL),
    ('CALLBACK_AT',       'Named the time of the callback', 'callback', 0, 'none', 0,       NULL),
    ('CALLBACK_DECLINED', 'Needs no callback',          'callback', 0, 'none',     0,        NULL),
    ('FOLLOW_UP',         'To be followed up',          'callback', 0, 'request',  86400000, NULL),
    ('INTERESTED',        'Interested',                 'sales',    0, 'none',     0,        NULL),
    ('NOT_INTERESTED',    'Not interested',             'sales',    0, 'none',     0,        NULL),
    ('DEMO_BOOKED',       'Demonstration booked',       'sales',    1, 'none',     0,        NULL),
    ('MEETING_SET',       'Meeting set',                'sales',    1, 'none',     0,        NULL),
    ('DEAL_CLOSED',       'Deal closed',                'sales',    1, 'none',     0,        NULL),
    ('RESOLVED',          'Question answered',          'service',  1, 'none',     0,        NULL),
    ('COMPLAINT',         'Complaint',                  'service',  0, 'none',     0,        NULL),
    ('DO_NOT_CONTACT',    'Does not want to be called', 'refused',  0, 'suppress', 0,        31536000000),
    ('WRONG_NUMBER',      'Wrong number',               'refused',  0, 'suppress', 0,        NULL),
    ('SPAM',              'Unwanted call',              'refused',  0, 'suppress', 0,        31536000000);

CREATE TABLE tags (
    call_id INTEGER NOT NULL REFERENCES calls (id) ON DELETE CASCADE, -- the call
    code    TEXT    NOT NULL,              -- one of codes.code, or a new word
    note    TEXT    NOT NULL,              -- free text
    "by"    TEXT    NOT NULL,              -- who set it: rule (from status and outcome), dialplan, or a name
    at_ms   INTEGER NOT NULL,              -- ms since 1970 UTC: when
    source  TEXT    NOT NULL,              -- call: rewritten with the call's row; command: kept
    PRIMARY KEY (call_id, code, "by")
) STRICT, WITHOUT ROWID;

CREATE INDEX tags_code ON tags (code);

CREATE TABLE tags_removed (
    call_id INTEGER NOT NULL REFERENCES calls (id) ON DELETE CASCADE, -- the call
    code    TEXT    NOT NULL,              -- what a person has taken off it: it does not come back when the call's row is rewritten
    PRIMARY KEY (call_id, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE ratings (
    call_id INTEGER NOT NULL REFERENCES calls (id) ON DELETE CASCADE, -- the call
    "by"    TEXT    NOT NULL,              -- what was rated, or by which survey; empty if there is only one
    score   REAL    NOT NULL,              -- as the dialplan's survey counts: UserEvent(CallRating,Score: 5)
    at_ms   INTEGER NOT NULL,              -- ms since 1970 UTC: when
    PRIMARY KEY (call_id, "by")
) STRICT, WITHOUT ROWID;

CREATE TABLE tapes (
    call_id INTEGER PRIMARY KEY REFERENCES calls (id) ON DELETE CASCADE, -- the call
    tape    BLOB    NOT NULL               -- what Asterisk said of it, as src/core/tracker/tape writes it; for callbackd rejudge alone
) STRICT;

CREATE TABLE gaps (
    id         INTEGER PRIMARY KEY,        -- row id
    pbx        TEXT    NOT NULL,           -- name of the PBX in the configuration
    from_ms    INTEGER NOT NULL,           -- ms since 1970 UTC: the last moment known to be seen
    to_ms      INTEGER NOT NULL,           -- ms since 1970 UTC: the first moment seen again
    cause      TEXT    NOT NULL,           -- why: daemon_down, link_lost, pbx_restart, overload
    calls_lost INTEGER NOT NULL,           -- calls that were in progress and whose end was not seen
    UNIQUE (pbx, from_ms, cause)
) STRICT;

CREATE INDEX gaps_ended ON gaps (to_ms);

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

CREATE TABLE calls_in_progress (
    pbx         TEXT    NOT NULL,          -- name of the PBX in the configuration
    linkedid    TEXT    NOT NULL,          -- its row in calls will have the same
    number      TEXT,                      -- as in calls
    number_e164 TEXT,                      -- as in calls
    name        TEXT,                      -- as in calls
    did         TEXT,                      -- as in calls
    trunk       TEXT,                      -- as in calls
    queue       TEXT,                      -- the queue in which the caller waits, or was last; NULL if in none
    agent       TEXT,                      -- interface of the first person who talked with the caller (PJSIP/101); NULL if nobody did yet
    started_ms  INTEGER NOT NULL,          -- ms since 1970 UTC: first event of the call
    joined_ms   INTEGER,                   -- ms since 1970 UTC: the caller joined that queue; NULL if in none
    answered_ms INTEGER,                   -- ms since 1970 UTC: first bridge with a person; NULL if there was none yet
    remarks     TEXT,                      -- JSON: the caller's wish to be called back, codes and ratings so far; NULL if nothing was said
    PRIMARY KEY (pbx, linkedid)
) STRICT, WITHOUT ROWID;

CREATE TABLE callbacks (
    id              INTEGER PRIMARY KEY,   -- chosen by the daemon, from 1
    pbx             TEXT    NOT NULL,      -- name of the PBX on which the latest call was missed and from which the customer is called
    number_e164     TEXT,                  -- the customer; NULL only where there is no number that can be called
    name            TEXT,                  -- the customer's name, as the network told it at the latest miss
    state           TEXT    NOT NULL,      -- open: PENDING, WAITING, RESERVED, DIALING_AGENT, DIALING_CUSTOMER, TALKING; closed: DONE, ...
    reason          TEXT    NOT NULL,      -- why it is there: DELAY, OUT_OF_HOURS, NO_AGENT, ...; empty if the state says all
    queue           TEXT,                  -- the queue whose agents are asked; NULL if any agent may be
    did             TEXT,                  -- the number that the customer dialled
    owner           TEXT,                  -- the agent who last talked with the customer, as interface
    assigned        TEXT,                  -- the only agent who may take it, as interface; set by a person
    requested       INTEGER NOT NULL,      -- 1 if the customer asked for it, else 0
    priority        INTEGER NOT NULL,      -- higher goes first
    missed_count    INTEGER NOT NULL,      -- missed calls behind it
    first_missed_ms INTEGER NOT NULL,      -- ms since 1970 UTC: the first of them ended
    last_missed_ms  INTEGER NOT NULL,      -- ms since 1970 UTC: the last of them ended
    due_ms          INTEGER NOT NULL,      -- ms since 1970 UTC: not before
    expires_ms      INTEGER NOT NULL,      -- ms since 1970 UTC: not after
    attempts        INTEGER NOT NULL,      -- attempts made
    counted         INTEGER NOT NULL,      -- of those, the ones that count against callback.max_attempts
    linkedid        TEXT,                  -- linkedid of the miss, or of the call with the code, by which it began; NULL if it was made by hand
    resolved_by     TEXT,                  -- linkedid of the call by which it was done or recovered
    closed_ms       INTEGER,               -- ms since 1970 UTC: closed; NULL while it is open
    linkedid_pbx    TEXT,                  -- name of the PBX of linkedid: a later miss on another one takes the callback there
    resolved_by_pbx TEXT,                  -- name of the PBX of resolved_by
    rev             INTEGER NOT NULL DEFAULT 1, -- how often the row was written: 1, and one more for each change
    language        TEXT,                  -- language in which the customer was served at the latest miss; NULL if it is not known
    requested_for_ms INTEGER,              -- ms since 1970 UTC: the customer expects the call then; NULL if they did not ask for it
    alarmed_ms      INTEGER,               -- ms since 1970 UTC: it was reported as later than callback.alarm_late; NULL if it was not
    code            TEXT                   -- the code of the call in linkedid, while that alone asks for it; NULL once a miss, a person or the customer does
) STRICT;

CREATE UNIQUE INDEX callbacks_one_open ON callbacks (number_e164) WHERE closed_ms IS NULL; -- at most one open callback for a number
CREATE INDEX callbacks_number_end ON callbacks (substr(number_e164, -4));
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

CREATE TABLE callback_requests (
    callback_id INTEGER NOT NULL REFERENCES callbacks (id) ON DELETE CASCADE, -- the callback
    pbx         TEXT    NOT NULL,          -- name of the PBX of the call
    linkedid    TEXT    NOT NULL,          -- the call that has the code; without that code on it, it asks no more
    code        TEXT    NOT NULL,          -- the code, as in tags
    at_ms       INTEGER NOT NULL,          -- ms since 1970 UTC: the code was set, as in tags
    PRIMARY KEY (callback_id, pbx, linkedid, code)
) STRICT, WITHOUT ROWID;

CREATE INDEX callback_requests_call ON callback_requests (pbx, linkedid);

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
    claim_revision       INTEGER,          -- which writing of the customer's entry in the group's bucket was this site's claim, had before intended_ms; NULL without a claim
    PRIMARY KEY (callback_id, n),
    UNIQUE (pbx, channel_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX callback_attempts_open ON callback_attempts (pbx) WHERE result IS NULL;
CREATE INDEX callback_attempts_time ON callback_attempts (intended_ms);

CREATE TRIGGER attempts_are_counted AFTER INSERT ON callback_attempts BEGIN
    UPDATE identity SET attempts = attempts + 1;
END;

CREATE TABLE do_not_call (
    number_e164 TEXT PRIMARY KEY,          -- who is not to be called
    reason      TEXT    NOT NULL,          -- why they are not to be called
    "by"        TEXT    NOT NULL,          -- who asked for it
    added_ms    INTEGER NOT NULL,          -- ms since 1970 UTC: since
    until_ms    INTEGER,                   -- ms since 1970 UTC: until; NULL for ever
    code        TEXT,                      -- the code of a call by which it holds until then; NULL if a person put it there
    by_hand_until_ms INTEGER               -- ms since 1970 UTC: until when a person had put it there before the code, which lasts longer; NULL without a code, or if nobody had
) STRICT, WITHOUT ROWID;

CREATE TABLE identity (
    n        INTEGER PRIMARY KEY CHECK (n = 1), -- 1: there is one row
    db_uuid  TEXT    NOT NULL              -- which database this is: 32 random hexadecimal digits; a copy has others. Attempts are cb-<the first 8>-<callback>-<n>
                     CHECK (length(db_uuid) = 32 AND db_uuid NOT GLOB '*[^0-9a-f]*'),
    file     TEXT,                         -- the file that it was given to, inode and time of birth; NULL until a daemon has opened it
    attempts INTEGER NOT NULL,             -- attempts ever made: fewer than the lock file says means that an older copy was put back
    site     TEXT                          -- name of the site, where databases of several are brought together; NULL for none
) STRICT;

CREATE TABLE outbox (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT, -- the cursor of readers: 1, 2, 3, ...; no number comes twice, also when all before it have been removed
    at_ms   INTEGER NOT NULL,              -- ms since 1970 UTC: committed
    pbx     TEXT    NOT NULL,              -- name of the PBX in the configuration; empty where it is about none in particular
    kind    TEXT    NOT NULL,              -- what became true: call.ended, call.missed, callback.closed, ...
    key     TEXT    NOT NULL,              -- of what: linkedid of a call, id of a callback, <callback>/<n> of an attempt, number, beginning of a gap
    rev     INTEGER NOT NULL,              -- which writing of that row it was, from 1; 0 for what has no row
    late    INTEGER NOT NULL,              -- 1 if it is no news: imported, or over for more than a day; else 0
    bytes   INTEGER NOT NULL,              -- size of all changes before this one, added up
    payload TEXT                           -- JSON of what the row of the key does not say; NULL if it says all
) STRICT;

CREATE TABLE sinks (
    name      TEXT    PRIMARY KEY,         -- a reader whose place is kept here
    acked_seq INTEGER NOT NULL,            -- it has taken all changes up to this one
    acked_ms  INTEGER NOT NULL             -- ms since 1970 UTC: when it said so
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    name    TEXT    PRIMARY KEY,           -- by which it is withdrawn
    hash    TEXT    NOT NULL UNIQUE,       -- SHA-256 of the secret, hexadecimal
    role    TEXT    NOT NULL,              -- what its bearer may do: read, operate, request
    made_ms INTEGER NOT NULL,              -- ms since 1970 UTC: made
    "by"    TEXT    NOT NULL               -- the user who made it
) STRICT, WITHOUT ROWID;

CREATE TABLE webhooks (
    name       TEXT    PRIMARY KEY,        -- of the endpoint, as in the configuration
    state      TEXT    NOT NULL,           -- running, paused (by a person), off (it answered 410 Gone)
    since_ms   INTEGER NOT NULL,           -- ms since 1970 UTC: in this state
    "by"       TEXT    NOT NULL,           -- who brought it there: callbackd, or a user
    failing_ms INTEGER                     -- ms since 1970 UTC: nothing has been delivered since; NULL if the last message was
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook_messages (
    webhook  TEXT    NOT NULL,             -- name of the endpoint
    seq      INTEGER NOT NULL,             -- outbox.seq of the change that it tells
    kind     TEXT    NOT NULL,             -- outbox.kind of it
    key      TEXT    NOT NULL,             -- outbox.key of it
    state    TEXT    NOT NULL,             -- failing (tried again at next_ms), delivered, given_up, again (a person wants it sent again)
    attempts INTEGER NOT NULL,             -- how often it was sent
    refused  INTEGER NOT NULL,             -- of these, answered by a 4xx that says that it will never be taken
    first_ms INTEGER NOT NULL,             -- ms since 1970 UTC: sent first
    last_ms  INTEGER NOT NULL,             -- ms since 1970 UTC: sent last
    next_ms  INTEGER NOT NULL,             -- ms since 1970 UTC: not sent before, while it is failing
    body     TEXT,                         -- what is sent; NULL once it was delivered
    PRIMARY KEY (webhook, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook_attempts (
    id      INTEGER PRIMARY KEY,           -- in the order of time
    webhook TEXT    NOT NULL,              -- name of the endpoint
    seq     INTEGER NOT NULL,              -- of the message
    at_ms   INTEGER NOT NULL,              -- ms since 1970 UTC: begun
    took_ms INTEGER NOT NULL,              -- ms until the answer, or until it was given up
    code    INTEGER,                       -- HTTP status of the answer; NULL if none came
    error   TEXT    NOT NULL,              -- why none came; empty if one did
    answer  TEXT    NOT NULL               -- the first 500 bytes of its body
) STRICT;

CREATE INDEX webhook_attempts_of ON webhook_attempts (webhook, seq);
CREATE INDEX webhook_messages_open ON webhook_messages (webhook, state) WHERE state <> 'delivered';

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

CREATE VIEW v_missed AS -- customers whom nobody served, and what became of each; SHORT_ABANDON, BLOCKED and UNKNOWN are not counted as missed: ask v_calls for them
SELECT v.*,                                                                      -- the DID among them
       c.recovered_by,                                                           -- who won the caller back: callback, customer, agent; empty if nobody did
       round((c.recovered_ms - c.ended_ms) / 60000.0, 1)          AS recovered_min, -- minutes from the miss to that
       b.state                                                    AS callback    -- state of the callback, if there is one
  FROM v_calls v JOIN calls c ON c.id = v.id LEFT JOIN callbacks b ON b.id = c.callback_id
 WHERE v.direction = 'inbound'
   AND v.status NOT IN ('ANSWER', 'UNKNOWN')
   AND v.outcome NOT IN ('SHORT_ABANDON', 'BLOCKED');

CREATE VIEW v_today AS -- the calls that started today, local time
SELECT *
  FROM v_calls
 WHERE id IN (SELECT id
                FROM calls
               WHERE started_ms >= strftime('%s', 'now', 'localtime', 'start of day', 'utc') * 1000
                 AND started_ms <  strftime('%s', 'now', 'localtime', 'start of day', '+1 day', 'utc') * 1000);

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
       sum(v.left_ms - v.joined_ms) / count(*)                    AS mean_visit_ms,
       max(v.left_ms - v.joined_ms) / 1000                        AS longest_visit_s
  FROM v_report_calls c CROSS JOIN queue_visits v ON v.call_id = c.id
 WHERE c.inbound GROUP BY c.date, c.pbx, v.queue;

CREATE VIEW v_report_ivr AS -- of each day, menu and key: how often it was chosen, and how many callers left there
SELECT c.date, c.pbx, i.context, i.digits,                                       -- digits: empty if nothing, t for a time-out, i for an invalid choice
       count(*)                                                   AS steps,
       sum(+c.outcome = 'IVR_LOST' AND i.n = (SELECT max(n) FROM ivr_steps m WHERE m.call_id = c.id)) AS lost
  FROM v_report_calls c CROSS JOIN ivr_steps i ON i.call_id = c.id
 WHERE c.inbound GROUP BY c.date, c.pbx, i.context, i.digits;

CREATE VIEW v_report_codes AS -- of each day and code: calls with it, whoever set it
SELECT c.date, t.code, coalesce(k.label, '') AS label, coalesce(k."group", '') AS "group", coalesce(k.success, 0) AS success,
       count(DISTINCT c.id) AS calls
  FROM v_report_calls c CROSS JOIN tags t ON t.call_id = c.id LEFT JOIN codes k ON k.code = t.code GROUP BY c.date, t.code;

CREATE VIEW v_report_ratings AS -- of each day and survey: scores
SELECT c.date, r."by", count(*) AS ratings, avg(r.score) AS mean_score,
       1.0 * sum(r.score >= s.good_score) / count(*)              AS good_share   -- from report.good_score on
  FROM report_settings s CROSS JOIN v_report_calls c CROSS JOIN ratings r ON r.call_id = c.id GROUP BY c.date, r."by";

CREATE VIEW v_report_resolution AS -- of each day: answered callers with a number, and whether they called again within report.fcr_window; the younger ones are not final
SELECT c.date,
       sum(c.started_ms + s.fcr_window_ms <= s.as_of_ms)          AS final,
       sum(c.started_ms + s.fcr_window_ms <= s.as_of_ms AND NOT EXISTS (
           SELECT 1 FROM calls o WHERE substr(coalesce(o.number_e164, o.number), -4) = substr(c.number_e164, -4)
              AND o.number_e164 = c.number_e164 AND o.direction = 'inbound' AND o.started_ms > c.started_ms AND o.started_ms <= c.started_ms + s.fcr_window_ms)) AS resolved,
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

CREATE VIEW v_report_lines AS -- of each day, PBX and trunk of it with a number of lines (report.trunk_lines): most calls at once, and how long all lines were in use
SELECT k.date, p.pbx, r.name AS trunk, r.lines,
       (SELECT max(n) FROM (
           SELECT sum(step) OVER (ORDER BY at_ms, step ROWS UNBOUNDED PRECEDING) AS n FROM (
               SELECT max(c.started_ms, k.day_from_ms) AS at_ms, 1 AS step FROM calls c
                WHERE +c.pbx = p.pbx AND +c.trunk = r.name AND c.started_ms < k.day_to_ms AND c.started_ms >= k.day_from_ms - 14400000 AND c.ended_ms > k.day_from_ms AND c.ended_ms > c.started_ms UNION ALL
               SELECT min(c.ended_ms, k.day_to_ms), -1 FROM calls c
                WHERE +c.pbx = p.pbx AND +c.trunk = r.name AND c.started_ms < k.day_to_ms AND c.started_ms >= k.day_from_ms - 14400000 AND c.ended_ms > k.day_from_ms AND c.ended_ms > c.started_ms))) AS most_at_once,
       (SELECT sum(CASE WHEN n >= r.lines THEN ms ELSE 0 END) FROM (
           SELECT sum(step) OVER w AS n, lead(at_ms, 1, at_ms) OVER w - at_ms AS ms FROM (
               SELECT max(c.started_ms, k.day_from_ms) AS at_ms, 1 AS step FROM calls c
                WHERE +c.pbx = p.pbx AND +c.trunk = r.name AND c.started_ms < k.day_to_ms AND c.started_ms >= k.day_from_ms - 14400000 AND c.ended_ms > k.day_from_ms AND c.ended_ms > c.started_ms UNION ALL
               SELECT min(c.ended_ms, k.day_to_ms), -1 FROM calls c
                WHERE +c.pbx = p.pbx AND +c.trunk = r.name AND c.started_ms < k.day_to_ms AND c.started_ms >= k.day_from_ms - 14400000 AND c.ended_ms > k.day_from_ms AND c.ended_ms > c.started_ms)
           WINDOW w AS (ORDER BY at_ms, step ROWS UNBOUNDED PRECEDING))) AS at_limit_ms
  FROM report_settings s CROSS JOIN calendar k CROSS JOIN report_names r CROSS JOIN (
           WITH RECURSIVE named (pbx) AS (
               SELECT min(pbx) FROM calls UNION ALL
               SELECT (SELECT min(pbx) FROM calls WHERE pbx > named.pbx) FROM named WHERE named.pbx IS NOT NULL)
           SELECT pbx FROM named WHERE pbx IS NOT NULL) p
 WHERE k.zone = s.zone AND k.from_ms = k.day_from_ms AND r.kind = 'trunk_lines'
   AND EXISTS (SELECT 1 FROM calls c WHERE c.pbx = p.pbx AND c.trunk = r.name);

CREATE VIEW v_report_lengths AS -- of each day: conversations with customers by their length
SELECT date,
       CASE WHEN talk_ms < 10000 THEN 0 WHEN talk_ms < 30000 THEN 10 WHEN talk_ms < 60000 THEN 30 WHEN talk_ms < 120000 THEN 60
            WHEN talk_ms < 300000 THEN 120 WHEN talk_ms < 600000 THEN 300 WHEN talk_ms < 1200000 THEN 600 ELSE 1200 END AS from_s, -- up to the next one
       count(*)                                                   AS calls
  FROM v_report_calls WHERE answered GROUP BY date, from_s;

-- What whole days come to for the report, so that a year need not be read call by call. Whoever changes anything of a day that may be there takes it out.

CREATE TABLE report_days (
    from_ms INTEGER PRIMARY KEY,           -- ms since 1970 UTC: the local day began
    to_ms   INTEGER NOT NULL,              -- ms since 1970 UTC: the next one began
    rules   TEXT    NOT NULL,              -- zone and thresholds by which it was counted; a report by others does not read it
    rollup  BLOB    NOT NULL               -- counts, sums, and waits by the second, for callbackd alone
) STRICT;

CREATE TABLE report_days_kept (
    n         INTEGER PRIMARY KEY CHECK (n = 1), -- 1: there is one row
    before_ms INTEGER NOT NULL,            -- ms since 1970 UTC: what began before it may count in report_days
    changes   INTEGER NOT NULL             -- how often something of them was changed
) STRICT;

INSERT INTO report_days_kept VALUES (1, -9223372036854775808, 0);

-- A call counts for its own day, for the load of those in which it lasts and, as one that the customer made again, for those of report.fcr_window before.
CREATE VIEW report_days_changed AS -- takes out of report_days the days that a span inserted here touches
SELECT from_ms, to_ms FROM report_days;

CREATE TRIGGER report_days_changed_by INSTEAD OF INSERT ON report_days_changed BEGIN
    DELETE FROM report_days WHERE from_ms < NEW.to_ms AND to_ms > NEW.from_ms - (SELECT fcr_window_ms FROM report_settings)
       AND from_ms > NEW.from_ms - (SELECT fcr_window_ms FROM report_settings) - 172800000; -- no day is longer
    UPDATE report_days_kept SET changes = changes + 1;
END;

-- Codes, recoveries, callbacks, corrections: each writes the row of the call anew. Calls that come late are seen to by whoever writes them.
CREATE TRIGGER report_days_call_changed AFTER UPDATE ON calls
  WHEN OLD.started_ms < (SELECT before_ms FROM report_days_kept) OR NEW.started_ms < (SELECT before_ms FROM report_days_kept) BEGIN
    INSERT INTO report_days_changed VALUES (min(OLD.started_ms, NEW.started_ms), max(OLD.ended_ms, NEW.ended_ms) + 1);
END;

CREATE TRIGGER report_days_call_removed AFTER DELETE ON calls WHEN OLD.started_ms < (SELECT before_ms FROM report_days_kept) BEGIN
    INSERT INTO report_days_changed VALUES (OLD.started_ms, OLD.ended_ms + 1);
END;
