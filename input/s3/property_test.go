package s3

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/registry"
)

// world is a bucket that grows while an input that is killed again and again reads it.
type world struct {
	t     *testing.T
	r     *rand.Rand
	kind  string
	cfg   Config
	b     *fakeBucket
	store input.Store
	n     int
	// want are all records, got those whose ack had returned before the input was killed.
	want, got map[string]bool
	faulty    bool
}

func newWorld(t *testing.T, seed uint64) *world {
	r := rand.New(rand.NewPCG(seed, 7))
	w := &world{
		t: t, r: r, cfg: testConfig(), b: newBucket(), store: new(registry.Memory).Input("in"),
		want: make(map[string]bool), got: make(map[string]bool),
		kind: []string{"trail", "trail", "flat", "ordered"}[r.IntN(4)],
	}
	w.b.most = 1 + r.IntN(20) // pages
	w.cfg.NumberOfWorkers = 1 + r.IntN(4)
	w.cfg.Lookback = time.Duration(1+r.IntN(30)) * time.Hour
	if w.kind == "ordered" {
		w.cfg.LexicographicalOrdering, w.cfg.LexicographicalLookbackKeys = true, 60
	}
	chance := rand.New(rand.NewPCG(seed, 8)) // the bucket's own, under its lock
	fails := func(one int) bool { return w.faulty && chance.IntN(one) == 0 }
	w.b.listFault = func(listing) error {
		if fails(20) {
			return transport("list")
		}
		return nil
	}
	w.b.openFault = func(key string) error {
		if fails(8) {
			return transport(key)
		}
		return nil
	}
	return w
}

// add puts an object into the bucket, late by what is promised to be found.
func (w *world) add() {
	w.n++
	records := make([]string, w.r.IntN(20))
	for i := range records {
		records[i] = fmt.Sprintf("%d/%d", w.n, i)
		w.want[records[i]] = true
	}
	late := time.Duration(0)
	if w.r.IntN(3) == 0 {
		late = time.Duration(w.r.Int64N(int64(w.cfg.Lookback - time.Minute)))
	}
	var key string
	switch w.kind {
	case "trail":
		account := []string{"111122223333", "444455556666", "777788889999"}[w.r.IntN(1+min(w.n/20, 2))]
		region := []string{"eu-west-1", "us-east-1"}[w.r.IntN(1+min(w.n/30, 1))]
		key = trailKey(account, region, time.Now().Add(-late), fmt.Sprintf("%d-%d", w.r.IntN(1000), w.n))
	case "flat":
		key = fmt.Sprintf("%d/%d", w.r.IntN(1000), w.n)
	case "ordered":
		key = fmt.Sprintf("%06d-%d", 10*w.n+500-w.r.IntN(50)*9, w.n) // among the last of them
	}
	w.b.putAt(time.Now(), key, records...)
	w.b.breakContent(key, w.r.IntN(25) == 0)
}

// live opens the input, reads and acknowledges as it comes, and closes or kills it.
func (w *world) live() {
	in := testInput(w.t, w.b, w.cfg, w.store, w.r.IntN(2) == 0)
	held := []*input.Batch{}
	ack := func(b *input.Batch) {
		if w.r.IntN(10) == 0 {
			b.Ack(errors.New("the output is down"))
			return
		}
		var list []string
		for _, r := range b.Records {
			list = append(list, string(r.Raw))
		}
		b.Ack(nil)
		for _, r := range list {
			w.got[r] = true
		}
	}
	for range w.r.IntN(60) {
		synctest.Wait()
		if len(held) > 0 && w.r.IntN(2) == 0 {
			i := w.r.IntN(len(held))
			ack(held[i])
			held[i] = held[len(held)-1]
			held = held[:len(held)-1]
		}
		if w.r.IntN(6) == 0 {
			w.add()
		}
		ctx, cancel := contextFor(w.t, time.Duration(w.r.IntN(300))*time.Second)
		b, err := in.Read(ctx)
		cancel()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			held = append(held, b)
		}
	}
	switch w.r.IntN(3) {
	case 0:
		in.kill()
	case 1: // as the flow does: all acks, then Close
		for _, b := range held {
			ack(b)
		}
		_ = in.Close()
	default: // acks that come too late
		_ = in.Close()
		in.kill()
	}
}

// rest reads all that is left.
func (w *world) rest() {
	w.faulty = false
	for _, key := range w.b.keys {
		w.b.breakContent(key, false)
	}
	for range 2 { // the second finds what came behind the place of a pass that had broken off
		list, _ := readAll(w.t, testInput(w.t, w.b, w.cfg, w.store, true))
		for _, r := range list {
			w.got[r] = true
		}
	}
	opened := w.b.count("open")
	list, errs := readAll(w.t, testInput(w.t, w.b, w.cfg, w.store, true))
	require.Empty(w.t, errs)
	require.Empty(w.t, list, "read again although all is done")
	require.Equal(w.t, opened, w.b.count("open"))
}

// Killed at any moment, with faults everywhere, it loses nothing.
func TestKilledAtAnyMoment(t *testing.T) {
	seeds := 150
	if testing.Short() {
		seeds = 20
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(365 * 24 * time.Hour)
				w := newWorld(t, uint64(seed))
				for range 60 {
					w.add()
				}
				w.faulty = true
				for range 12 {
					for range w.r.IntN(10) {
						w.add()
					}
					time.Sleep(time.Duration(w.r.Int64N(int64(3 * time.Hour))))
					w.live()
				}
				w.rest()
				for r := range w.want {
					require.True(t, w.got[r], "%s: %s was lost", w.kind, r)
				}
			})
		})
	}
}
