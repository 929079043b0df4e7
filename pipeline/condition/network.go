package condition

import (
	"net/netip"
	"strings"

	"github.com/trailbeat/trailbeat/ecs"
)

// named are the ranges that have names, as in Beats.
var named = []struct {
	name string
	in   func(netip.Addr) bool
}{
	{"loopback", netip.Addr.IsLoopback},
	{"global_unicast", netip.Addr.IsGlobalUnicast},
	{"unicast", netip.Addr.IsGlobalUnicast},
	{"link_local_unicast", netip.Addr.IsLinkLocalUnicast},
	{"interface_local_multicast", netip.Addr.IsInterfaceLocalMulticast},
	{"link_local_multicast", netip.Addr.IsLinkLocalMulticast},
	{"multicast", netip.Addr.IsMulticast},
	{"unspecified", netip.Addr.IsUnspecified},
	{"private", netip.Addr.IsPrivate},
	{"public", isPublic},
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

func isPublic(a netip.Addr) bool {
	return !a.IsLoopback() && !a.IsUnspecified() && a != broadcast && !a.IsLinkLocalUnicast() && !a.IsLinkLocalMulticast() &&
		!a.IsInterfaceLocalMulticast() && !a.IsPrivate()
}

type networks struct {
	ref      ecs.Ref
	prefixes []netip.Prefix
	named    []func(netip.Addr) bool
}

func (n *networks) match(ev *ecs.Event) bool {
	v := n.ref.Of(ev)
	switch v.Kind {
	case ecs.TextValue:
		return n.holds(v.Text)
	case ecs.ListValue:
		for _, s := range v.List {
			if n.holds(s) {
				return true
			}
		}
	}
	return false
}

func (n *networks) holds(text string) bool {
	// Most of what is no address is the name of a service, and an error of ParseAddr is an allocation.
	if len(text) < 2 || len(text) > 64 || !strings.ContainsAny(text[:min(5, len(text))], ".:") {
		return false
	}
	if c := text[0]; c != ':' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
		return false
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return false
	}
	addr = addr.WithZone("").Unmap()
	for _, p := range n.prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	for _, in := range n.named {
		if in(addr) {
			return true
		}
	}
	return false
}

func (b *builder) network(at, field string, values []string) node {
	n := &networks{ref: b.ref(field)}
	if f, ok := ecs.Lookup(field); ok && f.Type != "ip" && f.Type != "keyword" {
		b.bad(at, "is of type %s, and holds no address", f.Type)
	}
next:
	for _, v := range values {
		for _, known := range named {
			if known.name == strings.ToLower(v) {
				n.named = append(n.named, known.in)
				continue next
			}
		}
		if addr, err := netip.ParseAddr(v); err == nil && addr.Zone() == "" {
			addr = addr.Unmap()
			n.prefixes = append(n.prefixes, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(v)
		if err != nil {
			b.bad(at, "%q is no network; write CIDR such as 10.0.0.0/8 or 2001:db8::/32, or one of %s", v, namedList())
			continue
		}
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		n.prefixes = append(n.prefixes, p.Masked())
	}
	return n
}

func namedList() string {
	var names []string
	for _, known := range named {
		names = append(names, known.name)
	}
	return strings.Join(names, ", ")
}
