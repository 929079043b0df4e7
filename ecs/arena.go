package ecs

import "unsafe"

const (
	arenaStart = 4 << 10 // bytes of the first block
	arenaKeep  = 1 << 20 // a block above this is not kept by Reset: one giant record must not hold its memory for ever
	sharedKeep = 4 << 20 // the same of an Arena that many events share
)

// Arena is memory for strings that live as long as the document: text that is put together and so is not in the record.
// It is handed out piece by piece from a block and taken back as a whole by Reset, so that in the steady state nothing
// is allocated. The zero Arena is ready for use. It belongs to one goroutine at a time.
type Arena struct {
	block  []byte // len is what is handed out of it
	shared bool   // by several events, whose Reset leaves it alone
}

// Reset takes everything back. Strings and slices that came from the Arena are invalid from here on.
func (a *Arena) Reset() {
	keep := arenaKeep
	if a.shared {
		keep = sharedKeep
	}
	if cap(a.block) > keep {
		a.block = nil
		return
	}
	a.block = a.block[:0]
}

// release is what the Reset of an event does.
func (a *Arena) release() {
	if !a.shared {
		a.Reset()
	}
}

// Grab gives an empty slice with room for n bytes. Appending more than that moves it out of the Arena, which is safe.
func (a *Arena) Grab(n int) []byte {
	a.reserve(n)
	start := len(a.block)
	a.block = a.block[:start+n]
	return a.block[start : start : start+n]
}

// Copy gives a copy of b as a string.
func (a *Arena) Copy(b []byte) string {
	return text(append(a.Grab(len(b)), b...))
}

// CopyString gives a copy of s that does not hold the memory that s points into.
func (a *Arena) CopyString(s string) string {
	return text(append(a.Grab(len(s)), s...))
}

// Concat gives the parts as one string.
func (a *Arena) Concat(parts ...string) string {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	b := a.Grab(n)
	for _, p := range parts {
		b = append(b, p...)
	}
	return text(b)
}

// Buffer gives an empty slice for text of unknown length. Append to it, then give it to Keep or KeepBytes. Until then
// the Arena must not be used for anything else.
func (a *Arena) Buffer() []byte {
	a.reserve(64)
	return a.block[len(a.block):cap(a.block)][:0]
}

// Keep gives the content of a Buffer as a string, without copying it. It must be given nothing else: the Arena takes the
// slice over, with the room behind it.
func (a *Arena) Keep(b []byte) string { return text(a.KeepBytes(b)) }

// KeepBytes is Keep for bytes.
func (a *Arena) KeepBytes(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	start := len(a.block)
	if cap(a.block)-start >= len(b) && unsafe.SliceData(b) == unsafe.SliceData(a.block[start:cap(a.block)]) {
		a.block = a.block[:start+len(b)]
	} else {
		// It outgrew the block and moved. The next block takes both, so that a document like this one finds room. Strings
		// hold the old one as long as they need.
		a.block = append(make([]byte, 0, max(arenaStart, 2*cap(a.block), 2*len(b))), b...)
		b = a.block
	}
	return b[:len(b):len(b)]
}

// reserve sees to it that the block has room for n more bytes.
func (a *Arena) reserve(n int) {
	if cap(a.block)-len(a.block) >= n {
		return
	}
	a.block = make([]byte, 0, max(arenaStart, 2*cap(a.block), n))
}

// text gives b as a string without a copy. b must not change for as long as the string is used.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
