package verify_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/internal/verify/verifytest"
)

// tampering is one kind of it, done to eight hours of three log files each.
type tampering struct {
	name string
	do   func(t *testing.T, w *world, tr *verifytest.Trail, d []*verifytest.Digest)
	// want are the findings, D3 and L3.1 in place of names.
	want []string
	gaps []string
}

func put(t *testing.T, w *world, key string, body []byte, metadata map[string]string) {
	t.Helper()
	require.NoError(t, w.store.Put("trail-bucket", key, body, metadata))
}

// rewrite changes the content of a file.
func rewrite(t *testing.T, w *world, key string, change func([]byte) []byte) {
	t.Helper()
	o := w.store.Get("trail-bucket", key)
	content, err := verifytest.Unpack(o.Body)
	require.NoError(t, err)
	put(t, w, key, verifytest.Pack(change(content)), o.Metadata)
}

func meta(t *testing.T, w *world, key string, change func(map[string]string)) {
	t.Helper()
	o := w.store.Get("trail-bucket", key)
	change(o.Metadata)
	put(t, w, key, o.Body, o.Metadata)
}

// swap changes one byte of it.
func swap(old, with string) func([]byte) []byte {
	return func(b []byte) []byte { return []byte(strings.Replace(string(b), old, with, 1)) }
}

