package sqlite

import (
	"fmt"
	"strings"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
)

// A transaction takes in the requests that wait, up to this many bytes of documents. More would make the log large
// without making the flush cheaper.
const maxTransaction = 32 << 20

// request is one Write on its way to the writer.
type request struct {
	events    []*ecs.Event
	documents []byte // the JSON of all events, one behind the other
	ends      []int  // where the document of each event ends

	tooLarge []output.Failure // found before the database was asked
	result   output.Result
	err      error
	done     chan struct{} // closed when result and err are final
}

// reject takes the event at index i out of the request. The slice of the caller must stay as it is, so the events before
// it are copied.
func (r *request) reject(i, size, limit int) {
	if r.tooLarge == nil {
		r.events = append(make([]*ecs.Event, 0, len(r.events)), r.events[:i]...)
	}
	r.tooLarge = append(r.tooLarge, output.Failure{Index: i, Permanent: true, Type: "document_too_large",
		Reason: fmt.Sprintf("the document has %d bytes, the limit is %d", size, limit)})
}

// write is the goroutine that owns the connection. It ends when quit is closed.
func (o *Output) write(c *conn) {
	defer close(o.ended)
	var group []*request
	for {
		group = group[:0]
		select {
		case <-o.quit:
			if c != nil {
				o.endErr = c.close()
			}
			return
		case req := <-o.requests:
			group = append(group, req)
		}
		group = o.gather(group)
		c = o.store(c, group)
		for _, req := range group {
			close(req.done)
		}
	}
}

// gather adds the requests that wait already: they share the transaction.
func (o *Output) gather(group []*request) []*request {
	size := len(group[0].documents)
	for size < maxTransaction {
		select {
		case req := <-o.requests:
			group = append(group, req)
			size += len(req.documents)
		default:
			return group
		}
	}
	return group
}

// store carries out one transaction. It returns the connection to go on with: none after a failure, as nothing is known
// about its state then. The next transaction opens a new one.
func (o *Output) store(c *conn, group []*request) *conn {
	err := func() error {
		if c == nil {
			var err error
			if c, err = openConn(o.path, o.cfg.BusyTimeout); err != nil {
				return explain(o.path, "opening database", err)
			}
		}
		if err := c.transaction(group); err != nil {
			return explain(o.path, "writing to database", err)
		}
		return nil
	}()
	if err == nil {
		return c
	}
	for _, req := range group {
		req.result, req.err = output.Result{}, err
	}
	if c != nil {
		_ = c.close() // closing rolls back; the error that led here is the one to tell
	}
	return nil
}

func (c *conn) transaction(group []*request) error {
	if err := c.begin.run(); err != nil {
		return err
	}
	for _, req := range group {
		if err := c.insert(req); err != nil {
			_ = c.rollback.run() // SQLite may have rolled back by itself
			return err
		}
	}
	if err := c.commit.run(); err != nil {
		_ = c.rollback.run()
		return err
	}
	return nil
}

func (c *conn) insert(req *request) error {
	start := 0
	for i, ev := range req.events {
		document := req.documents[start:req.ends[i]]
		start = req.ends[i]
		stream, err := c.streamKey(ev.Meta.Index)
		if err != nil {
			return err
		}
		stored, err := c.stored.insert(c, stream, ev, document)
		if err != nil {
			return err
		}
		if stored {
			req.result.Stored++
		} else {
			req.result.Duplicate++
		}
	}
	return nil
}

// streamKey gives the key of a data stream, and makes one for a new name.
func (c *conn) streamKey(name string) (int64, error) {
	if name == "" {
		name = DefaultDataStream
	}
	if key, ok := c.streams[name]; ok {
		return key, nil
	}
	if err := c.text.reset(len(name)); err != nil {
		return 0, err
	}
	if err := c.stream.bindText(1, add(&c.text, name), len(name)); err != nil {
		return 0, err
	}
	key, err := c.stream.number()
	if err != nil {
		return 0, err
	}
	c.streams[strings.Clone(name)] = key
	return key, nil
}
