package elasticsearch

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"

	"github.com/trailbeat/trailbeat/output"
)

// nameSet remembers names. The zero value is empty and ready.
type nameSet struct {
	mu    sync.Mutex
	names map[string]bool
}

func (s *nameSet) has(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names[name]
}

func (s *nameSet) add(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names == nil {
		s.names = map[string]bool{}
	}
	s.names[name] = true
}

func (s *nameSet) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.names, name)
}

// ready looks, once per name, whether a document sent there ends in a data stream. Servers that refuse what does not are
// not asked.
func (w *write) ready(names []string) error {
	if !w.conf.RequireDataStream || w.server.requiresDataStream() {
		return nil
	}
	for _, name := range names {
		if w.names.has(name) {
			continue
		}
		if _, err := w.checkTarget(w.ctx, name); err != nil {
			return err
		}
		w.names.add(name)
	}
	return nil
}

// CheckReady says whether documents can be sent: nil if the default index is a data stream, or a template makes it one. A
// *output.FatalError says that 'trailbeat setup' is to be run, or what else is in the way. Any other error says nothing
// about the server's state. Where the credentials do not allow to look, it is nil, as writing will show it.
func (o *Output) CheckReady(ctx context.Context) error {
	if _, err := o.Server(ctx); err != nil {
		return err
	}
	if !o.conf.RequireDataStream {
		return nil
	}
	found, err := o.checkTarget(ctx, o.index)
	if err != nil {
		return err
	}
	return o.checkRaw(found, o.index)
}

// target is what a name stands for.
type target struct {
	// exists: the data stream is there. Else the template would make it.
	exists bool
	// template that applies. Empty where it could not be seen.
	template string
	ours     bool
}

func (o *Output) checkTarget(ctx context.Context, name string) (target, error) {
	a, err := o.client.call(ctx, http.MethodGet, "/_data_stream/"+url.PathEscape(name), nil)
	if err != nil {
		return target{}, err
	}
	switch a.status {
	case http.StatusOK:
		found, err := readDataStream(a)
		if err != nil || found.exists {
			return found, err
		}
	case http.StatusForbidden:
		return o.unseen(ctx, name)
	case http.StatusNotFound:
	default:
		return target{}, fmt.Errorf("looking for data stream %q: %w", name, statusError(a))
	}
	// A plain index of this name would take the documents, whatever the templates say.
	if a, err = o.client.call(ctx, http.MethodHead, "/"+url.PathEscape(name), nil); err != nil {
		return target{}, err
	}
	if a.status == http.StatusOK {
		return target{}, fatalf("%q is not a data stream but an index or alias: delete or rename it, or set require_data_stream to false to write to it as it is", name)
	}
	best, err := o.matchingTemplate(ctx, name)
	switch {
	case err != nil:
		return target{}, err
	case best.unknown:
		return o.unseen(ctx, name)
	case best.name == "":
		return target{}, fatalf("no index template matches %q, so the server would make a plain index of it; run 'trailbeat setup' to install the template", name)
	case !best.stream:
		return target{}, fatalf("index template %q matches %q but is not one for data streams; run 'trailbeat setup' to install the template", best.name, name)
	}
	return target{template: best.name, ours: best.ours}, nil
}

// unseen is for credentials that may only write. Elasticsearch then refuses by itself what has no data stream; of other
// servers each answer is looked at.
func (o *Output) unseen(ctx context.Context, name string) (target, error) {
	o.log.InfoContext(ctx, "the credentials do not allow to see data streams and templates, so their state is not checked in advance",
		"data_stream.name", name)
	return target{}, nil
}

// statusError makes an error of an answer to another request than a bulk.
func statusError(a answer) error {
	e := requestError(a)
	if e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden && e.Type != "cluster_block_exception" {
		return &output.FatalError{Err: e}
	}
	return e
}

func readDataStream(a answer) (target, error) {
	var found struct {
		Streams []struct {
			Template string `json:"template"`
		} `json:"data_streams"`
	}
	if err := json.Unmarshal(a.body, &found); err != nil {
		return target{}, fmt.Errorf("looking for the data stream: %w", &RequestError{Status: a.status, Reason: notAnAnswer(a)})
	}
	if len(found.Streams) == 0 { // what Elasticsearch says of a plain index
		return target{}, nil
	}
	return target{exists: true, template: found.Streams[0].Template}, nil
}

type matched struct {
	name         string
	stream, ours bool
	unknown      bool // the credentials do not allow to look
}

// matchingTemplate finds the template that the server would apply to a new index of this name. There is no request that
// says so on both engines.
func (o *Output) matchingTemplate(ctx context.Context, name string) (matched, error) {
	const fields = "index_templates.name,index_templates.index_template.index_patterns,index_templates.index_template.priority," +
		"index_templates.index_template.data_stream,index_templates.index_template._meta.managed_by"
	a, err := o.client.call(ctx, http.MethodGet, "/_index_template?filter_path="+url.QueryEscape(fields), nil)
	if err != nil {
		return matched{}, err
	}
	if a.status == http.StatusForbidden {
		return matched{unknown: true}, nil
	}
	if a.status != http.StatusOK {
		return matched{}, fmt.Errorf("listing index templates: %w", statusError(a))
	}
	var list struct {
		Templates []struct {
			Name string `json:"name"`
			Is   struct {
				Patterns []string         `json:"index_patterns"`
				Priority int64            `json:"priority"`
				Stream   *json.RawMessage `json:"data_stream"`
				Meta     struct {
					ManagedBy string `json:"managed_by"`
				} `json:"_meta"`
			} `json:"index_template"`
		} `json:"index_templates"`
	}
	if err := json.Unmarshal(a.body, &list); err != nil {
		return matched{}, fmt.Errorf("listing index templates: %w", &RequestError{Status: a.status, Reason: notAnAnswer(a)})
	}
	var best matched
	priority := int64(-1)
	for _, t := range list.Templates {
		for _, pattern := range t.Is.Patterns {
			if t.Is.Priority > priority && matches(pattern, name) {
				best = matched{name: t.Name, stream: t.Is.Stream != nil, ours: t.Is.Meta.ManagedBy == managedBy}
				priority = t.Is.Priority
			}
		}
	}
	return best, nil
}

// matches applies the only wildcard that patterns of indices know. Names hold no slash, so path.Match reads * likewise.
func matches(pattern, name string) bool {
	quoted := strings.NewReplacer("?", `\?`, "[", `\[`, `\`, `\\`).Replace(pattern)
	ok, err := path.Match(quoted, name)
	return err == nil && ok
}
