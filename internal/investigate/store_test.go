package investigate

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output/sqlite"
	"github.com/trailbeat/trailbeat/pipeline"
)

// maker makes records that differ in their ids.
type maker struct{ n int }

// record makes one of a call; more are members of it, the later of two of a name counts.
func (m *maker) record(at, source, name string, more ...string) string {
	m.n++
	members := []string{
		`"eventVersion":"1.11"`, fmt.Sprintf(`"eventTime":"2026-11-20T%sZ"`, at), fmt.Sprintf(`"eventSource":"%s.amazonaws.com"`, source),
		fmt.Sprintf(`"eventName":%q`, name), fmt.Sprintf(`"eventID":"00000000-0000-4000-a000-%012d"`, m.n),
	}
	has := func(member string) bool {
		for _, s := range more {
			if strings.HasPrefix(s, `"`+member+`":`) {
				return true
			}
		}
		return false
	}
	for _, d := range [][2]string{
		{"awsRegion", `"eu-west-1"`}, {"recipientAccountId", `"111122223333"`}, {"sourceIPAddress", `"192.0.2.7"`}, {"readOnly", "false"},
		{"eventCategory", `"Management"`}, {"userAgent", `"aws-cli/2.31.4"`}, {"userIdentity", user("amina", "AKIAEXAMPLEAMINA0001")},
	} {
		if !has(d[0]) {
			members = append(members, fmt.Sprintf("%q:%s", d[0], d[1]))
		}
	}
	return "{" + strings.Join(append(members, more...), ",") + "}"
}

func user(name, key string) string {
	return fmt.Sprintf(`{"type":"IAMUser","principalId":"AIDA%s","arn":"arn:aws:iam::111122223333:user/%s","accountId":"111122223333","accessKeyId":%q,"userName":%q}`, name, name, key, name)
}

func session(account, role, name, key string) string {
	return fmt.Sprintf(`{"type":"AssumedRole","principalId":"AROA%[2]s:%[3]s","arn":"arn:aws:sts::%[1]s:assumed-role/%[2]s/%[3]s","accountId":"%[1]s","accessKeyId":"%[4]s",`+
		`"sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROA%[2]s","arn":"arn:aws:iam::%[1]s:role/%[2]s","accountId":"%[1]s","userName":"%[2]s"},`+
		`"attributes":{"creationDate":"2026-11-20T07:00:00Z","mfaAuthenticated":"false"}}}`, account, role, name, key)
}

func by(identity string) string { return `"userIdentity":` + identity }

// from is the address of the caller.
func from(ip string) string { return fmt.Sprintf(`"sourceIPAddress":%q`, ip) }

const (
	denied   = `"errorCode":"AccessDenied","errorMessage":"no"`
	readOnly = `"readOnly":true`
)

// assumes makes the members of an AssumeRole that led to a key.
func assumes(account, role, name, key string) string {
	return fmt.Sprintf(`"requestParameters":{"roleArn":"arn:aws:iam::%[1]s:role/%[2]s","roleSessionName":"%[3]s"},`+
		`"responseElements":{"credentials":{"accessKeyId":"%[4]s"},"assumedRoleUser":{"assumedRoleId":"AROA:%[3]s","arn":"arn:aws:sts::%[1]s:assumed-role/%[2]s/%[3]s"}},`+
		`"resources":[{"accountId":"%[1]s","type":"AWS::IAM::Role","ARN":"arn:aws:iam::%[1]s:role/%[2]s"}]`, account, role, name, key)
}

// write adds documents of records to a database.
func write(t testing.TB, path string, records ...string) {
	t.Helper()
	out, err := sqlite.New(sqlite.Config{Path: path}, nil)
	require.NoError(t, err)
	p, err := pipeline.New(pipeline.Config{})
	require.NoError(t, err)
	var events []*ecs.Event
	for _, r := range records {
		ev := new(ecs.Event)
		require.NoError(t, p.Process([]byte(r), ev))
		require.NotEqual(t, "pipeline_error", ev.Event.Kind, "%s: %v", r, ev.Error.Message)
		events = append(events, ev)
	}
	_, err = out.Write(t.Context(), events)
	require.NoError(t, err)
	require.NoError(t, out.Close())
	require.NoError(t, p.Close())
}

// storeOf makes a database of records that is ready for questions.
func storeOf(t testing.TB, records ...string) *Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "case.db")
	write(t, path, records...)
	require.NoError(t, Prepare(t.Context(), path, nil))
	return openStore(t, path)
}

func openStore(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}
