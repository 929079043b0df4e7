package cloudtrail

import "github.com/trailbeat/trailbeat/pipeline/internal/tape"

// members are the top-level members of a record, as nodes; tape.None for what is missing or pruned.
type members struct {
	eventVersion, eventName, eventSource, eventCategory, eventType, eventID int32
	awsRegion, sourceIPAddress, userAgent                                   int32
	errorCode, errorMessage                                                 int32
	requestParameters, responseElements                                     int32
	additionalEventData, serviceEventDetails                                int32
	requestID, apiVersion, managementEvent, readOnly                        int32
	resources, recipientAccountID, sharedEventID, sharedEventIDOld          int32
	vpcEndpointID, vpcEndpointAccountID, addendum                           int32
	sessionCredentialFromConsole, tlsDetails, insightDetails                int32
	sourceIdentity                                                          int32

	// eventTime is there even where it is pruned: what is empty cannot be parsed, and that is said.
	eventTime int32

	identity identityMembers
	request  requestMembers
	response responseMembers
	tls      tlsMembers
	digest   digestMembers

	// movedUserName is the member of additionalEventData that became user.name, if it did.
	movedUserName int32

	unused int32 // for what is not asked for
}

// identityMembers are the members of userIdentity and what they hold.
type identityMembers struct {
	node                                       int32
	kind, arn, accountID, accessKeyID          int32
	principalID, userName, invokedBy           int32
	credentialID, identityProvider             int32
	delegateAccountID                          int32
	session, mfa, created                      int32
	issuerType, issuerPrincipalID, issuerARN   int32
	issuerAccountID, issuerUserName            int32
	ec2RoleDelivery, sourceIdentity, signInARN int32
	assumedRoot                                int32
	federatedProvider, federatedAttributes     int32
	onBehalfOf                                 int32
	onBehalfOfUserID, identityStoreARN         int32
	scopeIssuerType, scopeIssuedTo, scopeARN   int32
	scopeAccount                               int32
}

// tlsMembers are those of tlsDetails.
type tlsMembers struct {
	version, cipher, server, keyExchange int32
}

// digestMembers are the members that make a record a digest.
type digestMembers struct {
	any                                                bool
	accountID, startTime, endTime, bucket, object      int32
	fingerprint, fingerprintOld, algorithm             int32
	newest, oldest                                     int32
	previousBucket, previousObject, previousHash       int32
	previousHashAlgorithm, previousSignature, logFiles int32
}

// level is an object that members are looked for in.
type level uint8

const (
	nowhere level = iota
	inRecord
	inIdentity
	inDelegate
	inScope
	inSession
	inAttributes
	inIssuer
	inFederation
	inOnBehalfOf
	inTLS
	inRequest
	inResponse
	// From here on they are levels of inParameters.
	inRequestInstances
	inRequestGroups
	inRequestRevokedRules
	inResponseUser
	inResponseGroup
	inResponseInstances
	inResponseGroups
	inResponseRules
	inResponseVPC
	inResponseAccessKey
	inResponseRole
	inResponseKeyMetadata
	inResponseVPCConfig
	inResponseSubnetGroup
	inResponseSecurityGroups
	inResponseAssumedRole
)

// slot is where the node of a member goes: its address in members. What it holds is looked for, too, where within is not
// nowhere.
type slot struct {
	at     *int32
	within level
}

// slots remembers the slot of each key that the tape knows by number, so that keys are compared with those below only once.
// With the searches below userIdentity that it replaced, that takes a seventh off the mapping to fields.
type slots struct {
	byNumber   []slot
	generation int

	identities [tape.RepeatPlaces]knownIdentity
	who        *knownIdentity // the identity at hand, nil where nothing is noted of it
	noting     *knownIdentity // while its members are noted
}

// read finds the members of the record in one walk over it.
func (r *members) read(t *tape.Tape, known *slots, root int32) {
	*r = members{}
	known.who = nil
	if !t.Is(root, tape.Object) {
		return
	}
	if known.generation != t.Generation() {
		known.generation = t.Generation()
		clear(known.byNumber)
	}
	r.object(t, known, root, inRecord)
	r.digest.any = r.digest != digestMembers{}
}

func (r *members) object(t *tape.Tape, known *slots, object int32, in level) {
	end := t.End(object)
	for i := object + 1; i < end; {
		number, remembered, kind, pruned, next := t.Look(i)
		var p slot
		if remembered && number < len(known.byNumber) {
			p = known.byNumber[number]
		}
		if p.at == nil {
			p = known.learn(r, t, i, in)
		}
		if !pruned || p.at == &r.eventTime {
			*p.at = i
			if known.noting != nil {
				known.noting.members = append(known.noting.members, knownMember{p.at, i})
			}
			if p.within == inIdentity && kind == tape.Object && !pruned {
				r.identityObject(t, known, i)
			} else if p.within != nowhere && kind == tape.Object && !pruned {
				r.object(t, known, i, p.within)
			}
		}
		i = next
	}
}

