package cloudwatch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/seen"
)

// The keys of the registry begin so: checkpoints, delivered events of the overlap, and when start_position end was first used.
const (
	groupPrefix = "group/"
	seenPrefix  = "seen/"
	sincePrefix = "since/"
)

// lists says that log groups are found by listing them.
func (in *Input) lists() bool { return in.cfg.LogGroupNamePrefix != "" }

// found is a log group that is to be read.
type found struct{ key, name, identifier string }

// discover brings the groups of the input up to date.
func (in *Input) discover(ctx context.Context) error {
	list, err := in.find(ctx)
	if err != nil {
		return err
	}
	start, err := in.startAt()
	if err != nil {
		in.outlet.Break(err)
		return nil
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	present := make(map[string]bool, len(list))
	for _, f := range list {
		present[f.key] = true
		if g := in.groups[f.key]; g != nil {
			g.gone = false
			continue
		}
		g := groupOf(f)
		g.store, g.seen, g.region = in.deps.Store, seen.New(in.cfg.SeenMax), in.cfg.region()
		if err := g.resume(start); err != nil {
			in.outlet.Break(err)
			return nil
		}
		in.groups[f.key] = g
		in.log.Debug("log group found", "aws.cloudwatch.log_group", g.name, "read_from", timeOf(g.settled))
	}
	for key, g := range in.groups {
		if !present[key] && !g.gone {
			g.gone = true
			in.log.Warn("log group is gone; its checkpoint is kept", "aws.cloudwatch.log_group", g.name)
		}
	}
	if before := in.stats.groups.Swap(int64(len(list))); len(list) == 0 && (before > 0 || !in.listed) {
		in.log.Warn("no log group has this prefix", "log_group_name_prefix", in.cfg.LogGroupNamePrefix)
	}
	in.listed = true
	return nil
}

// find gives the configured group, or lists those with the prefix.
func (in *Input) find(ctx context.Context) ([]found, error) {
	streams := in.streamsKey()
	if in.cfg.LogGroupARN != "" {
		group, err := aws.ParseLogGroupARN(in.cfg.LogGroupARN)
		if err != nil {
			return nil, err
		}
		return []found{{groupPrefix + group.ARN + streams, group.Name, group.ARN}}, nil
	}
	if name := in.cfg.LogGroupName; name != "" {
		return []found{{groupPrefix + in.cfg.region() + "/" + name + streams, name, name}}, nil
	}
	var list []found
	ask := in.describe()
	for {
		out, err := in.api.DescribeLogGroups(ctx, ask)
		if err != nil {
			return nil, in.call("listing log groups with the prefix", in.cfg.LogGroupNamePrefix, "logs:DescribeLogGroups", in.cfg.listResource()).Explain(err)
		}
		for _, lg := range out.LogGroups {
			f := found{name: awssdk.ToString(lg.LogGroupName)}
			f.key, f.identifier = groupPrefix+in.cfg.region()+"/"+f.name+streams, f.name
			if in.cfg.linked() {
				group, err := aws.ParseLogGroupARN(awssdk.ToString(lg.Arn))
				if err != nil {
					return nil, fmt.Errorf("listing log groups: the ARN of %q: %w", f.name, err)
				}
				f.key, f.identifier = groupPrefix+group.ARN+streams, group.ARN
			}
			list = append(list, f)
		}
		if awssdk.ToString(out.NextToken) == "" {
			return list, nil
		}
		ask.NextToken = out.NextToken
	}
}

func (in *Input) describe() *cloudwatchlogs.DescribeLogGroupsInput {
	ask := &cloudwatchlogs.DescribeLogGroupsInput{Limit: awssdk.Int32(50)}
	if in.cfg.LogGroupNamePrefix != "" {
		ask.LogGroupNamePrefix = awssdk.String(in.cfg.LogGroupNamePrefix)
	}
	if in.cfg.linked() {
		ask.IncludeLinkedAccounts = awssdk.Bool(true)
	}
	return ask
}

// streamsKey is a part of the key of checkpoints: of streams that are added to the configuration nothing was read yet.
func (in *Input) streamsKey() string {
	if len(in.cfg.LogStreams) == 0 && in.cfg.LogStreamPrefix == "" {
		return ""
	}
	names := slices.Sorted(slices.Values(in.cfg.LogStreams))
	sum := sha256.Sum256([]byte(in.cfg.LogStreamPrefix + "\x00" + strings.Join(names, "\x00")))
	return "|streams-" + hex.EncodeToString(sum[:6])
}

// since is when start_position end was first used.
type since struct {
	Version int       `json:"version"`
	Since   time.Time `json:"since"`
}

// startAt is where a group without a checkpoint begins. For end that is kept, so that neither a group that appears later nor a
// start before the first checkpoint misses anything.
func (in *Input) startAt() (int64, error) {
	if in.cfg.StartPosition != startEnd {
		return 0, nil
	}
	key := sincePrefix + in.cfg.LogGroupARN + in.cfg.LogGroupName + in.cfg.LogGroupNamePrefix + in.streamsKey()
	var s since
	known, err := in.deps.Store.Get(key, &s)
	if err != nil {
		return 0, fmt.Errorf("reading when the input began: %w", err)
	}
	if !known {
		s = since{Version: 1, Since: timeOf(time.Now().Add(-in.cfg.Latency - in.cfg.ScanFrequency).UnixMilli())}
		if err := in.deps.Store.Put(key, s); err != nil {
			return 0, fmt.Errorf("storing when the input began: %w", err)
		}
	}
	return s.Since.UnixMilli(), nil
}

// call describes a call for its error. resource is the one of the policy, so that what the error says to allow is what
// Policy gives.
func (in *Input) call(doing, target, action, resource string) aws.Call {
	return aws.Call{Doing: doing, Target: fmt.Sprintf("%q in %s", target, in.cfg.region()), Action: action, Resource: resource}
}

// resource is the ARN, or a pattern of ARNs, of what is read.
func (in *Input) resource() string { return in.cfg.resource() }

func (c Config) resource() string {
	if c.LogGroupARN != "" {
		return strings.TrimSuffix(c.LogGroupARN, ":*") + ":*"
	}
	region := c.region()
	if c.LogGroupName != "" {
		return "arn:" + aws.Partition(region) + ":logs:" + region + ":*:log-group:" + c.LogGroupName + ":*"
	}
	return "arn:" + aws.Partition(region) + ":logs:" + region + ":*:log-group:" + c.LogGroupNamePrefix + "*"
}
