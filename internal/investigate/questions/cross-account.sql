-- title: Calls from one account into another
-- about: CloudTrail writes such a call into the trails of both accounts, under one shared event id; trails says how many of them are in the store. Services of AWS are left out.
-- of, optional: a shared event id, or the number of the account that the caller is of
SELECT min(time) AS time, who, account AS from_account, group_concat(DISTINCT recipient_account) AS in_accounts, provider, action, target, source_ip,
	max(coalesce(error_code, '')) AS error_code, count(*) AS trails, shared_event
FROM trail
WHERE seq IN (
	SELECT seq FROM event_columns WHERE account <> recipient_account
	UNION SELECT b.seq FROM event_columns e
		JOIN investigate_facts a ON a.seq = e.seq
		JOIN investigate_facts b ON b.shared_event = a.shared_event
	WHERE e.account <> e.recipient_account
) AND (:of IS NULL OR shared_event = :of OR account = :of) AND (:from IS NULL OR time >= :from) AND (:to IS NULL OR time < :to)
GROUP BY coalesce(shared_event, event_id)
ORDER BY time
