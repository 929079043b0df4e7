package config

import (
	"errors"
	"testing"
)

// FuzzLoad checks that no file and no override makes the loader panic, and that each error has a position.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"", "name: x", "a: &a [*a]", "backoff.init: ${X:1s}", "blocks: [{type: f, p: [1]}]", "free: {<<: {a: 1}}",
		"name: \"\\x\"", "? a\n: b", "name: !!binary aGk=", "count: 0x10", "hosts: ${free.a}\nfree.a: $${", "a..b: 1", "\xff",
		"free: &x {a: *x}", "--- a\n--- b", "headers: {a.b: {c.d: 1}}", "size: 1e999", "rules: [~]",
	} {
		f.Add([]byte(seed), "name=x")
		f.Add([]byte("name: y"), "free="+seed)
	}
	f.Fuzz(func(t *testing.T, data []byte, override string) {
		s := defaults()
		tree, err := Load([]Source{{Name: "f.yml", Data: data}}, Options{Overrides: []string{override}, Lookup: env("X", "y")})
		if err == nil {
			err = tree.Decode(s)
		}
		if err == nil {
			if _, err := Marshal(s); err != nil {
				t.Fatal(err)
			}
			return
		}
		var errs Errors
		if !errors.As(err, &errs) || len(errs) == 0 {
			t.Fatalf("%T: %v", err, err)
		}
		for _, e := range errs {
			if e.Pos.File == "" || e.Pos.Line < 1 || e.Pos.Column < 1 || e.Message == "" {
				t.Fatalf("an error without a place: %#v", e)
			}
		}
	})
}
