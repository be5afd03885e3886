-- What whole days come to for the report, so that a year need not be read call by call. Who changes anything of a day that may be there takes it out.

CREATE TABLE report_days (
    from_ms INTEGER PRIMARY KEY,           -- ms since 1970 UTC: the local day began
    to_ms   INTEGER NOT NULL,              -- ms since 1970 UTC: the next one began
    rules   TEXT    NOT NULL,              -- zone and thresholds by which it was counted; a report by others does not read it
    rollup  BLOB    NOT NULL               -- counts, sums, and waits by the second, for callbackd alone
) STRICT;

CREATE TABLE report_days_kept (
    n         INTEGER PRIMARY KEY CHECK (n = 1), -- 1: there is one row
    before_ms INTEGER NOT NULL,            -- ms since 1970 UTC: days that were over by then may be in report_days
    changes   INTEGER NOT NULL             -- how often something of them was changed
) STRICT;

INSERT INTO report_days_kept VALUES (1, -9223372036854775808, 0);

CREATE VIEW report_days_changed AS -- takes out of report_days the days that a span inserted here touches
SELECT from_ms, to_ms FROM report_days;

CREATE TRIGGER report_days_changed_by INSTEAD OF INSERT ON report_days_changed BEGIN
    DELETE FROM report_days WHERE from_ms < NEW.to_ms AND to_ms > NEW.from_ms AND from_ms > NEW.from_ms - 172800000;
    UPDATE report_days_kept SET changes = changes + 1;
END;

-- A call counts for its own day, for the load of those in which it lasts and, as one that the customer made again, for those of report.fcr_window before.
CREATE TRIGGER report_days_call_added AFTER INSERT ON calls
  WHEN NEW.started_ms < (SELECT before_ms FROM report_days_kept) BEGIN
    INSERT INTO report_days_changed VALUES (NEW.started_ms - (SELECT fcr_window_ms FROM report_settings), NEW.ended_ms + 1);
END;
CREATE TRIGGER report_days_call_removed AFTER DELETE ON calls
  WHEN OLD.started_ms < (SELECT before_ms FROM report_days_kept) BEGIN
    INSERT INTO report_days_changed VALUES (OLD.started_ms - (SELECT fcr_window_ms FROM report_settings), OLD.ended_ms + 1);
END;
CREATE TRIGGER report_days_call_changed AFTER UPDATE ON calls
  WHEN min(OLD.started_ms, NEW.started_ms) < (SELECT before_ms FROM report_days_kept) BEGIN
    INSERT INTO report_days_changed VALUES (min(OLD.started_ms, NEW.started_ms) - (SELECT fcr_window_ms FROM report_settings), max(OLD.ended_ms, NEW.ended_ms) + 1);
END;

-- Codes and ratings may be set long after the call.
CREATE TRIGGER report_days_tag_added AFTER INSERT ON tags
  WHEN (SELECT started_ms FROM calls WHERE id = NEW.call_id) < (SELECT before_ms FROM report_days_kept) BEGIN
    INSERT INTO report_days_changed VALUES ((SELECT started_ms FROM calls WHERE id = NEW.call_id), (SELECT started_ms FROM calls WHERE id = NEW.call_id) + 1);
END;
CREATE TRIGGER report_days_tag_changed AFTER UPDATE ON tags
  WHEN (SELECT started_ms FROM calls WHERE id = NEW.call_id) < (SELECT before_ms FROM report_days_kept) BEGIN
    INSERT INTO report_days_changed VALUES ((SELECT started_ms FROM calls WHERE id = NEW.call_id), (SELECT started_ms FROM calls WHERE id = NEW.call_id) + 1);
END;
CREATE TRIGGER report_days_tag_removed AFTER DELETE ON tags
  WHEN (SELECT started_ms FROM calls WHERE id = OLD.call_id) < (SELECT before_ms FROM report_days_kept) BEGIN
    INSERT INTO report_days_changed VALUES ((SELECT started_ms FROM calls WHERE id = OLD.call_id), (SELECT started_ms FROM calls WHERE id = OLD.call_id) + 1);
