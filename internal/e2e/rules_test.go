package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/stack"
)

// rawRecord is a record as CloudTrail wrote it.
type rawRecord map[string]any

// text is the text at a path of members, empty where there is none.
func (r rawRecord) text(path ...string) string {
	s, _ := at(map[string]any(r), path).(string)
	return s
}

// is says that the record is of one of these calls of a service.
func (r rawRecord) is(service string, calls ...string) bool {
	return r.text("eventSource") == service+".amazonaws.com" && slices.Contains(calls, r.text("eventName"))
}

// worked says that the call had no error. Of a sign-in the answer says it.
func (r rawRecord) worked() bool {
	if said := r.text("responseElements", "ConsoleLogin"); said != "" {
		return said == "Success"
	}
	return r["errorCode"] == nil && r["errorMessage"] == nil
}

// holds says that one of the texts occurs anywhere in the values below a path.
func (r rawRecord) holds(path []string, texts ...string) bool {
	var search func(v any) bool
	search = func(v any) bool {
		switch v := v.(type) {
		case string:
			return slices.Contains(texts, v)
		case []any:
			return slices.ContainsFunc(v, search)
		case map[string]any:
			for _, member := range v {
				if search(member) {
					return true
				}
			}
		}
		return false
	}
	return search(at(map[string]any(r), path))
}

// each is a rule that looks at one record at a time.
func each(matches func(rawRecord) bool) func([]rawRecord) []rawRecord {
	return func(records []rawRecord) []rawRecord {
		return slices.DeleteFunc(slices.Clone(records), func(r rawRecord) bool { return !matches(r) })
	}
}

// rawRules say which raw records each rule must find. They know nothing of the mapping.
var rawRules = map[string]func([]rawRecord) []rawRecord{
	"root-login": each(func(r rawRecord) bool {
		return r.is("signin", "ConsoleLogin") && r.worked() && r.text("userIdentity", "type") == "Root"
	}),
	"console-login-without-mfa": each(func(r rawRecord) bool {
		return r.is("signin", "ConsoleLogin") && r.worked() && r.text("additionalEventData", "MFAUsed") == "No" &&
			r.text("userIdentity", "type") != "AssumedRole"
	}),
	"trail-stopped":      each(func(r rawRecord) bool { return r.is("cloudtrail", "StopLogging", "DeleteTrail") }),
	"access-key-created": each(func(r rawRecord) bool { return r.is("iam", "CreateAccessKey") && r.worked() }),
	"policy-attached": each(func(r rawRecord) bool {
		call := r.text("eventName")
		return r.text("eventSource") == "iam.amazonaws.com" && r.worked() &&
			(strings.HasPrefix(call, "Attach") || strings.HasPrefix(call, "Put")) &&
			(strings.HasSuffix(call, "UserPolicy") || strings.HasSuffix(call, "GroupPolicy") || strings.HasSuffix(call, "RolePolicy"))
	}),
	"security-group-opened": each(func(r rawRecord) bool {
		return r.is("ec2", "AuthorizeSecurityGroupIngress") && r.worked() && r.holds([]string{"requestParameters"}, "0.0.0.0/0", "::/0")
	}),
	"kms-key-deletion-scheduled": each(func(r rawRecord) bool { return r.is("kms", "ScheduleKeyDeletion") && r.worked() }),
	"secrets-read-in-number": func(records []rawRecord) []rawRecord {
		byCaller := map[string][]rawRecord{}
		for _, r := range records {
			if r.is("secretsmanager", "GetSecretValue", "BatchGetSecretValue") && r.worked() {
				caller := r.text("userIdentity", "arn")
				byCaller[caller] = append(byCaller[caller], r)
			}
		}
		var many []rawRecord
		for caller, reads := range byCaller {
			if caller != "" && len(reads) >= 10 {
				many = append(many, reads...)
			}
		}
		return many
	},
	"snapshot-shared": each(func(r rawRecord) bool {
		if !r.worked() {
			return false
		}
		if r.is("ec2", "ModifySnapshotAttribute") {
			added, _ := at(map[string]any(r), []string{"requestParameters", "createVolumePermission", "add", "items"}).([]any)
			return len(added) > 0
		}
		added, _ := at(map[string]any(r), []string{"requestParameters", "valuesToAdd"}).([]any)
		return r.is("rds", "ModifyDBSnapshotAttribute", "ModifyDBClusterSnapshotAttribute") && len(added) > 0 &&
			r.text("requestParameters", "attributeName") == "restore"
	}),
	"ec2-user-data-read": each(func(r rawRecord) bool {
		return r.is("ec2", "DescribeInstanceAttribute") && r.text("requestParameters", "attribute") == "userData"
	}),
}

