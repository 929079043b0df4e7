package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/output"
)

var (
	base    = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	errDrop = errors.New("dropped")
)

// idOf is the _id of event n, and rawOf its record.
func idOf(n int) string  { k, _ := keyOf(fmt.Sprint("event ", n)); return k.id() }
func rawOf(n int) []byte { return []byte(fmt.Sprintf(`{"n":%d}`, n)) }

// event is that of number n: hours, accounts and regions go round.
func event(n int) *ecs.Event {
	ev := new(ecs.Event)
	ev.Timestamp = base.Add(time.Duration(n%6) * time.Hour).Format(time.RFC3339Nano)
	ev.AWS.CloudTrail.RecipientAccountID = fmt.Sprintf("11112222333%d", n%2)
	ev.Cloud.Region = []string{"eu-west-1", "us-east-1", "eu-north-1"}[n%3]
	ev.Log.File.Path = fmt.Sprintf("/logs/%d.json.gz", n/10)
	ev.Meta.ID, ev.Meta.Index, ev.Meta.Dated, ev.Meta.Raw = idOf(n), "logs", true, rawOf(n)
	return ev
}

func docOf(n int) output.Stored {
	ev := event(n)
	at, _ := time.Parse(time.RFC3339Nano, ev.Timestamp)
	return output.Stored{ID: ev.Meta.ID, Time: at, Account: accountOf(ev), Region: ev.Cloud.Region}
}

// fakeSearch holds documents. late are found by their _id alone.
type fakeSearch struct {
	mu    sync.Mutex
	docs  map[string][]output.Stored
	late  map[string]int
	asked int
	fail  error
}

func (f *fakeSearch) Stored(_ context.Context, sel output.Selection, each func([]output.Stored) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return f.fail
	}
	for part := range slices.Chunk(f.docs[sel.Index], 7) {
		var list []output.Stored
		for _, d := range part {
			in := sel.From.IsZero() || !d.Time.Before(sel.From)
			in = in && (sel.To.IsZero() || d.Time.Before(sel.To))
			if in && oneOf(d.Account, sel.Accounts) && oneOf(d.Region, sel.Regions) {
				list = append(list, d)
			}
		}
		if err := each(list); err != nil {
			return err
		}
	}
	return nil
}

func (f *fakeSearch) Copies(_ context.Context, _ string, ids []string) ([]int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked += len(ids)
	counts := make([]int, len(ids))
	for i, id := range ids {
		counts[i] = f.late[id]
	}
	return counts, nil
}

type drops struct{}

func (drops) Process([]byte, *ecs.Event) error { return errDrop }

// bareMapper maps the records of rawOf.
type bareMapper struct{}

func (bareMapper) Process(raw []byte, ev *ecs.Event) error {
	var n int
	if _, err := fmt.Sscanf(string(raw), `{"n":%d}`, &n); err != nil {
		return nil // a document of an error, dated by its reading
	}
	e := event(n)
	ev.Timestamp, ev.AWS, ev.Cloud, ev.Meta.ID = e.Timestamp, e.AWS, e.Cloud, e.Meta.ID
	return nil
}

func newAudit(t testing.TB, search output.Searcher, change ...func(*Options)) *Audit {
	opt := Options{
		Search: search, Index: "logs", Dir: t.TempDir(), BufferEntries: 16, Bare: bareMapper{},
		IsDrop: func(err error) bool { return errors.Is(err, errDrop) }, RuleOf: func(error) string { return "processors.0" },
	}
	for _, c := range change {
		c(&opt)
	}
	a, err := New(opt)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, a.Close()) })
	return a
}

func write(t testing.TB, a *Audit, numbers ...int) {
	var events []*ecs.Event
	for _, n := range numbers {
		events = append(events, event(n))
	}
	res, err := a.Output().Write(t.Context(), events)
	require.NoError(t, err)
	require.Equal(t, len(numbers), res.Stored)
}

func numbers(from, to int) (list []int) {
	for n := from; n < to; n++ {
		list = append(list, n)
	}
	return list
}

