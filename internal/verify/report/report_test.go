package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/terminal"
	"github.com/trailbeat/trailbeat/internal/verify"
)

var begin = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// sample is a report with something of everything, and names that a stranger chose.
func sample() *Report {
	cfg := verify.Config{From: begin, To: begin.Add(24 * time.Hour)}
	s := verify.NewSummary(cfg, 3)
	place := verify.Place{Bucket: "b", Account: "123456789012", Region: "eu-west-1", Trail: "t"}
	other := verify.Place{Bucket: "b", Organization: "o-exampleorgid", Account: "210987654321", Region: "us-east-1"}
	hostile := "AWSLogs/<script>alert(1)</script>\x1b[31m.json.gz"
	at := func(h int) time.Time { return begin.Add(time.Duration(h) * time.Hour) }
	for h := range 20 {
		s.Add(verify.Item{File: &verify.File{Place: place, Kind: verify.KindDigest, Key: "d", Result: verify.Valid, From: at(h), To: at(h + 1)}})
		s.Add(verify.Item{File: &verify.File{Place: place, Kind: verify.KindLog, Key: "l", Result: verify.Valid, From: at(h), To: at(h + 1), Bytes: 1000}})
		s.Add(verify.Item{Hour: &verify.Hour{Place: place, From: at(h), To: at(h + 1), Result: verify.Valid, Logs: map[verify.Result]int64{verify.Valid: 1}}})
	}
	for _, f := range []verify.File{
		{Place: place, Kind: verify.KindLog, Key: hostile, Result: verify.Altered, Reason: verify.ReasonHash, Detail: "<b>", From: at(3), To: at(4)},
		{Place: other, Kind: verify.KindDigest, Key: "x", Result: verify.Missing, Reason: verify.ReasonNotFound, From: at(2), To: at(3)},
		{Place: place, Kind: verify.KindLog, Key: "y", Result: verify.NotCovered, Reason: verify.ReasonNoDigest, From: at(1), To: at(1)},
		{Place: place, Kind: verify.KindLog, Key: "z", Result: verify.Unchecked, Reason: verify.ReasonUnreadable, From: at(5), To: at(6)},
		{Place: place, Kind: verify.KindLog, Key: "p", Result: verify.Pending, Reason: verify.ReasonNotDue, From: at(23), To: at(23)},
	} {
		s.Add(verify.Item{File: &f})
	}
	s.Add(verify.Item{Gap: &verify.Gap{Place: place, Kind: verify.GapOff, From: at(20), To: at(22)}})
	s.Add(verify.Item{Gap: &verify.Gap{Place: place, Kind: verify.GapEnds, From: at(22), To: at(24)}})
	s.Add(verify.Item{Fault: &verify.Fault{Place: other, Err: errors.New("listing: access denied")}})
	r := &Report{Source: "s3://b", Summary: s, Version: "1", Host: "h", User: "u", SignedBy: "<i>", Started: begin, Finished: begin}
	r.Complete(nil)
	return r
}

func TestText(t *testing.T) {
	var out strings.Builder
	require.NoError(t, sample().Text(&out, terminal.Style{}))
	text := out.String()
	for _, want := range []string{
		"digests    20 valid, 1 missing", "log files  20 valid, 1 altered, 1 not covered, 1 unchecked, 1 not due (20 kB)", "hours      20, 20 of them",
		"Accounts and regions, 2 of 2", "altered: log file s3://b/AWSLogs/<script>alert(1)</script> [31m.json.gz (another content than the one that is signed): <b>",
		"not covered: log file s3://b/y (no digest names it)", "and 1 more", "logging or validation was off: signed", "no more digests: nothing is signed about it",
		"o-exampleorgid 210987654321 us-east-1  listing: access denied", "Files are missing, altered or not signed by CloudTrail.",
	} {
		assert.Contains(t, text, want)
	}
	assert.NotContains(t, text, "\x1b", "nothing that a stranger wrote moves the cursor")
}

func TestPage(t *testing.T) {
	r := sample()
	hostile := `"><script>alert(1)</script>`
	r.Source, r.Error, r.Host, r.User, r.Identity, r.KeySource, r.Version = hostile, hostile, hostile, hostile, hostile, hostile, hostile
	r.Keys = []Key{{Fingerprint: hostile}}
	r.Places[0].Place.Region, r.Faults[0].Error, r.Gaps[0].Trail = hostile, hostile, hostile
	var out bytes.Buffer
	require.NoError(t, r.HTML(&out))
	page := out.String()
	assert.NotContains(t, page, "<script")
	assert.Greater(t, strings.Count(page, "&lt;script&gt;alert(1)"), 12, "it is shown, as text")
	assert.NotContains(t, page, "<b>")
	assert.NotContains(t, page, "<i>")
	assert.NotRegexp(t, `(?i)(src|href)=|url\(|@import`, page, "it loads nothing")
	data, err := r.JSON()
	require.NoError(t, err)
	sum := sha256.Sum256(data)
	assert.Contains(t, page, hex.EncodeToString(sum[:]), "the page names the JSON of the same run")

	// The picture is XML, as others read it, and has every mark.
	svg := regexp.MustCompile(`(?s)<svg viewBox="0 0 940.*?</svg>`).FindString(page)
	require.NotEmpty(t, svg)
	dec := xml.NewDecoder(strings.NewReader(svg))
	classes := map[string]int{}
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
			classes[e.Attr[0].Value]++
		}
	}
	assert.Equal(t, map[string]int{"valid": 4, "altered": 1, "notcovered": 1, "unchecked": 1, "off": 1, "open": 1, "missing": 1}, classes, "of each part the worst")
}

func TestJSON(t *testing.T) {
	data, err := sample().JSON()
	require.NoError(t, err)
	var doc map[string]any
	require.NoError(t, json.Unmarshal(data, &doc))
	assert.Equal(t, "refuted", doc["verdict"])
	assert.Equal(t, false, doc["ok"])
	assert.Len(t, doc["findings"], 3)
	assert.EqualValues(t, 1, doc["findings_left_out"])
	assert.Len(t, doc["gaps"], 2)
	assert.Len(t, doc["faults"], 1)
	assert.Len(t, doc["places"], 2)
	assert.Equal(t, "123456789012", doc["findings"].([]any)[0].(map[string]any)["account"])
}

func TestVerdicts(t *testing.T) {
	for want, items := range map[verify.Verdict][]verify.Item{
		verify.VerdictValid:      {{File: &verify.File{Kind: verify.KindDigest, Result: verify.Valid}}, {Gap: &verify.Gap{Kind: verify.GapOff}}},
		verify.VerdictIncomplete: {},
		verify.VerdictUnchecked:  {{File: &verify.File{Kind: verify.KindLog, Result: verify.NotCovered}}, {Fault: &verify.Fault{Err: io.EOF}}},
		verify.VerdictRefuted:    {{File: &verify.File{Kind: verify.KindDigest, Result: verify.Unsigned}}, {Fault: &verify.Fault{Err: io.EOF}}},
	} {
		s := verify.NewSummary(verify.Config{From: begin, To: begin.Add(time.Hour)}, 1)
		for _, item := range items {
			s.Add(item)
		}
		assert.Equal(t, want, s.Verdict())
	}
	assert.Equal(t, "1,234,567", thousands(1234567))
	assert.Equal(t, "none", counts(nil))
}
