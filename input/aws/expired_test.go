package aws_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/aws/awstest"
)

// receive makes a call and gives what it failed with, explained.
func receive(t *testing.T, s *aws.Session) error {
	t.Helper()
	url := queueURL
	_, err := s.SQS("").ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url})
	return aws.Call{Doing: "receiving messages", Target: "q", Action: "sqs:ReceiveMessage", Resource: "arn:q"}.Explain(err)
}

// What an error of expired or refused keys says to do depends on where the keys come from.
func TestHintsOfCredentials(t *testing.T) {
	alone(t)
	const role = "arn:aws:iam::111111111111:role/a"
	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("jwt"), 0o600))
	temporary := func(c *aws.Config) { c.SessionToken = "t" }
	withRole := func(c *aws.Config) { c.SessionToken, c.RoleARN = "t", role }
	web := func(c *aws.Config) {
		c.AccessKeyID, c.SecretAccessKey, c.WebIdentity = "", "", aws.WebIdentity{TokenFile: token, RoleARN: role}
	}
	for name, test := range map[string]struct {
		set        func(*aws.Config)
		call, code string // which fails, and with what
		status     int
		says, not  string
	}{
		"keys with a token":        {temporary, "ReceiveMessage", "ExpiredToken", 403, "session_token have expired; put new ones there", "role"},
		"keys of a role":           {withRole, "ReceiveMessage", "ExpiredToken", 403, "the keys of the role have expired; new ones are fetched", "session_token"},
		"keys that a role is from": {withRole, "AssumeRole", "ExpiredToken", 403, "session_token have expired; put new ones there and start again, or use a shared credentials file, which is read again when it is rewritten (the role is assumed with them)", "sqs:"},
		"no right to the role":     {withRole, "AssumeRole", "AccessDenied", 403, "allow sts:AssumeRole on role_arn", "sqs:ReceiveMessage on"},
		"wrong keys below a role":  {withRole, "AssumeRole", "InvalidClientTokenId", 403, "the keys with which the role is assumed are not valid", "web_identity"},
		"an old web token":         {web, "AssumeRoleWithWebIdentity", "ExpiredTokenException", 400, "the token in web_identity.token_file has expired", "session_token"},
		"a wrong web token":        {web, "AssumeRoleWithWebIdentity", "InvalidIdentityToken", 400, "its trust policy must name the identity provider", "access_key_id"},
		"a right to the queue":     {withRole, "ReceiveMessage", "AccessDenied", 403, "allow sqs:ReceiveMessage on arn:q", "sts:"},
	} {
		t.Run(name, func(t *testing.T) {
			server := new(awstest.Server)
			newRecorder(server)
			server.Hook(func(call string, _ *http.Request) *awstest.Fault {
				if call == test.call {
					return &awstest.Fault{Status: test.status, Code: test.code, Message: "no"}
				}
				return nil
			})
			cfg := static()
			cfg.HTTPClient, cfg.Retry.MaxAttempts = server.Client(), 1
			test.set(&cfg)
			err := receive(t, open(t, cfg))
			require.Error(t, err)
			t.Log(err)
			assert.ErrorContains(t, err, test.says)
			assert.NotContains(t, err.Error(), test.not)
			assert.Equal(t, 1, server.Calls(test.call))
		})
	}
}

// Who may not ask who he is has no right missing.
func TestHintOfIdentity(t *testing.T) {
	alone(t)
	server := new(awstest.Server)
	server.Hook(func(string, *http.Request) *awstest.Fault {
		return &awstest.Fault{Status: 403, Code: "AccessDenied", Message: "User: arn:aws:iam::1:user/u is not authorized to perform: sts:GetCallerIdentity with an explicit deny"}
	})
	cfg := static()
	cfg.HTTPClient = server.Client()
	_, _, err := open(t, cfg).Identity(t.Context())
	assert.ErrorContains(t, err, "no right is needed for that")
	assert.NotContains(t, err.Error(), "allow sts:")
}

// The resource to allow is the one of the policy, not the form that the answer shows.
func TestHintNamesTheResourceOfThePolicy(t *testing.T) {
	const group = "arn:aws:logs:eu-west-1:1:log-group:trail"
	server := new(awstest.Server)
	message := "User: u is not authorized to perform: logs:FilterLogEvents on resource: " + group + ":log-stream: because no identity-based policy allows it"
	server.Hook(func(string, *http.Request) *awstest.Fault {
		return &awstest.Fault{Status: 400, Code: "AccessDeniedException", Message: message}
	})
	cfg := static()
	cfg.HTTPClient = server.Client()
	url := queueURL
	_, err := open(t, cfg).SQS("").ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url})
	explained := aws.Call{Doing: "reading", Action: "logs:FilterLogEvents", Resource: group + ":*"}.Explain(err)
	assert.ErrorContains(t, explained, "allow logs:FilterLogEvents on "+group+":*;")
	other := aws.Call{Doing: "reading", Action: "logs:DescribeLogGroups", Resource: "arn:x"}.Explain(err)
	assert.ErrorContains(t, other, "allow logs:FilterLogEvents on "+group+":log-stream:;", "what AWS misses, where it is something else")
}

// Keys that end before the time that was said for them are fetched anew within the same call, and not with every call.
func TestRefusedKeysAreRenewed(t *testing.T) {
	alone(t)
	synctest.Test(t, func(t *testing.T) {
		server := new(awstest.Server)
		r := newRecorder(server)
		var good atomic.Value
		good.Store("KEY1")
		server.Hook(func(call string, req *http.Request) *awstest.Fault {
			if call == "ReceiveMessage" && !strings.Contains(good.Load().(string), who(req)) {
				return &awstest.Fault{Status: 403, Code: "ExpiredToken", Message: "The security token included in the request is expired"}
			}
			return nil
		})
		cfg := static()
		cfg.HTTPClient, cfg.RoleARN = server.Client(), "arn:aws:iam::111111111111:role/a"
		s, err := aws.New(t.Context(), cfg, nil)
		require.NoError(t, err)
		server.Send("q", "hello")
		require.NoError(t, receive(t, s))
		for i := range 3 {
			time.Sleep(time.Minute)
			good.Store(fmt.Sprintf("KEY%d", i+2))
			require.NoError(t, receive(t, s), "no error shows")
		}
		assert.EqualValues(t, 4, r.keys.Load())

		time.Sleep(time.Minute)
		good.Store("none")
		require.ErrorContains(t, receive(t, s), "credentials expired (ExpiredToken)")
		assert.LessOrEqual(t, r.keys.Load(), int64(7), "STS is not asked with every try")
	})
}
