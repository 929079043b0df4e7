package pipeline_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline"
)

// callers are identities of every kind, and of kinds that there are not: each is met again and again, in records that differ.
var callers = []string{
	`{"type":"IAMUser","principalId":"P","arn":"arn:aws:iam::111122223333:user/ann","accountId":"111122223333","accessKeyId":"AKIAIOSFODNN7EXAMPLE","userName":"ann"}`,
	`{"type":"Root","principalId":"1","arn":"arn:aws:iam::1:root","accountId":"1"}`,
	`{"type":"AssumedRole","principalId":"P:s","arn":"arn:aws:sts::1:assumed-role/r/ann@example.com","accountId":"1","accessKeyId":"K","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"P","arn":"arn:aws:iam::1:role/r","accountId":"1","userName":"r"},"webIdFederationData":{},"attributes":{"creationDate":"2026-01-02T03:04:05Z","mfaAuthenticated":"false"}}}`,
	`{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/r/s","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::1:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX","userName":"AWSServiceRoleForX"}},"invokedBy":"x.amazonaws.com"}`,
	`{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/r/s","principalId":"p","userName":"u","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::1:role/aws-service-role/x.amazonaws.com/R"}}}`,
	`{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/r/","principalId":"p"}`, `{"type":"AssumedRole","arn":"urn:sts:/x"}`, `{"type":"AssumedRole","arn":"x:sts:/y"}`,
	`{"type":"AssumedRole","principalId":"no arn"}`, `{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/\u0072/s"}`, `{"type":"\u0041ssumedRole","arn":"arn:aws:sts::1:assumed-role/r/s"}`,
	`{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/r/s","sessionContext":{"sessionIssuer":{"arn":7,"userName":"i"}}}`,
	`{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/r/s","sessionContext":{"attributes":{"creationDate":"yesterday"}}}`,
	`{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/r/s","sessionContext":{"attributes":{"creationDate":"20260102T030405Z"},"assumedRoot":true}}`,
	`{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/r/s","sessionContext":{"assumedRoot":"x","sourceIdentity":"s","webIdFederationData":{"federatedProvider":"f","attributes":{"a":"b","c":null}}}}`,
	`{"type":"IdentityCenterUser","accountId":"1","onBehalfOf":{"userId":"u","identityStoreArn":"arn:aws:identitystore::1:identitystore/d-1"},"credentialId":"c"}`,
	`{"type":"IdentityCenterUser","arn":"arn:aws:sts::1:x/ann","onBehalfOf":{"userId":"u","identityStoreArn":"arn:aws:identitystore::1:identitystore/d-1"}}`,
	`{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/r/s","sessionContext":{"webIdFederationData":{"federatedProvider":"f","attributes":{"a":"b"}}}}`,
	`{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}`, `{"type":"AWSService","invokedBy":"ec2.amazonaws.com","arn":"arn:aws:iam::1:role/AWSServiceRoleForX","inScopeOf":{"sourceArn":"a"}}`,
	`{"type":"AWSAccount","principalId":"A","accountId":"1","invokedByDelegate":{"accountId":"2"}}`, `{"type":"SAMLUser","principalId":"p","userName":"u","identityProvider":"i"}`,
	`{"type":7,"arn":"a"}`, `{"arn":"arn:aws:iam::1:user/b"}`, `{"type":"IAMUser","accessKeyId":5,"arn":["a"]}`, `{"type":"IAMUser","userName":"-","arn":null}`,
	`{"type":"IAMUser","userName":"a","arn":"a","accessKeyId":"a"}`, `{"type":"IAMUser","userName":"ü@x","arn":"arn:aws:iam::1:user/ü"}`, `{ "type" : "IAMUser" , "userName" : "spaced" }`,
	`{"type":"IAMUser","accountId":5}`, `{}`, `null`, `"x"`, `[{"type":"IAMUser"}]`, `{"type":"IAMUser","type":"Root"}`, `{"a":{"b":{"c":1}}}`,
}

