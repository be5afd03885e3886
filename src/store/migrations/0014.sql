-- Until when a person put a number on the do-not-call list on which a code keeps it longer: so long it stays there without the code.

-- As in 0002, for the comments' sake: columns that old rows do not have are read as NULL.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
   SET sql = replace(sql,
'    code        TEXT                       -- the code of a call that put it there; NULL if a person did
',
'    code        TEXT,                      -- the code of a call by which it holds until then; NULL if a person put it there
    by_hand_until_ms INTEGER               -- ms since 1970 UTC: until when a person had put it there before the code, which lasts longer; NULL without a code, or if nobody had
')
 WHERE type = 'table' AND name = 'do_not_call';
PRAGMA writable_schema = RESET;
