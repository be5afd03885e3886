-- What was said of a call by the dialplan is kept while it lasts: a run that is killed leaves it to the next one.

-- As in 0002, for the comments' sake: columns that old rows do not have are read as NULL.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
   SET sql = replace(sql,
'    answered_ms INTEGER,                   -- ms since 1970 UTC: first bridge with a person; NULL if there was none yet
',
'    answered_ms INTEGER,                   -- ms since 1970 UTC: first bridge with a person; NULL if there was none yet
    remarks     TEXT,                      -- JSON: the caller''s wish to be called back, codes and ratings so far; NULL if nothing was said
')
 WHERE type = 'table' AND name = 'calls_in_progress';
PRAGMA writable_schema = RESET;
