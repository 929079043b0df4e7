package notify

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/aws/awstest"
	"github.com/trailbeat/trailbeat/input/sqs/notice"
)

func objects(n int, key string) (list []Object) {
	for range n {
		list = append(list, Object{Bucket: "trail", Key: key, Region: "eu-west-1", Size: 7, ETag: `"abc"`})
	}
	return list
}

// What is sent is understood as a notification of S3, whatever stands in a key.
func TestMessagesAreUnderstood(t *testing.T) {
	for _, key := range []string{"AWSLogs/1/x.json.gz", "a b+c&d=ä/é%2F\"\\<>.gz", strings.Repeat("ü", 512)} {
		for _, body := range messages(objects(3, key), 2, MaxBytes) {
			n, err := notice.Parse(body)
			require.NoError(t, err)
			for _, o := range n.Objects {
				assert.Equal(t, notice.Object{Bucket: "trail", Key: key, Region: "eu-west-1"}, o)
			}
		}
	}
}

func TestMessagesKeepTheirBounds(t *testing.T) {
	list := messages(objects(2500, strings.Repeat("k", 1024)), 1000, MaxBytes)
	n := 0
	for _, body := range list {
		assert.LessOrEqual(t, len(body), MaxBytes)
		found, err := notice.Parse(body)
		require.NoError(t, err)
		n += len(found.Objects)
	}
	assert.Equal(t, 2500, n)
	assert.Len(t, messages(objects(25, "k"), 10, MaxBytes), 3)
	assert.Empty(t, messages(nil, 10, MaxBytes))
}

// Calls keep to what SQS takes, and what it refuses for now is sent again, alone.
func TestSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := new(awstest.Server)
		server.Send("q", "{}")
		cfg := aws.DefaultConfig()
		cfg.AccessKeyID, cfg.SecretAccessKey, cfg.DefaultRegion = "AKIDEXAMPLE", "very-secret", "us-east-1"
		cfg.HTTPClient = server.Client()
		session, err := aws.New(t.Context(), cfg, nil)
		require.NoError(t, err)
		s, err := New(session, "http://127.0.0.1:1/123456789012/q")
		require.NoError(t, err)
		defer s.Close()
		calls, err := s.Send(t.Context(), objects(1205, strings.Repeat("k", 900)), 50)
		require.NoError(t, err)
		assert.Len(t, server.Left("q"), 1+25)
		assert.GreaterOrEqual(t, calls, int64(5), "of 256 KiB at most, and ten messages")

		refused := 0
		server.Handle("SendMessageBatch", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			if refused++; refused < 3 {
				_, _ = w.Write([]byte(`{"Successful":[],"Failed":[{"Id":"0","Code":"InternalError","SenderFault":false,"Message":"later"}]}`))
				return
			}
			_, _ = w.Write([]byte(`{"Successful":[],"Failed":[{"Id":"0","Code":"InvalidMessageContents","SenderFault":true,"Message":"no"}]}`))
		})
		calls, err = s.Send(t.Context(), objects(1, "k"), 1)
		assert.ErrorContains(t, err, "InvalidMessageContents")
		assert.EqualValues(t, 3, calls)

		_, err = New(session, "nonsense")
		assert.Error(t, err)
	})
}
