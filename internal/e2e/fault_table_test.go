package e2e

import (
	"bytes"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/stack"
)

// answers says what a fault does to the answers of the engine, which shows in the accounting.
type answers int

const (
	kept   answers = iota // each answer arrives: a document counts as indexed just once
	lost                  // documents that were stored are sent again: they count as duplicates then
	either                // depends on the moment
)

// TestFaults is the table of docs/guarantees.md. Each row spoils the way to a real engine while the shipper runs, and then
// finds each event once, in the data stream.
func TestFaults(t *testing.T) {
	stack.Find(t, engineKind())
	for _, row := range []struct {
		name    string
		options []string
		answers answers
		// during spoils the way and mends it, while the shipper runs.
		during func(s *scene, run *shipping)
		// spoil is for faults that the gate begins and ends by itself.
		times int
		spoil fault
	}{
		{name: "connection_refused", answers: either, during: func(s *scene, run *shipping) {
			s.bulks(3)
			s.wire.down()
			run.says("output is down")
			s.wire.up()
			run.says("output is back")
		}},
		{name: "reset_in_the_request", options: []string{"output.elasticsearch.compression_level=0"}, answers: either,
			during: func(s *scene, _ *shipping) {
				s.bulks(3)
				s.wire.poison(`{"type":"limit_data","stream":"upstream","attributes":{"bytes":9000}}`, hard("upstream"))
				s.until("requests that break off", func() bool { _, broken, _ := s.wire.seen(); return broken >= 5 })
				s.wire.poison()
			}},
		{name: "reset_in_the_answer", answers: lost, during: func(s *scene, _ *shipping) {
			s.bulks(3)
			s.wire.poison(`{"type":"limit_data","stream":"downstream","attributes":{"bytes":250}}`, hard("downstream"))
			s.more(5)
			s.wire.poison()
		}},
		{name: "timeout", options: []string{"output.elasticsearch.timeout=400ms"}, answers: lost, during: func(s *scene, run *shipping) {
			s.bulks(3)
			s.wire.poison(`{"type":"timeout","stream":"downstream","attributes":{"timeout":0}}`)
			run.says("no answer within the timeout")
			s.more(2)
			s.wire.poison()
		}},
		{name: "slow_answer", answers: either, during: func(s *scene, _ *shipping) {
			s.bulks(3)
			s.wire.poison(`{"type":"latency","stream":"downstream","attributes":{"latency":100,"jitter":50}}`,
				`{"type":"slicer","stream":"downstream","attributes":{"average_size":64,"size_variation":32,"delay":2000}}`)
			s.more(10)
			s.wire.poison()
		}},
		{name: "429_for_some_documents", times: 20, spoil: rejectSome(func(i int) bool { return i%7 == 3 })},
		{name: "429_for_all_documents", times: 5, spoil: rejectSome(func(int) bool { return true })},
		{name: "429_for_the_request", times: 5,
			spoil: refuse(http.StatusTooManyRequests, "es_rejected_execution_exception", "rejected execution of coordinating operation")},
		// With one worker there is no request on its way when the answer comes.
		{name: "503_with_retry_after", options: []string{"trailbeat.number_of_workers=1"}, times: 1, spoil: comeBackLater(1)},
		{name: "502_from_a_gateway", times: 5, spoil: func(_ *gate, w http.ResponseWriter, _ *bulkRequest) {
			http.Error(w, "<html>Bad Gateway</html>", http.StatusBadGateway)
		}},
		{name: "truncated_answer", times: 5, answers: lost, spoil: spoilAnswer(func(b []byte) []byte { return b[:len(b)/2] })},
		{name: "empty_answer", times: 5, answers: lost, spoil: spoilAnswer(func([]byte) []byte { return nil })},
		{name: "answer_that_lacks_documents", times: 5, answers: lost, spoil: spoilAnswer(func(b []byte) []byte {
			first, last := bytes.IndexByte(b, '['), bytes.LastIndex(b, []byte(`,{"create"`))
			if first < 0 || last < first {
				return nil // one document only: there is no answer that lacks just some
			}
			return append(b[:last:last], "]}"...)
		})},
		{name: "login_page_with_200", times: 5, spoil: loginPage},
		{name: "disk_full", during: func(s *scene, run *shipping) { s.block("read_only_allow_delete", run) }},
		{name: "write_block", during: func(s *scene, run *shipping) { s.block("write", run) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newScene(t, row.name, newTrail(t, 4, 500, nil))
			if row.spoil != nil {
				s.wire.spoil(4, row.times, row.spoil)
			}
			run := s.start("run", row.options...)
			if row.during != nil {
				row.during(s, run)
			}
			a := run.good()
			_, _, hits := s.wire.seen()
			assert.Equal(t, row.times, hits, "the fault was not met as often as it should")
			assert.Zero(t, s.wire.early, "requests before the end of Retry-After")
			s.check()
			assert.Equal(t, len(s.trail.ids), a.received)
			switch row.answers {
			case kept:
				assert.Zero(t, a.duplicate, "%+v", a)
			case lost:
				assert.NotZero(t, a.duplicate, "%+v", a)
			}
		})
	}
}

