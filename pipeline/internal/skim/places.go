package skim

// CloudTrail writes the members of a record in one of a few orders. So the Scanner remembers the objects that it has seen as a
// tree: a place is an object up to one of its keys, and below it are the keys that came next. Where the bytes at hand are the
// key that came next last time, or the other one before that, they are compared and not read, and that no key comes twice is
// known, as no place is made whose key stands above it.

const (
	maxPlaces  = 4096 // at this number all are forgotten
	maxMembers = 64   // of an object
	maxKey     = 96   // bytes
	maxProbes  = 8    // keys made to collide are not remembered
)

type place struct {
	quoted string // the key with quotes and colon
	hash   uint32
	next   int32 // what came next last time
	other  int32 // what came next before that was another
	parent int32
	inner  int32 // where the object starts that is the value of the key; 0: not known yet
	items  int32 // the same for objects within the array that is the value

	start   int32  // the place at which the object starts
	value   int8   // 1 + the number of the value that is kept
	within  bool   // a member of the object is wanted, or may be
	members uint8  // how many keys led here
	covers  uint64 // what is known when the member is over
	path    string // of the object, only at its start: each key with the separator behind it
}

// objectKey names an object by the start of the one around it and its key.
type objectKey struct {
	around int32
	key    string
	items  bool
}

// places 0 stands for none, and 1 is the start of the record.
func (s *Scanner) forget() {
	clear(s.places)
	s.places = append(s.places[:0], place{quoted: "\xff"}, place{start: 1, within: true})
	if s.objects == nil {
		s.objects, s.table = make(map[objectKey]int32), make([]int32, 2*maxPlaces)
	}
	clear(s.objects)
	clear(s.table)
	s.full = false
}

// find reads the key at p, which is not the one that came last time, and gives the place behind it and where its value starts;
// place 0 where the key cannot be remembered, or at a fault.
func (s *Scanner) find(p int, at int32) (end int, to int32) {
	src := s.src
	if p >= len(src) || src[p] != '"' {
		return p, 0
	}
	from := &s.places[at]
	if k := s.places[from.other].quoted; len(src)-p > len(k) && string(src[p:p+len(k)]) == k {
		to = from.other
		from.next, from.other = to, from.next
		return p + len(k), to
	}
	start := p + 1
	if p = s.marks.Next(start); p >= len(src) || src[p] != '"' {
		return p, 0
	}
	text := src[start:p]
	if p = space(src, p+1); p >= len(src) || src[p] != ':' {
		return p, 0
	}
	p = space(src, p+1)
	hash := (hash(text) ^ uint32(at)*0x85ebca6b) * 0x9e3779b1
	slot := hash >> 16
	for range maxProbes {
		slot &= 2*maxPlaces - 1
		if to = s.table[slot]; to == 0 {
			if to = s.learn(at, text); to != 0 {
				s.table[slot], s.places[to].hash = to, hash
			}
			break
		}
		if l := &s.places[to]; l.hash == hash && l.parent == at && l.name() == string(text) {
			break
		}
		to = 0
		slot++
	}
	from = &s.places[at]
	from.next, from.other = to, from.next
	return p, to
}

func (l *place) name() string { return l.quoted[1 : len(l.quoted)-2] }

func (s *Scanner) learn(at int32, text []byte) int32 {
	from := &s.places[at]
	if len(s.places) >= maxPlaces {
		s.full = true
		return 0
	}
	if from.members == maxMembers || len(text) > maxKey {
		return 0
	}
	for up := at; up != from.start; up = s.places[up].parent {
		if s.places[up].name() == string(text) {
			return 0
		}
	}
	to := int32(len(s.places))
	l := place{quoted: `"` + string(text) + `":`, parent: at, within: from.within, members: from.members + 1, start: from.start}
	if from.within {
		w := s.wanted[s.places[from.start].path+string(text)]
		l.value, l.covers = w.value, w.covers
	}
	s.places = append(s.places, l)
	return to
}

// object gives where objects start that are the value of the key at this place, or stand in the array that is; 0 where there is
// no room.
func (s *Scanner) object(at int32, items bool) int32 {
	l := &s.places[at]
	k := objectKey{l.start, l.name(), items}
	start, ok := s.objects[k]
	if !ok {
		if len(s.places) >= maxPlaces {
			s.full = true
			return 0
		}
		start = int32(len(s.places))
		inside := place{start: start}
		if l.within && !items {
			inside.path = s.places[l.start].path + l.name() + separator
			inside.within = s.inside[inside.path]
		}
		s.places = append(s.places, inside)
		s.objects[k] = start
	}
	if l = &s.places[at]; items {
		l.items = start
	} else {
		l.inner = start
	}
	return start
}
