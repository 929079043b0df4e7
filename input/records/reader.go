package records

import (
	"fmt"
	"io"
)

// Format says what the caller knows of the content.
type Format uint8

const (
	// FormatAuto finds out by the content.
	FormatAuto Format = iota
	// FormatLines is NDJSON: each line is a record, whatever stands in it.
	FormatLines
)

// Layout is what a Reader found in a source.
type Layout uint8

const (
	// LayoutEmpty is that of a source without anything but white space, and of one that was not read yet.
	LayoutEmpty Layout = iota
	// LayoutContainer is that of containers and root arrays.
	LayoutContainer
	// LayoutValue is that of objects which are one record each.
	LayoutValue
	// LayoutLines is that of lines. Only here can a reader go on at Record.End of a record.
	LayoutLines
)

// DefaultMaxRecordBytes is the limit of one record. AWS delivers 256 KiB at most, 1 MiB in CloudTrail Lake.
const DefaultMaxRecordBytes = 16 << 20

const defaultBlockBytes = 4 << 20

// Options of a Reader. The zero value is right for most sources.
type Options struct {
	// Name of the file or object, for errors.
	Name string
	// Format of the content. The zero value finds out.
	Format Format
	// MaxRecordBytes is the limit of one record in bytes. 0 means DefaultMaxRecordBytes.
	MaxRecordBytes int
	// Skip is the number of records at the start that are read and counted but not handed out. 0 skips none.
	Skip int64
	// StartOffset and StartIndex are those of the first byte of the source, where the caller has moved forward in it.
	StartOffset, StartIndex int64
	// Eager hands out what is there when the source has nothing more at the moment, which a short read tells. For pipes and
	// terminals, where waiting for a full block would hold records back.
	Eager bool
	// HoldPartialLine keeps back a last line without a line end, unless it is a complete JSON object: for files that are
	// still being written.
	HoldPartialLine bool
}

// Reader cuts one source after the other into records.
type Reader struct {
	opts  Options
	limit int
	src   source

	block *Block
	carry []byte // what was read but belongs to no block yet, between two Fills

	// Positions in block.buf (in carry between two Fills).
	pos  int   // where to go on
	hold int   // start of what must stay in memory, -1 for nothing
	key  int   // start of the member name at hand
	base int64 // offset of index 0 in the unpacked data

	scan      scanner
	blocks    blocks
	mode      mode
	layout    Layout
	isRecords bool // the member at hand is "Records"
	isNull    bool // ... and null
	container bool // the object at hand is a container
	rootArray bool // the array at hand is the root

	count  int64 // complete records
	short  bool  // the last read gave less than asked for
	ended  error // what the source ended with
	result error // what Fill returns from now on

	own  Block // for Next
	next int
}

// NewReader makes a Reader of src. Nothing is read before the first Fill or Next.
func NewReader(src io.Reader, opts Options) *Reader {
	r := new(Reader)
	r.Reset(src, opts)
	return r
}

// Reset turns to another source and keeps the memory.
func (r *Reader) Reset(src io.Reader, opts Options) {
	r.src.reset(src)
	r.opts, r.limit = opts, opts.MaxRecordBytes
	if r.limit <= 0 {
		r.limit = DefaultMaxRecordBytes
	}
	if cap(r.carry) > 1<<20 {
		r.carry = nil
	}
	r.carry = r.carry[:0]
	r.pos, r.hold, r.key, r.base = 0, -1, 0, opts.StartOffset
	r.mode, r.layout = modeStart, LayoutEmpty
	r.count, r.short, r.ended, r.result = 0, false, nil, nil
	r.scan.begin()
	r.scan.end = -1
	r.blocks.begin()
	r.own.Reset()
	r.next = 0
}

// Layout says what was found. It is final when the source has ended, and also once it is LayoutLines.
func (r *Reader) Layout() Layout { return r.layout }

// Count gives the number of complete records found so far, those skipped included.
func (r *Reader) Count() int64 { return r.count }

// Packed says whether the source is compressed; known after the first Fill.
func (r *Reader) Packed() bool { return r.src.packed }

// Next gives the next record, whose bytes are valid until the next call. After the last it returns io.EOF, after a fault
// an *Error.
func (r *Reader) Next() (Record, error) {
	if r.next >= r.own.Len() {
		r.own.Reset()
		r.next = 0
		if err := r.Fill(&r.own, 0, 2*chunk); err != nil && r.own.Len() == 0 {
			return Record{}, err
		}
	}
	r.next++
	return r.own.At(r.next - 1), nil
}

