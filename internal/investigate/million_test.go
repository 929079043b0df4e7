package investigate

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output/sqlite"
	"github.com/trailbeat/trailbeat/pipeline"
)

// crowd makes records of a busy organisation: 40 % objects that are read, 15 % keys that are used, 15 % roles that are taken, the rest
// calls of 300 roles and 300 users in 20 accounts, 4 % of them denied.
type crowd struct {
	maker
	*rand.Rand
}

func (c *crowd) next() string {
	second := c.n * 7 * 24 * 3600 / 1_000_000 % (24 * 3600)
	at := fmt.Sprintf("%02d:%02d:%02d", second/3600, second/60%60, second%60)
	account := fmt.Sprintf("1111222233%02d", c.IntN(20))
	role, number := fmt.Sprintf("role-%d", c.IntN(300)), c.IntN(40)
	key := fmt.Sprintf("ASIA%s%d", role, number)
	who := by(session(account, role, fmt.Sprint("s", number), key))
	address := from(fmt.Sprintf("198.51.%d.%d", c.IntN(4), c.IntN(250)))
	in := fmt.Sprintf(`"recipientAccountId":%q`, account)
	switch p := c.IntN(100); {
	case p < 40:
		return c.record(at, "s3", "GetObject", who, address, in, readOnly, `"eventCategory":"Data"`,
			fmt.Sprintf(`"requestParameters":{"bucketName":"b%d","key":"data/%d.json"},"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::b%[1]d/data/%[2]d.json"}]`, c.IntN(50), c.IntN(300_000)))
	case p < 55:
		return c.record(at, "kms", "Decrypt", who, address, in, readOnly, fmt.Sprintf(`"resources":[{"type":"AWS::KMS::Key","ARN":"arn:aws:kms:eu-west-1:%s:key/%d"}]`, account, c.IntN(400)))
	case p < 70:
		target := fmt.Sprintf("role-%d", c.IntN(300))
		return c.record(at, "sts", "AssumeRole", who, address, in, assumes(account, target, "s", fmt.Sprintf("ASIA%s%d", target, c.IntN(40))), fmt.Sprintf(`"sharedEventID":"shared-%d"`, c.n))
	case p < 71:
		return c.record(at, "iam", []string{"CreateUser", "AttachUserPolicy", "CreateAccessKey", "PutUserPolicy"}[c.IntN(4)], who, address, in, `"requestParameters":{"userName":"u"}`)
	case p < 75:
		return c.record(at, "ec2", "DescribeSnapshots", who, address, in, readOnly, denied)
	case p < 90:
		return c.record(at, "ec2", fmt.Sprintf("Describe%d", c.IntN(200)), who, address, in, readOnly)
	}
	return c.record(at, "iam", "ListUsers", by(user(fmt.Sprint("user-", c.IntN(300)), fmt.Sprint("AKIA", c.IntN(300)))), address, readOnly)
}

// TestMillion says how much processor time each question takes. It asserts nothing about it.
func TestMillion(t *testing.T) {
	if os.Getenv("TRAILBEAT_TEST_LONG") == "" {
		t.Skip("needs minutes: set TRAILBEAT_TEST_LONG for a million documents, TRAILBEAT_TEST_DOCUMENTS for another number, TRAILBEAT_TEST_STORE for a file to keep them in")
	}
	n := 1_000_000
	if text := os.Getenv("TRAILBEAT_TEST_DOCUMENTS"); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	path := os.Getenv("TRAILBEAT_TEST_STORE")
	if path == "" {
		path = filepath.Join(t.TempDir(), "million.db")
	}
	begun, used := time.Now(), cpuTime()
	lap := func(what string) {
		t.Logf("%-40s %8s of processor time, %s on the clock", what, (cpuTime() - used).Round(time.Millisecond), time.Since(begun).Round(time.Millisecond))
		begun, used = time.Now(), cpuTime()
	}
	if _, err := os.Stat(path); err != nil {
		fillStore(t, path, n)
	}
	lap(fmt.Sprintf("writing %d documents", n))
	require.NoError(t, Prepare(t.Context(), path, nil))
	lap("making them ready")
	info, err := os.Stat(path)
	require.NoError(t, err)
	t.Logf("the file has %d MB", info.Size()/1e6)
	s := openStore(t, path)
	of := map[string]string{
		"access-key": "ASIArole-77", "actions": "arn:aws:iam::111122223307:role/role-7", "failures": "", "ip": "198.51.1.7", "read-by": "198.51.1.7", "role": "role-7",
		"sessions": "AKIA7", "timeline": "198.51.1.7",
	}
	for _, q := range Questions() {
		r, err := s.Ask(t.Context(), &q, Values{Of: of[q.Name]}, 1000)
		require.NoError(t, err)
		lap(fmt.Sprintf("%s: %d rows", q.Name, len(r.Rows)))
	}
}

func fillStore(t *testing.T, path string, n int) {
	t.Helper()
	out, err := sqlite.New(sqlite.Config{Path: path}, nil)
	require.NoError(t, err)
	p, err := pipeline.New(pipeline.Config{})
	require.NoError(t, err)
	c := &crowd{Rand: rand.New(rand.NewPCG(1, 2))}
	events := make([]*ecs.Event, 2000)
	for i := range events {
		events[i] = new(ecs.Event)
	}
	for done := 0; done < n; done += len(events) {
		for _, ev := range events {
			ev.Reset()
			require.NoError(t, p.Process([]byte(c.next()), ev))
		}
		_, err := out.Write(t.Context(), events)
		require.NoError(t, err)
	}
	require.NoError(t, out.Close())
	require.NoError(t, p.Close())
}
