-- Customers' calls that have begun and are not over: a run that is killed leaves them to the next one.

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
    PRIMARY KEY (pbx, linkedid)
) STRICT, WITHOUT ROWID;
