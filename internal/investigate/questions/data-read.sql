-- title: Who read data: objects, secrets, parameters, tables, decrypted with keys, copied disks
-- about: Objects and items are there only where the trail has data events. targets is how many different things were read.
-- of, optional: a principal, as in the column who
WITH watched (action) AS (VALUES
	('s3:GetObject'), ('s3:SelectObjectContent'), ('s3:CopyObject'), ('s3:GetObjectTorrent'),
	('secretsmanager:GetSecretValue'), ('secretsmanager:BatchGetSecretValue'),
	('ssm:GetParameter'), ('ssm:GetParameters'), ('ssm:GetParametersByPath'), ('ssm:GetParameterHistory'),
	('kms:Decrypt'), ('kms:ReEncrypt'),
	('dynamodb:GetItem'), ('dynamodb:BatchGetItem'), ('dynamodb:Query'), ('dynamodb:Scan'), ('dynamodb:ExecuteStatement'), ('dynamodb:ExportTableToPointInTime'),
	('ebs:GetSnapshotBlock'), ('ebs:ListSnapshotBlocks'),
	('ec2:CreateSnapshot'), ('ec2:CopySnapshot'), ('ec2:ModifySnapshotAttribute'), ('ec2:GetPasswordData'),
	('rds:CreateDBSnapshot'), ('rds:CopyDBSnapshot'), ('rds:ModifyDBSnapshotAttribute'), ('rds:StartExportTask'), ('rds-data:ExecuteStatement'),
	('lambda:GetFunction20150331v2'), ('codecommit:GitPull'), ('ecr:BatchGetImage'), ('athena:GetQueryResults')
)
SELECT w.name AS who, f.name AS action, calls, targets, failed, first, last
FROM (
	SELECT a.name, f.who, count(*) AS calls, count(DISTINCT f.target) AS targets, sum(f.failed) AS failed, min(f.time) AS first, max(f.time) AS last
	FROM watched d
	CROSS JOIN investigate_names a ON a.name = d.action
	CROSS JOIN investigate_facts f ON f.action = a.key
	WHERE (:of IS NULL OR f.who = (SELECT key FROM investigate_names WHERE name = :of)) AND (:from IS NULL OR f.time >= :from) AND (:to IS NULL OR f.time < :to)
	GROUP BY a.name, f.who
) f LEFT JOIN investigate_names w ON w.key = f.who
ORDER BY calls DESC, first
