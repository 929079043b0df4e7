package audit

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/internal/shipper"
	"github.com/trailbeat/trailbeat/output"
)

// Options of an Audit. Search and IsDrop are required.
type Options struct {
	// From and To bound the events by their own time, which is @timestamp: not before From, and before To. Zero: no bound.
	From, To time.Time
	// Accounts and Regions are those to compare; see output.Stored. Empty: all. Events that name none are always compared.
	Accounts, Regions []string
	// Search is the output. Index is the data stream that is looked at in any case, beside those that events are meant for.
	Search output.Searcher
	Index  string
	// Others are further outputs that rules send events to, by their names (ecs.Meta.Output), as far as they can be searched. What is
	// sent to any other is only counted.
	Others map[string]output.Searcher
	// Letters calls a function for each dead letter that is there. Nil: there are none.
	Letters func(ctx context.Context, each func(*shipper.Letter)) error
	// IsDrop tells the error of a processor that takes a record out on purpose.
	IsDrop func(error) bool
	// RuleOf names the rule of such an error. Nil: they have no names.
	RuleOf func(error) string
	// Bare maps a record without any rule, for those that a rule takes out: when it was and whose it is. Nil: these are counted without
	// account, region and hour, and in any range.
	Bare shipper.Processor
	// Dir is where temporary files are made. Empty: where the system has them.
	Dir string
	// BufferEntries is how many events are sorted in memory at a time, 40 bytes each. 0: DefaultBufferEntries.
	BufferEntries int
	// AllHours reports all hours, and not only those with a difference.
	AllHours bool
	// Difference is told of each difference, in no order. Nil: nobody is.
	Difference func(Difference) error
	// Logger. Nil: silent.
	Logger *slog.Logger
}

// Audit is one comparison. Make it with New, and Close it.
type Audit struct {
	opt    Options
	seed   maphash.Seed
	groups *groups
	places *places
	events sync.Pool // of *ecs.Event

	mu      sync.Mutex
	source  *runs
	failure error

	missing *Missing

	records, documents, compared atomic.Int64
	phase                        atomic.Int32
}

// New makes an Audit. Nothing is opened yet.
func New(opt Options) (*Audit, error) {
	if opt.Search == nil || opt.IsDrop == nil {
		return nil, errors.New("making an audit: the output that is searched, or IsDrop, is missing")
	}
	if opt.BufferEntries <= 0 {
		opt.BufferEntries = DefaultBufferEntries
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	a := &Audit{opt: opt, seed: maphash.MakeSeed(), groups: newGroups(), places: newPlaces(opt.Dir)}
	a.source = newRuns(opt.Dir, opt.BufferEntries)
	a.events.New = func() any { return new(ecs.Event) }
	return a, nil
}

// Close removes the temporary files.
func (a *Audit) Close() error { return errors.Join(a.source.close(), a.places.close()) }

// The phases of an Audit.
const (
	// Reading is the source.
	Reading = iota
	// Searching is the output.
	Searching
	// Comparing is the end.
	Comparing
)

// Progress says what is being done, and how many records of the source were read, documents found and events compared so far. Safe for
// concurrent use.
func (a *Audit) Progress() (phase int, records, documents, compared int64) {
	return int(a.phase.Load()), a.records.Load(), a.documents.Load(), a.compared.Load()
}

// searcher is the output of that name; nil: it cannot be searched.
func (a *Audit) searcher(name string) output.Searcher {
	if name == "" {
		return a.opt.Search
	}
	return a.opt.Others[name]
}

// inRange says whether an event of that time is to be compared. The zero time always is.
func (a *Audit) inRange(t time.Time) bool {
	return t.IsZero() || !t.Before(a.opt.From) && (a.opt.To.IsZero() || t.Before(a.opt.To))
}

func (a *Audit) chosen(account, region string) bool {
	return oneOf(account, a.opt.Accounts) && oneOf(region, a.opt.Regions)
}

func oneOf(text string, list []string) bool {
	if len(list) == 0 || text == "" {
		return true
	}
	for _, one := range list {
		if one == text {
			return true
		}
	}
	return false
}

// add takes entries of the source.
func (a *Audit) add(list []entry) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failure == nil {
		a.failure = a.source.add(list...)
	}
	return a.failure
}
