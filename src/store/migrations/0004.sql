-- Indices for the questions that are asked: numbers by their end, the time when calls ended, trunks of a PBX, gaps by their end.

-- A number is looked for by its last digits, at least four: the index holds those four. Rows whose two forms end differently have a second
-- entry. The whole number is found by its end too.
DROP INDEX calls_number;
CREATE INDEX calls_number_end ON calls (substr(coalesce(number_e164, number), -4));
CREATE INDEX calls_other_end  ON calls (substr(number, -4)) WHERE substr(number, -4) <> substr(number_e164, -4);
DROP INDEX callbacks_number;
CREATE INDEX callbacks_number_end ON callbacks (substr(number_e164, -4));

-- Who talked with a customer, or served them, is asked of the last weeks only: by time, not by number.
DROP INDEX calls_talks;
CREATE INDEX calls_ended ON calls (ended_ms);

CREATE INDEX calls_trunk ON calls (pbx, trunk) WHERE trunk IS NOT NULL;
CREATE INDEX gaps_ended ON gaps (to_ms);