// learn finds the slot of member i, and remembers it if the tape remembers the key.
func (k *slots) learn(r *members, t *tape.Tape, i int32, in level) slot {
	p := r.slot(in, t.Key(i))
	if n, ok := t.Number(i); ok {
		if n >= len(k.byNumber) {
			k.byNumber = append(k.byNumber, make([]slot, n+1-len(k.byNumber))...)
		}
		k.byNumber[n] = p
	}
	return p
}

func (r *members) slot(in level, key string) slot {
	switch in {
	case inRecord:
		return r.inRecord(key)
	case inIdentity:
		return r.identity.inIdentity(key, &r.unused)
	case inTLS:
		return r.inTLS(key)
	case inRequest:
		return r.inRequest(key)
	case inResponse:
		return r.inResponse(key)
	}
	if in >= inRequestInstances {
		return r.inParameters(in, key)
	}
	return r.identity.deeper(in, key, &r.unused)
}

func (r *members) inRecord(key string) slot {
	switch key {
	case "eventTime":
		return slot{at: &r.eventTime}
	case "userIdentity":
		return slot{&r.identity.node, inIdentity}
	case "tlsDetails":
		return slot{&r.tlsDetails, inTLS}
	case "eventVersion":
		return slot{at: &r.eventVersion}
	case "eventSource":
		return slot{at: &r.eventSource}
	case "eventName":
		return slot{at: &r.eventName}
	case "awsRegion":
		return slot{at: &r.awsRegion}
	case "sourceIPAddress":
		return slot{at: &r.sourceIPAddress}
	case "userAgent":
		return slot{at: &r.userAgent}
	case "errorCode":
		return slot{at: &r.errorCode}
	case "errorMessage":
		return slot{at: &r.errorMessage}
	case "requestParameters":
		return slot{&r.requestParameters, inRequest}
	case "responseElements":
		return slot{&r.responseElements, inResponse}
	case "additionalEventData":
		return slot{at: &r.additionalEventData}
	case "serviceEventDetails":
		return slot{at: &r.serviceEventDetails}
	case "requestID":
		return slot{at: &r.requestID}
	case "eventID":
		return slot{at: &r.eventID}
	case "readOnly":
		return slot{at: &r.readOnly}
	case "resources":
		return slot{at: &r.resources}
	case "eventType":
		return slot{at: &r.eventType}
	case "apiVersion":
		return slot{at: &r.apiVersion}
	case "managementEvent":
		return slot{at: &r.managementEvent}
	case "recipientAccountId":
		return slot{at: &r.recipientAccountID}
	case "sharedEventID":
		return slot{at: &r.sharedEventID}
	case "sharedEventId":
		return slot{at: &r.sharedEventIDOld}
	case "vpcEndpointId":
		return slot{at: &r.vpcEndpointID}
	case "vpcEndpointAccountId":
		return slot{at: &r.vpcEndpointAccountID}
	case "eventCategory":
		return slot{at: &r.eventCategory}
	case "addendum":
		return slot{at: &r.addendum}
	case "sessionCredentialFromConsole":
		return slot{at: &r.sessionCredentialFromConsole}
	case "insightDetails":
		return slot{at: &r.insightDetails}
	case "sourceIdentity":
		return slot{at: &r.sourceIdentity}
	}
	if at := r.digest.member(key); at != nil {
		return slot{at: at}
	}
	return slot{at: &r.unused}
}

func (r *members) inTLS(key string) slot {
	switch key {
	case "tlsVersion":
		return slot{at: &r.tls.version}
	case "cipherSuite":
		return slot{at: &r.tls.cipher}
	case "clientProvidedHostHeader":
		return slot{at: &r.tls.server}
	case "keyExchange":
		return slot{at: &r.tls.keyExchange}
	}
	return slot{at: &r.unused}
}

// member is where a member of a digest goes, nil for all others.
func (r *digestMembers) member(key string) *int32 {
	switch key {
	case "awsAccountId":
		return &r.accountID
	case "digestStartTime":
		return &r.startTime
	case "digestEndTime":
		return &r.endTime
	case "digestS3Bucket":
		return &r.bucket
	case "digestS3Object":
		return &r.object
	case "digestPublicKeyFingerprint":
		return &r.fingerprint
	case "publicKeyFingerprint":
		return &r.fingerprintOld
	case "digestSignatureAlgorithm":
		return &r.algorithm
	case "newestEventTime":
		return &r.newest
	case "oldestEventTime":
		return &r.oldest
	case "previousDigestS3Bucket":
		return &r.previousBucket
	case "previousDigestS3Object":
		return &r.previousObject
	case "previousDigestHashValue":
		return &r.previousHash
	case "previousDigestHashAlgorithm":
		return &r.previousHashAlgorithm
	case "previousDigestSignature":
		return &r.previousSignature
	case "logFiles":
		return &r.logFiles
	}
	return nil
}
