package monitor

import (
	"strings"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/internal/monitor/api"
	"github.com/trailbeat/trailbeat/internal/monitor/sketch"
	"github.com/trailbeat/trailbeat/output"
)

const (
	placeMinutes = 60
	lagMinutes   = 5
	// topCounters is how many names each list follows.
	topCounters = 128
	// topTurn is how long names are counted before the older half is forgotten.
	topTurn = 5 * time.Minute
	// namesPerSecond is about how many documents are looked at for names.
	namesPerSecond = 1000
	maxName        = 200
)

// passage is what was learnt of the documents that passed.
type passage struct {
	mu     sync.Mutex
	places map[placeKey]*place
	order  []*place // as they came
	clock  clock
	names  *names // nil: none are kept
}

type placeKey struct{ account, region string }

// place is an account in a region.
type place struct {
	placeKey
	events   int64
	lag      hist
	lagSum   int64
	newest   int64 // eventTime
	minutes  [placeMinutes]placeMinute
	atMinute int64
	last     int // bucket
}

type placeMinute struct {
	events  int64
	lag     hist
	longest int64
}

func newPassage(details bool, now time.Time) *passage {
	p := &passage{places: map[placeKey]*place{}}
	if details {
		p.names = newNames(now)
	}
	return p
}

// written takes in the documents of one batch with their verdicts.
func (p *passage) written(events []*ecs.Event, res output.Result, refused *output.BatchError, now time.Time) {
	var failures []output.Failure
	if refused != nil {
		failures = refused.Failures
	}
	unix := now.Unix()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.names != nil {
		p.names.begin(len(events), now)
	}
	var at *place
	var minute *placeMinute
	for i, ev := range events {
		if len(failures) > 0 && failures[0].Index == i {
			failures = failures[1:]
			continue
		}
		account := ev.AWS.CloudTrail.RecipientAccountID
		if account == "" {
			account = ev.Cloud.Account.ID
		}
		if at == nil || at.account != account || at.region != ev.Cloud.Region {
			at = p.place(account, ev.Cloud.Region)
			minute = at.minute(unix / 60)
		}
		at.events++
		minute.events++
		// Of a batch with old and new documents nobody says which is which; one that is all old says nothing about the lag.
		if res.Stored > 0 && ev.Meta.Dated {
			if t, ok := p.clock.seconds(ev.Timestamp); ok {
				lag := max(unix-t, 0)
				at.newest = max(at.newest, t)
				at.last = bucketOf(lag, at.last)
				at.lag[at.last]++
				at.lagSum += lag
				minute.lag[at.last]++
				minute.longest = max(minute.longest, lag)
			}
		}
		if p.names != nil {
			p.names.event(ev)
		}
	}
}

// place finds an account and region, or the one that stands for all further ones.
func (p *passage) place(account, region string) *place {
	if at := p.places[placeKey{account, region}]; at != nil {
		return at
	}
	key := placeKey{account, region}
	if len(p.places) >= api.MaxPlaces-1 {
		key = placeKey{api.Other, api.Other}
		if at := p.places[key]; at != nil {
			return at
		}
	}
	// The event's strings point into memory that is used again.
	key = placeKey{label(key.account), label(key.region)}
	if at := p.places[key]; at != nil {
		return at
	}
	at := &place{placeKey: key}
	p.places[key] = at
	p.order = append(p.order, at)
	return at
}

// minute gives the slot of a minute and clears those that were left out since.
func (at *place) minute(now int64) *placeMinute {
	if now > at.atMinute {
		for m := max(at.atMinute+1, now-placeMinutes+1); m <= now; m++ {
			at.minutes[m%placeMinutes] = placeMinute{}
		}
		at.atMinute = now
	}
	return &at.minutes[at.atMinute%placeMinutes]
}

// recent is the lag of the last minutes.
func (at *place) recent(now int64) (h hist, longest int64) {
	for m := now - lagMinutes + 1; m <= now; m++ {
		if m > at.atMinute || m <= at.atMinute-placeMinutes {
			continue
		}
		slot := &at.minutes[m%placeMinutes]
		h.add(&slot.lag)
		longest = max(longest, slot.longest)
	}
	return h, longest
}

// lag sums up all places: since the start, and the longest of the current minute.
func (p *passage) lag(now time.Time) (sum hist, longest int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, at := range p.order {
		sum.add(&at.lag)
		if at.atMinute == now.Unix()/60 {
			longest = max(longest, at.minutes[at.atMinute%placeMinutes].longest)
		}
	}
	return sum, longest
}

