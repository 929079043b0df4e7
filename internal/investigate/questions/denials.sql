-- title: Who was denied how much
SELECT who, count(*) AS denied, count(DISTINCT provider || action) AS kinds, min(time) AS first, max(time) AS last,
	group_concat(DISTINCT source_ip) AS addresses
FROM trail
WHERE error_code IN ('AccessDenied', 'AccessDeniedException', 'Client.UnauthorizedOperation', 'UnauthorizedOperation', 'AuthorizationError',
	'UnauthorizedAccess', 'NotAuthorized', 'AuthFailure', 'VpceAccessDenied') AND (:from IS NULL OR time >= :from) AND (:to IS NULL OR time < :to)
GROUP BY who
ORDER BY denied DESC, first
