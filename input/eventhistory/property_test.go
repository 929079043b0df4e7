package eventhistory

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws/awstest"
)

// draw is a source of chance that several goroutines ask.
type draw struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (d *draw) chance(p float64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.Float64() < p
}

func (d *draw) n(most int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.IntN(most)
}

// property lives several lives, in which calls fail, tokens expire, batches come back, acknowledgements are late, events come late, and
// most of which end without Close.
func property(t *testing.T, seed uint64) {
	b, d := newBench(t), &draw{r: rand.New(rand.NewPCG(seed, 7))}
	regions := []string{"us-east-1", "eu-west-1"}
	b.cfg.Regions = regions
	b.cfg.BatchMaxRecords, b.cfg.Workers = 1+d.n(60), 1+d.n(3)
	b.cfg.MaxBatchesInFlight = 1 + d.n(20)
	b.cfg.SeenMax = []int{200_000, 30, 0}[d.n(3)]
	b.h.Page = 1 + d.n(50)
	for range 400 {
		before := time.Duration(d.n(89*24*60)) * time.Minute
		if d.chance(0.5) {
			before = time.Duration(d.n(3600)) * time.Second
		}
		b.event(regions[d.n(2)], before, 0)
	}
	if d.chance(0.3) {
		b.cfg.BatchMaxRecords = 1 + d.n(4) // batches end within a page
		b.h.Shuffle = func(events []awstest.HistoryEvent) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		}
	}
	b.h.Expire = func() bool { return d.chance(0.05) }
	b.server.Hook(func(call string, _ *http.Request) *awstest.Fault {
		switch {
		case call != "LookupEvents" || d.chance(0.85):
			return nil
		case d.chance(0.3):
			return &awstest.Fault{Cut: d.n(100)}
		}
		return []*awstest.Fault{
			{Status: 400, Code: "ThrottlingException"}, {Status: 500, Code: "InternalFailure"}, {Status: 400, Code: "ExpiredTokenException"},
			{Status: 400, Code: "AccessDeniedException"},
		}[d.n(4)]
	})
	var mu sync.Mutex
	delivered, kills := map[string]bool{}, 0
	for life := range 6 {
		b.open()
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+d.n(40))*time.Minute)
		var acks sync.WaitGroup
		dead := make(chan struct{})
		for ctx.Err() == nil {
			batch, err := b.in.Read(ctx)
			if input.IsFatal(err) {
				t.Fatal(err)
			}
			if err != nil {
				continue
			}
			acks.Go(func() {
				wait := time.NewTimer(time.Duration(d.n(20)) * time.Second)
				defer wait.Stop()
				select {
				case <-wait.C:
				case <-dead:
					return // nobody acknowledges any more
				}
				if d.chance(0.05) {
					batch.Ack(errDown)
					return
				}
				mu.Lock()
				for _, r := range batch.Records {
					delivered[r.SourceID] = true
				}
				mu.Unlock()
				batch.Ack(nil)
			})
			if d.chance(0.1) {
				b.event(regions[d.n(2)], 0, time.Duration(d.n(14*60))*time.Second)
			}
		}
		cancel()
		if kill := d.chance(0.7) && life < 5; kill {
			kills++
			b.in.outlet.Break(errors.New("killed")) // a killed process does nothing more
			close(dead)
			acks.Wait()
			b.in.managing.Wait()
			b.in.streaming.Wait()
		} else {
			acks.Wait()
			close(dead)
			require.NoError(t, b.in.Close())
		}
		time.Sleep(time.Duration(d.n(300)) * time.Minute)
	}
	b.server.Hook(nil)
	b.open()
	for _, id := range b.read(5 * time.Hour) {
		delivered[id] = true
	}
	require.NoError(t, b.in.Close())
	t.Logf("%d events, %d lives, %d of them ended by a kill", len(b.ids), 7, kills)
	missing := slices.DeleteFunc(slices.Clone(b.ids), func(id string) bool { return delivered[id] })
	require.Empty(t, missing)
}
