-- title: Who used this access key, from where
-- about: A key that begins with ASIA belongs to one session, one that begins with AKIA to a user. Several addresses or programs for one session are worth a look.
-- of: an access key id
SELECT who, session, source_ip, country, user_agent, min(time) AS first, max(time) AS last, count(*) AS calls, sum(failed) AS failed,
	count(DISTINCT action) AS actions
FROM trail
WHERE access_key = :of AND (:from IS NULL OR time >= :from) AND (:to IS NULL OR time < :to)
GROUP BY who, session, source_ip, user_agent
ORDER BY first, who
