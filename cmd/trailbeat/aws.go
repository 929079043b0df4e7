package main

import (
	"context"
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/cloudwatch"
	"github.com/trailbeat/trailbeat/input/eventhistory"
	"github.com/trailbeat/trailbeat/input/s3"
	"github.com/trailbeat/trailbeat/input/sqs"
	"github.com/trailbeat/trailbeat/input/sqs/lambdaqueue"
	"github.com/trailbeat/trailbeat/input/trailstore/bucket"
	"github.com/trailbeat/trailbeat/internal/app"
	"github.com/trailbeat/trailbeat/internal/config"
)

// awsS3Input is the type aws-s3, which stands for two inputs as in Filebeat: one hears of objects from a queue, the other
// lists a bucket.
func awsS3Input() app.Input {
	queue, bucket := queueInput(), bucketInput()
	// Without an option that tells, the bucket's are the ones to show.
	chosen := bucket
	chosen.Variants = []app.Variant{{Title: "with a queue", Input: queue}, {Title: "with a bucket", Input: bucket}}
	chosen.Select = func(options *config.Section) (app.Input, error) {
		var where struct {
			QueueURL         string          `config:"queue_url"`
			BucketARN        string          `config:"bucket_arn"`
			AccessPointARN   string          `config:"access_point_arn"`
			NonAWSBucketName string          `config:"non_aws_bucket_name"`
			Rest             *config.Section `config:",inline"`
		}
		if err := options.Decode(&where); err != nil {
			return app.Input{}, err
		}
		var set []string
		for _, o := range []struct{ name, value string }{
			{"queue_url", where.QueueURL}, {"bucket_arn", where.BucketARN},
			{"access_point_arn", where.AccessPointARN}, {"non_aws_bucket_name", where.NonAWSBucketName},
		} {
			if o.value != "" {
				set = append(set, o.name)
			}
		}
		switch {
		case len(set) == 0:
			return app.Input{}, options.Errorf("", "does not say what to read; set queue_url for a queue that tells of new objects, or one of bucket_arn, "+
				"access_point_arn and non_aws_bucket_name for a bucket that is listed")
		case len(set) > 1:
			return app.Input{}, options.Errorf(set[1], "cannot go together with %s; exactly one of queue_url, bucket_arn, access_point_arn and "+
				"non_aws_bucket_name is needed, %s are set: keep one, and make another input of the other", set[0], strings.Join(set, ", "))
		case set[0] == "queue_url":
			return queue, nil
		default:
			return bucket, nil
		}
	}
	return chosen
}

func queueInput() app.Input {
	in := app.NewInput(sqs.DefaultConfig, func(_ context.Context, cfg sqs.Config, env app.InputEnv) (input.Input, error) {
		return newQueue(cfg, env)
	})
	in.Past = queuePast()
	in.Foreign = append(foreignQueue(), empty("bucket_arn", "access_point_arn", "non_aws_bucket_name")...)
	in.Test = func(ctx context.Context, options any, env app.InputEnv, report func(app.Step)) {
		queue, err := newQueue(*options.(*sqs.Config), env)
		check(ctx, queue, err, report)
	}
	in.Function = func(_ context.Context, options any, env app.InputEnv) (input.Input, func(), error) {
		if err := lambdaqueue.Check(); err != nil {
			return nil, nil, err
		}
		calls := lambdaqueue.New()
		queue, err := sqs.New(*options.(*sqs.Config), sqs.Deps{
			ID: env.ID, Logger: env.Logger, Version: app.Version(), Queue: calls, Settled: calls.Settled,
		})
		return queue, calls.Serve, err
	}
	in.Policy = func(options any) ([]app.Statement, error) {
		cfg := options.(*sqs.Config)
		list, err := cfg.Policy()
		return statements(cfg.AWS, list), err
	}
	return in
}

func newQueue(cfg sqs.Config, env app.InputEnv) (*sqs.Input, error) {
	return sqs.New(cfg, sqs.Deps{ID: env.ID, Store: env.Store, Logger: env.Logger, Once: env.Once, Version: app.Version()})
}

func bucketInput() app.Input {
	in := app.NewInput(s3.DefaultConfig, func(_ context.Context, cfg s3.Config, env app.InputEnv) (input.Input, error) {
		return newBucket(cfg, env)
	})
	in.Past = bucketPast()
	in.Foreign = append(foreignBucket(), empty("queue_url")...)
	in.Again, in.Borrow = true, borrowAWS
	in.Test = func(ctx context.Context, options any, env app.InputEnv, report func(app.Step)) {
		bucket, err := newBucket(*options.(*s3.Config), env)
		check(ctx, bucket, err, report)
	}
	in.Policy = func(options any) ([]app.Statement, error) {
		cfg := options.(*s3.Config)
		list, err := cfg.Policy()
		return statements(cfg.AWS, list), err
	}
	in.Files = func(ctx context.Context, options any, env app.InputEnv) (*app.Files, error) {
		cfg := options.(*s3.Config)
		cfg.AWS.Version = app.Version()
		from, err := cfg.Place()
		if err != nil {
			return nil, err
		}
		store, err := bucket.New(ctx, cfg.AWS, from, env.Logger)
		if err != nil {
			return nil, err
		}
		return &app.Files{
			Store: store, Keys: store, Prefix: cfg.BucketListPrefix, Accounts: cfg.Accounts, Regions: cfg.Regions, Identity: store.Identity, Close: store.Close,
		}, nil
	}
	in.FilesPolicy = func(options any) ([]app.Statement, error) {
		cfg := options.(*s3.Config)
		from, err := cfg.Place()
		return statements(cfg.AWS, bucket.Policy(from, cfg.BucketListPrefix)), err
	}
	return in
}

