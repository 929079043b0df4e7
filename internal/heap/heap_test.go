package heap

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestStep(t *testing.T) {
	const mib = 1 << 20
	type look struct {
		ran, fresh uint64 // cycles of the collector and MiB allocated since the look before
		want       string
	}
	for name, looks := range map[string][]look{
		"a flow that allocates little": {{5, 20, ""}, {1, 5, ""}, {2, 5, ""}, {2, 5, ""}},
		"a flow that allocates":        {{5, 20, ""}, {9, 90, "100"}, {9, 90, ""}, {9, 90, ""}},
		"more after a while":           {{5, 20, ""}, {0, 1, ""}, {3, 30, ""}, {4, 40, "100"}, {2, 40, ""}, {1, 20, "33"}},
		"idle from the start":          {{3, 9, ""}, {0, 0, ""}, {0, 0, ""}, {0, 0, ""}, {0, 0, "release"}, {1, 0, ""}, {0, 0, ""}, {0, 0, ""}, {0, 0, ""}},
		"work and idle in turns": {
			{3, 9, ""}, {0, 0, ""}, {0, 0, ""}, {0, 0, ""}, {0, 0, "release"}, {4, 30, "100"}, {0, 0, "33"}, {0, 0, ""}, {0, 0, ""}, {0, 0, "release"},
			{0, 1, ""}, {0, 0, ""}, {0, 0, ""}, {0, 0, ""}, {0, 0, ""}, {0, 1, ""}, {0, 0, ""}, {0, 0, ""}, {0, 0, ""}, {0, 0, "release"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			did := ""
			tend := tender{percent: tight, set: func(percent int) { did += fmt.Sprint(percent) }, release: func() { did += "release" }}
			var cycles, allocated uint64
			for i, l := range looks {
				did = ""
				cycles, allocated = cycles+l.ran, allocated+l.fresh*mib
				tend.step(cycles, allocated)
				assert.Equal(t, l.want, did, "look %d", i)
			}
		})
	}
}

func TestTendEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := Tend()
		time.Sleep(time.Minute) // it looks meanwhile
		stop()
	})
}
