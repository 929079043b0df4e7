package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// costReport is what is read of cost -o json.
type costReport struct {
	Sample struct {
		amountReport
		Objects int64  `json:"objects"`
		Outside int64  `json:"outside_range"`
		Limited bool   `json:"limited"`
		Span    string `json:"span_from"`
	} `json:"sample"`
	Rules []struct {
		ID      string       `json:"id"`
		Alone   amountReport `json:"alone"`
		InOrder amountReport `json:"in_order"`
		YAML    string       `json:"yaml"`
	} `json:"proposed_rules"`
	Together struct {
		Alone amountReport `json:"alone"`
	} `json:"proposed_together"`
	YAML string `json:"proposed_yaml"`
	Own  struct {
		Rules []struct {
			ID      string       `json:"id"`
			Dropped amountReport `json:"dropped"`
		} `json:"rules"`
		Kept  amountReport `json:"kept"`
		Saved amountReport `json:"saved"`
	} `json:"own_rules"`
}

type amountReport struct {
	Events   int64 `json:"events"`
	Document int64 `json:"document_bytes"`
}

func readCost(t *testing.T, args ...string) costReport {
	t.Helper()
	code, stdout, stderr := trailbeat(t, append([]string{"cost", "-o", "json", "-q"}, args...)...)
	require.Zero(t, code, stderr)
	var r costReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &r))
	return r
}

// allCases makes a log file of all records of the test cases, some of them often, and gives the name of its folder.
func allCases(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "cloudtrail", "*", "input.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var records [][]byte
	for i, name := range files {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		var line bytes.Buffer
		if json.Compact(&line, raw) != nil || line.Len() == 0 {
			continue
		}
		for range 1 + i%7 { // so that no two kinds of events are the same in number
			records = append(records, line.Bytes())
		}
	}
	dir := filepath.Join(t.TempDir(), "trail")
	require.NoError(t, os.Mkdir(dir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "all.ndjson"), append(bytes.Join(records, []byte("\n")), '\n'), 0o600))
	return dir
}

var filteredBy = regexp.MustCompile(`(?m)^  filtered by (\S+): (\d+)$`)

// ship runs the shipper over a folder with these processors, and gives what each rule took and the bytes of the documents that are left.
func shipWith(t *testing.T, dir, processors string) (dropped map[string]int64, left amountReport) {
	t.Helper()
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("trailbeat.yml", []byte(fmt.Sprintf("trailbeat.inputs:\n  - {type: file, id: trail, paths: [%q]}\noutput.file.path: out\n%s", dir, processors)), 0o600))
	code, stdout, stderr := trailbeat(t, "run", "--once", "-q")
	require.Zero(t, code, stderr)
	dropped = map[string]int64{}
	for _, m := range filteredBy.FindAllStringSubmatch(stdout, -1) {
		n, err := strconv.ParseInt(m[2], 10, 64)
		require.NoError(t, err)
		dropped[m[1]] += n
	}
	files, err := filepath.Glob(filepath.Join("data", "out", "*.ndjson"))
	require.NoError(t, err)
	for _, name := range files {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		for line := range bytes.Lines(data) {
			left.Events++
			left.Document += int64(len(line)) - 1
		}
	}
	return dropped, left
}

