package investigate

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// incident is a day on which a key was stolen. What is done in it and what is not is asked for below.
func incident() []string {
	m := &maker{}
	const thief = "198.51.100.66"
	stolen := by(user("svc-backup", "AKIAEXAMPLESTOLEN001"))
	first := by(session("111122223333", "deploy", "s1", "ASIAEXAMPLEFIRST0001"))
	second := by(session("444455556666", "audit", "s2", "ASIAEXAMPLESECOND001"))
	root := by(`{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333"}`)
	login := func(mfa string) string {
		return fmt.Sprintf(`"eventType":"AwsConsoleSignIn","responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"MFAUsed":%q,"MobileVersion":"No","LoginTo":"https://console.aws.example"}`, mfa)
	}
	return []string{
		// A quiet morning.
		m.record("01:00:00", "ec2", "DescribeInstances", readOnly),
		m.record("01:10:00", "s3", "ListBuckets", readOnly, by(user("svc-backup", "AKIAEXAMPLESTOLEN001"))),
		m.record("01:20:00", "signin", "ConsoleLogin", login("Yes")),
		m.record("01:30:00", "iam", "ListUsers", readOnly),
		m.record("01:40:00", "sts", "AssumeRole", by(`{"type":"AWSService","invokedBy":"ecs-tasks.amazonaws.com"}`), `"sourceIPAddress":"ecs-tasks.amazonaws.com"`,
			assumes("111122223333", "recipe-task", "t", "ASIAEXAMPLETASK00001")),
		// The thief looks around.
		m.record("13:00:00", "sts", "GetCallerIdentity", readOnly, stolen, from(thief)),
		m.record("13:01:00", "iam", "ListUsers", readOnly, denied, stolen, from(thief)),
		m.record("13:02:00", "ec2", "DescribeRegions", readOnly, `"errorCode":"Client.UnauthorizedOperation"`, stolen, from(thief)),
		m.record("13:02:30", "s3", "GetBucketPolicy", readOnly, `"errorCode":"NoSuchBucketPolicy"`, stolen, from(thief)),
		// From role to role, into another account: the trails of both have the call.
		m.record("13:03:00", "sts", "AssumeRole", stolen, from(thief), assumes("111122223333", "deploy", "s1", "ASIAEXAMPLEFIRST0001")),
		m.record("13:04:00", "sts", "AssumeRole", first, from(thief), assumes("444455556666", "audit", "s2", "ASIAEXAMPLESECOND001"), `"sharedEventID":"shared-1"`),
		m.record("13:04:00", "sts", "AssumeRole", first, from(thief), assumes("444455556666", "audit", "s2", "ASIAEXAMPLESECOND001"), `"sharedEventID":"shared-1"`, `"recipientAccountId":"444455556666"`),
		m.record("13:05:00", "sts", "AssumeRole", first, from(thief), denied, `"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/admin","roleSessionName":"s3"}`),
		// What is read.
		m.record("13:10:00", "s3", "GetObject", readOnly, first, from(thief), `"eventCategory":"Data"`, `"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::payroll/1.csv"}]`),
		m.record("13:11:00", "s3", "GetObject", readOnly, first, from(thief), `"eventCategory":"Data"`, `"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::payroll/2.csv"}]`),
		m.record("13:12:00", "secretsmanager", "GetSecretValue", readOnly, second, from(thief), `"recipientAccountId":"444455556666"`, `"requestParameters":{"secretId":"prod/db"}`),
		m.record("13:13:00", "ec2", "ModifySnapshotAttribute", first, from(thief), `"requestParameters":{"snapshotId":"snap-1","attributeType":"CREATE_VOLUME_PERMISSION"}`),
		m.record("13:14:00", "s3", "PutObject", first, from(thief), `"eventCategory":"Data"`),
		// To stay, and not to be seen.
		m.record("13:20:00", "iam", "CreateUser", first, from(thief), `"requestParameters":{"userName":"helper"}`),
		m.record("13:21:00", "iam", "CreateAccessKey", first, from(thief), `"requestParameters":{"userName":"helper"},"responseElements":{"accessKey":{"accessKeyId":"AKIAEXAMPLEHELPER001","userName":"helper","status":"Active"}}`),
		m.record("13:22:00", "iam", "AttachUserPolicy", first, from(thief), denied, `"requestParameters":{"userName":"helper","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}`),
		m.record("13:30:00", "cloudtrail", "StopLogging", first, from(thief), `"requestParameters":{"name":"all"}`),
		m.record("13:31:00", "guardduty", "DeleteDetector", first, from(thief), `"requestParameters":{"detectorId":"d1"}`),
		m.record("13:32:00", "cloudtrail", "StartLogging", by(user("tomas", "AKIAEXAMPLETOMAS0001")), `"requestParameters":{"name":"all"}`),
		m.record("13:40:00", "ec2", "RunInstances", by(user("helper", "AKIAEXAMPLEHELPER001")), from("203.0.113.9"), `"awsRegion":"ap-southeast-2"`),
		// Names that other services have as well.
		m.record("13:41:00", "quicksight", "CreateUser", by(user("tomas", "AKIAEXAMPLETOMAS0001"))),
		m.record("13:42:00", "frauddetector", "DeleteDetector", by(user("tomas", "AKIAEXAMPLETOMAS0001"))),
		// Root, and a login with a password alone.
		m.record("14:00:00", "signin", "ConsoleLogin", root, login("No")),
		m.record("14:01:00", "iam", "UpdateAccountPasswordPolicy", root),
		m.record("14:02:00", "signin", "ConsoleLogin", by(session("111122223333", "sso", "nora", "")), login("No")),
	}
}

