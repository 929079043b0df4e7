package cloudtrail

import (
	"fmt"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline/internal/tape"
)

// Retain says which copies of the four parameter objects a document keeps.
type Retain string

// The values of the option retain.
const (
	RetainAll       Retain = "all"       // string forms and flattened copies
	RetainKeyword   Retain = "keyword"   // string forms only
	RetainFlattened Retain = "flattened" // flattened copies only
	RetainMinimal   Retain = "minimal"   // string forms, and of the flattened copies what detection rules ask for
	RetainNone      Retain = "none"      // neither
)

// Validate reports whether r is one of the values. Empty stands for all.
func (r Retain) Validate() error {
	switch r {
	case "", RetainAll, RetainKeyword, RetainFlattened, RetainMinimal, RetainNone:
		return nil
	}
	return fmt.Errorf("must be one of all, keyword, flattened, minimal, none, is %q", string(r))
}

func (r Retain) text() bool { return r != RetainFlattened && r != RetainNone }

func (r Retain) flattened() bool { return r != RetainKeyword && r != RetainNone }

// maxFlattened is how long a string form may be, in UTF-16 units, for its flattened copy to be kept: a leaf of more bytes
// makes the index refuse the document.
const maxFlattened = 32766

// minimalRequest are the members of the request that retain: minimal keeps. Of additionalEventData it keeps SSEApplied.
var minimalRequest = [...]string{
	"cidrIp", "dryRun", "fromPort", "includeDeprecated", "policyArn", "serialNumber", "withDecryption",
	"x-amz-server-side-encryption-customer-algorithm",
}

// parameters writes the string forms of the four parameter objects and their flattened copies.
func (m *Mapper) parameters() {
	ct := &m.ev.AWS.CloudTrail
	flat := &ct.Flattened
	m.parameter(&ct.RequestParameters, &flat.RequestParameters, m.rec.requestParameters, tape.None, minimalRequest[:])
	m.parameter(&ct.ResponseElements, &flat.ResponseElements, m.rec.responseElements, tape.None, nil)
	m.parameter(&ct.AdditionalEventData, &flat.AdditionalEventData, m.rec.additionalEventData, m.rec.movedUserName, []string{"SSEApplied"})
	m.parameter(&ct.ServiceEventDetails, &flat.ServiceEventDetails, m.rec.serviceEventDetails, tape.None, nil)
}

// parameter does so for the object at node i, without its member skip.
func (m *Mapper) parameter(text *string, flat *ecs.RawJSON, i, skip int32, minimal []string) {
	if i == tape.None {
		return
	}
	java := m.tape.AppendJava(m.arena.Buffer(), i, skip)
	fits := tape.UnitsBelow(java, maxFlattened)
	if m.retain.text() {
		*text = m.arena.Keep(java)
	}
	if !fits || !m.retain.flattened() {
		return
	}
	if m.retain == RetainMinimal {
		*flat = m.minimal(i, minimal)
		return
	}
	if raw := m.json(i, skip); string(raw) != "{}" {
		*flat = raw
	}
}

// minimal is the object at node i with only the members that are named. Nothing where it has none of them.
func (m *Mapper) minimal(i int32, names []string) ecs.RawJSON {
	b := append(m.scratch[:0], '{')
	for _, name := range names {
		member := m.tape.Member(i, name)
		if member == tape.None {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = m.tape.AppendKey(b, member)
		b = append(b, ':')
		b = m.tape.AppendJSON(b, member, tape.None)
	}
	m.scratch = append(b, '}')
	if len(m.scratch) == 2 {
		return nil
	}
	return bytesOf(m.arena.Copy(m.scratch))
}
