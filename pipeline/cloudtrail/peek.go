package cloudtrail

import (
	"math/bits"
	"strings"
	"unicode/utf8"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline/internal/skim"
)

// The members that a Peeker can read, as bits.
const (
	peekEventName uint64 = 1 << iota
	peekEventSource
	peekEventID
	peekEventCategory
	peekEventType
	peekEventVersion
	peekErrorCode
	peekErrorMessage
	peekAPIVersion
	peekRequestID
	peekRecipient
	peekReadOnly
	peekManagement
	peekRegion
	peekSourceIP
	peekUserAgent // only whether it ends the mapping
	peekDigestAccount
	peekType // from here on members of userIdentity
	peekARN
	peekAccount
	peekAccessKey
	peekPrincipal
	peekUserName
	peekInvokedBy
	peekIssuerType
	peekIssuerPrincipal
	peekIssuerARN
	peekIssuerAccount
	peekIssuerUserName

	peekMembers  = 29
	peekIdentity = peekIssuerUserName<<1 - peekType
	peekService  = peekType | peekInvokedBy | peekIssuerARN // what serviceActor looks at
)

const identityPrefix = "aws.cloudtrail.user_identity."

// peekFields are the fields that a Peeker knows, each with the members that it depends on. Those without members are set before the
// mapping, which leaves them alone. Fields that the mapping sets behind the user agent depend on that.
var peekFields = map[string]uint64{
	"event.action":                        peekEventName,
	"event.provider":                      peekEventSource,
	"event.id":                            peekEventID | peekUserAgent,
	"cloud.region":                        peekRegion,
	"cloud.account.id":                    peekAccount | peekRecipient | peekDigestAccount | peekUserAgent,
	"source.address":                      peekSourceIP,
	"source.ip":                           peekSourceIP,
	"user.id":                             peekPrincipal | peekService,
	"user.name":                           peekUserName | peekIssuerUserName | peekEventName | peekService,
	"aws.cloudtrail.event_category":       peekEventCategory,
	"aws.cloudtrail.event_type":           peekEventType | peekUserAgent,
	"aws.cloudtrail.event_version":        peekEventVersion,
	"aws.cloudtrail.error_code":           peekErrorCode | peekUserAgent,
	"aws.cloudtrail.error_message":        peekErrorMessage | peekUserAgent,
	"aws.cloudtrail.api_version":          peekAPIVersion | peekUserAgent,
	"aws.cloudtrail.request_id":           peekRequestID | peekUserAgent,
	"aws.cloudtrail.recipient_account_id": peekRecipient | peekUserAgent,
	"aws.cloudtrail.read_only":            peekReadOnly | peekUserAgent,
	"aws.cloudtrail.management_event":     peekManagement | peekUserAgent,
	identityPrefix + "type":               peekType,
	identityPrefix + "arn":                peekARN,
	identityPrefix + "access_key_id":      peekAccessKey,
	identityPrefix + "invoked_by":         peekInvokedBy,
	identityPrefix + "session_context.session_issuer.type":         peekIssuerType,
	identityPrefix + "session_context.session_issuer.arn":          peekIssuerARN,
	identityPrefix + "session_context.session_issuer.account_id":   peekIssuerAccount,
	identityPrefix + "session_context.session_issuer.principal_id": peekIssuerPrincipal,

	"input.type": 0, "log.file.path": 0, "agent.id": 0, "agent.name": 0, "data_stream.dataset": 0, "data_stream.namespace": 0,
	"aws.s3.bucket.name": 0, "aws.s3.bucket.arn": 0, "aws.s3.object.key": 0, "aws.cloudwatch.log_group": 0, "aws.cloudwatch.log_stream": 0,
}

// CanPeek reports whether the field comes straight from a member of the record, so that a Peeker knows it.
func CanPeek(field string) bool {
	_, ok := peekFields[field]
	return ok
}

// Peeker reads some fields of a record without mapping it, for rules that may make the mapping needless. It is reused and
// belongs to one goroutine.
type Peeker struct {
	need   uint64
	scan   skim.Scanner
	got    uint64 // the members that were seen, with a value or without one
	values [peekMembers]string
	behalf bool // the caller acted on behalf of somebody
	saved  []saved
}

// saved is what stood in a field before.
type saved struct {
	field *string
	text  string
}

// NewPeeker makes a Peeker for these fields, of which CanPeek says yes to every one.
func NewPeeker(fields []string) *Peeker {
	k := new(Peeker)
	for _, f := range fields {
		k.need |= peekFields[f]
	}
	return k
}

