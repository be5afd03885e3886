-- Index: the calls of a PBX in the order of time.

CREATE INDEX calls_pbx ON calls (pbx, started_ms);
