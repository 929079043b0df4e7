-- title: What the root user did
-- about: What AWS itself does on behalf of root has invoked_by.
SELECT time, recipient_account AS account, provider, action, target, error_code, source_ip, country, mfa, access_key, invoked_by, user_agent
FROM trail
WHERE user_type = 'Root' AND (:from IS NULL OR time >= :from) AND (:to IS NULL OR time < :to)
ORDER BY time
