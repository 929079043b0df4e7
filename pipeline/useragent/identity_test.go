package useragent

import (
	"math/rand/v2"
	"os"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/ua-parser/uap-go/uaparser"
)

// sharedRules loads the rules once for all tests and benchmarks.
var sharedRules = sync.OnceValues(loadRules)

func testRules(t testing.TB) *ruleSet {
	t.Helper()
	rules, err := sharedRules()
	require.NoError(t, err)
	return rules
}

// sample writes a text that the regexp is likely to match.
func sample(re *syntax.Regexp, rnd *rand.Rand, sb *strings.Builder) {
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			if re.Flags&syntax.FoldCase != 0 && rnd.IntN(2) == 0 {
				sb.WriteString(strings.ToUpper(string(r)))
			} else {
				sb.WriteRune(r)
			}
		}
	case syntax.OpCharClass:
		i := rnd.IntN(len(re.Rune)/2) * 2
		lo, hi := re.Rune[i], min(re.Rune[i+1], re.Rune[i]+60)
		sb.WriteRune(lo + rnd.Int32N(hi-lo+1))
	case syntax.OpAnyCharNotNL, syntax.OpAnyChar:
		sb.WriteByte("ab /;1."[rnd.IntN(7)])
	case syntax.OpStar, syntax.OpQuest:
		for range rnd.IntN(2) {
			sample(re.Sub[0], rnd, sb)
		}
	case syntax.OpPlus:
		for range 1 + rnd.IntN(2) {
			sample(re.Sub[0], rnd, sb)
		}
	case syntax.OpRepeat:
		for range re.Min + rnd.IntN(3) {
			sample(re.Sub[0], rnd, sb)
		}
	case syntax.OpAlternate:
		sample(re.Sub[rnd.IntN(len(re.Sub))], rnd, sb)
	default:
		for _, sub := range re.Sub {
			sample(sub, rnd, sb)
		}
	}
}

// generatedAgent is a text made from a rule, which is likely to match it.
type generatedAgent struct {
	ua   string
	from *rule
}

