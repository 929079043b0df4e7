package e2e

import (
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// spoiler stands before a server of the AWS APIs and spoils some of the calls.
type spoiler struct {
	forward http.Handler

	mu     sync.Mutex
	random *rand.Rand
	healed bool
	calls  map[string]int
	hits   map[string]int // by call and fault
	peers  map[string]bool
}

// wireFaults are the faults that each call meets in turn.
var wireFaults = map[string][]string{
	"GetObject":               {"slow", "cut", "reset"},
	"ListObjectsV2":           {"slow", "reset", "cut"},
	"FilterLogEvents":         {"throttled", "reset", "cut"},
	"ReceiveMessage":          {"reset", "throttled", "cut"}, // cut: the messages are in flight, and nobody has them
	"DeleteMessage":           {"cut", "throttled", "reset"}, // cut: they are deleted, and nobody knows
	"ChangeMessageVisibility": {"throttled"},
	"DescribeLogGroups":       {"throttled", "reset"},
}

// operation names a call.
func operation(r *http.Request) string {
	if _, name, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		return name
	}
	switch {
	case r.Method != http.MethodGet:
		return r.Method
	case r.URL.Query().Has("list-type"):
		return "ListObjectsV2"
	case strings.Count(strings.Trim(r.URL.Path, "/"), "/") > 0:
		return "GetObject"
	}
	return "other"
}

func (s *spoiler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call := operation(r)
	s.mu.Lock()
	s.peers[r.RemoteAddr] = true
	s.mu.Unlock()
	switch s.choose(call) {
	case "":
		s.forward.ServeHTTP(w, r)
	case "slow":
		answerXML(w, http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
	case "throttled":
		answerError(w, "ThrottlingException", "Rate exceeded")
	case "reset": // the server never hears of it
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
	case "cut": // the server has done it
		answer := httptest.NewRecorder()
		s.forward.ServeHTTP(answer, r)
		body := answer.Body.Bytes()
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.WriteHeader(answer.Code)
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// choose spoils the first call of each kind, and of the others one of six.
func (s *spoiler) choose(call string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	faults := wireFaults[call]
	if s.healed || len(faults) == 0 {
		return ""
	}
	s.calls[call]++
	if s.calls[call] > 1 && s.random.IntN(6) > 0 {
		return ""
	}
	n := 0
	for _, fault := range faults {
		n += s.hits[call+" "+fault]
	}
	fault := faults[n%len(faults)]
	s.hits[call+" "+fault]++
	return fault
}

func answerXML(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>%s</Message><RequestId>1</RequestId></Error>`, code, message)
}

func answerError(w http.ResponseWriter, code, message string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-ErrorType", code)
	w.WriteHeader(http.StatusBadRequest)
	_, _ = fmt.Fprintf(w, `{"__type":%q,"message":%q}`, code, message)
}

// behind starts a handler and gives its address.
func behind(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

func forwardTo(t *testing.T, address string) *httputil.ReverseProxy {
	t.Helper()
	target, err := url.Parse(address)
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorLog = log.New(io.Discard, "", 0)
	return proxy
}

// shaky stands before a server as a bad network does: of the connections through it some are reset after a moment, and some
// end after so many bytes of the answers, wherever that is. mend ends it.
func shaky(t *testing.T, address string, random *rand.Rand) (url string, mend func()) {
	t.Helper()
	api := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(api, "shaky", "127.0.0.1:0", strings.TrimPrefix(address, "http://"))
	require.NoError(t, proxy.Start())
	t.Cleanup(proxy.Stop)
	for _, toxic := range []string{
		fmt.Sprintf(`{"name": "short", "type": "limit_data", "stream": "downstream", "toxicity": 0.2, "attributes": {"bytes": %d}}`, 100+random.IntN(4000)),
		fmt.Sprintf(`{"name": "long", "type": "limit_data", "stream": "downstream", "toxicity": 0.3, "attributes": {"bytes": %d}}`, 20_000+random.IntN(100_000)),
		fmt.Sprintf(`{"name": "reset", "type": "reset_peer", "stream": "downstream", "toxicity": 0.1, "attributes": {"timeout": %d}}`, random.IntN(300)),
	} {
		_, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic))
		require.NoError(t, err)
	}
	return "http://" + proxy.Listen, func() { proxy.Toxics.ResetToxics(t.Context()) }
}

// Throttling, resets and answers that break off, in one of six calls of every way in, and over a network that breaks connections.
func TestAWSFaultsOnTheWire(t *testing.T) {
	c := newCloud(t)
	seed := number(t, "TRAILBEAT_TEST_SEED", uint64(time.Now().UnixNano()))
	t.Logf("TRAILBEAT_TEST_SEED=%d", seed)
	inputs, queues := c.someWays()
	s := c.write(inputs, "")
	var all []*spoiler
	var addresses []string
	var mends []func()
	for i, address := range []string{c.url, c.sqs, c.s3} {
		spoils := &spoiler{forward: forwardTo(t, address), random: rand.New(rand.NewPCG(seed, uint64(i))), calls: map[string]int{}, hits: map[string]int{}, peers: map[string]bool{}}
		outer, mend := shaky(t, behind(t, spoils), rand.New(rand.NewPCG(seed, uint64(100+i))))
		all, addresses, mends = append(all, spoils), append(addresses, outer), append(mends, mend)
	}
	c.reach(addresses[0], addresses[1], addresses[2])

	good, bad := 0, 0
	for range pick(4, 12) {
		run := s.start("run")
		if _, err := run.end(); err != nil {
			bad++
			continue // it says that not all was read
		}
		if good++; c.drained(queues) {
			break
		}
	}
	total, peers := map[string]int{}, 0
	for i, spoils := range all {
		mends[i]()
		spoils.mu.Lock()
		spoils.healed = true
		for name, n := range spoils.hits {
			total[name] += n
		}
		peers += len(spoils.peers)
		spoils.mu.Unlock()
	}
	t.Logf("%d runs ended well and %d did not; %d connections; faults: %v", good, bad, peers, total)
	for _, name := range []string{"GetObject slow", "GetObject cut", "FilterLogEvents throttled", "ReceiveMessage reset", "DeleteMessage cut"} {
		assert.NotZero(t, total[name], name)
	}
	c.finish(s, queues...)
	c.check()
	assert.Equal(t, account{}, s.start("run").good())
}
