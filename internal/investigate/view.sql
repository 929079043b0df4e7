CREATE VIEW IF NOT EXISTS trail AS
SELECT
	c.seq, c.time, w.name AS who, c.provider, c.action, t.name AS target, c.outcome, c.error_code, c.error_message,
	c.account, c.region, c.recipient_account, c.source_ip, coalesce(c.source_address, c.source_ip) AS source_address, c.country, c.user_agent,
	c.user_type, c.read_only, f.failed, f.category, f.access_key, f.session, f.role, f.target_role, f.issued_key, f.new_session,
	f.shared_event, f.mfa, f.invoked_by, c.event_id
FROM event_columns c
JOIN investigate_facts f ON f.seq = c.seq
LEFT JOIN investigate_names w ON w.key = f.who
LEFT JOIN investigate_names t ON t.key = f.target;
