package cloudtrail

// call is what is known of the calls of one name.
type call struct {
	category *category // nil where the name says nothing
	targets  []callTarget
}

// callTarget is what the call is aimed at where it went to this service. Few names are known of two services.
type callTarget struct {
	service string
	places  []place
}

// calls are the calls that anything is known of, by name, so that a record needs one look-up instead of three.
var calls = gather()

func gather() map[string]*call {
	all := make(map[string]*call, 192)
	of := func(name string) *call {
		if all[name] == nil {
			all[name] = &call{}
		}
		return all[name]
	}
	for i := range categoryRows {
		row := &categoryRows[i]
		for _, action := range row.actions {
			of(action).category = &row.category
		}
	}
	for service, actions := range targets {
		for action, places := range actions {
			c := of(action)
			c.targets = append(c.targets, callTarget{service, places})
		}
	}
	return all
}

// callOf is what is known of the calls with this name, nil if nothing is. It is asked for the same record twice.
func (m *Mapper) callOf(name string) *call {
	if m.callName != name {
		m.callName, m.known = name, calls[name]
	}
	return m.known
}

// placesOf are the places in which the targets of the call are, where it went to this service.
func (c *call) placesOf(service string) []place {
	if c == nil {
		return nil
	}
	for i := range c.targets {
		if t := &c.targets[i]; t.service == service {
			return t.places
		}
	}
	return nil
}
