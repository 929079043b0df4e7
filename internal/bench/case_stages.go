package bench

import (
	"bytes"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input/records"
	"github.com/trailbeat/trailbeat/pipeline"
	"github.com/trailbeat/trailbeat/pipeline/cloudtrail"
	"github.com/trailbeat/trailbeat/pipeline/useragent"
)

// stageCases switch one part of the mapping on after the other. What a part costs is the difference to the row before.
// They start at records that are split and in memory.
func stageCases(*closers, string) ([]Case, error) {
	split := splitter{}
	plain, entities := pipeline.DefaultTags(), append([]string{cloudtrail.TagActorTargetMapping}, pipeline.DefaultTags()...)

	// A record within a member that nobody knows is parsed and then not looked at, so this is the parser with little else.
	parser := cloudtrail.NewMapper("", cloudtrail.Hooks{})
	var within []byte
	cases := []Case{{Group: groupStages, Name: "parse", Key: "stage-parse", Run: split.each(func(ev *ecs.Event, raw []byte) int {
		within = append(append(append(within[:0], `{"unknown":`...), raw...), '}')
		parser.Map(within, ev)
		return 0
	})}}
	for _, step := range []struct {
		name, key string
		retain    cloudtrail.Retain
		tags      []string
	}{
		{"+ mapping to fields", "stage-fields", cloudtrail.RetainNone, plain},
		{"+ entities", "stage-entities", cloudtrail.RetainNone, entities},
		{"+ string forms", "stage-strings", cloudtrail.RetainKeyword, entities},
		{"+ flattened copies", "stage-flattened", cloudtrail.RetainAll, entities},
	} {
		m := cloudtrail.NewMapper(step.retain, cloudtrail.Hooks{})
		cases = append(cases, Case{Group: groupStages, Name: step.name, Key: step.key, Run: split.each(func(ev *ecs.Event, raw []byte) int {
			ev.Tags = append(ev.Tags, step.tags...)
			m.Map(raw, ev)
			return 0
		})})
	}
	var body []byte
	for _, step := range []struct {
		name, key string
		conf      pipeline.Config
		write     bool
	}{
		{"+ user agents", "stage-agents", pipeline.Config{WithoutID: true}, false},
		{"+ _id", "stage-id", pipeline.Config{}, false},
		{"+ document without event.original", "stage-document", pipeline.Config{}, true},
		{"+ event.original", "stage-original", pipeline.Config{PreserveOriginalEvent: true}, true},
	} {
		p, err := pipeline.New(step.conf)
		if err != nil {
			return nil, err
		}
		cases = append(cases, Case{Group: groupStages, Name: step.name, Key: step.key, Run: split.each(func(ev *ecs.Event, raw []byte) int {
			_ = p.Process(raw, ev) // there are no filters, so no errors
			if step.write {
				body = appendBulk(body[:0], ev)
				return len(body)
			}
			return 0
		})})
	}
	agents, err := useragent.New(useragent.DefaultConfig())
	if err != nil {
		return nil, err
	}
	cases = append(cases, Case{Group: groupStages, Name: "user agents alone, known ones", Key: "agents", Run: func(c *Corpus) (int, error) {
		of, err := split.of(c)
		if err != nil {
			return 0, err
		}
		for _, agent := range of.agents {
			agents.Parse(agent)
		}
		return 0, nil
	}})
	return cases, nil
}

// splitter keeps the records of each corpus, so that the stages do not count unpacking.
type splitter map[*Corpus]*splitCorpus

type splitCorpus struct {
	raws   [][]byte
	agents []string
}

func (s splitter) of(c *Corpus) (*splitCorpus, error) {
	if done := s[c]; done != nil {
		return done, nil
	}
	m, err := newMapper()
	if err != nil {
		return nil, err
	}
	out := &splitCorpus{}
	var ev ecs.Event
	for _, f := range c.Files {
		_, err := m.split(f.Packed, func(b *records.Block) error {
			for i := range b.Len() {
				raw := bytes.Clone(b.At(i).Raw)
				ev.Reset()
				ev.Timestamp = readTime
				if err := m.pipeline.Process(raw, &ev); err != nil {
					return err
				}
				out.raws, out.agents = append(out.raws, raw), append(out.agents, ev.UserAgent.Original)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	s[c] = out
	return out, nil
}

// each makes a Run of what is done with one record. do gives the bytes that it wrote.
func (s splitter) each(do func(ev *ecs.Event, raw []byte) int) func(*Corpus) (int, error) {
	var ev ecs.Event
	return func(c *Corpus) (out int, err error) {
		split, err := s.of(c)
		if err != nil {
			return 0, err
		}
		for _, raw := range split.raws {
			ev.Reset()
			ev.Timestamp = readTime
			out += do(&ev, raw)
		}
		return out, nil
	}
}
