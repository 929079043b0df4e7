-- title: Events by hour, with those that failed
-- about: Hours that --from and --to cut are whole.
-- of, optional: a principal, as in the column who
SELECT hour || ':00Z' AS hour, sum(calls) AS calls, sum(failed) AS failed, count(DISTINCT who) AS principals
FROM investigate_hours
WHERE (:of IS NULL OR who = (SELECT key FROM investigate_names WHERE name = :of)) AND (:from IS NULL OR last >= :from) AND (:to IS NULL OR first < :to)
GROUP BY hour
ORDER BY hour
