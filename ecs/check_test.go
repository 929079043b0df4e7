package ecs

import (
	"bufio"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCheckDocument(t *testing.T) {
	tests := map[string]struct {
		doc  string
		want []string // parts of the error; none means that the document is fine
	}{
		"empty": {doc: `{}`},
		"fine": {doc: `{"@timestamp":"2021-11-11T01:02:03.123456789Z","tags":["a"],"log":{"offset":7},
			"source":{"ip":"2001:db8::1","geo":{"location":{"lat":1.5,"lon":-2}},"as":{"number":64500}},
			"labels":{"any":1},"aws":{"cloudtrail":{"read_only":"true","resources":[{"arn":"a","ARNPrefix":"b"}],
			"console_login":{"additional_eventdata":{"mfa_used":true}},"flattened":{"digest":{"x":[1]}}}},"event":{"module":"aws"}}`},
		"undeclared leaf":        {`{"source":{"port":1}}`, []string{"source.port: is not declared in fields.yml"}},
		"undeclared at the root": {`{"json":{"a":1}}`, []string{"json: is not declared"}},
		"all are named":          {`{"a":1,"b":2}`, []string{"a: is not", "b: is not"}},
		"dotted name":            {`{"source.ip":"1.2.3.4"}`, []string{"source.ip: the name has a dot"}},
		"number as keyword":      {`{"user":{"id":5}}`, []string{"user.id: is of type keyword: cannot be the number 5"}},
		"empty keyword":          {`{"user":{"id":""}}`, []string{"user.id: is of type keyword: is empty"}},
		"null":                   {`{"user":{"id":null}}`, []string{"cannot be null"}},
		"list as keyword":        {`{"user":{"id":["a"]}}`, []string{"cannot be a list"}},
		"keyword as list":        {`{"tags":"a"}`, []string{"tags: must be a list with elements, not the string"}},
		"empty list":             {`{"tags":[]}`, []string{"not an empty list"}},
		"number in list":         {`{"tags":["a",1]}`, []string{"tags: is of type keyword"}},
		"group as text":          {`{"source":"x"}`, []string{"source: is a group and must be an object"}},
		"empty group":            {`{"source":{}}`, []string{"source: is empty"}},
		"bad ip":                 {`{"source":{"ip":"1.2.3"}}`, []string{`"1.2.3" is no IP address`}},
		"bad date":               {`{"@timestamp":"yesterday"}`, []string{`"yesterday" is no date`}},
		"date as number":         {`{"@timestamp":1}`, []string{"@timestamp: is of type date"}},
		"bad boolean":            {`{"aws":{"cloudtrail":{"read_only":"yes"}}}`, []string{"read_only: is of type boolean"}},
		"fraction as long":       {`{"log":{"offset":1.5}}`, []string{"log.offset: is of type long"}},
		"text as long":           {`{"log":{"offset":"1"}}`, []string{"log.offset: is of type long"}},
		"flattened as text":      {`{"aws":{"cloudtrail":{"flattened":{"digest":"x"}}}}`, []string{"digest: is of type flattened"}},
		"resource as text":       {`{"aws":{"cloudtrail":{"resources":["x"]}}}`, []string{"resources: must be a list of objects"}},
		"resource member":        {`{"aws":{"cloudtrail":{"resources":[{"arn":1}]}}}`, []string{"resources.arn: is of type keyword"}},
		"resources as object":    {`{"aws":{"cloudtrail":{"resources":{"arn":"x"}}}}`, []string{"resources: must be a list"}},
		"half a point":           {`{"source":{"geo":{"location":{"lat":1}}}}`, []string{"location: is of type geo_point"}},
		"point off the earth":    {`{"source":{"geo":{"location":{"lat":91,"lon":1}}}}`, []string{"no place on earth"}},
		"wrong constant":         {`{"event":{"module":"gcp"}}`, []string{`can only be "aws", not "gcp"`}},
		"not JSON":               {`{`, []string{"decoding the document"}},
		"two documents":          {`{} {}`, []string{"text behind it"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := CheckDocument([]byte(tt.doc))
			if tt.want == nil {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			for _, part := range tt.want {
				assert.ErrorContains(t, err, part)
			}
		})
	}
}

// The reference documents hold declared fields only.
func TestCheckDocumentOfTheReference(t *testing.T) {
	shared := os.Getenv("TRAILBEAT_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(shared, "parity", "expected.ndjson"))
	if err != nil {
		t.Skip("the reference documents are missing (set TRAILBEAT_SHARED to the folder that holds parity/expected.ndjson): ", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for n := 1; lines.Scan(); n++ {
		assert.NoError(t, CheckDocument(lines.Bytes()), "line %d", n)
	}
	require.NoError(t, lines.Err())
}
