package verify

import (
	"sync"
	"time"
)

// maxWaiting bounds the files that wait for the end of a run.
const maxWaiting = 10000

// elsewhere are log files that digests of another place name. Where a trail is given another prefix within an hour, the digest of that hour
// lies below the new one and names files below the old one as well. So files at the beginning and the end of what a place has digests of
// wait until all digests were seen. Safe for concurrent use.
type elsewhere struct {
	mu      sync.Mutex
	named   map[string]bool
	waiting []*File
}

func (e *elsewhere) add(key string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.named == nil {
		e.named = map[string]bool{}
	}
	if len(e.named) < 10*maxWaiting {
		e.named[key] = true
	}
}

// wait says whether the file waits.
func (e *elsewhere) wait(f *File) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.waiting) >= maxWaiting {
		return false
	}
	e.waiting = append(e.waiting, f)
	return true
}

// unnamed gives the files that no digest named.
func (e *elsewhere) unnamed() (list []*File) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range e.waiting {
		if !e.named[f.Key] {
			list = append(list, f)
		}
	}
	return list
}

// atEdge says whether a log file was delivered shortly before the first digest of the place, or shortly after the last.
func (w *walker) atEdge(t time.Time) bool {
	return w.any && (t.Before(w.first) && t.Add(due).After(w.first) || !t.Before(w.last) && t.Before(w.last.Add(due)))
}