// rule is a file of testdata/rules: a search as both engines take it. Where it counts, the aggregation callers holds
// what it found, by caller.
type rule struct {
	Name        string
	Description string          `json:"description"`
	Search      json.RawMessage `json:"search"`
}

func rules(t testing.TB) []rule {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(repository, "testdata", "rules", "*.json"))
	require.NoError(t, err)
	var all []rule
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		r := rule{Name: strings.TrimSuffix(filepath.Base(file), ".json")}
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.DisallowUnknownFields()
		require.NoError(t, decoder.Decode(&r), file)
		require.NotEmpty(t, r.Description, file)
		require.NotNil(t, rawRules[r.Name], "%s: say in rawRules which records it must find", file)
		all = append(all, r)
	}
	require.Len(t, all, len(rawRules))
	return all
}

// found are the eventIDs that a rule finds in the stream, each once.
func (s docStream) found(t testing.TB, r rule) []string {
	t.Helper()
	answer := s.search(t, string(r.Search))
	ids := []string{}
	for _, hit := range answer.Hits.Hits {
		var doc struct {
			Event struct {
				ID string `json:"id"`
			} `json:"event"`
		}
		require.NoError(t, json.Unmarshal(hit.Source, &doc))
		ids = append(ids, doc.Event.ID)
	}
	if callers := answer.Aggregations["callers"]; callers != nil {
		var found struct {
			Buckets []struct {
				Events struct {
					Buckets []struct{ Key string }
				}
			}
		}
		require.NoError(t, json.Unmarshal(callers, &found))
		for _, caller := range found.Buckets {
			for _, event := range caller.Events.Buckets {
				ids = append(ids, event.Key)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// expected are the eventIDs that a rule must find among the records, each once.
func (r rule) expected(records []rawRecord) []string {
	ids := []string{}
	for _, record := range rawRules[r.Name](records) {
		ids = append(ids, record.text("eventID"))
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// recordsIn reads all records below a path: log files, plain or packed, and files with a record a line.
func recordsIn(t testing.TB, root string) []rawRecord {
	t.Helper()
	var records []rawRecord
	// Each event counts once, as it is one document.
	seen := map[string]bool{}
	add := func(r rawRecord) {
		id := r.text("eventID")
		if id == "" || !seen[id] {
			seen[id] = true
			records = append(records, r)
		}
	}
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		if strings.HasSuffix(path, ".gz") {
			z, err := gzip.NewReader(bytes.NewReader(data))
			require.NoError(t, err)
			data, err = io.ReadAll(z)
			require.NoError(t, err)
		}
		if strings.HasSuffix(path, ".ndjson") {
			for _, line := range lines(t, data) {
				var r rawRecord
				if json.Unmarshal(line, &r) == nil { // lines that are no JSON object match no rule
					add(r)
				}
			}
			return nil
		}
		var log struct{ Records []rawRecord }
		require.NoError(t, json.Unmarshal(data, &log), path)
		for _, r := range log.Records {
			add(r)
		}
		return nil
	}))
	return records
}

// Ten detections, written for the documents, find in the engines exactly the records that the raw files say they should.
func TestRulesFindWhatTheyShould(t *testing.T) {
	all := rules(t)
	for _, kind := range []string{stack.Elasticsearch, stack.OpenSearch} {
		t.Run(kind, func(t *testing.T) {
			stack.Find(t, kind)
			matched := map[string]int{}
			complete := true
			for _, source := range []struct {
				name string
				path func(testing.TB) string
			}{
				{"samples", func(testing.TB) string { return filepath.Join(repository, "testdata", "samples") }},
				{"cases", compactCases},
				{"real", func(t testing.TB) string { dir, _ := realBucket(t); return dir }},
				{"reference", parityRecords},
			} {
				ran := false
				t.Run(source.name, func(t *testing.T) {
					path := source.path(t)
					ran = true
					s := newDocStream(t, kind, "rules")
					assert.Zero(t, s.ship(t, path).deadLettered)
					records := recordsIn(t, path)
					require.NotEmpty(t, records)
					for _, r := range all {
						want, got := r.expected(records), s.found(t, r)
						assert.Equal(t, want, got, r.Name)
						matched[r.Name] += len(want)
						t.Logf("%s: %d of %d", r.Name, len(got), len(records))
					}
				})
				complete = complete && ran
			}
			if !complete {
				t.Log("without the reference data not every rule has something to find")
				return
			}
			for _, r := range all {
				assert.NotZero(t, matched[r.Name], "%s finds nothing anywhere", r.Name)
			}
		})
	}
}
