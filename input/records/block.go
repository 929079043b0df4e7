package records

import "sync"

// Record is one raw record of a source.
type Record struct {
	// Raw holds the bytes as they stood in the source. They belong to the block and are valid until it is reset.
	Raw []byte
	// Offset is the byte at which the record starts in the unpacked data.
	Offset int64
	// End is the byte after the record, and in lines after its line end: where reading can go on.
	End int64
	// Index is the position among the records of the source, from 0.
	Index int64
}

// Block is memory for the records of one batch, of one source or of several. The zero value is ready for use. It is for
// one goroutine at a time.
type Block struct {
	buf     []byte
	entries []entry
	bytes   int
}

type entry struct {
	start, end  int // in buf
	offset      int64
	index       int64
	afterRecord int // bytes of the line end behind the record
}

// Len gives the number of records.
func (b *Block) Len() int { return len(b.entries) }

// Bytes gives the bytes of all records together.
func (b *Block) Bytes() int { return b.bytes }

// Cap gives the bytes of memory that the block holds for records.
func (b *Block) Cap() int { return cap(b.buf) }

// Reserve makes room for n bytes of records, if there is less. Of use for an empty block.
func (b *Block) Reserve(n int) {
	if n > cap(b.buf) {
		b.grow(n)
	}
}

// At gives the record at i. Its bytes stay where they are once the last Fill is through: a later Fill into the same
// block may move them.
func (b *Block) At(i int) Record {
	e := &b.entries[i]
	return Record{
		Raw:    b.buf[e.start:e.end:e.end],
		Offset: e.offset,
		End:    e.offset + int64(e.end-e.start+e.afterRecord),
		Index:  e.index,
	}
}

// Reset empties the block and keeps its memory.
func (b *Block) Reset() {
	b.buf, b.entries, b.bytes = b.buf[:0], b.entries[:0], 0
}

// committed is the end of the part of buf that records point into.
func (b *Block) committed() int {
	if n := len(b.entries); n > 0 {
		return b.entries[n-1].end
	}
	return 0
}

// Pool keeps blocks for reuse. The zero value is ready for use. Safe for concurrent use.
type Pool struct {
	// MaxBytes is the most memory that a returned block may hold and still be kept; a larger one is left to the garbage
	// collector. 0 means 8 MiB.
	MaxBytes int
	pool     sync.Pool
}

// Get gives an empty block.
func (p *Pool) Get() *Block {
	if b, ok := p.pool.Get().(*Block); ok {
		return b
	}
	return &Block{}
}

// Put takes a block back. Its records must not be used any more.
func (p *Pool) Put(b *Block) {
	limit := p.MaxBytes
	if limit == 0 {
		limit = 8 << 20
	}
	if cap(b.buf) > limit {
		return
	}
	b.Reset()
	p.pool.Put(b)
}
