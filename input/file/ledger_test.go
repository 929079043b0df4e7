package file

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
)

// slowStore tells when a commit begins and waits to be let go.
type slowStore struct {
	input.Store
	begun, goOn chan struct{}
}

func (s *slowStore) PutAll(map[string]any) error {
	s.begun <- struct{}{}
	<-s.goOn
	return nil
}

// A file whose progress is just being stored must not be looked up in the store: it would be read again.
func TestFileIsBusyUntilItsProgressIsStored(t *testing.T) {
	store := &slowStore{begun: make(chan struct{}), goOn: make(chan struct{})}
	l := newLedger(store)
	r := l.begin("file/a", state{})
	s := &segment{run: r, to: 1, records: 1}
	l.add(s)
	l.end(r, true, nil)
	assert.True(t, l.busy("file/a"), "in flight")

	acknowledged := make(chan error)
	go func() { acknowledged <- l.ack([]*segment{s}, nil) }()
	<-store.begun
	assert.True(t, l.busy("file/a"), "on its way to the store")
	close(store.goOn)
	require.NoError(t, <-acknowledged)
	assert.False(t, l.busy("file/a"))
}
