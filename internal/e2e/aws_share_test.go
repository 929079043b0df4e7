package e2e

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Three shippers poll one bucket and share its folders through leases in the same store. One is killed, one ends, and files come meanwhile: all is
// delivered, and what none of them had in its hands is read once. The store must take writes on condition as one step: versitygw does
// (TRAILBEAT_TEST_S3_URL).
func TestAWSSharedBucket(t *testing.T) {
	c := newCloud(t)
	c.inParallel(func() { c.deliver("shared", time.Now().Add(-time.Hour), c.files[:pick(12, len(c.files))]) })
	input := strings.TrimSuffix(strings.TrimSpace(c.bucketInput()), "}") +
		fmt.Sprintf(", batch_max_records: 50, lease: {bucket_arn: 'arn:aws:s3:::%s-org', duration: 4s}}\n", c.name)
	var shippers []*scene
	for range 3 {
		c.data = t.TempDir()
		shippers = append(shippers, c.write("  "+input, ""))
	}
	var runs []*shipping
	for _, s := range shippers {
		runs = append(runs, s.follow())
	}
	all := func(what string) {
		shippers[0].until(what, func() bool { return c.documents() >= len(c.all()) })
	}
	shippers[0].until("some documents", func() bool { return c.documents() > len(c.all())/4 })
	require.NoError(t, runs[0].cmd.Process.Kill())
	<-runs[0].ended
	c.kills = 1
	all("what the killed one left")
	c.deliver("more", time.Now().Add(-30*time.Minute), c.files[12:16])
	all("what came later")
	require.NoError(t, runs[1].cmd.Process.Signal(syscall.SIGTERM))
	a, err := runs[1].end()
	require.NoError(t, err)
	c.deliver("last", time.Now().Add(-20*time.Minute), c.files[16:20])
	all("what came at the end")
	require.NoError(t, runs[2].cmd.Process.Signal(syscall.SIGTERM))
	b, err := runs[2].end()
	require.NoError(t, err)
	t.Logf("the two that were not killed: %+v, %+v", a, b)
	assert.NotZero(t, a.indexed+b.indexed)
	assert.Zero(t, a.returned+b.returned)
	c.check()

	// Another one finds all of it done, in the leases alone.
	c.data = t.TempDir()
	assert.Equal(t, account{}, c.write("  "+input, "").start("run").good())
}