// answers are the questions of the incident: how many rows, and for each of them the values of some columns, in order.
var answers = []struct {
	question, of, from, to string
	columns                []string
	rows                   []string // one line of the columns each, as fmt.Sprint writes them
}{
	{"overview", "", "", "", []string{"what", "value"}, []string{
		"[events 30]", "[first 2026-11-20T01:00:00.000Z]", "[last 2026-11-20T14:02:00.000Z]", "[principals 9]", "[accounts 2]", "[regions 2]",
		"[kinds of calls 22]", "[failed 5]", "[by root 2]", "[by another account 1]", "[console logins 3]"}},
	{"access-key", "AKIAEXAMPLESTOLEN001", "", "", []string{"who", "source_ip", "calls", "failed"}, []string{
		"[arn:aws:iam::111122223333:user/svc-backup 192.0.2.7 1 0]", "[arn:aws:iam::111122223333:user/svc-backup 198.51.100.66 5 3]"}},
	{"ip", "203.0.113.9", "", "", []string{"who", "access_key", "calls"}, []string{"[arn:aws:iam::111122223333:user/helper AKIAEXAMPLEHELPER001 1]"}},
	{"role", "deploy", "", "", []string{"time", "who", "issued_key", "calls", "failed", "last_call"}, []string{
		"[2026-11-20T13:03:00.000Z arn:aws:iam::111122223333:user/svc-backup ASIAEXAMPLEFIRST0001 12 2 2026-11-20T13:31:00.000Z]"}},
	{"role", "arn:aws:iam::111122223333:role/admin", "", "", []string{"who", "error_code", "issued_key"}, []string{"[arn:aws:iam::111122223333:role/deploy AccessDenied <nil>]"}},
	{"sessions", "AKIAEXAMPLESTOLEN001", "", "", []string{"depth", "key", "action", "target", "calls"}, []string{
		"[0 AKIAEXAMPLESTOLEN001 <nil> <nil> 6]",
		"[1 ASIAEXAMPLEFIRST0001 AssumeRole arn:aws:iam::111122223333:role/deploy 12]",
		"[2 ASIAEXAMPLESECOND001 AssumeRole arn:aws:iam::444455556666:role/audit 1]",
		"[2 AKIAEXAMPLEHELPER001 CreateAccessKey helper 1]"}},
	{"cross-account", "", "", "", []string{"from_account", "in_accounts", "action", "trails", "shared_event"}, []string{"[111122223333 111122223333,444455556666 AssumeRole 2 shared-1]"}},
	{"cross-account", "shared-1", "", "", []string{"trails"}, []string{"[2]"}},
	{"cross-account", "999999999999", "", "", nil, nil},
	{"principals", "", "", "", []string{"who", "calls"}, []string{
		"[arn:aws:iam::111122223333:role/deploy 12]", "[arn:aws:iam::111122223333:user/svc-backup 6]", "[arn:aws:iam::111122223333:user/amina 3]",
		"[arn:aws:iam::111122223333:user/tomas 3]", "[arn:aws:iam::111122223333:root 2]", "[arn:aws:iam::111122223333:role/sso 1]",
		"[arn:aws:iam::111122223333:user/helper 1]", "[arn:aws:iam::444455556666:role/audit 1]", "[ecs-tasks.amazonaws.com 1]"}},
	{"failures", "", "", "", []string{"who", "error_code", "action", "times"}, []string{
		"[arn:aws:iam::111122223333:user/svc-backup AccessDenied iam:ListUsers 1]", "[arn:aws:iam::111122223333:user/svc-backup Client.UnauthorizedOperation ec2:DescribeRegions 1]",
		"[arn:aws:iam::111122223333:user/svc-backup NoSuchBucketPolicy s3:GetBucketPolicy 1]", "[arn:aws:iam::111122223333:role/deploy AccessDenied sts:AssumeRole 1]",
		"[arn:aws:iam::111122223333:role/deploy AccessDenied iam:AttachUserPolicy 1]"}},
	{"failures", "arn:aws:iam::111122223333:role/deploy", "", "", []string{"action"}, []string{"[sts:AssumeRole]", "[iam:AttachUserPolicy]"}},
	{"denials", "", "", "", []string{"who", "denied", "kinds"}, []string{"[arn:aws:iam::111122223333:user/svc-backup 2 2]", "[arn:aws:iam::111122223333:role/deploy 2 2]"}},
	{"console-no-mfa", "", "", "", []string{"time", "user_type"}, []string{"[2026-11-20T14:00:00.000Z Root]"}},
	{"root-use", "", "", "", []string{"action"}, []string{"[ConsoleLogin]", "[UpdateAccountPasswordPolicy]"}},
	{"persistence", "", "", "", []string{"action", "target", "error_code"}, []string{"[CreateUser helper <nil>]", "[CreateAccessKey helper <nil>]", "[AttachUserPolicy helper AccessDenied]"}},
	{"defence-evasion", "", "", "", []string{"provider", "action"}, []string{"[cloudtrail.amazonaws.com StopLogging]", "[guardduty.amazonaws.com DeleteDetector]"}},
	{"defence-evasion", "", "2026-11-20T13:31:00Z", "2026-11-20T13:31:01Z", []string{"action"}, []string{"[DeleteDetector]"}},
	{"sharing", "", "", "", []string{"action", "target"}, []string{"[ModifySnapshotAttribute snap-1]"}},
	{"data-read", "", "", "", []string{"who", "action", "calls", "targets"}, []string{
		"[arn:aws:iam::111122223333:role/deploy s3:GetObject 2 2]", "[arn:aws:iam::444455556666:role/audit secretsmanager:GetSecretValue 1 1]",
		"[arn:aws:iam::111122223333:role/deploy ec2:ModifySnapshotAttribute 1 1]"}},
	{"data-read", "arn:aws:iam::444455556666:role/audit", "", "", []string{"action"}, []string{"[secretsmanager:GetSecretValue]"}},
	{"read-by", "ASIAEXAMPLEFIRST0001", "", "", []string{"target", "action", "calls"}, []string{"[arn:aws:s3:::payroll/1.csv GetObject 1]", "[arn:aws:s3:::payroll/2.csv GetObject 1]"}},
	{"actions", "AKIAEXAMPLEHELPER001", "", "", []string{"action", "calls"}, []string{"[RunInstances 1]"}},
	{"actions", "203.0.113.9", "", "", []string{"action", "calls"}, []string{"[RunInstances 1]"}},
	{"actions", "arn:aws:sts::444455556666:assumed-role/audit/s2", "", "", []string{"action", "calls"}, []string{"[GetSecretValue 1]"}},
	{"actions", "arn:aws:iam::111122223333:user/amina", "", "", []string{"action", "calls"}, []string{"[DescribeInstances 1]", "[ConsoleLogin 1]", "[ListUsers 1]"}},
	{"actions", "nobody", "", "", nil, nil},
	{"timeline", "ASIAEXAMPLESECOND001", "", "", []string{"time", "action"}, []string{"[2026-11-20T13:12:00.000Z GetSecretValue]"}},
	{"timeline", "", "2026-11-20T13:00:00Z", "2026-11-20T13:04:00Z", []string{"time", "action"}, []string{
		"[2026-11-20T13:01:00.000Z ListUsers]", "[2026-11-20T13:02:00.000Z DescribeRegions]", "[2026-11-20T13:02:30.000Z GetBucketPolicy]", "[2026-11-20T13:03:00.000Z AssumeRole]"}},
	{"hours", "", "", "", []string{"hour", "calls", "failed", "principals"}, []string{"[2026-11-20T01:00Z 5 0 3]", "[2026-11-20T13:00Z 22 5 5]", "[2026-11-20T14:00Z 3 0 2]"}},
	{"hours", "ecs-tasks.amazonaws.com", "", "", []string{"hour", "calls"}, []string{"[2026-11-20T01:00Z 1]"}},
	{"new-principals", "", "", "", []string{"who"}, []string{
		"[arn:aws:iam::111122223333:role/deploy]", "[arn:aws:iam::444455556666:role/audit]", "[arn:aws:iam::111122223333:user/tomas]",
		"[arn:aws:iam::111122223333:user/helper]", "[arn:aws:iam::111122223333:root]", "[arn:aws:iam::111122223333:role/sso]"}},
	{"new-principals", "", "2026-11-20T13:33:00Z", "2026-11-20T14:00:30Z", []string{"who"}, []string{"[arn:aws:iam::111122223333:user/helper]", "[arn:aws:iam::111122223333:root]"}},
	{"new-regions", "", "2026-11-20T13:20:00Z", "", []string{"account", "region"}, []string{"[111122223333 ap-southeast-2]"}},
}

