-- title: What was opened to others: snapshots, images, buckets, queues, secrets, functions
-- about: Failed tries are among them, with their error code. The request is in the document: request_parameters of the view events.
WITH watched (provider, action) AS (VALUES
	('ec2.amazonaws.com', 'ModifySnapshotAttribute'),
	('ec2.amazonaws.com', 'ModifyImageAttribute'),
	('ec2.amazonaws.com', 'AuthorizeSecurityGroupIngress'),
	('rds.amazonaws.com', 'ModifyDBSnapshotAttribute'),
	('rds.amazonaws.com', 'ModifyDBClusterSnapshotAttribute'),
	('rds.amazonaws.com', 'StartExportTask'),
	('s3.amazonaws.com', 'PutBucketPolicy'),
	('s3.amazonaws.com', 'PutBucketAcl'),
	('s3.amazonaws.com', 'PutObjectAcl'),
	('s3.amazonaws.com', 'DeleteBucketPublicAccessBlock'),
	('s3.amazonaws.com', 'PutBucketPublicAccessBlock'),
	('s3.amazonaws.com', 'PutBucketReplication'),
	('s3.amazonaws.com', 'PutAccountPublicAccessBlock'),
	('s3.amazonaws.com', 'DeleteAccountPublicAccessBlock'),
	('lambda.amazonaws.com', 'AddPermission20150331v2'),
	('lambda.amazonaws.com', 'AddLayerVersionPermission20181031'),
	('lambda.amazonaws.com', 'CreateFunctionUrlConfig'),
	('secretsmanager.amazonaws.com', 'PutResourcePolicy'),
	('kms.amazonaws.com', 'PutKeyPolicy'),
	('sqs.amazonaws.com', 'AddPermission'),
	('sqs.amazonaws.com', 'SetQueueAttributes'),
	('sns.amazonaws.com', 'AddPermission'),
	('sns.amazonaws.com', 'SetTopicAttributes'),
	('ecr.amazonaws.com', 'SetRepositoryPolicy'),
	('ram.amazonaws.com', 'CreateResourceShare'),
	('ram.amazonaws.com', 'AssociateResourceShare'),
	('backup.amazonaws.com', 'PutBackupVaultAccessPolicy'),
	('elasticfilesystem.amazonaws.com', 'PutFileSystemPolicy'),
	('redshift.amazonaws.com', 'AuthorizeSnapshotAccess'),
	('glacier.amazonaws.com', 'SetVaultAccessPolicy')
)
SELECT time, who, t.provider, t.action, target, error_code, source_ip, recipient_account AS account, region, access_key, user_agent
FROM watched w CROSS JOIN trail t ON t.action = w.action AND t.provider = w.provider
WHERE (:from IS NULL OR time >= :from) AND (:to IS NULL OR time < :to)
ORDER BY time
