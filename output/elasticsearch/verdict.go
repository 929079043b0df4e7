package elasticsearch

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/trailbeat/trailbeat/output"
)

type verdict int

const (
	stored verdict = iota
	duplicate
	transient
	permanent
	fatal
)

// judge says what is to become of a document. The status alone does not tell: a full disk and a full queue are both 429, a
// blocked index and missing rights both 403, a bad document and a cluster without room for a shard both 400.
func (it *item) judge() verdict {
	switch s := it.status; {
	case s < 300:
		if it.failureStore {
			return permanent // it is durable, but not where anybody looks for it
		}
		return stored
	case s == http.StatusConflict:
		if it.errType == "" || it.errType == "version_conflict_engine_exception" {
			return duplicate
		}
		return transient
	case s == http.StatusTooManyRequests, s == http.StatusRequestTimeout, s >= 500:
		return transient
	case it.errType == "cluster_block_exception", it.errType == "index_closed_exception":
		return transient // until somebody lifts the block or opens the index
	case it.errType == "validation_exception" && strings.Contains(it.reason, "shards"):
		return transient // the cluster has as many shards as it may have, and none for a new index
	case s == http.StatusUnauthorized, it.errType == "security_exception":
		return fatal
	case s == http.StatusNotFound:
		return fatal // no index, or not a data stream: true for all documents that go there
	case s == http.StatusBadRequest && strings.HasPrefix(it.reason, "pipeline with id ["):
		return fatal
	default:
		return permanent
	}
}

// judge gives each document of a part its verdict.
func (w *write) judge(p part, items []item) {
	if astray := w.judgeAll(p, items); len(astray) > 0 {
		w.afterRollover(astray)
	}
}

// judgeAll returns the documents that need a second look, as their data stream rolled over meanwhile. They have no verdict.
func (w *write) judgeAll(p part, items []item) []rolled {
	w.mu.Lock()
	defer w.mu.Unlock()
	check := w.rolloverCheck()
	var astray []rolled
	took := false
	for i := range items {
		it, d := &items[i], &p.docs[p.from+i]
		v := it.judge()
		if v <= duplicate {
			took = true
			if err := w.strayed(it, d); err != nil {
				w.fatal = err
				return nil
			}
			if check.astray(it, d) {
				astray = append(astray, rolled{event: d.event, stream: d.index, index: string(it.index), created: v == stored})
				continue
			}
		}
		switch v {
		case stored:
			w.done.Stored++
		case duplicate:
			w.done.Duplicate++
		case fatal:
			if w.fatal == nil {
				w.fatal = w.stop(it, d)
			}
			continue
		default:
			w.failures = append(w.failures, it.failure(d.event, v == permanent))
		}
		w.settle(d.event)
	}
	if took {
		w.accepted.Store(true)
	}
	return astray
}

func (it *item) failure(event int, isPermanent bool) output.Failure {
	f := output.Failure{Index: event, Permanent: isPermanent, Status: it.status, Type: it.errType, Reason: it.reason}
	switch {
	case it.failureStore:
		f.Type, f.Reason = "failure_store", "the cluster put the document into the failure store of the data stream instead of indexing it"
	case f.Type == "" && f.Reason == "":
		f.Type, f.Reason = "unknown", "the server gave no reason"
	}
	return f
}

// strayed finds a document that went to an index that does not belong to a data stream, where the server could not be
// asked to refuse that.
func (w *write) strayed(it *item, d *doc) error {
	if it.index == nil || !w.conf.RequireDataStream || w.server.requiresDataStream() || strings.HasPrefix(string(it.index), ".ds-") {
		return nil
	}
	w.names.forget(d.index)
	return &output.FatalError{Err: fmt.Errorf("documents for data stream %q went to the plain index %q, as its template is gone; delete that index and run 'trailbeat setup'",
		d.index, it.index)}
}

// stop is the error for a document that could not be stored for a reason that holds for all.
func (w *write) stop(it *item, d *doc) error {
	switch {
	case it.status == http.StatusUnauthorized || it.errType == "security_exception":
		return fatalf("writing to %q is not allowed: %s; grant create_doc (and auto_configure, to create the data stream) on it", d.index, it.reason)
	case it.status == http.StatusNotFound && strings.Contains(it.reason, "is not a data stream"):
		return fatalf("%q is not a data stream: delete or rename what has this name, or set require_data_stream to false to write to it as it is", d.index)
	case it.status == http.StatusNotFound:
		return fatalf("there is no data stream %q and the server does not make one (%s: %s); run 'trailbeat setup' to install the template",
			d.index, it.errType, it.reason)
	default:
		return fatalf("writing to %q: %s; install the pipeline or remove the option pipeline", d.index, it.reason)
	}
}

// refusal tells whether the refusal of a whole request stops the run.
func (w *write) refusal(e *RequestError) error {
	switch {
	case e.Status == http.StatusUnauthorized:
		return fatalf("the server does not accept the credentials (%w); check username and password, or api_key", e)
	case e.Status == http.StatusForbidden && e.Type != "cluster_block_exception":
		return fatalf("the server does not allow bulk requests (%w); grant create_doc on the data stream, and check the proxies in between", e)
	default:
		return e
	}
}

func fatalf(format string, args ...any) error {
	return &output.FatalError{Err: fmt.Errorf(format, args...)}
}

// mismatch is the error for an answer with status 200 that does not belong to the request.
func mismatch(a answer, err error) *RequestError {
	e := &RequestError{Status: a.status}
	var body struct {
		Error *causes `json:"error"`
	}
	switch {
	case !json.Valid(a.body):
		e.Reason = notAnAnswer(a)
	case json.Unmarshal(a.body, &body) == nil && body.Error != nil:
		e.Type, e.Reason = body.Error.Type, body.Error.reason()
	default:
		e.Reason = "the answer does not match the request: " + err.Error()
	}
	return e
}