// Fill appends records to b until it holds maxRecords of them (0: no bound) or maxBytes of raw bytes (0: 4 MiB), and then
// returns nil. A single record may be larger than maxBytes. At the end of the source it returns io.EOF, and at a fault an
// *Error; in both cases b may have got records before. b may hold records of other sources already.
func (r *Reader) Fill(b *Block, maxRecords, maxBytes int) error {
	if r.result != nil {
		return r.result
	}
	if maxBytes <= 0 {
		maxBytes = defaultBlockBytes
	}
	r.attach(b)
	defer r.detach()
	before := b.Len()
	for {
		if b.Len() > 0 && (maxRecords > 0 && b.Len() >= maxRecords || b.Bytes() >= maxBytes) {
			return nil
		}
		rec, got, err := r.advance(b.buf)
		if err != nil {
			r.result = err
			return err
		}
		if got {
			if err := r.emit(rec); err != nil {
				r.result = err
				return err
			}
			continue
		}
		if r.opts.Eager && r.short && b.Len() > before {
			return nil
		}
		switch full, err := r.refill(maxBytes); {
		case err != nil:
			r.ended = err
			if r.mode == modeStart || r.mode == modeElem && r.blocks.active {
				continue // shorter than a byte order mark, or than a record: what there is can be looked at now
			}
			r.result = r.finish()
			return r.result
		case full:
			return nil
		}
	}
}

// emit takes a complete record into the block.
func (r *Reader) emit(e entry) error {
	if e.end-e.start > r.limit {
		return r.tooLong(e.start)
	}
	index := r.opts.StartIndex + r.count
	if r.count++; r.count <= r.opts.Skip {
		return nil
	}
	e.offset, e.index = r.base+int64(e.start), index
	r.block.entries = append(r.block.entries, e)
	r.block.bytes += e.end - e.start
	return nil
}

func (r *Reader) attach(b *Block) {
	r.block = b
	at := len(b.buf)
	b.buf = append(b.buf, r.carry...)
	r.shift(at)
}

func (r *Reader) detach() {
	b, from := r.block, r.kept()
	r.carry = append(r.carry[:0], b.buf[from:]...)
	b.buf = b.buf[:b.committed()]
	r.shift(-from)
	r.block = nil
}

func (r *Reader) kept() int {
	if r.hold >= 0 {
		return r.hold
	}
	return r.pos
}

// shift follows a move of the bytes at hand by d.
func (r *Reader) shift(d int) {
	r.pos += d
	if r.hold >= 0 {
		r.hold += d
	}
	r.key += d
	r.scan.moved(d)
	r.blocks.base += d
	r.base -= int64(d)
}

// refill reads more, after making room. It reports a full block where that needs the room of records already in it.
func (r *Reader) refill(maxBytes int) (full bool, err error) {
	b, from := r.block, r.kept()
	if r.ended != nil {
		return false, r.ended
	}
	if r.hold >= 0 && len(b.buf)-r.hold > r.limit {
		return false, r.tooLong(r.hold)
	}
	if cap(b.buf)-len(b.buf) < chunk/2 {
		soft, end := maxBytes+2*chunk, b.committed()
		switch {
		case from-end >= chunk:
			n := copy(b.buf[end:], b.buf[from:])
			b.buf = b.buf[:end+n]
			r.shift(end - from)
		case cap(b.buf) < soft:
			b.grow(min(max(2*cap(b.buf), chunk), soft))
		case b.Len() > 0:
			return true, nil
		default:
			b.grow(min(2*cap(b.buf), max(r.limit, maxBytes)+3*chunk))
		}
	}
	free := b.buf[len(b.buf):min(cap(b.buf), len(b.buf)+chunk)]
	n, err := r.src.read(free)
	r.short = n < len(free)
	b.buf = b.buf[:len(b.buf)+n]
	return false, err
}

func (b *Block) grow(capacity int) {
	grown := make([]byte, len(b.buf), capacity)
	copy(grown, b.buf)
	b.buf = grown
}

func (r *Reader) fault(at int, err error) *Error {
	return &Error{Name: r.opts.Name, Offset: r.base + int64(at), Delivered: r.opts.StartIndex + r.count, Packed: r.src.packed, Err: err}
}

func (r *Reader) tooLong(start int) *Error {
	return r.fault(start, fmt.Errorf("%w: it starts here and is longer than %d bytes", ErrTooLong, r.limit))
}
