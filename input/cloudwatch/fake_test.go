package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
)

// logEvent is one event of the fake.
type logEvent struct {
	stream, id, message string
	at, ingested        int64
	visible             time.Time // from when FilterLogEvents gives it
}

// service is CloudWatch Logs in memory: pages by count and bytes, events by time over all streams, a quota, and faults.
type service struct {
	mu     sync.Mutex
	groups map[string][]logEvent
	next   int
	calls  []time.Time // of FilterLogEvents that were let through
	asked  int
	rng    *rand.Rand

	// pageEvents and pageBytes bound a page: 10,000 and 1 MiB as with AWS, unless smaller.
	pageEvents, pageBytes int
	// quota is calls a second; 0 is no limit.
	quota int
	// chances of 0 to 1, for each call: that it fails, that a page is empty though more follow, that a token has expired.
	failing, empty, expiring float64
	// onCall, where set, decides what a call gets.
	onCall func(ask *cloudwatchlogs.FilterLogEventsInput) error
	// onList is the same for DescribeLogGroups.
	onList func() error
}

func newService(seed uint64) *service {
	return &service{groups: make(map[string][]logEvent), rng: rand.New(rand.NewPCG(seed, 1)), pageEvents: 10_000, pageBytes: 1 << 20}
}

// put adds an event that is visible after a while, and gives its message.
func (s *service) put(group, stream, message string, at time.Time, after time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	e := logEvent{stream: stream, id: fmt.Sprintf("%056d", s.next), message: message, at: at.UnixMilli(), visible: time.Now().Add(after)}
	e.ingested = e.visible.UnixMilli()
	s.groups[group] = append(s.groups[group], e)
}

func (s *service) create(group string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups[group] = append([]logEvent{}, s.groups[group]...)
}

func (s *service) remove(group string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.groups, group)
}

// messages gives the distinct messages of all groups, sorted.
func (s *service) messages() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, events := range s.groups {
		for _, e := range events {
			list = append(list, e.message)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func apiError(code string) error {
	return &smithy.GenericAPIError{Code: code, Message: "as the test wants"}
}

var errBroken = fmt.Errorf("reading the answer: %w", errNet{})

type errNet struct{}

func (errNet) Error() string   { return "connection reset" }
func (errNet) Timeout() bool   { return false }
func (errNet) Temporary() bool { return true }

func (s *service) chance(p float64) bool { return p > 0 && s.rng.Float64() < p }

func (s *service) FilterLogEvents(ctx context.Context, ask *cloudwatchlogs.FilterLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.onCall != nil {
		if err := s.onCall(ask); err != nil {
			return nil, err
		}
	}
	if s.chance(s.failing) {
		return nil, []error{apiError("ServiceUnavailableException"), errBroken, apiError("InternalFailure"), apiError("ThrottlingException"), apiError("AccessDeniedException")}[s.rng.IntN(5)]
	}
	if s.quota > 0 {
		now := time.Now()
		s.calls = slices.DeleteFunc(s.calls, func(t time.Time) bool { return now.Sub(t) >= time.Second })
		if len(s.calls) >= s.quota {
			return nil, apiError("ThrottlingException")
		}
		s.calls = append(s.calls, now)
	}
	return s.answer(ask)
}

func (s *service) answer(ask *cloudwatchlogs.FilterLogEventsInput) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	name := awssdk.ToString(ask.LogGroupName)
	if id := awssdk.ToString(ask.LogGroupIdentifier); id != "" {
		name = id[strings.LastIndex(id, ":")+1:]
	}
	events, ok := s.groups[name]
	if !ok {
		return nil, &types.ResourceNotFoundException{Message: awssdk.String("The specified log group does not exist.")}
	}
	var afterAt int64
	var afterID string
	if t := awssdk.ToString(ask.NextToken); t != "" {
		if _, err := fmt.Sscanf(t, "%d/%s", &afterAt, &afterID); err != nil || s.chance(s.expiring) {
			return nil, &types.InvalidParameterException{Message: awssdk.String("The specified nextToken is invalid.")}
		}
	}
	now := time.Now()
	matching := slices.DeleteFunc(slices.Clone(events), func(e logEvent) bool {
		return e.visible.After(now) || e.at < awssdk.ToInt64(ask.StartTime) || e.at > awssdk.ToInt64(ask.EndTime) ||
			len(ask.LogStreamNames) > 0 && !slices.Contains(ask.LogStreamNames, e.stream) || !strings.HasPrefix(e.stream, awssdk.ToString(ask.LogStreamNamePrefix)) ||
			afterID != "" && (e.at < afterAt || e.at == afterAt && e.id <= afterID)
	})
	slices.SortFunc(matching, func(a, b logEvent) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return strings.Compare(a.id, b.id)
	})
	out, size := new(cloudwatchlogs.FilterLogEventsOutput), 0
	if len(matching) > 0 && s.chance(s.empty) {
		if afterID == "" {
			afterID = "-"
		}
		out.NextToken = awssdk.String(fmt.Sprintf("%d/%s", afterAt, afterID))
		return out, nil
	}
	for _, e := range matching {
		if size += len(e.message) + 26; len(out.Events) == s.pageEvents || len(out.Events) > 0 && size > s.pageBytes {
			out.NextToken = awssdk.String(fmt.Sprintf("%d/%s", afterAt, afterID))
			break
		}
		afterAt, afterID = e.at, e.id
		out.Events = append(out.Events, types.FilteredLogEvent{
			EventId: awssdk.String(e.id), LogStreamName: awssdk.String(e.stream), Message: awssdk.String(e.message),
			Timestamp: awssdk.Int64(e.at), IngestionTime: awssdk.Int64(e.ingested),
		})
	}
	return out, nil
}

func (s *service) DescribeLogGroups(ctx context.Context, ask *cloudwatchlogs.DescribeLogGroupsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.onList != nil {
		if err := s.onList(); err != nil {
			return nil, err
		}
	}
	var names []string
	for name := range s.groups {
		if strings.HasPrefix(name, awssdk.ToString(ask.LogGroupNamePrefix)) && name > awssdk.ToString(ask.NextToken) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	out := new(cloudwatchlogs.DescribeLogGroupsOutput)
	if len(names) > 2 { // small pages
		names = names[:2]
		out.NextToken = awssdk.String(names[1])
	}
	for _, name := range names {
		out.LogGroups = append(out.LogGroups, types.LogGroup{
			LogGroupName: awssdk.String(name), Arn: awssdk.String("arn:aws:logs:eu-west-1:123456789012:log-group:" + name + ":*"),
		})
	}
	return out, ctx.Err()
}

var errDown = errors.New("the output is down")
