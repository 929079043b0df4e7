package s3

import (
	"strings"

	"github.com/trailbeat/trailbeat/input/aws"
)

// Policy gives the least rights for these options. Nobody is asked. Objects that are encrypted with a KMS key need kms:Decrypt on that key
// too, which the options do not name (and copies kms:GenerateDataKey): it is given for whatever key S3 uses on behalf of the input. Other stores than AWS's have
// policies of their own; for them it is empty.
func (c Config) Policy() ([]aws.Statement, error) {
	b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	if b.ARN == "" {
		return nil, nil
	}
	objects := b.ARN + "/"
	if b.AccessPoint {
		objects = b.ARN + "/object/"
	}
	objects += c.BucketListPrefix + "*"
	list := aws.Statement{Actions: []string{"s3:ListBucket"}, Resources: []string{b.ARN}}
	if c.BucketListPrefix != "" { // every call that lists begins with it
		list.Condition = map[string]map[string][]string{"StringLike": {"s3:prefix": {c.BucketListPrefix + "*"}}}
	}
	get := aws.Statement{Actions: []string{"s3:GetObject"}, Resources: []string{objects}}
	if c.deletes() {
		get.Actions = append(get.Actions, "s3:DeleteObject")
	}
	if c.BackupToBucketARN != "" { // a copy takes the tags along: S3 refuses it where there are some and the rights are missing
		get.Actions = append(get.Actions, "s3:GetObjectTagging")
	}
	region := b.Region
	if region == "" {
		region = "*"
	}
	partition := strings.Split(b.ARN, ":")[1]
	decrypt := aws.Statement{
		Actions: []string{"kms:Decrypt"}, Resources: []string{"arn:" + partition + ":kms:" + region + ":*:key/*"},
		Condition: map[string]map[string][]string{"StringLike": {"kms:ViaService": {"s3." + region + ".*"}}},
	}
	statements := append(c.AWS.RoleStatements(), list, get, decrypt)
	if c.BackupToBucketARN != "" {
		to, err := aws.ParseBucketARN(c.BackupToBucketARN)
		if err != nil {
			return nil, err
		}
		statements = append(statements, aws.Statement{
			Actions: []string{"s3:PutObject", "s3:PutObjectTagging"}, Resources: []string{to.ARN + "/" + c.BackupToBucketPrefix + "*"},
		}, aws.Statement{
			// With a KMS key as the default of the other bucket, in whatever region that is: Decrypt is for what is written in parts.
			Actions: []string{"kms:GenerateDataKey", "kms:Decrypt"}, Resources: []string{"arn:" + partition + ":kms:*:*:key/*"},
			Condition: map[string]map[string][]string{"StringLike": {"kms:ViaService": {"s3.*.*"}}},
		})
	}
	if c.Lease.DynamoDBTable != "" {
		table, err := c.Lease.table()
		if err != nil {
			return nil, err
		}
		statements = append(statements, aws.Statement{
			Actions: []string{"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:Query"}, Resources: []string{table.arn(partition)},
		})
	}
	if c.Lease.BucketARN != "" {
		to, err := c.Lease.bucket()
		if err != nil {
			return nil, err
		}
		statements = append(statements,
			aws.Statement{Actions: []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}, Resources: []string{to.ARN + "/" + c.Lease.Prefix + "*"}},
			aws.Statement{
				Actions: []string{"s3:ListBucket"}, Resources: []string{to.ARN},
				Condition: map[string]map[string][]string{"StringLike": {"s3:prefix": {c.Lease.Prefix + "*"}}},
			})
	}
	return statements, nil
}

// RestoreStatement is the right to restore archived objects, which only a backfill does.
func (c Config) RestoreStatement() aws.Statement {
	b, _ := c.bucket() // Validate saw to that
	objects := b.ARN + "/"
	if b.AccessPoint {
		objects = b.ARN + "/object/"
	}
	return aws.Statement{Actions: []string{"s3:RestoreObject"}, Resources: []string{objects + c.BucketListPrefix + "*"}}
}
