package useragent

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChoices(t *testing.T) {
	for _, expr := range []string{
		`a(?:bc|de)f`,                // too few
		`(?:ab|cd|ef|gh|ij|kl)?x`,    // may be absent
		`(?:ab|cd|ef|gh|ij|(kl))x`,   // a numbered group among them
		`[(ab|cd|ef|gh|ij|kl)]`,      // a class
		`\(ab|cd|ef|gh|ij|kl\)`,      // of no group
		`(?P<x>ab|cd|ef|gh|ij|kl)`,   // named
		`(?:ab|cd|ef|gh|ij|kl){1,2}`, // several times
	} {
		require.Nil(t, newChoices(expr), expr)
	}
	c := newChoices(`(?i)^.{0,9}(Alpha|be[)|(]ta|ga\)m\|ma|^del(?:t|d)a|Epsi{2}lon|zeta\d)[/ ](\d+)`)
	require.NotNil(t, c)
	require.Len(t, c.alternatives, 6)
	whole := regexp.MustCompile("whole")
	run := func(text string) string {
		a := &agent{lower: lowerASCII(text)}
		a.pairs.fill(a.lower)
		re := c.regexp(a, func() *regexp.Regexp { return whole })
		if re == nil {
			return ""
		}
		return re.String()
	}
	require.Empty(t, run("nothing of it"))
	require.Empty(t, run("alphabet/1"), "a name must end where the rule says")
	require.Equal(t, `(?i)^.{0,9}(Alpha)[/ ](\d+)`, run("ALPHA/1"))
	require.Equal(t, `(?i)^.{0,9}(Alpha|^del(?:t|d)a)[/ ](\d+)`, run("delda alpha 1"))
	require.Equal(t, "whole", run("alpha/ be(ta/ ga)m|ma/ delta/ epsiilon/ zeta1/"))
}

// Texts that ask for ever other alternatives must not fill the memory with expressions.
func TestChoicesAreBounded(t *testing.T) {
	names := strings.Split("aa bb cc dd ee ff gg hh ii jj", " ")
	c := newChoices("(" + strings.Join(names, "|") + ")")
	whole := regexp.MustCompile("whole")
	for n := 1; n < 1<<len(names)-1; n++ {
		a := &agent{}
		for i, name := range names {
			if n>>i&1 == 1 {
				a.lower += name + " "
			}
		}
		a.pairs.fill(a.lower)
		require.NotNil(t, c.regexp(a, func() *regexp.Regexp { return whole }))
	}
	require.Len(t, c.compiled, mostCompiled)
}

// The rules that this is for must be among those that are taken apart.
func TestChoicesOfRules(t *testing.T) {
	rules := testRules(t)
	taken := 0
	for _, group := range [][]*rule{rules.agent, rules.os, rules.device} {
		for _, r := range group {
			if r.choices == nil || r.choices() == nil {
				continue
			}
			taken++
			for _, a := range r.choices().alternatives {
				require.NotPanics(t, func() { regexp.MustCompile(r.choices().before + a.expr + r.choices().after) }, a.expr)
			}
		}
	}
	t.Logf("%d rules are taken apart", taken)
	require.GreaterOrEqual(t, taken, 15)
}
