-- title: Who failed at what
-- about: Many kinds of denials for one principal in a short time are somebody who tries what a stolen key can do.
-- of, optional: a principal, as in the column who
SELECT who, error_code, provider, action, count(*) AS times, min(time) AS first, max(time) AS last, group_concat(DISTINCT source_ip) AS addresses
FROM trail
WHERE error_code IS NOT NULL AND (:of IS NULL OR who = :of) AND (:from IS NULL OR time >= :from) AND (:to IS NULL OR time < :to)
GROUP BY who, error_code, provider, action
ORDER BY times DESC, first
