package s3

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/s3object"
)

// Config of the input that lists a bucket.
type Config struct {
	// BucketARN is the bucket, arn:aws:s3:::NAME. Exactly one of BucketARN, AccessPointARN and NonAWSBucketName is required.
	BucketARN string `config:"bucket_arn"`
	// AccessPointARN is an access point of the bucket, arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME. Default empty.
	AccessPointARN string `config:"access_point_arn"`
	// NonAWSBucketName is a bucket of another S3-compatible store; needs endpoint. Default empty.
	NonAWSBucketName string `config:"non_aws_bucket_name"`

	// BucketListPrefix is what keys begin with. Default empty: the whole bucket. With CloudTrail's layout it may end anywhere: at the
	// prefix of the trail, or within AWSLogs/.
	BucketListPrefix string `config:"bucket_list_prefix"`
	// BucketListInterval is the pause between two passes. Default 120s; must be above 0. Not used with once.
	BucketListInterval time.Duration `config:"bucket_list_interval"`
	// NumberOfWorkers is how many objects are read, and how many folders are listed, at the same time. Default 5; must be above 0.
	NumberOfWorkers int `config:"number_of_workers"`

	// Layout is "cloudtrail" (folders AWSLogs/ and below), "flat" (any keys), or "auto", which looks once and remembers what it
	// found. Default and empty: auto.
	Layout string `config:"layout"`
	// Accounts are the AWS accounts to read. Default empty: all. Only with CloudTrail's layout.
	Accounts []string `config:"accounts"`
	// Regions are the regions to read. Default empty: all. Only with CloudTrail's layout.
	Regions []string `config:"regions"`

	// StartTimestamp is the oldest delivery to read when the input runs for the first time: a time (RFC 3339), a day
	// (2026-01-31), a duration before now (720h, 30d), or "beginning". Default and empty: beginning. A place that was
	// reached wins over it.
	StartTimestamp string `config:"start_timestamp"`
	// IgnoreOlder leaves out objects that were delivered longer ago. Default 0: none is left out.
	IgnoreOlder time.Duration `config:"ignore_older"`
	// Lookback is how much later than others an object may show up and still be found: by the time in its name with CloudTrail's
	// layout, else by that of its last change. It costs 8 bytes of state for each object of that time. Default 24h; must
	// be above 0.
	Lookback time.Duration `config:"lookback"`
	// LexicographicalOrdering says that keys of a flat bucket are written in their order, so that listing can begin behind
	// the last. Default false: each pass lists all of it. Not used with CloudTrail's layout, which has its own order.
	LexicographicalOrdering bool `config:"lexicographical_ordering"`
	// LexicographicalLookbackKeys is how many of the last keys are listed again with LexicographicalOrdering. Default 100;
	// must be above 0.
	LexicographicalLookbackKeys int `config:"lexicographical_lookback_keys"`

	// BackupToBucketARN is where objects are copied to when all their records are durable. Default empty: no copy.
	BackupToBucketARN string `config:"backup_to_bucket_arn"`
	// NonAWSBackupToBucketName is the same in another S3-compatible store. Default empty: no copy.
	NonAWSBackupToBucketName string `config:"non_aws_backup_to_bucket_name"`
	// BackupToBucketPrefix comes before the key of the copy. Default empty; required where the copy goes to the same bucket,
	// and what begins with it is never read then.
	BackupToBucketPrefix string `config:"backup_to_bucket_prefix"`
	// DeleteAfterBackup deletes objects that were copied. Default false.
	DeleteAfterBackup bool `config:"delete_after_backup"`
	// DeleteAfterRead deletes objects when all their records are durable, after the copy where there is one. Default false.
	DeleteAfterRead bool `config:"delete_after_read"`

	// Lease shares the folders of the bucket with other processes.
	Lease LeaseConfig `config:"lease"`

	// AWS is the block of credentials and connections.
	AWS aws.Config `config:",inline"`
	// Objects says which objects are read, and how.
	Objects s3object.Config `config:",inline"`
}

// DefaultConfig gives the defaults; the bucket has none.
func DefaultConfig() Config {
	return Config{
		BucketListInterval:          120 * time.Second,
		NumberOfWorkers:             5,
		Layout:                      layoutAuto,
		Lookback:                    24 * time.Hour,
		LexicographicalLookbackKeys: 100,
		Lease:                       defaultLeaseConfig(),
		AWS:                         aws.DefaultConfig(),
		Objects:                     s3object.DefaultConfig(),
	}
}

const (
	layoutAuto  = "auto"
	layoutTrail = "cloudtrail"
	layoutFlat  = "flat"
)

