-- title: Who took this role, and what the sessions did
-- about: calls are those that were made with the key that the record of the assumption holds. They are of the same store, so where their trail is not in it there are none. The last 1000 assumptions.
-- of: the ARN of a role, or its name
WITH roles AS MATERIALIZED (
	SELECT DISTINCT target_role AS arn FROM investigate_facts
	WHERE target_role IS NOT NULL AND (target_role = :of OR substr(target_role, -length(:of) - 1) = '/' || :of)
), assumed AS MATERIALIZED (
	SELECT t.* FROM roles CROSS JOIN trail t ON t.target_role = roles.arn
	WHERE (:from IS NULL OR time >= :from) AND (:to IS NULL OR time < :to)
	ORDER BY time DESC LIMIT 1000
)
SELECT time, who, account AS from_account, source_ip, action, target_role, coalesce(error_code, '') AS error_code, new_session, issued_key,
	(SELECT count(*) FROM investigate_facts f WHERE f.access_key = a.issued_key) AS calls,
	(SELECT sum(failed) FROM investigate_facts f WHERE f.access_key = a.issued_key) AS failed,
	(SELECT min(time) FROM investigate_facts f WHERE f.access_key = a.issued_key) AS first_call,
	(SELECT max(time) FROM investigate_facts f WHERE f.access_key = a.issued_key) AS last_call
FROM assumed a
ORDER BY time
