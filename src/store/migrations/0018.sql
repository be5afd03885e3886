-- What whole days come to for the report, so that a year need not be read call by call. Whoever changes anything of a day that may be there takes it out.

CREATE TABLE report_days (
    from_ms INTEGER PRIMARY KEY,           -- ms since 1970 UTC: the local day began
    to_ms   INTEGER NOT NULL,              -- ms since 1970 UTC: the next one began
    rules   TEXT    NOT NULL,              -- zone and thresholds by which it was counted; a report by others does not read it
    rollup  BLOB    NOT NULL               -- counts, sums, and waits by the second, for callbackd alone
) STRICT;

CREATE TABLE report_days_kept (
    n         INTEGER PRIMARY KEY CHECK (n = 1), -- 1: there is one row
    before_ms INTEGER NOT NULL,            -- ms since 1970 UTC: what began before it may count in report_days
    changes   INTEGER NOT NULL             -- how often something of them was changed
) STRICT;

INSERT INTO report_days_kept VALUES (1, -9223372036854775808, 0);

-- A call counts for its own day, for the load of those in which it lasts and, as one that the customer made again, for those of report.fcr_window before.
CREATE VIEW report_days_changed AS -- takes out of report_days the days that a span inserted here touches
SELECT from_ms, to_ms FROM report_days;

CREATE TRIGGER report_days_changed_by INSTEAD OF INSERT ON report_days_changed BEGIN
    DELETE FROM report_days WHERE from_ms < NEW.to_ms AND to_ms > NEW.from_ms - (SELECT fcr_window_ms FROM report_settings)
       AND from_ms > NEW.from_ms - (SELECT fcr_window_ms FROM report_settings) - 172800000; -- no day is longer
    UPDATE report_days_kept SET changes = changes + 1;
END;

-- Codes, recoveries, callbacks, corrections: each writes the row of the call anew. Calls that come late are seen to by whoever writes them.
CREATE TRIGGER report_days_call_changed AFTER UPDATE ON calls
  WHEN OLD.started_ms < (SELECT before_ms FROM report_days_kept) OR NEW.started_ms < (SELECT before_ms FROM report_days_kept) BEGIN
    INSERT INTO report_days_changed VALUES (min(OLD.started_ms, NEW.started_ms), max(OLD.ended_ms, NEW.ended_ms) + 1);
END;

CREATE TRIGGER report_days_call_removed AFTER DELETE ON calls WHEN OLD.started_ms < (SELECT before_ms FROM report_days_kept) BEGIN
    INSERT INTO report_days_changed VALUES (OLD.started_ms, OLD.ended_ms + 1);
END;
