-- What each call can be judged again by, under other rules.

CREATE TABLE tapes (
    call_id INTEGER PRIMARY KEY REFERENCES calls (id) ON DELETE CASCADE, -- the call
    tape    BLOB    NOT NULL               -- what Asterisk said of it, as src/core/tracker/tape writes it; for callbackd rejudge alone
) STRICT;
