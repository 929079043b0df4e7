-- title: Regions that an account did not use before
-- about: Used for the first time at or after --from, or in the second half of the time that the store covers, and before --to. What was done later counts too.
WITH covered AS (SELECT min(first) AS first, max(last) AS last FROM investigate_hours),
since AS (SELECT coalesce(:from, strftime('%Y-%m-%dT%H:%M:%fZ', (julianday(first) + julianday(last)) / 2)) AS t FROM covered),
seen AS (SELECT account, region, min(first) AS first, max(last) AS last, sum(calls) AS calls FROM investigate_hours WHERE region <> '' GROUP BY account, region)
SELECT account, region, seen.first, seen.last, calls
FROM since JOIN seen ON seen.first >= since.t
WHERE (:to IS NULL OR seen.first < :to)
ORDER BY seen.first, calls DESC
