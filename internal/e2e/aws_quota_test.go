package e2e

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// meter stands before a server and counts what it answers to FilterLogEvents.
type meter struct {
	forward http.Handler

	mu                sync.Mutex
	answered, refused int
	first, last       time.Time
}

func (m *meter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if operation(r) != "FilterLogEvents" {
		m.forward.ServeHTTP(w, r)
		return
	}
	answer := httptest.NewRecorder()
	m.forward.ServeHTTP(answer, r)
	m.mu.Lock()
	if m.first.IsZero() {
		m.first = time.Now()
	}
	m.last = time.Now()
	if strings.Contains(answer.Body.String(), "ThrottlingException") {
		m.refused++
	} else {
		m.answered++
	}
	m.mu.Unlock()
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = io.Copy(w, bytes.NewReader(answer.Body.Bytes()))
}

// Two shippers share the quota of an account and a region, of which they know nothing of each other: calls are refused, and all events
// are there all the same, once. TRAILBEAT_TEST_QUOTA_URL is a server that keeps the quotas.
func TestAWSQuota(t *testing.T) {
	const variable = "TRAILBEAT_TEST_QUOTA_URL"
	address := os.Getenv(variable)
	if address == "" {
		t.Skipf(`needs a server that keeps quotas: STACK_QUOTAS=1 ../shared/stack/aws up --name quota, and put its $AWS_ENDPOINT_URL into %s`, variable)
	}
	t.Setenv("TRAILBEAT_TEST_AWS_URL", address)
	for _, name := range []string{"TRAILBEAT_TEST_SQS_URL", "TRAILBEAT_TEST_S3_URL"} {
		t.Setenv(name, "")
	}
	c := newCloud(t)
	c.inParallel(c.groups(pick(1, 7))[:pick(4, logGroups)]...)
	m := &meter{forward: forwardTo(t, address)}
	front := behind(t, m)
	c.reach(front, front, front)
	var shippers []*scene
	for range 2 {
		c.data = t.TempDir()
		shippers = append(shippers, c.write(c.groupInput(), ""))
	}
	one, two := shippers[0].start("run"), shippers[1].start("run")
	a, b := one.good(), two.good()
	m.mu.Lock()
	took := m.last.Sub(m.first)
	t.Logf("FilterLogEvents: %d answered and %d refused in %s", m.answered, m.refused, took.Round(time.Second))
	assert.NotZero(t, m.refused, "the quota was never met")
	assert.Greater(t, m.answered, m.refused, "the shippers wait")
	m.mu.Unlock()
	require.Equal(t, a.received, a.indexed+a.duplicate)
	assert.Equal(t, len(c.all()), a.indexed+b.indexed)
	c.check()
}
