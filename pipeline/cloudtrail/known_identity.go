package cloudtrail

import (
	"unsafe"

	"github.com/trailbeat/trailbeat/pipeline/internal/tape"
)

// A session makes hundreds of calls, all with the same userIdentity, and much of the mapping depends on nothing else. So what was made of
// an object that the tape says to be equal, in every byte, to one before is noted the second time that it comes, and done again from
// the third time on: as parts of the object at hand, so that nothing of an earlier record is kept alive. Parsing and mapping the reference
// data takes 0.95 of what it takes without. What depends on the rest of the record, or on what the document held before, is always
// worked out anew.

// knownIdentity is what is noted of one userIdentity. There are tape.RepeatPlaces of them, with lists that cannot become longer than what an
// object of the tape's limits can hold: 20 KB in all. An identity that comes once costs a comparison of numbers.
type knownIdentity struct {
	number  uint64 // that the tape gave the object
	noting  bool   // this record is the second
	members []knownMember
	// fields are texts that identity sets, entities those that always relates, in the order of the entities. They count only
	// where the flags say so.
	fields                      []knownField
	entities                    []part
	hasFields, hasEntities      bool
	service, session            part // Service.Name, and the name of the session; empty for none
	arnOfServiceRole, hasMember bool
}

// knownMember is a member found at a node, counted from the object.
type knownMember struct {
	at   *int32
	node int32
}

// part is a part of the object's text.
type part struct{ from, to uint32 }

// knownField is a text field of the event, by its distance from the event's start.
type knownField struct {
	offset uintptr
	part   part
}

func (p part) of(text string) string { return text[p.from:p.to] }

// partOf finds s, which need not be a part of text: texts with escapes stand elsewhere.
func partOf(text, s string) (p part, ok bool) {
	if s == "" {
		return part{}, true
	}
	from := uintptr(unsafe.Pointer(unsafe.StringData(s))) - uintptr(unsafe.Pointer(unsafe.StringData(text))) // far beyond the end where s begins before text
	if from >= uintptr(len(text)) || from+uintptr(len(s)) > uintptr(len(text)) {
		return part{}, false
	}
	return part{uint32(from), uint32(from) + uint32(len(s))}, true
}

// identityObject finds the members of userIdentity, which is object i.
func (r *members) identityObject(t *tape.Tape, known *slots, i int32) {
	place, number := t.Repeated(i)
	if number == 0 {
		r.object(t, known, i, inIdentity)
		return
	}
	w := &known.identities[place]
	switch {
	case w.number != number: // the first time
		w.number, w.hasMember, w.hasFields, w.hasEntities = number, false, false, false
		r.object(t, known, i, inIdentity)
		return
	case !w.hasMember: // the second
		w.noting, w.hasMember = true, true
		w.members = w.members[:0]
		known.noting = w
		r.object(t, known, i, inIdentity)
		known.noting = nil
		for n := range w.members {
			w.members[n].node -= i
		}
	default:
		for _, found := range w.members {
			*found.at = i + found.node
		}
	}
	known.who = w
}

// noteField notes a field that identity has set from node i, if this is the time to do so.
func (m *Mapper) noteField(field *string, i int32) {
	w := m.slots.who
	if w == nil || !w.noting {
		return
	}
	p, ok := partOf(m.identityText(), *field)
	offset := uintptr(unsafe.Pointer(field)) - uintptr(unsafe.Pointer(m.ev))
	if !ok || m.tape.Kind(i) != tape.String || offset > unsafe.Sizeof(*m.ev)-unsafe.Sizeof(*field) { // the last: no part of the event itself
		w.hasFields = false
		return
	}
	w.fields = append(w.fields, knownField{offset, p})
}

// identityText is the text of userIdentity.
func (m *Mapper) identityText() string { return view(m.tape.Raw(m.rec.identity.node)) }

// startFields begins to note what identity sets.
func (w *knownIdentity) startFields() {
	w.fields, w.hasFields = w.fields[:0], true
}

// finishFields ends that. What is rare, what failed, and what the document may have held before is not noted.
func (m *Mapper) finishFields(w *knownIdentity, failures int) {
	id, ev, text := &m.rec.identity, m.ev, m.identityText()
	ui := &ev.AWS.CloudTrail.UserIdentity
	var ok bool
	if w.service, ok = partOf(text, ev.Service.Name); !ok {
		w.hasFields = false
	}
	if id.kind == tape.None || id.arn == tape.None && bearsSession(ui.Type) || id.onBehalfOf != tape.None || id.assumedRoot != tape.None ||
		id.federatedAttributes != tape.None || len(ev.Error.Message) != failures {
		w.hasFields = false
	}
	if w.hasFields {
		w.session, _ = partOf(text, sessionOf(ui.Type, ui.ARN))
	}
}

// knownFields sets what was noted of the identity at hand.
func (m *Mapper) knownFields(w *knownIdentity) {
	ev, id, text := m.ev, &m.rec.identity, m.identityText()
	for i := range w.fields {
		f := &w.fields[i]
		*(*string)(unsafe.Add(unsafe.Pointer(ev), f.offset)) = f.part.of(text) // a string field of the event, where the first record of this identity had it
	}
	ev.Service.Name = w.service.of(text)
	m.setAccount(id.accountID)
	m.creationDate(id.created)
	if w.session != (part{}) {
		m.relateSession(w.session.of(text))
	}
	m.set(&ev.AWS.CloudTrail.SessionCredentialFromConsole, "aws.cloudtrail.session_credential_from_console", m.rec.sessionCredentialFromConsole)
}

// noteEntities notes what always has related so far, which is all of the identity.
func (e *entities) noteEntities(w *knownIdentity) {
	m, id := e.m, &e.m.rec.identity
	w.entities, w.hasEntities = w.entities[:0], e.failed == ""
	text := m.identityText()
	var sorted [8]string
	for _, s := range e.sort(sorted[:0], &e.related) {
		p, ok := partOf(text, s)
		if !ok {
			w.hasEntities = false
			return
		}
		w.entities = append(w.entities, p)
	}
	arn, _ := m.text(id.arn)
	w.arnOfServiceRole = isServiceRole(arn)
}
