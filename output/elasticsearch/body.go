package elasticsearch

import (
	"bytes"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/output"
)

// maxID is the longest _id in bytes. Both engines refuse the whole request for a longer one.
const maxID = 512

// body is the text of one bulk request, in buffers that are used again.
type body struct {
	raw  []byte
	docs []doc
	// names are the indices that the documents go to, each once.
	names []string

	// plain is the document of a record that is sent as it is. Nil: the mapped documents are sent.
	plain *ecs.Event

	packed bytes.Buffer
	answer []byte
	items  []item

	// open counts the readers over the buffers that net/http has not closed. It may go on reading after an early answer;
	// then the buffers must not be used again.
	open atomic.Int32
}

// doc is where a document ends in the body, and which event it is.
type doc struct {
	event, end int
	index      string
}

// part is a run of documents of a body: what one request sends.
type part struct {
	*body
	from, to int
}

func (p part) len() int { return p.to - p.from }

func (p part) text() []byte {
	start := 0
	if p.from > 0 {
		start = p.docs[p.from-1].end
	}
	return p.raw[start:p.docs[p.to-1].end]
}

func (p part) halves() (part, part) {
	middle := p.from + p.len()/2
	return part{p.body, p.from, middle}, part{p.body, middle, p.to}
}

// limits of one body. Zero means none.
type limits struct {
	count int
	bytes int64
}

// fill appends events from position next on, until a limit is reached, and returns the position that it came to. A
// document that is larger than the limit makes a body of its own. Events that no server would take go to refuse; those that
// are known to be stored are left out.
func (b *body) fill(events []*ecs.Event, next int, limit limits, defaultIndex string, known []bool, refuse func(output.Failure)) int {
	b.raw, b.docs, b.names = b.raw[:0], b.docs[:0], b.names[:0]
	for ; next < len(events); next++ {
		if limit.count > 0 && len(b.docs) >= limit.count {
			break
		}
		if known != nil && known[next] {
			continue
		}
		ev := events[next]
		index := ev.Meta.Index
		if index == "" {
			index = defaultIndex
		}
		if failure, ok := b.unsendable(ev, index); ok {
			failure.Index = next
			refuse(failure)
			continue
		}
		document := ev
		if b.plain != nil {
			if document = b.plain; !rawDocument(document, ev) {
				refuse(noRawRecord(next))
				continue
			}
		}
		start := len(b.raw)
		b.raw = append(b.raw, `{"create":{"_index":`...)
		b.raw = ecs.AppendString(b.raw, index)
		if ev.Meta.ID != "" {
			b.raw = append(b.raw, `,"_id":`...)
			b.raw = ecs.AppendString(b.raw, ev.Meta.ID)
		}
		b.raw = append(b.raw, "}}\n"...)
		source := len(b.raw)
		b.raw = document.AppendJSON(b.raw)
		oneLine(b.raw[source:])
		b.raw = append(b.raw, '\n')
		if limit.bytes > 0 && int64(len(b.raw)) > limit.bytes && len(b.docs) > 0 {
			b.raw = b.raw[:start]
			break
		}
		b.docs = append(b.docs, doc{event: next, end: len(b.raw), index: index})
		if len(b.docs) == promising {
			b.reserve(len(events)-next-1, limit)
		}
	}
	return next
}

// promising is how many documents say how long the others may be.
const promising = 16

// reserve makes room for so many further documents. Growing step by step copies a body several times, and leaves as much behind.
func (b *body) reserve(more int, limit limits) {
	if limit.count > 0 {
		more = min(more, limit.count-len(b.docs))
	}
	room := len(b.raw) / len(b.docs) * more * 9 / 8
	if limit.bytes > 0 {
		room = min(room, int(limit.bytes)-len(b.raw))
	}
	b.raw = slices.Grow(b.raw, max(room, 0))
}

// unsendable finds what would spoil the request for all other documents. As long as an index repeats, it was checked.
func (b *body) unsendable(ev *ecs.Event, index string) (output.Failure, bool) {
	if len(ev.Meta.ID) > maxID {
		return output.Failure{Permanent: true, Type: "document_id_too_long", Reason: "the _id is longer than the 512 bytes that the server takes"}, true
	}
	for i := len(b.names) - 1; i >= 0; i-- {
		if b.names[i] == index {
			return output.Failure{}, false
		}
	}
	if err := checkIndexName(index); err != nil {
		return output.Failure{Permanent: true, Type: "invalid_index_name", Reason: "the name of the index " + err.Error()}, true
	}
	b.names = append(b.names, index)
	return output.Failure{}, false
}

// oneLine makes blanks of line feeds. In valid JSON they only stand between values; in a bulk body they end a document.
func oneLine(source []byte) {
	for {
		i := bytes.IndexByte(source, '\n')
		if i < 0 {
			return
		}
		source[i] = ' '
		source = source[i+1:]
	}
}

// pack compresses text into the body's second buffer.
func (b *body) pack(z *gzip.Writer, text []byte) ([]byte, error) {
	if b.open.Load() > 0 { // an earlier request may still read the buffer
		b.packed = bytes.Buffer{}
	} else {
		b.packed.Reset()
	}
	z.Reset(&b.packed)
	if _, err := z.Write(text); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.packed.Bytes(), nil
}

// reader gives text to net/http and knows when that has finished with it.
func (b *body) reader(text []byte) *payload {
	b.open.Add(1)
	r := &payload{open: &b.open}
	r.Reset(text)
	return r
}

type payload struct {
	bytes.Reader
	open *atomic.Int32
	once sync.Once
}

func (p *payload) Close() error {
	p.once.Do(func() { p.open.Add(-1) })
	return nil
}
