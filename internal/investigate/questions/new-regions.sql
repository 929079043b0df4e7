-- title: Regions that an account did not use before
-- about: Used for the first time at or after --from, or in the second half of the time that the store covers.
WITH covered AS (SELECT min(time) AS first, max(time) AS last FROM event_columns),
since AS (SELECT coalesce(:from, strftime('%Y-%m-%dT%H:%M:%fZ', (julianday(first) + julianday(last)) / 2)) AS t FROM covered),
seen AS (SELECT recipient_account, region, min(time) AS first, max(time) AS last, count(*) AS calls FROM event_columns WHERE region IS NOT NULL AND (:to IS NULL OR time < :to) GROUP BY recipient_account, region)
SELECT recipient_account AS account, region, seen.first, seen.last, calls
FROM since JOIN seen ON seen.first >= since.t
ORDER BY seen.first, calls DESC
