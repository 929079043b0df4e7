package elasticsearch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// item is what a bulk answer says about one document.
type item struct {
	status int
	// errType and reason are empty where the server named no error.
	errType, reason string
	// index that took the document. Nil where it was not asked for.
	index []byte
	// failureStore says that the cluster put the document aside instead of indexing it.
	failureStore bool
}

// The error of an item without trouble has only its status. Asking for that, and not only for the errors, is what proves
// that each document was handled: an answer that lacks some of them is told apart from one without errors.
const (
	filterPath      = "errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by,items.*.failure_store"
	filterPathIndex = filterPath + ",items.*._index"
)

// parseAnswer reads the answer to a bulk request of n documents, into dst where that has room. It fails on whatever is not
// a whole answer to just that request.
func parseAnswer(body []byte, n int, dst []item) ([]item, error) {
	p := scanner{data: body}
	items, errorsFlag, seenErrors := dst[:0], false, false
	err := p.object(func(name []byte) error {
		switch string(name) {
		case "errors":
			raw, err := p.value()
			seenErrors, errorsFlag = true, string(raw) == "true"
			if err == nil && !errorsFlag && string(raw) != "false" {
				err = errMalformed
			}
			return err
		case "items":
			return p.array(func() error {
				if len(items) == n {
					return fmt.Errorf("it has more items than the %d documents that were sent", n)
				}
				var before []byte
				if len(items) > 0 {
					before = items[len(items)-1].index
				}
				it, err := p.item(before)
				items = append(items, it)
				return err
			})
		default:
			_, err := p.value()
			return err
		}
	})
	if err == nil {
		err = p.end()
	}
	if err != nil {
		return nil, err
	}
	if len(items) != n || !seenErrors {
		return nil, fmt.Errorf("it has %d items for %d documents that were sent", len(items), n)
	}
	failed := false
	for i := range items {
		failed = failed || items[i].status >= 300
	}
	if failed != errorsFlag {
		return nil, errors.New("its summary and its items contradict each other")
	}
	return items, nil
}

// plainItem is how nearly all items look where the index was not asked for; indexItem and statusMember stand around the
// index where it was, which is mostly that of the item before.
var (
	plainItem    = []byte(`{"create":{"status":`)
	indexItem    = []byte(`{"create":{"_index":"`)
	statusMember = []byte(`","status":`)
)

// item reads one item. before is the index of the one before it.
func (p *scanner) item(before []byte) (item, error) {
	rest, index := p.data[p.at:], []byte(nil)
	head, ok := bytes.CutPrefix(rest, plainItem)
	if !ok && before != nil {
		if head, ok = bytes.CutPrefix(rest, indexItem); ok && bytes.HasPrefix(head, before) {
			index = head[:len(before)]
			head, ok = bytes.CutPrefix(head[len(before):], statusMember)
		} else {
			ok = false
		}
	}
	if ok && len(head) >= 5 && head[3] == '}' && head[4] == '}' {
		if status := number(head[:3]); status >= 200 && status/100 != 3 {
			p.at += len(rest) - len(head) + 5
			return item{status: status, index: index}, nil
		}
	}
	var it item
	found := false
	err := p.object(func(action []byte) error {
		if found || string(action) != "create" {
			return fmt.Errorf("it answers an action %q, sent was create", action)
		}
		found = true
		return p.object(func(name []byte) error {
			raw, err := p.value()
			if err != nil {
				return err
			}
			switch string(name) {
			case "status":
				it.status = number(raw)
			case "error":
				return it.setError(raw)
			case "_index":
				it.index = bytes.Trim(raw, `"`)
			case "failure_store":
				it.failureStore = string(raw) == `"used"`
			}
			return nil
		})
	})
	if err == nil && (it.status < 200 || it.status > 599 || it.status/100 == 3) {
		err = errors.New("it has an item without a valid status")
	}
	return it, err
}

func (it *item) setError(raw []byte) error {
	var cause causes
	switch {
	case len(raw) > 0 && raw[0] == '"': // very old servers give a bare text
		return json.Unmarshal(raw, &it.reason)
	case json.Unmarshal(raw, &cause) != nil:
		return errMalformed
	}
	it.errType, it.reason = cause.Type, cause.reason()
	return nil
}

// number is the value of three decimal digits, or 0.
func number(digits []byte) int {
	if len(digits) != 3 {
		return 0
	}
	n := 0
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0
		}
		n = n*10 + int(d-'0')
	}
	return n
}