END;
CREATE TRIGGER report_days_rating_added AFTER INSERT ON ratings
  WHEN (SELECT started_ms FROM calls WHERE id = NEW.call_id) < (SELECT before_ms FROM report_days_kept) BEGIN
    INSERT INTO report_days_changed VALUES ((SELECT started_ms FROM calls WHERE id = NEW.call_id), (SELECT started_ms FROM calls WHERE id = NEW.call_id) + 1);
END;
CREATE TRIGGER report_days_rating_changed AFTER UPDATE ON ratings
  WHEN (SELECT started_ms FROM calls WHERE id = NEW.call_id) < (SELECT before_ms FROM report_days_kept) BEGIN
    INSERT INTO report_days_changed VALUES ((SELECT started_ms FROM calls WHERE id = NEW.call_id), (SELECT started_ms FROM calls WHERE id = NEW.call_id) + 1);
END;
CREATE TRIGGER report_days_rating_removed AFTER DELETE ON ratings
  WHEN (SELECT started_ms FROM calls WHERE id = OLD.call_id) < (SELECT before_ms FROM report_days_kept) BEGIN
    INSERT INTO report_days_changed VALUES ((SELECT started_ms FROM calls WHERE id = OLD.call_id), (SELECT started_ms FROM calls WHERE id = OLD.call_id) + 1);
END;

-- Missed calls are counted by the state of their callback; the first of them ended then.
CREATE TRIGGER report_days_callback_changed AFTER UPDATE OF state ON callbacks
  WHEN OLD.state <> NEW.state AND NEW.first_missed_ms < (SELECT before_ms FROM report_days_kept) BEGIN
    INSERT INTO report_days_changed VALUES (NEW.first_missed_ms - 86400000, 9223372036854775807);
END;
CREATE TRIGGER report_days_callback_removed AFTER DELETE ON callbacks
  WHEN OLD.first_missed_ms < (SELECT before_ms FROM report_days_kept) BEGIN
    INSERT INTO report_days_changed VALUES (OLD.first_missed_ms - 86400000, 9223372036854775807);
END;
CREATE TRIGGER report_days_attempt_added AFTER INSERT ON callback_attempts
  WHEN NEW.intended_ms < (SELECT before_ms FROM report_days_kept) BEGIN
    INSERT INTO report_days_changed VALUES (NEW.intended_ms, NEW.intended_ms + 1);
END;
CREATE TRIGGER report_days_attempt_changed AFTER UPDATE ON callback_attempts
  WHEN NEW.intended_ms < (SELECT before_ms FROM report_days_kept) BEGIN
    INSERT INTO report_days_changed VALUES (NEW.intended_ms, NEW.intended_ms + 1);
END;
CREATE TRIGGER report_days_attempt_removed AFTER DELETE ON callback_attempts
  WHEN OLD.intended_ms < (SELECT before_ms FROM report_days_kept) BEGIN
    INSERT INTO report_days_changed VALUES (OLD.intended_ms, OLD.intended_ms + 1);
END;

-- What an agent did, and up to when; what goes on counts up to now.
CREATE TRIGGER report_days_interval_added AFTER INSERT ON agent_intervals
  WHEN NEW.from_ms < (SELECT before_ms FROM report_days_kept) BEGIN
    INSERT INTO report_days_changed VALUES (NEW.from_ms, ifnull(NEW.to_ms, 9223372036854775807));
END;
CREATE TRIGGER report_days_interval_removed AFTER DELETE ON agent_intervals
  WHEN OLD.from_ms < (SELECT before_ms FROM report_days_kept) BEGIN
    INSERT INTO report_days_changed VALUES (OLD.from_ms, ifnull(OLD.to_ms, 9223372036854775807));
END;
CREATE TRIGGER report_days_interval_changed AFTER UPDATE ON agent_intervals
  WHEN min(ifnull(OLD.to_ms, 9223372036854775807), ifnull(NEW.to_ms, 9223372036854775807)) < (SELECT before_ms FROM report_days_kept) OR min(OLD.from_ms, NEW.from_ms) < (SELECT before_ms FROM report_days_kept) AND (OLD.from_ms <> NEW.from_ms OR OLD.reason <> NEW.reason) BEGIN
    INSERT INTO report_days_changed VALUES (min(OLD.from_ms, NEW.from_ms), max(ifnull(OLD.to_ms, 9223372036854775807), ifnull(NEW.to_ms, 9223372036854775807)));
END;
