package app

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMergeStatements(t *testing.T) {
	under := func(prefix string) map[string]map[string][]string {
		return map[string]map[string][]string{"StringLike": {"s3:prefix": {prefix}}}
	}
	st := func(actions, resources []string, condition map[string]map[string][]string) Statement {
		return Statement{actions, resources, condition}
	}
	list := func(s ...string) []string { return s }
	for name, c := range map[string]struct{ in, want []Statement }{
		"nothing": {nil, nil},
		"the same twice": {
			[]Statement{st(list("a:X"), list("r1"), nil), st(list("a:X"), list("r1"), nil)},
			[]Statement{st(list("a:X"), list("r1"), nil)},
		},
		"actions of one resource": {
			[]Statement{st(list("a:Y"), list("r1"), nil), st(list("a:X", "a:Y"), list("r1"), nil)},
			[]Statement{st(list("a:X", "a:Y"), list("r1"), nil)},
		},
		"resources of one action": {
			[]Statement{st(list("a:X"), list("r2"), nil), st(list("a:X"), list("r1"), nil)},
			[]Statement{st(list("a:X"), list("r1", "r2"), nil)},
		},
		"never more than was asked for": {
			[]Statement{st(list("a:X"), list("r1"), nil), st(list("a:Y"), list("r2"), nil), st(list("a:X"), list("r2"), nil)},
			[]Statement{st(list("a:X"), list("r1"), nil), st(list("a:X", "a:Y"), list("r2"), nil)},
		},
		"conditions keep statements apart": {
			[]Statement{st(list("a:X"), list("r1"), under("b")), st(list("a:X"), list("r1"), under("a")), st(list("a:X"), list("r1"), nil), st(list("a:Y"), list("r1"), under("a"))},
			[]Statement{st(list("a:X"), list("r1"), nil), st(list("a:X"), list("r1"), under("b")), st(list("a:X", "a:Y"), list("r1"), under("a"))},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range 10 {
				assert.Equal(t, c.want, mergeStatements(c.in))
				rand.Shuffle(len(c.in), func(i, j int) { c.in[i], c.in[j] = c.in[j], c.in[i] })
			}
		})
	}
}

func TestPartition(t *testing.T) {
	assert.Equal(t, []string{"arn:aws-cn:s3:::b", "arn:aws-cn:sqs:r:1:q", "*"},
		inPartition("aws-cn", []string{"arn:aws:s3:::b", "arn:aws-us-gov:sqs:r:1:q", "*"}))
}
