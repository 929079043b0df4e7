package sqs

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/aws/awstest"
	"github.com/trailbeat/trailbeat/input/sqs/notice"
)

func TestCheck(t *testing.T) {
	check := func(t *testing.T, b *bench) (ok, skipped, failed []string) {
		in := b.open(t)
		in.Check(t.Context(), func(s Step) {
			switch {
			case s.Err != nil:
				failed = append(failed, s.Name+": "+s.Err.Error())
			case s.Skipped:
				skipped = append(skipped, s.Name+": "+s.Detail)
			default:
				ok = append(ok, s.Name+": "+s.Detail)
			}
		})
		require.NoError(t, in.Close())
		return ok, skipped, failed
	}
	identity := func(b *bench) {
		b.Handle("GetCallerIdentity", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/u</Arn><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
		})
	}
	inTime(t, "all is well", func(t *testing.T) {
		b := newBench()
		identity(b)
		b.Send("trail-queue", "hello")
		b.Send("trail-queue", notice.ValidationMessage)
		b.object("1", awstest.Record)
		ok, skipped, failed := check(t, b)
		assert.Empty(t, skipped)
		assert.Empty(t, failed)
		require.Len(t, ok, 8)
		assert.Equal(t, "identity: arn:aws:iam::123456789012:user/u of account 123456789012", ok[0])
		assert.Contains(t, ok[1], "there is no redrive policy")
		assert.Equal(t, "decode one record: 2024-05-06T07:00:00Z iam.amazonaws.com GetUser", ok[7])
		assert.Equal(t, 3, b.Visible("trail-queue"), "released, and none deleted")
	})
	inTime(t, "a queue elsewhere", func(t *testing.T) {
		b := newBench()
		b.cfg.AWS.Endpoint, b.cfg.AWS.PathStyle = "", true
		b.cfg.QueueURL = "http://127.0.0.1:9324/000000000000/trail-queue"
		b.object("1", awstest.Record)
		ok, skipped, failed := check(t, b)
		assert.Empty(t, failed)
		assert.Equal(t, []string{"identity: another server than that of AWS does not tell"}, skipped)
		assert.Len(t, ok, 7)
		assert.Zero(t, b.Calls("GetCallerIdentity"))
	})
	inTime(t, "nothing that is understood", func(t *testing.T) {
		b := newBench()
		identity(b)
		b.Send("trail-queue", "hello")
		ok, skipped, failed := check(t, b)
		assert.Len(t, ok, 5)
		assert.Len(t, skipped, 2)
		require.Len(t, failed, 1)
		assert.Contains(t, failed[0], "understand it: the message is not understood (no JSON object)")
	})
	inTime(t, "an empty queue", func(t *testing.T) {
		b := newBench()
		identity(b)
		b.object("1", awstest.Record)
		in := b.open(t)
		read(t, in).Ack(nil)
		require.NoError(t, in.Close())
		ok, skipped, failed := check(t, b)
		assert.Len(t, ok, 4)
		assert.Len(t, skipped, 4)
		assert.Empty(t, failed)
	})
	inTime(t, "nothing is allowed", func(t *testing.T) {
		b := newBench()
		b.object("1", awstest.Record)
		b.Hook(func(call string, _ *http.Request) *awstest.Fault {
			if call == "ReceiveMessage" || call == "ChangeMessageVisibility" {
				return nil
			}
			return &awstest.Fault{Status: 403, Code: "AccessDenied", Message: "Access Denied"}
		})
		_, skipped, failed := check(t, b)
		require.Len(t, failed, 4)
		assert.Contains(t, failed[0], "no right is needed for that")
		assert.Contains(t, failed[1], "allow sqs:GetQueueAttributes on arn:aws:sqs:us-east-1:123456789012:trail-queue")
		assert.Contains(t, failed[2], "right to delete: deleting from queue trail-queue: access denied (AccessDenied); allow sqs:DeleteMessage on arn:aws:sqs:us-east-1:123456789012:trail-queue")
		assert.Contains(t, failed[3], "allow s3:GetObject on arn:aws:s3:::trail/1 (and kms:Decrypt")
		assert.Len(t, skipped, 1)
	})
}

func TestPolicy(t *testing.T) {
	cfg := testConfig(nil)
	cfg.QueueURL = "https://sqs.us-gov-west-1.amazonaws.com/123456789012/q"
	cfg.AWS.RoleARN = "arn:aws:iam::123456789012:role/r"
	got, err := cfg.Policy()
	require.NoError(t, err)
	require.Len(t, got, 4)
	assert.Equal(t, []string{"arn:aws-us-gov:sqs:us-gov-west-1:123456789012:q"}, got[0].Resources)
	assert.Equal(t, []string{"arn:aws-us-gov:s3:::*/*"}, got[1].Resources)
	assert.Equal(t, []string{"arn:aws:iam::123456789012:role/r"}, got[3].Resources)
	got, err = cfg.Policy("arn:aws:s3:::trail")
	require.NoError(t, err)
	assert.Equal(t, []string{"arn:aws:s3:::trail/*"}, got[1].Resources)
}

func TestValidate(t *testing.T) {
	require.NoError(t, testConfig(nil).Validate())
	cfg := testConfig(nil)
	cfg.QueueURL, cfg.VisibilityTimeout, cfg.NumberOfWorkers, cfg.MaxNumberOfMessages, cfg.MaxMessagesInFlight = "", 13*time.Hour, 0, -1, -1
	cfg.SQS = SQS{WaitTime: 21 * time.Second, MaxReceiveCount: 0, ShutdownGraceTime: -1}
	cfg.MissingObject, cfg.Object.BatchMaxRecords, cfg.AWS.Retry.MaxAttempts = "keep", 0, 0
	err := cfg.Validate()
	require.Error(t, err)
	for _, option := range []string{
		"queue_url: is missing", "visibility_timeout: ", "number_of_workers: ", "max_number_of_messages: ", "max_messages_in_flight: ", "sqs.wait_time: ",
		"sqs.max_receive_count: ", "sqs.shutdown_grace_time: ", "missing_object: ", "batch_max_records: ", "retry.max_attempts: ",
	} {
		assert.ErrorContains(t, err, option)
	}
	cfg = testConfig(nil)
	cfg.AWS.APITimeout = 10 * time.Second
	cfg.MaxMessagesInFlight = 2
	err = cfg.Validate()
	assert.ErrorContains(t, err, "sqs.wait_time: must not be above api_timeout (10s), is 20s")
	assert.ErrorContains(t, err, "max_messages_in_flight: must not be below number_of_workers (5), is 2")
}
