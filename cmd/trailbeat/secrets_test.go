package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Nothing that is secret, and nothing out of events, is logged: at level debug, as text and as JSON, where all goes well and where each
// part of the way is refused or broken.
func TestLogHoldsNoSecretsAndNoEvents(t *testing.T) {
	secrets := []string{
		"AKIASECRETKEYID", "secret-access-key-1", "session-token-1", "http-token-0123456789", "http-password-1", "es-password-1", "c2VjcmV0LWFwaS1rZXk",
		"event-body-marker", "password-in-url", "aWQ6YzJWamNtVjBMV0Z3YVMxclpYaw", "ZWxhc3RpYzplcy1wYXNzd29yZC0x", // the last two as they are sent
	}
	f := newFakeAWS(t)
	body := `{"eventID":"1","eventTime":"2026-01-01T10:00:00Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"eu-west-1",` +
		`"recipientAccountId":"123456789012","userAgent":"event-body-marker","requestParameters":{"password":"event-body-marker"}}`
	status := http.StatusUnauthorized
	var mu sync.Mutex
	var sent []string // what the cluster was shown
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		sent = append(sent, r.Header.Get("Authorization"))
		mu.Unlock()
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"error":{"type":"security_exception","reason":"unable to authenticate"},"status":401}`))
	}))
	defer engine.Close()
	const input = `
trailbeat.inputs:
  - id: bucket
    type: aws-s3
    bucket_arn: arn:aws:s3:::listed
    endpoint: ${AWS}
    access_key_id: AKIASECRETKEYID
    secret_access_key: secret-access-key-1
    session_token: session-token-1
    retry.max_attempts: 1
  - id: disk
    type: file
    paths: [broken.ndjson]
logging.level: debug
http: {enabled: true, port: 0, auth: {token: http-token-0123456789, username: u, password: http-password-1}}
`
	for _, c := range []struct {
		name, output string
		denied       bool
		status       int
	}{
		{"all goes well", "output.file: {path: out}\n", false, 0},
		{"AWS refuses", "output.file: {path: out}\n", true, 0},
		{"the cluster refuses the password", "output.elasticsearch: {hosts: ['${ES}'], username: elastic, password: es-password-1}\n", false, 401},
		{"the cluster refuses the key", "output.elasticsearch: {hosts: ['${ES}'], api_key: 'id:c2VjcmV0LWFwaS1rZXk'}\n", false, 403},
		{"the cluster is broken", "output.elasticsearch: {hosts: ['${ESUSER}'], max_retries: 1}\n", false, 500},
	} {
		for _, format := range []string{"false", "true"} {
			t.Run(c.name+" "+format, func(t *testing.T) {
				f.inAWS(t, input+c.output+"logging.json: "+format+"\n")
				t.Setenv("ES", engine.URL)
				t.Setenv("ESUSER", strings.Replace(engine.URL, "http://", "http://elastic:password-in-url@", 1))
				f.putLog(t, "listed", logKey("us-east-1", "aaaa"), body)
				require.NoError(t, os.WriteFile("broken.ndjson", []byte(body+"\n{\"event-body-marker\n"), 0o600))
				status = c.status
				f.refuse = nil
				if c.denied {
					f.refuse = func(w http.ResponseWriter, _ *http.Request) bool {
						w.WriteHeader(http.StatusForbidden)
						_, _ = w.Write([]byte(`<Error><Code>AccessDenied</Code><Message>no</Message></Error>`))
						return true
					}
				}
				_, stdout, stderr := trailbeat(t, "run", "--once", "--max-wait", "1ms")
				assert.NotContains(t, stderr, "the configuration cannot be used")
				if c.status == 0 {
					assert.Contains(t, stdout, "received", stderr)
					assert.Regexp(t, "level=DEBUG|\"debug\"", stderr)
				} else {
					mu.Lock()
					assert.Regexp(t, "(?i)^(basic|apikey) .{10}", slices.Max(sent), "the secret is in use")
					sent = nil
					mu.Unlock()
				}
				for _, secret := range secrets {
					assert.NotContains(t, stderr, secret)
					assert.NotContains(t, stdout, secret)
				}
				_, stdout, stderr = trailbeat(t, "test", "output", "-v")
				for _, secret := range secrets {
					assert.NotContains(t, stdout+stderr, secret)
				}
			})
		}
	}
}
