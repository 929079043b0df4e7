package needs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// awsURL names the server of the AWS APIs that tests may use. They make buckets, queues and log groups there and do not clean up: never
// point it at AWS.
const awsURL = "TRAILBEAT_TEST_AWS_URL"

// Cloud is a server of the AWS APIs.
type Cloud struct {
	// URL is its address.
	URL string
	// Records are the files of real records, Seeder the script that puts them there as CloudTrail does.
	Records []string
	Seeder  string
}

// AWS gives the server that TRAILBEAT_TEST_AWS_URL names.
func AWS(t testing.TB) Cloud {
	t.Helper()
	url := os.Getenv(awsURL)
	if url == "" {
		t.Skipf(`needs a server of the AWS APIs: eval "$(../shared/stack/aws up)"; export %s=$AWS_ENDPOINT_URL`, awsURL)
	}
	return Cloud{url, SharedFiles(t, "real/cloudtrail/*.json"), Shared(t, "stack", "seed-cloudtrail")}
}

// Seed calls the Seeder, for all Records where the arguments name no files, and gives the ids of the events that it put there and what it
// said. The keys of the environment count, as a server may know no others. It may be called from any goroutine.
func (c Cloud) Seed(t testing.TB, files []string, args ...string) (ids []string, said []byte, err error) {
	list := filepath.Join(t.TempDir(), "ids")
	if files == nil {
		files = c.Records
	}
	cmd := exec.CommandContext(t.Context(), c.Seeder, append(append([]string{"--event-ids", list}, args...), files...)...)
	cmd.Env = append([]string{"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1"}, os.Environ()...)
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL="+c.URL)
	if said, err = cmd.CombinedOutput(); err != nil {
		return nil, said, fmt.Errorf("seeding: %w: %s", err, said)
	}
	if strings.Contains(string(said), "log_events_too_large") {
		return nil, said, fmt.Errorf("seeding: some are too large for log events, and the ids hold them: %s", said)
	}
	text, err := os.ReadFile(list)
	return strings.Fields(string(text)), said, err
}
