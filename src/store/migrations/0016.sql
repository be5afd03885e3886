-- Which codes of which calls ask for which callback: what is asked for once is followed once, over any restart.

CREATE TABLE callback_requests (
    callback_id INTEGER NOT NULL REFERENCES callbacks (id) ON DELETE CASCADE, -- the callback
    pbx         TEXT    NOT NULL,          -- name of the PBX of the call
    linkedid    TEXT    NOT NULL,          -- the call that has the code; without that code on it, it asks no more
    code        TEXT    NOT NULL,          -- the code, as in tags
    at_ms       INTEGER NOT NULL,          -- ms since 1970 UTC: the code was set, as in tags
    PRIMARY KEY (callback_id, pbx, linkedid, code)
) STRICT, WITHOUT ROWID;

CREATE INDEX callback_requests_call ON callback_requests (pbx, linkedid);

-- Each code that was followed, by the first change that says so.
INSERT OR REPLACE INTO callback_requests (callback_id, pbx, linkedid, code, at_ms)
SELECT callback_id, pbx, linkedid, code, at_ms
  FROM (SELECT b.id AS callback_id, c.pbx, c.linkedid, t.code, t.at_ms, min(e.at_ms)
          FROM callback_events e CROSS JOIN callbacks b ON b.id = e.callback_id
         CROSS JOIN calls c ON substr(coalesce(c.number_e164, c.number), -4) = substr(b.number_e164, -4) AND c.number_e164 = b.number_e164
         CROSS JOIN tags t ON t.call_id = c.id
         WHERE substr(e.note, 1, 13) = 'requested by ' AND e.at_ms >= t.at_ms
           AND (e.note = 'requested by ' || t.code OR substr(e.note, 1, length(t.code) + 14) = 'requested by ' || t.code || ':')
         GROUP BY t.call_id, t.code, t."by");
