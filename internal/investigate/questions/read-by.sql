-- title: What this principal, key or address read
-- of: a principal as in the column who, an access key id, or an IP address
SELECT target, provider, action, count(*) AS calls, sum(failed) AS failed, min(time) AS first, max(time) AS last, group_concat(DISTINCT source_ip) AS addresses
FROM trail
WHERE seq IN (
	SELECT seq FROM investigate_facts WHERE who = (SELECT key FROM investigate_names WHERE name = :of)
	UNION SELECT seq FROM investigate_facts WHERE access_key = :of
	UNION SELECT seq FROM event_columns WHERE source_ip = :of
) AND read_only = 1 AND target IS NOT NULL AND (:from IS NULL OR time >= :from) AND (:to IS NULL OR time < :to)
GROUP BY target, provider, action
ORDER BY calls DESC, first