func tamperings() []tampering {
	unproven := func(n int) []string {
		var list []string
		for i := range 3 {
			list = append(list, fmt.Sprintf("log not_covered digest_unproven L%d.%d", n, i))
		}
		return list
	}
	uncovered := func(n int) []string {
		var list []string
		for i := range 3 {
			list = append(list, fmt.Sprintf("log not_covered no_digest L%d.%d", n, i))
		}
		return list
	}
	with := func(first string, rest ...[]string) []string {
		list := []string{first}
		for _, r := range rest {
			list = append(list, r...)
		}
		return list
	}
	type T = *testing.T
	type W = *world
	type R = *verifytest.Trail
	type D = []*verifytest.Digest
	return []tampering{
		{"a byte of a log file", func(t T, w W, _ R, d D) {
			rewrite(t, w, d[3].Logs[1].Key, swap("Decrypt", "decrypt"))
		}, []string{"log altered hash_mismatch L3.1"}, nil},
		{"a log file removed", func(_ T, w W, _ R, d D) {
			w.store.Remove("trail-bucket", d[3].Logs[1].Key)
		}, []string{"log missing not_found L3.1"}, nil},
		{"a log file cut", func(t T, w W, _ R, d D) {
			body := w.store.Get("trail-bucket", d[3].Logs[1].Key).Body
			put(t, w, d[3].Logs[1].Key, body[:len(body)-9], nil)
		}, []string{"log altered invalid_format L3.1"}, nil},
		{"a log file emptied", func(t T, w W, _ R, d D) {
			put(t, w, d[3].Logs[1].Key, nil, nil)
		}, []string{"log altered invalid_format L3.1"}, nil},
		{"a log file that is not compressed", func(t T, w W, _ R, d D) {
			content, err := verifytest.Unpack(w.store.Get("trail-bucket", d[3].Logs[1].Key).Body)
			require.NoError(t, err)
			put(t, w, d[3].Logs[1].Key, content, nil)
		}, []string{"log altered invalid_format L3.1"}, nil},
		{"a second stream behind a log file", func(t T, w W, _ R, d D) {
			body := w.store.Get("trail-bucket", d[3].Logs[1].Key).Body
			put(t, w, d[3].Logs[1].Key, append(body, verifytest.Pack([]byte(`{"Records":[]}`))...), nil)
		}, []string{"log altered trailing_data L3.1"}, nil},
		{"an empty stream behind a log file", func(t T, w W, _ R, d D) {
			body := w.store.Get("trail-bucket", d[3].Logs[1].Key).Body
			put(t, w, d[3].Logs[1].Key, append(body, verifytest.Pack(nil)...), nil)
		}, []string{"log altered trailing_data L3.1"}, nil},
		{"two log files exchanged", func(t T, w W, _ R, d D) {
			a, b := w.store.Get("trail-bucket", d[3].Logs[1].Key), w.store.Get("trail-bucket", d[3].Logs[2].Key)
			put(t, w, d[3].Logs[1].Key, b.Body, nil)
			put(t, w, d[3].Logs[2].Key, a.Body, nil)
		}, []string{"log altered hash_mismatch L3.1", "log altered hash_mismatch L3.2"}, nil},
		{"a log file of somebody else", func(t T, w W, tr R, d D) {
			_, err := tr.Log(hour(3).Add(7 * time.Minute))
			require.NoError(t, err)
		}, []string{"log not_covered no_digest *"}, nil},
		{"a log file of another name", func(t T, w W, tr R, d D) {
			put(t, w, tr.Folder("CloudTrail")+"2026/03/01/anything.json.gz", []byte("x"), nil)
		}, []string{"log not_covered no_digest anything.json.gz"}, nil},
		{"a byte of a digest", func(t T, w W, _ R, d D) {
			rewrite(t, w, d[3].Key, swap(d[3].Logs[1].Hash[:8], "00000000"))
		}, with("digest altered hash_mismatch D3", unproven(3)), nil},
		{"a byte of the newest digest", func(t T, w W, _ R, d D) {
			rewrite(t, w, d[7].Key, swap(d[7].Logs[1].Hash[:8], "00000000"))
		}, with("digest altered signature_invalid D7", unproven(7)), nil},
		{"a log file taken out of a digest, and removed", func(t T, w W, _ R, d D) {
			rewrite(t, w, d[3].Key, func(b []byte) []byte {
				var doc map[string]any
				require.NoError(t, json.Unmarshal(b, &doc))
				doc["logFiles"] = doc["logFiles"].([]any)[1:]
				out, err := json.Marshal(doc)
				require.NoError(t, err)
				return out
			})
			w.store.Remove("trail-bucket", d[3].Logs[0].Key)
		}, with("digest altered hash_mismatch D3", unproven(3)[1:]), nil},
		{"a digest removed", func(_ T, w W, _ R, d D) {
			w.store.Remove("trail-bucket", d[3].Key)
		}, with("digest missing not_found D3", uncovered(3)), []string{"missing 3-4"}},
		{"a digest removed, and its files", func(_ T, w W, _ R, d D) {
			w.store.Remove("trail-bucket", d[3].Key)
			for _, f := range d[3].Logs {
				w.store.Remove("trail-bucket", f.Key)
			}
		}, []string{"digest missing not_found D3"}, []string{"missing 3-4"}},
		{"three digests removed", func(_ T, w W, _ R, d D) {
			for _, x := range d[2:5] {
				w.store.Remove("trail-bucket", x.Key)
			}
		}, with("digest missing not_found D4", uncovered(2), uncovered(3), uncovered(4)), []string{"missing 2-5"}},
		{"the newest digest removed, and its files", func(_ T, w W, _ R, d D) {
			w.store.Remove("trail-bucket", d[7].Key)
			for _, f := range d[7].Logs {
				w.store.Remove("trail-bucket", f.Key)
			}
		}, nil, []string{"ends 7-8"}},
		{"the first digest of the trail removed", func(_ T, w W, _ R, d D) {
			w.store.Remove("trail-bucket", d[0].Key)
		}, with("digest missing not_found D0", uncovered(0)[1:]), []string{"missing 0-1"}},
		{"everything removed", func(_ T, w W, tr R, d D) {
			for _, x := range d {
				w.store.Remove("trail-bucket", x.Key)
				for _, f := range x.Logs {
					w.store.Remove("trail-bucket", f.Key)
				}
			}
			_, err := tr.Run(hour(100), 1, 1)
			if err != nil {
				panic(err)
			}
		}, nil, []string{"none 0-8"}},
		{"all digests removed", func(_ T, w W, tr R, d D) {
			for _, x := range d {
				w.store.Remove("trail-bucket", x.Key)
			}
		}, with("log not_covered no_digest L0.1", uncovered(0)[2:], uncovered(1), uncovered(2), uncovered(3), uncovered(4), uncovered(5), uncovered(6), uncovered(7)), nil},
		{"a digest replaced by an older one", func(t T, w W, _ R, d D) {
			o := w.store.Get("trail-bucket", d[2].Key)
			put(t, w, d[3].Key, o.Body, o.Metadata)
		}, with("digest altered moved D3", uncovered(3)), nil},
		{"a digest of another name", func(t T, w W, _ R, d D) {
			o := w.store.Get("trail-bucket", d[3].Key)
			w.store.Remove("trail-bucket", d[3].Key)
			put(t, w, strings.Replace(d[3].Key, "0401", "0402", 1), o.Body, o.Metadata)
		}, with("digest altered moved *", []string{"digest missing not_found D3"}, unproven(3)), []string{"missing 3-4"}},
		{"a digest of another bucket", func(t T, w W, tr R, d D) {
			forged := *tr
			forged.Bucket, forged.Last = "trail-bucket-2", d[2]
			x, metadata, err := forged.Sign(hour(3), hour(4), nil, "")
			require.NoError(t, err)
			put(t, w, x.Key, verifytest.Pack(x.Content), metadata)
		}, with("digest altered moved D3", uncovered(3)), nil},
		{"digests signed with another key", func(t T, w W, tr R, d D) {
			forged := *tr
			forged.Key, forged.Last = testKeys()[2], d[2]
			for i := 3; i < 8; i++ {
				_, err := forged.Digest(hour(i), hour(i+1), d[i].Logs[1:])
				require.NoError(t, err)
			}
		}, with("digest unsigned public_key_unknown D3", []string{
			"digest unsigned public_key_unknown D4", "digest unsigned public_key_unknown D5", "digest unsigned public_key_unknown D6",
			"digest unsigned public_key_unknown D7",
		}, with("log not_covered no_digest L3.0", unproven(3)[1:]), with("log not_covered no_digest L4.0", unproven(4)[1:]),
			with("log not_covered no_digest L5.0", unproven(5)[1:]), with("log not_covered no_digest L6.0", unproven(6)[1:]),
			with("log not_covered no_digest L7.0", unproven(7)[1:])), nil},
		{"a digest signed with another key under CloudTrail's name", func(t T, w W, tr R, d D) {
			forged := *tr
			forged.Key, forged.Last = &verifytest.Key{Private: testKeys()[2].Private, Fingerprint: tr.Key.Fingerprint}, d[6]
			_, err := forged.Digest(hour(7), hour(8), d[7].Logs[1:])
			require.NoError(t, err)
		}, with("digest altered signature_invalid D7", with("log not_covered no_digest L7.0", unproven(7)[1:])), nil},
		{"a digest signed with the key of another region", func(t T, w W, tr R, d D) {
			forged := *tr
			forged.Key, forged.Last = testKeys()[1], d[6]
			_, err := forged.Digest(hour(7), hour(8), d[7].Logs)
			require.NoError(t, err)
		}, with("digest unsigned public_key_unknown D7", unproven(7)), nil},
		{"two digests of the same time", func(t T, w W, tr R, d D) {
			forged := *tr
			forged.Last = d[7]
			x, err := forged.Digest(hour(7).Add(30*time.Minute), hour(8).Add(30*time.Minute), nil)
			require.NoError(t, err)
			d[0] = x
		}, []string{"digest altered overlap D0"}, nil},
		{"a chain beside the chain", func(t T, w W, tr R, d D) {
			forged := *tr
			forged.Last = d[3]
			_, err := forged.Digest(hour(4), hour(5).Add(-time.Minute), nil)
			require.NoError(t, err)
		}, []string{"digest altered overlap D4"}, nil},
		{"the signature of a digest removed", func(t T, w W, _ R, d D) {
			meta(t, w, d[3].Key, func(m map[string]string) { delete(m, "signature") })
		}, []string{"digest unsigned signature_missing D3"}, nil},
		{"all metadata of a digest removed", func(t T, w W, _ R, d D) {
			put(t, w, d[3].Key, w.store.Get("trail-bucket", d[3].Key).Body, nil)
		}, []string{"digest unsigned signature_missing D3"}, nil},
		{"the signature of the newest digest removed", func(t T, w W, _ R, d D) {
			meta(t, w, d[7].Key, func(m map[string]string) { delete(m, "signature") })
		}, with("digest unsigned signature_missing D7", unproven(7)), nil},
		{"the name of the algorithm removed", func(t T, w W, _ R, d D) {
			meta(t, w, d[3].Key, func(m map[string]string) { delete(m, "signature-algorithm") })
		}, []string{"digest unsigned signature_missing D3"}, nil},
		{"another algorithm", func(t T, w W, _ R, d D) {
			meta(t, w, d[3].Key, func(m map[string]string) { m["signature-algorithm"] = "SHA1withRSA" })
		}, []string{"digest unsigned algorithm_unknown D3"}, nil},
		{"another signature", func(t T, w W, _ R, d D) {
			meta(t, w, d[3].Key, func(m map[string]string) { m["signature"] = d[2].Signature })
		}, []string{"digest unsigned signature_invalid D3"}, nil},
		{"a signature that is none", func(t T, w W, _ R, d D) {
			meta(t, w, d[7].Key, func(m map[string]string) { m["signature"] = "zz" })
		}, with("digest altered signature_invalid D7", unproven(7)), nil},
		{"a digest cut", func(t T, w W, _ R, d D) {
			o := w.store.Get("trail-bucket", d[3].Key)
			put(t, w, d[3].Key, o.Body[:len(o.Body)/2], o.Metadata)
		}, with("digest altered invalid_format D3", uncovered(3)), nil},
		{"a digest that is no JSON", func(t T, w W, _ R, d D) {
			rewrite(t, w, d[3].Key, func([]byte) []byte { return []byte("no") })
		}, with("digest altered invalid_format D3", uncovered(3)), nil},
		{"a digest that is another document", func(t T, w W, _ R, d D) {
			rewrite(t, w, d[3].Key, func([]byte) []byte { return []byte(`{"Records":[]}`) })
		}, with("digest altered invalid_format D3", uncovered(3)), nil},
		{"more behind a digest", func(t T, w W, _ R, d D) {
			o := w.store.Get("trail-bucket", d[3].Key)
			put(t, w, d[3].Key, append(o.Body, 0, 0, 0), o.Metadata)
		}, with("digest altered trailing_data D3", uncovered(3)), nil},
		{"a backfill digest without its time", func(t T, w W, tr R, d D) {
			late, err := tr.Log(hour(3).Add(10 * time.Minute))
			require.NoError(t, err)
			x, err := tr.Backfill(hour(3), hour(4), hour(50), []verifytest.LogFile{late})
			require.NoError(t, err)
			meta(t, w, x.Key, func(m map[string]string) { delete(m, "backfill-generation-timestamp") })
		}, []string{"backfill_digest unsigned signature_missing *"}, nil},
		{"validation was off, files came", func(t T, w W, tr R, d D) {
			for i := range 3 {
				w.store.Remove("trail-bucket", d[3+i].Key)
			}
			again := *tr
			again.Last = nil
			_, err := again.Digest(hour(6), hour(7), d[6].Logs)
			require.NoError(t, err)
			again.Last = nil
			_, err = again.Digest(hour(7), hour(8), d[7].Logs)
			require.NoError(t, err)
		}, with("log not_covered no_digest L3.0", uncovered(3)[1:], uncovered(4), uncovered(5)), []string{"off 3-6"}},
	}
}

