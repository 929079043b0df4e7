package e2e

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The ways in which a queue hears of objects.
var (
	notified  = []string{"--notify plain", "--notify sns", "--notify sns-raw", "--notify eventbridge"}
	sent      = []string{"--send plain", "--send sns", "--send sns-raw", "--send eventbridge", "--send cloudtrail", "--send cloudtrail-raw"}
	allShapes = append(append([]string(nil), notified...), sent...)
)

const (
	orgAccounts = "111122223333,222233334444,333344445555,444455556666,555566667777"
	orgRegions  = "us-east-1,us-west-2,eu-west-1,eu-central-1"
	orgTrees    = 20 // accounts and regions
	logGroups   = 6
)

// queue fills a queue in one shape, with one part of n of the files. It gives the URL.
func (c *cloud) queue(shape string, i, n, copies int) string {
	name := fmt.Sprintf("%s-q%d", c.name, i)
	args := append(strings.Fields(shape), "--bucket", name, "--queue", name, "--seed", name, "--copies", fmt.Sprint(copies))
	return c.seed(c.part(i, n), args...).QueueURL
}

// more fills the first queue with events of other ids.
func (c *cloud) more() {
	name := c.name + "-q0"
	c.seed(c.part(0, 10), "--send", "sns", "--bucket", name, "--queue", name, "--seed", c.name+"more")
}

// organisation fills the bucket of an organisation's trail: 5 accounts, 4 regions, 3 days.
func (c *cloud) organisation() (jobs []func()) {
	files := []string{c.files[6], c.files[7]} // 45 records for each tree and day
	if long() {
		files = c.files[3:4] // 394
	}
	for day := range 3 {
		jobs = append(jobs, func() { c.deliver(fmt.Sprint("day", day), time.Now().AddDate(0, 0, -day), files) })
	}
	return jobs
}

// deliver puts files into each account and region, made at that time.
func (c *cloud) deliver(word string, newest time.Time, files []string) {
	c.seed(files, "--bucket", c.name+"-org", "--org", "o-abcde12345", "--accounts", orgAccounts, "--regions", orgRegions,
		"--copies", fmt.Sprint(orgTrees), "--seed", c.name+word, "--newest", newest.UTC().Format("2006-01-02T15:04:05Z"))
}

// groups fills six log groups.
func (c *cloud) groups(copies int) (jobs []func()) {
	for i := range logGroups {
		group := fmt.Sprintf("%s-group-%d", c.name, i)
		jobs = append(jobs, func() {
			c.seed(c.part(i, logGroups), "--log-group", group, "--seed", group, "--copies", fmt.Sprint(copies))
		})
	}
	return jobs
}

// crafted are records with ids of their own, from number from to before number to. They happened ten minutes ago, one after
// the other.
func (c *cloud) crafted(from, to int) (records []map[string]any) {
	for n := from; n < to; n++ {
		id := eventID(n) + "-" + c.name
		c.note("crafted", id)
		r := record(n, id)
		r["eventTime"] = time.Now().UTC().Add(time.Duration(n-from)*time.Second - 10*time.Minute).Format("2006-01-02T15:04:05Z")
		records = append(records, r)
	}
	return records
}

// fast sends records as EventBridge does: each the detail of a message of its own.
func (c *cloud) fast(queue string, records []map[string]any) {
	c.t.Helper()
	for _, r := range records {
		body, err := json.Marshal(map[string]any{
			"version": "0", "id": r["eventID"], "detail-type": "AWS API Call via CloudTrail", "source": "aws.ec2", "account": r["recipientAccountId"],
			"time": r["eventTime"], "region": r["awsRegion"], "resources": []string{}, "detail": r,
		})
		require.NoError(c.t, err)
		c.send(queue, string(body))
	}
}

// late writes records to the first log groups in turn, with the time of their events.
func (c *cloud) late(records []map[string]any) {
	c.t.Helper()
	const prefix = "Logs_20140328."
	stream := fmt.Sprintf("late-%d", time.Now().UnixNano())
	const half = logGroups / 2 // some tests have no more
	for i := range half {
		group := fmt.Sprintf("%s-group-%d", c.name, i)
		type event struct {
			Timestamp int64  `json:"timestamp"`
			Message   string `json:"message"`
		}
		var events []event
		for n := i; n < len(records); n += half {
			message, err := json.Marshal(records[n])
			require.NoError(c.t, err)
			at, err := time.Parse(time.RFC3339, records[n]["eventTime"].(string))
			require.NoError(c.t, err)
			events = append(events, event{at.UnixMilli(), string(message)})
		}
		where := map[string]any{"logGroupName": group, "logStreamName": stream}
		c.call(c.url, prefix+"CreateLogStream", where, nil)
		where["logEvents"] = events
		c.call(c.url, prefix+"PutLogEvents", where, nil)
	}
}