// Peek asks find about an event that has the fields of the Peeker as the mapping of raw would set them. What it answers is
// given back, nil for no. It is nil as well where only the mapping can tell: the record is no valid JSON, or something about
// it is unusual. ev is as it was then, and of no use otherwise.
func Peek[T any](k *Peeker, raw []byte, ev *ecs.Event, find func(*ecs.Event) *T) *T {
	k.got, k.behalf = 0, false
	clear(k.values[:])
	k.scan.Reset(raw)
	o := k.scan.Start()
	var found *T
	asked := uint64(0) // what was known when find was asked
	for {
		name, ok := k.scan.Next(&o)
		if !ok {
			break
		}
		if o.At = k.member(name, o.At); o.At < 0 {
			return nil
		}
		// Most records meet no rule, and these need not be read to the end. awsAccountId is hardly ever there.
		if found == nil && asked == 0 && k.need&^peekDigestAccount&^k.got == 0 {
			if asked, found = k.got, ask(k, ev, find); found == nil {
				return nil
			}
		}
	}
	if o.Bad || !k.scan.Ended(o.At) || !utf8.Valid(raw) {
		return nil
	}
	if asked == 0 || asked != k.got {
		found = ask(k, ev, find)
	}
	return found
}

// member reads the member name, whose value is at p, and gives where that ends; -1 where only the mapping can tell.
func (k *Peeker) member(name string, p int) int {
	var bit uint64
	switch name {
	case "eventName":
		bit = peekEventName
	case "eventSource":
		bit = peekEventSource
	case "eventID":
		bit = peekEventID
	case "eventCategory":
		bit = peekEventCategory
	case "eventType":
		bit = peekEventType
	case "eventVersion":
		bit = peekEventVersion
	case "errorCode":
		bit = peekErrorCode
	case "errorMessage":
		bit = peekErrorMessage
	case "apiVersion":
		bit = peekAPIVersion
	case "requestID":
		bit = peekRequestID
	case "recipientAccountId":
		bit = peekRecipient
	case "readOnly":
		bit = peekReadOnly
	case "managementEvent":
		bit = peekManagement
	case "awsRegion":
		bit = peekRegion
	case "sourceIPAddress":
		bit = peekSourceIP
	case "userAgent":
		bit = peekUserAgent
	case "awsAccountId":
		bit = peekDigestAccount
	case "userIdentity":
		return k.identity(p)
	}
	if k.need&bit == 0 {
		return k.scan.Skip(p)
	}
	if bit == peekUserAgent {
		// Anything but text ends the mapping, and then fields are missing.
		if c := k.scan.First(p); c != '"' && c != 'n' {
			return -1
		}
		k.got |= bit
		return k.scan.Skip(p)
	}
	return k.value(bit, p)
}

// value keeps the text at p.
func (k *Peeker) value(bit uint64, p int) int {
	k.got |= bit
	i := index(bit)
	switch c := k.scan.First(p); c {
	case 'n':
		return k.scan.Skip(p)
	case 't', 'f':
		if bit&(peekReadOnly|peekManagement) == 0 {
			return -1
		}
		k.values[i] = "false"
		if c == 't' {
			k.values[i] = "true"
		}
		return k.scan.Skip(p)
	}
	text, end, ok := k.scan.Text(p)
	if !ok || bit == peekReadOnly {
		return -1
	}
	if text != "-" && text != "none" {
		k.values[i] = text
	}
	return end
}

func index(bit uint64) int { return bits.TrailingZeros64(bit) }

func (k *Peeker) text(bit uint64) string { return k.values[index(bit)%peekMembers] }

func (k *Peeker) identity(p int) int {
	if k.need&peekIdentity == 0 {
		return k.scan.Skip(p)
	}
	k.got |= peekIdentity
	switch k.scan.First(p) {
	case 'n':
		return k.scan.Skip(p)
	case '{':
	default:
		return -1
	}
	return k.object(p, func(name string, p int) int {
		switch name {
		case "type":
			return k.wanted(peekType, p)
		case "arn":
			return k.wanted(peekARN, p)
		case "accountId":
			return k.wanted(peekAccount, p)
		case "accessKeyId":
			return k.wanted(peekAccessKey, p)
		case "principalId":
			return k.wanted(peekPrincipal, p)
		case "userName":
			return k.wanted(peekUserName, p)
		case "invokedBy":
			return k.wanted(peekInvokedBy, p)
		case "onBehalfOf":
			k.behalf = true
		case "sessionContext":
			if k.need&(peekIssuerType|peekIssuerPrincipal|peekIssuerARN|peekIssuerAccount|peekIssuerUserName) != 0 && k.scan.First(p) == '{' {
				return k.object(p, k.session)
			}
		}
		return k.scan.Skip(p)
	})
}

func (k *Peeker) session(name string, p int) int {
	if name != "sessionIssuer" || k.scan.First(p) != '{' {
		return k.scan.Skip(p)
	}
	return k.object(p, func(name string, p int) int {
		switch name {
		case "type":
			return k.wanted(peekIssuerType, p)
		case "principalId":
			return k.wanted(peekIssuerPrincipal, p)
		case "arn":
			return k.wanted(peekIssuerARN, p)
		case "accountId":
			return k.wanted(peekIssuerAccount, p)
		case "userName":
			return k.wanted(peekIssuerUserName, p)
		}
		return k.scan.Skip(p)
	})
}

