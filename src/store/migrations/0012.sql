-- Fewer pages for each call. Who rang for a call and did not take it is looked for in no index; and who called again is found by the end of the number.

DROP INDEX legs_agent;
CREATE INDEX legs_agent ON legs (agent, started_ms) WHERE result = 'ANSWERED';

DROP INDEX calls_customer;
DROP INDEX calls_number_end;
CREATE INDEX calls_number_end ON calls (substr(coalesce(number_e164, number), -4), started_ms);

DROP VIEW v_report_resolution;
CREATE VIEW v_report_resolution AS -- of each day: answered callers with a number, and whether they called again within report.fcr_window; the younger ones are not final
SELECT c.date,
       sum(c.started_ms + s.fcr_window_ms <= s.as_of_ms)          AS final,
       sum(c.started_ms + s.fcr_window_ms <= s.as_of_ms AND NOT EXISTS (
           SELECT 1 FROM calls o WHERE substr(coalesce(o.number_e164, o.number), -4) = substr(c.number_e164, -4)
              AND o.number_e164 = c.number_e164 AND o.direction = 'inbound' AND o.started_ms > c.started_ms AND o.started_ms <= c.started_ms + s.fcr_window_ms)) AS resolved,
       sum(c.started_ms + s.fcr_window_ms > s.as_of_ms)           AS not_final
  FROM (SELECT fcr_window_ms, coalesce((SELECT max(seen_ms) FROM pbx_seen), (SELECT max(started_ms) FROM calls), 0) AS as_of_ms FROM report_settings) s
       CROSS JOIN v_report_calls c
 WHERE c.answered AND c.number_e164 IS NOT NULL
 GROUP BY c.date;
