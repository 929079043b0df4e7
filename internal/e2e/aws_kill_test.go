package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/stack"
)

// someWays fills a queue, the bucket of an organisation and log groups; in the long form it is everyWay. What a killed
// process had from a queue is there again after a few seconds.
func (c *cloud) someWays() (inputs string, queues []string) {
	if long() {
		return c.everyWay(hurriedQueue)
	}
	return c.fewWays(hurriedQueue)
}

func (c *cloud) fewWays(input func(id, queue string) string) (inputs string, queues []string) {
	queues = []string{""}
	jobs := []func(){
		func() { queues[0] = c.queue("--send cloudtrail", 0, 6, 1) },
		func() { c.deliver("killed", time.Now(), c.files[5:6]) },
	}
	c.inParallel(append(jobs, c.groups(1)[:3]...)...)
	return input("queue", queues[0]) + c.bucketInput() + c.groupInput(), queues
}

func hurriedQueue(id, queue string) string {
	return fmt.Sprintf("  - {type: aws-s3, id: %s, queue_url: %q, visibility_timeout: 2s, sqs.wait_time: 2s, batch_max_records: 100}\n", id, queue)
}

// drained says that no queue holds anything.
func (c *cloud) drained(queues []string) bool {
	return !slices.ContainsFunc(queues, func(queue string) bool { return !c.empty(queue) })
}

// finish runs the shipper until the queues are empty: what a fault left in flight comes back after its visibility timeout.
func (c *cloud) finish(s *scene, queues ...string) {
	c.t.Helper()
	for range 10 {
		s.start("run").good()
		if c.drained(queues) {
			return
		}
	}
	for _, queue := range queues {
		visible, taken := c.left(queue)
		assert.True(c.t, c.empty(queue), "queue %s: %s messages, and %s in flight", queue, visible, taken)
	}
	require.Fail(c.t, "the queues are not empty")
}

