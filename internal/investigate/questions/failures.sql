-- title: Who failed at what
-- about: Many kinds of denials for one principal in a short time are somebody who tries what a stolen key can do. The column action is SERVICE:ACTION.
-- of, optional: a principal, as in the column who
SELECT w.name AS who, error_code, a.name AS action, times, first, last, addresses
FROM (
	SELECT who, error_code, action, count(*) AS times, min(time) AS first, max(time) AS last, group_concat(DISTINCT failed_from) AS addresses
	FROM investigate_facts
	WHERE failed = 1 AND (:of IS NULL OR who = (SELECT key FROM investigate_names WHERE name = :of)) AND (:from IS NULL OR time >= :from) AND (:to IS NULL OR time < :to)
	GROUP BY who, error_code, action
) f
LEFT JOIN investigate_names w ON w.key = f.who
LEFT JOIN investigate_names a ON a.key = f.action
ORDER BY times DESC, first
