package cloudtrail

import (
	"slices"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline/internal/tape"
)

// ECSVersion is what ecs.version says.
const ECSVersion = "8.11.0"

// Tags that the mapping looks at or sets.
const (
	// TagActorTargetMapping switches the entity fields on.
	TagActorTargetMapping = "actor_target_mapping"
	// TagPreserveOriginalEvent keeps event.original; the mapping sets it on every failure.
	TagPreserveOriginalEvent = "preserve_original_event"
)

// Hooks are the enrichments that have their place in the middle of the mapping. A nil hook does nothing.
type Hooks struct {
	// Source is called once source.ip is set.
	Source func(ev *ecs.Event)
	// UserAgent is called once user_agent.original is set.
	UserAgent func(ev *ecs.Event)
}

// Mapper maps records one after the other.
type Mapper struct {
	retain Retain
	hooks  Hooks

	tape                       tape.Tape
	rec                        members
	slots                      slots
	ev                         *ecs.Event
	arena                      *ecs.Arena
	eventID, recipient, region string // what Identity gives
	// accountSet says that cloud.account.id has its value, which need not be text.
	accountSet bool
	scratch    []byte
	digestBuf  []byte
	seen       uniqueSet
	callName   string // the last name that calls was asked for, with what is known of it
	known      *call
	ent        entities
	res        resourceList
}

// NewMapper makes a mapper.
func NewMapper(retain Retain, hooks Hooks) *Mapper {
	m := &Mapper{retain: retain, hooks: hooks}
	m.tape.Repeat("userIdentity", "tlsDetails")
	return m
}

// Map turns raw into a document in ev. ev holds what the input knows already: @timestamp (the time of reading, which
// becomes event.created), tags, and what the shipper adds. The document may point into raw for as long as it lives.
//
// Map never fails: what cannot be mapped becomes a document of kind pipeline_error that says why in error.message.
func (m *Mapper) Map(raw []byte, ev *ecs.Event) {
	m.ev, m.arena = ev, ev.Arena()
	err := m.tape.Parse(raw)
	ev.Event.Original = view(m.tape.Source())
	ev.Event.Created = ev.Timestamp
	m.accountSet = ev.Cloud.Account.ID != ""
	m.eventID, m.recipient, m.region = "", "", ""
	m.run(err)
	if len(ev.Error.Message) > 0 {
		ev.Event.Kind = "pipeline_error"
		if !slices.Contains(ev.Tags, TagPreserveOriginalEvent) {
			ev.Tags = append(ev.Tags, TagPreserveOriginalEvent)
		}
	}
	if m.slots.who != nil {
		m.slots.who.noting = false
	}
	m.ev, m.arena, m.callName, m.known = nil, nil, "", nil
}

// run takes the steps in the order of the cluster's pipeline, as later ones see what earlier ones set. Some
// failures end the mapping at their step. unreadable is what the parser says of the record.
func (m *Mapper) run(unreadable error) {
	ev := m.ev
	if unreadable != nil {
		m.fail("json", tagJSON, unreadable.Error())
		return
	}
	ev.ECS.Version = ECSVersion
	root := m.tape.Root()
	if root != tape.None && m.tape.Kind(root) != tape.Object && m.tape.Kind(root) != tape.Null {
		m.fail("date", tagEventTime, "the event is a JSON value of another type than object")
		return
	}
	m.rec.read(&m.tape, &m.slots, root)
	m.eventID, _ = m.text(m.rec.eventID)
	m.recipient, _ = m.text(m.rec.recipientAccountID)
	m.region, _ = m.text(m.rec.awsRegion)
	m.eventTime()
	m.pruneInput()
	if m.rec.eventName != tape.None && slices.Contains(ev.Tags, TagActorTargetMapping) {
		m.entities()
	}
	ct := &ev.AWS.CloudTrail
	m.set(&ct.EventVersion, "aws.cloudtrail.event_version", m.rec.eventVersion)
	m.identity()
	m.eventSource()
	ev.Cloud.Provider = "aws"
	m.set(&ev.Cloud.Region, "cloud.region", m.rec.awsRegion)
	m.source()
	if !m.userAgent() {
		return
	}
	m.set(&ct.ErrorCode, "aws.cloudtrail.error_code", m.rec.errorCode)
	m.set(&ct.ErrorMessage, "aws.cloudtrail.error_message", m.rec.errorMessage)
	m.parameters()
	m.call()
	m.resources()
	m.account()
	m.relatedFromParameters()
	m.consoleLogin()
	m.categorize()
	m.digest()
	m.groupAndTarget()
	m.insight()
	m.tls()
	m.related()
}