// object hands the members of the object at p to read, and gives where the object ends.
func (k *Peeker) object(p int, read func(name string, p int) int) int {
	o := k.scan.Open(p)
	for {
		name, ok := k.scan.Next(&o)
		if !ok {
			break
		}
		o.At = read(name, o.At)
	}
	if o.Bad {
		return -1
	}
	return o.At
}

func (k *Peeker) wanted(bit uint64, p int) int {
	if k.need&bit == 0 {
		return k.scan.Skip(p)
	}
	return k.value(bit, p)
}

// ask sets the fields, asks, and takes them back where the answer is no.
func ask[T any](k *Peeker, ev *ecs.Event, find func(*ecs.Event) *T) *T {
	k.saved = k.saved[:0]
	readOnly := ev.AWS.CloudTrail.ReadOnly
	if !k.apply(ev) {
		return nil
	}
	found := find(ev)
	for i := len(k.saved) - 1; i >= 0; i-- {
		*k.saved[i].field = k.saved[i].text
	}
	ev.AWS.CloudTrail.ReadOnly = readOnly
	return found
}

func (k *Peeker) set(field *string, text string) {
	if text != "" {
		k.saved = append(k.saved, saved{field, *field})
		*field = text
	}
}

// apply sets the fields as the mapping does. It reports false, with nothing set, where that takes more than a look.
func (k *Peeker) apply(ev *ecs.Event) bool {
	user := k.need&(peekPrincipal|peekUserName) != 0
	service := false
	if user {
		switch k.text(peekType) {
		case "AWSService":
			service = k.text(peekInvokedBy) != ""
		case "AssumedRole":
			if strings.Contains(k.text(peekIssuerARN), serviceRoleMarker) {
				return false
			}
		case "IdentityCenterUser":
			if k.behalf {
				return false
			}
		}
		if k.text(peekEventName) == "UserAuthentication" {
			return false
		}
	}
	ct := &ev.AWS.CloudTrail
	k.set(&ev.Event.Action, k.text(peekEventName))
	if ev.Event.Provider == "" {
		k.set(&ev.Event.Provider, k.text(peekEventSource))
	}
	if ev.Event.ID == "" {
		k.set(&ev.Event.ID, k.text(peekEventID))
	}
	k.set(&ev.Cloud.Region, k.text(peekRegion))
	for _, bit := range [...]uint64{peekAccount, peekRecipient, peekDigestAccount} {
		if ev.Cloud.Account.ID == "" {
			k.set(&ev.Cloud.Account.ID, k.text(bit))
		}
	}
	if ev.Source.Address == "" {
		k.set(&ev.Source.Address, k.text(peekSourceIP))
	}
	if k.need&peekSourceIP != 0 && isIP(ev.Source.Address) {
		k.set(&ev.Source.IP, ev.Source.Address)
	}
	k.set(&ct.EventCategory, k.text(peekEventCategory))
	k.set(&ct.EventType, k.text(peekEventType))
	k.set(&ct.EventVersion, k.text(peekEventVersion))
	k.set(&ct.ErrorCode, k.text(peekErrorCode))
	k.set(&ct.ErrorMessage, k.text(peekErrorMessage))
	k.set(&ct.APIVersion, k.text(peekAPIVersion))
	k.set(&ct.RequestID, k.text(peekRequestID))
	k.set(&ct.RecipientAccountID, k.text(peekRecipient))
	k.set(&ct.ManagementEvent, k.text(peekManagement))
	if text := k.text(peekReadOnly); text != "" {
		ct.ReadOnly = ecs.BoolOf(text == "true")
	}
	ui := &ct.UserIdentity
	k.set(&ui.Type, k.text(peekType))
	k.set(&ui.ARN, k.text(peekARN))
	k.set(&ui.AccessKeyID, k.text(peekAccessKey))
	k.set(&ui.InvokedBy, k.text(peekInvokedBy))
	issuer := &ui.SessionContext.SessionIssuer
	k.set(&issuer.Type, k.text(peekIssuerType))
	k.set(&issuer.ARN, k.text(peekIssuerARN))
	k.set(&issuer.AccountID, k.text(peekIssuerAccount))
	k.set(&issuer.PrincipalID, k.text(peekIssuerPrincipal))
	if user && !service {
		k.set(&ev.User.ID, k.text(peekPrincipal))
		k.set(&ev.User.Name, k.text(peekUserName))
		if kind := k.text(peekType); kind == "AssumedRole" || kind == "FederatedUser" {
			k.set(&ev.User.Name, k.text(peekIssuerUserName))
		}
	}
	return true
}
