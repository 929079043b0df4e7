package pipeline

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline/cloudtrail"
	"github.com/trailbeat/trailbeat/pipeline/geoip"
	"github.com/trailbeat/trailbeat/pipeline/processor"
	"github.com/trailbeat/trailbeat/pipeline/routing"
	"github.com/trailbeat/trailbeat/pipeline/useragent"
)

// ErrDrop says that a filter, or a rule of routing, took the record on purpose: it counts as delivered, and there is no document.
// The error is a *processor.Drop, which names the rule.
var ErrDrop = processor.ErrDrop

// Pipeline maps records. It is safe for concurrent use.
type Pipeline struct {
	tags      []string
	retain    cloudtrail.Retain
	withoutID bool
	mappers   sync.Pool
	chain     *processor.Chain                 // nil: no processors
	routing   *routing.Table                   // nil: everything goes where it goes anyway
	find      func(*ecs.Event) *processor.Drop // decides before the mapping; nil: no rule can
	peekers   sync.Pool
	*enrichers
}

// enrichers are shared by a Pipeline and those that are derived from it.
type enrichers struct {
	agents *useragent.Parser
	geo    *geoip.DB // nil without databases
}

// New makes a Pipeline. It fails on a setting that is wrong and on a database that cannot be read; a database that is not
// there is no error, but logged. Close it at the end.
func New(cfg Config) (*Pipeline, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	var shared enrichers
	agents := useragent.DefaultConfig()
	if cfg.UserAgent != nil {
		agents = *cfg.UserAgent
	}
	var err error
	if shared.agents, err = useragent.New(agents); err != nil {
		return nil, fmt.Errorf("preparing user agents: %w", err)
	}
	if cfg.GeoIP != nil && (cfg.GeoIP.City != "" || cfg.GeoIP.ASN != "") {
		if shared.geo, err = geoip.Open(*cfg.GeoIP, cfg.Logger); err != nil {
			return nil, fmt.Errorf("opening geo databases: %w", err)
		}
	}
	return build(cfg, &shared), nil
}

// With derives a Pipeline with other tags, retain, processors and the like, as inputs may have their own. It shares the databases and
// caches of p; UserAgent, GeoIP and Logger of cfg are not looked at. Only p is closed.
func (p *Pipeline) With(cfg Config) (*Pipeline, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return build(cfg, p.enrichers), nil
}

func build(cfg Config, shared *enrichers) *Pipeline {
	p := &Pipeline{tags: cfg.tags(), retain: cloudtrail.Retain(cfg.Retain), withoutID: cfg.WithoutID, enrichers: shared}
	hooks := cloudtrail.Hooks{UserAgent: p.userAgent}
	if p.geo != nil {
		hooks.Source = p.source
	}
	p.mappers.New = func() any { return cloudtrail.NewMapper(p.retain, hooks) }
	p.chain, p.routing = cfg.Processors, cfg.Routing
	p.decideEarly()
	return p
}

// decideEarly finds the rules that need no document.
func (p *Pipeline) decideEarly() {
	drops := p.chain.Early(cloudtrail.CanPeek)
	routes := p.routing.Early(p.chain.Behind(cloudtrail.CanPeek))
	var fields []string
	switch {
	case drops == nil && routes == nil:
		return
	case routes == nil:
		p.find, fields = drops.Find, drops.Fields()
	case drops == nil:
		p.find, fields = routes.Find, routes.Fields()
	default:
		p.find = func(ev *ecs.Event) *processor.Drop {
			if rule := drops.Find(ev); rule != nil {
				return rule
			}
			return routes.Find(ev)
		}
		fields = append(slices.Clone(drops.Fields()), routes.Fields()...)
	}
	p.peekers.New = func() any { return cloudtrail.NewPeeker(fields) }
}

// Process maps the raw record into ev, which holds what is known beside the record: Timestamp, the time of reading (now
// where it is empty), which becomes event.created; tags, where they differ from the Config's; where the record came from.
// ev must be new or Reset. It may point into raw afterwards, so raw must not change for as long as ev is used.
//
// A record that cannot be mapped is no error: see the package documentation. The error is ErrDrop, or a *routing.LetterError, or nil.
//
// Process sets ev.Meta.ID where the record has an eventID: the same for the same event, however it came here.
func (p *Pipeline) Process(raw []byte, ev *ecs.Event) error {
	if ev.Timestamp == "" {
		ev.Timestamp = time.Now().UTC().Format(time.RFC3339Nano)
	}
	if len(ev.Tags) == 0 {
		ev.Tags = append(ev.Tags, p.tags...)
	}
	if p.find != nil {
		if rule := p.dropped(raw, ev); rule != nil {
			return rule
		}
	}
	m := p.mappers.Get().(*cloudtrail.Mapper)
	m.Map(raw, ev)
	if !p.withoutID {
		setID(ev, m)
	}
	p.mappers.Put(m)
	if p.chain != nil {
		if err := p.chain.Run(ev); err != nil {
			return err
		}
	}
	if err := p.routing.Route(ev); err != nil {
		return err
	}
	// What Fleet's final pipeline does in the cluster.
	if !slices.Contains(ev.Tags, cloudtrail.TagPreserveOriginalEvent) {
		ev.Event.Original = ""
	}
	return nil
}

// dropped is the rule that takes the record whatever the mapping would make of it, counted; nil where only the document can
// tell.
func (p *Pipeline) dropped(raw []byte, ev *ecs.Event) *processor.Drop {
	k := p.peekers.Get().(*cloudtrail.Peeker)
	rule := cloudtrail.Peek(k, raw, ev, p.find)
	p.peekers.Put(k)
	if rule != nil {
		rule.Count()
	}
	return rule
}

// Close gives back the databases. Documents made before stay valid.
func (p *Pipeline) Close() error {
	if p.geo == nil {
		return nil
	}
	return p.geo.Close()
}

// UserAgentStats counts what became of the user agents so far.
func (p *Pipeline) UserAgentStats() useragent.Stats { return p.agents.Stats() }

func (p *Pipeline) userAgent(ev *ecs.Event) {
	info := p.agents.Parse(ev.UserAgent.Original)
	ua := &ev.UserAgent
	ua.Name, ua.Version, ua.Device.Name = info.Name, info.Version, info.DeviceName
	ua.OS.Name, ua.OS.Version, ua.OS.Full = info.OSName, info.OSVersion, info.OSFull
}

func (p *Pipeline) source(ev *ecs.Event) {
	addr, err := netip.ParseAddr(ev.Source.IP)
	if err != nil {
		return
	}
	info := p.geo.Lookup(addr)
	geo, to := &info.Geo, &ev.Source.Geo
	to.ContinentName, to.CountryISOCode, to.CountryName = geo.ContinentName, geo.CountryISOCode, geo.CountryName
	to.RegionISOCode, to.RegionName, to.CityName = geo.RegionISOCode, geo.RegionName, geo.CityName
	if geo.Location.Set {
		to.Location = ecs.PointOf(geo.Location.Lat, geo.Location.Lon)
	}
	if info.AS.Number != 0 {
		ev.Source.AS.Number = ecs.LongOf(int64(info.AS.Number))
	}
	ev.Source.AS.Organization.Name = info.AS.Organization
}
