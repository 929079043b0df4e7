-- title: The time line of this principal, role session, access key or address; without one, that of all changes and failures
-- of, optional: a principal as in the column who, the ARN of a session, an access key id, or an IP address
SELECT time, who, provider, action, target, error_code, source_ip, recipient_account AS account, region, access_key
FROM trail
WHERE seq IN (
	SELECT seq FROM investigate_facts WHERE who = (SELECT key FROM investigate_names WHERE name = :of)
	UNION SELECT seq FROM investigate_facts WHERE session = :of
	UNION SELECT seq FROM investigate_facts WHERE access_key = :of
	UNION SELECT seq FROM event_columns WHERE source_ip = :of
) AND (:from IS NULL OR time >= :from) AND (:to IS NULL OR time < :to)
UNION ALL
SELECT * FROM (
	SELECT time, who, provider, action, target, error_code, source_ip, recipient_account AS account, region, access_key
	FROM trail
	WHERE :of IS NULL AND (read_only = 0 OR error_code IS NOT NULL) AND (:from IS NULL OR time >= :from) AND (:to IS NULL OR time < :to)
	ORDER BY time
)
ORDER BY time
