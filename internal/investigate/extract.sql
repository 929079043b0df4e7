-- What a part of the documents holds.
INSERT INTO temp.investigate_part
SELECT d.seq, c.time,
	coalesce(
		d.document ->> '$.aws.cloudtrail.user_identity.session_context.session_issuer.arn', c.user_arn,
		d.document ->> '$.aws.cloudtrail.user_identity.invoked_by',
		CASE WHEN c.actor = c.user_type THEN c.user_type || ' ' || c.account END, -- somebody of another account, without a name
		c.actor, c.user),
	replace(coalesce(c.provider, ''), '.amazonaws.com', '') || ':' || coalesce(c.action, ''),
	coalesce(
		d.document ->> '$.aws.cloudtrail.flattened.request_parameters.secretId',
		d.document ->> '$.aws.cloudtrail.flattened.request_parameters.snapshotId',
		d.document ->> '$.aws.cloudtrail.resources[0].arn',
		d.document ->> '$.aws.cloudtrail.flattened.request_parameters.roleName',
		d.document ->> '$.aws.cloudtrail.flattened.request_parameters.userName',
		d.document ->> '$.aws.cloudtrail.flattened.request_parameters.trailName',
		d.document ->> '$.aws.cloudtrail.flattened.request_parameters.detectorId',
		d.document ->> '$.aws.cloudtrail.flattened.request_parameters.name',
		d.document ->> '$.target.entity.id[0]'),
	c.error_code IS NOT NULL,
	d.document ->> '$.aws.cloudtrail.event_category',
	d.document ->> '$.aws.cloudtrail.user_identity.access_key_id',
	c.user_arn,
	d.document ->> '$.aws.cloudtrail.user_identity.session_context.session_issuer.arn',
	d.document ->> '$.aws.cloudtrail.flattened.request_parameters.roleArn',
	coalesce(
		d.document ->> '$.aws.cloudtrail.flattened.response_elements.credentials.accessKeyId',
		d.document ->> '$.aws.cloudtrail.flattened.response_elements.accessKey.accessKeyId'),
	coalesce(
		d.document ->> '$.aws.cloudtrail.flattened.response_elements.assumedRoleUser.arn',
		d.document ->> '$.aws.cloudtrail.flattened.response_elements.federatedUser.arn'),
	d.document ->> '$.aws.cloudtrail.shared_event_id',
	coalesce(
		d.document ->> '$.aws.cloudtrail.console_login.additional_eventdata.mfa_used',
		CASE d.document ->> '$.aws.cloudtrail.user_identity.session_context.mfa_authenticated' WHEN 'true' THEN 1 WHEN 'false' THEN 0 END),
	d.document ->> '$.aws.cloudtrail.user_identity.invoked_by',
	c.error_code, CASE WHEN c.error_code IS NOT NULL THEN c.source_ip END, c.recipient_account, c.region
FROM documents d
JOIN event_columns c ON c.seq = d.seq
WHERE d.seq > ?1 AND d.seq <= ?2;
INSERT OR IGNORE INTO investigate_names (name)
SELECT who FROM temp.investigate_part WHERE who IS NOT NULL
UNION SELECT action FROM temp.investigate_part WHERE action IS NOT NULL
UNION SELECT target FROM temp.investigate_part WHERE target IS NOT NULL;
INSERT OR IGNORE INTO investigate_facts
SELECT p.seq, p.time, w.key, a.key, t.key, p.failed, p.category, p.access_key, p.session, p.role, p.target_role, p.issued_key, p.new_session,
	p.shared_event, p.mfa, p.invoked_by, p.error_code, p.failed_from
FROM temp.investigate_part p
LEFT JOIN investigate_names w ON w.name = p.who
LEFT JOIN investigate_names a ON a.name = p.action
LEFT JOIN investigate_names t ON t.name = p.target;
INSERT INTO investigate_hours (hour, who, account, region, calls, failed, first, last)
SELECT substr(p.time, 1, 13), coalesce(w.key, 0), coalesce(p.account, ''), coalesce(p.region, ''), count(*), sum(p.failed), min(p.time), max(p.time)
FROM temp.investigate_part p
LEFT JOIN investigate_names w ON w.name = p.who
WHERE p.time IS NOT NULL
GROUP BY 1, 2, 3, 4
ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, failed = failed + excluded.failed, first = min(first, excluded.first), last = max(last, excluded.last);
DELETE FROM temp.investigate_part;
