package config

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const printed = `name: n $${x}
count: 1600
small: 0
ratio: 0
on: true
timeout: 1m30s
size: 10MiB
password: xxxxx
hosts:
  - a
  - "5"
numbers: []
headers:
  A: b
free:
  k:
    - 1
    - true
backoff:
  init: 1s
  max: 1m
rules:
  - field: f
    limit: 7
region: ""
blocks:
  - type: decoded
    depth: 3
  - type: raw
    paths:
      - x
    token: xxxxx
    n: 5
    none: null
output:
  console:
    pretty: true
missing: false
`

func TestMarshal(t *testing.T) {
	s, err := load(t, Options{}, `
name: n $${x}
size: 10485760
password: sesame
hosts: [a, "5"]
headers.A: b
free.k: [1, true]
rules: [{field: f}]
blocks:
  - {type: decoded}
  - {type: raw, paths: [x], token: sesame, n: 5, none: ~}
output: {console: {pretty: true}}
`)
	require.NoError(t, err)
	inner := struct {
		Depth int `config:"depth"`
	}{Depth: 3}
	require.NoError(t, s.Blocks[0].Rest.Decode(&inner))
	text, err := Marshal(s)
	require.NoError(t, err)
	assert.Equal(t, printed, string(text))

	again, err := load(t, Options{}, string(text))
	require.NoError(t, err)
	second, err := Marshal(again)
	require.NoError(t, err)
	assert.Equal(t, printed, string(second), "what is printed reads as the same configuration")
}

func TestMarshalOfNothing(t *testing.T) {
	text, err := Marshal((*sample)(nil))
	require.NoError(t, err)
	assert.Equal(t, "{}\n", string(text))
}

func TestDurationsAreShort(t *testing.T) {
	type durations struct {
		A, B, C, D time.Duration
	}
	type tagged struct {
		A time.Duration `config:"a"`
		B time.Duration `config:"b"`
		C time.Duration `config:"c"`
		D time.Duration `config:"d"`
	}
	d := durations{time.Hour, time.Minute, 1500 * time.Millisecond, 0}
	text, err := Marshal(tagged(d))
	require.NoError(t, err)
	assert.Equal(t, "a: 1h\nb: 1m\nc: 1.5s\nd: 0s\n", string(text))
}
