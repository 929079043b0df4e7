package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/aws/awstest"
)

// runtimeAPI is the interface that AWS Lambda has for the process of a function.
type runtimeAPI struct {
	events  chan string
	answers chan string // "response ..." or "error ..."
}

func (r *runtimeAPI) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	path, _ := strings.CutPrefix(req.URL.Path, "/2018-06-01/runtime/")
	switch {
	case path == "invocation/next":
		select {
		case event := <-r.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "call")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:trailbeat")
			_, _ = io.WriteString(w, event)
		case <-req.Context().Done():
		}
	case strings.HasPrefix(path, "invocation/call/"):
		body, _ := io.ReadAll(req.Body)
		w.WriteHeader(http.StatusAccepted)
		r.answers <- strings.TrimPrefix(path, "invocation/call/") + " " + string(body)
	default:
		http.NotFound(w, req)
	}
}

// The binary as a function of AWS Lambda: what a call brings is in the engine when the call ends, what failed is named, and comes
// again without being stored twice.
func TestLambda(t *testing.T) {
	url := strings.TrimSuffix(os.Getenv("TRAILBEAT_TEST_ELASTICSEARCH_URL"), "/")
	if url == "" {
		t.Skipf(engineHint, "TRAILBEAT_TEST_ELASTICSEARCH_URL")
	}
	namespace := fmt.Sprintf("lambda%d", os.Getpid())
	stream, letters := "logs-aws.cloudtrail-"+namespace, "logs-trailbeat.deadletter-"+namespace
	t.Cleanup(func() {
		ask(t, http.MethodDelete, url+"/_data_stream/"+stream, nil)
		ask(t, http.MethodDelete, url+"/_data_stream/"+letters, nil)
	})
	var cloud awstest.Server
	aws := httptest.NewServer(&cloud)
	defer aws.Close()
	api := &runtimeAPI{events: make(chan string), answers: make(chan string, 1)}
	lambda := httptest.NewServer(api)
	defer lambda.Close()
	path := filepath.Join(t.TempDir(), "trailbeat.yml")
	require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, `
path.data: /proc/there/is/no/such/folder
trailbeat.inputs:
  - type: aws-s3
    queue_url: https://sqs.us-east-1.amazonaws.com/123456789012/trail
    endpoint: %s
    access_key_id: AKIAEXAMPLE
    secret_access_key: example
output.elasticsearch.hosts: [%q]
data_stream.namespace: %s
dead_letter: {output: data_stream, data_stream: %s}
`, aws.URL, url, namespace, letters), 0o600))

	cmd := exec.Command(functionBinary(t), "-c", path) // a bootstrap is called without a command
	cmd.Env = append(os.Environ(), "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(lambda.URL, "http://"), "AWS_LAMBDA_FUNCTION_NAME=trailbeat",
		"AWS_CONFIG_FILE=none", "AWS_SHARED_CREDENTIALS_FILE=none", "AWS_EC2_METADATA_DISABLED=true")
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	call := func(bodies ...string) string {
		t.Helper()
		var records []string
		for i, body := range bodies {
			records = append(records, fmt.Sprintf(`{"messageId":"m%d","receiptHandle":"h","body":%s,"eventSource":"aws:sqs","attributes":{"ApproximateReceiveCount":"1"}}`,
				i, awstest.Quoted(body)))
		}
		select {
		case api.events <- `{"Records":[` + strings.Join(records, ",") + `]}`:
		case err := <-ended:
			require.FailNow(t, "the function ended", "%v\n%s", err, log.String())
		}
		return <-api.answers
	}
	object := func(name string, first, last int) string {
		var records []string
		for i := first; i < last; i++ {
			records = append(records, fmt.Sprintf(`{"eventVersion":"1.08","eventID":"%08d-0000-4000-8000-000000000000","eventTime":"2024-05-06T07:08:09Z",`+
				`"eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"us-east-1","recipientAccountId":"123456789012"}`, i))
		}
		cloud.Put("trail", name, []byte(`{"Records":[`+strings.Join(records, ",")+`]}`), nil)
		return awstest.Notification(awstest.S3Event("ObjectCreated:Put", "trail", name))
	}

	first, second := object("a.json", 0, 300), object("b.json", 200, 500)
	gone := awstest.Notification(awstest.S3Event("ObjectCreated:Put", "trail", "late.json"))
	assert.Equal(t, `response {"batchItemFailures":[{"itemIdentifier":"m1"}]}`, call(first, gone, second), log.String())
	assert.Equal(t, 500, stored(t, url, stream))
	object("late.json", 450, 600)
	assert.Equal(t, `response {"batchItemFailures":[]}`, call(gone), log.String())
	assert.Equal(t, 600, stored(t, url, stream))
	api.events <- `{"hello":"world"}`
	answer := <-api.answers
	assert.Contains(t, answer, "error ")
	var told struct{ ErrorMessage string }
	require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(answer, "error ")), &told))
	assert.NotEmpty(t, told.ErrorMessage)

	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.NoError(t, <-ended, log.String())
	assert.Contains(t, log.String(), "received 750 = 600 indexed + 150 duplicate + 0 filtered + 0 dead_lettered + 0 returned")
}
