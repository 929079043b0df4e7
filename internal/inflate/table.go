package inflate

import "math/bits"

// A table says for the next bits of the stream which code they begin with. Codes of more than the table's own bits go on in a
// part behind it.
//
// Each entry is one number:
//
//	bits 0-7    how many bits it takes: the code and what follows it as a plain number
//	bits 8-11   how many of these are the code
//	bits 12-15  flags, see below
//	bits 16-31  the literal, or the least length or distance, or where the table goes on
const (
	isLiteral = 1 << 12
	isMore    = 1 << 13 // the table goes on elsewhere
	isEnd     = 1 << 14 // of the block
	isInvalid = 1 << 15
	isRare    = isMore | isEnd | isInvalid

	valueAt = 16
	codeAt  = 8
)

// The bits of the tables themselves. With these, one code in some hundred goes on.
const (
	literalBits  = 11
	distanceBits = 9
	lengthsBits  = 7
	maxBits      = 15 // of any code

	maxLiterals  = 288
	maxDistances = 32
	maxLengths   = 19

	// A complete code of n symbols has at most n/2 places at which the table goes on.
	literalSize  = 1<<literalBits + maxLiterals/2<<(maxBits-literalBits)
	distanceSize = 1<<distanceBits + maxDistances/2<<(maxBits-distanceBits)
)

// build fills the table for codes of these lengths, by symbol. own is the number of bits of the table itself. It reports false
// where the lengths make no code: too many or too few. As in the standard library, no code at all is allowed for as long as it
// is not used, and so is a single one of one bit.
func build(table []uint32, own uint, lengths []uint8, symbols []uint32) bool {
	var count [maxBits + 1]int
	for _, n := range lengths {
		count[n]++
	}
	count[0] = 0
	var next [maxBits + 1]int
	code, longest := 0, uint(0)
	for n := uint(1); n <= maxBits; n++ {
		code <<= 1
		next[n] = code
		code += count[n]
		if count[n] > 0 {
			longest = n
		}
		if code > 1<<n {
			return false
		}
	}
	single := longest == 1 && count[1] == 1
	if longest > 0 && code != 1<<maxBits && !single {
		return false
	}
	if longest == 0 || single {
		for i := range table[:1<<own] {
			table[i] = isInvalid
		}
	}
	free := 1 << own // where the next part begins
	for i := range table[:1<<own] {
		table[i] |= isInvalid // so that the places of parts are known to be empty
	}
	for symbol, n := range lengths {
		if n == 0 {
			continue
		}
		size := uint(n)
		rev := int(bits.Reverse16(uint16(next[size])) >> (16 - size))
		next[size]++
		entry := symbols[symbol]
		if size <= own {
			entry += uint32(size) | uint32(size)<<codeAt
			for at := rev; at < 1<<own; at += 1 << size {
				table[at] = entry
			}
			continue
		}
		prefix := rev & (1<<own - 1)
		if table[prefix]&isInvalid != 0 {
			table[prefix] = uint32(free)<<valueAt | isMore | uint32(own) | uint32(longest-own)<<codeAt
			free += 1 << (longest - own)
		}
		part := table[table[prefix]>>valueAt:][:1<<(longest-own)]
		entry += uint32(size-own) | uint32(size-own)<<codeAt
		for at := rev >> own; at < len(part); at += 1 << (size - own) {
			part[at] = entry
		}
	}
	return true
}

// What the symbols mean, as entries without the bits of their codes; never changed. RFC 1951, 3.2.5.
var (
	literalSymbols  = literals()
	distanceSymbols = distances()
	lengthSymbols   = plain()
)

func literals() (all [maxLiterals]uint32) {
	for i := range all {
		all[i] = isInvalid
	}
	for i := range 256 {
		all[i] = uint32(i)<<valueAt | isLiteral
	}
	all[256] = isEnd
	base := uint32(3)
	for i := range uint32(28) {
		var extra uint32
		if i >= 8 {
			extra = i/4 - 1
		}
		all[257+i] = base<<valueAt + extra
		base += 1 << extra
	}
	all[285] = 258 << valueAt
	return all
}

func distances() (all [maxDistances]uint32) {
	base := uint32(1)
	for i := range uint32(30) {
		var extra uint32
		if i >= 4 {
			extra = i/2 - 1
		}
		all[i] = base<<valueAt + extra
		base += 1 << extra
	}
	all[30], all[31] = isInvalid, isInvalid
	return all
}

func plain() (all [maxLengths]uint32) {
	for i := range all {
		all[i] = uint32(i) << valueAt
	}
	return all
}