// Every kind of difference, in more runs than one on both sides.
func TestEveryKindOfDifference(t *testing.T) {
	search := &fakeSearch{docs: map[string][]output.Stored{}, late: map[string]int{idOf(7): 1, idOf(8): 2}}
	var told []Difference
	a := newAudit(t, search, func(o *Options) {
		o.Difference = func(d Difference) error { told = append(told, d); return nil }
		o.Letters = func(_ context.Context, each func(*shipper.Letter)) error {
			each(&shipper.Letter{ID: idOf(40)})                                                                                        // refused by the output
			each(&shipper.Letter{Record: input.Record{Raw: rawOf(41)}})                                                                // found by its record
			each(&shipper.Letter{Record: input.Record{Raw: []byte("x"), Index: 3, Origin: &input.Origin{Path: "/logs/broken"}}})       // by its place
			each(&shipper.Letter{ID: idOf(5), Record: input.Record{Raw: rawOf(5)}})                                                    // stored since
			each(&shipper.Letter{ID: idOf(9_999), Record: input.Record{Raw: rawOf(9_999), Origin: &input.Origin{Path: "/elsewhere"}}}) // of another range
			each(nil)                                                                                                                  // a line that is none
			return nil
		}
	})
	write(t, a, numbers(0, 100)...)
	write(t, a, 0, 1, 2) // the same events in a second file
	for n := 100; n < 110; n++ {
		assert.ErrorIs(t, a.Processor(drops{}).Process(rawOf(n), new(ecs.Event)), errDrop)
	}
	routed := event(110)
	routed.Meta.Output = "archive"
	_, err := a.Output().Write(t.Context(), []*ecs.Event{routed})
	require.NoError(t, err)
	require.NoError(t, a.DeadLetters().Write(t.Context(), []shipper.Letter{
		{Record: input.Record{Raw: []byte("x"), Index: 3, Origin: &input.Origin{Path: "/logs/broken"}}},
		{Record: input.Record{Raw: []byte("x"), Index: 4, Origin: &input.Origin{Path: "/logs/broken"}}}, // nowhere
	}))
	for n := range 100 {
		switch n {
		case 3, 4, 7, 8, 40, 41: // missing, late or dead
		case 5:
			search.docs["logs"] = append(search.docs["logs"], docOf(n), docOf(n), docOf(n))
		default:
			search.docs["logs"] = append(search.docs["logs"], docOf(n))
		}
	}
	search.docs["logs"] = append(search.docs["logs"], docOf(500), docOf(501), docOf(501), docOf(103),
		output.Stored{ID: "made by another", Time: base, Account: "111122223330", Region: "eu-west-1"})

	r, err := a.Compare(t.Context())
	require.NoError(t, err)
	want := Counts{
		Records: 116, Events: 113, Stored: 96, DeadLettered: 3, Filtered: 10, FilteredStored: 1, Elsewhere: 1,
		Missing: 3, Extra: 3, Duplicate: 2 + 1 + 1,
	}
	assert.Equal(t, want, r.Total)
	assert.False(t, r.Complete)
	assert.False(t, r.Final, "without an end")
	assert.Equal(t, []Named{{"processors.0", 10}}, r.Rules)
	assert.Equal(t, []Named{{"archive", 1}}, r.Outputs)
	assert.Equal(t, []Named{{"/logs/0.json.gz", 2}, {"/logs/broken", 1}}, r.Objects)
	var sum Counts
	for _, p := range r.Parts {
		require.NoError(t, p.Check())
		sum.add(&p.Counts)
	}
	assert.Equal(t, want, sum)
	sum = Counts{}
	for _, h := range r.Hours {
		require.NoError(t, h.Check(), "%+v", h)
		assert.True(t, h.differs(), "%+v", h)
		sum.add(&h.Counts)
	}
	assert.Equal(t, []int64{want.Missing, want.Extra, want.Duplicate}, []int64{sum.Missing, sum.Extra, sum.Duplicate})
	kinds := map[string][]string{}
	for _, d := range told {
		kinds[d.Kind] = append(kinds[d.Kind], d.ID)
	}
	assert.ElementsMatch(t, []string{idOf(3), idOf(4), ""}, kinds[Lost])
	assert.ElementsMatch(t, []string{idOf(500), idOf(501), ""}, kinds[Extra])

	// What is stored meanwhile is seen without reading the source again.
	search.docs["logs"] = append(search.docs["logs"], docOf(3))
	r, err = a.Compare(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 2, r.Total.Missing)
	assert.EqualValues(t, 116, r.Total.Records)
}

