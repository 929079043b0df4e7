package config

import (
	"strings"

	"github.com/trailbeat/trailbeat/internal/lazyregexp"
)

var optionPrefix = lazyregexp.New(`^([A-Za-z0-9_@\-]+(?:\.[A-Za-z0-9_@\-]+|\[[0-9]+\])*): (.+)`)

// validate runs the struct's own checks and puts each fault where its option is written. Faults of options that could not
// be read, or are probably the ones that were misspelt, are left out: they follow from that.
func (d *decoder) validate(path string, v *value, validator Validator) {
	for _, err := range flatten(validator.Validate()) {
		at, full, message := v, path, err.Error()
		if m := optionPrefix().FindStringSubmatch(message); m != nil {
			name := strings.NewReplacer("[", ".", "]", "").Replace(m[1])
			full, message = join(path, name), strings.TrimPrefix(message, m[1]+": ")
			at, _ = v.find(name)
		}
		if d.meant[full] || d.errs.touches(full) {
			continue
		}
		pos := at.pos
		if at.kind != scalar {
			pos = at.keyPos
		}
		d.errs.add(pos, full, "%s", message)
	}
}

// flatten takes joined errors apart.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, one := range joined.Unwrap() {
		all = append(all, flatten(one)...)
	}
	return all
}
