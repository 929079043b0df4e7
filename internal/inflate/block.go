package inflate

import (
	"encoding/binary"
	"unsafe"
)

// take gives the next n bits, which is at most 32; ok is false where the input ends before.
func (r *Reader) take(n int) (v int, ok bool) {
	r.more(n)
	if r.n < n {
		return 0, false
	}
	v = int(r.b & (1<<n - 1))
	r.drop(n)
	return v, true
}

func (r *Reader) more(n int) {
	for r.n < n && r.pos < len(r.in) {
		r.b |= uint64(r.in[r.pos]) << r.n
		r.pos++
		r.n += 8
	}
}

func (s *stream) drop(n int) {
	s.b >>= n
	s.n -= n
}

// block reads the header of a block.
func (r *Reader) block() error {
	head, ok := r.take(3)
	if !ok {
		return errMore
	}
	var err error
	switch head >> 1 {
	case 0:
		err = r.beginStored()
	case 1:
		r.fixed()
		r.state = inHuffman
	case 2:
		err = r.dynamic()
	default:
		err = r.corrupt()
	}
	if err == nil {
		r.final = head&1 != 0
	}
	return err
}

// ended goes on behind a block.
func (r *Reader) ended() {
	r.state = atBlock
	if r.final {
		r.state = atTrailer
	}
}

func (r *Reader) beginStored() error {
	r.drop(r.n & 7)
	r.unread()
	if len(r.in)-r.pos < 4 {
		return errMore
	}
	n := binary.LittleEndian.Uint16(r.in[r.pos:])
	if n != ^binary.LittleEndian.Uint16(r.in[r.pos+2:]) {
		return r.corrupt()
	}
	r.pos += 4
	r.stored, r.state = int(n), inStored
	return nil
}

func (r *Reader) copyStored() error {
	if r.stored > 0 && r.pos == len(r.in) {
		return errMore
	}
	n := copy(r.out[r.to:limit], r.in[r.pos:min(len(r.in), r.pos+r.stored)])
	r.to += n
	r.pos += n
	if r.stored -= n; r.stored == 0 {
		r.ended()
	}
	return nil
}

// fixed makes the tables of RFC 1951, 3.2.6.
func (r *Reader) fixed() {
	var lengths [maxLiterals]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	build(r.literal[:], literalBits, lengths[:], literalSymbols[:])
	for i := range maxDistances {
		lengths[i] = 5
	}
	build(r.distance[:], distanceBits, lengths[:maxDistances], distanceSymbols[:])
}

// dynamic reads the tables of RFC 1951, 3.2.7.
func (r *Reader) dynamic() error {
	head, ok := r.take(14)
	if !ok {
		return errMore
	}
	literals, distances, n := head&31+257, head>>5&31+1, head>>10+4
	if literals > 286 || distances > 30 {
		return r.corrupt()
	}
	var sizes [maxLengths]uint8
	for _, at := range []uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}[:n] {
		v, ok := r.take(3)
		if !ok {
			return errMore
		}
		sizes[at] = uint8(v)
	}
	var table [1 << lengthsBits]uint32
	if !build(table[:], lengthsBits, sizes[:], lengthSymbols[:]) {
		return r.corrupt()
	}
	var lengths [maxLiterals + maxDistances]uint8
	all := lengths[:literals+distances]
	for i := 0; i < len(all); {
		r.more(maxBits)
		e := table[r.b&(1<<lengthsBits-1)]
		if int(e&0xff) > r.n || e&isInvalid != 0 && r.n < lengthsBits {
			return errMore
		}
		if e&isInvalid != 0 {
			return r.corrupt()
		}
		r.drop(int(e & 0xff))
		symbol := e >> valueAt
		if symbol < 16 {
			all[i] = uint8(symbol)
			i++
			continue
		}
		var value uint8
		least, wide := 3, 3
		switch symbol {
		case 16:
			if i == 0 {
				return r.corrupt()
			}
			value, wide = all[i-1], 2
		case 18:
			least, wide = 11, 7
		}
		v, ok := r.take(wide)
		if !ok {
			return errMore
		}
		if i+least+v > len(all) {
			return r.corrupt()
		}
		for range least + v {
			all[i] = value
			i++
		}
	}
	if !build(r.literal[:], literalBits, all[:literals], literalSymbols[:]) ||
		!build(r.distance[:], distanceBits, all[literals:], distanceSymbols[:]) {
		return r.corrupt()
	}
	r.state = inHuffman
	return nil
}