// historyRecords are the test cases, odd records, and the callers in several records each.
func historyRecords(t *testing.T) [][]byte {
	all := goldenRecords(t)
	for _, raw := range odd {
		all = append(all, []byte(raw))
	}
	for i, caller := range callers {
		for _, format := range []string{
			`{"eventVersion":"1.08","userIdentity":%s,"eventTime":"2026-01-02T03:04:05Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","recipientAccountId":"9"}`,
			`{"userIdentity":%s,"eventTime":"bad","eventSource":"s3.amazonaws.com","eventName":"GetObject","resources":[{"ARN":"arn:aws:iam::1:user/ann"},{"ARN":"b"}],"tlsDetails":{"tlsVersion":"TLSv1.2"}}`,
			`{"eventName":"GetCallerIdentity","eventSource":"sts.amazonaws.com","awsRegion":"r","userIdentity":%s,"userAgent":7}`,
			`{"eventName":"UserAuthentication","sessionCredentialFromConsole":"true","additionalEventData":{"UserName":"n"}, "userIdentity":%s}`,
		} {
			all = append(all, fmt.Appendf(nil, format, caller))
		}
		all = append(all, fmt.Appendf(nil, `{"n":%d,"userIdentity":%s}`, i, caller))
	}
	dir := os.Getenv("TRAILBEAT_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	files, err := filepath.Glob(filepath.Join(dir, "real", "cloudtrail", "*.json"))
	require.NoError(t, err)
	for _, name := range files[:min(len(files), 12)] { // where there are some: the other records do without
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		var container struct{ Records []json.RawMessage }
		require.NoError(t, json.Unmarshal(data, &container))
		for _, rec := range container.Records[:min(len(container.Records), 200)] {
			all = append(all, compacted(rec))
		}
	}
	return all
}

// What a pipeline makes of a record does not depend on the records before it: whatever it remembers, in whichever order they come, the document
// is that of a pipeline that has seen nothing yet.
func TestHistoryChangesNothing(t *testing.T) {
	records := historyRecords(t)
	random := rand.New(rand.NewPCG(8, 9))
	base, err := pipeline.New(pipeline.Config{})
	require.NoError(t, err)
	fill := append(slices.Clone(fillers), func(ev *ecs.Event) {
		ev.User.Email, ev.AWS.CloudTrail.UserIdentity.ARN, ev.AWS.CloudTrail.UserIdentity.Type = "e", "arn:aws:sts::1:x/y@z", "AssumedRole"
		ev.Related.User, ev.Related.Entity = append(ev.Related.User, "ann"), append(ev.Related.Entity, "b")
	})
	configs := []pipeline.Config{
		{}, {Retain: "keyword", PreserveOriginalEvent: true}, {Retain: "flattened"}, {Retain: "minimal"}, {Retain: "none", ActorTargetMapping: new(bool)},
	}
	if raceEnabled {
		configs = configs[:1] // a minute otherwise, and one goroutine
	}
	for n, conf := range configs {
		process := func(p *pipeline.Pipeline, i int, ev *ecs.Event) string {
			ev.Reset()
			ev.Timestamp = goldenTime
			fill[(n+i)%len(fill)](ev)
			require.NoError(t, p.Process(records[i], ev))
			return ev.Meta.ID + string(ev.AppendJSON(nil))
		}
		var want []string
		for i := range records {
			p, err := base.With(conf)
			require.NoError(t, err)
			want = append(want, process(p, i, new(ecs.Event)))
		}
		forth := make([]int, len(records))
		for i := range forth {
			forth[i] = i
		}
		back := slices.Clone(forth)
		slices.Reverse(back)
		var mixed, each []int
		for range 2 {
			mixed = append(mixed, random.Perm(len(records))...)
		}
		for _, i := range forth {
			each = append(each, i, i, i)
		}
		for _, order := range [][]int{append(slices.Clone(forth), forth...), back, mixed, each} {
			p, err := base.With(conf)
			require.NoError(t, err)
			var ev ecs.Event
			for _, i := range order {
				require.Equal(t, want[i], process(p, i, &ev), "%s", records[i])
			}
		}
	}
}
