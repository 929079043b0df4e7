package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/trailbeat/trailbeat/input/trailstore"
	"github.com/trailbeat/trailbeat/internal/verify"
)

// Report is a verification that has ended. Its JSON is what programs read; members are added, never renamed or removed.
type Report struct {
	OK      bool           `json:"ok"`
	Verdict verify.Verdict `json:"verdict"`
	// Error is what ended it early; empty where it came to its end.
	Error string `json:"error,omitempty"`
	// Source is the bucket and prefix, or the folder.
	Source string `json:"source"`
	// Started and Finished are when it was done.
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	// Version of Trailbeat, Host and User that ran it, Identity the one on AWS that read; empty where that is not known.
	Version  string `json:"version"`
	Host     string `json:"host"`
	User     string `json:"user"`
	Identity string `json:"identity,omitempty"`
	// SignedBy is who answers for it.
	SignedBy string `json:"signed_by,omitempty"`
	// KeySource says where the public keys come from; Keys are they.
	KeySource string `json:"key_source"`
	Keys      []Key  `json:"keys"`
	*verify.Summary
}

// Key is a public key that was used.
type Key struct {
	Fingerprint string    `json:"fingerprint"`
	From        time.Time `json:"from,omitzero"`
	To          time.Time `json:"to,omitzero"`
}

// Complete fills what follows from the rest.
func (r *Report) Complete(keys trailstore.KeyFile) {
	r.Verdict = r.Summary.Verdict()
	r.OK = r.Verdict == verify.VerdictValid && r.Error == ""
	r.Keys = []Key{}
	for _, k := range keys {
		r.Keys = append(r.Keys, Key{k.Fingerprint, k.ValidityStartTime, k.ValidityEndTime})
	}
	slices.SortFunc(r.Keys, func(a, b Key) int { return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Fingerprint, b.Fingerprint)) })
	// Places come side by side; what is kept for people is in an order of its own.
	slices.SortStableFunc(r.Findings, func(a, b verify.File) int {
		return cmp.Or(cmp.Compare(a.Organization, b.Organization), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), a.From.Compare(b.From))
	})
	slices.SortStableFunc(r.Gaps, func(a, b verify.Gap) int {
		return cmp.Or(cmp.Compare(a.Organization, b.Organization), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), a.From.Compare(b.From))
	})
}

// JSON is the report as one object, indented, with a newline.
func (r *Report) JSON() ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return nil, fmt.Errorf("printing the report: %w", err)
	}
	return out.Bytes(), nil
}

// verdictText is the verdict in a sentence.
var verdictText = map[verify.Verdict]string{
	verify.VerdictValid:      "Every file is what CloudTrail delivered, and none is missing.",
	verify.VerdictIncomplete: "Nothing was found to be changed or missing, but not everything is proven.",
	verify.VerdictUnchecked:  "Nothing was found to be changed or missing, but not everything could be read.",
	verify.VerdictRefuted:    "Files are missing, altered or not signed by CloudTrail.",
}

// resultText is a result in words.
var resultText = map[verify.Result]string{
	verify.Valid: "valid", verify.Missing: "missing", verify.Altered: "altered", verify.Unsigned: "unsigned", verify.NotCovered: "not covered",
	verify.Unchecked: "unchecked", verify.Pending: "not due",
}

// reasonText is a reason in words.
var reasonText = map[verify.Reason]string{
	verify.ReasonNotFound: "not found", verify.ReasonHash: "another content than the one that is signed", verify.ReasonFormat: "broken",
	verify.ReasonTrailing: "more behind its end", verify.ReasonMoved: "belongs elsewhere", verify.ReasonOverlap: "overlaps with another digest",
	verify.ReasonChain: "does not follow the digest before it", verify.ReasonNoSignature: "no signature", verify.ReasonSignature: "signature does not fit",
	verify.ReasonAlgorithm: "unknown algorithm", verify.ReasonKey: "unknown public key", verify.ReasonKeyUnusable: "public key cannot be used",
	verify.ReasonNoDigest: "no digest names it", verify.ReasonDigestUnproven: "its digest is not proven", verify.ReasonNotDue: "its digest is not due",
	verify.ReasonUnreadable: "cannot be read",
}

// kindText is the kind of a file in words.
var kindText = map[verify.Kind]string{verify.KindDigest: "digest", verify.KindBackfill: "backfill digest", verify.KindLog: "log file"}

// gapText is what a gap means.
var gapText = map[verify.GapKind]string{
	verify.GapBegins: "the trail begins here: signed", verify.GapOff: "logging or validation was off: signed",
	verify.GapMissing: "digests are missing", verify.GapEnds: "no more digests: nothing is signed about it",
	verify.GapNone: "no digest in the range: nothing is signed about it",
}

// counts are "8,736 valid, 1 altered".
func counts(c verify.Counts) string {
	var out []byte
	for _, r := range verify.Results() {
		if n := c[r]; n > 0 {
			if len(out) > 0 {
				out = append(out, ", "...)
			}
			out = fmt.Appendf(out, "%s %s", thousands(n), resultText[r])
		}
	}
	if len(out) == 0 {
		return "none"
	}
	return string(out)
}

func thousands(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func where(p verify.Place) string {
	text := p.Account + " " + p.Region
	if p.Organization != "" {
		text = p.Organization + " " + text
	}
	return text
}

// address of a file.
func address(f verify.File) string {
	if f.Bucket == "" {
		return f.Key
	}
	return "s3://" + f.Bucket + "/" + f.Key
}

const timeLayout = "2006-01-02 15:04:05"

func span(from, to time.Time) string {
	if to.Equal(from) {
		return from.UTC().Format(timeLayout)
	}
	return from.UTC().Format(timeLayout) + " to " + to.UTC().Format(timeLayout)
}