func hard(stream string) string { return strings.Replace(hardClose, "%s", stream, 1) }

// more waits until so many more bulk requests have arrived.
func (s *scene) more(n int) {
	s.t.Helper()
	bulks, _, _ := s.wire.seen()
	s.bulks(bulks + n)
}

// block puts a block on the data stream in the middle of the run, and takes it off when the shipper has met it.
func (s *scene) block(name string, run *shipping) {
	path := "/" + s.stream + "/_settings"
	blocked := make(chan struct{})
	s.wire.watch(func(n int) {
		if n == 5 {
			s.put(path, `{"index.blocks.`+name+`":true}`)
			close(blocked)
		}
	}, nil)
	s.until("the block", func() bool {
		select {
		case <-blocked:
			return true
		default:
			return false
		}
	})
	run.says("cluster_block_exception")
	s.put(path, `{"index.blocks.`+name+`":null}`)
}

// An engine that is not there yet when the shipper starts: it waits, installs the template once it can, and goes on.
func TestFaultAtStart(t *testing.T) {
	s := newScene(t, "start", newTrail(t, 2, 500, nil))
	// A name of its own, so that no other test has installed the template.
	s.engine.Purge(t, "trailbeat-fault-start")
	s.wire.down()
	run := s.start("run", "setup.template.name=trailbeat-fault-start", "setup.template.pattern="+s.stream, "setup.template.priority=9000")
	run.says("output is down")
	s.wire.up()
	a := run.good()
	assert.Equal(t, account{received: 1000, indexed: 1000}, a)
	s.check()
	s.engine.Must(t, http.MethodGet, "/_index_template/trailbeat-fault-start", "")
	s.engine.Must(t, http.MethodDelete, "/_data_stream/"+s.stream, "")
	s.engine.Purge(t, "trailbeat-fault-start")
}

// Requests above a limit are split. The one record that is above it alone becomes a dead letter.
func TestFault413(t *testing.T) {
	const limit, large = 100_000, 700
	s := newScene(t, "413", newTrail(t, 4, 500, func(n int, record map[string]any) {
		if n == large {
			record["requestParameters"] = map[string]any{"document": strings.Repeat("x", 2*limit)}
		}
	}))
	refused := refuse(http.StatusRequestEntityTooLarge, "", "")
	s.wire.spoil(1, 0, func(g *gate, w http.ResponseWriter, r *bulkRequest) {
		if len(r.body) > limit {
			refused(g, w, r)
			return
		}
		g.engine(r, r.body).send(w)
	})
	a := s.start("run", "output.elasticsearch.compression_level=0").good()
	assert.Equal(t, account{received: 2000, indexed: 1999, deadLettered: 1}, a)
	s.check(eventID(large))
}

// Credentials that are no longer valid stop the run: with one clear error, and with nothing acknowledged that is not
// there. With the right ones the rest arrives.
func TestFault401(t *testing.T) {
	s := newScene(t, "401", newTrail(t, 4, 750, nil))
	s.wire.spoil(20, 0, func(g *gate, w http.ResponseWriter, r *bulkRequest) {
		if _, password, _ := r.BasicAuth(); password != "new" {
			refuse(http.StatusUnauthorized, "security_exception", "unable to authenticate user [shipper]")(g, w, r)
			return
		}
		g.engine(r, r.body).send(w)
	})
	run := s.start("run", "output.elasticsearch.username=shipper", "output.elasticsearch.password=old")
	first, err := run.end()
	require.Error(t, err)
	assert.Equal(t, 1, strings.Count(run.output(), "\nError: ")+strings.Count(run.output(), "\ntrailbeat: "), "one error at the end:\n%s", run.output())
	assert.Contains(t, run.output(), "does not accept the credentials")
	assert.NotContains(t, run.output(), "old")
	assert.NotZero(t, first.returned)
	assert.Zero(t, first.deadLettered)

	second := s.start("run", "output.elasticsearch.username=shipper", "output.elasticsearch.password=new").good()
	assert.NotZero(t, second.indexed)
	assert.GreaterOrEqual(t, second.received, len(s.trail.ids)-first.indexed, "something was acknowledged without being there")
	s.check()
}

// A shipper that is asked to stop while the engine is down hands back what it holds. The next run delivers it.
func TestFaultStoppedWhileDown(t *testing.T) {
	s := newScene(t, "stopped", newTrail(t, 4, 750, nil))
	run := s.start("run", "trailbeat.shutdown_timeout=100ms")
	s.bulks(3)
	s.wire.down()
	run.says("output is down")
	require.NoError(t, run.cmd.Process.Signal(os.Interrupt))
	first, _ := run.end()
	assert.NotZero(t, first.returned)
	s.wire.up()
	s.start("run").good()
	s.check()
}
