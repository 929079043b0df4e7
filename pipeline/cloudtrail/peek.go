package cloudtrail

import (
	"math/bits"
	"strings"

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
	peekResources
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

	peekMembers  = len(peekPaths)
	peekIdentity = peekIssuerUserName<<1 - peekType
	peekService  = peekType | peekInvokedBy | peekIssuerARN // what serviceActor looks at
)

const identityPrefix = "aws.cloudtrail.user_identity."

// peekFields are the fields that a Peeker knows, each with the members that it depends on. Those without members are set before the
// mapping, which leaves them alone. Fields that the mapping sets behind the user agent depend on that.
var peekFields = map[string]uint64{
	"event.action":                                         peekEventName,
	"event.provider":                                       peekEventSource,
	"event.id":                                             peekEventID | peekUserAgent,
	"cloud.region":                                         peekRegion,
	"cloud.account.id":                                     peekAccount | peekRecipient | peekDigestAccount | peekUserAgent,
	"source.address":                                       peekSourceIP,
	"source.ip":                                            peekSourceIP,
	"user.id":                                              peekPrincipal | peekService,
	"user.name":                                            peekUserName | peekIssuerUserName | peekEventName | peekService,
	"aws.cloudtrail.event_category":                        peekEventCategory,
	"aws.cloudtrail.event_type":                            peekEventType | peekUserAgent,
	"aws.cloudtrail.event_version":                         peekEventVersion,
	"aws.cloudtrail.error_code":                            peekErrorCode | peekUserAgent,
	"aws.cloudtrail.error_message":                         peekErrorMessage | peekUserAgent,
	"aws.cloudtrail.api_version":                           peekAPIVersion | peekUserAgent,
	"aws.cloudtrail.request_id":                            peekRequestID | peekUserAgent,
	"aws.cloudtrail.recipient_account_id":                  peekRecipient | peekUserAgent,
	"aws.cloudtrail.read_only":                             peekReadOnly | peekUserAgent,
	"aws.cloudtrail.management_event":                      peekManagement | peekUserAgent,
	"aws.cloudtrail.resources.arn":                         peekResources | peekUserAgent,
	"aws.cloudtrail.resources.account_id":                  peekResources | peekUserAgent,
	"aws.cloudtrail.resources.type":                        peekResources | peekUserAgent,
	identityPrefix + "type":                                peekType,
	identityPrefix + "arn":                                 peekARN,
	identityPrefix + "access_key_id":                       peekAccessKey,
	identityPrefix + "invoked_by":                          peekInvokedBy,
	identityPrefix + "session_context.session_issuer.type": peekIssuerType,
	identityPrefix + "session_context.session_issuer.arn":  peekIssuerARN,
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

// peekPaths are the members, in the order of their bits.
var peekPaths = [...]string{
	"eventName", "eventSource", "eventID", "eventCategory", "eventType", "eventVersion", "errorCode", "errorMessage", "apiVersion",
	"requestID", "recipientAccountId", "readOnly", "managementEvent", "awsRegion", "sourceIPAddress", "userAgent", "awsAccountId", "resources",
	"userIdentity.type", "userIdentity.arn", "userIdentity.accountId", "userIdentity.accessKeyId", "userIdentity.principalId",
	"userIdentity.userName", "userIdentity.invokedBy", issuerPath + "type", issuerPath + "principalId", issuerPath + "arn",
	issuerPath + "accountId", issuerPath + "userName",
}

const (
	identityPath = "userIdentity"
	issuerPath   = "userIdentity.sessionContext.sessionIssuer."
	behalfPath   = "userIdentity.onBehalfOf"

	// The numbers of two more values, of which only the kind counts.
	peekIdentityKind = peekMembers
	peekBehalf       = peekMembers + 1
)

// Peeker reads some fields of a record without mapping it, for rules that may make the mapping needless. It is reused and
// belongs to one goroutine.
type Peeker struct {
	need   uint64
	scan   skim.Scanner
	values [peekMembers]string
	behalf bool // the caller acted on behalf of somebody
	saved  []saved
	// resources of the record.
	resources []ecs.AWSCloudTrailResources
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
	for i, path := range peekPaths {
		bit := uint64(1) << i
		if k.need&bit == 0 {
			continue
		}
		k.scan.Want(i, path)
		if bit&peekIdentity == 0 {
			k.scan.Covers(path, bit)
		}
	}
	if k.need&peekIdentity != 0 {
		k.scan.Want(peekIdentityKind, identityPath)
		k.scan.Want(peekBehalf, behalfPath)
		k.scan.Covers(identityPath, peekIdentity)
	}
	return k
}

// Peek asks find about an event that has the fields of the Peeker as the mapping of raw would set them. What it answers is
// given back, nil for no. It is nil as well where only the mapping can tell: the record is no valid JSON, or something about
// it is unusual. ev is as it was then, and of no use otherwise.
func Peek[T any](k *Peeker, raw []byte, ev *ecs.Event, find func(*ecs.Event) *T) *T {
	// Most records meet no rule, and these need not be read to the end. awsAccountId is hardly ever there.
	k.scan.Reset(raw, k.need&^peekDigestAccount)
	var found *T
	asked := uint64(0) // what was known when find was asked
	state := k.scan.Go()
	early := state == skim.Known
	if early {
		if asked, found = k.scan.Seen, ask(k, ev, find); found == nil {
			return nil
		}
		state = k.scan.Go()
	}
	if state != skim.Through {
		return nil
	}
	if !early || asked != k.scan.Seen {
		found = ask(k, ev, find)
	}
	return found
}

// read takes the values over. It reports false where only the mapping can tell.
func (k *Peeker) read() bool {
	seen := k.scan.Seen
	k.resources = k.resources[:0]
	if seen>>peekIdentityKind&1 != 0 {
		if c := k.scan.First(peekIdentityKind); c != 'n' && c != '{' {
			return false
		}
	}
	k.behalf = seen>>peekBehalf&1 != 0
	for left := k.need; left != 0; left &= left - 1 {
		i := bits.TrailingZeros64(left)
		text := ""
		if seen>>i&1 != 0 {
			var ok bool
			if text, ok = k.value(i); !ok {
				return false
			}
		}
		k.values[i%peekMembers] = text
	}
	return true
}

// value is the text of a value that was seen.
func (k *Peeker) value(i int) (text string, ok bool) {
	bit, c := uint64(1)<<i, k.scan.First(i)
	switch {
	case c == 'n':
		return "", true
	case bit == peekResources:
		return "", c == '[' && k.readResources(k.scan.From(i))
	case bit == peekUserAgent: // anything but text ends the mapping, and then fields are missing
		return "", c == '"'
	case c == 't' || c == 'f':
		if c == 't' {
			return "true", bit&(peekReadOnly|peekManagement) != 0
		}
		return "false", bit&(peekReadOnly|peekManagement) != 0
	}
	text, ok = k.scan.Text(i)
	if text == "-" || text == "none" {
		text = ""
	}
	return text, ok && bit != peekReadOnly
}

func (k *Peeker) text(bit uint64) string { return k.values[bits.TrailingZeros64(bit)%peekMembers] }

// ask sets the fields, asks, and takes them back where the answer is no.
func ask[T any](k *Peeker, ev *ecs.Event, find func(*ecs.Event) *T) *T {
	k.saved = k.saved[:0]
	readOnly, resources := ev.AWS.CloudTrail.ReadOnly, ev.AWS.CloudTrail.Resources
	if !k.read() || !k.apply(ev) {
		return nil
	}
	found := find(ev)
	for i := len(k.saved) - 1; i >= 0; i-- {
		*k.saved[i].field = k.saved[i].text
	}
	ev.AWS.CloudTrail.ReadOnly, ev.AWS.CloudTrail.Resources = readOnly, resources
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
	if len(k.resources) > 0 {
		ct.Resources = k.resources
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
