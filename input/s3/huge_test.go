package s3

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/s3object"
)

// huge is a bucket of an organisation whose keys are made when they are listed: one object every so often in each of its folders.
type huge struct {
	folders []string // of regions
	stems   []string
	each    int
	step    time.Duration
	end     time.Time
	lists   int
}

func newHuge(accounts, regions, each int, step time.Duration, end time.Time) *huge {
	h := &huge{each: each, step: step, end: end.UTC().Truncate(time.Minute)}
	for a := range accounts {
		for r := range regions {
			id, region := fmt.Sprintf("%012d", 100+a), fmt.Sprintf("eu-west-%d", 1+r)
			h.folders = append(h.folders, "AWSLogs/o-abcdefghij/"+id+"/CloudTrail/"+region+"/")
			h.stems = append(h.stems, id+"_CloudTrail_"+region+"_")
		}
	}
	return h
}

func (h *huge) key(folder, i int) string {
	at := h.end.Add(-time.Duration(h.each-1-i) * h.step)
	return fmt.Sprintf("%s%s%s%sZ_%016d.json.gz", h.folders[folder], at.Format(dayLayout), h.stems[folder], at.Format(minuteLayout), i)
}

func (h *huge) List(_ context.Context, l listing) (page, error) {
	h.lists++
	p := page{At: h.end.Add(time.Minute)}
	if l.Delimiter != "" {
		for _, folder := range h.folders {
			if rest, ok := strings.CutPrefix(folder, l.Prefix); ok {
				head, _, _ := strings.Cut(rest, "/")
				p.Prefixes = append(p.Prefixes, l.Prefix+head+"/")
			}
		}
		p.Prefixes = slices.Compact(p.Prefixes)
		return p, nil
	}
	folder := slices.IndexFunc(h.folders, func(f string) bool { return strings.HasPrefix(f, l.Prefix) })
	after := l.StartAfter
	if l.Token != "" {
		after = l.Token
	}
	most := 1000
	if l.Max > 0 {
		most = int(l.Max)
	}
	from := sort.Search(h.each, func(i int) bool { return h.key(folder, i) > after })
	for i := from; i < h.each; i++ {
		if len(p.Objects) == most {
			p.Next = p.Objects[most-1].Key
			break
		}
		p.Objects = append(p.Objects, object{Key: h.key(folder, i), ETag: "e", Size: 1, Modified: h.end})
	}
	return p, nil
}

func (h *huge) Head(context.Context, string) (object, error)               { panic("not called") }
func (h *huge) Copy(context.Context, string, string, string, string) error { panic("not called") }
func (h *huge) Delete(context.Context, string) error                       { panic("not called") }

// empties is a reader whose objects hold nothing.
type empties struct {
	opened int
	stats  s3object.Stats
}

func (e *empties) Stats() *s3object.Stats { return &e.stats }
func (e *empties) Wanted(string) bool     { return true }
func (e *empties) Open(_ context.Context, _ string, done func(error)) (objectStream, error) {
	e.opened++
	return emptyStream{done}, nil
}

type emptyStream struct{ done func(error) }

func (s emptyStream) Next() (*input.Batch, error) { s.done(nil); return nil, io.EOF }
func (s emptyStream) Failed() bool                { return false }
func (s emptyStream) Info() s3object.Info         { return s3object.Info{} }
func (s emptyStream) Close()                      {}

// stateBytes is the size of all keys and values.
func stateBytes(t testing.TB, st input.Store) (entries, bytes int) {
	t.Helper()
	require.NoError(t, st.Each("", func(key string, value json.RawMessage) error {
		entries++
		bytes += len(key) + len(value)
		return nil
	}))
	return entries, bytes
}

// An organisation of 5 accounts in 4 regions with 1,000,000 objects: kilobytes of state, and a few calls for a pass with nothing new.
func TestAMillionObjects(t *testing.T) {
	each := 50_000
	if testing.Short() || os.Getenv("TRAILBEAT_TEST_HUGE") == "" {
		each = 1_000
	}
	h := newHuge(5, 4, each, 10*time.Minute, time.Now()) // 144 a day for each folder
	objects, st, cfg := new(empties), store(), testConfig()
	cfg.NumberOfWorkers = 1
	run := func() *Input {
		in, err := open(cfg, Deps{ID: "in", Store: st, Once: true}, h, objects)
		require.NoError(t, err)
		_, errs := readAll(t, in)
		require.Empty(t, errs)
		return in
	}
	begin := time.Now()
	in := run()
	assert.Equal(t, 20*each, objects.opened)
	entries, bytes := stateBytes(t, st)
	t.Logf("%d objects in %s: %d entries of state, %d bytes; %d remembered; %d calls to list",
		20*each, time.Since(begin).Round(time.Millisecond), entries, bytes, in.Stats().Remembered, h.lists)
	assert.Less(t, bytes, 150<<10)
	assert.LessOrEqual(t, in.Stats().Remembered, int64(20*(145+6)))

	// Nothing new. With Once everything is looked for: AWSLogs/, the organisation, its accounts, kinds and regions.
	before := h.lists
	run()
	assert.Equal(t, 20*each, objects.opened, "nothing is read twice")
	assert.LessOrEqual(t, h.lists-before, 3+2+5*2+20)
	t.Logf("a pass with nothing new: %d calls to list", h.lists-before)
	_, again := stateBytes(t, st)
	assert.Equal(t, bytes, again)
}

// A pass that is one of many only looks for accounts, and once for each folder.
func TestCallsOfAPass(t *testing.T) {
	h := newHuge(5, 4, 300, 10*time.Minute, time.Now())
	in, err := open(testConfig(), Deps{ID: "in", Store: store()}, h, new(empties))
	require.NoError(t, err)
	t.Cleanup(in.kill)
	in.cfg.NumberOfWorkers = 1
	calls := func(at time.Time) int {
		before := h.lists
		_, err := in.pass(t.Context(), at)
		require.NoError(t, err)
		return h.lists - before
	}
	now := time.Now()
	calls(now)
	assert.Equal(t, 2+20, calls(now.Add(2*time.Minute)), "AWSLogs/, the organisation, and one for each folder")
	assert.Equal(t, 2+20, calls(now.Add(4*time.Minute)))
	assert.LessOrEqual(t, calls(now.Add(20*time.Minute)), 4+2+10+20, "with the look for regions")
}
