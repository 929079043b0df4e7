package sqlite

import (
	"database/sql"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output/outputtest"
)

func full() *ecs.Event {
	ev := &ecs.Event{Timestamp: "2024-05-06T07:08:09.000Z"}
	ev.Meta.ID, ev.Meta.Index = "an-id", "logs-aws.cloudtrail-prod"
	ev.Event.Action, ev.Event.Provider, ev.Event.Outcome, ev.Event.ID = "CreateUser", "iam.amazonaws.com", "failure", "e-1"
	ev.Event.Category = []string{"iam", "configuration"}
	ev.User.Name, ev.User.ID = "alice", "AIDA1"
	trail := &ev.AWS.CloudTrail
	trail.UserIdentity.Type, trail.UserIdentity.ARN = "IAMUser", "arn:aws:iam::111122223333:user/alice"
	trail.RecipientAccountID, trail.ErrorCode, trail.ErrorMessage = "444455556666", "AccessDenied", "no"
	trail.ReadOnly = ecs.False
	trail.Resources = []ecs.AWSCloudTrailResources{{ARN: "arn:aws:iam::111122223333:user/bob", Type: "AWS::IAM::User"}}
	trail.RequestParameters = "{userName=bob}"
	ev.Source.IP, ev.Source.Address = "198.51.100.7", "198.51.100.7"
	ev.Source.Geo.CountryISOCode, ev.Source.Geo.CityName = "SE", "Linköping"
	ev.Cloud.Account.ID, ev.Cloud.Region = "000022223333", "eu-north-1"
	ev.UserAgent.Original = "aws-cli/2.1"
	return ev
}