// The shipper is killed at random moments, while it reads a queue, a bucket and log groups: TRAILBEAT_TEST_KILLS times
// (default 6, 30 in the long form). The seed is printed; TRAILBEAT_TEST_SEED takes one.
func TestAWSKilled(t *testing.T) {
	c := newCloud(t)
	kills := int(number(t, "TRAILBEAT_TEST_KILLS", uint64(pick(6, 30))))
	seed := number(t, "TRAILBEAT_TEST_SEED", uint64(time.Now().UnixNano()))
	t.Logf("TRAILBEAT_TEST_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	inputs, queues := c.someWays()
	s := c.write(inputs, "")
	var progress []int
	ended, stored := 0, 0
	options := []string{"trailbeat.number_of_workers=1", "trailbeat.inputs.0.batch_max_records=50"} // slow
	if long() {
		options = nil
	}
	for done := 0; done < kills; {
		run := s.start("run", options...)
		if random.IntN(2) == 0 {
			select { // a moment is nothing to wait for: it is the fault
			case <-time.After(time.Duration(random.Int64N(int64(pick(1200, 6000)) * int64(time.Millisecond)))):
			case <-run.ended:
			}
		} else { // so that the kills are spread over all that there is
			share := 2 * max(len(c.all())-stored, 1) / (kills - done)
			target := stored + 1 + random.IntN(max(share, 1))
			s.until("more documents", func() bool { return run.hasEnded() || c.documents() >= target })
		}
		_ = run.cmd.Process.Kill() // it may have ended
		<-run.ended
		if status, ok := run.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && !status.Signaled() {
			require.NoError(t, run.err)
			ended++
			c.fast(queues[0], c.crafted(-ended*100, -ended*100+100)) // so that the next has something to do
			continue
		}
		done++
		c.kills = done
		c.counted = time.Time{}
		stored = c.documents()
		progress = append(progress, stored)
		c.deliver(fmt.Sprint("kill", done), time.Now().Add(-time.Hour), c.files[2:3])
		c.fast(queues[0], c.crafted(done*100, done*100+20))
		c.late(c.crafted(done*100+20, done*100+80))
	}
	c.finish(s, queues...)
	t.Logf("stored at each kill: %v; %d runs ended before theirs", progress, ended)
	c.check()
	assert.Equal(t, account{}, s.start("run").good())
}

// fileLines are the lines of output.file with metadata: event id and _id. A line that a kill cut off counts only if it is whole.
func (c *cloud) fileLines(dir string) (lines [][2]string) {
	c.t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(c.t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(c.t, err)
		scanner := bufio.NewScanner(bytes.NewReader(data))
		scanner.Buffer(nil, 16<<20)
		for scanner.Scan() {
			var line struct {
				ID       string `json:"_id"`
				Document struct {
					Event struct {
						ID string `json:"id"`
					} `json:"event"`
				} `json:"document"`
			}
			if json.Unmarshal(scanner.Bytes(), &line) != nil {
				assert.False(c.t, scanner.Scan(), "a broken line in the middle of %s", file)
				break
			}
			lines = append(lines, [2]string{line.Document.Event.ID, line.ID})
		}
		require.NoError(c.t, scanner.Err())
	}
	return lines
}

// Two shippers read one queue side by side. None is killed: each event comes once. Then one is killed, and what it had in
// its hands comes to the other: with the same _id.
func TestAWSTwoShippers(t *testing.T) {
	for _, killed := range []bool{false, true} {
		t.Run(map[bool]string{false: "good", true: "one killed"}[killed], func(t *testing.T) {
			c := newCloud(t)
			queue := ""
			c.inParallel(func() { queue = c.queue("--send plain", 0, pick(4, 1), pick(1, 7)) })
			visibility := "30s"
			if killed {
				visibility = "3s"
			}
			out := t.TempDir()
			var shippers []*scene
			for i := range 2 {
				c.data = t.TempDir()
				input := fmt.Sprintf("  - {type: aws-s3, id: queue, queue_url: %q, visibility_timeout: %s, sqs.wait_time: 2s}\n", queue, visibility)
				shippers = append(shippers, c.write(input, fmt.Sprintf("output.file: {path: %q, metadata: true}", filepath.Join(out, fmt.Sprint(i)))))
			}
			written := func(i int) bool {
				return len(c.fileLines(filepath.Join(out, fmt.Sprint(i)))) > 0
			}
			one, two := shippers[0].start("run"), shippers[1].start("run")
			if killed {
				shippers[0].until("a document of the first", func() bool { return written(0) })
				require.NoError(t, one.cmd.Process.Kill())
				<-one.ended
				two.good()
				c.finish(shippers[0], queue)
			} else {
				a, b := one.good(), two.good()
				t.Logf("%+v and %+v", a, b)
				if assert.NotZero(t, a.indexed+b.indexed); long() { // of few messages one may take all before the other has started
					assert.NotZero(t, a.indexed)
					assert.NotZero(t, b.indexed)
				}
			}
			ids := map[string]string{}
			lines := append(c.fileLines(filepath.Join(out, "0")), c.fileLines(filepath.Join(out, "1"))...)
			var got []string
			for _, l := range lines {
				require.NotEmpty(t, l[1])
				if id, ok := ids[l[0]]; ok {
					assert.Equal(t, id, l[1], "two documents of one event")
					assert.True(t, killed, "event %s came twice", l[0])
					continue
				}
				ids[l[0]] = l[1]
				got = append(got, l[0])
			}
			t.Logf("seeded %d, written %d, lines %d, kills %d", len(c.all()), len(got), len(lines), map[bool]int{true: 1}[killed])
			c.same(got)
			assert.True(t, c.empty(queue))
		})
	}
}

// The same into a search engine, which both of them share, and one is killed: nothing is there twice.
func TestAWSTwoShippersOneEngine(t *testing.T) {
	c := newCloud(t)
	engine := stack.Find(t, engineKind())
	queue := c.queue("--send sns", 0, pick(4, 1), pick(1, 7))
	namespace := "two_" + strings.ReplaceAll(c.name, "-", "_")
	stream := "logs-aws.cloudtrail-" + namespace
	t.Cleanup(func() { engine.Do(t, http.MethodDelete, "/_data_stream/"+stream, "") })
	output := fmt.Sprintf("output.elasticsearch: {hosts: [%q], bulk_max_size: 100}\ndata_stream.namespace: %s", engine.URL, namespace)
	var shippers []*scene
	for range 2 {
		c.data = t.TempDir()
		shippers = append(shippers, c.write(hurriedQueue("queue", queue), output))
	}
	one, two := shippers[0].start("run"), shippers[1].start("run")
	shippers[0].until("some documents", func() bool { return stored(t, engine.URL, stream) > 300 })
	_ = one.cmd.Process.Kill() // it may have ended
	<-one.ended
	two.good()
	c.finish(shippers[0], queue)
	s := &scene{t: t, ctx: c.ctx, engine: engine, stream: stream}
	got := s.indexed()
	slices.Sort(got)
	c.same(got)
	t.Logf("seeded %d, indexed %d, twice 0, kills 1", len(c.all()), len(got))
}
