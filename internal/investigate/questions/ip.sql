-- title: Who came from this address
-- of: an IP address
SELECT who, access_key, user_agent, min(time) AS first, max(time) AS last, count(*) AS calls, sum(failed) AS failed, count(DISTINCT action) AS actions,
	group_concat(DISTINCT recipient_account) AS accounts
FROM trail
WHERE source_ip = :of AND (:from IS NULL OR time >= :from) AND (:to IS NULL OR time < :to)
GROUP BY who, access_key, user_agent
ORDER BY first, who
