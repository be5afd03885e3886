-- Trunks of one name on two PBXs are two trunks.

DROP VIEW v_report_lines;

CREATE VIEW v_report_lines AS -- of each day, PBX and trunk of it with a number of lines (report.trunk_lines): most calls at once, and how long all lines were in use
SELECT k.date, p.pbx, r.name AS trunk, r.lines,
       (SELECT max(n) FROM (
           SELECT sum(step) OVER (ORDER BY at_ms, step ROWS UNBOUNDED PRECEDING) AS n FROM (
               SELECT max(c.started_ms, k.day_from_ms) AS at_ms, 1 AS step FROM calls c
                WHERE +c.pbx = p.pbx AND +c.trunk = r.name AND c.started_ms < k.day_to_ms AND c.started_ms >= k.day_from_ms - 14400000 AND c.ended_ms > k.day_from_ms AND c.ended_ms > c.started_ms UNION ALL
               SELECT min(c.ended_ms, k.day_to_ms), -1 FROM calls c
                WHERE +c.pbx = p.pbx AND +c.trunk = r.name AND c.started_ms < k.day_to_ms AND c.started_ms >= k.day_from_ms - 14400000 AND c.ended_ms > k.day_from_ms AND c.ended_ms > c.started_ms))) AS most_at_once,
       (SELECT sum(CASE WHEN n >= r.lines THEN ms ELSE 0 END) FROM (
           SELECT sum(step) OVER w AS n, lead(at_ms, 1, at_ms) OVER w - at_ms AS ms FROM (
               SELECT max(c.started_ms, k.day_from_ms) AS at_ms, 1 AS step FROM calls c
                WHERE +c.pbx = p.pbx AND +c.trunk = r.name AND c.started_ms < k.day_to_ms AND c.started_ms >= k.day_from_ms - 14400000 AND c.ended_ms > k.day_from_ms AND c.ended_ms > c.started_ms UNION ALL
               SELECT min(c.ended_ms, k.day_to_ms), -1 FROM calls c
                WHERE +c.pbx = p.pbx AND +c.trunk = r.name AND c.started_ms < k.day_to_ms AND c.started_ms >= k.day_from_ms - 14400000 AND c.ended_ms > k.day_from_ms AND c.ended_ms > c.started_ms)
           WINDOW w AS (ORDER BY at_ms, step ROWS UNBOUNDED PRECEDING))) AS at_limit_ms
  FROM report_settings s CROSS JOIN calendar k CROSS JOIN report_names r CROSS JOIN (
           WITH RECURSIVE named (pbx) AS (
               SELECT min(pbx) FROM calls UNION ALL
               SELECT (SELECT min(pbx) FROM calls WHERE pbx > named.pbx) FROM named WHERE named.pbx IS NOT NULL)
           SELECT pbx FROM named WHERE pbx IS NOT NULL) p
 WHERE k.zone = s.zone AND k.from_ms = k.day_from_ms AND r.kind = 'trunk_lines'
   AND EXISTS (SELECT 1 FROM calls c WHERE c.pbx = p.pbx AND c.trunk = r.name);
