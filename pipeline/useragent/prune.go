package useragent

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
)

// Some rules are one alternation of more than a hundred names ("bot|BUbiNG|zao|..."). Go's regexps carry all of them along from byte to
// byte, which takes a third of a millisecond, and the name of a common library (Boto3) contains one of them. So such a rule is run with only
// those of its alternatives whose words occur in the text. The others cannot match, wherever they stand, so the answer is the same.
type choices struct {
	before, after string // of the group: what stands around the alternatives
	alternatives  []alternative

	mu       sync.Mutex
	compiled map[string]*regexp.Regexp // by the alternatives that are left
}

type alternative struct {
	expr    string
	clauses [][]word // of each, one word must occur; the most telling one first
}

// word is what to look for, with the places of its first pairs of bytes in a set of pairs.
type word struct {
	text  string
	pairs [2]uint16
}

// pairSet is the set of the pairs of bytes that follow each other in a text. Most words of a rule are ruled out by it, at a fraction of what
// looking for them costs.
type pairSet [16]uint64

func pairOf(a, b byte) uint16 { return (uint16(a)*37 ^ uint16(b)) % (16 * 64) }

func (p *pairSet) fill(text string) {
	for i := 1; i < len(text); i++ {
		at := pairOf(text[i-1], text[i])
		p[at/64] |= 1 << (at % 64)
	}
}

func (p *pairSet) has(pair uint16) bool { return p[pair/64]&(1<<(pair%64)) != 0 }

func newWord(text string) word { // of two bytes at least
	last := min(len(text), 3)
	return word{text, [2]uint16{pairOf(text[0], text[1]), pairOf(text[last-2], text[last-1])}}
}

const (
	leastChoices = 6  // with fewer alternatives a rule is run as it is
	mostCompiled = 32 // as many expressions a rule may have beside its own: texts made to ask for more get the whole rule
)

// newChoices takes the expression of a rule apart. It gives nil for one that has no large alternation, or one that cannot be cut
// without another meaning.
func newChoices(expr string) *choices {
	open, closed := largestGroup(expr)
	if open < 0 || closed+1 < len(expr) && strings.IndexByte("*+?{", expr[closed+1]) >= 0 {
		return nil // a group that may match nothing, or twice
	}
	start := open + 1
	if strings.HasPrefix(expr[start:], "?:") {
		start += 2
	} else if strings.HasPrefix(expr[start:], "?") {
		return nil
	}
	c := &choices{before: expr[:start], after: expr[closed:], compiled: map[string]*regexp.Regexp{}}
	flags := ""
	if strings.HasPrefix(expr, "(?i)") {
		flags = "(?i)"
	}
	rest := c.after[1:]
	if depth(rest) != 0 {
		rest = "" // the group lies within another one; what follows there is not looked at
	}
	for _, text := range split(expr[start:closed]) {
		if captures(text) {
			return nil // the numbers of the groups would change
		}
		re, err := syntax.Parse(flags+"(?:"+text+")"+rest, syntax.Perl)
		if err != nil {
			return nil
		}
		clauses := analyse(re).clauses()
		slices.SortStableFunc(clauses, func(a, b []string) int { return shortest(b) - shortest(a) })
		a := alternative{expr: text}
		for _, clause := range clauses[:min(len(clauses), 3)] {
			var words []word
			for _, w := range clause {
				words = append(words, newWord(w))
			}
			a.clauses = append(a.clauses, words)
		}
		c.alternatives = append(c.alternatives, a)
	}
	if len(c.alternatives) < leastChoices {
		return nil
	}
	return c
}

// regexp gives the expression to run on a text: one that has the alternatives which may match in it, nil where none can. whole gives the expression of the rule itself.
func (c *choices) regexp(a *agent, whole func() *regexp.Regexp) *regexp.Regexp {
	var buf [64]byte
	key := buf[:0] // the numbers of the alternatives that are left, two bytes each
	for i := range c.alternatives {
		if c.alternatives[i].possible(a) {
			key = append(key, byte(i), byte(i>>8))
		}
	}
	switch {
	case len(key) == 0:
		return nil
	case len(key) == 2*len(c.alternatives):
		return whole()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if re := c.compiled[string(key)]; re != nil {
		return re
	}
	if len(c.compiled) >= mostCompiled {
		return whole()
	}
	var left []string
	for i := 0; i < len(key); i += 2 {
		left = append(left, c.alternatives[int(key[i])|int(key[i+1])<<8].expr)
	}
	re := regexp.MustCompile(c.before + strings.Join(left, "|") + c.after) // a test compiles each alternative
	c.compiled[string(key)] = re
	return re
}

func (a *alternative) possible(in *agent) bool {
	for _, clause := range a.clauses {
		found := false
		for i := range clause {
			word := &clause[i]
			if found = in.pairs.has(word.pairs[0]) && in.pairs.has(word.pairs[1]) && strings.Contains(in.lower, word.text); found {
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// eachByte calls f for every byte of an expression that is neither escaped nor part of a class, with how many groups are open there.
func eachByte(expr string, f func(i, depth int)) (depth int) {
	for i := 0; i < len(expr); i++ {
		switch expr[i] {
		case '\\':
			i++
			continue
		case '[':
			i++
			if i < len(expr) && expr[i] == '^' {
				i++
			}
			for first := true; i < len(expr) && (first || expr[i] != ']'); i++ {
				if expr[i] == '\\' {
					i++
				}
				first = false
			}
			continue
		case '(':
			depth++
		}
		f(i, depth)
		if i < len(expr) && expr[i] == ')' {
			depth--
		}
	}
	return depth
}

func depth(expr string) int { return eachByte(expr, func(int, int) {}) }

// largestGroup finds the brackets of the group with most alternatives.
func largestGroup(expr string) (open, closed int) {
	type group struct{ open, bars int }
	var stack []group
	open, most := -1, leastChoices-2
	eachByte(expr, func(i, _ int) {
		switch expr[i] {
		case '(':
			stack = append(stack, group{open: i})
		case '|':
			if len(stack) > 0 {
				stack[len(stack)-1].bars++
			}
		case ')':
			if len(stack) == 0 {
				return
			}
			last := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if last.bars > most {
				open, closed, most = last.open, i, last.bars
			}
		}
	})
	return open, closed
}

// split cuts an expression at the bars that are in none of its groups.
func split(expr string) (parts []string) {
	from := 0
	eachByte(expr, func(i, depth int) {
		if expr[i] == '|' && depth == 0 {
			parts = append(parts, expr[from:i])
			from = i + 1
		}
	})
	return append(parts, expr[from:])
}

// captures says whether an expression has groups that are numbered.
func captures(expr string) (found bool) {
	eachByte(expr, func(i, _ int) {
		if expr[i] == '(' && !strings.HasPrefix(expr[i:], "(?") {
			found = true
		}
	})
	return found
}