func TestView(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trailbeat.db")
	o := opened(t, path)
	bare := &ecs.Event{}
	service := &ecs.Event{}
	service.Service.Name, service.Source.Address = "ec2.amazonaws.com", "ec2.amazonaws.com"
	service.AWS.CloudTrail.ReadOnly = ecs.True
	service.AWS.CloudTrail.UserIdentity.Type = "AWSService"
	_, err := o.Write(t.Context(), []*ecs.Event{full(), bare, service})
	require.NoError(t, err)

	want := []map[string]any{
		{
			"time": "2024-05-06T07:08:09.000Z", "action": "CreateUser", "provider": "iam.amazonaws.com",
			"category": "iam,configuration", "outcome": "failure", "principal": "alice", "user": "alice", "user_id": "AIDA1",
			"user_type": "IAMUser", "user_arn": "arn:aws:iam::111122223333:user/alice", "source_ip": "198.51.100.7",
			"source_address": "198.51.100.7", "country": "SE", "city": "Linköping", "account": "000022223333",
			"region": "eu-north-1", "recipient_account": "444455556666", "error_code": "AccessDenied", "error_message": "no",
			"user_agent": "aws-cli/2.1", "read_only": int64(0), "event_id": "e-1",
			"resources":          `[{"arn":"arn:aws:iam::111122223333:user/bob","type":"AWS::IAM::User"}]`,
			"request_parameters": "{userName=bob}", "response_elements": nil,
			"data_stream": "logs-aws.cloudtrail-prod", "id": "an-id", "document": string(full().AppendJSON(nil)),
		},
		{"data_stream": DefaultDataStream, "document": "{}"},
		{
			"principal": "ec2.amazonaws.com", "source_address": "ec2.amazonaws.com", "read_only": int64(1),
			"user_type": "AWSService", "data_stream": DefaultDataStream, "document": string(service.AppendJSON(nil)),
		},
	}
	rows, err := database(t, path).Query("SELECT * FROM events")
	require.NoError(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	for _, expected := range want {
		require.True(t, rows.Next())
		values := make([]any, len(columns))
		targets := make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		require.NoError(t, rows.Scan(targets...))
		for i, name := range columns {
			require.Equal(t, expected[name], values[i], name)
		}
	}
	require.False(t, rows.Next())
	require.NoError(t, rows.Err())
	require.Len(t, columns, len(want[0]))
}

func TestActor(t *testing.T) {
	for want, set := range map[string]func(*ecs.Event){
		"":     func(ev *ecs.Event) { ev.User.Name, ev.User.ID = "alice", "AIDA" },
		"AIDA": func(ev *ecs.Event) { ev.User.ID, ev.AWS.CloudTrail.UserIdentity.Type = "AIDA", "IAMUser" },
		"arn":  func(ev *ecs.Event) { ev.AWS.CloudTrail.UserIdentity.ARN = "arn" },
		"Root": func(ev *ecs.Event) { ev.AWS.CloudTrail.UserIdentity.Type = "Root" },
		"s3":   func(ev *ecs.Event) { ev.AWS.CloudTrail.UserIdentity.InvokedBy = "s3" },
	} {
		ev := &ecs.Event{}
		set(ev)
		require.Equal(t, want, actor(ev))
	}
}

// The view promises that a query reads no more than it asks for. These plans are that promise.
func TestPlans(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trailbeat.db")
	o := opened(t, path)
	_, err := o.Write(t.Context(), outputtest.NewEvents(0, 500))
	require.NoError(t, err)
	db := database(t, path)
	for query, want := range map[string]struct {
		uses  string
		avoid []string
	}{
		"SELECT user, country, count(*) FROM events GROUP BY 1, 2":            {"SCAN c", []string{"documents", "data_streams"}},
		"SELECT action, count(*) FROM events GROUP BY action":                 {"COVERING INDEX event_columns_action", []string{"documents"}},
		"SELECT time, action FROM events WHERE user = 'alice'":                {"INDEX event_columns_user", []string{"documents"}},
		"SELECT time FROM events WHERE error_code = 'AccessDenied'":           {"INDEX event_columns_error_code", []string{"documents"}},
		"SELECT action FROM events ORDER BY time DESC LIMIT 20":               {"INDEX event_columns_time", []string{"documents", "TEMP B-TREE"}},
		"SELECT user FROM events WHERE time >= '2024-03-01'":                  {"INDEX event_columns_time", []string{"documents"}},
		"SELECT document FROM events WHERE user = 'bob'":                      {"INDEX event_columns_user", []string{"SCAN"}},
		"SELECT count(*) FROM documents WHERE data_stream = 1 AND id = 'abc'": {"COVERING INDEX", []string{"SCAN"}},
	} {
		plan := strings.Join(explainPlan(t, db, query), "\n")
		require.Contains(t, plan, want.uses, query)
		for _, avoid := range want.avoid {
			require.NotContains(t, plan, avoid, query)
		}
	}
}

func TestSummary(t *testing.T) {
	o := opened(t, filepath.Join(t.TempDir(), "trailbeat.db"))
	s, err := o.Summary(t.Context(), 3)
	require.NoError(t, err)
	require.Equal(t, Summary{}, s, "an empty database")

	events := outputtest.NewEvents(0, 100)
	events = append(events, &ecs.Event{})
	_, err = o.Write(t.Context(), events)
	require.NoError(t, err)
	s, err = o.Summary(t.Context(), 3)
	require.NoError(t, err)
	require.Equal(t, Summary{
		Documents:  101,
		First:      "2024-03-01T00:00:00.000Z",
		Last:       "2024-03-01T00:01:39.099Z",
		Actions:    []Count{{"AssumeRole", 20}, {"ConsoleLogin", 20}, {"GetObject", 20}},
		Principals: []Count{{"alice", 34}, {"bob", 33}, {"carol", 33}},
		Errors:     []Count{{"AccessDenied", 15}},
	}, s)
}

// Every document must come out of json_extract, whatever characters are in it.
func TestDocumentsAreJSONForSQLite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trailbeat.db")
	o := opened(t, path)
	texts := []string{"\x00\x1f", "\u2028", "quote \" \\", "Ünï 🦫", "invalid \xff"}
	var events []*ecs.Event
	for _, text := range texts {
		events = append(events, &ecs.Event{Message: text})
	}
	_, err := o.Write(t.Context(), events)
	require.NoError(t, err)
	rows, err := database(t, path).Query("SELECT json_valid(document), json_extract(document, '$.message'), document FROM events")
	require.NoError(t, err)
	defer rows.Close()
	for range texts {
		require.True(t, rows.Next())
		var valid bool
		var message, document string
		require.NoError(t, rows.Scan(&valid, &message, &document))
		require.True(t, valid)
		var decoded struct{ Message string }
		require.NoError(t, json.Unmarshal([]byte(document), &decoded))
		require.Equal(t, decoded.Message, message)
	}
}

func TestSummaryReadsIndexesOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trailbeat.db")
	o := opened(t, path)
	_, err := o.Write(t.Context(), outputtest.NewEvents(0, 500))
	require.NoError(t, err)
	db := database(t, path)
	for _, query := range []string{topActions, topPrincipals, topErrors, "SELECT count(*) FROM event_columns"} {
		steps := 0
		for _, step := range explainPlan(t, db, query) {
			if strings.HasPrefix(step, "SCAN ") || strings.HasPrefix(step, "SEARCH ") {
				steps++
				require.Contains(t, step, "COVERING INDEX", query)
			}
		}
		require.Positive(t, steps)
	}
}

func explainPlan(t *testing.T, db *sql.DB, query string) (steps []string) {
	t.Helper()
	query = strings.ReplaceAll(query, "?", "5")
	rows, err := db.Query("EXPLAIN QUERY PLAN " + query)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		require.NoError(t, rows.Scan(&id, &parent, &unused, &detail))
		steps = append(steps, detail)
	}
	require.NoError(t, rows.Err())
	return steps
}
