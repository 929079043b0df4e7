package cost

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/trailbeat/trailbeat/internal/terminal"
)

//go:embed report.html
var page string

// WriteHTML prints a Report as a page that needs nothing beside itself: no script, no font, no picture from elsewhere.
func (r *Report) WriteHTML(w io.Writer) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"count": Thousands, "size": size, "percent": func(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) },
		"bytes": terminal.Bytes, "round": terminal.Count, "money": func(v *float64) string { return Money(*v) },
		"px":   func(share float64) string { return fmt.Sprintf("%.1f", 300*min(1, max(0, share))) },
		"part": func(a Amount) float64 { return float64(a.Document) / float64(max(1, r.Sample.Document)) },
		"span": func(s float64) string { return terminal.Duration(time.Duration(s * float64(time.Second))) },
		"from": spanFrom, "sub": func(a, b int) int { return a - b },
	}).Parse(page)
	if err != nil {
		return fmt.Errorf("reading the page's template: %w", err)
	}
	return t.Execute(w, r)
}
