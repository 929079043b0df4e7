package bench

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// root is the directory of the repository, seen from this package.
const root = "../.."

func source(tb testing.TB) *Source {
	tb.Helper()
	src, err := Open(root)
	require.NoError(tb, err)
	return src
}

// documents are those of a bulk body, flat, with the actions' ids.
func documents(t *testing.T, body []byte) (docs []map[string]any, ids []string) {
	t.Helper()
	lines := bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
	for i := 0; i < len(lines); i += 2 {
		var action struct {
			Create struct {
				ID string `json:"_id"`
			}
		}
		require.NoError(t, json.Unmarshal(lines[i], &action), "%s", lines[i])
		var doc map[string]any
		require.NoError(t, json.Unmarshal(lines[i+1], &doc), "%s", lines[i+1])
		flat := map[string]any{}
		flatten(flat, "", doc)
		docs, ids = append(docs, flat), append(ids, action.Create.ID)
	}
	return docs, ids
}

func flatten(to map[string]any, prefix string, v any) {
	group, ok := v.(map[string]any)
	if !ok {
		to[prefix] = v
		return
	}
	for name, member := range group {
		if prefix != "" {
			name = prefix + "." + name
		}
		flatten(to, name, member)
	}
}

func TestBaselinesAgree(t *testing.T) {
	for _, c := range []*Corpus{source(t).Small(1e6), source(t).Large(4e6)} {
		t.Run(c.Label, func(t *testing.T) {
			var naive Naive
			var limit Limit
			full, err := newMapper()
			require.NoError(t, err)
			seen := map[string]bool{}
			names := map[string]bool{}
			for _, f := range c.Files {
				slow, n, err := naive.Map(f.Packed)
				require.NoError(t, err)
				require.Equal(t, f.Records, n)
				want, ids := documents(t, slow)
				require.Len(t, want, n)

				var fast []byte
				n, err = limit.Map(f.Packed, func(body []byte) { fast = append(fast, body...) })
				require.NoError(t, err)
				require.Equal(t, f.Records, n)
				got, gotIDs := documents(t, fast)
				require.Equal(t, ids, gotIDs)

				var mapped []byte
				n, err = full.file(f.Packed, func(body []byte) { mapped = append(mapped, body...) })
				require.NoError(t, err)
				require.Equal(t, f.Records, n)
				ours, _ := documents(t, mapped)
				for i := range want {
					require.Equal(t, want[i], got[i])
					compare(t, want[i], ours[i])
					for name := range want[i] {
						names[name] = true
					}
					require.False(t, seen[ids[i]], "the eventID %s came twice", ids[i])
					seen[ids[i]] = true
				}
			}
			if c.Records > 2900 {
				t.Log(slices.Sorted(maps.Keys(names)))
			}
			assert.LessOrEqual(t, len(names), 40)
		})
	}
}

// compare looks for the yardstick's fields in our document. The mapping has rules that the yardsticks lack: services
// have no user, a UserAuthentication takes the name from elsewhere, and a ConsoleLogin says itself how it ended.
func compare(t *testing.T, yardstick, ours map[string]any) {
	t.Helper()
	for name, want := range yardstick {
		switch name {
		case "user.name", "user.id":
			if ours["service.name"] != nil {
				continue
			}
		case "event.outcome":
			if ours["event.action"] == "ConsoleLogin" {
				continue
			}
		}
		require.Equal(t, want, ours[name], "%s of %s", name, ours["event.original"])
	}
}

func TestLimitFindsTheEnd(t *testing.T) {
	var limit Limit
	_, err := limit.Map(pack([]byte(`{"Records":[{"eventName":"a"},{"eventName":"b`)), func([]byte) {})
	require.ErrorIs(t, err, errTruncated)
}

func TestEscaped(t *testing.T) {
	for _, s := range []string{"", `"`, `\`, `abcdefg"`, `abcdefgh"`, `""""""""""""`, `{"a":"b\"c\\d","eventName":"x"}`, "none of them at all, but long"} {
		var back string
		require.NoError(t, json.Unmarshal(append(escaped([]byte(`"`), []byte(s)), '"'), &back))
		require.Equal(t, s, back)
	}
}

func TestCorpusIsTheSameEveryTime(t *testing.T) {
	a, b := source(t).Small(5e5), source(t).Small(5e5)
	require.Equal(t, a, b)
	for _, f := range a.Files[:len(a.Files)-1] {
		require.Equal(t, smallRecords, f.Records)
	}
	require.InDelta(t, 5e5, a.Unpacked, 1e5)
}

func TestCorpusWithoutReferenceData(t *testing.T) {
	t.Setenv("TRAILBEAT_SHARED", t.TempDir())
	src, err := Open(root)
	require.NoError(t, err)
	require.Equal(t, "test cases", src.Name)
	require.Greater(t, len(src.records), 50)
}
