package useragent

import (
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

//go:generate go test . -run TestGeneratedClauses -update

// clauseSet is what the prefilter needs to know of the rules.
type clauseSet struct {
	clauses [][]string // the words of each
	needs   [][]uint16 // of each rule, in the order of the lists: agents, systems, devices
	states  int        // of the automaton
}

// findClauses analyses the expressions, which takes about 30 ms.
func findClauses(l *lists) (*clauseSet, error) {
	b := newClauseBuilder()
	set := &clauseSet{}
	for _, list := range [][]definition{l.Agent, l.OS, l.Device} {
		for i := range list {
			need, err := b.add(list[i].expr())
			if err != nil {
				return nil, fmt.Errorf("reading user agent rule %q: %w", list[i].Regex, err)
			}
			set.needs = append(set.needs, need)
		}
	}
	set.clauses = b.clauses
	return set, nil
}

// knownClauses gives the clauses as they were generated, nil where they are those of other rules: of another version of uap-core.
func knownClauses(text []byte, rules int) *clauseSet {
	if crc32.ChecksumIEEE(text) != generatedFrom {
		return nil
	}
	return decodeClauses(generatedClauses, generatedNeeds, rules)
}

// The words of the rules hold blanks and line ends, but none of these.
const endWord, endClause = "\x01", "\x02"

// decodeClauses reads what was generated; nil where that does not fit.
func decodeClauses(clauses, needs string, rules int) *clauseSet {
	set := &clauseSet{needs: make([][]uint16, 0, rules), states: generatedStates}
	count := strings.Count(clauses, endClause)
	set.clauses = make([][]string, 0, count)
	words := make([]string, 0, count+strings.Count(clauses, endWord)) // of all clauses
	for clause := range strings.SplitSeq(strings.TrimSuffix(clauses, endClause), endClause) {
		from := len(words)
		for word := range strings.SplitSeq(clause, endWord) {
			words = append(words, word)
		}
		set.clauses = append(set.clauses, words[from:len(words):len(words)])
	}
	numbers := make([]uint16, 0, len(needs)/2) // of all rules
	for line := range strings.Lines(needs) {
		from := len(numbers)
		if line != "\n" {
			for number := range strings.SplitSeq(line[:len(line)-1], " ") {
				n, err := strconv.ParseUint(number, 36, 16)
				if err != nil || int(n) >= len(set.clauses) {
					return nil
				}
				numbers = append(numbers, uint16(n))
			}
		}
		set.needs = append(set.needs, numbers[from:len(numbers):len(numbers)])
	}
	if len(set.needs) != rules {
		return nil
	}
	return set
}
