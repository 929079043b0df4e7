package terminal

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Style writes colours, or leaves them out. The zero value leaves them out. The sixteen colours of the terminal's own palette are
// used, so that they suit its background.
type Style struct {
	// On: colours are wanted, see Colours.
	On bool
}

func (s Style) paint(code, text string) string {
	if !s.On || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Bold text.
func (s Style) Bold(text string) string { return s.paint("1", text) }

// Dim text, for what is there for completeness.
func (s Style) Dim(text string) string { return s.paint("2", text) }

// Good is green, Warning yellow, Bad red. None may be the only thing that tells them apart.
func (s Style) Good(text string) string { return s.paint("32", text) }

// Warning is yellow.
func (s Style) Warning(text string) string { return s.paint("33", text) }

// Bad is red.
func (s Style) Bad(text string) string { return s.paint("31", text) }

// Accent is cyan.
func (s Style) Accent(text string) string { return s.paint("36", text) }

// Clean makes one line of text of strangers that a terminal shows and does not obey: what is not printable becomes a space.
func Clean(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, text))
}

// Fit cuts text to width characters, the last of them an ellipsis where something is missing. Text must hold no colours. Characters
// are counted as one column each.
func Fit(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	if width <= 0 {
		return ""
	}
	runes := []rune(text)
	return string(runes[:width-1]) + "…"
}

// Pad fits text and fills it with spaces up to width characters.
func Pad(text string, width int) string {
	text = Fit(text, width)
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// Count writes a number with three digits and a unit: 950, 12.3k, 4.56M.
func Count(v float64) string {
	for _, unit := range []struct {
		of   float64
		name string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		// 999.6 would be 1e+03 with three digits.
		if v >= unit.of*0.9995 {
			return three(v/unit.of) + unit.name
		}
	}
	return three(v)
}

func three(v float64) string {
	switch {
	case v >= 99.95 || v == float64(int64(v)):
		return fmt.Sprintf("%.0f", v)
	case v >= 9.995:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// Bytes writes a size in units of 1000.
func Bytes(v float64) string {
	text := Count(v)
	if last := text[len(text)-1]; last >= '0' && last <= '9' {
		return text + " B"
	}
	return text[:len(text)-1] + " " + text[len(text)-1:] + "B"
}

// Duration writes a time in two units at most: 850ms, 12s, 3m05s, 2h04m, 5d03h.
func Duration(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + Duration(-d)
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", float64(d.Truncate(100*time.Millisecond))/float64(time.Second))
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d/time.Second))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d/time.Minute), int(d/time.Second)%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d/time.Hour), int(d/time.Minute)%60)
	}
	return fmt.Sprintf("%dd%02dh", int(d/(24*time.Hour)), int(d/time.Hour)%24)
}

// bars are the heights of Spark, the least first.
var bars = [...]rune{'▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'}

// Spark draws values as bars, one character each, against the greatest of them. Nothing but zeroes is a line of spaces; a value
// above zero has a bar at least.
func Spark(values []float64) string {
	most := 0.0
	for _, v := range values {
		most = max(most, v)
	}
	out := make([]rune, len(values))
	for i, v := range values {
		if v <= 0 || most <= 0 {
			out[i] = ' '
			continue
		}
		out[i] = bars[min(len(bars)-1, int(v/most*float64(len(bars))))]
	}
	return string(out)
}

// Bar draws how much of a whole is done, width characters wide.
func Bar(part float64, width int) string {
	part = min(1, max(0, part))
	n := int(part * float64(width))
	return strings.Repeat("█", n) + strings.Repeat("░", width-n)
}
