package report

import (
	"crypto/sha256"
	_ "embed" // the page
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/trailbeat/trailbeat/internal/verify"
)

//go:embed page.html
var pageText string

// HTML writes the report as one page that needs nothing else: it can be printed, signed and kept.
func (r *Report) HTML(w io.Writer) error {
	data, err := r.JSON()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	page, err := template.New("page").Funcs(template.FuncMap{
		"counts": counts, "thousands": thousands, "where": where, "address": address, "span": span,
		"result": func(v verify.Result) string { return resultText[v] },
		"reason": func(v verify.Reason) string { return reasonText[v] },
		"kind":   func(v verify.Kind) string { return kindText[v] },
		"gap":    func(v verify.GapKind) string { return gapText[v] },
		"utc":    func(t time.Time) string { return t.UTC().Format(timeLayout) },
		"day":    func(t time.Time) string { return t.UTC().Format(time.DateOnly) },
		"signed": func(g verify.GapKind) bool { return g == verify.GapBegins || g == verify.GapOff },
	}).Parse(pageText)
	if err != nil {
		return fmt.Errorf("making the page: %w", err)
	}
	return page.Execute(w, struct {
		*Report
		Sentence, Sum string
		Picture       picture
	}{r, verdictText[r.Verdict], hex.EncodeToString(sum[:]), r.picture()})
}
