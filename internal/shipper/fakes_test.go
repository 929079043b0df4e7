package shipper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/output"
)

// fakeInput hands out batches of raw records. A batch that was acknowledged with an error comes again, redeliver times.
type fakeInput struct {
	origin    *input.Origin
	redeliver int
	endless   bool // blocks after the last batch until the context ends, as a queue does

	mu      sync.Mutex
	todo    []fakeBatch
	open    int
	acks    []error
	errs    []error // Read returns them first
	closed  int
	early   bool // closed before the last ack, or read after
	changed chan struct{}
}

type fakeBatch struct {
	raws  []string
	index int64
	tries int
}

func newInput(id string, batches ...[]string) *fakeInput {
	in := &fakeInput{origin: &input.Origin{InputID: id, InputType: "file", Path: "/logs/" + id}, changed: make(chan struct{}, 1)}
	var index int64
	for _, raws := range batches {
		in.todo = append(in.todo, fakeBatch{raws: raws, index: index})
		index += int64(len(raws))
	}
	return in
}

func (in *fakeInput) Read(ctx context.Context) (*input.Batch, error) {
	for {
		in.mu.Lock()
		in.early = in.early || in.closed > 0
		switch {
		case len(in.errs) > 0:
			err := in.errs[0]
			in.errs = in.errs[1:]
			in.mu.Unlock()
			return nil, err
		case len(in.todo) > 0:
			b := in.todo[0]
			in.todo = in.todo[1:]
			in.open++
			in.mu.Unlock()
			return in.batch(b), nil
		case in.open == 0 && !in.endless || in.redeliver == 0 && !in.endless:
			in.mu.Unlock()
			return nil, io.EOF
		}
		in.mu.Unlock()
		select {
		case <-in.changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (in *fakeInput) batch(b fakeBatch) *input.Batch {
	out := &input.Batch{}
	for i, raw := range b.raws {
		rec := input.Record{Raw: []byte(raw), Origin: in.origin, Index: b.index + int64(i), Offset: 100 * (b.index + int64(i))}
		if strings.HasPrefix(raw, "cut") {
			rec.Fault = "cut at byte 262144"
		}
		out.Records = append(out.Records, rec)
	}
	var once sync.Once
	out.Ack = func(err error) {
		first := false
		once.Do(func() { first = true })
		if !first {
			panic("acknowledged twice")
		}
		for _, r := range out.Records { // the owner may reuse the memory from here on
			for i := range r.Raw {
				r.Raw[i] = '#'
			}
		}
		in.mu.Lock()
		defer in.mu.Unlock()
		in.open--
		in.acks = append(in.acks, err)
		in.early = in.early || in.closed > 0
		if err != nil && b.tries < in.redeliver {
			b.tries++
			in.todo = append(in.todo, b)
		}
		select {
		case in.changed <- struct{}{}:
		default:
		}
	}
	return out
}

func (in *fakeInput) Close() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed++
	in.early = in.early || in.open > 0
	return nil
}

func (in *fakeInput) check(t *testing.T) {
	t.Helper()
	in.mu.Lock()
	defer in.mu.Unlock()
	assert.Equal(t, 1, in.closed, "closed once")
	assert.Zero(t, in.open, "every batch is acknowledged")
	assert.False(t, in.early, "closed after the last ack, not read after it")
}

func (in *fakeInput) ackErrors() (failed []error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, err := range in.acks {
		if err != nil {
			failed = append(failed, err)
		}
	}
	return failed
}

var errFiltered = errors.New("filtered")

// process is a mapping: the words of the record say what becomes of it. The document refers to the raw bytes, as a real
// one does.
func process(raw []byte, ev *ecs.Event) error {
	text := string(raw)
	switch {
	case strings.HasPrefix(text, "drop"):
		return errFiltered
	case strings.HasPrefix(text, "panic"):
		ev.Event.ID = "half done"
		panic("a fault of the mapping")
	case strings.HasPrefix(text, "fail"):
		return errors.New("cannot map this")
	case strings.HasPrefix(text, "elsewhere"):
		ev.DataStream.Namespace = "elsewhere"
	}
	if name, routed := strings.CutPrefix(text, "to "); routed {
		ev.Meta.Output, _, _ = strings.Cut(name, " ")
	}
	if strings.HasPrefix(text, "letter") {
		return letterFault{}
	}
	ev.Event.ID = text
	ev.Event.Original = text
	if !strings.HasPrefix(text, "nameless") {
		ev.Meta.ID = text
	}
	return nil
}

// letterFault is a verdict that a record belongs to the dead letters.
type letterFault struct{}

func (letterFault) Error() string      { return "sent there by rule x" }
func (letterFault) LetterType() string { return "routed" }

type processFunc func(raw []byte, ev *ecs.Event) error

func (f processFunc) Process(raw []byte, ev *ecs.Event) error { return f(raw, ev) }

func identify(ev *ecs.Event, rec *input.Record) {
	ev.Meta.ID = fmt.Sprintf("%s-%d", rec.Origin.Path, rec.Index)
}

// letterBox keeps dead letters, once for each key, as the contract says.
type letterBox struct {
	mu      sync.Mutex
	letters []Letter
	fail    func(n int) error
	calls   int
}

func (b *letterBox) Write(ctx context.Context, letters []Letter) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	if b.fail != nil {
		if err := b.fail(b.calls - 1); err != nil {
			return err
		}
	}
next:
	for _, l := range letters {
		for _, old := range b.letters {
			if old.ID == l.ID && bytes.Equal(old.Record.Raw, l.Record.Raw) {
				continue next
			}
		}
		l.Record.Raw = bytes.Clone(l.Record.Raw)
		l.ID = strings.Clone(l.ID)
		l.Document = bytes.Clone(l.Document)
		b.letters = append(b.letters, l)
	}
	return nil
}

func (b *letterBox) raws() (raws []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.letters {
		raws = append(raws, string(l.Record.Raw))
	}
	return raws
}

// newShipper makes a shipper whose accounting is checked at every step.
func newShipper(t *testing.T, out output.Output, box DeadLetters, change func(*Options), ins ...*fakeInput) *Shipper {
	t.Helper()
	opt := Options{
		Processor: processFunc(process), IsDrop: func(err error) bool { return errors.Is(err, errFiltered) },
		Identify: identify, Output: out, DeadLetters: box, Config: DefaultConfig(), Backoff: testBackoff,
		Agent: Agent{ID: "agent-id", EphemeralID: "ephemeral", Name: "host-1", Version: "1.2.3"},
	}
	for _, in := range ins {
		opt.Sources = append(opt.Sources, Source{ID: in.origin.InputID, Type: "file", Input: in, Tags: []string{"forwarded", "aws-cloudtrail"},
			DataStream: DataStream{Type: "logs", Dataset: "aws.cloudtrail", Namespace: "default"}})
	}
	if change != nil {
		change(&opt)
	}
	s, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	s.accounting.watch = func(snap Snapshot) {
		if err := snap.Check(); err != nil {
			t.Error(err)
		}
	}
	return s
}
