package marks

// Block says where the tokens of 64 bytes of compact JSON are. The lowest bit of each word is the first byte's.
//
// It is made for those who want to know where a value ends, and whether its tokens may follow each other, without going from
// one to the next: what is wrong with any two neighbours shows in Wrong, and what needs an object or an array around it in
// Colon and Element. So where no array is open, a block whose Wrong, Square and Element are zero is well-formed, and what is
// left to look at are its scalars and how many brackets it has.
type Block struct {
	// Open and Close are brackets outside of strings, curly and square. Square are those of both that are square.
	Open, Close, Square uint64
	// Colon are colons outside of strings. They may only stand in objects.
	Colon uint64
	// Scalar are the first bytes of all that stands outside of strings and is no bracket, comma or colon: numbers, literals, white
	// space and whatever else.
	Scalar uint64
	// Element has a bit where it shows that a comma or an open bracket was not followed by a key, which is so in arrays only: the byte
	// behind it, or behind the string behind it. What an object or array has here stands before its closing bracket, or at it.
	Element uint64
	// Wrong has bits where tokens cannot follow each other, whatever is around them.
	Wrong uint64
}

// Structure makes blocks of one text after the other. The zero value stands before the first byte of a value. White space
// between tokens is a scalar to it. Of strings it sees quotes and backslashes alone.
type Structure struct {
	carry carry
}

// carry is what a block leaves to the next, in the order in which assembly keeps it. All are zero or one, but the first is zero or
// all ones: a string is open; the first byte is escaped; a string that may be a key is open; the last byte was a comma or an
// open bracket; it was one of these or a colon; it was an open bracket; it was of a scalar; it ended what may be a key.
type carry [8]uint64

// Blocks fills dst with the blocks that follow, as far as text has whole ones, and gives their number. It is only called where
// HasStructure.
func (s *Structure) Blocks(dst []Block, text []byte) int {
	return s.blocks(dst, text, wideStructure())
}

func (s *Structure) blocks(dst []Block, text []byte, wide bool) int {
	n := min(len(dst), len(text)>>6)
	if n > 0 {
		structure(&dst[0], &text[0], n, &s.carry, wide)
	}
	return n
}
