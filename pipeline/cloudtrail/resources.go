package cloudtrail

import (
	"strings"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline/internal/tape"
)

// resourceList is what the mapping of resources needs from record to record.
type resourceList struct {
	nodes []int32
	keys  [][]byte
	order []int32
}

// resources writes the resources of the call. The cluster collects them in a HashMap by ARN, account and type, so equal
// ones fall together, the last of them wins, and the order is the map's.
func (m *Mapper) resources() {
	list := m.rec.resources
	if list == tape.None {
		return
	}
	if m.tape.Kind(list) != tape.Array {
		m.put("aws.cloudtrail.resources", list)
		return
	}
	if only := m.onlyResource(list); only != tape.None {
		m.resource(only)
		return
	}
	r := &m.res
	r.nodes, r.keys, r.order = r.nodes[:0], r.keys[:0], r.order[:0]
	known := newUnique(&m.seen)
	for i := m.tape.First(list); i != tape.None; i = m.tape.Next(list, i) {
		if m.tape.Kind(i) != tape.Object || m.tape.Pruned(i) {
			continue
		}
		m.scratch = m.scratch[:0]
		for n, name := range [...]string{"ARN", "accountId", "type"} {
			if n > 0 {
				m.scratch = append(m.scratch, '_')
			}
			member := m.resourceMember(i, name)
			if member != tape.None {
				m.scratch = m.tape.AppendJava(m.scratch, member, tape.None)
			}
		}
		key := m.arena.Copy(m.scratch)
		if at, found := known.add(key, len(r.keys)); found {
			r.nodes[at] = i
			continue
		}
		r.keys = append(r.keys, bytesOf(key))
		r.nodes = append(r.nodes, i)
	}
	r.order = m.tape.OrderOf(r.order, r.keys)
	for _, at := range r.order {
		m.resource(r.nodes[at])
	}
}

// onlyResource is the object that list holds where it holds nothing else, as that of nearly every call: it has nothing to fall together with.
func (m *Mapper) onlyResource(list int32) int32 {
	if i := m.tape.First(list); m.tape.Len(list) == 1 && m.tape.Kind(i) == tape.Object && !m.tape.Pruned(i) {
		return i
	}
	return tape.None
}

// resourceMember finds a member of the resource at node i under its name or the one that the document gives it.
func (m *Mapper) resourceMember(i int32, name string) int32 {
	if member := m.tape.Member(i, name); member != tape.None {
		return member
	}
	switch name {
	case "ARN":
		return m.tape.Member(i, "arn")
	case "accountId":
		return m.tape.Member(i, "account_id")
	}
	return tape.None
}

// resource appends the resource at node i.
func (m *Mapper) resource(i int32) {
	list := m.ev.AWS.CloudTrail.Resources
	if len(list) < cap(list) {
		list = list[:len(list)+1] // an element of an earlier record, with room for what it had beyond its fields
	} else {
		list = append(list, ecs.AWSCloudTrailResources{})
	}
	m.ev.AWS.CloudTrail.Resources = list
	r := &list[len(list)-1]
	*r = ecs.AWSCloudTrailResources{Extra: r.Extra[:0]}
	for c := m.tape.First(i); c != tape.None; c = m.tape.Next(i, c) {
		if m.tape.Pruned(c) {
			continue
		}
		key := m.tape.Key(c)
		var field *string
		switch key {
		case "ARN", "arn":
			key, field = "arn", &r.ARN
		case "accountId", "account_id":
			key, field = "account_id", &r.AccountID
		case "type":
			field = &r.Type
		}
		if field != nil {
			if s, ok := m.text(c); ok {
				*field = s
				continue
			}
		}
		r.Extra = append(r.Extra, ecs.Member{Key: key, Value: m.json(c, tape.None)})
	}
}

// instanceOf is the EC2 instance that the ARN of a resource names.
func instanceOf(arn string) (string, bool) {
	name := arn[strings.LastIndexByte(arn, '/')+1:]
	return name, strings.HasPrefix(name, "i-") && strings.Contains(arn, ":instance/")
}