// generatedAgents makes texts from every rule, alone and inside other texts, so that each rule gets its chance to win or to be passed over.
func generatedAgents(t testing.TB) []generatedAgent {
	rules := testRules(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	var list []generatedAgent
	for _, group := range [][]*rule{rules.agent, rules.os, rules.device} {
		for _, r := range group {
			re, err := syntax.Parse(r.expr, syntax.Perl)
			require.NoError(t, err)
			for form := range 3 {
				var sb strings.Builder
				sample(re, rnd, &sb)
				text := sb.String()
				switch form {
				case 1:
					text = "Mozilla/5.0 (Linux; Android 9; " + text + " Build/X1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/90.0.1.2 Mobile Safari/537.36"
				case 2:
					text = strings.ToLower(text) + " " + strings.ToUpper(text)
				}
				list = append(list, generatedAgent{text, r})
			}
		}
	}
	return list
}

// TestPrefilterPassesOwnRule gives every rule the texts that were made from it: where it matches, the prefilter must let it run.
func TestPrefilterPassesOwnRule(t *testing.T) {
	rules := testRules(t)
	matched := map[*rule]bool{}
	for _, a := range generatedAgents(t) {
		masked := mask(a.ua)
		if !a.from.regexp().MatchString(masked) {
			continue
		}
		matched[a.from] = true
		var hits hitSet
		rules.filter.scan(masked, &hits)
		require.True(t, hits.all(a.from.need), "rule %q on %q", a.from.expr, a.ua)
	}
	all := len(rules.agent) + len(rules.os) + len(rules.device)
	t.Logf("%d of %d rules matched a text of theirs", len(matched), all)
	require.Greater(t, len(matched)*100, all*95, "the texts no longer test the rules")
}

// TestPrefilterChangesNothing runs agents through uap-go's own list of compiled regexps, in order and without a prefilter, and compares which of
// them is the first to match. That is slow, more so under the race detector, so only some of the generated agents take part. All do with
// TRAILBEAT_TEST_LONG=1, which is worth it after a change of the prefilter or of the rules.
func TestPrefilterChangesNothing(t *testing.T) {
	plain, err := uaparser.New()
	require.NoError(t, err)
	rules := testRules(t)
	step, realStep := 10, 1 // step is no multiple of the number of forms
	switch {
	case os.Getenv("TRAILBEAT_TEST_LONG") != "":
		step = 1
	case testing.Short():
		step, realStep = 100, 8
	}
	var agents []string
	for i, a := range generatedAgents(t) {
		if i%step == 0 {
			agents = append(agents, a.ua)
		}
	}
	agents = append(agents, "", " ", "-", "\xff\xfe", "K\u212aingfisher", "Se\u017fame Spider", "Windows\r\nNT 10.0", strings.Repeat("Mobile; ", 200))
	t.Run("real", func(t *testing.T) {
		for i, ua := range realAgents(t) {
			if i%realStep == 0 {
				agents = append(agents, ua)
			}
		}
	})

	var agentRE, osRE, deviceRE []*regexp.Regexp
	for _, r := range plain.UA {
		agentRE = append(agentRE, r.Reg)
	}
	for _, r := range plain.OS {
		osRE = append(osRE, r.Reg)
	}
	for _, r := range plain.Device {
		deviceRE = append(deviceRE, r.Reg)
	}
	matched := map[*rule]bool{}
	for _, ua := range agents {
		masked := mask(ua)
		var hits hitSet
		rules.filter.scan(masked, &hits)
		for _, l := range []struct {
			list  []*rule
			plain []*regexp.Regexp
		}{{rules.agent, agentRE}, {rules.os, osRE}, {rules.device, deviceRE}} {
			require.Len(t, l.list, len(l.plain))
			var m match
			got := find(l.list, &hits, &agent{ua: ua, masked: masked}, &m)
			want := -1
			var wanted match
			for i, re := range l.plain {
				if loc := re.FindStringSubmatchIndex(masked); loc != nil && l.list[i].take(ua, loc, &wanted) {
					want = i
					break
				}
			}
			require.Equal(t, want, got, "first rule for %q", ua)
			require.Equal(t, wanted, m, "answer for %q", ua)
			if got >= 0 {
				matched[l.list[got]] = true
			}
		}
	}
	t.Logf("%d agents, %d of %d rules won at least once", len(agents), len(matched), len(agentRE)+len(osRE)+len(deviceRE))
}

// TestSameVersionsAsPlain compares names and versions with uap-go where both define them alike.
func TestSameVersionsAsPlain(t *testing.T) {
	plain, err := uaparser.New()
	require.NoError(t, err)
	rules := testRules(t)
	for _, ua := range realAgents(t) {
		got := rules.parse(ua)
		want := plain.Parse(ua)
		require.Equal(t, want.UserAgent.Family, got.Name, ua)
		require.True(t, strings.HasPrefix(got.Version, want.UserAgent.ToVersionString()), ua)
		if want.Os.Family == other {
			require.Empty(t, got.OSName, ua)
		} else {
			require.Equal(t, want.Os.Family, got.OSName, ua)
		}
		require.Equal(t, want.Os.ToVersionString(), got.OSVersion, ua)
		require.Equal(t, want.Device.Family, got.DeviceName, ua)
	}
}

func TestPrefilterSize(t *testing.T) {
	rules := testRules(t)
	require.Less(t, len(rules.filter.link), 1<<16, "states must fit their type")
	always := 0
	clauses := map[uint16]bool{}
	for _, group := range [][]*rule{rules.agent, rules.os, rules.device} {
		for _, r := range group {
			if len(r.need) == 0 {
				always++
				t.Log("always run: ", r.expr)
			}
			for _, c := range r.need {
				clauses[c] = true
			}
		}
	}
	t.Logf("%d states of %d classes, %d clauses, %d rules without a clause", len(rules.filter.link), rules.filter.classes, len(clauses), always)
	require.Less(t, len(clauses), maxClauses)
	require.Less(t, always, 20, "the prefilter has lost its use")
}
