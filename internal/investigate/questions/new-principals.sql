-- title: Principals that were not seen before
-- about: Seen for the first time at or after --from, or in the second half of the time that the store covers, and before --to. What they did later counts too.
WITH covered AS (SELECT min(first) AS first, max(last) AS last FROM investigate_hours),
since AS (SELECT coalesce(:from, strftime('%Y-%m-%dT%H:%M:%fZ', (julianday(first) + julianday(last)) / 2)) AS t FROM covered),
seen AS (SELECT who, min(first) AS first, max(last) AS last, sum(calls) AS calls, sum(failed) AS failed FROM investigate_hours GROUP BY who)
SELECT n.name AS who, seen.first, seen.last, calls, failed
FROM since JOIN seen ON seen.first >= since.t JOIN investigate_names n ON n.key = seen.who
WHERE (:to IS NULL OR seen.first < :to)
ORDER BY seen.first, calls DESC
