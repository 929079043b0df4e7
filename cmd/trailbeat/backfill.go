package main

import (
	"log/slog"
	"slices"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/s3"
	"github.com/trailbeat/trailbeat/input/sqs"
	"github.com/trailbeat/trailbeat/internal/app"
	"github.com/trailbeat/trailbeat/internal/backfill"
	"github.com/trailbeat/trailbeat/internal/backfill/trail"
)

// bucketPast reads the past of the bucket that an input lists.
func bucketPast() *app.Past {
	return pastOf(func(cfg any) s3.Config { return *cfg.(*s3.Config) })
}

// queuePast reads the past of a bucket with the settings of an input that hears of its objects.
func queuePast() *app.Past {
	return pastOf(func(cfg any) s3.Config {
		queue := cfg.(*sqs.Config)
		own := s3.DefaultConfig()
		own.AWS, own.Objects = queue.AWS, queue.Object
		return own
	})
}

func pastOf(options func(cfg any) s3.Config) *app.Past {
	return &app.Past{
		Bucket: func(cfg any) string { return options(cfg).Bucket() },
		Open: func(cfg any, req app.PastRequest) (backfill.Tree, error) {
			return trail.OpenTree(pastConfig(options(cfg), req), req.ID, req.Logger)
		},
		Queue: func(cfg any, url string, of backfill.Tree, log *slog.Logger) (backfill.Queue, error) {
			own := options(cfg).AWS
			own.Version = app.Version()
			return trail.OpenQueue(own, url, of, log)
		},
		Policy: func(cfg any, req app.PastRequest) ([]app.Statement, error) {
			own := pastConfig(options(cfg), req)
			own.BackupToBucketARN, own.NonAWSBackupToBucketName = "", "" // nothing is copied
			list, err := own.Policy()
			if err != nil {
				return nil, err
			}
			if req.Restore {
				list = append(list, own.RestoreStatement())
			}
			if req.QueueURL != "" {
				queue, err := aws.ParseQueueURL(req.QueueURL)
				if err != nil {
					return nil, err
				}
				region := own.AWS.Region
				if region == "" {
					region = "*"
				}
				list = append(list, aws.Statement{Actions: []string{"sqs:SendMessage"}, Resources: []string{queue.ARN(region)}})
			}
			return statements(own.AWS, list), nil
		},
	}
}

// pastConfig are the options for one call: nothing is copied or deleted by a backfill.
func pastConfig(cfg s3.Config, req app.PastRequest) s3.Config {
	cfg.AWS.Version = app.Version()
	if req.Bucket != "" {
		same := cfg.Bucket() == req.Bucket
		if !same {
			cfg.AccessPointARN, cfg.NonAWSBucketName = "", ""
			cfg.BucketARN = aws.BucketARN(cfg.AWS.Region, req.Bucket)
			cfg.Accounts, cfg.Regions = nil, nil
		}
		if !same || req.Prefix != "" {
			cfg.BucketListPrefix = req.Prefix
		}
	}
	if len(req.Accounts) > 0 {
		cfg.Accounts = slices.Clone(req.Accounts)
	}
	if len(req.Regions) > 0 {
		cfg.Regions = slices.Clone(req.Regions)
	}
	cfg.Layout, cfg.StartTimestamp, cfg.Lease = "cloudtrail", "", s3.LeaseConfig{} // its state is its own
	cfg.DeleteAfterBackup, cfg.DeleteAfterRead = false, false
	if cfg.BackupToBucketARN != "" || cfg.NonAWSBackupToBucketName != "" { // the copies are still none of the trail
		if prefix := cfg.BackupToBucketPrefix; prefix == "" || prefix == cfg.BucketListPrefix {
			cfg.BackupToBucketARN, cfg.NonAWSBackupToBucketName = "", ""
		}
	}
	return cfg
}
