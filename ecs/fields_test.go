package ecs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// exported.txt lists the fields that the first version of Elastic's integration documents, and those that 8.9.0 added,
// each with its type. Dashboards and rules are written against them.
func TestExportedFields(t *testing.T) {
	list, err := os.ReadFile(filepath.Join("testdata", "exported.txt"))
	require.NoError(t, err)
	declared := map[string]string{}
	for _, f := range Fields() {
		declared[f.Name] = f.Type
		for _, m := range f.MultiFields {
			declared[f.Name+"."+m.Name] = m.Type
		}
	}
	count := 0
	for line := range strings.Lines(string(list)) {
		name, kind, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || name == "#" {
			continue
		}
		count++
		assert.Equal(t, kind, declared[name], name)
	}
	assert.Equal(t, 180, count, "115 fields with 17 multi-fields, and 48 later ones")
}

func TestLookup(t *testing.T) {
	for i, f := range Fields() {
		got, ok := Lookup(f.Name)
		require.True(t, ok, f.Name)
		assert.Equal(t, f, got)
		assert.Equal(t, i, fieldNumber(f.Name))
		assert.NotEmpty(t, f.Description, f.Name)
		assert.False(t, isGroup(f.Name), f.Name)
		parent := f.Name
		for strings.Contains(parent, ".") {
			parent = parent[:strings.LastIndexByte(parent, '.')]
			assert.True(t, isGroup(parent) || parent == "aws.cloudtrail.resources", parent)
		}
	}
	for _, path := range []string{"", "user", "user.name.text", "none", "User.Name", "tags "} {
		_, ok := Lookup(path)
		assert.False(t, ok, path)
	}
}

func TestFieldsIsACopy(t *testing.T) {
	Fields()[0].Name = "changed"
	assert.Equal(t, "@timestamp", Fields()[0].Name)
}

func TestFieldDetails(t *testing.T) {
	f, _ := Lookup("aws.cloudtrail.request_parameters")
	assert.Equal(t, 8191, f.IgnoreAbove)
	assert.Equal(t, []MultiField{{"text", "text"}}, f.MultiFields)
	f, _ = Lookup("user.name")
	assert.Equal(t, 1024, f.IgnoreAbove)
	assert.True(t, f.Index && f.DocValues)
	f, _ = Lookup("event.original")
	assert.False(t, f.Index || f.DocValues)
	assert.Zero(t, f.IgnoreAbove)
	f, _ = Lookup("event.module")
	assert.Equal(t, "aws", f.Value)

	var lists []string
	for _, f := range Fields() {
		if f.Array {
			lists = append(lists, f.Name)
		}
	}
	want := strings.Fields(`actor.entity.id aws.cloudtrail.resources entity.id entity.target.id error.message event.category event.type
		host.entity.id host.ip host.mac host.target.entity.id host.target.id related.entity related.hash related.hosts related.ip related.user
		service.entity.id service.target.entity.id tags target.entity.id user.entity.id user.target.entity.id`)
	slices.Sort(lists)
	assert.Equal(t, want, lists)
}
