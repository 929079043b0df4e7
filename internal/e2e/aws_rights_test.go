package e2e

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// statement of a policy, as IAM takes it.
type statement struct {
	Sid, Effect      string
	Action, Resource []string
	Condition        map[string]map[string][]string `json:",omitempty"`
}

// enforce has the server check keys, signatures and policies, or no longer. Servers that cannot do it skip the test.
func (c *cloud) enforce(on bool) {
	c.t.Helper()
	after := "inf"
	if on {
		after = "0"
	}
	resp, err := http.Post(c.url+"/moto-api/reset-auth", "text/plain", strings.NewReader(after)) //nolint:noctx // in a cleanup too
	require.NoError(c.t, err)
	_ = resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound {
		c.t.Skip("this server does not check rights; that of ../shared/stack/aws does")
	}
	require.Equal(c.t, http.StatusOK, resp.StatusCode)
}

// iam makes a call of IAM and gives the first text below each name of the answer.
func (c *cloud) iam(action string, values map[string]string) map[string]string {
	c.t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2010-05-08"}}
	for name, value := range values {
		form.Set(name, value)
	}
	req, err := http.NewRequestWithContext(c.ctx, http.MethodPost, c.url, strings.NewReader(form.Encode()))
	require.NoError(c.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(c.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(c.t, err)
	require.Equal(c.t, http.StatusOK, resp.StatusCode, "%s: %s", action, body)
	found, name := map[string]string{}, ""
	for d := xml.NewDecoder(bytes.NewReader(body)); ; {
		token, err := d.Token()
		if err != nil {
			return found
		}
		switch token := token.(type) {
		case xml.StartElement:
			name = token.Name.Local
		case xml.CharData:
			if _, ok := found[name]; !ok {
				found[name] = strings.TrimSpace(string(token))
			}
		}
	}
}

// without gives the statements without an action. The server knows the resources of S3 only: for the others it asks for a
// right to everything.
func without(statements []statement, action string) (text string) {
	var left []statement
	for _, st := range statements {
		st.Action = slices.DeleteFunc(slices.Clone(st.Action), func(a string) bool { return a == action })
		if len(st.Action) == 0 {
			continue
		}
		if !strings.HasPrefix(st.Action[0], "s3:") {
			st.Resource = []string{"*"}
		}
		left = append(left, st)
	}
	data, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": left})
	return string(data)
}

// The policy that is exported suffices, and each action in it is needed: without it the test of the inputs says which one is
// missing.
func TestAWSRights(t *testing.T) {
	c := newCloud(t)
	if c.otherQueues() {
		t.Skip("these servers do not check rights: unset TRAILBEAT_TEST_SQS_URL and TRAILBEAT_TEST_S3_URL, so that the server of ../shared/stack/aws does")
	}
	c.enforce(false)
	t.Cleanup(func() { c.enforce(false) })
	queue := ""
	c.inParallel(func() { queue = c.queue("--notify plain", 0, 20, 1) }, func() { c.deliver("rights", time.Now(), c.files[5:6]) }, c.groups(1)[0])
	c.fast(queue, c.crafted(0, 2))
	var made struct{ QueueUrl string }
	c.call(c.sqs, "AmazonSQS.CreateQueue", map[string]any{"QueueName": c.name + "-other"}, &made)
	other := made.QueueUrl
	c.send(other, "CloudTrail validation message.")
	name := c.name + "-q0"
	s := c.write(hurriedQueue("queue", queue)+c.bucketInput()+c.groupInput(), "")
	exported, err := exec.CommandContext(c.ctx, binary, "export", "iam-policy", "-c", s.config).Output()
	require.NoError(t, err)
	var policy struct{ Statement []statement }
	require.NoError(t, json.Unmarshal(exported, &policy))
	for i, st := range policy.Statement { // what messages will name is not in the configuration
		if slices.Equal(st.Action, []string{"s3:GetObject"}) {
			t.Logf("s3:GetObject is allowed on %v; the test narrows it", st.Resource)
			policy.Statement[i].Resource = []string{"arn:aws:s3:::" + name + "/*", "arn:aws:s3:::" + c.name + "-org/*"}
		}
	}
	var actions []string
	for _, st := range policy.Statement {
		actions = append(actions, st.Action...)
	}
	slices.Sort(actions)
	actions = slices.Compact(actions)

	user := map[string]string{"UserName": c.name}
	c.iam("CreateUser", user)
	key := c.iam("CreateAccessKey", user)
	allow := func(policy string) {
		c.enforce(false)
		c.iam("PutUserPolicy", map[string]string{"UserName": c.name, "PolicyName": "least", "PolicyDocument": policy})
		c.enforce(true)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
	t.Setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
	test := func(queue string) (string, error) {
		out, err := exec.CommandContext(c.ctx, binary, "test", "input", "-c", s.config, "-E", "trailbeat.inputs.0.queue_url="+queue).CombinedOutput()
		return string(out), err
	}

	allow(without(policy.Statement, ""))
	out, err := test(queue)
	require.NoError(t, err, out)
	assert.NotContains(t, out, "FAILED")
	notCarried := []string{"kms:Decrypt"} // the server decrypts for everybody
	named := 0
	for _, action := range actions {
		if slices.Contains(notCarried, action) {
			continue
		}
		from := queue
		if action == "sqs:ChangeMessageVisibility" { // without it the messages stay in flight for half a minute
			from = other
		}
		allow(without(policy.Statement, action))
		out, err := test(from)
		if assert.Error(t, err, "without %s: %s", action, out) {
			named++
		}
		assert.Contains(t, out, "FAILED", "without %s", action)
		assert.Contains(t, out, "allow "+action, "without %s", action)
	}
	t.Logf("actions %v; %d of them are missed and named, not carried by the server: %v", actions, named, notCarried)

	// Wrong keys are told from missing rights.
	require.NoError(t, os.Setenv("AWS_SECRET_ACCESS_KEY", "wrong"))
	out, err = test(queue)
	require.Error(t, err)
	assert.Contains(t, out, "no valid credentials")
	require.NoError(t, os.Setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"]))

	// A run without a right names it, loses nothing, and the next one delivers the rest. What could not be deleted is durable
	// all the same: it comes again, and is a duplicate.
	for i, run := range []struct {
		action string
		code   int
	}{{"sqs:DeleteMessage", 0}, {"s3:GetObject", 1}} {
		c.enforce(false)
		c.fast(queue, c.crafted(2+i, 3+i))
		allow(without(policy.Statement, run.action))
		denied := s.start("run")
		assert.Equal(t, run.code, denied.code(), "without %s", run.action)
		assert.Contains(t, denied.output(), "allow "+run.action)
	}
	allow(without(policy.Statement, ""))
	c.finishEnforced(s, queue)
	c.enforce(false)
	c.check()
	assert.True(t, c.empty(queue))
}

// finishEnforced runs the shipper with the rights until the queue, which only the open server tells of, is empty: what could not be
// deleted comes back when its time is over.
func (c *cloud) finishEnforced(s *scene, queue string) {
	c.t.Helper()
	s.until("an empty queue", func() bool {
		s.start("run").good()
		c.enforce(false)
		empty := c.empty(queue)
		c.enforce(true)
		return empty
	})
}
