package elasticsearch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/internal/stack"
	"github.com/trailbeat/trailbeat/output"
	"github.com/trailbeat/trailbeat/output/outputtest"
)

const lettersName = "logs-aws.cloudtrail.deadletter-test"

func openLetters(t *testing.T, engine stack.Engine) *Output {
	t.Helper()
	out := open(t, engine.URL, func(c *Config) { c.Index = lettersName })
	t.Cleanup(func() { _ = out.Close() })
	return out
}

func TestSetupOfLetters(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine stack.Engine) {
		out := openLetters(t, engine)
		for i, want := range []SetupAction{SetupCreate, SetupCreate, SetupNothing} {
			report, err := out.SetupLetters(t.Context(), oneNode(), SetupOptions{DryRun: i == 0})
			require.NoError(t, err)
			assert.Equal(t, want, report.Action)
			assert.Equal(t, "trailbeat-logs-aws.cloudtrail.deadletter", report.Template)
		}
		require.NoError(t, out.PrepareLetters(t.Context(), oneNode()))
	})
}

// The template must not refuse what a record holds.
func TestAnyLetterIsStored(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine stack.Engine) {
		out := openLetters(t, engine)
		require.NoError(t, out.PrepareLetters(t.Context(), oneNode()))
		long := make([]byte, 1<<20)
		for i := range long {
			long[i] = 'x'
		}
		var events []*ecs.Event
		for i, raw := range []string{"", "no JSON", `{"a":1}`, `{"a":{"b":"c"}}`, "\x00 control", string(long)} {
			ev := &ecs.Event{}
			ev.Meta.ID = fmt.Sprint(i)
			ev.Timestamp = "2024-05-06T07:08:09.123456789Z"
			ev.Event.Original = raw
			ev.Error.Message, ev.Error.Type, ev.Error.Code = []string{raw}, raw, raw
			ev.Log.File.Path, ev.AWS.S3.Object.Key, ev.Cloud.Region = raw, raw, raw
			ev.PutRaw("trailbeat.dead_letter", ecs.RawJSON([]string{`{"a":1}`, `{"a":"text"}`, `{"a":{"b":[]}}`}[i%3]))
			events = append(events, ev)
		}
		res, err := out.Write(t.Context(), events)
		require.NoError(t, err)
		assert.Equal(t, output.Result{Stored: 6}, res)
		docs := engine.Documents(t, lettersName)
		require.Len(t, docs, 6)
		for _, d := range docs {
			var got struct{ Event struct{ Original string } }
			require.NoError(t, json.Unmarshal(d.Source, &got))
			if d.ID == "5" {
				assert.Equal(t, string(long), got.Event.Original)
			}
		}
	})
}

func TestScrollAndRemove(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine stack.Engine) {
		out := openLetters(t, engine)
		_, err := out.Scroll(lettersName, 10).Next(t.Context())
		require.ErrorIs(t, err, io.EOF, "there is no data stream yet")
		require.NoError(t, out.PrepareLetters(t.Context(), oneNode()))
		for i := range 3 {
			_, err = out.Write(t.Context(), outputtest.NewEvents(100*i, 100))
			require.NoError(t, err)
			engine.Must(t, "POST", "/"+lettersName+"/_rollover", "")
		}
		scroll := out.Scroll(lettersName, 70)
		var all []StoredDocument
		for {
			docs, err := scroll.Next(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			all = append(all, docs...)
		}
		require.NoError(t, scroll.Close(t.Context()))
		require.NoError(t, scroll.Close(t.Context()))
		assert.Len(t, all, 300)

		n, err := out.Remove(t.Context(), all[:200])
		require.NoError(t, err)
		assert.Equal(t, 200, n)
		all[200].SeqNo += 1000 // changed meanwhile
		all[201].Index = ".ds-gone-000001"
		n, err = out.Remove(t.Context(), append(all[198:200:200], all[200], all[201]))
		require.NoError(t, err)
		assert.Zero(t, n)
		assert.Len(t, engine.Documents(t, lettersName), 100)

		short := out.Scroll(lettersName, 10)
		_, err = short.Next(t.Context())
		require.NoError(t, err)
		engine.Must(t, "DELETE", "/_search/scroll/_all", "")
		_, err = short.Next(t.Context())
		require.ErrorIs(t, err, ErrScrollGone)
	})
}
