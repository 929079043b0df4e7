package shipper

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/trailbeat/trailbeat/ecs"
)

func TestIdleWorkerGivesUpItsMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		batches := make(chan delivery)
		w := &worker{Shipper: new(Shipper), pool: []*ecs.Event{new(ecs.Event)}}
		go func() {
			time.Sleep(idleAfter / 2)
			batches <- delivery{readTime: "1"}
			time.Sleep(2 * idleAfter)
			batches <- delivery{readTime: "2"}
			close(batches)
		}()
		d, ok := w.next(batches)
		assert.True(t, ok)
		assert.Equal(t, "1", d.readTime)
		assert.NotNil(t, w.pool, "it is busy")
		d, ok = w.next(batches)
		assert.True(t, ok)
		assert.Equal(t, "2", d.readTime)
		assert.Nil(t, w.pool, "nothing came for long")
		_, ok = w.next(batches)
		assert.False(t, ok)
	})
}
