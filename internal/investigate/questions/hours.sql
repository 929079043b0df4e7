-- title: Events by hour, with those that failed
-- of, optional: a principal, as in the column who
SELECT substr(time, 1, 13) || ':00Z' AS hour, count(*) AS calls, sum(failed) AS failed, count(DISTINCT who) AS principals
FROM investigate_facts
WHERE (:of IS NULL OR who = (SELECT key FROM investigate_names WHERE name = :of)) AND (:from IS NULL OR time >= :from) AND (:to IS NULL OR time < :to)
GROUP BY hour
ORDER BY hour
