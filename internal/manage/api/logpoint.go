package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/trailbeat/trailbeat/internal/lazyregexp"
	"github.com/trailbeat/trailbeat/internal/manage"
	"github.com/trailbeat/trailbeat/internal/manage/logpoint"
)

// logPrefix stands before ids of log sources in bodies.
const logPrefix = "LogSources/"

var placeName = lazyregexp.New(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$`)

// place is the part of the address that tells pools apart; false where an answer was sent.
func (r *request) place() (string, bool) {
	for i, what := range []string{"pool_UUID", "logpoint_identifier"} {
		if !placeName().MatchString(r.parts[i]) {
			fail(r.w, http.StatusNotFound, fmt.Sprintf("the %s in the address must be 1 to 64 letters, digits, _, - and, but for the first, dots", what))
			return "", false
		}
	}
	return r.parts[0] + "/" + r.parts[1], true
}

// ordered answers as Director does: the message is where the outcome can be asked for.
func (r *request) ordered(place string, o manage.Order, err error) {
	if err != nil {
		r.refuse(err)
		return
	}
	address := "monitorapi/" + place + "/orders/" + o.ID
	r.w.Header().Set("Location", "/"+address)
	write(r.w, http.StatusOK, outcome{Status: success, Message: address, Order: o.ID, Source: o.Source})
}

func (h *Handler) draft(r *request) (d manage.Draft, place string, ok bool) {
	if place, ok = r.place(); !ok {
		return d, place, false
	}
	body, ok := r.body()
	if !ok {
		return d, place, false
	}
	d, err := logpoint.Translate(body, logpoint.Options{Outputs: h.opt.Outputs, Place: place})
	if err != nil {
		r.refuse(err)
		return d, place, false
	}
	return d, place, true
}

func (h *Handler) createLogSource(r *request) {
	if d, place, ok := h.draft(r); ok {
		o, err := r.manager.Create(d)
		r.ordered(place, o, err)
	}
}

func (h *Handler) editLogSource(r *request) {
	d, place, ok := h.draft(r)
	if !ok {
		return
	}
	var named struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(d.Body, &named) // it was translated
	if id := strings.TrimPrefix(named.ID, logPrefix); id != "" && id != r.parts[2] {
		d.Warnings = append(d.Warnings, "data.id names another source; the address says which one is edited")
	}
	o, err := r.manager.Edit(r.parts[2], d)
	r.ordered(place, o, err)
}

func (h *Handler) deleteLogSource(r *request) {
	if place, ok := r.place(); ok {
		o, err := r.manager.Delete(place, r.parts[2])
		r.ordered(place, o, err)
	}
}

// logSource gives a source as it came, with its id and how it does.
func logSource(m *manage.Manager, s *manage.Source) (map[string]any, error) {
	out := map[string]any{}
	if err := json.Unmarshal(s.Body, &out); err != nil {
		return nil, fmt.Errorf("reading the stored source: %w", err)
	}
	out["id"] = logPrefix + s.ID
	out["state"] = m.Status(s.ID)
	return out, nil
}

func (h *Handler) listLogSources(r *request) {
	place, ok := r.place()
	if !ok {
		return
	}
	list := []map[string]any{}
	for _, s := range r.manager.Sources(place, false) {
		one, err := logSource(r.manager, s)
		if err != nil {
			r.refuse(err)
			return
		}
		list = append(list, one)
	}
	write(r.w, http.StatusOK, map[string]any{"status": success, "message": fmt.Sprintf("%d log sources", len(list)), "data": list})
}

func (h *Handler) getLogSource(r *request) {
	place, ok := r.place()
	if !ok {
		return
	}
	s, err := r.manager.Source(place, r.parts[2])
	if err == nil && !s.Trashed.IsZero() {
		err = fmt.Errorf("source %q is in the trash: %w", s.ID, manage.ErrNotFound)
	}
	if err != nil {
		r.refuse(err)
		return
	}
	one, err := logSource(r.manager, s)
	if err != nil {
		r.refuse(err)
		return
	}
	write(r.w, http.StatusOK, map[string]any{"status": success, "message": "the log source", "data": one})
}

func (h *Handler) getLogOrder(r *request) {
	place, ok := r.place()
	if !ok {
		return
	}
	o, err := r.manager.Order(place, r.parts[2])
	if err != nil {
		r.refuse(err)
		return
	}
	status := success
	if o.State == manage.Failed {
		status = failed
	}
	write(r.w, http.StatusOK, struct {
		Status string `json:"status"`
		manage.Order
	}{status, o})
}
