package progress

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
)

type explained struct{ kind, hint string }

func (e explained) Error() string     { return "it broke" }
func (e explained) ErrorKind() string { return e.kind }
func (e explained) ErrorHint() string { return e.hint }

func TestTracker(t *testing.T) {
	var tr Tracker
	r := tr.Report()
	assert.Equal(t, input.StateStarting, r.State)
	assert.Len(t, r.Errors, len(input.ErrorKinds()), "all kinds are there from the start")

	tr.Reading()
	tr.Object("s3://b/k")
	tr.Failed(nil)
	tr.Failed(fmt.Errorf("reading: %w", explained{input.KindExpired, "give new keys"}))
	r = tr.Report()
	assert.Equal(t, input.StateReading, r.State)
	assert.Equal(t, "s3://b/k", r.LastObject)
	assert.False(t, r.LastObjectTime.IsZero())
	assert.Equal(t, "reading: it broke", r.LastError)
	assert.Equal(t, "give new keys", r.LastErrorHint)
	assert.EqualValues(t, 1, r.Errors[input.KindExpired])

	next := time.Now().Add(time.Minute)
	tr.Waiting(next)
	assert.Equal(t, next, tr.Report().NextPoll)
	tr.Retrying(next)
	assert.Equal(t, input.StateFailing, tr.Report().State)
	tr.Ended()
	tr.Reading()
	assert.Equal(t, input.StateEnded, tr.Report().State, "nothing comes after the end")
	assert.Zero(t, tr.Report().NextPoll)

	r = tr.Report()
	r.Errors[input.KindExpired] = 99
	assert.EqualValues(t, 1, tr.Report().Errors[input.KindExpired], "a report is a copy")
}

func TestBounds(t *testing.T) {
	var tr Tracker
	tr.Failed(explained{"made up", ""})
	tr.Failed(fs.ErrPermission)
	tr.Failed(fs.ErrNotExist)
	tr.Failed(errors.New(strings.Repeat("é", 4000)))
	r := tr.Report()
	assert.EqualValues(t, 2, r.Errors[input.KindOther], "no kind that is not in the list")
	assert.EqualValues(t, 1, r.Errors[input.KindAccessDenied])
	assert.EqualValues(t, 1, r.Errors[input.KindMissing])
	assert.LessOrEqual(t, len(r.LastError), maxText+3)
	assert.True(t, utf8.ValidString(r.LastError))
}

// A report is flat but for the counts of errors (and the leases of those that share), so that a page or a table can show it as it is.
func TestReportIsFlat(t *testing.T) {
	text, err := json.Marshal(new(Tracker).Report())
	require.NoError(t, err)
	var members map[string]any
	require.NoError(t, json.Unmarshal(text, &members))
	for name, value := range members {
		kind := reflect.ValueOf(value).Kind()
		assert.True(t, kind == reflect.String || kind == reflect.Float64 || name == "errors", name)
	}
}
