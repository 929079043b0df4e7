package processor

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strings"

	"github.com/trailbeat/trailbeat/ecs"
)

// hashes and encodings are those of Beats.
var (
	hashes = map[string]func() hash.Hash{
		"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
	}
	encodings = map[string]func([]byte) string{
		"hex": hex.EncodeToString, "base32": base32.StdEncoding.EncodeToString, "base64": base64.StdEncoding.EncodeToString,
	}
)

// Fingerprint writes a hash over fields, the one that Beats makes of the same values.
type Fingerprint struct {
	Common `config:",inline"`
	// Fields that are hashed with their names, in the order of the names.
	Fields []string `config:"fields"`
	// TargetField gets the hash. Default "fingerprint".
	TargetField string `config:"target_field"`
	// Method is md5, sha1, sha256, sha384 or sha512. Default sha256.
	Method string `config:"method"`
	// Encoding is hex, base32 or base64. Default hex.
	Encoding string `config:"encoding"`
	// IgnoreMissing leaves fields out that are not there. Default false: there is no fingerprint then.
	IgnoreMissing bool `config:"ignore_missing"`
}

// DefaultFingerprint are the defaults.
func DefaultFingerprint() Fingerprint {
	return Fingerprint{TargetField: "fingerprint", Method: "sha256", Encoding: "hex"}
}

// Validate joins all that is wrong.
func (o *Fingerprint) Validate() error {
	f := o.faults()
	f.fieldList("fields", o.Fields)
	for i, field := range o.Fields {
		if isGroup(field) {
			f.bad(fmt.Sprintf("fields.%d", i), "is a group; name its fields")
		}
	}
	f.hashed(o.Method, o.Encoding)
	if f.field("target_field", o.TargetField) {
		if err := new(ecs.Event).Put(o.TargetField, "0123"); err != nil {
			f.bad("target_field", "cannot hold a hash: %s", err)
		}
	}
	return f.err()
}

func (f *faults) hashed(method, encoding string) {
	if hashes[method] == nil {
		f.bad("method", "is %q, but must be one of %s", method, strings.Join(slices.Sorted(maps.Keys(hashes)), ", "))
	}
	if encodings[encoding] == nil {
		f.bad("encoding", "is %q, but must be one of %s", encoding, strings.Join(slices.Sorted(maps.Keys(encodings)), ", "))
	}
}

func (o *Fingerprint) names() []name {
	return append(listed("fields", o.Fields), name{option: "target_field", field: o.TargetField, makes: true})
}
func (o *Fingerprint) changes() scope { return scopeOf(o.TargetField) }

func (o *Fingerprint) build(*Env) (runner, error) {
	fields := slices.Sorted(slices.Values(o.Fields))
	return &fingerprint{slices.Compact(fields), o.TargetField, hashes[o.Method], encodings[o.Encoding], o.IgnoreMissing}, nil
}

type fingerprint struct {
	fields        []string
	target        string
	hash          func() hash.Hash
	encode        func([]byte) string
	ignoreMissing bool
}

func (p *fingerprint) run(ev *ecs.Event) error {
	h := p.hash()
	for _, field := range p.fields {
		v, ok := ev.Get(field)
		if !ok {
			if p.ignoreMissing {
				continue
			}
			return fmt.Errorf("hashing %s: there is no such field in the document", field)
		}
		switch v.(type) {
		case string, []string, bool, int64, float64:
			fmt.Fprintf(h, "|%s|%v", field, v)
		default:
			return fmt.Errorf("hashing %s: it is neither text nor a number", field)
		}
	}
	h.Write([]byte("|"))
	if err := ev.Put(p.target, p.encode(h.Sum(nil))); err != nil {
		return fmt.Errorf("setting %s: %w", p.target, err)
	}
	return nil
}

// RedactFields puts something else in the place of texts that must not be stored.
type RedactFields struct {
	Common `config:",inline"`
	// Fields are the texts and lists of texts. Those that are not there are passed over.
	Fields []string `config:"fields"`
	// Replacement takes the place of each text. Default "[redacted]". Not looked at with Method.
	Replacement string `config:"replacement"`
	// Method puts a hash in the place of each text, so that equal ones stay equal: md5, sha1, sha256, sha384 or sha512.
	// Default empty: the replacement.
	Method string `config:"method"`
	// Encoding of the hash: hex, base32 or base64. Default hex.
	Encoding string `config:"encoding"`
	// SecretKey makes a keyed hash (HMAC), without which short values such as addresses and names can be found by trying.
	SecretKey string `config:"secret_key,secret"`
}

// DefaultRedactFields are the defaults.
func DefaultRedactFields() RedactFields {
	return RedactFields{Replacement: "[redacted]", Encoding: "hex"}
}

// Validate joins all that is wrong.
func (o *RedactFields) Validate() error {
	f := o.faults()
	f.textFields("fields", o.Fields, "hold another text")
	switch {
	case o.Method != "":
		f.hashed(o.Method, o.Encoding)
	case o.Replacement == "":
		f.bad("replacement", "is empty; use drop_fields to take fields out")
	case o.SecretKey != "":
		f.bad("secret_key", "is for hashes; set method, for example sha256")
	}
	return f.err()
}

func (o *RedactFields) names() []name  { return listed("fields", o.Fields) }
func (o *RedactFields) changes() scope { return scopeOf(o.Fields...) }

func (o *RedactFields) build(*Env) (runner, error) {
	r := &redact{replace: func(string) string { return o.Replacement }}
	if o.Method != "" {
		encode := encodings[o.Encoding]
		r.replace = func(s string) string {
			h := hashes[o.Method]()
			if o.SecretKey != "" {
				h = hmac.New(hashes[o.Method], []byte(o.SecretKey))
			}
			h.Write([]byte(s))
			return encode(h.Sum(nil))
		}
	}
	for _, field := range o.Fields {
		r.refs = append(r.refs, ecs.RefOf(field))
	}
	return r, nil
}

type redact struct {
	refs    []ecs.Ref
	replace func(string) string
}

// run never leaves a value as it was: what has another type than text is replaced by the text of its JSON, or goes.
func (r *redact) run(ev *ecs.Event) error {
	var errs []error
	for _, ref := range r.refs {
		if err := r.redact(ev, ref); err != nil {
			ev.Delete(ref.Path())
			errs = append(errs, fmt.Errorf("redacting %s, which was dropped instead: %w", ref.Path(), err))
		}
	}
	return errors.Join(errs...)
}

func (r *redact) redact(ev *ecs.Event, ref ecs.Ref) error {
	switch v := ref.Of(ev); v.Kind {
	case ecs.Absent:
		return nil
	case ecs.TextValue:
		return ev.Put(ref.Path(), r.replace(v.Text))
	case ecs.ListValue:
		list := make([]string, len(v.List))
		for i, s := range v.List {
			list[i] = r.replace(s)
		}
		return ev.Put(ref.Path(), list)
	}
	whole, _ := ev.Get(ref.Path())
	text, err := json.Marshal(whole)
	if err != nil {
		return err
	}
	return ev.Put(ref.Path(), r.replace(string(text)))
}