// label makes a copy that metrics can bear.
func label(s string) string { return strings.Clone(strings.ToValidUTF8(clip(s), "\uFFFD")) }

func clip(s string) string {
	if len(s) > maxName {
		return s[:maxName]
	}
	return s
}

// names counts what the documents are about. Two generations take turns, so that what lately passed is known without a clock
// for each name.
type names struct {
	turn    [2][lists]*sketch.Top
	current int
	since   [2]time.Time

	stride, phase int
	window        time.Time // when the stride was set
	passed        int       // since then
	failed        int       // errors counted of this batch
	key           []byte
}

const (
	listActions = iota
	listPrincipals
	listCountries
	listErrors
	lists
)

func newNames(now time.Time) *names {
	n := &names{stride: 1, window: now, since: [2]time.Time{now, now}}
	for i := range n.turn {
		for j := range n.turn[i] {
			n.turn[i][j] = sketch.New(topCounters)
		}
	}
	return n
}

// begin sets how many documents of a batch are looked at: all while few pass, else every so many.
func (n *names) begin(events int, now time.Time) {
	if d := now.Sub(n.window); d >= 250*time.Millisecond {
		n.stride = 1 + int(float64(n.passed)/d.Seconds()/namesPerSecond)
		n.window, n.passed = now, 0
	}
	n.passed += events
	if n.passed > namesPerSecond {
		n.stride = max(n.stride, n.passed/namesPerSecond*4)
	}
	n.failed = 0
	if now.Sub(n.since[n.current]) >= topTurn {
		n.current = 1 - n.current
		n.since[n.current] = now
		for _, top := range n.turn[n.current] {
			top.Reset()
		}
	}
}

const separator = "\x1f"

// maxErrors of a batch are counted one by one, also where only a sample of the documents is looked at: they are rare and matter.
const maxErrors = 32

func (n *names) event(ev *ecs.Event) {
	top := &n.turn[n.current]
	n.phase++
	sampled := n.phase >= n.stride
	weight := int64(n.stride)
	if sampled {
		n.phase = 0
	}
	if code := ev.AWS.CloudTrail.ErrorCode; code != "" && (sampled || n.failed < maxErrors && n.stride > 1) {
		w := int64(1)
		if n.failed++; n.failed > maxErrors {
			w = weight
		}
		n.add(top[listErrors], w, code, ev.Event.Action)
	}
	if !sampled {
		return
	}
	n.add(top[listActions], weight, ev.Event.Action, ev.Event.Provider)
	n.add(top[listPrincipals], weight, principal(ev), "")
	country := ev.Source.Geo.CountryName
	if country == "" {
		country = ev.Source.Geo.CountryISOCode
	}
	n.add(top[listCountries], weight, country, "")
}

func (n *names) add(top *sketch.Top, weight int64, name, detail string) {
	n.key = append(n.key[:0], clip(name)...)
	if detail != "" {
		n.key = append(n.key, separator...)
		n.key = append(n.key, clip(detail)...)
	}
	top.Add(n.key, weight)
}

// principal is who acted: the role of a session without the session's name, of which there is no end.
func principal(ev *ecs.Event) string {
	id := &ev.AWS.CloudTrail.UserIdentity
	switch {
	case id.ARN != "":
		if strings.Contains(id.ARN, ":assumed-role/") {
			if i := strings.LastIndexByte(id.ARN, '/'); i > strings.IndexByte(id.ARN, '/') {
				return id.ARN[:i]
			}
		}
		return id.ARN
	case id.InvokedBy != "":
		return id.InvokedBy
	case ev.User.Name != "":
		return ev.User.Name
	}
	return id.Type
}

// list is what the page shows of one list.
func (n *names) list(which, most int) api.List {
	older, newer := n.turn[1-n.current][which], n.turn[n.current][which]
	out := api.List{Total: older.Total() + newer.Total(), Items: []api.Item{}}
	for _, c := range sketch.Merge(most+1, older, newer) {
		name, detail, _ := strings.Cut(c.Key, separator)
		if len(name) == 0 || len(out.Items) == most {
			continue
		}
		out.Items = append(out.Items, api.Item{Name: name, Detail: detail, Count: c.Count, Over: c.Over})
	}
	return out
}
