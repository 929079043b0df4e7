package app

import (
	"errors"
	"fmt"
	"strings"

	"github.com/trailbeat/trailbeat/internal/config"
)

// auditInputs makes the inputs of the settings those that an audit reads. It names the configured ones that are not read.
func (a *app) auditInputs(s *settings, opts *auditOptions) (notRead []string, err error) {
	chosen := s.inputs
	if opts.input != "" {
		chosen = nil
		var ids []string
		for _, in := range s.inputs {
			ids = append(ids, in.ID)
			if in.ID == opts.input {
				chosen = []inputSetting{in}
			}
		}
		if chosen == nil {
			return nil, usage(fmt.Errorf("--input %s: there is no such input%s; %s", opts.input, s.where(), config.Unknown(opts.input, ids)))
		}
	}
	if len(opts.targets) > 0 {
		s.inputs, err = a.auditTargets(chosen, opts)
		return nil, err
	}
	if err := s.needInputs(); err != nil {
		return nil, err
	}
	var read []inputSetting
	for _, in := range chosen {
		if in.kind.Again {
			read = append(read, in)
		} else {
			notRead = append(notRead, in.ID)
		}
	}
	if len(read) == 0 {
		return nil, usage(fmt.Errorf("input %s tells of what is new and cannot be read a second time; name what it has read, for example: trailbeat audit s3://BUCKET/PREFIX",
			strings.Join(notRead, ", ")))
	}
	s.inputs = read
	return notRead, nil
}

// auditTargets makes inputs of what the command line names, with the mapping and the rules of a configured one.
func (a *app) auditTargets(configured []inputSetting, opts *auditOptions) ([]inputSetting, error) {
	var base inputSetting
	switch len(configured) {
	case 0:
		base.SetDefaults()
	case 1:
		base = configured[0]
	default:
		for _, in := range configured[1:] {
			if !sameRules(&configured[0], &in) {
				var ids []string
				for _, in := range configured {
					ids = append(ids, in.ID)
				}
				return nil, usage(fmt.Errorf("the inputs %s have rules or tags of their own, which may decide otherwise; say with --input whose hold", strings.Join(ids, ", ")))
			}
		}
		base = configured[0]
	}
	var yaml strings.Builder
	yaml.WriteString("trailbeat.inputs:\n")
	var files []string
	for _, target := range opts.targets {
		bucket, prefix, ok, err := bucketTarget(target)
		if err != nil {
			return nil, usage(err)
		}
		if !ok {
			files = append(files, target)
			continue
		}
		fmt.Fprintf(&yaml, "  - type: aws-s3\n    bucket_arn: %s\n    bucket_list_prefix: %s\n", quoted(bucket), quoted(prefix))
	}
	if len(files) > 0 {
		yaml.WriteString("  - type: file\n    paths:\n")
		for _, name := range files {
			fmt.Fprintf(&yaml, "      - %s\n", quoted(name))
		}
	}
	made, err := resolve([]config.Source{{Name: "command line", Data: []byte(yaml.String())}}, nil, a.components)
	if err != nil {
		return nil, usage(err)
	}
	if len(made.inputs) == 0 {
		return nil, usage(errors.New("audit has nothing to read"))
	}
	for i := range made.inputs {
		in := &made.inputs[i]
		for _, from := range configured {
			if in.kind.Borrow != nil && strings.HasPrefix(from.Type, "aws-") {
				in.kind.Borrow(in.options, from.options)
				break
			}
		}
		id, kind, options, typ := in.ID, in.kind, in.options, in.Type
		*in = base
		in.ID, in.kind, in.options = id, kind, options
		in.Type = typ // what documents say of their input, and so what rules see
	}
	return made.inputs, nil
}

// sameRules says that two inputs treat records alike.
func sameRules(a, b *inputSetting) bool {
	return len(a.processors) == 0 && len(b.processors) == 0 && a.Retain == b.Retain && strings.Join(a.documentTags(), "\x00") == strings.Join(b.documentTags(), "\x00")
}