func TestHoursAreWhole(t *testing.T) {
	search := &fakeSearch{docs: map[string][]output.Stored{}}
	for n := range 60 {
		if n != 6 && n != 1 {
			search.docs["logs"] = append(search.docs["logs"], docOf(n))
		}
	}
	for _, all := range []bool{false, true} {
		a := newAudit(t, search, func(o *Options) { o.AllHours = all })
		write(t, a, numbers(0, 60)...)
		r, err := a.Compare(t.Context())
		require.NoError(t, err)
		hours := map[string]Counts{}
		for _, h := range r.Hours {
			hours[h.Account+" "+h.Region+" "+h.Hour] = h.Counts
		}
		lacks := Counts{Records: 10, Events: 10, Stored: 9, Missing: 1}
		assert.Equal(t, lacks, hours["111122223330 eu-west-1 2026-11-01T00:00:00Z"])
		assert.Equal(t, lacks, hours["111122223331 us-east-1 2026-11-01T01:00:00Z"])
		if all {
			assert.Len(t, hours, 6)
			assert.Equal(t, Counts{Records: 10, Events: 10, Stored: 10}, hours["111122223330 eu-north-1 2026-11-01T02:00:00Z"])
		} else {
			assert.Len(t, hours, 2)
		}
	}
}

func TestRangeAccountsAndRegions(t *testing.T) {
	search := &fakeSearch{docs: map[string][]output.Stored{}}
	for n := range 120 {
		search.docs["logs"] = append(search.docs["logs"], docOf(n))
	}
	undated := event(1000)
	undated.Meta.Dated = false
	for name, c := range map[string]struct {
		change func(*Options)
		events int64
	}{
		"all":     {func(*Options) {}, 121},
		"range":   {func(o *Options) { o.From, o.To = base.Add(time.Hour), base.Add(3*time.Hour) }, 41},
		"account": {func(o *Options) { o.Accounts = []string{"111122223331"} }, 60},
		"region":  {func(o *Options) { o.Regions = []string{"eu-north-1", "us-east-1"} }, 81},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAudit(t, search, c.change)
			write(t, a, numbers(0, 120)...)
			_, err := a.Output().Write(t.Context(), []*ecs.Event{undated})
			require.NoError(t, err)
			r, err := a.Compare(t.Context())
			require.NoError(t, err)
			// The one without a time is always looked for.
			assert.Equal(t, c.events, r.Total.Events)
			assert.Zero(t, r.Total.Extra)
			assert.Equal(t, name != "account", r.Total.Missing == 1)
		})
	}
}

// All data streams that events are meant for are searched, each once.
func TestSeveralDataStreams(t *testing.T) {
	search := &fakeSearch{docs: map[string][]output.Stored{"logs": {docOf(0), docOf(1)}, "other": {docOf(2)}}}
	a := newAudit(t, search)
	write(t, a, 0, 1)
	for _, n := range []int{2, 3} {
		ev := event(n)
		ev.Meta.Index = "other"
		_, err := a.Output().Write(t.Context(), []*ecs.Event{ev})
		require.NoError(t, err)
	}
	r, err := a.Compare(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"logs", "other"}, r.Indices)
	assert.Equal(t, Counts{Records: 4, Events: 4, Stored: 3, Missing: 1}, r.Total)
}

// An output of a rule is searched where that can be done.
func TestSeveralOutputs(t *testing.T) {
	search := &fakeSearch{docs: map[string][]output.Stored{"logs": {docOf(0), docOf(1)}}}
	further := &fakeSearch{docs: map[string][]output.Stored{"logs": {docOf(2)}}}
	a := newAudit(t, search, func(o *Options) { o.Others = map[string]output.Searcher{"hot": further} })
	write(t, a, 0, 1)
	for n, name := range map[int]string{2: "hot", 3: "hot", 4: "archive"} {
		ev := event(n)
		ev.Meta.Output = name
		_, err := a.Output().Write(t.Context(), []*ecs.Event{ev})
		require.NoError(t, err)
	}
	r, err := a.Compare(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"logs", "hot:logs"}, r.Indices)
	assert.Equal(t, Counts{Records: 5, Events: 5, Stored: 3, Elsewhere: 1, Missing: 1}, r.Total)
	assert.Equal(t, 1, further.asked)
}

