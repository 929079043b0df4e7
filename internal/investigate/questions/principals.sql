-- title: Who acted: first and last seen
SELECT n.name AS who, first, last, calls, failed
FROM (
	SELECT who, min(time) AS first, max(time) AS last, count(*) AS calls, sum(failed) AS failed
	FROM investigate_facts
	WHERE (:from IS NULL OR time >= :from) AND (:to IS NULL OR time < :to)
	GROUP BY who
) f JOIN investigate_names n ON n.key = f.who
ORDER BY calls DESC, who