func TestTamperingIsFound(t *testing.T) {
	for _, c := range tamperings() {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			tr := w.trail()
			d := w.hours(tr, 0, 8)
			before := append([]*verifytest.Digest(nil), d...)
			c.do(t, w, tr, d)
			names := map[string]string{}
			for i := range d {
				names[name(before[i].Key)] = fmt.Sprintf("D%d", i)
				names[name(d[i].Key)] = fmt.Sprintf("D%d", i)
				for j, f := range before[i].Logs {
					names[name(f.Key)] = fmt.Sprintf("L%d.%d", i, j)
				}
			}
			o := w.run()
			require.NoError(t, o.err)
			got := o.findings()
			for i, f := range got {
				at := strings.LastIndexByte(f, ' ') + 1
				if short := names[f[at:]]; short != "" {
					got[i] = f[:at] + short
				}
			}
			if len(c.want) > 0 {
				for i, want := range c.want {
					if star, ok := strings.CutSuffix(want, "*"); ok {
						for j := range got {
							if strings.HasPrefix(got[j], star) && !strings.Contains(got[j], " D") && !strings.Contains(got[j], " L") {
								c.want[i] = got[j]
							}
						}
					}
				}
			}
			assert.ElementsMatch(t, append([]string{}, c.want...), got)
			assert.Equal(t, append([]string{}, c.gaps...), o.gapList())
		})
	}
}
