package aws_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An answer that breaks off in the middle is asked for again, within the same call.
func TestAnswerThatBreaksOff(t *testing.T) {
	alone(t)
	for _, mode := range []string{"standard", "adaptive"} {
		t.Run(mode, func(t *testing.T) {
			var calls atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body := `<ListBucketResult><Contents><Key>k</Key></Contents></ListBucketResult>`
				if r.Method == http.MethodPost {
					body = `{"Messages":[{"Body":"b","MD5OfBody":"92eb5ffee6ae2fec3ad71c777531578f"}]}`
				}
				if calls.Add(1)%2 == 1 {
					w.Header().Set("Content-Length", "1000")
					_, _ = w.Write([]byte(body[:30]))
					panic(http.ErrAbortHandler)
				}
				_, _ = w.Write([]byte(body))
			}))
			t.Cleanup(server.Close)
			cfg := static()
			cfg.Endpoint, cfg.Retry.Mode, cfg.Retry.MaxAttempts = server.URL, mode, 2
			s := open(t, cfg)
			list, err := s.S3("").ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: awssdk.String("trail")})
			require.NoError(t, err)
			assert.Len(t, list.Contents, 1)
			received, err := s.SQS("").ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: awssdk.String(queueURL)})
			require.NoError(t, err)
			assert.Len(t, received.Messages, 1)
			assert.EqualValues(t, 4, calls.Load())
		})
	}
}
