package cloudtrail

import (
	"strings"

	"github.com/trailbeat/trailbeat/pipeline/internal/tape"
)

// relatedFromParameters takes the users whom the call was about.
func (m *Mapper) relatedFromParameters() {
	m.relateUser(m.rec.request.userName)
	m.relateUser(m.rec.request.newUserName)
	m.relateUser(m.rec.response.user.id)
}

func (m *Mapper) relateUser(i int32) {
	if i != tape.None {
		m.ev.Related.User = appendUnique(m.ev.Related.User, m.javaText(i))
	}
}

// groupAndTarget writes the group and the user whom the call was about.
func (m *Mapper) groupAndTarget() {
	request, response, ev := &m.rec.request, &m.rec.response, m.ev
	m.set(&ev.Group.Name, "group.name", request.groupName)
	m.set(&ev.Group.ID, "group.id", response.groupGroupID)
	m.set(&ev.User.Target.Name, "user.target.name", request.userName)
	m.set(&ev.User.Target.ID, "user.target.id", response.user.id)
	m.set(&ev.User.Changes.Name, "user.changes.name", request.newUserName)
}

// related collects users, addresses and hosts, in an order that is part of the mapping.
func (m *Mapper) related() {
	ev := m.ev
	if ev.User.Email == "" && strings.IndexByte(ev.User.Name, '@') > 0 {
		ev.User.Email = ev.User.Name
	}
	users := ev.Related.User
	users = appendUnique(users, ev.User.ID)
	users = appendUnique(users, ev.User.Name)
	users = appendUnique(users, ev.User.Changes.Name)
	users = appendUnique(users, ev.AWS.CloudTrail.UserIdentity.OnBehalfOf.UserID)
	ev.Related.User = users

	ev.Related.IP = appendUnique(ev.Related.IP, ev.Source.IP)
	if s, ok := m.text(m.tape.Member(m.rec.serviceEventDetails, "sourceIpAddress")); ok && isIP(s) {
		ev.Related.IP = appendUnique(ev.Related.IP, s)
	}
	m.relatedHosts()
}

func (m *Mapper) relatedHosts() {
	ev, rec := m.ev, &m.rec
	hosts := newUnique(&m.seen)
	for _, host := range ev.Related.Hosts {
		hosts.insert(host)
	}
	add := func(host string) {
		if host != "" && hosts.insert(host) {
			ev.Related.Hosts = append(ev.Related.Hosts, host)
		}
	}
	if !hasAmazonSuffix(ev.TLS.Client.ServerName) {
		add(ev.TLS.Client.ServerName)
	}
	if a := ev.Source.Address; ev.Source.IP == "" && strings.Contains(a, ".") && !strings.Contains(a, " ") && !hasAmazonSuffix(a) {
		add(a)
	}
	if s, ok := m.text(rec.request.computerName); ok {
		add(s)
	}
	instance := func(s string) {
		if strings.HasPrefix(s, "i-") && len(s) >= 10 && !tape.UnitsBelow(bytesOf(s), 10) {
			add(s)
		}
	}
	for n := range ev.AWS.CloudTrail.Resources {
		if s, ok := instanceOf(ev.AWS.CloudTrail.Resources[n].ARN); ok {
			instance(s)
		}
	}
	for _, in := range [...]*hostMembers{&rec.request.hosts, &rec.response.hosts} {
		if *in == (hostMembers{}) {
			continue // nearly every call
		}
		for _, i := range [...]int32{in.instanceID, in.target, in.resourceID} {
			if s, ok := m.text(i); ok {
				instance(s)
			}
		}
		for list, i := m.elements(in.instanceIDs); i != tape.None; i = m.nextElement(list, i) {
			if s, ok := m.text(i); ok {
				instance(s)
			}
		}
		for list, i := m.elements(in.items); i != tape.None; i = m.nextElement(list, i) {
			if s, ok := m.text(m.tape.Member(i, "instanceId")); ok {
				instance(s)
			}
		}
	}
}

// elements gives the list at node i, and the first of its elements that is not pruned. None where it is no list.
func (m *Mapper) elements(i int32) (list, first int32) {
	if !m.tape.Is(i, tape.Array) {
		return tape.None, tape.None
	}
	first = m.tape.First(i)
	if first != tape.None && m.tape.Pruned(first) {
		first = m.nextElement(i, first)
	}
	return i, first
}

// nextElement is the element of list behind i that is not pruned.
func (m *Mapper) nextElement(list, i int32) int32 {
	for i = m.tape.Next(list, i); i != tape.None && m.tape.Pruned(i); {
		i = m.tape.Next(list, i)
	}
	return i
}
