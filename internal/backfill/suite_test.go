package backfill_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws/awstest"
	"github.com/trailbeat/trailbeat/input/inputtest"
	"github.com/trailbeat/trailbeat/internal/backfill"
	"github.com/trailbeat/trailbeat/internal/backfill/trail"
)

// mortal is a store that a crash takes away.
type mortal struct {
	input.Store
	dead atomic.Bool
}

var errDead = errors.New("the process is dead")

func (m *mortal) PutAll(values map[string]any) error {
	if m.dead.Load() {
		return errDead
	}
	for key, v := range values {
		if v == nil {
			_ = m.Delete(key)
		} else if err := m.Put(key, v); err != nil {
			return err
		}
	}
	return nil
}

func (m *mortal) Each(prefix string, fn func(string, json.RawMessage) error) error {
	return m.Store.Each(prefix, fn)
}

func TestContract(t *testing.T) {
	inputtest.Run(t, inputtest.Harness{Ends: true, New: func(t *testing.T) inputtest.Source {
		p := &past{t: t, server: new(awstest.Server), opts: backfill.Options{Replan: true}}
		p.server.Bucket("trail", "us-east-1")
		n := 0
		var old *mortal
		return inputtest.Source{
			Seed: func(records []string) {
				n = (n + 7) / 8 * 8 // on days of its own: one that was done and has more files now is read again as a whole
				for i := 0; i < len(records); i += 4 {
					body := `{"Records":[` + strings.Join(records[i:min(i+4, len(records))], ",") + `]}`
					p.server.Put("trail", key("111122223333", "eu-west-1", firstDay.Add(time.Duration(n)*3*time.Hour)), pack(t, body), nil)
					n++
				}
			},
			Open: func() input.Input {
				if old != nil {
					old.dead.Store(true)
				}
				old = &mortal{Store: p.state.Input("backfill")}
				cfg := p.config()
				cfg.Objects.BatchMaxRecords = 7
				tree, err := trail.OpenTree(cfg, "in", nil)
				require.NoError(t, err)
				j, err := backfill.New(tree, old, p.opts, nil)
				require.NoError(t, err)
				require.NoError(t, j.MakePlan(t.Context(), nil))
				return j.Input()
			},
		}
	}})
}