// huffman unpacks until the block ends, or room or input do.
//
// A round takes at most two literals, or one of them and a copy. 56 bits are enough for that but in rare cases, so there is no look
// at the input in between; what turns out to need bits that are not there is taken back at the end of the round.
func (r *Reader) huffman() error {
	const most = maxBits + 5 + maxBits + 13 // bits of a length and a distance
	in, pos, b, n := r.in, r.pos, r.b, r.n
	out, to := unsafe.Pointer(unsafe.SliceData(r.out)), r.to
	var err error
	for to < limit {
		if pos+8 <= len(in) {
			b |= binary.LittleEndian.Uint64(in[pos:]) << (n & 63)
			pos += (63 - n) >> 3
			n |= 56
		} else {
			for n < 56 && pos < len(in) {
				b |= uint64(in[pos]) << (n & 63)
				pos++
				n += 8
			}
		}
		savedBits, savedN, savedTo := b, n, to
		e := r.literal[b&(1<<literalBits-1)]
		if e&isLiteral != 0 {
			b >>= e & 63
			n -= int(e & 0xff)
			*(*byte)(unsafe.Add(out, to)) = byte(e >> valueAt)
			to++
			if n < 0 {
				b, n, to, err = savedBits, savedN, savedTo, errMore
				break
			}
			e = r.literal[b&(1<<literalBits-1)]
			if e&isLiteral != 0 && n >= int(e&0xff) {
				b >>= e & 63
				n -= int(e & 0xff)
				*(*byte)(unsafe.Add(out, to)) = byte(e >> valueAt)
				to++
				continue
			}
			if n < most {
				continue
			}
			savedBits, savedN, savedTo = b, n, to
		}
		if e&isRare != 0 {
			if e&isMore != 0 {
				b >>= e & 63
				n -= int(e & 0xff)
				e = r.literal[int(e>>valueAt)+int(b&(1<<(e>>codeAt&15)-1))]
			}
			if e&(isLiteral|isRare) != 0 {
				b >>= e & 63
				n -= int(e & 0xff)
				if n < 0 || e&isInvalid != 0 && savedN < maxBits {
					b, n, to, err = savedBits, savedN, savedTo, errMore
					break
				}
				if e&isLiteral != 0 {
					*(*byte)(unsafe.Add(out, to)) = byte(e >> valueAt)
					to++
					continue
				}
				if e&isEnd != 0 {
					r.ended()
				} else {
					err = errCorrupt
				}
				break
			}
		}
		length := int(e>>valueAt) + int(b&(1<<(e&63)-1)>>(e>>codeAt&15))
		b >>= e & 63
		n -= int(e & 0xff)

		e = r.distance[b&(1<<distanceBits-1)]
		if e&isMore != 0 {
			b >>= e & 63
			n -= int(e & 0xff)
			e = r.distance[int(e>>valueAt)+int(b&(1<<(e>>codeAt&15)-1))]
		}
		far := int(e>>valueAt) + int(b&(1<<(e&63)-1)>>(e>>codeAt&15))
		b >>= e & 63
		n -= int(e & 0xff)
		if n < 0 || e&isInvalid != 0 && savedN < most {
			b, n, to, err = savedBits, savedN, savedTo, errMore
			break
		}
		if e&isInvalid != 0 || far > to-r.low {
			err = errCorrupt
			break
		}
		again(unsafe.Add(out, to), far, length)
		to += length
	}
	r.pos, r.b, r.n, r.to = pos, b, n, to
	if err == errCorrupt { //nolint:errorlint // never wrapped
		return r.corrupt()
	}
	return err
}

// again copies length bytes from far before to. It may write fifteen more than that.
func again(to unsafe.Pointer, far, length int) {
	from := unsafe.Add(to, -far)
	switch {
	case far >= 16:
		for i := 0; i < length; i += 16 {
			*(*[16]byte)(unsafe.Add(to, i)) = *(*[16]byte)(unsafe.Add(from, i))
		}
	case far >= 8:
		for i := 0; i < length; i += 8 {
			*(*[8]byte)(unsafe.Add(to, i)) = *(*[8]byte)(unsafe.Add(from, i))
		}
	default:
		for i := range length {
			*(*byte)(unsafe.Add(to, i)) = *(*byte)(unsafe.Add(from, i))
		}
	}
}