func newBucket(cfg s3.Config, env app.InputEnv) (*s3.Input, error) {
	cfg.AWS.Version = app.Version()
	deps := s3.Deps{ID: env.ID, Store: env.Store, Logger: env.Logger, Once: env.Once, Until: env.Until}
	if again := env.Again; again != nil {
		deps.Wanted, deps.UntilByName, deps.ReadOnly = again.Wanted, true, true
		cfg.StartTimestamp, cfg.IgnoreOlder = "", 0
		if !again.From.IsZero() {
			cfg.StartTimestamp = again.From.UTC().Format(time.RFC3339)
		}
		if len(again.Accounts) > 0 && cfg.Layout != "flat" {
			cfg.Accounts = again.Accounts
		}
		if len(again.Regions) > 0 && cfg.Layout != "flat" {
			cfg.Regions = again.Regions
		}
	}
	return s3.New(cfg, deps)
}

// borrowAWS takes the identity and the connections of another input of AWS.
func borrowAWS(cfg, from any) {
	to := &cfg.(*s3.Config).AWS
	switch from := from.(type) {
	case *s3.Config:
		*to = from.AWS
	case *sqs.Config:
		*to = from.AWS
	case *cloudwatch.Config:
		*to = from.AWS
	}
}

// cloudWatchInput is the type aws-cloudwatch. AWS counts the calls of an account and region, so all inputs share the limits.
func cloudWatchInput() app.Input {
	limits := new(cloudwatch.Limits)
	in := app.NewInput(cloudwatch.DefaultConfig, func(_ context.Context, cfg cloudwatch.Config, env app.InputEnv) (input.Input, error) {
		return newCloudWatch(cfg, env, limits)
	})
	in.Foreign = append(foreignInput(), foreignSSL()...)
	in.Test = func(ctx context.Context, options any, env app.InputEnv, report func(app.Step)) {
		groups, err := newCloudWatch(*options.(*cloudwatch.Config), env, limits)
		check(ctx, groups, err, report)
	}
	in.Policy = func(options any) ([]app.Statement, error) {
		cfg := options.(*cloudwatch.Config)
		return statements(cfg.AWS, cfg.Policy()), nil
	}
	return in
}

func newCloudWatch(cfg cloudwatch.Config, env app.InputEnv, limits *cloudwatch.Limits) (*cloudwatch.Input, error) {
	cfg.AWS.Version = app.Version()
	return cloudwatch.New(cfg, cloudwatch.Deps{ID: env.ID, Store: env.Store, Logger: env.Logger, Once: env.Once, Limits: limits})
}

// eventHistoryInput is the type aws-cloudtrail. Its quota too is that of an account and region.
func eventHistoryInput() app.Input {
	limits := new(eventhistory.Limits)
	in := app.NewInput(eventhistory.DefaultConfig, func(_ context.Context, cfg eventhistory.Config, env app.InputEnv) (input.Input, error) {
		return newEventHistory(cfg, env, limits)
	})
	in.Foreign = append(foreignInput(), foreignSSL()...)
	in.Test = func(ctx context.Context, options any, env app.InputEnv, report func(app.Step)) {
		history, err := newEventHistory(*options.(*eventhistory.Config), env, limits)
		check(ctx, history, err, report)
	}
	in.Policy = func(options any) ([]app.Statement, error) {
		cfg := options.(*eventhistory.Config)
		return statements(cfg.AWS, cfg.Policy()), nil
	}
	return in
}

func newEventHistory(cfg eventhistory.Config, env app.InputEnv, limits *eventhistory.Limits) (*eventhistory.Input, error) {
	cfg.AWS.Version = app.Version()
	return eventhistory.New(cfg, eventhistory.Deps{ID: env.ID, Store: env.Store, Logger: env.Logger, Once: env.Once, Limits: limits})
}

// step is what the inputs say of a thing that they looked at.
type step interface {
	~struct {
		Name    string
		Detail  string
		Skipped bool
		Err     error
	}
}

// checker is an input that can test itself.
type checker[S step] interface {
	Check(ctx context.Context, report func(S))
	Close() error
}

// check tests an input that was just made.
func check[S step](ctx context.Context, in checker[S], err error, report func(app.Step)) {
	if err != nil {
		report(app.Step{Name: "open", Err: err})
		return
	}
	in.Check(ctx, func(s S) { report(app.Step(s)) })
	if err := in.Close(); err != nil {
		report(app.Step{Name: "close", Err: err})
	}
}

// statements are the rights of an input, and those of assuming its roles.
func statements[S ~struct {
	Actions   []string
	Resources []string
	Condition map[string]map[string][]string
}](cfg aws.Config, own []S) []app.Statement {
	var list []app.Statement
	for _, s := range own {
		list = append(list, app.Statement(s))
	}
	for _, s := range cfg.RoleStatements() {
		list = append(list, app.Statement(s))
	}
	return list
}

// empty takes options that say where to read from, for the input that reads from elsewhere: they are there without a value.
func empty(options ...string) []app.Foreign {
	var list []app.Foreign
	for _, o := range options {
		list = append(list, app.Foreign{Option: o, Why: "it is empty"})
	}
	return list
}
