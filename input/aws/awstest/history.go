package awstest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/internal/lazyregexp"
)

// historyTarget begins the names of CloudTrail's calls.
const historyTarget = "CloudTrail_20131101."

// historyDays is how long events are kept.
const historyDays = 90 * 24 * time.Hour

// HistoryEvent is one event of the event history.
type HistoryEvent struct {
	// ID of the event; what was put first is older where times are equal.
	ID string
	// At is the time of the event; AWS knows whole seconds.
	At time.Time
	// Visible is from when the event is given. Zero: at once.
	Visible time.Time
	// Insight puts it into the category insight.
	Insight bool
	// Attributes by the names of AWS, such as EventName, beside EventId.
	Attributes map[string]string
	// Text is the record.
	Text string

	number int
}

// History is the event history of one account. Its calls are named LookupEvents and ListRegions for Hook. Safe for concurrent use, but
// for its fields, which are set before the first call.
type History struct {
	// Regions are those that are enabled. None: us-east-1.
	Regions []string
	// Page is how many events an answer holds at most. 0: 50.
	Page int
	// Quota is how many calls are answered in a second in each region. 0: all. AWS has 2.
	Quota int
	// Expire says whether a page token has expired. nil: none has.
	Expire func() bool
	// Shuffle, where it is set, spoils the order of the events of an answer.
	Shuffle func(events []HistoryEvent)

	mu     sync.Mutex
	events map[string][]HistoryEvent // by region
	calls  map[string][]time.Time
	next   int
}

// History adds the event history to the server, with the identity of the account 123456789012.
func (s *Server) History() *History {
	h := &History{events: map[string][]HistoryEvent{}, calls: map[string][]time.Time{}}
	s.Handle("LookupEvents", h.lookup)
	s.Handle("ListRegions", h.regions)
	s.Handle("GetCallerIdentity", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprint(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/reader</Arn>`+
			`<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
	})
	return h
}

// SetRegions changes the enabled regions while calls are made.
func (h *History) SetRegions(names ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.Regions = names
}

// Put adds an event to a region.
func (h *History) Put(region string, e HistoryEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next++
	e.number = h.next
	h.events[region] = append(h.events[region], e)
}

var signedFor = lazyregexp.New(`Credential=[^/]+/\d+/([^/]+)/`)

func regionOf(r *http.Request) string {
	if m := signedFor().FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		return m[1]
	}
	return ""
}

func (h *History) regions(w http.ResponseWriter, r *http.Request) {
	var in struct{ NextToken string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	h.mu.Lock()
	list := h.Regions
	h.mu.Unlock()
	if len(list) == 0 {
		list = []string{"us-east-1"}
	}
	// Small pages, so that callers turn them.
	list = slices.DeleteFunc(slices.Sorted(slices.Values(list)), func(name string) bool { return name <= in.NextToken })
	out := map[string]any{}
	if len(list) > 2 {
		list = list[:2]
		out["NextToken"] = list[1]
	}
	found := []map[string]string{}
	for _, name := range list {
		found = append(found, map[string]string{"RegionName": name, "RegionOptStatus": "ENABLED_BY_DEFAULT"})
	}
	out["Regions"] = found
	reply(w, out)
}

type lookup struct {
	StartTime, EndTime       float64
	EventCategory, NextToken string
	MaxResults               int
	LookupAttributes         []struct{ AttributeKey, AttributeValue string }
}

// question is what a page token goes with.
func (l lookup) question() string {
	return fmt.Sprint(l.StartTime, l.EndTime, l.EventCategory, l.MaxResults, l.LookupAttributes)
}

func (h *History) lookup(w http.ResponseWriter, r *http.Request) {
	var in lookup
	_ = json.NewDecoder(r.Body).Decode(&in)
	region, now := regionOf(r), time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.Quota > 0 {
		recent := slices.DeleteFunc(h.calls[region], func(t time.Time) bool { return now.Sub(t) >= time.Second })
		if h.calls[region] = recent; len(recent) >= h.Quota {
			fail(w, r, http.StatusBadRequest, "ThrottlingException", "Rate exceeded")
			return
		}
		h.calls[region] = append(recent, now)
	}
	edge := float64(now.Add(-historyDays).Unix())
	switch {
	case in.StartTime > in.EndTime:
		fail(w, r, http.StatusBadRequest, "InvalidTimeRangeException", "The start time is after the end time.")
		return
	case len(in.LookupAttributes) > 1:
		fail(w, r, http.StatusBadRequest, "InvalidLookupAttributesException", "One attribute at most.")
		return
	case in.MaxResults < 1 || in.MaxResults > 50:
		fail(w, r, http.StatusBadRequest, "InvalidMaxResultsException", "1 to 50.")
		return
	}
	var after struct {
		Question   string
		At, Number int64
	}
	if in.NextToken != "" {
		if json.Unmarshal([]byte(in.NextToken), &after) != nil || after.Question != in.question() || h.Expire != nil && h.Expire() {
			fail(w, r, http.StatusBadRequest, "InvalidNextTokenException", "The token is invalid or has expired.")
			return
		}
	}
	var found []HistoryEvent
	for _, e := range h.events[region] {
		at := e.At.Unix()
		if f := float64(at); f >= max(in.StartTime, edge) && f <= in.EndTime && !e.Visible.After(now) && e.Insight == (in.EventCategory == "insight") &&
			e.has(in) && (in.NextToken == "" || at < after.At || at == after.At && int64(e.number) < after.Number) {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b HistoryEvent) int {
		return cmp.Or(cmp.Compare(b.At.Unix(), a.At.Unix()), cmp.Compare(b.number, a.number))
	})
	most := in.MaxResults
	if h.Page > 0 {
		most = min(most, h.Page)
	}
	out := map[string]any{}
	if len(found) > most {
		found = found[:most]
		after.Question, after.At, after.Number = in.question(), found[most-1].At.Unix(), int64(found[most-1].number)
		token, _ := json.Marshal(after) // numbers and a text
		out["NextToken"] = string(token)
	}
	if h.Shuffle != nil {
		h.Shuffle(found)
	}
	events := []map[string]any{}
	for _, e := range found {
		event := map[string]any{"EventId": e.ID, "EventTime": e.At.Unix(), "CloudTrailEvent": e.Text}
		for name, value := range e.Attributes {
			if !strings.HasPrefix(name, "Resource") {
				event[name] = value
			}
		}
		events = append(events, event)
	}
	out["Events"] = events
	reply(w, out)
}

func (e HistoryEvent) has(in lookup) bool {
	for _, a := range in.LookupAttributes {
		if a.AttributeKey != "EventId" && e.Attributes[a.AttributeKey] != a.AttributeValue || a.AttributeKey == "EventId" && e.ID != a.AttributeValue {
			return false
		}
	}
	return true
}
