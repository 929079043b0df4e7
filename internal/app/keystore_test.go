package app

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/trailbeat/trailbeat/internal/config"
)

func TestNamesVariables(t *testing.T) {
	for text, want := range map[string]bool{
		"output.sqlite: {}":                  false,
		"regex: '^a$'\nother: {x: 1}":        false,
		"password: ${ES_PASSWORD}":           true,
		`password: "\x24{ES_PASSWORD}"`:      true,
		"password: \"$\\\n  {ES_PASSWORD}\"": true,
	} {
		assert.Equal(t, want, namesVariables([]config.Source{{Data: []byte("a: b")}, {Data: []byte(text)}}, []string{"c=d"}), text)
		assert.Equal(t, want, namesVariables(nil, []string{"c=d", text}), text)
	}
}
