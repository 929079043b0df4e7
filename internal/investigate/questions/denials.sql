-- title: Who was denied how much
SELECT n.name AS who, denied, kinds, first, last, addresses
FROM (
	SELECT who, count(*) AS denied, count(DISTINCT action) AS kinds, min(time) AS first, max(time) AS last, group_concat(DISTINCT failed_from) AS addresses
	FROM investigate_facts
	WHERE failed = 1 AND error_code IN ('AccessDenied', 'AccessDeniedException', 'Client.UnauthorizedOperation', 'UnauthorizedOperation',
		'AuthorizationError', 'UnauthorizedAccess', 'NotAuthorized', 'AuthFailure', 'VpceAccessDenied') AND (:from IS NULL OR time >= :from) AND (:to IS NULL OR time < :to)
	GROUP BY who
) f LEFT JOIN investigate_names n ON n.key = f.who
ORDER BY denied DESC, first
