package useragent

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// A clause is a set of words of which at least one occurs in every text that the regexp matches. The prefilter finds, in one pass over a
// text, which clauses hold; a rule is only run if all of its clauses do. Letter case is ignored (ASCII only), which can only let more rules run.

const (
	maxClauses = 4096 // size of a hitSet; the builder makes no further clause, its rules then just run more often
	minWord    = 2    // shorter words occur everywhere
	maxWord    = 10   // longer words are cut: the automaton stays small and hardly less selective
	maxExact   = 64   // largest set of alternatives followed through a concatenation
)

// hitSet is the set of clauses that hold for a text.
type hitSet [maxClauses / 64]uint64

func (h *hitSet) add(clause uint16) { h[clause/64] |= 1 << (clause % 64) }

// all says whether all the clauses hold.
func (h *hitSet) all(clauses []uint16) bool {
	for _, c := range clauses {
		if h[c/64]&(1<<(c%64)) == 0 {
			return false
		}
	}
	return true
}

// clauseBuilder collects clauses.
type clauseBuilder struct {
	numbers map[string]uint16 // the clause's words, joined -> its number
	clauses [][]string        // by number
}

func newClauseBuilder() *clauseBuilder { return &clauseBuilder{numbers: map[string]uint16{}} }

// add registers the clauses of a regexp and returns their numbers, none if nothing can be said about its matches.
func (b *clauseBuilder) add(expr string) ([]uint16, error) {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("parsing: %w", err)
	}
	var need []uint16
	for _, words := range analyse(re).clauses() {
		if n, ok := b.clause(words); ok && !slices.Contains(need, n) {
			need = append(need, n)
		}
	}
	return need, nil
}

func (b *clauseBuilder) clause(words []string) (uint16, bool) {
	key := strings.Join(words, "\x00")
	if n, ok := b.numbers[key]; ok {
		return n, true
	}
	if len(b.clauses) == maxClauses {
		return 0, false
	}
	n := uint16(len(b.clauses))
	b.numbers[key] = n
	b.clauses = append(b.clauses, words)
	return n, true
}

// words is what is known of the texts that a piece of a regexp matches: either that they are exactly one of exact (ASCII lower case, if
// whole is set), or that every clause of must holds.
type words struct {
	whole bool
	exact []string
	must  [][]string
}

// clauses turns what is known into clauses.
func (w words) clauses() [][]string {
	if !w.whole {
		return w.must
	}
	return clauseOf(w.exact)
}

// clauseOf makes a clause of alternatives; none if one of them is too short to tell anything.
func clauseOf(exact []string) [][]string {
	set := make([]string, 0, len(exact))
	for _, s := range exact {
		if len(s) < minWord {
			return nil
		}
		set = append(set, s[:min(len(s), maxWord)])
	}
	slices.SortFunc(set, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	// A word that contains another one adds nothing.
	kept := set[:0]
	for _, s := range set {
		if !slices.ContainsFunc(kept, func(k string) bool { return strings.Contains(s, k) }) {
			kept = append(kept, s)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return [][]string{kept}
}

var nothing = words{} // nothing is known

func exactly(s ...string) words { return words{whole: true, exact: s} }

// analyse works out the words of a regexp, from the leaves up.
func analyse(re *syntax.Regexp) words {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return exactly("")
	case syntax.OpLiteral:
		return literal(re)
	case syntax.OpCharClass:
		return charClass(re)
	case syntax.OpCapture:
		return analyse(re.Sub[0])
	case syntax.OpQuest:
		if w := analyse(re.Sub[0]); w.whole && len(w.exact) < maxExact {
			return exactly(append(slices.Clone(w.exact), "")...)
		}
	case syntax.OpPlus:
		return words{must: analyse(re.Sub[0]).clauses()}
	case syntax.OpRepeat:
		if re.Min > 0 {
			return words{must: analyse(re.Sub[0]).clauses()}
		}
	case syntax.OpConcat:
		return concat(re.Sub)
	case syntax.OpAlternate:
		return alternate(re.Sub)
	}
	return nothing
}

func literal(re *syntax.Regexp) words {
	var sb strings.Builder
	for _, r := range re.Rune {
		if r >= utf8.RuneSelf && re.Flags&syntax.FoldCase != 0 {
			return nothing // its other letter case is not known here
		}
		sb.WriteRune(r)
	}
	return exactly(lowerASCII(sb.String()))
}

func charClass(re *syntax.Regexp) words {
	var set []string
	for i := 0; i < len(re.Rune); i += 2 {
		for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
			// The Kelvin sign and the long s come with "k" and "s" when case is ignored; mask keeps them out of the text.
			if r == '\u212a' || r == '\u017f' {
				continue
			}
			if s := lowerASCII(string(r)); !slices.Contains(set, s) {
				set = append(set, s)
			}
			if len(set) > 10 {
				return nothing
			}
		}
	}
	return exactly(set...)
}

// concat follows the alternatives from piece to piece while they are few, and keeps a clause of what it had whenever it must start anew.
func concat(subs []*syntax.Regexp) words {
	var must [][]string
	current, whole := []string{""}, true
	flush := func() {
		must = append(must, clauseOf(current)...)
		current, whole = []string{""}, false
	}
	for _, sub := range subs {
		w := analyse(sub)
		switch {
		case !w.whole:
			flush()
			must = append(must, w.must...)
		case len(current)*len(w.exact) > maxExact:
			flush()
			current = w.exact
		default:
			product := make([]string, 0, len(current)*len(w.exact))
			for _, a := range current {
				for _, b := range w.exact {
					product = append(product, a+b)
				}
			}
			current = product
		}
	}
	if whole {
		return exactly(current...)
	}
	flush()
	return words{must: must}
}

// alternate unites the alternatives; where one of them is not exact, it takes the most telling clause of each.
func alternate(subs []*syntax.Regexp) words {
	union := exactly()
	var parts []words
	for _, sub := range subs {
		w := analyse(sub)
		parts = append(parts, w)
		union.whole = union.whole && w.whole
		union.exact = append(union.exact, w.exact...)
	}
	if union.whole {
		return union
	}
	var all []string
	for _, w := range parts {
		clauses := w.clauses()
		if len(clauses) == 0 {
			return nothing
		}
		best := clauses[0]
		for _, c := range clauses[1:] {
			if shortest(c) > shortest(best) {
				best = c
			}
		}
		all = append(all, best...)
	}
	return words{must: clauseOf(all)}
}

func shortest(clause []string) int {
	n := maxWord + 1
	for _, w := range clause {
		n = min(n, len(w))
	}
	return n
}

// lowerASCII lowers A-Z only.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
