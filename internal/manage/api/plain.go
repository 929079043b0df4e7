package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/trailbeat/trailbeat/internal/manage"
)

// wanted is a source as it is asked for.
type wanted struct {
	Name string `json:"name"`
	// Input is one element of trailbeat.inputs.
	Input map[string]any `json:"input"`
	// Enrichments are names of management.enrichments.
	Enrichments []string `json:"enrichments"`
	// Routing is asked before that of the configuration.
	Routing map[string]any `json:"routing"`
}

// shown is a source as it is given out.
type shown struct {
	ID          string         `json:"id"`
	Name        string         `json:"name"`
	Input       map[string]any `json:"input"`
	Enrichments []string       `json:"enrichments"`
	Routing     map[string]any `json:"routing,omitempty"`
	// LogSource is where a source of another form of requests is edited. Empty: here.
	LogSource string        `json:"log_source,omitempty"`
	Created   time.Time     `json:"created"`
	Changed   time.Time     `json:"changed"`
	Trashed   time.Time     `json:"trashed,omitzero"`
	Status    manage.Status `json:"status"`
}

func show(m *manage.Manager, s *manage.Source) shown {
	out := shown{ID: s.ID, Name: s.Name, Input: m.Options(s), Enrichments: s.Enrichments, Routing: s.Routing, Created: s.Created, Changed: s.Changed, Trashed: s.Trashed, Status: m.Status(s.ID)}
	if out.Enrichments == nil {
		out.Enrichments = []string{}
	}
	if s.Place != "" {
		out.LogSource = "configapi/" + s.Place + "/LogSources/" + s.ID
	}
	return out
}

// wanted reads a source; false where an answer was sent.
func (r *request) wanted() (d manage.Draft, ok bool) {
	body, ok := r.body()
	if !ok {
		return d, false
	}
	var w wanted
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	err := dec.Decode(&w)
	if err == nil {
		if _, end := dec.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("there is something behind the object")
		}
	}
	var faults []manage.Fault
	if err != nil {
		faults = append(faults, decodeFault(err))
	} else {
		switch {
		case w.Name == "":
			faults = append(faults, manage.Fault{Member: "name", Message: "is missing; it is how people know the source"})
		case utf8.RuneCountInString(w.Name) > manage.MaxName || strings.ContainsFunc(w.Name, unicode.IsControl) || strings.TrimLeftFunc(w.Name, unicode.IsSpace) != w.Name:
			faults = append(faults, manage.Fault{Member: "name", Message: fmt.Sprintf("must have at most %d characters, none of them a control character, and not begin with a space", manage.MaxName)})
		}
		if w.Input == nil {
			faults = append(faults, manage.Fault{Member: "input", Message: "is missing; it has the options of one element of trailbeat.inputs"})
		}
	}
	if len(faults) > 0 {
		r.refuse(&manage.InvalidError{Faults: faults})
		return d, false
	}
	return manage.Draft{Name: w.Name, Options: w.Input, Enrichments: w.Enrichments, Routing: w.Routing, Member: func(option string) string {
		if option == "enrichments" || option == "routing" || strings.HasPrefix(option, "routing.") {
			return option
		}
		return strings.TrimSuffix("input."+option, ".")
	}}, true
}

// decodeFault says what is wrong with a body.
func decodeFault(err error) manage.Fault {
	wrong, syntax := new(json.UnmarshalTypeError), new(json.SyntaxError)
	switch {
	case errors.As(err, &wrong) && wrong.Field == "":
		return manage.Fault{Message: fmt.Sprintf("the body is a %s, but must be an object with name and input", wrong.Value)}
	case errors.As(err, &wrong):
		return manage.Fault{Member: wrong.Field, Message: fmt.Sprintf("is a %s, but must be a %s", wrong.Value, names[wrong.Type.Kind().String()])}
	case errors.As(err, &syntax):
		return manage.Fault{Message: fmt.Sprintf("the body is no JSON at byte %d: %s", syntax.Offset, syntax)}
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return manage.Fault{Member: strings.Trim(name, `"`), Message: "is not known; there are name, input, enrichments and routing"}
	}
	return manage.Fault{Message: "the body is no JSON: " + strings.TrimPrefix(err.Error(), "json: ")}
}

var names = map[string]string{"string": "text", "map": "object", "slice": "list"}

// taken answers that there is an order.
func (r *request) taken(o manage.Order, err error) {
	if err != nil {
		r.refuse(err)
		return
	}
	address := "api/v1/orders/" + o.ID
	r.w.Header().Set("Location", "/"+address)
	write(r.w, http.StatusAccepted, outcome{Status: success, Message: address, Order: o.ID, Source: o.Source})
}

func (h *Handler) createSource(r *request) {
	if d, ok := r.wanted(); ok {
		o, err := r.manager.Create(d)
		r.taken(o, err)
	}
}

func (h *Handler) editSource(r *request) {
	d, ok := r.wanted()
	if !ok {
		return
	}
	s, err := r.manager.Source("*", r.parts[0])
	switch {
	case err != nil:
		r.refuse(err)
	case s.Place != "":
		fail(r.w, http.StatusConflict, "the source was made as a log source; edit it at configapi/"+s.Place+"/LogSources/"+s.ID)
	default:
		o, err := r.manager.Edit(s.ID, d)
		r.taken(o, err)
	}
}

// flag reads a switch of the query; ok is false where an answer was sent.
func (r *request) flag(name string) (on, ok bool) {
	values, there := r.URL.Query()[name]
	if !there {
		return false, true
	}
	switch values[0] {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	r.refuse(&manage.InvalidError{Faults: []manage.Fault{{Member: name, Message: "must be true or false"}}})
	return false, false
}

func (h *Handler) deleteSource(r *request) {
	purge, ok := r.flag("purge")
	if !ok {
		return
	}
	do := r.manager.Delete
	if purge {
		do = r.manager.Purge
	}
	o, err := do("*", r.parts[0])
	r.taken(o, err)
}

func (h *Handler) restoreSource(r *request) {
	o, err := r.manager.Restore("*", r.parts[0])
	r.taken(o, err)
}

func (h *Handler) listSources(r *request) {
	trash, ok := r.flag("trash")
	if !ok {
		return
	}
	list := []shown{}
	for _, s := range r.manager.Sources("*", trash) {
		list = append(list, show(r.manager, s))
	}
	write(r.w, http.StatusOK, map[string]any{"sources": list})
}

func (h *Handler) getSource(r *request) {
	s, err := r.manager.Source("*", r.parts[0])
	if err != nil {
		r.refuse(err)
		return
	}
	write(r.w, http.StatusOK, show(r.manager, s))
}

func (h *Handler) listOrders(r *request) {
	write(r.w, http.StatusOK, map[string]any{"orders": r.manager.Orders("*")})
}

func (h *Handler) getOrder(r *request) {
	o, err := r.manager.Order("*", r.parts[0])
	if err != nil {
		r.refuse(err)
		return
	}
	write(r.w, http.StatusOK, o)
}
