package e2e

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// conflicts makes every so-manieth record one whose source is a service. Its source.address is a name, and no IP address.
func conflicts(every int) func(int, map[string]any) {
	return func(n int, record map[string]any) {
		if n%every == every/2 {
			record["sourceIPAddress"] = "cloudformation.amazonaws.com"
		}
	}
}

// conflicting are the eventIDs of those among all.
func (tr *trail) conflicting(every int) []string {
	var ids []string
	for n, id := range tr.ids {
		if n%every == every/2 {
			ids = append(ids, id)
		}
	}
	return ids
}

// mistype installs a template for the data stream of the row in which source.address is an IP address, as somebody might
// have thought. The func that it returns mends that.
func (s *scene) mistype() (mend func()) {
	s.t.Helper()
	// The template of the shipper is where to begin.
	<-s.start("setup").ended
	var found struct {
		Templates []struct {
			Template map[string]any `json:"index_template"`
		} `json:"index_templates"`
	}
	path := "/_index_template/"
	require.NoError(s.t, json.Unmarshal(s.engine.Must(s.t, http.MethodGet, path+"trailbeat-logs-aws.cloudtrail", ""), &found))
	template := found.Templates[0].Template
	template["index_patterns"], template["priority"] = []string{s.stream}, 9000
	delete(template, "_meta")
	address := template["template"].(map[string]any)
	for _, key := range []string{"mappings", "properties", "source", "properties", "address"} {
		address = address[key].(map[string]any)
	}
	right := map[string]any{}
	for key, value := range address {
		right[key] = value
		delete(address, key)
	}
	install := func() {
		body, err := json.Marshal(template)
		require.NoError(s.t, err)
		s.put(path+"fault-"+s.stream, string(body))
	}
	address["type"], address["ignore_malformed"] = "ip", false
	install()
	s.t.Cleanup(func() {
		s.engine.Do(s.t, http.MethodDelete, "/_data_stream/"+s.stream, "")
		s.engine.Do(s.t, http.MethodDelete, path+"fault-"+s.stream, "")
	})
	return func() {
		delete(address, "ignore_malformed")
		for key, value := range right {
			address[key] = value
		}
		install()
		s.engine.Must(s.t, http.MethodPost, "/"+s.stream+"/_rollover", "")
	}
}

// One document of 1,000 does not fit the mapping: just those become dead letters. When the mapping was mended, a replay
// brings them to the others, and the file of dead letters is empty.
func TestFaultMappingConflict(t *testing.T) {
	const every = 1000
	s := newScene(t, "conflict", newTrail(t, 4, 1000, conflicts(every)))
	mend := s.mistype()
	a := s.start("run").good()
	dead := s.trail.conflicting(every)
	require.Len(t, dead, 4)
	assert.Equal(t, account{received: 4000, indexed: 3996, deadLettered: 4}, a)
	s.check(dead...)

	again := s.start("replay").good()
	assert.Equal(t, account{received: 4, deadLettered: 4}, again, "nothing was mended yet")
	s.check(dead...)

	mend()
	assert.Equal(t, account{received: 4, indexed: 4}, s.start("replay").good())
	s.check()
	assert.Equal(t, account{}, s.start("replay").good())
}
