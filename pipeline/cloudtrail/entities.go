package cloudtrail

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf16"

	"github.com/trailbeat/trailbeat/pipeline/internal/tape"
)

// entities collects who acted and on what. It works on the pruned record before anything is moved, and its rules are
// those of the integration, with what is odd about them: dashboards and detection rules are built on the result.
type entities struct {
	m       *Mapper
	related uniqueSet
	target  uniqueSet
	// failed says why the rules gave up. The cluster's script then leaves nothing behind.
	failed  string
	hostIDs uniqueSet
}

// entities writes the entity fields.
func (m *Mapper) entities() {
	e := &m.ent
	e.m, e.failed = m, ""
	newUnique(&e.related)
	newUnique(&e.target)

	e.always()
	var service, action string
	if source, ok := m.text(m.rec.eventSource); ok && hasAmazonSuffix(source) {
		service = source[:len(source)-len(amazonSuffix)]
		action = e.action(service)
		e.relate(service)
		e.aim(service, action)
	}
	actor := e.actor(service, action)
	if e.failed != "" {
		m.fail("script", tagEntities, e.failed)
		if !slices.Contains(m.ev.Tags, TagPreserveOriginalEvent) {
			m.ev.Tags = append(m.ev.Tags, TagPreserveOriginalEvent)
		}
		return
	}
	e.write(actor)
}

// always collects what every event has.
func (e *entities) always() {
	who := e.m.slots.who
	if who != nil && who.hasEntities {
		text := e.m.identityText()
		for _, p := range who.entities {
			e.related.list = append(e.related.list, p.of(text))
		}
	} else {
		e.addIdentity()
		if who != nil && who.noting {
			e.noteEntities(who)
		}
	}
	e.addEach(e.m.rec.resources, "ARN")
}

// addIdentity relates what names the caller.
func (e *entities) addIdentity() {
	id := &e.m.rec.identity
	e.add(id.accessKeyID)
	e.add(id.arn)
	e.add(id.userName)
	e.add(id.issuerARN)
	e.add(id.issuerUserName)
	if e.m.is(id.kind, "IdentityCenterUser") {
		e.add(id.identityStoreARN)
	}
}

// action is the name of the call. The rules for Lambda search in it, which only text bears.
func (e *entities) action(service string) string {
	name, ok := e.m.text(e.m.rec.eventName)
	if !ok && service == "lambda" {
		e.failed = "dynamic method [" + e.m.javaType(e.m.rec.eventName) + ", contains/1] not found"
	}
	return name
}

// actor is who acted. Those who ask STS for a role or for their own name are known by other members.
func (e *entities) actor(service, action string) string {
	id := &e.m.rec.identity
	switch {
	case service == "sts" && action == "GetCallerIdentity":
		return e.str(id.arn)
	case service == "sts" && action == "AssumeRole":
		switch kind, _ := e.m.text(id.kind); kind {
		case "AWSService":
			return e.str(id.invokedBy)
		case "AssumedRole":
			return e.str(id.issuerARN)
		}
		return e.str(id.arn)
	}
	if actor := e.str(id.arn); actor != "" {
		return actor
	}
	return e.str(id.onBehalfOfUserID)
}

// str is the string at node i. Any other value is one that the script cannot take.
func (e *entities) str(i int32) string {
	if i == tape.None || e.failed != "" {
		return ""
	}
	s, ok := e.m.text(i)
	if !ok {
		e.failed = "Cannot cast " + e.m.javaType(i) + " to java.lang.String"
	}
	return s
}

// add relates the string at node i.
func (e *entities) add(i int32) {
	if i != tape.None { // as nearly always
		e.addNode(i)
	}
}

func (e *entities) addNode(i int32) {
	if s := e.str(i); s != "" {
		e.related.insert(s)
	}
}

// addAll relates the strings at the nodes.
func (e *entities) addAll(nodes ...int32) {
	for _, i := range nodes {
		e.add(i)
	}
}

// elements are the elements of the list at node i; a value that is there and no list is one that the script cannot take.
func (e *entities) elements(i int32) (list, first int32) {
	if i != tape.None && e.failed == "" && e.m.tape.Kind(i) != tape.Array {
		e.failed = "Cannot iterate over [" + e.m.javaType(i) + "]"
		i = tape.None
	}
	return e.m.elements(i)
}

// addEach relates a member of every element of the list at node i.
func (e *entities) addEach(i int32, member string) {
	for list, c := e.elements(i); c != tape.None; c = e.m.nextElement(list, c) {
		e.add(e.m.tape.Member(c, member))
	}
}

// addUntilKnown relates the members of element i one after the other, and stops at the first that is missing or known:
// so does the script, and a second instance in the same subnet is not related for it.
func (e *entities) addUntilKnown(i int32, paths ...[]string) {
	for _, path := range paths {
		if s := e.str(e.m.tape.Path(i, path...)); s == "" || !e.related.insert(s) {
			return
		}
	}
}

// addValuesUntilKnown does so for the elements of the list at node i.
func (e *entities) addValuesUntilKnown(to *uniqueSet, i int32) {
	for list, c := e.elements(i); c != tape.None; c = e.m.nextElement(list, c) {
		if s := e.str(c); s == "" || !to.insert(s) {
			return
		}
	}
}

// aimAt makes the string at node i a target.
func (e *entities) aimAt(i int32) {
	if s := e.str(i); s != "" {
		e.target.insert(s)
	}
}

// aimAtEach makes a member of every element of the list at node i a target; the elements themselves where member is empty.
func (e *entities) aimAtEach(i int32, member string) {
	for list, c := e.elements(i); c != tape.None; c = e.m.nextElement(list, c) {
		if member != "" {
			e.aimAt(e.m.tape.Member(c, member))
		} else {
			e.aimAt(c)
		}
	}
}

// sort appends the strings of s to dst in the order of Java, which compares UTF-16 units.
func (e *entities) sort(dst []string, s *uniqueSet) []string {
	from := len(dst)
	if len(s.list) == 0 {
		return dst
	}
	dst = append(dst, s.list...)
	sorted := dst[from:]
	if len(sorted) > smallSet {
		slices.SortFunc(sorted, compareUTF16)
		return dst
	}
	// Most sets have two to eight strings, and so need no function to call for each comparison.
	for i := 1; i < len(sorted); i++ {
		s, at := sorted[i], i
		for at > 0 && compareUTF16(sorted[at-1], s) > 0 {
			sorted[at] = sorted[at-1]
			at--
		}
		sorted[at] = s
	}
	return dst
}

// compareUTF16 differs from the order of bytes only where characters beyond the basic plane meet those near its end. Names
// of one account have thirty bytes and more in common, so it looks for the first difference in words.
func compareUTF16(a, b string) int {
	n := min(len(a), len(b))
	i := 0
	x, y := bytesOf(a), bytesOf(b)
	for ; i+8 <= n; i += 8 {
		if differ := binary.LittleEndian.Uint64(x[i:]) ^ binary.LittleEndian.Uint64(y[i:]); differ != 0 {
			i += bits.TrailingZeros64(differ) >> 3
			break
		}
	}
	for ; i < n; i++ {
		if a[i] == b[i] {
			continue
		}
		if a[i] >= 0xee && b[i] >= 0xee {
			// A difference within four-byte or high three-byte sequences: decide by units.
			return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
		}
		return int(a[i]) - int(b[i])
	}
	return len(a) - len(b)
}
