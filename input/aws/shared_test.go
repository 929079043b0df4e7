package aws_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/aws/awstest"
)

// Who rotates keys rewrites the shared file: the next call takes the new ones, and a file that is being written does not
// take the old ones away.
func TestSharedFileIsFollowed(t *testing.T) {
	alone(t)
	file := filepath.Join(t.TempDir(), "credentials")
	write := func(format string, values ...any) {
		require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, format, values...), 0o600))
	}
	const profile = "[%s]\naws_access_key_id = %s\naws_secret_access_key = secret\naws_session_token = token\n"
	write(profile, "team", "FIRST")
	cfg := aws.DefaultConfig()
	cfg.SharedCredentialFile, cfg.CredentialProfileName = file, "team"
	s := open(t, cfg)
	key := func(c awssdk.CredentialsProvider) string {
		t.Helper()
		got, err := c.Retrieve(t.Context())
		require.NoError(t, err)
		return got.AccessKeyID
	}
	client := s.S3("").Options().Credentials
	assert.Equal(t, "FIRST", key(client))

	write(profile, "team", "SECOND")
	assert.Equal(t, "SECOND", key(client), "of a client that is there already")
	assert.Equal(t, "SECOND", key(s.Config("").Credentials))

	for _, broken := range []string{"", "[team]\n", "[team]\naws_access_key_id = HALF\n", "[other]\n"} {
		write("%s", broken)
		assert.Equal(t, "SECOND", key(client), "%q", broken)
	}
	require.NoError(t, os.Remove(file))
	assert.Equal(t, "SECOND", key(client), "a file that is replaced is absent for a moment")

	write(profile, "team", "THE-THIRD")
	assert.Equal(t, "THE-THIRD", key(client))
}

// The keys from which roles are assumed are followed too.
func TestSharedFileBelowARole(t *testing.T) {
	alone(t)
	file := filepath.Join(t.TempDir(), "credentials")
	const profile = "[default]\naws_access_key_id = %s\naws_secret_access_key = secret\n"
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, profile, "FIRST"), 0o600))
	cfg := aws.DefaultConfig()
	cfg.SharedCredentialFile, cfg.RoleARN = file, "arn:aws:iam::111111111111:role/a"
	server := new(awstest.Server)
	r := newRecorder(server)
	r.life = -time.Minute // what is fetched is never good for long
	cfg.HTTPClient = server.Client()
	s := open(t, cfg)
	for _, next := range []string{"SECOND", "THE-THIRD", "LAST"} {
		_, err := s.Config("").Credentials.Retrieve(t.Context())
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, profile, next), 0o600))
	}
	require.Len(t, r.seen, 3)
	for i, key := range []string{"FIRST", "SECOND", "THE-THIRD"} {
		assert.Contains(t, r.seen[i], "by "+key+" id")
	}
}