// eventSource is where the call went and what it was.
func (m *Mapper) eventSource() {
	ev := m.ev
	if s, ok := m.text(m.rec.eventSource); ok && ev.Cloud.Service.Name == "" && hasAmazonSuffix(s) {
		ev.Cloud.Service.Name = beforeAmazon(s)
	}
	if ev.Event.Provider == "" {
		m.set(&ev.Event.Provider, "event.provider", m.rec.eventSource)
	}
	m.set(&ev.Event.Action, "event.action", m.rec.eventName)
	m.set(&ev.AWS.CloudTrail.EventCategory, "aws.cloudtrail.event_category", m.rec.eventCategory)
	if ev.Event.Action == "UserAuthentication" && !m.has("user.name", ev.User.Name) {
		// The name is moved, not copied: the string form and the flattened copy lack it.
		if i := m.tape.Member(m.rec.additionalEventData, "UserName"); i != tape.None {
			m.set(&ev.User.Name, "user.name", i)
			m.rec.movedUserName = i
		}
	}
}

// source is where the call came from.
func (m *Mapper) source() {
	ev := m.ev
	if ev.Source.Address == "" {
		m.set(&ev.Source.Address, "source.address", m.rec.sourceIPAddress)
	}
	if isIP(ev.Source.Address) {
		ev.Source.IP = ev.Source.Address
		if m.hooks.Source != nil {
			m.hooks.Source(ev)
		}
	}
}

// userAgent reports false where the mapping ends: the cluster's parser takes nothing but text.
func (m *Mapper) userAgent() bool {
	i := m.rec.userAgent
	if i == tape.None {
		return true
	}
	if m.tape.Kind(i) != tape.String {
		m.fail("user_agent", tagUserAgent, "field [json.userAgent] of type ["+m.javaType(i)+"] cannot be cast to [java.lang.String]")
		return false
	}
	m.set(&m.ev.UserAgent.Original, "user_agent.original", i)
	if m.hooks.UserAgent != nil {
		m.hooks.UserAgent(m.ev)
	}
	return true
}

// call is what identifies the call.
func (m *Mapper) call() {
	ev, ct := m.ev, &m.ev.AWS.CloudTrail
	m.set(&ct.RequestID, "aws.cloudtrail.request_id", m.rec.requestID)
	if ev.Event.ID == "" {
		m.set(&ev.Event.ID, "event.id", m.rec.eventID)
	}
	m.set(&ct.EventType, "aws.cloudtrail.event_type", m.rec.eventType)
	m.set(&ct.APIVersion, "aws.cloudtrail.api_version", m.rec.apiVersion)
	if i := m.rec.managementEvent; i != tape.None {
		ct.ManagementEvent = m.javaText(i)
	}
	switch i := m.rec.readOnly; {
	case i == tape.None:
	case m.tape.Kind(i) == tape.True:
		ct.ReadOnly = ecs.True
	case m.tape.Kind(i) == tape.False:
		ct.ReadOnly = ecs.False
	default:
		m.put("aws.cloudtrail.read_only", i)
	}
}

// account is who received the event.
func (m *Mapper) account() {
	ct := &m.ev.AWS.CloudTrail
	m.set(&ct.RecipientAccountID, "aws.cloudtrail.recipient_account_id", m.rec.recipientAccountID)
	m.setAccount(m.rec.recipientAccountID)
	if m.rec.sharedEventID != tape.None {
		m.set(&ct.SharedEventID, "aws.cloudtrail.shared_event_id", m.rec.sharedEventID)
	} else {
		m.set(&ct.SharedEventID, "aws.cloudtrail.shared_event_id", m.rec.sharedEventIDOld)
	}
	m.set(&ct.VPCEndpointID, "aws.cloudtrail.vpc_endpoint_id", m.rec.vpcEndpointID)
	m.set(&ct.VPCEndpointAccountID, "aws.cloudtrail.vpc_endpoint_account_id", m.rec.vpcEndpointAccountID)
	if a := m.rec.addendum; a != tape.None {
		m.set(&ct.Addendum.Reason, "aws.cloudtrail.addendum.reason", m.tape.Member(a, "reason"))
		m.set(&ct.Addendum.UpdatedFields, "aws.cloudtrail.addendum.updated_fields", m.tape.Member(a, "updatedFields"))
		m.set(&ct.Addendum.OriginalRequestID, "aws.cloudtrail.addendum.original_request_id", m.tape.Member(a, "originalRequestID"))
		m.set(&ct.Addendum.OriginalEventID, "aws.cloudtrail.addendum.original_event_id", m.tape.Member(a, "originalEventID"))
	}
}

// Identity is what makes the record that was mapped last one event: its eventID, who received it, and the region. All are
// empty where the record could not be read, and each where it is missing. They live as long as the record's bytes.
func (m *Mapper) Identity() (eventID, recipientAccountID, awsRegion string) {
	return m.eventID, m.recipient, m.region
}
