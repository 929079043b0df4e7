package elasticsearch

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const mixedAnswer = `{ "took" : 3, "errors":true,
 "items":[{"create":{"status":201}},{"create":{"_index":".ds-x","status":409,"error":{"type":"version_conflict_engine_exception","reason":"there"}}},
 {"create":{"error":{"type":"document_parsing_exception","reason":"failed \"x\" \\","caused_by":{"type":"illegal_argument_exception","reason":"For input string","caused_by":{"type":"e","reason":"failed"}}},"status":400}},
 {"create":{"status":201,"failure_store":"used"}}] }
`

func TestParseAnswer(t *testing.T) {
	items, err := parseAnswer([]byte(mixedAnswer), 4, nil)
	require.NoError(t, err)
	assert.Equal(t, []item{
		{status: 201},
		{status: 409, errType: "version_conflict_engine_exception", reason: "there", index: []byte(".ds-x")},
		{status: 400, errType: "document_parsing_exception", reason: `failed "x" \: For input string`},
		{status: 201, failureStore: true},
	}, items)
}

func TestEveryCutAnswerIsAnError(t *testing.T) {
	whole := strings.TrimSpace(mixedAnswer)
	for n := range len(whole) {
		_, err := parseAnswer([]byte(whole[:n]), 4, nil)
		require.Error(t, err, "cut after %d bytes: %s", n, whole[:n])
	}
}

func TestAnswersThatProveNothing(t *testing.T) {
	for name, text := range map[string]string{
		"empty":                  ``,
		"blank":                  " \n",
		"not JSON":               `<html><body>Sign in</body></html>`,
		"no items":               `{"errors":false}`,
		"no summary":             `{"items":[{"create":{"status":201}},{"create":{"status":201}}]}`,
		"too few":                `{"errors":false,"items":[{"create":{"status":201}}]}`,
		"too many":               `{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201}},{"create":{"status":201}}]}`,
		"an empty item":          `{"errors":false,"items":[{"create":{"status":201}},{}]}`,
		"no status":              `{"errors":false,"items":[{"create":{"status":201}},{"create":{}}]}`,
		"status is text":         `{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":"201"}}]}`,
		"odd status":             `{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":302}}]}`,
		"another action":         `{"errors":false,"items":[{"create":{"status":201}},{"index":{"status":201}}]}`,
		"two actions":            `{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201},"create":{"status":201}}]}`,
		"says no errors":         `{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":429}}]}`,
		"says errors":            `{"errors":true,"items":[{"create":{"status":201}},{"create":{"status":201}}]}`,
		"errors is a number":     `{"errors":0,"items":[{"create":{"status":201}},{"create":{"status":201}}]}`,
		"something follows":      `{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201}}]}{}`,
		"a null byte follows":    "{\"errors\":false,\"items\":[{\"create\":{\"status\":201}},{\"create\":{\"status\":201}}]}\x00",
		"a comma is missing":     `{"errors":false,"items":[{"create":{"status":201}}{"create":{"status":201}}]}`,
		"a comma too many":       `{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201}},]}`,
		"a bad value is skipped": `{"took":[1,,],"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201}}]}`,
		"an array":               `[]`,
		"an error":               `{"error":{"type":"x","reason":"y"},"status":200}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseAnswer([]byte(text), 2, nil)
			assert.Error(t, err)
		})
	}
}

func FuzzParseAnswer(f *testing.F) {
	f.Add([]byte(mixedAnswer), 4)
	f.Add([]byte(`{"errors":false,"items":[{"create":{"status":201}}]}`), 1)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		items, err := parseAnswer(data, n, nil)
		if err == nil && len(items) != n {
			t.Fatalf("%d items for %d documents without an error", len(items), n)
		}
	})
}