// everyWay fills all of them and gives the configuration of all inputs, and the queues, for whose inputs input writes the
// configuration.
func (c *cloud) everyWay(input func(id, queue string) string) (inputs string, queues []string) {
	shapes := allShapes
	if c.otherQueues() {
		shapes = sent
	}
	queues = make([]string, len(shapes))
	jobs := c.organisation()
	for i, shape := range shapes {
		jobs = append(jobs, func() { queues[i] = c.queue(shape, i, len(shapes), pick(1, 7)) })
	}
	jobs = append(jobs, c.groups(pick(1, 7))...)
	// A second way for the same events: they have happened once.
	jobs = append(jobs, func() {
		c.seed(c.part(0, len(shapes)), "--log-group", c.name+"-again", "--seed", c.name+"-q0", "--copies", fmt.Sprint(pick(1, 7)))
	})
	c.inParallel(jobs...)
	var text strings.Builder
	for i, queue := range queues {
		text.WriteString(input(fmt.Sprintf("queue%d", i), queue))
	}
	text.WriteString(c.bucketInput())
	text.WriteString(c.groupInput())
	fmt.Fprintf(&text, "  - {type: aws-cloudwatch, id: again, log_group_name: %s-again, region_name: us-east-1}\n", c.name)
	return text.String(), queues
}

func queueInput(id, queue string) string {
	return fmt.Sprintf("  - {type: aws-s3, id: %s, queue_url: %q, visibility_timeout: 30s, sqs.wait_time: 1s}\n", id, queue)
}

func (c *cloud) bucketInput() string {
	return fmt.Sprintf("  - {type: aws-s3, id: org, bucket_arn: 'arn:aws:s3:::%s-org', bucket_list_interval: 1s}\n", c.name)
}

func (c *cloud) groupInput() string {
	return fmt.Sprintf("  - {type: aws-cloudwatch, id: groups, log_group_name_prefix: %s-group, region_name: us-east-1, number_of_workers: 3, scan_frequency: 1s}\n", c.name)
}

// Every way in at once, into one data stream: the queues in all shapes with the messages that tell of nothing, the records
// that EventBridge sends itself, the bucket of an organisation with keys that come late, log groups with events that come
// late, and some events by two ways.
func TestAWSEveryWayIn(t *testing.T) {
	c := newCloud(t)
	inputs, queues := c.everyWay(queueInput)
	records := c.crafted(0, 90)
	c.fast(queues[0], records[:60])
	s := c.write(inputs, "")

	first := s.start("run")
	s.until("some documents", func() bool { return c.documents() > 300 || first.hasEnded() })
	c.late(records[30:])                                                        // some of them were sent before
	c.deliver("late", time.Now().Add(-8*time.Hour), c.files[5:6])               // keys before those that were read
	c.seed(c.files[5:6], "--log-group", c.name+"-group-late", "--seed", c.name) // a new group
	a := first.good()
	second := s.start("run").good()
	t.Logf("%+v, then %+v", a, second)
	c.needs20000()
	assert.Zero(t, a.deadLettered+second.deadLettered)
	assert.NotZero(t, a.duplicate+second.duplicate, "the same events by two ways")
	c.check()
	for i, queue := range queues {
		assert.True(t, c.empty(queue), "queue %d, %s, is not empty", i, queue)
	}
	third := s.start("run").good()
	assert.Zero(t, third.indexed)
	assert.Equal(t, account{}, third, "a run with nothing new reads nothing")
}

// A run without an end hears of what comes while it runs, and ends well when it is asked to.
func TestAWSRunsOn(t *testing.T) {
	c := newCloud(t)
	queue := ""
	before := time.Now().Add(-2 * time.Hour)
	c.inParallel(func() { queue = c.queue(sent[0], 0, 10, 1) }, func() { c.deliver("a", before, c.files[5:6]) }, c.groups(1)[0])
	s := c.write(queueInput("queue", queue)+c.bucketInput()+c.groupInput(), "")
	run := launch(s, "run", "-c", s.config)
	there := func() bool { return run.hasEnded() || c.documents() == len(c.all()) }
	s.until("the first events", there)

	c.inParallel(func() { c.more() }, func() { c.deliver("b", before.Add(-20*time.Minute), c.files[5:6]) })
	c.fast(queue, c.crafted(0, 10))
	s.until("what came later", there)
	require.NoError(t, run.cmd.Process.Signal(syscall.SIGTERM))
	run.good()
	c.check()
	assert.Equal(t, account{}, s.start("run").good())
}

// launch starts the shipper with arguments of its own.
func launch(s *scene, args ...string) *shipping {
	s.t.Helper()
	p := &shipping{s: s, cmd: exec.CommandContext(s.ctx, binary, args...), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.text, &p.text
	require.NoError(s.t, p.cmd.Start())
	go func() {
		defer close(p.ended)
		p.err = p.cmd.Wait()
	}()
	s.t.Cleanup(func() {
		if s.t.Failed() {
			out := p.output()
			s.t.Logf("the end of the shipper's output:\n%s", out[max(0, len(out)-8000):])
		}
	})
	return p
}
