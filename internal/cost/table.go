package cost

import (
	"cmp"
	"slices"
	"strings"
)

// Amount is a number of events with their bytes.
type Amount struct {
	Events int64 `json:"events"`
	// Raw bytes of the records as they came, unpacked, Document bytes of the JSON that is sent, uncompressed.
	Raw      int64 `json:"raw_bytes"`
	Document int64 `json:"document_bytes"`
}

func (a *Amount) add(b Amount) {
	a.Events += b.Events
	a.Raw += b.Raw
	a.Document += b.Document
}

func (a Amount) less(b Amount) Amount {
	return Amount{a.Events - b.Events, a.Raw - b.Raw, a.Document - b.Document}
}

// key is a value with what it belongs to, such as a service with its action. Two strings are compared without being joined first.
type key struct{ of, name string }

func (k key) clone() key { return key{strings.Clone(k.of), strings.Clone(k.name)} }

func (k key) String() string {
	if k.of == "" {
		return k.name
	}
	return k.of + ":" + k.name
}

// table counts by key, with at most limit keys.
type table struct {
	limit  int
	rows   map[key]*Amount
	others Amount
	// shortBy is how many events a row may be short by: whoever comes again after he was given up begins anew.
	shortBy int64
}

func newTable(limit int) *table { return &table{limit: limit, rows: make(map[key]*Amount)} }

func (t *table) add(k key, a Amount) {
	row := t.rows[k]
	if row == nil {
		if len(t.rows) >= t.limit {
			t.halve()
		}
		row = new(Amount)
		t.rows[k.clone()] = row
	}
	row.add(a)
}

// halve gives up the keys with the fewest events.
func (t *table) halve() {
	keys := t.sorted(func(a *Amount) int64 { return a.Events })
	most := int64(0)
	for _, k := range keys[t.limit/2:] {
		row := t.rows[k]
		most = max(most, row.Events)
		t.others.add(*row)
		delete(t.rows, k)
	}
	t.shortBy += most
}

// sorted are the keys by a number, the greatest first.
func (t *table) sorted(by func(*Amount) int64) []key {
	keys := make([]key, 0, len(t.rows))
	for k := range t.rows {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(by(t.rows[b]), by(t.rows[a])), cmp.Compare(a.of, b.of), cmp.Compare(a.name, b.name))
	})
	return keys
}
