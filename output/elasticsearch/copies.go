package elasticsearch

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/trailbeat/trailbeat/ecs"
)

// copyOf is a stored document: where it is, and which version of it was seen.
type copyOf struct {
	found       bool
	position    int // of the index in its data stream
	index       string
	seqNo, term int64
}

// lookupSize is how many documents are asked for in one request.
const lookupSize = 2000

// errGone says that an index which was to be looked into is not there any more.
var errGone = errors.New("a backing index is gone")

func isGone(err error) bool { return errors.Is(err, errGone) }

// deniedError says that the credentials do not allow to look.
type deniedError struct{ cause error }

func (e *deniedError) Error() string { return e.cause.Error() }
func (e *deniedError) Unwrap() error { return e.cause }

func deniedBy(err error) error {
	var denied *deniedError
	if errors.As(err, &denied) {
		return denied.cause
	}
	return nil
}

// multiGet asks one index for documents by their _id, in realtime: what was acknowledged is found. The answer is in the
// order of the events.
func (o *Output) multiGet(ctx context.Context, index string, events []int, id func(int) string) ([]copyOf, error) {
	body := []byte(`{"ids":[`)
	for i, event := range events {
		if i > 0 {
			body = append(body, ',')
		}
		body = ecs.AppendString(body, id(event))
	}
	body = append(body, "]}"...)
	const fields = "docs.found,docs._seq_no,docs._primary_term,docs.error.type,docs.error.reason"
	a, err := o.client.call(ctx, http.MethodPost, "/"+url.PathEscape(index)+"/_mget?_source=false&filter_path="+url.QueryEscape(fields), body)
	if err != nil {
		return nil, err
	}
	doing := func(err error) error { return fmt.Errorf("looking for documents in %q: %w", index, err) }
	switch {
	case a.status == http.StatusNotFound:
		return nil, doing(errGone)
	case a.status == http.StatusForbidden && requestError(a).Type == "security_exception":
		return nil, &deniedError{requestError(a)}
	case a.status != http.StatusOK:
		return nil, doing(statusError(a))
	}
	var answer struct {
		Docs []struct {
			Found *bool   `json:"found"`
			SeqNo int64   `json:"_seq_no"`
			Term  int64   `json:"_primary_term"`
			Error *causes `json:"error"`
		} `json:"docs"`
	}
	if err := json.Unmarshal(a.body, &answer); err != nil {
		return nil, doing(&RequestError{Status: a.status, Reason: notAnAnswer(a)})
	}
	if len(answer.Docs) != len(events) {
		return nil, doing(&RequestError{Status: a.status, Reason: fmt.Sprintf("the answer has %d items for %d documents", len(answer.Docs), len(events))})
	}
	copies := make([]copyOf, len(events))
	for i, d := range answer.Docs {
		switch {
		case d.Error != nil && d.Error.Type == "index_not_found_exception":
			return nil, doing(errGone)
		case d.Error != nil && d.Error.Type == "security_exception":
			return nil, &deniedError{&RequestError{Status: http.StatusForbidden, Type: d.Error.Type, Reason: d.Error.reason()}}
		case d.Error != nil:
			return nil, doing(&RequestError{Status: a.status, Type: d.Error.Type, Reason: d.Error.reason()})
		case d.Found == nil:
			return nil, doing(&RequestError{Status: a.status, Reason: "the answer does not say whether a document was found"})
		}
		copies[i] = copyOf{found: *d.Found, seqNo: d.SeqNo, term: d.Term}
	}
	return copies, nil
}

// removeNewer leaves of each document the copy in the oldest index, and sorts the copies, that one first. A copy that has
// changed since it was seen stays: then somebody else is at work on it, and looks himself.
func (w *write) removeNewer(found map[int][]copyOf) error {
	var second []StoredDocument
	for event, copies := range found {
		slices.SortFunc(copies, func(a, b copyOf) int { return cmp.Compare(a.position, b.position) })
		for _, c := range copies[1:] {
			second = append(second, StoredDocument{Index: c.index, ID: w.events[event].Meta.ID, SeqNo: c.seqNo, Term: c.term})
		}
	}
	for chunk := range slices.Chunk(second, lookupSize) {
		n, err := w.Remove(w.ctx, chunk)
		var refused *RequestError
		if errors.As(err, &refused) && refused.Status == http.StatusForbidden {
			return w.mayNotRemove(refused, len(chunk))
		}
		if err != nil {
			return err
		}
		w.log.InfoContext(w.ctx, "documents that a rollover had doubled are single again", "elasticsearch.documents", n)
	}
	return nil
}

// mayNotRemove is what happens where the credentials do not allow to remove a second copy.
func (w *write) mayNotRemove(cause error, n int) error {
	if w.conf.DeduplicateAcrossRollover == DeduplicateRequired {
		return fatalf("%d documents are stored twice after a rollover and may not be removed (%w); grant delete on the data stream, or set deduplicate_across_rollover to auto", n, cause)
	}
	w.log.WarnContext(w.ctx, "documents are stored twice after a rollover, as the credentials do not allow to remove the second copy",
		"elasticsearch.documents", n, "elasticsearch.privilege", "delete", "error.message", cause)
	return nil
}
