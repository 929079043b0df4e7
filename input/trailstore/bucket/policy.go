package bucket

import (
	"strings"

	"github.com/trailbeat/trailbeat/input/aws"
)

// Policy gives the least rights for a Store and its public keys, where the trail writes below a prefix. Buckets that the trail wrote to
// before need the same. Other stores than AWS's have policies of their own; for them it is empty.
func Policy(b aws.Bucket, prefix string) []aws.Statement {
	if b.ARN == "" {
		return nil
	}
	// Digests and log files lie in different folders of an account, and AWSLogs/ is looked for from the folder of the prefix on.
	if i := strings.Index("/"+prefix, "/AWSLogs/"); i >= 0 {
		prefix = prefix[:i]
	} else {
		prefix = prefix[:strings.LastIndexByte(prefix, '/')+1]
	}
	objects := b.ARN + "/"
	if b.AccessPoint {
		objects = b.ARN + "/object/"
	}
	list := aws.Statement{Actions: []string{"s3:ListBucket"}, Resources: []string{b.ARN}}
	if prefix != "" {
		list.Condition = map[string]map[string][]string{"StringLike": {"s3:prefix": {prefix + "*"}}}
	}
	region := b.Region
	if region == "" {
		region = "*"
	}
	return []aws.Statement{
		list,
		{Actions: []string{"s3:GetObject"}, Resources: []string{objects + prefix + "*"}},
		{
			Actions: []string{"kms:Decrypt"}, Resources: []string{"arn:" + strings.Split(b.ARN, ":")[1] + ":kms:" + region + ":*:key/*"},
			Condition: map[string]map[string][]string{"StringLike": {"kms:ViaService": {"s3." + region + ".*"}}},
		},
		// It knows no resources.
		{Actions: []string{"cloudtrail:ListPublicKeys"}, Resources: []string{"*"}},
	}
}