// Validate joins all that is wrong.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if _, err := c.bucket(); err != nil {
		bad("%w", err)
	}
	if c.NonAWSBucketName != "" && c.AWS.Endpoint == "" {
		bad("endpoint: is missing; non_aws_bucket_name needs that of the store, such as https://s3.example.com")
	}
	if c.BucketListInterval <= 0 {
		bad("bucket_list_interval: must be > 0, is %s", c.BucketListInterval)
	}
	if c.NumberOfWorkers <= 0 {
		bad("number_of_workers: must be > 0, is %d", c.NumberOfWorkers)
	}
	switch c.Layout {
	case "", layoutAuto, layoutTrail:
	case layoutFlat:
		if len(c.Accounts) > 0 {
			bad("accounts: needs CloudTrail's layout; remove it or layout: flat")
		}
		if len(c.Regions) > 0 {
			bad("regions: needs CloudTrail's layout; remove it or layout: flat")
		}
	default:
		bad("layout: must be auto, cloudtrail or flat, is %q", c.Layout)
	}
	for i, a := range c.Accounts {
		if !account().MatchString(a) {
			bad("accounts.%d: must be 12 digits, in quotes where the first is 0, is %q", i, a)
		}
	}
	for i, r := range c.Regions {
		if !region().MatchString(r) {
			bad("regions.%d: must be a region such as eu-west-1, is %q", i, r)
		}
	}
	if _, err := aws.ParseStart(c.StartTimestamp, time.Now()); err != nil {
		bad("start_timestamp: %w", err)
	}
	if c.IgnoreOlder < 0 {
		bad("ignore_older: must be >= 0, is %s", c.IgnoreOlder)
	}
	if c.Lookback <= 0 {
		bad("lookback: must be > 0, is %s", c.Lookback)
	}
	if c.LexicographicalLookbackKeys <= 0 {
		bad("lexicographical_lookback_keys: must be > 0, is %d", c.LexicographicalLookbackKeys)
	}
	c.validateBackup(bad)
	c.Lease.validate(c.Bucket(), c.BucketListPrefix, bad)
	return errors.Join(append(errs, c.AWS.Validate(), c.Objects.Validate())...)
}

func (c Config) validateBackup(bad func(string, ...any)) {
	if c.BackupToBucketARN != "" && c.NonAWSBackupToBucketName != "" {
		bad("backup_to_bucket_arn: cannot go together with non_aws_backup_to_bucket_name; keep one of them")
	}
	to, err := c.backupBucket()
	if err != nil {
		bad("backup_to_bucket_arn: %w", err)
	}
	if c.DeleteAfterBackup && to == "" && err == nil {
		bad("delete_after_backup: needs backup_to_bucket_arn or non_aws_backup_to_bucket_name; delete_after_read deletes without a copy")
	}
	from, _ := c.bucket()
	if to == "" || to != from.Name {
		return
	}
	switch prefix := c.BackupToBucketPrefix; {
	case prefix == "":
		bad("backup_to_bucket_prefix: is missing; the copies go to the bucket that is read, and need a prefix of their own")
	case prefix == c.BucketListPrefix:
		bad("backup_to_bucket_prefix: must not be the same as bucket_list_prefix (%q), as the copies go to the bucket that is read", prefix)
	case strings.HasPrefix(c.BucketListPrefix, prefix):
		bad("backup_to_bucket_prefix: bucket_list_prefix (%q) begins with it, so everything that is to be read would count as a copy", c.BucketListPrefix)
	}
}

// Bucket is the name of the bucket that the options name, or the ARN of the access point. Empty where they name none.
func (c Config) Bucket() string {
	b, err := c.bucket()
	if err != nil {
		return ""
	}
	return b.Name
}

// Place is what is read: a bucket or an access point.
func (c Config) Place() (aws.Bucket, error) { return c.bucket() }

// bucket is what is read.
func (c Config) bucket() (aws.Bucket, error) {
	set := 0
	for _, v := range []string{c.BucketARN, c.AccessPointARN, c.NonAWSBucketName} {
		if v != "" {
			set++
		}
	}
	if set != 1 {
		return aws.Bucket{}, fmt.Errorf("bucket_arn: exactly one of bucket_arn, access_point_arn and non_aws_bucket_name is needed, %d are set", set)
	}
	switch {
	case c.BucketARN != "":
		b, err := aws.ParseBucketARN(c.BucketARN)
		if err != nil {
			return b, fmt.Errorf("bucket_arn: %w", err)
		}
		return b, nil
	case c.AccessPointARN != "":
		b, err := aws.ParseAccessPointARN(c.AccessPointARN)
		if err != nil {
			return b, fmt.Errorf("access_point_arn: %w", err)
		}
		return b, nil
	}
	return aws.Bucket{Name: c.NonAWSBucketName}, nil
}

// backupBucket is where copies go to, empty where none are made.
func (c Config) backupBucket() (string, error) {
	if c.BackupToBucketARN == "" {
		return c.NonAWSBackupToBucketName, nil
	}
	b, err := aws.ParseBucketARN(c.BackupToBucketARN)
	return b.Name, err
}

// deletes says that objects are deleted in the end.
func (c Config) deletes() bool { return c.DeleteAfterRead || c.DeleteAfterBackup }
