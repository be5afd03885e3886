-- The change feed: what became true, in the order of its commits, for readers with a cursor of their own.

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

-- Who may ask by TCP.
CREATE TABLE tokens (
    name    TEXT    PRIMARY KEY,           -- by which it is withdrawn
    hash    TEXT    NOT NULL UNIQUE,       -- SHA-256 of the secret, hexadecimal
    role    TEXT    NOT NULL,              -- what its bearer may do: read, operate, request
    made_ms INTEGER NOT NULL,              -- ms since 1970 UTC: made
    "by"    TEXT    NOT NULL               -- the user who made it
) STRICT, WITHOUT ROWID;

-- As in 0002, for the comments' sake: a column that old rows do not have is read as its default.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
   SET sql = replace(sql,
'    UNIQUE (pbx, linkedid)
',
'    rev           INTEGER NOT NULL DEFAULT 1, -- how often the row was written: 1, and one more for each correction
    UNIQUE (pbx, linkedid)
')
 WHERE type = 'table' AND name = 'calls';
UPDATE sqlite_schema
   SET sql = replace(sql,
'    resolved_by_pbx TEXT                   -- name of the PBX of resolved_by
',
'    resolved_by_pbx TEXT,                  -- name of the PBX of resolved_by
    rev             INTEGER NOT NULL DEFAULT 1 -- how often the row was written: 1, and one more for each change
')
 WHERE type = 'table' AND name = 'callbacks';
PRAGMA writable_schema = RESET;
