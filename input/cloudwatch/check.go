package cloudwatch

import (
	"context"
	"fmt"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/quota"
	"github.com/trailbeat/trailbeat/input/records"
)

// Step is one thing that Check looked at.
type Step = aws.Step

// Statement is a right that the input needs.
type Statement = aws.Statement

// Policy gives what the input must be allowed to do. Where the configuration does not name the account, the ARNs allow for any.
func (c Config) Policy() []Statement {
	list := []Statement{{Actions: []string{"logs:FilterLogEvents"}, Resources: []string{c.resource()}}}
	if c.LogGroupNamePrefix != "" {
		list = append(list, Statement{Actions: []string{"logs:DescribeLogGroups"}, Resources: []string{c.listResource()}})
	}
	return append(list, c.AWS.RoleStatements()...)
}

// listResource is what listing is allowed on: AWS knows no narrower resource for it.
func (c Config) listResource() string {
	region := c.region()
	return "arn:" + aws.Partition(region) + ":logs:" + region + ":*:log-group:*"
}

// checkPages is how many pages Check turns in search of an event: pages may be empty though more follow.
const checkPages = 20

// Check goes the way from here to a record and hands each step to report as soon as it is known. It changes nothing, and an
// empty log group is no fault. It is for an input whose Read was not called.
func (in *Input) Check(ctx context.Context, report func(Step)) {
	if in.deps.Identity != nil {
		account, arn, err := in.deps.Identity(ctx)
		if err == nil {
			report(Step{Name: "identity", Detail: arn})
		} else {
			report(Step{Name: "identity", Err: err})
			// Without STS one can still be allowed to read.
		}
		in.limit = in.deps.Limits.Get(account + " " + in.cfg.region())
	} else {
		in.limit = new(quota.Limiter)
	}
	groups, ok := in.checkGroups(ctx, report)
	if !ok {
		return
	}
	event, ok := in.checkRead(ctx, groups, report)
	if !ok {
		return
	}
	const name = "decode one record"
	if event == nil {
		report(Step{Name: name, Skipped: true, Detail: "there is no log event yet"})
		return
	}
	detail, err := records.Describe("the log event", awssdk.ToString(event.Message), "check that a trail writes to this log group")
	report(Step{Name: name, Detail: detail, Err: err})
}

func (in *Input) checkGroups(ctx context.Context, report func(Step)) ([]found, bool) {
	const name = "find log groups"
	groups, err := in.find(ctx)
	switch {
	case err != nil:
		report(Step{Name: name, Err: err})
	case !in.lists():
		report(Step{Name: name, Skipped: true, Detail: "it is named in the configuration"})
	case len(groups) == 0:
		report(Step{Name: name, Err: fmt.Errorf("no log group in %s begins with %q: check log_group_name_prefix and region_name", in.cfg.region(), in.cfg.LogGroupNamePrefix)})
		return nil, false
	default:
		report(Step{Name: name, Detail: fmt.Sprintf("%d, the first is %s", len(groups), groups[0].name)})
	}
	return groups, err == nil
}

// checkRead looks for one event: in each group, at first in the last day, where it takes one call, then in all that there is.
func (in *Input) checkRead(ctx context.Context, groups []found, report func(Step)) (*types.FilteredLogEvent, bool) {
	const name = "read one log event"
	now := time.Now()
	for _, from := range []int64{now.Add(-24 * time.Hour).UnixMilli(), 0} {
		for _, f := range groups[:min(len(groups), 5)] {
			event, err := in.first(ctx, f, from, now.UnixMilli())
			if err != nil {
				report(Step{Name: name, Err: err})
				return nil, false
			}
			if event != nil {
				report(Step{Name: name, Detail: fmt.Sprintf("%s/%s, %s", f.name, awssdk.ToString(event.LogStreamName), timeOf(awssdk.ToInt64(event.Timestamp)).Format(time.RFC3339))})
				return event, true
			}
		}
	}
	report(Step{Name: name, Detail: fmt.Sprintf("%s can be read and holds no log event", groups[0].name)})
	return nil, true
}

// first finds one event of a group.
func (in *Input) first(ctx context.Context, f found, from, to int64) (*types.FilteredLogEvent, error) {
	r := &reading{g: groupOf(f), from: from, to: to}
	for range checkPages {
		out, err := in.page(ctx, r)
		if err != nil {
			return nil, err
		}
		if len(out.Events) > 0 {
			return &out.Events[0], nil
		}
		if r.token = out.NextToken; awssdk.ToString(r.token) == "" {
			break
		}
	}
	return nil, nil
}
