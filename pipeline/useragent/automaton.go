package useragent

// prefilter is an Aho-Corasick automaton over the words of all clauses, with its alphabet reduced to the bytes that occur in words.
// It is immutable.
type prefilter struct {
	class   [256]uint8
	classes int
	next    []uint16 // state*classes + class -> state
	// The clauses that hold when a state is reached are holds[first[state]:first[state+1]], and those of the states that link leads
	// to, up to state 0.
	first []uint32
	holds []uint16
	link  []uint16
}

// scan adds the clauses that hold for text to hits.
func (p *prefilter) scan(text string, hits *hitSet) {
	state := 0
	for i := 0; i < len(text); i++ {
		state = int(p.next[state*p.classes+int(p.class[text[i]])])
		for s := state; s != 0; s = int(p.link[s]) {
			for _, c := range p.holds[p.first[s]:p.first[s+1]] {
				hits.add(c)
			}
		}
	}
}

// newPrefilter makes the automaton of clauses, which are known by their index. states is about how many states it will have; it only
// spares memory and copying.
func newPrefilter(clauses [][]string, states int) *prefilter {
	p := &prefilter{classes: 1} // class 0: a byte of no word
	for _, words := range clauses {
		for _, w := range words {
			for i := 0; i < len(w); i++ {
				if p.class[w[i]] == 0 {
					p.class[w[i]] = uint8(p.classes)
					p.classes++
				}
			}
		}
	}
	for c := 'A'; c <= 'Z'; c++ {
		p.class[c] = p.class[c+'a'-'A']
	}
	ends, count := p.addWords(clauses, states)
	p.keep(ends, count)
	p.complete()
	return p
}

// end says that a word of a clause ends in a state.
type end struct{ state, clause uint16 }

// addWords makes the tree of all words.
func (p *prefilter) addWords(clauses [][]string, states int) (ends []end, count int) {
	blank := make([]uint16, p.classes)
	p.next = append(make([]uint16, 0, max(states, 1)*p.classes), blank...)
	count = 1
	for clause, words := range clauses {
		for _, w := range words {
			state := 0
			for i := 0; i < len(w); i++ {
				at := state*p.classes + int(p.class[w[i]])
				if p.next[at] == 0 {
					p.next[at] = uint16(count)
					p.next = append(p.next, blank...)
					count++
				}
				state = int(p.next[at])
			}
			ends = append(ends, end{uint16(state), uint16(clause)})
		}
	}
	return ends, count
}

// keep lays the clauses of each state side by side.
func (p *prefilter) keep(ends []end, states int) {
	p.first = make([]uint32, states+1)
	for _, e := range ends {
		p.first[e.state+1]++
	}
	for s := range states {
		p.first[s+1] += p.first[s]
	}
	p.holds = make([]uint16, len(ends))
	filled := make([]uint32, states)
	for _, e := range ends {
		p.holds[p.first[e.state]+filled[e.state]] = e.clause
		filled[e.state]++
	}
}

// complete goes through the tree breadth first: where a word does not go on, go on from its longest suffix, which has been completed
// before.
func (p *prefilter) complete() {
	states := len(p.first) - 1
	p.link = make([]uint16, states)
	fail := make([]uint16, states)
	queue := make([]uint16, 0, states)
	for _, s := range p.next[:p.classes] {
		if s != 0 {
			queue = append(queue, s)
		}
	}
	for i := 0; i < len(queue); i++ {
		state, suffix := int(queue[i]), int(fail[queue[i]])
		if p.first[suffix] < p.first[suffix+1] {
			p.link[state] = uint16(suffix)
		} else {
			p.link[state] = p.link[suffix]
		}
		row := p.next[state*p.classes:][:p.classes]
		down := p.next[suffix*p.classes:][:p.classes]
		for c, s := range row {
			if s != 0 {
				fail[s] = down[c]
				queue = append(queue, s)
			} else {
				row[c] = down[c]
			}
		}
	}
}
