package s3

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/aws"
)

func TestValidate(t *testing.T) {
	tests := []struct {
		name string
		set  func(*Config)
		want []string // what the error says; none: valid
	}{
		{"defaults", func(*Config) {}, nil},
		{"no bucket", func(c *Config) { c.BucketARN = "" }, []string{"bucket_arn: exactly one of bucket_arn, access_point_arn and non_aws_bucket_name is needed, 0 are set"}},
		{"two buckets", func(c *Config) { c.NonAWSBucketName = "b" }, []string{"2 are set", "endpoint: is missing"}},
		{"no ARN", func(c *Config) { c.BucketARN = "trail" }, []string{"bucket_arn: must be the ARN of a bucket"}},
		{"access point", func(c *Config) {
			c.BucketARN, c.AccessPointARN = "", "arn:aws:s3:eu-west-1:111122223333:accesspoint/trail"
		}, nil},
		{"no access point", func(c *Config) { c.BucketARN, c.AccessPointARN = "", "arn:aws:s3:::trail" }, []string{"access_point_arn: must be"}},
		{"another store", func(c *Config) {
			c.BucketARN, c.NonAWSBucketName, c.AWS.Endpoint = "", "trail", "http://127.0.0.1:9000"
		}, nil},
		{"numbers", func(c *Config) {
			c.BucketListInterval, c.NumberOfWorkers, c.IgnoreOlder, c.Lookback, c.LexicographicalLookbackKeys = 0, 0, -1, 0, 0
		}, []string{"bucket_list_interval:", "number_of_workers:", "ignore_older:", "lookback:", "lexicographical_lookback_keys:"}},
		{"layout", func(c *Config) { c.Layout = "tree" }, []string{"layout: must be auto, cloudtrail or flat"}},
		{"flat with accounts", func(c *Config) {
			c.Layout, c.Accounts, c.Regions = "flat", []string{"111122223333"}, []string{"eu-west-1"}
		}, []string{"accounts: needs CloudTrail's layout", "regions: needs CloudTrail's layout"}},
		{"accounts", func(c *Config) {
			c.Accounts, c.Regions = []string{"111122223333", "11112222333"}, []string{"eu-west-1", "Ireland"}
		},
			[]string{"accounts.1: must be 12 digits", "regions.1: must be a region"}},
		{"start", func(c *Config) { c.StartTimestamp = "yesterday" }, []string{"start_timestamp: must be beginning, a day"}},
		{"two backups", func(c *Config) { c.BackupToBucketARN, c.NonAWSBackupToBucketName = "arn:aws:s3:::b", "b" }, []string{"backup_to_bucket_arn: cannot go together"}},
		{"delete without backup", func(c *Config) { c.DeleteAfterBackup = true }, []string{"delete_after_backup: needs"}},
		{"backup to itself", func(c *Config) { c.BackupToBucketARN = c.BucketARN }, []string{"backup_to_bucket_prefix: is missing"}},
		{"backup to itself, same prefix", func(c *Config) {
			c.BackupToBucketARN, c.BackupToBucketPrefix, c.BucketListPrefix = c.BucketARN, "x/", "x/"
		}, []string{"backup_to_bucket_prefix: must not be the same"}},
		{"backup to itself, above", func(c *Config) {
			c.BackupToBucketARN, c.BackupToBucketPrefix, c.BucketListPrefix = c.BucketARN, "x/", "x/y/"
		}, []string{"so everything that is to be read would count as a copy"}},
		{"backup to itself, own prefix", func(c *Config) { c.BackupToBucketARN, c.BackupToBucketPrefix = c.BucketARN, "x/" }, nil},
		{"backup elsewhere, same prefix", func(c *Config) { c.BackupToBucketARN = "arn:aws:s3:::other" }, nil},
		{"inline blocks", func(c *Config) { c.AWS.APITimeout, c.Objects.BatchMaxRecords = 0, 0 }, []string{"api_timeout:", "batch_max_records:"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := testConfig()
			test.set(&cfg)
			err := cfg.Validate()
			if test.want == nil {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			for _, want := range test.want {
				assert.ErrorContains(t, err, want)
			}
			assert.Len(t, strings.Split(err.Error(), "\n"), len(test.want))
		})
	}
}

func TestPolicy(t *testing.T) {
	cfg := testConfig()
	list, err := cfg.Policy()
	require.NoError(t, err)
	assert.Equal(t, []aws.Statement{
		{Actions: []string{"s3:ListBucket"}, Resources: []string{"arn:aws:s3:::trail"}},
		{Actions: []string{"s3:GetObject"}, Resources: []string{"arn:aws:s3:::trail/*"}},
		{Actions: []string{"kms:Decrypt"}, Resources: []string{"arn:aws:kms:*:*:key/*"},
			Condition: map[string]map[string][]string{"StringLike": {"kms:ViaService": {"s3.*.*"}}}},
	}, list)

	cfg.BucketARN, cfg.AccessPointARN = "", "arn:aws-cn:s3:cn-north-1:111122223333:accesspoint/trail"
	cfg.BucketListPrefix, cfg.DeleteAfterRead = "prod/", true
	cfg.BackupToBucketARN, cfg.BackupToBucketPrefix = "arn:aws-cn:s3:::backup", "b/"
	list, err = cfg.Policy()
	require.NoError(t, err)
	assert.Equal(t, []aws.Statement{
		{Actions: []string{"s3:ListBucket"}, Resources: []string{cfg.AccessPointARN},
			Condition: map[string]map[string][]string{"StringLike": {"s3:prefix": {"prod/*"}}}},
		{Actions: []string{"s3:GetObject", "s3:DeleteObject", "s3:GetObjectTagging"}, Resources: []string{cfg.AccessPointARN + "/object/prod/*"}},
		{Actions: []string{"kms:Decrypt"}, Resources: []string{"arn:aws-cn:kms:cn-north-1:*:key/*"},
			Condition: map[string]map[string][]string{"StringLike": {"kms:ViaService": {"s3.cn-north-1.*"}}}},
		{Actions: []string{"s3:PutObject", "s3:PutObjectTagging"}, Resources: []string{"arn:aws-cn:s3:::backup/b/*"}},
		{Actions: []string{"kms:GenerateDataKey", "kms:Decrypt"}, Resources: []string{"arn:aws-cn:kms:*:*:key/*"},
			Condition: map[string]map[string][]string{"StringLike": {"kms:ViaService": {"s3.*.*"}}}},
	}, list)

	cfg = testConfig()
	cfg.BucketARN, cfg.NonAWSBucketName = "", "trail"
	list, err = cfg.Policy()
	require.NoError(t, err)
	assert.Empty(t, list)
}

func TestCheck(t *testing.T) {
	old := trailKey("111122223333", "eu-west-1", time.Date(2023, 5, 6, 7, 8, 0, 0, time.UTC), "a")
	tests := []struct {
		name string
		fill func(b *fakeBucket, c *Config)
		want []string
	}{
		{"an old day", func(b *fakeBucket, _ *Config) {
			b.put(trailKey("111122223333", "eu-west-1", time.Date(2022, 12, 6, 7, 8, 0, 0, time.UTC), "z"), "{}")
			b.put(old, `{"eventID":"e1","eventTime":"2023-05-06T07:00:00Z"}`)
		}, []string{
			"identity: skipped, another store than that of AWS does not tell",
			"list the bucket: CloudTrail's layout, 1 accounts, 1 kinds of files, 1 folders of regions",
			"look at one object: " + old + ", 1 bytes", "read one object: " + old, "decode one record: event e1 of 2023-05-06T07:00:00Z",
		}},
		{"nothing", func(*fakeBucket, *Config) {}, []string{
			"identity: skipped, another store than that of AWS does not tell",
			"list the bucket: no folder AWSLogs/, so all keys are read; 0 on the first page",
			"look at one object: skipped, there is no object yet", "read one object: skipped, there is no object yet", "decode one record: skipped, there is no object yet",
		}},
		{"flat", func(b *fakeBucket, _ *Config) { b.put("a", "no JSON") }, []string{
			"identity: skipped, another store than that of AWS does not tell",
			"list the bucket: no folder AWSLogs/, so all keys are read; 1 on the first page",
			"look at one object: a, 1 bytes", "read one object: a",
			`decode one record: failed, the first record of "a" is no JSON object: invalid character 'o' in literal null (expecting 'u')`,
		}},
		{"an account that is not there", func(b *fakeBucket, c *Config) { b.put(old, "{}"); c.Accounts = []string{"999922223333"} }, []string{
			"identity: skipped, another store than that of AWS does not tell",
			"list the bucket: failed, AWSLogs/ holds nothing of the configured accounts and regions: check accounts and regions",
			"look at one object: skipped, no object was found to look at, see above", "read one object: skipped, no object was found to look at, see above",
			"decode one record: skipped, no object was found to look at, see above",
		}},
		{"no right to list", func(b *fakeBucket, _ *Config) {
			b.put(old, "{}")
			b.listFault = func(l listing) error { return transport(l.Prefix) }
		}, []string{
			"identity: skipped, another store than that of AWS does not tell",
			"list the bucket: failed, " + transport("AWSLogs/").Error(),
			"look at one object: skipped, no object was found to look at, see above", "read one object: skipped, no object was found to look at, see above",
			"decode one record: skipped, no object was found to look at, see above",
		}},
		{"no right to read", func(b *fakeBucket, c *Config) {
			b.put(old, "{}")
			b.openFault = transport
			c.DeleteAfterRead = true
		}, []string{
			"identity: skipped, another store than that of AWS does not tell",
			"list the bucket: CloudTrail's layout, 1 accounts, 1 kinds of files, 1 folders of regions",
			"look at one object: " + old + ", 1 bytes", "read one object: failed, " + transport(old).Error(), "decode one record: skipped, no object could be read",
			"put one object away: skipped, copying or deleting is not tried, as it would change the bucket",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b, cfg, st := newBucket(), testConfig(), store()
			test.fill(b, &cfg)
			in := testInput(t, b, cfg, st, true)
			var got []string
			in.Check(t.Context(), func(s aws.Step) {
				text := s.Name + ": " + s.Detail
				if s.Skipped {
					text = s.Name + ": skipped, " + s.Detail
				} else if s.Err != nil {
					text = s.Name + ": failed, " + s.Err.Error()
				}
				got = append(got, text)
			})
			assert.Equal(t, test.want, got)
			require.NoError(t, in.Close())
			entries, _ := stateBytes(t, st)
			assert.Zero(t, entries, "nothing is remembered")
		})
	}
}
