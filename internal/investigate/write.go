package investigate

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/trailbeat/trailbeat/internal/terminal"
)

// text of a value.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}

// The bounds of columns of a table, in characters.
const (
	leastColumn = 12
	mostColumn  = 60
)

// WriteTable prints rows for people. Cells are cut where a line would not fit into width; 0: they are cut at 60 characters alone.
func (r *Result) WriteTable(w io.Writer, style terminal.Style, width int) error {
	widths := make([]int, len(r.Columns))
	numbers := make([]bool, len(r.Columns))
	for i, name := range r.Columns {
		widths[i] = utf8.RuneCountInString(terminal.Clean(name))
		for _, row := range r.Rows {
			widths[i] = max(widths[i], min(mostColumn, utf8.RuneCountInString(terminal.Clean(text(row[i])))))
			if _, ok := row[i].(int64); ok {
				numbers[i] = true
			}
		}
	}
	shrink(widths, width)
	var b strings.Builder
	line := func(paint func(string) string, cell func(i int) string) {
		var l strings.Builder
		for i := range widths {
			c := fit(terminal.Clean(cell(i)), widths[i])
			if pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c)); numbers[i] {
				c = pad + c
			} else {
				c += pad
			}
			if i > 0 {
				l.WriteString("  ")
			}
			l.WriteString(c)
		}
		b.WriteString(paint(strings.TrimRight(l.String(), " ")) + "\n")
	}
	line(style.Bold, func(i int) string { return strings.ToUpper(r.Columns[i]) })
	for _, row := range r.Rows {
		line(func(s string) string { return s }, func(i int) string { return text(row[i]) })
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// shrink takes from the widest columns until a line fits.
func shrink(widths []int, width int) {
	if width <= 0 {
		return
	}
	for {
		sum, widest := 2*(len(widths)-1), 0
		for i, w := range widths {
			sum += w
			if w > widths[widest] {
				widest = i
			}
		}
		if sum <= width || widths[widest] <= leastColumn {
			return
		}
		widths[widest]--
	}
}

// fit cuts the middle of a text: of ARNs both ends tell more.
func fit(s string, width int) string {
	n := utf8.RuneCountInString(s)
	if n <= width {
		return s
	}
	runes := []rune(s)
	head := (width - 1) / 3
	return string(runes[:head]) + "…" + string(runes[n-(width-1-head):])
}

// WriteCSV prints rows as RFC 4180 says, with the names of the columns first. A text that a spreadsheet would take for a formula gets an
// apostrophe before it.
func (r *Result) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(r.Columns); err != nil {
		return err
	}
	cells := make([]string, len(r.Columns))
	for _, row := range r.Rows {
		for i, v := range row {
			cells[i] = text(v)
			if s, ok := v.(string); ok && s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
				cells[i] = "'" + s
			}
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// MarshalJSON gives an object with columns, rows as objects with their members in the order of the columns, and more.
func (r *Result) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	columns, err := json.Marshal(r.Columns)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&b, `{"columns":%s,"rows":[`, columns)
	for n, row := range r.Rows {
		if n > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('{')
		for i, v := range row {
			name, err := json.Marshal(r.Columns[i])
			if err != nil {
				return nil, err
			}
			value, err := json.Marshal(v)
			if err != nil {
				return nil, err
			}
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "%s:%s", name, value)
		}
		b.WriteByte('}')
	}
	fmt.Fprintf(&b, `],"more":%t}`, r.More)
	return []byte(b.String()), nil
}
