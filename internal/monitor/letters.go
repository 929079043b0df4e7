package monitor

import (
	"context"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/trailbeat/trailbeat/internal/lazyregexp"
	"github.com/trailbeat/trailbeat/internal/monitor/api"
	"github.com/trailbeat/trailbeat/internal/shipper"
)

const (
	recentLetters = 25
	letterTypes   = 32
	maxReason     = 300
)

// letters watches what goes to the dead letters.
type letters struct {
	next   shipper.DeadLetters
	sample int
	now    func() time.Time

	mu     sync.Mutex
	total  int64
	order  []string // types as they came
	byType map[string]*api.LetterReason
	recent []api.Letter // the oldest first
	err    string
	since  time.Time
}

func newLetters(sample int, now func() time.Time) *letters {
	return &letters{sample: sample, now: now, byType: map[string]*api.LetterReason{}}
}

// Write implements shipper.DeadLetters.
func (l *letters) Write(ctx context.Context, batch []shipper.Letter) error {
	err := l.next.Write(ctx, batch)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		if l.err == "" {
			l.since = l.now()
		}
		l.err = err.Error()
		return err
	}
	l.err = ""
	l.total += int64(len(batch))
	for i := range batch {
		l.note(&batch[i], i >= len(batch)-recentLetters)
	}
	return nil
}

func (l *letters) note(letter *shipper.Letter, show bool) {
	kind := label(letter.Type)
	if kind == "" {
		kind = api.Other
	}
	known := l.byType[kind]
	if known == nil && len(l.order) >= letterTypes-1 {
		kind = api.Other
		known = l.byType[kind]
	}
	if known == nil {
		known = &api.LetterReason{Type: kind}
		l.byType[known.Type] = known
		l.order = append(l.order, known.Type)
	}
	known.Count++
	if !show {
		return
	}
	known.Reason = tellable(letter.Reason)
	one := api.Letter{
		Time: letter.Time, Type: known.Type, Reason: known.Reason, Status: letter.Status, Input: letter.InputID,
		ID: strings.Clone(letter.ID), Index: letter.Record.Index, Size: len(letter.Record.Raw), Sample: l.beginning(letter.Record.Raw),
	}
	if o := letter.Record.Origin; o != nil {
		switch {
		case o.Path != "":
			one.Origin = strings.Clone(o.Path)
		case o.LogGroup != "":
			one.Origin = o.LogGroup + " " + o.LogStream
		case o.Key != "":
			one.Origin = strings.Clone(o.Key)
		default:
			one.Origin = strings.Clone(o.Region)
		}
	}
	if len(l.recent) == recentLetters {
		l.recent = append(l.recent[:0], l.recent[1:]...)
	}
	l.recent = append(l.recent, one)
}

// values are the places where servers repeat what stood in the document.
var values = lazyregexp.New(`(?s)(Preview of field's value: '|For input string: "|failed to parse date field \[|value \[|found: \[).*?('(?:,|$|\s|\.)|"|\]|$)`)

// literals are values that stand before what is said about them.
var literals = lazyregexp.New(`(?s)'[^']*' is not an IP`)

// tellable shortens a reason and takes out what a server repeated of the event: the reason is for whoever may see the page, the event is
// not.
func tellable(reason string) string {
	if len(reason) > 8*maxReason {
		reason = reason[:8*maxReason]
	}
	reason = values().ReplaceAllString(reason, "$1…$2")
	reason = literals().ReplaceAllString(reason, "'…' is not an IP")
	return shorten(reason, maxReason)
}

// beginning is the option-guarded sample of a record.
func (l *letters) beginning(raw []byte) string {
	if l.sample <= 0 {
		return ""
	}
	return shorten(string(raw[:min(len(raw), l.sample+utf8.UTFMax)]), l.sample)
}

// shorten gives valid UTF-8 of at most n bytes, without control characters, with an ellipsis where something is missing.
func shorten(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' ' // direction marks and the like could make a text look like another
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
