package elasticsearch

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/output"
)

// rolloverMargin is how far the clock of AWS, which dates events, may be behind that of the cluster's master, which dates
// indices, plus the time that a rollover takes to reach all nodes.
const rolloverMargin = 15 * time.Minute

// stream is what was seen of a data stream at one moment. It is never changed.
type stream struct {
	// indices that back it, oldest first. The last takes what is written.
	indices []string
	// until has for each index but the last the second until which records may have come into being that are stored in
	// it, in the form of secondsLayout. It never falls from one index to the next. Empty where nothing is known.
	until []string
}

const secondsLayout = "2006-01-02T15:04:05"

// after is later than any time of the form.
const after = "~"

func (s *stream) last() string { return s.indices[len(s.indices)-1] }

// from is the first index in which a record of this time may be stored. The last index's position means that it can be in
// none but that.
func (s *stream) from(timestamp string) int {
	if len(timestamp) <= len(secondsLayout) || timestamp[4] != '-' || timestamp[10] != 'T' || timestamp[len(timestamp)-1] != 'Z' {
		return 0
	}
	second := timestamp[:len(secondsLayout)]
	i, _ := slices.BinarySearch(s.until, second)
	return i
}

// streams are the data streams as last seen. The zero value is empty and ready.
type streams struct {
	mu   sync.Mutex
	seen map[string]*stream
	// foreign are indices that took documents of a data stream without backing it, as a pipeline of the cluster sends
	// them elsewhere.
	foreign map[string]bool
	// refreshed are settled indices of which every document is visible.
	refreshed map[string]bool
	// blind says that the credentials do not allow to look.
	blind bool
}

func (s *streams) get(name string) (*stream, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.seen[name]
	return found, ok
}

// set notes the state, nil for a data stream that is not there. It returns what was noted before where nothing changed.
func (s *streams) set(name string, now *stream) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = map[string]*stream{}
	}
	if old := s.seen[name]; old != nil && now != nil && slices.Equal(old.indices, now.indices) && slices.Equal(old.until, now.until) {
		return old
	}
	if old := s.seen[name]; old != nil && (now == nil || len(now.indices) < len(old.indices)) {
		s.refreshed = nil // one is gone; if the data stream was made anew, names come again
	}
	s.seen[name] = now
	return now
}

// forget has the next who asks look at the server.
func (s *streams) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.seen, name)
}

func (s *streams) isForeign(index string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.foreign[index]
}

func (s *streams) addForeign(index string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.foreign == nil {
		s.foreign = map[string]bool{}
	}
	s.foreign[index] = true
}

func (s *streams) isBlind() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.blind
}

// deduplicates says whether earlier backing indices are looked at.
func (o *Output) deduplicates() bool {
	return o.conf.RequireDataStream && o.conf.DeduplicateAcrossRollover != DeduplicateOff && !o.streams.isBlind()
}

// stream gives what is known of a data stream, and asks the server where nothing is. Nil: it is not there (yet).
func (o *Output) stream(ctx context.Context, name string) (*stream, error) {
	if s, ok := o.streams.get(name); ok {
		return s, nil
	}
	return o.refresh(ctx, name)
}

// refresh asks the server for the state of a data stream. What is there must be stored before anybody acts on it: a writer
// that sees the old state afterwards has had its answer before, and so is seen by those who act on the new one.
func (o *Output) refresh(ctx context.Context, name string) (*stream, error) {
	s, err := o.readStream(ctx, name)
	if err != nil {
		return nil, err
	}
	return o.streams.set(name, s), nil
}

func (o *Output) readStream(ctx context.Context, name string) (*stream, error) {
	escaped := url.PathEscape(name)
	a, err := o.client.call(ctx, http.MethodGet, "/_data_stream/"+escaped, nil)
	switch {
	case err != nil:
		return nil, err
	case a.status == http.StatusNotFound:
		return nil, nil
	case a.status == http.StatusForbidden:
		return nil, o.mayNotLook(ctx, "view_index_metadata", requestError(a))
	case a.status != http.StatusOK:
		return nil, fmt.Errorf("looking for the backing indices of %q: %w", name, statusError(a))
	}
	var found struct {
		Streams []struct {
			Indices []struct {
				Name string `json:"index_name"`
			} `json:"indices"`
		} `json:"data_streams"`
	}
	if err := json.Unmarshal(a.body, &found); err != nil {
		return nil, fmt.Errorf("looking for the backing indices of %q: %w", name, &RequestError{Status: a.status, Reason: notAnAnswer(a)})
	}
	if len(found.Streams) == 0 || len(found.Streams[0].Indices) == 0 {
		return nil, nil
	}
	s := &stream{}
	for _, index := range found.Streams[0].Indices {
		s.indices = append(s.indices, index.Name)
	}
	if len(s.indices) == 1 {
		return s, nil
	}
	// Between the two requests the data stream may roll over. Then the newest index is not in the list: as if it were
	// made after both, which is noticed when the first document comes to lie there.
	a, err = o.client.call(ctx, http.MethodGet, "/"+escaped+"/_settings/index.creation_date?flat_settings=true", nil)
	switch {
	case err != nil:
		return nil, err
	case a.status == http.StatusForbidden:
		a.body = nil // the names say it too, less precisely
	case a.status != http.StatusOK:
		return nil, fmt.Errorf("looking for the age of the backing indices of %q: %w", name, statusError(a))
	}
	var ages map[string]struct {
		Settings map[string]string `json:"settings"`
	}
	if len(a.body) > 0 {
		if err := json.Unmarshal(a.body, &ages); err != nil {
			return nil, fmt.Errorf("looking for the age of the backing indices of %q: %w", name, &RequestError{Status: a.status, Reason: notAnAnswer(a)})
		}
	}
	latest := creation(s.indices[0], ages[s.indices[0]].Settings["index.creation_date"])
	for _, index := range s.indices[1:] {
		latest = max(latest, creation(index, ages[index].Settings["index.creation_date"]))
		s.until = append(s.until, latest)
	}
	return s, nil
}

// creation is when an index was made at the latest, with the margin, from the setting or else the date in its name.
func creation(index, millis string) string {
	if n, err := strconv.ParseInt(millis, 10, 64); err == nil {
		return time.UnixMilli(n).Add(rolloverMargin).UTC().Format(secondsLayout)
	}
	parts := strings.Split(index, "-")
	if len(parts) > 2 {
		if day, err := time.Parse("2006.01.02", parts[len(parts)-2]); err == nil {
			return day.Add(24*time.Hour + rolloverMargin).Format(secondsLayout)
		}
	}
	return after
}

// mayNotLook is what happens where the credentials do not allow what the deduplication needs.
func (o *Output) mayNotLook(ctx context.Context, privilege string, cause error) error {
	if o.conf.DeduplicateAcrossRollover == DeduplicateRequired {
		return &output.FatalError{Err: fmt.Errorf("the server does not let documents be deduplicated after a rollover (%w); grant %s on the data stream, or set deduplicate_across_rollover to auto or off",
			cause, privilege)}
	}
	o.streams.mu.Lock()
	first := !o.streams.blind
	o.streams.blind = true
	o.streams.mu.Unlock()
	if first {
		o.log.WarnContext(ctx, "documents that are delivered again after a rollover will be stored again, as the credentials do not allow to look for them",
			"elasticsearch.privilege", privilege, "error.message", cause)
	}
	return nil
}
