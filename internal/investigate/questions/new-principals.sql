-- title: Principals that were not seen before
-- about: Seen for the first time at or after --from, or in the second half of the time that the store covers.
WITH covered AS (SELECT min(time) AS first, max(time) AS last FROM event_columns),
since AS (SELECT coalesce(:from, strftime('%Y-%m-%dT%H:%M:%fZ', (julianday(first) + julianday(last)) / 2)) AS t FROM covered),
seen AS (SELECT who, min(time) AS first, max(time) AS last, count(*) AS calls, sum(failed) AS failed FROM investigate_facts WHERE :to IS NULL OR time < :to GROUP BY who)
SELECT n.name AS who, seen.first, seen.last, calls, failed
FROM since JOIN seen ON seen.first >= since.t JOIN investigate_names n ON n.key = seen.who
ORDER BY seen.first, calls DESC
