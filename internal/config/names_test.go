package config

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestNames(t *testing.T) {
	type inner struct {
		B *bool         `config:"b"`
		D time.Duration `config:"d"`
	}
	type outer struct {
		A     string            `config:"a"`
		Group inner             `config:"group"`
		More  *inner            `config:"more"`
		Map   map[string]*inner `config:"map"`
		In    inner             `config:",inline"`
		List  []*Section        `config:"list"`
		One   *Section          `config:"one"`
		Rest  *Section          `config:",inline"`
		Not   int
	}
	want := []string{"a", "group.b", "group.d", "more.b", "more.d", "map", "b", "d", "list"}
	assert.Equal(t, want, Names(outer{}))
	assert.Equal(t, want, Names(&outer{}))
}
