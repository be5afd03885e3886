-- By which claim of its customer an attempt was made, where several sites share their customers.

-- As in 0002, for the comments' sake: columns that old rows do not have are read as NULL.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
   SET sql = replace(sql,
'    linkedid             TEXT,             -- linkedid of the call''s row
',
'    linkedid             TEXT,             -- linkedid of the call''s row
    claim_revision       INTEGER,          -- which writing of the customer''s entry in the group''s bucket was this site''s claim, had before intended_ms; NULL without a claim
')
 WHERE type = 'table' AND name = 'callback_attempts';
PRAGMA writable_schema = RESET;
