package verify

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trailbeat/trailbeat/input/trailstore"
)

// Verifier is one verification. Make it with New.
type Verifier struct {
	cfg  Config
	keys *keyring
	// slots bounds the files that are read at the same time.
	slots    chan struct{}
	out      chan Item
	progress counters

	elsewhere elsewhere

	mu      sync.Mutex
	visited map[string]bool // folders of digests that were walked, with their buckets
}

type counters struct {
	places, placesDone, digests, logs, findings, bytes atomic.Int64
	// walked is the sum of the parts of places, in thousandths.
	walked atomic.Int64
}

// Progress is how far a run has come.
type Progress struct {
	// Places that were found so far, and of them those that are done.
	Places, PlacesDone int64
	// Part of the range over the places that were found, from 0 to 1.
	Part float64
	// Digests and Logs that were looked at, and Findings, those that are not valid.
	Digests, Logs, Findings int64
	// Bytes of uncompressed content.
	Bytes int64
}

// New makes a Verifier. It calls nobody.
func New(cfg Config) (*Verifier, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	return &Verifier{
		cfg: cfg, keys: newKeyring(cfg.Keys, cfg.From, cfg.To), slots: make(chan struct{}, cfg.Workers), visited: map[string]bool{},
	}, nil
}

// Progress may be called at any time, by anybody.
func (v *Verifier) Progress() Progress {
	p := Progress{
		Places: v.progress.places.Load(), PlacesDone: v.progress.placesDone.Load(),
		Digests: v.progress.digests.Load(), Logs: v.progress.logs.Load(), Findings: v.progress.findings.Load(), Bytes: v.progress.bytes.Load(),
	}
	if p.Places > 0 {
		p.Part = min(1, float64(v.progress.walked.Load())/1000/float64(p.Places))
	}
	return p
}

// PublicKeys are those that CloudTrail gave, for verifications without AWS. Call it after Run.
func (v *Verifier) PublicKeys() trailstore.KeyFile { return v.keys.used() }

// Run verifies. The error is what ended it early: ctx, or that there is nothing to be verified; items that came before are right.
// It may be called once.
func (v *Verifier) Run(ctx context.Context) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		v.out = make(chan Item)
		var failure error
		go func() {
			defer close(v.out)
			failure = v.run(ctx)
		}()
		for item := range v.out {
			if !yield(item, nil) {
				cancel()
				for range v.out { // whoever sends must come to an end
				}
				return
			}
		}
		if failure != nil {
			yield(Item{}, failure)
		}
	}
}

// run walks places side by side.
func (v *Verifier) run(ctx context.Context) error {
	var walking sync.WaitGroup
	places := make(chan trailstore.Place)
	defer func() {
		close(places)
		walking.Wait()
		for _, f := range v.elsewhere.unnamed() {
			v.send(ctx, Item{File: f})
		}
	}()
	for range v.cfg.Workers {
		walking.Go(func() {
			for p := range places {
				v.walk(ctx, p, v.cfg.To, nil)
				v.progress.placesDone.Add(1)
			}
		})
	}
	found := false
	for p, err := range trailstore.Places(ctx, v.cfg.Store, v.cfg.Filter) {
		if err != nil {
			if p.Root == "" {
				return err
			}
			if !v.send(ctx, Item{Fault: &Fault{placeOf(p, ""), err}}) {
				return ctx.Err()
			}
			continue
		}
		found = true
		v.progress.places.Add(1)
		v.visit(p)
		select {
		case places <- p:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if !found && ctx.Err() == nil {
		v.cfg.Logger.Warn("there are no files of CloudTrail for these accounts and regions")
	}
	return ctx.Err()
}

// visit says whether a place is new.
func (v *Verifier) visit(p trailstore.Place) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	name := p.Bucket + " " + p.Digests()
	if v.visited[name] {
		return false
	}
	v.visited[name] = true
	return true
}

func (v *Verifier) send(ctx context.Context, item Item) bool {
	if f := item.File; f != nil {
		if f.Kind == KindLog {
			v.progress.logs.Add(1)
		} else {
			v.progress.digests.Add(1)
		}
		if f.Result != Valid && f.Result != Pending {
			v.progress.findings.Add(1)
		}
	}
	select {
	case v.out <- item:
		return true
	case <-ctx.Done():
		return false
	}
}

// where is the bucket that is asked for one that a digest names.
func (v *Verifier) where(bucket string) string {
	switch own := v.cfg.Store.Bucket(); {
	case own == "", v.cfg.OriginalBucket != "" && bucket == v.cfg.OriginalBucket:
		return own
	}
	return bucket
}

// each calls do for 0 to n-1 side by side, and returns when all have ended.
func (v *Verifier) each(ctx context.Context, n int, do func(int)) {
	var all sync.WaitGroup
	defer all.Wait()
	for i := range n {
		select {
		case v.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		all.Go(func() {
			defer func() { <-v.slots }()
			do(i)
		})
	}
}

// clamp brings a time into the range.
func (v *Verifier) clamp(t time.Time) time.Time {
	if t.Before(v.cfg.From) {
		return v.cfg.From
	}
	if t.After(v.cfg.To) {
		return v.cfg.To
	}
	return t
}