func TestQuestions(t *testing.T) {
	s := storeOf(t, incident()...)
	tested := map[string]bool{}
	for _, a := range answers {
		t.Run(a.question+" "+a.of+a.from, func(t *testing.T) {
			tested[a.question] = true
			q, err := Find(a.question)
			require.NoError(t, err)
			v := Values{Of: a.of, From: at(t, a.from), To: at(t, a.to)}
			r, err := s.Ask(t.Context(), &q, v, 0)
			require.NoError(t, err)
			got := lines(t, r, a.columns)
			assert.Equal(t, a.rows, got)

			// The same as SQL that is printed.
			again, err := s.Query(t.Context(), q.Text(v), 0)
			require.NoError(t, err, q.Text(v))
			assert.Equal(t, r, again)
		})
	}
	for _, q := range Questions() {
		assert.True(t, tested[q.Name], "%s is not tested", q.Name)
		assert.NotEmpty(t, q.Title, q.Name)
	}
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	if text == "" {
		return time.Time{}
	}
	v, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return v
}

// lines gives some columns of each row.
func lines(t *testing.T, r *Result, columns []string) []string {
	t.Helper()
	var out []string
	for _, row := range r.Rows {
		var values []any
		for _, name := range columns {
			found := false
			for i, c := range r.Columns {
				if c == name {
					values, found = append(values, row[i]), true
				}
			}
			require.True(t, found, "there is no column %s in %v", name, r.Columns)
		}
		out = append(out, fmt.Sprint(values))
	}
	return out
}