func TestErrors(t *testing.T) {
	t.Run("of the search", func(t *testing.T) {
		search := &fakeSearch{fail: errors.New("the cluster is away")}
		a := newAudit(t, search)
		write(t, a, 1)
		_, err := a.Compare(t.Context())
		require.ErrorIs(t, err, search.fail)
	})
	t.Run("of the folder", func(t *testing.T) {
		a := newAudit(t, &fakeSearch{}, func(o *Options) { o.Dir = "/there/is/no/such/folder" })
		_, err := a.Output().Write(t.Context(), []*ecs.Event{event(1)})
		require.ErrorContains(t, err, "name a folder")
		assert.True(t, output.IsFatal(err))
	})
	t.Run("ended", func(t *testing.T) {
		a := newAudit(t, &fakeSearch{})
		write(t, a, 1)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := a.Compare(ctx)
		require.ErrorIs(t, err, context.Canceled)
	})
}

// Nothing is left behind, not even while it runs, where files may be without a name.
func TestTemporaryFiles(t *testing.T) {
	dir := t.TempDir()
	a, err := New(Options{Search: &fakeSearch{}, IsDrop: func(error) bool { return false }, Index: "logs", Dir: dir, BufferEntries: 4})
	require.NoError(t, err)
	write(t, a, numbers(0, 100)...)
	_, err = a.Compare(t.Context())
	require.NoError(t, err)
	require.NoError(t, a.Close())
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// batches is an input of the records of numbers.
type batches struct {
	left  []*input.Batch
	acked int
}

func (b *batches) Read(context.Context) (*input.Batch, error) {
	if len(b.left) == 0 {
		return nil, io.EOF
	}
	next := b.left[0]
	b.left = b.left[1:]
	return next, nil
}

func (b *batches) Close() error { return nil }

func TestOnlyHandsOutTheMissing(t *testing.T) {
	search := &fakeSearch{docs: map[string][]output.Stored{}}
	for n := range 100 {
		if n%33 != 0 {
			search.docs["logs"] = append(search.docs["logs"], docOf(n))
		}
	}
	a := newAudit(t, search)
	write(t, a, numbers(0, 100)...)
	_, err := a.Compare(t.Context())
	require.NoError(t, err)
	wanted, err := a.Missing().Objects()
	require.NoError(t, err)
	assert.True(t, wanted("/logs/3.json.gz"))
	assert.False(t, wanted("/logs/4.json.gz"))

	in := &batches{}
	for part := range slices.Chunk(numbers(0, 100), 10) {
		b := &input.Batch{Ack: func(err error) { assert.NoError(t, err); in.acked++ }}
		for _, n := range part {
			b.Records = append(b.Records, input.Record{Raw: rawOf(n)})
		}
		in.left = append(in.left, b)
	}
	only := a.Missing().Only(in)
	var got []string
	for {
		b, err := only.Read(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		for _, rec := range b.Records {
			got = append(got, string(rec.Raw))
		}
		b.Ack(nil)
	}
	assert.Equal(t, []string{`{"n":0}`, `{"n":33}`, `{"n":66}`, `{"n":99}`}, got)
	assert.Equal(t, 10, in.acked)
	assert.EqualValues(t, 4, a.Missing().Count())
}

func TestMillisecondsOfTheEdge(t *testing.T) {
	a := newAudit(t, &fakeSearch{}, func(o *Options) { o.From, o.To = base, base.Add(time.Hour) })
	assert.True(t, a.inRange(base))
	assert.False(t, a.inRange(base.Add(-time.Nanosecond)))
	assert.False(t, a.inRange(base.Add(time.Hour)))
	assert.True(t, a.inRange(time.Time{}))
}
