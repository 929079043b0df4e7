package cloudtrail

// smallSet is how many strings are compared one by one before a table is made: nearly every record stays below it.
const smallSet = 16

// uniqueSet finds strings that were there before, at a cost per string that does not grow with their number. It is
// reused from record to record.
type uniqueSet struct {
	list  []string
	table map[string]int
}

// newUnique empties s.
func newUnique(s *uniqueSet) *uniqueSet {
	if len(s.list) > 0 { // most sets of most records stay empty
		clear(s.list) // do not keep the last record alive
		s.list = s.list[:0]
	}
	if len(s.table) > 0 {
		clear(s.table)
	}
	return s
}

// add puts in v with its position, or finds the position that it has.
func (s *uniqueSet) add(v string, position int) (at int, found bool) {
	if len(s.list) <= smallSet {
		for i, have := range s.list {
			if have == v {
				return i, true
			}
		}
	} else if at, found = s.table[v]; found {
		return at, true
	}
	s.list = append(s.list, v)
	switch {
	case len(s.list) == smallSet+1:
		if s.table == nil {
			s.table = make(map[string]int, 4*smallSet)
		}
		for i, have := range s.list {
			s.table[have] = i
		}
	case len(s.list) > smallSet+1:
		s.table[v] = position
	}
	return position, false
}

// insert puts in v and reports whether it is new.
func (s *uniqueSet) insert(v string) bool {
	_, found := s.add(v, len(s.list))
	return !found
}
