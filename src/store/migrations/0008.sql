-- Codes as they are configured: [[code]] of the configuration, in addition to those that are shipped or in their place. The daemon keeps the table.

DROP TABLE codes;

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

CREATE TABLE tags_removed (
    call_id INTEGER NOT NULL REFERENCES calls (id) ON DELETE CASCADE, -- the call
    code    TEXT    NOT NULL,              -- what a person has taken off it: it does not come back when the call's row is rewritten
    PRIMARY KEY (call_id, code)
) STRICT, WITHOUT ROWID;

DROP VIEW v_report_codes;

CREATE VIEW v_report_codes AS -- of each day and code: calls with it, whoever set it
SELECT c.date, t.code, coalesce(k.label, '') AS label, coalesce(k."group", '') AS "group", coalesce(k.success, 0) AS success,
       count(DISTINCT c.id) AS calls
  FROM v_report_calls c CROSS JOIN tags t ON t.call_id = c.id LEFT JOIN codes k ON k.code = t.code GROUP BY c.date, t.code;
