package eventhistory

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/records"
)

// Step is one thing that Check looked at.
type Step = aws.Step

// Statement is a right that the input needs.
type Statement = aws.Statement

// Policy gives what the input must be allowed to do. LookupEvents knows no resources, so where regions are named, a condition takes
// their place.
func (c Config) Policy() []Statement {
	home := c.AWS.Region
	if home == "" {
		home = c.AWS.DefaultRegion
	}
	for _, r := range c.Regions {
		if r != regionsAll && r != regionsDefault {
			home = r
			break
		}
	}
	look := Statement{Actions: []string{"cloudtrail:LookupEvents"}, Resources: []string{"*"}}
	if c.asks() {
		return append([]Statement{look, {Actions: []string{"account:ListRegions"}, Resources: []string{accountResource(home)}}}, c.AWS.RoleStatements()...)
	}
	named := &Input{cfg: c, home: home}
	list, _ := named.regions(context.Background()) // nobody is asked, so nothing fails
	look.Condition = map[string]map[string][]string{"StringEquals": {"aws:RequestedRegion": list}}
	return append([]Statement{look}, c.AWS.RoleStatements()...)
}

// Check goes the way from here to a record and hands each step to report as soon as it is known. It changes nothing, and an
// empty event history is no fault. It is for an input whose Read was not called.
func (in *Input) Check(ctx context.Context, report func(Step)) {
	account, arn, err := in.session.Identity(ctx)
	if report(Step{Name: "identity", Detail: arn, Err: err}); err == nil { // without STS one can still be allowed to read
		in.owner = account
	}
	const find = "find regions"
	list, err := in.regions(ctx)
	if class := aws.ClassOf(err); class == aws.ClassCredentials || class == aws.ClassExpired { // it is the same in every region
		report(Step{Name: find, Err: err})
		return
	}
	switch {
	case err != nil:
		report(Step{Name: find, Err: err})
	case in.cfg.asks():
		report(Step{Name: find, Detail: fmt.Sprintf("%d are enabled: %s", len(list), strings.Join(list, ", "))})
	default:
		report(Step{Name: find, Skipped: true, Detail: "they are named in the configuration: " + strings.Join(list, ", ")})
	}
	event, ok := in.checkRegions(ctx, list, report)
	const decode = "decode one record"
	switch {
	case event != nil:
		detail, err := records.Describe("the event", awssdk.ToString(event.CloudTrailEvent), "check the option endpoint")
		report(Step{Name: decode, Detail: detail, Err: err})
	case ok:
		report(Step{Name: decode, Skipped: true, Detail: "there is no event yet"})
	}
}

// checkRegions makes one call for each region, category and attribute, and gives the newest event that it sees. ok says that one could be
// read at least.
func (in *Input) checkRegions(ctx context.Context, list []string, report func(Step)) (newest *types.Event, ok bool) {
	now := time.Now().Unix()
	var read []string
	where := ""
	for _, region := range list {
		for _, s := range in.streamsOf(region) {
			s.api, s.limit = in.session.CloudTrail(region), in.deps.Limits.Get(in.owner+" "+region)
			r := newReading(span{now - int64(kept/time.Second) + 60, now}, true)
			out, err := in.page(ctx, s, r)
			if err != nil {
				report(Step{Name: "look up " + s.name(), Err: err})
				continue
			}
			if !slices.Contains(read, region) {
				read = append(read, region)
			}
			if len(out.Events) > 0 && (newest == nil || timeAt(&out.Events[0]).After(timeAt(newest))) {
				newest, where = &out.Events[0], s.name()
			}
		}
	}
	if len(read) == 0 {
		return nil, false
	}
	detail := fmt.Sprintf("%d of %d regions can be read; ", len(read), len(list))
	if newest == nil {
		detail += "they hold no event"
	} else {
		detail += fmt.Sprintf("the newest event is of %s in %s", timeAt(newest).UTC().Format(time.RFC3339), where)
	}
	report(Step{Name: "look up events", Detail: detail})
	return newest, true
}

func timeAt(e *types.Event) time.Time { return awssdk.ToTime(e.EventTime) }