// What cost says that its rules save is what a shipper with these rules drops: by rule, in events and in bytes, each rule by itself
// and all of them together.
func TestCostIsWhatTheShipperDrops(t *testing.T) {
	dir := allCases(t)
	r := readCost(t, dir, "--min-share", "0.00001")
	_, all := shipWith(t, dir, "")
	require.Equal(t, all, r.Sample.amountReport, "the documents are those of the shipper")
	require.GreaterOrEqual(t, len(r.Rules), 8)
	kinds := map[string]bool{}
	for _, rule := range r.Rules {
		kinds[strings.Join(strings.SplitN(rule.ID, "-", 4)[:2], "-")] = true
		dropped, left := shipWith(t, dir, rule.YAML)
		assert.Equal(t, map[string]int64{rule.ID: rule.Alone.Events}, dropped)
		assert.Equal(t, rule.Alone, amountReport{all.Events - left.Events, all.Document - left.Document}, rule.ID)
	}
	for _, kind := range []string{"data-read", "kms-by", "assume-role", "read-by"} {
		assert.True(t, kinds[kind], "no rule of the kind %s in %v", kind, kinds)
	}
	dropped, left := shipWith(t, dir, r.YAML)
	for _, rule := range r.Rules {
		assert.Equal(t, rule.InOrder.Events, dropped[rule.ID], rule.ID)
	}
	assert.Equal(t, r.Together.Alone, amountReport{all.Events - left.Events, all.Document - left.Document})

	// The same list, as one's own rules.
	require.NoError(t, os.WriteFile("rules.yml", []byte(r.YAML), 0o600))
	own := readCost(t, dir, "--rules", "rules.yml").Own
	for i, rule := range r.Rules {
		assert.Equal(t, rule.ID, own.Rules[i].ID)
		assert.Equal(t, rule.InOrder, own.Rules[i].Dropped)
	}
	assert.Equal(t, r.Together.Alone, own.Saved)
	assert.Equal(t, left, own.Kept)

	// As samples they take most of it, and always the same.
	some := readCost(t, dir, "--min-share", "0.00001", "--as", "sample", "--rate", "3")
	require.Greater(t, len(some.Rules), 5)
	dropped, left = shipWith(t, dir, some.YAML)
	for _, rule := range some.Rules {
		assert.Equal(t, rule.InOrder.Events, dropped[rule.ID], rule.ID)
	}
	assert.Equal(t, some.Together.Alone.Events, all.Events-left.Events)
	assert.Less(t, some.Together.Alone.Events, r.Together.Alone.Events)
	dropped, _ = shipWith(t, dir, some.Rules[0].YAML)
	assert.Equal(t, map[string]int64{some.Rules[0].ID: some.Rules[0].Alone.Events}, dropped)

	// As routes they take nothing, and send the same elsewhere.
	routes := readCost(t, dir, "--min-share", "0.00001", "--as", "route")
	_, stays := shipWith(t, dir, routes.YAML)
	assert.Equal(t, all.Events, stays.Events)
	moved := 0
	files, err := filepath.Glob(filepath.Join("data", "out", "*"))
	require.NoError(t, err)
	for _, name := range files {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		moved += bytes.Count(data, []byte(`"namespace":"bulk"`))
	}
	assert.EqualValues(t, r.Together.Alone.Events, moved)
}

// A part of a bucket: only what was delivered in it is fetched, and only what happened in it counts.
func TestCostOfABucketRange(t *testing.T) {
	f := newFakeAWS(t)
	t.Chdir(t.TempDir())
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "example")
	for day := 1; day <= 9; day++ {
		at := time.Date(2026, 11, day, 23, 50, 0, 0, time.UTC)
		key := fmt.Sprintf("AWSLogs/111122223333/CloudTrail/us-east-1/%s/111122223333_CloudTrail_us-east-1_%sZ_abc.json.gz", at.Format("2006/01/02"), at.Format("20060102T1504"))
		f.putLog(t, "trail", key, event(day*10, at.Add(-time.Minute)), event(day*10+1, at.Add(-2*time.Minute)))
	}
	r := readCost(t, "s3://trail/AWSLogs/", "--from", "2026-11-03", "--to", "2026-11-06T23:48:30Z", "--input", "endpoint="+f.url)
	assert.EqualValues(t, 7, r.Sample.Events, "of four days, less the one behind the end")
	assert.EqualValues(t, 1, r.Sample.Outside)
	assert.EqualValues(t, 4, r.Sample.Objects)
	assert.Equal(t, "range", r.Sample.Span)
	_, err := os.Stat("data")
	assert.ErrorIs(t, err, os.ErrNotExist, "nothing is remembered")
	assert.True(t, readCost(t, "s3://trail", "--sample", "10", "--input", "endpoint="+f.url).Sample.Limited)
}

func event(n int, at time.Time) string {
	return fmt.Sprintf(`{"eventVersion":"1.08","eventTime":%q,"eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"us-east-1",`+
		`"sourceIPAddress":"192.0.2.7","eventID":"00000000-0000-4000-a000-%012d","recipientAccountId":"111122223333","readOnly":true,"eventCategory":"Data"}`, at.Format(time.RFC3339), n)
}
