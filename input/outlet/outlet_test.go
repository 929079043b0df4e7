package outlet

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/progress"
)

var errLost = errors.New("things were not delivered")

func TestBatchesAndFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, b, fault := New(new(progress.Tracker), errLost), new(input.Batch), errors.New("a folder")
		go func() {
			o.Tell(fault)
			assert.NoError(t, o.Send(o.Context(), b))
			o.CameBack()
			o.Tell(fault)
			o.Finish()
		}()
		synctest.Wait()
		_, err := o.Read(t.Context())
		require.Equal(t, fault, err, "it was told first")
		got, err := o.Read(t.Context())
		require.NoError(t, err)
		assert.Same(t, b, got)
		synctest.Wait()
		_, err = o.Read(t.Context())
		assert.Equal(t, fault, err, "before the end")
		_, err = o.Read(t.Context())
		assert.EqualError(t, err, "1 things were not delivered")
		_, err = o.Read(t.Context())
		assert.Equal(t, io.EOF, err)
		assert.NoError(t, o.NotDelivered(), "it was said")
		assert.EqualValues(t, 1, o.Returned())
	})
}

// A Read that waits ends with each of the things that end it.
func TestEnds(t *testing.T) {
	fault := errors.New("the disk is full")
	for name, test := range map[string]struct {
		end  func(o *Outlet, cancel func())
		want error
	}{
		"all was read": {func(o *Outlet, _ func()) { o.Finish() }, io.EOF},
		"closed":       {func(o *Outlet, _ func()) { o.Close(); o.Close() }, os.ErrClosed},
		"broken":       {func(o *Outlet, _ func()) { o.Break(fault); o.Break(errors.New("another")) }, fault},
		"the caller":   {func(_ *Outlet, cancel func()) { cancel() }, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				state := new(progress.Tracker)
				o := New(state, errLost)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go func() {
					synctest.Wait() // Read waits
					test.end(o, cancel)
				}()
				for range 2 {
					_, err := o.Read(ctx)
					require.ErrorIs(t, err, test.want)
					assert.Equal(t, name == "broken", input.IsFatal(err))
				}
				ended := name == "closed" || name == "broken" // else the work may go on
				assert.Equal(t, ended, o.Context().Err() != nil)
				if ended {
					assert.Error(t, o.Send(o.Context(), new(input.Batch)), "nobody takes it")
				}
			})
		})
	}
}

// Faults that nobody reads neither block nor grow.
func TestFaultsAreBounded(t *testing.T) {
	o := New(new(progress.Tracker), errLost)
	for range 10 * maxFaults {
		o.Tell(io.ErrUnexpectedEOF)
	}
	o.Finish()
	n := 0
	for {
		_, err := o.Read(t.Context())
		if err == io.EOF { //nolint:errorlint // the contract says that it is this very one
			break
		}
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		n++
	}
	assert.Equal(t, maxFaults, n)
}
