-- Which code alone asks for a callback, or put a number on the do-not-call list: with the code that is taken back, and nothing else.

-- As in 0002, for the comments' sake: columns that old rows do not have are read as NULL.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
   SET sql = replace(replace(sql,
'    alarmed_ms      INTEGER                -- ms since 1970 UTC: it was reported as later than callback.alarm_late; NULL if it was not
',
'    alarmed_ms      INTEGER,               -- ms since 1970 UTC: it was reported as later than callback.alarm_late; NULL if it was not
    code            TEXT                   -- the code of the call in linkedid, while that alone asks for it; NULL once a miss, a person or the customer does
'),
'linkedid of the miss by which it began; NULL', 'linkedid of the miss, or of the call with the code, by which it began; NULL')
 WHERE type = 'table' AND name = 'callbacks';
UPDATE sqlite_schema
   SET sql = replace(sql,
'    until_ms    INTEGER                    -- ms since 1970 UTC: until; NULL for ever
',
'    until_ms    INTEGER,                   -- ms since 1970 UTC: until; NULL for ever
    code        TEXT                       -- the code of a call that put it there; NULL if a person did
')
 WHERE type = 'table' AND name = 'do_not_call';
PRAGMA writable_schema = RESET;
