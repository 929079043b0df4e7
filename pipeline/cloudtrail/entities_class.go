package cloudtrail

import "strings"

// write writes what was collected.
func (e *entities) write(actor string) {
	ev := e.m.ev
	for _, s := range e.target.list {
		e.related.insert(s)
	}
	ev.Related.Entity = e.sort(ev.Related.Entity, &e.related)
	if len(e.target.list) > 0 {
		e.writeTargets()
	}
	if actor != "" {
		e.writeActor(actor)
	}
}

// writeTargets sorts the targets by what they are. They are all different, and so are those of each class, in the same order.
func (e *entities) writeTargets() {
	ev := e.m.ev
	from := len(ev.Target.Entity.ID)
	ev.Target.Entity.ID = e.sort(ev.Target.Entity.ID, &e.target)
	newUnique(&e.hostIDs)
	for _, s := range ev.Target.Entity.ID[from:] {
		switch classify(s) {
		case classUser:
			ev.User.Target.Entity.ID = append(ev.User.Target.Entity.ID, s)
		case classHost:
			ev.Host.Target.Entity.ID = append(ev.Host.Target.Entity.ID, s)
			if id, ok := hostID(s); ok { // not all different: instances are named by id and by ARN
				e.hostIDs.insert(id)
			}
		case classService:
			ev.Service.Target.Entity.ID = append(ev.Service.Target.Entity.ID, s)
		default:
			ev.Entity.Target.ID = append(ev.Entity.Target.ID, s)
		}
	}
	ev.Host.Target.ID = e.sort(ev.Host.Target.ID, &e.hostIDs)
}

// writeActor writes who acted, to one of the fields by what it is.
func (e *entities) writeActor(actor string) {
	ev, id := e.m.ev, &e.m.rec.identity
	ev.Actor.Entity.ID = append(ev.Actor.Entity.ID, actor)
	kind, _ := e.m.text(id.kind)
	switch {
	case kind == "AWSService" || e.isServiceRole(actor):
		ev.Service.Entity.ID = append(ev.Service.Entity.ID, actor)
		return
	case kind == "IAMUser" || kind == "Root" || kind == "AssumedRole":
		if issuer, ok := e.m.text(id.issuerARN); ok && kind == "AssumedRole" {
			actor = issuer
		}
		ev.User.Entity.ID = append(ev.User.Entity.ID, actor)
		return
	}
	switch resource, ok := arnResource(actor); {
	case ok && (resource == "user" || resource == "role" || resource == "assumed-role" || resource == "federated-user"):
		ev.User.Entity.ID = append(ev.User.Entity.ID, actor)
	case ok && resource == "instance" || strings.HasPrefix(actor, "i-"):
		ev.Host.Entity.ID = append(ev.Host.Entity.ID, actor)
	default:
		ev.Entity.ID = append(ev.Entity.ID, actor)
	}
}

type class uint8

const (
	classGeneric class = iota
	classUser
	classHost
	classService
)

// classify tells what kind of thing an identifier names.
func classify(s string) class {
	if !strings.HasPrefix(s, "arn:") {
		switch {
		case len(s) == 20 && strings.HasPrefix(s, "AKIA"):
			return classUser
		case strings.HasPrefix(s, "i-"):
			return classHost
		}
		for _, prefix := range [...]string{
			"sg-", "sgr-", "eni-", "vpc-", "subnet-", "acl-", "rtb-", "igw-", "nat-", "vpce-", "tgw-", "pcx-",
		} {
			if strings.HasPrefix(s, prefix) {
				return classService
			}
		}
		return classGeneric
	}
	resource, ok := arnResource(s)
	if !ok {
		return classGeneric
	}
	if isServiceRole(s) {
		return classService
	}
	switch resource {
	case "user", "role", "assumed-role", "federated-user", "instance-profile", "mfa", "serialNumber":
		return classUser
	case "instance":
		return classHost
	case "stack", "stack-set", "trail", "configuration-recorder", "file-system", "mount-target", "rule", "detector", "key",
		"function", "log-group", "log-stream", "alarm", "db", "cluster", "global-cluster", "trust-anchor",
		"resolver-query-log-config", "secret", "parameter", "document", "session", "webacl", "rulegroup", "ipset", "topic",
		"model", "loadbalancer", "table", "group", "policy", "security-group", "network-interface", "vpc", "subnet",
		"network-acl", "dhcp-options":
		return classService
	}
	if arnPart(s, 2) == "s3" {
		return classService
	}
	return classGeneric
}

// isServiceRole asks what is noted of the identity, where the actor is its ARN.
func (e *entities) isServiceRole(actor string) bool {
	if who := e.m.slots.who; who != nil && who.hasEntities {
		if arn, ok := e.m.text(e.m.rec.identity.arn); ok && arn == actor {
			return who.arnOfServiceRole
		}
	}
	return isServiceRole(actor)
}

// isServiceRole looks at what follows each slash, which is quicker than to search for the two texts.
func isServiceRole(s string) bool {
	for {
		slash := strings.IndexByte(s, '/')
		if slash < 0 {
			return false
		}
		s = s[slash+1:]
		if strings.HasPrefix(s, "AWSServiceRoleFor") || strings.HasPrefix(s, "aws-service-role/") {
			return true
		}
	}
}

// arnPart is part n of an ARN, from 0, split at every colon.
func arnPart(arn string, n int) string {
	for ; n > 0; n-- {
		_, arn, _ = strings.Cut(arn, ":")
	}
	part, _, _ := strings.Cut(arn, ":")
	return part
}

// arnResource is the type of the resource that an ARN names: its sixth part up to a slash that is not the first character.
func arnResource(s string) (string, bool) {
	if !strings.HasPrefix(s, "arn:") {
		return "", false
	}
	part := s
	for range 5 {
		colon := strings.IndexByte(part, ':')
		if colon < 0 {
			return "", false
		}
		part = part[colon+1:]
	}
	for i := range len(part) {
		if part[i] == ':' || part[i] == '/' && i > 0 {
			return part[:i], true
		}
	}
	return part, true
}

// hostID is the id of the EC2 instance that an identifier names.
func hostID(s string) (string, bool) {
	if strings.HasPrefix(s, "arn:") {
		if arnPart(s, 2) != "ec2" {
			return "", false
		}
		rest, ok := strings.CutPrefix(arnPart(s, 5), "instance/")
		if !ok {
			return "", false
		}
		s = rest
	}
	return s, strings.HasPrefix(s, "i-")
}
