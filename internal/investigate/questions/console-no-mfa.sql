-- title: Logins to the console without a second factor
-- about: Logins of sessions of roles are left out: their identity provider asks for the second factor.
SELECT time, who, user_type, account, outcome, source_ip, country, user_agent
FROM trail
WHERE action = 'ConsoleLogin' AND coalesce(mfa, 0) = 0 AND coalesce(user_type, '') <> 'AssumedRole' AND (:from IS NULL OR time >= :from) AND (:to IS NULL OR time < :to)
ORDER BY time
