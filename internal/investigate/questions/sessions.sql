-- title: Where this access key led: the credentials that it was given, and those that they were given
-- about: Depth 0 is the key itself. Each line below is a key that was issued to one of the line above: by a role that was taken, a session token, or a new key for a user.
-- of: an access key id
WITH RECURSIVE chain (key, from_key, depth, time, action, target, session) AS (
	SELECT :of, NULL, 0, NULL, NULL, NULL, NULL
	UNION
	SELECT t.issued_key, t.access_key, c.depth + 1, t.time, t.action, coalesce(t.target_role, t.target), t.new_session
	FROM chain c JOIN trail t ON t.access_key = c.key
	WHERE t.issued_key IS NOT NULL AND c.depth < 20
)
SELECT depth, key, from_key, time AS issued, action, target, session,
	(SELECT count(*) FROM investigate_facts f WHERE f.access_key = c.key AND (:from IS NULL OR f.time >= :from) AND (:to IS NULL OR f.time < :to)) AS calls,
	(SELECT sum(failed) FROM investigate_facts f WHERE f.access_key = c.key AND (:from IS NULL OR f.time >= :from) AND (:to IS NULL OR f.time < :to)) AS failed,
	(SELECT min(time) FROM investigate_facts f WHERE f.access_key = c.key AND (:from IS NULL OR f.time >= :from) AND (:to IS NULL OR f.time < :to)) AS first_call,
	(SELECT max(time) FROM investigate_facts f WHERE f.access_key = c.key AND (:from IS NULL OR f.time >= :from) AND (:to IS NULL OR f.time < :to)) AS last_call
FROM (SELECT *, row_number() OVER (PARTITION BY key ORDER BY depth, time) AS n FROM chain) c
WHERE n = 1
ORDER BY depth, issued
