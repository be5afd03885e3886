-- Requested callbacks: when the customer expects the call, the alarm of one that is late, and the language in which the customer was served.

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
PRAGMA writable_schema = RESET;

INSERT OR IGNORE INTO codes (code, label, "group", success, callback, after_ms, expires_ms) VALUES
    ('CALLBACK_AT', 'Named the time of the callback', 'callback', 0, 'none', 0, NULL);
